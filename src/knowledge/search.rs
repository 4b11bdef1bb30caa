//! One search: from a question to the passages and FAQs that may answer it, in a fixed order.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Collection, Faq, Generation, Passage,
    rank::{self, Asked, Features, Pick, Read},
    store,
};
use crate::{
    app::{App, DocumentId, FaqId, KnowledgeBaseId, OrgId, PassageId},
    platform::{
        error::Result,
        lexical::{self, Kind, SparseVector},
        vectors::{Filter, Hit, Search},
    },
};

/// How many candidates the index gives.
const CANDIDATES: usize = 50;
/// How many of them are read again.
const READ: usize = 24;
/// From how alike on two passages say the same.
const SAME: f32 = 0.9;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Query {
    pub text: String,
    /// How many passages to return.
    pub limit: usize,
    /// Only these knowledge bases; empty: all.
    pub bases: Vec<KnowledgeBaseId>,
}

impl Query {
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self { text: text.into(), limit, bases: Vec::new() }
    }
}

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

/// Finds what may answer `query`. The same query on the same state gives the same evidence in the same order.
pub async fn search(app: &App, org: OrgId, query: &Query) -> Result<Evidence> {
    let mut asked = Asked::read(&query.text);
    if asked.terms.is_empty() && !app.model.can_embed() {
        return Ok(Evidence { features: Features { unknown: 1.0, ..Features::default() }, ..Evidence::default() });
    }
    let mut reader = app.read().await?;
    let passages = store::generations::live(reader.conn(), org, Collection::Passages).await?;
    let faqs = store::generations::live(reader.conn(), org, Collection::Faqs).await?;
    let mut evidence = Evidence { topic_terms: asked.topic_terms(), ..Evidence::default() };

    let dense = match &passages {
        Some(generation)
            if app.model.can_embed() && app.model.embedding_model() == generation.embedding_model.as_deref() =>
        {
            drop(reader);
            let dense = match app.model.embed(std::slice::from_ref(&query.text)).await {
                Ok(mut vectors) => vectors.pop(),
                Err(error) => {
                    evidence.degraded = Some(error.to_string());
                    None
                }
            };
            reader = app.read().await?;
            dense
        }
        _ => None,
    };

    if let Some(generation) = &faqs {
        let mut asked = asked.clone();
        weigh(&mut asked, &mut reader, org, Collection::Faqs).await?;
        let hits = hits(app, generation, asked.query(), dense.clone(), query, 12).await?;
        evidence.faqs = read_faqs(&mut reader, org, &asked, &hits).await?;
    }
    let Some(generation) = &passages else {
        evidence.features.unknown = 1.0;
        return Ok(evidence);
    };
    weigh(&mut asked, &mut reader, org, Collection::Passages).await?;
    let hits = hits(app, generation, asked.query(), dense, query, CANDIDATES.max(query.limit)).await?;
    let ids: Vec<PassageId> = hits.iter().map(|h| PassageId(h.id)).take(READ.max(query.limit)).collect();
    let rows = store::passages::by_ids(reader.conn(), org, &ids).await?;
    drop(reader);
    let mut found = read_passages(&asked, &hits, rows);
    demote_duplicates(&mut found);
    answered_before(&mut evidence, &asked, &found);
    found.truncate(query.limit);
    let reads: Vec<&Read> = found.iter().map(|f| &f.read).collect();
    evidence.picks = rank::picks(&reads);
    evidence.features = Features::of(&asked, &reads, &evidence.picks);
    evidence.passages = found;
    Ok(evidence)
}

/// By document, the source it came from.
pub async fn sources(app: &App, org: OrgId) -> Result<HashMap<DocumentId, String>> {
    let mut sources = HashMap::new();
    let mut page = store::documents::Filter { kb: None, status: None, after: None, limit: 1000 };
    loop {
        let documents = store::documents::list(app.read().await?.conn(), org, &page).await?;
        let Some(last) = documents.last() else { return Ok(sources) };
        page.after = Some(last.id);
        sources.extend(documents.into_iter().map(|d| (d.id, d.source)));
    }
}

