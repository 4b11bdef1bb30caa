//! The price of the model's tokens over HTTP.

use std::sync::Arc;

use axum::extract::State;

use super::super::cost::{self, Priced};
use crate::{
    app::App,
    platform::{Result, http::Json},
    staff::{Can, SettingsManage},
};

/// See what the model's tokens cost.
#[utoipa::path(get, path = "/api/model/price", tag = "assistant", responses((status = 200, body = Priced)))]
pub async fn find_model_price(State(app): State<Arc<App>>, by: Can<SettingsManage>) -> Result<Json<Priced>> {
    Ok(Json(cost::load(app.read().await?.conn(), by.org).await?))
}

/// Say what the model's tokens cost: from then on the overview shows what was spent.
#[utoipa::path(put, path = "/api/model/price", tag = "assistant", request_body = Priced, responses((status = 200, body = Priced)))]
pub async fn save_model_price(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(new): Json<Priced>,
) -> Result<Json<Priced>> {
    Ok(Json(cost::save(&app, &by, new).await?))
}
