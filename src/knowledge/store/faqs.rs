//! Rows of `faqs`.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    app::{FaqId, KnowledgeBaseId, OrgId},
    both,
    knowledge::Faq,
    platform::{db::Conn, error::Result},
};

/// The FAQ of this id, if it is the organisation's.
pub async fn find(c: Conn<'_>, org: OrgId, id: FaqId) -> Result<Option<Faq>> {
    const FIND: &str = "SELECT * FROM faqs WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The same, held until the transaction ends, so that what is counted out is what was counted in.
pub async fn find_locked(c: Conn<'_>, org: OrgId, id: FaqId) -> Result<Option<Faq>> {
    const LOCKED: &str = "UPDATE faqs SET use_count = use_count WHERE org_id = $1 AND id = $2 RETURNING *";
    Ok(both!(c, c => sqlx::query_as(LOCKED).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The FAQs of these ids that are the organisation's and active; in no particular order.
pub async fn by_ids(c: Conn<'_>, org: OrgId, ids: &[FaqId]) -> Result<Vec<Faq>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut q = sqlx::QueryBuilder::<DB>::new("SELECT * FROM faqs WHERE is_active AND (org_id = ");
        q.push_bind(org);
        // `IS TRUE` keeps SQLite from walking the organisation's whole index where a few ids are named.
        q.push(") IS TRUE AND id IN (");
        let mut list = q.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        q.push(")");
        q.build_query_as().fetch_all(c).await
    })?)
}

/// The organisation's FAQs after `after`, newest first, of one base or of all.
pub async fn list(
    c: Conn<'_>,
    org: OrgId,
    kb: Option<KnowledgeBaseId>,
    after: Option<FaqId>,
    limit: i64,
) -> Result<Vec<Faq>> {
    const LIST: &str = "
        SELECT * FROM faqs WHERE org_id = $1 AND ($2 IS NULL OR kb_id = $2) AND ($3 IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(kb).bind(after).bind(limit).fetch_all(c).await)?)
}

/// The active FAQs after `after` in the order of their ids, for the index.
pub async fn page(c: Conn<'_>, org: OrgId, after: Option<FaqId>, limit: i64) -> Result<Vec<Faq>> {
    const PAGE: &str = "
        SELECT * FROM faqs WHERE org_id = $1 AND is_active AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3";
    Ok(both!(c, c => sqlx::query_as(PAGE).bind(org).bind(after).bind(limit).fetch_all(c).await)?)
}

/// How many active FAQs there are.
pub async fn count(c: Conn<'_>, org: OrgId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM faqs WHERE org_id = $1 AND is_active";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).fetch_one(c).await)?)
}

/// The ids of the active FAQs.
pub async fn ids(c: Conn<'_>, org: OrgId) -> Result<Vec<Uuid>> {
    const IDS: &str = "SELECT id FROM faqs WHERE org_id = $1 AND is_active";
    Ok(both!(c, c => sqlx::query_scalar(IDS).bind(org).fetch_all(c).await)?)
}

/// Adds an FAQ.
pub async fn insert(c: Conn<'_>, faq: &Faq) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO faqs (id, org_id, kb_id, question, answer, category, language, is_active, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    both!(c, c => sqlx::query(INSERT).bind(faq.id).bind(faq.org_id).bind(faq.kb_id).bind(&faq.question)
        .bind(&faq.answer).bind(&faq.category).bind(faq.language).bind(faq.is_active).bind(faq.created_at)
        .bind(faq.updated_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Stores an edited FAQ.
pub async fn save(c: Conn<'_>, faq: &Faq) -> Result<()> {
    const SAVE: &str = "
        UPDATE faqs SET question = $3, answer = $4, category = $5, language = $6, is_active = $7, updated_at = $8
        WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(faq.org_id).bind(faq.id).bind(&faq.question).bind(&faq.answer)
        .bind(&faq.category).bind(faq.language).bind(faq.is_active).bind(faq.updated_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Deletes an FAQ and returns what it was.
pub async fn delete(c: Conn<'_>, org: OrgId, id: FaqId) -> Result<Option<Faq>> {
    const DELETE: &str = "DELETE FROM faqs WHERE org_id = $1 AND id = $2 RETURNING *";
    Ok(both!(c, c => sqlx::query_as(DELETE).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Counts that an answer used these FAQs.
pub async fn count_use(c: Conn<'_>, org: OrgId, id: FaqId, now: DateTime<Utc>) -> Result<()> {
    const USED: &str = "UPDATE faqs SET use_count = use_count + 1, updated_at = $3 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(USED).bind(org).bind(id).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}
