//! The outside world's messages: verify, parse, send; one file per platform with its law.
//!
//! A channel knows bytes and its platform's rules, and neither customers nor conversations.

pub mod law;
mod outside;
mod split;
mod token;

pub mod evolution;
pub mod gateway;
pub mod telegram;
pub mod waha;
pub mod webhook;
pub mod wechat_crypto;
pub mod wechat_oa;
pub mod wecom_kf;
pub mod whatsapp_cloud;

use axum::http::HeaderMap;
use bytes::Bytes;
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use outside::Outside;

use crate::platform::{Error, Result};
use law::{Law, Size};

/// A connected channel, ready to verify, parse and send.
#[derive(Debug, Clone)]
pub enum Channel {
    /// The website's chat: its messages come through the widget's own routes and are fetched by the page.
    Web,
    /// Anything that speaks our signed webhook.
    Webhook(webhook::Webhook),
    /// Meta's official interface to WhatsApp.
    WhatsappCloud(whatsapp_cloud::WhatsappCloud),
    /// WhatsApp over a WAHA server: unofficial.
    Waha(waha::Waha),
    /// WhatsApp over an Evolution server: unofficial.
    Evolution(evolution::Evolution),
    /// WhatsApp over a gateway that speaks our simple contract: unofficial.
    Gateway(gateway::Gateway),
    /// WeCom customer service (微信客服).
    WecomKf(wecom_kf::WecomKf),
    /// A WeChat official account (公众号).
    WechatOa(wechat_oa::WechatOa),
    Telegram(telegram::Telegram),
}

/// Every kind there is, as in `channels.platform` and in webhook paths.
pub const KINDS: [&str; 9] =
    ["web", "webhook", "whatsapp_cloud", "waha", "evolution", "gateway", "wecom_kf", "wechat_oa", "telegram"];

/// One delivery of a platform as it came.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What follows the channel's id in the path, without the slash.
    pub path: &'a str,
    /// The query as it was sent, without the question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
}

impl Request<'_> {
    /// A value of the query, percent-decoded once.
    fn value(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.body).map_err(|e| Error::Invalid(format!("the body is not what was expected: {e}")))
    }
}

/// One raw event as the platform sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The customer has another address now.
    Moved { from: Vec<Address>, to: Vec<Address> },
    /// Something waits to be fetched.
    Doorbell { account: String, token: String },
    /// The state of the connection itself.
    Connection(Connection),
    /// Nothing that concerns a conversation; why.
    Nothing(&'static str),
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
    pub media_url: Option<String>,
    pub sent_at: Option<DateTime<Utc>>,
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
            media_url: None,
            sent_at: None,
            metadata: json!({}),
        }
    }

    /// The same with another kind of content.
    fn of(self, content_type: &str) -> Self {
        Self { content_type: content_type.into(), ..self }
    }

    /// The same with one more fact for whoever looks at the message.
    fn with(mut self, key: &str, value: Value) -> Self {
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

/// The state of the connection to the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    pub is_up: bool,
    /// A word of the platform: `SCAN_QR_CODE`, `close`, `DISABLE` …
    pub state: String,
    /// In words for an operator.
    pub detail: String,
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
    Reaction {
        target: String,
        emoji: String,
    },
}

impl Body {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
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
    pub sources: Option<Value>,
    /// The customer's last message, by the platform's id.
    pub answers: Option<String>,
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
            Self::Retry(why, _) | Self::OutsideWindow(why) | Self::Never(why) | Self::Stop(why) => why,
        }
    }
}

/// What `channel test` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Checked {
    pub ok: bool,
    /// In words for an operator.
    pub detail: String,
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

macro_rules! platforms {
    ($on:expr, $channel:ident => $body:expr, web => $web:expr) => {
        match $on {
            Channel::Web => $web,
            Channel::Webhook($channel) => $body,
            Channel::WhatsappCloud($channel) => $body,
            Channel::Waha($channel) => $body,
            Channel::Evolution($channel) => $body,
            Channel::Gateway($channel) => $body,
            Channel::WecomKf($channel) => $body,
            Channel::WechatOa($channel) => $body,
            Channel::Telegram($channel) => $body,
        }
    };
}

