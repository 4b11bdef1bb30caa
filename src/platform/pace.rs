//! So many a minute per key, counted in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};

use super::error::{Error, Result};

/// Above this many keys those whose minute is over are dropped.
const MOST_KEYS: usize = 20_000;

/// Counts what each key took in its current minute.
#[derive(Debug, Default)]
pub struct Pace(Mutex<HashMap<String, (DateTime<Utc>, u32)>>);

impl Pace {
    /// Takes one of the `most` that `key` has per minute; `TooMany` says when the next minute begins.
    pub fn take(&self, key: &str, most: u32, now: DateTime<Utc>) -> Result<()> {
        let minute = Duration::minutes(1);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEYS {
            all.retain(|_, (since, _)| now - *since < minute);
        }
        let (since, taken) = all.entry(key.to_string()).or_insert((now, 0));
        if now - *since >= minute {
            (*since, *taken) = (now, 0);
        }
        if *taken >= most {
            let wait = (*since + minute - now).num_seconds().max(1);
            return Err(Error::TooMany { retry_after_s: u64::try_from(wait).unwrap_or(1) });
        }
        *taken += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_key_has_so_many_a_minute_and_no_other_pays_for_it() {
        let now = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
        let pace = Pace::default();
        assert!(pace.take("a", 2, now).is_ok() && pace.take("a", 2, now).is_ok());
        assert!(matches!(pace.take("a", 2, now), Err(Error::TooMany { retry_after_s: 60 })));
        assert!(pace.take("b", 2, now).is_ok());
        assert!(pace.take("a", 2, now + Duration::minutes(1)).is_ok());
    }
}
