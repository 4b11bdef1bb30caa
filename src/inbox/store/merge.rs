//! SQL of putting one conversation into another.

use chrono::{DateTime, Utc};

use crate::{
    app::{ConversationId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// How many messages two conversations have together.
pub async fn count_messages(c: Conn<'_>, org: OrgId, a: ConversationId, b: ConversationId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM messages WHERE org_id = $1 AND conversation_id IN ($2, $3)";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(a).bind(b).fetch_one(c).await)?)
}

/// Puts the messages and traces of `from` into `into`, in the order in which they were said, all in the epoch that
/// `into` is in.
pub async fn move_messages(
    mut c: Conn<'_>,
    org: OrgId,
    from: ConversationId,
    into: ConversationId,
    epoch: i64,
) -> Result<()> {
    // A place is unique within its conversation at every moment: the new ones are negative until all are given.
    const PLACES: &str = "
        UPDATE messages SET conversation_id = $3, seq = -r.place,
               epoch = CASE WHEN messages.conversation_id = $2 THEN $4 ELSE messages.epoch END
        FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY created_at, seq, id) AS place FROM messages
              WHERE org_id = $1 AND conversation_id IN ($2, $3)) r
        WHERE messages.id = r.id";
    const TURN: &str = "UPDATE messages SET seq = -seq WHERE org_id = $1 AND conversation_id = $2 AND seq < 0";
    const TRACES: &str = "UPDATE turns SET conversation_id = $3 WHERE (org_id = $1) IS TRUE AND conversation_id = $2";
    both!(c.again(), c => sqlx::query(PLACES).bind(org).bind(from).bind(into).bind(epoch).execute(c).await.map(|_| ()))?;
    both!(c.again(), c => sqlx::query(TURN).bind(org).bind(into).execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(TRACES).bind(org).bind(from).bind(into).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Counts `into` anew after the messages of `from` came, if its version still is `fence`. False: it is not.
pub async fn recount(
    c: Conn<'_>,
    org: OrgId,
    from: ConversationId,
    into: ConversationId,
    fence: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    const RECOUNT: &str = "
        UPDATE conversations
        SET message_count = (SELECT COUNT(*) FROM messages m WHERE m.org_id = $1 AND m.conversation_id = $3),
            last_message_at = (SELECT MAX(o.last_message_at) FROM conversations o WHERE o.id IN ($2, $3)),
            last_message_preview = (SELECT o.last_message_preview FROM conversations o WHERE o.id IN ($2, $3)
                                    ORDER BY o.last_message_at DESC LIMIT 1),
            last_customer_message_at = (SELECT MAX(o.last_customer_message_at) FROM conversations o WHERE o.id IN ($2, $3)),
            last_inbound_at = (SELECT MAX(o.last_inbound_at) FROM conversations o WHERE o.id IN ($2, $3)),
            last_tap_at = (SELECT MAX(o.last_tap_at) FROM conversations o WHERE o.id IN ($2, $3)),
            first_response_at = (SELECT MIN(o.first_response_at) FROM conversations o WHERE o.id IN ($2, $3)),
            unread_count = (SELECT CAST(SUM(o.unread_count) AS BIGINT) FROM conversations o WHERE o.id IN ($2, $3)),
            created_at = (SELECT MIN(o.created_at) FROM conversations o WHERE o.id IN ($2, $3)),
            version = version + 1, updated_at = $5
        WHERE org_id = $1 AND id = $3 AND version = $4";
    let n = both!(c, c => sqlx::query(RECOUNT).bind(org).bind(from).bind(into).bind(fence).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Closes `from`, which points to `into` from here, and so does what pointed to it; if its version still is `fence`.
/// False: it is not.
pub async fn point(
    mut c: Conn<'_>,
    org: OrgId,
    from: ConversationId,
    into: ConversationId,
    fence: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    const EARLIER: &str = "UPDATE conversations SET merged_into = $3 WHERE org_id = $1 AND merged_into = $2";
    const POINT: &str = "
        UPDATE conversations
        SET merged_into = $3, status = 'closed', closed_at = $5, updated_at = $5, version = version + 1,
            message_count = 0, unread_count = 0, snoozed_until = NULL, sla_first_response_at = NULL,
            sla_resolve_deadline = NULL, sla_started_at = NULL
        WHERE org_id = $1 AND id = $2 AND version = $4 AND merged_into IS NULL";
    both!(c.again(), c => sqlx::query(EARLIER).bind(org).bind(from).bind(into).execute(c).await.map(|_| ()))?;
    let n = both!(c, c => sqlx::query(POINT).bind(org).bind(from).bind(into).bind(fence).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}
