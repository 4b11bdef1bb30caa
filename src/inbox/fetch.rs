//! What a doorbell announced is fetched page by page; the cursor moves in the transaction that keeps the page.

use chrono::{DateTime, Duration, Utc};

use super::{
    alarm, connect,
    store::{self, ChannelRow, NewEvent},
};
use crate::{
    app::{App, ChannelEventId, ChannelId, Job},
    channels::{Channel, Connection, Place},
    platform::{Error, Result, db::Conn},
};

/// What a channel that is looked at says of itself while that works.
const UP: &str = "connected";
/// How long an account may be silent before it is looked at without a doorbell: one may have been lost.
const SILENCE: Duration = Duration::minutes(10);

/// Fetches everything that waits for an account (`Job::Fetch`). Safe to repeat: an item is kept once.
pub async fn fetch(app: &App, channel: ChannelId, account: &str, token: &str) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(row) = store::find_channel(reader.conn(), channel).await? else {
        return Ok(());
    };
    drop(reader);
    let opened = connect::open(app, &row)?;
    let Some((looked_at, every)) = opened.looks() else {
        return pages(app, &row, &opened, account, token).await;
    };
    if looked_at != account {
        return Ok(()); // it was changed meanwhile; the new one has a job of its own
    }
    // Nobody tells us that something waits: the next look follows this one, whatever becomes of it.
    let next = Job::Fetch { channel, account: account.into(), token: String::new() };
    let look_again = async |after: Duration| {
        let mut tx = app.begin().await?;
        next.push_at(tx.conn(), row.org_id, app.now(), app.now() + after).await?;
        tx.commit().await
    };
    match pages(app, &row, &opened, account, token).await {
        Ok(()) => {
            // The usual case writes nothing.
            if row.connection_state.as_deref() != Some(UP) {
                let up = Connection::link(Some(true), UP, "connected");
                alarm::connection(app, row.org_id, channel, &up).await?;
            }
            look_again(every).await
        }
        Err(e) => {
            // A moment without a connection is nobody's business; what only a person can mend is at once.
            let last = store::fetched_at(app.read().await?.conn(), channel, account).await?;
            if !e.is_transient() || last.is_some_and(|at| app.now() - at > SILENCE) {
                alarm::connection(app, row.org_id, channel, &failing(&e)).await?;
            }
            look_again(every * 2).await
        }
    }
}

/// The mailbox or whatever is looked at can't be.
fn failing(e: &Error) -> Connection {
    Connection::link(Some(false), "failing", format!("receiving: {}", e.chain()))
}

/// Begins to look at a channel that nobody rings for, on the caller's transaction.
pub(super) async fn begin(c: Conn<'_>, row: &ChannelRow, opened: &Channel, now: DateTime<Utc>) -> Result<()> {
    let Some((account, _)) = opened.looks() else { return Ok(()) };
    Job::Fetch { channel: row.id, account: account.into(), token: String::new() }.push(c, row.org_id, now).await
}

/// Page after page, until nothing waits.
async fn pages(app: &App, row: &ChannelRow, opened: &Channel, account: &str, token: &str) -> Result<()> {
    let channel = row.id;
    loop {
        let now = app.now();
        let mut tx = app.begin().await?;
        let cursor = store::cursor(tx.conn(), row.org_id, channel, account, now).await?;
        tx.commit().await?;
        let cursor = Some(cursor.as_str()).filter(|c| !c.is_empty());
        // However late the first doorbell is answered: what was written since the channel is here is no history.
        let place = Place { account, token, cursor, first: row.created_at };
        let page = opened.fetch_page(&app.outside, place, now).await?;
        let events: Vec<NewEvent<'_>> = page
            .events
            .iter()
            .map(|event| NewEvent {
                id: ChannelEventId::new(),
                org: row.org_id,
                channel,
                external: &event.external_id,
                payload: &event.payload,
                received_at: now,
            })
            .collect();
        let mut tx = app.begin().await?;
        let added = store::insert_events(tx.conn(), &events).await?;
        let jobs: Vec<_> = events
            .iter()
            .zip(&page.events)
            .filter(|(row, _)| added.contains(&row.id))
            .map(|(event, raw)| (event.org, Job::Receive { event: event.id, lane: format!("{channel}:{}", raw.lane) }))
            .collect();
        Job::push_all(tx.conn(), &jobs, now).await?;
        store::move_cursor(tx.conn(), channel, account, &page.cursor, now).await?;
        tx.commit().await?;
        app.wake(row.org_id).await;
        if !page.has_more {
            return Ok(());
        }
    }
}

/// Looks at accounts that have been silent for a while.
pub(super) async fn look(app: &App) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    for (org, channel, account) in store::list_stale_cursors(tx.conn(), now - SILENCE).await? {
        Job::Fetch { channel, account, token: String::new() }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await
}
