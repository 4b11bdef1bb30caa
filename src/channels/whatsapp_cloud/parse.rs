//! From Meta's envelope to events: every entry, change, message and status by itself.
//!
//! Nothing here fails: what is unknown is kept and acknowledged, since anything but 200 makes Meta send it for a week.

use serde_json::{Value, json};

use super::{
    super::{
        Address, Card, Connection, Echo, Event, Inbound, Media, Progress, RawEvent, Receipt, seconds, text_at, texts,
    },
    errors,
};
use crate::platform::crypto::sha256_hex;

/// The raw events of one delivery. Each keeps what is needed to read it alone.
pub fn take_apart(body: &Value) -> Vec<RawEvent> {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut events = Vec::new();
    for entry in list(body, "entry") {
        for change in list(&entry, "changes") {
            let value = change.get("value").cloned().unwrap_or(Value::Null);
            let number = text_at(&value, "/metadata/phone_number_id").unwrap_or_default().into_owned();
            let contacts = list(&value, "contacts");
            let around = |name: &str, item: &Value, contact: Option<&Value>| {
                json!({
                    "field": change.get("field"), "account": entry.get("id"), "number": number,
                    "contact": contact, name: item, "errors": value.get("errors"),
                    "standby": value.get("standby").is_some() || change.get("field").is_some_and(|f| f == "standby"),
                })
            };
            let mut parts = 0;
            for key in ["messages", "message_echoes"] {
                for message in list(&value, key) {
                    parts += 1;
                    let id = text_at(&message, "/id").map_or_else(|| hash(&message), |id| id.into_owned());
                    let (name, customer) = match key {
                        "messages" => ("message", ["/from_user_id", "/from"]),
                        // An echo comes from our own number.
                        _ => ("echo", ["/to_user_id", "/to"]),
                    };
                    let customer = customer.iter().find_map(|p| text_at(&message, p));
                    events.push(RawEvent {
                        external_id: format!("{name}:{number}:{id}"),
                        lane: lane(key, &message, customer.as_deref()),
                        payload: around(name, &message, contact(&contacts, &message)).to_string(),
                    });
                }
            }
            for status in list(&value, "statuses") {
                parts += 1;
                let part = |p: &str| text_at(&status, p).unwrap_or_default().into_owned();
                let who = ["/recipient_participant_user_id", "/recipient_participant_id"]
                    .iter()
                    .find_map(|p| text_at(&status, p))
                    .unwrap_or_default()
                    .into_owned();
                let id = part("/id");
                let id = if id.is_empty() { hash(&status) } else { id };
                events.push(RawEvent {
                    external_id: format!("status:{id}:{}:{who}", part("/status")),
                    lane: format!("status:{id}"),
                    payload: around("status", &status, None).to_string(),
                });
            }
            if parts == 0 {
                events.push(RawEvent {
                    external_id: format!("change:{}", hash(&change)),
                    lane: "change".into(),
                    payload: around("change", &value, None).to_string(),
                });
            }
        }
    }
    if events.is_empty() {
        events.push(RawEvent {
            external_id: format!("body:{}", hash(body)),
            lane: "change".into(),
            payload: body.to_string(),
        });
    }
    events
}

/// The contact that a message belongs to; system messages have none.
fn contact<'a>(contacts: &'a [Value], message: &Value) -> Option<&'a Value> {
    let same = |contact: &Value, mine: &str, theirs: &str| {
        text_at(contact, mine).is_some_and(|id| text_at(message, theirs).is_some_and(|from| from == id))
    };
    contacts
        .iter()
        .find(|c| same(c, "/user_id", "/from_user_id") || same(c, "/wa_id", "/from"))
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1))
}

fn lane(key: &str, message: &Value, customer: Option<&str>) -> String {
    if key == "messages"
        && let Some(group) = text_at(message, "/group_id")
    {
        return group.into_owned();
    }
    customer.unwrap_or("unknown").to_string()
}

fn hash(value: &Value) -> String {
    sha256_hex(value.to_string().as_bytes())
}

/// What a raw event says. `number` is ours: one app may serve several numbers at one address.
pub fn read(event: &Value, number: &str, group_names: &[String]) -> Event {
    let theirs = text_at(event, "/number").unwrap_or_default();
    if !theirs.is_empty() && theirs != number {
        return Event::Nothing("it concerns another phone number of the app");
    }
    if event.get("standby") == Some(&Value::Bool(true)) {
        return Event::Nothing("another assistant holds this talk: we only watch");
    }
    if let Some(message) = event.get("message") {
        return match text_at(event, "/field").as_deref() {
            Some("messages") | None => read_message(event, message, group_names),
            Some(_) => Event::Nothing("a kind of change that is only kept"),
        };
    }
    if let Some(echo) = event.get("echo") {
        return read_echo(echo);
    }
    if let Some(status) = event.get("status") {
        return read_status(status);
    }
    if let Some(change) = event.get("change") {
        return read_change(event, change);
    }
    Event::Nothing("a kind of change that is only kept")
}

