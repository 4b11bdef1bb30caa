//! HTTP for making one of two customers, and two of one again.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Counts, Merge,
    merge::{self, Order, Preview},
    store, undo,
};
use crate::{
    app::{App, CustomerId, MergeId},
    customers,
    platform::{
        Error, Result,
        db::Conn,
        http::{Json, Path, Query},
    },
    staff::{By, Can, CustomerMerge, CustomerRead},
};

/// A merge with what it moved.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerMergeShown)]
pub struct MergeShown {
    #[serde(flatten)]
    pub merge: Merge,
    /// Absent once they were erased.
    pub from_name: Option<String>,
    pub into_name: Option<String>,
    pub moved: Counts,
    /// The fields that were taken over.
    pub fields: Vec<String>,
}

impl MergeShown {
    async fn of(mut c: Conn<'_>, by: &By, merge: Merge) -> Result<Self> {
        let from = customers::find_visible(c.again(), by.org, merge.from_id, by.visible()).await?;
        let into = customers::find_visible(c, by.org, merge.into_id, by.visible()).await?;
        Ok(Self {
            from_name: from.map(|c| c.name),
            into_name: into.map(|c| c.name),
            moved: merge.moved.count(),
            fields: merge.filled.keys().cloned().collect(),
            merge,
        })
    }
}

/// Merge another customer into this one: accounts, conversations, deals, memories and the rest become this one's, and
/// what the profile lacks is filled. It can be undone.
#[utoipa::path(post, path = "/api/customers/{id}/merge", tag = "customers",
    responses((status = 201, body = MergeShown)))]
pub async fn merge(
    State(app): State<Arc<App>>,
    by: Can<CustomerMerge>,
    Path(id): Path<CustomerId>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<MergeShown>)> {
    let merge = merge::merge(&app, &by, id, order).await?;
    Ok((StatusCode::CREATED, Json(MergeShown::of(app.read().await?.conn(), &by, merge).await?)))
}

/// Whom to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// The customer who would become part of this one.
    pub from: CustomerId,
}

/// See what merging another customer into this one would make.
#[utoipa::path(get, path = "/api/customers/{id}/merge", tag = "customers", params(PreviewQuery),
    responses((status = 200, body = Preview)))]
pub async fn preview_merge(
    State(app): State<Arc<App>>,
    by: Can<CustomerMerge>,
    Path(id): Path<CustomerId>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<Preview>> {
    let order = Order { from: query.from, take: Vec::new() };
    Ok(Json(merge::preview(&app, &by, id, order).await?))
}

/// List the merges that a customer took part in, the latest first.
#[utoipa::path(get, path = "/api/customers/{id}/merges", tag = "customers",
    responses((status = 200, body = Vec<MergeShown>)))]
pub async fn list_merges(
    State(app): State<Arc<App>>,
    by: Can<CustomerRead>,
    Path(id): Path<CustomerId>,
) -> Result<Json<Vec<MergeShown>>> {
    let mut reader = app.read().await?;
    customers::find_visible(reader.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let mut shown = Vec::new();
    for merge in store::list_of(reader.conn(), by.org, id).await? {
        shown.push(MergeShown::of(reader.conn(), &by, merge).await?);
    }
    Ok(Json(shown))
}

/// What undoing a merge left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomerMergeUndone)]
pub struct Undone {
    pub from_id: CustomerId,
    pub into_id: CustomerId,
    /// Conversations that stay with the survivor: messages of both were put together in them.
    pub mixed_conversations: usize,
}

/// Undo a merge: what moved goes back, with what was said on the accounts since; fields that nobody changed since are as
/// before.
#[utoipa::path(post, path = "/api/customer-merges/{id}/undo", tag = "customers",
    responses((status = 200, body = Undone)))]
pub async fn undo_merge(
    State(app): State<Arc<App>>,
    by: Can<CustomerMerge>,
    Path(id): Path<MergeId>,
) -> Result<Json<Undone>> {
    let (merge, parted) = undo::undo(&app, &by, id).await?;
    Ok(Json(Undone { from_id: merge.from_id, into_id: merge.into_id, mixed_conversations: parted.mixed.len() }))
}
