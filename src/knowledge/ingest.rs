//! A document's way: taken in → parsed → split → indexed; replaced, failed or forgotten.
//!
//! Taking in stores the source and pushes the job in one transaction; the job is safe to repeat at any point: what an
//! earlier run left of the same version is cleared first, and a version becomes current in one transaction only.

mod copies;
pub(super) mod read;

use std::{io::Read, path::PathBuf, sync::LazyLock};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{
    Document, KnowledgeBase, Status, fetch,
    index::{self, LEXICAL_ONLY},
    parse::{self, Failure},
    store::{self, bases, documents, documents::NewVersion, passages::Which},
};
use crate::{
    app::{App, Changed, DocumentId, Job, KnowledgeBaseId, OrgId, UserId},
    platform::{Error, Result, crypto::hex, error::blocking, files},
};

/// The base that documents go to when none is named and there is none.
const FIRST_BASE: &str = "General";
/// How many documents this process reads at a time; others wait, so that reading leaves room for customers.
pub(super) static READERS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(2));
/// A document with more text keeps its place among the readers until it is indexed: those that only wait to be indexed
/// are many, and together they must not fill the memory.
const LARGE: usize = 4 << 20;
/// A title is cut here.
const TITLE_CHARS: usize = 300;

/// Something to take in.
#[derive(Debug)]
pub struct Upload {
    /// A file name or an address: the same source again is a new version.
    pub source: String,
    /// What it is called; by default what the document says itself, else its file name.
    pub title: Option<String>,
    pub content: Content,
    /// The ending that says what kind it is, when `source` doesn't.
    pub extension: Option<String>,
}

/// Where the bytes are.
#[derive(Debug)]
pub enum Content {
    /// A file that may be moved away.
    Taken(PathBuf),
    /// A file that stays where it is.
    Kept(PathBuf),
    Bytes(Vec<u8>),
}

/// What became of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Added {
    pub document: Document,
    pub outcome: Outcome,
}

/// Whether an upload was news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    New,
    NewVersion,
    /// The same content is there already, under this source or another.
    Unchanged,
}

/// The named base, or the organisation's first; makes one when there is none.
pub async fn base(app: &App, org: OrgId, kb: Option<KnowledgeBaseId>) -> Result<KnowledgeBase> {
    let mut reader = app.read().await?;
    if let Some(id) = kb {
        return bases::find(reader.conn(), org, id).await?.ok_or(Error::NotFound("knowledge base"));
    }
    if let Some(first) = bases::find_first(reader.conn(), org).await? {
        return Ok(first);
    }
    drop(reader);
    let mut tx = app.begin().await?;
    let made = bases::insert(tx.conn(), app.now(), org, FIRST_BASE, None).await?;
    tx.commit().await?;
    match made {
        Some(made) => Ok(made),
        None => bases::find_first(app.read().await?.conn(), org).await?.ok_or(Error::NotFound("knowledge base")),
    }
}

/// Takes in what an address says now.
pub async fn add_url(
    app: &App,
    org: OrgId,
    kb: Option<KnowledgeBaseId>,
    url: &str,
    title: Option<String>,
    by: Option<UserId>,
) -> Result<Added> {
    let limit = app.config.server.upload_limit_mb.saturating_mul(1 << 20);
    let fetched = fetch::fetch(url, limit, app.config.ingest.allow_private_urls).await?;
    let upload = Upload {
        // As it was asked for: where it redirects to may change with every visit.
        source: url.trim().to_string(),
        title,
        content: Content::Bytes(fetched.bytes),
        extension: fetched.extension,
    };
    add(app, org, kb, upload, by).await
}

/// A stored source.
struct Stored {
    /// Its name below the data directory; a temporary one until the document is known.
    path: PathBuf,
    hash: String,
    size: u64,
    head: Vec<u8>,
}

/// Takes a document in: durable when it returns, searchable when its job is done.
pub async fn add(
    app: &App,
    org: OrgId,
    kb: Option<KnowledgeBaseId>,
    upload: Upload,
    by: Option<UserId>,
) -> Result<Added> {
    let kb = base(app, org, kb).await?.id;
    let source = upload.source.trim().to_string();
    if source.is_empty() || source.chars().count() > 2000 {
        return Err(Error::Invalid("the source (a file name or an address) must have 1 to 2000 characters".into()));
    }
    let stored = store(app, upload.content).await?;
    // On the heap: it is more than a caller's future should carry.
    let added = Box::pin(add_stored(app, org, kb, &source, upload.title, upload.extension, &stored, by)).await;
    if !matches!(&added, Ok(Added { outcome: Outcome::New | Outcome::NewVersion, .. })) {
        let _ = tokio::fs::remove_file(&stored.path).await;
    }
    added
}

