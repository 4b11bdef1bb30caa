//! The engine in this process: `qdrant-edge`, one directory per collection.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use qdrant_edge::{
    self as native, EdgeShard, FieldCondition, HasIdCondition, IsEmptyCondition, NamedQuery, PointId,
    PointInsertOperations, PointOperations, PointStructPersisted, QueryEnum, Range, ScrollRequest, SearchRequest,
    UpdateOperation, VectorInternal, VectorPersisted, VectorStructPersisted, WithPayloadInterface,
    external::ordered_float::OrderedFloat,
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Condition, DENSE, Filter, Hit, LEXICAL, Point, Search, Shape, SparseVector, check_length, missing, rank, shard,
};
use crate::platform::error::{Error, Result, blocking};
use shard::{Engine, Shard, failed};

/// Collections that stay open at the same time; each costs open files and memory.
const OPEN_COLLECTIONS: usize = 64;
/// Points that go into the engine's log as one entry.
const BATCH: usize = 500;
/// A growing part's index costs time in proportion to its size: after so many points it is built and a new one begun.
const OPTIMIZE_EVERY: usize = 2000;
/// Ids read at once.
const PAGE: usize = 10_000;

/// Collections in one directory.
pub struct Edge {
    dir: PathBuf,
    shards: Mutex<HashMap<String, Arc<Shard>>>,
    calls: AtomicU64,
}

impl Edge {
    pub(super) fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir)?;
        for entry in fs::read_dir(dir)?.flatten() {
            if entry.path().extension().is_some_and(|e| e == "dropped") {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self { dir: dir.to_path_buf(), shards: Mutex::default(), calls: AtomicU64::new(0) })
    }

    pub(super) fn describe(&self) -> String {
        "Qdrant Edge, in this process".into()
    }

    /// The collection's shard, whether it exists on disk or not. Blocks: it may have to close another one.
    fn shard(&self, collection: &str) -> Arc<Shard> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = shards.get(collection) {
            shard.used.store(call, Ordering::Relaxed);
            return Arc::clone(shard);
        }
        // While the list is locked nobody else can get hold of a shard that nobody holds now.
        while shards.len() >= OPEN_COLLECTIONS {
            let idle = shards.iter().filter(|(_, shard)| Arc::strong_count(shard) == 1);
            let Some(oldest) =
                idle.min_by_key(|(_, shard)| shard.used.load(Ordering::Relaxed)).map(|(name, _)| name.clone())
            else {
                break;
            };
            shards.remove(&oldest);
        }
        let shard = Arc::new(Shard::new(self.dir.join(collection)));
        shard.used.store(call, Ordering::Relaxed);
        shards.insert(collection.to_string(), Arc::clone(&shard));
        shard
    }

    async fn on<T: Send + 'static>(
        self: &Arc<Self>,
        collection: &str,
        work: impl FnOnce(&Shard) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = Arc::clone(self);
        let collection = collection.to_string();
        blocking(move || work(&this.shard(&collection))).await
    }

    pub(super) async fn create(self: &Arc<Self>, collection: &str, shape: Shape) -> Result<()> {
        self.on(collection, move |shard| shard.create(shape)).await
    }

    pub(super) async fn drop_collection(self: &Arc<Self>, collection: &str) -> Result<()> {
        self.on(collection, Shard::remove).await
    }

    pub(super) async fn collections(self: &Arc<Self>) -> Result<Vec<String>> {
        let dir = self.dir.clone();
        blocking(move || {
            let mut names: Vec<String> = fs::read_dir(dir)?
                .flatten()
                .filter(|entry| entry.path().is_dir())
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| super::check_name(name).is_ok())
                .collect();
            names.sort_unstable();
            Ok(names)
        })
        .await
    }

    pub(super) async fn upsert(self: &Arc<Self>, collection: &str, points: Vec<Point>) -> Result<()> {
        self.on(collection, move |shard| {
            shard
                .write(|engine, since_optimized| {
                    check_length(engine.shape, points.iter().filter_map(|p| p.dense.as_ref()))?;
                    engine.prepare_for(&points)?;
                    let mut points = points.into_iter().map(native_point).peekable();
                    while points.peek().is_some() {
                        let batch: Vec<_> = points.by_ref().take(BATCH).collect();
                        *since_optimized += batch.len();
                        change(&engine.edge, PointOperations::UpsertPoints(PointInsertOperations::PointsList(batch)))?;
                        if *since_optimized >= OPTIMIZE_EVERY {
                            shard::optimize(&engine.edge)?;
                            *since_optimized = 0;
                        }
                    }
                    Ok(())
                })?
                .ok_or_else(missing)
        })
        .await
    }

    pub(super) async fn delete(self: &Arc<Self>, collection: &str, ids: &[Uuid]) -> Result<()> {
        let ids: Vec<PointId> = ids.iter().map(|id| PointId::Uuid(*id)).collect();
        self.on(collection, move |shard| {
            shard.write(|engine, _| change(&engine.edge, PointOperations::DeletePoints { ids }))?;
            Ok(())
        })
        .await
    }

    pub(super) async fn delete_where(self: &Arc<Self>, collection: &str, filter: Filter) -> Result<()> {
        self.on(collection, move |shard| {
            shard.write(|engine, _| match native_filter(&filter, engine)? {
                Passing::Some(filter) => change(&engine.edge, PointOperations::DeletePointsByFilter(filter)),
                Passing::None => Ok(()),
            })?;
            Ok(())
        })
        .await
    }

    pub(super) async fn flush(self: &Arc<Self>, collection: &str) -> Result<()> {
        self.on(collection, Shard::flush).await
    }

    pub(super) async fn optimize(self: &Arc<Self>, collection: &str) -> Result<()> {
        self.on(collection, |shard| {
            shard.write(|engine, since_optimized| {
                *since_optimized = 0;
                shard::optimize(&engine.edge)
            })?;
            Ok(())
        })
        .await
    }

    pub(super) async fn count(self: &Arc<Self>, collection: &str) -> Result<usize> {
        // The engine's own count takes a point twice that a crash left in two places.
        Ok(self.ids(collection, None).await?.len())
    }

    pub(super) async fn ids(
        self: &Arc<Self>,
        collection: &str,
        field: Option<&str>,
    ) -> Result<Vec<(Uuid, Option<Value>)>> {
        let field = field.map(String::from);
        self.on(collection, move |shard| {
            Ok(shard.read(|engine| all_ids(&engine.edge, field.as_deref()))?.unwrap_or_default())
        })
        .await
    }

    pub(super) async fn search(self: &Arc<Self>, collection: &str, search: Search) -> Result<Vec<Hit>> {
        self.on(collection, move |shard| Ok(shard.read(|engine| find(engine, search))?.unwrap_or_default())).await
    }

    pub(super) async fn health(&self) -> Result<()> {
        if self.dir.is_dir() {
            Ok(())
        } else {
            Err(Error::Unavailable {
                service: "the vector engine",
                source: anyhow::anyhow!("{} is gone", self.dir.display()),
            })
        }
    }
}

