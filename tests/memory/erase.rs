//! Fifty canaries per customer: after an erasure none sings, in no row, no file, no backup, and none comes back.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use axum::http::StatusCode;
use frontdesk::{
    app::App,
    backup, erasure,
    platform::{Clock, crypto},
};
use serde_json::{Value, json};

use crate::{
    customer, each, says,
    support::{
        app::{self, KEY, On, Scratch, files_below},
        rows,
        shop::Shop,
    },
};

/// Words that stand nowhere else; of letters, since many digits may happen to be a card's number, which is refused.
fn canaries() -> Vec<String> {
    let letters = || -> String {
        let hex = crypto::sha256_hex(crypto::token().as_bytes());
        hex.chars().take(20).filter_map(|c| char::from_digit(c.to_digit(16)? + 10, 36)).collect()
    };
    (0..50).map(|n| format!("canary{n}x{}", letters())).collect()
}

/// Puts the canaries wherever people and programs put what they know of a customer.
async fn plant(shop: &Shop, name: &str, canaries: &[String]) -> String {
    let mut left = canaries.iter();
    let mut next = || left.next().unwrap().clone();
    let texts: Vec<String> = (0..15)
        .map(|n| match n % 3 {
            0 => format!("My address is 7 {} Street, Flat 3", next()),
            1 => format!("I prefer {}", next()),
            _ => format!("Where is the parcel {}?", next()),
        })
        .collect();
    for text in texts {
        says(shop, name, &text).await;
    }
    let id = customer(shop, name).await;
    let conversation = shop.conversation(name).await["id"].as_str().unwrap().to_owned();
    let must = async |method: &str, path: String, body: Value| {
        let answer = shop.call(method, &path, Some(body)).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.body
    };
    let agent = shop.user(&format!("agent-{}", crypto::token().to_lowercase().replace(['-', '_'], "")), "agent").await;
    for _ in 0..5 {
        let note = json!({"text": format!("called about {}", next())});
        let noted = shop.call_as(&agent, "POST", &format!("/api/conversations/{conversation}/notes"), Some(note)).await;
        assert!(noted.status.is_success(), "{noted:?}");
        let reply = json!({"text": format!("We will send you {} by Friday", next())});
        let path = format!("/api/conversations/{conversation}/messages");
        let sent = shop.call_as(&agent, "POST", &path, Some(reply)).await;
        assert!(sent.status.is_success(), "{sent:?}");
    }
    for _ in 0..5 {
        must("POST", format!("/api/customers/{id}/notes"), json!({"text": next()})).await;
        let contact = json!({"name": next(), "title": "buyer"});
        must("POST", format!("/api/customers/{id}/contacts"), contact).await;
        must("POST", format!("/api/customers/{id}/memories"), json!({"value": next()})).await;
    }
    let change = json!({"remark": next(), "company_name": next(), "custom_fields": {"badge": next()},
        "email": format!("{}@example.com", next()), "wechat_id": next()});
    must("PATCH", format!("/api/customers/{id}"), change).await;
    for _ in 0..5 {
        must("POST", "/api/deals".into(), json!({"customer_id": id, "title": next()})).await;
    }
    assert!(left.next().is_none(), "every canary is planted");
    shop.settle().await;
    id
}

/// The files below `dir` that hold any of `canaries`.
fn singing(dir: &Path, canaries: &[String]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for path in files_below(dir) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        // The search of the standard library is fast in a debug build too, and most files hold none.
        let text = String::from_utf8_lossy(&bytes);
        if text.contains("canary") {
            found.extend(canaries.iter().filter(|c| text.contains(*c)).map(|c| (path.clone(), c.clone())));
        }
    }
    found
}

async fn back_up(app: &App, to: &Path) {
    let snapshot = backup::begin(app).await.unwrap();
    backup::write(app, snapshot, std::fs::File::create(to).unwrap(), false).await.unwrap();
}