/// The addresses in a message and its contact: by phone number first, since every number can be written to.
fn addresses(event: &Value, message: &Value) -> Vec<Address> {
    let phone = text_at(message, "/from").or_else(|| text_at(event, "/contact/wa_id")).filter(|p| !p.is_empty());
    let user =
        text_at(message, "/from_user_id").or_else(|| text_at(event, "/contact/user_id")).filter(|u| !u.is_empty());
    let phone = phone.map(|id| Address::new("phone", id));
    phone.into_iter().chain(user.map(|id| Address::new("bsuid", id))).collect()
}

fn read_message(event: &Value, message: &Value, group_names: &[String]) -> Event {
    let kind = text_at(message, "/type").unwrap_or_default();
    if kind == "system" {
        return read_system(message);
    }
    let mut all = addresses(event, message).into_iter();
    let Some(sender) = all.next() else {
        return Event::Nothing("a message without a sender");
    };
    let Some(id) = text_at(message, "/id") else {
        return Event::Nothing("a message without an id");
    };
    let at = seconds(message.get("timestamp"));
    let name = text_at(event, "/contact/profile/name").or_else(|| text_at(event, "/contact/profile/username"));
    let text = |pointer: &str| text_at(message, pointer).unwrap_or_default().into_owned();
    let group = text_at(message, "/group_id").map(std::borrow::Cow::into_owned);
    match &*kind {
        "reaction" => {
            let emoji = text_at(message, "/reaction/emoji").filter(|e| !e.is_empty()).map(|e| e.into_owned());
            return match text_at(message, "/reaction/message_id") {
                Some(target) => Event::Reaction { by: sender, target: target.into_owned(), emoji, at },
                None => Event::Nothing("a reaction to nothing"),
            };
        }
        "edit" => {
            let texts = [
                "/edit/message/text/body",
                "/edit/message/image/caption",
                "/edit/message/video/caption",
                "/edit/message/document/caption",
            ];
            let changed = texts.iter().find_map(|p| text_at(message, p)).unwrap_or_default().into_owned();
            return match text_at(message, "/edit/original_message_id") {
                Some(target) => Event::Edit { target: target.into_owned(), text: changed },
                None => Event::Nothing("an edit of nothing"),
            };
        }
        "revoke" => {
            return match text_at(message, "/revoke/original_message_id") {
                Some(target) => Event::Revoke { target: target.into_owned() },
                None => Event::Nothing("a revocation of nothing"),
            };
        }
        _ => {}
    }
    let mut inbound = Inbound::text(id, sender, "");
    inbound.aliases = all.collect();
    inbound.sender_name = name.map(|n| n.into_owned());
    inbound.sent_at = at;
    for (key, pointer) in [("context", "/context"), ("referral", "/referral")] {
        if let Some(value) = message.pointer(pointer).filter(|v| !v.is_null()) {
            inbound = inbound.with(key, value.clone());
        }
    }
    let inbound = match &*kind {
        "text" => Inbound { text: text("/text/body"), ..inbound },
        // Without its body there is no file: Meta could not fetch it, and says why.
        "image" | "video" | "audio" | "document" | "sticker" if message.get(&*kind).is_some() => {
            media(inbound, message, &kind)
        }
        "location" => {
            let of = message.get("location").cloned().unwrap_or_default();
            let lines = texts(&of, &["/address", "/url"]);
            let place = Card::place(of.get("latitude"), of.get("longitude"), &text("/location/name"), lines);
            inbound.of("location").showing(&place).with("location", of)
        }
        "contacts" => {
            let people = message.get("contacts").cloned().unwrap_or_default();
            inbound.of("contacts").showing(&people_of(&people)).with("contacts", people)
        }
        "order" => {
            let order = message.get("order").cloned().unwrap_or_default();
            Inbound { text: text("/order/text"), ..inbound.of("order") }.showing(&goods(&order)).with("order", order)
        }
        "button" => Inbound { text: text("/button/text"), ..inbound.of("button") }
            .with("button", json!({"id": text("/button/payload"), "title": text("/button/text")})),
        "request_welcome" => return Event::Nothing("the customer opened the chat"),
        "interactive" if text("/interactive/type") == "call_permission_reply" => {
            return Event::Nothing("whether the customer may be called");
        }
        "interactive" => tapped(inbound, message, &text),
        // Polls, pins, gifs and what is new: a person looks at it.
        _ => inbound.of("unsupported").with(
            "unsupported",
            json!({"type": kind, "of": message.pointer("/unsupported/type"), "errors": message.get("errors")}),
        ),
    };
    match group {
        Some(group) => in_a_group(inbound, group, group_names),
        None => Event::Message(inbound),
    }
}

