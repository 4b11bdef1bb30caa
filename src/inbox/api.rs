//! Conversations and their messages, over HTTP.

mod away;
mod canned;
mod channels;
mod cost;
mod files;
mod hooks;
mod templates;
mod views;

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

pub use away::*;
pub use canned::*;
pub use channels::*;
pub use cost::*;
pub use files::*;
pub use hooks::*;
pub use templates::*;
pub use views::*;

use super::{
    AgentMessage, Conversation, Holder, Message, Status,
    assign::{self, Assignee},
    desk::{self, DeskChange},
    gaps::{self, Gap},
    hold::{self, Scope},
    overview::{self, Overview},
    quote, react,
    rules::{self, Rules},
    send,
    store::{self, desk::Counts},
};
use crate::{
    app::{App, ChannelId, ConversationId, CustomerId, MessageId, TagId, UserId},
    channels::Choice,
    platform::{
        Error, Result,
        db::holding,
        http::{Cursor, Json, Page, Path, Query, limit},
    },
    staff::{Can, ConversationAssign, ConversationRead, ConversationReply, SettingsManage},
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
    /// Only those assigned to nobody.
    #[serde(default)]
    pub unassigned: bool,
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
    let search = query.search.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let by_waiting = query.sort == Sort::Waiting;
    let filter = store::ListFilter {
        status: query.status,
        holder: query.holder,
        agent: query.agent_id,
        unassigned: query.unassigned,
        customer: query.customer_id,
        channel: query.channel_id,
        priority: query.priority,
        tag: query.tag_id,
        search: search.map(holding),
        only_open: query.open,
        snoozed: query.snoozed,
        by_waiting,
        now: Some(app.now()),
        after: query.cursor.is_some_and(|c| !c.is_empty()).then_some((cursor.at, ConversationId(cursor.id))),
        limit: limit + 1,
    };
    let mut reader = app.read().await?;
    let rows = store::list(reader.conn(), by.org, by.visible(), &filter).await?;
    let place = |c: &Conversation| {
        let at = if by_waiting { c.last_customer_message_at } else { c.last_message_at };
        Cursor { at: at.unwrap_or(c.created_at), id: c.id.0 }
    };
    Ok(Json(Page::of(rows, limit, place)))
}

/// How many open conversations each list of the inbox has.
#[utoipa::path(get, path = "/api/conversations/counts", tag = "inbox", responses((status = 200, body = Counts)))]
pub async fn counts(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Counts>> {
    let mut reader = app.read().await?;
    Ok(Json(store::desk::counts(reader.conn(), by.org, by.user, by.visible(), app.now()).await?))
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

/// Assign a conversation to somebody or to a team: it waits for them, and the assistant is silent.
#[utoipa::path(post, path = "/api/conversations/{id}/assign", tag = "inbox", request_body = Assignee, responses((status = 200, body = Conversation)))]
pub async fn assign(
    State(app): State<Arc<App>>,
    by: Can<ConversationAssign>,
    Path(id): Path<ConversationId>,
    Json(to): Json<Assignee>,
) -> Result<Json<Conversation>> {
    Ok(Json(assign::assign(&app, &by, id, to).await?))
}

/// Pass a conversation that one holds, or nobody does, to a colleague or to a team.
#[utoipa::path(post, path = "/api/conversations/{id}/pass", tag = "inbox", request_body = Assignee, responses((status = 200, body = Conversation)))]
pub async fn pass(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(to): Json<Assignee>,
) -> Result<Json<Conversation>> {
    Ok(Json(assign::pass(&app, &by, id, to).await?))
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

/// What happened in a span of time: conversations, hand-offs, resolutions, times, tokens. For who sees all of them.
#[utoipa::path(get, path = "/api/overview", tag = "inbox", params(OverviewQuery), responses((status = 200, body = Overview)))]
pub async fn overview(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<Overview>> {
    by.whole()?;
    let zone = chrono::FixedOffset::east_opt(query.zone_minutes.saturating_mul(60));
    let zone = zone.ok_or_else(|| Error::Invalid("zone_minutes: within a day of UTC".into()))?;
    Ok(Json(overview::overview(&app, &by, query.from, query.to, zone).await?))
}

/// Questions of the last ninety days that the documents did not answer, those that are alike together. For who
/// sees all conversations.
#[utoipa::path(get, path = "/api/gaps", tag = "inbox", responses((status = 200, body = Vec<Gap>)))]
pub async fn gaps(State(app): State<Arc<App>>, by: Can<ConversationRead>) -> Result<Json<Vec<Gap>>> {
    by.whole()?;
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

/// One conversation.
#[utoipa::path(get, path = "/api/conversations/{id}", tag = "inbox", responses((status = 200, body = Conversation)))]
pub async fn find(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>> {
    let mut reader = app.read().await?;
    Ok(Json(super::found(reader.conn(), &by, id).await?))
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
    super::found(reader.conn(), &by, id).await?;
    let limit = limit(query.limit);
    let mut found = match query.before {
        Some(before) => store::list_messages_before(reader.conn(), by.org, id, before, limit).await?,
        None => store::list_messages(reader.conn(), by.org, id, query.after, limit, true).await?,
    };
    store::show_files(reader.conn(), by.org, &mut found).await?;
    quote::show(reader.conn(), &mut found).await?;
    Ok(Json(found))
}

#[derive(Deserialize, IntoParams)]
pub struct TurnsQuery {
    /// At most 50.
    pub limit: Option<u32>,
}

/// The assistant's turns in a conversation, the latest first: what it searched, found, proved and decided.
#[utoipa::path(get, path = "/api/conversations/{id}/turns", tag = "inbox", params(TurnsQuery), responses((status = 200, body = Vec<store::TurnRow>)))]
pub async fn turns(
    State(app): State<Arc<App>>,
    by: Can<ConversationRead>,
    Path(id): Path<ConversationId>,
    Query(query): Query<TurnsQuery>,
) -> Result<Json<Vec<store::TurnRow>>> {
    let mut reader = app.read().await?;
    super::found(reader.conn(), &by, id).await?;
    Ok(Json(store::list_turns(reader.conn(), by.org, id, i64::from(query.limit.unwrap_or(50).clamp(1, 50))).await?))
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
    /// The message of this conversation that you answer: the customer sees it quoted where their platform has that
    /// (`has_quotes` of `reach`).
    pub reply_to: Option<MessageId>,
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
        reply_to: body.reply_to,
        file: None,
        body: None,
        idempotency_key: body.idempotency_key,
    };
    Ok(Json(send::send(&app, &by, id, new).await?))
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
    Ok(Json(react::react(&app, &by, id, message, body.emoji.as_deref()).await?))
}

/// Add a private note: only people of the organisation see it.
#[utoipa::path(post, path = "/api/conversations/{id}/notes", tag = "inbox", request_body = send::NewNote, responses((status = 200, body = Message)))]
pub async fn note(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
    Json(new): Json<send::NewNote>,
) -> Result<Json<Message>> {
    Ok(Json(send::add_note(&app, &by, id, new).await?))
}
