//! A Qdrant server for tests: real gRPC, the engine's own code behind it, and strict: it refuses what a real server
//! refuses, and whatever it does not know.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use qdrant_client::qdrant::{
    self as wire, collections_server, condition::ConditionOneOf, expression, r#match::MatchValue,
    points_selector::PointsSelectorOneOf, points_server, qdrant_server, query, vector, vector_input, vectors,
    vectors_config, with_payload_selector::SelectorOptions,
};
use qdrant_edge::{
    self as engine, CreateIndex, EdgeConfig, EdgeShard, FieldIndexOperations, NamedQuery, PointId,
    PointInsertOperations, PointOperations, PointStructPersisted, Prefetch, QueryEnum, QueryRequest, ScoringQuery,
    UpdateOperation, VectorInternal, VectorPersisted, VectorStructPersisted, WithPayloadInterface,
};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// A running server. It stops with its owner and forgets everything.
pub struct Qdrant {
    address: SocketAddr,
    dir: PathBuf,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

/// Starts a server on a free port of this machine: its address and its owner.
pub fn serve() -> (String, Qdrant) {
    let dir = std::env::temp_dir().join(format!("frontdesk-qdrant-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut server = Qdrant { address: "127.0.0.1:0".parse().unwrap(), dir, running: None };
    server.start();
    (server.url(), server)
}

impl Qdrant {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Starts again on the same port with what was there.
    pub fn start(&mut self) {
        assert!(self.running.is_none());
        let listener = std::net::TcpListener::bind(self.address).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let dir = self.dir.clone();
        // Its own thread: it must outlive the runtimes of the tests and answer while they block.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let store = Store::open(&dir);
            runtime.block_on(async move {
                let incoming =
                    tonic::transport::server::TcpIncoming::from(tokio::net::TcpListener::from_std(listener).unwrap());
                let serving = tonic::transport::Server::builder()
                    .add_service(qdrant_server::QdrantServer::new(store.clone()))
                    .add_service(collections_server::CollectionsServer::new(store.clone()))
                    .add_service(points_server::PointsServer::new(store).max_decoding_message_size(usize::MAX))
                    .serve_with_incoming(incoming);
                tokio::select! {
                    served = serving => served.unwrap(),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_timeout(Duration::from_secs(5));
        });
        self.running = Some((stop, thread));
    }

    /// Stops at once, in the middle of whatever it does.
    pub fn stop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }
}

impl Drop for Qdrant {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[derive(Clone)]
struct Store {
    dir: PathBuf,
    collections: Arc<Mutex<BTreeMap<String, Collection>>>,
}

struct Collection {
    engine: EdgeShard,
    since_optimized: usize,
}

impl Store {
    fn open(dir: &Path) -> Self {
        let mut collections = BTreeMap::new();
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let engine = EdgeShard::load(&entry.path(), None).unwrap();
            collections.insert(entry.file_name().into_string().unwrap(), Collection { engine, since_optimized: 0 });
        }
        Self { dir: dir.to_path_buf(), collections: Arc::new(Mutex::new(collections)) }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Collection>> {
        self.collections.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn on<T>(&self, name: &str, work: impl FnOnce(&mut Collection) -> Result<T, Status>) -> Result<T, Status> {
        let mut all = self.all();
        let found = all.get_mut(name);
        work(found.ok_or_else(|| Status::not_found(format!("Not found: Collection `{name}` doesn't exist!")))?)
    }

    fn change(&self, name: &str, operation: UpdateOperation) -> Answer<wire::PointsOperationResponse> {
        self.on(name, |collection| collection.engine.update(operation).map_err(wrong))?;
        Ok(Response::new(wire::PointsOperationResponse {
            result: Some(wire::UpdateResult { operation_id: Some(0), status: wire::UpdateStatus::Completed as i32 }),
            ..Default::default()
        }))
    }
}

fn wrong(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("Wrong input: {error}"))
}

fn unknown(what: &str) -> Status {
    Status::unimplemented(format!("the test server does not know {what}"))
}

/// Refuses a request that says more than `known`: what is silently left out would pass a test and fail in life.
macro_rules! only {
    ($request:expr, $what:literal) => {
        if $request != Default::default() {
            return Err(unknown($what));
        }
    };
}

/// The methods below, and a refusal for each other method of the service.
macro_rules! service {
    ($service:path { $($method:ident: $request:ident => $response:ident),* $(,)? } $($mine:tt)*) => {
        #[tonic::async_trait]
        impl $service for Store {
            $($mine)*
            $(async fn $method(&self, _: Request<wire::$request>) -> Answer<wire::$response> {
                Err(unknown(stringify!($method)))
            })*
        }
    };
}

#[tonic::async_trait]
impl qdrant_server::Qdrant for Store {
    async fn health_check(&self, _: Request<wire::HealthCheckRequest>) -> Answer<wire::HealthCheckReply> {
        let (title, version) = ("qdrant - vector search engine".into(), "1.18.3".into());
        Ok(Response::new(wire::HealthCheckReply { title, version, commit: None }))
    }
}

service! { collections_server::Collections {
    update: UpdateCollection => CollectionOperationResponse,
    update_aliases: ChangeAliases => CollectionOperationResponse,
    list_collection_aliases: ListCollectionAliasesRequest => ListAliasesResponse,
    list_aliases: ListAliasesRequest => ListAliasesResponse,
    collection_cluster_info: CollectionClusterInfoRequest => CollectionClusterInfoResponse,
    collection_exists: CollectionExistsRequest => CollectionExistsResponse,
    update_collection_cluster_setup: UpdateCollectionClusterSetupRequest => UpdateCollectionClusterSetupResponse,
    create_shard_key: CreateShardKeyRequest => CreateShardKeyResponse,
    delete_shard_key: DeleteShardKeyRequest => DeleteShardKeyResponse,
    list_shard_keys: ListShardKeysRequest => ListShardKeysResponse,
}
    async fn get(&self, request: Request<wire::GetCollectionInfoRequest>) -> Answer<wire::GetCollectionInfoResponse> {
        let info = self.on(&request.into_inner().collection_name, |collection| {
            let info = collection.engine.info();
            let config = collection.engine.config();
            let dense = config.vectors.iter().map(|(name, params)| {
                let (size, distance) = (params.size as u64, wire::Distance::Cosine as i32);
                (name.to_string(), wire::VectorParams { size, distance, ..Default::default() })
            });
            let dense = vectors_config::Config::ParamsMap(wire::VectorParamsMap { map: dense.collect() });
            let params = wire::CollectionParams {
                shard_number: 1,
                vectors_config: Some(wire::VectorsConfig { config: Some(dense) }),
                ..Default::default()
            };
            Ok(wire::CollectionInfo {
                status: wire::CollectionStatus::Green as i32,
                points_count: Some(info.points_count as u64),
                config: Some(wire::CollectionConfig { params: Some(params), ..Default::default() }),
                payload_schema: info.payload_schema.keys().map(|k| (k.to_string(), Default::default())).collect(),
                ..Default::default()
            })
        })?;
        Ok(Response::new(wire::GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(&self, _: Request<wire::ListCollectionsRequest>) -> Answer<wire::ListCollectionsResponse> {
        let collections = self.all().keys().map(|name| wire::CollectionDescription { name: name.clone() }).collect();
        Ok(Response::new(wire::ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(&self, request: Request<wire::CreateCollection>) -> Answer<wire::CollectionOperationResponse> {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        if name.is_empty() || name.len() > 255 || name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*', '\0']) {
            return Err(wrong("collection name cannot contain these characters"));
        }
        let config = definition(request)?;
        let mut all = self.all();
        if all.contains_key(&name) {
            return Err(Status::already_exists(format!("Wrong input: Collection `{name}` already exists!")));
        }
        let dir = self.dir.join(&name);
        std::fs::create_dir_all(&dir)?;
        let engine = EdgeShard::new(&dir, config).map_err(wrong)?;
        all.insert(name, Collection { engine, since_optimized: 0 });
        Ok(Response::new(wire::CollectionOperationResponse { result: true, time: 0.0 }))
    }

    async fn delete(&self, request: Request<wire::DeleteCollection>) -> Answer<wire::CollectionOperationResponse> {
        let name = request.into_inner().collection_name;
        let removed = self.all().remove(&name);
        let result = removed.is_some();
        drop(removed);
        if result {
            std::fs::remove_dir_all(self.dir.join(name))?;
        }
        Ok(Response::new(wire::CollectionOperationResponse { result, time: 0.0 }))
    }
}

service! { points_server::Points {
    get: GetPoints => GetResponse,
    update_vectors: UpdatePointVectors => PointsOperationResponse,
    delete_vectors: DeletePointVectors => PointsOperationResponse,
    set_payload: SetPayloadPoints => PointsOperationResponse,
    overwrite_payload: SetPayloadPoints => PointsOperationResponse,
    delete_payload: DeletePayloadPoints => PointsOperationResponse,
    clear_payload: ClearPayloadPoints => PointsOperationResponse,
    delete_field_index: DeleteFieldIndexCollection => PointsOperationResponse,
    create_vector_name: CreateVectorNameRequest => PointsOperationResponse,
    delete_vector_name: DeleteVectorNameRequest => PointsOperationResponse,
    search: SearchPoints => SearchResponse,
    search_batch: SearchBatchPoints => SearchBatchResponse,
    search_groups: SearchPointGroups => SearchGroupsResponse,
    recommend: RecommendPoints => RecommendResponse,
    recommend_batch: RecommendBatchPoints => RecommendBatchResponse,
    recommend_groups: RecommendPointGroups => RecommendGroupsResponse,
    discover: DiscoverPoints => DiscoverResponse,
    discover_batch: DiscoverBatchPoints => DiscoverBatchResponse,
    update_batch: UpdateBatchPoints => UpdateBatchResponse,
    query_groups: QueryPointGroups => QueryGroupsResponse,
    facet: FacetCounts => FacetResponse,
    search_matrix_pairs: SearchMatrixPoints => SearchMatrixPairsResponse,
    search_matrix_offsets: SearchMatrixPoints => SearchMatrixOffsetsResponse,
}
    async fn upsert(&self, request: Request<wire::UpsertPoints>) -> Answer<wire::PointsOperationResponse> {
        let mut request = request.into_inner();
        let (name, points) = (std::mem::take(&mut request.collection_name), std::mem::take(&mut request.points));
        waited(request.wait.take())?;
        only!(request, "options of upsert");
        if points.is_empty() {
            return Err(wrong("Empty update request"));
        }
        let count = points.len();
        let points = self.on(&name, |collection| {
            let config = collection.engine.config().clone();
            points.into_iter().map(|point| point_in(point, &config)).collect::<Result<Vec<_>, _>>()
        })?;
        let operation = PointOperations::UpsertPoints(PointInsertOperations::PointsList(points));
        let answer = self.change(&name, UpdateOperation::PointOperation(operation))?;
        self.on(&name, |collection| {
            collection.since_optimized += count;
            if collection.since_optimized >= 2000 {
                collection.since_optimized = 0;
                collection.engine.optimize().map_err(wrong)?;
            }
            Ok(answer)
        })
    }

    async fn delete(&self, request: Request<wire::DeletePoints>) -> Answer<wire::PointsOperationResponse> {
        let mut request = request.into_inner();
        let (name, points) = (std::mem::take(&mut request.collection_name), request.points.take());
        waited(request.wait.take())?;
        only!(request, "options of delete");
        let operation = match points.and_then(|p| p.points_selector_one_of) {
            Some(PointsSelectorOneOf::Points(list)) => {
                PointOperations::DeletePoints { ids: list.ids.into_iter().map(id_in).collect::<Result<_, _>>()? }
            }
            Some(PointsSelectorOneOf::Filter(filter)) => PointOperations::DeletePointsByFilter(filter_in(filter)?),
            None => return Err(wrong("PointsSelector is missing")),
        };
        self.change(&name, UpdateOperation::PointOperation(operation))
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Answer<wire::PointsOperationResponse> {
        let mut request = request.into_inner();
        let name = std::mem::take(&mut request.collection_name);
        waited(request.wait.take())?;
        let field_name = path(&std::mem::take(&mut request.field_name))?;
        let schema = match (request.field_type.take(), request.field_index_params.take().and_then(|p| p.index_params)) {
            (Some(kind), Some(wire::payload_index_params::IndexParams::KeywordIndexParams(_)))
                if kind == wire::FieldType::Keyword as i32 =>
            {
                engine::PayloadSchemaParams::Keyword(Default::default())
            }
            (Some(kind), Some(wire::payload_index_params::IndexParams::IntegerIndexParams(params)))
                if kind == wire::FieldType::Integer as i32 && params.lookup.is_some() && params.range.is_some() =>
            {
                engine::PayloadSchemaParams::Integer(Default::default())
            }
            _ => return Err(wrong("field type and index parameters do not agree")),
        };
        only!(request, "options of create_field_index");
        let field_schema = Some(engine::PayloadFieldSchema::FieldParams(schema));
        let operation = FieldIndexOperations::CreateIndex(CreateIndex { field_name, field_schema });
        self.change(&name, UpdateOperation::FieldIndexOperation(operation))
    }

    async fn count(&self, request: Request<wire::CountPoints>) -> Answer<wire::CountResponse> {
        let mut request = request.into_inner();
        let name = std::mem::take(&mut request.collection_name);
        let exact = request.exact.take().unwrap_or(true);
        only!(request, "options of count");
        let count = self.on(&name, |collection| {
            collection.engine.count(engine::CountRequest { filter: None, exact }).map_err(wrong)
        })?;
        let result = Some(wire::CountResult { count: count as u64 });
        Ok(Response::new(wire::CountResponse { result, ..Default::default() }))
    }

    async fn scroll(&self, request: Request<wire::ScrollPoints>) -> Answer<wire::ScrollResponse> {
        let mut request = request.into_inner();
        let name = std::mem::take(&mut request.collection_name);
        let limit = request.limit.take();
        if limit == Some(0) {
            return Err(wrong("limit: value 0 invalid, must be 1 or larger"));
        }
        let scroll = engine::ScrollRequest {
            offset: request.offset.take().map(id_in).transpose()?,
            limit: limit.map(|l| l as usize),
            filter: None,
            with_payload: Some(payload_selector(request.with_payload.take())?),
            with_vector: false.into(),
            order_by: None,
        };
        request.with_vectors = None;
        only!(request, "options of scroll");
        let (records, next) = self.on(&name, |collection| collection.engine.scroll(scroll).map_err(wrong))?;
        let result = records.into_iter().map(|record| {
            let payload = record.payload.map(|p| qdrant_client::Payload::from(p.0).into()).unwrap_or_default();
            wire::RetrievedPoint { id: Some(id_out(record.id)), payload, ..Default::default() }
        });
        Ok(Response::new(wire::ScrollResponse {
            next_page_offset: next.map(id_out),
            result: result.collect(),
            ..Default::default()
        }))
    }

    async fn query(&self, request: Request<wire::QueryPoints>) -> Answer<wire::QueryResponse> {
        let query = request.into_inner();
        let name = query.collection_name.clone();
        let batch = wire::QueryBatchPoints { collection_name: name, query_points: vec![query], ..Default::default() };
        let mut answer = self.query_batch(Request::new(batch)).await?.into_inner();
        Ok(Response::new(wire::QueryResponse { result: answer.result.remove(0).result, ..Default::default() }))
    }

    async fn query_batch(&self, request: Request<wire::QueryBatchPoints>) -> Answer<wire::QueryBatchResponse> {
        let mut request = request.into_inner();
        let name = std::mem::take(&mut request.collection_name);
        let queries = std::mem::take(&mut request.query_points);
        only!(request, "options of query_batch");
        let result = self.on(&name, |collection| {
            queries
                .into_iter()
                .map(|query| {
                    if query.collection_name != name {
                        return Err(wrong("queries of one batch must be for one collection"));
                    }
                    let query = query_in(query, &collection.engine.config())?;
                    let found = collection.engine.query(query).map_err(wrong)?;
                    let result = found.into_iter().map(|point| wire::ScoredPoint {
                        id: Some(id_out(point.id)),
                        score: point.score,
                        version: point.version,
                        ..Default::default()
                    });
                    Ok(wire::BatchResult { result: result.collect() })
                })
                .collect::<Result<Vec<_>, _>>()
        })?;
        Ok(Response::new(wire::QueryBatchResponse { result, ..Default::default() }))
    }
}

/// A write that is not waited for would not be seen by the next read of a real server.
fn waited(wait: Option<bool>) -> Result<(), Status> {
    if wait == Some(true) { Ok(()) } else { Err(unknown("writes that are not waited for")) }
}

fn definition(mut request: wire::CreateCollection) -> Result<EdgeConfig, Status> {
    request.collection_name.clear();
    let mut config = EdgeConfig::default();
    let dense = match request.vectors_config.take().and_then(|v| v.config) {
        Some(vectors_config::Config::ParamsMap(map)) => map.map,
        Some(vectors_config::Config::Params(_)) => return Err(unknown("unnamed vectors")),
        None => Default::default(),
    };
    for (name, params) in dense {
        if !(1..=65536).contains(&params.size) {
            return Err(wrong("size: value invalid, must be from 1 to 65536"));
        }
        if params.distance != wire::Distance::Cosine as i32 {
            return Err(unknown("other distances"));
        }
        let params = engine::EdgeVectorParams::builder(params.size as usize, engine::Distance::Cosine).build();
        config.vectors.insert(name, params);
    }
    for (name, params) in request.sparse_vectors_config.take().map(|s| s.map).unwrap_or_default() {
        if params.modifier.is_some() {
            return Err(unknown("modifiers"));
        }
        let params = engine::EdgeSparseVectorParams { on_disk: Some(true), ..Default::default() };
        config.sparse_vectors.insert(name, params);
    }
    config.optimizers.indexing_threshold =
        request.optimizers_config.take().and_then(|o| o.indexing_threshold).map(|kb| kb as usize);
    request.hnsw_config = None;
    #[allow(deprecated, reason = "servers before 1.19 know nothing else")]
    let _ = request.on_disk_payload.take();
    only!(request, "options of create");
    Ok(config)
}

fn path(field: &str) -> Result<engine::JsonPath, Status> {
    field.parse().map_err(|()| wrong(format!("Invalid json path: '{field}'")))
}

fn id_in(id: wire::PointId) -> Result<PointId, Status> {
    match id.point_id_options {
        Some(wire::point_id::PointIdOptions::Uuid(text)) => {
            text.parse().map(PointId::Uuid).map_err(|_| wrong(format!("Unable to parse UUID: {text}")))
        }
        Some(wire::point_id::PointIdOptions::Num(number)) => Ok(PointId::NumId(number)),
        None => Err(wrong("No ID options provided")),
    }
}

fn id_out(id: PointId) -> wire::PointId {
    match id {
        PointId::Uuid(id) => id.into(),
        PointId::NumId(number) => number.into(),
    }
}

fn payload_selector(selector: Option<wire::WithPayloadSelector>) -> Result<WithPayloadInterface, Status> {
    Ok(match selector.and_then(|s| s.selector_options) {
        None => WithPayloadInterface::Bool(false),
        Some(SelectorOptions::Enable(all)) => WithPayloadInterface::Bool(all),
        Some(SelectorOptions::Include(include)) => {
            WithPayloadInterface::Fields(include.fields.iter().map(|f| path(f)).collect::<Result<_, _>>()?)
        }
        Some(SelectorOptions::Exclude(_)) => return Err(unknown("excluding fields")),
    })
}

fn point_in(point: wire::PointStruct, config: &EdgeConfig) -> Result<PointStructPersisted, Status> {
    let id = id_in(point.id.ok_or_else(|| wrong("Empty ID is not allowed"))?)?;
    let Some(vectors::VectorsOptions::Vectors(named)) = point.vectors.and_then(|v| v.vectors_options) else {
        return Err(wrong("Expected some vectors, named"));
    };
    let vectors = named.vectors.into_iter().map(|(name, vector)| {
        let vector = match vector.vector {
            Some(vector::Vector::Dense(dense)) => VectorPersisted::Dense(dense_in(dense, &name, config)?),
            Some(vector::Vector::Sparse(sparse)) => VectorPersisted::Sparse(sparse_in(sparse, &name, config)?),
            _ => return Err(unknown("this kind of vector")),
        };
        Ok((name, vector))
    });
    let vector = VectorStructPersisted::Named(vectors.collect::<Result<_, Status>>()?);
    let payload = qdrant_client::Payload::from(point.payload);
    Ok(PointStructPersisted { id, vector, payload: Some(engine::Payload(payload.into())) })
}

fn dense_in(vector: wire::DenseVector, name: &str, config: &EdgeConfig) -> Result<Vec<f32>, Status> {
    let Some(params) = config.vectors.get(name) else {
        return Err(wrong(format!("Not existing vector name error: {name}")));
    };
    if params.size != vector.data.len() {
        let (expected, got) = (params.size, vector.data.len());
        return Err(wrong(format!("Vector dimension error: expected dim: {expected}, got {got}")));
    }
    Ok(vector.data)
}

fn sparse_in(vector: wire::SparseVector, name: &str, config: &EdgeConfig) -> Result<engine::SparseVector, Status> {
    if !config.sparse_vectors.contains_key(name) {
        return Err(wrong(format!("Not existing vector name error: {name}")));
    }
    let mut seen = HashSet::new();
    if vector.indices.len() != vector.values.len() || !vector.indices.iter().all(|i| seen.insert(i)) {
        return Err(wrong("Validation error: values and indices must be the same length, indices unique"));
    }
    engine::SparseVector::new(vector.indices, vector.values).map_err(wrong)
}

fn filter_in(mut filter: wire::Filter) -> Result<engine::Filter, Status> {
    let list = |conditions: Vec<wire::Condition>| -> Result<Option<Vec<engine::Condition>>, Status> {
        let conditions = conditions.into_iter().map(condition_in).collect::<Result<Vec<_>, _>>()?;
        Ok((!conditions.is_empty()).then_some(conditions))
    };
    let converted = engine::Filter {
        should: list(std::mem::take(&mut filter.should))?,
        must: list(std::mem::take(&mut filter.must))?,
        must_not: list(std::mem::take(&mut filter.must_not))?,
        min_should: None,
    };
    only!(filter, "options of filters");
    Ok(converted)
}

fn condition_in(condition: wire::Condition) -> Result<engine::Condition, Status> {
    Ok(match condition.condition_one_of.ok_or_else(|| wrong("Malformed Condition type"))? {
        ConditionOneOf::Filter(filter) => engine::Condition::Filter(filter_in(filter)?),
        ConditionOneOf::HasId(ids) => {
            engine::Condition::HasId(ids.has_id.into_iter().map(id_in).collect::<Result<_, _>>()?)
        }
        ConditionOneOf::IsEmpty(field) => engine::Condition::IsEmpty(path(&field.key)?.into()),
        ConditionOneOf::Field(mut field) => {
            let key = path(&std::mem::take(&mut field.key))?;
            let condition = match (field.r#match.take().and_then(|m| m.match_value), field.range.take()) {
                (Some(MatchValue::Keywords(words)), None) => {
                    engine::FieldCondition::new_match(key, words.strings.into())
                }
                (None, Some(range)) => {
                    let bound = |n: Option<f64>| n.map(engine::external::ordered_float::OrderedFloat);
                    let (lt, gt) = (bound(range.lt), bound(range.gt));
                    let range = engine::Range { lt, gt, gte: bound(range.gte), lte: bound(range.lte) };
                    engine::FieldCondition::new_range(key, range)
                }
                _ => return Err(unknown("this condition on a field")),
            };
            only!(field, "other conditions on a field");
            engine::Condition::Field(condition)
        }
        _ => return Err(unknown("this condition")),
    })
}

fn query_in(mut query: wire::QueryPoints, config: &EdgeConfig) -> Result<QueryRequest, Status> {
    query.collection_name.clear();
    let limit = limit_in(query.limit.take())?;
    let using = query.using.take();
    let request = QueryRequest {
        prefetches: std::mem::take(&mut query.prefetch)
            .into_iter()
            .map(|prefetch| prefetch_in(prefetch, config))
            .collect::<Result<_, _>>()?,
        query: Some(scoring_in(query.query.take(), using, config)?),
        filter: query.filter.take().map(filter_in).transpose()?,
        score_threshold: None,
        limit,
        offset: 0,
        params: None,
        with_vector: false.into(),
        with_payload: payload_selector(query.with_payload.take())?,
    };
    only!(query, "options of query");
    Ok(request)
}

fn prefetch_in(mut prefetch: wire::PrefetchQuery, config: &EdgeConfig) -> Result<Prefetch, Status> {
    let limit = limit_in(prefetch.limit.take())?;
    let using = prefetch.using.take();
    let converted = Prefetch {
        prefetches: std::mem::take(&mut prefetch.prefetch)
            .into_iter()
            .map(|prefetch| prefetch_in(prefetch, config))
            .collect::<Result<_, _>>()?,
        query: Some(scoring_in(prefetch.query.take(), using, config)?),
        limit,
        params: None,
        filter: prefetch.filter.take().map(filter_in).transpose()?,
        score_threshold: None,
    };
    only!(prefetch, "options of prefetch");
    Ok(converted)
}

fn limit_in(limit: Option<u64>) -> Result<usize, Status> {
    match limit {
        Some(0) => Err(wrong("limit: value 0 invalid, must be 1 or larger")),
        limit => Ok(limit.unwrap_or(10) as usize),
    }
}

fn scoring_in(query: Option<wire::Query>, using: Option<String>, config: &EdgeConfig) -> Result<ScoringQuery, Status> {
    let name = using.unwrap_or_default();
    match query.and_then(|q| q.variant) {
        Some(query::Variant::Nearest(input)) => {
            let vector = match input.variant {
                Some(vector_input::Variant::Dense(dense)) => VectorInternal::Dense(dense_in(dense, &name, config)?),
                Some(vector_input::Variant::Sparse(sparse)) => {
                    VectorInternal::Sparse(sparse_in(sparse, &name, config)?)
                }
                _ => return Err(unknown("this kind of query vector")),
            };
            Ok(ScoringQuery::Vector(QueryEnum::Nearest(NamedQuery::new(vector, name))))
        }
        Some(query::Variant::Formula(formula)) if name.is_empty() => {
            let expression = formula.expression.ok_or_else(|| wrong("missing field: expression"))?;
            let defaults = qdrant_client::Payload::from(formula.defaults);
            let defaults: serde_json::Map<String, serde_json::Value> = defaults.into();
            let formula =
                engine::Formula { formula: expression_in(expression)?, defaults: defaults.into_iter().collect() };
            Ok(ScoringQuery::Formula(formula.try_into().map_err(wrong)?))
        }
        _ => Err(unknown("this kind of query")),
    }
}

fn expression_in(expression: wire::Expression) -> Result<engine::Expression, Status> {
    let list = |list: Vec<wire::Expression>| list.into_iter().map(expression_in).collect::<Result<Vec<_>, _>>();
    Ok(match expression.variant.ok_or_else(|| wrong("missing field: variant"))? {
        expression::Variant::Constant(constant) => engine::Expression::Constant(constant),
        expression::Variant::Variable(name) => engine::Expression::Variable(name),
        expression::Variant::Mult(mult) => engine::Expression::Mult(list(mult.mult)?),
        expression::Variant::Sum(sum) => engine::Expression::Sum(list(sum.sum)?),
        expression::Variant::ExpDecay(decay) => engine::Expression::Decay {
            kind: engine::DecayKind::Exp,
            x: Box::new(expression_in(*decay.x.ok_or_else(|| wrong("missing field: x"))?)?),
            target: decay.target.map(|t| expression_in(*t).map(Box::new)).transpose()?,
            midpoint: decay.midpoint,
            scale: decay.scale,
        },
        _ => return Err(unknown("this expression")),
    })
}
