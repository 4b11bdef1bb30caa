//! Counts failures per key, in memory, and says how long the next try must wait.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};

/// Failures are forgotten after this long without another.
const MEMORY: Duration = Duration::minutes(30);
/// More keys than this are never kept: the oldest go.
const MOST_KEYS: usize = 10_000;

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

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: DateTime<Utc>,
}

/// The failures of every key.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, Failures>>);

impl Throttle {
    /// How long `key` must still wait; `None`: it may try now.
    pub fn remaining(&self, key: &str, patience: Patience, now: DateTime<Utc>) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = all.get(key).filter(|f| now - f.last < MEMORY)?;
        let until = failures.last + patience.wait(failures.count);
        (until > now).then(|| until - now)
    }

    /// Counts one failure of `key`.
    pub fn fail(&self, key: &str, now: DateTime<Utc>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEYS {
            all.retain(|_, f| now - f.last < MEMORY);
            if all.len() >= MOST_KEYS
                && let Some(oldest) = all.iter().min_by_key(|(_, f)| f.last).map(|(k, _)| k.clone())
            {
                all.remove(&oldest);
            }
        }
        let failures = all.entry(key.to_string()).or_insert(Failures { count: 0, last: now });
        failures.count = if now - failures.last < MEMORY { failures.count + 1 } else { 1 };
        failures.last = now;
    }

    /// Forgets the failures of `key`.
    pub fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { free: 3, first: Duration::seconds(2), longest: Duration::seconds(60) };

    #[test]
    fn the_wait_grows_and_is_forgotten() {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let throttle = Throttle::default();
        for _ in 0..3 {
            throttle.fail("ana", now);
        }
        assert_eq!(throttle.remaining("ana", PATIENCE, now), None);
        throttle.fail("ana", now);
        assert_eq!(throttle.remaining("ana", PATIENCE, now), Some(Duration::seconds(2)));
        throttle.fail("ana", now);
        assert_eq!(throttle.remaining("ana", PATIENCE, now + Duration::seconds(1)), Some(Duration::seconds(3)));
        assert_eq!(throttle.remaining("ben", PATIENCE, now), None);
        for _ in 0..50 {
            throttle.fail("ana", now);
        }
        assert_eq!(throttle.remaining("ana", PATIENCE, now), Some(Duration::seconds(60)));
        assert_eq!(throttle.remaining("ana", PATIENCE, now + MEMORY), None);
        throttle.forget("ana");
        assert_eq!(throttle.remaining("ana", PATIENCE, now), None);
    }
}
