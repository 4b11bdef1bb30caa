//! Rows of `document_chunks`.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{
    app::{DocumentId, KnowledgeBaseId, OrgId, PassageId},
    both,
    knowledge::Passage,
    platform::{db::Conn, error::Result, language::Language},
};

/// A row to add.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPassage {
    pub id: PassageId,
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub document_id: DocumentId,
    pub version: i64,
    pub chunk_index: i64,
    pub heading_path: Vec<String>,
    pub content: String,
    pub token_count: i64,
    pub metadata: serde_json::Value,
}

/// A row as the index needs it: whatever its version, with the title that version had.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct Row {
    pub id: PassageId,
    pub document_id: DocumentId,
    pub kb_id: KnowledgeBaseId,
    pub version: i64,
    pub chunk_index: i64,
    pub title: String,
    pub heading_path: Json<Vec<String>>,
    pub content: String,
    pub language: Option<Language>,
    pub category: Option<String>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
}

/// Which rows of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those of one version.
    Version(i64),
    /// Those of versions before this one.
    Before(i64),
    All,
}

/// How many rows go into one statement: below SQLite's 32,766 parameters with room to spare.
const ROWS: usize = 500;

/// Adds passages.
pub async fn insert(mut c: Conn<'_>, now: DateTime<Utc>, passages: &[NewPassage]) -> Result<()> {
    for some in passages.chunks(ROWS) {
        both!(c.again(), c => {
            let mut q = sqlx::QueryBuilder::<DB>::new(
                "INSERT INTO document_chunks (id, org_id, kb_id, document_id, version, chunk_index, heading_path, content, \
                 token_count, metadata, created_at) ",
            );
            q.push_values(some, |mut row, p| {
                row.push_bind(p.id).push_bind(p.org_id).push_bind(p.kb_id).push_bind(p.document_id)
                    .push_bind(p.version).push_bind(p.chunk_index).push_bind(Json(&p.heading_path))
                    .push_bind(&p.content).push_bind(p.token_count).push_bind(Json(&p.metadata)).push_bind(now);
            });
            q.build().persistent(some.len() == ROWS).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// The passages of these ids that are the organisation's and of their document's current version; in no particular
/// order. An id from an old or foreign point yields nothing, whatever the index says.
pub async fn by_ids(c: Conn<'_>, org: OrgId, ids: &[PassageId]) -> Result<Vec<Passage>> {
    held(c, org, ids, None).await
}

/// Those of them whose documents hold at `now`: the index may lag behind what was said of a document since.
pub async fn valid(c: Conn<'_>, org: OrgId, ids: &[PassageId], now: DateTime<Utc>) -> Result<Vec<Passage>> {
    held(c, org, ids, Some(now)).await
}

async fn held(c: Conn<'_>, org: OrgId, ids: &[PassageId], now: Option<DateTime<Utc>>) -> Result<Vec<Passage>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut q = sqlx::QueryBuilder::<DB>::new(
            "SELECT p.id, p.document_id, p.kb_id, d.title, p.heading_path, p.content, p.chunk_index, p.token_count, p.metadata \
             FROM document_chunks p JOIN documents d ON d.id = p.document_id AND d.current_version = p.version \
             WHERE d.deleted_at IS NULL AND (p.org_id = ",
        );
        q.push_bind(org);
        // `IS TRUE` keeps SQLite from walking the organisation's whole index where a few ids are named.
        q.push(") IS TRUE AND p.id IN (");
        let mut list = q.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        q.push(")");
        if let Some(now) = now {
            q.push(" AND (d.valid_from IS NULL OR d.valid_from <= ").push_bind(now);
            q.push(") AND (d.valid_until IS NULL OR d.valid_until > ").push_bind(now).push(")");
        }
        q.build_query_as().fetch_all(c).await
    })?)
}

/// The passages of a document's current version after index `after`, in order.
pub async fn of_document(
    c: Conn<'_>,
    org: OrgId,
    document: DocumentId,
    after: i64,
    limit: i64,
) -> Result<Vec<Passage>> {
    const OF: &str = "
        SELECT p.id, p.document_id, p.kb_id, d.title, p.heading_path, p.content, p.chunk_index, p.token_count, p.metadata
        FROM document_chunks p JOIN documents d ON d.id = p.document_id AND d.current_version = p.version
        WHERE d.deleted_at IS NULL AND p.org_id = $1 AND p.document_id = $2 AND p.chunk_index > $3
        ORDER BY p.chunk_index LIMIT $4";
    Ok(both!(c, c => sqlx::query_as(OF).bind(org).bind(document).bind(after).bind(limit).fetch_all(c).await)?)
}

