//! Channels, over HTTP.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::{App, ChannelId},
    channels::Checked,
    inbox::{connect, store},
    platform::{
        Result,
        http::{Json, Path},
    },
    staff::{Can, ChannelManage, ConversationRead},
};

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
    /// What was wrong last, also when it has been mended.
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
    /// What the connection last said of itself, as the platform words it.
    pub connection: Option<String>,
    /// What the platform thinks of it, in its own word (`GREEN`), where it says so; asked every day.
    pub quality: Option<String>,
    /// When its access token ends, where it does; people are told a week ahead.
    pub token_expires_at: Option<DateTime<Utc>>,
}

/// A channel as it is set up.
#[derive(Serialize, ToSchema)]
pub struct ChannelSetUp {
    pub channel: ChannelView,
    /// What of its configuration is no secret.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// The names of the secrets that it has; their values are never shown.
    pub secrets: Vec<String>,
    /// What everyone in the organisation may see.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
}

impl From<store::ChannelRow> for ChannelView {
    fn from(row: store::ChannelRow) -> Self {
        let webhook_path = (!matches!(row.platform.as_str(), "web" | "email"))
            .then(|| format!("/webhooks/{}/{}", row.platform, row.id));
        Self {
            id: row.id,
            unofficial: matches!(row.platform.as_str(), "waha" | "evolution" | "gateway"),
            platform: row.platform,
            name: row.name,
            status: row.status,
            webhook_path,
            last_inbound_at: None,
            error: row.error_message,
            last_error: row.health.last_error,
            last_error_at: row.health.last_error_at,
            connection: row.connection_state,
            quality: row.health.quality,
            token_expires_at: row.health.token_expires_at,
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
    /// `web`, `webhook`, `whatsapp_cloud`, `waha`, `evolution`, `gateway`, `wecom_kf`, `wechat_oa`, `telegram` or `email`.
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

/// How a channel is set up: everything but its secrets.
#[utoipa::path(get, path = "/api/channels/{id}", tag = "inbox", responses((status = 200, body = ChannelSetUp)))]
pub async fn find_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
) -> Result<Json<ChannelSetUp>> {
    let (row, config, secrets) = connect::show(&app, &by, id).await?;
    let settings = row.settings.0.clone();
    Ok(Json(ChannelSetUp { channel: row.into(), config: config.into(), secrets, settings }))
}

/// Remove a channel: nothing comes in or goes out any more, its secrets are gone, its conversations stay.
#[utoipa::path(delete, path = "/api/channels/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_channel(
    State(app): State<Arc<App>>,
    by: Can<ChannelManage>,
    Path(id): Path<ChannelId>,
) -> Result<StatusCode> {
    connect::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
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
