//! A new generation beside the live one, then the switch.

use chrono::Duration;
use uuid::Uuid;

use super::{
    PAGE, generation,
    reconcile::{mend, rows_after},
    vectors::{create, write},
};
use crate::{
    app::{App, Job, OrgId},
    knowledge::{
        Collection, GenerationState, Status,
        store::{documents, generations, words},
    },
    platform::{Error, Result},
};

/// How long a replaced generation stays: longer than any search takes.
const GRACE: Duration = Duration::minutes(1);

/// How long no document may come in before the index is built anew for the sake of its weights: each would move the
/// average again.
pub(super) const CALM: Duration = Duration::minutes(1);

/// Builds the indexes anew if entries are much longer or shorter now than their vectors were weighed for.
pub async fn reweigh(app: &App, org: OrgId) -> Result<()> {
    let mut reader = app.read().await?;
    for status in [Status::Pending, Status::Processing] {
        let filter = documents::Filter { status: Some(status), limit: 1, ..Default::default() };
        if !documents::list(reader.conn(), org, &filter).await?.is_empty() {
            return Err(Error::Later { at: app.now() + CALM });
        }
    }
    for collection in [Collection::Passages, Collection::Faqs] {
        let Some(live) = generations::live(reader.conn(), org, collection).await? else { continue };
        if generation::has_drifted(&live, words::totals(reader.conn(), org, collection).await?) {
            drop(reader);
            return rebuild(app, org).await;
        }
    }
    Ok(())
}

/// Builds both indexes of an organisation anew while the old ones answer, and switches. Safe to repeat: a build that
/// was cut off is thrown away.
pub async fn rebuild(app: &App, org: OrgId) -> Result<()> {
    for collection in [Collection::Passages, Collection::Faqs] {
        rebuild_one(app, org, collection).await?;
    }
    Ok(())
}

async fn rebuild_one(app: &App, org: OrgId, collection: Collection) -> Result<()> {
    let mut tx = app.begin().await?;
    words::lock(tx.conn(), org, collection).await?;
    let all = generations::list(tx.conn(), org, collection).await?;
    let Some(live) = all.iter().find(|g| g.state == GenerationState::Live).cloned() else { return Ok(()) };
    let cut_off: Vec<_> = all.iter().filter(|g| g.state == GenerationState::Building).collect();
    for stale in &cut_off {
        generations::delete(tx.conn(), org, collection, stale.generation).await?;
    }
    let totals = words::totals(tx.conn(), org, collection).await?;
    let number = all.iter().map(|g| g.generation).max().unwrap_or_default() + 1;
    let building = generation::new(app, org, collection, number, GenerationState::Building, totals);
    generations::insert(tx.conn(), &building).await?;
    tx.commit().await?;
    for stale in cut_off {
        app.vectors.drop_collection(&stale.name()).await?;
    }
    create(app, &building).await?;

    // From here on every batch writes to both; what came before is read from the rows.
    let targets = [building.clone()];
    let mut delta = words::Delta::default();
    let mut after = None;
    loop {
        let (entries, last) = rows_after(app, org, collection, after.as_ref(), PAGE).await?;
        if entries.is_empty() {
            break;
        }
        after = last;
        let written = Box::pin(write(app, &targets, &entries)).await?;
        if written.lacks_meaning {
            // A generation whose meaning is missing would be worse than the one that serves.
            return Err(Error::Unavailable { service: "the model", source: anyhow::anyhow!("no embeddings") });
        }
        delta.entries += written.delta.entries;
        delta.tokens += written.delta.tokens;
        for (term, count) in written.delta.terms {
            *delta.terms.entry(term).or_default() += count;
        }
    }
    app.vectors.optimize(&building.name()).await?;
    mend(app, &building, false).await?;

    let mut tx = app.begin().await?;
    words::lock(tx.conn(), org, collection).await?;
    let is_still_ours = generations::list(tx.conn(), org, collection)
        .await?
        .iter()
        .any(|g| g.generation == number && g.state == GenerationState::Building);
    if !is_still_ours {
        return Ok(()); // another build began after this one was taken for dead
    }
    generations::set_state(tx.conn(), org, collection, live.generation, GenerationState::Old).await?;
    generations::set_state(tx.conn(), org, collection, number, GenerationState::Live).await?;
    if live.tokenizer != building.tokenizer {
        // Other terms, so other counts. What was added while this ran is counted too few by its terms, not by its
        // number, until the next rebuild: rarity hardly moves by it.
        let totals = words::totals(tx.conn(), org, collection).await?;
        words::clear(tx.conn(), org, collection).await?;
        delta.tokens += (totals.entry_count - delta.entries) * delta.tokens / delta.entries.max(1);
        delta.entries = totals.entry_count;
        words::apply(tx.conn(), org, collection, &delta).await?;
    }
    Job::DropIndexes { org }.push_at(tx.conn(), org, app.now(), app.now() + GRACE).await?;
    tx.commit().await?;
    tracing::info!(org.id = %org, collection = ?collection, generation = number, "switched to a new index");
    Ok(())
}

/// A rebuild is not tried again: what was built of it goes, and the old index goes on answering.
pub async fn not_rebuilt(app: &App, org: OrgId) -> Result<()> {
    for collection in [Collection::Passages, Collection::Faqs] {
        let all = generations::list(app.read().await?.conn(), org, collection).await?;
        for begun in all.iter().filter(|g| g.state == GenerationState::Building) {
            let mut tx = app.begin().await?;
            words::lock(tx.conn(), org, collection).await?;
            generations::delete(tx.conn(), org, collection, begun.generation).await?;
            tx.commit().await?;
            app.vectors.drop_collection(&begun.name()).await?;
        }
    }
    Ok(())
}

/// Drops the generations that a newer one has replaced.
pub async fn drop_replaced(app: &App, org: OrgId) -> Result<()> {
    for collection in [Collection::Passages, Collection::Faqs] {
        let all = generations::list(app.read().await?.conn(), org, collection).await?;
        for old in all.iter().filter(|g| g.state == GenerationState::Old) {
            app.vectors.drop_collection(&old.name()).await?;
            let mut tx = app.begin().await?;
            generations::delete(tx.conn(), org, collection, old.generation).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// Drops every collection of an organisation that is removed; its rows go with it.
pub async fn drop_all(app: &App, org: OrgId) -> Result<()> {
    for collection in [Collection::Passages, Collection::Faqs] {
        for generation in generations::list(app.read().await?.conn(), org, collection).await? {
            app.vectors.drop_collection(&generation.name()).await?;
        }
    }
    Ok(())
}

/// Where a walk over rows stands.
pub(super) type Place = (Uuid, i64, i64);
