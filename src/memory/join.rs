//! What is remembered of a customer who becomes one with another, or is taken apart from them.
//!
//! Where a memory was said stays with it: an unverified account hears only what it said itself, merged or not.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{
    Memory, Status, store,
    store::{
        join as moves,
        terms::{self, Delta},
    },
    supersede,
};
use crate::{
    app::{CustomerId, IdentityId, Job, MemoryId, OrgId},
    platform::{Result, db::Conn},
};

/// Gives what is remembered of `from` to `into`; returns it. Of what there is one of (where they live), the later one
/// holds and closes the other. Safe to repeat: what is there by then comes along.
pub async fn join(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    now: DateTime<Utc>,
) -> Result<Vec<MemoryId>> {
    lock_two(c.again(), from, into).await?;
    let all = store::list(c.again(), org, from, None, i64::from(i32::MAX)).await?;
    carry(c, org, &all, (from, into), now).await?;
    Ok(all.iter().map(|m| m.id).collect())
}

/// Gives `memories` back to `from`, and what was said on their accounts (`identities`) since; what one of them had
/// closed of the other opens again. Safe to repeat.
pub async fn part(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    memories: &[MemoryId],
    identities: &[IdentityId],
    now: DateTime<Utc>,
) -> Result<()> {
    let moved: HashSet<MemoryId> = memories.iter().copied().collect();
    lock_two(c.again(), from, into).await?;
    let mut all = store::list(c.again(), org, into, None, i64::from(i32::MAX)).await?;
    all.retain(|m| moved.contains(&m.id) || m.identity_id.is_some_and(|id| identities.contains(&id)));
    carry(c.again(), org, &all, (into, from), now).await?;
    let mut delta = Delta::default();
    let mut opened = HashSet::new();
    for (id, customer) in moves::crossed(c.again(), org, from, into).await? {
        let Some(memory) = store::find(c.again(), org, customer, id).await? else { continue };
        let slot: Vec<&str> = memory.slot.as_deref().into_iter().collect();
        match store::in_slots(c.again(), org, customer, &slot).await?.pop() {
            Some(known) => {
                store::save(c.again(), &Memory { superseded_by: Some(known.id), ..memory }).await?;
            }
            None => {
                delta.count(&memory.content, 1);
                moves::reopen(c.again(), &memory).await?;
                opened.insert(customer);
            }
        }
    }
    terms::apply(c.again(), org, &delta).await?;
    for customer in opened {
        Job::IndexMemories { org, customer }.push(c.again(), org, now).await?;
    }
    Ok(())
}

async fn lock_two(mut c: Conn<'_>, a: CustomerId, b: CustomerId) -> Result<()> {
    store::lock(c.again(), a.min(b)).await?;
    store::lock(c, a.max(b)).await
}

/// Gives memories to another customer. At most one is active in a slot: the later one, by when it was said.
async fn carry(
    mut c: Conn<'_>,
    org: OrgId,
    going: &[Memory],
    (from, to): (CustomerId, CustomerId),
    now: DateTime<Utc>,
) -> Result<()> {
    if going.is_empty() {
        return Ok(());
    }
    let coming: HashMap<&str, &Memory> =
        going.iter().filter(|m| m.status == Status::Active).filter_map(|m| Some((m.slot.as_deref()?, m))).collect();
    let slots: Vec<&str> = coming.keys().copied().collect();
    let mut delta = Delta::default();
    for known in store::in_slots(c.again(), org, to, &slots).await? {
        let Some(came) = known.slot.as_deref().and_then(|slot| coming.get(slot)) else { continue };
        let (stands, ends) = if said(came) >= said(&known) { (*came, &known) } else { (&known, *came) };
        delta.count(&ends.content, -1);
        store::save(c.again(), &supersede::closed(ends, stands.id, said(stands))).await?;
    }
    terms::apply(c.again(), org, &delta).await?;
    let ids: Vec<MemoryId> = going.iter().map(|m| m.id).collect();
    moves::hand_over(c.again(), org, (from, to), &ids).await?;
    Job::IndexMemories { org, customer: to }.push(c, org, now).await
}

fn said(memory: &Memory) -> DateTime<Utc> {
    memory.valid_from.unwrap_or(memory.created_at)
}
