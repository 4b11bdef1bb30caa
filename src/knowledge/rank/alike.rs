//! How alike two questions are, and two words.

use super::asked::{Asked, Term};
use crate::{
    knowledge::wants::Wants,
    platform::lexical::{Kind, Token},
};

/// How much of a term is found by a word of the same root.
pub(super) const SAME_ROOT: f32 = 0.6;

/// The same for a synonym.
const SAME_MEANING: f32 = 0.8;

/// What a word without a topic counts for, beside the rarity of the others.
const STOP: f32 = 1.0;

/// How alike two questions are, from 0 to 1: the share of their weight that they have in common. `idf` knows how rare
/// a term is among the questions.
pub fn same_question(asked: &Asked, question: &str, idf: &dyn Fn(u32) -> f32) -> f32 {
    likeness(asked, question, idf).0
}

/// The same, with the share of each term of `asked` that the question holds, those without a topic last.
pub fn likeness(asked: &Asked, question: &str, idf: &dyn Fn(u32) -> f32) -> (f32, Vec<f32>) {
    let other = Asked::read(question);
    let weight = |t: &Term| if t.is_implied { 0.0 } else { t.weight.min(1.0) * idf(t.id) };
    let words = || other.terms.iter().filter(|t| t.kind == Kind::Word);
    let share = |term: &Term| {
        if other.terms.iter().any(|t| t.id == term.id) {
            1.0
        } else if other.terms.iter().any(|t| term.synonyms.contains(&t.id)) {
            SAME_MEANING
        } else if term.kind == Kind::Word && words().any(|t| shares_root(&term.text, &t.text)) {
            SAME_ROOT
        } else if term.kind == Kind::Word
            && term.document_frequency == 0
            && words().any(|t| is_misspelt(&term.text, &t.text))
        {
            MISSPELT
        } else {
            0.0
        }
    };
    let mut held: Vec<f32> = asked.terms.iter().map(share).collect();
    let mut mine: f32 = asked.terms.iter().map(said).sum();
    let mut common: f32 = asked.terms.iter().zip(&held).map(|(t, share)| said(t) * share).sum();
    let stops: Vec<f32> = asked.stops.iter().map(|id| f32::from(u8::from(other.stops.contains(id)))).collect();
    mine += STOP * asked.stops.len() as f32;
    common += STOP * stops.iter().sum::<f32>();
    held.extend(stops);
    let theirs: f32 = other.terms.iter().map(weight).sum::<f32>() + STOP * other.stops.len() as f32;
    if mine + theirs <= 0.0 {
        return (0.0, held);
    }
    let mut similarity = (2.0 * common / (mine + theirs)).min(1.0);
    if other.is_negated != asked.is_negated {
        similarity *= 0.8;
    }
    if asks_otherwise(asked.wants, other.wants) || asks_otherwise(other.wants, asked.wants) {
        similarity *= ASKED_OTHERWISE;
    }
    let is_topic = |t: &Term| !t.only_asks && !t.is_implied;
    let topic = || asked.terms.iter().zip(&held).filter(|(t, _)| is_topic(t));
    if topic().next().is_some() && topic().all(|(_, share)| *share == 0.0) {
        similarity *= ANOTHER_TOPIC;
    }
    (similarity, held)
}

/// What is left of the likeness of two questions about the same thing of which one asks how it is done and the other for
/// how long or how much.
const ASKED_OTHERWISE: f32 = 0.7;

fn asks_otherwise(wants: Wants, other: Wants) -> bool {
    matches!(wants, Wants::Manner | Wants::Reason)
        && matches!(
            other,
            Wants::Duration | Wants::Money | Wants::Percentage | Wants::Weight | Wants::Size | Wants::Hours
        )
}

/// What is left of the likeness of two questions that ask for the same of different things ("多少钱包邮？", "热水壶多少钱").
const ANOTHER_TOPIC: f32 = 0.6;

/// How rare a term is that a question says; what it only implies tells no two questions apart.
fn said(term: &Term) -> f32 {
    if term.is_implied { 0.0 } else { term.idf }
}

/// The share of the weight of `asked` that `held` holds.
pub fn coverage(asked: &Asked, held: &[f32]) -> f32 {
    let weights = asked.terms.iter().map(said).chain(asked.stops.iter().map(|_| STOP));
    let (all, there) = weights.zip(held).fold((0.0, 0.0), |(all, there), (w, share)| (all + w, there + w * share));
    if all > 0.0 { there / all } else { 0.0 }
}

/// What a misspelt word counts for.
const MISSPELT: f32 = 0.7;

