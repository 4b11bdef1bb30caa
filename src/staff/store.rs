//! The SQL of users, roles, sessions, keys and what was done.

mod done;
mod provider;
mod second_factor;
mod sign_in;
mod team;

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::{
    ApiKey, KeyInUse, Organisation, Session, User,
    permission::Scope,
    principal::{Rights, Visible},
    role::BuiltIn,
};
use crate::{
    app::{ApiKeyId, OrgId, RoleId, SessionId, UserId},
    both, locking,
    platform::{Error, Result, db::Conn, http::Cursor},
    visible,
};

pub use done::*;
pub use provider::*;
pub use second_factor::*;
pub use sign_in::*;
pub use team::*;

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

/// Renames an organisation.
pub async fn save_org(c: Conn<'_>, id: OrgId, name: &str, now: DateTime<Utc>) -> Result<()> {
    const SAVE: &str = "UPDATE organizations SET name = $2, updated_at = $3 WHERE id = $1";
    both!(c, c => sqlx::query(SAVE).bind(id).bind(name).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes an organisation with everything in it.
pub async fn delete_org(c: Conn<'_>, id: OrgId) -> Result<()> {
    const DELETE: &str = "DELETE FROM organizations WHERE id = $1";
    both!(c, c => sqlx::query(DELETE).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
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

macro_rules! session_columns {
    ($where:literal) => {
        concat!(
            "SELECT s.id, s.org_id, s.user_id, s.last_used_at,
                    EXISTS (SELECT 1 FROM system_configs k
                            WHERE k.org_id = s.org_id AND k.key = 'second_factor_required')
                    AND NOT EXISTS (SELECT 1 FROM second_factors f
                                    WHERE f.user_id = s.user_id AND f.confirmed_at IS NOT NULL) AS owes_factor
             FROM sessions s JOIN users u ON u.id = s.user_id AND u.org_id = s.org_id
             WHERE s.expires_at > $2 AND u.status = 'active' AND ",
            $where
        )
    };
}

/// The live session of an active user, by the token of a program.
pub async fn session_by_hash(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<Session>> {
    const FIND: &str = session_columns!("s.token_hash = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// The live session of an active user.
pub async fn session_by_id(c: Conn<'_>, id: SessionId, now: DateTime<Utc>) -> Result<Option<Session>> {
    const FIND: &str = session_columns!("s.id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).bind(now).fetch_optional(c).await)?)
}

/// Notes that a session was used and lets it live longer. False: it has ended.
pub async fn touch_session(c: Conn<'_>, id: SessionId, now: DateTime<Utc>, expires_at: DateTime<Utc>) -> Result<bool> {
    const TOUCH: &str = "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1";
    let touched = both!(c, c => sqlx::query(TOUCH).bind(id).bind(now).bind(expires_at).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(touched == 1)
}

/// The key, unless it is revoked or ran out.
pub async fn api_key_by_hash(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<KeyInUse>> {
    const FIND: &str = "
        SELECT id, org_id, scopes, per_minute, last_used_at FROM api_keys
        WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// Notes that a key was used.
pub async fn touch_api_key(c: Conn<'_>, id: ApiKeyId, now: DateTime<Utc>) -> Result<()> {
    const TOUCH: &str = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1";
    both!(c, c => sqlx::query(TOUCH).bind(id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

// Users

/// Holds an organisation's row until the transaction ends: two don't make its first admin, seal its audit log, or
/// import customers.
pub async fn lock_org(c: Conn<'_>, org: OrgId) -> Result<()> {
    // Weaker than FOR UPDATE: every row that is added with a reference to the organisation would wait for that.
    let lock = if c.is_pg() {
        "SELECT id FROM organizations WHERE id = $1 FOR NO KEY UPDATE"
    } else {
        "SELECT id FROM organizations WHERE id = $1"
    };
    let _: Option<OrgId> = both!(c, c => sqlx::query_scalar(lock).bind(org).fetch_optional(c).await)?;
    Ok(())
}

/// Adds a user; false if the address is taken.
pub async fn insert_user(c: Conn<'_>, user: &User, hash: Option<&str>) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO users (id, org_id, email, phone, password_hash, name, avatar_url, status, language, created_at,
                           updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        ON CONFLICT (org_id, email) DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(user.id).bind(user.org_id).bind(&user.email).bind(&user.phone).bind(hash).bind(&user.name)
        .bind(&user.avatar_url).bind(user.status).bind(&user.language).bind(user.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Saves what can be changed of a user.
pub async fn save_user(c: Conn<'_>, user: &User) -> Result<()> {
    const SAVE: &str = "
        UPDATE users SET phone = $3, name = $4, avatar_url = $5, status = $6, language = $7, languages = $9, updated_at = $8
        WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE)
        .bind(user.org_id).bind(user.id).bind(&user.phone).bind(&user.name).bind(&user.avatar_url).bind(user.status)
        .bind(&user.language).bind(user.updated_at).bind(&user.languages)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A user of the organisation, roles and teams left out.
pub async fn user(c: Conn<'_>, org: OrgId, id: UserId) -> Result<Option<User>> {
    const FIND: &str = "SELECT * FROM users WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// How the active users of an organisation are called.
pub async fn active_names(c: Conn<'_>, org: OrgId) -> Result<Vec<(UserId, String)>> {
    const LIST: &str = "SELECT id, name FROM users WHERE org_id = $1 AND status = 'active' ORDER BY created_at, id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Holds a user's row until the transaction ends.
pub async fn lock_user(c: Conn<'_>, org: OrgId, id: UserId) -> Result<Option<UserId>> {
    let lock = locking!(c, "SELECT id FROM users WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_scalar(lock).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Users after `after`, the newest first, roles and teams left out.
pub async fn list_users(c: Conn<'_>, org: OrgId, visible: Visible, after: Cursor, limit: i64) -> Result<Vec<User>> {
    const LIST: &str = concat!(
        "SELECT u.* FROM users u WHERE u.org_id = $1 AND (u.created_at, u.id) < ($2, $3) AND ",
        visible!("u.id", "$5", "$6"),
        " ORDER BY u.created_at DESC, u.id DESC LIMIT $4"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(after.at).bind(after.id).bind(limit).bind(visible.scope)
        .bind(visible.user).fetch_all(c).await)?)
}

/// Whether a user is within somebody's reach.
pub async fn is_visible(c: Conn<'_>, org: OrgId, id: UserId, visible: Visible) -> Result<bool> {
    const FIND: &str =
        concat!("SELECT u.id FROM users u WHERE u.org_id = $1 AND u.id = $2 AND ", visible!("u.id", "$3", "$4"));
    let found: Option<UserId> = both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(id).bind(visible.scope)
        .bind(visible.user).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// A role as it can be given.
#[derive(Debug, Clone, FromRow)]
pub struct RoleRow {
    pub id: RoleId,
    pub rank: i32,
}

/// The built-in role of this key, or the organisation's own.
pub async fn role_by_key(c: Conn<'_>, org: OrgId, key: &str) -> Result<Option<RoleRow>> {
    const FIND: &str = "
        SELECT id, rank FROM roles WHERE key = $2 AND (org_id IS NULL OR org_id = $1)
        ORDER BY CASE WHEN org_id IS NULL THEN 0 ELSE 1 END LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(key).fetch_optional(c).await)?)
}

/// The roles there are to give, the highest first, with what they may do.
pub async fn list_roles(c: Conn<'_>, org: OrgId) -> Result<Vec<(String, String, bool, Option<String>, Option<Scope>)>> {
    const LIST: &str = "
        SELECT r.key, r.name, r.org_id IS NULL, p.resource || ':' || p.action, rp.scope
        FROM roles r LEFT JOIN role_permissions rp ON rp.role_id = r.id
        LEFT JOIN permissions p ON p.id = rp.permission_id
        WHERE r.org_id IS NULL OR r.org_id = $1
        ORDER BY r.rank DESC, r.key, p.resource, p.action";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Adds a role of the organisation's own.
pub async fn insert_own_role(
    c: Conn<'_>,
    id: RoleId,
    org: OrgId,
    key: &str,
    name: &str,
    rank: i32,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO roles (id, org_id, key, name, rank, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    both!(c, c => sqlx::query(INSERT).bind(id).bind(org).bind(key).bind(name).bind(rank).bind(now).execute(c).await
        .map(|_| ()))?;
    Ok(())
}

/// Saves the name and the rank of a role of the organisation's own.
pub async fn save_own_role(c: Conn<'_>, org: OrgId, id: RoleId, name: &str, rank: i32) -> Result<()> {
    const SAVE: &str = "UPDATE roles SET name = $3, rank = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(id).bind(name).bind(rank).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a role of the organisation's own.
pub async fn delete_own_role(c: Conn<'_>, org: OrgId, id: RoleId) -> Result<()> {
    const DELETE: &str = "DELETE FROM roles WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Gives a role a permission.
pub async fn grant(c: Conn<'_>, role: RoleId, key: &str, scope: Scope) -> Result<()> {
    const GRANT: &str = "
        INSERT INTO role_permissions (role_id, permission_id, scope)
        SELECT $1, p.id, $4 FROM permissions p WHERE p.resource = $2 AND p.action = $3";
    let (resource, action) = split(key)?;
    both!(c, c => sqlx::query(GRANT).bind(role).bind(resource).bind(action).bind(scope).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes all permissions from a role.
pub async fn delete_grants(c: Conn<'_>, role: RoleId) -> Result<()> {
    const DELETE: &str = "DELETE FROM role_permissions WHERE role_id = $1";
    both!(c, c => sqlx::query(DELETE).bind(role).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Gives a user a role. Safe to repeat.
pub async fn insert_user_role(c: Conn<'_>, org: OrgId, user: UserId, role: RoleId) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO user_roles (org_id, user_id, role_id) VALUES ($1, $2, $3) ON CONFLICT (user_id, role_id) DO NOTHING";
    both!(c, c => sqlx::query(INSERT).bind(org).bind(user).bind(role).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes all roles from a user.
pub async fn delete_roles(c: Conn<'_>, org: OrgId, user: UserId) -> Result<()> {
    const DELETE: &str = "DELETE FROM user_roles WHERE org_id = $1 AND user_id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(user).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// That a user has a role.
#[derive(Debug, Clone, FromRow)]
pub struct RoleOfUser {
    pub user_id: UserId,
    pub key: String,
    pub is_built_in: bool,
}

/// Who has which role, the highest first; of one user or of all.
pub async fn roles_of_users(c: Conn<'_>, org: OrgId, only: Option<UserId>) -> Result<Vec<RoleOfUser>> {
    const LIST: &str = "
        SELECT ur.user_id, r.key, r.org_id IS NULL AS is_built_in FROM user_roles ur JOIN roles r ON r.id = ur.role_id
        WHERE ur.org_id = $1 AND ($2 IS NULL OR ur.user_id = $2) ORDER BY r.rank DESC, r.key";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(only).fetch_all(c).await)?)
}

// API keys

/// Adds a key.
pub async fn insert_api_key(c: Conn<'_>, org: OrgId, key: &ApiKey, hash: &str) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO api_keys (id, org_id, name, prefix, key_hash, scopes, created_by, created_at, expires_at, per_minute)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    both!(c, c => sqlx::query(INSERT)
        .bind(key.id).bind(org).bind(&key.name).bind(&key.prefix).bind(hash).bind(&key.scopes).bind(key.created_by)
        .bind(key.created_at).bind(key.expires_at).bind(key.per_minute)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Every key, the newest first.
pub async fn list_api_keys(c: Conn<'_>, org: OrgId) -> Result<Vec<ApiKey>> {
    const LIST: &str = "SELECT * FROM api_keys WHERE org_id = $1 ORDER BY created_at DESC, id DESC";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Ends a key; false if there is none.
pub async fn revoke_api_key(c: Conn<'_>, org: OrgId, id: ApiKeyId, now: DateTime<Utc>) -> Result<bool> {
    const REVOKE: &str = "
        UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3) WHERE org_id = $1 AND id = $2";
    let revoked = both!(c, c => sqlx::query(REVOKE).bind(org).bind(id).bind(now)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(revoked == 1)
}
