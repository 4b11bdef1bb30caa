//! Passages and FAQs → the vector engine and the word statistics.
//!
//! The order that survives a crash at any instant: points upserted → flushed → one transaction adds the rows with
//! their statistics and, with a document's last passages, makes the version current. Points without rows are never
//! seen by a search and are cleaned up by `reconcile`; rows without points can't come to be.
//!
//! Whoever changes rows, statistics or generations of a collection holds its lock ([`words::lock`]) and looks, under
//! it, whether the generations are still those it wrote points to; a generation that began meanwhile gets them too.

mod batch;
mod faqs;
mod generation;
mod rebuild;
mod reconcile;
mod rounds;
mod texts;
mod vectors;

pub(super) use batch::Ready;
pub use faqs::faq;
pub(super) use faqs::{count_in, count_out};
pub use rebuild::{drop_all, drop_replaced, not_rebuilt, rebuild, reweigh};
pub use reconcile::{order_rebuilds, reconcile, size};
pub(super) use rounds::add_with_others;
pub use texts::{Text, TextsAdded, add_texts};

use crate::{
    app::{App, DocumentId, Job, OrgId},
    knowledge::{
        Collection, Status,
        store::{documents, passages, passages::Which, words},
    },
    platform::{Result, error::blocking, vectors::Filter},
};
pub(super) use generation::LEXICAL_ONLY;
use vectors::Entry;

/// How many rows are read or deleted at once.
const PAGE: i64 = 1000;

/// Takes rows of a document away with their points and their share of the statistics. Safe to repeat.
pub(super) async fn purge(app: &App, org: OrgId, document: DocumentId, which: Which) -> Result<()> {
    loop {
        let mut reader = app.read().await?;
        let rows = passages::some(reader.conn(), org, document, which, PAGE / 2).await?;
        let generations = generation::written(reader.conn(), org, Collection::Passages).await?;
        drop(reader);
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<uuid::Uuid> = rows.iter().map(|r| r.id.0).collect();
        for generation in &generations {
            app.vectors.delete(&generation.name(), &ids).await?;
        }
        let (rows, delta) = blocking(move || {
            let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
            let mut delta = words::Delta::default();
            for entry in &entries {
                entry.count(&mut delta, -1);
            }
            Ok((entries, delta))
        })
        .await?;
        let ids: Vec<_> = rows.iter().map(|e| crate::app::PassageId(e.id)).collect();
        let mut tx = app.begin().await?;
        words::lock(tx.conn(), org, Collection::Passages).await?;
        // Someone else deleted some of them meanwhile: count again what is left.
        if passages::delete(tx.conn(), &ids).await? == ids.len() as u64 {
            words::apply(tx.conn(), org, Collection::Passages, &delta).await?;
            tx.commit().await?;
        }
    }
}

/// Takes every point of a document out of the index, those without a row included.
pub(super) async fn forget_points(app: &App, org: OrgId, document: DocumentId) -> Result<()> {
    let generations = generation::written(app.read().await?.conn(), org, Collection::Passages).await?;
    for generation in generations {
        let name = generation.name();
        app.vectors.delete_where(&name, Filter::all().is("document_id", document.to_string())).await?;
        app.vectors.flush(&name).await?;
    }
    Ok(())
}

/// Writes the points of a document's passages anew, with the fields that a search filters by (`Job::Refile`).
pub async fn refile(app: &App, document: DocumentId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some((org, false, Some(version))) = documents::owner(reader.conn(), document).await? else { return Ok(()) };
    let (mut after, mut lacks_meaning) = (-1, false);
    drop(reader);
    loop {
        // Not held while vectors are written: that may take long.
        let mut reader = app.read().await?;
        let rows = passages::from(reader.conn(), org, document, version, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.chunk_index;
        let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
        let targets = generation::written(reader.conn(), org, Collection::Passages).await?;
        drop(reader);
        lacks_meaning |= vectors::write(app, &targets, &entries).await?.lacks_meaning;
    }
    if lacks_meaning {
        let now = app.now();
        let mut tx = app.begin().await?;
        let note = Some((LEXICAL_ONLY, generation::BY_WORDS));
        documents::set_status(tx.conn(), now, document, version, Status::Completed, note).await?;
        Job::Embed { document }.push_at(tx.conn(), org, now, now + generation::EMBED_AGAIN).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Embeds the passages of a document that was indexed by words only, and puts it off again while the model is down.
pub async fn embed(app: &App, document: DocumentId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some((org, false, Some(version))) = documents::owner(reader.conn(), document).await? else { return Ok(()) };
    let Some((found, _)) = documents::find_version(reader.conn(), document, version).await? else { return Ok(()) };
    if found.error_code.as_deref() != Some(LEXICAL_ONLY) || !app.model.can_embed() {
        return Ok(());
    }
    drop(reader);
    let mut after = -1;
    loop {
        let mut reader = app.read().await?;
        let rows = passages::from(reader.conn(), org, document, version, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.chunk_index;
        let entries: Vec<Entry> = rows.into_iter().map(Entry::from).collect();
        let targets = generation::written(reader.conn(), org, Collection::Passages).await?;
        drop(reader);
        let written = vectors::write(app, &targets, &entries).await?;
        if written.lacks_meaning {
            let mut tx = app.begin().await?;
            let again = app.now() + generation::EMBED_AGAIN;
            Job::Embed { document }.push_at(tx.conn(), org, app.now(), again).await?;
            return tx.commit().await;
        }
    }
    let mut tx = app.begin().await?;
    documents::set_status(tx.conn(), app.now(), document, version, Status::Completed, None).await?;
    tx.commit().await
}
