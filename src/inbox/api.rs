//! Conversations and their messages, over HTTP.

mod hooks;

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use hooks::*;

use super::{
    AgentMessage, Conversation, Holder, Message, Status, connect, file,
    hold::{self, Scope},
    send, store,
};
use crate::{
    app::{App, AttachmentId, ChannelId, ConversationId, CustomerId, UserId},
    channels::Checked,
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, ChannelManage, ConversationRead, ConversationReply},
};

#[derive(Deserialize, IntoParams)]
pub struct ListQuery {
    pub status: Option<Status>,
    pub holder: Option<Holder>,
    /// Only those held by this user.
    pub agent_id: Option<UserId>,
    pub customer_id: Option<CustomerId>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// Conversations, the latest message first.
#[utoipa::path(get, path = "/api/conversations", tag = "inbox", params(ListQuery), responses((status = 200, body = Page<Conversation>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Conversation>>> {
    let limit = limit(query.limit);
    let cursor = Cursor::parse(query.cursor.as_deref())?;
    let filter = store::ListFilter {
        status: query.status,
        holder: query.holder,
        agent: query.agent_id,
        customer: query.customer_id,
        before: query.cursor.is_some().then_some((cursor.at, ConversationId(cursor.id))),
        limit: limit + 1,
    };
    let mut reader = app.read().await?;
    let rows = store::list(reader.conn(), by.org, &filter).await?;
    let place = |c: &Conversation| Cursor { at: c.last_message_at.unwrap_or(c.created_at), id: c.id.0 };
    Ok(Json(Page::of(rows, limit, place)))
}

