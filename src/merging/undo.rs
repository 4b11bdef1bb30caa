//! Takes two customers apart who had become one.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Merge,
    merge::{SETTLES_AFTER, tell},
    profile, store,
};
use crate::{
    app::{App, Job, MergeId},
    customers::{self, ActivityKind, Customer, NewActivity},
    inbox::{self, Parted},
    memory,
    platform::{Error, Result, db::Conn},
    sales,
    staff::{By, audit},
};

/// Undoes a merge; returns it, and the conversations that stay since the messages of both were put together in them.
pub async fn undo(app: &App, by: &By, id: MergeId) -> Result<(Merge, Parted)> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let merge = store::lock(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("merge"))?;
    if merge.erased_at.is_some() || store::is_erased(tx.conn(), by.org, merge.from_id, merge.into_id).await? {
        return Err(Error::Conflict("one of the two was erased since: this can't be undone".into()));
    }
    if merge.undone_at.is_some() {
        return Err(Error::Conflict("this merge was undone already".into()));
    }
    let two = (merge.from_id, merge.into_id);
    let (from, into) =
        customers::lock_two(tx.conn(), by.org, two, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    if into.merged_into.is_some() {
        return Err(Error::Conflict("they were merged into another customer since: undo that merge first".into()));
    }
    let parted = take_apart(tx.conn(), by, &merge, &from, &into, now).await?;
    tx.commit().await?;
    tell(app, &merge).await;
    Ok((merge, parted))
}

/// Gives `from` back what was theirs, stands them for themselves, and says so.
pub(super) async fn take_apart(
    mut c: Conn<'_>,
    by: &By,
    merge: &Merge,
    from: &Customer,
    into: &Customer,
    now: DateTime<Utc>,
) -> Result<Parted> {
    let org = merge.org_id;
    let parted = give_back(c.again(), merge, now).await?;
    customers::unpoint(c.again(), org, from.id, &merge.moved.person.customers, now).await?;
    customers::fill(c.again(), into, profile::back(&merge.filled, into)?, now).await?;
    store::set_undone(c.again(), org, merge.id, by.user, now).await?;
    let mixed = parted.mixed.len();
    for (customer, other) in [(into.id, from.id), (from.id, into.id)] {
        let told = NewActivity::of(ActivityKind::MergeUndone, by.user)
            .with(json!({"merge_id": merge.id, "customer_id": other, "mixed_conversations": mixed}));
        customers::activity(c.again(), org, customer, told, now).await?;
        let changes = json!({"merge_id": merge.id, "customer_id": other, "mixed_conversations": mixed});
        audit(c.again(), now, by, "customer.unmerge", ("customer", customer.0), changes).await?;
    }
    Job::SettleMerge { org, merge: merge.id }.push_at(c, org, now, now + SETTLES_AFTER).await?;
    Ok(parted)
}

/// Gives back what moved, room by room, and what was said on their accounts since. Safe to repeat.
pub(super) async fn give_back(mut c: Conn<'_>, merge: &Merge, now: DateTime<Utc>) -> Result<Parted> {
    let (org, from, into, moved) = (merge.org_id, merge.from_id, merge.into_id, &merge.moved);
    let identities = customers::part(c.again(), org, from, into, &moved.person).await?;
    sales::part(c.again(), org, from, into, &moved.deals).await?;
    let parted = inbox::part(c.again(), org, from, into, &moved.conversations, &identities, now).await?;
    memory::part(c, org, from, into, &moved.memories, &identities, now).await?;
    Ok(parted)
}
