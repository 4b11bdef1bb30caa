//! What a doorbell announced is fetched page by page; the cursor moves in the transaction that keeps the page.

use chrono::Duration;

use super::{
    connect,
    store::{self, NewEvent},
};
use crate::{
    app::{App, ChannelEventId, ChannelId, Job},
    channels::Place,
    platform::Result,
};

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
