//! Access tokens that expire: fetched once for all who wait, refreshed early, dropped when the platform refuses them.
//!
//! Kept in this process only. Both platforms that need it give every asker the same token while it is valid
//! (WeCom's `gettoken`, WeChat's `stable_token`), so several processes do not take each other's away.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{DateTime, Duration, Utc};

use super::outside::Outside;
use crate::platform::Result;

/// An account whose calls carry an access token.
pub trait Tokens {
    /// The token; `refused`: the one that the platform just refused.
    fn token(
        &self,
        outside: &Outside,
        refused: Option<&str>,
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<String>> + Send;
}

type Slot = Arc<tokio::sync::Mutex<Option<Token>>>;
static SLOTS: LazyLock<Mutex<HashMap<String, Slot>>> = LazyLock::new(Mutex::default);

#[derive(Clone)]
struct Token {
    text: String,
    /// When a new one is asked for, before this one ends.
    refresh_at: DateTime<Utc>,
}

fn slot(key: &str) -> Slot {
    SLOTS.lock().unwrap_or_else(PoisonError::into_inner).entry(key.to_string()).or_default().clone()
}

/// The token of `key`; `fetch` gives a new one and for how many seconds it is valid, and runs once however many wait.
/// `refused`: the token that the platform no longer takes; another than the kept one is ignored.
pub async fn take<F>(key: &str, refused: Option<&str>, now: DateTime<Utc>, fetch: impl FnOnce() -> F) -> Result<String>
where
    F: Future<Output = Result<(String, i64)>>,
{
    let slot = slot(key);
    let mut kept = slot.lock().await;
    if let Some(token) = kept.as_ref().filter(|t| t.refresh_at > now && Some(t.text.as_str()) != refused) {
        return Ok(token.text.clone());
    }
    *kept = None;
    let (text, valid_s) = fetch().await?;
    let refresh_at = now + Duration::seconds(valid_s.max(0) * 85 / 100);
    *kept = Some(Token { text: text.clone(), refresh_at });
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn fifty_who_ask_at_once_cost_one_call_and_a_refused_token_one_more() {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let calls = AtomicUsize::new(0);
        let fetch = || async {
            let n = calls.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok((format!("token-{n}"), 7200))
        };
        let all = futures::future::join_all((0..50).map(|_| take("test:storm", None, now, fetch))).await;
        assert!(all.into_iter().all(|t| t.unwrap() == "token-0"));
        let all = futures::future::join_all((0..50).map(|_| take("test:storm", Some("token-0"), now, fetch))).await;
        assert!(all.into_iter().all(|t| t.unwrap() == "token-1"));
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        let later = now + Duration::seconds(7000);
        assert_eq!(take("test:storm", None, later, fetch).await.unwrap(), "token-2");
    }
}
