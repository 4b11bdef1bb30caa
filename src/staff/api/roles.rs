//! Roles, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{
        Can, UserManage, UserRead,
        own_role::{self, NewRole, Role},
        permission::{ALL, OWNED},
    },
};

/// A permission there is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PermissionShown {
    /// Like `customer:read`.
    pub permission: &'static str,
    /// Whether it is about what somebody owns: only then may a role have it for less than the whole organisation.
    pub has_owner: bool,
}

/// List the permissions there are.
#[utoipa::path(get, path = "/api/permissions", tag = "staff", responses((status = 200, body = Vec<PermissionShown>)))]
pub async fn list_permissions(_by: Can<UserRead>) -> Json<Vec<PermissionShown>> {
    let shown = |key: &&'static str| PermissionShown { permission: key, has_owner: OWNED.contains(key) };
    Json(ALL.iter().map(shown).collect())
}

/// List the roles, the highest first.
#[utoipa::path(get, path = "/api/roles", tag = "staff", responses((status = 200, body = Vec<Role>)))]
pub async fn list_roles(State(app): State<Arc<App>>, by: Can<UserRead>) -> Result<Json<Vec<Role>>> {
    Ok(Json(own_role::list(&app, &by).await?))
}

/// Make a role of the organisation's own.
#[utoipa::path(post, path = "/api/roles", tag = "staff", request_body = NewRole, responses((status = 201, body = Role)))]
pub async fn add_role(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Json(new): Json<NewRole>,
) -> Result<(StatusCode, Json<Role>)> {
    Ok((StatusCode::CREATED, Json(own_role::add(&app, &by, new).await?)))
}

/// Change a role of the organisation's own.
#[utoipa::path(put, path = "/api/roles/{key}", tag = "staff", request_body = NewRole, responses((status = 200, body = Role)))]
pub async fn edit_role(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(key): Path<String>,
    Json(new): Json<NewRole>,
) -> Result<Json<Role>> {
    Ok(Json(own_role::edit(&app, &by, &key, new).await?))
}

/// Remove a role of the organisation's own that nobody has.
#[utoipa::path(delete, path = "/api/roles/{key}", tag = "staff", responses((status = 204)))]
pub async fn remove_role(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(key): Path<String>,
) -> Result<StatusCode> {
    own_role::remove(&app, &by, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}
