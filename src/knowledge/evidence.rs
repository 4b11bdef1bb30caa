//! What a search found, in its order. Pure: the index gave candidates, the database their words.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Faq, Passage,
    rank::{self, Asked, Features, Pick, Probabilities, Read},
};
use crate::{
    app::{FaqId, PassageId},
    platform::{
        language::Language,
        lexical::{self, Kind},
        vectors::Hit,
    },
};

/// How many candidates are read again.
pub const READ: usize = 24;
/// From how alike on two passages say the same.
const SAME: f32 = 0.9;
/// How many FAQs are kept.
const FAQS: usize = 5;
/// How many of the most alike questions vote for their answer, and how steeply.
const VOTERS: usize = 40;
const VOTE: i32 = 4;
/// How much it counts that the questions of an answer together hold the whole question asked.
const COVERED: i32 = 2;

/// Where a claim comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum SourceId {
    Passage(PassageId),
    Faq(FaqId),
}

/// What a search found, best first.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    pub passages: Vec<Found>,
    /// Questions like the one asked, with their answers.
    pub faqs: Vec<FoundFaq>,
    /// The sentences of the first passages, best first.
    pub picks: Vec<Pick>,
    /// What speaks for and against there being an answer at all.
    pub features: Features,
    /// How many terms of topic the question has.
    pub topic_terms: usize,
    /// Why the search by meaning was left out although it is configured.
    pub degraded: Option<String>,
}

/// A passage that was found.
#[derive(Debug, Clone)]
pub struct Found {
    pub passage: Passage,
    /// What the order goes by.
    pub score: f32,
    /// BM25.
    pub lexical: f32,
    /// Cosine; 0 without an embedding model.
    pub dense: f32,
    pub read: Read,
    /// Says the same as a passage before it.
    pub is_duplicate: bool,
}

impl Found {
    /// Its document's title and headings.
    pub fn headline(&self) -> String {
        rank::headline(&self.passage.title, &self.passage.heading_path)
    }
}

/// A question that the company answered before, like the one asked.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundFaq {
    pub source: SourceId,
    pub question: String,
    pub answer: String,
    /// How alike the questions are: 0 to 1.
    pub similarity: f32,
    /// How probable this answer is among all, as far as was learnt from the questions of each; where nothing could be
    /// learnt, and where the questions are nearly the same, its share of what speaks for any answer among the questions
    /// like the one asked. 0 to 1.
    pub agreement: f32,
}

impl Evidence {
    /// The text of a source, and its title.
    pub fn source(&self, id: SourceId) -> Option<(String, &str)> {
        if let Some(faq) = self.faqs.iter().find(|f| f.source == id) {
            return Some((format!("{}\n{}", faq.question, faq.answer), &faq.question));
        }
        self.passages
            .iter()
            .find(|f| SourceId::Passage(f.passage.id) == id)
            .map(|f| (format!("{}\n{}", f.headline(), f.passage.content), f.passage.title.as_str()))
    }

    /// Everything that may be cited: the FAQs, then the passages.
    pub fn sources(&self) -> Vec<SourceId> {
        let passages = self.passages.iter().map(|f| SourceId::Passage(f.passage.id));
        self.faqs.iter().map(|f| f.source).chain(passages).collect()
    }

    /// The best sentence, as it stands in its passage.
    pub fn best_sentence(&self) -> Option<(&Found, &str)> {
        self.picks.first().and_then(|pick| self.sentence(pick))
    }

    /// The words of a pick.
    pub fn sentence(&self, pick: &Pick) -> Option<(&Found, &str)> {
        let found = self.passages.get(pick.passage)?;
        let scored = found.read.sentences.get(pick.sentence)?;
        Some((found, found.passage.content.get(scored.range.clone())?))
    }
}

