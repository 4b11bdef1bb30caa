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

impl Law {
    /// No rule but a size.
    pub const fn free(size: Size) -> Self {
        Self { window: None, outside: Outside::Person, quota: None, pace: None, size, keeps_order: true }
    }

    /// What is left now.
    pub fn room(&self, past: &Past, now: DateTime<Utc>) -> Room {
        let closes_at = self.window.and_then(|window| past.last_inbound.map(|at| at + window - SAFETY));
        Room {
            closes_at: closes_at.filter(|at| now <= *at),
            left: self.quota.map(|quota| quota.messages.saturating_sub(past.sent_since)),
        }
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
        if let Some(window) = self.window
            && past.last_inbound.is_none_or(|at| now > at + window - SAFETY)
        {
            return match self.outside {
                Outside::Template => Ruling::NeedsTemplate,
                Outside::Person => Ruling::NeedsPerson(
                    "the customer wrote too long ago: the platform takes no message until they write again",
                ),
            };
        }
        if let Some(quota) = self.quota {
            let most = if purpose == Purpose::Answer { quota.messages - quota.reserve } else { quota.messages };
            if past.sent_since + parts > most {
                return Ruling::NeedsPerson("the platform takes no more messages until the customer writes again");
            }
        }
        match self.pace.and_then(|pace| pace.next(&past.sent_at, now)) {
            Some(at) => Ruling::WaitUntil(at),
            None => Ruling::Now,
        }
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
        Past { last_inbound: Some(at(last_inbound_s)), sent_since, sent_at: sent_s.iter().map(|s| at(*s)).collect() }
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
    fn nothing_is_never_sent() {
        assert!(matches!(
            Law::free(Size::Chars(9)).rule(&Past::default(), Purpose::Answer, 0, at(0)),
            Ruling::Never(_)
        ));
    }
}
