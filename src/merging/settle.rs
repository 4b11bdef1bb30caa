//! `Job::SettleMerge`: what was being written for one of the two at that very moment finds its way, too.

use super::{merge, store, undo};
use crate::{
    app::{App, Changed, Job, MergeId, OrgId},
    customers,
    platform::Result,
    staff::Visible,
};

/// Moves what has come to the wrong one of the two since: a turn, a memory, a message that was half-way. Safe to repeat.
pub async fn settle(app: &App, org: OrgId, id: MergeId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(mut merge) = store::lock(tx.conn(), org, id).await?.filter(|m| m.erased_at.is_none()) else {
        return Ok(());
    };
    let two = (merge.from_id, merge.into_id);
    let Some((from, into)) = customers::lock_two(tx.conn(), org, two, Visible::ALL).await? else {
        return Ok(());
    };
    if merge.undone_at.is_some() {
        if from.merged_into.is_none() && into.merged_into.is_none() {
            undo::give_back(tx.conn(), &merge, now).await?;
        }
    } else {
        let later = merge::gather(tx.conn(), org, from.id, into.id, now).await?;
        if later.is_empty() {
            return Ok(());
        }
        merge.moved.extend(later);
        store::save_moved(tx.conn(), org, id, &merge.moved).await?;
        // It goes on to whom the survivor was merged into since.
        if into.merged_into.is_some()
            && let Some(outer) = store::standing(tx.conn(), org, into.id).await?
        {
            Job::SettleMerge { org, merge: outer }.push(tx.conn(), org, now).await?;
        }
    }
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Customer { id: from.id }).await;
    app.changed(org, Changed::Customer { id: into.id }).await;
    Ok(())
}