impl Evidence {
    /// Orders what the index gave for `asked` and keeps the best `limit` passages.
    pub fn of(asked: &Asked, hits: &[Hit], rows: Vec<Passage>, faqs: Vec<FoundFaq>, limit: usize) -> Self {
        let mut found = read_passages(asked, hits, rows);
        demote_duplicates(&mut found);
        let mut faqs = faqs;
        let quoted = own_language_first(asked, &mut found, &mut faqs);
        let mut evidence = Self { faqs, topic_terms: asked.topic_terms(), ..Self::default() };
        answered_before(&mut evidence, asked, &found);
        found.truncate(limit);
        let reads: Vec<&Read> = found.iter().map(|f| &f.read).collect();
        evidence.picks = rank::picks(reads.get(..quoted).unwrap_or(&reads));
        evidence.features = Features::of(asked, &reads, &evidence.picks);
        evidence.passages = found;
        evidence
    }
}

/// The FAQs among `rows`, those most like the question first. `idf` knows how rare a term is among their questions,
/// `probable` what was learnt from all of them.
pub fn faqs(
    asked: &Asked,
    rows: Vec<Faq>,
    idf: &dyn Fn(u32) -> f32,
    probable: Option<&Probabilities<'_>>,
) -> Vec<FoundFaq> {
    let rows = rows.into_iter().map(|faq| (SourceId::Faq(faq.id), faq.question, faq.answer));
    most_alike(asked, rows.collect(), idf, probable)
}

