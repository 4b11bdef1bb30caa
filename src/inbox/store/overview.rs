//! SQL of what the overview counts, and of the questions that went to a person.

use chrono::{DateTime, Utc};

use super::super::overview::{ConversationFact, TurnFact};
use crate::{
    app::{ConversationId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// The conversations that began in `[from, to)`.
pub async fn conversations(
    c: Conn<'_>,
    org: OrgId,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<ConversationFact>> {
    const FACTS: &str = "
        SELECT c.id, c.channel_type, c.agent_id, c.status, c.resolution, c.hand_off_reason, c.epoch, c.created_at,
               c.first_response_at, c.resolved_at, c.satisfaction_score
        FROM conversations c WHERE c.org_id = $1 AND c.merged_into IS NULL AND c.created_at >= $2 AND c.created_at < $3";
    Ok(both!(c, c => sqlx::query_as(FACTS).bind(org).bind(from).bind(to).fetch_all(c).await)?)
}

/// The assistant's moves in `[from, to)`.
pub async fn turns(c: Conn<'_>, org: OrgId, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<TurnFact>> {
    const FACTS: &str = "
        SELECT conversation_id, decision, reason, confidence, duration_ms, trace
        FROM turns WHERE org_id = $1 AND conversation_id IS NOT NULL AND created_at >= $2 AND created_at < $3";
    Ok(both!(c, c => sqlx::query_as(FACTS).bind(org).bind(from).bind(to).fetch_all(c).await)?)
}

/// Hand-offs since `since` that an agent has answered: when they were called and when they answered, the latest first.
pub async fn answered_hand_offs(
    c: Conn<'_>,
    org: OrgId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
    const LIST: &str = "
        SELECT h.called, h.answered FROM (
            SELECT c.handed_off_at AS called,
                   (SELECT MIN(m.created_at) FROM messages m
                    WHERE m.org_id = $1 AND m.conversation_id = c.id AND m.sender_type = 'agent' AND NOT m.is_private
                      AND m.created_at >= c.handed_off_at) AS answered
            FROM conversations c WHERE c.org_id = $1 AND c.handed_off_at >= $2
            ORDER BY c.handed_off_at DESC LIMIT $3) h
        WHERE h.answered IS NOT NULL ORDER BY h.called DESC";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(since).bind(limit).fetch_all(c).await)?)
}

/// A question that the assistant could not answer.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Unanswered {
    pub conversation_id: ConversationId,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
    /// What the customer had written last.
    pub question: Option<String>,
    /// What an agent answered first afterwards.
    pub answer: Option<String>,
}

/// What went to a person since `since` because no evidence was found or it proved nothing, the latest first.
pub async fn unanswered(c: Conn<'_>, org: OrgId, since: DateTime<Utc>, limit: i64) -> Result<Vec<Unanswered>> {
    const LIST: &str = "
        SELECT t.conversation_id, t.reason, t.created_at,
               (SELECT m.content FROM messages m WHERE m.org_id = $1 AND m.conversation_id = t.conversation_id
                  AND m.sender_type = 'customer' AND m.created_at <= t.created_at ORDER BY m.seq DESC LIMIT 1) AS question,
               (SELECT m.content FROM messages m WHERE m.org_id = $1 AND m.conversation_id = t.conversation_id
                  AND m.sender_type = 'agent' AND NOT m.is_private AND m.created_at >= t.created_at
                ORDER BY m.seq LIMIT 1) AS answer
        FROM turns t
        WHERE t.org_id = $1 AND t.conversation_id IS NOT NULL AND t.created_at >= $2
          AND t.decision IN ('hand_off', 'offer_person') AND t.reason IN ('nothing_found', 'unsure', 'unproven')
        ORDER BY t.created_at DESC LIMIT $3";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(since).bind(limit).fetch_all(c).await)?)
}
