//! One search: from a question to the passages and FAQs that may answer it, in a fixed order.

use std::collections::{HashMap, HashSet};

use super::{
    Collection, Faq, Generation,
    evidence::{self, Evidence, FoundFaq, READ},
    learn,
    rank::{Asked, Features},
    store,
};
use crate::{
    app::{App, DocumentId, FaqId, KnowledgeBaseId, OrgId, PassageId},
    platform::{
        error::Result,
        lexical::{self, SparseVector},
        model::Model,
        vectors::{Filter, Hit, Search},
    },
};

/// How many candidates the index gives.
const CANDIDATES: usize = 50;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Query {
    pub text: String,
    /// How many passages to return.
    pub limit: usize,
    /// Only these knowledge bases; empty: all.
    pub bases: Vec<KnowledgeBaseId>,
    /// Leave the search by meaning out, which asks a model.
    pub by_words_alone: bool,
    /// Understands the question in the place of the application's model: one whose calls are recorded.
    pub model: Option<Model>,
}

impl Query {
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self { text: text.into(), limit, bases: Vec::new(), by_words_alone: false, model: None }
    }
}

/// Finds what may answer `query`. The same query on the same state gives the same evidence in the same order.
pub async fn search(app: &App, org: OrgId, query: &Query) -> Result<Evidence> {
    let model = query.model.as_ref().unwrap_or(&app.model).pinned();
    let mut asked = Asked::read(&query.text);
    if asked.terms.is_empty() && !model.can_embed() {
        return Ok(Evidence { features: Features { unknown: 1.0, ..Features::default() }, ..Evidence::default() });
    }
    let mut reader = app.read().await?;
    let passages = store::generations::live(reader.conn(), org, Collection::Passages).await?;
    let faqs = store::generations::live(reader.conn(), org, Collection::Faqs).await?;
    let mut evidence = Evidence { topic_terms: asked.topic_terms(), ..Evidence::default() };

    let dense = match &passages {
        Some(generation)
            if model.can_embed() && !query.by_words_alone && model.embedding_model() == generation.embedding_model =>
        {
            drop(reader);
            let dense = match model.embed(std::slice::from_ref(&query.text)).await {
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
        let hits = hits(app, generation, asked.query(), dense.clone(), query, CANDIDATES).await?;
        evidence.faqs = read_faqs(app, &mut reader, org, &asked, &query.text, &hits).await?;
    }
    let Some(generation) = &passages else {
        evidence.features.unknown = 1.0;
        return Ok(evidence);
    };
    weigh(&mut asked, &mut reader, org, Collection::Passages).await?;
    let hits = hits(app, generation, asked.query(), dense, query, CANDIDATES.max(query.limit)).await?;
    let ids: Vec<PassageId> = hits.iter().map(|h| PassageId(h.id)).take(READ.max(query.limit)).collect();
    let rows = store::passages::valid(reader.conn(), org, &ids, app.now()).await?;
    drop(reader);
    Ok(Evidence { degraded: evidence.degraded, ..Evidence::of(&asked, &hits, rows, evidence.faqs, query.limit) })
}

/// Those of `terms` that any passage holds.
pub async fn known_terms(app: &App, org: OrgId, terms: &[u32]) -> Result<HashSet<u32>> {
    let (_, frequencies) =
        store::words::frequencies(app.read().await?.conn(), org, Collection::Passages, terms).await?;
    Ok(frequencies.into_iter().filter(|(_, n)| *n > 0).map(|(term, _)| term).collect())
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
    let related = asked.terms.iter().flat_map(|t| t.related.iter().map(|word| word.id));
    let mut ids: Vec<u32> = asked.terms.iter().map(|t| t.id).chain(related).collect();
    ids.sort_unstable();
    ids.dedup();
    let (totals, frequencies) = store::words::frequencies(reader.conn(), org, collection, &ids).await?;
    asked.weigh(count(totals.entry_count), |term| frequencies.get(&term).copied().unwrap_or(0));
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

async fn read_faqs(
    app: &App,
    reader: &mut crate::platform::db::Reader,
    org: OrgId,
    asked: &Asked,
    question: &str,
    hits: &[Hit],
) -> Result<Vec<FoundFaq>> {
    let ids: Vec<FaqId> = hits.iter().map(|h| FaqId(h.id)).collect();
    let rows: Vec<Faq> = store::faqs::by_ids(reader.conn(), org, &ids).await?;
    let mut terms: Vec<u32> = rows.iter().flat_map(|f| lexical::tokens(&f.question)).map(|t| t.id).collect();
    terms.sort_unstable();
    terms.dedup();
    let (totals, frequencies) = store::words::frequencies(reader.conn(), org, Collection::Faqs, &terms).await?;
    let idf = |term: u32| lexical::idf(frequencies.get(&term).copied().unwrap_or(0), count(totals.entry_count));
    let classifier = learn::classifier(app, reader, org, totals.revision).await?;
    let probable = classifier.as_ref().map(|classifier| classifier.probabilities(question));
    Ok(evidence::faqs(asked, rows, &idf, probable.as_ref()))
}