/// Those first whose answer the most alike questions have: a company asks the same in many ways.
fn most_alike(
    asked: &Asked,
    rows: Vec<(SourceId, String, String)>,
    idf: &dyn Fn(u32) -> f32,
    probable: Option<&Probabilities<'_>>,
) -> Vec<FoundFaq> {
    let mut found: Vec<(FoundFaq, Vec<f32>)> = rows
        .into_iter()
        .map(|(source, question, answer)| {
            let (similarity, held) = rank::likeness(asked, &question, idf);
            (FoundFaq { source, question, answer, similarity, agreement: 1.0 }, held)
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| b.similarity.total_cmp(&a.similarity).then(a.source.cmp(&b.source)));
    // By answer: what speaks for it, and what its questions hold together of the one asked.
    let mut answers: HashMap<String, (f32, Vec<f32>)> = HashMap::new();
    for (faq, held) in found.iter().take(VOTERS) {
        let (votes, together) = answers.entry(faq.answer.clone()).or_insert_with(|| (0.0, vec![0.0; held.len()]));
        *votes += faq.similarity.powi(VOTE);
        together.iter_mut().zip(held).for_each(|(all, own)| *all = all.max(*own));
    }
    for (votes, together) in answers.values_mut() {
        *votes *= rank::coverage(asked, together).powi(COVERED);
    }
    let all: f32 = answers.values().map(|(votes, _)| votes).sum();
    let mut found: Vec<(f32, FoundFaq)> = found
        .into_iter()
        .map(|(faq, _)| {
            let votes = answers.get(&faq.answer).map_or(0.0, |(votes, _)| *votes);
            let share = if all > 0.0 { votes / all } else { 0.0 };
            let probability = probable.map(|probable| probable.of(&faq.answer));
            (
                share * probability.unwrap_or(1.0),
                FoundFaq { agreement: probability.map_or(share, |p| p.max(share * faq.similarity.powi(VOTE))), ..faq },
            )
        })
        .collect();
    found.sort_by(|(a_for, a), (b_for, b)| {
        b_for.total_cmp(a_for).then(b.similarity.total_cmp(&a.similarity)).then(a.source.cmp(&b.source))
    });
    found.into_iter().map(|(_, faq)| faq).take(FAQS).collect()
}

/// Reads the candidates and orders them.
fn read_passages(asked: &Asked, hits: &[Hit], rows: Vec<Passage>) -> Vec<Found> {
    let places: HashMap<Uuid, usize> = hits.iter().enumerate().map(|(i, h)| (h.id, i)).collect();
    let mut found: Vec<(usize, Found)> = rows
        .into_iter()
        .filter_map(|passage| {
            let place = *places.get(&passage.id.0)?;
            let hit = hits.get(place)?;
            let title = rank::headline(&passage.title, &passage.heading_path);
            let read = if place < READ {
                rank::read(
                    asked,
                    rank::Text {
                        title: &title,
                        is_first: passage.chunk_index == 0,
                        content: &passage.content,
                        lexical: hit.lexical,
                    },
                )
            } else {
                Read { normalised: hit.lexical / asked.best_weight.max(f32::EPSILON), ..Read::default() }
            };
            let found =
                Found { score: read.score, lexical: hit.lexical, dense: hit.dense, read, passage, is_duplicate: false };
            Some((place, found))
        })
        .collect();
    prefer_language(asked, &mut found);
    fuse(&mut found);
    found.sort_by(|(a_place, a), (b_place, b)| b.score.total_cmp(&a.score).then(a_place.cmp(b_place)));
    found.into_iter().map(|(_, f)| f).collect()
}

/// What the same words count for less when the passage is not in the language of the question.
const OTHER_LANGUAGE: f32 = 0.35;

/// Of two passages that say the same in two languages, the customer's is wanted.
fn prefer_language(asked: &Asked, found: &mut [(usize, Found)]) {
    for (_, f) in found.iter_mut().filter(|(_, f)| is_foreign(asked, &f.passage.content)) {
        f.score -= OTHER_LANGUAGE;
        f.read.score -= OTHER_LANGUAGE;
    }
}

/// Whether `text` is not in the language of the question.
fn is_foreign(asked: &Asked, text: &str) -> bool {
    let begins = text.get(..text.floor_char_boundary(400)).unwrap_or_default();
    asked.language.is_some_and(|wanted| Language::detect(begins).is_some_and(|spoken| spoken != wanted))
}

/// The share of what the best passage of another language holds of the question from which on one of the customer's own
/// is quoted instead.
const USABLE: f32 = 0.5;

/// Puts what is quoted from first, and says how many passages that are: those in the customer's language, as long as
/// one of them says something of what is asked. Nobody is answered in a language that they don't write while documents in
/// their own may answer; a model, which translates, still sees the others.
fn own_language_first(asked: &Asked, found: &mut [Found], faqs: &mut Vec<FoundFaq>) -> usize {
    let held = |foreign: bool| {
        let of = found.iter().filter(|f| is_foreign(asked, &f.passage.content) == foreign);
        of.map(|f| f.read.coverage).fold(0.0, f32::max)
    };
    let answered = faqs.iter().filter(|faq| is_foreign(asked, &faq.answer)).map(|faq| faq.similarity);
    let (own, foreign) = (held(false), answered.fold(held(true), f32::max));
    if foreign == 0.0 || own < USABLE * foreign {
        return rank::QUOTED;
    }
    faqs.retain(|faq| !is_foreign(asked, &faq.answer));
    let mut first = 0;
    for at in 0..found.len() {
        let is_own = found.get(at).is_some_and(|f| !is_foreign(asked, &f.passage.content));
        if is_own && first < rank::QUOTED {
            if let Some(moved) = found.get_mut(first..=at) {
                moved.rotate_right(1);
            }
            first += 1;
        }
    }
    first
}

/// Adds what meaning says to what words say. The better the words fit, the less meaning may change: a weak embedding
/// model must not spoil what the words found, and a question in the other language lives by meaning alone.
fn fuse(found: &mut [(usize, Found)]) {
    let dense: Vec<f32> = found.iter().map(|(_, f)| f.dense).filter(|d| *d != 0.0).collect();
    let (Some(low), Some(high)) = (dense.iter().copied().reduce(f32::min), dense.iter().copied().reduce(f32::max))
    else {
        return;
    };
    let coverage = found.iter().map(|(_, f)| f.read.coverage).fold(0.0, f32::max);
    let weight = 0.4 + 1.2 * (1.0 - coverage);
    for (_, f) in found {
        if f.dense != 0.0 && high > low {
            f.score += weight * (f.dense - low) / (high - low);
        }
    }
}

/// Puts passages that repeat a better one behind all others.
fn demote_duplicates(found: &mut Vec<Found>) {
    let terms: Vec<Vec<u32>> = found
        .iter()
        .take(12)
        .map(|f| {
            let mut ids = lexical::term_ids(&f.passage.content);
            ids.sort_unstable();
            ids.dedup();
            ids
        })
        .collect();
    for i in 1..terms.len() {
        let repeats = (0..i).any(|j| {
            found.get(j).is_some_and(|f| !f.is_duplicate)
                && matches!((terms.get(i), terms.get(j)), (Some(a), Some(b)) if alike(a, b) >= SAME)
        });
        if let Some(f) = found.get_mut(i) {
            f.is_duplicate = repeats;
        }
    }
    let (first, repeated): (Vec<Found>, Vec<Found>) = found.drain(..).partition(|f| !f.is_duplicate);
    found.extend(first);
    found.extend(repeated);
}

/// The Jaccard similarity of two sorted sets.
fn alike(a: &[u32], b: &[u32]) -> f32 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let common = a.iter().filter(|id| b.binary_search(id).is_ok()).count();
    common as f32 / (a.len() + b.len() - common) as f32
}

