//! WhatsApp over a gateway that speaks our simple contract (docs/channels/gateway.md): unofficial.
//!
//! The gateway posts to `messages/inbox`, `messages/ack` and `customers/photo` below the channel's path, with the
//! channel's token as bearer; we post to its `/send` with the same token. What comes in is taken in any of the
//! spellings that gateways use; what goes out is exact.

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Address, Body, Card, Checked, Connection, Echo, Event, Failure, FileKind, Inbound, Media, Outbound, Outside,
    Progress, RawEvent, Reacted, Receipt, Request, Sent, base_url, configured,
    files::Takes,
    law::{Law, Pace, Size},
    outside, seconds, texts,
};
use crate::platform::{
    Error, Result,
    crypto::{same, sha256_hex},
    upload::Incoming,
};

/// Files travel in base64 in the request itself: as large as gateways take in one.
pub(super) const TAKES: &[Takes] = &[
    Takes::of(&["image/jpeg", "image/png"], FileKind::Image, 16, 1024),
    Takes::of(&["video/mp4"], FileKind::Video, 16, 1024),
    Takes::of(&["audio/ogg"], FileKind::Voice, 16, 0),
    Takes::of(&["audio/aac", "audio/mp4", "audio/mpeg", "audio/amr"], FileKind::Audio, 16, 0),
    Takes::of(&["*"], FileKind::Document, 16, 1024),
];

/// Where WhatsApp keeps how its customers show themselves.
const PICTURES: [&str; 1] = ["*.whatsapp.net"];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Both sides show it.
    token: String,
    /// Where the gateway listens; without it messages only come in.
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    group_names: Vec<String>,
    /// True: the gateway sends a message once, however often it gets the same `id`.
    #[serde(default)]
    idempotent: bool,
    /// True: we say when to mark messages as read and when to show typing; by default the gateway does both by itself.
    #[serde(default)]
    smart_read: bool,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway(…)")
    }
}

/// Whether `request` shows `token` as its bearer.
pub(super) fn bears(request: &Request<'_>, token: &str) -> Result<()> {
    let shown = request.header("authorization").ok_or(Error::SignedOut)?;
    let shown = shown.strip_prefix("Bearer ").or_else(|| shown.strip_prefix("bearer ")).ok_or(Error::SignedOut)?;
    if same(shown.trim(), token) { Ok(()) } else { Err(Error::Forbidden) }
}

/// What unofficial clients of WhatsApp are held to: slowly, one after the other.
pub(super) fn law() -> Law {
    Law { pace: Some(Pace { burst: 2, every: Duration::milliseconds(1500) }), ..Law::free(Size::Chars(4096)) }
}

/// How long a person would be seen to type `text`.
pub(super) fn typing_time(text: &str) -> std::time::Duration {
    let ms = 400 + 20 * text.chars().count() as u64;
    std::time::Duration::from_millis(ms.min(3000))
}

