//! A company with one channel at a fake platform.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{
    app::{On, TestApp},
    shop::Shop,
};

pub const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n\n\
    # Shipping\n\nShipping to Penang takes 5 working days and costs RM 12.\n";
pub const WARRANTY_ZH: &str =
    "# 保修\n\n所有研磨机自收货之日起保修24个月。\n\n# 配送\n\n寄到上海需要3个工作日，运费12元。\n";

/// The company and its channel.
pub struct Desk {
    pub shop: Shop,
    pub id: String,
    /// Where the platform delivers.
    pub path: String,
}

impl Desk {
    /// Connects a channel over the API, as an admin does.
    pub async fn open(on: On, kind: &str, config: Value) -> Self {
        Self::around(TestApp::open(on).await, kind, config).await
    }

    pub async fn around(app: TestApp, kind: &str, config: Value) -> Self {
        let shop = Shop::around(app).await;
        let body = json!({"platform": kind, "name": kind, "config": config});
        let added = shop.call("POST", "/api/channels", Some(body)).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        let id = added.body["id"].as_str().unwrap().to_string();
        let path = added.body["webhook_path"].as_str().unwrap().to_string();
        assert_eq!(path, format!("/webhooks/{kind}/{id}"));
        Self { shop, id, path }
    }

    /// One request of the platform, below the channel's path.
    pub async fn request(
        &self,
        method: Method,
        below: &str,
        headers: &[(&str, String)],
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(format!("{}{below}", self.path));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = self.shop.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Runs what is due, lets `seconds` pass, and runs what is due then.
    pub async fn pass(&self, seconds: i64) {
        self.shop.settle().await;
        self.shop.app.clock.advance(chrono::Duration::seconds(seconds));
        self.shop.settle().await;
    }

    pub async fn messages(&self, customer: &str) -> Vec<Value> {
        let conversation = self.shop.conversation(customer).await;
        let path = format!("/api/conversations/{}/messages?limit=200", conversation["id"].as_str().unwrap());
        self.shop.call("GET", &path, None).await.body.as_array().unwrap().clone()
    }

    /// The state of the last message that we sent to a customer.
    pub async fn last_status(&self, customer: &str) -> (String, String) {
        let all = self.messages(customer).await;
        let last = all.iter().rev().find(|m| m["sender_type"] != "customer").expect("something was said");
        let of = |name: &str| last[name].as_str().unwrap_or_default().to_string();
        (of("status"), of("status_reason"))
    }

    /// An agent's reply.
    pub async fn reply(&self, agent: &str, customer: &str, text: &str) {
        let id = self.shop.conversation(customer).await["id"].as_str().unwrap().to_string();
        let path = format!("/api/conversations/{id}/messages");
        let sent = self.shop.call_as(agent, "POST", &path, Some(json!({"text": text}))).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
    }

    pub async fn channel(&self) -> Value {
        let all = self.shop.call("GET", "/api/channels", None).await.body;
        all.as_array().unwrap().iter().find(|c| c["id"] == self.id.as_str()).unwrap().clone()
    }
}

/// Fails with the names of fields that the platform does not document.
pub fn only(value: &Value, known: &[&str]) -> Result<(), String> {
    let Some(fields) = value.as_object() else { return Err(format!("not an object: {value}")) };
    match fields.keys().find(|k| !known.contains(&k.as_str())) {
        Some(unknown) => Err(format!("unknown field {unknown}")),
        None => Ok(()),
    }
}
