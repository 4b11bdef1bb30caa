//! What a customer writes becomes a message, once, in the right conversation.

use chrono::Duration;
use sqlx::types::Json;

use super::{
    Conversation, Holder, Joins, Message, MessageStatus, Sender,
    call_agents::call,
    connect, satisfaction,
    store::{self, NewConversation},
};
use crate::{
    app::{App, Changed, ChannelEventId, ChannelId, ConversationId, Job, MessageId, OrgId},
    channels::Inbound,
    customers::{self, ActivityKind, NewActivity, Reached},
    platform::{Error, Result, language::Language},
    staff,
};

/// What became of an inbound message.
#[derive(Debug)]
pub struct Received {
    pub conversation: ConversationId,
    pub message: Message,
    /// It had been received before; nothing was written.
    pub repeated: bool,
}

/// Turns one raw event into a message (`Job::Receive`). Safe to repeat.
pub async fn receive_event(app: &App, id: ChannelEventId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(event) = store::find_event(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(row) = store::find_channel(reader.conn(), event.channel_id).await? else {
        return Ok(());
    };
    drop(reader);
    if event.status != "received" {
        return Ok(());
    }
    let outcome = match connect::open(app, &row).and_then(|channel| channel.parse(&event.payload)) {
        Ok(Some(inbound)) => {
            receive(app, event.org_id, row.id, &row.platform, inbound).await.map(|_| ("processed", None))
        }
        Ok(None) => Ok(("ignored", None)),
        Err(e) if e.is_transient() => Err(e),
        Err(e) => Ok(("failed", Some(e.to_string()))),
    };
    let (status, error) = outcome?;
    let mut tx = app.begin().await?;
    store::settle_event(tx.conn(), id, status, error.as_deref(), app.now()).await?;
    tx.commit().await
}

/// Takes in one message: customer and identity, conversation, message and `Job::TakeTurn` in one transaction.
/// Once per external id: a repetition returns what was received the first time.
pub async fn receive(app: &App, org: OrgId, channel: ChannelId, platform: &str, inbound: Inbound) -> Result<Received> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if let Some(message) = store::find_by_external(tx.conn(), org, channel, &inbound.external_message_id).await? {
        return Ok(Received { conversation: message.conversation_id, message, repeated: true });
    }
    let reached = Reached {
        channel,
        kind: &inbound.kind,
        external_id: &inbound.sender,
        display_name: inbound.sender_name.as_deref(),
    };
    let (customer, identity) = customers::find_or_create(tx.conn(), org, reached, now).await?;
    customers::lock_identity(tx.conn(), identity.id).await?;
    let latest = store::find_latest(tx.conn(), org, identity.id).await?;
    let mut told = Vec::new();
    let mark = latest.as_ref().and_then(|c| satisfaction::mark(c, &inbound.text, now));
    let id = match latest.as_ref().map(|c| (c, c.joins(now))) {
        Some((c, _)) if mark.is_some() => c.id, // the answer to our question: it stays resolved
        Some((c, Joins::Same)) => c.id,
        Some((c, Joins::Again(holder))) => {
            store::reopen(tx.conn(), c.id, holder, now).await?;
            if holder == Holder::Queue {
                let title = format!("{} waits for a person", c.customer_name);
                told = call(app, tx.conn(), c, None, &title, now).await?;
            }
            c.id
        }
        Some((_, Joins::New)) | None => {
            let new = NewConversation {
                org,
                customer: customer.id,
                identity: identity.id,
                channel,
                channel_type: platform.into(),
                external_chat_id: inbound.external_chat_id.clone(),
            };
            let id = store::insert(tx.conn(), &new, now).await?;
            let started = NewActivity::of(ActivityKind::ConversationStarted, None)
                .with(serde_json::json!({"conversation_id": id, "channel": platform}));
            customers::activity(tx.conn(), org, customer.id, started, now).await?;
            id
        }
    };
    let language = Language::detect(&inbound.text);
    let Some((seq, epoch)) =
        store::advance(tx.conn(), id, Sender::Customer, None, &inbound.text, language, now).await?
    else {
        return Err(Error::NotFound("conversation"));
    };
    let message = Message {
        id: MessageId::new(),
        org_id: org,
        conversation_id: id,
        customer_id: customer.id,
        channel_id: channel,
        seq,
        epoch,
        sender_type: Sender::Customer,
        sender_id: Some(identity.id.to_string()),
        content_type: inbound.content_type,
        content: inbound.text,
        media_url: inbound.media_url,
        metadata: Json(inbound.metadata),
        is_private: false,
        turn_id: None,
        ai_generated: false,
        ai_confidence: None,
        ai_sources: None,
        status: MessageStatus::Received,
        status_reason: None,
        external_message_id: Some(inbound.external_message_id.clone()),
        idempotency_key: None,
        sent_at: inbound.sent_at,
        created_at: now,
    };
    if !store::insert_message(tx.conn(), &message).await? {
        // Another process received it at this very instant: this transaction is undone, its message stands.
        drop(tx);
        let mut reader = app.read().await?;
        let message = store::find_by_external(reader.conn(), org, channel, &inbound.external_message_id)
            .await?
            .ok_or_else(|| Error::internal(anyhow::anyhow!("a message clashed and is not there")))?;
        return Ok(Received { conversation: message.conversation_id, message, repeated: true });
    }
    let held_by_agent = latest
        .as_ref()
        .is_some_and(|c: &Conversation| c.id == id && c.holder == Holder::Agent && c.joins(now) == Joins::Same);
    if let (Some(mark), Some(c)) = (mark, &latest) {
        satisfaction::keep(tx.conn(), c, mark, now).await?;
    } else if !held_by_agent {
        let pause = Duration::milliseconds(i64::try_from(app.config.assistant.pause_ms).unwrap_or(i64::MAX));
        Job::TakeTurn { conversation: id }.push_at(tx.conn(), org, now, now + pause).await?;
    }
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(Received { conversation: id, message, repeated: false })
}
