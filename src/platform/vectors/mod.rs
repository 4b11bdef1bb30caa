//! Search by words and by meaning: Qdrant inside this process ([`Vectors::Edge`]) or as a server
//! ([`Vectors::Server`]), with the same answers.
//!
//! It holds ids, vectors and filter fields, never text: everything here can be deleted and rebuilt from the database.
//! A collection that isn't there is an empty one to every reader.

mod edge;
mod filter;
mod rank;
mod server;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use uuid::Uuid;

pub use edge::Edge;
pub use filter::{Condition, Filter};
pub use server::Server;

use super::error::{Error, Result};
pub use super::lexical::SparseVector;

/// The sparse vector of a point: which words, and how much each counts.
const LEXICAL: &str = "lexical";
/// The dense vector of a point: what it means.
const DENSE: &str = "dense";
/// Filter fields that hold words.
const KEYWORDS: [&str; 6] = ["kb_id", "document_id", "category", "language", "audience", "customer_id"];
/// Filter fields that hold whole numbers (times as Unix seconds).
const NUMBERS: [&str; 2] = ["valid_from", "valid_until"];

/// What the points of a collection carry beside `lexical`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// The length of `dense`; without it there is none.
    pub dense_dimensions: Option<u64>,
}

/// One thing to be found. `fields` are for filters only: `kb_id`, `document_id`, `category`, `language`, `audience`,
/// `customer_id` (words), `valid_from`, `valid_until` (Unix seconds) are indexed, others are slower to filter by.
#[derive(Debug, Clone)]
pub struct Point {
    pub id: Uuid,
    pub lexical: SparseVector,
    pub dense: Option<Vec<f32>>,
    pub fields: Map<String, Value>,
}

/// A question to a collection: by words, by meaning, or by both.
#[derive(Debug, Clone, Default)]
pub struct Search {
    pub lexical: Option<SparseVector>,
    /// Left out of the search when the collection's points have no `dense`.
    pub dense: Option<Vec<f32>>,
    pub filter: Filter,
    /// How many of the best by words, and how many of the best by meaning.
    pub limit: usize,
}

/// A found point with its score by words (plain dot product) and by meaning (cosine); 0 where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    pub id: Uuid,
    pub lexical: f32,
    pub dense: f32,
}

/// How age counts: after `half_life_s` a score is worth half.
#[derive(Debug, Clone, Copy)]
pub struct Decay {
    /// The field with the time (Unix seconds); a point without it is as good as new.
    pub field: &'static str,
    pub now: i64,
    pub half_life_s: f32,
    /// What the score by words and the score by meaning count.
    pub lexical_weight: f32,
    pub dense_weight: f32,
}

impl Decay {
    /// `now` as the sum of two numbers that single precision holds exactly.
    fn split_now(&self) -> (f32, f32) {
        let coarse = self.now >> 16 << 16;
        #[expect(clippy::cast_precision_loss, reason = "both have few enough binary digits")]
        let both = (coarse as f32, (self.now - coarse) as f32);
        both
    }
}

/// A found point with its weighed and aged score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decayed {
    pub id: Uuid,
    pub score: f32,
}

/// The vector engine. Cheap to clone.
#[derive(Clone)]
pub enum Vectors {
    Edge(Arc<Edge>),
    Server(Arc<Server>),
}

/// The same call on whichever engine it is.
macro_rules! either {
    ($on:expr, $engine:ident => $call:expr) => {
        match $on {
            Self::Edge($engine) => $call,
            Self::Server($engine) => $call,
        }
    };
}

impl Vectors {
    /// The engine in this process, with one directory per collection under `data_dir/vectors`.
    pub fn edge(data_dir: &Path) -> Result<Self> {
        Ok(Self::Edge(Arc::new(Edge::open(&data_dir.join("vectors"))?)))
    }

    /// A Qdrant server (its gRPC address). It is not called yet: see [`health`](Self::health). `prefix` stands before
    /// every collection's name on the server; callers never see it.
    pub fn server(url: &str, api_key: Option<&str>, prefix: &str) -> Result<Self> {
        Ok(Self::Server(Arc::new(Server::open(url, api_key, prefix)?)))
    }

    /// What runs, for the start-up lines.
    pub fn describe(&self) -> String {
        either!(self, engine => engine.describe())
    }

    /// Makes an empty collection. Safe to repeat; `Conflict` when it exists with another shape.
    pub async fn create(&self, collection: &str, shape: Shape) -> Result<()> {
        check_name(collection)?;
        either!(self, engine => engine.create(collection, shape).await)
    }

    /// Deletes a collection with all its points. Safe to repeat.
    pub async fn drop_collection(&self, collection: &str) -> Result<()> {
        check_name(collection)?;
        either!(self, engine => engine.drop_collection(collection).await)
    }

    /// Every collection, sorted by name.
    pub async fn collections(&self) -> Result<Vec<String>> {
        either!(self, engine => engine.collections().await)
    }

