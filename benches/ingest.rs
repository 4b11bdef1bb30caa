//! Ingestion, from the file or the text to durable and searchable: short texts in bulk, one long text, many files; or
//! the files that are named. Not a test: `cargo bench --bench ingest [-- FILE…]`.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a measurement")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use frontdesk::{
    app::{App, Config, OrgId},
    knowledge::{
        self, Query,
        index::{Text, add_texts},
        ingest::{self, Content, Upload},
        parse::{Parsed, Part},
        split,
        store::documents,
    },
    platform::{Clock, lexical::document_vector},
    staff,
};
use futures::StreamExt;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use uuid::Uuid;

const TEXTS: usize = 20_000;
const FILES: usize = 500;
const LONG_BYTES: usize = 12 << 20;

#[tokio::main]
async fn main() {
    let dir = Dir(std::env::temp_dir().join(format!("frontdesk-bench-{}", Uuid::now_v7())));
    std::fs::create_dir_all(&dir.0).unwrap();
    println!("load average {}; one fsync {:.1?}", load(), fsync(&dir.0));
    let files: Vec<PathBuf> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).map(PathBuf::from).collect();
    if !files.is_empty() {
        given(&dir, &files).await;
        return;
    }
    let words = Words::new();
    short(&dir, &words).await;
    long(&dir, &words).await;
    many(&dir, &words).await;
    println!("memory {}", memory());
}

/// Short texts, as a bulk load brings them.
async fn short(dir: &Dir, words: &Words) {
    let (app, org) = open(dir, "short").await;
    let kb = ingest::base(&app, org, None).await.unwrap().id;
    let text = |n: usize| Text {
        source: format!("t{n}"),
        title: format!("Article {}", n % 50),
        text: words.text(n as u64, 450),
    };
    let texts: Vec<Text> = (0..TEXTS).map(text).collect();
    let bytes: usize = texts.iter().map(|t| t.text.len()).sum();
    let started = Instant::now();
    let report = add_texts(&app, org, kb, texts).await.unwrap();
    said("short texts in bulk", report.passages, bytes, started.elapsed());
    searched(&app, org).await;
}

/// One document of many megabytes.
async fn long(dir: &Dir, words: &Words) {
    let mut text = String::new();
    for n in 0.. {
        text += &format!("## Part {n}\n\n{}\n\n", words.text(n, 4000));
        if text.len() > LONG_BYTES {
            break;
        }
    }
    let (app, org) = open(dir, "long").await;
    let started = Instant::now();
    let upload = upload("long.md", Content::Bytes(text.clone().into_bytes()));
    let document = ingest::add(&app, org, None, upload, None).await.unwrap().document;
    ingest::run(&app, document.id, 1).await.unwrap();
    let taken = started.elapsed();
    let document = documents::find(app.read().await.unwrap().conn(), org, document.id).await.unwrap().unwrap();
    said("one long document", document.chunk_count as usize, text.len(), taken);
    parts(&text);
    searched(&app, org).await;
}

/// Many documents of some passages each.
async fn many(dir: &Dir, words: &Words) {
    let (app, org) = open(dir, "files").await;
    let files: Vec<String> = (0..FILES).map(|n| words.text(n as u64, 6000)).collect();
    let bytes: usize = files.iter().map(String::len).sum();
    let started = Instant::now();
    futures::stream::iter(files.into_iter().enumerate())
        .for_each_concurrent(8, |(n, text)| {
            let app = app.clone();
            async move {
                let upload = upload(&format!("{n}.md"), Content::Bytes(text.into_bytes()));
                let document = ingest::add(&app, org, None, upload, None).await.unwrap().document;
                ingest::run(&app, document.id, 1).await.unwrap();
            }
        })
        .await;
    let taken = started.elapsed();
    let passages = knowledge::store::passages::count(app.read().await.unwrap().conn(), org).await.unwrap();
    println!("{FILES} files, eight at a time: {:.0} files a second", FILES as f64 / taken.as_secs_f64());
    said("many files", passages as usize, bytes, taken);
}

