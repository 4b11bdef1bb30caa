//! SQL of conversations and messages.

mod attachments;
mod channels;
mod health;
mod hooks;
mod parts;
mod reach;
mod turns;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

pub use attachments::*;
pub use channels::*;
pub use health::*;
pub use hooks::*;
pub use parts::*;
pub use reach::*;
pub use turns::*;

use super::{Conversation, Holder, Message, MessageStatus, Sender, Status};
pub mod canned;
pub mod desk;
pub mod join;
pub mod merge;
pub mod overview;
pub mod rules;
pub mod templates;
pub mod views;

use crate::{
    app::{ChannelEventId, ChannelId, ConversationId, CustomerId, IdentityId, MessageId, OrgId, TagId, UserId},
    both,
    platform::{Result, db::Conn, language::Language},
    staff::Visible,
    visible,
};

macro_rules! conversation_columns {
    ($($rest:expr),+) => {
        concat!(
            "SELECT c.id, c.org_id, c.customer_id, p.name AS customer_name, c.identity_id, c.channel_id, c.channel_type,
                    c.agent_id, c.team_id, c.let_go_by, c.status, c.holder, c.version, c.epoch, c.priority, c.language, c.ai_enabled,
                    c.hand_off_reason, c.hand_off_brief, c.handed_off_at, c.resolution, c.message_count, c.unread_count,
                    c.snoozed_until, c.sla_started_at, c.sla_first_response_at, c.sla_resolve_deadline,
                    c.satisfaction_score, c.satisfaction_asked_at, c.last_message_at, c.last_message_preview, c.last_customer_message_at, c.first_response_at,
                    c.resolved_at, c.closed_at, c.merged_into, c.created_at, c.updated_at
             FROM conversations c JOIN customers p ON p.id = c.customer_id ",
            $($rest),+
        )
    };
}

/// The condition that a conversation lies within a [`Visible`]'s reach: who answers only their own must be able to take
/// what waits.
macro_rules! seen {
    ($scope:literal, $user:literal) => {
        concat!(
            "(",
            visible!("c.agent_id", $scope, $user),
            " OR (c.holder = 'queue' AND c.agent_id IS NULL AND c.status IN ('pending', 'active')))"
        )
    };
}
pub(super) use {conversation_columns, seen};

macro_rules! message_columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, conversation_id, customer_id, channel_id, seq, epoch, sender_type, sender_id,
                    content_type, content, media_url, metadata, is_private, turn_id, ai_generated, ai_confidence,
                    ai_sources, status, status_reason, external_message_id, idempotency_key, sent_at, created_at
             FROM messages ",
            $rest
        )
    };
}

// Conversations -------------------------------------------------------------------------------------------------------

/// A conversation of an organisation.
pub async fn find(c: Conn<'_>, org: OrgId, id: ConversationId) -> Result<Option<Conversation>> {
    const FIND: &str = conversation_columns!("WHERE c.org_id = $1 AND c.id = $2");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// A conversation that somebody of this reach sees: theirs, and what waits for a person and is nobody's yet.
pub async fn find_visible(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    visible: Visible,
) -> Result<Option<Conversation>> {
    const FIND: &str = concat!(conversation_columns!("WHERE c.org_id = $1 AND c.id = $2 AND "), seen!("$3", "$4"));
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).bind(visible.scope).bind(visible.user)
        .fetch_optional(c).await)?)
}

/// A conversation by its id alone: for jobs, which carry no caller.
pub async fn find_any(c: Conn<'_>, id: ConversationId) -> Result<Option<Conversation>> {
    const FIND: &str = conversation_columns!("WHERE c.id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The latest conversation of an identity, or what it was merged into.
pub async fn find_latest(c: Conn<'_>, org: OrgId, identity: IdentityId) -> Result<Option<Conversation>> {
    // `IS TRUE` keeps SQLite from walking all that is the organisation's where a few are named.
    const FIND: &str = conversation_columns!(
        "WHERE (c.org_id = $1) IS TRUE AND c.merged_into IS NULL
           AND c.id IN (SELECT COALESCE(o.merged_into, o.id) FROM conversations o WHERE o.identity_id = $2)
           AND (c.identity_id = $2 OR EXISTS (
                SELECT 1 FROM conversations m
                WHERE m.identity_id = $2 AND m.merged_into = c.id AND m.channel_id = c.channel_id))
         ORDER BY c.created_at DESC, c.id DESC LIMIT 1"
    );
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(identity).fetch_optional(c).await)?)
}

