//! What agents do with a conversation beside answering it: priority, snooze, assignment, having read it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Conversation, Holder, due, rules,
    store::{self, desk},
};
use crate::{
    app::{App, Changed, ConversationId},
    platform::{Error, Result, http::given},
    staff::{By, audit},
};

/// The priorities, the most urgent first.
pub const PRIORITIES: [&str; 4] = ["urgent", "high", "medium", "low"];

/// What may be changed of a conversation; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeskChange {
    /// `urgent`, `high`, `medium` or `low`.
    pub priority: Option<String>,
    /// Out of the lists until then; `null` brings it back.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub snoozed_until: Option<Option<DateTime<Utc>>>,
}

/// Changes the priority or the snooze of a conversation.
pub async fn edit(app: &App, by: &By, id: ConversationId, change: DeskChange) -> Result<Conversation> {
    let (now, org) = (app.now(), by.org);
    if let Some(priority) = &change.priority
        && !PRIORITIES.contains(&priority.as_str())
    {
        return Err(Error::Invalid(format!("priority: one of {}", PRIORITIES.join(", "))));
    }
    if change.snoozed_until.flatten().is_some_and(|at| at <= now) {
        return Err(Error::Invalid("snoozed_until: must lie in the future".into()));
    }
    let mut tx = app.begin().await?;
    let before = super::found(tx.conn(), by, id).await?;
    let priority = change.priority.unwrap_or_else(|| before.priority.clone());
    let snoozed = change.snoozed_until.unwrap_or(before.snoozed_until);
    desk::save(tx.conn(), org, id, &priority, snoozed, now).await?;
    let mut after = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    if after.priority != before.priority {
        let rules = rules::load(tx.conn(), org).await?;
        due::shift(tx.conn(), &after, &rules, now).await?;
        after = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    }
    let changes = json!({"priority": [before.priority, after.priority],
                         "snoozed_until": [before.snoozed_until, after.snoozed_until]});
    audit(tx.conn(), now, by, "conversation.edit", ("conversation", id.0), changes).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(after)
}

/// Notes that somebody has read what the customer wrote.
pub async fn read(app: &App, by: &By, id: ConversationId) -> Result<()> {
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if found.unread_count == 0 {
        return tx.commit().await;
    }
    store::mark_seen(tx.conn(), by.org, id, app.now()).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Conversation { id }).await;
    Ok(())
}

/// Tells the others that this user looks at the conversation, and the customer when its holder is writing.
pub async fn presence(app: &App, by: &By, id: ConversationId, typing: bool) -> Result<()> {
    let user = by.person()?;
    let found = super::found(app.read().await?.conn(), by, id).await?;
    app.changed(by.org, Changed::Presence { id, user, typing }).await;
    if typing && found.holder == Holder::Agent && found.agent_id == Some(user) {
        app.changed(by.org, Changed::Typing { id }).await;
    }
    Ok(())
}
