//! Who comes to an account without a word is greeted, where an admin wants that.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Conversation, Holder, Joins, Reply, announce,
    echo::{latest, reached},
    reply,
    store::{self, ChannelRow, NewConversation},
};
use crate::{
    app::{App, Changed},
    channels::Arrival,
    customers::{self, ActivityKind, NewActivity, Reached},
    platform::{Error, Result},
};

/// Whether a greeting would come between what the customer wrote and its answer, or between them and a person.
fn is_busy(found: &Conversation, now: DateTime<Utc>) -> bool {
    let spoke_last = found.last_message_at.is_some() && found.last_message_at == found.last_customer_message_at;
    found.joins(now) == Joins::Same && (spoke_last || found.holder != Holder::Assistant)
}

/// Notes where the customer came from and greets them, once.
pub(super) async fn greet(app: &App, row: &ChannelRow, arrival: &Arrival) -> Result<()> {
    let (now, org) = (app.now(), row.org_id);
    let mut tx = app.begin().await?;
    let reached = Reached { display_name: arrival.name.as_deref(), ..reached(row, &arrival.customer) };
    let (customer, identity) = customers::find_or_create(tx.conn(), org, reached, now).await?;
    customers::lock_identity(tx.conn(), identity.id).await?;
    let found = match latest(tx.conn(), &identity).await?.filter(|c| c.joins(now) != Joins::New) {
        Some(found) => found,
        None => {
            let new = NewConversation {
                org,
                customer: customer.id,
                identity: identity.id,
                channel: row.id,
                channel_type: row.platform.clone(),
                external_chat_id: None,
            };
            let id = store::insert(tx.conn(), &new, now).await?;
            let started = NewActivity::of(ActivityKind::ConversationStarted, None)
                .with(json!({"conversation_id": id, "channel": row.platform}));
            customers::activity(tx.conn(), org, customer.id, started, now).await?;
            announce::conversation(tx.conn(), org, id, "conversation_created", now).await?;
            store::find_any(tx.conn(), id).await?.ok_or(Error::NotFound("conversation"))?
        }
    };
    let at = arrival.at.unwrap_or(now).min(now);
    if !store::set_tapped(tx.conn(), found.id, identity.id, at).await? {
        return Ok(()); // the same once more
    }
    let came = NewActivity::of(ActivityKind::Custom, None)
        .titled("Came to the account")
        .with(json!({"conversation_id": found.id, "scene": arrival.scene}));
    customers::activity(tx.conn(), org, customer.id, came, now).await?;
    if !is_busy(&found, now) {
        let reply = Reply {
            text: arrival.greeting.clone(),
            sources: None,
            confidence: None,
            language: None,
            kind: "greeting",
            meant: None,
        };
        reply::write(tx.conn(), &found, None, &reply, None, now).await?;
    }
    tx.commit().await?;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id: found.id }).await;
    Ok(())
}