#[expect(clippy::too_many_arguments, reason = "one call, for the sake of cleaning up after it")]
async fn add_stored(
    app: &App,
    org: OrgId,
    kb: KnowledgeBaseId,
    source: &str,
    title: Option<String>,
    extension: Option<String>,
    stored: &Stored,
    by: Option<UserId>,
) -> Result<Added> {
    let limit = app.config.server.upload_limit_mb.saturating_mul(1 << 20);
    if stored.size > limit {
        return Err(Error::TooLarge { limit_bytes: limit });
    }
    let file_type = file_type(source, extension.as_deref(), &stored.head);
    let title = title.map(|t| t.trim().to_string()).filter(|t| !t.is_empty()).unwrap_or_else(|| name_of(source));
    // Two that race for one source: the later looks again.
    for _ in 0..8 {
        let mut reader = app.read().await?;
        let same_source = documents::find_by_source(reader.conn(), org, kb, source).await?;
        let is_same = |d: &Document| d.content_hash == stored.hash && d.processing_status != Status::Failed;
        let same_content = match &same_source {
            Some(_) => None,
            None => documents::find_by_hash(reader.conn(), org, kb, &stored.hash).await?,
        };
        drop(reader);
        if let Some(document) = same_source.clone().filter(is_same) {
            return Ok(Added { document, outcome: Outcome::Unchanged });
        }
        if let Some(document) = same_content
            && copies::is_known(app, &document, source).await?
        {
            return Ok(Added { document, outcome: Outcome::Unchanged });
        }
        let held = match &same_source {
            Some(document) => copies::hold(app, document).await?,
            None => None,
        };
        let document_id = same_source.as_ref().map_or_else(DocumentId::new, |d| d.id);
        let version = same_source.as_ref().map_or(1, |d| d.version + 1);
        let url = file_url(org, document_id, version, &file_type, &stored.hash);
        let new = NewVersion {
            org_id: org,
            kb_id: kb,
            document_id,
            version,
            title: cut(&title),
            source: source.to_string(),
            content_hash: stored.hash.clone(),
            file_type: file_type.clone(),
            file_size: i64::try_from(stored.size).unwrap_or(i64::MAX),
            file_url: Some(url.clone()),
            content: None,
            created_by: by,
            indexed: None,
        };
        let now = app.now();
        let mut tx = app.begin().await?;
        // The same content may have come in meanwhile under another name: whoever adds to a base does so alone.
        bases::lock(tx.conn(), org, kb).await?;
        if version == 1
            && let Some(document) = documents::find_by_hash(tx.conn(), org, kb, &stored.hash).await?
        {
            if document.source != source {
                copies::note(app, tx.conn(), &document, source, by).await?;
            }
            tx.commit().await?;
            return Ok(Added { document, outcome: Outcome::Unchanged });
        }
        let is_as_seen = match &same_source {
            None => {
                store::copies::delete(tx.conn(), org, kb, source).await?;
                !documents::insert(tx.conn(), now, std::slice::from_ref(&new)).await?.is_empty()
            }
            Some(document) => copies::live_on(app, tx.conn(), document, held.as_ref()).await?,
        };
        if !is_as_seen {
            tx.commit().await?; // whoever came first is on disk before it is looked at again
            continue;
        }
        if version > 1 && !documents::insert_newer(tx.conn(), now, &new).await? {
            continue; // deleted this very moment: what was begun for its copies is undone
        }
        app.keep_file(tx.conn(), org, &url, &stored.path).await?;
        Job::Ingest { document: document_id, version }.push(tx.conn(), org, now).await?;
        let document = documents::find(tx.conn(), org, document_id).await?.ok_or(Error::NotFound("document"))?;
        tx.commit().await?;
        let _ = tokio::fs::remove_file(&stored.path).await;
        app.changed(org, Changed::Document { id: document_id }).await;
        app.wake(org).await;
        return Ok(Added { document, outcome: if version == 1 { Outcome::New } else { Outcome::NewVersion } });
    }
    Err(Error::Conflict("this document is being changed by someone else: try again".into()))
}

