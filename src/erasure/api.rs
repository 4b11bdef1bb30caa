//! HTTP for a customer's right to their data: take it along, have it erased, hold a receipt.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Erasure, erase, store};
use crate::{
    app::{App, CustomerId},
    customers, inbox, memory,
    platform::{
        Error, Result,
        http::{Json, Path},
    },
    sales,
    staff::{Can, CustomerErase, CustomerExport, audit},
};

/// An erasure with its receipt.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureShown {
    #[serde(flatten)]
    pub erasure: Erasure,
    /// Whether this installation signed the receipt and nobody changed it since.
    pub is_genuine: bool,
}

/// Everything about a customer, to take along.
#[derive(Debug, Serialize)]
pub struct Export {
    #[serde(flatten)]
    person: customers::Person,
    deals: Vec<sales::Deal>,
    conversations: Value,
    memories: Value,
    exported_at: DateTime<Utc>,
}

/// Take out everything about a customer: who they are, tags, accounts, contacts, timeline, deals, messages, what is
/// remembered. Private notes are left out.
#[utoipa::path(post, path = "/api/customers/{id}/export", tag = "customers", responses((status = 200, body = Object)))]
pub async fn export(
    State(app): State<Arc<App>>,
    by: Can<CustomerExport>,
    Path(id): Path<CustomerId>,
) -> Result<Json<Export>> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let export = Export {
        person: customers::export(tx.conn(), &by, id, now).await?,
        deals: sales::export(tx.conn(), &by, id).await?,
        conversations: inbox::export(tx.conn(), by.org, id).await?,
        memories: memory::export(tx.conn(), by.org, id).await?,
        exported_at: now,
    };
    audit(tx.conn(), now, &by, "customer.export", ("customer", id.0), json!({})).await?;
    tx.commit().await?;
    Ok(Json(export))
}

/// Erase a customer everywhere. It can't be undone; a receipt says what was removed.
#[utoipa::path(post, path = "/api/customers/{id}/erase", tag = "customers", responses((status = 202, body = Erasure)))]
pub async fn order(
    State(app): State<Arc<App>>,
    by: Can<CustomerErase>,
    Path(id): Path<CustomerId>,
) -> Result<(StatusCode, Json<Erasure>)> {
    let requested_by = by.actor.describe();
    Ok((StatusCode::ACCEPTED, Json(erase::order(&app, by.org, id, &requested_by).await?)))
}

/// See an erasure and its receipt.
#[utoipa::path(get, path = "/api/erasures/{id}", tag = "customers", responses((status = 200, body = ErasureShown)))]
pub async fn find_erasure(
    State(app): State<Arc<App>>,
    by: Can<CustomerErase>,
    Path(id): Path<Uuid>,
) -> Result<Json<ErasureShown>> {
    let erasure = store::find(app.read().await?.conn(), by.org, id).await?.ok_or(Error::NotFound("erasure"))?;
    let is_genuine = erasure.is_genuine(&app);
    Ok(Json(ErasureShown { erasure, is_genuine }))
}
