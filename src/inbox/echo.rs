//! People who answer with the platform's own app: the assistant is silent from the instant we hear of it.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::{
    Conversation, Holder, Message, MessageStatus, Sender, Status, announce,
    receive::same_person,
    store::{self, ChannelRow, HolderChange, NewConversation},
};
use crate::{
    app::{App, Changed, MessageId},
    channels::{Address, Echo},
    customers::{self, ActivityKind, Identity, NewActivity, Reached},
    platform::{Error, Result, db::Conn},
};

/// How far back a text that we sent ourselves is looked for, when its id is not known yet.
const OURS: Duration = Duration::minutes(2);

pub(super) fn reached<'a>(row: &ChannelRow, address: &'a Address) -> Reached<'a> {
    Reached { channel: row.id, kind: &address.kind, external_id: &address.id, display_name: None }
}

/// The talk with the person behind an identity.
pub(super) async fn latest(mut c: Conn<'_>, identity: &Identity) -> Result<Option<Conversation>> {
    let all = same_person(c.again(), identity).await?;
    store::find_latest_of(c, identity.org_id, &all).await
}

/// Keeps what a person wrote with the platform's app; they hold the conversation from here.
pub(super) async fn take(app: &App, row: &ChannelRow, echo: Echo) -> Result<()> {
    let (now, org) = (app.now(), row.org_id);
    let mut tx = app.begin().await?;
    if store::find_by_external(tx.conn(), org, row.id, &echo.external_message_id).await?.is_some() {
        return Ok(());
    }
    let (customer, identity) = customers::find_or_create(tx.conn(), org, reached(row, &echo.customer), now).await?;
    let is_file = echo.content_type != "text";
    let (id, text) = (&echo.external_message_id, &echo.text);
    // By when it was written, not by when we hear of it: that may be long after, when nobody was here to listen.
    let written = echo.sent_at.unwrap_or(now).min(now);
    if store::is_ours(tx.conn(), row.id, customer.id, id, text, is_file, written - OURS).await? {
        return Ok(());
    }
    customers::lock_identity(tx.conn(), identity.id).await?;
    let found = match latest(tx.conn(), &identity).await?.filter(|c| c.status != Status::Closed) {
        Some(found) => found,
        None => {
            let new = NewConversation {
                org,
                customer: customer.id,
                identity: identity.id,
                channel: row.id,
                channel_type: row.platform.clone(),
                external_chat_id: echo.external_chat_id.clone(),
            };
            let id = store::insert(tx.conn(), &new, now).await?;
            store::find_any(tx.conn(), id).await?.ok_or(Error::NotFound("conversation"))?
        }
    };
    let Some((seq, epoch)) = store::advance(tx.conn(), found.id, Sender::Agent, None, &echo.text, None, now).await?
    else {
        return Err(Error::NotFound("conversation"));
    };
    let message = Message {
        id: MessageId::new(),
        org_id: org,
        conversation_id: found.id,
        customer_id: customer.id,
        channel_id: row.id,
        seq,
        epoch,
        sender_type: Sender::Agent,
        sender_id: None,
        content_type: echo.content_type,
        content: echo.text,
        media_url: None,
        metadata: Json(json!({"kind": "echo"})),
        is_private: false,
        turn_id: None,
        ai_generated: false,
        ai_confidence: None,
        ai_sources: None,
        status: MessageStatus::Sent,
        status_reason: None,
        external_message_id: Some(echo.external_message_id),
        idempotency_key: None,
        sent_at: echo.sent_at,
        created_at: now,
        files: Vec::new(),
        quoted: None,
    };
    if !store::insert_message(tx.conn(), &message).await? {
        return Ok(());
    }
    announce::message(tx.conn(), &message, now).await?;
    hold(tx.conn(), &found, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id: found.id }).await;
    Ok(())
}

/// A person at the platform holds it, unless an agent here does.
async fn hold(mut c: Conn<'_>, found: &Conversation, now: DateTime<Utc>) -> Result<()> {
    let is_held = found.holder == Holder::Agent && found.status == Status::Active;
    if !is_held {
        let change = HolderChange {
            reason: Some("answered_elsewhere".into()),
            ..HolderChange::to(Status::Active, Holder::Agent)
        };
        store::set_holder(c.again(), found.id, &change, now).await?;
        announce::conversation(c, found.org_id, found.id, "conversation_status_changed", now).await?;
    }
    Ok(())
}

/// A person at the platform took the customer, or let go of them.
pub(super) async fn held(app: &App, row: &ChannelRow, customer: &Address, by_person: bool) -> Result<()> {
    let (now, org) = (app.now(), row.org_id);
    let mut tx = app.begin().await?;
    let Some(identity) = customers::identity(tx.conn(), org, reached(row, customer)).await? else {
        return Ok(());
    };
    let Some(found) = latest(tx.conn(), &identity).await? else {
        return Ok(());
    };
    if by_person {
        hold(tx.conn(), &found, now).await?;
    } else if matches!(found.holder, Holder::Agent | Holder::Queue) && found.agent_id.is_none() {
        let holder = if found.ai_enabled { Holder::Assistant } else { Holder::Queue };
        let change = HolderChange {
            resolution: Some("confirmed"),
            ..HolderChange::to(if found.ai_enabled { Status::Resolved } else { found.status }, holder)
        };
        store::set_holder(tx.conn(), found.id, &change, now).await?;
    }
    tx.commit().await?;
    app.changed(org, Changed::Conversation { id: found.id }).await;
    Ok(())
}

/// The customer wants nothing from us any more, or again: whoever looks at them sees it.
pub(super) async fn blocked(app: &App, row: &ChannelRow, customer: &Address, is_blocked: bool) -> Result<()> {
    let org = row.org_id;
    let mut tx = app.begin().await?;
    let Some(identity) = customers::identity(tx.conn(), org, reached(row, customer)).await? else {
        return Ok(());
    };
    let title = if is_blocked { "Blocked us" } else { "Unblocked us" };
    let activity = NewActivity::of(ActivityKind::Custom, None).titled(title).with(json!({"channel": row.platform}));
    customers::activity(tx.conn(), org, identity.customer_id, activity, app.now()).await?;
    tx.commit().await
}

/// The customer has other addresses now: they are the same customer's.
pub(super) async fn moved(app: &App, row: &ChannelRow, from: &[Address], to: &[Address]) -> Result<()> {
    let (now, org) = (app.now(), row.org_id);
    let mut tx = app.begin().await?;
    let mut known = None;
    for address in from {
        if known.is_none() {
            known = customers::identity(tx.conn(), org, reached(row, address)).await?;
        }
    }
    let Some(known) = known else {
        return Ok(());
    };
    // Before the new ones are theirs too: the talk goes by the old ones.
    let found = latest(tx.conn(), &known).await?;
    let mut newest = None;
    for address in to {
        let identity = customers::add_address(tx.conn(), &known, reached(row, address), now).await?;
        // Somebody else's address stays theirs.
        newest = newest.or(Some(identity).filter(|i| i.customer_id == known.customer_id));
    }
    if let Some(identity) = newest
        && let Some(found) = found
    {
        // What is said next goes to the new address; it is no sign of life of its own.
        let last = found.last_customer_message_at.unwrap_or(found.created_at);
        store::set_reach(tx.conn(), found.id, identity.id, None, last).await?;
    }
    tx.commit().await
}
