//! What goes in and out: events, messages, receipts and what became of them, in one shape for every platform.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One raw event as the platform sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawEvent {
    /// Unique within the channel; a redelivery carries the same.
    pub external_id: String,
    /// Events of one lane are received in order: the sender, for messages.
    pub lane: String,
    pub payload: String,
}

/// What a raw event says, in our words.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an event lives for one call, and nearly all are messages")]
pub enum Event {
    /// The customer wrote, sent or tapped something.
    Message(Inbound),
    /// The customer put an emoji on a message, or took it away (`None`).
    Reaction { by: Address, target: String, emoji: Option<String>, at: Option<DateTime<Utc>> },
    /// The customer changed what they had written.
    Edit { target: String, text: String },
    /// The customer took a message back.
    Revoke { target: String },
    /// How far a message of ours has come.
    Receipt(Receipt),
    /// A person answered with the platform's own app: the assistant is silent from here.
    Echo(Echo),
    /// A person on the platform's side holds (`true`) or ended (`false`) the talk with this customer.
    Held { customer: Address, by_person: bool },
    /// The customer came to the account without a word, and is to be greeted.
    Arrived(Arrival),
    /// The customer wants nothing from us any more, or again.
    Blocked { customer: Address, is_blocked: bool },
    /// How the customer shows themselves.
    Photo { customer: Address, media: Media },
    /// The customer has another address now.
    Moved { from: Vec<Address>, to: Vec<Address> },
    /// Something waits to be fetched.
    Doorbell { account: String, token: String },
    /// The state of the connection itself.
    Connection(Connection),
    /// Nothing that concerns a conversation; why.
    Nothing(&'static str),
}

impl Event {
    /// The same without null characters, which PostgreSQL keeps in no text.
    pub(super) fn storable(mut self) -> Self {
        match &mut self {
            Self::Message(inbound) => {
                drop_nulls(&mut inbound.text);
                inbound.sender_name.iter_mut().for_each(drop_nulls);
                drop_nulls_in(&mut inbound.metadata);
            }
            Self::Edit { text, .. } | Self::Echo(Echo { text, .. }) => drop_nulls(text),
            _ => {}
        }
        self
    }

    /// The platform's id of the message that it brings, or changes.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Message(inbound) => Some(&inbound.external_message_id),
            Self::Edit { target, .. } | Self::Revoke { target } => Some(target),
            _ => None,
        }
    }
}

fn drop_nulls(text: &mut String) {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
}

fn drop_nulls_in(value: &mut Value) {
    match value {
        Value::String(text) => drop_nulls(text),
        Value::Array(all) => all.iter_mut().for_each(drop_nulls_in),
        Value::Object(fields) => fields.values_mut().for_each(drop_nulls_in),
        _ => {}
    }
}

/// Where somebody is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// As in `customer_identities.kind`: `phone`, `bsuid`, `openid` …
    pub kind: String,
    pub id: String,
}

impl Address {
    pub fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into() }
    }
}

/// A message of a customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's own id of the message.
    pub external_message_id: String,
    /// What kind of address `sender` is, as in `customer_identities.kind`.
    pub kind: String,
    pub sender: String,
    /// Other addresses of the same person.
    #[serde(default)]
    pub aliases: Vec<Address>,
    pub sender_name: Option<String>,
    /// Through which of our accounts it came, where a channel has several.
    pub external_chat_id: Option<String>,
    /// `text`, `image`, `video`, `audio`, `voice`, `document`, `sticker`, `location`, `contacts`, `button`, `order`,
    /// `link`, `unsupported` …
    pub content_type: String,
    /// What can be read: the text, a caption, the title of a tapped button.
    pub text: String,
    pub media: Option<Media>,
    /// Further files, where a message may have several.
    #[serde(default)]
    pub more_media: Vec<Media>,
    pub media_url: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
    /// A tap on a menu, where the platform lets us say less after one than after a message.
    #[serde(default)]
    pub is_tap: bool,
    pub metadata: Value,
}

impl Inbound {
    /// A text of `sender`, everything else absent.
    pub fn text(id: impl Into<String>, sender: Address, text: impl Into<String>) -> Self {
        Self {
            external_message_id: id.into(),
            kind: sender.kind,
            sender: sender.id,
            aliases: Vec::new(),
            sender_name: None,
            external_chat_id: None,
            content_type: "text".into(),
            text: text.into(),
            media: None,
            more_media: Vec::new(),
            media_url: None,
            sent_at: None,
            is_tap: false,
            metadata: json!({}),
        }
    }

    /// The same with another kind of content.
    pub(super) fn of(self, content_type: &str) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// The same with one more fact for whoever looks at the message.
    pub(super) fn with(mut self, key: &str, value: Value) -> Self {
        if let Some(all) = self.metadata.as_object_mut() {
            all.insert(key.into(), value);
        }
        self
    }
}

/// A file that waits at the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The platform's id of it, where it has one.
    pub id: Option<String>,
    pub url: Option<String>,
    pub mime_type: Option<String>,
    /// Of the content, lower-case hexadecimal, when the platform says it.
    pub sha256: Option<String>,
    pub filename: Option<String>,
}

/// Somebody follows the account, scans its code, or opens the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    pub customer: Address,
    /// As the platform calls them, where it says.
    pub name: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// Which code it was, as whoever made it named it.
    pub scene: Option<String>,
    /// What they are told.
    pub greeting: String,
}

/// How far a message of ours has come, as the platform says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The platform's id of our message.
    pub external_id: String,
    /// Our own id, when the platform gives it back.
    pub key: Option<String>,
    pub state: Progress,
    pub at: Option<DateTime<Utc>>,
    /// What it means for us that the platform failed to deliver it.
    pub failure: Option<Failure>,
}

