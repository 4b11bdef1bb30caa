//! Micro-benches of the paths that every passage or every question goes: tokens, splitting, search, drafting, proof.
//! `scripts/bench paths [filter]`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a bench stops at what is wrong")]

#[allow(dead_code, reason = "made for the other bench too")]
#[path = "frontdesk/texts.rs"]
mod texts;

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frontdesk::{
    app::{App, Config, OrgId},
    knowledge::{
        self, Evidence, Query, index, ingest,
        parse::{Parsed, Part},
        split::split,
    },
    platform::{Clock, lexical},
    staff,
    turn::{Question, extract, proof},
};
use texts::{Text, Texts};

const PASSAGES: usize = 5_000;

fn passage(texts: &mut Texts, is_chinese: bool) -> Text {
    std::iter::repeat_with(|| texts.passage()).find(|t| t.is_chinese == is_chinese).unwrap()
}

fn tokens(c: &mut Criterion) {
    let mut texts = Texts::seeded(3);
    let mut group = c.benchmark_group("tokens of a passage");
    for (name, is_chinese) in [("English", false), ("Chinese", true)] {
        let text = passage(&mut texts, is_chinese).text;
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |b| b.iter(|| lexical::document_vector(&[(black_box(&text), 1.0)], 100.0)));
    }
}

fn splitting(c: &mut Criterion) {
    let mut texts = Texts::seeded(4);
    let mut group = c.benchmark_group("splitting a document of 64 KiB");
    group.sample_size(20);
    for (name, is_chinese) in [("English", false), ("Chinese", true)] {
        let document =
            std::iter::repeat_with(|| texts.document(64 << 10)).find(|t| t.is_chinese == is_chinese).unwrap();
        group.throughput(Throughput::Bytes(document.text.len() as u64));
        let parsed = Parsed { title: Some(document.title), parts: vec![Part::Markdown(document.text)] };
        group.bench_function(name, |b| b.iter(|| split(black_box(&parsed), 320)));
    }
}

/// An application with passages in it, and a question on one of them in each language.
struct Shelf {
    app: Arc<App>,
    org: OrgId,
    questions: [String; 2],
}

async fn shelf(dir: &std::path::Path) -> Shelf {
    let app = App::open(Config::default(), dir.to_path_buf(), None, Clock::System).await.unwrap();
    let org = staff::ensure_org(&app, staff::DEFAULT_ORG, "Bench").await.unwrap();
    let kb = ingest::base(&app, org, None).await.unwrap().id;
    let mut texts = Texts::seeded(5);
    let passages: Vec<Text> = (0..PASSAGES).map(|_| texts.passage()).collect();
    let questions = [false, true].map(|is_chinese| {
        let asked = passages.iter().find(|p| p.is_chinese == is_chinese).unwrap();
        texts.question(asked)
    });
    let entries = passages.into_iter().enumerate();
    let entries = entries.map(|(n, t)| index::Text { source: format!("text-{n}"), title: t.title, text: t.text });
    index::add_texts(&app, org, kb, entries).await.unwrap();
    Shelf { app, org, questions }
}

fn questions(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("paths-{}", uuid::Uuid::now_v7()));
    let shelf = runtime.block_on(shelf(&dir));
    let (app, org) = (&shelf.app, shelf.org);
    let evidence = |text: &str| -> Evidence {
        let query = Query::new(text, app.config.assistant.passages);
        runtime.block_on(knowledge::search(app, org, &query)).unwrap()
    };
    for (name, text) in ["English", "Chinese"].into_iter().zip(&shelf.questions) {
        let question = Question::alone(org, text.clone());
        let found = evidence(text);
        let draft = extract::answer(&question, &found);
        c.bench_function(&format!("search over {PASSAGES} passages/{name}"), |b| b.iter(|| evidence(black_box(text))));
        c.bench_function(&format!("draft by quoting/{name}"), |b| {
            b.iter(|| extract::answer(black_box(&question), black_box(&found)));
        });
        c.bench_function(&format!("proof of a reply/{name}"), |b| {
            b.iter(|| proof::check(black_box(draft.clone()), black_box(&found)));
        });
    }
    drop(shelf);
    std::fs::remove_dir_all(dir).unwrap();
}

criterion_group!(paths, tokens, splitting, questions);
criterion_main!(paths);
