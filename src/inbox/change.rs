//! What customers do to messages that stand already: an emoji, an edit, a revocation. None of them is a new question.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    Message, Sender,
    store::{self, ChannelRow},
};
use crate::{
    app::{App, Changed, ChannelId, Job, OrgId},
    channels::Address,
    platform::{Result, db::Conn},
};

/// The message that the platform means by `target`: the customer's, or one of ours.
pub(super) async fn find(mut c: Conn<'_>, org: OrgId, channel: ChannelId, target: &str) -> Result<Option<Message>> {
    if let Some(found) = store::find_by_external(c.again(), org, channel, target).await? {
        return Ok(Some(found));
    }
    match store::find_part(c.again(), channel, target.parse().ok().map(crate::app::PartId), target).await? {
        Some(part) => store::find_message(c, part.message_id).await,
        None => Ok(None),
    }
}

pub(super) fn fields(message: &Message) -> Map<String, Value> {
    message.metadata.0.as_object().cloned().unwrap_or_default()
}

/// Keeps an emoji with the message it was put on; it is a sign of life too. False: the message is not known.
pub(super) async fn react(
    app: &App,
    row: &ChannelRow,
    by: &Address,
    target: &str,
    emoji: Option<&str>,
    at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let mut tx = app.begin().await?;
    let Some(message) = find(tx.conn(), row.org_id, row.id, target).await? else {
        return Ok(false);
    };
    let mut all = fields(&message);
    let mut reactions = all.get("reactions").and_then(Value::as_object).cloned().unwrap_or_default();
    // Who it was is the conversation's customer: their address is not copied into the message.
    let who = if by.kind == "group" { "group" } else { "customer" };
    match emoji {
        Some(emoji) => reactions.insert(who.into(), json!(emoji)),
        None => reactions.shift_remove(who),
    };
    all.insert("reactions".into(), Value::Object(reactions));
    store::rewrite_message(tx.conn(), &message, &message.content, &Value::Object(all), false).await?;
    if let Some(conversation) = store::find_any(tx.conn(), message.conversation_id).await?
        && let Some(identity) = conversation.identity_id
    {
        store::set_reach(tx.conn(), conversation.id, identity, None, at.unwrap_or(app.now())).await?;
    }
    tx.commit().await?;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(true)
}

/// The customer changed what they had written. A turn that read it before is taken again; what was answered stays
/// answered. False: the message is not known.
pub(super) async fn edit(app: &App, row: &ChannelRow, target: &str, text: &str) -> Result<bool> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(message) =
        find(tx.conn(), row.org_id, row.id, target).await?.filter(|m| m.sender_type == Sender::Customer)
    else {
        return Ok(false);
    };
    if message.content == text || is_revoked(&message) {
        return Ok(true);
    }
    let mut all = fields(&message);
    let mut before = all.get("before_edit").and_then(Value::as_array).cloned().unwrap_or_default();
    before.push(json!(message.content));
    all.insert("before_edit".into(), Value::Array(before));
    all.insert("edited_at".into(), json!(now));
    store::rewrite_message(tx.conn(), &message, text, &Value::Object(all), true).await?;
    Job::TakeTurn { conversation: message.conversation_id }.push(tx.conn(), row.org_id, now).await?;
    tx.commit().await?;
    app.wake(row.org_id).await;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(true)
}

/// The customer took a message back: what it said is gone here too, and is not answered. False: it is not known.
pub(super) async fn revoke(app: &App, row: &ChannelRow, target: &str) -> Result<bool> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(message) = find(tx.conn(), row.org_id, row.id, target).await? else {
        return Ok(false);
    };
    let kept = json!({"revoked": true, "revoked_at": now});
    store::rewrite_message(tx.conn(), &message, "", &kept, true).await?;
    store::clear_preview(tx.conn(), message.conversation_id, &message.content).await?;
    let files = store::list_attachments(tx.conn(), message.id).await?;
    for file in &files {
        store::settle_attachment(tx.conn(), file.id, &store::Stored::only("deleted"), now).await?;
    }
    // What else is open is still answered.
    Job::TakeTurn { conversation: message.conversation_id }.push(tx.conn(), row.org_id, now).await?;
    tx.commit().await?;
    for file in &files {
        super::file::delete(app, file.org_id, file.id).await;
    }
    app.wake(row.org_id).await;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(true)
}

/// Whether the customer took this message back.
pub(super) fn is_revoked(message: &Message) -> bool {
    message.metadata.0.get("revoked") == Some(&Value::Bool(true))
}
