//! What customers do to messages that stand already: an emoji, an edit, a revocation. None of them is a new question.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    Message, Sender,
    receive::Heard,
    store::{self, ChannelRow, Settled},
};
use crate::{
    app::{App, Changed, ChannelEventId, ChannelId, Job, OrgId},
    channels::{Address, Channel, Event, Inbound},
    platform::{Result, db::Conn},
};

/// The message that the platform means by `target`: the customer's, or one of ours.
pub(super) async fn find(mut c: Conn<'_>, org: OrgId, channel: ChannelId, target: &str) -> Result<Option<Message>> {
    if let Some(found) = store::find_by_external(c.again(), org, channel, target).await? {
        return Ok(Some(found));
    }
    match store::find_part(c.again(), channel, target.parse().ok().map(crate::app::PartId), target).await? {
        Some(part) => store::find_message(c, part.message_id).await,
        None => Ok(None),
    }
}

pub(super) fn fields(message: &Message) -> Map<String, Value> {
    message.metadata.0.as_object().cloned().unwrap_or_default()
}

/// Keeps an emoji with the message it was put on; it is a sign of life too. False: the message is not known.
pub(super) async fn react(
    app: &App,
    row: &ChannelRow,
    by: &Address,
    target: &str,
    emoji: Option<&str>,
    at: Option<DateTime<Utc>>,
) -> Result<bool> {
    let mut tx = app.begin().await?;
    let Some(message) = find(tx.conn(), row.org_id, row.id, target).await? else {
        return Ok(false);
    };
    let mut all = fields(&message);
    let mut reactions = all.get("reactions").and_then(Value::as_object).cloned().unwrap_or_default();
    // Who it was is the conversation's customer: their address is not copied into the message.
    let who = if by.kind == "group" { "group" } else { "customer" };
    match emoji {
        Some(emoji) => reactions.insert(who.into(), json!(emoji)),
        None => reactions.shift_remove(who),
    };
    all.insert("reactions".into(), Value::Object(reactions));
    store::rewrite_message(tx.conn(), &message, &message.content, &Value::Object(all), false).await?;
    if let Some(conversation) = store::find_any(tx.conn(), message.conversation_id).await?
        && let Some(identity) = conversation.identity_id
    {
        store::set_reach(tx.conn(), conversation.id, identity, None, at.unwrap_or(app.now())).await?;
    }
    tx.commit().await?;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(true)
}

/// Does an edit or a revocation. One whose message has not come yet waits for it: platforms keep no order.
pub(super) async fn make(app: &App, row: &ChannelRow, event: &Event) -> Result<Heard> {
    match event {
        Event::Edit { target, text } => edit(app, row, target, text).await,
        Event::Revoke { target } => revoke(app, row, target).await,
        _ => Ok(Heard::Nothing("it changes no message")),
    }
}

/// The edits and revocations that came before the message `about`.
async fn waiting(app: &App, row: &ChannelRow, channel: &Channel, about: &str) -> Result<Vec<(ChannelEventId, Event)>> {
    let all = store::list_waiting_events(app.read().await?.conn(), row.id, about).await?;
    Ok(all.into_iter().filter_map(|(id, payload)| Some((id, channel.parse(&payload).ok()?))).collect())
}

