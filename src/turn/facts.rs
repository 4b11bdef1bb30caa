//! The checkable facts of a text: numbers with their units, amounts, dates, times, phone numbers, links, codes.
//!
//! Both languages and all ways of writing come out in one form: "3 business days" = "三个工作日", "¥1,200" = "1200元".

use super::units::{BEFORE, same, same_measure, spaces, unit};
pub use super::units::{Unit, mentions};
use crate::platform::lexical::fold_text;

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
}

/// A fact and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub value: Value,
    pub words: String,
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

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const NUMBER_WORDS: &[(&str, f64)] = &[
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("forty-five", 45.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("half a", 0.5),
    ("half an", 0.5),
    ("a", 1.0),
    ("an", 1.0),
];
/// Number words that count anything, not only units.
const COUNTS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty",
    "thirty", "fifty",
];

/// The facts of a text, in its order.
pub fn read(text: &str) -> Vec<Fact> {
    let folded = fold_text(text);
    let mut reader = Reader { text: &folded, at: 0, facts: Vec::new() };
    while reader.at < folded.len() {
        if !reader.step() {
            reader.at += reader.rest().chars().next().map_or(1, char::len_utf8);
        }
    }
    reader.facts
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    facts: Vec<Fact>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn previous(&self) -> Option<char> {
        self.text.get(..self.at).and_then(|t| t.chars().next_back())
    }

    /// Takes `length` bytes as a fact.
    fn take(&mut self, length: usize, value: Value) -> bool {
        let words = self.rest().get(..length).unwrap_or_default().trim().to_owned();
        self.facts.push(Fact { value, words });
        self.at += length.max(1);
        true
    }

    /// Reads what begins here; false if nothing does.
    fn step(&mut self) -> bool {
        let Some(c) = self.rest().chars().next() else { return false };
        let at_word = !self.previous().is_some_and(|p| p.is_ascii_alphanumeric());
        if at_word && c.is_ascii_alphanumeric() && self.link() {
            return true;
        }
        if c.is_ascii_digit()
            || (c == '+' && self.rest().get(1..2).is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())))
        {
            return self.digits(None, 0);
        }
        if let Some((length, code)) = self.currency_before() {
            let gap = spaces(self.rest().get(length..).unwrap_or_default());
            return self.digits(Some(Unit::Money(code)), length + gap);
        }
        if c.is_ascii_alphabetic() {
            return if at_word { self.word() } else { self.skip_word() };
        }
        self.chinese()
    }

    fn skip_word(&mut self) -> bool {
        let length = self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_alphanumeric()).len();
        self.at += length;
        length > 0
    }

    fn link(&mut self) -> bool {
        let rest = self.rest();
        let end = rest
            .find(|c: char| {
                c.is_whitespace()
                    || !c.is_ascii()
                    || matches!(c, '<' | '>' | '"' | '\'' | '(' | ')' | '[' | ']' | '|' | ',')
            })
            .unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default().trim_end_matches(['.', ';', ':', '!', '?', '*', '`', '/']);
        if let Some((name, host)) = token.split_once('@') {
            return !name.is_empty() && host.contains('.') && self.take(token.len(), Value::Email(token.to_owned()));
        }
        let bare = token.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
        let host = bare.split(['/', '?', '#']).next().unwrap_or_default();
        let last = host.rsplit('.').next().unwrap_or_default();
        let is_host = host.contains('.')
            && host
                .split('.')
                .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
            && last.len() >= 2
            && last.bytes().all(|b| b.is_ascii_alphabetic())
            && host.bytes().any(|b| b.is_ascii_alphabetic())
            && !matches!(last, "pdf" | "docx" | "xlsx" | "csv" | "txt" | "md" | "svg" | "png" | "jpg")
            && (bare.len() < token.len() || host.len() >= 5);
        is_host && self.take(token.len(), Value::Link(bare.trim_end_matches('/').to_owned()))
    }

    fn currency_before(&self) -> Option<(usize, &'static str)> {
        let rest = self.rest();
        let at_word = !self.previous().is_some_and(|p| p.is_ascii_alphanumeric());
        BEFORE.iter().find_map(|(sign, code)| {
            let after = rest.strip_prefix(sign)?;
            let gap = spaces(after);
            let follows = after.get(gap..)?.starts_with(|c: char| c.is_ascii_digit());
            let whole = at_word || !sign.starts_with(|c: char| c.is_ascii_alphabetic());
            (follows && gap <= 1 && whole).then_some((sign.len(), *code))
        })
    }

    /// A number and what it is: phone, date, time, code, or a quantity. `skip` bytes of currency stand before it.
    fn digits(&mut self, currency: Option<Unit>, skip: usize) -> bool {
        let rest = self.rest().get(skip..).unwrap_or_default();
        if currency.is_none() {
            if let Some((length, value)) = date(rest).or_else(|| time(rest)).or_else(|| phone(rest)) {
                return self.take(length, value);
            }
            if let Some(length) = code(rest) {
                let written = rest.get(..length).unwrap_or_default();
                return self.take(length, Value::Code(bare(written)));
            }
        }
        let Some((length, mut value)) = number(rest) else { return false };
        let mut end = length;
        let after = rest.get(end..).unwrap_or_default();
        let gap = spaces(after);
        let scaled = after.get(gap..).unwrap_or_default();
        for (word, by) in [
            ("million", 1e6),
            ("billion", 1e9),
            ("thousand", 1e3),
            ("万", 1e4),
            ("亿", 1e8),
            ("千", 1e3),
            ("百万", 1e6),
        ] {
            if scaled.starts_with(word)
                && !(word == "千"
                    && (scaled.starts_with("千克") || scaled.starts_with("千瓦") || scaled.starts_with("千米")))
            {
                value *= by;
                end += gap + word.len();
            }
        }
        // "7–14 days": the first takes the unit of the second.
        let after = rest.get(end..).unwrap_or_default();
        let mut probe = after;
        let gap = spaces(probe);
        probe = probe.get(gap..).unwrap_or_default();
        for dash in ["–", "-", "~", "～", "—", "至", "到", "to ", "or ", "或", "and "] {
            if let Some(second) = probe.strip_prefix(dash) {
                let second = second.trim_start_matches([' ', '$', '¥']);
                if let Some((length, _)) = number(second) {
                    probe = second.get(length..).unwrap_or_default();
                }
                break;
            }
        }
        let is_range = probe.len() < after.get(gap..).unwrap_or_default().len();
        let found = unit(if is_range { probe } else { after });
        if !is_range && let Some((length, _)) = found {
            end += length;
        }
        let unit = currency.or(found.map(|(_, unit)| unit));
        // "2016年" is a year unless something lasted that long.
        if let (Some(Unit::Year), true, true) =
            (unit, (1900.0..2200.0).contains(&value), rest.get(..end).is_some_and(|w| w.ends_with('年')))
        {
            return self.take(skip + end, Value::Date { year: Some(value as u16), month: None, day: None });
        }
        self.take(skip + end, Value::Number { value, unit })
    }

    /// Words: months, weekdays, numbers in words, codes.
    fn word(&mut self) -> bool {
        let rest = self.rest();
        if let Some(length) = code(rest) {
            let written = rest.get(..length).unwrap_or_default();
            return self.take(length, Value::Code(bare(written)));
        }
        let length = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let word = rest.get(..length).unwrap_or_default();
        if let Some(day) = WEEKDAYS.iter().position(|d| {
            *d == word
                || word.strip_suffix('s') == Some(d)
                || (word.len() == 3 && d.starts_with(word) && word != "sun" && word != "sat")
        }) {
            return self.take(length, Value::Weekday(day as u8));
        }
        if let Some((length, value)) = english_date(rest) {
            return self.take(length, value);
        }
        for (name, value) in NUMBER_WORDS {
            let Some(after) = rest.strip_prefix(name) else { continue };
            if after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                continue;
            }
            let (gap, joint) = if after.starts_with('-') { (1, true) } else { (spaces(after), false) };
            match unit(after.get(gap..).unwrap_or_default()) {
                Some((used, unit))
                    if gap > 0
                        && (unit.is_duration()
                            || unit == Unit::Percent
                            || matches!(unit, Unit::Money(_)) && !matches!(*name, "a" | "an")) =>
                {
                    // "a day" as in "10 % a day" is no length of time.
                    if matches!(*name, "a" | "an") {
                        continue;
                    }
                    return self.take(name.len() + gap + used, Value::Number { value: *value, unit: Some(unit) });
                }
                _ if COUNTS.contains(name) && !joint => {
                    // "five to seven days"
                    let unit = [" to ", " or ", "-", "–"].iter().find_map(|dash| {
                        let second = after.strip_prefix(dash)?;
                        let (word, _) = NUMBER_WORDS.iter().find(|(w, _)| second.starts_with(w) && w.len() > 2)?;
                        unit(second.get(word.len()..)?).map(|(_, u)| u)
                    });
                    return self.take(name.len(), Value::Number { value: *value, unit });
                }
                _ => {}
            }
        }
        self.at += length;
        true
    }

    /// Chinese numerals, weekdays, times of the day.
    fn chinese(&mut self) -> bool {
        let rest = self.rest();
        for prefix in ["星期", "礼拜", "周"] {
            if let Some(after) = rest.strip_prefix(prefix)
                && let Some(day) = after
                    .chars()
                    .next()
                    .and_then(|c| "一二三四五六日".chars().position(|d| d == c).or((c == '天').then_some(6)))
            {
                let length = prefix.len() + after.chars().next().map_or(0, char::len_utf8);
                return self.take(length, Value::Weekday(day as u8));
            }
        }
        for (prefix, shift) in
            [("上午", 0), ("早上", 0), ("凌晨", 0), ("中午", 0), ("下午", 12), ("晚上", 12), ("傍晚", 12)]
        {
            if let Some(after) = rest.strip_prefix(prefix)
                && let Some((length, Value::Time { hour, minute })) = time(after.trim_start())
            {
                let gap = spaces(after);
                let hour = if hour < 12 && shift == 12 { hour + 12 } else { hour };
                return self.take(prefix.len() + gap + length, Value::Time { hour, minute });
            }
        }
        if let Some(after) = rest.strip_prefix("百分之")
            && let Some((length, value)) = numeral(after).or_else(|| number(after))
        {
            return self.take("百分之".len() + length, Value::Number { value, unit: Some(Unit::Percent) });
        }
        if let Some(after) = rest.strip_prefix('半') {
            for (word, value, unit) in [
                ("年", 6.0, Unit::Month),
                ("个月", 0.5, Unit::Month),
                ("天", 0.5, Unit::Day),
                ("小时", 30.0, Unit::Minute),
                ("个小时", 30.0, Unit::Minute),
            ] {
                if after.starts_with(word) {
                    return self.take("半".len() + word.len(), Value::Number { value, unit: Some(unit) });
                }
            }
        }
        let Some((length, value)) = numeral(rest) else { return false };
        let mut after = rest.get(length..).unwrap_or_default();
        let mut range = false;
        for dash in ["至", "到", "-", "–", "~", "或"] {
            if let Some((second, _)) = after.strip_prefix(dash).and_then(numeral) {
                after = after.get(dash.len() + second..).unwrap_or_default();
                range = true;
                break;
            }
        }
        if after.starts_with('月') && value <= 12.0 {
            let day = after
                .get("月".len()..)
                .and_then(|d| numeral(d).filter(|(l, _)| d.get(*l..).is_some_and(|r| r.starts_with(['日', '号']))));
            let length = length + "月".len() + day.map_or(0, |(l, _)| l + "日".len());
            return self
                .take(length, Value::Date { year: None, month: Some(value as u8), day: day.map(|(_, d)| d as u8) });
        }
        if after.starts_with('点') && value <= 24.0 {
            return self.take(length + "点".len(), Value::Time { hour: value as u8, minute: 0 });
        }
        match unit(after) {
            Some((_, unit)) if range => self.take(length, Value::Number { value, unit: Some(unit) }),
            Some((used, unit)) => self.take(length + used, Value::Number { value, unit: Some(unit) }),
            // "三次", "五个": a count; "一" alone is rarely one.
            None if value >= 2.0
                && after.starts_with([
                    '次', '个', '件', '台', '人', '张', '种', '家', '只', '期', '倍', '名', '位', '款', '项', '条',
                ]) =>
            {
                self.take(length, Value::Number { value, unit: None })
            }
            None => {
                self.at += length;
                true
            }
        }
    }
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Digits with thousands separators and decimals.
fn number(text: &str) -> Option<(usize, f64)> {
    let bytes = text.as_bytes();
    let digit = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while digit(at) {
        at += 1;
    }
    if at == 0 {
        return None;
    }
    while bytes.get(at) == Some(&b',') && (1..4).all(|i| digit(at + i)) && !digit(at + 4) && at <= 12 {
        at += 4;
    }
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at += 1;
        while digit(at) {
            at += 1;
        }
    }
    let written: String = text.get(..at)?.chars().filter(|c| *c != ',').collect();
    Some((at, written.parse().ok()?))
}

