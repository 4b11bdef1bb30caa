//! Fields of an organisation's own on its customers.

use axum::http::Method;
use serde_json::{Value, json};

use crate::{id, on_each_database, support::app::TestApp};

on_each_database! {
    async fn fields_of_ones_own_are_defined_and_only_what_fits_stands_in_them(app: TestApp) {
        let shop = crate::shop(&app, "default").await;
        let (admin, agent) = (shop.colleague("Ana", &["admin"]).await, shop.colleague("Bo", &["agent"]).await);
        let fields = json!({"fields": [
            {"key": "shoe_size", "label": "Shoe size", "type": "number"},
            {"key": "plan", "label": "套餐", "type": "choice", "choices": ["Basic", " Pro "]},
            {"key": "since", "label": "Since", "type": "date"}]});
        let put = async |body: &Value| admin.send(Method::PUT, "/api/customer-fields", Some(body.clone())).await;
        assert_eq!(agent.get("/api/customer-fields").await.ok(), json!({"fields": []}));
        let refused = agent.send(Method::PUT, "/api/customer-fields", Some(fields.clone())).await;
        assert_eq!(refused.error(), "forbidden");
        assert_eq!(put(&json!({"fields": [{"key": "Not a key", "label": "x", "type": "text"}]})).await.error(), "invalid");
        // What a file's header could not mean is refused.
        for (key, label, taken) in [("a", "Company", "Company"), ("a", "备注", "备注"), ("score", "Points", "score")] {
            let refused = put(&json!({"fields": [{"key": key, "label": label, "type": "text"}]})).await;
            assert!(refused.error() == "invalid" && refused.text.contains(taken), "{refused:?}");
        }
        let saved = put(&fields).await.ok();
        assert_eq!(saved["fields"][1]["choices"], json!(["Basic", "Pro"]));
        assert_eq!(agent.get("/api/customer-fields").await.ok(), saved);

        let good = json!({"name": "Li", "custom_fields": {"plan": "Pro", "shoe_size": 38, "from_elsewhere": [1]}});
        let li = agent.post("/api/customers", good).await.ok();
        let path = format!("/api/customers/{}", id(&li));
        for wrong in [json!({"plan": "Gold"}), json!({"shoe_size": "38"}), json!({"since": "tomorrow"}),
                      json!({"since": "2026-3-2"}), json!({"since": "+12345-06-07"})] {
            let answer = agent.patch(&path, json!({"custom_fields": wrong})).await;
            assert_eq!(answer.error(), "invalid");
            let answer = agent.post("/api/customers", json!({"name": "x", "custom_fields": wrong})).await;
            assert_eq!(answer.error(), "invalid");
        }
        let changed = agent.patch(&path, json!({"custom_fields": {"plan": null, "since": "2026-03-02"}})).await.ok();
        assert_eq!(changed["custom_fields"], json!({"shoe_size": 38, "from_elsewhere": [1], "since": "2026-03-02"}));

        // A file names them by label or key; what does not fit is its line's fault.
        let csv = "name,Shoe Size,套餐,since\nAna,41,pro,2026/3/2\nBo,many,,\nCy,,Gold,\n";
        let told = agent.post("/api/customer-imports", json!({"csv": csv})).await.ok();
        assert_eq!(told["unknown_columns"], json!([]));
        let outcomes: Vec<_> = told["lines"].as_array().unwrap().iter().map(|l| l["outcome"].clone()).collect();
        assert_eq!(outcomes, ["added", "invalid", "invalid"]);
        let ana = &agent.get("/api/customers?search=Ana").await.ok()["items"][0];
        assert_eq!(ana["custom_fields"], json!({"shoe_size": 41, "plan": "Pro", "since": "2026-03-02"}));

        // A field that goes leaves what stands in it.
        put(&json!({"fields": []})).await.ok();
        assert_eq!(agent.get(&path).await.ok()["custom_fields"]["since"], "2026-03-02");
    }
}

on_each_database! {
    async fn a_null_character_is_refused_with_its_reason_and_nothing_is_stored(app: TestApp) {
        let shop = crate::shop(&app, "default").await;
        let refused = shop.post("/api/customers", json!({"name": "Li\u{0}Na"})).await;
        assert_eq!(refused.error(), "invalid");
        assert!(refused.text.contains("U+0000"), "{}", refused.text);
        assert_eq!(shop.get("/api/customers").await.ok()["items"], json!([]));
        // What looks like one in a text is a text.
        let kept = shop.post("/api/customers", json!({"name": "Li\\u0000Na"})).await.ok();
        assert_eq!(kept["name"], "Li\\u0000Na");
        // In an address both databases say something, and never that it is our fault.
        let searched = shop.get("/api/customers?search=Li%00Na").await;
        assert!(searched.status.as_u16() < 500, "{}", searched.text);
    }
}
