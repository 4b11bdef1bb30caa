//! Telegram bots (docs/channels/telegram.md).
//! <https://core.telegram.org/bots/api>

mod said;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Address, Arrival, Body, Card, Checked, Choice, Event, Failure, FileFacts, FileKind, Inbound, Media, Outbound,
    Outside, RawEvent, Reacted, Request, Sent, base_url, configured,
    files::Takes,
    gateway,
    law::{Law, Pace, Size},
    outside, seconds, text_at, texts,
};
use crate::platform::{Error, Result, crypto::same, upload::Incoming};
use said::{name, named, said, started, words};

/// With what our ids of taps begin.
const TAP: &str = "tap:";

/// Files of a message, and what we call each.
const FILES: [(&str, &str); 6] = [
    ("voice", "voice"),
    ("audio", "audio"),
    ("video", "video"),
    ("video_note", "video"),
    ("document", "document"),
    ("sticker", "sticker"),
];

/// What happens in a chat and nobody says. <https://core.telegram.org/bots/api#message>
const NOTICES: [&str; 39] = [
    "boost_added",
    "channel_chat_created",
    "chat_background_set",
    "chat_owner_changed",
    "chat_owner_left",
    "checklist_tasks_added",
    "checklist_tasks_done",
    "connected_website",
    "delete_chat_photo",
    "direct_message_price_changed",
    "forum_topic_closed",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_completed",
    "giveaway_created",
    "group_chat_created",
    "left_chat_member",
    "message_auto_delete_timer_changed",
    "migrate_from_chat_id",
    "new_chat_members",
    "new_chat_photo",
    "new_chat_title",
    "paid_message_price_changed",
    "pinned_message",
    "proximity_alert_triggered",
    "suggested_post_approval_failed",
    "suggested_post_approved",
    "suggested_post_declined",
    "suggested_post_paid",
    "suggested_post_refunded",
    "supergroup_chat_created",
    "video_chat_ended",
    "video_chat_participants_invited",
    "video_chat_scheduled",
    "video_chat_started",
    "write_access_allowed",
];

/// <https://core.telegram.org/bots/api#sending-files>
pub(super) const TAKES: &[Takes] = &[
    Takes::of(&["image/jpeg", "image/png"], FileKind::Image, 10, 1024),
    Takes::of(&["image/gif"], FileKind::Animation, 50, 1024),
    Takes::of(&["video/mp4"], FileKind::Video, 50, 1024),
    Takes::of(&["audio/mpeg", "audio/mp4"], FileKind::Audio, 50, 1024),
    Takes::of(&["audio/ogg"], FileKind::Voice, 50, 1024),
    Takes::of(&["*"], FileKind::Document, 50, 1024),
];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telegram {
    /// What BotFather gave. It stands in every address: no error may name one.
    bot_token: String,
    /// `secret_token` of the webhook.
    secret_token: String,
    #[serde(default = "telegram")]
    base_url: String,
    #[serde(default)]
    group_names: Vec<String>,
    /// What those are told who tap Start; by default a sentence in their program's language.
    #[serde(default)]
    greeting: Option<String>,
}

fn telegram() -> String {
    "https://api.telegram.org".into()
}

impl std::fmt::Debug for Telegram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Telegram(…)")
    }
}

