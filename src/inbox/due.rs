//! The clocks of a conversation that a person was called for: when its first answer and its solution are due.

use chrono::{DateTime, Utc};

use super::{Conversation, Holder, Status, rules::Rules, store, store::rules as kept};
use crate::{
    app::{App, Changed, ConversationId, Job, job::Clock},
    platform::{Result, db::Conn},
    staff::{self, Audience, ConversationReply, News, Permission},
};

/// People are warned when a fifth of the time is left.
const WARN_AT: i32 = 5;

/// Starts the clocks on the caller's transaction; nothing is due where no policy says so.
pub(super) async fn start(
    mut c: Conn<'_>,
    conversation: &Conversation,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<()> {
    let (first, solved) = rules.due(&conversation.priority, now);
    kept::start_clocks(c.again(), conversation.id, first, solved).await?;
    for (clock, due) in [(Clock::FirstResponse, first), (Clock::Resolution, solved)] {
        let Some(due) = due else { continue };
        let warning = due - (due - now) / WARN_AT;
        for at in [warning, due] {
            let job = Job::WatchDue { conversation: conversation.id, clock, due };
            job.push_at(c.again(), conversation.org_id, now, at).await?;
        }
    }
    Ok(())
}

/// Whether `clock` still runs towards `due`.
fn runs(c: &Conversation, clock: Clock, due: DateTime<Utc>) -> bool {
    let of = match clock {
        Clock::FirstResponse => c.sla_first_response_at,
        Clock::Resolution => c.sla_resolve_deadline,
    };
    let is_open = matches!(c.status, Status::Pending | Status::Active);
    // With the assistant again: nobody waits for a person.
    of == Some(due) && is_open && c.holder != Holder::Assistant
}

/// Warns of what is due soon, or says that it was missed (`Job::WatchDue`). Safe to repeat.
pub async fn watch(app: &App, id: ConversationId, clock: Clock, due: DateTime<Utc>) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(conversation) = store::find_any(tx.conn(), id).await?.filter(|c| runs(c, clock, due)) else {
        return Ok(());
    };
    let org = conversation.org_id;
    let since = conversation.handed_off_at.unwrap_or(conversation.created_at);
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
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(())
}
