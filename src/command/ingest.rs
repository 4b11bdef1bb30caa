//! `ingest`: files, folders and addresses become documents.
#![allow(clippy::indexing_slicing, reason = "indexing JSON that lacks the key gives null")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use frontdesk::platform::{Error, Result};
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Context, client::Client};

/// How many documents are on their way at a time: enough for those that are indexed together.
const AT_ONCE: usize = 32;

/// One thing to add.
enum Item {
    File {
        path: PathBuf,
        name: String,
    },
    Address(String),
    /// Named, and not there.
    Missing(String),
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::File { name, .. } | Self::Address(name) | Self::Missing(name) => name,
        }
    }
}

/// How one document ended.
struct Outcome {
    name: String,
    told: Result<Value>,
}

pub async fn ingest(context: &Context, paths: &[String], as_json: bool) -> Result<ExitCode> {
    let items = gather(paths)?;
    let client = Client::open(context).await?;
    let bar = ProgressBar::new(items.len() as u64);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} documents · {elapsed} · {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    let (mut done, mut failed) = (0usize, 0usize);
    {
        let mut outcomes = stream::iter(items).map(|item| add(&client, item)).buffer_unordered(AT_ONCE);
        while let Some(outcome) = outcomes.next().await {
            bar.inc(1);
            bar.set_message(outcome.name.clone());
            let line = describe(&outcome, as_json);
            bar.suspend(|| println!("{line}"));
            let is_completed = outcome.told.as_ref().is_ok_and(|d| d["processing_status"] == "completed");
            if is_completed { done += 1 } else { failed += 1 }
        }
    }
    bar.finish_and_clear();
    client.close().await;
    if !as_json {
        println!(
            "{}{}.",
            if done == 1 { "1 document is ready".to_string() } else { format!("{done} documents are ready") },
            if failed == 0 { String::new() } else { format!(", {failed} failed") }
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(outcome: &Outcome, as_json: bool) -> String {
    let name = &outcome.name;
    if as_json {
        return match &outcome.told {
            Ok(document) => json!({
                "source": name, "document_id": document["id"], "status": document["processing_status"],
                "outcome": document["outcome"], "passages": document["chunk_count"], "error": document["error_message"],
            }),
            Err(e) => json!({"source": name, "status": "failed", "error": super::in_one_sentence(e)}),
        }
        .to_string();
    }
    match &outcome.told {
        Ok(document) if document["processing_status"] == "completed" => {
            let passages = match document["chunk_count"].as_u64() {
                Some(1) => "1 passage".to_string(),
                count => format!("{} passages", count.unwrap_or_default()),
            };
            let how = match document["outcome"].as_str() {
                Some("unchanged") => "unchanged".to_string(),
                Some("new_version") => format!("new version, {passages}"),
                _ => passages,
            };
            format!("✓ {name}: {how}")
        }
        Ok(document) => format!("✗ {name}: {}", document["error_message"].as_str().unwrap_or("failed")),
        Err(e) => format!("✗ {name}: {}", super::in_one_sentence(e)),
    }
}

async fn add(client: &Client, item: Item) -> Outcome {
    let name = item.name().to_string();
    let told = async {
        let mut added = match &item {
            Item::File { path, name } => client.upload("/api/documents", name, path).await?,
            Item::Address(address) => client.call("POST", "/api/documents/url", Some(json!({"url": address}))).await?,
            Item::Missing(_) => return Err(Error::Invalid("no such file or folder".into())),
        };
        let outcome = added["outcome"].take();
        let mut document = settled(client, &added["document"]).await?;
        document["outcome"] = outcome;
        Ok(document)
    }
    .await;
    Outcome { name, told }
}

/// Waits until the document is completed or failed; the server resumes it should it be restarted meanwhile.
async fn settled(client: &Client, added: &Value) -> Result<Value> {
    let id = added["id"].as_str().ok_or_else(|| Error::Invalid("the server did not name the document".into()))?;
    let mut wait = Duration::from_millis(5);
    loop {
        let document = client.call("GET", &format!("/api/documents/{id}"), None).await?;
        if matches!(document["processing_status"].as_str(), Some("completed" | "failed")) {
            return Ok(document);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_millis(250));
    }
}

/// Files of folders in order of their names; hidden ones are passed over. A file keeps the path it was named by, so
/// that the same command later finds its documents again. What is not there is told with the others.
fn gather(paths: &[String]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for named in paths {
        if named.starts_with("http://") || named.starts_with("https://") {
            items.push(Item::Address(named.clone()));
            continue;
        }
        let path = Path::new(named);
        if path.is_dir() {
            walk(path, &mut items)?;
        } else if path.is_file() {
            items.push(file(path));
        } else {
            items.push(Item::Missing(named.clone()));
        }
    }
    if items.is_empty() {
        return Err(Error::Invalid("there is no file in what you named".into()));
    }
    Ok(items)
}

fn walk(folder: &Path, items: &mut Vec<Item>) -> Result<()> {
    let cannot = |e: std::io::Error| Error::Invalid(format!("{}: {e}", folder.display()));
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(cannot)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(cannot)?;
    entries.sort();
    for path in entries {
        let is_hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, items)?;
        } else {
            items.push(file(&path));
        }
    }
    Ok(())
}

fn file(path: &Path) -> Item {
    let name = path.to_string_lossy().trim_start_matches("./").to_string();
    Item::File { path: path.to_path_buf(), name }
}
