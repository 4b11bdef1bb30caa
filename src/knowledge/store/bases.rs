//! Rows of `knowledge_bases`.

use chrono::{DateTime, Utc};

use crate::{
    app::{KnowledgeBaseId, OrgId},
    both,
    knowledge::KnowledgeBase,
    locking,
    platform::{db::Conn, error::Result},
};

/// The base of this id, if it is the organisation's.
pub async fn find(c: Conn<'_>, org: OrgId, id: KnowledgeBaseId) -> Result<Option<KnowledgeBase>> {
    const FIND: &str = "SELECT * FROM knowledge_bases WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Whoever else wants to add documents to the base waits until this transaction ends.
pub async fn lock(mut c: Conn<'_>, org: OrgId, id: KnowledgeBaseId) -> Result<()> {
    let sql = locking!(c, "SELECT id FROM knowledge_bases WHERE org_id = $1 AND id = $2");
    both!(c.again(), c => sqlx::query(sql).bind(org).bind(id).fetch_optional(c).await.map(|_| ()))?;
    Ok(())
}

/// The organisation's oldest base: where documents go when none is named.
pub async fn find_first(c: Conn<'_>, org: OrgId) -> Result<Option<KnowledgeBase>> {
    const FIRST: &str = "SELECT * FROM knowledge_bases WHERE org_id = $1 ORDER BY id LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIRST).bind(org).fetch_optional(c).await)?)
}

/// Every base of the organisation, oldest first.
pub async fn list(c: Conn<'_>, org: OrgId) -> Result<Vec<KnowledgeBase>> {
    const LIST: &str = "SELECT * FROM knowledge_bases WHERE org_id = $1 ORDER BY id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Adds a base; `None` if the organisation has one of that name.
pub async fn insert(
    c: Conn<'_>,
    now: DateTime<Utc>,
    org: OrgId,
    name: &str,
    description: Option<&str>,
) -> Result<Option<KnowledgeBase>> {
    const INSERT: &str = "
        INSERT INTO knowledge_bases (id, org_id, name, description, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (org_id, name) DO NOTHING RETURNING *";
    Ok(both!(c, c => sqlx::query_as(INSERT).bind(KnowledgeBaseId::new()).bind(org).bind(name).bind(description)
        .bind(now).fetch_optional(c).await)?)
}

/// Renames or describes a base; `None` if it is not there. A name that is taken is a unique violation.
pub async fn save(
    c: Conn<'_>,
    now: DateTime<Utc>,
    org: OrgId,
    id: KnowledgeBaseId,
    name: &str,
    description: Option<&str>,
) -> Result<Option<KnowledgeBase>> {
    const SAVE: &str = "
        UPDATE knowledge_bases SET name = $3, description = $4, updated_at = $5
        WHERE org_id = $1 AND id = $2
          AND NOT EXISTS (SELECT 1 FROM knowledge_bases o WHERE o.org_id = $1 AND o.name = $3 AND o.id <> $2)
        RETURNING *";
    Ok(both!(c, c => sqlx::query_as(SAVE).bind(org).bind(id).bind(name).bind(description).bind(now)
        .fetch_optional(c).await)?)
}

/// Counts documents in or out.
pub async fn count_documents(c: Conn<'_>, id: KnowledgeBaseId, by: i64) -> Result<()> {
    const COUNT: &str = "UPDATE knowledge_bases SET document_count = document_count + $2 WHERE id = $1";
    both!(c, c => sqlx::query(COUNT).bind(id).bind(by).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Deletes a base that holds nothing any more; false if it is not there or still holds a document or an FAQ.
pub async fn delete(c: Conn<'_>, org: OrgId, id: KnowledgeBaseId) -> Result<bool> {
    const DELETE: &str = "
        DELETE FROM knowledge_bases WHERE org_id = $1 AND id = $2
          AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.org_id = $1 AND d.kb_id = $2)
          AND NOT EXISTS (SELECT 1 FROM faqs f WHERE f.org_id = $1 AND f.kb_id = $2)";
    Ok(both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}
