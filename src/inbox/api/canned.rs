//! Canned replies over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::super::{
    canned::{self, CannedReply, NewCannedReply},
    store,
};
use crate::{
    app::{App, CannedReplyId},
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{Can, CannedManage, ConversationRead},
};

/// The canned replies, by shortcut.
#[utoipa::path(get, path = "/api/canned-replies", tag = "inbox", responses((status = 200, body = Vec<CannedReply>)))]
pub async fn list_canned(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Vec<CannedReply>>> {
    Ok(Json(store::canned::list(app.read().await?.conn(), by.org).await?))
}

/// Add a canned reply.
#[utoipa::path(post, path = "/api/canned-replies", tag = "inbox", request_body = NewCannedReply, responses((status = 201, body = CannedReply)))]
pub async fn add_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Json(new): Json<NewCannedReply>,
) -> Result<(StatusCode, Json<CannedReply>)> {
    Ok((StatusCode::CREATED, Json(canned::save(&app, &by, None, &new).await?)))
}

/// Change a canned reply.
#[utoipa::path(put, path = "/api/canned-replies/{id}", tag = "inbox", request_body = NewCannedReply, responses((status = 200, body = CannedReply)))]
pub async fn edit_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Path(id): Path<CannedReplyId>,
    Json(new): Json<NewCannedReply>,
) -> Result<Json<CannedReply>> {
    Ok(Json(canned::save(&app, &by, Some(id), &new).await?))
}

/// Remove a canned reply.
#[utoipa::path(delete, path = "/api/canned-replies/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Path(id): Path<CannedReplyId>,
) -> Result<StatusCode> {
    canned::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
