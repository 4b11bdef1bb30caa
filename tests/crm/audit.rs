//! The audit log, searched.

use axum::http::Method;
use chrono::{Duration, SecondsFormat};
use serde_json::json;

use crate::{
    id, on_each_database,
    support::{app::TestApp, caller::Caller},
};

async fn found(by: &Caller, query: &str) -> Vec<String> {
    let page = by.get(&format!("/api/audit-logs?{query}")).await.ok();
    page["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap().to_string()).collect()
}

on_each_database! {
    async fn the_audit_log_is_searched_by_action_time_and_text(app: TestApp) {
        let shop = crate::shop(&app, "default").await;
        let li = shop.post("/api/customers", json!({"name": "Li_Na", "phone": "13800138000"})).await.ok();
        app.clock.advance(Duration::hours(1));
        let later = app.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        shop.patch(&format!("/api/customers/{}", id(&li)), json!({"remark": "wants a GRINDER, 研磨机"})).await.ok();
        shop.post("/api/tags", json!({"name": "LixNa"})).await.ok();

        assert_eq!(found(&shop, "action=customer").await, ["customer.edit", "customer.create"]);
        assert_eq!(found(&shop, "action=Customer.e").await, ["customer.edit"]);
        assert_eq!(found(&shop, "action=%25edit").await, Vec::<String>::new(), "a sign of LIKE stands for itself");
        assert_eq!(found(&shop, &format!("from={later}")).await, ["tag.create", "customer.edit"]);
        assert_eq!(found(&shop, &format!("to={later}")).await.first().unwrap(), "customer.create");
        assert_eq!(found(&shop, "search=grinder").await, ["customer.edit"]);
        assert_eq!(found(&shop, "search=%E7%A0%94%E7%A3%A8").await, ["customer.edit"]);
        assert_eq!(found(&shop, "search=li_na").await, ["customer.create"]);
        assert_eq!(found(&shop, "search=138001&action=customer").await, ["customer.create"]);
        assert_eq!(shop.get("/api/audit-logs?from=yesterday").await.error(), "invalid");

        // Who may not see numbers does not find them by guessing.
        let role = json!({"name": "Auditor", "permissions": [{"permission": "audit:read", "scope": "org"}]});
        let role = shop.send(Method::POST, "/api/roles", Some(role)).await.ok();
        let auditor = shop.colleague("Au", &[role["key"].as_str().unwrap()]).await;
        assert_eq!(found(&auditor, "search=138001").await, Vec::<String>::new());
        assert_eq!(found(&auditor, "search=tag.").await, ["tag.create"]);
    }
}
