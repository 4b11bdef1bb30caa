//! The engine in this process: `qdrant-edge`, one directory per collection.

mod find;
mod native;
mod shard;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use qdrant_edge::{
    EdgeShard, PointId, PointInsertOperations, PointOperations, ScrollRequest, UpdateOperation, WithPayloadInterface,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Decay, Decayed, Filter, Hit, Point, Search, Shape, check_length, missing};
use crate::platform::error::{Error, Result, blocking};
use native::Passing;
use shard::{Shard, failed};

/// Collections that stay open at the same time; each costs about half a megabyte.
const OPEN_COLLECTIONS: usize = 128;
/// Points that go into the engine's log as one entry.
const BATCH: usize = 500;
/// A growing part's index costs time in proportion to its size: after so many points it is built and a new one begun.
const OPTIMIZE_EVERY: usize = 4000;
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
                    let mut points = points.into_iter().map(native::point).peekable();
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
            shard.write(|engine, _| match native::filter(&filter, engine)? {
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
        self.on(collection, move |shard| Ok(shard.read(|engine| find::best(engine, search))?.unwrap_or_default())).await
    }

    pub(super) async fn decayed(
        self: &Arc<Self>,
        collection: &str,
        search: Search,
        decay: Decay,
    ) -> Result<Vec<Decayed>> {
        self.on(collection, move |shard| {
            Ok(shard.read(|engine| find::decayed(engine, search, &decay))?.unwrap_or_default())
        })
        .await
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
        Some(field) => WithPayloadInterface::Fields(vec![native::path(field)?]),
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
