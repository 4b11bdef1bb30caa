//! The public API of the website's chat: for visitors, who know only their own conversation.
//!
//! A visitor is known by a token that we sealed: it names the channel and a random visitor id, and nothing is stored
//! until the first message.

mod follow;
mod visitor;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

pub use follow::*;
pub use visitor::{SharedAddress, Visitor};

use crate::{
    app::{App, Changed, ChannelId, ConversationId, MessageId, OrgId, UserId},
    channels::Inbound,
    inbox::{self, Holder, Sender, Status},
    platform::{
        Error, Result,
        crypto::{hmac_sha256_hex, same},
        http::{Json, Query},
        language::Language,
        upload::{Form, Upload},
    },
    staff,
};

/// The longest message a visitor may write, in characters.
const TEXT_LIMIT: usize = 4000;
/// How many messages a visitor may write in a minute.
const MESSAGES_A_MINUTE: u32 = 30;
/// How many visitors may come from one address in a minute, and how many messages: a whole school may be behind one, but
/// nobody fills the database or empties the model's purse from a single machine.
const VISITORS_OF_AN_ADDRESS: u32 = 60;
const MESSAGES_OF_AN_ADDRESS: u32 = 600;
/// The same for files, which cost more.
const FILES_A_MINUTE: u32 = 10;
const FILES_OF_AN_ADDRESS: u32 = 60;
/// The largest file that a visitor may send.
const FILE_LIMIT: u64 = 20 << 20;
/// How long a page may fetch a file without asking anew for its messages.
const FILE_LINK: chrono::Duration = chrono::Duration::days(1);

/// A message as a visitor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WidgetMessage {
    pub id: MessageId,
    pub seq: i64,
    /// `customer`, `assistant`, `agent` or `system`.
    #[schema(value_type = String)]
    pub by: Sender,
    /// The agent's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub text: String,
    /// What came or went with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<WidgetFile>,
    pub created_at: DateTime<Utc>,
    /// `answer`, `clarify`, `offer_person`, `waiting` or `hand_off`, for what the assistant says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub sources: Option<Value>,
    pub status: inbox::MessageStatus,
    /// An emoji that the company put on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo_id: Option<String>,
}

/// A file as a visitor sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WidgetFile {
    pub name: String,
    pub content_type: Option<String>,
    pub size_bytes: Option<i64>,
    /// Where it is fetched, for a day from now; absent: it is not, or no longer, kept.
    pub url: Option<String>,
}

/// A conversation as a visitor sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WidgetConversation {
    pub id: ConversationId,
    pub status: Status,
    pub holder: Holder,
}

impl From<&inbox::Conversation> for WidgetConversation {
    fn from(c: &inbox::Conversation) -> Self {
        Self { id: c.id, status: c.status, holder: c.holder }
    }
}

async fn shown(app: &App, org: OrgId, mut messages: Vec<inbox::Message>) -> Result<Vec<WidgetMessage>> {
    inbox::show_files(app.read().await?.conn(), org, &mut messages).await?;
    let mut shown = Vec::with_capacity(messages.len());
    for m in messages {
        let name = match (m.sender_type, m.sender_id.as_deref().and_then(|id| id.parse::<UserId>().ok())) {
            (Sender::Agent, Some(user)) => staff::name_of(app.read().await?.conn(), org, user).await?,
            _ => None,
        };
        let kind = m.kind().map(String::from);
        let reaction = reaction(&m);
        let echo = m.external_message_id.filter(|_| m.sender_type == Sender::Customer);
        let files = m.files.into_iter().map(|f| {
            let url = f.url.map(|_| inbox::file_link(app, f.id, FILE_LINK)).transpose()?;
            Ok(WidgetFile { name: f.name, content_type: f.content_type, size_bytes: f.size_bytes, url })
        });
        shown.push(WidgetMessage {
            files: files.collect::<Result<_>>()?,
            id: m.id,
            seq: m.seq,
            by: m.sender_type,
            name,
            text: m.content,
            created_at: m.created_at,
            kind,
            sources: m.ai_sources.map(|s| s.0),
            status: m.status,
            reaction,
            echo_id: echo.and_then(|e| e.rsplit(':').next().map(String::from)),
        });
    }
    Ok(shown)
}

