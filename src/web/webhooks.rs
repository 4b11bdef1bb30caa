//! Where channels deliver: the raw bytes are verified and committed before 200 is answered.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Extension, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::{
    app::{App, ChannelId},
    channels::{RawEvent, Request},
    inbox::{self, Accepter},
    platform::{Error, Result},
};

/// Platforms send batches of up to 3 MB.
const BODY_LIMIT: usize = 4 << 20;

/// `/webhooks/<kind>/<id>`, and what some platforms put below it; not part of the API's description, each platform
/// has its own.
pub fn routes(accepter: Accepter) -> Router<Arc<App>> {
    Router::new()
        .route("/webhooks/{kind}/{id}", get(shake_hands).post(deliver))
        .route("/webhooks/{kind}/{id}/{*rest}", get(shake_hands).post(deliver))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(Extension(accepter))
}

#[derive(serde::Deserialize)]
struct Below {
    kind: String,
    id: ChannelId,
    #[serde(default)]
    rest: String,
}

async fn connected(app: &App, below: &Below) -> Result<Arc<inbox::Connected>> {
    let found = inbox::connected(app, below.id).await?;
    found.filter(|c| c.row.platform == below.kind).ok_or(Error::NotFound("channel"))
}

/// A platform makes sure that the address is ours.
async fn shake_hands(
    State(app): State<Arc<App>>,
    Path(below): Path<Below>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let connected = connected(&app, &below).await?;
    let (query, body) = (query.unwrap_or_default(), Bytes::new());
    let request = Request { path: &below.rest, query: &query, headers: &headers, body: &body };
    Ok(plain(connected.channel.handshake(&request)?))
}

/// A platform delivers events.
async fn deliver(
    State(app): State<Arc<App>>,
    Extension(accepter): Extension<Accepter>,
    Path(below): Path<Below>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let connected = connected(&app, &below).await?;
    let query = query.unwrap_or_default();
    let request = Request { path: &below.rest, query: &query, headers: &headers, body: &body };
    let events = connected.channel.verify(&request, app.now())?;
    metrics::counter!("frontdesk_webhook_events_total", "kind" => below.kind).increment(events.len() as u64);
    let (mut own, mut others) = (Vec::new(), HashMap::<ChannelId, Vec<RawEvent>>::new());
    for event in events {
        // What is signed for this address may be another channel's of the organisation; with none it stays here.
        match connected.channel.other_account(&event) {
            Some(account) => match inbox::sibling(&app, &connected.row, &account).await? {
                Some(id) => others.entry(id).or_default().push(event),
                None => own.push(event),
            },
            None => own.push(event),
        }
    }
    for (id, events) in others {
        accepter.accept(connected.row.org_id, id, events).await?;
    }
    accepter.accept(connected.row.org_id, below.id, own).await?;
    Ok(plain(connected.channel.thanks().into()))
}

/// Exactly these bytes: some platforms compare them.
fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], text).into_response()
}
