//! Numbers in digits and in words.

pub(super) const NUMBER_WORDS: &[(&str, f64)] = &[
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
pub(super) const COUNTS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty",
    "thirty", "fifty",
];

/// Digits with thousands separators and decimals.
pub(super) fn number(text: &str) -> Option<(usize, f64)> {
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

pub(super) fn whole(text: &str) -> Option<(usize, u32)> {
    let length = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if length == 0 || length > 8 {
        return None;
    }
    Some((length, text.get(..length)?.parse().ok()?))
}

/// A Chinese numeral: 三, 十五, 二十, 一百二十, 两万.
pub(super) fn numeral(text: &str) -> Option<(usize, f64)> {
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
        // "二零二六": digits read one by one.
        digit = Some(match digit {
            Some(before) if section == 0.0 && total == 0.0 => before * 10.0 + value,
            Some(before) if before != 0.0 => break,
            _ => value,
        });
        end = at + c.len_utf8();
    }
    (end > 0).then_some((end, total + section + digit.unwrap_or(0.0)))
}
