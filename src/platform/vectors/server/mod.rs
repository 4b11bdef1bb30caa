//! A Qdrant server over gRPC. Whatever goes wrong there is `Unavailable`, within bounded time.

mod native;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use qdrant_client::{
    Qdrant, QdrantError,
    qdrant::{
        self as qdrant, CountPointsBuilder, DeletePointsBuilder, PointId, PointsIdsList, PrefetchQuery, Query,
        QueryBatchPointsBuilder, QueryPoints, QueryPointsBuilder, ScrollPointsBuilder, UpsertPointsBuilder,
        VectorInput,
    },
};
use serde_json::Value;
use tonic::Code;
use url::Url;
use uuid::Uuid;

use super::{
    DENSE, Decay, Decayed, Filter, Hit, LEXICAL, Point, Search, Shape, check_length, check_name, missing, rank,
};
use crate::platform::error::{Error, Result};

/// The port of Qdrant's gRPC interface, and the one of its REST interface that is easily given instead.
const GRPC_PORT: u16 = 6334;
const REST_PORT: u16 = 6333;
/// After this a call for reading is tried once more on a new connection: a silent one may be dead.
const READ_TIMEOUT: Duration = Duration::from_secs(4);
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Both attempts together.
const READ_LIMIT: Duration = Duration::from_secs(10);
const WRITE_LIMIT: Duration = Duration::from_secs(130);
const HEALTH_LIMIT: Duration = Duration::from_secs(3);
/// Points sent, and ids fetched, at once.
const BATCH: usize = 500;
const PAGE: u32 = 10_000;

/// A server's address and our names on it.
pub struct Server {
    reads: Qdrant,
    writes: Qdrant,
    prefix: String,
    /// The shapes of the collections met so far; a collection never changes its shape.
    shapes: Mutex<HashMap<String, Shape>>,
}

impl Server {
    pub(super) fn open(url: &str, api_key: Option<&str>, prefix: &str) -> Result<Self> {
        let mut address = Url::parse(url).map_err(|e| Error::Invalid(format!("vectors.url: {e}")))?;
        if address.port() == Some(REST_PORT) {
            return Err(Error::Invalid(format!(
                "vectors.url: {REST_PORT} is Qdrant's REST port; its gRPC port is wanted, usually {GRPC_PORT}"
            )));
        }
        if address.port().is_none() && address.set_port(Some(GRPC_PORT)).is_err() {
            return Err(Error::Invalid(format!("vectors.url: '{url}' is not the address of a server")));
        }
        if !prefix.is_empty() {
            check_name(prefix).map_err(|_| Error::Invalid("vectors.prefix: letters, digits, - and _ only".into()))?;
        }
        let client = |timeout: Duration| {
            let mut client = Qdrant::from_url(address.as_str().trim_end_matches('/'))
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(timeout)
                .skip_compatibility_check();
            if let Some(key) = api_key {
                client = client.api_key(key);
            }
            client.build().map_err(|e| Error::Invalid(format!("vectors.url: {e}")))
        };
        Ok(Self {
            reads: client(READ_TIMEOUT)?,
            writes: client(WRITE_TIMEOUT)?,
            prefix: prefix.to_string(),
            shapes: Mutex::default(),
        })
    }

    pub(super) fn describe(&self) -> String {
        format!("Qdrant at {}", self.reads.config.uri)
    }

    fn name(&self, collection: &str) -> String {
        format!("{}{collection}", self.prefix)
    }

    pub(super) async fn create(&self, collection: &str, shape: Shape) -> Result<()> {
        let existing = match self.info(collection).await? {
            Some(info) => info,
            None => {
                let made = within(
                    WRITE_LIMIT,
                    self.writes.create_collection(native::definition(self.name(collection), shape)),
                );
                let failure = made.await.err();
                // Another process may have made it at the same moment.
                match (self.info(collection).await?, failure) {
                    (Some(info), _) => info,
                    (None, Some(failure)) => return Err(failure),
                    (None, None) => return Err(missing()),
                }
            }
        };
        if native::shape_of(&existing) != shape {
            return Err(Error::Conflict("the vector collection exists with vectors of another length".into()));
        }
        for index in native::indexes(&self.name(collection)) {
            if !existing.payload_schema.contains_key(&index.field_name) {
                within(WRITE_LIMIT, self.writes.create_field_index(index)).await?;
            }
        }
        Ok(())
    }

    /// What the server knows of a collection; `None` if there is none.
    async fn info(&self, collection: &str) -> Result<Option<qdrant::CollectionInfo>> {
        let info = absent_is_none(within(READ_LIMIT, self.reads.collection_info(self.name(collection))).await)?;
        let Some(info) = info.and_then(|reply| reply.result) else {
            return Ok(None);
        };
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(collection.to_string(), native::shape_of(&info));
        Ok(Some(info))
    }

