//! WhatsApp over a WAHA server (docs/channels/waha.md): unofficial. Signed with HMAC-SHA512 over the raw body.
//! <https://waha.devlike.pro/docs/how-to/events/>

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Address, Body, Card, Checked, Connection, Echo, Event, Failure, FileKind, Inbound, Media, Outbound, Outside,
    Progress, RawEvent, Reacted, Receipt, Request, Sent, base_url, configured,
    gateway::{self, address, in_a_group, of, typing_time},
    law::Law,
    outside, seconds, text_at, texts,
};
use crate::platform::{
    Error, Result,
    crypto::{hmac_sha512_hex, same, sha256_hex},
    upload::Incoming,
};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waha {
    base_url: String,
    #[serde(default)]
    api_key: String,
    /// `hmac.key` of the session's webhook.
    hmac_key: String,
    #[serde(default = "default_session")]
    session: String,
    #[serde(default)]
    group_names: Vec<String>,
    /// False: the gateway marks messages as read and shows typing by itself.
    #[serde(default = "yes")]
    smart_read: bool,
}

fn default_session() -> String {
    "default".into()
}

pub(super) fn yes() -> bool {
    true
}

impl std::fmt::Debug for Waha {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waha(…)")
    }
}

impl Waha {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut channel: Self = configured("waha", config)?;
        channel.base_url = base_url("waha", &channel.base_url)?;
        if channel.hmac_key.is_empty() {
            return Err(Error::Invalid("waha channel: hmac_key is empty".into()));
        }
        Ok(channel)
    }

    pub(super) fn law(&self) -> Law {
        gateway::law()
    }

    pub(super) fn attends(&self) -> bool {
        self.smart_read
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        let given = request.header("x-webhook-hmac").ok_or(Error::SignedOut)?;
        if request.header("x-webhook-hmac-algorithm").is_some_and(|a| !a.eq_ignore_ascii_case("sha512"))
            || !same(&hmac_sha512_hex(self.hmac_key.as_bytes(), request.body), given)
        {
            return Err(Error::Forbidden);
        }
        let body: Value = request.json()?;
        let of = |pointer: &str| text_at(&body, pointer).unwrap_or_default().into_owned();
        let (event, session, id) = (of("/event"), of("/session"), of("/payload/id"));
        let hashed = || sha256_hex(body.to_string().as_bytes());
        let (external_id, lane) = match event.as_str() {
            // Both events carry the same message.
            "message" | "message.any" if !id.is_empty() => (format!("message:{session}:{id}"), chat_of(&body)),
            "message.ack" | "message.ack.group" => (format!("ack:{id}:{}", of("/payload/ack")), format!("ack:{id}")),
            "message.reaction" | "message.revoked" | "message.edited" => {
                (format!("{event}:{}", hashed()), chat_of(&body))
            }
            _ => (format!("{event}:{}", if of("/id").is_empty() { hashed() } else { of("/id") }), event.clone()),
        };
        Ok(vec![RawEvent { external_id, lane, payload: body.to_string() }])
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let body: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        let session = text_at(&body, "/session").unwrap_or_default();
        if !session.is_empty() && session != self.session {
            return Ok(Event::Nothing("it concerns another session of the server"));
        }
        let m = body.get("payload").cloned().unwrap_or(Value::Null);
        Ok(match text_at(&body, "/event").as_deref() {
            Some("message" | "message.any") => self.read_message(&m),
            Some("message.ack") => read_ack(&m),
            Some("message.reaction") => {
                let from = of(&m, &["from"]).unwrap_or_default();
                let emoji = text_at(&m, "/reaction/text").filter(|e| !e.is_empty()).map(|e| e.into_owned());
                match text_at(&m, "/reaction/messageId") {
                    _ if m.get("fromMe") == Some(&Value::Bool(true)) => Event::Nothing("our own reaction"),
                    Some(target) => Event::Reaction {
                        by: address(&from),
                        target: target.into_owned(),
                        emoji,
                        at: seconds(m.get("timestamp")),
                    },
                    None => Event::Nothing("a reaction to nothing"),
                }
            }
            Some("message.revoked") => {
                let before = || text_at(&m, "/before/id").map(|t| t.into_owned());
                match whole_id(&m, "revokedMessageId", &["/after/id", "/before/id"]).or_else(before) {
                    Some(target) => Event::Revoke { target },
                    None => Event::Nothing("a revocation of nothing"),
                }
            }
            Some("message.edited") => match whole_id(&m, "editedMessageId", &["/id"]).or_else(|| of(&m, &["id"])) {
                _ if m.get("fromMe") == Some(&Value::Bool(true)) => Event::Nothing("our own edit"),
                Some(target) => Event::Edit { target, text: of(&m, &["body"]).unwrap_or_default() },
                None => Event::Nothing("an edit of nothing"),
            },
            Some("session.status") => {
                let state = of(&m, &["status"]).unwrap_or_default();
                let detail = match state.as_str() {
                    "SCAN_QR_CODE" => "the phone must be linked again: scan the QR code at the gateway",
                    "WORKING" => "connected",
                    "STARTING" => "the gateway is connecting",
                    "PASSKEY_REQUIRED" | "PASSKEY_CONFIRMATION_REQUIRED" => {
                        "WhatsApp asks for the passkey on the phone"
                    }
                    _ => "the gateway's session has ended",
                };
                let is_up = match state.as_str() {
                    "WORKING" => Some(true),
                    "STARTING" => None,
                    _ => Some(false),
                };
                Event::Connection(Connection::link(is_up, state, detail))
            }
            _ => Event::Nothing("a kind of event that is only kept"),
        })
    }

    fn read_message(&self, m: &Value) -> Event {
        let (Some(id), Some(from)) = (of(m, &["id"]), of(m, &["from"])) else {
            return Event::Nothing("a message without id or sender");
        };
        let text = of(m, &["body"]).unwrap_or_default();
        let at = seconds(m.get("timestamp"));
        let media = m.get("media").filter(|m| m.is_object());
        let mime = media.and_then(|m| of(m, &["mimetype"]));
        let kind = kind_of(mime.as_deref(), m);
        let is_own = m.get("fromMe") == Some(&Value::Bool(true));
        let chat = if is_own { of(m, &["to"]).unwrap_or_default() } else { from };
        if chat == "status@broadcast"
            || chat.ends_with("@broadcast")
            || chat.ends_with("@newsletter")
            || chat.is_empty()
            || chat == WHATSAPP
            || text_at(m, "/_data/type").is_some_and(|kind| gateway::NOTICES.contains(&&*kind))
        {
            return Event::Nothing("a broadcast");
        }
        if is_own {
            // What came over the interface is our own; what came from the app, a person wrote.
            return if of(m, &["source"]).as_deref() == Some("app") {
                let customer = address(&chat);
                Event::Echo(Echo {
                    external_message_id: id,
                    customer,
                    external_chat_id: Some(chat),
                    content_type: kind.into(),
                    text,
                    sent_at: at,
                })
            } else {
                Event::Nothing("our own message")
            };
        }
        let (mut sender, mut aliases) = (address(&chat), Vec::new());
        // A hidden id comes with the number beside it, or not.
        let beside = ["/_data/key/remoteJidAlt", "/_data/key/senderPn", "/_data/Info/SenderAlt"];
        let beside = beside.iter().find_map(|at| text_at(m, at)).map(|chat| address(&chat));
        if let Some(phone) = beside.filter(|of| of.kind == "phone" && sender.kind == "lid") {
            aliases.push(std::mem::replace(&mut sender, phone));
        }
        let mut inbound = Inbound::text(id, sender, text);
        inbound.aliases = aliases;
        inbound.external_chat_id = Some(chat);
        inbound.sender_name =
            text_at(m, "/_data/notifyName").or_else(|| text_at(m, "/_data/pushName")).map(|n| n.into_owned());
        inbound.sent_at = at;
        inbound.media = media.and_then(|media| {
            Some(Media {
                url: Some(of(media, &["url"])?),
                mime_type: mime.clone(),
                filename: of(media, &["filename"]),
                ..Media::default()
            })
        });
        for (key, name) in [("location", "location"), ("contacts", "vCards"), ("context", "replyTo")] {
            if let Some(value) = m.get(name).filter(|v| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty())) {
                inbound = inbound.with(key, value.clone());
            }
        }
        if let Some(place) = m.get("location").filter(|place| place.is_object()) {
            let name = texts(place, &["/title", "/name", "/description", "/address"]);
            let (name, lines) =
                name.split_first().map_or((String::new(), Vec::new()), |(n, l)| (n.clone(), l.to_vec()));
            let card = Card::place(place.get("latitude"), place.get("longitude"), &name, lines);
            inbound = inbound.showing(&card);
        }
        if let Some(cards) = m.get("vCards").and_then(Value::as_array).filter(|all| !all.is_empty()) {
            inbound = inbound.showing(&Card::people(cards.iter().filter_map(Value::as_str)));
        }
        in_a_group(inbound.of(kind), of(m, &["participant"]), &self.group_names)
    }

    fn post(&self, outside: &Outside, path: &str, body: &Value) -> reqwest::RequestBuilder {
        outside
            .client(&self.base_url)
            .post(format!("{}/api/{path}", self.base_url))
            .header("x-api-key", &self.api_key)
            .json(body)
    }

    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, _now: DateTime<Utc>) -> Sent {
        let chat = chat(m.chat.as_deref(), &m.recipient);
        let (path, body) = match &m.body {
            Body::Text { text } => ("sendText", json!({"session": self.session, "chatId": chat, "text": text})),
            Body::File { file, kind, text } => {
                let data = match outside::base64(m.file.as_deref()).await {
                    Ok(data) => data,
                    Err(lost) => return lost.of_a_message(false),
                };
                let path = match kind {
                    FileKind::Image | FileKind::Animation => "sendImage",
                    FileKind::Video => "sendVideo",
                    FileKind::Voice => "sendVoice",
                    FileKind::Audio | FileKind::Document => "sendFile",
                };
                let file = json!({"mimetype": file.mime_type, "filename": file.name, "data": data});
                (path, json!({"session": self.session, "chatId": chat, "file": file, "caption": text}))
            }
            _ => return Sent::Failed(Failure::Never("gateways take texts and files only".into())),
        };
        let body = outside::with(body, "reply_to", m.quotes.as_ref().map(|quote| json!(quote.id)));
        answered(outside::json(self.post(outside, path, &body)).await, |answer| of(answer, &["id"]))
    }

    /// Read before it is answered, typing before the text.
    pub(super) async fn type_out(&self, outside: &Outside, customer: &Address, chat_id: Option<&str>, text: &str) {
        let body = json!({"session": self.session, "chatId": chat(chat_id, customer)});
        for path in ["sendSeen", "startTyping"] {
            let _ = outside::json(self.post(outside, path, &body)).await;
        }
        outside.wait(typing_time(text)).await;
        let _ = outside::json(self.post(outside, "stopTyping", &body)).await;
    }

    pub(super) async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        let body = json!({"session": self.session, "messageId": to.message, "reaction": emoji.unwrap_or_default()});
        let request = outside.client(&self.base_url).put(format!("{}/api/reaction", self.base_url));
        answered(outside::json(request.header("x-api-key", &self.api_key).json(&body)).await, |_| None)
    }

    pub(super) async fn attend(&self, outside: &Outside, customer: &str) -> Result<()> {
        let chat = if customer.contains('@') { customer.to_string() } else { format!("{customer}@c.us") };
        for path in ["sendSeen", "startTyping"] {
            outside::json(self.post(outside, path, &json!({"session": self.session, "chatId": chat}))).await?;
        }
        Ok(())
    }

    /// The number behind a hidden id, if the gateway knows it.
    /// <https://waha.devlike.pro/docs/how-to/contacts/#get-phone-number-by-lid>
    pub(super) async fn unmask(&self, outside: &Outside, hidden: &str) -> Result<Option<Address>> {
        let hidden = percent_encoding::utf8_percent_encode(hidden, percent_encoding::NON_ALPHANUMERIC);
        let request = outside
            .client(&self.base_url)
            .get(format!("{}/api/{}/lids/{hidden}", self.base_url, self.session))
            .header("x-api-key", &self.api_key);
        let (status, answer) = outside::json(request).await?;
        let number = of(&answer, &["pn"]).filter(|pn| status == 200 && !pn.is_empty());
        Ok(number.map(|pn| address(&pn)).filter(|of| of.kind == "phone"))
    }

    pub(super) async fn download(&self, outside: &Outside, media: &Media, into: &mut Incoming) -> Result<()> {
        let url = media.url.as_deref().ok_or(Error::NotFound("file"))?;
        // Gateways name themselves as they see themselves: only the path is theirs to say.
        let url = url::Url::parse(url).map_err(|_| Error::Invalid("the file's address is none".into()))?;
        let address = format!("{}{}", self.base_url, url.path());
        outside.file(&address, &self.base_url, &[], &[("x-api-key", &self.api_key)], into).await
    }

    pub(super) async fn check(&self, outside: &Outside, _now: DateTime<Utc>) -> Checked {
        let request = outside
            .client(&self.base_url)
            .get(format!("{}/api/sessions/{}", self.base_url, self.session))
            .header("x-api-key", &self.api_key);
        match outside::json(request).await {
            Ok((200..=299, answer)) => {
                let state = of(&answer, &["status"]).unwrap_or_else(|| "unknown".into());
                Checked { ok: state == "WORKING", ..Checked::works(format!("the session is {state}")) }
            }
            Ok((status, _)) => Checked::fails(format!("the gateway answers {status}")),
            Err(lost) => Checked::fails(Error::from(lost).chain()),
        }
    }
}

