//! Rows of `documents` and `document_versions`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::{DocumentId, KnowledgeBaseId, OrgId, UserId},
    both,
    knowledge::{Document, DocumentVersion, Status, crawl::Every, used::Usable},
    platform::{db::Conn, error::Result, language::Language},
};

/// A version to add; with `version` 1, a document as well.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub document_id: DocumentId,
    pub version: i64,
    pub title: String,
    pub source: String,
    pub content_hash: String,
    pub file_type: String,
    pub file_size: i64,
    /// Where the source lies; `None`: it is `content`.
    pub file_url: Option<String>,
    pub content: Option<String>,
    pub created_by: Option<UserId>,
    /// Set when its passages are added in the same transaction: then it is completed and current at once.
    pub indexed: Option<Indexed>,
}

/// What is known of a version whose passages are added with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indexed {
    pub chunk_count: i64,
    pub language: Option<Language>,
}

impl NewVersion {
    fn status(&self) -> Status {
        if self.indexed.is_some() { Status::Completed } else { Status::Pending }
    }
}

/// A version that is indexed and durable, about to become the current one.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    pub document_id: DocumentId,
    pub version: i64,
    pub title: String,
    pub language: Option<Language>,
    pub chunk_count: i64,
    /// What the index lacks, if anything: a code and a sentence.
    pub note: Option<(&'static str, String)>,
}

/// Which documents to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kb: Option<KnowledgeBaseId>,
    pub status: Option<Status>,
    /// Documents older than this one: the next page.
    pub after: Option<DocumentId>,
    pub limit: i64,
}

/// What is known of a source: its document's id, newest version, that version's hash and its state.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Known {
    pub id: DocumentId,
    pub source: String,
    pub version: i64,
    pub content_hash: String,
    pub processing_status: Status,
}

const ROWS: usize = 200;

/// The document of this id, if it is the organisation's and not deleted.
pub async fn find(c: Conn<'_>, org: OrgId, id: DocumentId) -> Result<Option<Document>> {
    const FIND: &str = "SELECT * FROM documents WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The document of this source.
pub async fn find_by_source(c: Conn<'_>, org: OrgId, kb: KnowledgeBaseId, source: &str) -> Result<Option<Document>> {
    const FIND: &str = "
        SELECT * FROM documents WHERE org_id = $1 AND kb_id = $2 AND source = $3 AND deleted_at IS NULL";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(kb).bind(source).fetch_optional(c).await)?)
}

/// The oldest document whose newest version has this content and did not fail.
pub async fn find_by_hash(c: Conn<'_>, org: OrgId, kb: KnowledgeBaseId, hash: &str) -> Result<Option<Document>> {
    const FIND: &str = "
        SELECT * FROM documents WHERE org_id = $1 AND kb_id = $2 AND content_hash = $3 AND deleted_at IS NULL
          AND processing_status <> 'failed'
        ORDER BY created_at, id LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(kb).bind(hash).fetch_optional(c).await)?)
}

/// What is known of these sources, by source.
pub async fn known(
    mut c: Conn<'_>,
    org: OrgId,
    kb: KnowledgeBaseId,
    sources: &[&str],
) -> Result<HashMap<String, Known>> {
    let mut known = HashMap::new();
    for some in sources.chunks(ROWS) {
        let rows: Vec<Known> = both!(c.again(), c => {
            let mut q = sqlx::QueryBuilder::<DB>::new(
                "SELECT id, source, version, content_hash, processing_status FROM documents \
                 WHERE deleted_at IS NULL AND org_id = ",
            );
            q.push_bind(org);
            q.push(" AND kb_id = ");
            q.push_bind(kb);
            q.push(" AND source IN (");
            let mut list = q.separated(", ");
            for source in some {
                list.push_bind(*source);
            }
            q.push(")");
            q.build_query_as().persistent(some.len() == ROWS).fetch_all(c).await
        })?;
        known.extend(rows.into_iter().map(|k| (k.source.clone(), k)));
    }
    Ok(known)
}

/// Documents, newest first.
pub async fn list(c: Conn<'_>, org: OrgId, filter: &Filter) -> Result<Vec<Document>> {
    const LIST: &str = "
        SELECT * FROM documents
        WHERE org_id = $1 AND deleted_at IS NULL AND ($2 IS NULL OR kb_id = $2)
          AND ($3 IS NULL OR processing_status = $3) AND ($4 IS NULL OR id < $4)
        ORDER BY id DESC LIMIT $5";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(filter.kb).bind(filter.status).bind(filter.after)
        .bind(filter.limit).fetch_all(c).await)?)
}

