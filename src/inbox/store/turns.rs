//! Rows of `turns` and `turn_recordings`: the traces of the assistant's moves, and what takes them again.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::super::Trace;
use crate::{
    app::{ConversationId, CustomerId, MessageId, OrgId, TurnId},
    both,
    platform::{Result, db::Conn, language::Language},
};

/// Stores the trace of one move of the assistant.
pub async fn insert_turn(
    mut c: Conn<'_>,
    org: OrgId,
    conversation: Option<(ConversationId, CustomerId)>,
    trace: &Trace,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO turns (id, org_id, conversation_id, customer_id, decision, reason, confidence, language, trace,
                           duration_ms, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let (id, customer) = conversation.unzip();
    both!(c.again(), c => sqlx::query(INSERT).bind(trace.id).bind(org).bind(id).bind(customer).bind(&trace.decision)
        .bind(&trace.reason).bind(trace.confidence).bind(trace.language).bind(Json(&trace.detail))
        .bind(trace.duration_ms).bind(now).execute(c).await.map(|_| ()))?;
    let Some(recording) = &trace.recording else { return Ok(()) };
    const RECORD: &str = "INSERT INTO turn_recordings (turn_id, org_id, recording, created_at) VALUES ($1, $2, $3, $4)";
    both!(c, c => sqlx::query(RECORD).bind(trace.id).bind(org).bind(Json(recording)).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A turn of a real conversation that can be taken again.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RecordedTurn {
    pub id: TurnId,
    pub conversation_id: ConversationId,
    pub decision: String,
    pub reason: Option<String>,
    pub confidence: Option<f64>,
    pub recording: Json<Value>,
    /// What was sent then.
    pub said: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// The latest `limit` turns that can be taken again, the latest first.
pub async fn list_recorded(c: Conn<'_>, org: OrgId, limit: i64) -> Result<Vec<RecordedTurn>> {
    const LIST: &str = "
        SELECT t.id, t.conversation_id, t.decision, t.reason, t.confidence, r.recording, t.created_at,
               (SELECT m.content FROM messages m
                WHERE m.org_id = t.org_id AND m.conversation_id = t.conversation_id AND m.turn_id = t.id
                ORDER BY m.seq LIMIT 1) AS said
        FROM turn_recordings r JOIN turns t ON t.id = r.turn_id
        WHERE r.org_id = $1 AND t.conversation_id IS NOT NULL ORDER BY r.created_at DESC, r.turn_id DESC LIMIT $2";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(limit).fetch_all(c).await)?)
}

/// A stored trace: what the assistant searched, found, proved and decided.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize, utoipa::ToSchema)]
pub struct TurnRow {
    pub id: TurnId,
    pub conversation_id: Option<ConversationId>,
    pub decision: String,
    pub reason: Option<String>,
    pub confidence: Option<f64>,
    pub language: Option<Language>,
    #[schema(value_type = Object)]
    pub trace: Json<Value>,
    pub duration_ms: f64,
    pub created_at: DateTime<Utc>,
}

/// The traces of a conversation, the latest first.
pub async fn list_turns(c: Conn<'_>, org: OrgId, id: ConversationId, limit: i64) -> Result<Vec<TurnRow>> {
    const LIST: &str = "
        SELECT id, conversation_id, decision, reason, confidence, language, trace, duration_ms, created_at
        FROM turns WHERE (org_id = $1) IS TRUE AND conversation_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(id).bind(limit).fetch_all(c).await)?)
}

/// How the assistant decided in its last `limit` turns of this epoch, the latest first.
pub async fn list_decisions(c: Conn<'_>, id: ConversationId, since: DateTime<Utc>, limit: i64) -> Result<Vec<String>> {
    const LIST: &str = "
        SELECT decision FROM turns WHERE conversation_id = $1 AND created_at >= $2 AND decision NOT IN ('copilot', 'withheld')
        ORDER BY created_at DESC, id DESC LIMIT $3";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(id).bind(since).bind(limit).fetch_all(c).await)?)
}

/// What the assistant's messages since `since` rest on, the latest first, before `before`: `(when, which, sources)`.
pub async fn list_cited(
    c: Conn<'_>,
    org: OrgId,
    since: DateTime<Utc>,
    before: Option<(DateTime<Utc>, MessageId)>,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, MessageId, Json<Value>)>> {
    const LIST: &str = "
        SELECT created_at, id, ai_sources FROM messages
        WHERE org_id = $1 AND created_at >= $2 AND ai_sources IS NOT NULL
          AND ($3 IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC LIMIT $5";
    let (at, id) = before.unzip();
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(since).bind(at).bind(id).bind(limit).fetch_all(c).await)?)
}