/// Passages that are a question with its answer are FAQs as well.
fn answered_before(evidence: &mut Evidence, asked: &Asked, found: &[Found]) {
    let idf = |term: u32| asked.terms.iter().find(|t| t.id == term).map_or(asked.typical_idf(), |t| t.idf);
    let rows: Vec<(SourceId, String, String)> = found
        .iter()
        .take(READ)
        .filter_map(|f| {
            let text = |key: &str| f.passage.metadata.get(key).and_then(|v| v.as_str());
            match (text("kind"), text("question"), text("answer")) {
                (Some("faq"), Some(question), Some(answer)) => {
                    Some((SourceId::Passage(f.passage.id), question.to_owned(), answer.to_owned()))
                }
                _ => None,
            }
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    evidence.faqs.extend(most_alike(asked, rows, &idf, None));
    evidence.faqs.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.source.cmp(&b.source)));
    evidence.faqs.truncate(FAQS);
}

impl Asked {
    /// How many terms of topic there are: words, numbers, and Chinese by pairs.
    pub fn topic_terms(&self) -> usize {
        let counts = |t: &&rank::Term| !t.is_implied && matches!(t.kind, Kind::Word | Kind::Number | Kind::Pair);
        self.terms.iter().filter(counts).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_alike_by_what_they_share() {
        assert_eq!(alike(&[1, 2, 3], &[1, 2, 3]), 1.0);
        assert_eq!(alike(&[1, 2], &[2, 3]), 1.0 / 3.0);
        assert_eq!(alike(&[], &[1]), 0.0);
    }

    fn found(question: &str, texts: &[&str]) -> Evidence {
        found_with(question, texts, Vec::new())
    }

    fn found_with(question: &str, texts: &[&str], faqs: Vec<FoundFaq>) -> Evidence {
        let rows: Vec<Passage> = texts.iter().map(|text| Passage::sample("", text)).collect();
        let hits: Vec<Hit> = rows.iter().map(|row| Hit { id: row.id.0, lexical: 1.0, dense: 0.0 }).collect();
        Evidence::of(&Asked::read(question), &hits, rows, faqs, texts.len())
    }

    #[test]
    fn the_customer_s_language_is_quoted_where_it_may_answer() {
        let chinese = "KT-120 是电热水壶，KT-120 how long，烧开满壶水需要 5 分钟。";
        let english = "The KT-120 keeps nothing warm, and it is a kettle of steel.";
        let quoted = |question: &str, texts: &[&str]| {
            found(question, texts).best_sentence().map(|(_, text)| text.trim().to_owned()).unwrap_or_default()
        };
        assert_eq!(quoted("KT-120 boils how long", &[chinese, english]), english);
        assert_eq!(quoted("KT-120 烧开多久", &[english, chinese]), chinese);
        let elsewhere = "The showroom is closed on Mondays and on public holidays.";
        assert_eq!(quoted("KT-120 how long", &[chinese, elsewhere]), chinese, "nothing of it in their own");
        let faq = FoundFaq {
            source: SourceId::Faq(FaqId::new()),
            question: "KT-120 how long".into(),
            answer: "烧开满壶水需要 5 分钟。".into(),
            similarity: 1.0,
            agreement: 1.0,
        };
        let faqs = |texts: &[&str]| found_with("KT-120 how long", texts, vec![faq.clone()]).faqs.len();
        assert_eq!((faqs(&[english]), faqs(&[elsewhere])), (0, 1), "nor of an answer given before");
        // What a model may translate stays in the evidence.
        assert_eq!(found("KT-120 boils how long", &[chinese, english]).passages.len(), 2);
    }
}
