//! Rows that change hands: many at once, by their ids.

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::Conn;
use crate::{both, platform::error::Result};

/// How many ids stand in one statement.
const SOME: usize = 500;

/// Gives those of `ids` that are `from`'s to `to`. `update` is the beginning of the statement, up to the value:
/// `UPDATE deals SET customer_id = `.
pub async fn rehome(
    mut c: Conn<'_>,
    update: &'static str,
    org: Uuid,
    (from, to): (Uuid, Uuid),
    ids: &[Uuid],
) -> Result<u64> {
    let mut moved = 0;
    for some in ids.chunks(SOME) {
        moved += both!(c.again(), c => {
            let mut query = QueryBuilder::<DB>::new(update);
            query.push_bind(to).push(" WHERE org_id = ").push_bind(org);
            query.push(" AND customer_id = ").push_bind(from).push(" AND id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(|r| r.rows_affected())
        })?;
    }
    Ok(moved)
}
