//! Ingestion: documents and short passages, to durable and searchable, by the command line and by the bulk path.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::{
    machine,
    server::{Scratch, program},
    table::{Mark, Row, short},
    texts::{Text, Texts},
    turn,
};

const DOCUMENTS: usize = 160;
const DOCUMENT_BYTES: usize = 64 << 10;
const SHORT: usize = 20_000;

pub async fn run(below: &Path) -> anyhow::Result<Vec<Row>> {
    let mut texts = Texts::seeded(2);
    let documents: Vec<Text> = (0..DOCUMENTS).map(|_| texts.document(DOCUMENT_BYTES)).collect();
    let megabytes = documents.iter().map(|d| d.text.len()).sum::<usize>() as f64 / 1e6;
    let short_texts: Vec<Text> = (0..SHORT).map(|_| texts.passage()).collect();

    machine::settle();
    let command = by_command(below, &documents).await?;
    let command_rate = megabytes / command.took.as_secs_f64();
    machine::settle();
    let short_command = short_by_command(below, &short_texts).await?;
    let short_rate = short_command.passages as f64 / short_command.took.as_secs_f64();
    machine::settle();
    let bulk = {
        let dir = Scratch::new(below)?;
        let (app, org) = turn::open(&dir.0, None).await?;
        turn::load(&app, org, documents).await?
    };
    let bulk_rate = megabytes / bulk.as_secs_f64();
    Ok(vec![
        Row::new(
            format!("text by `frontdesk ingest`, {DOCUMENTS} Markdown documents, {megabytes:.1} MB"),
            format!(
                "{} MB/s, {} passages/s",
                short(command_rate),
                short(command.passages as f64 / command.took.as_secs_f64())
            ),
            "MB/s",
            vec![Mark::at_least(command_rate, 1.0, 3.0)],
        ),
        Row::new(
            format!("short passages by `frontdesk ingest`, {SHORT} entries of a JSON file"),
            format!("{}/s", short(short_rate)),
            "/s",
            vec![Mark::at_least(short_rate, 2500.0, 6000.0)],
        ),
        Row::new(
            "text by the bulk path, the same documents",
            format!("{} MB/s", short(bulk_rate)),
            "MB/s",
            vec![Mark::at_least(bulk_rate, 1.0, 3.0)],
        ),
    ])
}

struct Ingested {
    took: Duration,
    passages: u64,
}

/// The command as a person gives it, on an empty data directory: process start and end included.
fn ingest(data: &Path, files: &Path, documents: usize) -> anyhow::Result<Ingested> {
    let started = Instant::now();
    let output = program(data).args(["ingest", "--json"]).arg(files).stdin(Stdio::null()).output()?;
    let took = started.elapsed();
    ensure!(output.status.success(), "ingest failed: {}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout)?;
    let told: Vec<Value> = told.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(told.iter().filter(|d| d["status"] == "completed").count() == documents, "not every document is completed");
    let passages = told.iter().filter_map(|d| d["passages"].as_u64()).sum();
    Ok(Ingested { took, passages })
}

/// Whether a later process finds the words that stand at the end of the last document.
fn is_found(data: &Path, text: &Text) -> anyhow::Result<()> {
    let end: String = text.text.trim().chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    let mut command: Command = program(data);
    let output = command.args(["search", "--json", "-k", "5", &end]).output()?;
    let found: Value = serde_json::from_slice(&output.stdout).context("search --json")?;
    let hit = found.as_array().into_iter().flatten().any(|f| {
        let words: String = end.chars().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect();
        f["text"].as_str().is_some_and(|t| t.contains(words.trim()))
    });
    ensure!(hit, "what was ingested is not found");
    Ok(())
}

async fn by_command(below: &Path, documents: &[Text]) -> anyhow::Result<Ingested> {
    let (data, files) = (Scratch::new(below)?, Scratch::new(below)?);
    for (n, document) in documents.iter().enumerate() {
        std::fs::write(files.0.join(format!("{n:04}.md")), &document.text)?;
    }
    let ingested = ingest(&data.0, &files.0, documents.len())?;
    documents.last().map_or(Ok(()), |last| is_found(&data.0, last))?;
    Ok(ingested)
}

async fn short_by_command(below: &Path, texts: &[Text]) -> anyhow::Result<Ingested> {
    let (data, files) = (Scratch::new(below)?, Scratch::new(below)?);
    let entries: Vec<Value> = texts.iter().map(|t| json!({"title": t.title, "text": t.text})).collect();
    std::fs::write(files.0.join("entries.json"), serde_json::to_vec(&entries)?)?;
    let ingested = ingest(&data.0, &files.0, 1)?;
    texts.last().map_or(Ok(()), |last| is_found(&data.0, last))?;
    Ok(ingested)
}