fn change(engine: &EdgeShard, operation: PointOperations) -> Result<()> {
    engine.update(UpdateOperation::PointOperation(operation)).map_err(failed)
}

fn all_ids(engine: &EdgeShard, field: Option<&str>) -> Result<Vec<(Uuid, Option<Value>)>> {
    let with_payload = match field {
        Some(field) => WithPayloadInterface::Fields(vec![shard::path(field)?]),
        None => WithPayloadInterface::Bool(false),
    };
    let mut ids = Vec::new();
    let mut offset = None;
    loop {
        let request = ScrollRequest {
            offset,
            limit: Some(PAGE),
            filter: None,
            with_payload: Some(with_payload.clone()),
            with_vector: false.into(),
            order_by: None,
        };
        let (records, next) = engine.scroll(request).map_err(failed)?;
        ids.extend(records.into_iter().filter_map(|record| {
            let PointId::Uuid(id) = record.id else { return None };
            let value = field.and_then(|field| record.payload.and_then(|mut p| p.0.remove(field)));
            Some((id, value))
        }));
        if next.is_none() {
            ids.sort_unstable_by_key(|(id, _)| *id);
            return Ok(ids);
        }
        offset = next;
    }
}

fn find(engine: &Engine, search: Search) -> Result<Vec<Hit>> {
    let Passing::Some(filter) = native_filter(&search.filter, engine)? else {
        return Ok(Vec::new());
    };
    let filter = (filter != native::Filter::default()).then_some(filter);
    let lexical = match search.lexical.filter(|v| !v.indices.is_empty()) {
        Some(vector) => Some(NamedQuery::new(VectorInternal::Sparse(native_sparse(vector)?), LEXICAL)),
        None => None,
    };
    let dense = search.dense.filter(|_| engine.shape.dense_dimensions.is_some());
    check_length(engine.shape, &dense)?;
    let engine = &engine.edge;
    let dense = dense.map(|vector| NamedQuery::new(VectorInternal::Dense(vector), DENSE));
    let by_words = match &lexical {
        Some(query) => best(engine, query, filter.as_ref(), search.limit)?,
        None => Vec::new(),
    };
    let by_meaning = match &dense {
        Some(query) => best(engine, query, filter.as_ref(), search.limit)?,
        None => Vec::new(),
    };
    let (mut words, mut meaning) = (by_words.clone(), by_meaning.clone());
    // What only one of the two searches brought up gets its other score: a search among these few is exact.
    if let (Some(lexical), Some(dense)) = (lexical, dense) {
        words.extend(among(engine, lexical, missing_in(&by_words, &by_meaning))?);
        meaning.extend(among(engine, dense, missing_in(&by_meaning, &by_words))?);
    }
    // Both lists are already cut at `limit`.
    rank::union(words, meaning, search.limit, usize::MAX)
        .map_err(|_| Error::Internal(anyhow::anyhow!("a complete list of hits is incomplete")))
}