/// A run that mixes letters and digits ("KT-170", "E5", "sf-2026-001"), but not a number with its unit ("5kg").
fn code(text: &str) -> Option<usize> {
    let mut end = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let joins = matches!(c, '-' | '_') && characters.peek().is_some_and(|(_, n)| n.is_ascii_alphanumeric());
        if !c.is_ascii_alphanumeric() && !joins {
            break;
        }
        end = at + c.len_utf8();
    }
    let run = text.get(..end)?;
    let letters = run.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    if letters == 0 || digits == 0 {
        return None;
    }
    if run.starts_with(|c: char| c.is_ascii_digit()) {
        let tail = run.trim_start_matches(|c: char| c.is_ascii_digit());
        let tail_bare = tail.trim_start_matches('-');
        // Units, ordinals, halves of the day and "30-day".
        if unit(tail).is_some_and(|(length, _)| length == tail.len())
            || matches!(tail, "st" | "nd" | "rd" | "th" | "am" | "pm" | "s" | "k" | "x" | "hz" | "p")
            || (tail.starts_with('-') && tail_bare.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'))
        {
            return None;
        }
    } else {
        // "rm250" and "top-10" are no codes; "covid-19"-like words are.
        let head = run.trim_end_matches(|c: char| c.is_ascii_digit());
        if BEFORE.iter().any(|(sign, _)| *sign == head) {
            return None;
        }
    }
    Some(end)
}

