//! Integrators' servers: told what happens, signed, until they take it, and again when asked.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use frontdesk::platform::crypto::hmac_sha256_hex;
use serde_json::{Value, json};

use crate::{
    desk::WARRANTY,
    support::{
        app::{TestApp, databases},
        serve,
        shop::Shop,
    },
};

#[derive(Default)]
struct Kept {
    /// Delivery, event, whether the signature was good.
    heard: Vec<(String, Value)>,
    secret: String,
    faults: Vec<String>,
    refuse: usize,
}

async fn take(State(kept): State<Arc<Mutex<Kept>>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut kept = kept.lock().unwrap();
    let of = |name: &str| headers[name].to_str().unwrap().to_string();
    let signed = [of("x-frontdesk-timestamp").as_bytes(), b".", &body].concat();
    if of("x-frontdesk-signature") != format!("sha256={}", hmac_sha256_hex(kept.secret.as_bytes(), &signed)) {
        kept.faults.push("a bad signature".into());
    }
    if kept.refuse > 0 {
        kept.refuse -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    kept.heard.push((of("x-frontdesk-delivery"), serde_json::from_slice(&body).unwrap()));
    StatusCode::OK
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_in_order_until_it_is_taken_and_again_when_asked() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let url = serve(Router::new().route("/hook", post(take)).with_state(kept.clone())).await;
        let added = shop.call("POST", "/api/webhooks", Some(json!({"url": format!("{url}/hook")}))).await;
        assert_eq!(added.status, StatusCode::CREATED, "{added:?}");
        kept.lock().unwrap().secret = added.body["secret"].as_str().unwrap().into();
        let id = added.body["id"].as_str().unwrap().to_string();
        let wrong = shop.call("POST", "/api/webhooks", Some(json!({"url": "ftp://x", "events": ["nonsense"]}))).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);

        kept.lock().unwrap().refuse = 2;
        shop.says("Ana", "I want to talk to a human").await;
        for _ in 0..6 {
            shop.settle().await;
            shop.app.clock.advance(chrono::Duration::seconds(5));
        }
        let heard: Vec<String> =
            kept.lock().unwrap().heard.iter().map(|(_, e)| e["event"].as_str().unwrap().to_string()).collect();
        assert_eq!(
            heard,
            ["conversation_created", "message_created", "message_created", "conversation_status_changed"]
        );
        let last = kept.lock().unwrap().heard[3].1.clone();
        assert_eq!(last["conversation"]["holder"], "queue");
        assert_eq!(kept.lock().unwrap().heard[1].1["message"]["content"], "I want to talk to a human");

        let told = shop.call("GET", &format!("/api/webhooks/{id}/deliveries?limit=3"), None).await.body;
        assert_eq!(told["items"].as_array().unwrap().len(), 3);
        assert!(told["next"].is_string());
        let first = kept.lock().unwrap().heard[0].0.clone();
        let again = shop.call("POST", &format!("/api/webhook-deliveries/{first}/replay"), Some(json!({}))).await;
        assert_eq!(again.status, StatusCode::OK, "{again:?}");
        shop.settle().await;
        assert_eq!(kept.lock().unwrap().heard[4].0, first, "under the same id");
        let listed = shop.call("GET", "/api/webhooks", None).await.body;
        assert!(listed[0]["failing_since"].is_null() && listed[0]["secret"].is_null(), "{listed}");
        assert_eq!(shop.call("DELETE", &format!("/api/webhooks/{id}"), None).await.status, StatusCode::NO_CONTENT);
        shop.says("Ana", "hello?").await;
        shop.settle().await;
        assert_eq!(kept.lock().unwrap().heard.len(), 5);
        assert_eq!(kept.lock().unwrap().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_fails_for_a_day_is_disabled_and_somebody_is_told() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let admin = shop.user("boss", "admin").await;
        let kept = Arc::new(Mutex::new(Kept { refuse: usize::MAX, ..Kept::default() }));
        let url = serve(Router::new().route("/hook", post(take)).with_state(kept.clone())).await;
        let body = json!({"url": format!("{url}/hook"), "events": ["message_created"]});
        let added = shop.call("POST", "/api/webhooks", Some(body)).await.body;
        kept.lock().unwrap().secret = added["secret"].as_str().unwrap().into();
        for n in 0..2 {
            shop.says("Ana", &format!("转人工 {n}")).await;
            for _ in 0..30 {
                shop.run_due().await;
                shop.app.clock.advance(chrono::Duration::seconds(1200));
            }
            shop.app.clock.advance(chrono::Duration::hours(20));
        }
        let listed = shop.call("GET", "/api/webhooks", None).await.body;
        assert_eq!(listed[0]["status"], "disabled", "{listed}");
        let told = shop.call_as(&admin, "GET", "/api/notifications", None).await.body;
        assert!(told["items"].as_array().unwrap().iter().any(|n| n["type"] == "webhook_disabled"), "{told}");
        let path = format!("/api/webhooks/{}/enable", added["id"].as_str().unwrap());
        assert_eq!(shop.call("POST", &path, Some(json!({}))).await.body["status"], "active");
    }
}