impl Channel {
    /// The channel of a row: its platform and its opened configuration.
    pub fn open(platform: &str, config: &Value) -> Result<Self> {
        Ok(match platform {
            "web" => {
                if !config.is_null() {
                    configured::<WebConfig>("web", config)?;
                }
                Self::Web
            }
            "webhook" => Self::Webhook(webhook::Webhook::open(config)?),
            "whatsapp_cloud" => Self::WhatsappCloud(whatsapp_cloud::WhatsappCloud::open(config)?),
            "waha" => Self::Waha(waha::Waha::open(config)?),
            "evolution" => Self::Evolution(evolution::Evolution::open(config)?),
            "gateway" => Self::Gateway(gateway::Gateway::open(config)?),
            "wecom_kf" => Self::WecomKf(wecom_kf::WecomKf::open(config)?),
            "wechat_oa" => Self::WechatOa(wechat_oa::WechatOa::open(config)?),
            "telegram" => Self::Telegram(telegram::Telegram::open(config)?),
            other => return Err(Error::Invalid(format!("'{other}' is not a kind of channel that this version knows"))),
        })
    }

    /// Answers the question by which a platform makes sure that the address is ours (GET): the text to send back.
    pub fn handshake(&self, request: &Request<'_>) -> Result<String> {
        match self {
            Self::WhatsappCloud(channel) => channel.handshake(request),
            Self::WecomKf(channel) => channel.handshake(request),
            Self::WechatOa(channel) => channel.handshake(request),
            _ => Err(Error::NotFound("page")),
        }
    }

    /// Checks that the platform sent these bytes and takes them apart into raw events.
    pub fn verify(&self, request: &Request<'_>, now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        platforms!(self, channel => channel.verify(request, now), web => Err(Error::NotFound("webhook")))
    }

    /// The account at the platform that this channel is, where one address may serve several channels.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::WhatsappCloud(channel) => Some(channel.account()),
            _ => None,
        }
    }

    /// The account that an event concerns, when it is another than this channel's: one address may serve several.
    pub fn other_account(&self, event: &RawEvent) -> Option<String> {
        match self {
            Self::WhatsappCloud(channel) => channel.other_account(&event.payload),
            _ => None,
        }
    }

    /// What the platform wants to read when its events are kept.
    pub fn thanks(&self) -> &'static str {
        if matches!(self, Self::WecomKf(_) | Self::WechatOa(_)) { "success" } else { "" }
    }

    /// What a raw event says.
    pub fn parse(&self, payload: &str) -> Result<Event> {
        platforms!(self, channel => channel.parse(payload), web => Ok(Event::Nothing("the website has no raw events")))
    }

    /// The platform's rules.
    pub fn law(&self) -> Law {
        platforms!(self, channel => channel.law(), web => Law::free(Size::Chars(usize::MAX)))
    }

    /// `text` (and `choices`) as the messages that will stand on the wire.
    pub fn plan(&self, text: &str, choices: &[Choice]) -> Vec<Body> {
        if let Self::WhatsappCloud(channel) = self
            && let Some(body) = channel.with_choices(text, choices)
        {
            return vec![body];
        }
        if let Self::WecomKf(channel) = self
            && let Some(body) = channel.with_choices(text, choices)
        {
            return vec![body];
        }
        let text = split::numbered(text, choices);
        split::split(&text, self.law().size).into_iter().map(|text| Body::Text { text }).collect()
    }

    /// The template to be sent with `text` in it when the window is closed, if one is configured.
    pub fn template(&self, text: &str) -> Option<Body> {
        match self {
            Self::WhatsappCloud(channel) => channel.template(text),
            _ => None,
        }
    }

    /// Whether a send that was interrupted may be repeated, because the platform recognises our id.
    pub fn recognises_repeats(&self) -> bool {
        match self {
            Self::Web | Self::Webhook(_) | Self::WecomKf(_) => true,
            Self::Gateway(channel) => channel.recognises_repeats(),
            _ => false,
        }
    }

    /// Sends one message.
    pub async fn send(&self, outside: &Outside, message: &Outbound, now: DateTime<Utc>) -> Sent {
        // The page fetches what the database holds: storing it was sending it.
        platforms!(self, channel => channel.send(outside, message, now).await, web => Sent::Accepted(None))
    }

    /// How long after a message the customer sees that it was read; `None`: the platform has no such sign, or its
    /// gateway does it by itself.
    pub fn attends_after(&self, chance: f64) -> Option<Duration> {
        // Between three and ten seconds, like somebody who looks up.
        let like_a_person = Duration::milliseconds(3000 + (chance.clamp(0.0, 1.0) * 7000.0) as i64);
        match self {
            Self::WhatsappCloud(_) | Self::Telegram(_) | Self::WechatOa(_) => Some(Duration::zero()),
            Self::Waha(channel) if channel.attends() => Some(like_a_person),
            Self::Evolution(channel) if channel.attends() => Some(like_a_person),
            _ => None,
        }
    }

    /// Shows the customer that their message was read and that somebody writes. Failing does no harm.
    pub async fn attend(&self, outside: &Outside, customer: &Address, message: &str, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::WhatsappCloud(channel) => channel.attend(outside, message).await,
            Self::Waha(channel) => channel.attend(outside, &customer.id).await,
            Self::Evolution(channel) => channel.attend(outside, &customer.id, message).await,
            Self::Telegram(channel) => channel.attend(outside, &customer.id).await,
            Self::WechatOa(channel) => channel.attend(outside, &customer.id, now).await,
            _ => Ok(()),
        }
    }

    /// Fetches a page of what a doorbell announced.
    pub async fn fetch_page(&self, outside: &Outside, from: Place<'_>, now: DateTime<Utc>) -> Result<Page> {
        match self {
            Self::WecomKf(channel) => channel.sync(outside, from, now).await,
            _ => Err(Error::NotFound("doorbell")),
        }
    }

    /// Gives the customer to the people who serve at the platform itself, where an admin wants that.
    pub async fn transfer(
        &self,
        outside: &Outside,
        customer: &Address,
        chat: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        match self {
            Self::WecomKf(channel) => channel.transfer(outside, &customer.id, chat, now).await,
            _ => Ok(()),
        }
    }

    /// Whether hand-offs go to people at the platform.
    pub fn transfers(&self) -> bool {
        matches!(self, Self::WecomKf(channel) if channel.transfers())
    }

    /// Downloads a file that a customer sent: at most `limit` bytes of it.
    pub async fn download(&self, outside: &Outside, media: &Media, limit: u64, now: DateTime<Utc>) -> Result<Bytes> {
        match self {
            Self::WhatsappCloud(channel) => channel.download(outside, media, limit).await,
            Self::WecomKf(channel) => channel.download(outside, media, limit, now).await,
            Self::WechatOa(channel) => channel.download(outside, media, limit, now).await,
            Self::Waha(channel) => channel.download(outside, media, limit).await,
            Self::Evolution(channel) => channel.download(outside, media, limit).await,
            Self::Gateway(channel) => channel.download(outside, media, limit).await,
            Self::Telegram(channel) => channel.download(outside, media, limit).await,
            Self::Web | Self::Webhook(_) => Err(Error::NotFound("file")),
        }
    }

    /// Asks the platform whether the credentials work.
    pub async fn check(&self, outside: &Outside, now: DateTime<Utc>) -> Checked {
        platforms!(
            self,
            channel => channel.check(outside, now).await,
            web => Checked { ok: true, detail: "the website's chat is served by this process".into() }
        )
    }
}

