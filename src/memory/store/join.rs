//! SQL of what is remembered of a customer who becomes one with another, or is taken apart from them.

use super::super::Memory;
use crate::{
    app::{CustomerId, MemoryId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// Gives memories of `from` to `to`, behind those that are there, in the order in which they were; they wait for the
/// index, whose points say whose they are.
pub async fn hand_over(
    mut c: Conn<'_>,
    org: OrgId,
    (from, to): (CustomerId, CustomerId),
    ids: &[MemoryId],
) -> Result<()> {
    const LAST: &str = "SELECT COALESCE(MAX(seq), 0) FROM memories WHERE org_id = $1 AND customer_id = $2";
    let last: i64 = both!(c.again(), c => sqlx::query_scalar(LAST).bind(org).bind(to).fetch_one(c).await)?;
    for some in ids.chunks(500) {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("UPDATE memories SET indexed_at = NULL, seq = seq + ");
            query.push_bind(last).push(", customer_id = ").push_bind(to).push(" WHERE org_id = ").push_bind(org);
            query.push(" AND customer_id = ").push_bind(from).push(" AND id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

/// What another customer's memory took the place of, the latest first: after two customers were taken apart.
pub async fn crossed(c: Conn<'_>, org: OrgId, a: CustomerId, b: CustomerId) -> Result<Vec<(MemoryId, CustomerId)>> {
    const LIST: &str = "
        SELECT m.id, m.customer_id FROM memories m JOIN memories w ON w.id = m.superseded_by AND w.org_id = $1
        WHERE m.org_id = $1 AND m.customer_id IN ($2, $3) AND m.status = 'superseded'
          AND w.customer_id IN ($2, $3) AND w.customer_id <> m.customer_id
        ORDER BY COALESCE(m.valid_from, m.created_at) DESC, m.seq DESC, m.id DESC";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(a).bind(b).fetch_all(c).await)?)
}

/// Opens a memory again whose place is free.
pub async fn reopen(c: Conn<'_>, m: &Memory) -> Result<()> {
    const OPEN: &str = "
        UPDATE memories SET status = 'active', valid_until = NULL, superseded_by = NULL, indexed_at = NULL
        WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    both!(c, c => sqlx::query(OPEN).bind(m.org_id).bind(m.customer_id).bind(m.id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Notes that these memories wait for the index.
pub async fn set_unindexed(mut c: Conn<'_>, org: OrgId, customer: CustomerId, ids: &[MemoryId]) -> Result<()> {
    const SET: &str = "UPDATE memories SET indexed_at = NULL WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    for id in ids {
        both!(c.again(), c => sqlx::query(SET).bind(org).bind(customer).bind(*id).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}