/// The company's emoji on a message.
fn reaction(m: &inbox::Message) -> Option<String> {
    m.metadata.0.pointer("/reactions/agent").and_then(Value::as_str).map(String::from)
}

#[derive(Deserialize, ToSchema)]
pub struct Start {
    /// The website channel; without it the demo company's, or else the default organisation's.
    pub channel: Option<ChannelId>,
    /// What an earlier session gave: the conversation goes on.
    pub visitor_token: Option<String>,
    pub language: Option<Language>,
    /// Who the visitor is on the website, vouched for by its server.
    pub identity: Option<Vouched>,
}

/// A user of the website. The same one on another device goes on with the same conversation.
#[derive(Deserialize, ToSchema)]
pub struct Vouched {
    /// The website's own id of the user.
    pub id: String,
    /// Lower-case hexadecimal HMAC-SHA256 of `id` with the channel's `identity_secret`, made by the website's server.
    pub hash: String,
}

#[derive(Serialize, ToSchema)]
pub struct Session {
    pub visitor_token: String,
    #[schema(value_type = Object)]
    pub channel: Value,
    pub company: String,
    pub conversation: Option<WidgetConversation>,
    pub messages: Vec<WidgetMessage>,
    /// Questions to begin with.
    pub suggestions: Vec<String>,
    /// The `seq` of the last message.
    pub cursor: i64,
}

/// Begin or go on: who the visitor is, and what was said so far.
#[utoipa::path(post, path = "/api/widget/session", tag = "widget", request_body = Start, responses((status = 200, body = Session)))]
pub async fn session(
    State(app): State<Arc<App>>,
    shared: SharedAddress,
    headers: HeaderMap,
    Json(start): Json<Start>,
) -> Result<Json<Session>> {
    let row = match start.channel {
        Some(id) => inbox::find_channel(app.read().await?.conn(), id).await?.ok_or(Error::NotFound("channel"))?,
        None => {
            let demo = staff::find_org(&app, staff::DEMO_ORG).await?;
            let org = match demo {
                Some(org) => org,
                None => staff::find_org(&app, staff::DEFAULT_ORG).await?.ok_or(Error::NotFound("organisation"))?,
            };
            inbox::ensure_web_channel(&app, org.id).await?
        }
    };
    if row.platform != "web" || row.status != "active" {
        return Err(Error::NotFound("channel"));
    }
    if !may_embed(&app, &row.settings.0, &headers) {
        return Err(Error::Forbidden);
    }
    let user = match &start.identity {
        Some(vouched) => Some(vouch(&app, &row, vouched)?),
        None => None,
    };
    // A token of another installation, channel or user begins anew instead of failing: the visitor can't help it.
    let known = start.visitor_token.and_then(|t| Visitor::from_token(&app, &t).ok());
    let known = known.filter(|v| v.channel == row.id && v.user == user);
    if known.is_none() {
        shared.take(&app, "visitors", VISITORS_OF_AN_ADDRESS)?;
    }
    let visitor = known.unwrap_or_else(|| Visitor { org: row.org_id, channel: row.id, id: Uuid::now_v7(), user });
    let conversation = visitor.conversation(&app).await?;
    let messages = match &conversation {
        Some(c) => {
            let last = inbox::list_last_messages(app.read().await?.conn(), row.org_id, c.id, 100).await?;
            shown(&app, row.org_id, last.into_iter().filter(|m| !m.is_private).collect()).await?
        }
        None => Vec::new(),
    };
    let org =
        staff::find_org_by_id(app.read().await?.conn(), row.org_id).await?.ok_or(Error::NotFound("organisation"))?;
    let language = start.language.unwrap_or_default();
    Ok(Json(Session {
        visitor_token: visitor.token(&app)?,
        channel: json!({"id": row.id, "name": row.name}),
        suggestions: suggestions(&row.settings.0, language),
        company: org.name,
        cursor: messages.last().map_or(0, |m| m.seq),
        conversation: conversation.as_ref().map(Into::into),
        messages,
    }))
}

