//! SQL of what stands on the wire: parts of our messages, receipts, and what a channel's law asks about.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    app::{ChannelId, ConversationId, CustomerId, MessageId, OrgId, PartId},
    both,
    channels::{Body, law::Past},
    inbox::{Message, MessageStatus},
    platform::{Result, db::Conn},
};

/// One message on the wire.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Part {
    pub id: PartId,
    pub org_id: OrgId,
    pub message_id: MessageId,
    pub channel_id: ChannelId,
    pub body: Json<Body>,
    pub status: MessageStatus,
    pub status_reason: Option<String>,
    pub attempts: i64,
    pub sent_at: Option<DateTime<Utc>>,
}

macro_rules! part_columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, message_id, channel_id, body, status, status_reason, attempts, sent_at
             FROM message_parts ",
            $rest
        )
    };
}

/// The parts of a message, in order.
pub async fn list_parts(c: Conn<'_>, message: MessageId) -> Result<Vec<Part>> {
    const LIST: &str = part_columns!("WHERE message_id = $1 ORDER BY part");
    Ok(both!(c, c => sqlx::query_as(LIST).bind(message).fetch_all(c).await)?)
}

/// The part that a receipt is about: by our own id, or by the platform's.
pub async fn find_part(c: Conn<'_>, channel: ChannelId, key: Option<PartId>, external: &str) -> Result<Option<Part>> {
    const BY_KEY: &str = part_columns!("WHERE channel_id = $1 AND id = $2");
    const BY_EXTERNAL: &str =
        part_columns!("WHERE channel_id = $1 AND external_message_id = $2 ORDER BY created_at DESC LIMIT 1");
    let mut c = c;
    if let Some(key) = key {
        let found = both!(c.again(), c => sqlx::query_as(BY_KEY).bind(channel).bind(key).fetch_optional(c).await)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(both!(c, c => sqlx::query_as(BY_EXTERNAL).bind(channel).bind(external).fetch_optional(c).await)?)
}

/// The platform's id of a message of ours: of its first part that has one.
pub async fn external_of(c: Conn<'_>, message: MessageId) -> Result<Option<String>> {
    const FIND: &str = "
        SELECT external_message_id FROM message_parts WHERE message_id = $1 AND external_message_id IS NOT NULL
        ORDER BY part LIMIT 1";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(message).fetch_optional(c).await)?)
}

/// Adds the parts of a message. The first has the message's id.
pub async fn insert_parts(c: Conn<'_>, message: &Message, bodies: &[Body], now: DateTime<Utc>) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO message_parts (id, org_id, message_id, channel_id, customer_id, part, body, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8) ON CONFLICT DO NOTHING";
    let mut c = c;
    for (n, body) in bodies.iter().enumerate() {
        let id = if n == 0 { PartId(message.id.0) } else { PartId::new() };
        both!(c.again(), c => sqlx::query(INSERT).bind(id).bind(message.org_id).bind(message.id)
            .bind(message.channel_id).bind(message.customer_id).bind(n as i64).bind(Json(body)).bind(now)
            .execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Says that a part is about to be sent. False: it is no longer waiting.
pub async fn attempt_part(c: Conn<'_>, id: PartId, now: DateTime<Utc>) -> Result<bool> {
    const ATTEMPT: &str = "
        UPDATE message_parts SET status = 'sending', attempted_at = $2, attempts = attempts + 1
        WHERE id = $1 AND status IN ('queued', 'sending')";
    let n = both!(c, c => sqlx::query(ATTEMPT).bind(id).bind(now).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Puts a part back that was certainly not sent, perhaps with another body.
pub async fn requeue_part(c: Conn<'_>, id: PartId, body: Option<&Body>, reason: Option<&str>) -> Result<()> {
    const REQUEUE: &str = "
        UPDATE message_parts SET status = 'queued', body = COALESCE($2, body), status_reason = $3, attempted_at = NULL
        WHERE id = $1";
    both!(c, c => sqlx::query(REQUEUE).bind(id).bind(body.map(Json)).bind(reason).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Moves a part to `status` if it is in one of `from`. False: it is further already.
pub async fn set_part_status(
    c: Conn<'_>,
    id: PartId,
    from: &[MessageStatus],
    status: MessageStatus,
    reason: Option<&str>,
    external: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let mut c = c;
    let changed: u64 = both!(c.again(), c => {
        let mut query = sqlx::QueryBuilder::<DB>::new("UPDATE message_parts SET status = ");
        query.push_bind(status).push(", status_reason = ").push_bind(reason)
            .push(", sent_at = COALESCE(sent_at, ").push_bind(now).push(") WHERE id = ").push_bind(id)
            .push(" AND status IN (");
        let mut all = query.separated(", ");
        for status in from {
            all.push_bind(*status);
        }
        query.push(")");
        query.build().persistent(false).execute(c).await.map(|r| r.rows_affected())
    })?;
    if let Some(external) = external {
        // Also when a receipt came before the answer: the id is new all the same.
        const NAME: &str =
            "UPDATE message_parts SET external_message_id = COALESCE(external_message_id, $2) WHERE id = $1";
        both!(c, c => sqlx::query(NAME).bind(id).bind(external).execute(c).await.map(|_| ()))?;
    }
    Ok(changed == 1)
}

/// What the parts of a message make of the message itself: written only forward.
pub async fn set_outcome(
    c: Conn<'_>,
    id: MessageId,
    status: MessageStatus,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE messages SET status = $2, status_reason = $3,
               sent_at = CASE WHEN $2 IN ('sent', 'delivered', 'read', 'played') THEN COALESCE(sent_at, $4) ELSE sent_at END
        WHERE id = $1 AND sender_type <> 'customer'";
    both!(c, c => sqlx::query(SET).bind(id).bind(status).bind(reason).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether we are sending, or have sent since `since`, this very text (or some file) to the customer: an echo of it is
/// our own.
pub async fn is_ours(
    c: Conn<'_>,
    channel: ChannelId,
    customer: CustomerId,
    external: &str,
    text: &str,
    is_file: bool,
    since: DateTime<Utc>,
) -> Result<bool> {
    const OURS: &str = "
        SELECT COUNT(*) FROM message_parts
        WHERE customer_id = $2 AND channel_id = $1
          AND (external_message_id = $3
               OR (external_message_id IS NULL AND attempted_at >= $5
                   AND ((body->>'text' = $4 AND $4 <> '') OR ($6 AND body->>'type' = 'file'))))";
    let n: i64 = both!(c, c => sqlx::query_scalar(OURS).bind(channel).bind(customer).bind(external).bind(text)
        .bind(since).bind(is_file).fetch_one(c).await)?;
    Ok(n > 0)
}

/// What the law wants to know of us and one customer; sends count from `memory` on.
pub async fn past(c: Conn<'_>, channel: ChannelId, customer: CustomerId, memory: DateTime<Utc>) -> Result<Past> {
    const INBOUND: &str = "
        SELECT MAX(last_inbound_at), MAX(last_customer_message_at), MAX(last_tap_at) FROM conversations
        WHERE channel_id = $1 AND customer_id = $2";
    // What certainly did not reach the platform does not count.
    const SENT: &str = "
        SELECT attempted_at FROM message_parts
        WHERE customer_id = $2 AND channel_id = $1 AND attempted_at IS NOT NULL AND attempted_at >= $3";
    let mut c = c;
    type Signs = (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let (last_inbound, received, last_tap): Signs = both!(c.again(), c =>
        sqlx::query_as(INBOUND).bind(channel).bind(customer).fetch_one(c).await)?;
    // A quota counts from when we received the message: what we sent before that, we sent to an earlier one. When what
    // we received last was a tap, only the platform's time of the message is known.
    let is_tapped = last_tap.is_some_and(|tap| last_inbound.is_none_or(|at| tap > at));
    let since = if is_tapped { last_inbound } else { received.or(last_inbound) }.unwrap_or(DateTime::UNIX_EPOCH);
    let oldest = last_tap.map_or(since, |tap| tap.min(since)).min(memory);
    let sent: Vec<DateTime<Utc>> = both!(c, c => sqlx::query_scalar(SENT).bind(channel).bind(customer)
        .bind(oldest).fetch_all(c).await)?;
    let count = |since: DateTime<Utc>| sent.iter().filter(|at| **at >= since).count();
    Ok(Past {
        last_inbound: last_inbound.or(received.filter(|_| last_tap.is_none())),
        sent_since: count(since),
        last_tap,
        sent_since_tap: last_tap.map_or(0, count),
        sent_at: sent.into_iter().filter(|at| *at >= memory).collect(),
    })
}

/// The platform's id of the customer's last message in a conversation, and what is known of it.
pub async fn last_external(c: Conn<'_>, id: ConversationId) -> Result<Option<(String, Json<Value>)>> {
    const LAST: &str = "
        SELECT external_message_id, metadata FROM messages
        WHERE org_id = (SELECT org_id FROM conversations WHERE id = $1)
          AND conversation_id = $1 AND sender_type = 'customer' AND external_message_id IS NOT NULL
        ORDER BY seq DESC LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(LAST).bind(id).fetch_optional(c).await)?)
}

/// Keeps a receipt for a message whose id we do not know yet.
pub async fn insert_receipt(
    c: Conn<'_>,
    org: OrgId,
    channel: ChannelId,
    external: &str,
    state: &str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO channel_receipts (id, org_id, channel_id, external_message_id, state, reason, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    both!(c, c => sqlx::query(INSERT).bind(PartId::new()).bind(org).bind(channel).bind(external).bind(state)
        .bind(reason).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes the receipts that waited for this id: state and reason.
pub async fn take_receipts(
    c: Conn<'_>,
    org: OrgId,
    channel: ChannelId,
    external: &str,
) -> Result<Vec<(String, Option<String>)>> {
    const TAKE: &str = "
        DELETE FROM channel_receipts WHERE org_id = $1 AND channel_id = $2 AND external_message_id = $3
        RETURNING state, reason";
    Ok(both!(c, c => sqlx::query_as(TAKE).bind(org).bind(channel).bind(external).fetch_all(c).await)?)
}

/// Whether a message of ours still waits to go out.
pub async fn has_outgoing(c: Conn<'_>, id: ConversationId) -> Result<bool> {
    const WAITS: &str = "
        SELECT COUNT(*) FROM messages
        WHERE org_id = (SELECT org_id FROM conversations WHERE id = $1)
          AND conversation_id = $1 AND sender_type <> 'customer' AND status IN ('queued', 'sending')";
    let n: i64 = both!(c, c => sqlx::query_scalar(WAITS).bind(id).fetch_one(c).await)?;
    Ok(n > 0)
}
