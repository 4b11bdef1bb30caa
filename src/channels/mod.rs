//! The outside world's messages: verify, parse, send; one file per platform with its law.
//!
//! A channel knows bytes and its platform's rules, and neither customers nor conversations.

pub mod webhook;

use axum::http::HeaderMap;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::platform::{Error, Result};

/// A connected channel, ready to verify, parse and send.
#[derive(Debug, Clone)]
pub enum Channel {
    /// The website's chat: its messages come through the widget's own routes and are fetched by the page.
    Web,
    /// Anything that speaks our signed webhook.
    Webhook(webhook::Webhook),
}

/// One raw event as the platform sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEvent {
    /// Unique within the channel; a redelivery carries the same.
    pub external_id: String,
    /// Messages of one sender are received in order.
    pub lane: String,
    pub payload: String,
}

/// What a raw event says, in our words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's own id of the message.
    pub external_message_id: String,
    /// What kind of address `sender` is, as in `customer_identities.kind`.
    pub kind: String,
    pub sender: String,
    pub sender_name: Option<String>,
    pub external_chat_id: Option<String>,
    pub content_type: String,
    pub text: String,
    pub media_url: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    pub metadata: Value,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Our id: the key by which a repeated send is recognised.
    pub id: String,
    pub conversation: String,
    pub recipient: String,
    pub by: &'static str,
    pub text: String,
    pub sources: Option<Value>,
}

/// What a send came to.
#[derive(Debug)]
pub enum Sent {
    /// The platform took it; its own id, if it gave one.
    Accepted(Option<String>),
    /// Nothing was sent and the same call may succeed later.
    Retry(String),
    /// The platform refuses it for good; in words for an agent.
    Never(String),
    /// It may have been sent. `true`: sending again is safe, since the platform recognises the key.
    Unknown(String, bool),
}

impl Channel {
    /// The channel of a row: its platform and its opened configuration.
    pub fn open(platform: &str, config: &Value) -> Result<Self> {
        match platform {
            "web" => Ok(Self::Web),
            "webhook" => Ok(Self::Webhook(webhook::Webhook::open(config)?)),
            other => Err(Error::Invalid(format!("'{other}' is not a kind of channel that this version knows"))),
        }
    }

    /// Checks that the platform sent these bytes and takes them apart into raw events.
    pub fn verify(&self, headers: &HeaderMap, body: &Bytes, now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        match self {
            Self::Web => Err(Error::NotFound("webhook")),
            Self::Webhook(channel) => channel.verify(headers, body, now),
        }
    }

    /// What a raw event says; `None`: nothing that concerns a conversation.
    pub fn parse(&self, payload: &str) -> Result<Option<Inbound>> {
        match self {
            Self::Web => Ok(None),
            Self::Webhook(channel) => channel.parse(payload),
        }
    }

    /// Whether a send that was interrupted may be repeated, because the platform recognises our id.
    pub fn recognises_repeats(&self) -> bool {
        match self {
            Self::Web | Self::Webhook(_) => true,
        }
    }

    /// Sends one message.
    pub async fn send(&self, http: &reqwest::Client, message: &Outbound, now: DateTime<Utc>) -> Sent {
        match self {
            // The page fetches what the database holds: storing it was sending it.
            Self::Web => Sent::Accepted(None),
            Self::Webhook(channel) => channel.send(http, message, now).await,
        }
    }
}
