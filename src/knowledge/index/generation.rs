//! Which generation of an index is live, and when another is due.

use chrono::{DateTime, Duration, Utc};

use super::vectors::{Entry, create};
use crate::{
    app::{App, OrgId},
    knowledge::{
        Collection, Generation, GenerationState,
        store::{
            generations,
            words::{self, Totals},
        },
    },
    platform::{Result, db::Conn, lexical::TOKENIZER},
};

/// The note on a document whose passages wait for the embedding model.
pub(in crate::knowledge) const LEXICAL_ONLY: &str = "lexical_only";
/// The same for people.
pub(super) const BY_WORDS: &str = "found by its words only until the embedding model answers again";
/// How long to wait before the embedding model is asked again.
pub(super) const EMBED_AGAIN: Duration = Duration::minutes(5);

/// What an entry's length is taken for until enough are known.
const TYPICAL_LENGTH: f64 = 90.0;
/// How many entries make an average worth knowing.
const ENOUGH: i64 = 200;
/// How far the true average may drift from the one that vectors were weighed against.
const DRIFT: f64 = 1.6;

/// The generations that must get every point: the live one and the one being built.
pub(super) async fn written(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<Vec<Generation>> {
    let mut all = generations::list(c, org, collection).await?;
    all.retain(|g| g.state != GenerationState::Old);
    Ok(all)
}

/// The same; makes the first generation when there is none, weighed by a sample of what comes first.
pub(super) async fn ensured(
    app: &App,
    org: OrgId,
    collection: Collection,
    sample: &[Entry],
) -> Result<Vec<Generation>> {
    let found = written(app.read().await?.conn(), org, collection).await?;
    if found.iter().any(|g| g.state == GenerationState::Live) {
        return Ok(found);
    }
    let mut totals = Totals::default();
    for entry in sample {
        totals.entry_count += 1;
        totals.token_count += i64::from(entry.length());
    }
    let number = found.iter().map(|g| g.generation).max().unwrap_or_default() + 1;
    let first = new(app, org, collection, number, GenerationState::Live, totals);
    // The collection first: a live generation always has one, or lost it later.
    create(app, &first).await?;
    let mut tx = app.begin().await?;
    words::lock(tx.conn(), org, collection).await?;
    generations::insert(tx.conn(), &first).await?;
    tx.commit().await?;
    written(app.read().await?.conn(), org, collection).await
}

/// A generation as today's settings want it.
pub(super) fn new(
    app: &App,
    org: OrgId,
    collection: Collection,
    generation: i64,
    state: GenerationState,
    totals: Totals,
) -> Generation {
    let model = app.model.pinned();
    Generation {
        org_id: org,
        collection,
        generation,
        state,
        tokenizer: TOKENIZER.into(),
        embedding_model: model.embedding_model(),
        dimensions: model.dimensions().and_then(|d| i64::try_from(d).ok()),
        average_length: average(totals),
        created_at: now(app),
    }
}

fn now(app: &App) -> DateTime<Utc> {
    app.now()
}

fn average(totals: Totals) -> f64 {
    if totals.entry_count < ENOUGH / 4 {
        return TYPICAL_LENGTH;
    }
    (totals.token_count as f64 / totals.entry_count as f64).max(1.0)
}

/// Whether vectors of this generation are no longer right: made by other rules, by another model, or weighed against
/// a length that most entries no longer have.
pub(super) fn is_stale(generation: &Generation, wanted: &Generation, totals: Totals) -> bool {
    generation.tokenizer != wanted.tokenizer
        || generation.embedding_model != wanted.embedding_model
        || generation.dimensions != wanted.dimensions
        || has_drifted(generation, totals)
}

/// Whether the average length has drifted far.
pub(super) fn has_drifted(generation: &Generation, totals: Totals) -> bool {
    if totals.entry_count < ENOUGH {
        return false;
    }
    let ratio = average(totals) / generation.average_length;
    !(1.0 / DRIFT..=DRIFT).contains(&ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation() -> Generation {
        Generation {
            org_id: OrgId::new(),
            collection: Collection::Passages,
            generation: 1,
            state: GenerationState::Live,
            tokenizer: "t-1".into(),
            embedding_model: None,
            dimensions: None,
            average_length: 100.0,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn another_is_due_when_rules_model_or_lengths_changed() {
        let live = generation();
        let totals = |entries, average: i64| Totals {
            entry_count: entries,
            token_count: entries * average,
            ..Totals::default()
        };
        assert!(!is_stale(&live, &generation(), totals(1000, 120)));
        assert!(is_stale(&live, &Generation { tokenizer: "t-2".into(), ..generation() }, totals(0, 0)));
        assert!(is_stale(&live, &Generation { dimensions: Some(8), ..generation() }, totals(0, 0)));
        assert!(is_stale(&live, &generation(), totals(1000, 300)));
        assert!(is_stale(&live, &generation(), totals(1000, 30)));
        assert!(!is_stale(&live, &generation(), totals(20, 300)), "a few entries tell nothing");
    }
}