/// The user's id, if the website's server has signed it.
fn vouch(app: &App, row: &inbox::ChannelRow, vouched: &Vouched) -> Result<String> {
    let secret = inbox::identity_secret(app, row)?
        .ok_or_else(|| Error::Invalid("this channel has no identity_secret: nobody can be vouched for".into()))?;
    let is_good = same(&hmac_sha256_hex(secret.as_bytes(), vouched.id.as_bytes()), &vouched.hash);
    if is_good && (1..=200).contains(&vouched.id.len()) { Ok(vouched.id.clone()) } else { Err(Error::Forbidden) }
}

/// Whether the page that asks may show this channel's chat: our own page always may, where no browser asks there is
/// no page.
fn may_embed(app: &App, settings: &Value, headers: &HeaderMap) -> bool {
    let of = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
    let (Some(allowed), Some(origin)) = (inbox::origins_of(settings), of(header::ORIGIN)) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    let ours = app.config.server.public_url.as_deref().map(|url| url.trim_end_matches('/'));
    host == of(header::HOST) || Some(origin) == ours || allowed.iter().any(|a| a == origin)
}

fn suggestions(settings: &Value, language: Language) -> Vec<String> {
    let key = if language == Language::Zh { "zh" } else { "en" };
    let list = settings.pointer(&format!("/suggestions/{key}")).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|s| s.as_str().map(String::from)).collect()
}

#[derive(Deserialize, ToSchema)]
pub struct Write {
    /// Chosen by the page; the same again returns the first message.
    pub echo_id: Uuid,
    pub text: String,
}

#[derive(Serialize, ToSchema)]
pub struct Written {
    pub message: WidgetMessage,
}

/// Write a message.
#[utoipa::path(post, path = "/api/widget/messages", tag = "widget", request_body = Write, responses((status = 200, body = Written)))]
pub async fn write(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    shared: SharedAddress,
    Json(body): Json<Write>,
) -> Result<Json<Written>> {
    let text = body.text.trim();
    if text.is_empty() {
        return Err(Error::Invalid("the message is empty".into()));
    }
    check_length(text)?;
    shared.take(&app, "messages", MESSAGES_OF_AN_ADDRESS)?;
    let received = say(&app, &visitor, body.echo_id, text, Value::Null, None).await?;
    let message = shown(&app, visitor.org, vec![received.message]).await?.pop().ok_or(Error::NotFound("message"))?;
    Ok(Json(Written { message }))
}

/// The form of a visitor's file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub struct WidgetFileForm {
    /// Chosen by the page; the same again returns the first message.
    echo_id: Uuid,
    /// What is said about it.
    text: Option<String>,
    /// A picture, sound, a film, a PDF, an Office document, text or an archive; at most 20 MB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Send a file.
#[utoipa::path(post, path = "/api/widget/files", tag = "widget", request_body(content = WidgetFileForm, content_type = "multipart/form-data"), responses((status = 200, body = Written)))]
pub async fn send_file(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    shared: SharedAddress,
    request: Request,
) -> Result<Json<Written>> {
    // Before a byte of it is taken.
    app.visitors.take(&format!("files {}", visitor.id), FILES_A_MINUTE, app.now())?;
    shared.take(&app, "files", FILES_OF_AN_ADDRESS)?;
    let mut form = Form::read(request, &app.files, FILE_LIMIT).await?;
    inbox::check_file(&form.upload)?;
    let echo = form.take("echo_id").and_then(|e| e.parse().ok());
    let echo = echo.ok_or_else(|| Error::Invalid("echo_id: a UUID".into()))?;
    let text = form.take("text").unwrap_or_default();
    check_length(&text)?;
    let received = say(&app, &visitor, echo, text.trim(), Value::Null, Some(form.upload)).await?;
    let message = shown(&app, visitor.org, vec![received.message]).await?.pop().ok_or(Error::NotFound("message"))?;
    Ok(Json(Written { message }))
}