/// Writes the bytes below the data directory under a temporary name, durable when it returns.
async fn store(app: &App, content: Content) -> Result<Stored> {
    let path = app.files.incoming().await?;
    let limit = app.config.server.upload_limit_mb.saturating_mul(1 << 20);
    blocking(move || {
        match content {
            Content::Taken(from) => {
                if std::fs::rename(&from, &path).is_err() {
                    std::fs::copy(&from, &path)?;
                    let _ = std::fs::remove_file(&from);
                }
            }
            Content::Kept(from) => {
                let size =
                    std::fs::metadata(&from).map_err(|e| Error::Invalid(format!("{}: {e}", from.display())))?.len();
                if size > limit {
                    return Err(Error::TooLarge { limit_bytes: limit });
                }
                std::fs::copy(&from, &path).map_err(|e| Error::Invalid(format!("{}: {e}", from.display())))?;
            }
            Content::Bytes(bytes) => std::fs::write(&path, bytes)?,
        }
        let mut file = std::fs::File::open(&path)?;
        let mut hash = Sha256::new();
        let mut head = Vec::new();
        let mut size = 0u64;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = file.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
            if size == 0 {
                head = bytes.to_vec();
            }
            hash.update(bytes);
            size += read as u64;
        }
        file.sync_all()?;
        Ok(Stored { path, hash: hex(&hash.finalize()), size, head })
    })
    .await
}

/// The name under which a version's source is kept, which no other version has.
fn file_url(org: OrgId, document: DocumentId, version: i64, file_type: &str, hash: &str) -> String {
    let hash: String = hash.chars().take(12).collect();
    format!("{}/{version}-{hash}.{file_type}", dir_of(org, document))
}

/// Where the sources of a document are kept.
fn dir_of(org: OrgId, document: DocumentId) -> String {
    format!("{}/{org}/{document}", files::DIR)
}

/// The ending by which the job will read it: by content where that is clear, else by name.
fn file_type(source: &str, extension: Option<&str>, head: &[u8]) -> String {
    let path = source.split(['?', '#']).next().unwrap_or(source);
    let named = extension
        .map(String::from)
        .or_else(|| path.rsplit_once('.').map(|(_, e)| e.to_string()))
        .map(|e| e.to_ascii_lowercase())
        .filter(|e| (1..=8).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric()));
    match parse::sniff(&format!("x.{}", named.as_deref().unwrap_or_default()), head) {
        Ok(kind) => kind.name().to_string(),
        Err(_) => named.unwrap_or_else(|| "bin".into()),
    }
}

/// A file's name without its ending; an address as it is.
fn name_of(source: &str) -> String {
    if source.contains("://") {
        return source.to_string();
    }
    let name = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    if stem.trim().is_empty() { source.to_string() } else { stem.to_string() }
}

fn cut(title: &str) -> String {
    title.chars().take(TITLE_CHARS).collect()
}

/// The job: reads, splits and indexes one version. A document that can't be read is marked as failed with its reason,
/// which is a success of the job; an error means "try again".
pub async fn run(app: &App, document: DocumentId, version: i64) -> Result<()> {
    let Some((found, of_version)) = documents::find_version(app.read().await?.conn(), document, version).await? else {
        return Ok(()); // deleted meanwhile
    };
    let org = found.org_id;
    if found.version > version {
        if of_version.processing_status != Status::Completed {
            index::purge(app, org, document, Which::Version(version)).await?;
            mark_failed(app, org, document, version, Failure::Superseded).await?;
        }
        return Ok(());
    }
    if found.current_version == Some(version) && found.processing_status == Status::Completed {
        return Ok(());
    }
    set_status(app, org, document, version, Status::Processing).await?;
    // What a run that was cut off left behind; it is not searched.
    index::purge(app, org, document, Which::Version(version)).await?;
    let Ok(reading) = READERS.acquire().await else { return Err(Error::internal(anyhow::anyhow!("stopping"))) };
    match read::read(app, &found, &of_version).await? {
        Ok(ready) => {
            let is_large = ready.pieces.iter().map(|p| p.content.len()).sum::<usize>() > LARGE;
            let _reading = is_large.then_some(reading);
            index::add_with_others(app, ready).await?;
        }
        Err(failure) => mark_failed(app, org, document, version, failure).await?,
    }
    app.changed(org, Changed::Document { id: document }).await;
    app.wake(org).await;
    Ok(())
}

async fn set_status(app: &App, org: OrgId, document: DocumentId, version: i64, status: Status) -> Result<()> {
    let mut tx = app.begin().await?;
    documents::set_status(tx.conn(), app.now(), document, version, status, None).await?;
    tx.commit().await?;
    app.changed(org, Changed::Document { id: document }).await;
    Ok(())
}

async fn mark_failed(app: &App, org: OrgId, document: DocumentId, version: i64, failure: Failure) -> Result<()> {
    tracing::info!(document.id = %document, version, reason = failure.code(), "the document could not be read");
    let mut tx = app.begin().await?;
    let reason = Some((failure.code(), failure.words()));
    documents::set_status(tx.conn(), app.now(), document, version, Status::Failed, reason).await?;
    tx.commit().await?;
    app.changed(org, Changed::Document { id: document }).await;
    Ok(())
}

