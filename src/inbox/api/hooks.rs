//! Integrators' webhooks, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::{App, WebhookDeliveryId, WebhookId},
    inbox::{
        announce,
        store::{self, WebhookDelivery, WebhookRow},
    },
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, SettingsManage},
};

/// An integrator's webhook.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    /// What it hears; empty: everything.
    pub events: Vec<String>,
    /// `active`, or `disabled` after a day without a success.
    pub status: String,
    pub failing_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Signs what it is told; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl From<WebhookRow> for Webhook {
    fn from(w: WebhookRow) -> Self {
        Self {
            id: w.id,
            url: w.url,
            events: w.events.0,
            status: w.status,
            failing_since: w.failing_since,
            created_at: w.created_at,
            secret: None,
        }
    }
}

#[derive(Deserialize, ToSchema)]
pub struct NewWebhook {
    pub url: String,
    /// `message_created`, `conversation_created`, `conversation_status_changed`; absent: all.
    #[serde(default)]
    pub events: Vec<String>,
}

/// The webhooks that are told what happens.
#[utoipa::path(get, path = "/api/webhooks", tag = "webhooks", responses((status = 200, body = Vec<Webhook>)))]
pub async fn list_webhooks(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<Vec<Webhook>>> {
    let rows = store::list_webhooks(app.read().await?.conn(), by.org).await?;
    Ok(Json(rows.into_iter().map(Webhook::from).collect()))
}

/// Add a webhook; its secret is shown this once. Each event is posted as JSON with `X-Frontdesk-Timestamp`,
/// `X-Frontdesk-Delivery` (the same when it is sent again) and `X-Frontdesk-Signature: sha256=<hex>`, the HMAC-SHA256 of
/// `<timestamp>.<body>` with the secret.
#[utoipa::path(post, path = "/api/webhooks", tag = "webhooks", request_body = NewWebhook, responses((status = 201, body = Webhook)))]
pub async fn add_webhook(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(new): Json<NewWebhook>,
) -> Result<(StatusCode, Json<Webhook>)> {
    let (row, secret) = announce::add(&app, &by, &new.url, new.events).await?;
    Ok((StatusCode::CREATED, Json(Webhook { secret: Some(secret), ..row.into() })))
}

/// Remove a webhook.
#[utoipa::path(delete, path = "/api/webhooks/{id}", tag = "webhooks", responses((status = 204)))]
pub async fn remove_webhook(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<WebhookId>,
) -> Result<StatusCode> {
    announce::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let a disabled webhook go on.
#[utoipa::path(post, path = "/api/webhooks/{id}/enable", tag = "webhooks", responses((status = 200, body = Webhook)))]
pub async fn enable_webhook(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<WebhookId>,
) -> Result<Json<Webhook>> {
    Ok(Json(announce::enable(&app, &by, id).await?.into()))
}

#[derive(Deserialize, IntoParams)]
pub struct DeliveriesQuery {
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// What a webhook was told, the newest first; kept for 30 days.
#[utoipa::path(get, path = "/api/webhooks/{id}/deliveries", tag = "webhooks", params(DeliveriesQuery), responses((status = 200, body = Page<WebhookDelivery>)))]
pub async fn webhook_deliveries(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<WebhookId>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<Page<WebhookDelivery>>> {
    let limit = limit(query.limit);
    let after = Cursor::parse(query.cursor.as_deref())?;
    let mut reader = app.read().await?;
    store::find_webhook(reader.conn(), by.org, id).await?.ok_or(Error::NotFound("webhook"))?;
    let before = (after.at, WebhookDeliveryId(after.id));
    let rows = store::list_deliveries(reader.conn(), by.org, id, before, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |d| Cursor { at: d.created_at, id: d.id.0 })))
}

/// Send a delivery once more, under the same id.
#[utoipa::path(post, path = "/api/webhook-deliveries/{id}/replay", tag = "webhooks", responses((status = 200, body = WebhookDelivery)))]
pub async fn replay_delivery(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<WebhookDeliveryId>,
) -> Result<Json<WebhookDelivery>> {
    Ok(Json(announce::replay(&app, &by, id).await?))
}