/// A date that begins with a digit.
fn date(text: &str) -> Option<(usize, Value)> {
    let (length, first) = whole(text)?;
    let rest = text.get(length..)?;
    // 2026-01-05, 2026/1/5, 2026.1.5
    if length == 4 {
        if let Some(mark) = rest.chars().next().filter(|c| matches!(c, '-' | '/' | '.'))
            && let Some((l2, month)) = whole(rest.get(1..)?).filter(|(l, m)| *l <= 2 && (1..=12).contains(m))
        {
            let after = rest.get(1 + l2..)?;
            if let Some(tail) = after.strip_prefix(mark)
                && let Some((l3, day)) = whole(tail).filter(|(l, d)| *l <= 2 && (1..=31).contains(d))
            {
                let value = Value::Date { year: Some(first as u16), month: Some(month as u8), day: Some(day as u8) };
                return Some((length + 1 + l2 + 1 + l3, value));
            }
        }
        let gap = spaces(rest);
        if let Some(after) = rest.get(gap..)?.strip_prefix('年') {
            let used = length + gap + "年".len();
            let inner = spaces(after);
            if let Some((l, Value::Date { month, day, .. })) = month_day(after.get(inner..)?) {
                return Some((used + inner + l, Value::Date { year: Some(first as u16), month, day }));
            }
            return None;
        }
    }
    // 1月5日
    if let Some(found) = month_day(text) {
        return Some(found);
    }
    // 5 January 2026
    if length <= 2 && (1..=31).contains(&first) {
        let after =
            rest.trim_start_matches("st").trim_start_matches("nd").trim_start_matches("rd").trim_start_matches("th");
        let suffix = rest.len() - after.len();
        let gap = spaces(after);
        let of = after.get(gap..)?;
        let (of_length, of) = of.strip_prefix("of ").map_or((0, of), |o| (3, o));
        if gap > 0
            && let Some((l, month)) = month_name(of)
        {
            let tail = of.get(l..)?;
            let comma = tail.len() - tail.trim_start_matches([' ', ',']).len();
            let year = whole(tail.get(comma..)?).filter(|(l, y)| *l == 4 && (1900..2200).contains(y));
            let length = length + suffix + gap + of_length + l + year.map_or(0, |(l, _)| comma + l);
            let value = Value::Date { year: year.map(|(_, y)| y as u16), month: Some(month), day: Some(first as u8) };
            return Some((length, value));
        }
    }
    None
}

