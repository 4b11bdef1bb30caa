//! The SQL of users, roles, sessions, keys and what was done.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{
    KeyInUse, Organisation, Session,
    notify::News,
    permission::Scope,
    principal::{By, Rights},
    role::BuiltIn,
};
use crate::{
    app::{ApiKeyId, NotificationId, OrgId, SessionId, UserId},
    both,
    platform::{Error, Result, db::Conn},
};

// Organisations and roles

/// The organisation of this slug.
pub async fn org_by_slug(c: Conn<'_>, slug: &str) -> Result<Option<Organisation>> {
    const FIND: &str = "SELECT id, slug, name FROM organizations WHERE slug = $1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(slug).fetch_optional(c).await)?)
}

/// An organisation by its id.
pub async fn find_org_by_id(c: Conn<'_>, id: OrgId) -> Result<Option<Organisation>> {
    const FIND: &str = "SELECT id, slug, name FROM organizations WHERE id = $1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// How a user is called.
pub async fn name_of(c: Conn<'_>, org: OrgId, id: UserId) -> Result<Option<String>> {
    const NAME: &str = "SELECT name FROM users WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_scalar(NAME).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Adds an organisation unless its slug is taken.
pub async fn insert_org(c: Conn<'_>, slug: &str, name: &str, now: DateTime<Utc>) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO organizations (id, slug, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (slug) DO NOTHING";
    both!(c, c => sqlx::query(INSERT).bind(OrgId::new()).bind(slug).bind(name).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// That a built-in role has a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, FromRow)]
pub struct Grant {
    pub role: String,
    pub permission: String,
    pub scope: String,
}

/// What the built-in roles may do.
pub async fn built_in_grants(c: Conn<'_>) -> Result<Vec<Grant>> {
    const LIST: &str = "
        SELECT r.key AS role, p.resource || ':' || p.action AS permission, rp.scope AS scope
        FROM roles r JOIN role_permissions rp ON rp.role_id = r.id JOIN permissions p ON p.id = rp.permission_id
        WHERE r.org_id IS NULL";
    Ok(both!(c, c => sqlx::query_as(LIST).fetch_all(c).await)?)
}

/// Every permission the database knows.
pub async fn permission_keys(c: Conn<'_>) -> Result<Vec<String>> {
    const LIST: &str = "SELECT resource || ':' || action FROM permissions";
    Ok(both!(c, c => sqlx::query_scalar(LIST).fetch_all(c).await)?)
}

/// Adds a permission unless it is there.
pub async fn insert_permission(c: Conn<'_>, key: &str) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO permissions (id, resource, action) VALUES ($1, $2, $3)
        ON CONFLICT (resource, action) DO NOTHING";
    let (resource, action) = split(key)?;
    both!(c, c => sqlx::query(INSERT).bind(Uuid::now_v7()).bind(resource).bind(action).execute(c).await.map(|_| ()))?;
    Ok(())
}

fn split(key: &str) -> Result<(&str, &str)> {
    key.split_once(':').ok_or_else(|| Error::Invalid(format!("'{key}' is not a permission like customer:read")))
}

/// Adds a built-in role, or brings its name and rank up to date.
pub async fn insert_built_in_role(c: Conn<'_>, role: &BuiltIn, now: DateTime<Utc>) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO roles (id, org_id, key, name, rank, created_at) VALUES ($1, NULL, $2, $3, $4, $5)
        ON CONFLICT (key) WHERE org_id IS NULL DO UPDATE SET name = excluded.name, rank = excluded.rank";
    both!(c, c => sqlx::query(INSERT).bind(Uuid::now_v7()).bind(role.key).bind(role.name).bind(role.rank).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Gives a built-in role a permission, or changes how far it reaches.
pub async fn save_grant(c: Conn<'_>, grant: &Grant) -> Result<()> {
    const SAVE: &str = "
        INSERT INTO role_permissions (role_id, permission_id, scope)
        SELECT r.id, p.id, $4 FROM roles r, permissions p
        WHERE r.org_id IS NULL AND r.key = $1 AND p.resource = $2 AND p.action = $3
        ON CONFLICT (role_id, permission_id) DO UPDATE SET scope = excluded.scope";
    let (resource, action) = split(&grant.permission)?;
    both!(c, c => sqlx::query(SAVE).bind(&grant.role).bind(resource).bind(action).bind(&grant.scope)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes a permission from a built-in role.
pub async fn delete_grant(c: Conn<'_>, grant: &Grant) -> Result<()> {
    const DELETE: &str = "
        DELETE FROM role_permissions
        WHERE role_id = (SELECT id FROM roles WHERE org_id IS NULL AND key = $1)
          AND permission_id = (SELECT id FROM permissions WHERE resource = $2 AND action = $3)";
    let (resource, action) = split(&grant.permission)?;
    both!(c, c => sqlx::query(DELETE).bind(&grant.role).bind(resource).bind(action).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What a user may do, over all their roles, and the rank of the highest.
pub async fn rights(c: Conn<'_>, org: OrgId, user: UserId) -> Result<(Rights, i32)> {
    const LIST: &str = "
        SELECT r.rank, p.resource || ':' || p.action, rp.scope
        FROM user_roles ur JOIN roles r ON r.id = ur.role_id
        LEFT JOIN role_permissions rp ON rp.role_id = r.id LEFT JOIN permissions p ON p.id = rp.permission_id
        WHERE ur.org_id = $1 AND ur.user_id = $2";
    let rows: Vec<(i32, Option<String>, Option<Scope>)> =
        both!(c, c => sqlx::query_as(LIST).bind(org).bind(user).fetch_all(c).await)?;
    let mut rights = Rights::new();
    let mut highest = 0;
    for (rank, key, scope) in rows {
        highest = highest.max(rank);
        if let Some((key, scope)) = key.zip(scope) {
            rights.entry(key).and_modify(|s| *s = (*s).max(scope)).or_insert(scope);
        }
    }
    Ok((rights, highest))
}

// Sessions and API keys

/// The live session of an active user.
pub async fn session_by_hash(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<Session>> {
    const FIND: &str = "
        SELECT s.id, s.org_id, s.user_id, s.last_used_at
        FROM sessions s JOIN users u ON u.id = s.user_id AND u.org_id = s.org_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.status = 'active'";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// Notes that a session was used and lets it live longer.
pub async fn touch_session(c: Conn<'_>, id: SessionId, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<()> {
    const TOUCH: &str = "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1";
    both!(c, c => sqlx::query(TOUCH).bind(id).bind(now).bind(expires_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The key, unless it is revoked or ran out.
pub async fn api_key_by_hash(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<KeyInUse>> {
    const FIND: &str = "
        SELECT id, org_id, scopes, last_used_at FROM api_keys
        WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// Notes that a key was used.
pub async fn touch_api_key(c: Conn<'_>, id: ApiKeyId, now: DateTime<Utc>) -> Result<()> {
    const TOUCH: &str = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1";
    both!(c, c => sqlx::query(TOUCH).bind(id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

// What was done, and who is told

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
    let (resource, action) = split(key)?;
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

/// Whether this is an active user of the organisation.
pub async fn is_member(c: Conn<'_>, org: OrgId, user: UserId) -> Result<bool> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE org_id = $1 AND id = $2 AND status <> 'suspended')";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(user).fetch_one(c).await)?)
}
