//! Counts failures per key and says how long the next try must wait: in the database, so that all processes count
//! together and a restart forgets nothing.
//!
//! Who has not failed costs one look-up and no write; how many of those try at this moment is counted in memory. From
//! the first failure on, a try is counted before its outcome is known, so that guesses sent at the same moment count.

mod store;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};

pub use self::store::sweep;
use self::store::{Failures, count, count_after, find, forget};
use super::{
    crypto,
    db::Db,
    error::{Error, Result},
};

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

impl Failures {
    fn many(self) -> u32 {
        u32::try_from(self.count).unwrap_or(u32::MAX)
    }

    /// How long a next try must wait; zero: not at all.
    fn remaining(self, patience: Patience, now: DateTime<Utc>) -> Duration {
        let until = self.last_at + patience.wait(self.many());
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
            let mut attempt = Attempt { throttle: self.clone(), keys: Vec::new(), now };
            let (mut known, mut wait) = (Vec::new(), Duration::zero());
            // First counted here, then looked at there: who ends in between is seen in one of the two.
            for (key, patience) in &keys {
                known.push((key, *patience, self.take_off(key), None));
                attempt.keys.push((key.clone(), false));
            }
            let mut reader = db.read().await?;
            for (key, patience, others, found) in &mut known {
                *found = find(reader.conn(), key).await?;
                let failures = found.filter(|f: &Failures| now - f.last_at < MEMORY);
                wait = wait.max(match (*others, failures) {
                    (0, None) => Duration::zero(),
                    (0, Some(failures)) => failures.remaining(*patience, now),
                    // They may all fail.
                    (others, failures) => patience.wait(others.saturating_add(failures.map_or(0, Failures::many))),
                });
            }
            drop(reader);
            if wait > Duration::zero() {
                return Err(too_many(wait));
            }
            if known.iter().all(|(.., found)| found.is_none()) {
                return Ok(attempt);
            }
            let mut tx = db.begin().await?;
            let mut is_counted = true;
            for (key, .., found) in &known {
                if let Some(found) = found {
                    is_counted = is_counted && count_after(tx.conn(), key, *found, now).await?;
                }
            }
            if is_counted {
                tx.commit().await?;
                for ((key, is_counted), (.., found)) in attempt.keys.iter_mut().zip(&known) {
                    if found.is_some() {
                        self.land(key);
                        *is_counted = true;
                    }
                }
                return Ok(attempt);
            }
        }
        Err(too_many(Duration::seconds(1)))
    }

    /// One more that tries and is not counted as a failure; says how many others do.
    fn take_off(&self, key: &str) -> u32 {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = flying.entry(key.to_string()).or_default();
        *n += 1;
        *n - 1
    }

    /// One less.
    fn land(&self, key: &str) {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = flying.get_mut(key) {
            *n = n.saturating_sub(1);
            if *n == 0 {
                flying.remove(key);
            }
        }
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
        for (key, _) in self.keys.iter().filter(|(_, is_counted)| !is_counted) {
            self.throttle.land(key);
        }
    }
}

fn too_many(wait: Duration) -> Error {
    Error::TooMany { retry_after_s: u64::try_from(wait.num_seconds()).unwrap_or(0) + 1 }
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
