//! Is the process alive, is it ready, and how is it doing: for load balancers and for the person on call.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    app::App,
    both,
    platform::{Result, journal::Journal, queue, telemetry},
};

/// `/healthz`, `/readyz` and `/metrics`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

async fn alive() -> &'static str {
    "ok\n"
}

/// 200 while customers can be served, also when degraded; 503 when not. The body says what is wrong.
async fn ready(State(app): State<Arc<App>>) -> Response {
    let database = database(&app).await;
    let vectors = app.vectors.health().await;
    let told = |outcome: &Result<()>| match outcome {
        Ok(()) => json!("ok"),
        Err(e) => json!(e.to_string()),
    };
    let bus = if app.bus.is_healthy() { json!("ok") } else { json!("Redis is gone: processes poll until it is back") };
    let files = app.files.health().await;
    let has_files = files.as_ref().is_none_or(Result::is_ok);
    // Without vectors every question becomes a hand-off: nobody is stranded, but it must be seen.
    let state = match (&database, &vectors, app.bus.is_healthy() && has_files) {
        (Err(_), _, _) => "down",
        (Ok(_), Ok(()), true) => "ok",
        _ => "degraded",
    };
    let jobs = database.as_ref().map_or(Value::Null, Clone::clone);
    let body = json!({
        "status": state,
        "database": told(&database.map(|_| ())),
        "vectors": told(&vectors),
        "bus": bus,
        "files": files.as_ref().map_or(json!("ok"), told),
        "model": app.model.describe(),
        "jobs": jobs,
        "journal": app.journal.as_ref().map(Journal::len),
    });
    let status = if state == "down" { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (status, Json(body)).into_response()
}

async fn database(app: &App) -> Result<Value> {
    let mut reader = app.read().await?;
    both!(reader.conn(), c => sqlx::query("SELECT 1").execute(c).await.map(|_| ()))?;
    let (ready, running, failed) = queue::depth(reader.conn()).await?;
    Ok(json!({"ready": ready, "running": running, "failed": failed}))
}

/// Metrics in Prometheus's text format, for callers on this machine only; not for those whom a proxy on it lets in.
async fn metrics(peer: Option<axum::Extension<ConnectInfo<std::net::SocketAddr>>>, headers: HeaderMap) -> Response {
    const OF_PROXIES: [&str; 4] = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
    let is_passed_on = OF_PROXIES.iter().any(|name| headers.contains_key(*name));
    let is_here = peer.is_none_or(|p| p.0.0.ip().is_loopback()) && !is_passed_on;
    if !is_here {
        return StatusCode::FORBIDDEN.into_response();
    }
    telemetry::metrics().render().into_response()
}