    /// Adds points, replacing those with the same id as a whole. Searches see them when it returns; they survive a
    /// crash only after [`flush`](Self::flush).
    pub async fn upsert(&self, collection: &str, mut points: Vec<Point>) -> Result<()> {
        check_name(collection)?;
        if points.is_empty() {
            return Ok(());
        }
        points.iter().try_for_each(check_point)?;
        // A point given twice is stored as it was given last; the engines may see a batch in any order.
        let mut seen = std::collections::HashSet::with_capacity(points.len());
        if !points.iter().all(|p| seen.insert(p.id)) {
            seen.clear();
            points.reverse();
            points.retain(|p| seen.insert(p.id));
            points.reverse();
        }
        either!(self, engine => engine.upsert(collection, points).await)
    }

    /// Deletes points by id; unknown ids are fine.
    pub async fn delete(&self, collection: &str, ids: &[Uuid]) -> Result<()> {
        check_name(collection)?;
        if ids.is_empty() {
            return Ok(());
        }
        either!(self, engine => engine.delete(collection, ids).await)
    }

    /// Deletes every point that `filter` lets through.
    pub async fn delete_where(&self, collection: &str, filter: Filter) -> Result<()> {
        check_name(collection)?;
        either!(self, engine => engine.delete_where(collection, filter).await)
    }

    /// When it returns, everything done to the collection before survives a crash.
    pub async fn flush(&self, collection: &str) -> Result<()> {
        check_name(collection)?;
        either!(self, engine => engine.flush(collection).await)
    }

    /// Brings the index into its fastest shape and frees what was deleted. `upsert` does it every 2,000 points by
    /// itself; call it at the end of a bulk load and after large deletions. A server does it by itself.
    pub async fn optimize(&self, collection: &str) -> Result<()> {
        check_name(collection)?;
        either!(self, engine => engine.optimize(collection).await)
    }

    /// How many points there are.
    pub async fn count(&self, collection: &str) -> Result<usize> {
        check_name(collection)?;
        either!(self, engine => engine.count(collection).await)
    }

    /// Every id, sorted, with one field of its point when asked: to compare with the database.
    pub async fn ids(&self, collection: &str, field: Option<&str>) -> Result<Vec<(Uuid, Option<Value>)>> {
        check_name(collection)?;
        either!(self, engine => engine.ids(collection, field).await)
    }

    /// The best `limit` by words and the best `limit` by meaning, as one list without repetitions in which **every**
    /// hit has both scores, exactly (only which neighbours are the nearest by meaning is approximate, in large
    /// collections). Weighing the two is the caller's. Sorted by `lexical`, then `dense`, both falling, then id;
    /// differences below a ten-thousandth don't count, so that both engines give the same order.
    pub async fn search(&self, collection: &str, search: Search) -> Result<Vec<Hit>> {
        check_name(collection)?;
        if search.limit == 0 {
            return Ok(Vec::new());
        }
        either!(self, engine => engine.search(collection, search).await)
    }

    /// The best `limit` by (`lexical_weight` × score by words + `dense_weight` × score by meaning) × decay, falling,
    /// then by id. The 200 best by words and by meaning (or four times `limit`) are looked at.
    pub async fn decayed(&self, collection: &str, search: Search, decay: Decay) -> Result<Vec<Decayed>> {
        check_name(collection)?;
        if !(decay.half_life_s > 0.0 && decay.half_life_s.is_finite()) {
            return Err(Error::Invalid("a half-life must be longer than nothing".into()));
        }
        if search.limit == 0 {
            return Ok(Vec::new());
        }
        either!(self, engine => engine.decayed(collection, search, decay).await)
    }

    /// Whether the engine answers now.
    pub async fn health(&self) -> Result<()> {
        either!(self, engine => engine.health().await)
    }
}

/// A name is a directory and a part of URLs: letters, digits, `-` and `_` only.
fn check_name(collection: &str) -> Result<()> {
    let fits = (1..=200).contains(&collection.len())
        && collection.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if fits { Ok(()) } else { Err(Error::Invalid(format!("'{collection}' cannot be the name of a vector collection"))) }
}

/// The engines differ in what they notice, and when.
fn check_point(point: &Point) -> Result<()> {
    let SparseVector { indices, values } = &point.lexical;
    let fits = indices.len() == values.len()
        && indices.is_sorted_by(|a, b| a < b)
        && values.iter().chain(point.dense.iter().flatten()).all(|value| value.is_finite());
    if fits { Ok(()) } else { Err(Error::Invalid(format!("the vectors of point {} are not well formed", point.id))) }
}

/// Vectors must be as long as the collection's; `given` are those of points or of a question.
fn check_length<'a>(shape: Shape, given: impl IntoIterator<Item = &'a Vec<f32>>) -> Result<()> {
    for vector in given {
        let expected = shape.dense_dimensions.unwrap_or(0);
        if vector.len() as u64 != expected {
            let length = vector.len();
            return Err(Error::Invalid(format!("a dense vector of length {length} where {expected} is expected")));
        }
    }
    Ok(())
}

/// The answer to writing into a collection that was never created (or was lost and has to be rebuilt).
fn missing() -> Error {
    Error::NotFound("vector collection")
}
