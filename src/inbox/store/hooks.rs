//! SQL of integrators' webhooks and of what they were told.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    app::{CustomerId, OrgId, WebhookDeliveryId, WebhookId},
    both,
    platform::{Result, db::Conn},
};

/// An integrator's webhook; its secret is sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct WebhookRow {
    pub id: WebhookId,
    pub org_id: OrgId,
    pub url: String,
    pub secret: String,
    /// What it wants to hear; empty: everything.
    pub events: Json<Vec<String>>,
    /// `active` or `disabled`.
    pub status: String,
    pub failing_since: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

macro_rules! webhook_columns {
    ($rest:literal) => {
        concat!("SELECT id, org_id, url, secret, events, status, failing_since, created_at FROM webhooks ", $rest)
    };
}

/// The webhooks of an organisation, the oldest first.
pub async fn list_webhooks(c: Conn<'_>, org: OrgId) -> Result<Vec<WebhookRow>> {
    const LIST: &str = webhook_columns!("WHERE org_id = $1 ORDER BY created_at, id");
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// One webhook.
pub async fn find_webhook(c: Conn<'_>, org: OrgId, id: WebhookId) -> Result<Option<WebhookRow>> {
    const FIND: &str = webhook_columns!("WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Adds a webhook.
pub async fn insert_webhook(c: Conn<'_>, row: &WebhookRow) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO webhooks (id, org_id, url, secret, events, status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    both!(c, c => sqlx::query(INSERT).bind(row.id).bind(row.org_id).bind(&row.url).bind(&row.secret)
        .bind(&row.events).bind(&row.status).bind(row.created_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a webhook and what it was told. False: there is none.
pub async fn delete_webhook(c: Conn<'_>, org: OrgId, id: WebhookId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM webhooks WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// How a webhook is doing: its state, and since when it fails (`None`: it does not).
pub async fn set_webhook_state(
    c: Conn<'_>,
    id: WebhookId,
    status: &str,
    failing_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "UPDATE webhooks SET status = $2, failing_since = $3, updated_at = $4 WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(status).bind(failing_since).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What a webhook is, was or will be told.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize, utoipa::ToSchema)]
pub struct WebhookDelivery {
    /// Sent as `X-Frontdesk-Delivery`; the same however often it is sent.
    pub id: WebhookDeliveryId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub webhook_id: WebhookId,
    pub event: String,
    /// The body, as text.
    pub payload: String,
    /// `waiting`, `delivered` or `failed`.
    pub status: String,
    pub attempts: i64,
    /// What the other side answered last.
    pub response_status: Option<i64>,
    pub error_message: Option<String>,
    pub created_at: DateTime<Utc>,
    pub settled_at: Option<DateTime<Utc>>,
}

macro_rules! delivery_columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, webhook_id, event, payload, status, attempts, response_status, error_message,
                    created_at, settled_at
             FROM webhook_deliveries ",
            $rest
        )
    };
}

/// One delivery, by its id alone: for its job.
pub async fn find_delivery(c: Conn<'_>, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>> {
    const FIND: &str = delivery_columns!("WHERE id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// What a webhook was told, the newest first.
pub async fn list_deliveries(
    c: Conn<'_>,
    org: OrgId,
    id: WebhookId,
    before: (DateTime<Utc>, WebhookDeliveryId),
    limit: i64,
) -> Result<Vec<WebhookDelivery>> {
    const LIST: &str = delivery_columns!(
        "WHERE org_id = $1 AND webhook_id = $2 AND (created_at < $3 OR (created_at = $3 AND id < $4))
         ORDER BY created_at DESC, id DESC LIMIT $5"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(id).bind(before.0).bind(before.1).bind(limit)
        .fetch_all(c).await)?)
}

/// Adds something to tell.
pub async fn insert_delivery(
    c: Conn<'_>,
    id: WebhookDeliveryId,
    webhook: &WebhookRow,
    event: &str,
    payload: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO webhook_deliveries (id, org_id, webhook_id, event, payload, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    both!(c, c => sqlx::query(INSERT).bind(id).bind(webhook.org_id).bind(webhook.id).bind(event).bind(payload)
        .bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Says what became of an attempt.
pub async fn settle_delivery(
    c: Conn<'_>,
    id: WebhookDeliveryId,
    status: &str,
    response: Option<i64>,
    error: Option<&str>,
    attempted: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE webhook_deliveries SET status = $2, response_status = $3, error_message = $4,
               attempts = attempts + $5, settled_at = CASE WHEN $2 = 'waiting' THEN NULL ELSE $6 END
        WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(status).bind(response).bind(error).bind(i64::from(attempted))
        .bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Deletes what was told of a customer.
pub async fn delete_deliveries_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<i64> {
    const DELETE: &str = "DELETE FROM webhook_deliveries WHERE org_id = $1 AND payload LIKE $2";
    let named = format!("%\"{customer}\"%");
    let deleted = both!(c, c => sqlx::query(DELETE).bind(org).bind(named).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// Deletes what was told before `before`.
pub async fn delete_old_deliveries(c: Conn<'_>, before: DateTime<Utc>) -> Result<()> {
    const DELETE: &str = "DELETE FROM webhook_deliveries WHERE created_at < $1 AND status <> 'waiting'";
    both!(c, c => sqlx::query(DELETE).bind(before).execute(c).await.map(|_| ()))?;
    Ok(())
}
