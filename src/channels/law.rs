//! What a platform permits, as pure rules: given what was said so far and the time, may we send now?

use chrono::{DateTime, Duration, Utc};

/// The rules of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Law {
    /// How long after the customer's last sign of life we may write.
    pub window: Option<Duration>,
    /// What is left to do when the window is closed.
    pub outside: Outside,
    /// How many messages the customer's last one permits.
    pub quota: Option<Quota>,
    /// What a mere tap on a menu, a follow or a scan permits, where that is less than what a message does.
    pub tap: Option<Tap>,
    /// How fast messages to one customer may follow each other.
    pub pace: Option<Pace>,
    /// The longest text of one message.
    pub size: Size,
    /// Whether a part may only follow when the one before was delivered, since the platform keeps no order.
    pub keeps_order: bool,
}

/// What is left when the window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// An approved template may be sent.
    Template,
    /// Nothing may be sent: somebody must reach the customer another way.
    Person,
}

/// For how long after a tap we may write, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    pub window: Duration,
    pub quota: Quota,
}

/// So many messages per message of the customer, some of them kept for a notice that a person comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub messages: usize,
    pub reserve: usize,
}

/// A burst of messages, each of which is paid back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    pub burst: usize,
    pub every: Duration,
}

/// The longest text, in the unit in which the platform counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Chars(usize),
    Bytes(usize),
    /// UTF-16 code units.
    Utf16(usize),
}

impl Size {
    /// How long `text` is in this unit.
    pub fn of(self, text: &str) -> usize {
        match self {
            Self::Chars(_) => text.chars().count(),
            Self::Bytes(_) => text.len(),
            Self::Utf16(_) => text.encode_utf16().count(),
        }
    }

    /// The same unit with another limit.
    pub fn with_limit(self, limit: usize) -> Self {
        match self {
            Self::Chars(_) => Self::Chars(limit),
            Self::Bytes(_) => Self::Bytes(limit),
            Self::Utf16(_) => Self::Utf16(limit),
        }
    }

    /// The most that one message holds.
    pub fn limit(self) -> usize {
        match self {
            Self::Chars(n) | Self::Bytes(n) | Self::Utf16(n) => n,
        }
    }
}

/// What happened between us and one customer on one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The customer's last message, tap, reaction or call, by the platform's clock.
    pub last_inbound: Option<DateTime<Utc>>,
    /// What we have sent since then, whatever became of it.
    pub sent_since: usize,
    /// The customer's last tap that permits less than a message, by the platform's clock.
    pub last_tap: Option<DateTime<Utc>>,
    /// What we have sent since that.
    pub sent_since_tap: usize,
    /// When we sent lately, in any order.
    pub sent_at: Vec<DateTime<Utc>>,
}

/// Why we want to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The assistant answers.
    Answer,
    /// The customer is told that a person comes.
    Notice,
    /// A person writes.
    Person,
}

/// What the law says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    Now,
    WaitUntil(DateTime<Utc>),
    NeedsTemplate,
    /// In words for an agent.
    NeedsPerson(&'static str),
    /// In words for an agent.
    Never(&'static str),
}

/// What is left of what the platform permits, for a person who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// When the window closes; `None`: it is closed, or there is none.
    pub closes_at: Option<DateTime<Utc>>,
    /// How many more messages the customer's last one permits; `None`: any number.
    pub left: Option<usize>,
}

/// The window closes early by this much: clocks differ and sending takes time.
const SAFETY: Duration = Duration::minutes(2);
/// The same after a tap, which permits a minute only.
const TAP_SAFETY: Duration = Duration::seconds(10);

/// What the customer did, as far as it still permits messages.
#[derive(Debug, Clone, Copy)]
struct Leave {
    until: DateTime<Utc>,
    quota: Option<Quota>,
    sent: usize,
}

impl Law {
    /// No rule but a size.
    pub const fn free(size: Size) -> Self {
        Self { window: None, outside: Outside::Person, quota: None, tap: None, pace: None, size, keeps_order: true }
    }

    /// What permits messages now: the customer's last message, their last tap, or both.
    fn leaves(&self, past: &Past, now: DateTime<Utc>) -> Vec<Leave> {
        let message = match self.window {
            None => Some(DateTime::<Utc>::MAX_UTC),
            Some(window) => past.last_inbound.map(|at| at + window - SAFETY),
        };
        let message = message.map(|until| Leave { until, quota: self.quota, sent: past.sent_since });
        let tap = self.tap.zip(past.last_tap).map(|(tap, at)| Leave {
            until: at + tap.window - TAP_SAFETY,
            quota: Some(tap.quota),
            sent: past.sent_since_tap,
        });
        [message, tap].into_iter().flatten().filter(|leave| now <= leave.until).collect()
    }

