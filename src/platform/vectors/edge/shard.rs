//! One collection of the engine in this process: a directory that is opened when needed and may be closed again.
//!
//! The engine's own rules are kept here: its calls block, it panics instead of returning some errors, two of
//! {update, flush, optimize} must never run at once (`flush` panics when it finds a lock taken), and it never shortens
//! its log.

use std::{
    collections::HashSet,
    fs::{self, File, TryLockError},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use qdrant_edge::{
    CreateIndex, Distance, EdgeConfig, EdgeOptimizersConfig, EdgeShard, EdgeSparseVectorParams, EdgeVectorParams,
    FieldIndexOperations, HnswIndexConfig, IntegerIndexParams, KeywordIndexParams, OperationError, PayloadFieldSchema,
    PayloadSchemaParams, UpdateOperation, WalOptions,
};

use super::native::path;
use crate::platform::{
    error::{Error, Result},
    vectors::{DENSE, KEYWORDS, LEXICAL, NUMBERS, Point, Shape},
};

/// The log is only good for the number of the last operation (the engine does not replay it), so it is kept short.
const LOG_LIMIT_BYTES: u64 = 16 << 20;

/// A collection's directory and, while it is open, its engine.
pub struct Shard {
    dir: PathBuf,
    engine: RwLock<Option<Engine>>,
    /// Held by whoever changes the collection. How many points came in since the index was last put in shape.
    writing: Mutex<usize>,
    /// Changes begun, and how many of them are known to be durable. What was on disk at the start counts as one.
    changes: AtomicU64,
    durable: AtomicU64,
    /// Changes may be gone that nobody has waited for yet.
    lost: AtomicBool,
    /// When it was last asked for, in calls.
    pub used: AtomicU64,
}

/// An open collection.
pub struct Engine {
    pub edge: EdgeShard,
    pub shape: Shape,
    /// The known fields that some point has had. Each has an index; an index costs eight writes per flush, so there is
    /// none before.
    fields: RwLock<HashSet<&'static str>>,
}

impl Engine {
    fn of(edge: EdgeShard) -> Result<Self> {
        let indexed = guarded(|| Ok(edge.info().payload_schema))?;
        let fields = KEYWORDS.into_iter().chain(NUMBERS);
        let fields = fields.filter(|f| path(f).is_ok_and(|f| indexed.contains_key(&f))).collect();
        let shape = shape_of(&edge.config());
        Ok(Self { edge, shape, fields: RwLock::new(fields) })
    }

    /// Whether a point may have this field. `false` is certain.
    pub fn may_have(&self, field: &str) -> bool {
        let known = KEYWORDS.contains(&field) || NUMBERS.contains(&field);
        !known || self.fields.read().unwrap_or_else(PoisonError::into_inner).contains(field)
    }

    /// Makes the indexes these points need, before they come in.
    pub fn prepare_for(&self, points: &[Point]) -> Result<()> {
        for field in KEYWORDS.into_iter().chain(NUMBERS) {
            if self.may_have(field) || !points.iter().any(|p| p.fields.get(field).is_some_and(|v| !v.is_null())) {
                continue;
            }
            add_index(&self.edge, field)?;
            self.fields.write().unwrap_or_else(PoisonError::into_inner).insert(field);
        }
        Ok(())
    }
}

impl Shard {
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            engine: RwLock::new(None),
            writing: Mutex::new(0),
            changes: AtomicU64::new(1),
            durable: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            used: AtomicU64::new(0),
        }
    }

    /// Runs `work` on the engine, opening it first; `None` if there is no such collection.
    pub fn read<T>(&self, work: impl FnOnce(&Engine) -> Result<T>) -> Result<Option<T>> {
        loop {
            let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(engine) = &*engine {
                return guarded(|| work(engine)).map(Some);
            }
            drop(engine);
            let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
            if engine.is_none() {
                *engine = open(&self.dir)?;
            }
            if engine.is_none() {
                return Ok(None);
            }
        }
    }

    /// Like [`read`](Self::read), for changes: one at a time.
    pub fn write<T>(&self, work: impl FnOnce(&Engine, &mut usize) -> Result<T>) -> Result<Option<T>> {
        let mut since_optimized = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        let mut finished = false;
        let result = self.read(|engine| {
            let result = work(engine, &mut since_optimized);
            finished = true;
            result
        });
        if !finished && result.is_err() {
            // A panic: what the engine holds in memory is not to be trusted. The next call reads the disk again, and
            // whoever waits for earlier changes must hear of it.
            self.lost.store(true, Ordering::SeqCst);
            self.close();
        } else if log_bytes(&self.dir) > LOG_LIMIT_BYTES {
            self.flush_now()?;
            self.close();
        }
        result
    }

    /// Makes everything durable that was done before; many who wait for it at once cost one flush.
    pub fn flush(&self) -> Result<()> {
        let wanted = self.changes.load(Ordering::SeqCst);
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.durable.load(Ordering::SeqCst) >= wanted {
            return Ok(());
        }
        if self.lost.swap(false, Ordering::SeqCst) {
            return Err(Error::Internal(anyhow::anyhow!("the vector engine failed before this could be flushed")));
        }
        self.flush_now()
    }

    /// While `writing` is held.
    fn flush_now(&self) -> Result<()> {
        let all = self.changes.load(Ordering::SeqCst);
        let flushed = self.read(|engine| {
            engine.edge.flush();
            Ok(())
        })?;
        if flushed.is_some() {
            self.durable.store(all, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Makes the collection, or checks that it has this shape.
    pub fn create(&self, shape: Shape) -> Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        if engine.is_none() {
            *engine = open(&self.dir)?;
        }
        let engine = match &mut *engine {
            Some(engine) => engine,
            none => none.insert(make(&self.dir, shape)?),
        };
        if engine.shape == shape {
            Ok(())
        } else {
            Err(Error::Conflict("the vector collection exists with vectors of another length".into()))
        }
    }

    /// Deletes the directory.
    pub fn remove(&self) -> Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        close(engine.take());
        if !self.dir.exists() {
            return Ok(());
        }
        // Renamed first: a crash half-way must not leave a directory that looks like a damaged collection.
        let gone = self.dir.with_extension("dropped");
        let _ = fs::remove_dir_all(&gone);
        fs::rename(&self.dir, &gone)?;
        Ok(fs::remove_dir_all(&gone)?)
    }

    /// Closes the engine; the next call opens it again.
    pub fn close(&self) {
        let mut engine = self.engine.write().unwrap_or_else(PoisonError::into_inner);
        close(engine.take());
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.close();
    }
}

