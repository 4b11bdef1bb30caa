//! What Evolution sends, read.

use bytes::Bytes;

use super::*;
use axum::http::HeaderMap;

fn channel() -> Evolution {
    Evolution::open(
        &json!({"base_url": "http://127.0.0.1:1", "api_key": "k", "instance": "shop", "token": "a token of sixteen"}),
    )
    .unwrap()
}

fn hear(token: &str, event: &str, data: Value) -> Result<(RawEvent, Event)> {
    let body =
        json!({"event": event, "instance": "shop", "data": data, "apikey": "secret of the instance"}).to_string();
    let body = Bytes::from(body);
    let mut headers = HeaderMap::new();
    headers.insert("x-frontdesk-token", token.parse().unwrap());
    let request = Request { path: "messages-upsert", query: "", headers: &headers, body: &body };
    let raw = channel().verify(&request, Utc::now())?.remove(0);
    let event = channel().parse(&raw.payload)?;
    Ok((raw, event))
}

#[test]
fn a_message_is_read_and_the_servers_key_is_not_kept() {
    let data = json!({"key": {"remoteJid": "60123@s.whatsapp.net", "fromMe": false, "id": "A"}, "pushName": "Ana",
        "message": {"conversation": "hi"}, "messageTimestamp": 1_772_442_000});
    let (raw, event) = hear("a token of sixteen", "messages.upsert", data.clone()).unwrap();
    assert!(!raw.payload.contains("secret of the instance"));
    assert!(matches!(event, Event::Message(m) if m.sender == "60123" && m.kind == "phone" && m.text == "hi"));
    assert!(matches!(hear("a wrong token of ours", "messages.upsert", data), Err(Error::Forbidden)));
}

#[test]
fn what_is_about_one_chat_keeps_its_order() {
    let lane = |event: &str, data: Value| hear("a token of sixteen", event, data).unwrap().0.lane;
    let key = json!({"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": "A"});
    assert_eq!(lane("messages.upsert", json!({"key": key})), "60@s.whatsapp.net");
    assert_eq!(lane("messages.delete", key.clone()), "60@s.whatsapp.net");
    assert_eq!(lane("messages.edited", json!({"key": key})), "60@s.whatsapp.net");
}

#[test]
fn kinds_of_events_are_told_apart() {
    let one = |event: &str, data: Value| hear("a token of sixteen", event, data).unwrap().1;
    let key = |own: bool| json!({"remoteJid": "60@s.whatsapp.net", "fromMe": own, "id": "A"});
    let upsert = |own: bool, message: Value| one("MESSAGES_UPSERT", json!({"key": key(own), "message": message}));
    assert!(matches!(upsert(true, json!({"conversation": "x"})), Event::Echo(_)));
    assert!(matches!(upsert(false, json!({"imageMessage": {"caption": "broken", "mimetype": "image/jpeg"}})),
        Event::Message(m) if m.content_type == "image" && m.text == "broken" && m.media.is_some()));
    assert!(matches!(
        upsert(false, json!({"reactionMessage": {"key": {"id": "B"}, "text": "👍"}})),
        Event::Reaction { .. }
    ));
    assert!(matches!(upsert(false, json!({"pollUpdateMessage": {}})), Event::Nothing(_)));
    assert!(
        matches!(upsert(false, json!({"newsletterAdminInviteMessage": {}})), Event::Message(m) if m.content_type == "unsupported")
    );
    assert!(
        matches!(one("messages.update", json!({"keyId": "A", "fromMe": true, "status": "READ"})), Event::Receipt(r) if r.state == Progress::Read)
    );
    assert!(matches!(one("messages.delete", json!({"id": "A"})), Event::Revoke { .. }));
    assert!(
        matches!(one("connection.update", json!({"state": "close"})), Event::Connection(c) if c.is_up == Some(false))
    );
    assert!(
        matches!(one("connection.update", json!({"state": "connecting"})), Event::Connection(c) if c.is_up.is_none())
    );
    assert!(matches!(one("presence.update", json!({})), Event::Nothing(_)));
}
