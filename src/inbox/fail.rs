//! What did not reach the customer, or may not have: people see it.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Conversation, Holder, Message, MessageStatus, Sender, Status, assign,
    call_agents::call_about,
    rules,
    store::{self, HolderChange},
};
use crate::{
    app::{App, Changed, MessageId, UserId},
    customers::{self, ActivityKind, NewActivity},
    platform::{Result, db::Conn},
    staff::{self, Audience, ConversationReply, News, Permission},
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

/// What a customer lacks, and how people are told.
struct Lack<'a> {
    /// Why the conversation is handed over, where the assistant holds it.
    reason: &'static str,
    /// `{}`: to whom.
    title: &'static str,
    why: &'a str,
    /// It may be that nothing of it arrived.
    is_all: bool,
}

/// A message did not arrive, or may not have: people see to it. Returns whom to tell.
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
    let title = "A message to {} could not be delivered";
    see_to(c, message, &Lack { reason: "undeliverable", title, why, is_all: true }, now).await
}

/// An answer was longer than the platform permits: a person says the rest. Returns whom to tell.
pub(super) async fn hand_over_rest(c: Conn<'_>, message: &Message, now: DateTime<Utc>) -> Result<Vec<UserId>> {
    let why = "the answer is longer than the platform permits: the end of it was not sent";
    let title = "An answer to {} was too long for the platform";
    see_to(c, message, &Lack { reason: "too_long", title, why, is_all: false }, now).await
}

/// The queue holds from here what the assistant held; else people are told where they are.
async fn see_to(mut c: Conn<'_>, message: &Message, lack: &Lack<'_>, now: DateTime<Utc>) -> Result<Vec<UserId>> {
    while let Some(found) = store::find_any(c.again(), message.conversation_id).await? {
        let is_assistants = message.sender_type == Sender::Assistant
            && found.holder == Holder::Assistant
            && found.status == Status::Active;
        if !is_assistants {
            return tell_people(c, &found, message, lack, now).await;
        }
        if let Some(told) = hand_over(c.again(), &found, message, lack, now).await? {
            return Ok(told);
        }
    }
    Ok(Vec::new())
}

/// `None`: it changed since it was read.
async fn hand_over(
    mut c: Conn<'_>,
    found: &Conversation,
    message: &Message,
    lack: &Lack<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Vec<UserId>>> {
    let before = store::list_messages_before(c.again(), message.org_id, found.id, message.seq, 20).await?;
    let asked = before.iter().rev().find(|m| m.sender_type == Sender::Customer);
    let brief = json!({
        "question": asked.map(|m| m.content.as_str()).unwrap_or_default(),
        "tried": [lack.why], "evidence": [], "missing": UNDELIVERED, "mood": "calm",
    });
    let change = HolderChange {
        reason: Some(lack.reason.into()),
        brief: Some(brief),
        fence: Some(found.version),
        ..HolderChange::to(Status::Pending, Holder::Queue)
    };
    if !store::set_holder(c.again(), found.id, &change, now).await? {
        return Ok(None);
    }
    let title = lack.title.replace("{}", &found.customer_name);
    let rules = rules::load(c.again(), found.org_id).await?;
    assign::wait(c, found, &rules, &title, now).await.map(Some)
}

/// Tells who wrote it, or whose the conversation is, if they are at the console, else everybody who may answer. If
/// nobody sees to it, mailboxes and robot are told too; who waits in the queue has them called already.
async fn tell_people(
    mut c: Conn<'_>,
    found: &Conversation,
    message: &Message,
    lack: &Lack<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let org = found.org_id;
    let audience = match message.writer().or(found.agent_id) {
        Some(user) if assign::is_there(c.again(), org, user, now).await? => Audience::One(user),
        _ => Audience::May(ConversationReply::KEY),
    };
    let title = lack.title.replace("{}", &found.customer_name);
    let resource = Some(("conversation", found.id.0));
    let news = News { kind: "undelivered", title: &title, content: Some(lack.why), resource };
    let told = staff::notify(c.again(), org, audience, news, now).await?;
    let is_open = matches!(found.status, Status::Pending | Status::Active);
    if lack.is_all && is_open && found.holder != Holder::Queue {
        call_about(c, message, now).await?;
    }
    Ok(told)
}
