//! What an erasure needs: merges with who stays are undone, and no merge remembers who was erased.

use super::{store, undo};
use crate::{
    app::{App, CustomerId, MergeId, OrgId},
    customers,
    platform::{Result, db::Conn},
    staff::{By, Visible},
};
use chrono::{DateTime, Utc};

/// Takes a customer who is erased apart from those who are not: what was theirs goes with them, and nothing else. So it
/// is when a restored backup is older than the undoing of a merge. Safe to repeat.
pub async fn apart(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    loop {
        let mut tx = app.begin().await?;
        let Some(mut next) = store::with_others(tx.conn(), org, customer).await?.into_iter().next() else {
            return Ok(());
        };
        // The outermost first: whoever was merged on can't be taken apart before that is undone.
        while let Some(outer) = outer(tx.conn(), org, next).await? {
            next = outer;
        }
        let now = app.now();
        let Some(merge) = store::lock(tx.conn(), org, next).await? else { return Ok(()) };
        let two = (merge.from_id, merge.into_id);
        match customers::lock_two(tx.conn(), org, two, Visible::ALL).await? {
            Some((from, into)) => {
                undo::take_apart(tx.conn(), &By::system(org), &merge, &from, &into, now).await?;
            }
            None => store::set_undone(tx.conn(), org, merge.id, None, now).await?,
        }
        tx.commit().await?;
    }
}

/// The merge by which the survivor of `id` is part of somebody else.
async fn outer(mut c: Conn<'_>, org: OrgId, id: MergeId) -> Result<Option<MergeId>> {
    match store::lock(c.again(), org, id).await? {
        Some(merge) => store::standing(c, org, merge.into_id).await,
        None => Ok(None),
    }
}

/// Empties the merges that a customer took part in, in the caller's transaction.
pub async fn erase(c: Conn<'_>, org: OrgId, customer: CustomerId, now: DateTime<Utc>) -> Result<()> {
    store::erase(c, org, customer, now).await
}
