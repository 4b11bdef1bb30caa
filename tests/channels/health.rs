//! How channels are: what their platforms say of them, what was wrong, and taking one away.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use frontdesk::inbox;
use serde_json::{Value, json};

use crate::{
    support::app::{On, databases},
    whatsapp::Whatsapp,
};

impl Whatsapp {
    /// What the background does every so often, and what follows from it.
    async fn sweeps(&self) {
        inbox::sweep(&self.shop.app).await.unwrap();
        self.shop.settle().await;
    }

    async fn told(&self, admin: &str, kind: &str) -> Vec<String> {
        let told = self.shop.call_as(admin, "GET", "/api/notifications", None).await.body;
        let all = told["items"].as_array().unwrap().iter().filter(|n| n["type"] == kind);
        all.map(|n| n["title"].as_str().unwrap().to_string()).collect()
    }

    async fn change(&self, body: Value) -> Value {
        let changed = self.shop.call("PATCH", &format!("/api/channels/{}", self.id), Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        changed.body
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_hear_a_week_ahead_that_a_token_ends_and_see_what_meta_thinks_of_the_number() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        let admin = w.shop.user("boss", "admin").await;
        w.sweeps().await;
        let channel = w.channel().await;
        assert_eq!((&channel["quality"], &channel["token_expires_at"]), (&json!("GREEN"), &Value::Null), "{channel}");

        // It is asked once a day, and at once when the platform says that something has changed.
        w.graph.kept().quality = Some("RED");
        let ends = w.shop.app.now() + Duration::days(9);
        w.graph.kept().token_ends = ends.timestamp();
        w.sweeps().await;
        assert_eq!(w.channel().await["quality"], "GREEN");
        let flagged = json!({"event": "FLAGGED", "current_limit": "TIER_1K", "display_phone_number": "1555"});
        assert_eq!(w.deliver("phone_number_quality_update", flagged).await, StatusCode::OK);
        w.shop.settle().await;
        let channel = w.channel().await;
        assert_eq!(channel["quality"], "RED");
        let shown = channel["token_expires_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(shown.timestamp(), ends.timestamp());
        assert!(w.told(&admin, "channel_token").await.is_empty(), "nine days are no news");

        for _ in 0..4 {
            w.pass(24 * 3600 + 1).await;
            w.sweeps().await;
        }
        let title = format!("The token of the channel whatsapp_cloud ends on {}", ends.date_naive());
        assert_eq!(w.told(&admin, "channel_token").await, [title], "once");

        // A new one is asked about at once, not tomorrow.
        w.graph.kept().token_ends = 0;
        w.change(json!({"config": {"graph_version": "v25.0"}})).await;
        w.sweeps().await;
        assert!(w.channel().await["token_expires_at"].is_null());
        assert_eq!(w.told(&admin, "channel_token").await.len(), 1);
        w.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_withdrawn_is_noticed_before_anybody_writes() {
    let w = Whatsapp::open(On::Sqlite).await;
    let admin = w.shop.user("boss", "admin").await;
    w.graph.kept().is_locked = true;
    w.sweeps().await;
    let channel = w.channel().await;
    assert!(channel["error"].as_str().unwrap().contains("token"), "{channel}");
    assert_eq!(w.told(&admin, "channel_alarm").await.len(), 1);
    let at = channel["last_error_at"].clone();
    assert!(at.is_string());

    // Mended: nothing is wrong, and what was stays to be seen.
    w.graph.kept().is_locked = false;
    w.pass(3600).await;
    let found = w.shop.call("POST", &format!("/api/channels/{}/test", w.id), Some(json!({}))).await.body;
    assert_eq!((&found["ok"], &found["quality"]), (&json!(true), &json!("GREEN")), "{found}");
    let channel = w.channel().await;
    assert!(channel["error"].is_null() && channel["last_error"].as_str().unwrap().contains("token"), "{channel}");
    assert_eq!(channel["last_error_at"], at);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_shown_without_its_secrets_and_changed_by_what_is_new() {
    let w = Whatsapp::open(On::Sqlite).await;
    let path = format!("/api/channels/{}", w.id);
    let agent = w.shop.user("mei", "agent").await;
    assert_eq!(w.shop.call_as(&agent, "GET", &path, None).await.status, StatusCode::FORBIDDEN);
    w.change(json!({"name": "Shop", "config": {"access_token": "EAAG-new", "graph_version": "v26.0"}})).await;
    let shown = w.shop.call("GET", &path, None).await.body;
    assert_eq!(shown["channel"]["name"], "Shop");
    assert_eq!(shown["config"]["graph_version"], "v26.0");
    let mut secrets: Vec<&str> = shown["secrets"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["access_token", "app_secret", "verify_token"]);
    assert!(!shown.to_string().contains("EAAG"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_removed_is_silent_and_its_conversations_stay() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        let agent = w.shop.user("mei", "agent").await;
        w.says("60123456789", "wamid.1", "How long is the warranty of a grinder?").await;
        w.pass(10).await;
        let path = format!("/api/channels/{}", w.id);
        assert_eq!(w.shop.call_as(&agent, "DELETE", &path, None).await.status, StatusCode::FORBIDDEN);
        // What waits to be sent is not sent, and says so.
        w.shop.call("POST", &format!("{path}/pause"), Some(json!({}))).await;
        w.reply(&agent, "Ana", "Anything else?").await;
        w.shop.settle().await;
        assert_eq!(w.shop.call("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(w.shop.call("DELETE", &path, None).await.status, StatusCode::NOT_FOUND);
        w.pass(61).await;
        assert_eq!(w.last_status("Ana").await, ("failed".to_string(), "channel not found".to_string()));
        assert_eq!(w.graph.kept().taken.len(), 1, "the answer from before");
        assert_eq!(w.shop.transcript("Ana").await.lines().count(), 4);
        // Nothing comes in, nothing brings it back, and another may take its place.
        assert_eq!(w.request(Method::POST, "", &[], "{}").await.0, StatusCode::NOT_FOUND);
        for below in ["/resume", "/pause", "/test"] {
            let answer = w.shop.call("POST", &format!("{path}{below}"), Some(json!({}))).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{below}");
        }
        let all = w.shop.call("GET", "/api/channels", None).await.body;
        assert!(all.as_array().unwrap().iter().all(|c| c["id"] != w.id.as_str()), "{all}");
        let again = json!({"platform": "whatsapp_cloud", "name": "Again", "config": w.graph.config()});
        assert_eq!(w.shop.call("POST", "/api/channels", Some(again)).await.status, StatusCode::OK);
    }
}
