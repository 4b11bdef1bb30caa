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
    let mut rounds = Rounds { texts: texts.into_iter(), left: None };
    let mut report = TextsAdded::default();
    let (mut written, mut ready) = (HashSet::new(), Vec::new());
    loop {
        // A round is read while the one before is written; it holds no source of that one, which is not there yet.
        let round = rounds.next(&written);
        let is_last = round.texts.is_empty() && rounds.left.is_none();
        let read = read_round(app, org, kb, round.texts);
        // On the heap: both together, in a caller's future, are more than a small stack holds.
        let (added, read) = tokio::join!(Box::pin(add(app, org, std::mem::take(&mut ready))), Box::pin(read));
        added?;
        if is_last {
            break;
        }
        let read = read?;
        report.count(&read);
        (written, ready) = (round.sources, read.ready);
    }
    if report.replaced > 0 {
        app.wake(org).await;
    }
    Ok(report)
}

/// Texts cut into rounds in which no source stands twice: the later text of a source waits for a round of its own.
struct Rounds<I> {
    texts: I,
    left: Option<Text>,
}

/// Texts that are looked at together, and their sources.
struct Round {
    texts: Vec<Text>,
    sources: HashSet<String>,
}

impl<I: Iterator<Item = Text>> Rounds<I> {
    /// The next texts, up to one of a source that is among them already or among `before`.
    fn next(&mut self, before: &HashSet<String>) -> Round {
        let mut round = Round { texts: Vec::new(), sources: HashSet::new() };
        while round.texts.len() < TEXTS
            && let Some(text) = self.left.take().or_else(|| self.texts.next())
        {
            if before.contains(&text.source) || !round.sources.insert(text.source.clone()) {
                self.left = Some(text);
                break;
            }
            round.texts.push(text);
        }
        round
    }
}

/// What a round's texts came to.
struct RoundRead {
    ready: Vec<Ready>,
    unchanged: usize,
    empty: usize,
}

impl TextsAdded {
    fn count(&mut self, round: &RoundRead) {
        let newer = round.ready.iter().filter(|r| r.version > 1).count();
        self.new += round.ready.len() - newer;
        self.replaced += newer;
        self.unchanged += round.unchanged;
        self.empty += round.empty;
        self.passages += round.ready.iter().map(|r| r.pieces.len()).sum::<usize>();
    }
}

/// Splits the texts that are new or differ from what is known under their source.
async fn read_round(app: &App, org: OrgId, kb: KnowledgeBaseId, texts: Vec<Text>) -> Result<RoundRead> {
    let sources: Vec<&str> = texts.iter().map(|t| t.source.as_str()).collect();
    let known = documents::known(app.read().await?.conn(), org, kb, &sources).await?;
    let passage_tokens = app.config.ingest.passage_tokens;
    blocking(move || {
        let given = texts.len();
        let mut ready = Vec::with_capacity(given);
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
        let empty = given - unchanged - ready.len();
        Ok(RoundRead { ready, unchanged, empty })
    })
    .await
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
