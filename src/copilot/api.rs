//! Help for who writes, over HTTP.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LANGUAGES, Reworded, Summary, Tone, reword, summary};
use crate::{
    app::{App, ConversationId},
    platform::{
        Result,
        http::{Json, Path},
        language::Language,
    },
    staff::{Can, ConversationReply},
};

/// What the copilot can do here.
#[derive(Serialize, ToSchema)]
pub struct Abilities {
    /// Whether a language model is set up: rewriting and translating need one.
    pub has_model: bool,
    /// The codes of the languages into which it translates.
    pub languages: Vec<&'static str>,
}

/// What the copilot can do here.
#[utoipa::path(get, path = "/api/copilot", tag = "copilot", responses((status = 200, body = Abilities)))]
pub async fn abilities(State(app): State<Arc<App>>, _by: Can<ConversationReply>) -> Result<Json<Abilities>> {
    let languages = LANGUAGES.iter().map(|(code, ..)| *code).collect();
    Ok(Json(Abilities { has_model: app.model.can_chat(), languages }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rewording {
    /// At most 4000 characters.
    pub text: String,
    pub tone: Tone,
}

/// Word a message differently. Nothing is sent.
#[utoipa::path(post, path = "/api/conversations/{id}/reword", tag = "copilot", request_body = Rewording, responses((status = 200, body = Reworded)))]
pub async fn reword_text(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<Rewording>,
) -> Result<Json<Reworded>> {
    Ok(Json(reword::reword(&app, &by, id, &body.text, body.tone).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Translating {
    /// At most 4000 characters.
    pub text: String,
    /// A code of `GET /api/copilot`.
    pub to: String,
}

/// Translate a message. Nothing is sent.
#[utoipa::path(post, path = "/api/conversations/{id}/translate", tag = "copilot", request_body = Translating, responses((status = 200, body = Reworded)))]
pub async fn translate_text(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<Translating>,
) -> Result<Json<Reworded>> {
    Ok(Json(reword::translate(&app, &by, id, &body.text, &body.to).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Summing {
    /// In which language the model writes.
    pub language: Language,
}

/// Sum a conversation up; without a model what its first question, last answers and brief tell.
#[utoipa::path(post, path = "/api/conversations/{id}/summary", tag = "copilot", request_body = Summing, responses((status = 200, body = Summary)))]
pub async fn sum_up(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<Summing>,
) -> Result<Json<Summary>> {
    Ok(Json(summary::summary(&app, &by, id, body.language).await?))
}
