//! The order of remembered things for a question: by words, by who said it, by when it was, by what was said beside it,
//! and a little by strength. Pure.
//!
//! Measured on public sets of long talks (`evals/memory/README.md`): what stands beside a match matters most, then who
//! said it, then terms borrowed from the best matches; strength only breaks ties, so that nothing asked for is buried.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::times;
use crate::platform::lexical::{self, Kind as Token};

/// How much of a neighbour's score a memory gets: of the one before (an answer follows its question), of the one after.
const BEFORE: f32 = 0.35;
const AFTER: f32 = 0.2;
/// What is by whom the question names counts more, what is by others less.
const BY_NAMED: f32 = 1.4;
const BY_OTHERS: f32 = 0.8;
/// What was on the days that the question names: before nearly everything else, but no filter, since people tell things
/// later than they were. Sharing a day alone counts a little, for "what did I say yesterday?".
const ON_DAY: f32 = 3.0;
const DAY_ALONE: f32 = 0.01;
/// A name says little about which of the many things said by or to its owner is meant.
const NAME: f32 = 0.3;
/// Chinese: characters alone, and words without a topic.
const CHARACTER: f32 = 0.6;
const FUNCTION_WORD: f32 = 0.1;
/// What the other side said before the question, and how much each earlier message of the asker fades.
const OTHER_SIDE: f32 = 0.4;
const EARLIER: f32 = 0.95;
/// Repeating a word counts up to this.
const MOST: f32 = 2.0;
/// How many of the best lend terms, how many terms, and what these weigh.
const LENDERS: usize = 5;
const LENT: usize = 10;
const LENT_WEIGHT: f32 = 0.3;
/// BM25 with short texts: repetition and length matter less than in documents.
const K1: f32 = 1.2;
const B: f32 = 0.5;
/// How near in meaning what shares no word with the question must be.
const MEANS: f32 = 0.3;
/// How much strength counts: between two that are alike it decides, no more.
const STRENGTH: f32 = 0.03;

/// Characters of Chinese words that carry no topic.
const FUNCTION: &str = "我你您他她它们的了是在吗呢吧啊呀哦嗯很真太好也都就不没有会能要想这那个一什么怎样么到说去来和跟与对着\
    过得地可以还又再多少让把被给从因为所以但而如果时候觉得感非常特别哈呜嘿哇听起";

/// A question to the memory.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Terms and what they weigh before their rarity.
    pub terms: Vec<(u32, f32)>,
    /// The words as they stand, folded: who is named is looked for among them.
    words: HashSet<String>,
    /// The days that are named, first and last of each expression.
    pub days: Vec<(NaiveDate, NaiveDate)>,
}

/// One message before a question.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// By the one who asks.
    pub is_own: bool,
    pub text: &'a str,
}

impl Asked {
    /// Reads a question asked on `today`, with what was said before it (oldest first).
    pub fn read(text: &str, before: &[Before<'_>], today: NaiveDate) -> Self {
        let mut weights: HashMap<u32, f32> = HashMap::new();
        let mut add = |text: &str, weight: f32| {
            lexical::scan(text, |token| {
                let word = text.get(token.start..token.end).unwrap_or_default();
                let weight = match token.kind {
                    Token::Stop => return,
                    _ if word.chars().all(|c| FUNCTION.contains(c)) => weight * FUNCTION_WORD,
                    Token::Char => weight * CHARACTER,
                    _ => weight,
                };
                *weights.entry(token.id).or_default() += weight;
            });
        };
        add(text, 1.0);
        let mut fade = 1.0;
        for said in before.iter().rev() {
            fade *= EARLIER;
            add(said.text, fade * if said.is_own { 1.0 } else { OTHER_SIDE });
        }
        let mut terms: Vec<(u32, f32)> = weights.into_iter().map(|(term, weight)| (term, weight.min(MOST))).collect();
        terms.sort_unstable_by_key(|(term, _)| *term);
        let words = lexical::fold_text(text)
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        let days = times::find(text, today).iter().map(|t| (t.from, t.until)).collect();
        Self { terms, words, days }
    }

    /// The names among `speakers` that the question says.
    fn named<'a>(&self, speakers: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
        speakers
            .filter(|name| {
                let folded = lexical::fold_text(name);
                let first = folded.split_whitespace().next().unwrap_or_default();
                // People shorten names: "Mel" is Melanie.
                self.words
                    .iter()
                    .any(|w| w == first || (w.len() > 2 && first.len() > w.len() && first.starts_with(w.as_str())))
            })
            .collect()
    }
}