fn month_day(text: &str) -> Option<(usize, Value)> {
    let (length, month) = whole(text).filter(|(l, m)| *l <= 2 && (1..=12).contains(m))?;
    let rest = text.get(length..)?;
    let gap = spaces(rest);
    let after = rest.get(gap..)?.strip_prefix('月')?;
    let mut used = length + gap + "月".len();
    let inner = spaces(after);
    let day = whole(after.get(inner..)?).filter(|(l, d)| {
        *l <= 2
            && (1..=31).contains(d)
            && after.get(inner + l..).is_some_and(|r| r.trim_start().starts_with(['日', '号']))
    });
    if let Some((l, _)) = day {
        let tail = after.get(inner + l..)?;
        used += inner + l + spaces(tail) + "日".len();
    }
    Some((used, Value::Date { year: None, month: Some(month as u8), day: day.map(|(_, d)| d as u8) }))
}

/// "January 5, 2026", "Jan 5th", "March 2026"; a month alone only when it can be nothing else.
fn english_date(text: &str) -> Option<(usize, Value)> {
    let (length, month) = month_name(text)?;
    let rest = text.get(length..)?;
    let gap = spaces(rest);
    let after = rest.get(gap..)?;
    if gap > 0
        && let Some((l, n)) = whole(after)
    {
        if l == 4 && (1900..2200).contains(&n) {
            return Some((length + gap + l, Value::Date { year: Some(n as u16), month: Some(month), day: None }));
        }
        if l <= 2 && (1..=31).contains(&n) {
            let tail = after.get(l..)?;
            let bare = tail
                .trim_start_matches("st")
                .trim_start_matches("nd")
                .trim_start_matches("rd")
                .trim_start_matches("th");
            let comma = bare.len() - bare.trim_start_matches([' ', ',']).len();
            let year = whole(bare.get(comma..)?).filter(|(l, y)| *l == 4 && (1900..2200).contains(y));
            let used = length + gap + l + (tail.len() - bare.len()) + year.map_or(0, |(l, _)| comma + l);
            return Some((
                used,
                Value::Date { year: year.map(|(_, y)| y as u16), month: Some(month), day: Some(n as u8) },
            ));
        }
    }
    let word = text.get(..length)?;
    (word.len() > 4 && !matches!(word, "march" | "may"))
        .then_some((length, Value::Date { year: None, month: Some(month), day: None }))
}

