//! Integrators' own servers are told what happens here: signed, in order per webhook, again until they take it.
//!
//! What is told is written in the transaction in which it happens, so nothing is told that did not happen and nothing
//! that happened goes untold.

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{
    Conversation, Message,
    store::{self, WebhookDelivery, WebhookRow},
};
use crate::{
    app::{App, ConversationId, Job, OrgId, WebhookDeliveryId, WebhookId},
    platform::{
        Error, Result,
        crypto::{self, hmac_sha256_hex},
        db::Conn,
    },
    staff::{self, Audience, By, News, Permission, SettingsManage, audit},
};

/// Everything that may be told.
pub const EVENTS: [&str; 3] = ["message_created", "conversation_created", "conversation_status_changed"];

/// After so long without a success a webhook is disabled.
const PATIENCE: Duration = Duration::hours(24);

/// Tells of a message.
pub(super) async fn message(mut c: Conn<'_>, m: &Message, now: DateTime<Utc>) -> Result<()> {
    let hooks = listening(c.again(), m.org_id, "message_created").await?;
    if hooks.is_empty() {
        return Ok(());
    }
    let about = json!({"conversation_id": m.conversation_id, "customer_id": m.customer_id, "channel_id": m.channel_id,
        "message": {"id": m.id, "seq": m.seq, "sender_type": m.sender_type, "sender_id": m.sender_id,
            "content_type": m.content_type, "content": m.content, "media_url": m.media_url, "private": m.is_private,
            "created_at": m.created_at}});
    tell(c, &hooks, "message_created", &about, now).await
}

/// Tells that a conversation was opened, or that somebody else holds it now.
pub(super) async fn conversation(
    mut c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    event: &'static str,
    now: DateTime<Utc>,
) -> Result<()> {
    let hooks = listening(c.again(), org, event).await?;
    if hooks.is_empty() {
        return Ok(());
    }
    let Some(found) = store::find(c.again(), org, id).await? else {
        return Ok(());
    };
    tell(c, &hooks, event, &about(&found), now).await
}

fn about(c: &Conversation) -> Value {
    json!({"conversation": {"id": c.id, "customer_id": c.customer_id, "channel_id": c.channel_id,
        "channel_type": c.channel_type, "status": c.status, "holder": c.holder, "agent_id": c.agent_id,
        "hand_off_reason": c.hand_off_reason, "resolution": c.resolution, "created_at": c.created_at}})
}

async fn listening(c: Conn<'_>, org: OrgId, event: &str) -> Result<Vec<WebhookRow>> {
    let mut all = store::list_webhooks(c, org).await?;
    all.retain(|w| w.status == "active" && (w.events.0.is_empty() || w.events.0.iter().any(|e| e == event)));
    Ok(all)
}

async fn tell(mut c: Conn<'_>, hooks: &[WebhookRow], event: &str, about: &Value, now: DateTime<Utc>) -> Result<()> {
    for hook in hooks {
        let id = WebhookDeliveryId::new();
        let mut payload = json!({"event": event, "id": id, "created_at": now});
        if let (Some(all), Some(about)) = (payload.as_object_mut(), about.as_object()) {
            all.extend(about.clone());
        }
        store::insert_delivery(c.again(), id, hook, event, &payload.to_string(), now).await?;
        Job::Announce { delivery: id, webhook: hook.id }.push(c.again(), hook.org_id, now).await?;
    }
    Ok(())
}

/// Sends one delivery (`Job::Announce`).
pub async fn announce(app: &App, id: WebhookDeliveryId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(delivery) = store::find_delivery(reader.conn(), id).await?.filter(|d| d.status == "waiting") else {
        return Ok(());
    };
    let Some(hook) = store::find_webhook(reader.conn(), delivery.org_id, delivery.webhook_id).await? else {
        return Ok(());
    };
    drop(reader);
    let now = app.now();
    if hook.status != "active" {
        return settle(app, &delivery, &hook, "failed", None, Some("the webhook is disabled"), false).await;
    }
    let secret = String::from_utf8(app.key.open(&context(hook.id), &hook.secret)?).map_err(Error::internal)?;
    let timestamp = now.timestamp().to_string();
    let signed = [timestamp.as_bytes(), b".", delivery.payload.as_bytes()].concat();
    let request = app
        .outside
        .configured()
        .post(&hook.url)
        .header("content-type", "application/json")
        .header("x-frontdesk-signature", format!("sha256={}", hmac_sha256_hex(secret.as_bytes(), &signed)))
        .header("x-frontdesk-timestamp", timestamp)
        .header("x-frontdesk-delivery", id.to_string())
        .body(delivery.payload.clone());
    match request.send().await {
        Ok(answer) if answer.status().is_success() => {
            let status = i64::from(answer.status().as_u16());
            settle(app, &delivery, &hook, "delivered", Some(status), None, true).await
        }
        Ok(answer) => {
            let status = i64::from(answer.status().as_u16());
            let why = format!("it answered {status}");
            settle(app, &delivery, &hook, "waiting", Some(status), Some(&why), true).await?;
            Err(Error::Unavailable { service: "the webhook", source: anyhow::anyhow!(why) })
        }
        Err(e) => {
            let why = if e.is_timeout() { "it did not answer in time" } else { "it can't be reached" };
            settle(app, &delivery, &hook, "waiting", None, Some(why), true).await?;
            Err(Error::Unavailable { service: "the webhook", source: anyhow::anyhow!(why) })
        }
    }
}