/// What a list of conversations may be narrowed to; `None` = all.
#[derive(Debug, Default, Clone)]
pub struct ListFilter {
    pub status: Option<Status>,
    pub holder: Option<Holder>,
    pub agent: Option<UserId>,
    /// Assigned to nobody.
    pub unassigned: bool,
    pub customer: Option<CustomerId>,
    pub channel: Option<ChannelId>,
    pub priority: Option<String>,
    /// A tag of the customer.
    pub tag: Option<TagId>,
    /// A pattern for LIKE in lower case, `!` being the escape: in the customer's name or in what was said.
    pub search: Option<String>,
    /// Neither resolved nor closed.
    pub only_open: bool,
    /// `Some(true)`: only what is snoozed at `now`; `Some(false)`: only what is not.
    pub snoozed: Option<bool>,
    /// Whoever waits longest first, instead of the latest message first.
    pub by_waiting: bool,
    pub now: Option<DateTime<Utc>>,
    /// Only those after this place in the order.
    pub after: Option<(DateTime<Utc>, ConversationId)>,
    pub limit: i64,
}

macro_rules! narrowed {
    ($rest:literal) => {
        conversation_columns!("WHERE c.org_id = $1 AND c.merged_into IS NULL
           AND ($2 IS NULL OR c.status = $2) AND ($3 IS NULL OR c.holder = $3)
           AND ($4 IS NULL OR c.agent_id = $4) AND ($5 IS NULL OR c.customer_id = $5)
           AND ($6 IS NULL OR c.channel_id = $6) AND ($7 IS NULL OR c.priority = $7)
           AND ($8 IS NULL OR EXISTS (SELECT 1 FROM customer_tags t WHERE t.customer_id = c.customer_id AND t.tag_id = $8))
           AND ($9 IS NULL OR LOWER(p.name) LIKE $9 ESCAPE '!' OR EXISTS (
                SELECT 1 FROM messages m WHERE m.org_id = $1 AND m.conversation_id = c.id
                                           AND LOWER(m.content) LIKE $9 ESCAPE '!'))
           AND (NOT $10 OR c.status IN ('pending', 'active'))
           AND ($11 IS NULL OR (c.snoozed_until IS NOT NULL AND c.snoozed_until > $12) = $11)
           AND (NOT $16 OR c.agent_id IS NULL) AND ", seen!("$17", "$18"), $rest)
    };
}

/// Conversations, the latest message first or the longest wait first.
pub async fn list(c: Conn<'_>, org: OrgId, visible: Visible, f: &ListFilter) -> Result<Vec<Conversation>> {
    const LATEST: &str = narrowed!(
        " AND ($13 IS NULL OR c.last_message_at < $13 OR (c.last_message_at = $13 AND c.id < $14))
         ORDER BY c.last_message_at DESC, c.id DESC LIMIT $15"
    );
    const WAITING: &str = narrowed!(
        " AND ($13 IS NULL OR COALESCE(c.last_customer_message_at, c.created_at) > $13
              OR (COALESCE(c.last_customer_message_at, c.created_at) = $13 AND c.id > $14))
         ORDER BY COALESCE(c.last_customer_message_at, c.created_at), c.id LIMIT $15"
    );
    let (at, id) = f.after.unzip();
    let text = if f.by_waiting { WAITING } else { LATEST };
    Ok(both!(c, c => sqlx::query_as(text).bind(org).bind(f.status).bind(f.holder).bind(f.agent).bind(f.customer)
        .bind(f.channel).bind(&f.priority).bind(f.tag).bind(&f.search).bind(f.only_open).bind(f.snoozed).bind(f.now)
        .bind(at).bind(id).bind(f.limit).bind(f.unassigned).bind(visible.scope).bind(visible.user)
        .fetch_all(c).await)?)
}

/// The latest conversation of any of these identities.
pub async fn find_latest_of(c: Conn<'_>, org: OrgId, identities: &[IdentityId]) -> Result<Option<Conversation>> {
    let mut c = c;
    let mut latest: Option<Conversation> = None;
    for identity in identities {
        let found = find_latest(c.again(), org, *identity).await?;
        latest = latest.into_iter().chain(found).max_by_key(|c| (c.created_at, c.id.0));
    }
    Ok(latest)
}

/// What a new conversation begins with.
pub struct NewConversation {
    pub org: OrgId,
    pub customer: CustomerId,
    pub identity: IdentityId,
    pub channel: ChannelId,
    pub channel_type: String,
    pub external_chat_id: Option<String>,
}

