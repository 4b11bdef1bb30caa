//! Erases what a customer wrote and was told: messages, traces, raw events.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::{file, photo, store};
use crate::{
    app::{App, ChannelEventId, CustomerId, OrgId},
    customers::Identity,
    platform::{Result, db::Conn},
};

/// What was erased, in rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    pub conversations: i64,
    pub messages: i64,
    pub turns: i64,
    pub raw_events: i64,
    pub webhook_deliveries: i64,
    /// The ids that other rows may name: conversations, messages, raw events.
    pub ids: Vec<Uuid>,
}

/// How many raw events are read at once.
const PAGE: i64 = 500;

/// Erases the conversations of a customer, and the raw events of their `accounts`, in the caller's transaction.
pub async fn erase(mut c: Conn<'_>, org: OrgId, customer: CustomerId, accounts: &[Identity]) -> Result<Erased> {
    let conversations = store::conversations_of(c.again(), org, customer).await?;
    let messages = store::message_ids_of(c.again(), org, customer).await?;
    let mut sought = Sought {
        accounts: accounts.iter().map(|a| a.external_id.as_str()).filter(|id| id.len() > 2).collect(),
        messages: messages.iter().filter_map(|(_, external)| external.as_deref()).collect(),
    };
    sought.messages.extend(sought.accounts.iter());
    let mut events: Vec<ChannelEventId> = Vec::new();
    let mut after = ChannelEventId(Uuid::nil());
    loop {
        let page = store::page_events(c.again(), org, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        events.extend(page.iter().filter(|(_, payload)| sought.is_named_in(payload)).map(|(id, _)| *id));
    }
    store::delete_events(c.again(), org, &events).await?;
    let webhook_deliveries = store::delete_deliveries_of(c.again(), org, customer).await?;
    let turns = store::erase_conversations(c, org, customer).await?;
    let ids = conversations.iter().map(|id| id.0).chain(messages.iter().map(|(id, _)| id.0));
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Erased {
        conversations: count(conversations.len()),
        messages: count(messages.len()),
        turns,
        raw_events: count(events.len()),
        webhook_deliveries,
        ids: ids.chain(events.iter().map(|id| id.0)).collect(),
    })
}

/// Removes the bytes of the files that a customer sent: before their rows go, which know where they lie; returns how
/// many. Safe to repeat.
pub async fn erase_files(app: &App, org: OrgId, customer: CustomerId) -> Result<i64> {
    let all = store::attachments_of(app.read().await?.conn(), org, customer).await?;
    for id in &all {
        file::remove(app, org, *id).await?;
    }
    photo::remove(app, org, customer).await?;
    Ok(i64::try_from(all.len()).unwrap_or(i64::MAX))
}

/// Everything a customer wrote and was told, oldest first, private notes left out.
pub async fn export(mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Value> {
    let mut talks = Vec::new();
    for id in store::conversations_of(c.again(), org, customer).await? {
        let messages = store::list_messages(c.again(), org, id, 0, i64::from(i32::MAX), false).await?;
        talks.push(serde_json::json!({"id": id, "messages": messages}));
    }
    Ok(Value::Array(talks))
}

/// By what a raw event is known to be about somebody.
struct Sought<'a> {
    /// Few and long-lived: looked for anywhere in the bytes, as whole words.
    accounts: Vec<&'a str>,
    /// Many: looked for among the values of a JSON payload.
    messages: HashSet<&'a str>,
}

impl Sought<'_> {
    fn is_named_in(&self, payload: &str) -> bool {
        self.accounts.iter().any(|account| holds_word(payload, account))
            || serde_json::from_str::<Value>(payload).is_ok_and(|json| self.names(&json))
    }

    fn names(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.messages.contains(text.as_str()),
            Value::Number(number) => self.messages.contains(number.to_string().as_str()),
            Value::Array(items) => items.iter().any(|item| self.names(item)),
            Value::Object(fields) => fields.values().any(|field| self.names(field)),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

/// Whether `word` stands in `text` with no letter or digit beside it.
fn holds_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|s| s.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|s| s.chars().next());
        ![before, after].into_iter().flatten().any(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_event_is_known_by_its_sender_or_its_message() {
        let sought = Sought { accounts: vec!["u42"], messages: HashSet::from(["m-7"]) };
        assert!(sought.is_named_in(r#"{"from":"u42","text":"hi"}"#));
        assert!(sought.is_named_in("<xml><From>u42</From></xml>"));
        assert!(sought.is_named_in(r#"{"status":{"id":"m-7"}}"#));
        assert!(!sought.is_named_in(r#"{"from":"u421","text":"m-7 is my size"}"#));
    }
}
