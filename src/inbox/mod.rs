//! Conversations and who holds them: receive, reply, hand off, take over, deliver.
//!
//! A conversation is held by the assistant, by the queue (it waits for a person) or by an agent. Every message and
//! every change of holder raises its `version`; what the assistant writes is kept only if the version it began with
//! still stands, so it is silent from the instant a person holds the conversation.

mod accept;
mod alarm;
mod announce;
pub mod api;
mod assign;
mod attend;
mod away;
mod call_agents;
mod canned;
mod change;
mod connect;
mod cost;
mod deliver;
mod desk;
mod due;
mod echo;
mod erase;
mod expect;
mod expire;
mod fail;
mod fetch;
mod file;
mod gaps;
mod greet;
mod hand_off;
mod health;
mod hold;
mod hours;
mod join;
mod mention;
mod merge;
mod overview;
mod photo;
mod quote;
mod reach;
mod react;
mod receipt;
mod receive;
mod reply;
mod rules;
mod satisfaction;
mod send;
mod store;
mod sweep;
mod template;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

pub use accept::{Accepter, bring_in};
pub use announce::{announce, not_announced};
pub use assign::give_out;
pub use attend::{attend, transfer};
pub use call_agents::{call_agents, call_undelivered, not_called};
pub use connect::{
    Connected, connect, connected, ensure_web_channel, ensure_web_channel_with, identity_secret, origins, origins_of,
    sibling,
};
pub use deliver::{deliver, deliver_later};
pub use due::watch as watch_due;
pub use erase::{Erased, erase, erase_files, export};
pub use fail::not_delivered;
pub use fetch::fetch;
pub use file::{check as check_file, download, link as file_link, not_downloaded};
pub use hand_off::{Brief, BriefEvidence, WAITING, hand_off, hand_off_text, say_wait};
pub use health::check as check_channel;
pub use hold::{Scope, give_back, resolve, take_over};
pub use join::{Parted, join, part};
pub use react::{not_reacted, send_reaction};
pub use receive::{Received, receive, receive_event, receive_file};
pub use reply::{COPILOT, Reply, Trace, WITHHELD, note_turn, reply, withhold};
pub use rules::{allow_links, forget_team, link_domains};
pub use send::{AgentMessage, add_note, send};
pub use store::{
    ChannelRow, RecordedTurn, find_any, find_channel, find_latest, find_message_of, list_cited, list_decisions,
    list_last_messages, list_messages, list_recorded, show_files,
};
pub use sweep::sweep;

use crate::{
    app::{
        App, AttachmentId, ChannelId, ConversationId, CustomerId, IdentityId, MessageId, OrgId, TeamId, TurnId, UserId,
    },
    platform::{Error, Result, db::Conn, language::Language},
    staff::By,
};

/// What people see of a conversation's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Waits for a person.
    Pending,
    Active,
    Resolved,
    Closed,
}

/// Who may speak to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Holder {
    Assistant,
    Queue,
    Agent,
}

/// Who wrote a message; its direction follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Sender {
    Customer,
    Agent,
    Assistant,
    System,
}

/// How far a message has come. Moves forward only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageStatus {
    Received,
    Queued,
    Sending,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
    /// It may or may not have been sent; a later status settles it.
    Uncertain,
}