async fn weigh(
    asked: &mut Asked,
    reader: &mut crate::platform::db::Reader,
    org: OrgId,
    collection: Collection,
) -> Result<()> {
    let ids: Vec<u32> = asked.terms.iter().map(|t| t.id).collect();
    let totals = store::words::totals(reader.conn(), org, collection).await?;
    let frequencies = store::words::frequencies(reader.conn(), org, collection, &ids).await?;
    asked.weigh(count(totals.entry_count), |term| frequencies.get(&term).map_or(0, |df| count(*df)));
    Ok(())
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

async fn hits(
    app: &App,
    generation: &Generation,
    lexical: SparseVector,
    dense: Option<Vec<f32>>,
    query: &Query,
    limit: usize,
) -> Result<Vec<Hit>> {
    let mut filter = Filter::all().valid_at(app.now().timestamp());
    if !query.bases.is_empty() {
        filter = filter.one_of("kb_id", query.bases.iter().map(ToString::to_string));
    }
    let search = Search { lexical: (!lexical.is_empty()).then_some(lexical), dense, filter, limit };
    app.vectors.search(&generation.name(), search).await
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
                rank::read(asked, rank::Text { title: &title, content: &passage.content, lexical: hit.lexical })
            } else {
                Read { normalised: hit.lexical / asked.best_weight.max(f32::EPSILON), ..Read::default() }
            };
            let found =
                Found { score: read.score, lexical: hit.lexical, dense: hit.dense, read, passage, is_duplicate: false };
            Some((place, found))
        })
        .collect();
    fuse(&mut found);
    found.sort_by(|(a_place, a), (b_place, b)| b.score.total_cmp(&a.score).then(a_place.cmp(b_place)));
    found.into_iter().map(|(_, f)| f).collect()
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
            let mut ids = Vec::new();
            lexical::each_term(&f.passage.content, |id| ids.push(id));
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

async fn read_faqs(
    reader: &mut crate::platform::db::Reader,
    org: OrgId,
    asked: &Asked,
    hits: &[Hit],
) -> Result<Vec<FoundFaq>> {
    let ids: Vec<FaqId> = hits.iter().map(|h| FaqId(h.id)).collect();
    let rows: Vec<Faq> = store::faqs::by_ids(reader.conn(), org, &ids).await?;
    let mut terms: Vec<u32> = rows.iter().flat_map(|f| lexical::tokens(&f.question)).map(|t| t.id).collect();
    terms.sort_unstable();
    terms.dedup();
    let totals = store::words::totals(reader.conn(), org, Collection::Faqs).await?;
    let frequencies = store::words::frequencies(reader.conn(), org, Collection::Faqs, &terms).await?;
    let idf = |term: u32| lexical::idf(frequencies.get(&term).map_or(0, |df| count(*df)), count(totals.entry_count));
    let mut found: Vec<FoundFaq> = rows
        .into_iter()
        .map(|faq| FoundFaq {
            source: SourceId::Faq(faq.id),
            similarity: rank::same_question(asked, &faq.question, &idf),
            question: faq.question,
            answer: faq.answer,
        })
        .collect();
    found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.source.cmp(&b.source)));
    found.truncate(5);
    Ok(found)
}

/// Passages that are a question with its answer are FAQs as well.
fn answered_before(evidence: &mut Evidence, asked: &Asked, found: &[Found]) {
    let idf = |term: u32| asked.terms.iter().find(|t| t.id == term).map_or(asked.typical_idf(), |t| t.idf);
    for f in found.iter().take(READ) {
        let text = |key: &str| f.passage.metadata.get(key).and_then(|v| v.as_str());
        if let (Some("faq"), Some(question), Some(answer)) = (text("kind"), text("question"), text("answer")) {
            evidence.faqs.push(FoundFaq {
                source: SourceId::Passage(f.passage.id),
                similarity: rank::same_question(asked, question, &idf),
                question: question.to_owned(),
                answer: answer.to_owned(),
            });
        }
    }
    evidence.faqs.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.source.cmp(&b.source)));
    evidence.faqs.truncate(5);
}

impl Asked {
    /// How many terms of topic there are: words, numbers, and Chinese by pairs.
    pub fn topic_terms(&self) -> usize {
        self.terms.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Pair)).count()
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
}
