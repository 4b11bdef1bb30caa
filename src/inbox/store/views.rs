//! SQL of saved views: lists with filters that a user gave a name.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::{
    app::{OrgId, SavedViewId, UserId},
    both,
    platform::{Result, db::Conn},
};

/// A list with filters that a user gave a name.
#[derive(Debug, Clone, sqlx::FromRow, Serialize, ToSchema)]
pub struct SavedView {
    pub id: SavedViewId,
    /// The page it belongs to: `inbox`, `customers` or `deals`.
    pub page: String,
    pub name: String,
    /// What stands in the page's address.
    #[schema(value_type = Object)]
    pub filters: Json<Value>,
    pub created_at: DateTime<Utc>,
}

/// A user's views, by page and name.
pub async fn list(c: Conn<'_>, org: OrgId, user: UserId) -> Result<Vec<SavedView>> {
    const LIST: &str = "
        SELECT id, page, name, filters, created_at FROM saved_views
        WHERE org_id = $1 AND user_id = $2 ORDER BY page, name";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(user).fetch_all(c).await)?)
}

/// Saves a view; the same name on the same page again replaces what it shows. Returns which one it is.
pub async fn save(c: Conn<'_>, org: OrgId, user: UserId, v: &SavedView) -> Result<SavedViewId> {
    const SAVE: &str = "
        INSERT INTO saved_views (id, org_id, user_id, page, name, filters, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (org_id, user_id, page, name) DO UPDATE SET filters = $6 RETURNING id";
    Ok(
        both!(c, c => sqlx::query_scalar(SAVE).bind(v.id).bind(org).bind(user).bind(&v.page).bind(&v.name).bind(&v.filters)
        .bind(v.created_at).fetch_one(c).await)?,
    )
}

/// Deletes a user's view. False: it is not there.
pub async fn delete(c: Conn<'_>, org: OrgId, user: UserId, id: SavedViewId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM saved_views WHERE org_id = $1 AND user_id = $2 AND id = $3";
    let gone = both!(c, c => sqlx::query(DELETE).bind(org).bind(user).bind(id).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(gone == 1)
}
