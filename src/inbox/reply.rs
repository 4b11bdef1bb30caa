//! What the assistant says, kept only if nobody stepped in while it was thinking.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;

use super::{Conversation, Holder, Message, MessageStatus, Sender, announce, rules, store};
use crate::{
    app::{App, Changed, Job, MessageId, TurnId},
    platform::{Result, db::Conn, language::Language, links},
};

/// The decision of a trace that is no move of the assistant's: the model helped an agent.
pub const COPILOT: &str = "copilot";

/// The decision of a trace that is no move either: somebody took over while the assistant was writing.
pub const WITHHELD: &str = "withheld";

/// The stored trace of one turn.
#[derive(Debug, Clone)]
pub struct Trace {
    pub id: TurnId,
    /// `answer`, `clarify`, `offer_person`, `hand_off`, [`COPILOT`] or [`WITHHELD`].
    pub decision: String,
    pub reason: Option<String>,
    pub confidence: Option<f64>,
    pub language: Option<Language>,
    pub duration_ms: f64,
    /// Query, evidence, scores, prompt version, model calls, draft, proof, timings.
    pub detail: Value,
    /// What taking the turn again needs; `None` for one that nothing was searched for.
    pub recording: Option<Value>,
}

/// What the assistant wants to say.
#[derive(Debug, Clone)]
pub struct Reply {
    pub text: String,
    pub sources: Option<Value>,
    pub confidence: Option<f64>,
    pub language: Option<Language>,
    /// For the page: what kind of reply it is (`answer`, `clarify`, `offer_person`, `waiting`, `hand_off`).
    pub kind: &'static str,
    /// The question as it was understood, where it leaned on the conversation: the next one may lean on it.
    pub meant: Option<String>,
}

impl Reply {
    fn metadata(&self) -> Value {
        match &self.meant {
            Some(meant) => json!({"kind": self.kind, "meant": meant}),
            None => json!({"kind": self.kind}),
        }
    }
}

/// A message of the assistant, as it enters the conversation.
pub(super) fn message(
    c: &Conversation,
    (seq, epoch): (i64, i64),
    reply: &Reply,
    turn: Option<TurnId>,
    now: DateTime<Utc>,
) -> Message {
    Message {
        id: MessageId::new(),
        org_id: c.org_id,
        conversation_id: c.id,
        customer_id: c.customer_id,
        channel_id: c.channel_id,
        seq,
        epoch,
        sender_type: Sender::Assistant,
        sender_id: None,
        content_type: "text".into(),
        content: reply.text.clone(),
        media_url: None,
        metadata: Json(reply.metadata()),
        is_private: false,
        turn_id: turn,
        ai_generated: true,
        ai_confidence: reply.confidence,
        ai_sources: reply.sources.clone().map(Json),
        status: MessageStatus::Queued,
        status_reason: None,
        external_message_id: None,
        idempotency_key: None,
        sent_at: None,
        created_at: now,
        files: Vec::new(),
        quoted: None,
    }
}

/// Writes the assistant's message and its delivery, if the conversation's version still is the one it was read at.
/// `None`: it is not, and nothing was written.
pub(super) async fn write(
    mut c: Conn<'_>,
    conversation: &Conversation,
    fence: Option<i64>,
    reply: &Reply,
    turn: Option<TurnId>,
    now: DateTime<Utc>,
) -> Result<Option<Message>> {
    let place =
        store::advance(c.again(), conversation.id, Sender::Assistant, fence, &reply.text, reply.language, now).await?;
    let Some(place) = place else {
        return Ok(None);
    };
    let message = message(conversation, place, reply, turn, now);
    store::insert_message(c.again(), &message).await?;
    announce::message(c.again(), &message, now).await?;
    Job::Deliver { message: message.id, conversation: conversation.id }
        .push(c.again(), conversation.org_id, now)
        .await?;
    Job::Learn { conversation: conversation.id }.push(c, conversation.org_id, now).await?;
    Ok(Some(message))
}

/// The reply with "[…]" for each link that leads elsewhere than the organisation allows: whatever was remembered, quoted
/// or written, no link leaves that nobody allowed.
async fn within_domains(app: &App, conversation: &Conversation, reply: &Reply) -> Result<Reply> {
    let mut reply = reply.clone();
    let quoted: Vec<&mut Value> = reply.sources.iter_mut().flat_map(texts).collect();
    if links::find(&reply.text).is_empty()
        && quoted.iter().all(|q| links::find(q.as_str().unwrap_or_default()).is_empty())
    {
        return Ok(reply);
    }
    let domains = rules::link_domains(app, conversation.org_id).await?;
    for text in quoted {
        *text = links::without_foreign(text.as_str().unwrap_or_default(), &domains).into();
    }
    reply.text = links::without_foreign(&reply.text, &domains).into_owned();
    Ok(reply)
}

/// The titles and quotes of a reply's sources.
fn texts(sources: &mut Value) -> impl Iterator<Item = &mut Value> {
    let rows = sources.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
    rows.flat_map(|row| row.iter_mut().filter(|(_, value)| value.is_string()).map(|(_, value)| value))
}

/// Says `reply`, if the conversation is still as the turn read it. False: a person or a newer message came first, and
/// nothing was written; the newer message has queued its own turn.
pub async fn reply(app: &App, conversation: &Conversation, reply: &Reply, trace: &Trace) -> Result<bool> {
    let now = app.now();
    let reply = &within_domains(app, conversation, reply).await?;
    let mut tx = app.begin().await?;
    if write(tx.conn(), conversation, Some(conversation.version), reply, Some(trace.id), now).await?.is_none() {
        return Ok(false);
    }
    let subject = Some((conversation.id, conversation.customer_id));
    store::insert_turn(tx.conn(), conversation.org_id, subject, trace, now).await?;
    tx.commit().await?;
    app.wake(conversation.org_id).await;
    app.changed(conversation.org_id, Changed::Conversation { id: conversation.id }).await;
    Ok(true)
}

/// Keeps what the assistant was about to say when somebody took over, as a suggestion to them; nobody else sees it.
/// False: nobody holds the conversation, or the customer has written since, and there is nothing to suggest.
pub async fn withhold(app: &App, conversation: &Conversation, reply: &Reply, trace: &Trace) -> Result<bool> {
    let reply = within_domains(app, conversation, reply).await?;
    let mut detail = trace.detail.clone();
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("withheld".into(), json!({"text": reply.text, "sources": reply.sources}));
    }
    // Without its recording: it was no move, so there is none to take again.
    let trace = Trace { decision: WITHHELD.into(), detail, recording: None, ..trace.clone() };
    let (org, id) = (conversation.org_id, conversation.id);
    let mut tx = app.begin().await?;
    let now = store::find_any(tx.conn(), id).await?;
    let is_taken = |c: &Conversation| {
        c.holder == Holder::Agent
            && c.agent_id.is_some()
            && c.epoch == conversation.epoch
            && c.last_customer_message_at == conversation.last_customer_message_at
    };
    if !now.is_some_and(|c| is_taken(&c)) {
        return Ok(false);
    }
    store::insert_turn(tx.conn(), org, Some((id, conversation.customer_id)), &trace, app.now()).await?;
    tx.commit().await?;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(true)
}

/// Keeps the trace of what the model did for an agent, with what it cost.
pub async fn note_turn(app: &App, conversation: &Conversation, trace: &Trace) -> Result<()> {
    let subject = Some((conversation.id, conversation.customer_id));
    let mut tx = app.begin().await?;
    store::insert_turn(tx.conn(), conversation.org_id, subject, trace, app.now()).await?;
    tx.commit().await
}
