//! SQL of the ledger of erasures.

use super::Erasure;
use crate::{
    app::{CustomerId, OrgId},
    both,
    platform::{Result, db::Conn},
};
use uuid::Uuid;

/// Adds a line. False: this customer's erasure is in the ledger already.
pub async fn insert(c: Conn<'_>, e: &Erasure) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO erasures (id, org_id, customer_id, requested_by, requested_at, erased_at, receipt, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT).bind(e.id).bind(e.org_id).bind(e.customer_id).bind(&e.requested_by)
        .bind(e.requested_at).bind(e.erased_at).bind(&e.receipt).bind(&e.signature)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Writes what was done.
pub async fn save(c: Conn<'_>, e: &Erasure) -> Result<()> {
    const SAVE: &str = "UPDATE erasures SET erased_at = $2, receipt = $3, signature = $4 WHERE id = $1";
    both!(c, c => sqlx::query(SAVE).bind(e.id).bind(e.erased_at).bind(&e.receipt).bind(&e.signature)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// One line.
pub async fn find(c: Conn<'_>, org: OrgId, id: Uuid) -> Result<Option<Erasure>> {
    const FIND: &str = "SELECT * FROM erasures WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// The line of a customer.
pub async fn find_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Option<Erasure>> {
    const FIND: &str = "SELECT * FROM erasures WHERE org_id = $1 AND customer_id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(customer).fetch_optional(c).await)?)
}

/// Every line that was carried out.
pub async fn list_done(c: Conn<'_>) -> Result<Vec<Erasure>> {
    const LIST: &str = "SELECT * FROM erasures WHERE erased_at IS NOT NULL ORDER BY id";
    Ok(both!(c, c => sqlx::query_as(LIST).fetch_all(c).await)?)
}

/// Lines whose customer is there, although they were erased: an older backup brought them back.
pub async fn returned(c: Conn<'_>) -> Result<Vec<(OrgId, CustomerId)>> {
    const LIST: &str = "
        SELECT e.org_id, e.customer_id FROM erasures e
        WHERE e.erased_at IS NOT NULL AND EXISTS
              (SELECT 1 FROM customers c WHERE c.org_id = e.org_id AND c.id = e.customer_id)";
    Ok(both!(c, c => sqlx::query_as(LIST).fetch_all(c).await)?)
}
