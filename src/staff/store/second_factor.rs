//! The SQL of second factors.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{
    app::{OrgId, UserId},
    both,
    platform::{Result, db::Conn},
};

/// That this row is there says that the organisation wants a second factor of everybody.
const REQUIRED: &str = "second_factor_required";

/// A user's second factor.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FactorRow {
    /// Sealed.
    pub secret: String,
    /// `None`: no code was right yet, it does not count.
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// The second factor of a user, confirmed or not.
pub async fn find_factor(c: Conn<'_>, org: OrgId, user: UserId) -> Result<Option<FactorRow>> {
    const FIND: &str = "SELECT secret, confirmed_at FROM second_factors WHERE org_id = $1 AND user_id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(user).fetch_optional(c).await)?)
}

/// Begins anew with another secret, which has yet to be confirmed. False: a confirmed one is there.
pub async fn insert_factor(c: Conn<'_>, org: OrgId, user: UserId, secret: &str, now: DateTime<Utc>) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO second_factors (user_id, org_id, secret, created_at) VALUES ($2, $1, $3, $4)
        ON CONFLICT (user_id) DO UPDATE SET secret = $3, created_at = $4, last_step = 0
        WHERE second_factors.confirmed_at IS NULL";
    let n = both!(c, c => sqlx::query(INSERT).bind(org).bind(user).bind(secret).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Takes the code of a step, once. False: it, or a later one, was taken already.
pub async fn take_step(c: Conn<'_>, org: OrgId, user: UserId, step: i64) -> Result<bool> {
    const TAKE: &str = "UPDATE second_factors SET last_step = $3 WHERE org_id = $1 AND user_id = $2 AND last_step < $3";
    let n = both!(c, c => sqlx::query(TAKE).bind(org).bind(user).bind(step).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// From here it counts.
pub async fn confirm_factor(c: Conn<'_>, org: OrgId, user: UserId, now: DateTime<Utc>) -> Result<()> {
    const CONFIRM: &str = "UPDATE second_factors SET confirmed_at = $3 WHERE org_id = $1 AND user_id = $2";
    both!(c, c => sqlx::query(CONFIRM).bind(org).bind(user).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes a user's second factor and recovery codes away. False: there was none.
pub async fn delete_factor(mut c: Conn<'_>, org: OrgId, user: UserId) -> Result<bool> {
    const CODES: &str = "DELETE FROM recovery_codes WHERE org_id = $1 AND user_id = $2";
    const FACTOR: &str = "DELETE FROM second_factors WHERE org_id = $1 AND user_id = $2";
    both!(c.again(), c => sqlx::query(CODES).bind(org).bind(user).execute(c).await.map(|_| ()))?;
    let n = both!(c, c => sqlx::query(FACTOR).bind(org).bind(user).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Those of an organisation's users whose second factor counts.
pub async fn users_with_factor(c: Conn<'_>, org: OrgId) -> Result<Vec<UserId>> {
    const LIST: &str = "SELECT user_id FROM second_factors WHERE org_id = $1 AND confirmed_at IS NOT NULL";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).fetch_all(c).await)?)
}

/// Replaces a user's recovery codes.
pub async fn replace_codes(
    mut c: Conn<'_>,
    org: OrgId,
    user: UserId,
    hashes: &[String],
    now: DateTime<Utc>,
) -> Result<()> {
    const DELETE: &str = "DELETE FROM recovery_codes WHERE org_id = $1 AND user_id = $2";
    const INSERT: &str = "
        INSERT INTO recovery_codes (id, org_id, user_id, code_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    both!(c.again(), c => sqlx::query(DELETE).bind(org).bind(user).execute(c).await.map(|_| ()))?;
    for hash in hashes {
        both!(c.again(), c => sqlx::query(INSERT).bind(Uuid::now_v7()).bind(org).bind(user).bind(hash).bind(now)
            .execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Uses a recovery code up. False: there is no such code, or it was used.
pub async fn use_code(c: Conn<'_>, org: OrgId, user: UserId, hash: &str, now: DateTime<Utc>) -> Result<bool> {
    const USE: &str = "
        UPDATE recovery_codes SET used_at = $4
        WHERE org_id = $1 AND user_id = $2 AND code_hash = $3 AND used_at IS NULL";
    let n = both!(c, c => sqlx::query(USE).bind(org).bind(user).bind(hash).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// How many recovery codes a user has left.
pub async fn codes_left(c: Conn<'_>, org: OrgId, user: UserId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM recovery_codes WHERE org_id = $1 AND user_id = $2 AND used_at IS NULL";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(user).fetch_one(c).await)?)
}

/// Whether the organisation wants a second factor of everybody.
pub async fn requires_factor(c: Conn<'_>, org: OrgId) -> Result<bool> {
    const FIND: &str = "SELECT COUNT(*) FROM system_configs WHERE org_id = $1 AND key = $2";
    let n: i64 = both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(REQUIRED).fetch_one(c).await)?;
    Ok(n > 0)
}

/// Says whether the organisation wants a second factor of everybody.
pub async fn set_required(
    c: Conn<'_>,
    org: OrgId,
    is_required: bool,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        INSERT INTO system_configs (id, org_id, key, value, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, key) DO NOTHING";
    const DELETE: &str = "DELETE FROM system_configs WHERE org_id = $1 AND key = $2";
    if is_required {
        both!(c, c => sqlx::query(SET).bind(Uuid::now_v7()).bind(org).bind(REQUIRED).bind(Json(json!(true))).bind(by)
            .bind(now).execute(c).await.map(|_| ()))?;
    } else {
        both!(c, c => sqlx::query(DELETE).bind(org).bind(REQUIRED).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}
