//! How strongly a memory stands at a moment: a power curve of the time since it was last used, that gets flatter with
//! each use. Pure.
//!
//! The curve is the one of FSRS v4, `R = (1 + t / (9·S))⁻¹` with the stability `S` in days, so that `R = 0.9` after
//! `S` days (<https://github.com/open-spaced-repetition/fsrs4anki/wiki/The-Algorithm>); that forgetting follows a power
//! of time and not an exponential is Wickelgren's finding (1974) and holds for questions to a memory too: exponential
//! decay lowered recall in `evals/`. Our growth of `S` is a bounded simplification of theirs: late uses count more.

use chrono::{DateTime, Utc};

/// The longest stability, in days: ten years.
pub const MAX_STABILITY: f64 = 3650.0;
/// The shortest, in days.
pub const MIN_STABILITY: f64 = 0.05;
/// Below this strength a memory that nobody pinned is spent: it is archived.
pub const SPENT: f64 = 0.05;

/// What strength depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State {
    /// 0 to 1.
    pub importance: f64,
    /// Days after which nine tenths are left.
    pub stability: f64,
    pub last_used_at: DateTime<Utc>,
    pub is_pinned: bool,
}

/// The stability at which a day leaves `decay_factor` of the strength: the seed's per-day setting as the first step.
pub fn stability(decay_factor: f64) -> f64 {
    let factor = decay_factor.clamp(0.01, 0.9999);
    (1.0 / (9.0 * (1.0 / factor - 1.0))).clamp(MIN_STABILITY, MAX_STABILITY)
}

/// What a day leaves of the strength at this stability: the inverse of [`stability`].
pub fn decay_factor(stability: f64) -> f64 {
    1.0 / (1.0 + 1.0 / (9.0 * stability.clamp(MIN_STABILITY, MAX_STABILITY)))
}

/// The share that is left after `days` without use: 1 to 0, falling.
pub fn retention(days: f64, stability: f64) -> f64 {
    1.0 / (1.0 + days.max(0.0) / (9.0 * stability.clamp(MIN_STABILITY, MAX_STABILITY)))
}

impl State {
    fn days(&self, now: DateTime<Utc>) -> f64 {
        (now - self.last_used_at).num_milliseconds().max(0) as f64 / 86_400_000.0
    }

    /// The strength at `now`: 0 to 1. A pinned memory does not fade.
    pub fn strength(&self, now: DateTime<Utc>) -> f64 {
        let importance = self.importance.clamp(0.0, 1.0);
        if self.is_pinned { importance } else { importance * retention(self.days(now), self.stability) }
    }

    /// After it helped at `now`: used a moment ago, a little more important, and more stable the longer it had lain.
    /// Bounded: however often it is used, importance stays below 1 and stability below [`MAX_STABILITY`].
    #[must_use]
    pub fn used(&self, now: DateTime<Utc>) -> Self {
        let importance = self.importance.clamp(0.0, 1.0);
        let forgotten = 1.0 - retention(self.days(now), self.stability);
        Self {
            importance: importance + (1.0 - importance) * 0.05,
            stability: (self.stability.max(MIN_STABILITY) * (1.05 + 2.0 * forgotten)).min(MAX_STABILITY),
            last_used_at: now.max(self.last_used_at),
            ..*self
        }
    }

    /// Whether it may be put away at `now`.
    pub fn is_spent(&self, now: DateTime<Utc>) -> bool {
        !self.is_pinned && self.strength(now) < SPENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Duration;
    use proptest::prelude::*;

    fn at(days: f64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_442_000, 0).unwrap() + Duration::milliseconds((days * 86_400_000.0) as i64)
    }

    #[test]
    fn the_seeds_factor_is_what_a_day_leaves() {
        let s = stability(0.95);
        assert!((retention(1.0, s) - 0.95).abs() < 1e-9);
        assert!((decay_factor(s) - 0.95).abs() < 1e-9);
        assert!((retention(s, s) - 0.9).abs() < 1e-9);
    }

    fn states() -> impl Strategy<Value = State> {
        (0.0..=1.0f64, 0.05..3650.0f64, 0.0..4000.0f64).prop_map(|(importance, stability, days)| State {
            importance,
            stability,
            last_used_at: at(days),
            is_pinned: false,
        })
    }

    proptest! {
        #[test]
        fn strength_is_bounded(state in states(), later in 0.0..5000.0f64) {
            let s = state.strength(at(later));
            prop_assert!((0.0..=1.0).contains(&s));
        }

        #[test]
        fn an_ignored_memory_only_falls(state in states(), a in 0.0..4000.0f64, b in 0.001..4000.0f64) {
            let first = state.last_used_at + (at(a) - at(0.0));
            let second = first + (at(b) - at(0.0));
            prop_assert!(state.strength(second) <= state.strength(first));
            if state.importance > 0.0 && b > 0.1 {
                prop_assert!(state.strength(second) < state.strength(first));
            }
        }

        #[test]
        fn a_used_one_strictly_rises_and_stays_bounded(state in states(), days in 0.001..4000.0f64) {
            let now = state.last_used_at + (at(days) - at(0.0));
            let used = state.used(now);
            prop_assert!(used.strength(now) > state.strength(now) || state.importance >= 1.0 - 1e-12);
            prop_assert!(used.stability >= state.stability.min(MAX_STABILITY) && used.stability <= MAX_STABILITY);
            // From then on it stays above what it would have been.
            let later = now + Duration::days(30);
            prop_assert!(used.strength(later) >= state.strength(later));
            let mut often = state;
            for _ in 0..500 {
                often = often.used(now);
            }
            prop_assert!(often.importance <= 1.0 && often.stability <= MAX_STABILITY);
        }

        #[test]
        fn a_more_stable_or_more_important_one_is_never_weaker(state in states(), more in 0.0..1.0f64, days in 0.0..4000.0f64) {
            let now = state.last_used_at + (at(days) - at(0.0));
            let stable = State { stability: state.stability * (1.0 + more), ..state };
            let important = State { importance: (state.importance + more).min(1.0), ..state };
            prop_assert!(stable.strength(now) >= state.strength(now));
            prop_assert!(important.strength(now) >= state.strength(now));
        }
    }

    #[test]
    fn a_pinned_memory_does_not_fade() {
        let state = State { importance: 0.4, stability: 1.0, last_used_at: at(0.0), is_pinned: true };
        assert_eq!(state.strength(at(4000.0)), 0.4);
        assert!(!state.is_spent(at(4000.0)));
    }
}
