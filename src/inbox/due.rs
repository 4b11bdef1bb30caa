//! The clocks of a conversation that a person was called for: when its first answer and its solution are due.

use chrono::{DateTime, Utc};

use super::{
    Conversation, Holder, Status,
    call_agents::call_late,
    rules::{self, Rules},
    store,
    store::rules as kept,
};
use crate::{
    app::{App, Changed, ConversationId, Job, job::Clock},
    platform::{Result, db::Conn},
    staff::{self, Audience, ConversationReply, News, Permission},
};

/// People are warned when a fifth of the time is left.
const WARN_AT: i32 = 5;

/// Starts the clocks of what comes into people's hands at `now`; `before` is as it was. Among people, whoever gets it
/// next has their time for a first answer, and the solution stays due when it was. On the caller's transaction; nothing
/// is due where no policy says so.
pub(super) async fn start(mut c: Conn<'_>, before: &Conversation, rules: &Rules, now: DateTime<Utc>) -> Result<()> {
    let was_with_people = before.holder != Holder::Assistant && is_open(before);
    let since = before.sla_started_at.filter(|_| was_with_people).unwrap_or(now);
    let (first, _) = rules.due(&before.priority, now);
    let (_, solved) = rules.due(&before.priority, since);
    kept::set_clocks(c.again(), before.id, Some(since), first, solved).await?;
    let clocks = [(Clock::FirstResponse, now, first), (Clock::Resolution, since, solved)];
    watch_for(c, before, was_with_people, clocks, now).await
}

/// Starts the clocks of what an agent takes, unless they run: who takes what waits has the time that is left.
pub(super) async fn start_if_stopped(mut c: Conn<'_>, before: &Conversation, now: DateTime<Utc>) -> Result<()> {
    if is_open(before) && before.sla_started_at.is_some() {
        return Ok(());
    }
    let rules = rules::load(c.again(), before.org_id).await?;
    start(c, before, &rules, now).await
}

/// Stops the clocks: nobody waits for a person any more.
pub(super) async fn stop(c: Conn<'_>, id: ConversationId) -> Result<()> {
    kept::set_clocks(c, id, None, None, None).await
}

/// Moves the clocks of what people hold to those of its new priority, counted from when they started.
pub(super) async fn shift(mut c: Conn<'_>, after: &Conversation, rules: &Rules, now: DateTime<Utc>) -> Result<()> {
    if after.holder == Holder::Assistant || !is_open(after) {
        return Ok(());
    }
    let since = after.sla_started_at.or(after.handed_off_at).unwrap_or(now);
    let called = after.handed_off_at.unwrap_or(since).max(since);
    let (first, _) = rules.due(&after.priority, called);
    let (_, solved) = rules.due(&after.priority, since);
    kept::set_clocks(c.again(), after.id, Some(since), first, solved).await?;
    let clocks = [(Clock::FirstResponse, called, first), (Clock::Resolution, since, solved)];
    watch_for(c, after, true, clocks, now).await
}

fn is_open(c: &Conversation) -> bool {
    matches!(c.status, Status::Pending | Status::Active)
}

/// Has the clocks watched that run towards another time than those of `before` did, if these ran at all.
async fn watch_for(
    mut c: Conn<'_>,
    before: &Conversation,
    did_run: bool,
    clocks: [(Clock, DateTime<Utc>, Option<DateTime<Utc>>); 2],
    now: DateTime<Utc>,
) -> Result<()> {
    for (clock, since, due) in clocks {
        let Some(due) = due.filter(|due| !did_run || due_of(before, clock) != Some(*due)) else { continue };
        let warning = due - (due - since) / WARN_AT;
        for at in [warning, due] {
            let job = Job::WatchDue { conversation: before.id, clock, due };
            job.push_at(c.again(), before.org_id, now, at).await?;
        }
    }
    Ok(())
}

fn due_of(c: &Conversation, clock: Clock) -> Option<DateTime<Utc>> {
    match clock {
        Clock::FirstResponse => c.sla_first_response_at,
        Clock::Resolution => c.sla_resolve_deadline,
    }
}

/// Whether `clock` still runs towards `due`.
fn runs(c: &Conversation, clock: Clock, due: DateTime<Utc>) -> bool {
    // With the assistant again: nobody waits for a person.
    due_of(c, clock) == Some(due) && is_open(c) && c.holder != Holder::Assistant
}

/// Warns of what is due soon, or says that it was missed (`Job::WatchDue`). Safe to repeat.
pub async fn watch(app: &App, id: ConversationId, clock: Clock, due: DateTime<Utc>) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(conversation) = store::find_any(tx.conn(), id).await?.filter(|c| runs(c, clock, due)) else {
        return Ok(());
    };
    let org = conversation.org_id;
    let called = conversation.handed_off_at.max(conversation.sla_started_at).unwrap_or(conversation.created_at);
    // Who has nothing to answer is not late.
    let since = conversation.last_customer_message_at.map_or(called, |at| at.min(called));
    if clock == Clock::FirstResponse && kept::is_answered(tx.conn(), org, id, since).await? {
        return Ok(());
    }
    let is_missed = now >= due;
    let is_news =
        if is_missed { kept::breached(tx.conn(), id, due).await? } else { kept::warned(tx.conn(), id, due).await? };
    if !is_news {
        return Ok(());
    }
    let name = &conversation.customer_name;
    let title = match (clock, is_missed) {
        (Clock::FirstResponse, false) => format!("{name}: the first answer is due soon"),
        (Clock::FirstResponse, true) => format!("{name}: the first answer is overdue"),
        (Clock::Resolution, false) => format!("{name}: the solution is due soon"),
        (Clock::Resolution, true) => format!("{name}: the solution is overdue"),
    };
    let kind = if is_missed { "sla_breached" } else { "sla_warning" };
    let news = News { kind, title: &title, content: None, resource: Some(("conversation", id.0)) };
    let audience = match conversation.agent_id.filter(|_| !is_missed) {
        Some(agent) => Audience::One(agent),
        None => Audience::May(ConversationReply::KEY),
    };
    let told = staff::notify(tx.conn(), org, audience, news, now).await?;
    if is_missed {
        call_late(tx.conn(), &conversation, now).await?;
    }
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(())
}
