//! The contract of `platform::vectors`, the same for the engine in this process and for a server over gRPC.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod support;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use frontdesk::platform::{
    Error,
    vectors::{Decay, Filter, Hit, Point, Search, Shape, SparseVector, Vectors},
};
use serde_json::json;
use support::{app::Scratch, qdrant};
use uuid::Uuid;

/// One of the two, empty.
struct Store {
    vectors: Option<Vectors>,
    dir: Scratch,
    server: Option<Server>,
}

/// Our own for tests, or a real one beside them that `FRONTDESK_TEST_QDRANT` names by its gRPC address.
enum Server {
    Ours(qdrant::Qdrant),
    Real { url: String, prefix: String },
}

impl Server {
    fn connect(&self) -> Vectors {
        match self {
            Self::Ours(server) => Vectors::server(&server.url(), None, "shop_").unwrap(),
            Self::Real { url, prefix } => Vectors::server(url, None, prefix).unwrap(),
        }
    }
}

impl std::ops::Deref for Store {
    type Target = Vectors;
    fn deref(&self) -> &Vectors {
        self.vectors.as_ref().unwrap()
    }
}

impl Store {
    fn edge() -> Self {
        let dir = Scratch::new();
        Self { vectors: Some(Vectors::edge(&dir.0).unwrap()), dir, server: None }
    }

    fn server() -> Self {
        match std::env::var("FRONTDESK_TEST_QDRANT") {
            // Each test has its own corner of it.
            Ok(url) => Self::on(Server::Real { url, prefix: format!("test_{}_", Uuid::now_v7().simple()) }),
            Err(_) => Self::on(Server::Ours(qdrant::serve().1)),
        }
    }

    fn on(server: Server) -> Self {
        Self { vectors: Some(server.connect()), dir: Scratch::new(), server: Some(server) }
    }

    /// Closes and opens again, our server too.
    fn reopen(&mut self) {
        self.vectors = None;
        if let Some(Server::Ours(server)) = &mut self.server {
            server.stop();
            server.start();
        }
        self.vectors = Some(match &self.server {
            None => Vectors::edge(&self.dir.0).unwrap(),
            Some(server) => server.connect(),
        });
    }

    fn ours(&mut self) -> &mut qdrant::Qdrant {
        match &mut self.server {
            Some(Server::Ours(server)) => server,
            _ => panic!("not on a server of ours"),
        }
    }