macro_rules! rows {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.document_id, p.kb_id, p.version, p.chunk_index, v.title, p.heading_path, p.content,
                    d.language, d.category, d.valid_from, d.valid_until
             FROM document_chunks p
             JOIN documents d ON d.id = p.document_id
             JOIN document_versions v
               ON v.org_id = p.org_id AND v.document_id = p.document_id AND v.version = p.version
             WHERE p.org_id = ",
            $rest
        )
    };
}

/// Up to `limit` rows of a document, whether they are searched or not.
pub async fn some(c: Conn<'_>, org: OrgId, document: DocumentId, which: Which, limit: i64) -> Result<Vec<Row>> {
    const SOME: &str = rows!(
        "$1 AND p.document_id = $2 AND p.version >= $3 AND p.version <= $4
         ORDER BY p.version, p.chunk_index LIMIT $5"
    );
    let (from, to) = match which {
        Which::Version(version) => (version, version),
        Which::Before(version) => (0, version - 1),
        Which::All => (0, i64::MAX),
    };
    Ok(both!(c, c => sqlx::query_as(SOME).bind(org).bind(document).bind(from).bind(to).bind(limit)
        .fetch_all(c).await)?)
}

/// The rows of one version after index `after`, in order.
pub async fn from(
    c: Conn<'_>,
    org: OrgId,
    document: DocumentId,
    version: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<Row>> {
    const FROM: &str =
        rows!("$1 AND p.document_id = $2 AND p.version = $3 AND p.chunk_index > $4 ORDER BY p.chunk_index LIMIT $5");
    Ok(both!(c, c => sqlx::query_as(FROM).bind(org).bind(document).bind(version).bind(after).bind(limit)
        .fetch_all(c).await)?)
}

/// Deletes rows; returns how many were there.
pub async fn delete(mut c: Conn<'_>, ids: &[PassageId]) -> Result<u64> {
    let mut deleted = 0;
    for some in ids.chunks(ROWS) {
        deleted += both!(c.again(), c => {
            let mut q = sqlx::QueryBuilder::<DB>::new("DELETE FROM document_chunks WHERE id IN (");
            let mut list = q.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            q.push(")");
            q.build().persistent(false).execute(c).await.map(|r| r.rows_affected())
        })?;
    }
    Ok(deleted)
}

/// The organisation's rows after `after` (document, version, index), in that order, for a rebuild.
pub async fn page(c: Conn<'_>, org: OrgId, after: Option<(DocumentId, i64, i64)>, limit: i64) -> Result<Vec<Row>> {
    const PAGE: &str = rows!(
        "$1 AND (p.document_id, p.version, p.chunk_index) > ($2, $3, $4)
         ORDER BY p.document_id, p.version, p.chunk_index LIMIT $5"
    );
    let (document, version, index) = after.unwrap_or((DocumentId(Uuid::nil()), 0, -1));
    Ok(both!(c, c => sqlx::query_as(PAGE).bind(org).bind(document).bind(version).bind(index).bind(limit)
        .fetch_all(c).await)?)
}

/// The rows of these ids, for mending the index.
pub async fn rows(c: Conn<'_>, org: OrgId, ids: &[Uuid]) -> Result<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut q = sqlx::QueryBuilder::<DB>::new(
            rows!(""),
        );
        q.push_bind(org);
        q.push(" AND p.id IN (");
        let mut list = q.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        q.push(")");
        q.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// How many rows the organisation has.
pub async fn count(c: Conn<'_>, org: OrgId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM document_chunks WHERE org_id = $1";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).fetch_one(c).await)?)
}

/// The ids of the organisation's rows.
pub async fn ids(c: Conn<'_>, org: OrgId) -> Result<Vec<Uuid>> {
    const IDS: &str = "SELECT id FROM document_chunks WHERE org_id = $1";
    Ok(both!(c, c => sqlx::query_scalar(IDS).bind(org).fetch_all(c).await)?)
}

/// The passages that are searched and whose documents hold at `now`, after `after` (document, index), in that order.
pub async fn current(
    c: Conn<'_>,
    org: OrgId,
    now: DateTime<Utc>,
    after: Option<(DocumentId, i64)>,
    limit: i64,
) -> Result<Vec<Row>> {
    const PAGE: &str = rows!(
        "$1 AND p.version = d.current_version AND d.deleted_at IS NULL
         AND (d.valid_from IS NULL OR d.valid_from <= $2) AND (d.valid_until IS NULL OR d.valid_until > $2)
         AND (p.document_id, p.chunk_index) > ($3, $4) ORDER BY p.document_id, p.chunk_index LIMIT $5"
    );
    let (document, index) = after.unwrap_or((DocumentId(Uuid::nil()), -1));
    Ok(both!(c, c => sqlx::query_as(PAGE).bind(org).bind(now).bind(document).bind(index).bind(limit)
        .fetch_all(c).await)?)
}