/// Opens a conversation with the assistant.
pub async fn insert(c: Conn<'_>, new: &NewConversation, now: DateTime<Utc>) -> Result<ConversationId> {
    const INSERT: &str = "
        INSERT INTO conversations (id, org_id, customer_id, identity_id, channel_id, channel_type, external_chat_id,
                                   status, holder, last_message_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'active', 'assistant', $8, $8, $8)";
    let id = ConversationId::new();
    both!(c, c => sqlx::query(INSERT).bind(id).bind(new.org).bind(new.customer).bind(new.identity).bind(new.channel)
        .bind(&new.channel_type).bind(&new.external_chat_id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(id)
}

/// Begins a resolved conversation anew with `holder`.
pub async fn reopen(c: Conn<'_>, id: ConversationId, holder: Holder, now: DateTime<Utc>) -> Result<()> {
    const REOPEN: &str = "
        UPDATE conversations SET status = $2, holder = $3, epoch = epoch + 1, version = version + 1, agent_id = NULL,
               team_id = NULL, let_go_by = NULL, sla_started_at = NULL,
               hand_off_reason = NULL, hand_off_brief = NULL, handed_off_at = NULL, resolution = NULL,
               resolved_at = NULL, closed_at = NULL, updated_at = $4, snoozed_until = NULL,
               sla_first_response_at = NULL, sla_resolve_deadline = NULL
        WHERE id = $1";
    let status = if holder == Holder::Queue { Status::Pending } else { Status::Active };
    both!(c, c => sqlx::query(REOPEN).bind(id).bind(status).bind(holder).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes the next place in the conversation for a message of `sender`, and raises the version.
/// With `fence`, only if the version still is that one. `None`: it no longer is, or the conversation is gone.
pub async fn advance(
    c: Conn<'_>,
    id: ConversationId,
    sender: Sender,
    fence: Option<i64>,
    preview: &str,
    language: Option<Language>,
    now: DateTime<Utc>,
) -> Result<Option<(i64, i64)>> {
    const ADVANCE: &str = "
        UPDATE conversations
        SET message_count = message_count + 1, version = version + 1, last_message_at = $2, updated_at = $2,
            last_message_preview = $3, language = COALESCE($4, language),
            unread_count = CASE WHEN $5 = 'customer' THEN unread_count + 1 WHEN $5 = 'agent' THEN 0 ELSE unread_count END,
            last_customer_message_at = CASE WHEN $5 = 'customer' THEN $2 ELSE last_customer_message_at END,
            snoozed_until = CASE WHEN $5 = 'customer' THEN NULL ELSE snoozed_until END,
            first_response_at = CASE WHEN $5 IN ('assistant', 'agent') THEN COALESCE(first_response_at, $2)
                                     ELSE first_response_at END
        WHERE id = $1 AND ($6 IS NULL OR version = $6)
        RETURNING message_count, epoch";
    let preview: String = preview.chars().take(120).collect();
    Ok(both!(c, c => sqlx::query_as(ADVANCE).bind(id).bind(now).bind(preview).bind(language).bind(sender).bind(fence)
        .fetch_optional(c).await)?)
}

/// Hands the conversation to `holder`, if the version still is `fence` (when given). False: it is not.
pub async fn set_holder(c: Conn<'_>, id: ConversationId, to: &HolderChange, now: DateTime<Utc>) -> Result<bool> {
    const SET: &str = "
        UPDATE conversations
        SET status = $2, holder = $3, agent_id = $4, version = version + 1, updated_at = $5,
            assigned_at = CASE WHEN $4 IS NOT NULL AND (agent_id IS NULL OR agent_id <> $4) THEN $5 ELSE assigned_at END,
            hand_off_reason = COALESCE($6, hand_off_reason), hand_off_brief = COALESCE($7, hand_off_brief),
            handed_off_at = CASE WHEN $3 = 'queue' THEN $5 ELSE handed_off_at END,
            ai_enabled = COALESCE($8, ai_enabled), resolution = $9,
            resolved_at = CASE WHEN $2 = 'resolved' THEN $5 ELSE NULL END
        WHERE id = $1 AND ($10 IS NULL OR version = $10)";
    let changed = both!(c, c => sqlx::query(SET).bind(id).bind(to.status).bind(to.holder).bind(to.agent).bind(now)
        .bind(&to.reason).bind(to.brief.clone().map(Json)).bind(to.ai_enabled)
        .bind(to.resolution).bind(to.fence).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

/// A change of who holds a conversation.
#[derive(Debug, Clone)]
pub struct HolderChange {
    pub status: Status,
    pub holder: Holder,
    pub agent: Option<UserId>,
    pub reason: Option<String>,
    pub brief: Option<Value>,
    pub ai_enabled: Option<bool>,
    pub resolution: Option<&'static str>,
    pub fence: Option<i64>,
}

impl HolderChange {
    /// To `holder` with `status`, everything else as it is.
    pub fn to(status: Status, holder: Holder) -> Self {
        Self { status, holder, agent: None, reason: None, brief: None, ai_enabled: None, resolution: None, fence: None }
    }
}

/// Conversations that only the assistant, or a person at the platform, held and that have been silent since `before`.
pub async fn list_silent(c: Conn<'_>, before: DateTime<Utc>, limit: i64) -> Result<Vec<(ConversationId, OrgId, i64)>> {
    const SILENT: &str = "
        SELECT id, org_id, version FROM conversations
        WHERE status = 'active' AND (holder = 'assistant' OR (holder = 'agent' AND agent_id IS NULL))
          AND last_message_at < $1 ORDER BY last_message_at LIMIT $2";
    Ok(both!(c, c => sqlx::query_as(SILENT).bind(before).bind(limit).fetch_all(c).await)?)
}

/// Marks what the customer wrote as seen by us.
pub async fn mark_seen(c: Conn<'_>, org: OrgId, id: ConversationId, now: DateTime<Utc>) -> Result<()> {
    const SEEN: &str = "
        UPDATE messages SET seen_at = $3
        WHERE org_id = $1 AND conversation_id = $2 AND sender_type = 'customer' AND seen_at IS NULL";
    const ZERO: &str = "UPDATE conversations SET unread_count = 0 WHERE org_id = $1 AND id = $2";
    let mut c = c;
    both!(c.again(), c => sqlx::query(SEEN).bind(org).bind(id).bind(now).execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(ZERO).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

// Messages ------------------------------------------------------------------------------------------------------------

/// Adds a message. False: a message with that external id or idempotency key is there already.
pub async fn insert_message(c: Conn<'_>, m: &Message) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO messages (id, org_id, conversation_id, customer_id, channel_id, seq, epoch, sender_type, sender_id,
                              content_type, content, media_url, metadata, is_private, turn_id, ai_generated,
                              ai_confidence, ai_sources, status, external_message_id, idempotency_key, sent_at,
                              created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
        ON CONFLICT DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(m.id).bind(m.org_id).bind(m.conversation_id).bind(m.customer_id).bind(m.channel_id).bind(m.seq)
        .bind(m.epoch).bind(m.sender_type).bind(&m.sender_id).bind(&m.content_type).bind(&m.content)
        .bind(&m.media_url).bind(&m.metadata).bind(m.is_private).bind(m.turn_id).bind(m.ai_generated)
        .bind(m.ai_confidence).bind(&m.ai_sources).bind(m.status).bind(&m.external_message_id)
        .bind(&m.idempotency_key).bind(m.sent_at).bind(m.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// The message that came in under the channel's own id.
pub async fn find_by_external(c: Conn<'_>, org: OrgId, channel: ChannelId, external: &str) -> Result<Option<Message>> {
    const FIND: &str = message_columns!("WHERE org_id = $1 AND channel_id = $2 AND external_message_id = $3");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(channel).bind(external).fetch_optional(c).await)?)
}

/// The message that a client sent under its own key.
pub async fn find_by_key(c: Conn<'_>, org: OrgId, id: ConversationId, key: &str) -> Result<Option<Message>> {
    const FIND: &str = message_columns!("WHERE org_id = $1 AND conversation_id = $2 AND idempotency_key = $3");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).bind(key).fetch_optional(c).await)?)
}

/// One message, for its delivery.
pub async fn find_message(c: Conn<'_>, id: MessageId) -> Result<Option<Message>> {
    const FIND: &str = message_columns!("WHERE id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// One message of an organisation.
pub async fn find_message_of(c: Conn<'_>, org: OrgId, id: MessageId) -> Result<Option<Message>> {
    const FIND: &str = message_columns!("WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Whether an agent has written to the customer after this message, and that did not fail too.
pub async fn is_followed(c: Conn<'_>, message: &Message) -> Result<bool> {
    const FIND: &str = "
        SELECT EXISTS (SELECT 1 FROM messages
                       WHERE org_id = $1 AND conversation_id = $2 AND seq > $3 AND sender_type = 'agent'
                         AND NOT is_private AND status NOT IN ('failed', 'uncertain'))";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(message.org_id).bind(message.conversation_id).bind(message.seq)
        .fetch_one(c).await)?)
}

/// Up to `limit` messages after `seq`, oldest first; private notes only when asked for.
pub async fn list_messages(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    after: i64,
    limit: i64,
    private: bool,
) -> Result<Vec<Message>> {
    const LIST: &str = message_columns!(
        "WHERE org_id = $1 AND conversation_id = $2 AND seq > $3 AND ($4 OR NOT is_private) ORDER BY seq LIMIT $5"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(id).bind(after).bind(private).bind(limit).fetch_all(c).await)?)
}

/// The last `limit` messages before `seq`, oldest first, private notes included.
pub async fn list_messages_before(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    before: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    const LIST: &str =
        message_columns!("WHERE org_id = $1 AND conversation_id = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4");
    let mut messages: Vec<Message> =
        both!(c, c => sqlx::query_as(LIST).bind(org).bind(id).bind(before).bind(limit).fetch_all(c).await)?;
    messages.reverse();
    Ok(messages)
}

/// The last `limit` messages, oldest first, private notes included.
pub async fn list_last_messages(c: Conn<'_>, org: OrgId, id: ConversationId, limit: i64) -> Result<Vec<Message>> {
    list_messages_before(c, org, id, i64::MAX, limit).await
}

/// Moves a message to `status`, from one of the states before it. False: it was further already.
pub async fn set_message_status(
    c: Conn<'_>,
    id: MessageId,
    from: &[MessageStatus],
    status: MessageStatus,
    reason: Option<&str>,
    external: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    const SET: &str = "
        UPDATE messages SET status = $2, status_reason = $3, external_message_id = COALESCE($4, external_message_id),
               sent_at = CASE WHEN $2 = 'sent' THEN $5 ELSE sent_at END
        WHERE id = $1 AND status IN ($6, $7, $8)";
    // Three states at most lead to another; missing ones repeat the first.
    let first = from.first().copied().unwrap_or(MessageStatus::Queued);
    let at = |n: usize| from.get(n).copied().unwrap_or(first);
    let changed = both!(c, c => sqlx::query(SET).bind(id).bind(status).bind(reason).bind(external).bind(now)
        .bind(at(0)).bind(at(1)).bind(at(2)).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(changed == 1)
}

// Erasing -------------------------------------------------------------------------------------------------------------

/// The conversations of a customer.
pub async fn conversations_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<ConversationId>> {
    const LIST: &str = "SELECT id FROM conversations WHERE (org_id = $1) IS TRUE AND customer_id = $2";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// The messages of a customer's conversations: our id, and the channel's.
pub async fn message_ids_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<(MessageId, Option<String>)>> {
    const LIST: &str = "SELECT id, external_message_id FROM messages WHERE org_id = $1 AND customer_id = $2";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// Raw events of an organisation after `after`, in order; of one that was emptied, the ids it is known by.
pub async fn page_events(
    c: Conn<'_>,
    org: OrgId,
    after: ChannelEventId,
    limit: i64,
) -> Result<Vec<(ChannelEventId, String)>> {
    const PAGE: &str = "
        SELECT id, payload, external_event_id, about FROM channel_events WHERE (org_id = $1) IS TRUE AND id > $2
        ORDER BY id LIMIT $3";
    let rows: Vec<(ChannelEventId, String, String, Option<String>)> =
        both!(c, c => sqlx::query_as(PAGE).bind(org).bind(after).bind(limit).fetch_all(c).await)?;
    let known =
        |(id, payload, external, about): (ChannelEventId, String, String, Option<String>)| match payload.as_str() {
            "" => (id, serde_json::json!([external, about]).to_string()),
            _ => (id, payload),
        };
    Ok(rows.into_iter().map(known).collect())
}

/// Deletes raw events.
pub async fn delete_events(mut c: Conn<'_>, org: OrgId, ids: &[ChannelEventId]) -> Result<()> {
    for some in ids.chunks(500) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("DELETE FROM channel_events WHERE org_id = ");
            query.push_bind(org).push(" AND id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Deletes the conversations of a customer with their messages and traces; returns how many traces.
pub async fn erase_conversations(mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<i64> {
    const TURNS: &str = "DELETE FROM turns WHERE (org_id = $1) IS TRUE AND customer_id = $2";
    const MESSAGES: &str = "DELETE FROM messages WHERE org_id = $1 AND customer_id = $2";
    const CONVERSATIONS: &str = "DELETE FROM conversations WHERE (org_id = $1) IS TRUE AND customer_id = $2";
    let turns = both!(c.again(), c => sqlx::query(TURNS).bind(org).bind(customer)
        .execute(c).await.map(|r| r.rows_affected()))?;
    both!(c.again(), c => sqlx::query(MESSAGES).bind(org).bind(customer).execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(CONVERSATIONS).bind(org).bind(customer).execute(c).await.map(|_| ()))?;
    Ok(i64::try_from(turns).unwrap_or(i64::MAX))
}
