//! What an agent writes: to the customer, or as a private note.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Message, MessageStatus, Sender, Status, announce, connect, due, file, mention, quote,
    store::{self, HolderChange},
};
use crate::{
    app::{App, AttachmentId, Changed, ConversationId, Job, MessageId, UserId},
    channels::{Body, Choice, FileFacts},
    platform::{Error, Result, upload::Upload},
    staff::{self, By, audit},
};

/// An agent's message as it comes in.
#[derive(Debug)]
pub struct AgentMessage {
    pub text: String,
    /// The version the agent saw; another one means somebody wrote meanwhile.
    pub version: Option<i64>,
    /// What the customer may tap: buttons where the platform has them, else numbered lines.
    pub choices: Vec<Choice>,
    /// What goes with it; then the text may be empty.
    pub file: Option<Upload>,
    /// What stands on the wire in place of the text: a template.
    pub body: Option<Body>,
    /// The message of this conversation that it answers.
    pub reply_to: Option<MessageId>,
    /// Chosen by the client: a repetition returns the first message instead of sending another.
    pub idempotency_key: Option<String>,
}

/// A private note as it comes in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewNote {
    pub text: String,
    /// Chosen by you: a repetition returns the first note instead of adding another.
    pub idempotency_key: Option<String>,
}

/// The longest text an agent may send, in characters.
const TEXT_LIMIT: usize = 20_000;

/// Sends an agent's message. If nobody held the conversation, the agent holds it from here; if another agent does, or
/// somebody wrote since `version`, nothing is sent.
pub async fn send(app: &App, by: &By, id: ConversationId, new: AgentMessage) -> Result<Message> {
    let (org, user) = (by.org, by.person()?);
    match &new.file {
        Some(upload) => check_file(app, by, id, upload, &new.text).await?,
        None => check_text(&new.text)?,
    }
    check_choices(&new.choices)?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if let Some(key) = &new.idempotency_key
        && let Some(mut sent) = store::find_by_key(tx.conn(), org, id, key).await?
    {
        store::show_files(tx.conn(), org, std::slice::from_mut(&mut sent)).await?;
        quote::show(tx.conn(), std::slice::from_mut(&mut sent)).await?;
        tx.commit().await?;
        return Ok(sent);
    }
    if found.holder == Holder::Agent && found.agent_id.is_some_and(|agent| agent != user) {
        return Err(Error::Conflict("another agent holds this conversation".into()));
    }
    if new.version.is_some_and(|v| v != found.version) {
        return Err(Error::Conflict("somebody wrote meanwhile: look again, your draft is kept".into()));
    }
    if found.status == Status::Closed {
        return Err(Error::Conflict("the conversation is closed".into()));
    }
    if let Some(target) = new.reply_to {
        quote::check(tx.conn(), &found, target).await?;
    }
    let changed = || Error::Conflict("somebody wrote meanwhile: look again, your draft is kept".into());
    let kind = new.file.as_ref().map_or("text", file::content_type);
    let preview = if new.text.is_empty() { format!("[{kind}]") } else { new.text.clone() };
    let place = store::advance(tx.conn(), id, Sender::Agent, Some(found.version), &preview, None, now).await?;
    let place = place.ok_or_else(changed)?;
    if found.holder != Holder::Agent || found.status != Status::Active || found.agent_id.is_none() {
        let change = HolderChange { agent: Some(user), ..HolderChange::to(Status::Active, Holder::Agent) };
        store::set_holder(tx.conn(), id, &change, now).await?;
        due::start_if_stopped(tx.conn(), &found, now).await?;
    }
    let metadata = metadata(&new);
    let attached = new.file.as_ref().map(|_| AttachmentId::new());
    let mut message = Message {
        metadata: Json(metadata),
        content_type: kind.into(),
        media_url: attached.map(|id| format!("/api/attachments/{id}")),
        status: MessageStatus::Queued,
        idempotency_key: new.idempotency_key,
        ..agent_message(&found, user, place, new.text, now)
    };
    store::insert_message(tx.conn(), &message).await?;
    // Who wrote and when; what was said stands in the conversation, and goes with it.
    let said = json!({"message_id": message.id, "type": message.content_type});
    audit(tx.conn(), now, by, "message.send", ("conversation", id.0), said).await?;
    announce::message(tx.conn(), &message, now).await?;
    store::mark_seen(tx.conn(), org, id, now).await?;
    Job::Deliver { message: message.id, conversation: id }.push(tx.conn(), org, now).await?;
    Job::Learn { conversation: id }.push(tx.conn(), org, now).await?;
    if let (Some(attachment), Some(upload)) = (attached, &new.file) {
        file::keep(app, tx.conn(), attachment, &message, upload, now).await?;
    }
    store::show_files(tx.conn(), org, std::slice::from_mut(&mut message)).await?;
    quote::show(tx.conn(), std::slice::from_mut(&mut message)).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(message)
}