impl Telegram {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut channel: Self = configured("telegram", config)?;
        channel.base_url = base_url("telegram", &channel.base_url)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if !(8..=256).contains(&channel.secret_token.len()) || !channel.secret_token.chars().all(plain) {
            return Err(Error::Invalid(
                "telegram channel: secret_token must be 8 to 256 letters, digits, _ or -".into(),
            ));
        }
        if channel.bot_token.is_empty() || !channel.bot_token.chars().all(|c| plain(c) || c == ':') {
            return Err(Error::Invalid("telegram channel: bot_token is not what BotFather gives".into()));
        }
        let size = channel.law().size;
        if channel.greeting.as_ref().is_some_and(|g| g.trim().is_empty() || size.of(g) > size.limit()) {
            return Err(Error::Invalid(format!(
                "telegram channel: greeting must have 1 to {} characters",
                size.limit()
            )));
        }
        Ok(channel)
    }

    /// One message a second to one chat; short bursts are let through.
    pub(super) fn law(&self) -> Law {
        Law { pace: Some(Pace { burst: 3, every: Duration::seconds(1) }), ..Law::free(Size::Utf16(4096)) }
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        let given = request.header("x-telegram-bot-api-secret-token").ok_or(Error::SignedOut)?;
        if !same(given, &self.secret_token) {
            return Err(Error::Forbidden);
        }
        let body: Value = request.json()?;
        let id = text_at(&body, "/update_id").ok_or_else(|| Error::Invalid("an update needs an update_id".into()))?;
        let chats = [
            "/message/chat/id",
            "/edited_message/chat/id",
            "/callback_query/message/chat/id",
            "/message_reaction/chat/id",
            "/my_chat_member/chat/id",
        ];
        let lane = chats.iter().find_map(|p| text_at(&body, p)).unwrap_or_default().into_owned();
        Ok(vec![RawEvent { external_id: format!("update:{id}"), lane, payload: body.to_string() }])
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let update: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        if let Some(message) = update.get("message") {
            return Ok(self.read_message(message));
        }
        if let Some(edited) = update.get("edited_message") {
            return Ok(Event::Edit { target: external(edited), text: words(edited) });
        }
        if let Some(tap) = update.get("callback_query") {
            let (Some(id), Some(from)) = (text_at(tap, "/id"), text_at(tap, "/from/id")) else {
                return Ok(Event::Nothing("a tap of nobody"));
            };
            let Some(data) = text_at(tap, "/data").map(|d| d.into_owned()) else {
                return Ok(Event::Nothing("a tap that says nothing, as on a game"));
            };
            // The button's own words, where the message still has them.
            let title = tap
                .pointer("/message/reply_markup/inline_keyboard")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_array)
                .flatten()
                .find(|b| b.get("callback_data").and_then(Value::as_str) == Some(&data))
                .and_then(|b| gateway::of(b, &["text"]));
            let title = title.unwrap_or_else(|| data.clone());
            let mut inbound =
                Inbound::text(format!("{TAP}{id}"), Address::new("telegram", from), title.clone()).of("button");
            inbound.sender_name = name(tap.get("from"));
            return Ok(Event::Message(inbound.with("button", json!({"id": data, "title": title}))));
        }
        if let Some(reaction) = update.get("message_reaction") {
            let chat = text_at(reaction, "/chat/id").unwrap_or_default();
            return Ok(Event::Reaction {
                by: Address::new("telegram", chat.clone()),
                target: format!("{chat}:{}", text_at(reaction, "/message_id").unwrap_or_default()),
                emoji: text_at(reaction, "/new_reaction/0/emoji").map(|e| e.into_owned()),
                at: seconds(reaction.get("date")),
            });
        }
        if let Some(change) = update.get("my_chat_member")
            && text_at(change, "/chat/type").is_none_or(|t| t == "private")
            && let Some(chat) = text_at(change, "/chat/id")
        {
            return Ok(match text_at(change, "/new_chat_member/status").as_deref() {
                Some("kicked") => Event::Blocked { customer: Address::new("telegram", chat), is_blocked: true },
                Some("member") => Event::Blocked { customer: Address::new("telegram", chat), is_blocked: false },
                _ => Event::Nothing("a change of the bot's that is only kept"),
            });
        }
        Ok(Event::Nothing("a kind of update that is only kept"))
    }

    fn read_message(&self, m: &Value) -> Event {
        let Some(chat) = text_at(m, "/chat/id") else {
            return Event::Nothing("a message without a chat");
        };
        if m.pointer("/from/is_bot") == Some(&Value::Bool(true)) {
            return Event::Nothing("a message of a bot");
        }
        if let Some(new) = text_at(m, "/migrate_to_chat_id") {
            return Event::Moved { from: vec![Address::new("group", chat)], to: vec![Address::new("group", new)] };
        }
        let is_private = text_at(m, "/chat/type").is_none_or(|t| t == "private");
        let kind = if is_private { "telegram" } else { "group" };
        let text = words(m);
        let address = Address::new(kind, chat);
        if let (true, Some(scene)) = (is_private, started(&text)) {
            return Event::Arrived(Arrival {
                customer: address,
                name: name(m.get("from")),
                at: seconds(m.get("date")),
                scene: (!scene.is_empty()).then(|| scene.into()),
                greeting: self.greeting(text_at(m, "/from/language_code").as_deref()),
            });
        }
        let mut inbound = Inbound::text(external(m), address, text);
        inbound.sender_name = name(m.get("from"));
        inbound.sent_at = seconds(m.get("date"));
        let file = |of: &Value| Media {
            id: gateway::of(of, &["file_id"]),
            mime_type: gateway::of(of, &["mime_type"]),
            filename: gateway::of(of, &["file_name"]),
            ..Media::default()
        };
        let mut content = "text";
        for (name, as_kind) in FILES {
            if let Some(of) = m.get(name) {
                (content, inbound.media) = (as_kind, Some(file(of)));
            }
        }
        // Sizes of one picture: the largest is the last.
        if let Some(largest) = m.get("photo").and_then(Value::as_array).and_then(|all| all.last()) {
            (content, inbound.media) = ("image", Some(file(largest)));
        }
        if let Some(emoji) = text_at(m, "/sticker/emoji") {
            inbound = inbound.with("sticker", json!({"emoji": emoji}));
        }
        if let Some(place) = m.get("location") {
            let place = named(place, m.get("venue"));
            let title = texts(&place, &["/name"]).concat();
            let card = Card::place(place.get("latitude"), place.get("longitude"), &title, texts(&place, &["/address"]));
            content = "location";
            inbound = inbound.showing(&card).with("location", place);
        }
        if let Some(who) = m.get("contact") {
            let card = Card::new(name(Some(who)).unwrap_or_default(), texts(who, &["/phone_number"]));
            content = "contacts";
            inbound = inbound.showing(&card).with("contacts", who.clone());
        }
        if let Some(answered) = m.get("reply_to_message") {
            inbound = inbound.with("context", json!({"id": external(answered)}));
        }
        if let Some(group) = text_at(m, "/media_group_id") {
            inbound = inbound.with("album", json!(group));
        }
        if content == "text" && inbound.text.is_empty() {
            if NOTICES.iter().any(|name| m.get(*name).is_some()) {
                return Event::Nothing("a notice of the platform");
            }
            // Polls, lists, games and what is new: a person looks at it.
            content = "unsupported";
            inbound = inbound.with("unsupported", said(m));
            if let Some(poll) = m.get("poll") {
                let options = poll.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let options = options.iter().flat_map(|option| texts(option, &["/text"]));
                content = "poll";
                inbound = inbound.showing(&Card::new(texts(poll, &["/question"]).concat(), options));
            }
        }
        gateway::in_a_group(inbound.of(content), text_at(m, "/from/id").map(|i| i.into_owned()), &self.group_names)
    }

    /// What somebody is told who opens the chat, by their program's language.
    fn greeting(&self, language: Option<&str>) -> String {
        let is_chinese = language.is_some_and(|l| l.starts_with("zh"));
        let usual = if is_chinese { "您好！请问有什么可以帮您？" } else { "Hello! How can I help you?" };
        self.greeting.clone().unwrap_or_else(|| usual.into())
    }

    /// Up to ten choices as buttons below the text; `None`: as text.
    pub(super) fn with_choices(&self, text: &str, choices: &[Choice]) -> Option<Body> {
        let size = self.law().size;
        let fits = !text.trim().is_empty() && size.of(text) <= size.limit();
        let are_taken = choices.iter().all(|c| (1..=64).contains(&c.id.len()) && !c.title.trim().is_empty());
        (fits && are_taken && (1..=10).contains(&choices.len()))
            .then(|| Body::Choices { text: text.trim().into(), choices: choices.to_vec() })
    }

    /// A tapped button turns until it is told that the tap arrived.
    pub(super) async fn acknowledge(&self, outside: &Outside, message: &str) -> Result<()> {
        if let Some(tap) = message.strip_prefix(TAP) {
            let body = json!({"callback_query_id": tap});
            outside::json(self.method(outside, "answerCallbackQuery", &body)).await?;
        }
        Ok(())
    }

    fn method(&self, outside: &Outside, method: &str, body: &Value) -> reqwest::RequestBuilder {
        outside.client(&self.base_url).post(format!("{}/bot{}/{method}", self.base_url, self.bot_token)).json(body)
    }

    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, _now: DateTime<Utc>) -> Sent {
        match &m.body {
            Body::Text { text } => {
                let body = json!({"chat_id": number(&m.recipient.id), "text": text});
                let body = outside::with(body, "reply_parameters", quoted(m));
                self.said(outside::json(self.method(outside, "sendMessage", &body)).await)
            }
            Body::Choices { text, choices } => {
                let rows: Vec<Value> =
                    choices.iter().map(|c| json!([{"text": c.title.trim(), "callback_data": c.id}])).collect();
                let body = json!({"chat_id": number(&m.recipient.id), "text": text,
                    "reply_markup": {"inline_keyboard": rows}});
                let body = outside::with(body, "reply_parameters", quoted(m));
                self.said(outside::json(self.method(outside, "sendMessage", &body)).await)
            }
            Body::File { file, kind, text } => {
                let sent = self.send_file(outside, m, file, *kind, text).await;
                // A picture that is too long or too wide to be shown can still be sent as a file.
                match sent {
                    Sent::Failed(Failure::Never(why)) if *kind == FileKind::Image && why.contains("PHOTO") => {
                        self.send_file(outside, m, file, FileKind::Document, text).await
                    }
                    sent => sent,
                }
            }
            _ => Sent::Failed(Failure::Never("this kind of message is not sent over Telegram".into())),
        }
    }

    async fn send_file(&self, outside: &Outside, m: &Outbound, file: &FileFacts, kind: FileKind, text: &str) -> Sent {
        let (method, field) = match kind {
            FileKind::Image => ("sendPhoto", "photo"),
            FileKind::Animation => ("sendAnimation", "animation"),
            FileKind::Video => ("sendVideo", "video"),
            FileKind::Audio => ("sendAudio", "audio"),
            FileKind::Voice => ("sendVoice", "voice"),
            FileKind::Document => ("sendDocument", "document"),
        };
        let part = match outside::form_part(m.file.as_deref(), file).await {
            Ok(part) => part,
            Err(lost) => return lost.of_a_message(false),
        };
        let mut form = reqwest::multipart::Form::new()
            .percent_encode_noop()
            .text("chat_id", m.recipient.id.clone())
            .part(field, part);
        if !text.is_empty() {
            form = form.text("caption", text.to_string());
        }
        if let Some(quoted) = quoted(m) {
            form = form.text("reply_parameters", quoted.to_string());
        }
        let request = outside.client(&self.base_url).post(format!("{}/bot{}/{method}", self.base_url, self.bot_token));
        self.said(outside::json(request.timeout(outside::UPLOAD_TIMEOUT).multipart(form)).await)
    }

    pub(super) async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        let Some((chat, message)) = to.message.rsplit_once(':').filter(|_| !to.message.starts_with(TAP)) else {
            return Sent::Failed(Failure::Never("the message can't carry a reaction".into()));
        };
        let reaction: Vec<Value> = emoji.into_iter().map(|e| json!({"type": "emoji", "emoji": e})).collect();
        let body = json!({"chat_id": number(chat), "message_id": number(message), "reaction": reaction});
        match self.said(outside::json(self.method(outside, "setMessageReaction", &body)).await) {
            // The answer names no message.
            Sent::Accepted(_) => Sent::Accepted(None),
            other => other,
        }
    }

    /// What the platform's answer to a send means.
    fn said(&self, answer: Result<(u16, Value), outside::Lost>) -> Sent {
        let (status, answer) = match answer {
            Ok(answered) => answered,
            Err(lost) => return lost.of_a_message(false),
        };
        let why = || text_at(&answer, "/description").unwrap_or_default().into_owned();
        match (status, answer.get("ok")) {
            (_, Some(Value::Bool(true))) => Sent::Accepted(answer.get("result").map(external)),
            (429, _) => {
                let wait = answer.pointer("/parameters/retry_after").and_then(Value::as_i64).unwrap_or(5);
                Sent::Failed(Failure::Retry("too many messages".into(), Some(Duration::seconds(wait.clamp(1, 3600)))))
            }
            (401 | 404, _) => Sent::Failed(Failure::Stop("the bot's token is no longer valid".into())),
            (403, _) => Sent::Failed(Failure::Never(format!("the customer has blocked the bot ({})", why()))),
            (400..=499, _) => Sent::Failed(Failure::Never(why())),
            _ => Sent::Unknown(format!("Telegram answered {status}"), false),
        }
    }

    pub(super) async fn attend(&self, outside: &Outside, chat: &str) -> Result<()> {
        outside::json(self.method(outside, "sendChatAction", &json!({"chat_id": chat, "action": "typing"}))).await?;
        Ok(())
    }

    pub(super) async fn download(&self, outside: &Outside, media: &Media, into: &mut Incoming) -> Result<()> {
        let id = media.id.as_deref().ok_or(Error::NotFound("file"))?;
        let (_, answer) = outside::json(self.method(outside, "getFile", &json!({"file_id": id}))).await?;
        let path = text_at(&answer, "/result/file_path").ok_or(Error::NotFound("file"))?;
        if path.contains("..") || path.contains("://") {
            return Err(Error::Invalid("the file's path is none".into()));
        }
        let address = format!("{}/file/bot{}/{path}", self.base_url, self.bot_token);
        outside.file(&address, &self.base_url, &[], &[], into).await
    }

    pub(super) async fn check(&self, outside: &Outside, _now: DateTime<Utc>) -> Checked {
        match outside::json(self.method(outside, "getMe", &json!({}))).await {
            Ok((200, answer)) => {
                Checked::works(format!("@{}", text_at(&answer, "/result/username").unwrap_or_default()))
            }
            Ok((status, _)) => Checked::fails(format!("Telegram answers {status}: is the token right?")),
            Err(lost) => Checked::fails(Error::from(lost).chain()),
        }
    }
}

/// What a message of ours answers; it goes out all the same when that is gone by then.
/// <https://core.telegram.org/bots/api#replyparameters>
fn quoted(m: &Outbound) -> Option<Value> {
    let (chat, message) = m.quotes.as_ref()?.id.rsplit_once(':')?;
    let message: i64 = message.parse().ok()?;
    (chat == m.recipient.id).then(|| json!({"message_id": message, "allow_sending_without_reply": true}))
}

/// Ids are numbers to the platform; a group's may be a name.
fn number(id: &str) -> Value {
    id.parse::<i64>().map_or_else(|_| json!(id), |id| json!(id))
}

/// Ids of messages count per chat.
fn external(message: &Value) -> String {
    let of = |pointer: &str| text_at(message, pointer).unwrap_or_default().into_owned();
    format!("{}:{}", of("/chat/id"), of("/message_id"))
}
