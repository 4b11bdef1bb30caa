//! Business hours: when people answer, and counting time only while they do. Pure.

use chrono::{DateTime, Datelike, Days, Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// When people answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hours {
    /// Off: people answer at all times.
    pub is_on: bool,
    /// Minutes east of UTC.
    pub zone_minutes: i32,
    /// Monday to Sunday: minutes after midnight, from and to; `null` on days off.
    #[schema(value_type = Vec<Option<Vec<i32>>>)]
    pub week: Vec<Option<(i32, i32)>>,
    /// Days off, whatever weekday they fall on.
    pub holidays: Vec<NaiveDate>,
}

impl Default for Hours {
    fn default() -> Self {
        let (work, off) = (Some((9 * 60, 18 * 60)), None);
        let week = vec![work, work, work, work, work, off, off];
        Self { is_on: false, zone_minutes: 0, week, holidays: Vec::new() }
    }
}

/// How far ahead is looked for an open day.
const HORIZON_DAYS: u64 = 400;

impl Hours {
    /// What is wrong with them, in words for who sets them.
    pub fn fault(&self) -> Option<&'static str> {
        if FixedOffset::east_opt(self.zone_minutes.saturating_mul(60)).is_none() {
            return Some("hours.zone_minutes: within a day of UTC");
        }
        if self.week.len() != 7 {
            return Some("hours.week: seven days, Monday first");
        }
        if self.week.iter().flatten().any(|(from, to)| *from < 0 || from >= to || *to > 24 * 60) {
            return Some("hours.week: from before to, in minutes of the day");
        }
        (self.is_on && self.week.iter().all(Option::is_none)).then_some("hours.week: open on at least one day")
    }

    fn zone(&self) -> FixedOffset {
        FixedOffset::east_opt(self.zone_minutes.saturating_mul(60)).unwrap_or_else(|| Utc.fix())
    }

    /// When people answer on `date`, as moments; `None` on days off.
    fn span(&self, date: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if self.holidays.contains(&date) {
            return None;
        }
        let (from, to) = self.week.get(date.weekday().num_days_from_monday() as usize).copied().flatten()?;
        let midnight = NaiveDateTime::new(date, NaiveTime::MIN);
        let at = |minutes: i32| {
            let local = midnight + Duration::minutes(minutes.into());
            local.and_local_timezone(self.zone()).single().map(|t| t.with_timezone(&Utc))
        };
        Some((at(from)?, at(to)?))
    }

    /// The spans in which people answer, from the one around `at` or after it.
    fn spans(&self, at: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let first = at.with_timezone(&self.zone()).date_naive();
        (0..HORIZON_DAYS)
            .filter_map(move |n| first.checked_add_days(Days::new(n)))
            .filter_map(|date| self.span(date))
            .filter(move |(_, to)| *to > at)
    }

    /// Whether people answer at `at`.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        !self.is_on || self.spans(at).next().is_some_and(|(from, _)| from <= at)
    }

    /// When people answer next; `None` while they do.
    pub fn opens(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.is_open(at) {
            return None;
        }
        self.spans(at).next().map(|(from, _)| from)
    }

    /// `from` plus `span`, counted only while people answer.
    pub fn after(&self, from: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
        if !self.is_on {
            return from + span;
        }
        let mut left = span;
        for (opens, closes) in self.spans(from) {
            let begin = opens.max(from);
            if begin + left <= closes {
                return begin + left;
            }
            left -= closes - begin;
        }
        from + span // never open: as if always
    }

    /// A moment as a customer reads it.
    pub fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&self.zone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn shanghai() -> Hours {
        let holidays = vec![NaiveDate::from_ymd_opt(2026, 3, 3).unwrap()];
        Hours { is_on: true, zone_minutes: 480, holidays, ..Hours::default() }
    }

    /// A moment in March 2026 in Shanghai; the second is a Monday.
    fn at(day: u32, hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap() - Duration::hours(8)
    }

    #[test]
    fn time_counts_only_while_people_answer() {
        let hours = shanghai();
        assert_eq!(hours.after(at(2, 10), Duration::hours(2)), at(2, 12));
        // Over night, past the holiday on Tuesday.
        assert_eq!(hours.after(at(2, 17), Duration::hours(2)), at(4, 10));
        // Over the weekend.
        assert_eq!(hours.after(at(6, 20), Duration::hours(1)), at(9, 10));
        assert_eq!(Hours::default().after(at(7, 3), Duration::hours(1)), at(7, 4));
    }

    #[test]
    fn it_is_known_when_people_are_back() {
        let hours = shanghai();
        assert_eq!(hours.opens(at(2, 10)), None);
        assert_eq!(hours.opens(at(2, 19)), Some(at(4, 9)));
        assert_eq!(hours.opens(at(8, 12)), Some(at(9, 9)));
        assert!(Hours::default().is_open(at(8, 3)));
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        assert_eq!(shanghai().fault(), None);
        let short = Hours { week: vec![None; 3], ..shanghai() };
        let never = Hours { week: vec![None; 7], ..shanghai() };
        let backwards = Hours { week: vec![Some((600, 500)); 7], ..shanghai() };
        assert!([short, never, backwards].iter().all(|h| h.fault().is_some()));
    }
}