/// With whom the talk is that an event is about. Revocations name it in the messages before and after.
fn chat_of(body: &Value) -> String {
    let of = |m: &Value| {
        let is_own = m.get("fromMe") == Some(&Value::Bool(true));
        gateway::of(m, if is_own { &["to", "from"] } else { &["from", "to"] })
    };
    let all = ["/payload", "/payload/after", "/payload/before"];
    all.iter().find_map(|at| of(body.pointer(at)?)).unwrap_or_default()
}

/// The id of a message as its own event had it (`false_<chat>_<id>`): edits and revocations name the last part only,
/// beside the whole id of their own.
fn whole_id(m: &Value, name: &str, beside: &[&str]) -> Option<String> {
    let bare = of(m, &[name]).filter(|id| !id.is_empty())?;
    if bare.contains('_') {
        return Some(bare);
    }
    let own = beside.iter().find_map(|at| text_at(m, at)).unwrap_or_default();
    let mut parts: Vec<&str> = own.split('_').collect();
    match parts.get_mut(2) {
        Some(id) => *id = &bare,
        None => return Some(bare),
    }
    Some(parts.join("_"))
}

/// The chat to write to: as it came, or made from the number.
fn chat(chat: Option<&str>, customer: &Address) -> String {
    match chat {
        Some(chat) if chat.contains('@') => chat.into(),
        _ if customer.id.contains('@') => customer.id.clone(),
        _ => format!("{}@c.us", customer.id),
    }
}

