//! Where channels deliver: the raw bytes are verified and committed before 200 is answered.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};

use crate::{
    app::{App, ChannelId},
    inbox::{self, Accepter},
    platform::{Error, Result},
};

/// Platforms send batches of up to 3 MB.
const BODY_LIMIT: usize = 4 << 20;

/// `/webhooks/<kind>/<id>`; not part of the API's description, each platform has its own.
pub fn routes(accepter: Accepter) -> Router<Arc<App>> {
    Router::new()
        .route("/webhooks/{kind}/{id}", post(deliver))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(accepter))
}

async fn deliver(
    State(app): State<Arc<App>>,
    Extension(accepter): Extension<Accepter>,
    Path((kind, id)): Path<(String, ChannelId)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    let connected =
        inbox::connected(&app, id).await?.filter(|c| c.row.platform == kind).ok_or(Error::NotFound("channel"))?;
    let events = connected.channel.verify(&headers, &body, app.now())?;
    metrics::counter!("frontdesk_webhook_events_total", "kind" => kind).increment(events.len() as u64);
    accepter.accept(connected.row.org_id, id, events).await?;
    Ok(StatusCode::OK)
}
