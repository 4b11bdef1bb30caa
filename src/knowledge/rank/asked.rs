//! A question, read for searching: its terms, how rare they are, what it asks for.

use std::ops::Range;

use super::{
    super::wants::{self, Wants},
    negation::is_negated,
    related::{Related, related},
    synonyms,
};
use crate::platform::{
    language::Language,
    lexical::{self, Kind, Token},
};

/// One distinct token of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub id: u32,
    pub kind: Kind,
    /// As written, folded.
    pub text: String,
    /// How rare it is among the passages.
    pub idf: f32,
    /// How many passages hold it.
    pub document_frequency: u64,
    /// What its match is worth: its rarity, less for words that only ask.
    pub weight: f32,
    /// Written like a name: a capital inside an English sentence.
    pub is_name: bool,
    /// Whether it only asks ("多少", "how long"): what no passage holds is then no sign of anything missing.
    pub only_asks: bool,
    /// Whether the question does not say it, and is about it all the same.
    pub is_implied: bool,
    /// Terms that say the same.
    pub synonyms: &'static [u32],
    /// Words of documents for what the customer says in words of their own.
    pub related: Vec<Related>,
    /// Its place among the tokens of the question.
    pub(super) position: Option<usize>,
}

/// A question, read for searching.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub terms: Vec<Term>,
    /// Its words without a topic ("how", "my"): they tell questions apart that share their topic.
    pub stops: Vec<u32>,
    pub wants: Wants,
    /// The language it is asked in, where that can be told.
    pub language: Option<Language>,
    /// Whether it says "not".
    pub is_negated: bool,
    /// The score that a passage with every term would come near to.
    pub best_weight: f32,
}

impl Asked {
    /// Reads a question; every term counts the same until [`Asked::weigh`] is called.
    pub fn read(text: &str) -> Self {
        let mut asking = wants::asking_words(text);
        asking.extend(wants::sort_words(text));
        let wants = Wants::read(text);
        let tokens = lexical::tokens(text);
        let written = |token: &Token| lexical::fold_text(text.get(token.start..token.end).unwrap_or_default());
        if wants == Wants::Money && (2..=LABEL).contains(&tokens.len()) {
            let costs = tokens.iter().filter(|token| COSTING.contains(&written(token).as_str()));
            asking.extend(costs.map(|token| token.start..token.end));
        }
        let mut terms: Vec<Term> = Vec::new();
        let mut stops: Vec<u32> = Vec::new();
        let related = related(&tokens);
        for (position, token) in tokens.into_iter().enumerate() {
            if token.kind == Kind::Stop && !stops.contains(&token.id) {
                stops.push(token.id);
            }
            if token.kind == Kind::Stop || terms.iter().any(|t| t.id == token.id) {
                continue;
            }
            let written = text.get(token.start..token.end).unwrap_or_default();
            let only_asks = asking.iter().any(|r| overlaps(r, &token));
            let written_folded = lexical::fold_text(written);
            let helps_asking = wants == Wants::Duration && TAKING.contains(&written_folded.as_str());
            terms.push(Term {
                id: token.id,
                kind: token.kind,
                text: written_folded,
                idf: 1.0,
                document_frequency: 1,
                weight: if only_asks || helps_asking { ASKING } else { 1.0 },
                is_name: is_name(text, &token),
                only_asks,
                is_implied: false,
                synonyms: synonyms::of(token.id),
                related: of_token(&related, &token),
                position: Some(position),
            });
        }
        let language = Language::detect(text);
        imply(&mut terms, wants, language);
        let mut asked = Self { terms, stops, wants, language, is_negated: is_negated(text), best_weight: 0.0 };
        asked.sum();
        asked
    }

    /// Gives every term its rarity: how many of `entries` passages hold it.
    pub fn weigh(&mut self, entries: u64, mut document_frequency: impl FnMut(u32) -> u64) {
        for term in &mut self.terms {
            term.document_frequency = document_frequency(term.id);
            term.idf = lexical::idf(term.document_frequency, entries);
            term.weight *= match term.document_frequency {
                0 if term.only_asks => 0.0,
                0 if term.kind == Kind::Pair && term.text.contains(FUNCTION_ZH) => CROSSING * term.idf,
                _ => term.idf,
            };
            let rarest = lexical::idf(1, entries).max(f32::EPSILON);
            for word in &mut term.related {
                word.share *= match document_frequency(word.id) {
                    0 => 0.0,
                    held_by => (lexical::idf(held_by, entries) / rarest).clamp(0.0, 1.0),
                };
            }
            term.related.retain(|word| word.share > 0.0);
        }
        self.sum();
    }

    fn sum(&mut self) {
        self.best_weight = self.terms.iter().map(|t| t.weight).sum();
    }

    /// The rarity of the term in the middle: what an unknown one is taken for.
    pub fn typical_idf(&self) -> f32 {
        let mut idfs: Vec<f32> = self.terms.iter().map(|t| t.idf).collect();
        idfs.sort_by(f32::total_cmp);
        idfs.get(idfs.len() / 2).copied().unwrap_or(1.0)
    }

