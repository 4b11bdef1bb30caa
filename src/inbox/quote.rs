//! What a customer pointed at when they answered one message in particular.

use serde_json::Value;

use super::{Message, Quoted, change};
use crate::platform::{Result, db::Conn};

/// So much of the quoted message is shown.
const SHOWN: usize = 200;

/// Fills in what each message answers. It is looked up each time: what was taken back or erased since is not shown.
pub(super) async fn show(mut c: Conn<'_>, messages: &mut [Message]) -> Result<()> {
    for message in messages {
        // By the platform's own words: `context` of the Cloud API, `replyTo` of a bridge.
        let Some(target) = message.metadata.0.pointer("/context/id").and_then(Value::as_str) else {
            continue;
        };
        let found = change::find(c.again(), message.org_id, message.channel_id, target).await?;
        // The id is the platform's word, and nobody is shown what was said to somebody else.
        let found = found.filter(|f| f.customer_id == message.customer_id && !f.is_private);
        message.quoted = Some(match found {
            Some(found) => Quoted {
                message_id: Some(found.id),
                sender_type: Some(found.sender_type),
                text: found.content.chars().take(SHOWN).collect(),
            },
            None => Quoted { message_id: None, sender_type: None, text: String::new() },
        });
    }
    Ok(())
}
