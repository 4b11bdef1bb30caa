//! At start: is the index what the rows say it should be?

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::{
    generation,
    rebuild::Place,
    vectors::{Entry, create, write},
};
use crate::{
    app::{App, DocumentId, FaqId, Job, OrgId},
    knowledge::{
        Collection, Generation, GenerationState,
        store::{documents, faqs, generations, passages, words},
    },
    platform::{Result, db::Conn},
};

/// How old a point without a row must be before another process can't be about to add the row.
const SETTLED: Duration = Duration::hours(1);
/// How many missing points are made at once.
const BATCH: usize = 1000;

/// Compares every live index with the rows: makes lost collections, adds missing points, deletes orphans; orders a
/// rebuild where tokenizer, model or lengths changed; pushes lost jobs again. Safe to run beside other processes.
pub async fn reconcile(app: &App) -> Result<()> {
    resume(app).await?;
    let all = generations::list_all(app.read().await?.conn()).await?;
    for live in all.iter().filter(|g| g.state == GenerationState::Live) {
        create(app, live).await?;
        mend(app, live, true).await?;
        let totals = words::totals(app.read().await?.conn(), live.org_id, live.collection).await?;
        let wanted =
            generation::new(app, live.org_id, live.collection, live.generation + 1, GenerationState::Live, totals);
        if generation::is_stale(live, &wanted, totals) {
            push(app, live.org_id, Job::Reindex { org: live.org_id }).await?;
        }
    }
    let replaced: HashSet<OrgId> = all.iter().filter(|g| g.state == GenerationState::Old).map(|g| g.org_id).collect();
    for org in replaced {
        push(app, org, Job::DropIndexes { org }).await?;
    }
    Ok(())
}

async fn push(app: &App, org: OrgId, job: Job) -> Result<()> {
    let mut tx = app.begin().await?;
    job.push(tx.conn(), org, app.now()).await?;
    tx.commit().await?;
    app.wake(org).await;
    Ok(())
}

/// Orders every index to be built anew, on the caller's transaction; the jobs wait for its commit.
pub async fn order_rebuilds(mut c: Conn<'_>, now: DateTime<Utc>) -> Result<()> {
    let all = generations::list_all(c.again()).await?;
    let organisations: BTreeSet<OrgId> = all.iter().map(|g| g.org_id).collect();
    for org in organisations {
        Job::Reindex { org }.push(c.again(), org, now).await?;
    }
    Ok(())
}

/// How many passages and FAQs all indexes together hold.
pub async fn size(app: &App) -> Result<i64> {
    let mut reader = app.read().await?;
    let mut sum = 0;
    for live in generations::list_all(reader.conn()).await?.iter().filter(|g| g.state == GenerationState::Live) {
        sum += generations::count_entries(reader.conn(), live.org_id, live.collection).await?;
    }
    Ok(sum)
}

/// Pushes the jobs of unfinished versions and deletions again; a job that still waits takes them in.
async fn resume(app: &App) -> Result<()> {
    let (versions, hidden) = documents::unfinished(app.read().await?.conn()).await?;
    if versions.is_empty() && hidden.is_empty() {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    let now = app.now();
    for (org, document, version) in versions {
        Job::Ingest { document, version }.push(tx.conn(), org, now).await?;
    }
    for (org, document) in hidden {
        Job::Forget { document }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    app.work.send_replace(());
    Ok(())
}

/// Adds what a generation lacks, and at start also deletes what it should not have. (Points without rows do no harm;
/// while others work they may be the points of rows about to be added.)
pub(super) async fn mend(app: &App, generation: &Generation, is_start: bool) -> Result<()> {
    let org = generation.org_id;
    let name = generation.name();
    // The index first: a row that is added meanwhile has its point already.
    let held = app.vectors.ids(&name, Some("document_id")).await?;
    let mut reader = app.read().await?;
    let rows = match generation.collection {
        Collection::Passages => passages::ids(reader.conn(), org).await?,
        Collection::Faqs => faqs::ids(reader.conn(), org).await?,
    };
    drop(reader);
    let is_held: HashSet<Uuid> = held.iter().map(|(id, _)| *id).collect();
    let is_row: HashSet<Uuid> = rows.iter().copied().collect();
    let missing: Vec<Uuid> = rows.into_iter().filter(|id| !is_held.contains(id)).collect();
    let mut orphans: Vec<Uuid> = Vec::new();
    if is_start {
        for (id, document) in held.into_iter().filter(|(id, _)| !is_row.contains(id)) {
            let document = document.and_then(|d| d.as_str().and_then(|d| d.parse().ok())).map(DocumentId);
            if is_orphan(app, id, document).await? {
                orphans.push(id);
            }
        }
    }
    if !missing.is_empty() || !orphans.is_empty() {
        tracing::warn!(
            org.id = %org, collection = ?generation.collection, missing = missing.len(), orphans = orphans.len(),
            "the index did not match the database: mending it"
        );
    }
    for some in missing.chunks(BATCH) {
        let entries = entries_of(app, org, generation.collection, some).await?;
        write(app, std::slice::from_ref(generation), &entries).await?;
    }
    for some in orphans.chunks(BATCH) {
        app.vectors.delete(&name, some).await?;
    }
    if !orphans.is_empty() {
        app.vectors.flush(&name).await?;
    }
    Ok(())
}

/// Whether no process can be about to add the row of this point. A process on SQLite is alone; beside others only the
/// old points of documents that are gone are safe to delete.
async fn is_orphan(app: &App, point: Uuid, document: Option<DocumentId>) -> Result<bool> {
    if !app.db.is_pg() {
        return Ok(true);
    }
    let made = point.as_bytes().iter().take(6).fold(0i64, |ms, byte| (ms << 8) | i64::from(*byte));
    if made > (app.now() - SETTLED).timestamp_millis() {
        return Ok(false);
    }
    let Some(document) = document else { return Ok(true) };
    Ok(documents::owner(app.read().await?.conn(), document).await?.is_none())
}

async fn entries_of(app: &App, org: OrgId, collection: Collection, ids: &[Uuid]) -> Result<Vec<Entry>> {
    let mut reader = app.read().await?;
    Ok(match collection {
        Collection::Passages => passages::rows(reader.conn(), org, ids).await?.into_iter().map(Entry::from).collect(),
        Collection::Faqs => {
            let ids: Vec<FaqId> = ids.iter().copied().map(FaqId).collect();
            faqs::by_ids(reader.conn(), org, &ids).await?.into_iter().map(Entry::from).collect()
        }
    })
}

/// The next rows of a collection after a place, and the place after them.
pub(super) async fn rows_after(
    app: &App,
    org: OrgId,
    collection: Collection,
    after: Option<&Place>,
    limit: i64,
) -> Result<(Vec<Entry>, Option<Place>)> {
    let mut reader = app.read().await?;
    Ok(match collection {
        Collection::Passages => {
            let after = after.map(|(document, version, index)| (DocumentId(*document), *version, *index));
            let rows = passages::page(reader.conn(), org, after, limit).await?;
            let last = rows.last().map(|r| (r.document_id.0, r.version, r.chunk_index));
            (rows.into_iter().map(Entry::from).collect(), last)
        }
        Collection::Faqs => {
            let rows = faqs::page(reader.conn(), org, after.map(|(id, _, _)| FaqId(*id)), limit).await?;
            let last = rows.last().map(|f| (f.id.0, 0, 0));
            (rows.into_iter().map(Entry::from).collect(), last)
        }
    })
}
