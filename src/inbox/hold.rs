//! People take a conversation, give it back, and resolve it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Status, announce, assign, due, rules, satisfaction,
    store::{self, HolderChange, desk},
};
use crate::{
    app::{App, Changed, ConversationId, Job},
    customers::{self, ActivityKind, NewActivity},
    platform::{Error, Result},
    staff::{self, By, audit},
};

/// How far a conversation is given back to the assistant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The assistant takes part again, and answers what is still open.
    #[default]
    Now,
    /// The agent lets go and the queue holds it; the assistant takes part again after it was resolved.
    UntilResolved,
    /// The assistant never takes part again; the queue holds it.
    Never,
}

/// Who held it before and after, for the audit log.
fn changes(before: &Conversation, after: &Conversation) -> serde_json::Value {
    json!({
        "status": [before.status, after.status],
        "holder": [before.holder, after.holder],
        "agent_id": [before.agent_id, after.agent_id],
    })
}

/// Gives the conversation to `user`. The first to take it wins; the assistant is silent from here.
pub async fn take_over(app: &App, by: &By, id: ConversationId) -> Result<Conversation> {
    let (now, org, user) = (app.now(), by.org, by.person()?);
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if found.holder == Holder::Agent && found.agent_id == Some(user) {
        tx.commit().await?;
        return Ok(found);
    }
    // Without an agent it is held by a person at the platform: an agent here may take it from them.
    if found.holder == Holder::Agent && found.agent_id.is_some() {
        return Err(Error::Conflict("another agent already holds this conversation".into()));
    }
    let change = HolderChange {
        agent: Some(user),
        fence: Some(found.version),
        ..HolderChange::to(Status::Active, Holder::Agent)
    };
    if !store::set_holder(tx.conn(), id, &change, now).await? {
        return Err(Error::Conflict("the conversation changed meanwhile: look again and retry".into()));
    }
    due::start_if_stopped(tx.conn(), &found, now).await?;
    store::mark_seen(tx.conn(), org, id, now).await?;
    let taken = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    let changes = changes(&found, &taken);
    audit(tx.conn(), now, by, "conversation.take_over", ("conversation", id.0), changes).await?;
    announce::conversation(tx.conn(), org, id, "conversation_status_changed", now).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(taken)
}

/// Gives the conversation back: to the assistant, or to the queue when it should stay with people.
pub async fn give_back(app: &App, by: &By, id: ConversationId, scope: Scope) -> Result<Conversation> {
    let (now, org) = (app.now(), by.org);
    by.person()?;
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if matches!(found.status, Status::Resolved | Status::Closed) {
        return Err(Error::Conflict("the conversation has ended".into()));
    }
    let change = match scope {
        Scope::Now => HolderChange { ai_enabled: Some(true), ..HolderChange::to(Status::Active, Holder::Assistant) },
        Scope::UntilResolved => HolderChange::to(Status::Pending, Holder::Queue),
        Scope::Never => HolderChange { ai_enabled: Some(false), ..HolderChange::to(Status::Pending, Holder::Queue) },
    };
    let change = HolderChange { fence: Some(found.version), ..change };
    if !store::set_holder(tx.conn(), id, &change, now).await? {
        return Err(Error::Conflict("the conversation changed meanwhile: look again and retry".into()));
    }
    if scope == Scope::Now {
        Job::TakeTurn { conversation: id }.push(tx.conn(), org, now).await?;
    }
    // Who leaves it to the assistant has not refused it: it may come back to them.
    let let_go_by = by.user.filter(|_| scope != Scope::Now);
    desk::let_go(tx.conn(), org, id, let_go_by).await?;
    let told = match scope {
        Scope::Now => {
            due::stop(tx.conn(), id).await?;
            Vec::new()
        }
        Scope::UntilResolved | Scope::Never => {
            let title = format!("{} waits for a person", found.customer_name);
            let rules = rules::load(tx.conn(), org).await?;
            let before = Conversation { let_go_by, ..found.clone() };
            assign::wait(tx.conn(), &before, &rules, &title, now).await?
        }
    };
    // Whoever gave it back has room now.
    Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    let given = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    let mut changes = changes(&found, &given);
    if let Some(all) = changes.as_object_mut() {
        all.insert("scope".into(), json!(scope));
    }
    audit(tx.conn(), now, by, "conversation.give_back", ("conversation", id.0), changes).await?;
    announce::conversation(tx.conn(), org, id, "conversation_status_changed", now).await?;
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(given)
}

/// Ends the conversation, confirmed by a person. A message within seven days takes it up again.
pub async fn resolve(app: &App, by: &By, id: ConversationId) -> Result<Conversation> {
    let (now, org, user) = (app.now(), by.org, by.person()?);
    let mut tx = app.begin().await?;
    let found = super::found(tx.conn(), by, id).await?;
    if matches!(found.status, Status::Resolved | Status::Closed) {
        tx.commit().await?;
        return Ok(found);
    }
    let change = HolderChange {
        agent: found.agent_id,
        resolution: Some("confirmed"),
        fence: Some(found.version),
        ..HolderChange::to(Status::Resolved, found.holder)
    };
    if !store::set_holder(tx.conn(), id, &change, now).await? {
        return Err(Error::Conflict("the conversation changed meanwhile: look again and retry".into()));
    }
    let activity = NewActivity::of(ActivityKind::ConversationResolved, Some(user)).with(json!({"conversation_id": id}));
    customers::activity(tx.conn(), org, found.customer_id, activity, now).await?;
    let changes = json!({"status": [found.status, Status::Resolved]});
    audit(tx.conn(), now, by, "conversation.resolve", ("conversation", id.0), changes).await?;
    Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    if rules::load(tx.conn(), org).await?.asks_satisfaction && found.last_customer_message_at.is_some() {
        satisfaction::ask(tx.conn(), &found, now).await?;
    }
    let resolved = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    announce::conversation(tx.conn(), org, id, "conversation_status_changed", now).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(resolved)
}