fn month_name(text: &str) -> Option<(usize, u8)> {
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let word = text.get(..length)?;
    let month = MONTHS
        .iter()
        .position(|m| *m == word || (word.len() == 3 && m.starts_with(word)) || word == "sept" && *m == "september")?;
    Some((length, month as u8 + 1))
}

/// "14:00", "2 pm", "9点半".
fn time(text: &str) -> Option<(usize, Value)> {
    let (length, hour) = whole(text).filter(|(l, h)| *l <= 2 && *h <= 24)?;
    let rest = text.get(length..)?;
    let mut used = length;
    let mut minute = 0;
    let mut is_time = false;
    if let Some((l, m)) = rest.strip_prefix(':').and_then(whole).filter(|(l, m)| *l == 2 && *m < 60) {
        used += 1 + l;
        minute = m;
        is_time = true;
    } else if let Some(after) = rest.strip_prefix('点') {
        used += "点".len();
        is_time = true;
        if after.starts_with('半') {
            used += "半".len();
            minute = 30;
        }
    }
    let mut hour = hour;
    let after = text.get(used..)?;
    let gap = spaces(after);
    for (word, noon) in [("a.m.", 0), ("p.m.", 12), ("am", 0), ("pm", 12)] {
        let Some(tail) = after.get(gap..).and_then(|a| a.strip_prefix(word)) else { continue };
        if !tail.starts_with(|c: char| c.is_ascii_alphanumeric()) && hour <= 12 {
            hour = hour % 12 + noon;
            return Some((used + gap + word.len(), Value::Time { hour: hour as u8, minute: minute as u8 }));
        }
    }
    is_time.then_some((used, Value::Time { hour: hour as u8, minute: minute as u8 }))
}

