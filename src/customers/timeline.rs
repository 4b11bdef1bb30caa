//! What a person reads of a customer's story, and the notes they add to it.

use super::{Activity, ActivityKind, NewActivity, contact::seen, edit::text, store};
use crate::{
    app::{App, Changed, CustomerId},
    platform::{
        Error, Result,
        http::{Cursor, Page},
    },
    staff::{By, audit},
};

/// A page of a customer's timeline, the newest first.
pub async fn list(app: &App, by: &By, customer: CustomerId, after: Cursor, limit: i64) -> Result<Page<Activity>> {
    let mut reader = app.read().await?;
    seen(reader.conn(), by, customer).await?;
    let rows = store::list_activities(reader.conn(), by.org, customer, after, limit + 1).await?;
    Ok(Page::of(rows, limit, |a| Cursor { at: a.created_at, id: a.id }))
}

/// Adds a note.
pub async fn note(app: &App, by: &By, customer: CustomerId, note: String) -> Result<Activity> {
    let now = app.now();
    let note = text("text", Some(note), 10_000)?.ok_or_else(|| Error::Invalid("text is missing".into()))?;
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let mut new = NewActivity::of(ActivityKind::NoteAdded, by.user);
    new.description = Some(note);
    let id = store::activity(tx.conn(), by.org, customer, new, now).await?;
    let added = store::find_activity(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("note"))?;
    // The note itself stands on the timeline, which is never altered: the log needs only its id.
    audit(tx.conn(), now, by, "customer.note", ("customer", customer.0), serde_json::json!({"activity_id": id}))
        .await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer }).await;
    Ok(added)
}
