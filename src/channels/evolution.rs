//! WhatsApp over an Evolution server, version 2 (docs/channels/evolution.md): unofficial, and unsigned.
//!
//! Nothing proves that the body is the server's, so the address must stay secret and a token must come in a header.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Body, Card, Checked, Connection, Echo, Event, Failure, FileKind, Inbound, Media, Outbound, Outside, Progress,
    RawEvent, Reacted, Receipt, Request, Sent, base_url, configured,
    enclosed::Enclosed,
    gateway::{self, address, bears, in_a_group},
    law::Law,
    outside, seconds, text_at, texts,
    waha::{answered, yes},
};
use crate::platform::{
    Error, Result,
    crypto::{same, sha256_hex},
    upload::Incoming,
};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evolution {
    base_url: String,
    api_key: String,
    instance: String,
    /// What the server's webhook sends in a header: as bearer, or as `X-Frontdesk-Token`.
    token: String,
    #[serde(default)]
    group_names: Vec<String>,
    /// False: the gateway marks messages as read and shows typing by itself.
    #[serde(default = "yes")]
    smart_read: bool,
}

impl std::fmt::Debug for Evolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Evolution(…)")
    }
}

impl Evolution {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut channel: Self = configured("evolution", config)?;
        channel.base_url = base_url("evolution", &channel.base_url)?;
        let is_plain = channel.instance.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c));
        if channel.token.len() < 16 || channel.instance.is_empty() || !is_plain {
            return Err(Error::Invalid(
                "evolution channel: it needs instance, and a token of at least 16 characters".into(),
            ));
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
        match request.header("x-frontdesk-token") {
            Some(shown) if same(shown, &self.token) => {}
            Some(_) => return Err(Error::Forbidden),
            None => bears(request, &self.token)?,
        }
        let mut body: Value = request.json()?;
        // The body holds the instance's key: it is not kept.
        if let Some(fields) = body.as_object_mut() {
            fields.remove("apikey");
        }
        let data = body.get("data").cloned().unwrap_or(Value::Null);
        // Several messages in one delivery are several events.
        let all = match data {
            Value::Array(all) => all,
            one => vec![one],
        };
        let event = name(&body);
        Ok(all
            .into_iter()
            .map(|data| {
                let of = |pointer: &str| text_at(&data, pointer).unwrap_or_default().into_owned();
                let hash = || sha256_hex(data.to_string().as_bytes());
                let (external_id, lane) = match event.as_str() {
                    "messages.upsert" | "send.message" => (
                        format!(
                            "message:{}:{}:{}",
                            of("/key/remoteJid"),
                            data.pointer("/key/fromMe") == Some(&Value::Bool(true)),
                            of("/key/id")
                        ),
                        of("/key/remoteJid"),
                    ),
                    "messages.delete" | "messages.edited" => {
                        let lane = ["/key/remoteJid", "/remoteJid"].map(of).into_iter().find(|chat| !chat.is_empty());
                        (
                            format!("{event}:{}:{}", hash(), text_at(&body, "/date_time").unwrap_or_default()),
                            lane.unwrap_or_else(|| event.clone()),
                        )
                    }
                    "messages.update" => {
                        (format!("ack:{}:{}", of("/keyId"), of("/status")), format!("ack:{}", of("/keyId")))
                    }
                    _ => (
                        format!("{event}:{}:{}", hash(), text_at(&body, "/date_time").unwrap_or_default()),
                        event.clone(),
                    ),
                };
                let payload = json!({"event": event, "instance": body.get("instance"), "data": data}).to_string();
                RawEvent { external_id, lane, payload }
            })
            .collect())
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let body: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        if text_at(&body, "/instance").is_some_and(|i| i != self.instance.as_str()) {
            return Ok(Event::Nothing("it concerns another instance of the server"));
        }
        let data = body.get("data").cloned().unwrap_or(Value::Null);
        Ok(match name(&body).as_str() {
            "messages.upsert" => self.read_message(&data),
            "messages.update" => read_update(&data),
            "messages.delete" => match text_at(&data, "/id").or_else(|| text_at(&data, "/key/id")) {
                Some(target) => Event::Revoke { target: target.into_owned() },
                None => Event::Nothing("a revocation of nothing"),
            },
            "messages.edited" => read_protocol(&data),
            "connection.update" => {
                let state = text_at(&data, "/state").unwrap_or_default().into_owned();
                let (is_up, detail) = match state.as_str() {
                    "open" => (Some(true), "the phone is linked"),
                    "close" => (Some(false), "the phone is no longer linked to the gateway"),
                    _ => (None, "the gateway is connecting"),
                };
                Event::Connection(Connection::link(is_up, state, detail))
            }
            "qrcode.updated" => {
                let detail = "the phone must be linked again: scan the QR code at the gateway";
                Event::Connection(Connection::link(Some(false), "qr", detail))
            }
            _ => Event::Nothing("a kind of event that is only kept"),
        })
    }

    fn read_message(&self, data: &Value) -> Event {
        let (Some(id), Some(chat)) = (text_at(data, "/key/id"), text_at(data, "/key/remoteJid")) else {
            return Event::Nothing("a message without id or sender");
        };
        if chat.ends_with("@broadcast") || chat.ends_with("@newsletter") {
            return Event::Nothing("a broadcast");
        }
        let message = unwrapped(data.get("message").unwrap_or(&Value::Null));
        if let Some(notice) = message.get("protocolMessage") {
            return read_protocol(notice);
        }
        let is_notice = message.as_object().is_none_or(|m| m.keys().all(|name| NOTICES.contains(&name.as_str())));
        if is_notice && (message.is_object() || data.get("messageStubType").is_some_and(|stub| !stub.is_null())) {
            return Event::Nothing("a notice of the platform");
        }
        let at = seconds(data.get("messageTimestamp"));
        let own = data.pointer("/key/fromMe") == Some(&Value::Bool(true));
        if let Some(target) = text_at(message, "/reactionMessage/key/id") {
            let emoji = text_at(message, "/reactionMessage/text").filter(|e| !e.is_empty()).map(|e| e.into_owned());
            return if own {
                Event::Nothing("our own reaction")
            } else {
                Event::Reaction { by: address(&chat), target: target.into_owned(), emoji, at }
            };
        }
        let (kind, text) = content(message);
        if own {
            // The server reports what we send by another event, `send.message`; this one came from the phone. Our own
            // come here too: the inbox knows them by their id.
            return Event::Echo(Echo {
                external_message_id: id.into_owned(),
                customer: address(&chat),
                external_chat_id: None,
                content_type: kind.into(),
                text,
                sent_at: at,
            });
        }
        // A hidden id comes with the number beside it.
        let alias = text_at(data, "/key/remoteJidAlt").map(|alt| address(&alt));
        let mut sender = address(&chat);
        let mut aliases = Vec::new();
        if let Some(alias) = alias.filter(|a| *a != sender) {
            aliases.push(if alias.kind == "phone" { std::mem::replace(&mut sender, alias) } else { alias });
        }
        let mut inbound = Inbound::text(id, sender, text);
        inbound.aliases = aliases;
        inbound.sender_name = text_at(data, "/pushName").map(|n| n.into_owned());
        inbound.sent_at = at;
        if matches!(kind, "image" | "video" | "voice" | "document" | "sticker") {
            let file = message.as_object().and_then(|o| o.values().find(|v| v.get("mimetype").is_some()));
            inbound.media = Some(Media {
                id: text_at(data, "/key/id").map(|id| id.into_owned()),
                mime_type: file.and_then(|f| gateway::of(f, &["mimetype"])),
                filename: file.and_then(|f| gateway::of(f, &["fileName"])),
                ..Media::default()
            });
        }
        if let Some(card) = card(message) {
            inbound = inbound.showing(&card);
        }
        let answered = message.as_object().and_then(|o| o.values().find_map(|v| text_at(v, "/contextInfo/stanzaId")));
        if let Some(id) = answered.or_else(|| text_at(data, "/contextInfo/stanzaId")) {
            inbound = inbound.with("context", json!({"id": id}));
        }
        let member = text_at(data, "/key/participant").map(|p| p.into_owned());
        in_a_group(inbound.of(kind), member, &self.group_names)
    }

    fn post(&self, outside: &Outside, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let instance = percent_encoding::utf8_percent_encode(&self.instance, percent_encoding::NON_ALPHANUMERIC);
        outside
            .client(&self.base_url)
            .post(format!("{}/{path}/{instance}", self.base_url))
            .header("apikey", &self.api_key)
            .json(body)
    }

    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, _now: DateTime<Utc>) -> Sent {
        let delay = if self.smart_read { 1200 } else { 0 };
        let number = &m.recipient.id;
        let (path, body) = match &m.body {
            Body::Text { text } => {
                ("message/sendText", json!({"number": number, "text": text, "delay": delay, "linkPreview": false}))
            }
            Body::File { file, kind, text } => {
                let data = match outside::base64(m.file.as_deref()).await {
                    Ok(data) => data,
                    Err(lost) => return lost.of_a_message(false),
                };
                let kind = match kind {
                    FileKind::Image | FileKind::Animation => "image",
                    FileKind::Video => "video",
                    FileKind::Audio => "audio",
                    FileKind::Document => "document",
                    FileKind::Voice => "",
                };
                if kind.is_empty() {
                    ("message/sendWhatsAppAudio", json!({"number": number, "audio": data, "delay": delay}))
                } else {
                    let body = json!({"number": number, "mediatype": kind, "mimetype": file.mime_type,
                        "caption": text, "fileName": file.name, "media": data, "delay": delay});
                    ("message/sendMedia", body)
                }
            }
            _ => return Sent::Failed(Failure::Never("gateways take texts and files only".into())),
        };
        // The server shows what we say was quoted: it keeps no messages by itself.
        let quoted =
            m.quotes.as_ref().map(|quote| json!({"key": {"id": quote.id}, "message": {"conversation": quote.text}}));
        let body = outside::with(body, "quoted", quoted);
        if self.smart_read
            && let Some(seen) = &m.answers
        {
            let _ = self.attend(outside, &m.recipient.id, seen).await;
        }
        answered(outside::json(self.post(outside, path, &body)).await, |answer| {
            text_at(answer, "/key/id").map(|id| id.into_owned())
        })
    }

    pub(super) async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        let customer = &to.customer.id;
        let jid = if customer.contains('@') { customer.clone() } else { format!("{customer}@s.whatsapp.net") };
        let body = json!({"key": {"remoteJid": jid, "fromMe": false, "id": to.message},
            "reaction": emoji.unwrap_or_default()});
        answered(outside::json(self.post(outside, "message/sendReaction", &body)).await, |_| None)
    }

    pub(super) async fn attend(&self, outside: &Outside, customer: &str, message: &str) -> Result<()> {
        let jid = if customer.contains('@') { customer.to_string() } else { format!("{customer}@s.whatsapp.net") };
        let seen = json!({"readMessages": [{"remoteJid": jid, "fromMe": false, "id": message}]});
        outside::json(self.post(outside, "chat/markMessageAsRead", &seen)).await?;
        let typing = json!({"number": customer, "presence": "composing", "delay": 1200});
        outside::json(self.post(outside, "chat/sendPresence", &typing)).await?;
        Ok(())
    }

    pub(super) async fn download(&self, outside: &Outside, media: &Media, into: &mut Incoming) -> Result<()> {
        let id = media.id.as_deref().ok_or(Error::NotFound("file"))?;
        let body = json!({"message": {"key": {"id": id}}});
        let answer = self.post(outside, "chat/getBase64FromMediaMessage", &body).send().await;
        let mut answer =
            answer.map_err(|e| Error::Unavailable { service: "the gateway", source: e.without_url().into() })?;
        outside::succeeded(&answer)?;
        let mut enclosed = Enclosed::new();
        while let Some(chunk) = outside::next(&mut answer).await? {
            into.write(&enclosed.take(&chunk)?).await?;
        }
        enclosed.finish()
    }

    pub(super) async fn check(&self, outside: &Outside, _now: DateTime<Utc>) -> Checked {
        let instance = percent_encoding::utf8_percent_encode(&self.instance, percent_encoding::NON_ALPHANUMERIC);
        let request = outside
            .client(&self.base_url)
            .get(format!("{}/instance/connectionState/{instance}", self.base_url))
            .header("apikey", &self.api_key);
        match outside::json(request).await {
            Ok((200..=299, answer)) => {
                let state = text_at(&answer, "/instance/state").unwrap_or("unknown".into());
                Checked { ok: state == "open", ..Checked::works(format!("the connection is {state}")) }
            }
            Ok((status, _)) => Checked::fails(format!("the gateway answers {status}")),
            Err(lost) => Checked::fails(Error::from(lost).chain()),
        }
    }
}

