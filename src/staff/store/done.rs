//! The SQL of what was done, and who is told.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    app::{NotificationId, OrgId, UserId},
    both,
    platform::{Result, db::Conn, http::Cursor},
    staff::{
        Audited, Notification,
        audit::{Patterns, Sought},
        chain::{Place, Sealed},
        heads::Head,
        notify::News,
        principal::By,
    },
};

/// Adds a line to the audit log.
pub async fn insert_audit(
    c: Conn<'_>,
    now: DateTime<Utc>,
    by: &By,
    action: &str,
    (resource_type, resource_id): (&str, Uuid),
    changes: &Value,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO audit_logs (id, org_id, user_id, actor, action, resource_type, resource_id, changes, ip_address,
                                user_agent, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    both!(c, c => sqlx::query(INSERT)
        .bind(Uuid::now_v7()).bind(by.org).bind(by.user).bind(by.actor.describe()).bind(action).bind(resource_type)
        .bind(resource_id).bind(Json(changes)).bind(&by.ip).bind(&by.user_agent).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The active users of an organisation who have a permission.
pub async fn users_who_may(c: Conn<'_>, org: OrgId, key: &str) -> Result<Vec<UserId>> {
    const LIST: &str = "
        SELECT u.id FROM users u
        WHERE u.org_id = $1 AND u.status = 'active' AND EXISTS (
            SELECT 1 FROM user_roles ur JOIN role_permissions rp ON rp.role_id = ur.role_id
            JOIN permissions p ON p.id = rp.permission_id
            WHERE ur.user_id = u.id AND p.resource = $2 AND p.action = $3)
        ORDER BY u.id";
    let (resource, action) = super::split(key)?;
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(resource).bind(action).fetch_all(c).await)?)
}

/// Adds a notification.
pub async fn insert_notification(
    c: Conn<'_>,
    id: NotificationId,
    org: OrgId,
    user: UserId,
    news: News<'_>,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO notifications (id, org_id, user_id, type, title, content, resource_type, resource_id, is_read,
                                   created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, FALSE, $9)";
    both!(c, c => sqlx::query(INSERT)
        .bind(id).bind(org).bind(user).bind(news.kind).bind(news.title).bind(news.content)
        .bind(news.resource.map(|r| r.0)).bind(news.resource.map(|r| r.1)).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The lines of the audit log about these things that still say what was changed.
pub async fn lines_about(mut c: Conn<'_>, org: OrgId, about: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut lines = Vec::new();
    for some in about.chunks(500) {
        let found: Vec<Uuid> = both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("SELECT id FROM audit_logs WHERE org_id = ");
            query.push_bind(org).push(" AND erased_seal IS NULL AND resource_id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            query.build_query_scalar().persistent(false).fetch_all(c).await
        })?;
        lines.extend(found);
    }
    Ok(lines)
}

/// Replaces what lines say was changed; each gets its seal over that. Returns how many.
pub async fn empty(c: Conn<'_>, changes: &Value, lines: &[(Uuid, String)]) -> Result<u64> {
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new("UPDATE audit_logs SET changes = ");
        query.push_bind(Json(changes)).push(", erased_seal = v.column2 FROM (");
        query.push_values(lines, |mut row, (id, seal)| {
            row.push_bind(*id).push_bind(seal);
        });
        query.push(") AS v WHERE audit_logs.id = v.column1");
        query.build().persistent(false).execute(c).await.map(|r| r.rows_affected())
    })?)
}

/// Removes the notifications about these things. Returns how many.
pub async fn delete_notifications_about(mut c: Conn<'_>, org: OrgId, about: &[Uuid]) -> Result<u64> {
    let mut deleted = 0;
    for some in about.chunks(500) {
        deleted += both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("DELETE FROM notifications WHERE org_id = ");
            query.push_bind(org).push(" AND resource_id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(|r| r.rows_affected())
        })?;
    }
    Ok(deleted)
}

/// Whether this is an active user of the organisation.
pub async fn is_member(c: Conn<'_>, org: OrgId, user: UserId) -> Result<bool> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE org_id = $1 AND id = $2 AND status <> 'suspended')";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(user).fetch_one(c).await)?)
}