/// A delivery was tried for the last time: it can be replayed. A webhook that has failed for long is disabled.
pub async fn not_announced(app: &App, id: WebhookDeliveryId, error: &Error) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(delivery) = store::find_delivery(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(hook) = store::find_webhook(reader.conn(), delivery.org_id, delivery.webhook_id).await? else {
        return Ok(());
    };
    drop(reader);
    let (status, why) = (delivery.response_status, error.chain());
    settle(app, &delivery, &hook, "failed", status, Some(&why), false).await?;
    let now = app.now();
    if hook.failing_since.is_none_or(|since| now - since < PATIENCE) {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    store::set_webhook_state(tx.conn(), hook.id, "disabled", hook.failing_since, now).await?;
    let news = News {
        kind: "webhook_disabled",
        title: "A webhook was disabled because it has failed for a day",
        content: Some(&hook.url),
        resource: Some(("webhook", hook.id.0)),
    };
    let told = staff::notify(tx.conn(), hook.org_id, Audience::May(SettingsManage::KEY), news, now).await?;
    tx.commit().await?;
    staff::tell(app, hook.org_id, &told).await;
    Ok(())
}

async fn settle(
    app: &App,
    delivery: &WebhookDelivery,
    hook: &WebhookRow,
    status: &str,
    response: Option<i64>,
    error: Option<&str>,
    attempted: bool,
) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    store::settle_delivery(tx.conn(), delivery.id, status, response, error, attempted, now).await?;
    let failing_since = if status == "delivered" { None } else { Some(hook.failing_since.unwrap_or(now)) };
    if failing_since != hook.failing_since {
        store::set_webhook_state(tx.conn(), hook.id, &hook.status, failing_since, now).await?;
    }
    tx.commit().await
}

fn context(id: WebhookId) -> String {
    format!("webhook:{id}")
}

/// Adds a webhook; its secret is returned this once.
pub(super) async fn add(app: &App, by: &By, url: &str, events: Vec<String>) -> Result<(WebhookRow, String)> {
    let parsed = url::Url::parse(url.trim()).map_err(|_| Error::Invalid("url: not a web address".into()))?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() || parsed.password().is_some() {
        return Err(Error::Invalid("url: an address like https://example.com/hook, without a password".into()));
    }
    if let Some(unknown) = events.iter().find(|e| !EVENTS.contains(&e.as_str())) {
        return Err(Error::Invalid(format!("events: '{unknown}' is none; there are {}", EVENTS.join(", "))));
    }
    let (id, secret) = (WebhookId::new(), crypto::token());
    let row = WebhookRow {
        id,
        org_id: by.org,
        url: parsed.to_string(),
        secret: app.key.seal(&context(id), secret.as_bytes())?,
        events: Json(events),
        status: "active".into(),
        failing_since: None,
        created_at: app.now(),
    };
    let mut tx = app.begin().await?;
    store::insert_webhook(tx.conn(), &row).await?;
    audit(tx.conn(), app.now(), by, "webhook.create", ("webhook", id.0), json!({"events": row.events.0})).await?;
    tx.commit().await?;
    Ok((row, secret))
}

/// Removes a webhook.
pub(super) async fn remove(app: &App, by: &By, id: WebhookId) -> Result<()> {
    let mut tx = app.begin().await?;
    if !store::delete_webhook(tx.conn(), by.org, id).await? {
        return Err(Error::NotFound("webhook"));
    }
    audit(tx.conn(), app.now(), by, "webhook.delete", ("webhook", id.0), json!({})).await?;
    tx.commit().await
}

/// Lets a disabled webhook go on.
pub(super) async fn enable(app: &App, by: &By, id: WebhookId) -> Result<WebhookRow> {
    let mut tx = app.begin().await?;
    store::find_webhook(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("webhook"))?;
    store::set_webhook_state(tx.conn(), id, "active", None, app.now()).await?;
    audit(tx.conn(), app.now(), by, "webhook.enable", ("webhook", id.0), json!({})).await?;
    let row = store::find_webhook(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("webhook"))?;
    tx.commit().await?;
    Ok(row)
}

/// Sends a delivery once more, under the same id.
pub(super) async fn replay(app: &App, by: &By, id: WebhookDeliveryId) -> Result<WebhookDelivery> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let found = store::find_delivery(tx.conn(), id).await?.filter(|d| d.org_id == by.org);
    let found = found.ok_or(Error::NotFound("delivery"))?;
    store::settle_delivery(tx.conn(), id, "waiting", found.response_status, None, false, now).await?;
    Job::Announce { delivery: id, webhook: found.webhook_id }.push(tx.conn(), by.org, now).await?;
    let found = store::find_delivery(tx.conn(), id).await?.ok_or(Error::NotFound("delivery"))?;
    let changes = json!({"delivery_id": id});
    audit(tx.conn(), now, by, "webhook.replay", ("webhook", found.webhook_id.0), changes).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(found)
}
