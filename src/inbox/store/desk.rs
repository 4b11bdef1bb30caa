//! SQL of how agents keep their desk: counts of the lists, priority, snooze, assignment.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{
    super::{Conversation, assign::Assignee},
    conversation_columns, seen,
};
use crate::{
    app::{ConversationId, OrgId, UserId},
    both,
    platform::{Result, db::Conn, language::Language},
    staff::Visible,
    visible,
};

/// How many open conversations each list of the inbox has; snoozed ones count only as snoozed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, Serialize, ToSchema)]
pub struct Counts {
    /// Held by the asker, or assigned to them.
    pub mine: i64,
    /// Of those, how many hold something unread.
    pub mine_unread: i64,
    /// Waiting for a person.
    pub waiting: i64,
    /// Waiting for a person and assigned to nobody.
    pub unassigned: i64,
    /// With the assistant.
    pub assistant: i64,
    pub open: i64,
    pub snoozed: i64,
}

/// The counts for `user`.
pub async fn counts(
    c: Conn<'_>,
    org: OrgId,
    user: Option<UserId>,
    visible: Visible,
    now: DateTime<Utc>,
) -> Result<Counts> {
    const COUNT: &str = concat!(
        "
        SELECT CAST(COALESCE(SUM(CASE WHEN awake = 1 AND agent_id = $2 THEN 1 ELSE 0 END), 0) AS BIGINT) AS mine,
               CAST(COALESCE(SUM(CASE WHEN awake = 1 AND agent_id = $2 AND unread_count > 0 THEN 1 ELSE 0 END), 0)
                    AS BIGINT) AS mine_unread,
               CAST(COALESCE(SUM(CASE WHEN awake = 1 AND holder = 'queue' THEN 1 ELSE 0 END), 0) AS BIGINT) AS waiting,
               CAST(COALESCE(SUM(CASE WHEN awake = 1 AND holder = 'queue' AND agent_id IS NULL THEN 1 ELSE 0 END), 0)
                    AS BIGINT) AS unassigned,
               CAST(COALESCE(SUM(CASE WHEN awake = 1 AND holder = 'assistant' THEN 1 ELSE 0 END), 0)
                    AS BIGINT) AS assistant,
               CAST(COALESCE(SUM(awake), 0) AS BIGINT) AS open,
               CAST(COALESCE(SUM(1 - awake), 0) AS BIGINT) AS snoozed
        FROM (SELECT agent_id, holder, unread_count,
                     CASE WHEN snoozed_until IS NOT NULL AND snoozed_until > $3 THEN 0 ELSE 1 END AS awake
              FROM conversations c WHERE org_id = $1 AND status IN ('pending', 'active') AND ",
        seen!("$4", "$5"),
        ") o"
    );
    Ok(both!(c, c => sqlx::query_as(COUNT).bind(org).bind(user).bind(now).bind(visible.scope)
        .bind(visible.user).fetch_one(c).await)?)
}

/// Sets the priority and until when it is snoozed. The version stays: neither concerns what may be said.
pub async fn save(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    priority: &str,
    snoozed_until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SAVE: &str = "
        UPDATE conversations SET priority = $3, snoozed_until = $4, updated_at = $5 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(id).bind(priority).bind(snoozed_until).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Assigns what the queue holds, if the version still is `fence` (when given); it goes on waiting until they take it.
/// False: it is not, or the queue no longer holds it.
pub async fn assign(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    fence: Option<i64>,
    to: Assignee,
    now: DateTime<Utc>,
) -> Result<bool> {
    const ASSIGN: &str = "
        UPDATE conversations SET agent_id = $3, team_id = $5, version = version + 1, updated_at = $4,
               assigned_at = CASE WHEN $3 IS NULL THEN assigned_at ELSE $4 END
        WHERE org_id = $1 AND id = $2 AND holder = 'queue' AND ($6 IS NULL OR version = $6)";
    let assigned = both!(c, c => sqlx::query(ASSIGN).bind(org).bind(id).bind(to.agent_id).bind(now).bind(to.team_id)
        .bind(fence).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(assigned == 1)
}

/// Notes who let go of a conversation.
pub async fn let_go(c: Conn<'_>, org: OrgId, id: ConversationId, by: Option<UserId>) -> Result<()> {
    const NOTE: &str = "UPDATE conversations SET let_go_by = $3 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(NOTE).bind(org).bind(id).bind(by).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What a user has, and whether they are there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Load {
    pub user: UserId,
    /// How many open conversations they have.
    pub open: i64,
    pub last_given_at: Option<DateTime<Utc>>,
    #[sqlx(json)]
    pub languages: Vec<Language>,
    pub settings: Json<Value>,
    /// They gave a sign of life lately.
    pub is_here: bool,
}

impl Load {
    /// Whether they said that they are away.
    pub fn is_away(&self) -> bool {
        self.settings.0.get("away").and_then(Value::as_bool).unwrap_or_default()
    }
}

/// The organisation's active users; they are here if a session of theirs was used since `since`.
pub async fn loads(c: Conn<'_>, org: OrgId, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<Load>> {
    const LOADS: &str = "
        SELECT u.id AS \"user\",
               (SELECT COUNT(*) FROM conversations c
                WHERE (c.org_id = $1) IS TRUE AND c.agent_id = u.id AND c.status IN ('pending', 'active')) AS open,
               (SELECT MAX(COALESCE(c.assigned_at, c.handed_off_at)) FROM conversations c
                WHERE (c.org_id = $1) IS TRUE AND c.agent_id = u.id) AS last_given_at,
               u.languages, u.settings,
               EXISTS (SELECT 1 FROM sessions s
                       WHERE s.user_id = u.id AND s.last_used_at >= $2 AND s.expires_at > $3) AS is_here
        FROM users u WHERE u.org_id = $1 AND u.status = 'active' ORDER BY u.id";
    Ok(both!(c, c => sqlx::query_as(LOADS).bind(org).bind(since).bind(now).fetch_all(c).await)?)
}

/// Where a conversation stands among those that wait: the most urgent first, then whoever waits longest.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    rank: i32,
    since: DateTime<Utc>,
    id: ConversationId,
}

impl Place {
    pub fn of(c: &Conversation) -> Self {
        let rank = match c.priority.as_str() {
            "urgent" => 0,
            "high" => 1,
            "medium" => 2,
            _ => 3,
        };
        Self { rank, since: c.last_customer_message_at.unwrap_or(c.created_at), id: c.id }
    }
}

/// What waits, is nobody's (or somebody's who is no longer let in), and not snoozed, by its [`Place`]; what comes after
/// one.
pub async fn list_unassigned(
    c: Conn<'_>,
    org: OrgId,
    now: DateTime<Utc>,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Conversation>> {
    const LIST: &str = conversation_columns!(
        "WHERE c.org_id = $1 AND c.status = 'pending' AND c.holder = 'queue'
           AND (c.snoozed_until IS NULL OR c.snoozed_until <= $2)
           AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.agent_id AND u.status = 'active')
           AND ($3 IS NULL
                OR (CASE c.priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
                    COALESCE(c.last_customer_message_at, c.created_at), c.id) > ($3, $4, $5))
         ORDER BY CASE c.priority WHEN 'urgent' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END,
                  COALESCE(c.last_customer_message_at, c.created_at), c.id
         LIMIT $6"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(now).bind(after.map(|p| p.rank))
        .bind(after.map(|p| p.since)).bind(after.map(|p| p.id)).bind(limit).fetch_all(c).await)?)
}

/// The organisations in which something waits that is nobody's.
pub async fn orgs_with_unassigned(c: Conn<'_>) -> Result<Vec<OrgId>> {
    const LIST: &str = "
        SELECT DISTINCT c.org_id FROM conversations c
        WHERE c.status = 'pending' AND c.holder = 'queue'
          AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = c.agent_id AND u.status = 'active')";
    Ok(both!(c, c => sqlx::query_scalar(LIST).fetch_all(c).await)?)
}