/// What an answer of a gateway means: it recognises no id of ours.
pub(super) fn answered(answer: Result<(u16, Value), outside::Lost>, id: impl Fn(&Value) -> Option<String>) -> Sent {
    match answer {
        Ok((200..=299, answer)) => Sent::Accepted(id(&answer)),
        Ok((401 | 403, _)) => Sent::Failed(Failure::Stop("the gateway does not take our key".into())),
        Ok((status @ (408 | 425 | 429), _)) => {
            Sent::Failed(Failure::Retry(format!("the gateway answered {status}"), None))
        }
        Ok((status @ 400..=499, _)) => Sent::Failed(Failure::Never(format!("the gateway refused it ({status})"))),
        Ok((status, _)) => Sent::Unknown(format!("the gateway answered {status}"), false),
        Err(lost) => lost.of_a_message(false),
    }
}

/// WhatsApp itself, which tells what is new.
const WHATSAPP: &str = "0@c.us";

fn kind_of(mime: Option<&str>, m: &Value) -> &'static str {
    match mime.and_then(|m| m.split('/').next()) {
        Some("image") if mime == Some("image/webp") => "sticker",
        Some("image") => "image",
        Some("video") => "video",
        Some("audio") => "voice",
        Some(_) => "document",
        None if m.get("location").is_some_and(Value::is_object) => "location",
        None if m.get("vCards").and_then(Value::as_array).is_some_and(|v| !v.is_empty()) => "contacts",
        None if m.get("hasMedia") == Some(&Value::Bool(true)) => "unsupported",
        None => "text",
    }
}

