//! "a month", "every day", "today", "the next working day".

use super::{Unit, Value, units::unit};

/// What begins here, with its length. `at_word`: no letter stands before; `after_fact`: an amount does.
pub(super) fn read(text: &str, at_word: bool, after_fact: bool) -> Option<(usize, Value)> {
    chinese(text, after_fact).or_else(|| at_word.then(|| english(text, after_fact)).flatten())
}

/// Words that say it alone.
const ALONE: &[(&str, Value)] = &[
    ("annually", Value::Every(Unit::Year)),
    ("annual", Value::Every(Unit::Year)),
    ("yearly", Value::Every(Unit::Year)),
    ("per annum", Value::Every(Unit::Year)),
    ("monthly", Value::Every(Unit::Month)),
    ("weekly", Value::Every(Unit::Week)),
    ("daily", Value::Every(Unit::Day)),
    ("nightly", Value::Every(Unit::Day)),
    ("hourly", Value::Every(Unit::Hour)),
    ("today", Value::Relative(0)),
    ("same day", Value::Relative(0)),
    ("same-day", Value::Relative(0)),
    ("tomorrow", Value::Relative(1)),
];

fn english(text: &str, after_fact: bool) -> Option<(usize, Value)> {
    let ends = |length: usize| !text.get(length..).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_alphanumeric()));
    if let Some((word, value)) = ALONE.iter().find(|(word, _)| text.starts_with(word) && ends(word.len())) {
        return Some((word.len(), value.clone()));
    }
    for (word, is_sure) in
        [("every ", true), ("each ", true), ("per ", true), ("a ", after_fact), ("an ", after_fact), ("/", after_fact)]
    {
        let Some(after) = text.strip_prefix(word).filter(|_| is_sure) else { continue };
        return period(after).map(|(length, unit)| (word.len() + length, Value::Every(unit)));
    }
    let after = text.strip_prefix("next ")?;
    let (length, unit) = period(after)?;
    let value = if unit == Unit::Day { Value::Relative(1) } else { Value::Next(unit) };
    Some(("next ".len() + length, value))
}

/// One of a length of time: "day", "working day", "night".
fn period(text: &str) -> Option<(usize, Unit)> {
    if let Some(after) = text.strip_prefix("night") {
        return (!after.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(("night".len(), Unit::Day));
    }
    if text.starts_with(' ') {
        return None;
    }
    unit(text).filter(|(length, unit)| unit.is_duration() && *length > 2)
}

/// Words that say it alone.
const ALONE_ZH: &[(&str, Value)] = &[
    ("年费", Value::Every(Unit::Year)),
    ("年利率", Value::Every(Unit::Year)),
    ("年化", Value::Every(Unit::Year)),
    ("月费", Value::Every(Unit::Month)),
    ("年付", Value::Every(Unit::Year)),
    ("月付", Value::Every(Unit::Month)),
    ("包月", Value::Every(Unit::Month)),
    ("包年", Value::Every(Unit::Year)),
    ("月租", Value::Every(Unit::Month)),
    ("每晚", Value::Every(Unit::Day)),
    ("每日", Value::Every(Unit::Day)),
    ("今天", Value::Relative(0)),
    ("今日", Value::Relative(0)),
    ("当天", Value::Relative(0)),
    ("当日", Value::Relative(0)),
    ("次日", Value::Relative(1)),
    ("隔天", Value::Relative(1)),
    ("翌日", Value::Relative(1)),
    ("第二天", Value::Relative(1)),
    ("明天", Value::Relative(1)),
    ("明日", Value::Relative(1)),
    ("下个月", Value::Next(Unit::Month)),
    ("次月", Value::Next(Unit::Month)),
    ("下月", Value::Next(Unit::Month)),
    ("下周", Value::Next(Unit::Week)),
    ("明年", Value::Next(Unit::Year)),
    ("次年", Value::Next(Unit::Year)),
];

fn chinese(text: &str, after_fact: bool) -> Option<(usize, Value)> {
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    if let Some((word, value)) = ALONE_ZH.iter().find(|(word, _)| text.starts_with(word)) {
        return Some((word.len(), value.clone()));
    }
    for (word, is_sure) in [("每一", true), ("每", true), ("/", after_fact)] {
        let Some(after) = text.strip_prefix(word).filter(|_| is_sure) else { continue };
        let one = after.strip_prefix('个').filter(|a| !a.starts_with("人")).unwrap_or(after);
        // "每周一" is a weekday.
        if one.starts_with('周') && one.chars().nth(1).is_some_and(|c| "一二三四五六日天".contains(c)) {
            continue;
        }
        let (length, unit) = match one.starts_with('月') {
            true => ("月".len(), Unit::Month),
            false => unit(one).filter(|(_, unit)| unit.is_duration())?,
        };
        return Some((text.len() - one.len() + length, Value::Every(unit)));
    }
    let after = text.strip_prefix("下一个").or_else(|| text.strip_prefix("下个"))?;
    let (length, unit) = unit(after).filter(|(_, unit)| unit.is_duration())?;
    Some((text.len() - after.len() + length, Value::Next(unit)))
}
