//! The SQL of pipelines and deals.

use super::{Deal, Pipeline, Stage, StageTotal, deal::Sought};
use crate::{
    app::{CustomerId, DealId, OrgId, PipelineId, StageId},
    both, locking,
    platform::{
        Result,
        db::{Conn, rehome},
        http::Cursor,
    },
    staff::Visible,
    visible,
};

/// Every pipeline, the default one first, stages left out.
pub async fn list_pipelines(c: Conn<'_>, org: OrgId) -> Result<Vec<Pipeline>> {
    const LIST: &str = "SELECT * FROM pipelines WHERE org_id = $1 ORDER BY is_default DESC, name";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// The pipeline where deals begin.
pub async fn default_pipeline(c: Conn<'_>, org: OrgId) -> Result<Option<PipelineId>> {
    const FIND: &str = "SELECT id FROM pipelines WHERE org_id = $1 AND is_default ORDER BY created_at, id LIMIT 1";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).fetch_optional(c).await)?)
}

/// Adds a pipeline; false if the name is taken.
pub async fn insert_pipeline(c: Conn<'_>, org: OrgId, pipeline: &Pipeline) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO pipelines (id, org_id, name, is_default, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (org_id, name) DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(pipeline.id).bind(org).bind(&pipeline.name).bind(pipeline.is_default).bind(pipeline.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// A pipeline, its stages left out, held until the transaction ends.
pub async fn lock_pipeline(mut c: Conn<'_>, org: OrgId, id: PipelineId) -> Result<Option<Pipeline>> {
    let find = locking!(c, "SELECT * FROM pipelines WHERE org_id = $1 AND id = $2");
    Ok(both!(c.again(), c => sqlx::query_as(find).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Renames a pipeline; false if the name is taken.
pub async fn rename_pipeline(c: Conn<'_>, org: OrgId, id: PipelineId, name: &str) -> Result<bool> {
    const RENAME: &str = "
        UPDATE pipelines SET name = $3 WHERE org_id = $1 AND id = $2
          AND NOT EXISTS (SELECT 1 FROM pipelines WHERE org_id = $1 AND name = $3 AND id <> $2)";
    let n =
        both!(c, c => sqlx::query(RENAME).bind(org).bind(id).bind(name).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Deletes a pipeline with its stages.
pub async fn delete_pipeline(c: Conn<'_>, org: OrgId, id: PipelineId) -> Result<()> {
    const DELETE: &str = "DELETE FROM pipelines WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Whether there are deals in a pipeline, or in one of its stages.
pub async fn has_deals(c: Conn<'_>, org: OrgId, pipeline: PipelineId, stage: Option<StageId>) -> Result<bool> {
    const COUNT: &str = "
        SELECT COUNT(*) FROM deals WHERE org_id = $1 AND pipeline_id = $2 AND ($3 IS NULL OR stage_id = $3)";
    let n: i64 = both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(pipeline).bind(stage).fetch_one(c).await)?;
    Ok(n > 0)
}

/// Changes a stage: everything but its key.
pub async fn change_stage(c: Conn<'_>, org: OrgId, stage: &Stage) -> Result<()> {
    const CHANGE: &str = "
        UPDATE deal_stages SET name = $3, position = $4, probability = $5, kind = $6 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(CHANGE)
        .bind(org).bind(stage.id).bind(&stage.name).bind(stage.position).bind(stage.probability).bind(stage.kind)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Deletes a stage that holds no deals.
pub async fn delete_stage(c: Conn<'_>, org: OrgId, id: StageId) -> Result<()> {
    const DELETE: &str = "DELETE FROM deal_stages WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Adds a stage.
pub async fn insert_stage(c: Conn<'_>, org: OrgId, stage: &Stage) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO deal_stages (id, org_id, pipeline_id, key, name, position, probability, kind)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    both!(c, c => sqlx::query(INSERT)
        .bind(stage.id).bind(org).bind(stage.pipeline_id).bind(&stage.key).bind(&stage.name).bind(stage.position)
        .bind(stage.probability).bind(stage.kind)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Every stage in its order.
pub async fn list_stages(c: Conn<'_>, org: OrgId) -> Result<Vec<Stage>> {
    const LIST: &str = "SELECT * FROM deal_stages WHERE org_id = $1 ORDER BY pipeline_id, position";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// The stages of one pipeline in their order.
pub async fn stages_of(c: Conn<'_>, org: OrgId, pipeline: PipelineId) -> Result<Vec<Stage>> {
    const LIST: &str = "SELECT * FROM deal_stages WHERE org_id = $1 AND pipeline_id = $2 ORDER BY position";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(pipeline).fetch_all(c).await)?)
}

/// A deal within the asker's reach.
pub async fn find(c: Conn<'_>, org: OrgId, id: DealId, visible: Visible) -> Result<Option<Deal>> {
    const FIND: &str = concat!(
        "SELECT d.*, s.key AS stage, s.kind AS status FROM deals d JOIN deal_stages s ON s.id = d.stage_id
         WHERE d.org_id = $1 AND d.id = $2 AND ",
        visible!("d.owner_id", "$3", "$4")
    );
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).bind(visible.scope).bind(visible.user)
        .fetch_optional(c).await)?)
}

/// The same, held until the transaction ends.
pub async fn lock(c: Conn<'_>, org: OrgId, id: DealId, visible: Visible) -> Result<Option<Deal>> {
    let mut c = c;
    let lock = locking!(c, "SELECT id FROM deals WHERE org_id = $1 AND id = $2");
    let _: Option<DealId> = both!(c.again(), c => sqlx::query_scalar(lock).bind(org).bind(id).fetch_optional(c).await)?;
    find(c, org, id, visible).await
}

/// Deals after `after`, the newest first.
pub async fn list(
    c: Conn<'_>,
    org: OrgId,
    visible: Visible,
    sought: &Sought,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Deal>> {
    const LIST: &str = concat!(
        "SELECT d.*, s.key AS stage, s.kind AS status FROM deals d JOIN deal_stages s ON s.id = d.stage_id
         WHERE d.org_id = $1 AND (d.created_at, d.id) < ($2, $3) AND ",
        visible!("d.owner_id", "$4", "$5"),
        " AND ($6 IS NULL OR d.pipeline_id = $6) AND ($7 IS NULL OR s.key = $7) AND ($8 IS NULL OR s.kind = $8)
          AND ($9 IS NULL OR d.customer_id = $9) AND ($10 IS NULL OR d.owner_id = $10)
          ORDER BY d.created_at DESC, d.id DESC LIMIT $11"
    );
    Ok(both!(c, c => sqlx::query_as(LIST)
        .bind(org).bind(after.at).bind(after.id).bind(visible.scope).bind(visible.user).bind(sought.pipeline)
        .bind(&sought.stage).bind(sought.status).bind(sought.customer).bind(sought.owner).bind(limit)
        .fetch_all(c).await)?)
}

/// What deals come to by stage and currency, in the order of the stages.
pub async fn totals(c: Conn<'_>, org: OrgId, visible: Visible, sought: &Sought) -> Result<Vec<StageTotal>> {
    const TOTALS: &str = concat!(
        "SELECT s.id AS stage_id, s.key AS stage, s.kind AS status, d.currency, COUNT(*) AS deals,
                CAST(COALESCE(SUM(d.amount), 0) AS BIGINT) AS amount,
                CAST(COALESCE(SUM(d.amount * d.probability / 100), 0) AS BIGINT) AS weighted_amount
         FROM deals d JOIN deal_stages s ON s.id = d.stage_id
         WHERE d.org_id = $1 AND ",
        visible!("d.owner_id", "$2", "$3"),
        " AND ($4 IS NULL OR d.pipeline_id = $4) AND ($5 IS NULL OR s.key = $5) AND ($6 IS NULL OR s.kind = $6)
          AND ($7 IS NULL OR d.customer_id = $7) AND ($8 IS NULL OR d.owner_id = $8)
          GROUP BY s.id, s.key, s.kind, s.pipeline_id, s.position, d.currency
          ORDER BY s.pipeline_id, s.position, d.currency"
    );
    Ok(both!(c, c => sqlx::query_as(TOTALS)
        .bind(org).bind(visible.scope).bind(visible.user).bind(sought.pipeline).bind(&sought.stage)
        .bind(sought.status).bind(sought.customer).bind(sought.owner)
        .fetch_all(c).await)?)
}

/// Adds a deal.
pub async fn insert(c: Conn<'_>, deal: &Deal) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO deals (id, org_id, customer_id, pipeline_id, stage_id, title, amount, currency, probability,
                           expected_close_date, actual_close_date, owner_id, products, competitors, loss_reason, notes,
                           created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    let it = deal;
    both!(c, c => sqlx::query(INSERT)
        .bind(it.id).bind(it.org_id).bind(it.customer_id).bind(it.pipeline_id).bind(it.stage_id).bind(&it.title)
        .bind(it.amount).bind(&it.currency).bind(it.probability).bind(it.expected_close_date)
        .bind(it.actual_close_date).bind(it.owner_id).bind(&it.products).bind(&it.competitors).bind(&it.loss_reason)
        .bind(&it.notes).bind(it.created_at).bind(it.updated_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Saves what can be changed of a deal.
pub async fn save(c: Conn<'_>, deal: &Deal) -> Result<()> {
    const SAVE: &str = "
        UPDATE deals SET stage_id = $3, title = $4, amount = $5, currency = $6, probability = $7,
            expected_close_date = $8, actual_close_date = $9, owner_id = $10, products = $11, competitors = $12,
            loss_reason = $13, notes = $14, updated_at = $15
        WHERE org_id = $1 AND id = $2";
    let it = deal;
    both!(c, c => sqlx::query(SAVE)
        .bind(it.org_id).bind(it.id).bind(it.stage_id).bind(&it.title).bind(it.amount).bind(&it.currency)
        .bind(it.probability).bind(it.expected_close_date).bind(it.actual_close_date).bind(it.owner_id)
        .bind(&it.products).bind(&it.competitors).bind(&it.loss_reason).bind(&it.notes).bind(it.updated_at)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Gives the deals with one customer to another; returns them.
pub async fn take_deals(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<DealId>> {
    const TAKE: &str = "UPDATE deals SET customer_id = $3 WHERE org_id = $1 AND customer_id = $2 RETURNING id";
    Ok(both!(c, c => sqlx::query_scalar(TAKE).bind(org).bind(from).bind(into).fetch_all(c).await)?)
}

/// Gives deals back.
pub async fn return_deals(c: Conn<'_>, org: OrgId, into: CustomerId, from: CustomerId, deals: &[DealId]) -> Result<()> {
    let ids: Vec<uuid::Uuid> = deals.iter().map(|id| id.0).collect();
    rehome(c, "UPDATE deals SET customer_id = ", org.0, (into.0, from.0), &ids).await?;
    Ok(())
}
