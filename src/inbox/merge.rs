//! Two conversations of one customer become one.

use serde_json::json;

use super::{
    Conversation, Holder, Status, announce,
    store::{self, merge as moves},
};
use crate::{
    app::{App, Changed, ConversationId, Job},
    platform::{Error, Result},
    staff::{By, audit},
};

/// The most messages that two conversations may have together: they are put in order in one transaction.
const MESSAGES: i64 = 20_000;

/// Whether `from` may be put into `into` by this user; why not.
fn may_join(from: &Conversation, into: &Conversation, by: &By) -> Result<()> {
    let is_held_by_another = |c: &Conversation| {
        let is_open = matches!(c.status, Status::Pending | Status::Active);
        is_open && c.holder == Holder::Agent && c.agent_id.is_some() && c.agent_id != by.user
    };
    let has_ended = |c: &Conversation| matches!(c.status, Status::Resolved | Status::Closed);
    let refused = if from.id == into.id {
        "a conversation can't be merged with itself"
    } else if from.customer_id != into.customer_id {
        "only conversations of one customer can be merged: merge the customers first"
    } else if from.merged_into.is_some() || into.merged_into.is_some() {
        "one of them was merged already"
    } else if into.status == Status::Closed {
        "the conversation is closed"
    } else if has_ended(into) && !has_ended(from) {
        // What is still open would be out of everybody's sight.
        "this conversation has ended and the other one is open: merge this one into that one"
    } else if is_held_by_another(from) || is_held_by_another(into) {
        "another agent holds one of the conversations"
    } else {
        return Ok(());
    };
    Err(Error::Conflict(refused.into()))
}

/// Puts the messages of `from` into `into`, in the order in which they were said. `into` keeps its holder and channel;
/// `from` points to it from here. With `version`, only if `into` still is as the user saw it.
pub async fn merge(
    app: &App,
    by: &By,
    into: ConversationId,
    from: ConversationId,
    version: Option<i64>,
) -> Result<Conversation> {
    let (now, org) = (app.now(), by.org);
    by.person()?;
    let mut tx = app.begin().await?;
    let target = super::found(tx.conn(), by, into).await?;
    let source = super::found(tx.conn(), by, from).await?;
    may_join(&source, &target, by)?;
    let changed = || Error::Conflict("the conversation changed meanwhile: look again and retry".into());
    if version.is_some_and(|v| v != target.version) {
        return Err(changed());
    }
    if moves::count_messages(tx.conn(), org, from, into).await? > MESSAGES {
        return Err(Error::Conflict(format!("together they have more than {MESSAGES} messages")));
    }
    // The fences first: whoever wrote meanwhile wins.
    if !moves::recount(tx.conn(), org, from, into, target.version, now).await? {
        return Err(changed());
    }
    moves::move_messages(tx.conn(), org, from, into, target.epoch).await?;
    if !moves::point(tx.conn(), org, from, into, source.version, now).await? {
        return Err(changed());
    }
    moves::recount(tx.conn(), org, from, into, target.version + 1, now).await?;
    Job::Learn { conversation: into }.push(tx.conn(), org, now).await?;
    if target.is_with_assistant() {
        // What was still open over there is open here.
        Job::TakeTurn { conversation: into }.push(tx.conn(), org, now).await?;
    }
    let changes = json!({"merged_into": [null, into], "messages": source.message_count});
    audit(tx.conn(), now, by, "conversation.merge", ("conversation", from.0), changes).await?;
    let merged = store::find(tx.conn(), org, into).await?.ok_or(Error::NotFound("conversation"))?;
    announce::conversation(tx.conn(), org, from, "conversation_status_changed", now).await?;
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id: from }).await;
    app.changed(org, Changed::Conversation { id: into }).await;
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{OrgId, UserId},
        inbox::tests::conversation,
        staff::Rights,
    };

    #[test]
    fn only_open_talks_of_one_customer_that_nobody_else_holds_are_joined() {
        let (into, _) = conversation(Status::Active, 0);
        let (from, _) = conversation(Status::Resolved, 1);
        let from = Conversation { customer_id: into.customer_id, ..from };
        let by = By::user(OrgId::new(), UserId::new(), Rights::new(), 0);
        assert!(may_join(&from, &into, &by).is_ok());
        let others = Conversation { customer_id: crate::app::CustomerId::new(), ..from.clone() };
        let held = Conversation {
            status: Status::Active,
            holder: Holder::Agent,
            agent_id: Some(UserId::new()),
            ..from.clone()
        };
        let merged = Conversation { merged_into: Some(into.id), ..from.clone() };
        for refused in [&others, &held, &merged, &into] {
            assert!(may_join(refused, &into, &by).is_err());
        }
        let own = Conversation { agent_id: by.user, ..held };
        assert!(may_join(&own, &into, &by).is_ok());
        let closed = Conversation { status: Status::Closed, ..into.clone() };
        assert!(may_join(&from, &closed, &by).is_err());
        assert!(may_join(&into, &from, &by).is_err(), "what is open does not vanish into what has ended");
    }
}