impl Gateway {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut channel: Self = configured("gateway", config)?;
        if let Some(base) = &channel.base_url {
            channel.base_url = Some(base_url("gateway", base)?);
        }
        if channel.token.len() < 16 {
            return Err(Error::Invalid("gateway channel: the token must have at least 16 characters".into()));
        }
        Ok(channel)
    }

    pub(super) fn law(&self) -> Law {
        law()
    }

    pub(super) fn attends(&self) -> bool {
        self.smart_read
    }

    pub(super) fn recognises_repeats(&self) -> bool {
        self.idempotent
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        bears(request, &self.token)?;
        let what = match request.path.trim_matches('/') {
            "messages/inbox" => "message",
            "messages/ack" => "ack",
            "customers/photo" => "photo",
            "status" => "status",
            _ => return Err(Error::NotFound("page")),
        };
        let body: Value = request.json()?;
        // One, or many in a list or under `messages`.
        let all = match &body {
            Value::Array(all) => all.clone(),
            Value::Object(fields) => match fields.get("messages").and_then(Value::as_array) {
                Some(all) => all.clone(),
                None => vec![body.clone()],
            },
            _ => return Err(Error::Invalid("expected an object or a list of them".into())),
        };
        all.iter().map(|item| raw(what, item)).collect()
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let event: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        let item = |name: &str| event.get(name);
        Ok(if let Some(message) = item("message") {
            self.read_message(message)
        } else if let Some(ack) = item("ack") {
            read_ack(ack)
        } else if let Some(status) = item("status") {
            let state = of(status, &["state", "status"]).unwrap_or_default();
            let is_up = match state.to_lowercase().as_str() {
                "connected" | "ready" | "open" | "working" => Some(true),
                "starting" | "connecting" | "loading" | "authenticated" => None,
                _ => Some(false),
            };
            Event::Connection(Connection::link(is_up, state.clone(), format!("the gateway says: {state}")))
        } else {
            item("photo").map_or(Event::Nothing("an event of another kind"), read_photo)
        })
    }

    fn read_message(&self, m: &Value) -> Event {
        let (Some(id), Some(from)) = (id(m), of(m, FROM)) else {
            return Event::Nothing("a message without id or sender");
        };
        let text = of(m, &["text", "body", "content", "message", "caption"]).unwrap_or_default();
        let at = seconds(["timestamp", "time", "t", "sent_at"].iter().find_map(|n| m.get(*n)));
        let at = at.or_else(|| m.get("sent_at")?.as_str()?.parse().ok());
        let kind = of(m, &["type", "content_type"]).unwrap_or_else(|| "text".into());
        if NOTICES.contains(&kind.as_str()) {
            return Event::Nothing("a notice of the platform");
        }
        let kind = match kind.as_str() {
            "chat" | "text" => "text",
            "image" | "video" | "audio" | "document" | "sticker" | "location" => kind.as_str(),
            "ptt" | "voice" => "voice",
            "vcard" | "contacts" | "contact" => "contacts",
            _ => "unsupported",
        };
        let is_own = is_own(m);
        let chat = chat(m).unwrap_or(from);
        if chat.ends_with("@broadcast") || chat.ends_with("@newsletter") {
            return Event::Nothing("a broadcast");
        }
        let customer = address(&chat);
        if is_own {
            return if flag(m, &["from_api", "fromApi", "echo"]) {
                Event::Nothing("our own message")
            } else {
                Event::Echo(Echo {
                    external_message_id: id,
                    customer,
                    external_chat_id: None,
                    content_type: kind.into(),
                    text,
                    sent_at: at,
                })
            };
        }
        let mut inbound = Inbound::text(id, customer, text);
        inbound.sender_name = of(m, &["name", "sender_name", "pushname", "notifyName"]);
        inbound.sent_at = at;
        let url = of(m, &["media_url", "mediaUrl", "url"]);
        if let Some(url) = url.filter(|_| !matches!(kind, "text" | "location" | "contacts")) {
            inbound.media = Some(Media {
                url: Some(url),
                mime_type: of(m, &["mime_type", "mimetype"]),
                filename: of(m, &["filename"]),
                ..Media::default()
            });
        }
        if let Some(place) = m.get("location").filter(|l| l.is_object()) {
            let name = texts(place, &["/name", "/title", "/description", "/address"]);
            let (name, lines) =
                name.split_first().map_or((String::new(), Vec::new()), |(n, l)| (n.clone(), l.to_vec()));
            let card = Card::place(place.get("latitude"), place.get("longitude"), &name, lines);
            inbound = inbound.showing(&card).with("location", place.clone());
        }
        let cards = ["vcards", "vCards"].iter().find_map(|name| m.get(*name)?.as_array());
        let cards: Vec<&str> = cards.into_iter().flatten().chain(m.get("vcard")).filter_map(Value::as_str).collect();
        if !cards.is_empty() {
            inbound = inbound.showing(&Card::people(cards));
        }
        in_a_group(inbound.of(kind), of(m, &["participant", "author"]), &self.group_names)
    }

    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, _now: DateTime<Utc>) -> Sent {
        let body = match &m.body {
            Body::Text { text } => json!({"id": m.id, "to": m.recipient.id, "text": text}),
            Body::File { file, kind, text } => match outside::base64(m.file.as_deref()).await {
                Ok(data) => json!({"id": m.id, "to": m.recipient.id, "text": text, "file":
                    {"kind": kind, "mime_type": file.mime_type, "filename": file.name, "data": data}}),
                Err(lost) => return lost.of_a_message(self.idempotent),
            },
            _ => return Sent::Failed(Failure::Never("gateways take texts and files only".into())),
        };
        self.post(outside, "send", Some(&m.id), &body).await
    }

    /// That the customer's message was read.
    pub(super) async fn attend(&self, outside: &Outside, customer: &str, message: &str) -> Result<()> {
        self.show(outside, "seen", &json!({"to": customer, "message_id": message})).await?;
        self.show(outside, "typing", &json!({"to": customer, "for_ms": 20_000})).await
    }

    /// Typing before the text, for as long as it takes.
    pub(super) async fn type_out(&self, outside: &Outside, customer: &Address, text: &str) {
        let time = typing_time(text);
        let _ = self.show(outside, "typing", &json!({"to": customer.id, "for_ms": time.as_millis()})).await;
        outside.wait(time).await;
    }

    async fn show(&self, outside: &Outside, path: &str, body: &Value) -> Result<()> {
        let Some(base) = &self.base_url else { return Ok(()) };
        outside::json(outside.configured().post(format!("{base}/{path}")).bearer_auth(&self.token).json(body)).await?;
        Ok(())
    }

    pub(super) async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        let body = json!({"to": to.customer.id, "message_id": to.message, "emoji": emoji});
        self.post(outside, "react", None, &body).await
    }

    async fn post(&self, outside: &Outside, path: &str, key: Option<&str>, body: &Value) -> Sent {
        let Some(base) = &self.base_url else {
            return Sent::Failed(Failure::Never("this channel has no base_url: messages can only come in".into()));
        };
        let mut request = outside.client(base).post(format!("{base}/{path}")).bearer_auth(&self.token).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        match outside::json(request).await {
            Ok((200..=299, answer)) => Sent::Accepted(
                of(&answer, &["id", "message_id", "messageId", "whatsapp_id"]).filter(|id| !id.is_empty()),
            ),
            Ok((408 | 425 | 429, _)) => Sent::Failed(Failure::Retry("the gateway is busy".into(), None)),
            Ok((401 | 403, _)) => Sent::Failed(Failure::Stop("the gateway does not take our token".into())),
            Ok((status @ 400..=499, _)) => Sent::Failed(Failure::Never(format!("the gateway refused it ({status})"))),
            Ok((status, _)) => Sent::Unknown(format!("the gateway answered {status}"), self.idempotent),
            Err(lost) => lost.of_a_message(self.idempotent),
        }
    }

    pub(super) async fn download(&self, outside: &Outside, media: &Media, into: &mut Incoming) -> Result<()> {
        let url = media.url.as_deref().ok_or(Error::NotFound("file"))?;
        let base = self.base_url.as_deref().unwrap_or_default();
        // Pictures of customers lie at WhatsApp, whom our token is no business of.
        if url::Url::parse(url).is_ok_and(|url| outside::is_listed(&url, &PICTURES)) {
            return outside.file(url, base, &PICTURES, &[], into).await;
        }
        let bearer = format!("Bearer {}", self.token);
        outside.file(url, base, &[], &[("authorization", &bearer)], into).await
    }

    pub(super) async fn check(&self, outside: &Outside, _now: DateTime<Utc>) -> Checked {
        let Some(base) = &self.base_url else {
            return Checked::works("messages only come in: there is no base_url");
        };
        match outside::json(outside.client(base).get(format!("{base}/health")).bearer_auth(&self.token)).await {
            Ok((200..=299, _)) => Checked::works("the gateway answers"),
            Ok((status, _)) => Checked::fails(format!("the gateway answers {status} at /health")),
            Err(lost) => Checked::fails(Error::from(lost).chain()),
        }
    }
}

