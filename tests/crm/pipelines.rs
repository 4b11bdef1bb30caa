//! Pipelines of one's own, on SQLite and on PostgreSQL.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{id, on_each_database, support::app::TestApp};

fn stage(name: &str, probability: i32, kind: &str) -> Value {
    json!({"name": name, "probability": probability, "kind": kind})
}

fn form(name: &str, open: &[Value]) -> Value {
    let mut stages = open.to_vec();
    stages.extend([stage("Signed", 100, "won"), stage("Gone", 0, "lost")]);
    json!({"name": name, "stages": stages})
}

on_each_database! {
    async fn a_pipeline_of_ones_own_is_made_changed_and_deleted(app: TestApp) {
        let shop = crate::shop(&app, "default").await;
        let admin = shop.colleague("Ana", &["admin"]).await;
        let sales = shop.colleague("Bo", &["sales"]).await;
        let asked = form("Repairs", &[stage("Looked at", 30, "open"), stage("报价", 60, "open")]);
        assert_eq!(sales.post("/api/pipelines", asked.clone()).await.error(), "forbidden");
        let made = admin.post("/api/pipelines", asked.clone()).await.ok();
        let keys: Vec<_> = made["stages"].as_array().unwrap().iter().map(|s| s["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["looked_at", "stage", "signed", "gone"]);
        assert_eq!(admin.post("/api/pipelines", asked).await.error(), "conflict");
        let listed = sales.get("/api/pipelines").await.ok();
        let names: Vec<_> = listed.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Sales", "Repairs"]);

        let li = admin.post("/api/customers", json!({"name": "Li"})).await.ok();
        let new = json!({"customer_id": id(&li), "title": "A new lid", "pipeline_id": made["id"]});
        let deal = admin.post("/api/deals", new).await.ok();
        assert_eq!((&deal["stage"], &deal["probability"]), (&json!("looked_at"), &json!(30)));

        // Turned round, one renamed, one new; the deal's stage can't go.
        let path = format!("/api/pipelines/{}", id(&made));
        let mut stages = made["stages"].as_array().unwrap().clone();
        for stage in &mut stages {
            for key in ["key", "position", "pipeline_id"] {
                stage.as_object_mut().unwrap().remove(key);
            }
        }
        let without = json!({"name": "Repairs", "stages": &stages[1..]});
        assert_eq!(admin.send(Method::PUT, &path, Some(without)).await.error(), "conflict");
        stages[1]["name"] = json!("Offer");
        stages.swap(0, 1);
        stages.insert(2, stage("Offer made", 70, "open"));
        let edited = admin.send(Method::PUT, &path, Some(json!({"name": "Repairs in house", "stages": stages}))).await.ok();
        let names: Vec<_> = edited["stages"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["Offer", "Looked at", "Offer made", "Signed", "Gone"]);
        assert_eq!(edited["stages"][1]["id"], made["stages"][0]["id"]);
        assert_eq!(admin.get("/api/pipelines").await.ok()[1], edited);
        let moved = admin.post(&format!("/api/deals/{}/move", id(&deal)), json!({"stage": "offer_made"})).await.ok();
        assert_eq!(moved["probability"], 70);

        for (wrong, why) in [
            (form("", &[stage("A", 1, "open")]), "name"),
            (form("B", &[]), "open"),
            (form("B", &[stage("A", 101, "open")]), "probability"),
            (form("B", &[stage("A", 1, "open"), stage("a", 1, "open")]), "twice"),
            (form("B", &[stage("A", 1, "open"), stage("C", 1, "won")]), "exactly one"),
        ] {
            let refused = admin.post("/api/pipelines", wrong).await;
            assert!(refused.text.contains(why), "{}", refused.text);
            assert_eq!(refused.error(), "invalid");
        }
        assert_eq!(admin.delete(&path).await.error(), "conflict", "it holds a deal");
        let first = format!("/api/pipelines/{}", id(&listed[0]));
        assert_eq!(admin.delete(&first).await.error(), "conflict", "deals begin there");
        let empty = admin.post("/api/pipelines", form("Empty", &[stage("A", 1, "open")])).await.ok();
        let stranger = crate::shop(&app, "other").await;
        let path = format!("/api/pipelines/{}", id(&empty));
        assert_eq!(stranger.delete(&path).await.error(), "not_found");
        assert_eq!(stranger.send(Method::PUT, &path, Some(form("Mine", &[stage("A", 1, "open")]))).await.error(), "not_found");
        assert!(admin.delete(&path).await.status.is_success());
        let log = admin.get(&format!("/api/audit-logs?resource_id={}", id(&empty))).await.ok();
        let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["pipeline.delete", "pipeline.create"]);
    }
}
