//! What documents call the things that customers ask for in words of their own ("send it back" → "return"), from two
//! lists of ours. Weaker than synonyms: for finding and ranking only, never for the proof.

use std::{collections::HashMap, ops::Range, sync::LazyLock};

use crate::platform::lexical::{self, Kind, Token};

/// A word that documents use for a term of the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Related {
    pub id: u32,
    /// How much it says, at most 1: less for a part of a longer word, and for a word that many passages hold.
    pub share: f32,
}

/// What an entry is found by: what comes after its first word, and what it stands for.
struct Entry {
    rest: Vec<u32>,
    has_topic: bool,
    words: Vec<Related>,
}

/// What one pair of characters says of a word of more than two.
const PART: f32 = 0.6;

static BY_FIRST: LazyLock<HashMap<u32, Vec<Entry>>> = LazyLock::new(|| {
    let lists = [include_str!("related.en.txt"), include_str!("related.zh.txt")];
    let mut by_first: HashMap<u32, Vec<Entry>> = HashMap::new();
    for line in lists.iter().flat_map(|list| list.lines()).filter(|line| !line.starts_with('#')) {
        let Some((phrases, words)) = line.split_once('=') else { continue };
        let words: Vec<Related> = words.split_whitespace().flat_map(ids_of).collect();
        for phrase in phrases.split(',') {
            let mut tokens = lexical::tokens(phrase).into_iter().filter(is_simple).peekable();
            let has_topic = lexical::tokens(phrase).iter().any(|t| t.kind != Kind::Stop);
            let Some(first) = tokens.next() else { continue };
            let entry = Entry { rest: tokens.map(|t| t.id).collect(), has_topic, words: words.clone() };
            by_first.entry(first.id).or_default().push(entry);
        }
    }
    for entries in by_first.values_mut() {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.rest.len()));
    }
    by_first
});

/// Whether a token is no part or pair of others.
fn is_simple(token: &Token) -> bool {
    matches!(token.kind, Kind::Word | Kind::Stop | Kind::Number | Kind::Char)
}

/// The terms that a word of the lists is found by.
fn ids_of(word: &str) -> Vec<Related> {
    let tokens = lexical::tokens(word);
    let pairs: Vec<&Token> = tokens.iter().filter(|t| t.kind == Kind::Pair).collect();
    let whole = |id| Related { id, share: 1.0 };
    match pairs.len() {
        0 => {
            let wholes: Vec<Related> = tokens.iter().filter(|t| t.kind == Kind::Whole).map(|t| whole(t.id)).collect();
            if !wholes.is_empty() {
                return wholes;
            }
            tokens.iter().filter(|t| t.kind != Kind::Stop).map(|t| whole(t.id)).collect()
        }
        1 => pairs.iter().map(|t| whole(t.id)).collect(),
        // The pairs that begin at every second character, and the last.
        n => pairs
            .iter()
            .enumerate()
            .filter(|(i, _)| i % 2 == 0 || *i == n - 1)
            .map(|(_, t)| Related { id: t.id, share: PART })
            .collect(),
    }
}

/// Where the question says what documents have other words for, and these words. The longest entry counts; in English
/// one word without a topic may stand between ("send *it* back").
pub(super) fn related(question: &[Token]) -> Vec<(Range<usize>, &'static [Related])> {
    let simple: Vec<&Token> = question.iter().filter(|t| is_simple(t)).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = simple.get(at) {
        let entries = BY_FIRST.get(&first.id).map(Vec::as_slice).unwrap_or_default();
        let hit = entries.iter().find_map(|entry| Some((entry, end_of(entry, simple.get(at + 1..)?)?)));
        if let Some((entry, length)) = hit {
            let end = simple.get(at + length).map_or(first.end, |t| t.end);
            found.push((first.start..end, entry.words.as_slice()));
            at += length;
        }
        at += 1;
    }
    found
}

/// How many tokens the rest of an entry takes.
fn end_of(entry: &Entry, tokens: &[&Token]) -> Option<usize> {
    let mut taken = 0;
    for id in &entry.rest {
        let mut next = tokens.get(taken)?;
        if next.id != *id && entry.has_topic && next.kind == Kind::Stop {
            taken += 1;
            next = tokens.get(taken)?;
        }
        if next.id != *id {
            return None;
        }
        taken += 1;
    }
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_customers_say_stands_for_what_documents_say() {
        let finds = |question: &str, word: &str| {
            let words: Vec<u32> =
                related(&lexical::tokens(question)).iter().flat_map(|(_, words)| words.iter().map(|w| w.id)).collect();
            ids_of(word).iter().all(|w| words.contains(&w.id))
        };
        assert!(finds("How much is it to post to Penang?", "fee"));
        assert!(finds("这个多少钱", "价格"));
        assert!(!finds("Does it float?", "fee"));
    }
}