    /// What is left now.
    pub fn room(&self, past: &Past, now: DateTime<Utc>) -> Room {
        let leaves = self.leaves(past, now);
        let left = |leave: &Leave| leave.quota.map(|quota| quota.messages.saturating_sub(leave.sent));
        Room {
            closes_at: self.window.and_then(|_| leaves.iter().map(|leave| leave.until).max()),
            left: match leaves.iter().map(left).max() {
                Some(left) => left,
                None => self.quota.map(|quota| quota.messages.saturating_sub(past.sent_since)),
            },
        }
    }

    /// How many messages are permitted now; `None`: any number.
    pub fn most(&self, past: &Past, purpose: Purpose, now: DateTime<Utc>) -> Option<usize> {
        let most = |leave: &Leave| leave.quota.map(|quota| quota.left(leave.sent, purpose));
        let all: Option<Vec<usize>> = self.leaves(past, now).iter().map(most).collect();
        all.map(|all| all.into_iter().max().unwrap_or(0))
    }

    /// Whether the platform takes approved templates when the window is closed.
    pub fn takes_templates(&self) -> bool {
        self.window.is_some() && self.outside == Outside::Template
    }

    /// Whether `parts` messages may be sent now.
    pub fn rule(&self, past: &Past, purpose: Purpose, parts: usize, now: DateTime<Utc>) -> Ruling {
        if parts == 0 {
            return Ruling::Never("there is nothing to send");
        }
        let leaves = self.leaves(past, now);
        if leaves.is_empty() {
            return match self.outside {
                Outside::Template => Ruling::NeedsTemplate,
                Outside::Person => Ruling::NeedsPerson(
                    "the customer wrote too long ago: the platform takes no message until they write again",
                ),
            };
        }
        let permits = |leave: &Leave| leave.quota.is_none_or(|quota| parts <= quota.left(leave.sent, purpose));
        if !leaves.iter().any(permits) {
            return Ruling::NeedsPerson("the platform takes no more messages until the customer writes again");
        }
        match self.pace.and_then(|pace| pace.next(&past.sent_at, now)) {
            Some(at) => Ruling::WaitUntil(at),
            None => Ruling::Now,
        }
    }
}

impl Quota {
    /// How many are left after `sent`.
    fn left(self, sent: usize, purpose: Purpose) -> usize {
        let reserve = if purpose == Purpose::Answer { self.reserve } else { 0 };
        self.messages.saturating_sub(reserve + sent)
    }
}

impl Pace {
    /// When the next message may go; `None`: now. A bucket of `burst` that refills by one `every` so often.
    fn next(self, sent_at: &[DateTime<Utc>], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut sent: Vec<DateTime<Utc>> = sent_at.iter().copied().filter(|at| *at <= now).collect();
        sent.sort_unstable();
        // When the debt of everything sent so far is paid.
        let paid = sent.into_iter().fold(DateTime::<Utc>::MIN_UTC, |paid, at| paid.max(at) + self.every);
        let free = i32::try_from(self.burst).unwrap_or(i32::MAX).max(1) - 1;
        let at = paid.checked_sub_signed(self.every * free).unwrap_or(DateTime::<Utc>::MIN_UTC);
        (at > now).then_some(at)
    }

