//! HTTP for pipelines and deals.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    Deal, Pipeline, StageKind, StageTotal,
    deal::{self, DealChange, NewDeal, Sought, Step, Target},
    pipeline::{self, PipelineForm},
};
use crate::{
    app::{App, CustomerId, DealId, PipelineId, StageId, UserId},
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, DealRead, DealWrite, SettingsManage},
};

/// List the pipelines with their stages.
#[utoipa::path(get, path = "/api/pipelines", tag = "sales", responses((status = 200, body = Vec<Pipeline>)))]
pub async fn list_pipelines(State(app): State<Arc<App>>, by: Can<DealRead>) -> Result<Json<Vec<Pipeline>>> {
    Ok(Json(pipeline::list(&app, &by).await?))
}

/// Make a pipeline.
#[utoipa::path(post, path = "/api/pipelines", tag = "sales", request_body = PipelineForm,
    responses((status = 201, body = Pipeline)))]
pub async fn add_pipeline(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(form): Json<PipelineForm>,
) -> Result<(StatusCode, Json<Pipeline>)> {
    Ok((StatusCode::CREATED, Json(pipeline::add(&app, &by, &form).await?)))
}

/// Give a pipeline another name and other stages. Stages that are left out go, unless there are deals in them.
#[utoipa::path(put, path = "/api/pipelines/{id}", tag = "sales", request_body = PipelineForm,
    responses((status = 200, body = Pipeline)))]
pub async fn edit_pipeline(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<PipelineId>,
    Json(form): Json<PipelineForm>,
) -> Result<Json<Pipeline>> {
    Ok(Json(pipeline::edit(&app, &by, id, &form).await?))
}

/// Delete a pipeline that holds no deals.
#[utoipa::path(delete, path = "/api/pipelines/{id}", tag = "sales", responses((status = 204)))]
pub async fn delete_pipeline(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<PipelineId>,
) -> Result<StatusCode> {
    pipeline::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which deals.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct DealQuery {
    pub pipeline: Option<PipelineId>,
    /// A stage's key, like `proposal`.
    pub stage: Option<String>,
    pub status: Option<StageKind>,
    pub customer: Option<CustomerId>,
    /// The user who looks after it.
    pub owner: Option<UserId>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

impl DealQuery {
    fn sought(self) -> Sought {
        Sought {
            pipeline: self.pipeline,
            stage: self.stage,
            status: self.status,
            customer: self.customer,
            owner: self.owner,
        }
    }
}

/// List deals, the newest first.
#[utoipa::path(get, path = "/api/deals", tag = "sales", params(DealQuery),
    responses((status = 200, body = Page<Deal>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    by: Can<DealRead>,
    Query(query): Query<DealQuery>,
) -> Result<Json<Page<Deal>>> {
    let (after, limit) = (Cursor::parse(query.cursor.as_deref())?, limit(query.limit));
    Ok(Json(deal::list(&app, &by, query.sought(), after, limit).await?))
}

/// What deals come to, by stage and currency. Takes the same filters as the list.
#[utoipa::path(get, path = "/api/deals/totals", tag = "sales", params(DealQuery),
    responses((status = 200, body = Vec<StageTotal>)))]
pub async fn totals(
    State(app): State<Arc<App>>,
    by: Can<DealRead>,
    Query(query): Query<DealQuery>,
) -> Result<Json<Vec<StageTotal>>> {
    Ok(Json(deal::totals(&app, &by, query.sought()).await?))
}

/// Add a deal.
#[utoipa::path(post, path = "/api/deals", tag = "sales", responses((status = 201, body = Deal)))]
pub async fn add(
    State(app): State<Arc<App>>,
    by: Can<DealWrite>,
    Json(new): Json<NewDeal>,
) -> Result<(StatusCode, Json<Deal>)> {
    Ok((StatusCode::CREATED, Json(deal::add(&app, &by, new).await?)))
}

/// See a deal.
#[utoipa::path(get, path = "/api/deals/{id}", tag = "sales", responses((status = 200, body = Deal)))]
pub async fn find(State(app): State<Arc<App>>, by: Can<DealRead>, Path(id): Path<DealId>) -> Result<Json<Deal>> {
    Ok(Json(deal::find(&app, &by, id).await?))
}

/// Change a deal.
#[utoipa::path(patch, path = "/api/deals/{id}", tag = "sales", responses((status = 200, body = Deal)))]
pub async fn edit(
    State(app): State<Arc<App>>,
    by: Can<DealWrite>,
    Path(id): Path<DealId>,
    Json(change): Json<DealChange>,
) -> Result<Json<Deal>> {
    Ok(Json(deal::edit(&app, &by, id, change).await?))
}

/// Where to move a deal: name the stage by key or by id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Like `proposal`.
    pub stage: Option<String>,
    pub stage_id: Option<StageId>,
    /// 0 to 100; the stage's own when absent.
    pub probability: Option<i32>,
}

/// Move a deal to another open stage; this also opens one that was won or lost.
#[utoipa::path(post, path = "/api/deals/{id}/move", tag = "sales", responses((status = 200, body = Deal)))]
pub async fn move_to(
    State(app): State<Arc<App>>,
    by: Can<DealWrite>,
    Path(id): Path<DealId>,
    Json(to): Json<Move>,
) -> Result<Json<Deal>> {
    let stage = match (to.stage, to.stage_id) {
        (Some(key), None) => Target::Key(key),
        (None, Some(id)) => Target::Id(id),
        _ => return Err(Error::Invalid("stage: name it by key or by id".into())),
    };
    Ok(Json(deal::step(&app, &by, id, Step::To { stage, probability: to.probability }).await?))
}

/// Win a deal.
#[utoipa::path(post, path = "/api/deals/{id}/win", tag = "sales", responses((status = 200, body = Deal)))]
pub async fn win(State(app): State<Arc<App>>, by: Can<DealWrite>, Path(id): Path<DealId>) -> Result<Json<Deal>> {
    Ok(Json(deal::step(&app, &by, id, Step::Win).await?))
}

/// Why a deal was lost.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    pub reason: String,
}

/// Lose a deal, with the reason.
#[utoipa::path(post, path = "/api/deals/{id}/lose", tag = "sales", responses((status = 200, body = Deal)))]
pub async fn lose(
    State(app): State<Arc<App>>,
    by: Can<DealWrite>,
    Path(id): Path<DealId>,
    Json(loss): Json<Loss>,
) -> Result<Json<Deal>> {
    Ok(Json(deal::step(&app, &by, id, Step::Lose(loss.reason)).await?))
}