/// Kinds of messages that WhatsApp writes into a chat by itself, as its web client names them.
pub(super) const NOTICES: [&str; 7] = [
    "e2e_notification",
    "call_log",
    "notification",
    "notification_template",
    "gp2",
    "protocol",
    "broadcast_notification",
];

const FROM: &[&str] = &["from", "sender", "phone", "chat_id", "chatId"];

/// The first of these names that holds a text or a number; an object's `id` or `_serialized` counts too.
pub(super) fn of(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match value.get(*name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Object(fields) => {
            let inner = fields.get("_serialized").or_else(|| fields.get("id")).or_else(|| fields.get("body"));
            inner.and_then(Value::as_str).map(String::from)
        }
        _ => None,
    })
}

fn flag(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| value.get(*name) == Some(&Value::Bool(true)))
}

/// Whether somebody wrote it on the phone, or we did.
fn is_own(m: &Value) -> bool {
    flag(m, &["from_me", "fromMe"])
}

/// With whom the talk is.
fn chat(m: &Value) -> Option<String> {
    let to = if is_own(m) { of(m, &["to", "chat_id", "chatId"]) } else { None };
    to.or_else(|| of(m, FROM))
}

fn id(m: &Value) -> Option<String> {
    of(m, &["id", "message_id", "messageId", "whatsapp_id"]).filter(|id| !id.is_empty())
}

