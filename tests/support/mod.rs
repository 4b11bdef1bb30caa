//! What the integration tests share: a fresh application on either database.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

pub mod app;
pub mod caller;
pub mod model;
pub mod provider;
pub mod qdrant;
pub mod rows;
pub mod shop;
pub mod smtp;

/// Serves a fake on loopback; its address.
pub async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}
