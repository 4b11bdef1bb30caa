//! Small signs to the customer: read, somebody writes; and the way to people at the platform.

use chrono::Duration;

use super::{
    Sender, connect,
    store::{self, ChannelRow},
};
use crate::{
    app::{App, ConversationId, Job, MessageId},
    channels::{Address, Channel},
    customers,
    platform::{Error, Result},
};

/// For how long after a message it is shown that somebody writes.
const WRITING: Duration = Duration::minutes(2);

/// Shows the customer that their message was read and that somebody writes (`Job::Attend`).
pub async fn attend(app: &App, id: ConversationId, message: MessageId) -> Result<()> {
    // One connection at a time: many who hold one and ask for another would wait for each other.
    let Some(message) = store::find_message(app.read().await?.conn(), message).await? else {
        return Ok(());
    };
    let (Some(external), Sender::Customer) = (&message.external_message_id, message.sender_type) else {
        return Ok(());
    };
    // Who answers first is seen to have read; after that the sign would be wrong.
    if super::open(app, id).await?.is_none_or(|opened| opened.unanswered().is_empty()) {
        return Ok(());
    }
    let Some((channel, row, address, _)) = reach(app, id).await? else {
        return Ok(());
    };
    if row.status == "active"
        && let Err(e) = channel.attend(&app.outside, &address, external, app.now()).await
    {
        tracing::debug!(channel.id = %row.id, error = %e.chain(), "a sign was not shown");
    }
    // It fades while a slow answer is being written.
    let now = app.now();
    if let Some(after) = channel.attends_again()
        && now - message.created_at < WRITING
    {
        let mut tx = app.begin().await?;
        Job::Attend { conversation: id, message: message.id }.push_at(tx.conn(), row.org_id, now, now + after).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Gives the customer to people at the platform (`Job::Transfer`).
pub async fn transfer(app: &App, id: ConversationId) -> Result<()> {
    let Some((channel, _, address, chat)) = reach(app, id).await? else {
        return Ok(());
    };
    // The notice that a person comes goes first: people at the platform have the session after that.
    let mut reader = app.read().await?;
    if store::has_outgoing(reader.conn(), id).await? {
        return Err(Error::Later { at: app.now() + Duration::seconds(1) });
    }
    drop(reader);
    channel.transfer(&app.outside, &address, chat.as_deref(), app.now()).await
}

type Reach = (Channel, ChannelRow, Address, Option<String>);

/// How the customer of a conversation is reached.
async fn reach(app: &App, id: ConversationId) -> Result<Option<Reach>> {
    let mut reader = app.read().await?;
    let Some(conversation) = store::find_any(reader.conn(), id).await? else {
        return Ok(None);
    };
    let Some(row) = store::find_channel(reader.conn(), conversation.channel_id).await? else {
        return Ok(None);
    };
    let Some(identity) = conversation.identity_id else {
        return Ok(None);
    };
    let Some(identity) = customers::find_identity(reader.conn(), conversation.org_id, identity).await? else {
        return Ok(None);
    };
    let chat = store::find_chat(reader.conn(), id).await?;
    drop(reader);
    let channel = connect::open(app, &row)?;
    Ok(Some((channel, row, Address::new(&identity.kind, identity.external_id), chat)))
}
