//! Silence ends what no agent of ours held; what is only kept for a while goes.

use chrono::Duration;

use super::{
    Holder, Status, assign, expire, fetch, health,
    store::{self, HolderChange},
};
use crate::{
    app::{App, Changed},
    platform::Result,
};

/// How long a conversation with the assistant may be silent.
const SILENCE: Duration = Duration::hours(24);

/// How long raw events are kept: longer than any platform redelivers.
const EVENTS: Duration = Duration::days(30);

/// Resolves conversations that only the assistant held and that were silent for a day; counted as *assumed*.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.now();
    fetch::look(app).await?;
    health::look(app).await?;
    expire::expire(app).await?;
    assign::look(app).await?;
    loop {
        let mut tx = app.begin().await?;
        let gone = store::delete_old_events(tx.conn(), now - EVENTS).await?;
        store::delete_old_deliveries(tx.conn(), now - EVENTS).await?;
        tx.commit().await?;
        if gone < 1000 {
            break;
        }
    }
    loop {
        let mut reader = app.read().await?;
        let silent = store::list_silent(reader.conn(), now - SILENCE, 200).await?;
        drop(reader);
        for (id, org, version) in &silent {
            let change = HolderChange {
                resolution: Some("assumed"),
                fence: Some(*version),
                ..HolderChange::to(Status::Resolved, Holder::Assistant)
            };
            let mut tx = app.begin().await?;
            let resolved = store::set_holder(tx.conn(), *id, &change, now).await?;
            tx.commit().await?;
            if resolved {
                app.changed(*org, Changed::Conversation { id: *id }).await;
            }
        }
        if silent.len() < 200 {
            return Ok(());
        }
    }
}
