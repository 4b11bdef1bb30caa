//! Files that can't be read fail with their reason, in bounded time, and nothing else suffers.

use std::{io::Write, time::Duration};

use frontdesk::knowledge::{
    Status,
    parse::{self, Failure, Kind, Limits, Sandbox},
};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::room::{fixture, fixture_bytes, found, ingested, shop};
use crate::{
    on_each_database,
    support::app::{Scratch, TestApp},
};

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// 300 MB of spaces in a few hundred kilobytes.
fn bomb() -> Vec<u8> {
    let spaces = vec![b' '; 300 << 20];
    archive(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", &spaces)])
}

on_each_database! {
    async fn each_bad_file_fails_with_its_reason(app: TestApp) {
        let org = shop(&app).await;
        let truncated = &fixture_bytes("warranty.docx")[..9000];
        let whole = fixture_bytes("prices-en.pdf");
        let half = &whole[..whole.len() / 2];
        let compound = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, 0, 0];
        for (name, bytes, code) in [
            ("locked.pdf", fixture_bytes("encrypted.pdf"), "encrypted"),
            ("locked.docx", compound.to_vec(), "encrypted"),
            ("old.doc", compound.to_vec(), "old_format"),
            ("scan.pdf", fixture_bytes("scanned.pdf"), "needs_ocr"),
            ("blank.pdf", fixture_bytes("blank.pdf"), "empty"),
            ("blank.txt", b" \n \t\n".to_vec(), "empty"),
            ("nothing.md", Vec::new(), "empty"),
            ("cut.docx", truncated.to_vec(), "corrupt"),
            ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<".to_vec(), "corrupt"),
            ("half.pdf", half.to_vec(), "corrupt"),
            ("wrong.pdf", b"hello".to_vec(), "corrupt"),
            ("broken.json", b"{\"a\": [1, 2".to_vec(), "corrupt"),
            ("bomb.docx", bomb(), "zip_bomb"),
            ("program.exe", b"MZ\x90\0\x03\0\0\0".to_vec(), "unsupported"),
            ("photos.zip", archive(&[("a.jpg", b"x")]), "unsupported"),
            ("noise.txt", (0..3000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8 | 1).collect(), "unknown_encoding"),
        ] {
            let document = ingested(&app, org, name, &bytes).await;
            assert_eq!(document.processing_status, Status::Failed, "{name}");
            assert_eq!(document.error_code.as_deref(), Some(code), "{name}");
            assert!(document.error_message.is_some_and(|m| m.len() > 20), "{name}");
        }
        let fine = ingested(&app, org, "fine.md", b"Everything else still works.").await;
        assert_eq!(fine.processing_status, Status::Completed);
        assert_eq!(found(&app, org, "does everything still work?").await.len(), 1);
    }

    async fn a_file_above_the_limit_is_refused(app: TestApp) {
        let app = TestApp::open_with(app.on, |c| c.server.upload_limit_mb = 1).await;
        let org = shop(&app).await;
        let upload = frontdesk::knowledge::ingest::Upload {
            source: "large.txt".into(),
            title: None,
            content: frontdesk::knowledge::ingest::Content::Bytes(vec![b'a'; (1 << 20) + 1]),
            extension: None,
        };
        let error = frontdesk::knowledge::ingest::add(&app, org, None, upload, None).await.unwrap_err();
        assert_eq!(error.code(), "too_large");
        let left: Vec<_> = std::fs::read_dir(app.data_dir.join("files/incoming")).unwrap().collect();
        assert!(left.is_empty(), "nothing is left behind");
    }
}

const LIMITS: Limits = Limits { time: Duration::from_secs(60), memory_mb: 1024 };

