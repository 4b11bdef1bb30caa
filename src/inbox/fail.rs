//! What did not reach the customer, or may not have: people see it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Holder, Message, MessageStatus, Sender, Status, assign,
    call_agents::call,
    rules,
    store::{self, HolderChange},
};
use crate::{
    app::{App, Changed, MessageId, UserId},
    customers::{self, ActivityKind, NewActivity},
    platform::{Result, db::Conn},
    staff,
};

/// Says what became of a message as a whole; one that failed is reported.
pub(super) async fn settle(app: &App, message: &Message, status: MessageStatus, reason: Option<&str>) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let from = [MessageStatus::Queued, MessageStatus::Sending, MessageStatus::Uncertain];
    let changed = store::set_message_status(tx.conn(), message.id, &from, status, reason, None, now).await?;
    let told = if changed && matches!(status, MessageStatus::Failed | MessageStatus::Uncertain) {
        report_failure(tx.conn(), message, reason.unwrap_or_default(), now).await?
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
    let parts = store::list_parts(reader.conn(), id).await?;
    drop(reader);
    // What was on its way when we heard nothing more may have arrived.
    let is_unclear = parts.iter().any(|part| part.status == MessageStatus::Sending);
    let mut tx = app.begin().await?;
    for part in parts {
        for (from, to) in
            [(MessageStatus::Queued, MessageStatus::Failed), (MessageStatus::Sending, MessageStatus::Uncertain)]
        {
            store::set_part_status(tx.conn(), part.id, &[from], to, Some(why), None, app.now()).await?;
        }
    }
    tx.commit().await?;
    let status = if is_unclear { MessageStatus::Uncertain } else { MessageStatus::Failed };
    settle(app, &message, status, Some(why)).await
}

/// What a person does whose brief says so: the answer is there, and the customer does not have it.
const UNDELIVERED: &str = "the customer does not have the answer, or may not have it";

/// What the assistant said did not arrive, or may not have: people are called, and hold the conversation if the
/// assistant did. Returns whom to tell.
pub(super) async fn report_failure(
    mut c: Conn<'_>,
    message: &Message,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let activity = NewActivity::of(ActivityKind::Custom, None)
        .titled("A message could not be delivered")
        .with(json!({"conversation_id": message.conversation_id, "message_id": message.id, "reason": why}));
    customers::activity(c.again(), message.org_id, message.customer_id, activity, now).await?;
    call_people(c, message, ("undeliverable", "A message to {} could not be delivered"), why, now).await
}

/// An answer was longer than the platform permits: a person says the rest. Returns whom to tell.
pub(super) async fn hand_over_rest(c: Conn<'_>, message: &Message, now: DateTime<Utc>) -> Result<Vec<UserId>> {
    let why = "the answer is longer than the platform permits: the end of it was not sent";
    call_people(c, message, ("too_long", "An answer to {} was too long for the platform"), why, now).await
}

async fn call_people(
    mut c: Conn<'_>,
    message: &Message,
    (reason, title): (&str, &str),
    why: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let Some(conversation) = store::find_any(c.again(), message.conversation_id).await? else {
        return Ok(Vec::new());
    };
    if message.sender_type == Sender::Assistant
        && conversation.holder == Holder::Assistant
        && conversation.status == Status::Active
    {
        let before = store::list_messages_before(c.again(), message.org_id, conversation.id, message.seq, 20).await?;
        let asked = before.iter().rev().find(|m| m.sender_type == Sender::Customer);
        let brief = json!({
            "question": asked.map(|m| m.content.as_str()).unwrap_or_default(),
            "tried": [why], "evidence": [], "missing": UNDELIVERED, "mood": "calm",
        });
        let change = HolderChange {
            reason: Some(reason.into()),
            brief: Some(brief),
            ..HolderChange::to(Status::Pending, Holder::Queue)
        };
        store::set_holder(c.again(), conversation.id, &change, now).await?;
        let title = title.replace("{}", &conversation.customer_name);
        let rules = rules::load(c.again(), conversation.org_id).await?;
        return assign::wait(c, &conversation, &rules, &title, now).await;
    }
    let title = title.replace("{}", &conversation.customer_name);
    call(c, &conversation, None, &title, now).await
}