fn unpacked(file: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

async fn in_rows(app: &App, canaries: &[String]) -> Vec<String> {
    let all = rows::everything(&app.db).await;
    let mut found = Vec::new();
    for (table, lines) in all {
        for line in lines {
            found.extend(canaries.iter().filter(|c| line.contains(*c)).map(|c| format!("{table}: {c}")));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_outlives_an_erasure() {
    each(|shop| async move {
        let (ours, others) = (canaries(), canaries());
        // An integrator hears of everything, and does not answer: what it was to be told waits.
        let added = shop.call("POST", "/api/webhooks", Some(json!({"url": "http://127.0.0.1:9/hook"}))).await;
        assert!(added.status.is_success(), "{added:?}");
        let id = plant(&shop, "Ana", &ours).await;
        plant(&shop, "Ben", &others).await;
        let place = Scratch::new();
        let before = place.0.join("before.backup");
        back_up(&shop.app, &before).await;
        let found = in_rows(&shop.app, &ours).await;
        assert!(ours.iter().all(|c| found.iter().any(|f| f.ends_with(c.as_str()))), "planted in rows");
        if shop.app.on == On::Sqlite {
            assert!(!singing(&shop.app.dir.0, &ours).is_empty(), "planted on the disk");
        }
        let exported = shop.call("POST", &format!("/api/customers/{id}/export"), None).await;
        let exported = exported.body.to_string();
        let missing: Vec<&String> = ours.iter().filter(|c| !exported.contains(*c)).collect();
        // Private notes are the company's own.
        assert_eq!(missing.len(), 5, "{missing:?}");

        let agent = shop.user("agnes", "agent").await;
        let refused = shop.call_as(&agent, "POST", &format!("/api/customers/{id}/erase"), None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let ordered = shop.call("POST", &format!("/api/customers/{id}/erase"), None).await;
        assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
        shop.settle().await;

        assert_eq!(in_rows(&shop.app, &ours).await, Vec::<String>::new());
        assert_eq!(singing(&shop.app.dir.0, &ours), []);
        let after = place.0.join("after.backup");
        back_up(&shop.app, &after).await;
        let bytes = unpacked(&after);
        let text = String::from_utf8_lossy(&bytes);
        assert!(ours.iter().all(|c| !text.contains(c)), "a fresh backup sings");
        // Nobody else lost anything.
        let kept = in_rows(&shop.app, &others).await;
        assert!(others.iter().all(|c| kept.iter().any(|f| f.ends_with(c.as_str()))), "Ben lost something");

        let path = format!("/api/erasures/{}", ordered.body["id"].as_str().unwrap());
        let receipt = shop.call("GET", &path, None).await.body;
        assert_eq!(receipt["is_genuine"], true, "{receipt}");
        assert_eq!(receipt["receipt"]["customers"], 1, "{receipt}");
        assert_eq!(receipt["receipt"]["deals"], 5, "{receipt}");
        assert!(receipt["receipt"]["messages"].as_i64().unwrap() >= 30, "{receipt}");
        assert!(receipt["receipt"]["raw_events"].as_i64().unwrap() >= 15, "{receipt}");
        assert!(receipt["receipt"]["memories"].as_i64().unwrap() >= 10, "{receipt}");
        assert!(receipt["receipt"]["vectors"].as_i64().unwrap() >= 10, "{receipt}");
        assert!(receipt["receipt"]["webhook_deliveries"].as_i64().unwrap() >= 15, "{receipt}");

        // The older backup brings them back into the rows, and the ledger erases them before anything is served.
        let dir = Scratch::new();
        let config = app::config(shop.app.on, |_| {}).await;
        backup::restore(&config, &dir.0, Some(KEY.into()), &before).await.unwrap();
        std::fs::copy(shop.app.dir.0.join("erasures.jsonl"), dir.0.join("erasures.jsonl")).unwrap();
        let restored = App::open(config, dir.0.clone(), Some(KEY.into()), Clock::fixed(shop.app.now())).await.unwrap();
        assert!(!in_rows(&restored, &ours).await.is_empty(), "the backup held them");
        assert_eq!(erasure::apply(&restored).await.unwrap(), 1);
        assert_eq!(in_rows(&restored, &ours).await, Vec::<String>::new());
        assert_eq!(singing(&dir.0, &ours), []);
        assert_eq!(erasure::apply(&restored).await.unwrap(), 0);
        restored.db.close().await;
    })
    .await;
}
