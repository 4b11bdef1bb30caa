//! The SQL of signing in.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    app::{OrgId, SessionId, UserId},
    both, locking,
    platform::{Result, db::Conn, throttle},
    staff::{
        ConversationReply, OpenSession, Permission,
        link::{Link, Purpose},
        sign_in::Origin,
    },
};

/// The password hashes of the active users with this address, in one organisation or in all: `(org, user, hash)`.
pub async fn password_hashes(c: Conn<'_>, email: &str, slug: Option<&str>) -> Result<Vec<(OrgId, UserId, String)>> {
    const LIST: &str = "
        SELECT u.org_id, u.id, u.password_hash FROM users u JOIN organizations o ON o.id = u.org_id
        WHERE u.email = $1 AND u.status = 'active' AND u.password_hash IS NOT NULL AND ($2 IS NULL OR o.slug = $2)
        ORDER BY u.created_at LIMIT 5";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(email).bind(slug).fetch_all(c).await)?)
}

/// The password hash of a user.
pub async fn password_hash(c: Conn<'_>, org: OrgId, user: UserId) -> Result<Option<String>> {
    const FIND: &str = "SELECT password_hash FROM users WHERE org_id = $1 AND id = $2";
    let found: Option<Option<String>> =
        both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(user).fetch_optional(c).await)?;
    Ok(found.flatten())
}

