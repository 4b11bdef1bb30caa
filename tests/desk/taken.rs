//! What an agent finds when they take over, and what they write twice by accident.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::{UNKNOWN, WARRANTY, each, id, listed, me};
use crate::support::{
    app::{TestApp, databases},
    model::{Does, FakeModel},
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_that_is_sent_twice_is_one() {
    each(|shop| async move {
        let (mei, _) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        shop.says("Ana", "Hi").await;
        shop.settle().await;
        let path = format!("/api/conversations/{}/notes", id(&shop, "Ana").await);
        let note = json!({"text": "@tom please look", "idempotency_key": "k1"});
        let first = shop.call_as(&mei, "POST", &path, Some(note.clone())).await;
        let again = shop.call_as(&mei, "POST", &path, Some(note)).await;
        assert_eq!((first.status, &first.body["id"]), (StatusCode::OK, &again.body["id"]));
        let other = json!({"text": "@tom please look", "idempotency_key": "k2"});
        assert_ne!(shop.call_as(&mei, "POST", &path, Some(other)).await.body["id"], first.body["id"]);
        let told = shop.transcript("Ana").await.lines().filter(|line| line.starts_with("note:")).count();
        assert_eq!(told, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_assistant_was_writing_at_take_over_is_kept_for_the_agent_alone() {
    for on in databases() {
        let model = FakeModel::that(Does::Slow(Duration::from_millis(1500))).await;
        let config = model.chat_config();
        let shop = Shop::around(TestApp::open_with(on, |c| c.model = config).await).await;
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.run_due().await;
        shop.app
            .clock
            .advance(chrono::Duration::milliseconds(i64::try_from(shop.app.config.assistant.pause_ms).unwrap()));
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let (_, taken) = tokio::join!(shop.run_due(), async {
            while model.requests() == 0 {
                tokio::task::yield_now().await;
            }
            shop.call_as(&mei, "POST", &format!("{path}/take-over"), None).await
        });
        assert!(taken.status.is_success(), "{taken:?}");
        shop.settle().await;
        assert!(shop.reached("Ana").is_empty(), "silent from the instant a person holds it");
        let turns = shop.call_as(&mei, "GET", &format!("{path}/turns"), None).await.body;
        assert_eq!((turns.as_array().unwrap().len(), &turns[0]["decision"]), (1, &json!("withheld")), "{turns}");
        let draft = &turns[0]["trace"]["withheld"];
        assert!(draft["text"].as_str().unwrap().contains("24 months"), "{draft}");
        assert_eq!(draft["sources"][0]["title"], "Warranty", "{draft}");
        // It is no move of the assistant's: no answer is counted.
        let span = "from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z";
        let overview = shop.call("GET", &format!("/api/overview?{span}"), None).await.body;
        assert!(!overview["by_decision"].to_string().contains("withheld"), "{overview}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brief_names_what_is_remembered_and_how_the_customer_seems() {
    each(|shop| async move {
        shop.says("Ana", "I live in Penang. My shoe size is 42.").await;
        shop.settle().await;
        shop.says("Ana", "Your delivery to Penang is a disgrace, this is ridiculous! I want a human!").await;
        shop.settle().await;
        let brief = shop.conversation("Ana").await["hand_off_brief"].clone();
        assert_eq!(brief["mood"], "upset", "{brief}");
        let customer = shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let known = shop.call("GET", &format!("/api/customers/{customer}/memories"), None).await.body;
        let ids: Vec<_> = known.as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
        let named = brief["memory_ids"].as_array().unwrap();
        assert!(!named.is_empty() && named.iter().all(|id| ids.contains(id)), "{brief} {known}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_nobodys_is_asked_of_the_server() {
    each(|shop| async move {
        let mei = shop.user("mei", "agent").await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, "I want a human").await;
            shop.settle().await;
        }
        let path = format!("/api/conversations/{}/assign", id(&shop, "Bo").await);
        let to = json!({"agent_id": me(&shop, &mei).await});
        assert!(shop.call("POST", &path, Some(to)).await.status.is_success());
        assert_eq!(listed(&shop, &mei, "holder=queue&unassigned=true").await, ["Ana"]);
        assert_eq!(listed(&shop, &mei, "holder=queue").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_document_is_never_retrieved() {
    each(|shop| async move {
        let document = shop.learns("en.md", WARRANTY).await;
        let path = format!("/api/documents/{}", document["id"].as_str().unwrap());
        let found = async || {
            let found = shop.call("GET", "/api/search?q=warranty%20of%20a%20grinder", None).await.body;
            found.as_array().unwrap().len()
        };
        let limited = async |change: serde_json::Value| {
            let now = shop.call("PATCH", &path, Some(change)).await;
            assert!(now.status.is_success(), "{now:?}");
            now.body
        };
        let (now, day) = (shop.app.now(), chrono::Duration::days(1));
        assert_eq!(found().await, 1);
        // At once, before the index has heard of it.
        assert_eq!(limited(json!({"valid_until": now})).await["valid_from"], json!(null));
        assert_eq!(found().await, 0);
        shop.settle().await;
        assert_eq!(found().await, 0);
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        assert!(!shop.transcript("Ana").await.contains("24 months"));

        limited(json!({"valid_from": now + day, "valid_until": now + day + day})).await;
        shop.settle().await;
        assert_eq!(found().await, 0, "not yet");
        shop.app.clock.advance(day);
        assert_eq!(found().await, 1);
        // A new version of it holds no longer than the document does.
        shop.learns("en.md", &WARRANTY.replace("24 months", "36 months")).await;
        assert_eq!(found().await, 1);
        shop.app.clock.advance(day);
        assert_eq!(found().await, 0, "no more");
        limited(json!({"valid_until": null})).await;
        shop.settle().await;
        assert_eq!(found().await, 1);
        let wrong = json!({"valid_from": now + day, "valid_until": now});
        assert_eq!(shop.call("PATCH", &path, Some(wrong)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!shop.call("POST", "/api/ask", Some(json!({"question": UNKNOWN}))).await.body.is_null());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_key_makes_so_many_requests_a_minute() {
    each(|shop| async move {
        let new = |per_minute: i64| json!({"name": "K", "scopes": ["customer:read"], "per_minute": per_minute});
        for wrong in [0, -1, 60_001] {
            assert_eq!(
                shop.call("POST", "/api/api-keys", Some(new(wrong))).await.status,
                StatusCode::UNPROCESSABLE_ENTITY
            );
        }
        let made = shop.call("POST", "/api/api-keys", Some(new(3))).await.body;
        let other = shop.call("POST", "/api/api-keys", Some(new(3))).await.body;
        assert_eq!(made["per_minute"], 3);
        let (key, other) = (made["key"].as_str().unwrap(), other["key"].as_str().unwrap());
        for _ in 0..3 {
            assert_eq!(shop.call_as(key, "GET", "/api/customers", None).await.status, StatusCode::OK);
        }
        let refused = shop.call_as(key, "GET", "/api/customers", None).await;
        assert_eq!(
            (refused.status, &refused.body["error"]["code"]),
            (StatusCode::TOO_MANY_REQUESTS, &json!("too_many"))
        );
        assert_eq!(shop.call_as(other, "GET", "/api/customers", None).await.status, StatusCode::OK);
        shop.app.clock.advance(chrono::Duration::minutes(1));
        assert_eq!(shop.call_as(key, "GET", "/api/customers", None).await.status, StatusCode::OK);
        let default = json!({"name": "D", "scopes": ["customer:read"]});
        assert_eq!(shop.call("POST", "/api/api-keys", Some(default)).await.body["per_minute"], 600);
    })
    .await;
}