/// Events are spelled `messages.upsert` or `MESSAGES_UPSERT`.
fn name(body: &Value) -> String {
    text_at(body, "/event").unwrap_or_default().to_lowercase().replace('_', ".")
}

/// What WhatsApp puts around a message: that it disappears, shows once, has a caption.
const WRAPPERS: [&str; 9] = [
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "lottieStickerMessage",
    "editedMessage",
    "deviceSentMessage",
    "groupMentionedMessage",
];

/// What stands in the place of a message, or beside one, and says nothing to us.
const NOTICES: [&str; 10] = [
    "messageContextInfo",
    "senderKeyDistributionMessage",
    "albumMessage",
    "pollUpdateMessage",
    "keepInChatMessage",
    "pinInChatMessage",
    "callLogMesssage",
    "encReactionMessage",
    "secretEncryptedMessage",
    "messageHistoryNotice",
];

/// The message within what is put around it.
fn unwrapped(message: &Value) -> &Value {
    let within = WRAPPERS.iter().find_map(|name| message.pointer(&format!("/{name}/message")));
    within.map_or(message, unwrapped)
}

/// A change of a message that was sent before, as the protocol says it.
fn read_protocol(of: &Value) -> Event {
    let target = ["/key/id", "/message/protocolMessage/key/id", "/editedMessage/key/id"];
    let Some(target) = target.iter().find_map(|p| text_at(of, p)).map(std::borrow::Cow::into_owned) else {
        return Event::Nothing("a notice of the platform");
    };
    if matches!(text_at(of, "/type").as_deref(), Some("REVOKE" | "0")) {
        return Event::Revoke { target };
    }
    let now = ["/editedMessage", "/message/editedMessage", "/message"].iter().find_map(|p| of.pointer(p));
    match now.map(|now| content(unwrapped(now))) {
        Some((kind, text)) if kind != "unsupported" => Event::Edit { target, text },
        _ => Event::Nothing("an edit of nothing"),
    }
}