    async fn shape(&self, collection: &str) -> Result<Option<Shape>> {
        let known = self.shapes.lock().unwrap_or_else(PoisonError::into_inner).get(collection).copied();
        match known {
            Some(shape) => Ok(Some(shape)),
            None => Ok(self.info(collection).await?.as_ref().map(native::shape_of)),
        }
    }

    pub(super) async fn drop_collection(&self, collection: &str) -> Result<()> {
        self.shapes.lock().unwrap_or_else(PoisonError::into_inner).remove(collection);
        absent_is_none(within(WRITE_LIMIT, self.writes.delete_collection(self.name(collection))).await)?;
        Ok(())
    }

    pub(super) async fn collections(&self) -> Result<Vec<String>> {
        let reply = within(READ_LIMIT, self.reads.list_collections()).await?;
        let mut names: Vec<String> = reply
            .collections
            .into_iter()
            .filter_map(|collection| collection.name.strip_prefix(&self.prefix).map(String::from))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(super) async fn upsert(&self, collection: &str, points: Vec<Point>) -> Result<()> {
        let shape = self.shape(collection).await?.ok_or_else(missing)?;
        check_length(shape, points.iter().filter_map(|p| p.dense.as_ref()))?;
        let mut points = points.into_iter().map(native::point).peekable();
        while points.peek().is_some() {
            let batch: Vec<_> = points.by_ref().take(BATCH).collect();
            let request = UpsertPointsBuilder::new(self.name(collection), batch).wait(true);
            within(WRITE_LIMIT, self.writes.upsert_points(request)).await?;
        }
        Ok(())
    }

    pub(super) async fn delete(&self, collection: &str, ids: &[Uuid]) -> Result<()> {
        for ids in ids.chunks(PAGE as usize) {
            let ids = PointsIdsList { ids: ids.iter().copied().map(PointId::from).collect() };
            let request = DeletePointsBuilder::new(self.name(collection)).points(ids).wait(true);
            absent_is_none(within(WRITE_LIMIT, self.writes.delete_points(request)).await)?;
        }
        Ok(())
    }

    pub(super) async fn delete_where(&self, collection: &str, filter: Filter) -> Result<()> {
        let filter = native::filter(&filter).unwrap_or_default();
        let request = DeletePointsBuilder::new(self.name(collection)).points(filter).wait(true);
        absent_is_none(within(WRITE_LIMIT, self.writes.delete_points(request)).await)?;
        Ok(())
    }

    /// Nothing to do: the server writes to its own log before it answers, and replays it.
    pub(super) async fn flush(&self, _collection: &str) -> Result<()> {
        Ok(())
    }

    /// Nothing to do: the server has its own optimizers.
    pub(super) async fn optimize(&self, _collection: &str) -> Result<()> {
        Ok(())
    }

    pub(super) async fn count(&self, collection: &str) -> Result<usize> {
        let request = CountPointsBuilder::new(self.name(collection)).exact(true);
        let reply = absent_is_none(within(READ_LIMIT, self.reads.count(request)).await)?;
        Ok(reply.and_then(|r| r.result).map_or(0, |r| usize::try_from(r.count).unwrap_or(usize::MAX)))
    }

    pub(super) async fn ids(&self, collection: &str, field: Option<&str>) -> Result<Vec<(Uuid, Option<Value>)>> {
        let mut ids = Vec::new();
        let mut offset: Option<PointId> = None;
        loop {
            let mut request = ScrollPointsBuilder::new(self.name(collection)).limit(PAGE).with_vectors(false);
            request = match field {
                Some(field) => request.with_payload(qdrant::PayloadIncludeSelector { fields: vec![field.to_string()] }),
                None => request.with_payload(false),
            };
            if let Some(offset) = offset {
                request = request.offset(offset);
            }
            let Some(page) = absent_is_none(within(READ_LIMIT, self.reads.scroll(request)).await)? else {
                return Ok(ids);
            };
            ids.extend(page.result.into_iter().filter_map(|point| {
                let mut payload = point.payload;
                let value = field.and_then(|field| payload.remove(field)).map(qdrant::Value::into_json);
                Some((native::uuid(point.id?)?, value))
            }));
            offset = page.next_page_offset;
            if offset.is_none() {
                ids.sort_unstable_by_key(|(id, _)| *id);
                return Ok(ids);
            }
        }
    }

    pub(super) async fn search(&self, collection: &str, search: Search) -> Result<Vec<Hit>> {
        let queries = self.queries(collection, &search).await?;
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let filter = native::filter(&search.filter);
        let mut asked = rank::first_ask(search.limit);
        loop {
            let request = self.request(collection, &queries, filter.as_ref(), asked);
            let reply = match absent_is_none(within(READ_LIMIT, self.reads.query_batch(request)).await)? {
                Some(reply) => reply,
                None => {
                    self.shapes.lock().unwrap_or_else(PoisonError::into_inner).remove(collection);
                    return Ok(Vec::new());
                }
            };
            let mut lists = HashMap::new();
            for ((using, _), list) in queries.iter().zip(reply.result) {
                lists.insert(*using, native::scores(list.result));
            }
            let (words, meaning) = (lists.remove(LEXICAL), lists.remove(DENSE));
            match rank::union(words.unwrap_or_default(), meaning.unwrap_or_default(), search.limit, asked) {
                Ok(hits) => return Ok(hits),
                Err(more) => asked = more,
            }
        }
    }

    /// By words and by meaning, as far as asked and possible; nothing if there is no such collection.
    async fn queries(&self, collection: &str, search: &Search) -> Result<Vec<(&'static str, Query)>> {
        let Some(shape) = self.shape(collection).await? else {
            return Ok(Vec::new());
        };
        let lexical = search.lexical.as_ref().filter(|v| !v.indices.is_empty());
        let dense = search.dense.as_ref().filter(|_| shape.dense_dimensions.is_some());
        check_length(shape, dense)?;
        let lexical = lexical.map(|v| VectorInput::new_sparse(v.indices.clone(), v.values.clone()));
        let dense = dense.map(|v| VectorInput::new_dense(v.clone()));
        let queries = [(LEXICAL, lexical), (DENSE, dense)];
        Ok(queries.into_iter().filter_map(|(using, input)| Some((using, Query::new_nearest(input?)))).collect())
    }

    pub(super) async fn decayed(&self, collection: &str, search: Search, decay: Decay) -> Result<Vec<Decayed>> {
        let queries = self.queries(collection, &search).await?;
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let candidates = rank::candidates(search.limit) as u64;
        let filter = native::filter(&search.filter);
        let found: Vec<PrefetchQuery> =
            queries.iter().map(|(using, query)| native::prefetch(using, query, filter.as_ref(), candidates)).collect();
        // With two queries each of them scores what both bring up.
        let scored: Vec<PrefetchQuery> = match queries.len() {
            1 => found,
            _ => queries
                .iter()
                .map(|(using, query)| PrefetchQuery {
                    prefetch: found.clone(),
                    ..native::prefetch(using, query, None, candidates * 2)
                })
                .collect(),
        };
        let weights: Vec<f32> = queries
            .iter()
            .map(|(using, _)| if *using == LEXICAL { decay.lexical_weight } else { decay.dense_weight })
            .collect();
        let request = QueryPointsBuilder::new(self.name(collection))
            .prefetch(scored)
            .query(native::decay(&decay, &weights))
            .limit(candidates * 2)
            .with_payload(false);
        let reply = absent_is_none(within(READ_LIMIT, self.reads.query(request)).await)?;
        Ok(rank::decayed(native::scores(reply.map(|r| r.result).unwrap_or_default()), search.limit))
    }

    /// One request for everything. With two queries each of them scores what **both** bring up, so that every point
    /// has both scores.
    fn request(
        &self,
        collection: &str,
        queries: &[(&str, Query)],
        filter: Option<&qdrant::Filter>,
        asked: usize,
    ) -> QueryBatchPointsBuilder {
        let (name, asked) = (self.name(collection), asked as u64);
        let prefetch: Vec<_> =
            queries.iter().map(|(using, query)| native::prefetch(using, query, filter, asked)).collect();
        let requests: Vec<QueryPoints> = queries
            .iter()
            .map(|(using, query)| {
                let request = QueryPointsBuilder::new(&name).query(query.clone()).using(*using).with_payload(false);
                match (queries.len(), filter) {
                    (1, Some(filter)) => request.limit(asked).filter(filter.clone()),
                    (1, None) => request.limit(asked),
                    _ => request.limit(asked.saturating_mul(2)).prefetch(prefetch.clone()),
                }
                .build()
            })
            .collect();
        QueryBatchPointsBuilder::new(name, requests)
    }

    pub(super) async fn health(&self) -> Result<()> {
        within(HEALTH_LIMIT, self.reads.health_check()).await.map(|_| ())
    }
}

/// Waits for an answer, but not for ever.
async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, QdrantError>>) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(unavailable(anyhow::anyhow!("no answer within {} s", limit.as_secs()))),
    }
}

fn unavailable(source: anyhow::Error) -> Error {
    Error::Unavailable { service: "Qdrant", source }
}

fn failed(error: QdrantError) -> Error {
    match &error {
        QdrantError::ResponseError { status } => match status.code() {
            Code::NotFound => missing(),
            Code::InvalidArgument => Error::Invalid(status.message().to_string()),
            _ => unavailable(error.into()),
        },
        _ => unavailable(error.into()),
    }
}

/// A collection that isn't there is an empty one.
fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
