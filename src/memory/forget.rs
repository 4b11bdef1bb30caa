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

/// Deletes one memory of a customer, row and point, and those that it had taken the place of.
pub async fn forget(app: &App, by: &By, customer: CustomerId, id: MemoryId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), customer).await?;
    let memory = store::find(tx.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("memory"))?;
    // What was believed in its place before goes with it.
    let mut all = match &memory.slot {
        Some(slot) => store::former(tx.conn(), by.org, customer, slot).await?,
        None => Vec::new(),
    };
    all.retain(|m| m.id != id);
    all.push(memory.clone());
    take_out(tx.conn(), by.org, &all).await?;
    for gone in &all {
        store::delete(tx.conn(), by.org, customer, gone.id).await?;
    }
    // What was forgotten must not live on in the log: the kind says enough.
    let changes = json!({"customer_id": customer, "kind": memory.kind});
    audit(tx.conn(), now, by, "memory.forget", ("memory", id.0), changes).await?;
    tx.commit().await?;
    let ids: Vec<MemoryId> = all.iter().map(|m| m.id).collect();
    index::remove(app, by.org, &ids).await
}

/// What was erased of a memory: rows, and points of the index.
#[derive(Debug, Clone, Default)]
pub struct Erased {
    pub ids: Vec<MemoryId>,
    pub points: i64,
}

/// Deletes everything remembered of a customer in the caller's transaction; [`clear`] takes the points out after the
/// commit.
pub async fn erase(mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Erased> {
    store::lock(c.again(), customer).await?;
    let all = store::list(c.again(), org, customer, None, i64::from(i32::MAX)).await?;
    let points = store::count_indexed(c.again(), org, customer).await?;
    take_out(c.again(), org, &all).await?;
    store::detach_shared(c.again(), org, customer).await?;
    store::delete_all(c, org, customer).await?;
    Ok(Erased { ids: all.iter().map(|m| m.id).collect(), points })
}

/// Takes every point of an erased customer out of the index, whichever rows were there, and those of the memories that
/// were `erased`: a point may still say whose it was before a merge. Safe to repeat.
pub async fn clear(app: &App, org: OrgId, customer: CustomerId, erased: &[MemoryId]) -> Result<()> {
    index::remove(app, org, erased).await?;
    index::clear(app, org, customer).await
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
