//! Dates, weekdays and times of the day.

use super::{Value, numbers::whole, units::spaces};

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
pub(super) const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// A date that begins with a digit.
pub(super) fn date(text: &str) -> Option<(usize, Value)> {
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
pub(super) fn english_date(text: &str) -> Option<(usize, Value)> {
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
pub(super) fn time(text: &str) -> Option<(usize, Value)> {
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

/// "6" of "6 to 9 pm": the first hour takes its half of the day from the second.
pub(super) fn time_of_range(text: &str) -> Option<(usize, Value)> {
    let (length, hour) = whole(text).filter(|(l, h)| *l <= 2 && (1..=12).contains(h))?;
    let rest = text.get(length..)?;
    let (minutes, minute) = match rest.strip_prefix(':').and_then(whole) {
        Some((2, minute)) if minute < 60 => (3, minute),
        _ => (0, 0),
    };
    let rest = rest.get(minutes..)?.trim_start();
    let second = RANGES.iter().find_map(|dash| rest.strip_prefix(dash))?.trim_start();
    let (_, Value::Time { hour: end, .. }) = time(second)? else { return None };
    let (digits, written) = whole(second)?;
    // Only where the second says which half: "9 am", not "9:00".
    let says_half =
        second.get(digits..)?.trim_start_matches([':', ' ']).trim_start_matches(|c: char| c.is_ascii_digit());
    if !says_half.trim_start().starts_with(['a', 'p']) {
        return None;
    }
    let noon = u32::from(end) >= 12 && hour % 12 < written % 12 + 12;
    let is_later = hour % 12 > written % 12;
    let hour = hour % 12 + if noon && !is_later { 12 } else { 0 };
    Some((length + minutes, Value::Time { hour: hour as u8, minute: minute as u8 }))
}

const RANGES: [&str; 12] = ["–", "-", "~", "～", "—", "至", "到", "to ", "until ", "till ", "and ", "through "];

/// Whether nothing but "to" stands between two facts.
pub(super) fn is_range(between: &str) -> bool {
    let between = between.trim();
    RANGES.iter().any(|dash| dash.trim() == between)
}

/// "19日", where it is no length of time ("7日内").
pub(super) fn day_of_month(text: &str) -> Option<(usize, u8)> {
    let (length, day) = whole(text).filter(|(l, d)| *l <= 2 && (1..=31).contains(d))?;
    let rest = text.get(length..)?;
    let gap = spaces(rest);
    let mark = rest.get(gap..)?.chars().next().filter(|c| matches!(c, '日' | '号'))?;
    let after = rest.get(gap + mark.len_utf8()..)?.trim_start();
    let lasts = ["内", "之内", "以内", "以上", "后", "之后", "以后", "的", "无理由", "线", "楼", "电池", "店"];
    (!lasts.iter().any(|word| after.starts_with(word))).then_some((length + gap + mark.len_utf8(), day as u8))
}