/// Makes of a message what was made of it before it came: nobody sees, and nobody answers, what it said at first.
pub(super) async fn make_early(app: &App, row: &ChannelRow, channel: &Channel, inbound: &mut Inbound) -> Result<()> {
    for (_, event) in waiting(app, row, channel, &inbound.external_message_id).await? {
        match event {
            Event::Edit { text, .. } if inbound.metadata.get("revoked").is_none() => {
                let before = std::mem::replace(&mut inbound.text, text);
                if let Some(all) = inbound.metadata.as_object_mut() {
                    note_edit(all, &before, app.now());
                }
            }
            Event::Revoke { .. } => {
                (inbound.text, inbound.media, inbound.media_url) = (String::new(), None, None);
                inbound.more_media.clear();
                inbound.metadata = revoked(app.now());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes of a message that is there what waited for it. True: it was taken back.
pub(super) async fn catch_up(app: &App, row: &ChannelRow, channel: &Channel, about: &str) -> Result<bool> {
    let mut was_revoked = false;
    for (id, event) in waiting(app, row, channel, about).await? {
        let is_gone = match make(app, row, &event).await? {
            Heard::Early | Heard::Nothing(_) => continue,
            Heard::Done => false,
            Heard::Gone => true,
        };
        was_revoked |= is_gone;
        let mut tx = app.begin().await?;
        let settled = Settled { status: "processed", about: Some(about), is_gone, ..Settled::default() };
        store::settle_event(tx.conn(), id, settled, app.now()).await?;
        tx.commit().await?;
    }
    Ok(was_revoked)
}

fn note_edit(all: &mut Map<String, Value>, before: &str, now: DateTime<Utc>) {
    let mut earlier = all.get("before_edit").and_then(Value::as_array).cloned().unwrap_or_default();
    earlier.push(json!(before));
    all.insert("before_edit".into(), Value::Array(earlier));
    all.insert("edited_at".into(), json!(now));
}

fn revoked(now: DateTime<Utc>) -> Value {
    json!({"revoked": true, "revoked_at": now})
}

/// The customer changed what they had written. A turn that read it before is taken again; what was answered stays
/// answered.
async fn edit(app: &App, row: &ChannelRow, target: &str, text: &str) -> Result<Heard> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(message) = find(tx.conn(), row.org_id, row.id, target).await? else {
        return Ok(Heard::Early);
    };
    if message.sender_type != Sender::Customer {
        return Ok(Heard::Nothing("the customer did not write what it changes"));
    }
    if is_revoked(&message) {
        return Ok(Heard::Gone);
    }
    if message.content == text {
        return Ok(Heard::Done);
    }
    let mut all = fields(&message);
    note_edit(&mut all, &message.content, now);
    store::rewrite_message(tx.conn(), &message, text, &Value::Object(all), true).await?;
    show(tx.conn(), &message, Some(text)).await?;
    Job::TakeTurn { conversation: message.conversation_id }.push(tx.conn(), row.org_id, now).await?;
    reread(&message).push(tx.conn(), row.org_id, now).await?;
    tx.commit().await?;
    app.wake(row.org_id).await;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(Heard::Done)
}

/// The customer took a message back: what it said is gone here too, in what the platform sent as well, and is not
/// answered.
async fn revoke(app: &App, row: &ChannelRow, target: &str) -> Result<Heard> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(message) = find(tx.conn(), row.org_id, row.id, target).await? else {
        return Ok(Heard::Early);
    };
    store::rewrite_message(tx.conn(), &message, "", &revoked(now), true).await?;
    show(tx.conn(), &message, None).await?;
    store::empty_events(tx.conn(), row.id, target).await?;
    let files = store::list_attachments(tx.conn(), message.id).await?;
    for file in &files {
        store::settle_attachment(tx.conn(), file.id, &store::Stored::only("deleted"), now).await?;
    }
    // What else is open is still answered.
    Job::TakeTurn { conversation: message.conversation_id }.push(tx.conn(), row.org_id, now).await?;
    reread(&message).push(tx.conn(), row.org_id, now).await?;
    tx.commit().await?;
    for file in &files {
        super::file::delete(app, file.org_id, file.id).await;
    }
    app.wake(row.org_id).await;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(Heard::Gone)
}

/// What lists show of a customer's message.
pub(super) fn preview(text: &str, kind: &str, is_revoked: bool) -> String {
    match text {
        _ if is_revoked => "[revoked]".into(),
        "" => format!("[{kind}]"),
        text => text.into(),
    }
}

/// Lists and the brief of a hand-off show what `message` says `now`; without that it was taken back.
async fn show(mut c: Conn<'_>, message: &Message, now: Option<&str>) -> Result<()> {
    let was = preview(&message.content, &message.content_type, is_revoked(message));
    let is = preview(now.unwrap_or_default(), &message.content_type, now.is_none());
    store::replace_preview(c.again(), message.conversation_id, &was, &is).await?;
    let conversation = store::find_any(c.again(), message.conversation_id).await?;
    let brief = conversation.and_then(|c| c.hand_off_brief);
    if let Some(brief) = brief.and_then(|brief| corrected(brief.0, &message.content, now)) {
        store::set_brief(c, message.conversation_id, &brief).await?;
    }
    Ok(())
}

/// The brief with the message `was` made `now` in its question. `None`: it does not stand there.
fn corrected(mut brief: Value, was: &str, now: Option<&str>) -> Option<Value> {
    let question = brief.get_mut("question")?;
    *question = json!(reworded(question.as_str()?, was, now)?);
    // The assistant's own words for the question say the same.
    if let Some(tried) = brief.get_mut("tried").and_then(Value::as_array_mut) {
        tried.retain(|step| step.as_str().is_none_or(|s| !s.starts_with("searched the documents for “")));
    }
    Some(brief)
}

/// `question` with the message `was`, which stands in it as lines of its own, made `now`. `None`: it does not.
fn reworded(question: &str, was: &str, now: Option<&str>) -> Option<String> {
    let (question, was) = (question.trim(), was.trim());
    let is_edge = |c: Option<char>| c.is_none_or(|c| c == '\n');
    let (at, _) = question.match_indices(was).find(|(at, _)| {
        is_edge(question[..*at].chars().next_back()) && is_edge(question[at + was.len()..].chars().next())
    })?;
    let (before, after) = (question[..at].trim_end(), question[at + was.len()..].trim_start());
    let parts = [before, now.unwrap_or_default().trim(), after];
    (!was.is_empty()).then(|| parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("\n"))
}

/// What was learned from it may hold no more.
fn reread(message: &Message) -> Job {
    Job::Reread { conversation: message.conversation_id, message: message.id }
}

/// Whether the customer took this message back.
pub(super) fn is_revoked(message: &Message) -> bool {
    message.metadata.0.get("revoked") == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_reworded_line_by_line() {
        for (question, was, now, expected) in [
            ("Where is order 17?", "Where is order 17?", Some("Where is order 71?"), Some("Where is order 71?")),
            ("Hello\nWhere is it?\nPlease", "Where is it?", Some("Where?"), Some("Hello\nWhere?\nPlease")),
            ("Hello\nWhere is it?", "Where is it?", None, Some("Hello")),
            ("My card is 4000", "My card is 4000", None, Some("")),
            ("Where is order 17?", "17", Some("71"), None),
            ("Where is order 17?", "", Some("71"), None),
        ] {
            assert_eq!(reworded(question, was, now).as_deref(), expected, "{question}: {was}");
        }
    }
}
