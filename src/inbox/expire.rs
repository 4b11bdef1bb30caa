//! Files go when an organisation has kept them as long as it wants to.

use chrono::Duration;

use super::{
    file, rules,
    store::{self, Stored},
};
use crate::{
    app::{App, Changed},
    platform::Result,
};

/// How many files are removed between two looks.
const AT_ONCE: i64 = 200;

/// Deletes the files that were kept long enough; their messages stay and say so.
pub(super) async fn expire(app: &App) -> Result<()> {
    let now = app.now();
    let all = rules::load_all(app.read().await?.conn()).await?;
    for (org, days) in all.into_iter().map(|(org, rules)| (org, rules.keep_files_days)).filter(|(_, days)| *days > 0) {
        loop {
            let old =
                store::list_old_attachments(app.read().await?.conn(), org, now - Duration::days(days), AT_ONCE).await?;
            for found in &old {
                // The bytes first: a file of which only the row is gone would lie there for ever.
                file::remove(app, org, found.id).await?;
                let mut tx = app.begin().await?;
                store::settle_attachment(tx.conn(), found.id, &Stored::only("deleted"), now).await?;
                let message = store::find_message(tx.conn(), found.message_id).await?;
                tx.commit().await?;
                if let Some(message) = message {
                    app.changed(org, Changed::Conversation { id: message.conversation_id }).await;
                }
            }
            if old.len() < usize::try_from(AT_ONCE).unwrap_or_default() {
                break;
            }
        }
    }
    Ok(())
}