fn read_ack(m: &Value) -> Event {
    let state = match m.get("ack").and_then(Value::as_i64) {
        Some(-1) => Progress::Failed,
        Some(1) => Progress::Sent,
        Some(2) => Progress::Delivered,
        Some(3) => Progress::Read,
        Some(4) => Progress::Played,
        _ => return Event::Nothing("an ack that says nothing"),
    };
    match of(m, &["id"]) {
        Some(external_id) if m.get("fromMe") != Some(&Value::Bool(false)) => Event::Receipt(Receipt {
            external_id,
            key: None,
            state,
            at: None,
            failure: (state == Progress::Failed).then(|| Failure::Never("WhatsApp did not take the message".into())),
        }),
        _ => Event::Nothing("an ack of another's message"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use axum::http::HeaderMap;

    fn channel() -> Waha {
        Waha::open(&json!({"base_url": "http://127.0.0.1:3000", "hmac_key": "k", "api_key": "a"})).unwrap()
    }

    fn hear(event: &str, payload: Value) -> Event {
        let body = Bytes::from(json!({"event": event, "session": "default", "payload": payload}).to_string());
        let mut headers = HeaderMap::new();
        headers.insert("x-webhook-hmac", hmac_sha512_hex(b"k", &body).parse().unwrap());
        headers.insert("x-webhook-hmac-algorithm", "sha512".parse().unwrap());
        let request = Request { path: "", query: "", headers: &headers, body: &body };
        let raw = channel().verify(&request, Utc::now()).unwrap().remove(0);
        channel().parse(&raw.payload).unwrap()
    }

    #[test]
    fn only_sha512_with_our_key_is_taken() {
        let body = Bytes::from_static(b"{}");
        let good = hmac_sha512_hex(b"k", &body);
        for (signature, algorithm, ok) in
            [(good.as_str(), "sha512", true), (&good, "sha256", false), ("00", "sha512", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert("x-webhook-hmac", signature.parse().unwrap());
            headers.insert("x-webhook-hmac-algorithm", algorithm.parse().unwrap());
            let request = Request { path: "", query: "", headers: &headers, body: &body };
            assert_eq!(channel().verify(&request, Utc::now()).is_ok(), ok, "{signature} {algorithm}");
        }
    }

    #[test]
    fn messages_echoes_broadcasts_and_states_are_told_apart() {
        let base = json!({"id": "false_60@c.us_A", "timestamp": 1_772_442_000, "from": "60@c.us", "to": "1@c.us", "body": "hi", "fromMe": false});
        let with = |changes: Value| {
            let mut m = base.clone();
            m.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            hear("message.any", m)
        };
        assert!(
            matches!(with(json!({})), Event::Message(m) if m.kind == "phone" && m.sender == "60" && m.text == "hi")
        );
        assert!(matches!(with(json!({"from": "77@lid"})), Event::Message(m) if m.kind == "lid"));
        assert!(matches!(with(json!({"from": "1-2@g.us"})), Event::Nothing(_)));
        assert!(matches!(with(json!({"from": "status@broadcast"})), Event::Nothing(_)));
        assert!(matches!(with(json!({"fromMe": true, "source": "app"})), Event::Echo(e) if e.customer.id == "1"));
        assert!(matches!(with(json!({"fromMe": true, "source": "api"})), Event::Nothing(_)));
        let image = json!({"hasMedia": true, "media": {"url": "http://x/api/files/1.jpg", "mimetype": "image/jpeg"}});
        assert!(matches!(with(image), Event::Message(m) if m.content_type == "image" && m.media.is_some()));
        assert!(
            matches!(hear("session.status", json!({"status": "SCAN_QR_CODE"})), Event::Connection(c) if c.is_up == Some(false))
        );
        assert!(
            matches!(hear("session.status", json!({"status": "STARTING"})), Event::Connection(c) if c.is_up.is_none())
        );
        assert!(
            matches!(hear("message.ack", json!({"id": "x", "ack": 3, "fromMe": true})), Event::Receipt(r) if r.state == Progress::Read)
        );
        let removed = json!({"from": "60@c.us", "timestamp": 1.5, "reaction": {"text": "", "messageId": "x"}});
        assert!(matches!(hear("message.reaction", removed), Event::Reaction { emoji: None, .. }));
        assert!(
            matches!(hear("message.revoked", json!({"before": {"id": "x"}})), Event::Revoke { target } if target == "x")
        );
    }

    #[test]
    fn edits_and_revocations_name_their_message_as_it_named_itself() {
        let revoked = |more: Value| match hear("message.revoked", more) {
            Event::Revoke { target } => target,
            other => panic!("{other:?}"),
        };
        let after = json!({"id": "false_60@c.us_NEW", "from": "60@c.us"});
        assert_eq!(revoked(json!({"revokedMessageId": "OLD", "after": after, "before": null})), "false_60@c.us_OLD");
        let before = json!({"id": "false_60@c.us_OLD"});
        assert_eq!(revoked(json!({"revokedMessageId": "false_60@c.us_OLD", "before": before})), "false_60@c.us_OLD");
        let group = json!({"id": "false_1-2@g.us_NEW_60@c.us"});
        assert_eq!(revoked(json!({"revokedMessageId": "OLD", "after": group})), "false_1-2@g.us_OLD_60@c.us");
        assert_eq!(revoked(json!({"revokedMessageId": "OLD"})), "OLD");
        let edited = json!({"id": "false_60@c.us_NEW", "editedMessageId": "OLD", "body": "new", "from": "60@c.us"});
        assert!(
            matches!(hear("message.edited", edited), Event::Edit { target, text } if target == "false_60@c.us_OLD" && text == "new")
        );
    }
}
