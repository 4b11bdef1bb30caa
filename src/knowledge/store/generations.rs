//! Rows of `vector_generations`: which index of an organisation answers, and which is being built.

use crate::{
    app::OrgId,
    both,
    knowledge::{Collection, Generation, GenerationState},
    platform::{db::Conn, error::Result},
};

/// The generations of one collection, oldest first.
pub async fn list(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<Vec<Generation>> {
    const LIST: &str = "SELECT * FROM vector_generations WHERE org_id = $1 AND collection = $2 ORDER BY generation";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(collection).fetch_all(c).await)?)
}

/// Every generation of every organisation.
pub async fn list_all(c: Conn<'_>) -> Result<Vec<Generation>> {
    const ALL: &str = "SELECT * FROM vector_generations ORDER BY org_id, collection, generation";
    Ok(both!(c, c => sqlx::query_as(ALL).fetch_all(c).await)?)
}

/// The generation that answers searches.
pub async fn live(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<Option<Generation>> {
    const LIVE: &str = "SELECT * FROM vector_generations WHERE org_id = $1 AND collection = $2 AND state = 'live'";
    Ok(both!(c, c => sqlx::query_as(LIVE).bind(org).bind(collection).fetch_optional(c).await)?)
}

/// Adds a generation; false if another process was first.
pub async fn insert(c: Conn<'_>, g: &Generation) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO vector_generations
            (org_id, collection, generation, state, tokenizer, embedding_model, dimensions, average_length, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    Ok(both!(c, c => sqlx::query(INSERT).bind(g.org_id).bind(g.collection).bind(g.generation).bind(g.state)
        .bind(&g.tokenizer).bind(&g.embedding_model).bind(g.dimensions).bind(g.average_length).bind(g.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?
        == 1)
}

/// Moves a generation on.
pub async fn set_state(
    c: Conn<'_>,
    org: OrgId,
    collection: Collection,
    generation: i64,
    state: GenerationState,
) -> Result<()> {
    const SET: &str = "
        UPDATE vector_generations SET state = $4 WHERE org_id = $1 AND collection = $2 AND generation = $3";
    both!(c, c => sqlx::query(SET).bind(org).bind(collection).bind(generation).bind(state)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Forgets a generation whose collection is dropped.
pub async fn delete(c: Conn<'_>, org: OrgId, collection: Collection, generation: i64) -> Result<()> {
    const DELETE: &str = "DELETE FROM vector_generations WHERE org_id = $1 AND collection = $2 AND generation = $3";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(collection).bind(generation).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether a rebuild of the organisation's index waits or runs.
pub async fn is_rebuild_queued(c: Conn<'_>, org: OrgId) -> Result<bool> {
    const QUEUED: &str = "
        SELECT COUNT(*) FROM jobs
        WHERE org_id = $1 AND state IN ('ready', 'running') AND payload->>'job' = 'reindex'";
    let count: i64 = both!(c, c => sqlx::query_scalar(QUEUED).bind(org).fetch_one(c).await)?;
    Ok(count > 0)
}

/// Why the last rebuild that was asked for was given up, if it was.
pub async fn rebuild_failure(c: Conn<'_>, org: OrgId) -> Result<Option<String>> {
    const FAILED: &str = "
        SELECT COALESCE(last_error, '') FROM jobs
        WHERE org_id = $1 AND state = 'failed' AND payload->>'job' = 'reindex' ORDER BY id DESC LIMIT 1";
    Ok(both!(c, c => sqlx::query_scalar(FAILED).bind(org).fetch_optional(c).await)?)
}

/// Forgets rebuilds that were given up: another one is asked for.
pub async fn forget_rebuild_failures(c: Conn<'_>, org: OrgId) -> Result<()> {
    const FORGET: &str = "DELETE FROM jobs WHERE org_id = $1 AND state = 'failed' AND payload->>'job' = 'reindex'";
    both!(c, c => sqlx::query(FORGET).bind(org).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// How many passages or FAQs the statistics count.
pub async fn count_entries(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<i64> {
    const COUNT: &str = "SELECT entry_count FROM lexical_totals WHERE org_id = $1 AND collection = $2";
    let count = both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(collection).fetch_optional(c).await)?;
    Ok(count.unwrap_or(0))
}
