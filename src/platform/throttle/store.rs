//! The SQL of failures that were counted.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use super::MEMORY;
use crate::{
    both,
    platform::{db::Conn, error::Result},
};

/// The failures of one key.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct Failures {
    pub count: i64,
    pub last_at: DateTime<Utc>,
}

/// The failures of a key, if it has any.
pub async fn find(c: Conn<'_>, key: &str) -> Result<Option<Failures>> {
    const FIND: &str = "SELECT count, last_at FROM failed_attempts WHERE key_hash = $1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(key).fetch_optional(c).await)?)
}

/// One more failure, if it stands as it was seen; false: another try was counted meanwhile.
pub async fn count_after(c: Conn<'_>, key: &str, seen: Failures, now: DateTime<Utc>) -> Result<bool> {
    const COUNT: &str = "
        UPDATE failed_attempts SET count = $3, last_at = $4 WHERE key_hash = $1 AND count = $2 AND last_at = $5";
    let next = if now - seen.last_at < MEMORY { seen.count + 1 } else { 1 };
    let n = both!(c, c => sqlx::query(COUNT).bind(key).bind(seen.count).bind(next).bind(now).bind(seen.last_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// One more failure of a key that had none when it was looked at.
pub async fn count(c: Conn<'_>, key: &str, now: DateTime<Utc>) -> Result<()> {
    const COUNT: &str = "
        INSERT INTO failed_attempts (key_hash, count, last_at) VALUES ($1, 1, $2)
        ON CONFLICT (key_hash) DO UPDATE SET last_at = $2,
            count = CASE WHEN failed_attempts.last_at > $3 THEN failed_attempts.count + 1 ELSE 1 END";
    both!(c, c => sqlx::query(COUNT).bind(key).bind(now).bind(now - MEMORY).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Forgets the failures of a key.
pub async fn forget(c: Conn<'_>, key: &str) -> Result<()> {
    both!(c, c => sqlx::query("DELETE FROM failed_attempts WHERE key_hash = $1").bind(key).execute(c).await
        .map(|_| ()))?;
    Ok(())
}

/// Removes what is too long ago to matter.
pub async fn sweep(c: Conn<'_>, now: DateTime<Utc>) -> Result<()> {
    const SWEEP: &str = "DELETE FROM failed_attempts WHERE last_at < $1";
    both!(c, c => sqlx::query(SWEEP).bind(now - MEMORY).execute(c).await.map(|_| ()))?;
    Ok(())
}
