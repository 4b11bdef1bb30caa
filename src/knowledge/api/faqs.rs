//! FAQs, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::place;
use crate::{
    app::{App, FaqId, KnowledgeBaseId},
    knowledge::{
        Faq,
        faq::{self, FaqChange, NewFaq},
        store::faqs,
    },
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, KnowledgeRead, KnowledgeWrite},
};

#[derive(Debug, Deserialize, IntoParams)]
pub struct FaqsQuery {
    pub kb_id: Option<KnowledgeBaseId>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// FAQs, newest first.
#[utoipa::path(get, path = "/api/faqs", tag = "knowledge", params(FaqsQuery), responses((status = 200, body = Page<Faq>)))]
pub async fn list_faqs(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeRead>,
    Query(query): Query<FaqsQuery>,
) -> Result<Json<Page<Faq>>> {
    let limit = limit(query.limit);
    let cursor = Cursor::parse(query.cursor.as_deref())?;
    let after = query.cursor.is_some().then_some(FaqId(cursor.id));
    let rows = faqs::list(app.read().await?.conn(), by.org, query.kb_id, after, limit + 1).await?;
    Ok(Json(Page::of(rows, limit, |f| place(f.created_at, f.id.0))))
}

/// One FAQ.
#[utoipa::path(get, path = "/api/faqs/{id}", tag = "knowledge", responses((status = 200, body = Faq)))]
pub async fn find_faq(State(app): State<Arc<App>>, by: Can<KnowledgeRead>, Path(id): Path<FaqId>) -> Result<Json<Faq>> {
    faqs::find(app.read().await?.conn(), by.org, id).await?.map(Json).ok_or(Error::NotFound("FAQ"))
}

/// Adds an FAQ.
#[utoipa::path(post, path = "/api/faqs", tag = "knowledge", request_body = NewFaq, responses((status = 201, body = Faq)))]
pub async fn add_faq(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Json(body): Json<NewFaq>,
) -> Result<(StatusCode, Json<Faq>)> {
    Ok((StatusCode::CREATED, Json(faq::add(&app, &by, body).await?)))
}

/// Changes an FAQ; what is absent stays.
#[utoipa::path(patch, path = "/api/faqs/{id}", tag = "knowledge", request_body = FaqChange, responses((status = 200, body = Faq)))]
pub async fn edit_faq(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<FaqId>,
    Json(body): Json<FaqChange>,
) -> Result<Json<Faq>> {
    Ok(Json(faq::edit(&app, &by, id, body).await?))
}

/// Deletes an FAQ. It is not found from this moment on.
#[utoipa::path(delete, path = "/api/faqs/{id}", tag = "knowledge", responses((status = 204)))]
pub async fn delete_faq(
    State(app): State<Arc<App>>,
    by: Can<KnowledgeWrite>,
    Path(id): Path<FaqId>,
) -> Result<StatusCode> {
    faq::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
