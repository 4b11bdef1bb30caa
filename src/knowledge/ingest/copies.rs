//! Copies: sources that say what a document of another source says. They are that document until it changes; then what
//! they say goes on as a document of its own.

use super::{cut, file_url, name_of};
use crate::{
    app::{App, DocumentId, Job, UserId},
    knowledge::{
        Document, DocumentVersion,
        store::{
            copies::{self, Copy},
            documents::{self, NewVersion},
        },
    },
    platform::{Result, db::Conn, files::Readable},
};

/// What a document says, held for its copies while it changes.
pub(super) struct Held {
    version: DocumentVersion,
    /// `None`: its text is in its row.
    file: Option<Readable>,
    text: Option<String>,
}

/// Holds what a document says now, if it has copies: before the transaction that changes it, since a file is read.
pub(super) async fn hold(app: &App, document: &Document) -> Result<Option<Held>> {
    let mut reader = app.read().await?;
    if copies::list(reader.conn(), document.org_id, document.id).await?.is_empty() {
        return Ok(None);
    }
    let versions = documents::versions(reader.conn(), document.org_id, document.id).await?;
    let Some(version) = versions.into_iter().find(|v| v.version == document.version) else { return Ok(None) };
    let text = match version.file_url {
        Some(_) => None,
        None => documents::content(reader.conn(), document.org_id, document.id, version.version).await?,
    };
    drop(reader);
    let file = match &version.file_url {
        Some(url) => app.files.read(url).await?,
        None => None,
    };
    Ok(Some(Held { version, file, text }))
}

/// Makes the oldest copy of a document, which changes in this transaction, a document of its own; the others are copies
/// of that one. The base is locked. False: the document or its copies changed since they were held; nothing was written.
pub(super) async fn live_on(app: &App, mut c: Conn<'_>, document: &Document, held: Option<&Held>) -> Result<bool> {
    let (org, kb) = (document.org_id, document.kb_id);
    if documents::find(c.again(), org, document.id).await?.is_none_or(|d| d.version != document.version) {
        return Ok(false);
    }
    let Some(oldest) = copies::list(c.again(), org, document.id).await?.into_iter().next() else { return Ok(true) };
    let Some(Held { version, file, text }) = held else { return Ok(false) };
    let id = DocumentId::new();
    let url = version.file_url.as_ref().map(|_| file_url(org, id, 1, &version.file_type, &version.content_hash));
    copies::delete(c.again(), org, kb, &oldest.source).await?;
    let new = NewVersion {
        org_id: org,
        kb_id: kb,
        document_id: id,
        version: 1,
        title: cut(&name_of(&oldest.source)),
        source: oldest.source,
        content_hash: version.content_hash.clone(),
        file_type: version.file_type.clone(),
        file_size: version.file_size,
        file_url: url.clone(),
        content: text.clone(),
        created_by: oldest.created_by,
        indexed: None,
    };
    let now = app.now();
    documents::insert(c.again(), now, std::slice::from_ref(&new)).await?;
    match (&url, file) {
        (Some(url), Some(file)) => app.keep_file(c.again(), org, url, file.path()).await?,
        (Some(_), None) => tracing::error!(document.id = %document.id, "the source of a copy is not in the file store"),
        (None, _) => (),
    }
    copies::pass_on(c.again(), org, document.id, id).await?;
    Job::Ingest { document: id, version: 1 }.push(c, org, now).await?;
    Ok(true)
}

/// Whether `source` is known as a copy of `document`.
pub(super) async fn is_known(app: &App, document: &Document, source: &str) -> Result<bool> {
    let mut reader = app.read().await?;
    Ok(copies::original(reader.conn(), document.org_id, document.kb_id, source).await? == Some(document.id))
}

/// Notes that `source` says what `document` says.
pub(super) async fn note(app: &App, c: Conn<'_>, document: &Document, source: &str, by: Option<UserId>) -> Result<()> {
    let copy = Copy {
        org_id: document.org_id,
        kb_id: document.kb_id,
        source: source.to_string(),
        document_id: document.id,
        created_by: by,
        created_at: app.now(),
    };
    copies::save(c, &copy).await
}