    /// What a process would find that is started now, after this one was killed.
    fn killed(&self) -> Self {
        let dir = Scratch::new();
        copy(&self.dir.0, &dir.0);
        Self { vectors: Some(Vectors::edge(&dir.0).unwrap()), dir, server: None }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Runs each on the engine in this process and on a server.
macro_rules! contract {
    ($(async fn $name:ident($store:ident) $body:block)*) => {
        mod edge {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { #[allow(unused_mut)] let mut $store = Store::edge(); $body })*
        }
        mod server {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { #[allow(unused_mut)] let mut $store = Store::server(); $body })*
        }
    };
}

const WORDS: Shape = Shape { dense_dimensions: None };
const BOTH: Shape = Shape { dense_dimensions: Some(8) };

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn sparse(pairs: &[(u32, f32)]) -> SparseVector {
    SparseVector { indices: pairs.iter().map(|p| p.0).collect(), values: pairs.iter().map(|p| p.1).collect() }
}

fn point(n: u128, lexical: &[(u32, f32)]) -> Point {
    Point { id: id(n), lexical: sparse(lexical), dense: None, fields: serde_json::Map::new() }
}

fn with(mut point: Point, fields: serde_json::Value) -> Point {
    point.fields = fields.as_object().unwrap().clone();
    point
}

fn words(pairs: &[(u32, f32)]) -> Search {
    Search { lexical: Some(sparse(pairs)), limit: 10, ..Default::default() }
}

fn numbers(hits: &[Hit]) -> Vec<u128> {
    hits.iter().map(|hit| hit.id.as_u128()).collect()
}

/// A little generator: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn sparse(&mut self, terms: u64, of: u64) -> SparseVector {
        let indices: BTreeSet<u32> = (0..terms).map(|_| self.roll(of) as u32).collect();
        let values = indices.iter().map(|_| self.roll(1000) as f32 / 500.0 + 0.1).collect();
        SparseVector { indices: indices.into_iter().collect(), values }
    }

    fn dense(&mut self) -> Vec<f32> {
        (0..8).map(|_| self.roll(2000) as f32 / 1000.0 - 0.999).collect()
    }
}

fn dot(a: &SparseVector, b: &SparseVector) -> f32 {
    let pairs = a.indices.iter().zip(&a.values);
    pairs.filter_map(|(i, v)| Some(v * b.values[b.indices.iter().position(|j| j == i)?])).sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / dot(a, a).sqrt() / dot(b, b).sqrt()
}

contract! {
    async fn creating_is_safe_to_repeat_but_not_with_another_shape(store) {
        store.create("a", BOTH).await.unwrap();
        store.upsert("a", vec![point(1, &[(1, 1.0)])]).await.unwrap();
        store.create("a", BOTH).await.unwrap();
        assert_eq!(store.count("a").await.unwrap(), 1);
        assert!(matches!(store.create("a", WORDS).await, Err(Error::Conflict(_))));
        store.create("b", WORDS).await.unwrap();
        assert_eq!(store.collections().await.unwrap(), ["a", "b"]);
        store.drop_collection("a").await.unwrap();
        store.drop_collection("a").await.unwrap();
        assert_eq!(store.collections().await.unwrap(), ["b"]);
        store.create("a", WORDS).await.unwrap();
        assert_eq!(store.count("a").await.unwrap(), 0, "it is a new one");
        for name in ["", "a/b", "..", "a b", "ä"] {
            assert!(matches!(store.create(name, WORDS).await, Err(Error::Invalid(_))), "{name}");
        }
    }

    async fn a_collection_that_is_not_there_is_empty_to_readers_and_an_error_to_writers(store) {
        assert_eq!(store.count("none").await.unwrap(), 0);
        assert_eq!(store.ids("none", Some("kb_id")).await.unwrap(), []);
        assert_eq!(store.search("none", words(&[(1, 1.0)])).await.unwrap(), []);
        store.delete("none", &[id(1)]).await.unwrap();
        store.delete_where("none", Filter::all()).await.unwrap();
        store.flush("none").await.unwrap();
        store.optimize("none").await.unwrap();
        assert!(matches!(store.upsert("none", vec![point(1, &[(1, 1.0)])]).await, Err(Error::NotFound(_))));
        assert!(store.collections().await.unwrap().is_empty());
        store.health().await.unwrap();
    }

    async fn a_point_is_found_replaced_as_a_whole_and_deleted(store) {
        store.create("a", BOTH).await.unwrap();
        let first = Point { dense: Some(vec![1.0; 8]), ..point(1, &[(7, 2.0), (9, 1.0)]) };
        store.upsert("a", vec![with(first, json!({"kb_id": "k", "language": "en"})), point(2, &[(9, 3.0)])]).await.unwrap();
        let hits = store.search("a", words(&[(7, 1.0), (9, 2.0)])).await.unwrap();
        assert_eq!(hits, [Hit { id: id(2), lexical: 6.0, dense: 0.0 }, Hit { id: id(1), lexical: 4.0, dense: 0.0 }]);

        // The last of two equals in one call counts.
        let (old, new) = (point(1, &[(1, 1.0)]), with(point(1, &[(8, 1.0)]), json!({"kb_id": "other"})));
        store.upsert("a", vec![old, new]).await.unwrap();
        assert_eq!(numbers(&store.search("a", words(&[(7, 1.0), (9, 1.0), (1, 1.0)])).await.unwrap()), [2]);
        assert_eq!(numbers(&store.search("a", words(&[(8, 1.0)])).await.unwrap()), [1]);
        let by_meaning = Search { dense: Some(vec![1.0; 8]), limit: 5, ..Default::default() };
        assert_eq!(store.search("a", by_meaning).await.unwrap(), [], "the old dense vector is gone");
        assert_eq!(store.ids("a", Some("language")).await.unwrap(), [(id(1), None), (id(2), None)]);
        assert_eq!(store.ids("a", Some("kb_id")).await.unwrap(), [(id(1), Some(json!("other"))), (id(2), None)]);

        store.delete("a", &[id(2), id(99)]).await.unwrap();
        assert_eq!(store.search("a", words(&[(9, 1.0)])).await.unwrap(), []);
        assert_eq!(store.ids("a", None).await.unwrap(), [(id(1), None)]);
    }

    async fn nothing_to_ask_finds_nothing(store) {
        store.create("a", BOTH).await.unwrap();
        store.upsert("a", vec![point(1, &[(1, 1.0)]), point(2, &[])]).await.unwrap();
        assert_eq!(store.search("a", Search { limit: 5, ..Default::default() }).await.unwrap(), []);
        assert_eq!(store.search("a", words(&[])).await.unwrap(), []);
        assert_eq!(store.search("a", Search { limit: 0, ..words(&[(1, 1.0)]) }).await.unwrap(), []);
        assert_eq!(store.search("a", words(&[(2, 1.0)])).await.unwrap(), []);
        assert_eq!(store.count("a").await.unwrap(), 2, "a point without words is one too");
    }

    async fn what_does_not_fit_is_refused_whole(store) {
        store.create("a", BOTH).await.unwrap();
        let good = point(1, &[(1, 1.0)]);
        let short = Point { dense: Some(vec![1.0; 7]), ..point(2, &[(1, 1.0)]) };
        let twice = point(3, &[(1, 1.0), (1, 2.0)]);
        let uneven = Point { lexical: SparseVector { indices: vec![1, 2], values: vec![1.0] }, ..point(4, &[]) };
        let infinite = point(5, &[(1, f32::INFINITY)]);
        for bad in [short, twice, uneven, infinite] {
            let refused = store.upsert("a", vec![good.clone(), bad]).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
        }
        assert_eq!(store.count("a").await.unwrap(), 0);
        let short = Search { dense: Some(vec![1.0; 7]), limit: 5, ..Default::default() };
        assert!(matches!(store.search("a", short).await, Err(Error::Invalid(_))));
        store.create("b", WORDS).await.unwrap();
        let dense = Point { dense: Some(vec![1.0; 8]), ..point(1, &[(1, 1.0)]) };
        assert!(matches!(store.upsert("b", vec![dense]).await, Err(Error::Invalid(_))));
        store.upsert("b", vec![good]).await.unwrap();
        let both = Search { dense: Some(vec![1.0; 8]), ..words(&[(1, 1.0)]) };
        assert_eq!(numbers(&store.search("b", both).await.unwrap()), [1], "meaning is left out where there is none");
    }

    async fn filters_by_words_ranges_and_ids(store) {
        store.create("a", WORDS).await.unwrap();
        let p = |n, fields| with(point(n, &[(1, n as f32)]), fields);
        store.upsert("a", vec![
            p(1, json!({"kb_id": "k1", "category": "refunds", "rating": 3})),
            p(2, json!({"kb_id": "k1", "category": "delivery", "rating": 5})),
            p(3, json!({"kb_id": "k2", "audience": ["public", "agents"]})),
            p(4, json!({})),
        ]).await.unwrap();
        let found = async |filter: Filter| {
            numbers(&store.search("a", Search { filter, ..words(&[(1, 1.0)]) }).await.unwrap())
        };
        assert_eq!(found(Filter::all()).await, [4, 3, 2, 1]);
        assert_eq!(found(Filter::all().is("kb_id", "k1")).await, [2, 1]);
        assert_eq!(found(Filter::all().one_of("kb_id", ["k1", "k2"])).await, [3, 2, 1]);
        assert_eq!(found(Filter::all().is("kb_id", "k1").is("category", "refunds")).await, [1]);
        assert_eq!(found(Filter::all().is("audience", "agents")).await, [3]);
        assert_eq!(found(Filter::all().one_of("kb_id", Vec::<String>::new())).await, [] as [u128; 0]);
        assert_eq!(found(Filter::all().between("rating", Some(4), None)).await, [2]);
        assert_eq!(found(Filter::all().between_or_absent("rating", Some(4), None)).await, [4, 3, 2]);
        assert_eq!(found(Filter::all().ids([id(1), id(4), id(9)])).await, [4, 1]);
        assert_eq!(found(Filter::all().ids([])).await, [] as [u128; 0]);
        assert_eq!(found(Filter::all().without([id(4), id(2)])).await, [3, 1]);
        assert_eq!(found(Filter::all().is("kb_id", "k1").without([id(2)])).await, [1]);
        store.delete_where("a", Filter::all().is("kb_id", "k1")).await.unwrap();
        assert_eq!(found(Filter::all()).await, [4, 3]);
        store.delete_where("a", Filter::all()).await.unwrap();
        assert_eq!(store.count("a").await.unwrap(), 0);
    }

    async fn a_point_is_found_only_while_it_is_valid(store) {
        store.create("a", WORDS).await.unwrap();
        let p = |n, fields| with(point(n, &[(1, n as f32)]), fields);
        store.upsert("a", vec![
            p(1, json!({})),
            p(2, json!({"valid_from": 1_800_000_000_i64})),
            p(3, json!({"valid_until": 1_800_000_000_i64})),
            p(4, json!({"valid_from": 1_700_000_000_i64, "valid_until": 1_900_000_000_i64})),
            p(5, json!({"valid_from": null, "valid_until": null})),
        ]).await.unwrap();
        let valid = async |now: i64| {
            let filter = Filter::all().valid_at(now);
            numbers(&store.search("a", Search { filter, ..words(&[(1, 1.0)]) }).await.unwrap())
        };
        assert_eq!(valid(1_799_999_999).await, [5, 4, 3, 1]);
        assert_eq!(valid(1_800_000_000).await, [5, 4, 2, 1], "from its first second, until its last");
        assert_eq!(valid(1_600_000_000).await, [5, 3, 1]);
        assert_eq!(valid(1_900_000_000).await, [5, 2, 1]);
    }

    async fn every_hit_of_a_hybrid_search_has_both_scores_exactly(store) {
        store.create("a", BOTH).await.unwrap();
        let mut dice = Dice(42);
        let points: Vec<Point> = (0..300).map(|n| {
            let dense = (n % 10 != 0).then(|| dice.dense());
            let point = Point { id: id(n), lexical: dice.sparse(12, 60), dense, fields: serde_json::Map::new() };
            with(point, json!({"kb_id": format!("k{}", n % 3)}))
        }).collect();
        store.upsert("a", points.clone()).await.unwrap();
        for round in 0..10 {
            let (lexical, dense) = (dice.sparse(4, 60), dice.dense());
            let filter = if round % 2 == 0 { Filter::all() } else { Filter::all().one_of("kb_id", ["k0", "k2"]) };
            let limit = 7;
            let all: Vec<Hit> = points.iter().filter(|p| round % 2 == 0 || p.fields["kb_id"] != "k1").map(|p| Hit {
                id: p.id,
                lexical: dot(&p.lexical, &lexical),
                dense: p.dense.as_ref().map_or(0.0, |d| cosine(d, &dense)),
            }).collect();
            let mut best: BTreeSet<Uuid> = BTreeSet::new();
            for score in [(|h| h.lexical) as fn(&Hit) -> f32, |h| h.dense] {
                let mut sorted: Vec<&Hit> = all.iter().collect();
                sorted.sort_by(|a, b| score(b).total_cmp(&score(a)));
                best.extend(sorted.iter().take(limit).map(|h| h.id));
            }
            let hits = store.search("a", Search { lexical: Some(lexical), dense: Some(dense), filter, limit }).await.unwrap();
            assert_eq!(hits.iter().map(|h| h.id).collect::<BTreeSet<_>>(), best);
            assert_eq!(hits.len(), best.len());
            assert!(hits.is_sorted_by(|a, b| a.lexical >= b.lexical - 1e-4));
            for hit in hits {
                let exact = all.iter().find(|h| h.id == hit.id).unwrap();
                assert!((exact.lexical - hit.lexical).abs() < 1e-4, "{exact:?} {hit:?}");
                assert!((exact.dense - hit.dense).abs() < 1e-4, "{exact:?} {hit:?}");
            }
        }
    }

    async fn age_counts_in_a_decayed_search(store) {
        const DAY: i64 = 86_400;
        store.create("a", BOTH).await.unwrap();
        let now = 1_772_442_123_i64;
        let mut dice = Dice(9);
        let points: Vec<(Point, Option<i64>)> = (0..60).map(|n| {
            let at = (n % 6 != 0).then(|| now - dice.roll(60 * 86_400) as i64);
            let point = Point { lexical: dice.sparse(8, 20), dense: Some(dice.dense()), ..point(n, &[]) };
            let point = with(point, at.map_or(json!({}), |at| json!({"said_at": at})));
            (point, at)
        }).collect();
        store.upsert("a", points.iter().map(|p| p.0.clone()).collect()).await.unwrap();
        let decay = Decay { field: "said_at", now, half_life_s: (30 * DAY) as f32, lexical_weight: 0.5, dense_weight: 2.0 };
        for (by_words, by_meaning) in [(true, true), (true, false), (false, true)] {
            let (lexical, dense) = (dice.sparse(4, 20), dice.dense());
            let search = Search {
                lexical: by_words.then(|| lexical.clone()),
                dense: by_meaning.then(|| dense.clone()),
                filter: Filter::all().without([id(7)]),
                limit: 8,
            };
            let mut expected: Vec<(Uuid, f64)> = points.iter().filter(|(p, _)| p.id != id(7)).map(|(p, at)| {
                let words = if by_words { 0.5 * dot(&p.lexical, &lexical) } else { 0.0 };
                let meaning = if by_meaning { 2.0 * cosine(p.dense.as_ref().unwrap(), &dense) } else { 0.0 };
                let age = (now - at.unwrap_or(now)) as f64 / (30 * DAY) as f64;
                (p.id, f64::from(words + meaning) * 0.5_f64.powf(age))
            }).collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let found = store.decayed("a", search, decay).await.unwrap();
            assert_eq!(found.len(), 8);
            for (found, (id, score)) in found.iter().zip(&expected) {
                assert_eq!(found.id, *id);
                assert!((f64::from(found.score) - score).abs() < 1e-3, "{found:?} {score}");
            }
        }
        assert_eq!(store.decayed("none", words(&[(1, 1.0)]), decay).await.unwrap(), []);
        assert_eq!(store.decayed("a", words(&[]), decay).await.unwrap(), []);
        let never = Decay { half_life_s: 0.0, ..decay };
        assert!(matches!(store.decayed("a", words(&[(1, 1.0)]), never).await, Err(Error::Invalid(_))));
    }

    async fn equals_come_in_the_order_of_their_ids_even_across_the_end(store) {
        store.create("a", WORDS).await.unwrap();
        let mut points: Vec<Point> = (0..200).map(|n| point(n, &[(1, 1.0)])).collect();
        points.reverse();
        points.push(point(1000, &[(1, 2.0)]));
        store.upsert("a", points).await.unwrap();
        let hits = store.search("a", Search { limit: 5, ..words(&[(1, 1.0)]) }).await.unwrap();
        assert_eq!(numbers(&hits), [1000, 0, 1, 2, 3]);
    }

    async fn two_collections_do_not_mix(store) {
        store.create("passages_1", WORDS).await.unwrap();
        store.create("passages_2", WORDS).await.unwrap();
        store.upsert("passages_1", vec![point(1, &[(1, 1.0)]), point(2, &[(1, 1.0)])]).await.unwrap();
        store.upsert("passages_2", vec![point(1, &[(2, 1.0)]), point(3, &[(1, 1.0)])]).await.unwrap();
        assert_eq!(numbers(&store.search("passages_1", words(&[(1, 1.0)])).await.unwrap()), [1, 2]);
        assert_eq!(numbers(&store.search("passages_2", words(&[(1, 1.0)])).await.unwrap()), [3]);
        store.delete("passages_1", &[id(1)]).await.unwrap();
        store.drop_collection("passages_1").await.unwrap();
        assert_eq!(store.count("passages_2").await.unwrap(), 2);
    }

    async fn what_was_flushed_is_there_after_reopening(store) {
        store.create("a", BOTH).await.unwrap();
        store.upsert("a", (0..50).map(|n| point(n, &[(n as u32, 1.0)])).collect()).await.unwrap();
        store.delete("a", &[id(7)]).await.unwrap();
        store.flush("a").await.unwrap();
        store.reopen();
        assert_eq!(store.count("a").await.unwrap(), 49);
        assert_eq!(numbers(&store.search("a", words(&[(8, 1.0), (7, 1.0)])).await.unwrap()), [8]);
        assert!(matches!(store.create("a", WORDS).await, Err(Error::Conflict(_))), "the shape is kept");
        store.upsert("a", vec![point(8, &[(100, 1.0)])]).await.unwrap();
        assert_eq!(store.search("a", words(&[(8, 1.0)])).await.unwrap(), [], "later changes count after reopening");
    }

    async fn ten_thousand_points_at_once(store) {
        store.create("a", WORDS).await.unwrap();
        let mut dice = Dice(7);
        let lexical: Vec<SparseVector> = (0..10_000).map(|_| dice.sparse(12, 3000)).collect();
        let points = lexical.iter().zip(0..).map(|(lexical, n)| {
            with(Point { lexical: lexical.clone(), ..point(n, &[]) }, json!({"document_id": format!("d{}", n / 100)}))
        });
        store.upsert("a", points.collect()).await.unwrap();
        store.flush("a").await.unwrap();
        assert_eq!(store.count("a").await.unwrap(), 10_000);
        let check = async |store: &Store, gone: &dyn Fn(u128) -> bool, filter: Filter| {
            let query = sparse(&[(5, 1.0), (50, 2.0), (500, 0.5), (2500, 1.0)]);
            let mut expected: Vec<(u128, f32)> = lexical.iter().zip(0..).map(|(l, n)| (n, dot(l, &query))).collect();
            expected.retain(|(n, score)| *score > 0.0 && !gone(*n));
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            let hits = store.search("a", Search { lexical: Some(query), limit: 20, filter, ..Default::default() }).await.unwrap();
            assert_eq!(hits.len(), 20);
            for (hit, (_, score)) in hits.iter().zip(&expected) {
                assert!((hit.lexical - score).abs() < 1e-3, "{hit:?} {score}");
            }
        };
        check(&store, &|_| false, Filter::all()).await;
        check(&store, &|n| !(1000..2000).contains(&n), Filter::all().one_of("document_id", (10..20).map(|d| format!("d{d}")))).await;
        let half: Vec<Uuid> = (0..10_000).filter(|n| n % 2 == 0).map(id).collect();
        store.delete("a", &half).await.unwrap();
        store.optimize("a").await.unwrap();
        check(&store, &|n| n % 2 == 0, Filter::all()).await;
        assert_eq!(store.ids("a", None).await.unwrap().len(), 5000);
        store.flush("a").await.unwrap();
        store.reopen();
        check(&store, &|n| n % 2 == 0, Filter::all()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_give_the_same_hits_in_the_same_order() {
    let (edge, server) = (Store::edge(), Store::server());
    let mut dice = Dice(1);
    let points: Vec<Point> =
        (0..3000).map(|n| Point { lexical: dice.sparse(10, 40), dense: Some(dice.dense()), ..point(n, &[]) }).collect();
    for store in [&edge, &server] {
        store.create("a", BOTH).await.unwrap();
        store.upsert("a", points.clone()).await.unwrap();
    }
    for _ in 0..20 {
        let search = Search {
            lexical: Some(dice.sparse(3, 40)),
            dense: Some(dice.dense()),
            filter: Filter::all().without((0..50).map(|_| id(u128::from(dice.roll(3000))))),
            limit: 10,
        };
        let (ours, theirs) = (edge.search("a", search.clone()).await, server.search("a", search).await);
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert_eq!(numbers(&ours), numbers(&theirs));
        for (a, b) in ours.iter().zip(&theirs) {
            assert!((a.lexical - b.lexical).abs() < 1e-4 && (a.dense - b.dense).abs() < 1e-4);
        }
    }
}

/// The owner compares `ids` with the database and adds what is missing; nothing older may be harmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_what_was_flushed_is_there_and_the_rest_can_be_seen_missing() {
    let store = Store::edge();
    store.create("a", WORDS).await.unwrap();
    store.upsert("a", (0..100).map(|n| point(n, &[(1, 1.0)])).collect()).await.unwrap();
    store.flush("a").await.unwrap();
    store.upsert("a", (100..200).map(|n| point(n, &[(1, 1.0)])).collect()).await.unwrap();
    store.upsert("a", vec![point(5, &[(2, 1.0)])]).await.unwrap();
    let after = store.killed();
    let there: BTreeSet<u128> = after.ids("a", None).await.unwrap().iter().map(|(id, _)| id.as_u128()).collect();
    assert!((0..100).all(|n| n == 5 || there.contains(&n)), "a flushed point is missing");
    // Putting back what is missing works, whatever was there.
    let missing = (0..200).filter(|n| !there.contains(n)).chain([5]);
    after.upsert("a", missing.map(|n| point(n, &[(1, n as f32 + 1.0)])).collect()).await.unwrap();
    after.flush("a").await.unwrap();
    let again = after.killed();
    assert_eq!(again.count("a").await.unwrap(), 200);
    assert_eq!(again.search("a", Search { limit: 500, ..words(&[(1, 1.0)]) }).await.unwrap().len(), 200);
}

/// What the killed process of the next test does: loads and flushes for ever, and says what is flushed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, clippy::print_stdout, reason = "it talks to its parent")]
async fn load_until_killed() {
    let Ok(dir) = std::env::var("FRONTDESK_TEST_LOAD_INTO") else { return };
    let vectors = Vectors::edge(Path::new(&dir)).unwrap();
    vectors.create("a", WORDS).await.unwrap();
    let mut dice = Dice(3);
    for n in vectors.count("a").await.unwrap() as u128.. {
        let points = (n * 50..(n + 1) * 50).map(|n| Point { lexical: dice.sparse(20, 500), ..point(n, &[]) });
        vectors.upsert("a", points.map(|p| with(p, json!({"kb_id": "k"}))).collect()).await.unwrap();
        if n % 3 == 0 {
            vectors.flush("a").await.unwrap();
            println!("flushed {}", (n + 1) * 50);
        }
        if n % 7 == 0 {
            vectors.delete("a", &[id(n * 50)]).await.unwrap();
            vectors.optimize("a").await.unwrap();
        }
    }
}

#[test]
fn a_process_killed_while_loading_loses_nothing_that_was_flushed() {
    use std::io::{BufRead, BufReader};
    let mut dice = Dice(u64::from(std::process::id()));
    for _ in 0..8 {
        let dir = Scratch::new();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "load_until_killed", "--nocapture"])
            .env("FRONTDESK_TEST_LOAD_INTO", &dir.0)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            lines.filter_map(|line| line.strip_prefix("flushed ")?.parse::<u128>().ok()).last().unwrap_or(0)
        });
        std::thread::sleep(Duration::from_millis(300 + dice.roll(1500)));
        child.kill().unwrap();
        child.wait().unwrap();
        let flushed = reader.join().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let vectors = Vectors::edge(&dir.0).unwrap();
            let there: BTreeSet<u128> =
                vectors.ids("a", None).await.unwrap().iter().map(|(id, _)| id.as_u128()).collect();
            let lost: Vec<u128> = (0..flushed).filter(|n| n % 350 != 0 && !there.contains(n)).collect();
            assert!(lost.is_empty(), "of {flushed} flushed points {} are lost", lost.len());
            assert!(!dir.0.join("vectors/a.damaged").exists());
            vectors.create("a", WORDS).await.unwrap();
            let again = (0..flushed + 50).map(|n| with(point(n, &[(1, 1.0)]), json!({"kb_id": "k"})));
            vectors.upsert("a", again.collect()).await.unwrap();
            vectors.optimize("a").await.unwrap();
            let all = Search { limit: 100_000, filter: Filter::all().is("kb_id", "k"), ..words(&[(1, 1.0)]) };
            let hits = vectors.search("a", all).await.unwrap();
            let hits = hits.iter().filter(|hit| hit.id.as_u128() < flushed + 50);
            assert_eq!(hits.count() as u128, flushed + 50);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_collection_is_moved_aside_and_nothing_else_suffers() {
    for victim in ["segments", "edge_config.json", "wal"] {
        let mut store = Store::edge();
        for name in ["a", "b"] {
            store.create(name, BOTH).await.unwrap();
            store.upsert(name, vec![point(1, &[(1, 1.0)])]).await.unwrap();
            store.flush(name).await.unwrap();
        }
        store.vectors = None;
        spoil(&store.dir.0.join("vectors/a").join(victim));
        store.reopen();
        assert_eq!(numbers(&store.search("b", words(&[(1, 1.0)])).await.unwrap()), [1]);
        let found = store.search("a", words(&[(1, 1.0)])).await.unwrap();
        if victim == "edge_config.json" {
            assert_eq!(numbers(&found), [1], "its points tell the shape");
        } else {
            assert_eq!(found, [], "{victim}");
            assert_eq!(store.count("a").await.unwrap(), 0);
            assert!(store.dir.0.join("vectors/a.damaged").is_dir());
        }
        assert_eq!(store.collections().await.unwrap(), ["a", "b"]);
        store.create("a", BOTH).await.unwrap();
        store.upsert("a", vec![point(2, &[(1, 5.0)])]).await.unwrap();
        store.flush("a").await.unwrap();
        store.reopen();
        assert_eq!(numbers(&store.search("a", words(&[(1, 1.0)])).await.unwrap())[0], 2);
    }
}

/// Overwrites every file with nonsense of the same length.
fn spoil(path: &Path) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().flatten().for_each(|entry| spoil(&entry.path()));
    } else {
        let length = std::fs::metadata(path).unwrap().len().min(1 << 16) as usize;
        std::fs::write(path, vec![0xA5; length]).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_neither_panics_nor_loses() {
    let store = Store::edge();
    store.create("a", BOTH).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4_u128 {
        let vectors = Vectors::clone(&store);
        tasks.spawn(async move {
            for n in 0..30 {
                let points = (0..20).map(|i| point(task * 10_000 + n * 20 + i, &[(1, 1.0), (task as u32 + 2, 1.0)]));
                vectors.upsert("a", points.collect()).await.unwrap();
                vectors.flush("a").await.unwrap();
                if n % 10 == 9 {
                    vectors.optimize("a").await.unwrap();
                }
                assert!(!vectors.search("a", words(&[(1, 1.0)])).await.unwrap().is_empty());
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(store.count("a").await.unwrap(), 4 * 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_collections_cost_little_and_need_not_all_be_open() {
    let mut store = Store::edge();
    for n in 0..140 {
        let name = format!("c{n}");
        store.create(&name, WORDS).await.unwrap();
        store.upsert(&name, vec![point(n, &[(1, 1.0)])]).await.unwrap();
        store.flush(&name).await.unwrap();
    }
    for n in 0..140 {
        assert_eq!(numbers(&store.search(&format!("c{n}"), words(&[(1, 1.0)])).await.unwrap()), [n]);
    }
    let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let used: u64 = disk_bytes(&store.dir.0);
    eprintln!("140 collections: {files} open files, {} KB on disk each", used / 140 / 1024);
    assert!(used / 140 < 2 << 20, "{used} bytes on disk");
    store.reopen();
    assert_eq!(store.collections().await.unwrap().len(), 140);
}

fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().flatten().map(|entry| disk_bytes(&entry.path())).sum();
    }
    std::fs::metadata(path).unwrap().blocks() * 512
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_gone_is_unavailable_and_comes_back() {
    let mut store = Store::on(Server::Ours(qdrant::serve().1));
    store.create("a", WORDS).await.unwrap();
    store.upsert("a", vec![point(1, &[(1, 1.0)])]).await.unwrap();
    store.ours().stop();
    let started = Instant::now();
    assert!(matches!(store.health().await, Err(Error::Unavailable { service: "Qdrant", .. })));
    let lost = store.search("a", words(&[(1, 1.0)])).await;
    assert!(matches!(&lost, Err(Error::Unavailable { service: "Qdrant", .. })), "{lost:?}");
    let lost = store.upsert("a", vec![point(2, &[(1, 1.0)])]).await;
    assert!(matches!(&lost, Err(error) if error.is_transient()), "{lost:?}");
    assert!(started.elapsed() < Duration::from_secs(60), "it says so, and soon");
    store.ours().start();
    store.health().await.unwrap();
    store.upsert("a", vec![point(2, &[(1, 1.0)])]).await.unwrap();
    assert_eq!(numbers(&store.search("a", words(&[(1, 1.0)])).await.unwrap()), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_is_unavailable_within_bounded_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let vectors = Vectors::server(&format!("http://{}", silent.local_addr().unwrap()), None, "").unwrap();
    let started = Instant::now();
    assert!(matches!(vectors.health().await, Err(Error::Unavailable { service: "Qdrant", .. })));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn the_rest_port_is_told_apart() {
    let refused = Vectors::server("http://localhost:6333", None, "").map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("gRPC port"), "{refused}");
    assert_eq!(Vectors::server("http://qdrant", None, "").unwrap().describe(), "Qdrant at http://qdrant:6334");
}
