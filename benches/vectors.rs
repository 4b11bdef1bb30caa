//! The vector engine in this process with 50,000 passages of 120 terms: how fast they come in, how fast they are
//! found, what it costs. Not a test: `cargo bench --bench vectors [-- <passages>]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a measurement")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use frontdesk::platform::vectors::{Filter, Point, Search, Shape, SparseVector, Vectors};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::json;
use uuid::Uuid;

const TERMS: usize = 120;
const VOCABULARY: f64 = 30_000.0;
const QUERIES: usize = 2000;

#[tokio::main]
async fn main() {
    let passages = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(50_000);
    let dir = Dir(std::env::temp_dir().join(format!("frontdesk-bench-{}", Uuid::now_v7())));
    let mut dice = SmallRng::seed_from_u64(1);
    println!("load average {}; one fsync {:.1?}", load(), fsync(&dir.0));

    let vectors = Vectors::edge(&dir.0).unwrap();
    vectors.create("passages", Shape::default()).await.unwrap();
    let points: Vec<Point> = (0..passages).map(|n| point(n, &mut dice)).collect();
    let before = memory();
    let started = Instant::now();
    let mut batches = points.into_iter().peekable();
    while batches.peek().is_some() {
        vectors.upsert("passages", batches.by_ref().take(500).collect()).await.unwrap();
    }
    vectors.optimize("passages").await.unwrap();
    let loaded = started.elapsed();
    vectors.flush("passages").await.unwrap();
    println!(
        "{passages} passages of {TERMS} terms: {:.1} s, {:.0} a second; flushed after {:.0?}; {} on disk; memory {} before, {} after",
        loaded.as_secs_f64(),
        passages as f64 / loaded.as_secs_f64(),
        started.elapsed() - loaded,
        megabytes(disk(&dir.0)),
        before,
        memory(),
    );

    measure("search", &vectors, &mut dice, |_| Filter::all()).await;
    measure("valid now", &vectors, &mut dice, |_| Filter::all().valid_at(1_772_442_000)).await;
    measure("one base of four", &vectors, &mut dice, |n| Filter::all().is("kb_id", format!("base-{}", n % 4))).await;
    measure("one document", &vectors, &mut dice, |n| Filter::all().is("document_id", format!("document-{n}"))).await;

    let hop: Vec<Duration> = {
        let mut hops = Vec::new();
        for _ in 0..QUERIES {
            let started = Instant::now();
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            hops.push(started.elapsed());
        }
        hops
    };
    println!("{:<18} {}", "of it the hop", percentiles(hop));

    let mut flushes = Vec::new();
    for n in 0..20 {
        vectors.upsert("passages", vec![point(passages + n, &mut dice)]).await.unwrap();
        let started = Instant::now();
        vectors.flush("passages").await.unwrap();
        flushes.push(started.elapsed());
    }
    println!("{:<18} {}", "one more, flush", percentiles(flushes));

    drop(vectors);
    let vectors = Vectors::edge(&dir.0).unwrap();
    let started = Instant::now();
    vectors.search("passages", question(Filter::all(), &mut dice)).await.unwrap();
    println!("opening with the first search {:.1?}; memory {}", started.elapsed(), memory());
    let started = Instant::now();
    let ids = vectors.ids("passages", Some("document_id")).await.unwrap().len();
    println!("{ids} ids with a field {:.0?}", started.elapsed());
    println!("load average {}", load());
}

async fn measure(what: &str, vectors: &Vectors, dice: &mut SmallRng, filter: impl Fn(usize) -> Filter) {
    let mut times = Vec::with_capacity(QUERIES);
    let mut found = 0;
    for n in 0..QUERIES {
        let search = question(filter(n), dice);
        let started = Instant::now();
        found += vectors.search("passages", search).await.unwrap().len();
        times.push(started.elapsed());
    }
    println!("{what:<18} {} ({:.1} hits)", percentiles(times), found as f64 / QUERIES as f64);
}

/// Words as in a language: few are frequent, most are rare.
fn word(dice: &mut SmallRng) -> u32 {
    VOCABULARY.powf(dice.random::<f64>()) as u32
}

fn sparse(terms: usize, dice: &mut SmallRng) -> SparseVector {
    SparseVector::from_pairs((0..terms).map(|_| (word(dice), dice.random::<f32>() + 0.1)).collect())
}

fn point(n: u128, dice: &mut SmallRng) -> Point {
    let fields = json!({"kb_id": format!("base-{}", n % 4), "document_id": format!("document-{}", n / 20)});
    let fields = fields.as_object().cloned().unwrap_or_default();
    Point { id: Uuid::from_u128(n), lexical: sparse(TERMS, dice), dense: None, fields }
}

/// Eight words, of which frequent ones count little.
fn question(filter: Filter, dice: &mut SmallRng) -> Search {
    let mut lexical = sparse(8, dice);
    for (index, value) in lexical.indices.iter().zip(&mut lexical.values) {
        *value = (f64::from(*index) + 1.0).ln() as f32 + 0.1;
    }
    Search { lexical: Some(lexical), dense: None, filter, limit: 50 }
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:.2?}  p99 {:.2?}  max {:.2?}", at(0.5), at(0.99), at(1.0))
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    format!("{} MB ({} MB of it our own)", field("VmRSS"), field("RssAnon"))
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?").to_string()
}

fn fsync(dir: &Path) -> Duration {
    std::fs::create_dir_all(dir).unwrap();
    let path = dir.join("fsync");
    let mut times: Vec<Duration> = (0..20)
        .map(|n| {
            std::fs::write(&path, vec![n; 4096]).unwrap();
            let started = Instant::now();
            std::fs::File::open(&path).unwrap().sync_all().unwrap();
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[10]
}

fn disk(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().flatten().map(|entry| disk(&entry.path())).sum();
    }
    std::fs::metadata(path).map_or(0, |m| m.blocks() * 512)
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