/// The named files one after the other.
async fn given(dir: &Dir, files: &[PathBuf]) {
    let (app, org) = open(dir, "given").await;
    for path in files {
        let size = std::fs::metadata(path).unwrap().len() as usize;
        let name = path.file_name().unwrap().to_string_lossy().to_string();
        let started = Instant::now();
        let added = ingest::add(&app, org, None, upload(&name, Content::Kept(path.clone())), None).await.unwrap();
        ingest::run(&app, added.document.id, added.document.version).await.unwrap();
        let taken = started.elapsed();
        let mut reader = app.read().await.unwrap();
        let document = documents::find(reader.conn(), org, added.document.id).await.unwrap().unwrap();
        let why = document.error_message.unwrap_or_default();
        said(&format!("{name} {why}"), document.chunk_count as usize, size, taken);
        if std::env::args().any(|a| a == "--show") {
            let found =
                knowledge::store::passages::of_document(reader.conn(), org, document.id, -1, 1000).await.unwrap();
            for passage in found {
                println!("[{} {}] {}\n", passage.token_count, passage.heading_path.0.join(" > "), passage.content);
            }
        }
    }
    searched(&app, org).await;
    println!("memory {}", memory());
}

/// What of it is splitting, and what is making vectors.
fn parts(text: &str) {
    let started = Instant::now();
    let pieces = split::split(&Parsed { title: None, parts: vec![Part::Markdown(text.into())] }, 320);
    println!("  of it splitting {:.2?}", started.elapsed());
    let started = Instant::now();
    let terms: usize = pieces.iter().map(|p| document_vector(&[(&p.content, 1.0)], 100.0).0.indices.len()).sum();
    println!("  of it words {:.2?} ({terms} terms)", started.elapsed());
}

async fn searched(app: &App, org: OrgId) {
    let started = Instant::now();
    let found = knowledge::search(app, org, &Query::new("how long does the warranty last? 保修多久", 5)).await.unwrap();
    println!("  searched in {:.1?}: {} passages", started.elapsed(), found.passages.len());
}

async fn open(dir: &Dir, name: &str) -> (Arc<App>, OrgId) {
    let app = App::open(Config::default(), dir.0.join(name), None, Clock::System).await.unwrap();
    let org = staff::ensure_org(&app, "bench", "Bench").await.unwrap();
    (app, org)
}

fn upload(source: &str, content: Content) -> Upload {
    Upload { source: source.into(), title: None, content, extension: None }
}

fn said(what: &str, passages: usize, bytes: usize, taken: Duration) {
    let (s, mb) = (taken.as_secs_f64(), bytes as f64 / 1e6);
    println!(
        "{what}: {passages} passages, {mb:.1} MB in {s:.2} s: {:.0} passages and {:.2} MB a second",
        passages as f64 / s,
        mb / s
    );
}

/// Text with a vocabulary and a rhythm like help pages have, a third of its sentences Chinese.
struct Words(Vec<String>);

impl Words {
    fn new() -> Self {
        let mut dice = SmallRng::seed_from_u64(7);
        let syllables = [
            "re", "fund", "ship", "ment", "war", "ran", "ty", "lam", "or", "der", "ing", "pro", "tec", "tion", "ac",
            "count", "ser", "vice",
        ];
        let mut word =
            || (0..dice.random_range(1..4)).map(|_| syllables[dice.random_range(0..syllables.len())]).collect();
        Self((0..12_000).map(|_| word()).collect())
    }

    fn text(&self, seed: u64, bytes: usize) -> String {
        let mut dice = SmallRng::seed_from_u64(seed);
        let mut text = String::new();
        while text.len() < bytes {
            if dice.random_range(0..3) == 0 {
                for _ in 0..dice.random_range(8..30) {
                    // Common characters are common: the square makes the first ones likelier.
                    let at: f64 = dice.random();
                    text.extend(char::from_u32(0x4E00 + (at * at * 3000.0) as u32));
                }
                text.push('。');
            } else {
                for _ in 0..dice.random_range(6..18) {
                    let at: f64 = dice.random();
                    text += &self.0[(at * at * at * 12_000.0) as usize];
                    text.push(' ');
                }
                text += &format!("{}. ", dice.random_range(1..400));
            }
            if dice.random_range(0..5) == 0 {
                text.push('\n');
            }
        }
        text
    }
}

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn fsync(dir: &Path) -> Duration {
    let file = std::fs::File::create(dir.join("fsync")).unwrap();
    let started = Instant::now();
    for n in 0..50u8 {
        std::io::Write::write_all(&mut &file, &[n]).unwrap();
        file.sync_all().unwrap();
    }
    started.elapsed() / 50
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or("?").to_string()
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|l| l.strip_prefix("VmRSS:")).map(|l| l.trim().to_string()).unwrap_or_default()
}