/// Builds the index of what came in, merges small parts and frees deleted points.
pub fn optimize(engine: &EdgeShard) -> Result<()> {
    // First the log: new parts are on disk at once, and if a power cut took the log's end, later operations would get
    // numbers that the engine takes for old and ignores.
    engine.flush();
    engine.optimize().map(|_| ()).map_err(failed)
}

/// What the engine says, for us.
pub fn failed(error: OperationError) -> Error {
    match error {
        OperationError::WrongVectorDimension { .. }
        | OperationError::VectorNameNotExists { .. }
        | OperationError::ValidationError { .. }
        | OperationError::WrongSparse
        | OperationError::WrongMulti => Error::Invalid(error.to_string()),
        other => Error::Internal(anyhow::anyhow!("vector engine: {other}")),
    }
}

/// The engine panics where it might return an error (a full disk, a torn file).
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        Err(Error::Internal(anyhow::anyhow!("the vector engine panicked: {said}")))
    })
}

fn close(engine: Option<Engine>) {
    let closed = guarded(|| {
        drop(engine);
        Ok(())
    });
    if let Err(error) = closed {
        tracing::error!(error = error.chain(), "a vector collection could not be flushed while closing");
    }
}

fn shape_of(config: &EdgeConfig) -> Shape {
    Shape { dense_dimensions: config.vectors.get(DENSE).map(|v| v.size as u64) }
}

/// Everything on disk and mapped, so that memory goes to what is asked for.
fn config(shape: Shape) -> EdgeConfig {
    let lexical = EdgeSparseVectorParams { on_disk: Some(true), ..Default::default() };
    let dense = shape.dense_dimensions.map(|size| EdgeVectorParams {
        size: usize::try_from(size).unwrap_or(usize::MAX),
        distance: Distance::Cosine,
        on_disk: Some(true),
        multivector_config: None,
        datatype: None,
        quantization_config: None,
        hnsw_config: None,
    });
    EdgeConfig {
        on_disk_payload: true,
        vectors: dense.into_iter().map(|params| (DENSE.into(), params)).collect(),
        sparse_vectors: [(LEXICAL.into(), lexical)].into(),
        hnsw_config: HnswIndexConfig { on_disk: Some(true), ..Default::default() },
        quantization_config: None,
        optimizers: EdgeOptimizersConfig {
            default_segment_number: Some(8),
            indexing_threshold: Some(500),
            ..Default::default()
        },
        // Two files of this size stand beside every collection, however small.
        wal_options: Some(WalOptions {
            segment_capacity: 256 << 10,
            segment_queue_len: 0,
            retain_closed: NonZeroUsize::MIN,
        }),
    }
}

