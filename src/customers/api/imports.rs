//! HTTP for customers from a file.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::super::import::{self, Import, Order, Report, Undone};
use crate::{
    app::{App, ImportId},
    platform::{
        Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, CustomerWrite},
};

/// A file of customers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomerImport {
    /// The file's text: commas, semicolons or tabs between the columns, which the first line names in English or
    /// Chinese.
    pub csv: String,
    pub file_name: Option<String>,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// Chosen by you: a repetition returns what was done instead of doing it again.
    pub idempotency_key: Option<String>,
}

/// Import customers from a CSV file, or see what that would do. Who is known by e-mail address, phone number or WeChat
/// account is left alone; all the others are added, or none.
#[utoipa::path(post, path = "/api/customer-imports", tag = "customers", responses((status = 200, body = Report)))]
pub async fn import_customers(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Json(new): Json<NewCustomerImport>,
) -> Result<Json<Report>> {
    let order = Order { csv: new.csv, file_name: new.file_name, idempotency_key: new.idempotency_key };
    Ok(Json(if new.dry_run {
        import::preview(&app, &by, &order).await?
    } else {
        import::import(&app, &by, &order).await?
    }))
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ImportsQuery {
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    pub limit: Option<u32>,
}

/// List the imports of customers, the latest first.
#[utoipa::path(get, path = "/api/customer-imports", tag = "customers", params(ImportsQuery),
    responses((status = 200, body = Page<Import>)))]
pub async fn list_imports(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Query(query): Query<ImportsQuery>,
) -> Result<Json<Page<Import>>> {
    let after = Cursor::parse(query.cursor.as_deref())?;
    Ok(Json(import::list(&app, &by, after, limit(query.limit)).await?))
}

/// Undo an import: customers that it made and that nobody touched since are removed, the others are kept and named.
#[utoipa::path(delete, path = "/api/customer-imports/{id}", tag = "customers",
    responses((status = 200, body = Undone)))]
pub async fn undo_import(
    State(app): State<Arc<App>>,
    by: Can<CustomerWrite>,
    Path(id): Path<ImportId>,
) -> Result<Json<Undone>> {
    Ok(Json(import::undo(&app, &by, id).await?))
}
