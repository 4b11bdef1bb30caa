//! Rows of `document_copies`: sources that say what a document of another source says.

use chrono::{DateTime, Utc};

use crate::{
    app::{DocumentId, KnowledgeBaseId, OrgId, UserId},
    both,
    platform::{db::Conn, error::Result},
};

/// A source that says what a document says.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Copy {
    pub org_id: OrgId,
    pub kb_id: KnowledgeBaseId,
    pub source: String,
    pub document_id: DocumentId,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
}

/// The sources that say what a document says, the oldest first.
pub async fn list(c: Conn<'_>, org: OrgId, document: DocumentId) -> Result<Vec<Copy>> {
    const LIST: &str = "
        SELECT * FROM document_copies WHERE org_id = $1 AND document_id = $2 ORDER BY created_at, source";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(document).fetch_all(c).await)?)
}

/// The document that a source is a copy of.
pub async fn original(c: Conn<'_>, org: OrgId, kb: KnowledgeBaseId, source: &str) -> Result<Option<DocumentId>> {
    const FIND: &str = "SELECT document_id FROM document_copies WHERE org_id = $1 AND kb_id = $2 AND source = $3";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(kb).bind(source).fetch_optional(c).await)?)
}

/// Notes that a source says what a document says, whatever it was a copy of before.
pub async fn save(c: Conn<'_>, copy: &Copy) -> Result<()> {
    const SAVE: &str = "
        INSERT INTO document_copies (org_id, kb_id, source, document_id, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, kb_id, source) DO UPDATE SET document_id = excluded.document_id,
            created_by = excluded.created_by, created_at = excluded.created_at";
    both!(c, c => sqlx::query(SAVE).bind(copy.org_id).bind(copy.kb_id).bind(&copy.source).bind(copy.document_id)
        .bind(copy.created_by).bind(copy.created_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A source is no copy any more.
pub async fn delete(c: Conn<'_>, org: OrgId, kb: KnowledgeBaseId, source: &str) -> Result<()> {
    const DELETE: &str = "DELETE FROM document_copies WHERE org_id = $1 AND kb_id = $2 AND source = $3";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(kb).bind(source).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What was a copy of one document is one of another from now on.
pub async fn pass_on(c: Conn<'_>, org: OrgId, from: DocumentId, to: DocumentId) -> Result<()> {
    const PASS: &str = "UPDATE document_copies SET document_id = $3 WHERE org_id = $1 AND document_id = $2";
    both!(c, c => sqlx::query(PASS).bind(org).bind(from).bind(to).execute(c).await.map(|_| ()))?;
    Ok(())
}
