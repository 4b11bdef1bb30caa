//! Conversations and their messages, over HTTP.

mod channels;
mod hooks;
mod templates;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub use channels::*;
pub use hooks::*;
pub use templates::*;

use super::{
    AgentMessage, Conversation, Holder, Message, Status,
    canned::{self, CannedReply, NewCannedReply},
    desk::{self, DeskChange},
    file,
    gaps::{self, Gap},
    hold::{self, Scope},
    overview::{self, Overview},
    react,
    rules::{self, Rules},
    send,
    store::{self, desk::Counts, views::SavedView},
};
use crate::{
    app::{
        App, AttachmentId, CannedReplyId, ChannelId, ConversationId, CustomerId, MessageId, SavedViewId, TagId, UserId,
    },
    channels::Choice,
    platform::{
        Error, Result,
        http::{Cursor, Json, Page, Path, Query, limit},
        upload::Form,
    },
    staff::{Can, CannedManage, ConversationAssign, ConversationRead, ConversationReply, SettingsManage, SignedIn},
};

/// What a list of conversations is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The latest message first.
    #[default]
    Latest,
    /// Who has waited longest first.
    Waiting,
}

#[derive(Deserialize, IntoParams)]
pub struct ListQuery {
    pub status: Option<Status>,
    pub holder: Option<Holder>,
    /// Only those held by this user, or assigned to them.
    pub agent_id: Option<UserId>,
    pub customer_id: Option<CustomerId>,
    pub channel_id: Option<ChannelId>,
    /// `urgent`, `high`, `medium` or `low`.
    pub priority: Option<String>,
    /// Only those of customers who carry this tag.
    pub tag_id: Option<TagId>,
    /// Part of the customer's name or of what was said.
    pub search: Option<String>,
    /// Neither resolved nor closed.
    #[serde(default)]
    pub open: bool,
    /// `true`: only what is snoozed; `false`: only what is not.
    pub snoozed: Option<bool>,
    #[serde(default)]
    #[param(inline)]
    pub sort: Sort,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// Conversations, the latest message first, or the longest wait first.
#[utoipa::path(get, path = "/api/conversations", tag = "inbox", params(ListQuery), responses((status = 200, body = Page<Conversation>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Conversation>>> {
    let limit = limit(query.limit);
    let cursor = Cursor::parse(query.cursor.as_deref())?;
    let escaped = |t: &str| t.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let search = query.search.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let by_waiting = query.sort == Sort::Waiting;
    let filter = store::ListFilter {
        status: query.status,
        holder: query.holder,
        agent: query.agent_id,
        customer: query.customer_id,
        channel: query.channel_id,
        priority: query.priority,
        tag: query.tag_id,
        search: search.map(|t| format!("%{}%", escaped(t))),
        only_open: query.open,
        snoozed: query.snoozed,
        by_waiting,
        now: Some(app.now()),
        after: query.cursor.is_some_and(|c| !c.is_empty()).then_some((cursor.at, ConversationId(cursor.id))),
        limit: limit + 1,
    };
    let mut reader = app.read().await?;
    let rows = store::list(reader.conn(), by.org, &filter).await?;
    let place = |c: &Conversation| {
        let at = if by_waiting { c.last_customer_message_at } else { c.last_message_at };
        Cursor { at: at.unwrap_or(c.created_at), id: c.id.0 }
    };
    Ok(Json(Page::of(rows, limit, place)))
}

