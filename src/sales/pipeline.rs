//! The pipelines of an organisation; the first comes with the product.

use chrono::{DateTime, Utc};

use super::{Pipeline, Stage, StageKind, store};
use crate::{
    app::{App, OrgId, PipelineId, StageId},
    platform::{Error, Result, db::Conn},
    staff::By,
};

const NAME: &str = "Sales";

/// The stages every organisation begins with: key, name, probability, kind.
const STAGES: [(&str, &str, i32, StageKind); 6] = [
    ("initial", "First contact", 20, StageKind::Open),
    ("needs_confirmed", "Needs confirmed", 40, StageKind::Open),
    ("proposal", "Proposal", 60, StageKind::Open),
    ("negotiation", "Negotiation", 80, StageKind::Open),
    ("won", "Won", 100, StageKind::Won),
    ("lost", "Lost", 0, StageKind::Lost),
];

/// Every pipeline with its stages, the default one first.
pub async fn list(app: &App, by: &By) -> Result<Vec<Pipeline>> {
    let mut pipelines = store::list_pipelines(app.read().await?.conn(), by.org).await?;
    if pipelines.is_empty() {
        let mut tx = app.begin().await?;
        ensure(tx.conn(), by.org, app.now()).await?;
        tx.commit().await?;
        pipelines = store::list_pipelines(app.read().await?.conn(), by.org).await?;
    }
    let stages = store::list_stages(app.read().await?.conn(), by.org).await?;
    for pipeline in &mut pipelines {
        pipeline.stages = stages.iter().filter(|s| s.pipeline_id == pipeline.id).cloned().collect();
    }
    Ok(pipelines)
}

/// The default pipeline, made with its six stages when the organisation has none. Safe to race.
pub async fn ensure(c: Conn<'_>, org: OrgId, now: DateTime<Utc>) -> Result<PipelineId> {
    let mut c = c;
    if let Some(id) = store::default_pipeline(c.again(), org).await? {
        return Ok(id);
    }
    let pipeline =
        Pipeline { id: PipelineId::new(), name: NAME.into(), is_default: true, stages: Vec::new(), created_at: now };
    if store::insert_pipeline(c.again(), org, &pipeline).await? {
        for (position, (key, name, probability, kind)) in (0i32..).zip(STAGES) {
            let stage = Stage {
                id: StageId::new(),
                pipeline_id: pipeline.id,
                key: key.into(),
                name: name.into(),
                position,
                probability,
                kind,
            };
            store::insert_stage(c.again(), org, &stage).await?;
        }
    }
    store::default_pipeline(c, org).await?.ok_or(Error::NotFound("pipeline"))
}
