//! The outside world's messages: verify, parse, send; one file per platform with its law.
//!
//! A channel knows bytes and its platform's rules, and neither customers nor conversations.

mod card;
mod enclosed;
pub mod files;
pub mod law;
mod message;
mod outside;
mod split;
#[cfg(test)]
mod tests;
mod token;
mod whole;

pub mod email;
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
use serde::Deserialize;
use serde_json::Value;

pub use card::Card;
use card::texts;
pub use message::*;
pub use outside::Outside;

use crate::platform::{Error, Result, upload::Incoming};
use files::Takes;
use law::{Law, Size};
use whole::whole_characters;

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
    /// A mailbox over IMAP and SMTP.
    Email(email::Email),
}

/// Every kind there is, as in `channels.platform` and in webhook paths.
pub const KINDS: [&str; 10] =
    ["web", "webhook", "whatsapp_cloud", "waha", "evolution", "gateway", "wecom_kf", "wechat_oa", "telegram", "email"];

/// The kinds whose platform says how a channel is (what it thinks of it, when the token ends): it is asked every day.
pub const WITH_HEALTH: [&str; 1] = ["whatsapp_cloud"];

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
        serde_json::from_slice(self.body)
            .or_else(|e| serde_json::from_slice(&whole_characters(self.body).ok_or(e)?))
            .map_err(|e| Error::Invalid(format!("the body is not what was expected: {e}")))
    }
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
            Channel::Email($channel) => $body,
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
            "email" => Self::Email(email::Email::open(config)?),
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
        let event = platforms!(self, channel => channel.parse(payload), web => Ok(Event::Nothing("the website has no raw events")));
        event.map(Event::storable)
    }

    /// The platform's rules.
    pub fn law(&self) -> Law {
        platforms!(self, channel => channel.law(), web => Law::free(Size::Chars(usize::MAX)))
    }

    /// `text` (and `choices`) as the messages that will stand on the wire.
    pub fn plan(&self, text: &str, choices: &[Choice]) -> Vec<Body> {
        let tappable = match self {
            Self::WhatsappCloud(channel) => channel.with_choices(text, choices),
            Self::WecomKf(channel) => channel.with_choices(text, choices),
            Self::Telegram(channel) => channel.with_choices(text, choices),
            _ => None,
        };
        if let Some(body) = tappable {
            return vec![body];
        }
        let text = split::numbered(text, choices);
        split::split(&text, self.law().size).into_iter().map(|text| Body::Text { text }).collect()
    }

    /// The first `most` of these messages, the last of them with `ending`, which says that something is missing.
    pub fn cut_short(&self, mut bodies: Vec<Body>, most: usize, ending: &str) -> Vec<Body> {
        let size = self.law().size;
        bodies.truncate(most.max(1));
        if let Some(Body::Text { text }) = bodies.last_mut() {
            let room = size.limit().saturating_sub(size.of(ending) + 2);
            *text = format!("{}\n\n{ending}", split::shorten(&format!("{text}…"), size.with_limit(room)));
        }
        bodies
    }

    /// What the platform takes of files.
    fn takes(&self) -> &'static [Takes] {
        const ANYTHING: &[Takes] = &[Takes::of(&["*"], FileKind::Document, 1 << 20, usize::MAX)];
        match self {
            Self::Web | Self::Webhook(_) => ANYTHING,
            Self::WhatsappCloud(_) => whatsapp_cloud::TAKES,
            Self::Waha(_) | Self::Evolution(_) | Self::Gateway(_) => gateway::TAKES,
            Self::WecomKf(_) => wecom_kf::TAKES,
            Self::WechatOa(_) => wechat_oa::TAKES,
            Self::Telegram(_) => telegram::TAKES,
            Self::Email(_) => email::TAKES,
        }
    }

    /// A file and what is said about it as the messages that will stand on the wire; the error is for an agent.
    pub fn plan_file(&self, file: &FileFacts, text: &str, link: Option<&str>) -> Result<Vec<Body>, String> {
        if matches!(self, Self::Webhook(_)) && link.is_none() {
            return Err("the receiver fetches files by their address: set server.public_url".into());
        }
        files::plan(self.takes(), self.law().size, file, text, link)
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

    /// Whether customers see emojis that we put on their messages.
    pub fn has_reactions(&self) -> bool {
        matches!(
            self,
            Self::Web
                | Self::WhatsappCloud(_)
                | Self::Waha(_)
                | Self::Evolution(_)
                | Self::Gateway(_)
                | Self::Telegram(_)
        )
    }

    /// Whether customers see which message one of ours answers.
    pub fn has_quotes(&self) -> bool {
        matches!(self, Self::WhatsappCloud(_) | Self::Waha(_) | Self::Evolution(_) | Self::Telegram(_))
    }

    /// Puts an emoji on a message of the customer, or takes it away (`None`). Doing it twice is doing it once.
    pub async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        match self {
            Self::Web => Sent::Accepted(None),
            Self::WhatsappCloud(channel) => channel.react(outside, to, emoji).await,
            Self::Waha(channel) => channel.react(outside, to, emoji).await,
            Self::Evolution(channel) => channel.react(outside, to, emoji).await,
            Self::Gateway(channel) => channel.react(outside, to, emoji).await,
            Self::Telegram(channel) => channel.react(outside, to, emoji).await,
            Self::Webhook(_) | Self::WecomKf(_) | Self::WechatOa(_) | Self::Email(_) => {
                Sent::Failed(Failure::Never("this channel has no reactions".into()))
            }
        }
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
            Self::Gateway(channel) if channel.attends() => Some(like_a_person),
            _ => None,
        }
    }

    /// Shows the customer that their message was read and that somebody writes. Failing does no harm.
    pub async fn attend(&self, outside: &Outside, customer: &Address, message: &str, now: DateTime<Utc>) -> Result<()> {
        match self {
            Self::WhatsappCloud(channel) => channel.attend(outside, message).await,
            Self::Waha(channel) => channel.attend(outside, &customer.id).await,
            Self::Evolution(channel) => channel.attend(outside, &customer.id, message).await,
            Self::Gateway(channel) => channel.attend(outside, &customer.id, message).await,
            Self::Telegram(channel) => channel.attend(outside, &customer.id).await,
            Self::WechatOa(channel) => channel.attend(outside, &customer.id, now).await,
            _ => Ok(()),
        }
    }

    /// Tells the platform that something arrived, where it shows the customer that it waits. Failing does no harm.
    pub async fn acknowledge(&self, outside: &Outside, message: &str) -> Result<()> {
        match self {
            Self::Telegram(channel) => channel.acknowledge(outside, message).await,
            _ => Ok(()),
        }
    }

    /// The other address of whoever wrote, where a gateway knows them by a hidden one.
    pub async fn unmask(&self, outside: &Outside, hidden: &Address) -> Result<Option<Address>> {
        match self {
            Self::Waha(channel) if hidden.kind == "lid" => channel.unmask(outside, &hidden.id).await,
            _ => Ok(None),
        }
    }

    /// How long that somebody writes is seen, where it may be shown again: a slow answer is not to look like none.
    pub fn attends_again(&self) -> Option<Duration> {
        match self {
            // It is seen for 25 seconds there, and for 5 at Telegram.
            Self::WhatsappCloud(_) => Some(Duration::seconds(20)),
            Self::Waha(channel) if channel.attends() => Some(Duration::seconds(20)),
            Self::Gateway(channel) if channel.attends() => Some(Duration::seconds(20)),
            Self::Telegram(_) => Some(Duration::seconds(4)),
            _ => None,
        }
    }

    /// Lets the customer see that `text` is being typed, where a person would be seen to: for as long as that takes.
    /// Failing does no harm.
    pub async fn type_out(&self, outside: &Outside, customer: &Address, chat: Option<&str>, text: &str) {
        match self {
            Self::Waha(channel) if channel.attends() => channel.type_out(outside, customer, chat, text).await,
            Self::Gateway(channel) if channel.attends() => channel.type_out(outside, customer, text).await,
            _ => {}
        }
    }

    /// Fetches a page of what a doorbell announced.
    pub async fn fetch_page(&self, outside: &Outside, from: Place<'_>, now: DateTime<Utc>) -> Result<Page> {
        match self {
            Self::WecomKf(channel) => channel.sync(outside, from, now).await,
            Self::Email(channel) => channel.fetch_page(from, now).await,
            _ => Err(Error::NotFound("doorbell")),
        }
    }

    /// An account that is looked at every so often, since nobody tells us that something waits.
    pub fn looks(&self) -> Option<(&str, Duration)> {
        match self {
            Self::Email(channel) => Some((channel.mailbox(), email::LOOKS)),
            _ => None,
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

    /// Downloads a file that a customer sent.
    pub async fn download(
        &self,
        outside: &Outside,
        media: &Media,
        into: &mut Incoming,
        now: DateTime<Utc>,
    ) -> Result<()> {
        match self {
            Self::WhatsappCloud(channel) => channel.download(outside, media, into).await,
            Self::WecomKf(channel) => channel.download(outside, media, into, now).await,
            Self::WechatOa(channel) => channel.download(outside, media, into, now).await,
            Self::Waha(channel) => channel.download(outside, media, into).await,
            Self::Evolution(channel) => channel.download(outside, media, into).await,
            Self::Gateway(channel) => channel.download(outside, media, into).await,
            Self::Telegram(channel) => channel.download(outside, media, into).await,
            Self::Email(channel) => channel.download(media, into).await,
            Self::Web | Self::Webhook(_) => Err(Error::NotFound("file")),
        }
    }

    /// How the platform says the channel is; the error: it could not be asked.
    pub async fn health(&self, outside: &Outside, now: DateTime<Utc>) -> Result<Checked> {
        match self {
            Self::WhatsappCloud(channel) => channel.health(outside).await,
            other => Ok(other.check(outside, now).await),
        }
    }

    /// Asks the platform whether the credentials work.
    pub async fn check(&self, outside: &Outside, now: DateTime<Utc>) -> Checked {
        platforms!(
            self,
            channel => channel.check(outside, now).await,
            web => Checked::works("the website's chat is served by this process")
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
