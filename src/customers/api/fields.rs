//! HTTP for the fields of one's own.

use std::sync::Arc;

use axum::extract::State;

use super::super::field::{self, Fields};
use crate::{
    app::App,
    platform::{Result, http::Json},
    staff::{Can, CustomerRead, SettingsManage},
};

/// See which fields of your own customers have.
#[utoipa::path(get, path = "/api/customer-fields", tag = "customers", responses((status = 200, body = Fields)))]
pub async fn list_fields(State(app): State<Arc<App>>, by: Can<CustomerRead>) -> Result<Json<Fields>> {
    Ok(Json(field::load(app.read().await?.conn(), by.org).await?))
}

/// Say which fields of your own customers have, in their order. What stands in a field that is left out stays.
#[utoipa::path(put, path = "/api/customer-fields", tag = "customers", request_body = Fields,
    responses((status = 200, body = Fields)))]
pub async fn save_fields(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(new): Json<Fields>,
) -> Result<Json<Fields>> {
    Ok(Json(field::save(&app, &by, new).await?))
}