/// Damages files in many ways; each is read or refused, none is waited for.
async fn damaged(name: &str, kind: Kind, sandbox: &Sandbox, rounds: u64) {
    let whole = std::fs::read(fixture(name)).unwrap();
    let dir = Scratch::new();
    for seed in 0..rounds {
        let mut random = SmallRng::seed_from_u64(seed);
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..40) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..4u8) {
                0 => bytes[at] = random.next_u32() as u8,
                1 => bytes[at] ^= 1 << random.random_range(0..8),
                2 => bytes.truncate(at.max(bytes.len() / 2)),
                _ => {
                    let to = random.random_range(0..bytes.len());
                    let run = bytes[at..bytes.len().min(at + 40)].to_vec();
                    bytes.splice(to..to, run);
                }
            }
        }
        let path = dir.0.join(format!("{seed}"));
        std::fs::write(&path, &bytes).unwrap();
        let started = std::time::Instant::now();
        let _ = parse::read(&path, kind, LIMITS, sandbox).await;
        assert!(started.elapsed() < Duration::from_secs(55), "{name} with seed {seed}");
    }
}

#[tokio::test]
async fn damaged_files_are_read_or_refused_but_never_hang_or_panic() {
    for (name, kind) in [
        ("returns-zh.pdf", Kind::Pdf),
        ("prices-en.pdf", Kind::Pdf),
        ("embedded-zh.pdf", Kind::Pdf),
        ("warranty.docx", Kind::Docx),
        ("faq.xlsx", Kind::Xlsx),
        ("plans.pptx", Kind::Pptx),
    ] {
        damaged(name, kind, &Sandbox::Thread, 40).await;
    }
}

/// A child as the real program starts it.
fn child() -> Sandbox {
    Sandbox::Child(env!("CARGO_BIN_EXE_frontdesk").into())
}

#[tokio::test]
async fn a_child_reads_what_a_thread_reads() {
    for (name, kind) in [("returns-zh.pdf", Kind::Pdf), ("warranty.docx", Kind::Docx), ("faq.xlsx", Kind::Xlsx)] {
        let read = parse::read(&fixture(name), kind, LIMITS, &child()).await.unwrap();
        let by_thread = parse::read(&fixture(name), kind, LIMITS, &Sandbox::Thread).await.unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(&by_thread).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn a_child_takes_no_more_memory_and_time_than_it_may() {
    let dir = Scratch::new();
    let path = dir.0.join("large.html");
    std::fs::write(&path, "<p>paragraph <b>of</b> <i>words</i></p>".repeat(1_000_000)).unwrap();
    let little = Limits { memory_mb: 128, ..LIMITS };
    assert_eq!(parse::read(&path, Kind::Html, little, &child()).await.unwrap_err(), Failure::TooMuchMemory);
    let short = Limits { time: Duration::from_millis(50), memory_mb: 4096 };
    assert_eq!(parse::read(&path, Kind::Html, short, &child()).await.unwrap_err(), Failure::TooSlow);
}

#[tokio::test]
async fn a_large_file_of_a_plain_format_is_read_in_a_child_too() {
    let dir = Scratch::new();
    let little = Limits { memory_mb: 128, ..LIMITS };
    let zeros = format!("[0{}]", ",0".repeat(4_000_000));
    for (name, kind, text) in
        [("zeros.json", Kind::Json, zeros.clone()), ("zeros.csv", Kind::Csv, zeros.replace([',', '['], "a,").repeat(2))]
    {
        let path = dir.0.join(name);
        std::fs::write(&path, text).unwrap();
        let read = parse::read(&path, kind, little, &child()).await;
        assert_eq!(read.unwrap_err(), Failure::TooMuchMemory, "{name}");
    }
    // With room to read it, it is more than a document may say.
    let path = dir.0.join("cells.csv");
    std::fs::write(&path, "a,b\n".repeat(2_500_000)).unwrap();
    let room = Limits { memory_mb: 4096, ..LIMITS };
    assert_eq!(parse::read(&path, Kind::Csv, room, &child()).await.unwrap_err(), Failure::TooLarge);
}

#[tokio::test]
async fn damaged_files_do_no_harm_to_a_child_either() {
    for (name, kind) in [("returns-zh.pdf", Kind::Pdf), ("plans.pptx", Kind::Pptx)] {
        damaged(name, kind, &child(), 10).await;
    }
}