/// A message in a group is one only when the assistant was called by name; the group is the address then.
fn in_a_group(mut inbound: Inbound, group: String, names: &[String]) -> Event {
    let said = inbound.text.to_lowercase();
    if !names.iter().any(|name| !name.is_empty() && said.contains(&name.to_lowercase())) {
        return Event::Nothing("a message in a group");
    }
    let member = json!({"kind": inbound.kind, "id": inbound.sender});
    inbound = inbound.with("group_member", member);
    Event::Message(Inbound { kind: "group".into(), sender: group, aliases: Vec::new(), ..inbound })
}

fn media(inbound: Inbound, message: &Value, kind: &str) -> Inbound {
    let of = message.get(kind).cloned().unwrap_or_default();
    let is_voice = of.get("voice") == Some(&Value::Bool(true));
    let own = |name: &str| of.get(name).and_then(Value::as_str).map(String::from);
    // Base64 in webhooks.
    let sha256 = own("sha256").and_then(|text| {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok().filter(|b| b.len() == 32)?;
        Some(crate::platform::crypto::hex(&bytes))
    });
    let media =
        Media { id: own("id"), url: own("url"), mime_type: own("mime_type"), sha256, filename: own("filename") };
    let text = own("caption").unwrap_or_default();
    Inbound { text, media: Some(media), ..inbound.of(if is_voice { "voice" } else { kind }) }
}

/// A tapped button or row, a filled form, or an answer that we do not know.
fn tapped(inbound: Inbound, message: &Value, text: &dyn Fn(&str) -> String) -> Inbound {
    let kind = text("/interactive/type");
    match &*kind {
        "button_reply" | "list_reply" => {
            let title = text(&format!("/interactive/{kind}/title"));
            let id = text(&format!("/interactive/{kind}/id"));
            Inbound { text: title.clone(), ..inbound.of("button") }.with("button", json!({"id": id, "title": title}))
        }
        "nfm_reply" => {
            let form = message.pointer("/interactive/nfm_reply").cloned().unwrap_or_default();
            // The answers are JSON in a text.
            let mut answers: Value =
                serde_json::from_str(&text("/interactive/nfm_reply/response_json")).unwrap_or_default();
            if let Some(fields) = answers.as_object_mut() {
                fields.remove("flow_token");
            }
            let title = texts(&form, &["/name"]).concat();
            inbound.of("form").showing(&Card::fields(title, &answers)).with("form", answers)
        }
        // Comes without a body when Meta failed to deliver it; the errors are kept.
        _ => inbound.of("unsupported").with(
            "interactive",
            message.get("interactive").or_else(|| message.get("errors")).cloned().unwrap_or_default(),
        ),
    }
}

/// Who is on the contacts that were shared.
fn people_of(contacts: &Value) -> Card {
    let all = contacts.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |of: &Value| texts(of, &["/name/formatted_name"]).concat();
    let reached = |of: &Value| {
        let each = |list: &str, field: &str| -> Vec<String> {
            let all = of.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            all.iter().flat_map(|one| texts(one, &[field])).collect()
        };
        [each("phones", "/phone"), each("emails", "/email")].concat().join(", ")
    };
    let names: Vec<String> = all.iter().map(name).collect();
    let lines =
        all.iter().map(|of| if all.len() == 1 { reached(of) } else { format!("{}: {}", name(of), reached(of)) });
    Card::new(names.join(", "), lines)
}

/// What was put into the cart.
fn goods(order: &Value) -> Card {
    let items = order.get("product_items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let line = |item: &Value| {
        let [count, product, price, currency] =
            ["/quantity", "/product_retailer_id", "/item_price", "/currency"].map(|p| texts(item, &[p]).concat());
        format!("{count} × {product} {price} {currency}")
    };
    Card::new("", items.iter().map(line))
}

/// Changes of numbers and ids; the rest is not the customer's utterance.
fn read_system(message: &Value) -> Event {
    let of = |pointer: &str| text_at(message, pointer).filter(|t| !t.is_empty());
    let kind = of("/system/type").unwrap_or_default();
    if !matches!(&*kind, "user_changed_number" | "user_changed_user_id" | "customer_changed_number") {
        return Event::Nothing("a notice of the platform");
    }
    let mut from: Vec<Address> = Vec::new();
    if let Some(id) = of("/system/previous_user_id") {
        from.push(Address::new("bsuid", id));
    }
    let new_number = of("/system/wa_id").or_else(|| of("/system/new_wa_id"));
    if let Some(id) = of("/from").filter(|id| Some(id) != new_number.as_ref()) {
        from.push(Address::new("phone", id));
    }
    let mut to: Vec<Address> = Vec::new();
    if let Some(id) = new_number {
        to.push(Address::new("phone", id));
    }
    if let Some(id) = of("/system/user_id") {
        to.push(Address::new("bsuid", id));
    }
    if from.is_empty() || to.is_empty() {
        Event::Nothing("a notice of the platform")
    } else {
        Event::Moved { from, to }
    }
}

