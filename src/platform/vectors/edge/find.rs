//! Searching one open collection.

use std::collections::HashSet;

use qdrant_edge::{
    self as qdrant, EdgeShard, HasIdCondition, NamedQuery, PointId, Prefetch, QueryEnum, QueryRequest, ScoredPoint,
    ScoringQuery, SearchRequest, VectorInternal,
};
use uuid::Uuid;

use super::{
    native::{self, Passing},
    shard::{Engine, failed},
};
use crate::platform::{
    error::{Error, Result},
    vectors::{DENSE, Decay, Decayed, Hit, LEXICAL, Search, check_length, rank},
};

/// What is asked, in the engine's words.
struct Question {
    lexical: Option<NamedQuery<VectorInternal>>,
    dense: Option<NamedQuery<VectorInternal>>,
    filter: Option<qdrant::Filter>,
}

/// `None` if nothing can be found.
fn question(engine: &Engine, search: Search) -> Result<Option<Question>> {
    let Passing::Some(filter) = native::filter(&search.filter, engine)? else {
        return Ok(None);
    };
    let filter = (filter != qdrant::Filter::default()).then_some(filter);
    let lexical = match search.lexical.filter(|v| !v.indices.is_empty()) {
        Some(vector) => Some(NamedQuery::new(VectorInternal::Sparse(native::sparse(vector)?), LEXICAL)),
        None => None,
    };
    let dense = search.dense.filter(|_| engine.shape.dense_dimensions.is_some());
    check_length(engine.shape, &dense)?;
    let dense = dense.map(|vector| NamedQuery::new(VectorInternal::Dense(vector), DENSE));
    Ok(Some(Question { lexical, dense, filter }))
}

/// The best by words and by meaning, with both scores.
pub fn best(engine: &Engine, search: Search) -> Result<Vec<Hit>> {
    let limit = search.limit;
    let Some(Question { lexical, dense, filter }) = question(engine, search)? else {
        return Ok(Vec::new());
    };
    let engine = &engine.edge;
    let by_words = match &lexical {
        Some(query) => nearest_exactly(engine, query, filter.as_ref(), limit)?,
        None => Vec::new(),
    };
    let by_meaning = match &dense {
        Some(query) => nearest_exactly(engine, query, filter.as_ref(), limit)?,
        None => Vec::new(),
    };
    let (mut words, mut meaning) = (by_words.clone(), by_meaning.clone());
    // What only one of the two searches brought up gets its other score: a search among these few is exact.
    if let (Some(lexical), Some(dense)) = (lexical, dense) {
        words.extend(among(engine, lexical, missing_in(&by_words, &by_meaning))?);
        meaning.extend(among(engine, dense, missing_in(&by_meaning, &by_words))?);
    }
    // Both lists are already cut at `limit`.
    rank::union(words, meaning, limit, usize::MAX)
        .map_err(|_| Error::Internal(anyhow::anyhow!("a complete list of hits is incomplete")))
}

/// The best of the candidates after weighing and ageing.
pub fn decayed(engine: &Engine, search: Search, decay: &Decay) -> Result<Vec<Decayed>> {
    let (limit, candidates) = (search.limit, rank::candidates(search.limit));
    let Some(Question { lexical, dense, filter }) = question(engine, search)? else {
        return Ok(Vec::new());
    };
    let queries = [(lexical, decay.lexical_weight), (dense, decay.dense_weight)];
    let (queries, weights): (Vec<_>, Vec<f32>) =
        queries.into_iter().filter_map(|(query, weight)| Some((query?, weight))).unzip();
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let prefetch = |query: &NamedQuery<VectorInternal>, filter, limit, prefetches| Prefetch {
        prefetches,
        query: Some(ScoringQuery::Vector(QueryEnum::Nearest(query.clone()))),
        limit,
        params: None,
        filter,
        score_threshold: None,
    };
    let found: Vec<Prefetch> =
        queries.iter().map(|query| prefetch(query, filter.clone(), candidates, Vec::new())).collect();
    // With two queries each of them scores what both bring up.
    let scored = match queries.len() {
        1 => found,
        _ => queries.iter().map(|query| prefetch(query, None, candidates * 2, found.clone())).collect(),
    };
    let request = QueryRequest {
        prefetches: scored,
        query: Some(native::decay(decay, &weights)?),
        filter: None,
        score_threshold: None,
        limit: candidates * 2,
        offset: 0,
        params: None,
        with_vector: false.into(),
        with_payload: false.into(),
    };
    Ok(rank::decayed(scores(engine.edge.query(request).map_err(failed)?), limit))
}

/// Those of `other` that are not in `list`.
fn missing_in(list: &[(Uuid, f32)], other: &[(Uuid, f32)]) -> Vec<PointId> {
    let known: HashSet<Uuid> = list.iter().map(|(id, _)| *id).collect();
    other.iter().filter(|(id, _)| !known.contains(id)).map(|(id, _)| PointId::Uuid(*id)).collect()
}

/// The best `limit`; of equals at the end those with the smaller ids.
fn nearest_exactly(
    engine: &EdgeShard,
    query: &NamedQuery<VectorInternal>,
    filter: Option<&qdrant::Filter>,
    limit: usize,
) -> Result<Vec<(Uuid, f32)>> {
    let mut asked = rank::first_ask(limit);
    loop {
        let found = nearest(engine, query.clone(), filter.cloned(), asked)?;
        match rank::best(found, limit, asked) {
            Ok(best) => return Ok(best),
            Err(more) => asked = more,
        }
    }
}

fn among(engine: &EdgeShard, query: NamedQuery<VectorInternal>, ids: Vec<PointId>) -> Result<Vec<(Uuid, f32)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let limit = ids.len();
    let filter = qdrant::Filter::new_must(qdrant::Condition::HasId(ids.into_iter().collect::<HasIdCondition>()));
    nearest(engine, query, Some(filter), limit)
}

fn nearest(
    engine: &EdgeShard,
    query: NamedQuery<VectorInternal>,
    filter: Option<qdrant::Filter>,
    limit: usize,
) -> Result<Vec<(Uuid, f32)>> {
    let request = SearchRequest {
        query: QueryEnum::Nearest(query),
        filter,
        params: None,
        limit,
        offset: 0,
        with_payload: None,
        with_vector: None,
        score_threshold: None,
    };
    Ok(scores(engine.search(request).map_err(failed)?))
}

fn scores(points: Vec<ScoredPoint>) -> Vec<(Uuid, f32)> {
    let ids = points.into_iter().map(|point| (point.id, point.score));
    ids.filter_map(|(id, score)| if let PointId::Uuid(id) = id { Some((id, score)) } else { None }).collect()
}
