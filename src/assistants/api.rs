//! HTTP for the assistant's versions. Publishing stands with the replay that it may depend on.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Assistant, Draft, Gate, Version,
    model::{self, ModelChange, ModelSettings, ModelTest},
    store,
};
use crate::{
    app::{App, AssistantId},
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{AssistantPublish, AssistantRead, AssistantWrite, Can, SettingsManage},
};

/// What must hold before a version is published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPublishGate)]
pub struct NewGate {
    /// Null: nothing must hold.
    pub gate: Option<Gate>,
}

/// What answers after a version was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolledBack {
    /// Null: the installation's settings.
    pub published: Option<Version>,
}

/// See which language models the installation asks.
#[utoipa::path(get, path = "/api/model", tag = "assistant", responses((status = 200, body = ModelSettings)))]
pub async fn find_model(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<ModelSettings>> {
    Ok(Json(model::find(&app, &by).await?))
}

/// Say which language models the installation asks, from now on.
#[utoipa::path(put, path = "/api/model", tag = "assistant", request_body = ModelChange, responses((status = 200, body = ModelSettings)))]
pub async fn save_model(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<ModelChange>,
) -> Result<Json<ModelSettings>> {
    Ok(Json(model::save(&app, &by, change).await?))
}

/// Make one small call of each model, without saving anything.
#[utoipa::path(post, path = "/api/model/test", tag = "assistant", request_body = ModelChange, responses((status = 200, body = ModelTest)))]
pub async fn test_model(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<ModelChange>,
) -> Result<Json<ModelTest>> {
    Ok(Json(model::test(&app, &by, change).await?))
}

/// See the assistant.
#[utoipa::path(get, path = "/api/assistant", tag = "assistant", responses((status = 200, body = Assistant)))]
pub async fn find(State(app): State<Arc<App>>, by: Can<AssistantRead>) -> Result<Json<Assistant>> {
    Ok(Json(super::of_org(&app, by.org).await?))
}

/// Say what must hold before a version of the assistant is published.
#[utoipa::path(put, path = "/api/assistants/{id}/gate", tag = "assistant", request_body = NewGate, responses((status = 200, body = Assistant)))]
pub async fn save_gate(
    State(app): State<Arc<App>>,
    by: Can<AssistantPublish>,
    Path(id): Path<AssistantId>,
    Json(new): Json<NewGate>,
) -> Result<Json<Assistant>> {
    super::save_gate(&app, &by, id, new.gate).await?;
    Ok(Json(super::find(&app, by.org, id).await?))
}

/// List the versions of an assistant, the newest first.
#[utoipa::path(get, path = "/api/assistants/{id}/versions", tag = "assistant", responses((status = 200, body = Vec<Version>)))]
pub async fn list_versions(
    State(app): State<Arc<App>>,
    by: Can<AssistantRead>,
    Path(id): Path<AssistantId>,
) -> Result<Json<Vec<Version>>> {
    super::find(&app, by.org, id).await?;
    Ok(Json(store::list_versions(app.read().await?.conn(), by.org, id).await?))
}

/// Draft a version of the assistant.
#[utoipa::path(post, path = "/api/assistants/{id}/versions", tag = "assistant", request_body = Draft, responses((status = 200, body = Version)))]
pub async fn add_version(
    State(app): State<Arc<App>>,
    by: Can<AssistantWrite>,
    Path(id): Path<AssistantId>,
    Json(new): Json<Draft>,
) -> Result<Json<Version>> {
    Ok(Json(super::draft(&app, &by, id, new).await?))
}

/// Take the published version back: the one before it answers again.
#[utoipa::path(post, path = "/api/assistants/{id}/roll-back", tag = "assistant", responses((status = 200, body = RolledBack)))]
pub async fn roll_back(
    State(app): State<Arc<App>>,
    by: Can<AssistantPublish>,
    Path(id): Path<AssistantId>,
) -> Result<Json<RolledBack>> {
    Ok(Json(RolledBack { published: super::roll_back(&app, &by, id).await? }))
}
