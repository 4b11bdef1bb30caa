//! Words for the same thing, from a short list of our own.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use crate::platform::lexical;

static SETS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
    let lines = include_str!("synonyms.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().collect()).collect()
});

/// By a term's id, those of its synonyms.
static BY_ID: LazyLock<HashMap<u32, Vec<u32>>> = LazyLock::new(|| {
    let mut by_id: HashMap<u32, Vec<u32>> = HashMap::new();
    for set in SETS.iter() {
        let ids: Vec<u32> = set.iter().map(|word| term_of(word)).collect();
        for own in &ids {
            let known = by_id.entry(*own).or_default();
            known.extend(ids.iter().filter(|other| *other != own));
            known.sort_unstable();
            known.dedup();
        }
    }
    by_id
});

/// The terms that are another part of speech of the same word, as "payment" is of "pay", or a longer form of it, as
/// "telephone" is of "phone".
static KIN: LazyLock<HashSet<(u32, u32)>> = LazyLock::new(|| {
    let pairs = SETS.iter().flat_map(|set| set.iter().flat_map(|a| set.iter().map(move |b| (*a, *b))));
    let kin = pairs.filter(|(a, b)| a != b && a.len().min(b.len()) >= SHORTEST && (a.contains(b) || b.contains(a)));
    kin.map(|(a, b)| (term_of(a), term_of(b))).collect()
});

/// The shortest word, in bytes, that another is a form of by holding it.
const SHORTEST: usize = 3;

/// Whether two terms are forms of the same word.
pub(super) fn are_kin(a: u32, b: u32) -> bool {
    KIN.contains(&(a, b))
}

/// The id of the term that a word stands for in a text.
pub fn term_of(word: &str) -> u32 {
    lexical::term_id(&if word.is_ascii() { lexical::stem(word) } else { word.to_owned() })
}

/// The sets of words for the same thing.
pub fn synonyms() -> &'static [Vec<&'static str>] {
    &SETS
}

/// The ids of the terms that say the same as the term `id`.
pub fn of(id: u32) -> &'static [u32] {
    BY_ID.get(&id).map_or(&[], Vec::as_slice)
}

/// Whether two stems say the same.
pub fn are_synonyms(a: &str, b: &str) -> bool {
    of(lexical::term_id(a)).contains(&lexical::term_id(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_line_say_the_same_in_both_languages() {
        assert!(are_synonyms(&lexical::stem("prices"), &lexical::stem("costs")));
        assert!(are_synonyms("保固", "保修"));
        assert!(!are_synonyms("price", "child"));
        assert!(are_kin(term_of("payment"), term_of("pay")) && are_kin(term_of("phone"), term_of("telephone")));
        assert!(!are_kin(term_of("price"), term_of("cost")));
    }
}