/// What a website's channel may keep sealed; the widget's routes read it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebConfig {
    /// With it the website's server vouches for its users.
    #[serde(default)]
    #[expect(dead_code, reason = "only its presence and type are checked here")]
    identity_secret: Option<String>,
}

/// A configuration taken apart: what is missing or unknown is said by name, never with its value.
fn configured<T: serde::de::DeserializeOwned>(kind: &str, config: &Value) -> Result<T> {
    serde_json::from_value(config.clone()).map_err(|e| Error::Invalid(format!("{kind} channel: {e}")))
}

/// A base address without its last slash; only http and https.
fn base_url(kind: &str, text: &str) -> Result<String> {
    let wrong = || Error::Invalid(format!("{kind} channel: base_url must be an address like https://example.com"));
    let url = url::Url::parse(text.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
        return Err(wrong());
    }
    Ok(text.trim().trim_end_matches('/').to_string())
}

/// Seconds since 1970 as platforms write them: a number, a float or a text.
fn seconds(value: Option<&Value>) -> Option<DateTime<Utc>> {
    let value = value?;
    let seconds =
        value.as_i64().or_else(|| value.as_f64().map(|f| f as i64)).or_else(|| value.as_str()?.parse().ok())?;
    // Later than the year 2286 it can only be milliseconds.
    if seconds > 9_999_999_999 {
        DateTime::from_timestamp_millis(seconds)
    } else {
        DateTime::from_timestamp(seconds, 0)
    }
}

/// The text at a JSON pointer, when there is a text (or a number).
fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<std::borrow::Cow<'a, str>> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.as_str().into()),
        Value::Number(n) => Some(n.to_string().into()),
        _ => None,
    }
}
