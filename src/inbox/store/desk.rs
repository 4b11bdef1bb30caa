//! SQL of how agents keep their desk: counts of the lists, priority, snooze, assignment.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::seen;
use crate::{
    app::{ConversationId, OrgId, UserId},
    both,
    platform::{Result, db::Conn},
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

/// Assigns a waiting conversation to `user`, or to nobody; it goes on waiting until they take it.
pub async fn assign(
    c: Conn<'_>,
    org: OrgId,
    id: ConversationId,
    user: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    const ASSIGN: &str = "
        UPDATE conversations SET agent_id = $3, version = version + 1, updated_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(ASSIGN).bind(org).bind(id).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// How many open conversations each of the organisation's agents has, and when they were last given one.
pub async fn loads(c: Conn<'_>, org: OrgId) -> Result<Vec<(UserId, i64, Option<DateTime<Utc>>)>> {
    const LOADS: &str = "
        SELECT u.id, (SELECT COUNT(*) FROM conversations c
                      WHERE c.org_id = $1 AND c.agent_id = u.id AND c.status IN ('pending', 'active')),
               (SELECT MAX(c.handed_off_at) FROM conversations c WHERE c.org_id = $1 AND c.agent_id = u.id)
        FROM users u WHERE u.org_id = $1 AND u.status = 'active' ORDER BY u.id";
    Ok(both!(c, c => sqlx::query_as(LOADS).bind(org).fetch_all(c).await)?)
}