/// Adds documents with their first versions, leaving out those whose source is known; returns the ids it added.
pub async fn insert(mut c: Conn<'_>, now: DateTime<Utc>, new: &[NewVersion]) -> Result<Vec<DocumentId>> {
    let mut added = Vec::with_capacity(new.len());
    for some in new.chunks(ROWS) {
        let ids: Vec<DocumentId> = both!(c.again(), c => {
            let mut q = sqlx::QueryBuilder::<DB>::new(
                "INSERT INTO documents (id, org_id, kb_id, title, source, file_url, file_type, file_size, content_hash, \
                 processing_status, version, current_version, chunk_count, language, created_by, created_at, updated_at) ",
            );
            q.push_values(some, |mut row, d| {
                row.push_bind(d.document_id).push_bind(d.org_id).push_bind(d.kb_id).push_bind(&d.title)
                    .push_bind(&d.source).push_bind(&d.file_url).push_bind(&d.file_type).push_bind(d.file_size)
                    .push_bind(&d.content_hash).push_bind(d.status()).push_bind(d.version)
                    .push_bind(d.indexed.map(|_| d.version)).push_bind(d.indexed.map_or(0, |i| i.chunk_count))
                    .push_bind(d.indexed.and_then(|i| i.language))
                    .push_bind(d.created_by).push_bind(now).push_bind(now);
            });
            q.push(" ON CONFLICT (org_id, kb_id, source) WHERE deleted_at IS NULL DO NOTHING RETURNING id");
            q.build_query_scalar().persistent(some.len() == ROWS || some.len() == 1).fetch_all(c).await
        })?;
        added.extend(ids);
    }
    let added_set: std::collections::HashSet<_> = added.iter().copied().collect();
    let versions: Vec<&NewVersion> = new.iter().filter(|v| added_set.contains(&v.document_id)).collect();
    insert_versions(c.again(), now, &versions).await?;
    let mut by_base: HashMap<KnowledgeBaseId, i64> = HashMap::new();
    for version in &versions {
        *by_base.entry(version.kb_id).or_default() += 1;
    }
    for (kb, count) in by_base {
        super::bases::count_documents(c.again(), kb, count).await?;
    }
    Ok(added)
}

