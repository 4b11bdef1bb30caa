//! SQL of the inbox's rules and of what is due.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    app::{ConversationId, OrgId, UserId},
    both,
    platform::{Result, db::Conn},
};

/// What stands under a key.
pub async fn find(c: Conn<'_>, org: OrgId, key: &str) -> Result<Option<Json<Value>>> {
    const FIND: &str = "SELECT value FROM system_configs WHERE org_id = $1 AND key = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(key).fetch_optional(c).await)?)
}

/// What stands under a key, of every organisation.
pub async fn list(c: Conn<'_>, key: &str) -> Result<Vec<(OrgId, Json<Value>)>> {
    const LIST: &str = "SELECT org_id, value FROM system_configs WHERE key = $1 AND org_id IS NOT NULL";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(key).fetch_all(c).await)?)
}

/// Sets what stands under a key.
pub async fn save(
    c: Conn<'_>,
    org: OrgId,
    key: &str,
    value: &Value,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SAVE: &str = "
        INSERT INTO system_configs (id, org_id, key, value, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, key) DO UPDATE SET value = $4, updated_by = $5, updated_at = $6";
    both!(c, c => sqlx::query(SAVE).bind(Uuid::now_v7()).bind(org).bind(key).bind(Json(value)).bind(by).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Sets since when people are to solve a conversation, and when what is due.
pub async fn set_clocks(
    c: Conn<'_>,
    id: ConversationId,
    since: Option<DateTime<Utc>>,
    first_response: Option<DateTime<Utc>>,
    resolution: Option<DateTime<Utc>>,
) -> Result<()> {
    const START: &str = "
        UPDATE conversations SET sla_first_response_at = $2, sla_resolve_deadline = $3, sla_warned_at = NULL,
               sla_breached_at = NULL, sla_started_at = $4 WHERE id = $1";
    both!(c, c => sqlx::query(START).bind(id).bind(first_response).bind(resolution).bind(since).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Notes that people were warned of what is due at `due`. False: they were already.
pub async fn warned(c: Conn<'_>, id: ConversationId, due: DateTime<Utc>) -> Result<bool> {
    const NOTE: &str = "
        UPDATE conversations SET sla_warned_at = $2 WHERE id = $1 AND (sla_warned_at IS NULL OR sla_warned_at < $2)";
    Ok(both!(c, c => sqlx::query(NOTE).bind(id).bind(due).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Notes that what was due at `due` was missed. False: it was noted already.
pub async fn breached(c: Conn<'_>, id: ConversationId, due: DateTime<Utc>) -> Result<bool> {
    const NOTE: &str = "
        UPDATE conversations SET sla_breached_at = $2
        WHERE id = $1 AND (sla_breached_at IS NULL OR sla_breached_at < $2)";
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