/// How far a message has come; later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
}

/// A person wrote with the platform's own app.
#[derive(Debug, Clone, PartialEq)]
pub struct Echo {
    pub external_message_id: String,
    pub customer: Address,
    pub external_chat_id: Option<String>,
    pub content_type: String,
    pub text: String,
    pub sent_at: Option<DateTime<Utc>>,
}

/// How the platform, or the way to it, says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// What it is about: [`LINK`](Self::LINK), `quality`, `template …`. Good news ends only what it is about.
    pub matter: String,
    /// `None`: on its way to one or the other.
    pub is_up: Option<bool>,
    /// A word of the platform: `SCAN_QR_CODE`, `close`, `DISABLE` …
    pub state: String,
    /// In words for an operator.
    pub detail: String,
}

impl Connection {
    /// The link to a phone, a mailbox or whatever the channel lives on.
    pub const LINK: &str = "link";
    /// Whether the platform takes messages from us at all.
    pub const SENDING: &str = "sending";

    /// The state of the link.
    pub fn link(is_up: Option<bool>, state: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { matter: Self::LINK.into(), is_up, state: state.into(), detail: detail.into() }
    }
}

/// One thing a customer may tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Choice {
    pub id: String,
    pub title: String,
}

impl Choice {
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into() }
    }
}

/// What one message on the wire holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    Text {
        text: String,
    },
    Choices {
        text: String,
        choices: Vec<Choice>,
    },
    /// A template that the platform has approved, with the values of its body.
    Template {
        name: String,
        language: String,
        values: Vec<String>,
    },
    /// A file, with what is said about it (perhaps nothing).
    File {
        file: FileFacts,
        kind: FileKind,
        #[serde(default)]
        text: String,
    },
}

impl Body {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// What is known of a file of ours that goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Our id of it.
    pub id: uuid::Uuid,
    /// As the customer shall see it.
    pub name: String,
    /// By its own bytes.
    pub mime_type: String,
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// As what a platform shows a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Image,
    /// A picture that moves.
    Animation,
    Video,
    Audio,
    Voice,
    Document,
}

/// An earlier message that one of ours answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The platform's id of it.
    pub id: String,
    /// How it begins: some platforms show what we say was quoted.
    pub text: String,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// Our id: the key by which a repeated send is recognised.
    pub id: String,
    pub conversation: String,
    pub recipient: Address,
    /// Through which of our accounts it goes, where a channel has several.
    pub chat: Option<String>,
    pub by: &'static str,
    pub body: Body,
    /// Where the bytes of the file in `body` lie for now.
    pub file: Option<std::path::PathBuf>,
    /// Where anybody may fetch them who was given the address.
    pub link: Option<String>,
    pub sources: Option<Value>,
    /// The customer's last message, by the platform's id.
    pub answers: Option<String>,
    /// What is known of that message.
    pub about: Option<Value>,
    /// Which message in particular it answers, where the platform shows that.
    pub quotes: Option<Quote>,
}

/// A message of a customer that we put an emoji on.
#[derive(Debug, Clone, Copy)]
pub struct Reacted<'a> {
    pub customer: &'a Address,
    /// Through which of our accounts they write, where a channel has several.
    pub chat: Option<&'a str>,
    /// The platform's id of the message.
    pub message: &'a str,
}

/// What a send came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The platform took it; its own id, if it gave one.
    Accepted(Option<String>),
    /// It was certainly not sent.
    Failed(Failure),
    /// It may have been sent. `true`: sending again is safe, since the platform recognises the key.
    Unknown(String, bool),
}

/// Why a message was not sent, by what is to be done; the words are for an agent or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The same call may succeed later; not before the given time has passed.
    Retry(String, Option<Duration>),
    /// The platform takes it from nobody for so long; then the same call may succeed.
    Wait(String, Duration),
    /// The customer wrote too long ago.
    OutsideWindow(String),
    /// The platform refuses it for good.
    Never(String),
    /// Nothing can be sent over this channel until somebody mends it.
    Stop(String),
}

impl Failure {
    /// In words for an agent.
    pub fn why(&self) -> &str {
        match self {
            Self::Retry(why, _)
            | Self::Wait(why, _)
            | Self::OutsideWindow(why)
            | Self::Never(why)
            | Self::Stop(why) => why,
        }
    }
}

/// What `channel test` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Checked {
    pub ok: bool,
    /// In words for an operator.
    pub detail: String,
    /// What the platform thinks of the channel, in its own word (`GREEN`), where it says so.
    pub quality: Option<String>,
    /// When the access token ends, where it does and the platform says so.
    pub token_expires_at: Option<DateTime<Utc>>,
}

impl Checked {
    /// The channel works.
    pub(super) fn works(detail: impl Into<String>) -> Self {
        Self { ok: true, detail: detail.into(), quality: None, token_expires_at: None }
    }

    /// It does not; why.
    pub(super) fn fails(why: impl Into<String>) -> Self {
        Self { ok: false, ..Self::works(why) }
    }
}

/// From where on a page is fetched.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub account: &'a str,
    /// What the doorbell gave; may be empty or too old.
    pub token: &'a str,
    pub cursor: Option<&'a str>,
    /// When the channel was connected.
    pub first: DateTime<Utc>,
}

/// What a doorbell announced.
#[derive(Debug)]
pub struct Page {
    pub events: Vec<RawEvent>,
    /// Where the next page begins; to be kept with the events.
    pub cursor: String,
    pub has_more: bool,
}
