//! HTTP for teams and API keys.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use crate::{
    app::{ApiKeyId, App, TeamId, UserId},
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{
        ApiKey, ApiKeyManage, Can, Team, UserManage, UserRead,
        key::{self, MadeApiKey, NewApiKey},
        team::{self, NewTeam, TeamChange},
    },
};

/// List the teams with their members.
#[utoipa::path(get, path = "/api/teams", tag = "staff", responses((status = 200, body = Vec<Team>)))]
pub async fn list_teams(State(app): State<Arc<App>>, by: Can<UserRead>) -> Result<Json<Vec<Team>>> {
    Ok(Json(team::list(&app, &by).await?))
}

/// Add a team.
#[utoipa::path(post, path = "/api/teams", tag = "staff", responses((status = 201, body = Team)))]
pub async fn add_team(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Json(new): Json<NewTeam>,
) -> Result<(StatusCode, Json<Team>)> {
    Ok((StatusCode::CREATED, Json(team::add(&app, &by, new).await?)))
}

/// Change a team.
#[utoipa::path(patch, path = "/api/teams/{id}", tag = "staff", responses((status = 200, body = Team)))]
pub async fn edit_team(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<TeamId>,
    Json(change): Json<TeamChange>,
) -> Result<Json<Team>> {
    Ok(Json(team::edit(&app, &by, id, change).await?))
}

/// Remove a team; its members stay users.
#[utoipa::path(delete, path = "/api/teams/{id}", tag = "staff", responses((status = 204)))]
pub async fn remove_team(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path(id): Path<TeamId>,
) -> Result<StatusCode> {
    team::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a user in a team.
#[utoipa::path(put, path = "/api/teams/{id}/members/{user}", tag = "staff", responses((status = 204)))]
pub async fn add_team_member(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path((id, user)): Path<(TeamId, UserId)>,
) -> Result<StatusCode> {
    team::set_member(&app, &by, id, user, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a user out of a team.
#[utoipa::path(delete, path = "/api/teams/{id}/members/{user}", tag = "staff", responses((status = 204)))]
pub async fn remove_team_member(
    State(app): State<Arc<App>>,
    by: Can<UserManage>,
    Path((id, user)): Path<(TeamId, UserId)>,
) -> Result<StatusCode> {
    team::set_member(&app, &by, id, user, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the API keys; never the keys themselves.
#[utoipa::path(get, path = "/api/api-keys", tag = "staff", responses((status = 200, body = Vec<ApiKey>)))]
pub async fn list_api_keys(State(app): State<Arc<App>>, by: Can<ApiKeyManage>) -> Result<Json<Vec<ApiKey>>> {
    Ok(Json(key::list(&app, &by).await?))
}

/// Make an API key; it is shown this once.
#[utoipa::path(post, path = "/api/api-keys", tag = "staff", responses((status = 201, body = MadeApiKey)))]
pub async fn make_api_key(
    State(app): State<Arc<App>>,
    by: Can<ApiKeyManage>,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Json<MadeApiKey>)> {
    Ok((StatusCode::CREATED, Json(key::make(&app, &by, new).await?)))
}

/// Revoke an API key for good.
#[utoipa::path(delete, path = "/api/api-keys/{id}", tag = "staff", responses((status = 204)))]
pub async fn revoke_api_key(
    State(app): State<Arc<App>>,
    by: Can<ApiKeyManage>,
    Path(id): Path<ApiKeyId>,
) -> Result<StatusCode> {
    key::revoke(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