/// `60123456789@c.us` and `60123456789` are a phone, `…@lid` is a hidden id, `…@g.us` a group.
pub(super) fn address(chat: &str) -> Address {
    match chat.split_once('@') {
        Some((_, "g.us")) => Address::new("group", chat),
        Some((_, "lid")) => Address::new("lid", chat),
        // A device of the same person: `60123456789:12@s.whatsapp.net`.
        Some((user, _)) => Address::new("phone", user.split(':').next().unwrap_or(user)),
        None => Address::new("phone", chat.trim().trim_start_matches('+')),
    }
}

/// Groups are left alone unless the assistant was called by one of its names.
pub(super) fn in_a_group(inbound: Inbound, member: Option<String>, names: &[String]) -> Event {
    if inbound.kind != "group" {
        return Event::Message(inbound);
    }
    let said = inbound.text.to_lowercase();
    if !names.iter().any(|name| !name.is_empty() && said.contains(&name.to_lowercase())) {
        return Event::Nothing("a message in a group");
    }
    Event::Message(inbound.with("group_member", member.map_or(Value::Null, Value::String)))
}

fn raw(what: &str, item: &Value) -> Result<RawEvent> {
    let own = id(item);
    let wants_id = matches!(what, "message" | "ack");
    if wants_id && own.is_none() {
        return Err(Error::Invalid("each message and each ack needs an id".into()));
    }
    if what == "message" && of(item, FROM).is_none() {
        return Err(Error::Invalid("each message needs from".into()));
    }
    let own = own.unwrap_or_else(|| sha256_hex(item.to_string().as_bytes()));
    let state = of(item, &["ack", "status", "state"]).unwrap_or_default();
    let payload = json!({what: item}).to_string();
    Ok(match what {
        "message" => RawEvent { external_id: format!("message:{own}"), lane: chat(item).unwrap_or_default(), payload },
        "ack" => RawEvent { external_id: format!("ack:{own}:{state}"), lane: format!("ack:{own}"), payload },
        // The same picture again is no news, and fetching one keeps no message waiting.
        "photo" => {
            let lane = format!("photo:{}", chat(item).unwrap_or_default());
            RawEvent { external_id: format!("photo:{}", sha256_hex(payload.as_bytes())), lane, payload }
        }
        // Each state of the connection counts anew.
        _ => RawEvent { external_id: format!("{what}:{}", uuid::Uuid::now_v7()), lane: what.into(), payload },
    })
}

fn read_photo(photo: &Value) -> Event {
    let url = of(photo, &["photo_url", "photoUrl", "url", "picture", "media_url"]).filter(|url| !url.is_empty());
    match (of(photo, FROM).map(|chat| address(&chat)), url) {
        (Some(customer), Some(url)) if customer.kind != "group" => {
            Event::Photo { customer, media: Media { url: Some(url), ..Media::default() } }
        }
        _ => Event::Nothing("a picture of nobody, or none"),
    }
}