/// A telephone number: seven to fifteen digits in groups, or long and unbroken.
fn phone(text: &str) -> Option<(usize, Value)> {
    let mut digits = String::new();
    let mut end = 0;
    let mut groups = 0;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' => {
                if !previous.is_ascii_digit() {
                    groups += 1;
                }
                digits.push(c);
                end = at + 1;
            }
            '+' if at == 0 => {}
            '-' | ' ' | '(' | ')' if !matches!(previous, '-' | ' ') || c == '(' => {}
            _ => break,
        }
        previous = c;
    }
    let plus = text.starts_with('+');
    let length = digits.len();
    // Groups of a list ("40 60 80 90") are shorter than those of a number.
    let average = length as f64 / f64::from(groups.max(1));
    let is_phone = (7..=15).contains(&length)
        && (plus
            || (groups == 1 && length >= 8 && text.get(end..).is_none_or(|after| unit(after).is_none()))
            || ((2..=5).contains(&groups) && average >= 2.6 && text.get(..end)?.contains(['-', ' '])));
    is_phone.then_some((end, Value::Phone(digits)))
}

fn whole(text: &str) -> Option<(usize, u32)> {
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if length == 0 || length > 8 {
        return None;
    }
    Some((length, text.get(..length)?.parse().ok()?))
}

/// A Chinese numeral: 三, 十五, 二十, 一百二十, 两万.
fn numeral(text: &str) -> Option<(usize, f64)> {
    let mut total = 0.0;
    let mut section = 0.0;
    let mut digit: Option<f64> = None;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let value = match c {
            '零' | '〇' => 0.0,
            '一' => 1.0,
            '二' | '两' => 2.0,
            '三' => 3.0,
            '四' => 4.0,
            '五' => 5.0,
            '六' => 6.0,
            '七' => 7.0,
            '八' => 8.0,
            '九' => 9.0,
            '十' | '百' | '千' => {
                let by = match c {
                    '十' => 10.0,
                    '百' => 100.0,
                    _ => 1000.0,
                };
                section += digit.take().unwrap_or(1.0) * by;
                end = at + c.len_utf8();
                continue;
            }
            '万' | '亿' => {
                let by = if c == '万' { 1e4 } else { 1e8 };
                total += (section + digit.take().unwrap_or(0.0)) * by;
                section = 0.0;
                end = at + c.len_utf8();
                continue;
            }
            _ => break,
        };
        if digit.is_some_and(|d| d != 0.0) {
            break;
        }
        digit = Some(value);
        end = at + c.len_utf8();
    }
    (end > 0).then_some((end, total + section + digit.unwrap_or(0.0)))
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
