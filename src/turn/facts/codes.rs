//! Codes, telephone numbers and links.

use super::{
    Value,
    units::{BEFORE, unit},
};

pub(super) fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A run that mixes letters and digits ("KT-170", "E5", "sf-2026-001"), but not a number with its unit ("5kg").
pub(super) fn code(text: &str) -> Option<usize> {
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

/// A telephone number: seven to fifteen digits in groups, or long and unbroken.
pub(super) fn phone(text: &str) -> Option<(usize, Value)> {
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