/// One conversation.
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "inbox", responses((status = 200, body = Conversation)))]
pub async fn find(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>> {
    let mut reader = app.read().await?;
    store::find(reader.conn(), by.org, id).await?.map(Json).ok_or(Error::NotFound("conversation"))
}

#[derive(Deserialize, IntoParams)]
pub struct MessagesQuery {
    /// Only messages after this `seq`.
    #[serde(default)]
    pub after: i64,
    pub limit: Option<u32>,
}

/// The messages of a conversation, oldest first, private notes included.
#[utoipa::path(get, path = "/api/conversations/{id}/messages", tag = "inbox", params(MessagesQuery), responses((status = 200, body = Vec<Message>)))]
pub async fn messages(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<Vec<Message>>> {
    let mut reader = app.read().await?;
    store::find(reader.conn(), by.org, id).await?.ok_or(Error::NotFound("conversation"))?;
    let limit = limit(query.limit);
    Ok(Json(store::list_messages(reader.conn(), by.org, id, query.after, limit, true).await?))
}

/// The assistant's turns in a conversation, the latest first: what it searched, found, proved and decided.
#[utoipa::path(get, path = "/api/conversations/{id}/turns", tag = "inbox", responses((status = 200, body = Vec<store::TurnRow>)))]
pub async fn turns(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Vec<store::TurnRow>>> {
    let mut reader = app.read().await?;
    store::find(reader.conn(), by.org, id).await?.ok_or(Error::NotFound("conversation"))?;
    Ok(Json(store::list_turns(reader.conn(), by.org, id, 50).await?))
}

/// Take over a conversation. The first to take it holds it; the assistant is silent from here.
#[utoipa::path(post, path = "/api/conversations/{id}/take-over", tag = "inbox", responses((status = 200, body = Conversation)))]
pub async fn take_over(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>> {
    let taken = hold::take_over(&app, &by, id).await?;
    Ok(Json(taken))
}

#[derive(Default, Deserialize, ToSchema)]
pub struct GiveBack {
    /// `now`: the assistant answers again; `until_resolved`: others may take it, the assistant not before it was
    /// resolved; `never`: people only, for good.
    #[serde(default)]
    pub scope: Scope,
}

/// Give a conversation back.
#[utoipa::path(post, path = "/api/conversations/{id}/give-back", tag = "inbox", request_body = GiveBack, responses((status = 200, body = Conversation)))]
pub async fn give_back(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<GiveBack>,
) -> Result<Json<Conversation>> {
    let given = hold::give_back(&app, &by, id, body.scope).await?;
    Ok(Json(given))
}

/// Resolve a conversation. A message within seven days takes it up again.
#[utoipa::path(post, path = "/api/conversations/{id}/resolve", tag = "inbox", responses((status = 200, body = Conversation)))]
pub async fn resolve(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>> {
    let resolved = hold::resolve(&app, &by, id).await?;
    Ok(Json(resolved))
}

#[derive(Deserialize, ToSchema)]
pub struct NewMessage {
    pub text: String,
    /// The conversation's `version` you saw: if it is another by now, nothing is sent and 409 is answered.
    pub version: Option<i64>,
    /// Chosen by you: a repetition returns the first message instead of sending another.
    pub idempotency_key: Option<String>,
}

/// Write to the customer. If nobody holds the conversation, you hold it from here.
#[utoipa::path(post, path = "/api/conversations/{id}/messages", tag = "inbox", request_body = NewMessage, responses((status = 200, body = Message)))]
pub async fn reply(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewMessage>,
) -> Result<Json<Message>> {
    let new = AgentMessage { text: body.text, version: body.version, idempotency_key: body.idempotency_key };
    Ok(Json(send::send(&app, by.org, id, by.person()?, new).await?))
}

#[derive(Deserialize, ToSchema)]
pub struct NewNote {
    pub text: String,
}

/// Add a private note: only people of the organisation see it.
#[utoipa::path(post, path = "/api/conversations/{id}/notes", tag = "inbox", request_body = NewNote, responses((status = 200, body = Message)))]
pub async fn note(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<NewNote>,
) -> Result<Json<Message>> {
    Ok(Json(send::add_note(&app, by.org, id, by.person()?, body.text).await?))
}

/// A connected channel. Its secrets are never shown.
#[derive(Serialize, ToSchema)]
pub struct ChannelView {
    pub id: ChannelId,
    pub platform: String,
    pub name: String,
    /// `active` or `paused`.
    pub status: String,
    /// Where the platform delivers, below this server's address.
    pub webhook_path: Option<String>,
    /// WhatsApp over a gateway: not made by WhatsApp, which may ban the number.
    pub unofficial: bool,
    /// When a customer wrote last.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// What is wrong with it, in words for an operator.
    pub error: Option<String>,
    /// What the connection last said of itself, as the platform words it.
    pub connection: Option<String>,
}

impl From<store::ChannelRow> for ChannelView {
    fn from(row: store::ChannelRow) -> Self {
        let webhook_path = (row.platform != "web").then(|| format!("/webhooks/{}/{}", row.platform, row.id));
        Self {
            id: row.id,
            unofficial: matches!(row.platform.as_str(), "waha" | "evolution" | "gateway"),
            platform: row.platform,
            name: row.name,
            status: row.status,
            webhook_path,
            last_inbound_at: None,
            error: row.error_message,
            connection: row.connection_state,
        }
    }
}

/// The channels of the organisation, and how they are.
#[utoipa::path(get, path = "/api/channels", tag = "inbox", responses((status = 200, body = Vec<ChannelView>)))]
pub async fn channels(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Vec<ChannelView>>> {
    let mut reader = app.read().await?;
    let rows = store::list_channels(reader.conn(), by.org).await?;
    let heard = store::list_last_inbound(reader.conn(), by.org).await?;
    let view = |row: store::ChannelRow| {
        let last = heard.iter().find(|(id, _)| *id == row.id).and_then(|(_, at)| *at);
        ChannelView { last_inbound_at: last, ..row.into() }
    };
    Ok(Json(rows.into_iter().map(view).collect()))
}

#[derive(Deserialize, ToSchema)]
pub struct NewChannel {
    /// `web`, `webhook`, `whatsapp_cloud`, `waha`, `evolution`, `gateway`, `wecom_kf`, `wechat_oa` or `telegram`.
    pub platform: String,
    pub name: String,
    /// What the platform needs (docs/channels); for `webhook`: `{"secret": "…", "send_url": "https://…"}`. Stored sealed.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// What everyone in the organisation may see.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Value>,
}

/// Connect a channel.
#[utoipa::path(post, path = "/api/channels", tag = "inbox", request_body = NewChannel, responses((status = 200, body = ChannelView)))]
pub async fn add_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Json(body): Json<NewChannel>,
) -> Result<Json<ChannelView>> {
    let settings = body.settings.filter(serde_json::Value::is_object).unwrap_or_else(|| serde_json::json!({}));
    let row = connect::connect(&app, &by, &body.platform, &body.name, &body.config, settings).await?;
    Ok(Json(row.into()))
}

#[derive(Deserialize, ToSchema)]
pub struct ChannelChange {
    pub name: Option<String>,
    /// Keys to set; `null` takes one away; what is not named stays.
    #[schema(value_type = Option<Object>)]
    pub config: Option<serde_json::Value>,
    #[schema(value_type = Option<Object>)]
    pub settings: Option<serde_json::Value>,
}

/// Change a channel: a new token, another name.
#[utoipa::path(patch, path = "/api/channels/{id}", tag = "inbox", request_body = ChannelChange, responses((status = 200, body = ChannelView)))]
pub async fn edit_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
    Json(body): Json<ChannelChange>,
) -> Result<Json<ChannelView>> {
    let (config, settings) = (body.config.as_ref(), body.settings.as_ref());
    Ok(Json(connect::edit(&app, &by, id, body.name.as_deref(), config, settings).await?.into()))
}

/// Pause a channel: nothing is sent over it, what comes in is kept.
#[utoipa::path(post, path = "/api/channels/{id}/pause", tag = "inbox", responses((status = 200, body = ChannelView)))]
pub async fn pause_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
) -> Result<Json<ChannelView>> {
    Ok(Json(connect::pause(&app, &by, id, true).await?.into()))
}

/// Let a paused channel go on.
#[utoipa::path(post, path = "/api/channels/{id}/resume", tag = "inbox", responses((status = 200, body = ChannelView)))]
pub async fn resume_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
) -> Result<Json<ChannelView>> {
    Ok(Json(connect::pause(&app, &by, id, false).await?.into()))
}

/// Ask the platform whether the channel's credentials work.
#[utoipa::path(post, path = "/api/channels/{id}/test", tag = "inbox", responses((status = 200, body = Checked)))]
pub async fn test_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
) -> Result<Json<Checked>> {
    Ok(Json(connect::test(&app, &by, id).await?))
}

/// A file that came with a message. What may run in a browser is only ever downloaded.
#[utoipa::path(get, path = "/api/attachments/{id}", tag = "inbox", responses((status = 200, content_type = "application/octet-stream", body = String)))]
pub async fn attachment(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<AttachmentId>,
) -> Result<Response> {
    let found = store::find_attachment(app.read().await?.conn(), id).await?;
    let found = found.filter(|f| f.org_id == by.org && f.status == "stored").ok_or(Error::NotFound("file"))?;
    let bytes = file::read(&app, found.org_id, id).await?;
    let kind = found.content_type.unwrap_or_else(|| "application/octet-stream".into());
    let is_shown = ["image/", "audio/", "video/"].iter().any(|k| kind.starts_with(k)) || kind == "application/pdf";
    let name: String = found
        .filename
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "._- ".contains(*c))
        .collect();
    let how = if is_shown { "inline" } else { "attachment" };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, format!("{how}; filename=\"{name}\"")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".into()),
        (header::CACHE_CONTROL, "private, max-age=3600".into()),
    ];
    Ok((headers, bytes).into_response())
}
