//! Counts failures per key and says how long the next try must wait: in the database, so that all processes count
//! together and a restart forgets nothing.
//!
//! Who has not failed costs one look-up and no write; how many of those try at this moment is counted in memory. From
//! the first failure on, a try is counted before its outcome is known, so that guesses sent at the same moment count.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};
use sqlx::FromRow;

use super::{
    crypto,
    db::{Conn, Db},
    error::{Error, Result},
};
use crate::both;

/// Failures are forgotten after this long without another.
pub const MEMORY: Duration = Duration::minutes(30);
/// How often a try looks again when others count at the same moment.
const LOOKS: usize = 3;

/// How patient we are with one kind of key.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// So many failures cost nothing.
    pub free: u32,
    /// The first wait; it doubles with each further failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Patience {
    /// How long to wait after `failures`.
    pub fn wait(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free).filter(|n| *n > 0) else {
            return Duration::zero();
        };
        (self.first * 2i32.pow((beyond - 1).min(20))).min(self.longest)
    }
}

/// The failures of one key.
#[derive(Debug, Clone, Copy, FromRow)]
struct Failures {
    count: i64,
    last_at: DateTime<Utc>,
}

impl Failures {
    /// How long a next try must wait; zero: not at all.
    fn remaining(&self, patience: Patience, now: DateTime<Utc>) -> Duration {
        let until = self.last_at + patience.wait(u32::try_from(self.count).unwrap_or(u32::MAX));
        (until - now).max(Duration::zero())
    }
}

/// Lets tries through, or tells them to wait.
#[derive(Debug, Clone, Default)]
pub struct Throttle(Arc<Mutex<HashMap<String, u32>>>);

/// A try that was let through. Say how it ended; one that is dropped was none.
#[derive(Debug)]
#[must_use = "say how it ended"]
pub struct Attempt {
    throttle: Throttle,
    /// Hashed, and whether it was counted as a failure already.
    keys: Vec<(String, bool)>,
    now: DateTime<Utc>,
}

impl Throttle {
    /// Lets a try of all these keys through, or says how long to wait.
    pub async fn attempt(&self, db: &Db, keys: &[(&str, Patience)], now: DateTime<Utc>) -> Result<Attempt> {
        let keys: Vec<_> = keys.iter().map(|(key, patience)| (crypto::sha256_hex(key.as_bytes()), *patience)).collect();
        for _ in 0..LOOKS {
            let mut known = Vec::new();
            let mut reader = db.read().await?;
            for (key, patience) in &keys {
                known.push((key, *patience, find(reader.conn(), key).await?));
            }
            drop(reader);
            let waits = known.iter().filter_map(|(_, patience, found)| {
                found.filter(|f| now - f.last_at < MEMORY).map(|f| f.remaining(*patience, now))
            });
            let wait = waits.max().unwrap_or_default();
            if wait > Duration::zero() {
                return Err(too_many(wait));
            }
            let mut attempt = Attempt { throttle: self.clone(), keys: Vec::new(), now };
            for (key, patience, found) in &known {
                if found.is_none() {
                    self.take_off(key, *patience)?;
                }
                attempt.keys.push(((*key).clone(), found.is_some()));
            }
            if known.iter().all(|(_, _, found)| found.is_none()) {
                return Ok(attempt);
            }
            let mut tx = db.begin().await?;
            let mut is_counted = true;
            for (key, _, found) in &known {
                if let Some(found) = found {
                    is_counted = is_counted && count_after(tx.conn(), key, *found, now).await?;
                }
            }
            if is_counted {
                tx.commit().await?;
                return Ok(attempt);
            }
        }
        Err(too_many(Duration::seconds(1)))
    }

    /// One more that tries without having failed before; as many as the failures that cost nothing.
    fn take_off(&self, key: &str, patience: Patience) -> Result<()> {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = flying.entry(key.to_string()).or_default();
        let wait = patience.wait(*n);
        if wait > Duration::zero() {
            return Err(too_many(wait));
        }
        *n += 1;
        Ok(())
    }
}

impl Attempt {
    /// It failed: the next one may have to wait.
    pub async fn failed(self, db: &Db) -> Result<()> {
        let mut tx = db.begin().await?;
        for (key, _) in self.keys.iter().filter(|(_, is_counted)| !is_counted) {
            count(tx.conn(), key, self.now).await?;
        }
        tx.commit().await
    }

    /// It was right: earlier failures are forgotten.
    pub async fn succeeded(self, db: &Db) -> Result<()> {
        if self.keys.iter().all(|(_, is_counted)| !is_counted) {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        for (key, _) in self.keys.iter().filter(|(_, is_counted)| *is_counted) {
            forget(tx.conn(), key).await?;
        }
        tx.commit().await
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut flying = self.throttle.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in self.keys.iter().filter(|(_, is_counted)| !is_counted) {
            if let Some(n) = flying.get_mut(key) {
                *n = n.saturating_sub(1);
                if *n == 0 {
                    flying.remove(key);
                }
            }
        }
    }
}

fn too_many(wait: Duration) -> Error {
    Error::TooMany { retry_after_s: u64::try_from(wait.num_seconds()).unwrap_or(0) + 1 }
}

async fn find(c: Conn<'_>, key: &str) -> Result<Option<Failures>> {
    const FIND: &str = "SELECT count, last_at FROM failed_attempts WHERE key_hash = $1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(key).fetch_optional(c).await)?)
}

/// One more failure, if it stands as it was seen; false: another try was counted meanwhile.
async fn count_after(c: Conn<'_>, key: &str, seen: Failures, now: DateTime<Utc>) -> Result<bool> {
    const COUNT: &str = "
        UPDATE failed_attempts SET count = $3, last_at = $4 WHERE key_hash = $1 AND count = $2 AND last_at = $5";
    let next = if now - seen.last_at < MEMORY { seen.count + 1 } else { 1 };
    let n = both!(c, c => sqlx::query(COUNT).bind(key).bind(seen.count).bind(next).bind(now).bind(seen.last_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

async fn count(c: Conn<'_>, key: &str, now: DateTime<Utc>) -> Result<()> {
    const COUNT: &str = "
        INSERT INTO failed_attempts (key_hash, count, last_at) VALUES ($1, 1, $2)
        ON CONFLICT (key_hash) DO UPDATE SET last_at = $2,
            count = CASE WHEN failed_attempts.last_at > $3 THEN failed_attempts.count + 1 ELSE 1 END";
    both!(c, c => sqlx::query(COUNT).bind(key).bind(now).bind(now - MEMORY).execute(c).await.map(|_| ()))?;
    Ok(())
}

async fn forget(c: Conn<'_>, key: &str) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { free: 3, first: Duration::seconds(2), longest: Duration::seconds(60) };

    #[test]
    fn the_wait_grows_to_its_longest() {
        let waits: Vec<i64> = [0, 3, 4, 5, 6, 50].iter().map(|n| PATIENCE.wait(*n).num_seconds()).collect();
        assert_eq!(waits, [0, 0, 2, 4, 8, 60]);
    }

    #[test]
    fn the_wait_is_counted_from_the_last_failure() {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let failures = Failures { count: 5, last_at: now };
        assert_eq!(failures.remaining(PATIENCE, now + Duration::seconds(1)), Duration::seconds(3));
        assert_eq!(failures.remaining(PATIENCE, now + Duration::seconds(9)), Duration::zero());
    }
}