/// What kind of message it is, and what of it can be read.
fn content(message: &Value) -> (&'static str, String) {
    let of = |pointer: &str| text_at(message, pointer).map(|t| t.into_owned());
    for pointer in ["/conversation", "/extendedTextMessage/text"] {
        if let Some(text) = of(pointer) {
            return ("text", text);
        }
    }
    for pointer in [
        "/buttonsResponseMessage/selectedDisplayText",
        "/listResponseMessage/title",
        "/templateButtonReplyMessage/selectedDisplayText",
        "/interactiveResponseMessage/body/text",
    ] {
        if let Some(text) = of(pointer) {
            return ("button", text);
        }
    }
    for (name, kind) in [
        ("imageMessage", "image"),
        ("videoMessage", "video"),
        ("ptvMessage", "video"),
        ("audioMessage", "voice"),
        ("documentMessage", "document"),
        ("stickerMessage", "sticker"),
        ("locationMessage", "location"),
        ("liveLocationMessage", "location"),
        ("orderMessage", "order"),
        ("groupInviteMessage", "invitation"),
        ("contactMessage", "contacts"),
        ("contactsArrayMessage", "contacts"),
    ] {
        if let Some(body) = message.get(name) {
            return (kind, gateway::of(body, &["caption", "message"]).unwrap_or_default());
        }
    }
    (if poll(message).is_some() { "poll" } else { "unsupported" }, String::new())
}

