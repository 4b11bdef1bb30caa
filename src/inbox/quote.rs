//! What a message answers, when somebody pointed at one message in particular: the customer, or an agent.

use serde_json::Value;

use super::{Conversation, Message, Quoted, change, store};
use crate::{
    app::MessageId,
    channels,
    platform::{Error, Result, db::Conn},
};

/// So much of the quoted message is shown.
const SHOWN: usize = 200;

/// Fills in what each message answers. It is looked up each time: what was taken back or erased since is not shown.
pub(super) async fn show(mut c: Conn<'_>, messages: &mut [Message]) -> Result<()> {
    for message in messages {
        let found = match pointed_at(message) {
            Some(id) => store::find_message_of(c.again(), message.org_id, id).await?,
            // By the platform's own words: `context` of the Cloud API, `replyTo` of a bridge.
            None => match message.metadata.0.pointer("/context/id").and_then(Value::as_str) {
                Some(target) => change::find(c.again(), message.org_id, message.channel_id, target).await?,
                None => continue,
            },
        };
        // The id is the platform's word, and nobody is shown what was said to somebody else.
        let found = found.filter(|f| f.customer_id == message.customer_id && !f.is_private);
        message.quoted = Some(match found {
            Some(found) => {
                Quoted { message_id: Some(found.id), sender_type: Some(found.sender_type), text: beginning(&found) }
            }
            None => Quoted { message_id: None, sender_type: None, text: String::new() },
        });
    }
    Ok(())
}

/// Refuses to answer what does not stand in this conversation for both sides to see.
pub(super) async fn check(c: Conn<'_>, conversation: &Conversation, target: MessageId) -> Result<()> {
    let found = store::find_message_of(c, conversation.org_id, target).await?;
    let stands =
        found.is_some_and(|m| m.conversation_id == conversation.id && !m.is_private && !change::is_revoked(&m));
    if stands { Ok(()) } else { Err(Error::Invalid("reply_to: there is no such message in this conversation".into())) }
}

/// What a message of ours answers, as its platform knows it. `None` also when the platform never had it, or it is gone.
pub(super) async fn on_the_wire(mut c: Conn<'_>, message: &Message) -> Result<Option<channels::Quote>> {
    let Some(target) = pointed_at(message) else { return Ok(None) };
    let found = store::find_message_of(c.again(), message.org_id, target).await?;
    let found = found.filter(|f| f.channel_id == message.channel_id && !change::is_revoked(f));
    let Some(found) = found else { return Ok(None) };
    let id = match &found.external_message_id {
        Some(id) => Some(id.clone()),
        None => store::external_of(c, found.id).await?,
    };
    Ok(id.map(|id| channels::Quote { id, text: beginning(&found) }))
}

/// Which message an agent answered.
fn pointed_at(message: &Message) -> Option<MessageId> {
    message.metadata.0.get("reply_to").and_then(Value::as_str).and_then(|id| id.parse().ok())
}

fn beginning(message: &Message) -> String {
    message.content.chars().take(SHOWN).collect()
}
