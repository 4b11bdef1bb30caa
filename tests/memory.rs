//! What is remembered of customers, on SQLite and PostgreSQL: learned, corrected, recalled, forgotten, erased.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

#[path = "memory/erase.rs"]
mod erase;
#[path = "memory/isolation.rs"]
mod isolation;
#[path = "memory/life.rs"]
mod life;
#[path = "memory/merging.rs"]
mod merging;
#[path = "memory/year.rs"]
mod year;

use serde_json::Value;
use support::{
    app::databases,
    shop::{Shop, word},
};

/// Runs a story once on each database.
async fn each<F: Future<Output = ()>>(story: impl Fn(Shop) -> F) {
    for on in databases() {
        eprintln!("on {on:?}");
        story(Shop::open(on).await).await;
    }
}

/// The customer of this name: their id.
async fn customer(shop: &Shop, name: &str) -> String {
    shop.conversation(name).await["customer_id"].as_str().unwrap().to_owned()
}

/// What the API shows of a customer's memory.
async fn memories(shop: &Shop, name: &str, query: &str) -> Vec<Value> {
    let id = customer(shop, name).await;
    let answer = shop.call("GET", &format!("/api/customers/{id}/memories{query}"), None).await;
    assert!(answer.status.is_success(), "{answer:?}");
    answer.body.as_array().unwrap().clone()
}

/// The active values of a kind, the newest first.
async fn values(shop: &Shop, name: &str, kind: &str) -> Vec<String> {
    let all = memories(shop, name, "?status=active").await;
    all.iter().filter(|m| m["kind"] == kind).map(|m| m["value"].as_str().unwrap().to_owned()).collect()
}

/// A customer writes, and everything that follows is done.
async fn says(shop: &Shop, name: &str, text: &str) {
    shop.says(name, text).await;
    shop.settle().await;
}

/// A person gives the conversation back to the assistant.
async fn give_back(shop: &Shop, name: &str) {
    if shop.conversation(name).await["holder"] == "assistant" {
        return;
    }
    let id = shop.conversation(name).await["id"].as_str().unwrap().to_owned();
    let body = serde_json::json!({"scope": "now"});
    let agent = shop.user(&format!("agent-{}", word()), "agent").await;
    let given = shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/give-back"), Some(body)).await;
    assert!(given.status.is_success(), "{given:?}");
    shop.settle().await;
}

/// The last text that reached the customer.
fn last(shop: &Shop, name: &str) -> String {
    shop.reached(name).pop().unwrap_or_default()
}