/// Whether a word that nobody knows is another with one letter wrong, missing or too many, or two swapped.
fn is_misspelt(word: &str, other: &str) -> bool {
    let (a, b) = (word.as_bytes(), other.as_bytes());
    if a.len().min(b.len()) < 5 || a.len().abs_diff(b.len()) > 1 || !word.is_ascii() || !other.is_ascii() {
        return false;
    }
    let front = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (longer, shorter) = (a.len().max(b.len()), a.len().min(b.len()));
    let is_swapped = a.len() == b.len()
        && front + back + 2 == longer
        && a.get(front) == b.get(front + 1)
        && a.get(front + 1) == b.get(front);
    front + back.min(shorter - front) + 1 >= longer || is_swapped
}

/// Whether a word of the text shares its root with `word` ("founder", "founded"; "Norman", "Normandy").
pub(super) fn same_root(word: &str, text: &str, token: &Token) -> bool {
    text.get(token.start..token.end).is_some_and(|other| shares_root(word, other))
}

/// Whether a word of the text is a verb where `word` of the same stem is a noun, or the other way round, as far as their
/// ends and what stands beside them tell: "stores" and "storing", "never store".
pub(super) fn is_another_part_of_speech(word: &str, text: &str, token: &Token) -> bool {
    let Some(other) = text.get(token.start..token.end).filter(|_| token.kind == Kind::Word) else { return false };
    let ends = |word: &str, ends: &[&str]| {
        ends.iter().any(|end| {
            let at = word.len().saturating_sub(end.len());
            word.get(at..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        })
    };
    let is_plural = |word: &str| ends(word, &["s"]) && !ends(word, &["ss"]);
    let is_verb = |word: &str| ends(word, &["ing", "ed"]);
    is_plural(word) && (is_verb(other) || !is_plural(other) && is_told_to(text, token))
        || is_verb(word) && is_plural(other)
}

/// What a verb follows, and what follows a verb that begins a sentence.
const BEFORE_VERBS: &[&str] =
    &["never", "not", "to", "don't", "don’t", "always", "please", "must", "should", "cannot", "can", "can't", "can’t"];
const AFTER_VERBS: &[&str] = &["the", "a", "an", "it", "them", "your", "this", "these", "all", "at", "in", "only"];

/// Whether the word at `token` stands where a verb in its plain form does: "Never store a tent wet", "Store it dry".
fn is_told_to(text: &str, token: &Token) -> bool {
    let is_one_of = |word: &str, list: &[&str]| list.iter().any(|other| word.eq_ignore_ascii_case(other));
    let before = text.get(..token.start).unwrap_or_default().trim_end_matches([' ', '*', '_']);
    let after = text.get(token.end..).unwrap_or_default();
    match before.rsplit([' ', '\n']).next() {
        Some(word) if is_one_of(word, BEFORE_VERBS) => true,
        _ => {
            let begins = before.is_empty() || before.ends_with(['.', ':', '!', ';', '-', '\n']);
            let next = after.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            begins && after.starts_with(' ') && is_one_of(next, AFTER_VERBS)
        }
    }
}

/// Whether two words share their root ("founder", "founded").
pub fn shares_root(word: &str, other: &str) -> bool {
    let (a, b) = (word.as_bytes(), other.as_bytes());
    let shorter = a.len().min(b.len());
    if shorter < 4 || a.first().map(u8::to_ascii_lowercase) != b.first().map(u8::to_ascii_lowercase) {
        return false;
    }
    let common = a.iter().zip(b).take_while(|(x, y)| x.eq_ignore_ascii_case(y)).count();
    common >= 5.max(a.len().max(b.len()) * 3 / 5)
        || (common >= 4 && common == shorter && a.len().max(b.len()) <= common + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::lexical;

    #[test]
    fn asking_for_the_same_of_another_thing_is_another_question() {
        let alike = |a: &str, b: &str| same_question(&Asked::read(a), b, &|_| 1.0);
        // From 0.72 on an FAQ's answer is given.
        assert!(alike("热水壶多少钱", "多少钱包邮？") < 0.6);
        assert!(alike("How much is the kettle?", "How much is the tent?") < 0.6);
        assert!(alike("How much is shipping?", "How much is delivery?") > 0.72, "a synonym is the same thing");
    }

    #[test]
    fn stores_are_not_what_never_store_says() {
        let is_another = |word: &str, text: &str| {
            let stem = lexical::stem(word);
            let tokens = lexical::tokens(text);
            let token = tokens.iter().find(|t| lexical::term_id(&stem) == t.id).expect("the word is there");
            is_another_part_of_speech(word, text, token)
        };
        for verb in [
            "Never store a tent wet.",
            "Keep it dry. Store the tent in its bag.",
            "It must be stored dry.",
            "- Store at 20 °C",
        ] {
            assert!(is_another("stores", verb), "{verb}");
        }
        for noun in ["Our store is in Penang.", "Two stores are open.", "Store: 18 Kestrel Link", "Come to the store."]
        {
            assert!(!is_another("stores", noun), "{noun}");
        }
        assert!(!is_another("store", "Never store a tent wet."), "asked as a verb");
    }
}
