//! SQL of merges.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Counts, Merge, Moved};
use crate::{
    app::{CustomerId, MergeId, OrgId, UserId},
    both, locking,
    platform::{Result, db::Conn},
};

/// Adds a merge.
pub async fn insert(c: Conn<'_>, m: &Merge) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO customer_merges (id, org_id, from_id, into_id, moved, filled, merged_by, merged_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    both!(c, c => sqlx::query(INSERT).bind(m.id).bind(m.org_id).bind(m.from_id).bind(m.into_id).bind(&m.moved)
        .bind(&m.filled).bind(m.merged_by).bind(m.merged_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A merge, held until the transaction ends.
pub async fn lock(c: Conn<'_>, org: OrgId, id: MergeId) -> Result<Option<Merge>> {
    let find = locking!(c, "SELECT * FROM customer_merges WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(find).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The merges that a customer took part in, the latest first.
pub async fn list_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<Merge>> {
    const LIST: &str = "
        SELECT * FROM customer_merges WHERE org_id = $1 AND (from_id = $2 OR into_id = $2)
        ORDER BY merged_at DESC, id DESC";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// The merge by which a customer is part of another now.
pub async fn standing(c: Conn<'_>, org: OrgId, from: CustomerId) -> Result<Option<MergeId>> {
    const FIND: &str = "
        SELECT id FROM customer_merges
        WHERE org_id = $1 AND from_id = $2 AND undone_at IS NULL AND erased_at IS NULL";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(from).fetch_optional(c).await)?)
}

/// The merges that stand between this customer and one who is not being erased, the latest first.
pub async fn with_others(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<MergeId>> {
    const LIST: &str = "
        SELECT m.id FROM customer_merges m
        WHERE m.org_id = $1 AND (m.from_id = $2 OR m.into_id = $2) AND m.undone_at IS NULL AND m.erased_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM erasures e WHERE e.org_id = $1 AND e.customer_id <> $2
                          AND e.customer_id IN (m.from_id, m.into_id))
        ORDER BY m.merged_at DESC, m.id DESC";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// Whether any of the two is erased, or will be.
pub async fn is_erased(c: Conn<'_>, org: OrgId, a: CustomerId, b: CustomerId) -> Result<bool> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM erasures WHERE org_id = $1 AND customer_id IN ($2, $3))";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(a).bind(b).fetch_one(c).await)?)
}

/// Writes what moved.
pub async fn save_moved(c: Conn<'_>, org: OrgId, id: MergeId, moved: &Moved) -> Result<()> {
    const SAVE: &str = "UPDATE customer_merges SET moved = $3 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(id).bind(Json(moved)).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Notes that a merge was undone.
pub async fn set_undone(c: Conn<'_>, org: OrgId, id: MergeId, by: Option<UserId>, now: DateTime<Utc>) -> Result<()> {
    const SET: &str = "UPDATE customer_merges SET undone_by = $3, undone_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(by).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Empties the merges that a customer took part in; which two they were stays, like the ledger's line.
pub async fn erase(c: Conn<'_>, org: OrgId, customer: CustomerId, now: DateTime<Utc>) -> Result<()> {
    const ERASE: &str = "
        UPDATE customer_merges SET moved = $3, filled = $3, erased_at = COALESCE(erased_at, $4)
        WHERE org_id = $1 AND (from_id = $2 OR into_id = $2)";
    both!(c, c => sqlx::query(ERASE).bind(org).bind(customer).bind(Json(serde_json::json!({}))).bind(now)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// What hangs on a customer.
pub async fn count(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Counts> {
    const COUNT: &str = "
        SELECT (SELECT COUNT(*) FROM customer_identities WHERE org_id = $1 AND customer_id = $2) AS identities,
               (SELECT COUNT(*) FROM customer_contacts WHERE org_id = $1 AND customer_id = $2) AS contacts,
               (SELECT COUNT(*) FROM customer_activities WHERE org_id = $1 AND customer_id = $2) AS activities,
               (SELECT COUNT(*) FROM customer_tags WHERE org_id = $1 AND customer_id = $2) AS tags,
               (SELECT COUNT(*) FROM deals WHERE org_id = $1 AND customer_id = $2) AS deals,
               (SELECT COUNT(*) FROM conversations
                WHERE (org_id = $1) IS TRUE AND customer_id = $2 AND merged_into IS NULL) AS conversations,
               (SELECT COUNT(*) FROM memories
                WHERE org_id = $1 AND customer_id = $2 AND status = 'active') AS memories";
    Ok(both!(c, c => sqlx::query_as(COUNT).bind(org).bind(customer).fetch_one(c).await)?)
}