/// A talk with one customer over one channel.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Conversation {
    pub id: ConversationId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub customer_id: CustomerId,
    pub customer_name: String,
    #[serde(skip)]
    pub identity_id: Option<IdentityId>,
    pub channel_id: ChannelId,
    pub channel_type: String,
    /// The agent who holds it.
    pub agent_id: Option<UserId>,
    /// The team it was passed to.
    pub team_id: Option<TeamId>,
    #[serde(skip)]
    pub let_go_by: Option<UserId>,
    pub status: Status,
    pub holder: Holder,
    /// Raised by every message and every change of holder; send it back to act only on what you saw.
    pub version: i64,
    /// How often it began anew with the assistant.
    pub epoch: i64,
    pub priority: String,
    pub language: Option<Language>,
    /// False: the assistant never takes part.
    pub ai_enabled: bool,
    pub hand_off_reason: Option<String>,
    #[schema(value_type = Option<Brief>)]
    pub hand_off_brief: Option<Json<Value>>,
    pub handed_off_at: Option<DateTime<Utc>>,
    /// How it ended: `confirmed` by a person, or `assumed` after silence.
    pub resolution: Option<String>,
    pub message_count: i64,
    pub unread_count: i64,
    /// Out of the lists until then, or until the customer writes.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Since when people are to solve it.
    #[serde(skip)]
    pub sla_started_at: Option<DateTime<Utc>>,
    /// When the first answer of a person is due.
    pub sla_first_response_at: Option<DateTime<Utc>>,
    /// When it is due to be solved.
    pub sla_resolve_deadline: Option<DateTime<Utc>>,
    /// 1 to 5, as the customer said.
    pub satisfaction_score: Option<i32>,
    #[serde(skip)]
    pub satisfaction_asked_at: Option<DateTime<Utc>>,
    pub last_message_at: Option<DateTime<Utc>>,
    pub last_message_preview: Option<String>,
    pub last_customer_message_at: Option<DateTime<Utc>>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    /// Where its messages are now: it was merged with another conversation of the customer's.
    pub merged_into: Option<ConversationId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// One message of a conversation, or a private note between agents.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Message {
    pub id: MessageId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub conversation_id: ConversationId,
    #[serde(skip)]
    pub customer_id: CustomerId,
    #[serde(skip)]
    pub channel_id: ChannelId,
    /// Its place in the conversation, from 1.
    pub seq: i64,
    pub epoch: i64,
    pub sender_type: Sender,
    /// The user, for a message of an agent.
    pub sender_id: Option<String>,
    pub content_type: String,
    pub content: String,
    pub media_url: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Json<Value>,
    pub is_private: bool,
    pub turn_id: Option<TurnId>,
    pub ai_generated: bool,
    pub ai_confidence: Option<f64>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub ai_sources: Option<Json<Value>>,
    pub status: MessageStatus,
    /// Why it failed, in words for an agent.
    pub status_reason: Option<String>,
    #[serde(skip)]
    pub external_message_id: Option<String>,
    pub idempotency_key: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// What came or went with it.
    #[sqlx(skip)]
    pub files: Vec<MessageFile>,
    /// What it answers, where the customer or the agent pointed at an earlier message.
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Quoted>,
}

impl Message {
    /// What it is for, where the program wrote it or a button was pressed: `answer`, `hand_off`, `asks_for_person`, ….
    pub fn kind(&self) -> Option<&str> {
        self.metadata.0.get("kind").and_then(Value::as_str)
    }

    /// The user who wrote it.
    fn writer(&self) -> Option<UserId> {
        self.sender_id.as_ref().filter(|_| self.sender_type == Sender::Agent)?.parse().ok()
    }
}

/// The message that another one answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = QuotedMessage)]
pub struct Quoted {
    /// Absent: it is not among ours.
    pub message_id: Option<MessageId>,
    pub sender_type: Option<Sender>,
    /// How it begins, as it stands now; empty for one that was taken back, or that is not ours.
    pub text: String,
}

/// A file of a message.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MessageFile {
    pub id: AttachmentId,
    /// May be empty: platforms name documents only.
    pub name: String,
    /// By its own bytes, once it is stored.
    pub content_type: Option<String>,
    pub size_bytes: Option<i64>,
    /// `waiting` to be fetched, `stored`, `failed` (it could not be had) or `deleted` (taken back, or kept long
    /// enough).
    pub status: String,
    /// Where it is fetched, while it is stored.
    pub url: Option<String>,
}

/// How long after it was resolved a conversation is taken up again by a new message.
const REOPENS_FOR: Duration = Duration::days(7);

/// What a customer's message does to the latest conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joins {
    /// It goes on; whoever holds it keeps it.
    Same,
    /// It begins anew: a new epoch with the assistant, or with the queue if the assistant never takes part.
    Again(Holder),
    /// Too long ago: another conversation is opened.
    New,
}

impl Conversation {
    /// How a message of the customer at `now` joins this conversation.
    fn joins(&self, now: DateTime<Utc>) -> Joins {
        let ended = self.resolved_at.or(self.closed_at).unwrap_or(self.updated_at);
        match self.status {
            Status::Pending | Status::Active => Joins::Same,
            Status::Resolved if now - ended <= REOPENS_FOR => {
                Joins::Again(if self.ai_enabled { Holder::Assistant } else { Holder::Queue })
            }
            Status::Resolved | Status::Closed => Joins::New,
        }
    }

    /// Whether the assistant may speak.
    pub fn is_with_assistant(&self) -> bool {
        self.holder == Holder::Assistant && matches!(self.status, Status::Active | Status::Pending)
    }
}

/// A conversation with what was said last, oldest first.
pub struct Opened {
    pub conversation: Conversation,
    pub messages: Vec<Message>,
}

/// How far back the assistant reads.
const HISTORY: i64 = 40;

