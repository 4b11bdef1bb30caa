//! The circuit breaker: after failures in a row a remote part is left alone for a while, then probed by one call.

use chrono::{DateTime, Duration, Utc};

/// Closed (calls go through), open (they don't) or half open (one probe is under way).
#[derive(Debug)]
pub struct Breaker {
    failures_to_open: u32,
    pause: Duration,
    failures: u32,
    opened_at: Option<DateTime<Utc>>,
    probing_since: Option<DateTime<Utc>>,
}

impl Breaker {
    /// Opens after `failures_to_open` failures in a row and stays open for `pause`.
    pub fn new(failures_to_open: u32, pause: Duration) -> Self {
        Self { failures_to_open: failures_to_open.max(1), pause, failures: 0, opened_at: None, probing_since: None }
    }

    /// Whether a call may be made now. After the pause one caller is let through; the others wait for its outcome,
    /// or for another pause if it never comes (a caller that was dropped tells nobody).
    pub fn permit(&mut self, now: DateTime<Utc>) -> bool {
        let Some(opened_at) = self.opened_at else {
            return true;
        };
        let waits_until = self.probing_since.unwrap_or(opened_at) + self.pause;
        // A clock that was set back must not keep it open for longer than the pause.
        if now < waits_until && now >= self.probing_since.unwrap_or(opened_at) {
            return false;
        }
        self.probing_since = Some(now);
        true
    }

    /// The remote part answered.
    pub fn succeeded(&mut self) {
        (self.failures, self.opened_at, self.probing_since) = (0, None, None);
    }

    /// The remote part failed; true when this opened (or re-opened) the breaker.
    pub fn failed(&mut self, now: DateTime<Utc>) -> bool {
        self.failures = self.failures.saturating_add(1);
        // Calls that were under way when it opened say nothing new; the probe's failure starts another pause.
        let opens = if self.opened_at.is_some() {
            self.probing_since.is_some()
        } else {
            self.failures >= self.failures_to_open
        };
        if opens {
            (self.opened_at, self.probing_since) = (Some(now), None);
        }
        opens
    }

    /// Whether calls are being kept away (a probe may be due).
    pub fn is_open(&self) -> bool {
        self.opened_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + n, 0).unwrap()
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(3, Duration::seconds(30));
        assert!(!breaker.failed(second(0)) && !breaker.failed(second(0)) && breaker.failed(second(0)));
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(3, Duration::seconds(30));
        for _ in 0..5 {
            breaker.failed(second(0));
            breaker.failed(second(0));
            assert!(breaker.permit(second(0)));
            breaker.succeeded();
        }
        assert!(!opened().permit(second(29)));
    }

    #[test]
    fn after_the_pause_one_probe_goes_through_and_its_success_closes() {
        let mut breaker = opened();
        assert!(breaker.permit(second(30)));
        assert!(!breaker.permit(second(31)), "only one probe");
        breaker.succeeded();
        assert!(!breaker.is_open() && breaker.permit(second(31)));
    }

    #[test]
    fn a_failed_probe_opens_it_for_another_pause() {
        let mut breaker = opened();
        assert!(breaker.permit(second(30)));
        assert!(breaker.failed(second(32)));
        assert!(!breaker.permit(second(61)));
        assert!(breaker.permit(second(62)));
    }

    #[test]
    fn a_probe_that_never_reports_does_not_keep_it_open_for_ever() {
        let mut breaker = opened();
        assert!(breaker.permit(second(30)));
        assert!(breaker.permit(second(60)));
    }

    #[test]
    fn late_failures_of_earlier_calls_do_not_prolong_the_pause() {
        let mut breaker = opened();
        assert!(!breaker.failed(second(20)));
        assert!(breaker.permit(second(30)));
    }

    #[test]
    fn a_clock_set_back_does_not_prolong_the_pause() {
        assert!(opened().permit(second(-3600)));
    }
}
