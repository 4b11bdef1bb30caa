//! The overview tells what the model cost, and how teams did.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{WARRANTY, id, team};
use crate::support::{
    app::{TestApp, databases},
    model::FakeModel,
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_tells_what_was_spent_and_how_teams_did() {
    for on in databases() {
        let model = FakeModel::start().await;
        let config = model.chat_config();
        let shop = Shop::around(TestApp::open_with(on, |c| c.model = config).await).await;
        shop.learns("en.md", WARRANTY).await;
        let (ana, mei) = (shop.user("ana", "admin").await, shop.user("mei", "agent").await);
        shop.says("Li", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        let team = team(&shop, "North", &[&mei]).await;
        let path = format!("/api/conversations/{}", id(&shop, "Li").await);
        shop.call_as(&mei, "POST", &format!("{path}/take-over"), None).await;
        shop.call_as(&mei, "POST", &format!("{path}/resolve"), None).await;
        shop.settle().await;

        let now = shop.app.now();
        let stamp = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let span =
            format!("from={}&to={}", stamp(now - chrono::Duration::days(2)), stamp(now + chrono::Duration::days(1)));
        let overview = async || shop.call_as(&mei, "GET", &format!("/api/overview?{span}"), None).await.body;
        let unpriced = overview().await;
        let (read, written) =
            (unpriced["prompt_tokens"].as_i64().unwrap(), unpriced["completion_tokens"].as_i64().unwrap());
        assert!(read > 0 && written > 0 && unpriced["cost"].is_null(), "{unpriced}");
        let teams = json!([{"team_id": team, "conversations": 1, "resolved": 1, "satisfaction": null}]);
        assert_eq!(unpriced["by_team"], teams);

        let price = json!({"price": {"currency": "CNY", "input_micros": 2_000_000, "output_micros": 8_000_000}});
        let put =
            async |token: &str, body: &Value| shop.call_as(token, "PUT", "/api/model/price", Some(body.clone())).await;
        assert_eq!(put(&mei, &price).await.status, StatusCode::FORBIDDEN);
        let odd = json!({"price": {"currency": "yuan", "input_micros": 1, "output_micros": 1}});
        assert_eq!(put(&ana, &odd).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(put(&ana, &price).await.body, price);
        assert_eq!(shop.call_as(&ana, "GET", "/api/model/price", None).await.body, price);
        assert_eq!(overview().await["cost"], json!({"currency": "CNY", "micros": read * 2 + written * 8}));
        put(&ana, &json!({"price": null})).await;
        assert!(overview().await["cost"].is_null(), "a price that is taken back leaves no cost behind");
        let audited = shop.call_as(&ana, "GET", "/api/audit-logs?action=model.price", None).await.body;
        assert_eq!(audited["items"].as_array().unwrap().len(), 2);
    }
}