/// Lines of the audit log after `after`, the newest first.
pub async fn list_audit(
    c: Conn<'_>,
    org: OrgId,
    sought: &Sought,
    patterns: &Patterns,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Audited>> {
    const LIST: &str = "
        SELECT * FROM audit_logs
        WHERE org_id = $1 AND ($2 IS NULL OR user_id = $2) AND ($3 IS NULL OR resource_id = $3)
          AND (created_at, id) < ($4, $5) AND ($6 IS NULL OR created_at >= $6) AND ($7 IS NULL OR created_at < $7)
          AND ($8 IS NULL OR LOWER(action) LIKE $8 ESCAPE '!')
          AND ($9 IS NULL OR LOWER(action) LIKE $9 ESCAPE '!' OR LOWER(resource_type) LIKE $9 ESCAPE '!'
               OR LOWER(actor) LIKE $9 ESCAPE '!' OR LOWER(ip_address) LIKE $9 ESCAPE '!'
               OR LOWER(user_agent) LIKE $9 ESCAPE '!'
               OR ($10 AND LOWER(CAST(changes AS TEXT)) LIKE $9 ESCAPE '!'))
        ORDER BY created_at DESC, id DESC LIMIT $11";
    Ok(both!(c, c => sqlx::query_as(LIST)
        .bind(org).bind(sought.user).bind(sought.resource).bind(after.at).bind(after.id).bind(sought.from)
        .bind(sought.to).bind(&patterns.action).bind(&patterns.text).bind(patterns.in_changes).bind(limit)
        .fetch_all(c).await)?)
}

/// Up to a hundred organisations that have lines without a seal, those that have waited longest first.
pub async fn list_unsealed(c: Conn<'_>) -> Result<Vec<OrgId>> {
    const LIST: &str = "
        SELECT org_id FROM audit_logs WHERE seal IS NULL GROUP BY org_id ORDER BY MIN(created_at), org_id LIMIT 100";
    Ok(both!(c, c => sqlx::query_scalar(LIST).fetch_all(c).await)?)
}

/// How many lines of an organisation have no seal.
pub async fn count_unsealed(c: Conn<'_>, org: OrgId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM audit_logs WHERE org_id = $1 AND seal IS NULL";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).fetch_one(c).await)?)
}

/// Up to `limit` lines of an organisation without a seal, the oldest first.
pub async fn unsealed(c: Conn<'_>, org: OrgId, limit: i64) -> Result<Vec<Audited>> {
    const LIST: &str = "
        SELECT * FROM audit_logs WHERE org_id = $1 AND seal IS NULL ORDER BY created_at, id LIMIT $2";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(limit).fetch_all(c).await)?)
}

/// The last place of an organisation's chain, and the seal there.
pub async fn last_seal(c: Conn<'_>, org: OrgId) -> Result<Option<Head>> {
    const LAST: &str = "
        SELECT seq, seal FROM audit_logs WHERE org_id = $1 AND seq IS NOT NULL AND seal IS NOT NULL
        ORDER BY seq DESC LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(LAST).bind(org).fetch_optional(c).await)?)
}

/// Gives lines their places in the chain.
pub async fn set_seals(c: Conn<'_>, places: &[Place]) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(
            "UPDATE audit_logs SET seq = v.column2, changes_hash = v.column3, seal = v.column4 FROM (",
        );
        query.push_values(places, |mut row, place| {
            row.push_bind(place.line).push_bind(place.seq).push_bind(&place.changes_hash).push_bind(&place.seal);
        });
        query.push(") AS v WHERE audit_logs.id = v.column1");
        query.build().persistent(false).execute(c).await.map(|_| ())
    })?;
    Ok(())
}

/// Up to `limit` lines of the chain behind place `seq`, in their order.
pub async fn sealed_after(c: Conn<'_>, org: OrgId, seq: i64, limit: i64) -> Result<Vec<Sealed>> {
    const LIST: &str = "
        SELECT * FROM audit_logs WHERE org_id = $1 AND seq > $2 AND changes_hash IS NOT NULL AND seal IS NOT NULL
        ORDER BY seq LIMIT $3";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(seq).bind(limit).fetch_all(c).await)?)
}

/// A user's notifications after `after`, the newest first.
pub async fn list_notifications(
    c: Conn<'_>,
    org: OrgId,
    user: UserId,
    only_unread: bool,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Notification>> {
    const LIST: &str = "
        SELECT * FROM notifications
        WHERE org_id = $1 AND user_id = $2 AND (NOT $3 OR NOT is_read) AND (created_at, id) < ($4, $5)
        ORDER BY created_at DESC, id DESC LIMIT $6";
    Ok(both!(c, c => sqlx::query_as(LIST)
        .bind(org).bind(user).bind(only_unread).bind(after.at).bind(after.id).bind(limit).fetch_all(c).await)?)
}

/// How many notifications a user has not read.
pub async fn unread_notifications(c: Conn<'_>, org: OrgId, user: UserId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM notifications WHERE org_id = $1 AND user_id = $2 AND NOT is_read";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(user).fetch_one(c).await)?)
}

/// Marks one notification of a user as read, or all; false if there is none.
pub async fn read_notifications(
    c: Conn<'_>,
    org: OrgId,
    user: UserId,
    id: Option<NotificationId>,
    now: DateTime<Utc>,
) -> Result<bool> {
    const READ: &str = "
        UPDATE notifications SET is_read = TRUE, read_at = COALESCE(read_at, $4)
        WHERE org_id = $1 AND user_id = $2 AND ($3 IS NULL OR id = $3)";
    let read = both!(c, c => sqlx::query(READ).bind(org).bind(user).bind(id).bind(now)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(read > 0)
}