/// Something that may be meant.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub text: &'a str,
    /// Its place among what is remembered of this customer.
    pub seq: i64,
    /// The talk it is from: neighbours are of one talk.
    pub source: Option<Uuid>,
    pub speaker: Option<&'a str>,
    /// The days it is about, or on which it was said.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// 0 to 1.
    pub strength: f64,
    /// By meaning: cosine; 0 without an embedding model.
    pub dense: f32,
}

/// What is known of how rare terms are.
#[derive(Debug, Clone, Default)]
pub struct Rarity {
    pub frequencies: HashMap<u32, u64>,
    pub entries: u64,
    /// Mean length of a text in terms.
    pub average: f32,
}

impl Rarity {
    pub fn idf(&self, term: u32) -> f32 {
        lexical::idf(self.frequencies.get(&term).copied().unwrap_or(0), self.entries)
    }
}

/// The terms of a text with how often they stand in it.
pub fn terms(text: &str) -> HashMap<u32, f32> {
    let mut terms = HashMap::new();
    lexical::each_term(text, |id| *terms.entry(id).or_insert(0.0) += 1.0);
    terms
}

fn bm25(query: &[(u32, f32)], text: &HashMap<u32, f32>, average: f32) -> f32 {
    let length: f32 = text.values().sum();
    let norm = K1 * (1.0 - B + B * length / average.max(1.0));
    query.iter().filter_map(|(term, weight)| text.get(term).map(|tf| weight * tf * (K1 + 1.0) / (tf + norm))).sum()
}

/// Puts `candidates` in order: their places in the slice with their scores, best first; what shares nothing with the
/// question, a day it names included, is left out.
pub fn order(asked: &Asked, candidates: &[Candidate<'_>], rarity: &Rarity) -> Vec<(usize, f32)> {
    let speakers: HashSet<&str> = candidates.iter().filter_map(|c| c.speaker).collect();
    let names: HashSet<u32> = speakers.iter().flat_map(|name| terms(name).into_keys().collect::<Vec<_>>()).collect();
    let named = asked.named(speakers.iter().copied());
    let texts: Vec<HashMap<u32, f32>> = candidates.iter().map(|c| terms(c.text)).collect();
    let mut query: Vec<(u32, f32)> = asked
        .terms
        .iter()
        .map(|(term, weight)| (*term, weight * rarity.idf(*term) * if names.contains(term) { NAME } else { 1.0 }))
        .collect();
    let score = |query: &[(u32, f32)]| -> Vec<f32> { texts.iter().map(|t| bm25(query, t, rarity.average)).collect() };
    let first = score(&query);
    let lent = borrowed(&first, &texts, &query, rarity);
    query.extend(lent);
    let mut own = score(&query);
    let best = own.iter().copied().fold(0.0f32, f32::max);
    for (own, candidate) in own.iter_mut().zip(candidates) {
        // Meaning weighs as much as words do where there is a model; where no word is shared (another language, other
        // words for it) it is all there is.
        let dense = candidate.dense.max(0.0);
        *own += if best > 0.0 {
            dense * best
        } else if dense >= MEANS {
            dense
        } else {
            0.0
        };
    }

    let places: HashMap<(Option<Uuid>, i64), usize> =
        candidates.iter().enumerate().map(|(i, c)| ((c.source, c.seq), i)).collect();
    let beside = |c: &Candidate<'_>, by: i64| {
        c.source
            .and_then(|_| places.get(&(c.source, c.seq.saturating_add(by))))
            .and_then(|i| own.get(*i))
            .copied()
            .unwrap_or(0.0)
    };
    let mut ordered: Vec<(usize, f32)> = candidates
        .iter()
        .zip(&own)
        .enumerate()
        .map(|(i, (c, own))| {
            let mut score = own + BEFORE * beside(c, -1) + AFTER * beside(c, 1);
            if named.len() == 1
                && let Some(speaker) = c.speaker
            {
                score *= if named.contains(speaker) { BY_NAMED } else { BY_OTHERS };
            }
            if let Some((c_from, c_until)) = c.days
                && asked.days.iter().any(|(from, until)| c_from <= *until && *from <= c_until)
            {
                score = score * ON_DAY + DAY_ALONE;
            }
            #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
            let strength = c.strength as f32;
            (i, score * (1.0 + STRENGTH * strength))
        })
        .filter(|(_, score)| *score > 0.0)
        .collect();
    ordered.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    ordered
}