/// Sets a user's password hash.
pub async fn save_password(c: Conn<'_>, org: OrgId, user: UserId, hash: &str, now: DateTime<Utc>) -> Result<()> {
    const SAVE: &str = "UPDATE users SET password_hash = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(user).bind(hash).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Lets an invited user in; a suspended one stays out.
pub async fn activate_user(c: Conn<'_>, org: OrgId, user: UserId, now: DateTime<Utc>) -> Result<()> {
    const ACTIVATE: &str = "
        UPDATE users SET status = 'active', updated_at = $3 WHERE org_id = $1 AND id = $2 AND status = 'inactive'";
    both!(c, c => sqlx::query(ACTIVATE).bind(org).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Notes when a user signed in.
pub async fn note_sign_in(c: Conn<'_>, user: UserId, now: DateTime<Utc>) -> Result<()> {
    const NOTE: &str = "UPDATE users SET last_login_at = $2 WHERE id = $1";
    both!(c, c => sqlx::query(NOTE).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Adds a session.
pub async fn insert_session(
    c: Conn<'_>,
    id: SessionId,
    (org, user): (OrgId, UserId),
    hash: &str,
    from: &Origin,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO sessions (id, org_id, user_id, token_hash, ip_address, user_agent, created_at, last_used_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)";
    both!(c, c => sqlx::query(INSERT)
        .bind(id).bind(org).bind(user).bind(hash).bind(&from.ip).bind(&from.user_agent).bind(now).bind(expires_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// How often a session's refresh token was replaced.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Rotation {
    pub generation: i64,
    pub refreshed_at: Option<DateTime<Utc>>,
}

/// A session's rotation, held until the transaction ends.
pub async fn lock_session(c: Conn<'_>, id: SessionId) -> Result<Option<Rotation>> {
    let lock = locking!(c, "SELECT generation, refreshed_at FROM sessions WHERE id = $1");
    Ok(both!(c, c => sqlx::query_as(lock).bind(id).fetch_optional(c).await)?)
}

/// Notes that a session's refresh token was replaced, and lets the session live longer.
pub async fn rotate_session(
    c: Conn<'_>,
    id: SessionId,
    generation: i64,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    const ROTATE: &str = "UPDATE sessions SET generation = $2, refreshed_at = $3, expires_at = $4 WHERE id = $1";
    both!(c, c => sqlx::query(ROTATE).bind(id).bind(generation).bind(now).bind(expires_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Ends a session.
pub async fn delete_session(c: Conn<'_>, id: SessionId) -> Result<()> {
    both!(c, c => sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Ends every session of a user.
pub async fn delete_sessions(c: Conn<'_>, org: OrgId, user: UserId) -> Result<()> {
    delete_other_sessions(c, org, user, None).await
}

/// Ends every session of a user but one.
pub async fn delete_other_sessions(c: Conn<'_>, org: OrgId, user: UserId, but: Option<SessionId>) -> Result<()> {
    const DELETE: &str = "DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 AND ($3 IS NULL OR id <> $3)";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(user).bind(but).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The live sessions of a user, the last used first.
pub async fn list_sessions(c: Conn<'_>, org: OrgId, user: UserId, now: DateTime<Utc>) -> Result<Vec<OpenSession>> {
    const LIST: &str = "
        SELECT id, ip_address, user_agent, created_at, last_used_at, expires_at FROM sessions
        WHERE org_id = $1 AND user_id = $2 AND expires_at > $3 ORDER BY last_used_at DESC, id DESC";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(user).bind(now).fetch_all(c).await)?)
}

/// Ends one session of a user. False: it is not theirs, or over.
pub async fn delete_own_session(c: Conn<'_>, org: OrgId, user: UserId, id: SessionId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM sessions WHERE org_id = $1 AND user_id = $2 AND id = $3";
    let gone = both!(c, c => sqlx::query(DELETE).bind(org).bind(user).bind(id).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(gone == 1)
}

/// What a user set for themselves.
pub async fn find_settings(c: Conn<'_>, org: OrgId, user: UserId) -> Result<Option<Json<Value>>> {
    const FIND: &str = "SELECT settings FROM users WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(user).fetch_optional(c).await)?)
}

/// Saves what a user set for themselves.
pub async fn save_settings(c: Conn<'_>, org: OrgId, user: UserId, settings: &Value, now: DateTime<Utc>) -> Result<()> {
    const SAVE: &str = "UPDATE users SET settings = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(user).bind(Json(settings)).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Who wants a mail about waiting customers: the active users who may answer, their address, and `all` or `mine`.
pub async fn mail_wishes(c: Conn<'_>, org: OrgId) -> Result<Vec<(UserId, String, String)>> {
    const LIST: &str = "SELECT id, email, settings FROM users WHERE org_id = $1 AND status = 'active' ORDER BY id";
    let mut c = c;
    let may = super::users_who_may(c.again(), org, ConversationReply::KEY).await?;
    let all: Vec<(UserId, String, Json<Value>)> = both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?;
    let wish = |(id, email, settings): (UserId, String, Json<Value>)| {
        let wish = settings.0.get("mail").and_then(Value::as_str).filter(|w| matches!(*w, "all" | "mine"))?;
        may.contains(&id).then(|| (id, email, wish.to_owned()))
    };
    Ok(all.into_iter().filter_map(wish).collect())
}

/// Removes sessions, links and visits that ran out, and failures too long ago to matter.
pub async fn sweep(c: Conn<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut c = c;
    const SESSIONS: &str = "DELETE FROM sessions WHERE expires_at < $1";
    const LINKS: &str = "DELETE FROM one_time_links WHERE expires_at < $1";
    both!(c.again(), c => sqlx::query(SESSIONS).bind(now).execute(c).await.map(|_| ()))?;
    const VISITS: &str = "DELETE FROM provider_visits WHERE expires_at < $1";
    both!(c.again(), c => sqlx::query(LINKS).bind(now).execute(c).await.map(|_| ()))?;
    both!(c.again(), c => sqlx::query(VISITS).bind(now).execute(c).await.map(|_| ()))?;
    throttle::sweep(c, now).await
}

/// Adds a link.
pub async fn insert_link(
    c: Conn<'_>,
    (org, user): (OrgId, Option<UserId>),
    purpose: Purpose,
    hash: &str,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO one_time_links (id, org_id, user_id, purpose, token_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    both!(c, c => sqlx::query(INSERT)
        .bind(Uuid::now_v7()).bind(org).bind(user).bind(purpose).bind(hash).bind(now).bind(expires_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The link behind a token's hash, if it still works.
pub async fn link_by_hash(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<Link>> {
    const FIND: &str = "
        SELECT l.purpose, u.email, o.name AS org_name
        FROM one_time_links l JOIN organizations o ON o.id = l.org_id LEFT JOIN users u ON u.id = l.user_id
        WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).bind(now).fetch_optional(c).await)?)
}

/// Whom a link is for, if for somebody who is there.
pub async fn link_user(c: Conn<'_>, hash: &str) -> Result<Option<(OrgId, UserId)>> {
    const FIND: &str = "SELECT org_id, user_id FROM one_time_links WHERE token_hash = $1 AND user_id IS NOT NULL";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(hash).fetch_optional(c).await)?)
}

/// Uses a link up; `None` if it no longer works. Of two at once, one gets it.
pub async fn use_link(c: Conn<'_>, hash: &str, now: DateTime<Utc>) -> Result<Option<(OrgId, Option<UserId>)>> {
    const USE: &str = "
        UPDATE one_time_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
        RETURNING org_id, user_id";
    Ok(both!(c, c => sqlx::query_as(USE).bind(hash).bind(now).fetch_optional(c).await)?)
}
