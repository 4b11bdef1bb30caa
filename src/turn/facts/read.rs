//! Reads the facts of a text, from left to right.

use super::{
    Fact, Unit, Value,
    codes::{bare, code, phone},
    dates::{self, WEEKDAYS, date, english_date, time},
    numbers::{COUNTS, NUMBER_WORDS, number},
    rates,
    units::{BEFORE, spaces, unit},
};
use crate::platform::{language::is_han, lexical::fold_text};

/// The facts of a text, in its order.
pub fn read(text: &str) -> Vec<Fact> {
    let folded = fold_text(text);
    let mut reader = Reader { text: &folded, at: 0, facts: Vec::new(), end: 0 };
    while reader.at < folded.len() {
        if !reader.step() {
            reader.at += reader.rest().chars().next().map_or(1, char::len_utf8);
        }
    }
    reader.facts
}

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) at: usize,
    facts: Vec<Fact>,
    /// Where the last fact ended.
    end: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn previous(&self) -> Option<char> {
        self.text.get(..self.at).and_then(|t| t.chars().next_back())
    }

    /// Takes `length` bytes as a fact.
    pub(super) fn take(&mut self, length: usize, value: Value) -> bool {
        let words = self.rest().get(..length).unwrap_or_default().trim().to_owned();
        let counts = match value {
            Value::Number { unit: None, .. } => counted(self.rest().get(length..).unwrap_or_default()),
            _ => None,
        };
        // "Monday to Friday" is five days.
        if let (Value::Weekday(last), Some(Value::Weekday(first))) = (&value, self.facts.last().map(|f| &f.value))
            && dates::is_range(self.text.get(self.end..self.at).unwrap_or_default())
        {
            let between: Vec<u8> = (first + 1..*last).collect();
            self.facts.extend(between.into_iter().map(|d| Fact {
                value: Value::Weekday(d),
                words: words.clone(),
                counts: None,
            }));
        }
        self.facts.push(Fact { value, words, counts });
        self.at += length.max(1);
        self.end = self.at;
        true
    }

    /// The fact before, if nothing but spaces lies between.
    fn follows_fact(&self) -> bool {
        !self.facts.is_empty() && self.text.get(self.end..self.at).is_some_and(|gap| gap.trim().is_empty())
    }

    /// Whether the last fact was a time after noon, and a range goes on from it.
    pub(super) fn goes_on_after_noon(&self) -> bool {
        let after_noon = matches!(self.facts.last().map(|f| &f.value), Some(Value::Time { hour: 13.., .. }));
        after_noon && dates::is_range(self.text.get(self.end..self.at).unwrap_or_default())
    }

    /// Reads what begins here; false if nothing does.
    fn step(&mut self) -> bool {
        let Some(c) = self.rest().chars().next() else { return false };
        let at_word = !self.previous().is_some_and(|p| p.is_ascii_alphanumeric());
        if at_word && c.is_ascii_alphanumeric() && self.link() {
            return true;
        }
        if let Some((length, value)) = rates::read(self.rest(), at_word, self.follows_fact()) {
            return self.take(length, value);
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
            if let Some((length, value)) =
                date(rest).or_else(|| dates::time_of_range(rest)).or_else(|| time(rest)).or_else(|| phone(rest))
            {
                let value = match value {
                    // "晚上6点到9点"
                    Value::Time { hour: hour @ 1..12, minute }
                        if self.goes_on_after_noon() && rest.get(..length).is_some_and(|w| w.contains('点')) =>
                    {
                        Value::Time { hour: hour + 12, minute }
                    }
                    value => value,
                };
                return self.take(length, value);
            }
            if let Some((length, day)) = dates::day_of_month(rest) {
                return self.take(length, Value::Date { year: None, month: None, day: Some(day) });
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
}

/// The word that a number without a unit counts ("25 tonnes", "20 boxes", "三种").
fn counted(after: &str) -> Option<String> {
    let rest = after.get(spaces(after)..)?;
    if let Some(counter) = rest.chars().next().filter(|c| is_han(*c)) {
        return Some(counter.to_string());
    }
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    (end > 0).then(|| rest.get(..end).map(str::to_owned)).flatten()
}
