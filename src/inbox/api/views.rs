//! Saved views over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::store::{self, views::SavedView};
use crate::{
    app::{App, SavedViewId},
    platform::{
        Error, Result,
        http::{Json, Path},
    },
    staff::{Can, SignedIn, audit},
};

/// One's own saved views.
#[utoipa::path(get, path = "/api/views", tag = "inbox", responses((status = 200, body = Vec<SavedView>)))]
pub async fn list_views(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<Vec<SavedView>>> {
    let user = by.person()?;
    Ok(Json(store::views::list(app.read().await?.conn(), by.org, user).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// `inbox`, `customers` or `deals`.
    pub page: String,
    pub name: String,
    /// What stands in the page's address.
    #[schema(value_type = Object)]
    pub filters: serde_json::Map<String, serde_json::Value>,
}

/// Save a view of one's own; the same name again replaces it.
#[utoipa::path(post, path = "/api/views", tag = "inbox", request_body = NewView, responses((status = 201, body = SavedView)))]
pub async fn save_view(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(new): Json<NewView>,
) -> Result<(StatusCode, Json<SavedView>)> {
    let user = by.person()?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Error::Invalid("name: 1 to 60 characters".into()));
    }
    if !["inbox", "customers", "deals"].contains(&new.page.as_str()) {
        return Err(Error::Invalid("page: inbox, customers or deals".into()));
    }
    let mut view = SavedView {
        id: SavedViewId::new(),
        page: new.page,
        name: name.into(),
        filters: sqlx::types::Json(new.filters.into()),
        created_at: app.now(),
    };
    let mut tx = app.begin().await?;
    view.id = store::views::save(tx.conn(), by.org, user, &view).await?;
    let changes = json!({"page": view.page, "name": view.name, "filters": view.filters});
    audit(tx.conn(), app.now(), &by, "view.save", ("view", view.id.0), changes).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Remove a saved view.
#[utoipa::path(delete, path = "/api/views/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_view(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Path(id): Path<SavedViewId>,
) -> Result<StatusCode> {
    let user = by.person()?;
    let mut tx = app.begin().await?;
    if !store::views::delete(tx.conn(), by.org, user, id).await? {
        return Err(Error::NotFound("view"));
    }
    audit(tx.conn(), app.now(), &by, "view.remove", ("view", id.0), json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
