//! What answers rest on, over HTTP.

use std::sync::Arc;

use axum::extract::State;

use crate::{
    app::App,
    knowledge::used::{self, KnowledgeUse},
    platform::{Result, http::Json},
    staff::{Can, KnowledgeRead},
};

/// How often answers of the last ninety days rest on each document, the most used first.
#[utoipa::path(get, path = "/api/knowledge/use", tag = "knowledge", responses((status = 200, body = KnowledgeUse)))]
pub async fn knowledge_use(State(app): State<Arc<App>>, by: Can<KnowledgeRead>) -> Result<Json<KnowledgeUse>> {
    Ok(Json(used::used(&app, &by).await?))
}
