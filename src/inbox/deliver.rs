//! A stored message goes out over its channel, and what became of it is stored.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{Message, MessageStatus, Sender, call_agents::call, connect, store};
use crate::{
    app::{App, Changed, MessageId, UserId},
    channels::{Channel, Outbound, Sent},
    customers::{self, ActivityKind, NewActivity},
    platform::{Error, Result, db::Conn},
    staff,
};

/// Sends one message (`Job::Deliver`). `sending` is stored before the platform is called: a run that finds it there
/// knows that an earlier one may have sent the message, and repeats it only where the platform recognises our id.
pub async fn deliver(app: &App, id: MessageId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(message) = store::find_message(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(row) = store::find_channel(reader.conn(), message.channel_id).await? else {
        return Ok(());
    };
    let interrupted = match message.status {
        MessageStatus::Queued => false,
        MessageStatus::Sending => true,
        _ => return Ok(()),
    };
    let conversation = store::find_any(reader.conn(), message.conversation_id).await?;
    let identity = match conversation.and_then(|c| c.identity_id) {
        Some(id) => customers::find_identity(reader.conn(), message.org_id, id).await?,
        None => None,
    };
    drop(reader);
    let channel = match connect::open(app, &row) {
        Ok(channel) => channel,
        Err(e) => return settle(app, &message, MessageStatus::Failed, Some(&e.to_string()), None).await,
    };
    if matches!(channel, Channel::Web) {
        return settle(app, &message, MessageStatus::Sent, None, None).await;
    }
    let Some(identity) = identity else {
        return settle(app, &message, MessageStatus::Failed, Some("the customer has no address on this channel"), None)
            .await;
    };
    if interrupted && !channel.recognises_repeats() {
        return settle(
            app,
            &message,
            MessageStatus::Uncertain,
            Some("it may have been sent; the connection broke"),
            None,
        )
        .await;
    }
    if !interrupted {
        let mut tx = app.begin().await?;
        let sending = [MessageStatus::Queued];
        store::set_message_status(tx.conn(), id, &sending, MessageStatus::Sending, None, None, app.now()).await?;
        tx.commit().await?;
    }
    let outbound = Outbound {
        id: id.to_string(),
        conversation: message.conversation_id.to_string(),
        recipient: identity.external_id,
        by: if message.sender_type == Sender::Agent { "agent" } else { "assistant" },
        text: message.content.clone(),
        sources: message.ai_sources.as_ref().map(|s| s.0.clone()),
    };
    match channel.send(&app.http, &outbound, app.now()).await {
        Sent::Accepted(external) => settle(app, &message, MessageStatus::Sent, None, external.as_deref()).await,
        Sent::Never(why) => settle(app, &message, MessageStatus::Failed, Some(&why), None).await,
        Sent::Retry(why) | Sent::Unknown(why, true) => {
            Err(Error::Unavailable { service: "the channel", source: anyhow::anyhow!(why) })
        }
        Sent::Unknown(why, false) => settle(app, &message, MessageStatus::Uncertain, Some(&why), None).await,
    }
}

async fn settle(
    app: &App,
    message: &Message,
    status: MessageStatus,
    reason: Option<&str>,
    external: Option<&str>,
) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let from = [MessageStatus::Queued, MessageStatus::Sending, MessageStatus::Uncertain];
    store::set_message_status(tx.conn(), message.id, &from, status, reason, external, now).await?;
    let told = if status == MessageStatus::Failed {
        report_failure(app, tx.conn(), message, reason.unwrap_or_default(), now).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    staff::tell(app, message.org_id, &told).await;
    app.wake(message.org_id).await;
    app.changed(message.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(())
}

/// A delivery was tried for the last time: a person sees it.
pub async fn not_delivered(app: &App, id: MessageId, why: &str) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(message) = store::find_message(reader.conn(), id).await? else {
        return Ok(());
    };
    drop(reader);
    settle(app, &message, MessageStatus::Failed, Some(why), None).await
}

async fn report_failure(
    app: &App,
    mut c: Conn<'_>,
    message: &Message,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let activity = NewActivity::of(ActivityKind::Custom, None)
        .titled("A message could not be delivered")
        .with(json!({"conversation_id": message.conversation_id, "message_id": message.id, "reason": why}));
    customers::activity(c.again(), message.org_id, message.customer_id, activity, now).await?;
    match store::find_any(c.again(), message.conversation_id).await? {
        Some(conversation) => {
            let title = format!("A message to {} could not be delivered", conversation.customer_name);
            call(app, c, &conversation, None, &title, now).await
        }
        None => Ok(Vec::new()),
    }
}