/// What follows when the job is given up: the version says that it failed; the one before stays current.
pub async fn fail(app: &App, document: DocumentId, version: i64, error: &Error) -> Result<()> {
    let Some((found, _)) = documents::find_version(app.read().await?.conn(), document, version).await? else {
        return Ok(());
    };
    tracing::error!(document.id = %document, version, error = %error.chain(), "gave a document up");
    mark_failed(app, found.org_id, document, version, Failure::GaveUp).await
}

/// Deletes a document: it can't be found from the moment this returns; a job takes its passages, points and files.
pub async fn remove(app: &App, org: OrgId, document: DocumentId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(kb) = documents::hide(tx.conn(), now, org, document).await? else {
        return Err(Error::NotFound("document"));
    };
    bases::count_documents(tx.conn(), kb, -1).await?;
    Job::Forget { document }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.changed(org, Changed::Document { id: document }).await;
    app.wake(org).await;
    Ok(())
}

/// The job after a deletion or a replacement: what is no longer searched is deleted for good. Safe to repeat.
pub async fn forget(app: &App, document: DocumentId) -> Result<()> {
    let Some((org, is_deleted, current)) = documents::owner(app.read().await?.conn(), document).await? else {
        return Ok(());
    };
    if !is_deleted {
        if let Some(current) = current {
            index::purge(app, org, document, Which::Before(current)).await?;
        }
        return Ok(());
    }
    index::purge(app, org, document, Which::All).await?;
    index::forget_points(app, org, document).await?;
    app.remove_files(org, &dir_of(org, document)).await?;
    let mut tx = app.begin().await?;
    documents::delete(tx.conn(), document).await?;
    tx.commit().await
}

/// Reads a document's source again, as a new version: the newest after a failure or when reading got better, an earlier
/// one to go back to it.
pub async fn again(
    app: &App,
    org: OrgId,
    document: DocumentId,
    earlier: Option<i64>,
    by: Option<UserId>,
) -> Result<Document> {
    let now = app.now();
    let found = documents::find(app.read().await?.conn(), org, document).await?.ok_or(Error::NotFound("document"))?;
    let held = copies::hold(app, &found).await?;
    let mut tx = app.begin().await?;
    bases::lock(tx.conn(), org, found.kb_id).await?;
    let versions = documents::versions(tx.conn(), org, document).await?;
    let meant = versions.into_iter().find(|v| earlier.is_none_or(|e| v.version == e));
    let meant = meant.ok_or(Error::NotFound("version"))?;
    let conflict = || Error::Conflict("this document is being changed by someone else: try again".into());
    if meant.content_hash != found.content_hash && !copies::live_on(app, tx.conn(), &found, held.as_ref()).await? {
        return Err(conflict());
    }
    let content = match meant.file_url {
        Some(_) => None,
        None => documents::content(tx.conn(), org, document, meant.version).await?,
    };
    let new = NewVersion {
        org_id: org,
        kb_id: found.kb_id,
        document_id: document,
        version: found.version + 1,
        title: meant.title,
        source: found.source,
        content_hash: meant.content_hash,
        file_type: meant.file_type,
        file_size: meant.file_size,
        file_url: meant.file_url,
        content,
        created_by: by,
        indexed: None,
    };
    if !documents::insert_newer(tx.conn(), now, &new).await? {
        return Err(conflict());
    }
    Job::Ingest { document, version: new.version }.push(tx.conn(), org, now).await?;
    let found = documents::find(tx.conn(), org, document).await?.ok_or(Error::NotFound("document"))?;
    tx.commit().await?;
    app.changed(org, Changed::Document { id: document }).await;
    app.wake(org).await;
    Ok(found)
}

/// Whether a document's newest version is searchable by words and, where a model is configured, by meaning.
pub fn is_whole(document: &Document) -> bool {
    document.processing_status == Status::Completed && document.error_code.as_deref() != Some(LEXICAL_ONLY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds_come_from_the_source() {
        assert_eq!(name_of("docs/退货政策.v2.md"), "退货政策.v2");
        assert_eq!(name_of("https://example.com/a.html"), "https://example.com/a.html");
        assert_eq!(name_of(".env"), ".env");
        assert_eq!(file_type("a/b.MARKDOWN", None, b"# x"), "md");
        assert_eq!(file_type("https://example.com/help?x=1.pdf", Some("html"), b"<p>"), "html");
        assert_eq!(file_type("report", None, b"%PDF-1.4"), "pdf");
        assert_eq!(file_type("x.exe", None, b"MZ\0\0"), "exe");
    }
}