/// Loads a conversation and its latest messages; `None` if it is gone.
pub async fn open(app: &App, id: ConversationId) -> Result<Option<Opened>> {
    let mut reader = app.read().await?;
    let Some(conversation) = store::find_any(reader.conn(), id).await? else {
        return Ok(None);
    };
    let mut messages = store::list_last_messages(reader.conn(), conversation.org_id, id, HISTORY).await?;
    // What the customer took back was never said.
    messages.retain(|m| !change::is_revoked(m));
    Ok(Some(Opened { conversation, messages }))
}

/// What was said after `seq`, private notes left out, oldest first: at most `limit` messages.
pub async fn said_after(app: &App, of: &Conversation, seq: i64, limit: i64) -> Result<Vec<Message>> {
    store::list_messages(app.read().await?.conn(), of.org_id, of.id, seq, limit, false).await
}

/// A conversation that this principal sees, under the permission they act by.
async fn found(c: Conn<'_>, by: &By, id: ConversationId) -> Result<Conversation> {
    store::find_visible(c, by.org, id, by.visible()).await?.ok_or(Error::NotFound("conversation"))
}

/// A conversation and its latest messages, if this principal sees it.
pub async fn open_for(app: &App, by: &By, id: ConversationId) -> Result<Opened> {
    found(app.read().await?.conn(), by, id).await?;
    open(app, id).await?.ok_or(Error::NotFound("conversation"))
}

/// A conversation as it was when the message at `seq` was its last one, in its epoch of then; `None` if it is gone.
pub async fn open_until(app: &App, org: OrgId, id: ConversationId, seq: i64, epoch: i64) -> Result<Option<Opened>> {
    let mut reader = app.read().await?;
    let Some(mut conversation) = store::find(reader.conn(), org, id).await? else {
        return Ok(None);
    };
    conversation.epoch = epoch;
    let mut messages = store::list_messages_before(reader.conn(), org, id, seq + 1, HISTORY).await?;
    messages.retain(|m| !change::is_revoked(m));
    Ok(Some(Opened { conversation, messages }))
}

impl Opened {
    /// The messages that nobody has answered yet: what the customer wrote since anyone else spoke, in this epoch.
    pub fn unanswered(&self) -> &[Message] {
        let from = self
            .messages
            .iter()
            .rposition(|m| !m.is_private && (m.sender_type != Sender::Customer || m.epoch != self.conversation.epoch))
            .map_or(0, |at| at + 1);
        self.messages.get(from..).unwrap_or_default()
    }

    /// What was said before the open question, oldest first, in this epoch and without private notes.
    pub fn before(&self) -> impl Iterator<Item = &Message> {
        let first_open = self.unanswered().first().map_or(i64::MAX, |m| m.seq);
        self.messages.iter().filter(move |m| m.seq < first_open && !m.is_private && m.epoch == self.conversation.epoch)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use chrono::TimeZone;

    pub(crate) fn conversation(status: Status, resolved_days_ago: i64) -> (Conversation, DateTime<Utc>) {
        let now = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
        let then = now - Duration::days(resolved_days_ago);
        let conversation = Conversation {
            id: ConversationId::new(),
            org_id: OrgId::new(),
            customer_id: CustomerId::new(),
            customer_name: String::new(),
            identity_id: None,
            channel_id: ChannelId::new(),
            channel_type: "web".into(),
            agent_id: None,
            team_id: None,
            let_go_by: None,
            status,
            holder: Holder::Assistant,
            version: 1,
            epoch: 1,
            priority: "medium".into(),
            language: None,
            ai_enabled: true,
            hand_off_reason: None,
            hand_off_brief: None,
            handed_off_at: None,
            resolution: None,
            message_count: 0,
            unread_count: 0,
            snoozed_until: None,
            sla_started_at: None,
            sla_first_response_at: None,
            sla_resolve_deadline: None,
            satisfaction_score: None,
            satisfaction_asked_at: None,
            last_message_at: None,
            last_message_preview: None,
            last_customer_message_at: None,
            first_response_at: None,
            resolved_at: Some(then),
            closed_at: None,
            merged_into: None,
            created_at: then,
            updated_at: then,
        };
        (conversation, now)
    }

    #[test]
    fn a_resolved_conversation_is_taken_up_again_within_a_week_and_not_later() {
        let (recent, now) = conversation(Status::Resolved, 6);
        assert_eq!(recent.joins(now), Joins::Again(Holder::Assistant));
        let (old, now) = conversation(Status::Resolved, 8);
        assert_eq!(old.joins(now), Joins::New);
        let (closed, now) = conversation(Status::Closed, 1);
        assert_eq!(closed.joins(now), Joins::New);
    }

    #[test]
    fn a_conversation_set_to_never_reopens_with_the_queue() {
        let (mut never, now) = conversation(Status::Resolved, 1);
        never.ai_enabled = false;
        assert_eq!(never.joins(now), Joins::Again(Holder::Queue));
    }
}
