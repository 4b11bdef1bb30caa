//! The pipelines of an organisation; the first comes with the product.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Pipeline, Stage, StageKind, store};
use crate::{
    app::{App, OrgId, PipelineId, StageId},
    platform::{Error, Result, db::Conn},
    staff::{By, audit, difference},
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

/// A pipeline as somebody wants it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineForm {
    #[schema(max_length = 100)]
    pub name: String,
    /// In their order: at least one open, exactly one won and one lost.
    pub stages: Vec<StageForm>,
}

/// A stage as somebody wants it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DealStageForm)]
pub struct StageForm {
    /// The stage that is there already; a new one has none.
    pub id: Option<StageId>,
    #[schema(max_length = 100)]
    pub name: String,
    /// How many of a hundred deals here are won.
    pub probability: i32,
    pub kind: StageKind,
}

impl PipelineForm {
    fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::Invalid(text));
        let is_name = |name: &str| (1..=100).contains(&name.trim().chars().count());
        if !is_name(&self.name) {
            return wrong("name: 1 to 100 characters".into());
        }
        let mut names = HashSet::new();
        for stage in &self.stages {
            if !is_name(&stage.name) || !names.insert(stage.name.trim().to_lowercase()) {
                return wrong(format!("stages: '{}' is no name, or stands there twice", stage.name));
            }
            if !(0..=100).contains(&stage.probability) {
                return wrong(format!("stages: the probability of '{}' is 0 to 100", stage.name));
            }
        }
        let count = |kind| self.stages.iter().filter(|s| s.kind == kind).count();
        if self.stages.len() > 30 || count(StageKind::Open) == 0 {
            return wrong("stages: 1 to 28 open ones".into());
        }
        if count(StageKind::Won) != 1 || count(StageKind::Lost) != 1 {
            return wrong("stages: exactly one for won deals and one for lost ones".into());
        }
        Ok(())
    }
}

/// Makes a pipeline.
pub async fn add(app: &App, by: &By, form: &PipelineForm) -> Result<Pipeline> {
    form.check()?;
    let now = app.now();
    let mut tx = app.begin().await?;
    ensure(tx.conn(), by.org, now).await?; // the product's own stays the one where deals begin
    let name = form.name.trim().to_owned();
    let mut made = Pipeline { id: PipelineId::new(), name, is_default: false, stages: Vec::new(), created_at: now };
    if !store::insert_pipeline(tx.conn(), by.org, &made).await? {
        return Err(Error::Conflict("there is a pipeline of this name".into()));
    }
    for (position, wanted) in (0i32..).zip(&form.stages) {
        let stage = stage(made.id, position, wanted, &made.stages);
        store::insert_stage(tx.conn(), by.org, &stage).await?;
        made.stages.push(stage);
    }
    let changes = difference(None, Some(&made));
    audit(tx.conn(), now, by, "pipeline.create", ("pipeline", made.id.0), changes).await?;
    tx.commit().await?;
    Ok(made)
}

/// Gives a pipeline this name and these stages. Stages that hold deals stay, and keep their kind.
pub async fn edit(app: &App, by: &By, id: PipelineId, form: &PipelineForm) -> Result<Pipeline> {
    form.check()?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = store::lock_pipeline(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("pipeline"))?;
    let before = Pipeline { stages: store::stages_of(tx.conn(), by.org, id).await?, ..before };
    let mut after = Pipeline { name: form.name.trim().to_owned(), stages: Vec::new(), ..before.clone() };
    if after.name != before.name && !store::rename_pipeline(tx.conn(), by.org, id, &after.name).await? {
        return Err(Error::Conflict("there is a pipeline of this name".into()));
    }
    let kept: HashSet<StageId> = form.stages.iter().filter_map(|s| s.id).collect();
    for gone in before.stages.iter().filter(|s| !kept.contains(&s.id)) {
        if store::has_deals(tx.conn(), by.org, id, Some(gone.id)).await? {
            return Err(Error::Conflict(format!("there are deals in '{}': move them first", gone.name)));
        }
        store::delete_stage(tx.conn(), by.org, gone.id).await?;
    }
    for (position, wanted) in (0i32..).zip(&form.stages) {
        let stage = match wanted.id {
            None => {
                let known: Vec<Stage> = before.stages.iter().chain(&after.stages).cloned().collect();
                let stage = stage(id, position, wanted, &known);
                store::insert_stage(tx.conn(), by.org, &stage).await?;
                stage
            }
            Some(known) => {
                let known = before.stages.iter().find(|s| s.id == known).ok_or(Error::NotFound("stage"))?;
                if after.stages.iter().any(|s| s.id == known.id) {
                    return Err(Error::Invalid(format!("stages: '{}' stands there twice", known.name)));
                }
                if known.kind != wanted.kind && store::has_deals(tx.conn(), by.org, id, Some(known.id)).await? {
                    return Err(Error::Conflict(format!("there are deals in '{}': its kind stays", known.name)));
                }
                let name = wanted.name.trim().to_owned();
                let stage =
                    Stage { name, position, probability: wanted.probability, kind: wanted.kind, ..known.clone() };
                store::change_stage(tx.conn(), by.org, &stage).await?;
                stage
            }
        };
        after.stages.push(stage);
    }
    let changes = difference(Some(&before), Some(&after));
    audit(tx.conn(), now, by, "pipeline.edit", ("pipeline", id.0), changes).await?;
    tx.commit().await?;
    Ok(after)
}

/// Deletes a pipeline that holds no deals; the one where deals begin stays.
pub async fn remove(app: &App, by: &By, id: PipelineId) -> Result<()> {
    let mut tx = app.begin().await?;
    let before = store::lock_pipeline(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("pipeline"))?;
    if before.is_default {
        return Err(Error::Conflict("deals begin in this pipeline: it stays".into()));
    }
    if store::has_deals(tx.conn(), by.org, id, None).await? {
        return Err(Error::Conflict("there are deals in this pipeline: move them first".into()));
    }
    store::delete_pipeline(tx.conn(), by.org, id).await?;
    let changes = difference(Some(&before), None);
    audit(tx.conn(), app.now(), by, "pipeline.delete", ("pipeline", id.0), changes).await?;
    tx.commit().await
}

/// A new stage, with a word for programs that no other has.
fn stage(pipeline_id: PipelineId, position: i32, wanted: &StageForm, others: &[Stage]) -> Stage {
    let words: Vec<String> = wanted
        .name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let plain = if words.is_empty() { "stage".to_owned() } else { words.join("_") };
    let is_free = |key: &str| others.iter().all(|s| s.key != key);
    let key = if is_free(&plain) {
        plain
    } else {
        (2..).map(|n| format!("{plain}_{n}")).find(|key| is_free(key)).unwrap_or(plain)
    };
    Stage {
        id: StageId::new(),
        pipeline_id,
        key,
        name: wanted.name.trim().to_owned(),
        position,
        probability: wanted.probability,
        kind: wanted.kind,
    }
}
