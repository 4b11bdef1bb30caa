//! What an item of a page says.

use serde_json::{Value, json};

use super::super::{
    Address, Card, Echo, Event, Failure, Inbound, Media, Progress, RawEvent, Receipt, seconds, text_at,
};
use crate::platform::crypto::sha256_hex;

/// An item of a page as a raw event. Items of one customer share a lane.
pub fn raw(item: &Value, is_history: bool) -> RawEvent {
    let id = text_at(item, "/msgid").map_or_else(|| sha256_hex(item.to_string().as_bytes()), |id| id.into_owned());
    let customer = customer(item).unwrap_or_default();
    RawEvent {
        external_id: format!("item:{id}"),
        lane: customer,
        payload: json!({"item": item, "history": is_history}).to_string(),
    }
}

fn customer(item: &Value) -> Option<String> {
    ["/external_userid", "/event/external_userid"].iter().find_map(|p| text_at(item, p)).map(|id| id.into_owned())
}

/// What a raw event says.
pub fn read(event: &Value) -> Event {
    if let (Some(account), Some(token)) = (text_at(event, "/doorbell/account"), text_at(event, "/doorbell/token")) {
        return Event::Doorbell { account: account.into_owned(), token: token.into_owned() };
    }
    let Some(item) = event.get("item") else {
        return Event::Nothing("an event of another kind");
    };
    // Whoever said it and whatever became of it then: the talk of now begins with what is written from now on.
    if event.get("history") == Some(&Value::Bool(true)) {
        return Event::Nothing("from before the channel was connected: kept, and nothing comes of it");
    }
    if text_at(item, "/msgtype").as_deref() == Some("event") {
        return read_event(item.get("event").unwrap_or(&Value::Null));
    }
    // 3 the customer, 4 the system, 5 a servicer in WeCom's own client.
    match item.get("origin").and_then(Value::as_i64) {
        Some(3) => read_message(item),
        Some(5) => read_echo(item),
        _ => Event::Nothing("a message of the platform"),
    }
}

fn read_message(item: &Value) -> Event {
    let (Some(id), Some(customer)) = (text_at(item, "/msgid"), customer(item)) else {
        return Event::Nothing("a message without id or sender");
    };
    let kind = text_at(item, "/msgtype").unwrap_or_default();
    let body = item.get(&*kind).cloned().unwrap_or(Value::Null);
    let mut inbound = Inbound::text(id, Address::new("external_userid", customer), "");
    inbound.external_chat_id = text_at(item, "/open_kfid").map(|a| a.into_owned());
    inbound.sent_at = seconds(item.get("send_time"));
    let of = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
    let file = || Media { id: body.get("media_id").and_then(Value::as_str).map(String::from), ..Media::default() };
    Event::Message(match &*kind {
        "text" => {
            let text = of("content");
            match body.get("menu_id").and_then(Value::as_str).filter(|m| !m.is_empty()) {
                Some(menu) => {
                    let button = json!({"id": menu, "title": text});
                    Inbound { text, ..inbound.of("button") }.with("button", button)
                }
                None => Inbound { text, ..inbound },
            }
        }
        "image" | "voice" | "video" => Inbound { media: Some(file()), ..inbound.of(&kind) },
        "file" => Inbound { media: Some(file()), ..inbound.of("document") },
        "location" => {
            let place = Card::place(body.get("latitude"), body.get("longitude"), &of("name"), vec![of("address")]);
            inbound.of("location").showing(&place).with("location", body)
        }
        "link" => inbound.of("link").showing_link(&of("title"), &of("desc"), &of("url")).with("link", body),
        "business_card" | "miniprogram" | "channels_shop_order" | "channels_shop_product" => {
            inbound.of(&kind).showing(&Card::fields(of("title"), &body)).with(&kind, body)
        }
        _ => inbound.of("unsupported").with("unsupported", json!({"type": kind, "body": body})),
    })
}

fn read_echo(item: &Value) -> Event {
    let (Some(id), Some(customer)) = (text_at(item, "/msgid"), customer(item)) else {
        return Event::Nothing("a message without id or sender");
    };
    let kind = text_at(item, "/msgtype").unwrap_or_default();
    Event::Echo(Echo {
        external_message_id: id.into_owned(),
        customer: Address::new("external_userid", customer),
        external_chat_id: text_at(item, "/open_kfid").map(|a| a.into_owned()),
        content_type: kind.into_owned(),
        text: text_at(item, "/text/content").unwrap_or_default().into_owned(),
        sent_at: seconds(item.get("send_time")),
    })
}

fn read_event(event: &Value) -> Event {
    let of = |name: &str| text_at(event, &format!("/{name}")).filter(|t| !t.is_empty()).map(|t| t.into_owned());
    match of("event_type").as_deref() {
        Some("msg_send_fail") => match of("fail_msgid") {
            // The id we gave is the platform's id.
            Some(id) => Event::Receipt(Receipt {
                key: Some(id.clone()),
                external_id: id,
                state: Progress::Failed,
                at: None,
                failure: Some(refused(event.get("fail_type").and_then(Value::as_i64).unwrap_or(0))),
            }),
            None => Event::Nothing("a failure of nothing"),
        },
        Some("user_recall_msg") => match of("recall_msgid") {
            Some(target) => Event::Revoke { target },
            None => Event::Nothing("a revocation of nothing"),
        },
        Some("servicer_recall_msg") => match of("recall_msgid") {
            Some(target) => Event::Revoke { target },
            None => Event::Nothing("a revocation of nothing"),
        },
        Some("session_status_change") => {
            let Some(customer) = of("external_userid") else {
                return Event::Nothing("a change of nobody's session");
            };
            // 1 a servicer took it, 2 another servicer has it, 3 it ended, 4 a servicer took an ended one up again.
            match event.get("change_type").and_then(Value::as_i64) {
                Some(1 | 2 | 4) => Event::Held { customer: Address::new("external_userid", customer), by_person: true },
                Some(3) => Event::Held { customer: Address::new("external_userid", customer), by_person: false },
                _ => Event::Nothing("a change of a session that this version does not know"),
            }
        }
        Some("enter_session") => Event::Nothing("the customer opened the chat"),
        _ => Event::Nothing("an event of another kind"),
    }
}

/// Why the platform did not deliver a message it had taken.
fn refused(fail_type: i64) -> Failure {
    let never = |words: &str| Failure::Never(format!("{words} (WeCom fail_type {fail_type})"));
    match fail_type {
        4 => Failure::OutsideWindow("the customer wrote more than 48 hours ago (WeCom fail_type 4)".into()),
        5 => never("the session was closed"),
        6 => never("more than five messages since the customer wrote"),
        1 => Failure::Stop("the customer service account was deleted (WeCom fail_type 1)".into()),
        2 => Failure::Stop("the application was closed (WeCom fail_type 2)".into()),
        7..=9 => Failure::Stop(format!("the account is not verified or bound (WeCom fail_type {fail_type})")),
        10 => never("the customer refused it"),
        _ => never("the platform did not deliver it"),
    }
}
