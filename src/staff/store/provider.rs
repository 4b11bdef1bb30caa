//! The SQL of the identity provider, and of who users are there.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    app::{OrgId, UserId},
    both, locking,
    platform::{Result, db::Conn},
    staff::UserStatus,
};

/// What stands under a key of the organisation's settings.
pub async fn find_config(c: Conn<'_>, org: OrgId, key: &str) -> Result<Option<Json<Value>>> {
    const FIND: &str = "SELECT value FROM system_configs WHERE org_id = $1 AND key = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(key).fetch_optional(c).await)?)
}

/// The same, held until the transaction ends: for who changes a part of it.
pub async fn lock_config(c: Conn<'_>, org: OrgId, key: &str) -> Result<Option<Json<Value>>> {
    let find = locking!(c, "SELECT value FROM system_configs WHERE org_id = $1 AND key = $2");
    Ok(both!(c, c => sqlx::query_scalar(find).bind(org).bind(key).fetch_optional(c).await)?)
}

/// Sets what stands under a key of the organisation's settings.
pub async fn save_config(
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

/// The rank of the highest role that an active user of the organisation has.
pub async fn highest_rank(c: Conn<'_>, org: OrgId) -> Result<i32> {
    const FIND: &str = "
        SELECT MAX(r.rank) FROM user_roles ur JOIN roles r ON r.id = ur.role_id JOIN users u ON u.id = ur.user_id
        WHERE ur.org_id = $1 AND u.status = 'active'";
    let rank: Option<i32> = both!(c, c => sqlx::query_scalar(FIND).bind(org).fetch_one(c).await)?;
    Ok(rank.unwrap_or(0))
}

/// Who this is at the provider, if they came from there before.
pub async fn user_by_identity(
    c: Conn<'_>,
    org: OrgId,
    issuer: &str,
    subject: &str,
) -> Result<Option<(UserId, UserStatus)>> {
    const FIND: &str = "
        SELECT u.id, u.status FROM user_identities i JOIN users u ON u.id = i.user_id AND u.org_id = i.org_id
        WHERE i.org_id = $1 AND i.issuer = $2 AND i.subject = $3";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(issuer).bind(subject).fetch_optional(c).await)?)
}

/// The user with this address.
pub async fn user_by_email(c: Conn<'_>, org: OrgId, email: &str) -> Result<Option<(UserId, UserStatus)>> {
    const FIND: &str = "SELECT id, status FROM users WHERE org_id = $1 AND email = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(email).fetch_optional(c).await)?)
}

/// Notes who a user is at the provider. False: they are somebody else there, or somebody else is that.
pub async fn insert_identity(
    mut c: Conn<'_>,
    (org, user): (OrgId, UserId),
    issuer: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO user_identities (id, org_id, user_id, issuer, subject, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING";
    const FIND: &str = "
        SELECT COUNT(*) FROM user_identities WHERE org_id = $1 AND user_id = $2 AND issuer = $3 AND subject = $4";
    both!(c.again(), c => sqlx::query(INSERT).bind(Uuid::now_v7()).bind(org).bind(user).bind(issuer).bind(subject)
        .bind(now).execute(c).await.map(|_| ()))?;
    let n: i64 = both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(user).bind(issuer).bind(subject)
        .fetch_one(c).await)?;
    Ok(n == 1)
}

/// Those of an organisation's users who have signed in at a provider.
pub async fn users_with_identity(c: Conn<'_>, org: OrgId) -> Result<Vec<UserId>> {
    const LIST: &str = "SELECT DISTINCT user_id FROM user_identities WHERE org_id = $1 ORDER BY user_id";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).fetch_all(c).await)?)
}

/// Forgets who a user is at any provider. False: nothing was known.
pub async fn delete_identities(c: Conn<'_>, org: OrgId, user: UserId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM user_identities WHERE org_id = $1 AND user_id = $2";
    let n = both!(c, c => sqlx::query(DELETE).bind(org).bind(user).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n > 0)
}

/// Ends a visit to the provider. False: it was ended already.
pub async fn end_visit(c: Conn<'_>, org: OrgId, state_hash: &str, expires_at: DateTime<Utc>) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO provider_visits (state_hash, org_id, expires_at) VALUES ($1, $2, $3)
        ON CONFLICT (state_hash) DO NOTHING";
    let n = both!(c, c => sqlx::query(INSERT).bind(state_hash).bind(org).bind(expires_at).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}