fn make(dir: &Path, shape: Shape) -> Result<Engine> {
    fs::create_dir_all(dir)?;
    Engine::of(guarded(|| EdgeShard::new(dir, config(shape)).map_err(failed))?)
}

fn add_index(edge: &EdgeShard, field: &str) -> Result<()> {
    let schema = if NUMBERS.contains(&field) {
        PayloadSchemaParams::Integer(IntegerIndexParams { on_disk: Some(true), ..Default::default() })
    } else {
        PayloadSchemaParams::Keyword(KeywordIndexParams { on_disk: Some(true), ..Default::default() })
    };
    let field_schema = Some(PayloadFieldSchema::FieldParams(schema));
    let index = FieldIndexOperations::CreateIndex(CreateIndex { field_name: path(field)?, field_schema });
    edge.update(UpdateOperation::FieldIndexOperation(index)).map_err(failed)
}

/// Opens the directory if there is one. What cannot be read is moved aside and replaced by an empty collection.
fn open(dir: &Path) -> Result<Option<Engine>> {
    if !dir.exists() {
        return Ok(None);
    }
    refuse_if_taken(dir)?;
    shorten_log(dir)?;
    let shape = match EdgeConfig::load(dir) {
        Some(Ok(saved)) => Some(shape_of(&saved)),
        Some(Err(_)) => {
            let file = dir.join("edge_config.json");
            // The engine can tell the settings from the points, but only if a spoilt file is not in the way.
            if fs::read(&file).is_ok_and(|text| serde_json::from_slice::<serde_json::Value>(&text).is_err()) {
                fs::remove_file(file)?;
            }
            None
        }
        None => None,
    };
    let error = match guarded(|| EdgeShard::load(dir, shape.map(config)).map_err(failed)) {
        Ok(edge) => return Engine::of(edge).map(Some),
        Err(error) if is_passing(&error) => return Err(error),
        Err(error) => error,
    };
    let aside = dir.with_extension("damaged");
    let _ = fs::remove_dir_all(&aside);
    fs::rename(dir, &aside)?;
    tracing::error!(
        collection = %dir.file_name().unwrap_or_default().display(),
        moved_to = %aside.display(),
        error = error.chain(),
        "the vector collection is damaged: moved aside, it is empty until rebuilt from the database"
    );
    shape.map(|shape| make(dir, shape)).transpose()
}

/// Whether the machine failed, not the data: too many open files, no memory, no permission, a full disk …
fn is_passing(error: &Error) -> bool {
    let text = error.chain();
    [1, 5, 11, 12, 13, 23, 24, 28, 30, 122]
        .iter()
        .any(|code| text.contains(&format!("os error {code})")) || text.contains(&format!("code: {code},")))
}

/// The engine would take a directory that another process has open for a damaged one.
fn refuse_if_taken(dir: &Path) -> Result<()> {
    let Ok(log) = File::open(dir.join("wal")) else {
        return Ok(());
    };
    match log.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Unavailable {
            service: "the vector engine",
            source: anyhow::anyhow!("{} is open in another process", dir.display()),
        }),
        _ => Ok(()),
    }
}

/// Deletes what is no longer needed of the log, as the engine's own server does. Only while it is closed.
fn shorten_log(dir: &Path) -> Result<()> {
    for file in finished_log(dir) {
        fs::remove_file(file)?;
    }
    Ok(())
}

fn log_bytes(dir: &Path) -> u64 {
    finished_log(dir).iter().filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// The closed pieces of the log, all but the newest: that one tells the number of the last operation.
fn finished_log(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("wal")).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut closed: Vec<(u64, PathBuf)> = files
        .filter_map(|file| {
            let number = file.file_name()?.to_str()?.strip_prefix("closed-")?.parse().ok()?;
            Some((number, file))
        })
        .collect();
    closed.sort_unstable();
    closed.pop();
    closed.into_iter().map(|(_, file)| file).collect()
}
