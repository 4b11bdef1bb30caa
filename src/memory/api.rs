//! HTTP for what is remembered: agents see, add, correct, pin and forget; admins approve what is shared.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    Status,
    correct::{self, MemoryBody, MemoryChange, Shown, Why},
    shared,
};
use crate::{
    app::{App, CustomerId, MemoryId},
    platform::{
        Result,
        http::{Json, Path, Query},
    },
    staff::{Can, MemoryRead, MemoryWrite, SettingsManage},
};

/// Which memories.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct MemoryQuery {
    pub status: Option<Status>,
    /// What was believed at this moment.
    pub at: Option<DateTime<Utc>>,
}

/// List what is remembered of a customer, the newest first; or what was believed at a moment.
#[utoipa::path(get, path = "/api/customers/{id}/memories", tag = "memory", params(MemoryQuery), responses((status = 200, body = Vec<Shown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    by: Can<MemoryRead>,
    Path(id): Path<CustomerId>,
    Query(query): Query<MemoryQuery>,
) -> Result<Json<Vec<Shown>>> {
    Ok(Json(correct::list(&app, &by, id, query.status, query.at).await?))
}

/// Remember something about a customer.
#[utoipa::path(post, path = "/api/customers/{id}/memories", tag = "memory", responses((status = 201, body = Shown)))]
pub async fn add(
    State(app): State<Arc<App>>,
    by: Can<MemoryWrite>,
    Path(id): Path<CustomerId>,
    Json(body): Json<MemoryBody>,
) -> Result<(StatusCode, Json<Shown>)> {
    Ok((StatusCode::CREATED, Json(correct::add(&app, &by, id, body).await?)))
}

/// See why we think so: the message and its words.
#[utoipa::path(get, path = "/api/customers/{id}/memories/{memory}", tag = "memory",
    responses((status = 200, body = Why)))]
pub async fn why(
    State(app): State<Arc<App>>,
    by: Can<MemoryRead>,
    Path((id, memory)): Path<(CustomerId, MemoryId)>,
) -> Result<Json<Why>> {
    Ok(Json(correct::why(&app, &by, id, memory).await?))
}

/// Correct, pin or retract a memory.
#[utoipa::path(patch, path = "/api/customers/{id}/memories/{memory}", tag = "memory",
    responses((status = 200, body = Shown)))]
pub async fn change(
    State(app): State<Arc<App>>,
    by: Can<MemoryWrite>,
    Path((id, memory)): Path<(CustomerId, MemoryId)>,
    Json(body): Json<MemoryChange>,
) -> Result<Json<Shown>> {
    Ok(Json(correct::change(&app, &by, id, memory, body).await?))
}

/// Forget a memory.
#[utoipa::path(delete, path = "/api/customers/{id}/memories/{memory}", tag = "memory",
    responses((status = 204)))]
pub async fn forget(
    State(app): State<Arc<App>>,
    by: Can<MemoryWrite>,
    Path((id, memory)): Path<(CustomerId, MemoryId)>,
) -> Result<StatusCode> {
    super::forget(&app, &by, id, memory).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the organisation's own memories.
#[utoipa::path(get, path = "/api/memories", tag = "memory", params(MemoryQuery), responses((status = 200, body = Vec<Shown>)))]
pub async fn list_shared(
    State(app): State<Arc<App>>,
    by: Can<MemoryRead>,
    Query(query): Query<MemoryQuery>,
) -> Result<Json<Vec<Shown>>> {
    Ok(Json(shared::list(&app, by.org, query.status).await?))
}

/// Propose a memory for the whole organisation.
#[utoipa::path(post, path = "/api/memories", tag = "memory", responses((status = 201, body = Shown)))]
pub async fn propose(
    State(app): State<Arc<App>>,
    by: Can<MemoryWrite>,
    Json(body): Json<MemoryBody>,
) -> Result<(StatusCode, Json<Shown>)> {
    Ok((StatusCode::CREATED, Json(shared::propose(&app, &by, body).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct DecideBody {
    pub is_approved: bool,
}

/// Approve a proposed memory, or put it away.
#[utoipa::path(post, path = "/api/memories/{id}/decide", tag = "memory", responses((status = 200, body = Shown)))]
pub async fn decide(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Path(id): Path<MemoryId>,
    Json(body): Json<DecideBody>,
) -> Result<Json<Shown>> {
    Ok(Json(shared::decide(&app, &by, id, body.is_approved).await?))
}