/// A poll that somebody made, of whatever version.
fn poll(message: &Value) -> Option<&Value> {
    message.as_object()?.iter().find_map(|(name, poll)| name.starts_with("pollCreationMessage").then_some(poll))
}

/// What is neither text nor file.
fn card(message: &Value) -> Option<Card> {
    if let Some(place) = message.get("locationMessage").or_else(|| message.get("liveLocationMessage")) {
        let [latitude, longitude] = ["degreesLatitude", "degreesLongitude"].map(|name| place.get(name));
        return Some(Card::place(latitude, longitude, &texts(place, &["/name"]).concat(), texts(place, &["/address"])));
    }
    if let Some(one) = text_at(message, "/contactMessage/vcard") {
        return Some(Card::people([&*one]));
    }
    if let Some(all) = message.pointer("/contactsArrayMessage/contacts").and_then(Value::as_array) {
        return Some(Card::people(all.iter().filter_map(|of| of.get("vcard")?.as_str())));
    }
    if let Some(poll) = poll(message) {
        let options = poll.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let options = options.iter().flat_map(|option| texts(option, &["/optionName"]));
        return Some(Card::new(texts(poll, &["/name"]).concat(), options));
    }
    if let Some(order) = message.get("orderMessage") {
        let total = order.get("totalAmount1000").and_then(|n| n.as_f64().or_else(|| n.as_str()?.parse().ok()));
        let total = total.map(|n| format!("{} {:.2}", texts(order, &["/totalCurrencyCode"]).concat(), n / 1000.0));
        let count = texts(order, &["/itemCount"]).into_iter().map(|n| format!("× {n}"));
        return Some(Card::new(texts(order, &["/orderTitle"]).concat(), count.chain(total)));
    }
    let invitation = message.get("groupInviteMessage")?;
    Some(Card::new(texts(invitation, &["/groupName"]).concat(), []))
}

fn read_update(data: &Value) -> Event {
    if data.get("fromMe") == Some(&Value::Bool(false)) {
        return Event::Nothing("an ack of another's message");
    }
    let state = match text_at(data, "/status").as_deref() {
        Some("ERROR") => Progress::Failed,
        Some("SERVER_ACK") => Progress::Sent,
        Some("DELIVERY_ACK") => Progress::Delivered,
        Some("READ") => Progress::Read,
        Some("PLAYED") => Progress::Played,
        _ => return Event::Nothing("a status that says nothing"),
    };
    match text_at(data, "/keyId").or_else(|| text_at(data, "/key/id")) {
        Some(id) => Event::Receipt(Receipt {
            external_id: id.into_owned(),
            key: None,
            state,
            at: None,
            failure: (state == Progress::Failed).then(|| Failure::Never("WhatsApp did not take the message".into())),
        }),
        None => Event::Nothing("a status of nothing"),
    }
}
