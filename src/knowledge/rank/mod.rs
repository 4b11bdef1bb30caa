//! How well passages and their sentences answer a question, by words alone. Pure: no database, no index, no clock.
//!
//! The index ranks by BM25; here its first candidates are read once more for what BM25 cannot see: whether one
//! sentence holds most of the question, whether words that stand together in the question stand together in the text,
//! whether the title speaks of the same thing, and whether something of the kind that is asked for is there at all.

mod alike;
mod asked;
mod classifier;
mod features;
mod negation;
mod opposites;
mod pick;
mod read;
mod related;
mod rows;
mod synonyms;
mod titles;

pub use alike::{coverage, likeness, same_question, shares_root};
pub use asked::{Asked, Term};
pub use classifier::{Classifier, Probabilities};
pub use features::Features;
pub use negation::is_negated;
pub use pick::{Pick, QUOTED, picks};
pub use read::{Read, Scored, Text, read};
pub use related::Related;
pub use synonyms::{are_synonyms, of as synonyms_of, synonyms, term_of};

use crate::platform::language::is_han;

/// The most terms of a question that are looked at sentence by sentence; the rarest are kept.
const MOST_TERMS: usize = 64;

/// What stands between a title and the headings under it.
const PATH: &str = " › ";

/// What stands above a passage: its document's title and the headings it is under, each once.
pub fn headline(title: &str, headings: &[String]) -> String {
    let mut line = title.trim().to_owned();
    for heading in headings.iter().map(|h| h.trim()).filter(|h| !h.is_empty()) {
        if !line.split(PATH).any(|above| above == heading) {
            line.push_str(if line.is_empty() { "" } else { PATH });
            line.push_str(heading);
        }
    }
    line
}

/// Whether a text is mostly Chinese.
pub fn is_chinese(text: &str) -> bool {
    text.chars().filter(|c| is_han(*c)).count() * 3 > text.chars().filter(|c| !c.is_whitespace()).count()
}