/// What the delivery needs to know beside the text.
fn metadata(new: &AgentMessage) -> Value {
    let mut all = Map::new();
    match &new.body {
        Some(body) => _ = all.insert("body".into(), json!(body)),
        None if new.choices.is_empty() => {}
        None => _ = all.insert("choices".into(), json!(new.choices)),
    }
    if let Some(target) = new.reply_to {
        all.insert("reply_to".into(), json!(target));
    }
    Value::Object(all)
}

/// Refuses a file that this channel can't send in any form, before anything is written.
async fn check_file(app: &App, by: &By, id: ConversationId, upload: &Upload, text: &str) -> Result<()> {
    if !text.is_empty() {
        check_text(text)?;
    }
    file::check(upload)?;
    let mut reader = app.read().await?;
    let found = super::found(reader.conn(), by, id).await?;
    let row = store::find_channel(reader.conn(), found.channel_id).await?.ok_or(Error::NotFound("channel"))?;
    drop(reader);
    let facts = FileFacts {
        id: uuid::Uuid::nil(),
        name: upload.name.clone(),
        mime_type: upload.kind().into(),
        size_bytes: upload.size_bytes,
        sha256: upload.sha256.clone(),
    };
    let link = app.config.server.public_url.as_deref();
    connect::open(app, &row)?.plan_file(&facts, text, link).map(|_| ()).map_err(Error::Invalid)
}

/// Adds a note that only people of the organisation see.
pub async fn add_note(app: &App, by: &By, id: ConversationId, new: NewNote) -> Result<Message> {
    check_text(&new.text)?;
    let (org, user, now) = (by.org, by.person()?, app.now());
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if let Some(key) = &new.idempotency_key
        && let Some(kept) = store::find_by_key(tx.conn(), org, id, key).await?
    {
        tx.commit().await?;
        return Ok(kept);
    }
    let preview = found.last_message_preview.clone().unwrap_or_default();
    let place = store::advance(tx.conn(), id, Sender::System, None, &preview, None, now)
        .await?
        .ok_or(Error::NotFound("conversation"))?;
    let message = Message {
        is_private: true,
        status: MessageStatus::Sent,
        metadata: Json(json!({"kind": "note"})),
        idempotency_key: new.idempotency_key,
        ..agent_message(&found, user, place, new.text, now)
    };
    store::insert_message(tx.conn(), &message).await?;
    audit(tx.conn(), now, by, "message.note", ("conversation", id.0), json!({"message_id": message.id})).await?;
    let told = mention::notify(tx.conn(), &found, user, &message.content, now).await?;
    // A note raises the version: a turn that was thinking meanwhile is taken again.
    if found.is_with_assistant() {
        Job::TakeTurn { conversation: id }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(message)
}

fn check_text(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::Invalid("the text is empty".into()));
    }
    if text.chars().count() > TEXT_LIMIT {
        return Err(Error::Invalid(format!("the text is too long: at most {TEXT_LIMIT} characters")));
    }
    Ok(())
}

/// The most that any platform shows.
const CHOICES: usize = 10;

fn check_choices(choices: &[Choice]) -> Result<()> {
    let is_good = |c: &Choice| (1..=128).contains(&c.id.len()) && (1..=128).contains(&c.title.trim().len());
    if choices.len() > CHOICES || !choices.iter().all(is_good) {
        return Err(Error::Invalid(format!(
            "choices: at most {CHOICES}, each with an id and a title of 1 to 128 bytes"
        )));
    }
    Ok(())
}

fn agent_message(
    c: &Conversation,
    user: UserId,
    (seq, epoch): (i64, i64),
    text: String,
    now: chrono::DateTime<chrono::Utc>,
) -> Message {
    Message {
        id: MessageId::new(),
        org_id: c.org_id,
        conversation_id: c.id,
        customer_id: c.customer_id,
        channel_id: c.channel_id,
        seq,
        epoch,
        sender_type: Sender::Agent,
        sender_id: Some(user.to_string()),
        content_type: "text".into(),
        content: text,
        media_url: None,
        metadata: Json(json!({})),
        is_private: false,
        turn_id: None,
        ai_generated: false,
        ai_confidence: None,
        ai_sources: None,
        status: MessageStatus::Sent,
        status_reason: None,
        external_message_id: None,
        idempotency_key: None,
        sent_at: None,
        created_at: now,
        files: Vec::new(),
        quoted: None,
    }
}