/// Those of `other` that are not in `list`.
fn missing_in(list: &[(Uuid, f32)], other: &[(Uuid, f32)]) -> Vec<PointId> {
    let known: HashSet<Uuid> = list.iter().map(|(id, _)| *id).collect();
    other.iter().filter(|(id, _)| !known.contains(id)).map(|(id, _)| PointId::Uuid(*id)).collect()
}

/// The best `limit`; of equals at the end those with the smaller ids.
fn best(
    engine: &EdgeShard,
    query: &NamedQuery<VectorInternal>,
    filter: Option<&native::Filter>,
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
    let filter = native::Filter::new_must(native::Condition::HasId(ids.into_iter().collect::<HasIdCondition>()));
    nearest(engine, query, Some(filter), limit)
}

fn nearest(
    engine: &EdgeShard,
    query: NamedQuery<VectorInternal>,
    filter: Option<native::Filter>,
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
    let found = engine.search(request).map_err(failed)?;
    Ok(found
        .into_iter()
        .filter_map(|point| match point.id {
            PointId::Uuid(id) => Some((id, point.score)),
            PointId::NumId(_) => None,
        })
        .collect())
}

fn native_sparse(vector: SparseVector) -> Result<native::SparseVector> {
    native::SparseVector::new(vector.indices, vector.values).map_err(|e| Error::Invalid(e.to_string()))
}

fn native_point(point: Point) -> PointStructPersisted {
    let lexical = native::SparseVector { indices: point.lexical.indices, values: point.lexical.values };
    let mut vectors = HashMap::from([(LEXICAL.into(), VectorPersisted::Sparse(lexical))]);
    if let Some(dense) = point.dense {
        vectors.insert(DENSE.into(), VectorPersisted::Dense(dense));
    }
    PointStructPersisted {
        id: PointId::Uuid(point.id),
        vector: VectorStructPersisted::Named(vectors),
        payload: Some(native::Payload(point.fields)),
    }
}

/// Which points of a collection a filter lets through.
enum Passing {
    Some(native::Filter),
    None,
}

/// The filter as far as it matters in this collection: a field that no point has decides for all at once.
fn native_filter(filter: &Filter, engine: &Engine) -> Result<Passing> {
    let mut must = Vec::with_capacity(filter.must.len());
    for condition in &filter.must {
        match condition {
            Condition::OneOf { field, .. } | Condition::Between { field, or_absent: false, .. }
                if !engine.may_have(field) =>
            {
                return Ok(Passing::None);
            }
            Condition::Between { field, or_absent: true, .. } if !engine.may_have(field) => {}
            condition => must.push(native_condition(condition)?),
        }
    }
    Ok(Passing::Some(native::Filter {
        should: None,
        min_should: None,
        must: (!must.is_empty()).then_some(must),
        must_not: (!filter.without.is_empty()).then(|| vec![has_id(&filter.without)]),
    }))
}

fn native_condition(condition: &Condition) -> Result<native::Condition> {
    Ok(match condition {
        Condition::OneOf { field, words } => {
            native::Condition::Field(FieldCondition::new_match(shard::path(field)?, words.clone().into()))
        }
        Condition::Between { field, from, to, or_absent } => {
            #[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^53")]
            let bound = |n: Option<i64>| n.map(|n| OrderedFloat(n as f64));
            let range = Range { lt: None, gt: None, gte: bound(*from), lte: bound(*to) };
            let within = native::Condition::Field(FieldCondition::new_range(shard::path(field)?, range));
            if *or_absent {
                let absent = native::Condition::IsEmpty(IsEmptyCondition::from(shard::path(field)?));
                native::Condition::Filter(native::Filter {
                    should: Some(vec![absent, within]),
                    min_should: None,
                    must: None,
                    must_not: None,
                })
            } else {
                within
            }
        }
        Condition::Ids(ids) => has_id(ids),
    })
}

fn has_id(ids: &[Uuid]) -> native::Condition {
    native::Condition::HasId(ids.iter().map(|id| PointId::Uuid(*id)).collect())
}