async fn insert_versions(mut c: Conn<'_>, now: DateTime<Utc>, versions: &[&NewVersion]) -> Result<()> {
    for some in versions.chunks(ROWS) {
        both!(c.again(), c => {
            let mut q = sqlx::QueryBuilder::<DB>::new(
                "INSERT INTO document_versions (id, org_id, document_id, version, title, content, content_hash, file_url, \
                 file_type, file_size, processing_status, created_by, created_at) ",
            );
            q.push_values(some, |mut row, v| {
                row.push_bind(Uuid::now_v7()).push_bind(v.org_id).push_bind(v.document_id).push_bind(v.version)
                    .push_bind(&v.title).push_bind(&v.content).push_bind(&v.content_hash).push_bind(&v.file_url)
                    .push_bind(&v.file_type).push_bind(v.file_size).push_bind(v.status())
                    .push_bind(v.created_by).push_bind(now);
            });
            q.build().persistent(some.len() == ROWS || some.len() == 1).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// Adds a newer version to a document; false if its newest is no longer the one before, or it is gone.
pub async fn insert_newer(mut c: Conn<'_>, now: DateTime<Utc>, new: &NewVersion) -> Result<bool> {
    const NEWER: &str = "
        UPDATE documents SET version = $3, content_hash = $4, file_url = $5, file_type = $6, file_size = $7,
            processing_status = 'pending', error_code = NULL, error_message = NULL, updated_at = $8
        WHERE org_id = $1 AND id = $2 AND version = $3 - 1 AND deleted_at IS NULL";
    let updated = both!(c.again(), c => sqlx::query(NEWER).bind(new.org_id).bind(new.document_id).bind(new.version)
        .bind(&new.content_hash).bind(&new.file_url).bind(&new.file_type).bind(new.file_size).bind(now)
        .execute(c).await.map(|r| r.rows_affected()))?;
    if updated == 1 {
        insert_versions(c, now, &[new]).await?;
    }
    Ok(updated == 1)
}

/// The versions of a document, newest first.
pub async fn versions(c: Conn<'_>, org: OrgId, document: DocumentId) -> Result<Vec<DocumentVersion>> {
    const VERSIONS: &str = "
        SELECT id, org_id, document_id, version, title, content_hash, file_url, file_type, file_size,
               processing_status, error_code, error_message, created_by, created_at
        FROM document_versions WHERE org_id = $1 AND document_id = $2 ORDER BY version DESC";
    Ok(both!(c, c => sqlx::query_as(VERSIONS).bind(org).bind(document).fetch_all(c).await)?)
}

/// A version and the document it belongs to, for the job that processes it; the job knows no organisation.
pub async fn find_version(
    mut c: Conn<'_>,
    document: DocumentId,
    version: i64,
) -> Result<Option<(Document, DocumentVersion)>> {
    const DOCUMENT: &str = "SELECT * FROM documents WHERE id = $1 AND deleted_at IS NULL";
    const VERSION: &str = "
        SELECT id, org_id, document_id, version, title, content_hash, file_url, file_type, file_size,
               processing_status, error_code, error_message, created_by, created_at
        FROM document_versions WHERE org_id = $1 AND document_id = $2 AND version = $3";
    let found: Option<Document> =
        both!(c.again(), c => sqlx::query_as(DOCUMENT).bind(document).fetch_optional(c).await)?;
    let Some(found) = found else { return Ok(None) };
    let version: Option<DocumentVersion> = both!(c, c => sqlx::query_as(VERSION).bind(found.org_id).bind(document)
        .bind(version).fetch_optional(c).await)?;
    Ok(version.map(|v| (found, v)))
}

/// Says when a document holds.
pub async fn set_validity(
    c: Conn<'_>,
    org: OrgId,
    id: DocumentId,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE documents SET valid_from = $3, valid_until = $4, updated_at = $5 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(from).bind(until).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Sets how often a document's address is fetched again, and when next.
pub async fn set_schedule(
    c: Conn<'_>,
    org: OrgId,
    id: DocumentId,
    every: Option<Every>,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE documents SET crawl_every = $3, crawl_at = $4, crawl_error = NULL, updated_at = $5
        WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(every).bind(at).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What is to be fetched again by now, the longest due first.
pub async fn list_due(c: Conn<'_>, now: DateTime<Utc>) -> Result<Vec<(OrgId, DocumentId, Every)>> {
    const LIST: &str = "
        SELECT org_id, id, crawl_every FROM documents
        WHERE crawl_at IS NOT NULL AND crawl_at <= $1 AND crawl_every IS NOT NULL AND deleted_at IS NULL
        ORDER BY crawl_at LIMIT 200";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(now).fetch_all(c).await)?)
}

/// Sets the next time of what is due. False: another process did.
pub async fn put_off_crawl(c: Conn<'_>, id: DocumentId, next: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool> {
    const SET: &str = "UPDATE documents SET crawl_at = $2 WHERE id = $1 AND crawl_at <= $3";
    let n = both!(c, c => sqlx::query(SET).bind(id).bind(next).bind(now).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Notes why a document's address could not be fetched; `None`: it could.
pub async fn set_crawl_error(c: Conn<'_>, id: DocumentId, error: Option<&str>) -> Result<()> {
    const SET: &str = "UPDATE documents SET crawl_error = $2 WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(error).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The source of a version that is kept in the row itself.
pub async fn content(c: Conn<'_>, org: OrgId, document: DocumentId, version: i64) -> Result<Option<String>> {
    const CONTENT: &str = "
        SELECT content FROM document_versions WHERE org_id = $1 AND document_id = $2 AND version = $3";
    let content: Option<Option<String>> = both!(c, c => sqlx::query_scalar(CONTENT).bind(org).bind(document)
        .bind(version).fetch_optional(c).await)?;
    Ok(content.flatten())
}

/// Marks a version, and the document if it is its newest, as `status` with a reason.
pub async fn set_status(
    mut c: Conn<'_>,
    now: DateTime<Utc>,
    document: DocumentId,
    version: i64,
    status: Status,
    reason: Option<(&str, &str)>,
) -> Result<()> {
    const VERSION: &str = "
        UPDATE document_versions SET processing_status = $3, error_code = $4, error_message = $5
        WHERE org_id = (SELECT org_id FROM documents WHERE id = $1) AND document_id = $1 AND version = $2";
    const DOCUMENT: &str = "
        UPDATE documents SET processing_status = $3, error_code = $4, error_message = $5, updated_at = $6
        WHERE id = $1 AND version = $2 AND deleted_at IS NULL";
    let (code, message) = reason.unzip();
    both!(c.again(), c => sqlx::query(VERSION).bind(document).bind(version).bind(status).bind(code).bind(message)
        .execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(DOCUMENT).bind(document).bind(version).bind(status).bind(code).bind(message).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Makes a version the one that is searched; false if a newer one came or the document is gone.
pub async fn complete(mut c: Conn<'_>, now: DateTime<Utc>, done: &Completed) -> Result<bool> {
    const DOCUMENT: &str = "
        UPDATE documents SET current_version = $2, title = $3, language = $4, chunk_count = $5,
            processing_status = 'completed', error_code = $6, error_message = $7, updated_at = $8
        WHERE id = $1 AND version = $2 AND deleted_at IS NULL";
    const VERSION: &str = "
        UPDATE document_versions SET processing_status = 'completed', title = $3, error_code = $4, error_message = $5
        WHERE org_id = (SELECT org_id FROM documents WHERE id = $1) AND document_id = $1 AND version = $2";
    let (code, message) = done.note.as_ref().map(|(code, text)| (*code, text.as_str())).unzip();
    let completed = both!(c.again(), c => sqlx::query(DOCUMENT).bind(done.document_id).bind(done.version)
        .bind(&done.title).bind(done.language).bind(done.chunk_count).bind(code).bind(message).bind(now)
        .execute(c).await.map(|r| r.rows_affected()))?;
    if completed == 1 {
        both!(c, c => sqlx::query(VERSION).bind(done.document_id).bind(done.version).bind(&done.title).bind(code)
            .bind(message).execute(c).await.map(|_| ()))?;
    }
    Ok(completed == 1)
}

/// Makes a document invisible; `None` if it is not there. Its rows go with [`delete`].
pub async fn hide(c: Conn<'_>, now: DateTime<Utc>, org: OrgId, id: DocumentId) -> Result<Option<KnowledgeBaseId>> {
    const HIDE: &str = "
        UPDATE documents SET deleted_at = $3, current_version = NULL, updated_at = $3
        WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING kb_id";
    Ok(both!(c, c => sqlx::query_scalar(HIDE).bind(org).bind(id).bind(now).fetch_optional(c).await)?)
}

/// Whose a document is, and whether it still stands: its current version, or `None` when it was deleted.
pub async fn owner(c: Conn<'_>, id: DocumentId) -> Result<Option<(OrgId, bool, Option<i64>)>> {
    const OWNER: &str = "SELECT org_id, deleted_at IS NOT NULL, current_version FROM documents WHERE id = $1";
    Ok(both!(c, c => sqlx::query_as(OWNER).bind(id).fetch_optional(c).await)?)
}

/// Deletes the rows of a hidden document.
pub async fn delete(c: Conn<'_>, id: DocumentId) -> Result<()> {
    const DELETE: &str = "DELETE FROM documents WHERE id = $1 AND deleted_at IS NOT NULL";
    both!(c, c => sqlx::query(DELETE).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What is unfinished: newest versions to process, and hidden documents to forget. Start-up pushes their jobs again;
/// where a job still waits, the two merge.
pub async fn unfinished(mut c: Conn<'_>) -> Result<(Vec<(OrgId, DocumentId, i64)>, Vec<(OrgId, DocumentId)>)> {
    const VERSIONS: &str = "
        SELECT org_id, id, version FROM documents
        WHERE deleted_at IS NULL AND processing_status IN ('pending', 'processing') ORDER BY id";
    const HIDDEN: &str = "SELECT org_id, id FROM documents WHERE deleted_at IS NOT NULL ORDER BY id";
    let versions = both!(c.again(), c => sqlx::query_as(VERSIONS).fetch_all(c).await)?;
    let hidden = both!(c, c => sqlx::query_as(HIDDEN).fetch_all(c).await)?;
    Ok((versions, hidden))
}

/// What can be quoted, the newest first.
pub async fn usable(c: Conn<'_>, org: OrgId, limit: i64) -> Result<Vec<Usable>> {
    const LIST: &str = "
        SELECT d.id, d.kb_id, d.title, d.chunk_count, d.created_at, v.created_at AS changed_at, d.valid_until
        FROM documents d
        JOIN document_versions v ON v.org_id = d.org_id AND v.document_id = d.id AND v.version = d.current_version
        WHERE d.org_id = $1 AND d.deleted_at IS NULL AND d.current_version IS NOT NULL ORDER BY d.id DESC LIMIT $2";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(limit).fetch_all(c).await)?)
}
