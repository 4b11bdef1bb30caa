//! Whom we call outside the console, over HTTP.

use std::sync::Arc;

use axum::extract::State;

use crate::{
    app::App,
    inbox::away::{self, AwayChange, AwayChannels},
    platform::{Result, http::Json},
    staff::{Can, SettingsManage},
};

/// Whom we call outside the console when a customer waits too long.
#[utoipa::path(get, path = "/api/away-channels", tag = "inbox", responses((status = 200, body = AwayChannels)))]
pub async fn find_away(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<AwayChannels>> {
    Ok(Json(away::find(&app, &by).await?))
}

/// Say whom we call outside the console when a customer waits too long.
#[utoipa::path(put, path = "/api/away-channels", tag = "inbox", request_body = AwayChange, responses((status = 200, body = AwayChannels)))]
pub async fn save_away(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(change): Json<AwayChange>,
) -> Result<Json<AwayChannels>> {
    Ok(Json(away::save(&app, &by, change).await?))
}