/// Terms that the best matches share and the question lacks (relevance feedback after Lavrenko and Croft, 2001).
fn borrowed(scores: &[f32], texts: &[HashMap<u32, f32>], query: &[(u32, f32)], rarity: &Rarity) -> Vec<(u32, f32)> {
    let known: HashSet<u32> = query.iter().map(|(term, _)| *term).collect();
    let mut lent: HashMap<u32, f32> = HashMap::new();
    for i in best(scores, LENDERS) {
        let (Some(score), Some(text)) = (scores.get(i), texts.get(i)) else { continue };
        for term in text.keys().filter(|t| !known.contains(t)) {
            *lent.entry(*term).or_default() += score * rarity.idf(*term);
        }
    }
    let mut lent: Vec<(u32, f32)> = lent.into_iter().collect();
    lent.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    lent.truncate(LENT);
    let most = lent.first().map_or(1.0, |(_, score)| score.max(f32::EPSILON));
    lent.into_iter().map(|(term, score)| (term, LENT_WEIGHT * score / most * rarity.idf(term))).collect()
}

/// The places of the `n` best scores above 0.
pub fn best(scores: &[f32], n: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..scores.len()).filter(|i| scores.get(*i).is_some_and(|s| *s > 0.0)).collect();
    let score = |i: &usize| scores.get(*i).copied().unwrap_or(0.0);
    places.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.cmp(b)));
    places.truncate(n);
    places
}

/// How many of `texts`, best first, fit into `budget` tokens; the first always does.
pub fn fitting(texts: &[&str], budget: usize, tokens: impl Fn(&str) -> usize) -> usize {
    let mut left = budget;
    let fit = texts
        .iter()
        .take_while(|text| match left.checked_sub(tokens(text)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .count();
    fit.max(usize::from(!texts.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 4).unwrap()
    }

    fn candidate(text: &str, seq: i64) -> Candidate<'_> {
        Candidate { text, seq, source: Some(Uuid::nil()), speaker: None, days: None, strength: 0.0, dense: 0.0 }
    }

    fn first(question: &str, candidates: &[Candidate<'_>]) -> usize {
        let rarity = Rarity { entries: 100, average: 8.0, ..Rarity::default() };
        order(&Asked::read(question, &[], today()), candidates, &rarity)[0].0
    }

    #[test]
    fn strength_breaks_ties_and_buries_nothing() {
        let strong = Candidate { strength: 1.0, ..candidate("likes tea", 9) };
        assert_eq!(first("tea", &[candidate("likes tea", 1), strong.clone()]), 1);
        assert_eq!(first("green tea", &[candidate("likes green tea", 1), strong]), 0);
    }

    #[test]
    fn what_shares_no_word_is_found_by_its_meaning_alone() {
        let near = Candidate { dense: 0.7, ..candidate("lives in: Penang", 1) };
        let far = Candidate { dense: 0.1, ..candidate("likes tea", 9) };
        let rarity = Rarity { entries: 100, average: 8.0, ..Rarity::default() };
        let found = order(&Asked::read("我家在哪里", &[], today()), &[far, near], &rarity);
        assert_eq!(found.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn who_and_when_are_asked_for_count() {
        let by = |speaker, seq| Candidate { speaker: Some(speaker), ..candidate("went hiking in the hills", seq) };
        assert_eq!(first("Where did Melanie hike?", &[by("Caroline", 1), by("Melanie", 9)]), 1);
        let on = |d: u32, seq| {
            let day = NaiveDate::from_ymd_opt(2026, 3, d).unwrap();
            Candidate { days: Some((day, day)), ..candidate("went hiking", seq) }
        };
        assert_eq!(first("who went hiking last Tuesday?", &[on(1, 1), on(3, 9)]), 1);
    }

    #[test]
    fn an_answer_is_found_by_its_question() {
        let talk =
            [candidate("Which colour is the sofa?", 1), candidate("Dark green", 2), candidate("Good morning", 7)];
        let rarity = Rarity { entries: 100, average: 5.0, ..Rarity::default() };
        let found = order(&Asked::read("the colour of the sofa", &[], today()), &talk, &rarity);
        assert_eq!(found.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn the_budget_is_kept_and_the_best_always_fits() {
        assert_eq!(fitting(&["aaa", "bb", "c"], 5, str::len), 2);
        assert_eq!(fitting(&["aaa"], 1, str::len), 1);
        assert_eq!(fitting(&[], 1, str::len), 0);
    }
}
