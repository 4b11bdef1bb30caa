//! Forgets: one memory, or everything of a customer.

use serde_json::{Value, json};

use super::{
    Memory, Status, index, store,
    store::terms::{self, Delta},
};
use crate::{
    app::{App, CustomerId, MemoryId, OrgId},
    platform::{Error, Result, db::Conn},
    staff::{By, audit},
};

/// Deletes one memory of a customer, row and point.
pub async fn forget(app: &App, by: &By, customer: CustomerId, id: MemoryId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let memory = store::find(tx.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("memory"))?;
    take_out(tx.conn(), by.org, std::slice::from_ref(&memory)).await?;
    store::delete(tx.conn(), by.org, customer, id).await?;
    // What was forgotten must not live on in the log: the kind says enough.
    let changes = json!({"customer_id": customer, "kind": memory.kind});
    audit(tx.conn(), now, by, "memory.forget", ("memory", id.0), changes).await?;
    tx.commit().await?;
    index::remove(app, by.org, &[id]).await
}

/// Deletes everything remembered of a customer in the caller's transaction; returns the ids, whose points
/// [`clear`] takes out after the commit.
pub async fn erase(mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<MemoryId>> {
    let all = store::list(c.again(), org, customer, None, i64::from(i32::MAX)).await?;
    take_out(c.again(), org, &all).await?;
    store::delete_all(c, org, customer).await?;
    Ok(all.iter().map(|m| m.id).collect())
}

/// Takes the points of erased memories out of the index. Safe to repeat.
pub async fn clear(app: &App, org: OrgId, ids: &[MemoryId]) -> Result<()> {
    if ids.is_empty() { Ok(()) } else { index::remove(app, org, ids).await }
}

/// Everything remembered of a customer, for the customer.
pub async fn export(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Value> {
    Ok(serde_json::to_value(store::list(c, org, customer, None, i64::from(i32::MAX)).await?)?)
}

async fn take_out(c: Conn<'_>, org: OrgId, memories: &[Memory]) -> Result<()> {
    let mut delta = Delta::default();
    for memory in memories.iter().filter(|m| m.status == Status::Active && m.customer_id.is_some()) {
        delta.count(&memory.content, -1);
    }
    terms::apply(c, org, &delta).await
}
