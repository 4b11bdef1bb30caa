//! SQL of the inbox's rules and of what is due.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    app::{ConversationId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// What stands under a key, of every organisation.
pub async fn list(c: Conn<'_>, key: &str) -> Result<Vec<(OrgId, Json<Value>)>> {
    const LIST: &str = "SELECT org_id, value FROM system_configs WHERE key = $1 AND org_id IS NOT NULL";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(key).fetch_all(c).await)?)
}

/// Sets since when people are to solve a conversation, and when what is due. What was noted of a clock that runs on
/// towards the same time stays noted.
pub async fn set_clocks(
    c: Conn<'_>,
    id: ConversationId,
    since: Option<DateTime<Utc>>,
    first_response: Option<DateTime<Utc>>,
    resolution: Option<DateTime<Utc>>,
) -> Result<()> {
    const START: &str = "
        UPDATE conversations SET sla_first_response_at = $2, sla_resolve_deadline = $3, sla_started_at = $4,
               sla_warned_at = CASE WHEN sla_warned_at IN ($2, $3) THEN sla_warned_at END,
               sla_breached_at = CASE WHEN sla_breached_at IN ($2, $3) THEN sla_breached_at END
        WHERE id = $1";
    both!(c, c => sqlx::query(START).bind(id).bind(first_response).bind(resolution).bind(since).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Notes that people were warned of what is due at `due`. False: they were already, and of nothing else since.
pub async fn warned(c: Conn<'_>, id: ConversationId, due: DateTime<Utc>) -> Result<bool> {
    const NOTE: &str = "
        UPDATE conversations SET sla_warned_at = $2 WHERE id = $1 AND (sla_warned_at IS NULL OR sla_warned_at <> $2)";
    Ok(both!(c, c => sqlx::query(NOTE).bind(id).bind(due).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Notes that what was due at `due` was missed. False: it was noted already, and nothing else since.
pub async fn breached(c: Conn<'_>, id: ConversationId, due: DateTime<Utc>) -> Result<bool> {
    const NOTE: &str = "
        UPDATE conversations SET sla_breached_at = $2
        WHERE id = $1 AND (sla_breached_at IS NULL OR sla_breached_at <> $2)";
    Ok(both!(c, c => sqlx::query(NOTE).bind(id).bind(due).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Whether an agent has written to the customer since `since`.
pub async fn is_answered(c: Conn<'_>, org: OrgId, id: ConversationId, since: DateTime<Utc>) -> Result<bool> {
    const COUNT: &str = "
        SELECT COUNT(*) FROM messages WHERE org_id = $1 AND conversation_id = $2 AND sender_type = 'agent'
          AND NOT is_private AND created_at >= $3";
    let count: i64 = both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(id).bind(since).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Notes that the customer was asked for a mark.
pub async fn asked_mark(c: Conn<'_>, id: ConversationId, now: DateTime<Utc>) -> Result<()> {
    const NOTE: &str = "
        UPDATE conversations SET satisfaction_asked_at = $2, satisfaction_score = NULL WHERE id = $1";
    both!(c, c => sqlx::query(NOTE).bind(id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Keeps the customer's mark; it was the answer to our question, so nothing is unread.
pub async fn save_mark(c: Conn<'_>, id: ConversationId, mark: i32) -> Result<()> {
    const SAVE: &str = "UPDATE conversations SET satisfaction_score = $2, unread_count = 0 WHERE id = $1";
    both!(c, c => sqlx::query(SAVE).bind(id).bind(mark).execute(c).await.map(|_| ()))?;
    Ok(())
}