    /// The terms and weights to search with: synonyms for less than the word that was said.
    pub fn query(&self) -> lexical::SparseVector {
        let mut terms: Vec<(u32, f32)> = Vec::with_capacity(self.terms.len() * 2);
        for term in &self.terms {
            let others = term.synonyms.iter().filter(|id| !self.terms.iter().any(|t| t.id == **id));
            terms.extend(others.map(|id| (*id, SYNONYM * term.weight)));
            let others = term.related.iter().filter(|word| !self.terms.iter().any(|t| t.id == word.id));
            terms.extend(others.map(|word| (word.id, RELATED * word.share * term.weight)));
        }
        // Where two terms have the same synonym, the rarer one's weight is kept.
        terms.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
        terms.dedup_by_key(|(id, _)| *id);
        terms.extend(self.terms.iter().map(|t| (t.id, t.weight)));
        lexical::query_vector(&terms)
    }
}

/// Characters that hold a Chinese sentence together: what no passage holds and has one of them is two words that happen
/// to stand beside each other ("芯可" in "滤芯可以水洗吗"), not one that is unknown.
const FUNCTION_ZH: &[char] = &[
    '可', '以', '能', '会', '要', '想', '是', '有', '在', '的', '了', '吗', '么', '呢', '吧', '和', '跟', '给', '从',
    '到', '对', '不', '没', '还', '就', '都', '也', '很', '被', '把', '让', '用', '请', '怎', '哪', '几', '多', '少',
    '什', '这', '那', '个', '你', '您', '我', '他', '她', '它', '们',
];

/// What such a pair counts for.
const CROSSING: f32 = 0.5;

/// What a word that only asks ("多少", "怎么") counts for beside the others.
const ASKING: f32 = 0.1;

/// Where a few words name what is paid for, these ask: "shipping cost" is about shipping.
const COSTING: &[&str] = &["cost", "costs"];
/// How few those are.
const LABEL: usize = 3;

/// With "how long" these ask as well: "How long does delivery take?" is about delivery.
const TAKING: &[&str] = &["take", "takes", "taking", "last", "lasts", "need", "needs"];

/// What the word counts for that a question is about without saying it.
const IMPLIED: f32 = 0.5;

/// Adds the word for what is asked for where the question does without: "How much is the kettle?" is a question about
/// a price, and answered where prices are told rather than where kettles come up most.
fn imply(terms: &mut Vec<Term>, wants: Wants, language: Option<Language>) {
    let word = match (wants, language) {
        (Wants::Money, Some(Language::Zh)) => "价格",
        (Wants::Money, _) => "price",
        (Wants::Weight, Some(Language::Zh)) => "重量",
        (Wants::Weight, _) => "weight",
        (Wants::Loudness, Some(Language::Zh)) => "噪音",
        (Wants::Loudness, _) => "noise",
        _ => return,
    };
    let id = synonyms::term_of(word);
    let synonyms = synonyms::of(id);
    if terms.iter().any(|t| !t.only_asks && (t.id == id || synonyms.contains(&t.id))) {
        return;
    }
    terms.push(Term {
        id,
        kind: if language == Some(Language::Zh) { Kind::Pair } else { Kind::Word },
        text: word.to_owned(),
        idf: 1.0,
        document_frequency: 1,
        weight: IMPLIED,
        is_name: false,
        only_asks: true,
        is_implied: true,
        synonyms,
        related: Vec::new(),
        position: None,
    });
}

/// What a passage's synonym of a word counts for beside the word itself.
const SYNONYM: f32 = 0.4;
/// The same for a word that is only related.
const RELATED: f32 = 0.3;

/// The related words of the phrases that a token is part of.
fn of_token(related: &[(Range<usize>, &[Related])], token: &Token) -> Vec<Related> {
    related.iter().filter(|(range, _)| overlaps(range, token)).flat_map(|(_, words)| words.iter().copied()).collect()
}

fn overlaps(range: &Range<usize>, token: &Token) -> bool {
    token.start < range.end && range.start < token.end
}

fn is_name(text: &str, token: &Token) -> bool {
    let written = text.get(token.start..token.end).unwrap_or_default();
    let before = text.get(..token.start).unwrap_or_default().trim_end();
    matches!(token.kind, Kind::Word | Kind::Whole)
        && written.starts_with(char::is_uppercase)
        && !before.is_empty()
        && !before.ends_with(['.', '?', '!', ':', '。', '？', '！'])
}

pub(super) fn pairs_up(term: &Term) -> bool {
    matches!(term.kind, Kind::Word | Kind::Number)
}

/// Whether a term is what the question is about: neither does it only ask, nor hold the sentence together.
pub(super) fn is_topic(term: &Term) -> bool {
    let says = match term.kind {
        Kind::Word | Kind::Number | Kind::Whole => true,
        Kind::Pair => !term.text.contains(FUNCTION_ZH),
        _ => false,
    };
    says && !term.only_asks && !term.is_implied
}

pub(super) fn is_specific(term: &Term) -> bool {
    term.is_name || matches!(term.kind, Kind::Number | Kind::Whole | Kind::Bridge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_words_about_a_cost_are_about_what_it_is_paid_for() {
        let topics = |question: &str| -> Vec<String> {
            Asked::read(question).terms.into_iter().filter(|t| !t.only_asks).map(|t| t.text).collect()
        };
        assert_eq!(topics("shipping cost"), ["shipping"]);
        assert_eq!(topics("cost"), ["cost"]);
        assert_eq!(topics("what does shipping to Penang cost"), ["shipping", "penang", "cost"]);
    }
}
