//! What a platform permits now, and its templates, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::{App, ChannelId, ConversationId, TemplateId},
    inbox::{
        Message,
        reach::{self, Reach},
        template::{self, FilledTemplate, NewTemplate, Template},
    },
    platform::{
        Result,
        http::{Json, Path, Query},
    },
    staff::{Can, ChannelManage, ConversationRead, ConversationReply},
};

/// Whether the customer can be written to now: the platform's window, what is left of its quota, and what to do else.
#[utoipa::path(get, path = "/api/conversations/{id}/reach", tag = "inbox", responses((status = 200, body = Reach)))]
pub async fn reach(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Reach>> {
    Ok(Json(reach::reach(&app, &by, id).await?))
}

#[derive(Deserialize, IntoParams)]
pub struct TemplatesQuery {
    pub channel_id: Option<ChannelId>,
}

/// The templates that platforms have approved, by name.
#[utoipa::path(get, path = "/api/templates", tag = "inbox", params(TemplatesQuery), responses((status = 200, body = Vec<Template>)))]
pub async fn list_templates(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Query(query): Query<TemplatesQuery>,
) -> Result<Json<Vec<Template>>> {
    Ok(Json(template::list(&app, &by, query.channel_id).await?))
}

/// Write down a template that a channel's platform has approved.
#[utoipa::path(post, path = "/api/templates", tag = "inbox", request_body = NewTemplate, responses((status = 201, body = Template)))]
pub async fn add_template(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Json(new): Json<NewTemplate>,
) -> Result<(StatusCode, Json<Template>)> {
    Ok((StatusCode::CREATED, Json(template::save(&app, &by, None, &new).await?)))
}

/// Change a template; its channel stays.
#[utoipa::path(put, path = "/api/templates/{id}", tag = "inbox", request_body = NewTemplate, responses((status = 200, body = Template)))]
pub async fn edit_template(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<TemplateId>,
    Json(new): Json<NewTemplate>,
) -> Result<Json<Template>> {
    Ok(Json(template::save(&app, &by, Some(id), &new).await?))
}

/// Remove a template. What was sent with it stays.
#[utoipa::path(delete, path = "/api/templates/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_template(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<TemplateId>,
) -> Result<StatusCode> {
    template::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send an approved template to the customer. If nobody holds the conversation, you hold it from here.
#[utoipa::path(post, path = "/api/conversations/{id}/templates", tag = "inbox", request_body = FilledTemplate, responses((status = 200, body = Message)))]
pub async fn send_template(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(new): Json<FilledTemplate>,
) -> Result<Json<Message>> {
    Ok(Json(template::send_template(&app, &by, id, new).await?))
}
