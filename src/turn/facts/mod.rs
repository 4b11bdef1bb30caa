//! The checkable facts of a text: numbers with their units, amounts, dates, times, phone numbers, links, codes.
//!
//! Both languages and all ways of writing come out in one form: "3 business days" = "三个工作日", "¥1,200" = "1200元".

mod chinese;
mod codes;
mod dates;
mod numbers;
mod rates;
mod read;
mod units;

pub use read::read;
pub use units::{Unit, mentions};

use units::{same, same_measure};

/// A fact in one form for all ways of writing it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number {
        value: f64,
        unit: Option<Unit>,
    },
    Date {
        year: Option<u16>,
        month: Option<u8>,
        day: Option<u8>,
    },
    /// 0 is Monday.
    Weekday(u8),
    Time {
        hour: u8,
        minute: u8,
    },
    /// Digits only.
    Phone(String),
    Link(String),
    Email(String),
    /// Letters and digits only.
    Code(String),
    /// Again and again after this time ("a month", "每天").
    Every(Unit),
    /// The day it is from today: 0 is today or the same day, 1 the next.
    Relative(u8),
    /// The next of this ("the next working day").
    Next(Unit),
}

/// A fact and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub value: Value,
    pub words: String,
    /// The word that a number without a unit counts.
    pub counts: Option<String>,
}

impl Value {
    /// Whether `other`, which stands in the evidence, proves this. `mentions` says whether the evidence names a unit
    /// anywhere: cells of a table leave it to their header.
    pub fn is_proven_by(&self, other: &Self, mentions: &dyn Fn(Unit) -> bool) -> bool {
        match (self, other) {
            (Self::Number { value: a, unit }, Self::Number { value: b, unit: theirs }) => match (unit, theirs) {
                (None, _) => same(*a, *b),
                (Some(unit), None) => same(*a, *b) && mentions(*unit),
                (Some(unit), Some(theirs)) => same_measure(*a, *unit, *b, *theirs),
            },
            (Self::Date { year, month, day }, Self::Date { year: y, month: m, day: d }) => {
                (year.is_none() || year == y) && (month.is_none() || month == m) && (day.is_none() || day == d)
            }
            // "30日内" or the 30th: told apart by what stands there.
            (Self::Date { year: None, month: None, day: Some(day) }, Self::Number { value, unit: Some(Unit::Day) }) => {
                same(f64::from(*day), *value)
            }
            // "2019年" and "2019" are one.
            (Self::Date { year: Some(year), month: None, day: None }, Self::Number { value, unit: None }) => {
                same(f64::from(*year), *value)
            }
            (Self::Number { value, unit: None }, Self::Date { year, month, day }) => {
                [year.map(f64::from), month.map(f64::from), day.map(f64::from)]
                    .into_iter()
                    .flatten()
                    .any(|v| same(v, *value))
            }
            (Self::Number { value, unit: None }, Self::Time { hour, minute: 0 }) => same(*value, f64::from(*hour)),
            (Self::Number { value, unit: None }, Self::Code(code) | Self::Phone(code)) => {
                // "the 500" of a PS-500.
                code.trim_start_matches(|c: char| c.is_alphabetic()) == format!("{value}")
            }
            (Self::Phone(a), Self::Phone(b)) => {
                a == b || (a.len() >= 7 && b.ends_with(a)) || (b.len() >= 7 && a.ends_with(b))
            }
            (a, b) => a == b,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Value> {
        read(text).into_iter().map(|f| f.value).collect()
    }

    fn number(value: f64, unit: Option<Unit>) -> Value {
        Value::Number { value, unit }
    }

    #[test]
    fn the_same_fact_written_differently_is_the_same() {
        for (a, b) in [
            ("3 business days", "三个工作日"),
            ("¥1,200", "1200元"),
            ("within 24 hours", "24小时内"),
            ("10 %", "百分之十"),
            ("10 percent", "10%"),
            ("two years", "两年"),
            ("half a year".replace("half a year", "6 months").as_str(), "半年"),
            ("2:30 pm", "下午2点半"),
            ("14:00", "2 p.m."),
            ("5 January 2026", "2026年1月5日"),
            ("Jan 5th, 2026", "2026-01-05"),
            ("Monday", "周一"),
            ("RM 250", "RM250"),
            ("THB 390", "390 baht"),
            ("1.2万元", "12,000 yuan"),
            ("KT-170", "kt170"),
            ("https://www.shop.example/returns/", "shop.example/returns"),
            ("14 days", "two weeks"),
            ("fifteen minutes", "15 min"),
            ("九折", "10% off"),
            ("30-day", "30 days"),
            ("+65 6555 0142", "65550142"),
        ] {
            let (x, y) = (values(a), values(b));
            assert!(!x.is_empty() && x.len() == y.len(), "{a}: {x:?} / {b}: {y:?}");
            for (x, y) in x.iter().zip(&y) {
                assert!(x.is_proven_by(y, &|_| false), "{a}: {x:?} / {b}: {y:?}");
            }
        }
    }

    #[test]
    fn different_facts_differ() {
        for (a, b) in [
            ("3 days", "3 business days"),
            ("3 days", "3 weeks"),
            ("¥1,200", "$1,200"),
            ("1,200", "12,00"),
            ("10%", "10 days"),
            ("2 pm", "14:30"),
            ("5 January", "1 May"),
            ("KT-170", "KT-120"),
            ("shop.example/returns", "shop.example/refunds"),
            ("400-000-0142", "400-000-0143"),
            ("Monday", "Tuesday"),
            ("12 months", "12 days"),
            ("5 kg", "5 g"),
        ] {
            let (x, y) = (values(a), values(b));
            assert!(
                !x.iter().zip(&y).any(|(x, y)| x.is_proven_by(y, &|_| false)) && !x.is_empty(),
                "{a}: {x:?} / {b}: {y:?}"
            );
        }
    }

    #[test]
    fn ranges_and_lists_give_each_number_its_unit() {
        assert_eq!(values("7–14 days"), [number(7.0, Some(Unit::Day)), number(14.0, Some(Unit::Day))]);
        assert_eq!(values("1–3 个工作日"), [number(1.0, Some(Unit::WorkingDay)), number(3.0, Some(Unit::WorkingDay))]);
        assert_eq!(values("三到五天"), [number(3.0, Some(Unit::Day)), number(5.0, Some(Unit::Day))]);
        assert_eq!(values("9:00–18:00"), [Value::Time { hour: 9, minute: 0 }, Value::Time { hour: 18, minute: 0 }]);
        assert_eq!(values("40, 60, 80 and 100 °C").len(), 4);
    }

    #[test]
    fn words_that_are_no_facts_are_left_alone() {
        for text in
            ["one of our colleagues", "a day", "一下", "一起", "may I", "the second-hand shop", "十分感谢", "万一"]
        {
            assert_eq!(values(text), [], "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in "[0-9a-z年月日点半十百个天%$¥@./:, +-]{0,30}|\\PC{0,40}") {
            let _ = read(&text);
        }
    }
}
