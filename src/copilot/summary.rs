//! A conversation in a few lines: by the model where there is one, else what the first question, the last answers and
//! the brief of the hand-off tell.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ask, unproven};
use crate::{
    app::{App, ConversationId},
    inbox::{self, Brief, Conversation, Message, Opened, Sender},
    platform::{
        Result,
        language::Language,
        model::{Failed, tokens},
        prompts::Line,
    },
    staff::By,
};

/// A conversation summed up.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    /// The model's words; absent: there is no model, or it did not answer.
    pub text: Option<String>,
    /// Numbers, dates and codes in it that nobody has said, as they are written.
    pub unproven: Vec<String>,
    /// What the conversation itself tells, always.
    pub points: Vec<Point>,
    /// Why the model wrote nothing: `not_configured`, `too_slow` …
    pub because: Option<String>,
}

/// Something that was said, and what it is in the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Point {
    pub kind: PointKind,
    pub text: String,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointKind {
    /// What the customer came with.
    Asked,
    /// What the assistant answered last.
    Assistant,
    /// What a colleague answered last.
    Agent,
    /// What nobody has answered yet.
    Open,
    /// Why a person was called: a word as in `hand_off_reason`.
    HandedOff,
    /// What the assistant would have needed.
    Missing,
    /// The last private note.
    Note,
}

/// The longest text of a point, in characters.
const POINT_LIMIT: usize = 280;

/// Sums up a conversation, in `language`.
pub async fn summary(app: &App, by: &By, id: ConversationId, language: Language) -> Result<Summary> {
    let opened = inbox::open_for(app, by, id).await?;
    let points = points(&opened);
    let (text, because) = match written(app, &opened, language).await {
        Ok(text) => (Some(text), None),
        Err(error) => {
            let failed = Failed::of(&error).map(|f| f.failure.word().to_owned());
            (None, Some(failed.ok_or(error)?))
        }
    };
    let said: Vec<&str> = opened.messages.iter().map(|m| m.content.as_str()).collect();
    let unproven = text.as_deref().map(|text| unproven(text, &said.join("\n"))).unwrap_or_default();
    Ok(Summary { text, unproven, points, because })
}

async fn written(app: &App, opened: &Opened, language: Language) -> Result<String> {
    let lines: Vec<Line> = opened
        .messages
        .iter()
        .filter(|m| !m.content.trim().is_empty() && m.sender_type != Sender::System)
        .map(|m| Line { by: speaker(m), text: m.content.clone() })
        .collect();
    let bare = app.prompts.summary(language, &[])?;
    let latest: Vec<&str> = lines.iter().rev().map(|line| line.text.as_str()).collect();
    let fits = tokens::fit(app.model.context_tokens(), &[&bare.system, &bare.user], &[&latest]);
    let kept = fits.first().copied().unwrap_or(0).max(1);
    let shown = lines.get(lines.len().saturating_sub(kept)..).unwrap_or_default();
    ask(app, &opened.conversation, "summary", app.prompts.summary(language, shown)?).await
}

fn speaker(m: &Message) -> &'static str {
    match m.sender_type {
        _ if m.is_private => "note of an agent",
        Sender::Customer => "customer",
        Sender::Agent => "agent",
        Sender::Assistant | Sender::System => "assistant",
    }
}

/// What the conversation tells by itself, in the order in which an agent wants to know it.
fn points(opened: &Opened) -> Vec<Point> {
    let c = &opened.conversation;
    let now: Vec<&Message> = opened.messages.iter().filter(|m| m.epoch == c.epoch && !m.content.is_empty()).collect();
    let point = |kind, m: &Message| Point { kind, text: shortened(&m.content), at: Some(m.created_at) };
    let open = opened.unanswered();
    let first = now.iter().find(|m| m.sender_type == Sender::Customer);
    let last = |sender: Sender| now.iter().rev().find(|m| m.sender_type == sender && !m.is_private);
    let mut points = Vec::new();
    points.extend(first.filter(|m| open.first().is_none_or(|o| o.id != m.id)).map(|m| point(PointKind::Asked, m)));
    points.extend(last(Sender::Assistant).map(|m| point(PointKind::Assistant, m)));
    points.extend(last(Sender::Agent).map(|m| point(PointKind::Agent, m)));
    points.extend(open.iter().filter(|m| !m.content.is_empty()).map(|m| point(PointKind::Open, m)));
    points.extend(handed_off(c));
    points.extend(now.iter().rev().find(|m| m.is_private).map(|m| point(PointKind::Note, m)));
    points
}

fn handed_off(c: &Conversation) -> Vec<Point> {
    let brief: Option<Brief> = c.hand_off_brief.as_ref().and_then(|b| serde_json::from_value(b.0.clone()).ok());
    let missing = brief.map(|brief| brief.missing).filter(|text| !text.is_empty());
    let reason = c.hand_off_reason.clone().map(|text| Point { kind: PointKind::HandedOff, text, at: c.handed_off_at });
    let missing = missing.map(|text| Point { kind: PointKind::Missing, text: shortened(&text), at: None });
    reason.into_iter().chain(missing).collect()
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(POINT_LIMIT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}
