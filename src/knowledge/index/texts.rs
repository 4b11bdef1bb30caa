//! Adding many short texts at once, each a document: the bulk path.

use std::collections::HashSet;

use super::batch::{Ready, add};
use crate::{
    app::{App, DocumentId, KnowledgeBaseId, OrgId},
    knowledge::{
        Status,
        parse::{self, Part},
        split,
        store::documents::{self, NewVersion},
    },
    platform::{Result, crypto::sha256_hex, error::blocking, language::Language},
};

/// How many texts are looked at together.
const TEXTS: usize = 2000;

/// A short text with the name it is known by.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub source: String,
    pub title: String,
    pub text: String,
}

/// What became of a bulk load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextsAdded {
    pub new: usize,
    pub replaced: usize,
    pub unchanged: usize,
    /// Without a word in them.
    pub empty: usize,
    pub passages: usize,
}

/// Adds many short texts at once: each becomes a document, durable and searchable when this returns. A text whose
/// source is known replaces it when it differs. Safe to repeat after a failure: what is in stays.
pub async fn add_texts(
    app: &App,
    org: OrgId,
    kb: KnowledgeBaseId,
    texts: impl IntoIterator<Item = Text>,
) -> Result<TextsAdded> {
    let mut texts = texts.into_iter();
    let mut report = TextsAdded::default();
    let mut replaced = HashSet::new();
    loop {
        // A source given twice in one go: the later one waits for the next round.
        let mut sources = HashSet::new();
        let mut round: Vec<Text> = Vec::new();
        let mut later = None;
        for text in texts.by_ref() {
            if !sources.insert(text.source.clone()) {
                later = Some(text);
                break;
            }
            round.push(text);
            if round.len() == TEXTS {
                break;
            }
        }
        if round.is_empty() {
            break;
        }
        add_round(app, org, kb, round, &mut report, &mut replaced).await?;
        if let Some(text) = later {
            add_round(app, org, kb, vec![text], &mut report, &mut replaced).await?;
        }
    }
    if !replaced.is_empty() {
        app.wake(org).await;
    }
    Ok(report)
}

async fn add_round(
    app: &App,
    org: OrgId,
    kb: KnowledgeBaseId,
    texts: Vec<Text>,
    report: &mut TextsAdded,
    replaced: &mut HashSet<DocumentId>,
) -> Result<()> {
    let sources: Vec<&str> = texts.iter().map(|t| t.source.as_str()).collect();
    let known = documents::known(app.read().await?.conn(), org, kb, &sources).await?;
    let passage_tokens = app.config.ingest.passage_tokens;
    let given = texts.len();
    let (ready, unchanged) = blocking(move || {
        let mut ready = Vec::with_capacity(texts.len());
        let mut unchanged = 0;
        for text in texts {
            let hash = sha256_hex(text.text.as_bytes());
            let known = known.get(&text.source);
            if known.is_some_and(|k| k.content_hash == hash && k.processing_status == Status::Completed) {
                unchanged += 1;
                continue;
            }
            ready.extend(read(org, kb, text, hash, known, passage_tokens));
        }
        Ok((ready, unchanged))
    })
    .await?;
    report.unchanged += unchanged;
    report.empty += given - unchanged - ready.len();
    report.passages += ready.iter().map(|r| r.pieces.len()).sum::<usize>();
    for document in &ready {
        if document.version > 1 {
            report.replaced += 1;
            replaced.insert(document.document_id);
        } else {
            report.new += 1;
        }
    }
    add(app, org, ready).await
}

fn read(
    org: OrgId,
    kb: KnowledgeBaseId,
    text: Text,
    content_hash: String,
    known: Option<&documents::Known>,
    passage_tokens: usize,
) -> Option<Ready> {
    let clean = parse::clean(&text.text);
    let part = if has_marks(&clean) { Part::Markdown(clean) } else { Part::Text(clean) };
    let parsed = parse::Parsed { title: None, parts: vec![part] };
    let pieces = split::split(&parsed, passage_tokens);
    if !text.text.contains(char::is_alphanumeric) || pieces.is_empty() {
        return None;
    }
    let document_id = known.map_or_else(DocumentId::new, |k| k.id);
    let version = known.map_or(1, |k| k.version + 1);
    let language = Language::detect(text.text.get(..text.text.floor_char_boundary(2000)).unwrap_or_default());
    let new = NewVersion {
        org_id: org,
        kb_id: kb,
        document_id,
        version,
        title: text.title.clone(),
        source: text.source,
        content_hash,
        file_type: "txt".into(),
        file_size: text.text.len() as i64,
        file_url: None,
        content: Some(text.text),
        created_by: None,
        indexed: None,
    };
    Some(Ready {
        org_id: org,
        kb_id: kb,
        document_id,
        version,
        title: text.title,
        category: None,
        about: None,
        language,
        pieces,
        new: Some(new),
    })
}

/// Whether a text is marked up: it has headings or a table.
fn has_marks(text: &str) -> bool {
    let starts = ["# ", "## ", "### ", "|---", "| ---", "|:--", "| :--"];
    text.lines().any(|line| starts.iter().any(|mark| line.starts_with(mark)))
}