    /// How far back sends still count.
    pub fn memory(self) -> Duration {
        self.every * (i32::try_from(self.burst).unwrap_or(1).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(seconds: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap() + Duration::seconds(seconds)
    }

    fn past(last_inbound_s: i64, sent_since: usize, sent_s: &[i64]) -> Past {
        let sent_at = sent_s.iter().map(|s| at(*s)).collect();
        Past { last_inbound: Some(at(last_inbound_s)), sent_since, sent_at, ..Past::default() }
    }

    const DAY: i64 = 86_400;

    #[test]
    fn a_window_is_open_for_its_time_and_then_wants_what_the_platform_offers() {
        let template =
            Law { window: Some(Duration::hours(24)), outside: Outside::Template, ..Law::free(Size::Chars(9)) };
        let person = Law { outside: Outside::Person, ..template.clone() };
        for (law, seconds_since, expected) in [
            (&template, 0, Ruling::Now),
            (&template, DAY - 121, Ruling::Now),
            (&template, DAY - 119, Ruling::NeedsTemplate),
            (&template, 3 * DAY, Ruling::NeedsTemplate),
        ] {
            assert_eq!(law.rule(&past(-seconds_since, 0, &[]), Purpose::Person, 1, at(0)), expected, "{seconds_since}");
        }
        assert!(matches!(person.rule(&past(-2 * DAY, 0, &[]), Purpose::Answer, 1, at(0)), Ruling::NeedsPerson(_)));
        assert_eq!(template.rule(&Past::default(), Purpose::Answer, 1, at(0)), Ruling::NeedsTemplate);
    }

    #[test]
    fn the_last_message_of_a_quota_is_kept_for_the_notice() {
        let law = Law { quota: Some(Quota { messages: 5, reserve: 1 }), ..Law::free(Size::Bytes(2048)) };
        let cases = [
            (Purpose::Answer, 0, 4, true),
            (Purpose::Answer, 0, 5, false),
            (Purpose::Answer, 3, 1, true),
            (Purpose::Answer, 4, 1, false),
            (Purpose::Notice, 4, 1, true),
            (Purpose::Notice, 5, 1, false),
            (Purpose::Person, 4, 1, true),
            (Purpose::Person, 5, 1, false),
        ];
        for (purpose, sent, parts, may) in cases {
            let ruling = law.rule(&past(-60, sent, &[]), purpose, parts, at(0));
            assert_eq!(ruling == Ruling::Now, may, "{purpose:?} after {sent}, {parts} more: {ruling:?}");
        }
    }

    #[test]
    fn a_burst_is_paid_back() {
        let law = Law { pace: Some(Pace { burst: 3, every: Duration::seconds(6) }), ..Law::free(Size::Chars(9)) };
        let cases: [(&[i64], i64, Ruling); 6] = [
            (&[], 0, Ruling::Now),
            (&[0], 0, Ruling::Now),
            (&[0, 0], 0, Ruling::Now),
            (&[0, 0, 0], 0, Ruling::WaitUntil(at(6))),
            (&[0, 0, 0], 6, Ruling::Now),
            (&[0, 0, 0, 6], 7, Ruling::WaitUntil(at(12))),
        ];
        for (sent, now, expected) in cases {
            assert_eq!(law.rule(&past(0, 0, sent), Purpose::Answer, 1, at(now)), expected, "{sent:?} at {now}");
        }
    }

    #[test]
    fn a_tap_permits_less_than_a_message_and_takes_nothing_from_it() {
        let tap = Tap { window: Duration::minutes(1), quota: Quota { messages: 3, reserve: 1 } };
        let law = Law {
            window: Some(Duration::hours(48)),
            quota: Some(Quota { messages: 5, reserve: 1 }),
            tap: Some(tap),
            ..Law::free(Size::Bytes(2048))
        };
        let rule = |past: &Past, purpose, parts| law.rule(past, purpose, parts, at(0));
        let tapped = |seconds_ago: i64, sent_since_tap: usize| Past {
            last_tap: Some(at(-seconds_ago)),
            sent_since_tap,
            ..Past::default()
        };
        assert_eq!(rule(&tapped(20, 0), Purpose::Answer, 2), Ruling::Now);
        assert!(matches!(rule(&tapped(20, 0), Purpose::Answer, 3), Ruling::NeedsPerson(_)));
        assert_eq!(rule(&tapped(20, 2), Purpose::Notice, 1), Ruling::Now);
        assert!(matches!(rule(&tapped(20, 3), Purpose::Notice, 1), Ruling::NeedsPerson(_)));
        assert!(matches!(rule(&tapped(51, 0), Purpose::Notice, 1), Ruling::NeedsPerson(_)));
        // After a message there is what the message permits, and what the tap does once that is used up.
        let both = Past { last_inbound: Some(at(-600)), sent_since: 1, ..tapped(30, 0) };
        assert_eq!(rule(&both, Purpose::Answer, 3), Ruling::Now);
        let spent = Past { sent_since: 5, ..both.clone() };
        assert_eq!((rule(&spent, Purpose::Person, 3), law.room(&spent, at(0)).left), (Ruling::Now, Some(3)));
        assert_eq!(law.room(&both, at(0)), Room { closes_at: Some(at(48 * 3600 - 600 - 120)), left: Some(4) });
        assert_eq!(law.room(&tapped(30, 1), at(0)), Room { closes_at: Some(at(20)), left: Some(2) });
    }

    #[test]
    fn nothing_is_never_sent() {
        assert!(matches!(
            Law::free(Size::Chars(9)).rule(&Past::default(), Purpose::Answer, 0, at(0)),
            Ruling::Never(_)
        ));
    }
}