/// 1 sent, 2 delivered, 3 read, 4 played, -1 failed; or the words.
fn read_ack(ack: &Value) -> Event {
    let Some(external_id) = id(ack) else {
        return Event::Nothing("an ack of nothing");
    };
    let state = match of(ack, &["ack", "status"]).unwrap_or_default().to_lowercase().as_str() {
        "1" | "sent" | "server" => Progress::Sent,
        "2" | "delivered" | "device" => Progress::Delivered,
        "3" | "read" => Progress::Read,
        "4" | "played" => Progress::Played,
        "-1" | "failed" | "error" => Progress::Failed,
        _ => return Event::Nothing("an ack that this version does not know"),
    };
    Event::Receipt(Receipt {
        key: of(ack, &["key", "client_id", "our_id"]),
        external_id,
        state,
        at: seconds(ack.get("timestamp")),
        failure: (state == Progress::Failed).then(|| {
            Failure::Never(of(ack, &["error", "reason"]).unwrap_or_else(|| "the gateway could not deliver it".into()))
        }),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use axum::http::HeaderMap;

    fn channel() -> Gateway {
        Gateway::open(&json!({"token": "a token of sixteen", "group_names": ["Bell"]})).unwrap()
    }

    fn hear(path: &str, token: &str, body: &Value) -> Result<Vec<Event>> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        let body = Bytes::from(body.to_string());
        let request = Request { path, query: "", headers: &headers, body: &body };
        channel().verify(&request, Utc::now())?.iter().map(|raw| channel().parse(&raw.payload)).collect()
    }

    #[test]
    fn the_spellings_of_several_gateways_mean_the_same() {
        for body in [
            json!({"id": "A1", "from": "60123456789", "text": "hi", "name": "Ana"}),
            json!({"id": {"_serialized": "A1"}, "from": "60123456789@c.us", "body": "hi", "type": "chat", "pushname": "Ana"}),
            json!({"messages": [{"whatsapp_id": "A1", "phone": "+60123456789", "content": "hi", "name": "Ana"}]}),
            json!([{"messageId": "A1", "chatId": "60123456789:3@s.whatsapp.net", "message": "hi", "notifyName": "Ana"}]),
        ] {
            let heard = hear("messages/inbox", "a token of sixteen", &body).unwrap();
            let [Event::Message(m)] = heard.as_slice() else { panic!("{body}: {heard:?}") };
            let got = (m.external_message_id.as_str(), m.kind.as_str(), m.sender.as_str(), m.text.as_str());
            assert_eq!(got, ("A1", "phone", "60123456789", "hi"), "{body}");
            assert_eq!(m.sender_name.as_deref(), Some("Ana"));
        }
    }

    #[test]
    fn groups_broadcasts_and_our_own_messages_are_no_questions() {
        let one = |body: Value| hear("messages/inbox", "a token of sixteen", &body).unwrap().remove(0);
        assert!(matches!(one(json!({"id": "1", "from": "1-2@g.us", "text": "hi all"})), Event::Nothing(_)));
        assert!(matches!(
            one(json!({"id": "1", "from": "1-2@g.us", "text": "Bell, are you open?"})),
            Event::Message(_)
        ));
        assert!(matches!(one(json!({"id": "1", "from": "status@broadcast", "text": "x"})), Event::Nothing(_)));
        assert!(matches!(
            one(json!({"id": "1", "from": "me", "to": "60@c.us", "fromMe": true, "text": "x"})),
            Event::Echo(_)
        ));
        let own = json!({"id": "1", "from": "me", "to": "60@c.us", "fromMe": true, "fromApi": true});
        assert!(matches!(one(own), Event::Nothing(_)));
    }

    #[test]
    fn acks_come_as_numbers_or_words_and_strangers_are_refused() {
        for (ack, expected) in
            [(json!(1), Progress::Sent), (json!("2"), Progress::Delivered), (json!("read"), Progress::Read)]
        {
            let heard = hear("messages/ack", "a token of sixteen", &json!({"id": "x", "ack": ack})).unwrap();
            assert!(matches!(&heard[0], Event::Receipt(r) if r.state == expected), "{heard:?}");
        }
        assert!(matches!(hear("messages/inbox", "another token of ours", &json!({})), Err(Error::Forbidden)));
        assert!(matches!(hear("messages/outbox", "a token of sixteen", &json!({})), Err(Error::NotFound(_))));
        assert!(matches!(hear("messages/inbox", "a token of sixteen", &json!({"text": "x"})), Err(Error::Invalid(_))));
        assert!(matches!(hear("messages/inbox", "a token of sixteen", &json!(3)), Err(Error::Invalid(_))));
    }
}
