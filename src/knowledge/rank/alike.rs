//! How alike two questions are, and two words.

use super::asked::{Asked, Term};
use crate::platform::lexical::{Kind, Token};

/// How much of a term is found by a word of the same root.
pub(super) const SAME_ROOT: f32 = 0.6;

/// What a word without a topic counts for, beside the rarity of the others.
const STOP: f32 = 1.0;

/// How alike two questions are, from 0 to 1: the share of their weight that they have in common. `idf` knows how rare
/// a term is among the questions.
pub fn same_question(asked: &Asked, question: &str, idf: &dyn Fn(u32) -> f32) -> f32 {
    let other = Asked::read(question);
    let weight = |t: &Term| t.weight.min(1.0) * idf(t.id);
    let mut mine = 0.0;
    let mut common = 0.0;
    for term in &asked.terms {
        let share = if other.terms.iter().any(|t| t.id == term.id) {
            1.0
        } else if term.kind == Kind::Word
            && other.terms.iter().any(|t| t.kind == Kind::Word && shares_root(&term.text, &t.text))
        {
            SAME_ROOT
        } else {
            0.0
        };
        mine += term.idf;
        common += share * term.idf;
    }
    let theirs: f32 = other.terms.iter().map(weight).sum::<f32>() + STOP * other.stops.len() as f32;
    mine += STOP * asked.stops.len() as f32;
    common += STOP * asked.stops.iter().filter(|id| other.stops.contains(id)).count() as f32;
    if mine + theirs <= 0.0 {
        return 0.0;
    }
    let mut similarity = (2.0 * common / (mine + theirs)).min(1.0);
    if other.is_negated != asked.is_negated {
        similarity *= 0.8;
    }
    similarity
}

/// Whether a word of the text shares its root with `word` ("founder", "founded"; "Norman", "Normandy").
pub(super) fn same_root(word: &str, text: &str, token: &Token) -> bool {
    text.get(token.start..token.end).is_some_and(|other| shares_root(word, other))
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