fn check_length(text: &str) -> Result<()> {
    if text.chars().count() > TEXT_LIMIT {
        return Err(Error::Invalid(format!("the message is too long: at most {TEXT_LIMIT} characters")));
    }
    Ok(())
}

async fn say(
    app: &App,
    visitor: &Visitor,
    echo: Uuid,
    text: &str,
    metadata: Value,
    file: Option<Upload>,
) -> Result<inbox::Received> {
    let sender = visitor.address();
    app.visitors.take(&sender.id, MESSAGES_A_MINUTE, app.now())?;
    let inbound = Inbound { metadata, ..Inbound::text(format!("{}:{echo}", sender.id), sender.clone(), text) };
    inbox::receive_file(app, visitor.org, visitor.channel, "web", inbound, file).await
}

#[derive(Deserialize, ToSchema)]
pub struct AskPerson {
    pub language: Option<Language>,
}

#[derive(Serialize, ToSchema)]
pub struct AskedPerson {
    pub conversation: WidgetConversation,
}

/// Say that the visitor is writing; nothing of what is written is sent.
#[utoipa::path(post, path = "/api/widget/typing", tag = "widget", responses((status = 204)))]
pub async fn typing(State(app): State<Arc<App>>, visitor: Visitor) -> Result<StatusCode> {
    app.visitors.take(&format!("typing {}", visitor.id), MESSAGES_A_MINUTE, app.now())?;
    if let Some(conversation) = visitor.conversation(&app).await? {
        app.changed(visitor.org, Changed::CustomerTyping { id: conversation.id }).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for a person, as by a button.
#[utoipa::path(post, path = "/api/widget/person", tag = "widget", request_body = AskPerson, responses((status = 200, body = AskedPerson)))]
pub async fn person(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    shared: SharedAddress,
    Json(body): Json<AskPerson>,
) -> Result<Json<AskedPerson>> {
    let text = match body.language {
        Some(Language::Zh) => "我想和人工客服说话。",
        _ => "I would like to talk to a person.",
    };
    shared.take(&app, "messages", MESSAGES_OF_AN_ADDRESS)?;
    say(&app, &visitor, Uuid::now_v7(), text, json!({"kind": "asks_for_person"}), None).await?;
    let conversation = visitor.conversation(&app).await?.ok_or(Error::NotFound("conversation"))?;
    Ok(Json(AskedPerson { conversation: (&conversation).into() }))
}

#[derive(Deserialize, IntoParams)]
pub struct After {
    /// Only messages after this `seq`.
    #[serde(default)]
    pub after: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Messages {
    pub messages: Vec<WidgetMessage>,
    pub conversation: Option<WidgetConversation>,
    pub cursor: i64,
}

/// What was said after `after`, oldest first.
#[utoipa::path(get, path = "/api/widget/messages", tag = "widget", params(After), responses((status = 200, body = Messages)))]
pub async fn messages(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Query(query): Query<After>,
) -> Result<Json<Messages>> {
    let Some(conversation) = visitor.conversation(&app).await? else {
        return Ok(Json(Messages { messages: Vec::new(), conversation: None, cursor: query.after }));
    };
    let rows =
        inbox::list_messages(app.read().await?.conn(), visitor.org, conversation.id, query.after, 200, false).await?;
    let messages = shown(&app, visitor.org, rows).await?;
    let cursor = messages.last().map_or(query.after, |m| m.seq);
    Ok(Json(Messages { messages, conversation: Some((&conversation).into()), cursor }))
}