/// How many open conversations each list of the inbox has.
#[utoipa::path(get, path = "/api/conversations/counts", tag = "inbox", responses((status = 200, body = Counts)))]
pub async fn counts(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Counts>> {
    Ok(Json(store::desk::counts(app.read().await?.conn(), by.org, by.user, app.now()).await?))
}

/// Change the priority of a conversation, or snooze it.
#[utoipa::path(patch, path = "/api/conversations/{id}", tag = "inbox", request_body = DeskChange, responses((status = 200, body = Conversation)))]
pub async fn edit(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(change): Json<DeskChange>,
) -> Result<Json<Conversation>> {
    Ok(Json(desk::edit(&app, &by, id, change).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    /// Absent: nobody in particular.
    pub agent_id: Option<UserId>,
}

/// Assign a conversation to somebody: it waits for them, and the assistant is silent.
#[utoipa::path(post, path = "/api/conversations/{id}/assign", tag = "inbox", request_body = Assignee, responses((status = 200, body = Conversation)))]
pub async fn assign(
    State(app): State<Arc<App>>,
    by: Can<ConversationAssign>,
    Path(id): Path<ConversationId>,
    Json(to): Json<Assignee>,
) -> Result<Json<Conversation>> {
    Ok(Json(desk::assign(&app, &by, id, to.agent_id).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merging {
    /// The conversation whose messages come here; it points here afterwards.
    pub from: ConversationId,
    /// The `version` you saw of the one that stays: if it is another by now, 409 is answered.
    pub version: Option<i64>,
}

/// Merge another conversation of the same customer into this one: its messages come here, in the order in which they
/// were said.
#[utoipa::path(post, path = "/api/conversations/{id}/merge", tag = "inbox", request_body = Merging, responses((status = 200, body = Conversation)))]
pub async fn merge(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(body): Json<Merging>,
) -> Result<Json<Conversation>> {
    Ok(Json(super::merge::merge(&app, &by, id, body.from, body.version).await?))
}

/// Say that what the customer wrote was read.
#[utoipa::path(post, path = "/api/conversations/{id}/read", tag = "inbox", responses((status = 204)))]
pub async fn read(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    desk::read(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Whether the user is writing to the customer.
    pub typing: bool,
}

/// Say that one looks at a conversation; repeat it every few seconds.
#[utoipa::path(post, path = "/api/conversations/{id}/presence", tag = "inbox", request_body = Presence, responses((status = 204)))]
pub async fn presence(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
    Json(body): Json<Presence>,
) -> Result<StatusCode> {
    desk::presence(&app, &by, id, body.typing).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
pub struct OverviewQuery {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Minutes east of UTC, for days and hours.
    #[serde(default)]
    pub zone_minutes: i32,
}

/// What happened in a span of time: conversations, hand-offs, resolutions, times, tokens.
#[utoipa::path(get, path = "/api/overview", tag = "inbox", params(OverviewQuery), responses((status = 200, body = Overview)))]
pub async fn overview(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<Overview>> {
    let zone = chrono::FixedOffset::east_opt(query.zone_minutes.saturating_mul(60));
    let zone = zone.ok_or_else(|| Error::Invalid("zone_minutes: within a day of UTC".into()))?;
    Ok(Json(overview::overview(&app, &by, query.from, query.to, zone).await?))
}

/// Questions of the last ninety days that the documents did not answer, those that are alike together.
#[utoipa::path(get, path = "/api/gaps", tag = "inbox", responses((status = 200, body = Vec<Gap>)))]
pub async fn gaps(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Vec<Gap>>> {
    Ok(Json(gaps::gaps(&app, &by).await?))
}

/// The rules of the inbox: hours, assignment, what is due, whether customers are asked for a mark.
#[utoipa::path(get, path = "/api/inbox-rules", tag = "inbox", responses((status = 200, body = Rules)))]
pub async fn find_rules(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Rules>> {
    Ok(Json(rules::load(app.read().await?.conn(), by.org).await?))
}

/// Set the rules of the inbox.
#[utoipa::path(put, path = "/api/inbox-rules", tag = "inbox", request_body = Rules, responses((status = 200, body = Rules)))]
pub async fn save_rules(
    State(app): State<Arc<App>>,
    by: Can<SettingsManage>,
    Json(new): Json<Rules>,
) -> Result<Json<Rules>> {
    Ok(Json(rules::save(&app, &by, new).await?))
}

/// The canned replies, by shortcut.
#[utoipa::path(get, path = "/api/canned-replies", tag = "inbox", responses((status = 200, body = Vec<CannedReply>)))]
pub async fn list_canned(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Vec<CannedReply>>> {
    Ok(Json(store::canned::list(app.read().await?.conn(), by.org).await?))
}

/// Add a canned reply.
#[utoipa::path(post, path = "/api/canned-replies", tag = "inbox", request_body = NewCannedReply, responses((status = 201, body = CannedReply)))]
pub async fn add_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Json(new): Json<NewCannedReply>,
) -> Result<(StatusCode, Json<CannedReply>)> {
    Ok((StatusCode::CREATED, Json(canned::save(&app, &by, None, &new).await?)))
}

/// Change a canned reply.
#[utoipa::path(put, path = "/api/canned-replies/{id}", tag = "inbox", request_body = NewCannedReply, responses((status = 200, body = CannedReply)))]
pub async fn edit_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Path(id): Path<CannedReplyId>,
    Json(new): Json<NewCannedReply>,
) -> Result<Json<CannedReply>> {
    Ok(Json(canned::save(&app, &by, Some(id), &new).await?))
}

/// Remove a canned reply.
#[utoipa::path(delete, path = "/api/canned-replies/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_canned(
    State(app): State<Arc<App>>,
    by: Can<CannedManage>,
    Path(id): Path<CannedReplyId>,
) -> Result<StatusCode> {
    canned::remove(&app, &by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own saved views.
#[utoipa::path(get, path = "/api/views", tag = "inbox", responses((status = 200, body = Vec<SavedView>)))]
pub async fn list_views(State(app): State<Arc<App>>, by: Can<SignedIn>) -> Result<Json<Vec<SavedView>>> {
    let user = by.person()?;
    Ok(Json(store::views::list(app.read().await?.conn(), by.org, user).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// `inbox`, `customers` or `deals`.
    pub page: String,
    pub name: String,
    /// What stands in the page's address.
    #[schema(value_type = Object)]
    pub filters: serde_json::Map<String, serde_json::Value>,
}

/// Save a view of one's own; the same name again replaces it.
#[utoipa::path(post, path = "/api/views", tag = "inbox", request_body = NewView, responses((status = 201, body = SavedView)))]
pub async fn save_view(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Json(new): Json<NewView>,
) -> Result<(StatusCode, Json<SavedView>)> {
    let user = by.person()?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 60 {
        return Err(Error::Invalid("name: 1 to 60 characters".into()));
    }
    if !["inbox", "customers", "deals"].contains(&new.page.as_str()) {
        return Err(Error::Invalid("page: inbox, customers or deals".into()));
    }
    let view = SavedView {
        id: SavedViewId::new(),
        page: new.page,
        name: name.into(),
        filters: sqlx::types::Json(new.filters.into()),
        created_at: app.now(),
    };
    let mut tx = app.begin().await?;
    store::views::save(tx.conn(), by.org, user, &view).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Remove a saved view.
#[utoipa::path(delete, path = "/api/views/{id}", tag = "inbox", responses((status = 204)))]
pub async fn remove_view(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
    Path(id): Path<SavedViewId>,
) -> Result<StatusCode> {
    let user = by.person()?;
    let mut tx = app.begin().await?;
    if !store::views::delete(tx.conn(), by.org, user, id).await? {
        return Err(Error::NotFound("view"));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
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
    /// Only messages before this `seq`, the last of them; then `after` says nothing.
    pub before: Option<i64>,
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
    let mut found = match query.before {
        Some(before) => store::list_messages_before(reader.conn(), by.org, id, before, limit).await?,
        None => store::list_messages(reader.conn(), by.org, id, query.after, limit, true).await?,
    };
    store::show_files(reader.conn(), by.org, &mut found).await?;
    Ok(Json(found))
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
    /// What the customer may tap, at most ten: buttons where the platform has them, else numbered lines.
    #[serde(default)]
    pub choices: Vec<Choice>,
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
    let new = AgentMessage {
        text: body.text,
        version: body.version,
        choices: body.choices,
        file: None,
        body: None,
        idempotency_key: body.idempotency_key,
    };
    Ok(Json(send::send(&app, by.org, id, by.person()?, new).await?))
}

/// The form of a message with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form")]
pub struct FileForm {
    /// A picture, sound, a film, a PDF, an Office document, text or an archive; at most 100 MB.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What is said about it.
    text: Option<String>,
    /// The conversation's `version` you saw.
    version: Option<i64>,
    /// Chosen by you: a repetition returns the first message instead of sending another.
    idempotency_key: Option<String>,
}

/// Send the customer a file. What their platform does not take goes as a link, or is refused with the reason.
#[utoipa::path(post, path = "/api/conversations/{id}/files", tag = "inbox", request_body(content = FileForm, content_type = "multipart/form-data"), responses((status = 200, body = Message)))]
pub async fn send_file(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    request: Request,
) -> Result<Json<Message>> {
    let user = by.person()?;
    let mut form = Form::read(request, &app.files, file::LIMIT).await?;
    let version = form.take("version").map(|v| v.parse()).transpose();
    let new = AgentMessage {
        text: form.take("text").unwrap_or_default(),
        version: version.map_err(|_| Error::Invalid("version: a number".into()))?,
        choices: Vec::new(),
        idempotency_key: form.take("idempotency_key"),
        file: Some(form.upload),
        body: None,
    };
    Ok(Json(send::send(&app, by.org, id, user, new).await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// One emoji; absent: none any more.
    pub emoji: Option<String>,
}

/// Put an emoji on a message of the customer, or take it away, where their platform has that.
#[utoipa::path(put, path = "/api/conversations/{id}/messages/{message}/reaction", tag = "inbox", request_body = Reaction, responses((status = 200, body = Message)))]
pub async fn react(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path((id, message)): Path<(ConversationId, MessageId)>,
    Json(body): Json<Reaction>,
) -> Result<Json<Message>> {
    Ok(Json(react::react(&app, by.org, id, message, body.emoji.as_deref()).await?))
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

/// A file that came with a message. What may run in a browser is only ever downloaded.
#[utoipa::path(get, path = "/api/attachments/{id}", tag = "inbox", responses((status = 200, content_type = "application/octet-stream", body = String)))]
pub async fn attachment(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<AttachmentId>,
    request: Request,
) -> Result<Response> {
    let found = store::find_attachment(app.read().await?.conn(), id).await?;
    let found = found.filter(|f| f.org_id == by.org && f.status == "stored").ok_or(Error::NotFound("file"))?;
    file::serve(&app, &found, request).await
}

/// A file by its link: whoever was given the link may fetch it while it is valid.
#[utoipa::path(get, path = "/api/files/{link}", tag = "widget", responses((status = 200, content_type = "application/octet-stream", body = String)))]
pub async fn linked_file(State(app): State<Arc<App>>, Path(link): Path<String>, request: Request) -> Result<Response> {
    let found = file::linked(&app, &link).await?;
    file::serve(&app, &found, request).await
}
