//! An emoji that an agent puts on a customer's message. It is no message: setting it twice sets it once, so it goes by
//! a job of its own and the outbox has no part in it.

use serde_json::{Value, json};

use super::{Message, Sender, change, connect, store};
use crate::{
    app::{App, Changed, ConversationId, Job, MessageId},
    channels::{
        Address, Failure, Reacted, Sent,
        law::{Purpose, Ruling},
    },
    customers,
    platform::{Error, Result},
    staff::{By, audit},
};

/// Under which name our emoji stands with the message.
const OURS: &str = "agent";

/// Puts an emoji on a message of the customer, or takes it away (`None`).
pub async fn react(
    app: &App,
    by: &By,
    conversation: ConversationId,
    id: MessageId,
    emoji: Option<&str>,
) -> Result<Message> {
    let emoji = emoji.map(str::trim).filter(|e| !e.is_empty());
    if emoji.is_some_and(|e| e.len() > 40 || e.chars().any(|c| c.is_alphanumeric() && !c.is_ascii_digit())) {
        return Err(Error::Invalid("emoji: one emoji, or nothing".into()));
    }
    let (org, now) = (by.org, app.now());
    let mut tx = app.begin().await?;
    super::found(tx.conn(), by, conversation).await?;
    let found = store::find_message_of(tx.conn(), org, id).await?.filter(|m| m.conversation_id == conversation);
    let mut message = found.ok_or(Error::NotFound("message"))?;
    let row = store::find_channel(tx.conn(), message.channel_id).await?.ok_or(Error::NotFound("channel"))?;
    if message.sender_type != Sender::Customer || change::is_revoked(&message) {
        return Err(Error::Invalid("only what a customer wrote can carry a reaction".into()));
    }
    if !connect::open(app, &row)?.has_reactions() {
        return Err(Error::Invalid("this channel has no reactions".into()));
    }
    note(&mut message, emoji, None);
    store::rewrite_message(tx.conn(), &message, &message.content, &message.metadata.0, false).await?;
    Job::React { message: id }.push(tx.conn(), org, now).await?;
    let said = json!({"message_id": id, "emoji": emoji});
    audit(tx.conn(), now, by, "message.react", ("conversation", conversation.0), said).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id: conversation }).await;
    Ok(message)
}

/// Tells the platform which emoji of ours a message carries now (`Job::React`).
pub async fn send_reaction(app: &App, id: MessageId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(message) = store::find_message(reader.conn(), id).await? else {
        return Ok(());
    };
    let conversation = store::find_any(reader.conn(), message.conversation_id).await?;
    let row = store::find_channel(reader.conn(), message.channel_id).await?;
    let (Some(conversation), Some(row), Some(external)) = (conversation, row, &message.external_message_id) else {
        return Ok(());
    };
    let identity = match conversation.identity_id {
        Some(identity) => customers::find_identity(reader.conn(), message.org_id, identity).await?,
        None => None,
    };
    let Some(identity) = identity else { return Ok(()) };
    let chat = store::find_chat(reader.conn(), conversation.id).await?;
    let channel = connect::open(app, &row)?;
    let law = channel.law();
    let past = store::past(reader.conn(), row.id, message.customer_id, app.now()).await?;
    drop(reader);
    let why = match law.rule(&past, Purpose::Person, 1, app.now()) {
        Ruling::Now => {
            let customer = Address::new(&identity.kind, identity.external_id);
            let to = Reacted { customer: &customer, chat: chat.as_deref(), message: external };
            let emoji = message.metadata.0.pointer("/reactions/agent").and_then(Value::as_str);
            let unavailable = |why: String| Error::Unavailable { service: "the channel", source: anyhow::anyhow!(why) };
            match channel.react(&app.outside, &to, emoji).await {
                Sent::Accepted(_) => return Ok(()),
                Sent::Failed(Failure::Retry(_, Some(after))) => return Err(Error::Later { at: app.now() + after }),
                Sent::Failed(Failure::Retry(why, None)) | Sent::Unknown(why, _) => return Err(unavailable(why)),
                Sent::Failed(failure) => failure.why().to_string(),
            }
        }
        Ruling::WaitUntil(at) => return Err(Error::Later { at }),
        Ruling::NeedsTemplate => "the customer wrote too long ago".into(),
        Ruling::NeedsPerson(why) | Ruling::Never(why) => why.into(),
    };
    not_reacted(app, id, &why).await
}

/// The platform did not take the emoji: it is taken off again, and the message says why.
pub async fn not_reacted(app: &App, id: MessageId, why: &str) -> Result<()> {
    let mut tx = app.begin().await?;
    let Some(mut message) = store::find_message(tx.conn(), id).await? else {
        return Ok(());
    };
    note(&mut message, None, Some(why));
    store::rewrite_message(tx.conn(), &message, &message.content, &message.metadata.0, false).await?;
    tx.commit().await?;
    app.changed(message.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(())
}

fn note(message: &mut Message, emoji: Option<&str>, error: Option<&str>) {
    let mut all = change::fields(message);
    let mut reactions = all.get("reactions").and_then(Value::as_object).cloned().unwrap_or_default();
    match emoji {
        Some(emoji) => reactions.insert(OURS.into(), json!(emoji)),
        None => reactions.shift_remove(OURS),
    };
    all.insert("reactions".into(), Value::Object(reactions));
    match error {
        Some(why) => all.insert("reaction_error".into(), json!(why)),
        None => all.shift_remove("reaction_error"),
    };
    message.metadata.0 = Value::Object(all);
}