fn read_echo(echo: &Value) -> Event {
    let to = text_at(echo, "/to").filter(|t| !t.is_empty()).map(|id| Address::new("phone", id));
    let to = to.or_else(|| text_at(echo, "/to_user_id").map(|id| Address::new("bsuid", id)));
    let (Some(customer), Some(id)) = (to, text_at(echo, "/id")) else {
        return Event::Nothing("an echo to nobody");
    };
    let kind = text_at(echo, "/type").unwrap_or_default();
    let caption = format!("/{kind}/caption");
    let text = text_at(echo, "/text/body").or_else(|| text_at(echo, &caption)).unwrap_or_default();
    Event::Echo(Echo {
        external_message_id: id.into_owned(),
        customer,
        external_chat_id: None,
        content_type: kind.into_owned(),
        text: text.into_owned(),
        sent_at: seconds(echo.get("timestamp")),
    })
}

fn read_status(status: &Value) -> Event {
    let state = match text_at(status, "/status").as_deref() {
        Some("sent") => Progress::Sent,
        Some("delivered") => Progress::Delivered,
        Some("read") => Progress::Read,
        Some("played") => Progress::Played,
        Some("failed") => Progress::Failed,
        _ => return Event::Nothing("a status that this version does not know"),
    };
    let Some(id) = text_at(status, "/id") else {
        return Event::Nothing("a status of nothing");
    };
    if text_at(status, "/recipient_type").as_deref() == Some("group") {
        return Event::Nothing("a status in a group");
    }
    Event::Receipt(Receipt {
        external_id: id.into_owned(),
        key: text_at(status, "/biz_opaque_callback_data").map(|k| k.into_owned()),
        state,
        at: seconds(status.get("timestamp")),
        failure: (state == Progress::Failed)
            .then(|| errors::failure(status.pointer("/errors/0").unwrap_or(&Value::Null))),
    })
}

/// What concerns the account: bans and restrictions are alarms, their end is good news.
fn read_change(event: &Value, change: &Value) -> Event {
    let field = text_at(event, "/field").unwrap_or_default();
    let word = text_at(change, "/event").unwrap_or_default().to_uppercase();
    let says = |matter: &str, is_up: bool, detail: String| {
        let state = if word.is_empty() { field.to_uppercase() } else { word.clone() };
        Event::Connection(Connection { matter: matter.into(), is_up: Some(is_up), state, detail })
    };
    match &*field {
        "account_update" => {
            let ban = text_at(change, "/ban_info/waba_ban_state").unwrap_or_default().to_uppercase();
            if ban == "REINSTATE" || word == "ACCOUNT_RECONNECTED" {
                says("account", true, "WhatsApp has lifted the restriction of the account".into())
            } else if ["DISABLED", "RESTRICT", "BAN", "VIOLATION", "DELETED"].iter().any(|w| word.contains(w)) {
                says("account", false, format!("WhatsApp has restricted the account: {word}"))
            } else {
                Event::Nothing("a change of the account that is only kept")
            }
        }
        "phone_number_quality_update" => match word.as_str() {
            "FLAGGED" => says("quality", false, "the quality of the phone number has fallen".into()),
            "UNFLAGGED" => says("quality", true, "the quality of the phone number is good again".into()),
            "DOWNGRADE" => says("limit", false, "the number may write to fewer customers a day".into()),
            "UPGRADE" => says("limit", true, "the number may write to more customers a day".into()),
            _ => Event::Nothing("a change of the number that is only kept"),
        },
        "message_template_status_update" => {
            let name = text_at(change, "/message_template_name").unwrap_or_default();
            let matter = format!("template {name}");
            match word.as_str() {
                "REJECTED" | "PAUSED" | "DISABLED" => {
                    says(&matter, false, format!("the template {name} can't be used: {word}"))
                }
                "APPROVED" | "REINSTATED" => says(&matter, true, format!("the template {name} can be used")),
                _ => Event::Nothing("a change of a template that is only kept"),
            }
        }
        "messages" => match change.pointer("/errors/0") {
            Some(error) => says(Connection::SENDING, false, errors::failure(error).why().to_string()),
            None => Event::Nothing("an empty change"),
        },
        _ => Event::Nothing("a kind of change that is only kept"),
    }
}
