//! What a new fact does to what is known: it restates it, takes its place, or stands beside it. Pure.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Kind, Memory, Slot, Status, Term};
use crate::platform::{language::is_han, lexical};

/// What a fact is about of whose kind there is one for each thing, where nothing says for which.
pub const ANY: &str = "any";

/// The slot of a fact: at most one active memory of a customer is in it.
pub fn slot(kind: Kind, value: &str, about: Option<&str>) -> Option<String> {
    match kind.slot() {
        _ if kind == Kind::Note => None,
        Slot::One => Some(kind.word().to_owned()),
        Slot::OneEach => Some(format!("{}:{}", kind.word(), about.unwrap_or(ANY))),
        Slot::Many => Some(format!("{}:{}", kind.word(), key(value))),
    }
}

/// What `known` is about, where there is one for each thing.
pub fn about(known: &Memory) -> Option<Cow<'static, str>> {
    let slot = known.slot.as_deref().filter(|_| known.kind.slot() == Slot::OneEach)?;
    slot.split_once(':').map(|(_, about)| about.to_owned().into())
}

/// What makes two values the same: letters and digits only, folded, stemmed, without little words.
pub fn key(value: &str) -> String {
    let folded = lexical::fold_text(value);
    let words: Vec<String> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| {
            !w.is_empty() && !matches!(*w, "a" | "an" | "the" | "my" | "our" | "your" | "some" | "very" | "really")
        })
        .map(lexical::stem)
        .collect();
    let key = words.join(" ");
    // A slot is part of a unique index: long values are told apart by their beginning and a hash.
    if key.chars().count() <= 80 {
        key
    } else {
        format!("{}~{:08x}", key.chars().take(60).collect::<String>(), lexical::term_id(&key))
    }
}

/// What to do with a new fact whose slot is taken by `known`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It says the same: the known one is strengthened.
    Restates,
    /// It says something else, and later: the known one is closed.
    Replaces,
    /// It is older than the known one: it stands in the past.
    IsPast,
}

/// How `value`, said at `said_at`, stands to `known`.
pub fn judge(known: &Memory, value: &str, said_at: DateTime<Utc>) -> Verdict {
    if known.value.as_deref().is_some_and(|v| key(v) == key(value)) {
        Verdict::Restates
    } else if known.valid_from.unwrap_or(known.created_at) <= said_at {
        Verdict::Replaces
    } else {
        Verdict::IsPast
    }
}

/// `known` said again at `now`: used, and long-term from here.
#[must_use]
pub fn restated(known: &Memory, now: DateTime<Utc>) -> Memory {
    let used = known.state().used(now);
    Memory {
        term: Term::LongTerm,
        importance: used.importance,
        stability: used.stability,
        last_accessed_at: used.last_used_at,
        confirmed_at: Some(now),
        use_count: known.use_count.saturating_add(1),
        ..known.clone()
    }
}

/// Whether `words` name `known`, which is no more by what was said at `said_at`.
pub fn is_ended(known: &Memory, words: &str, said_at: DateTime<Utc>) -> bool {
    !matches!(known.kind, Kind::Note | Kind::Promise | Kind::Name)
        && known.valid_from.unwrap_or(known.created_at) <= said_at
        && known.value.as_deref().is_some_and(|value| names(words, value))
}

/// Whether `words` are `value` or a part of it that stands for it ("coffee" of "black coffee").
fn names(words: &str, value: &str) -> bool {
    let (part, whole) = (key(words), key(value));
    match part.chars().count() {
        0 => false,
        // One character is part of too many words: "素" is not "素色".
        1 if part.chars().any(is_han) => whole == part,
        _ if part.chars().any(is_han) => whole.contains(&part),
        _ => format!(" {whole} ").contains(&format!(" {part} ")),
    }
}

/// `known`, which is no more since `now`; nothing takes its place.
#[must_use]
pub fn ended(known: &Memory, now: DateTime<Utc>) -> Memory {
    Memory { status: Status::Superseded, valid_until: Some(now), ..known.clone() }
}

/// `known` closed at `now` by `by`.
#[must_use]
pub fn closed(known: &Memory, by: crate::app::MemoryId, now: DateTime<Utc>) -> Memory {
    Memory { status: Status::Superseded, valid_until: Some(now), superseded_by: Some(by), ..known.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_the_whole_and_one_character_only_itself() {
        for (words, value) in [("coffee", "black coffee"), ("茶", "茶"), ("咖啡", "黑咖啡")] {
            assert!(names(words, value), "{words} / {value}");
        }
        for (words, value) in [("素", "素色"), ("tea", "steak"), ("", "tea"), ("black coffee", "coffee")] {
            assert!(!names(words, value), "{words} / {value}");
        }
    }

    #[test]
    fn what_there_is_one_of_has_one_slot_and_the_rest_by_value() {
        assert_eq!(slot(Kind::City, "Penang", None), slot(Kind::City, "Ipoh", None));
        assert_eq!(slot(Kind::Allergy, "Peanuts", None), slot(Kind::Allergy, "peanut", None));
        assert_ne!(slot(Kind::Allergy, "peanuts", None), slot(Kind::Allergy, "latex", None));
        assert_ne!(slot(Kind::Size, "42", Some("shoe")), slot(Kind::Size, "M", None));
        assert_eq!(slot(Kind::Note, "anything", None), None);
        assert_eq!(slot(Kind::City, "檳城", None), slot(Kind::City, "槟城", None));
    }
}
