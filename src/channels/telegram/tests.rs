//! What Telegram sends, read.

use bytes::Bytes;

use super::*;
use axum::http::HeaderMap;

fn hear(update: Value) -> Event {
    let channel = Telegram::open(&json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4"})).unwrap();
    let body = Bytes::from(update.to_string());
    let mut headers = HeaderMap::new();
    headers.insert("x-telegram-bot-api-secret-token", "A1b2_C3-d4".parse().unwrap());
    let request = Request { path: "", query: "", headers: &headers, body: &body };
    let raw = channel.verify(&request, Utc::now()).unwrap().remove(0);
    let none = HeaderMap::new();
    assert!(matches!(channel.verify(&Request { headers: &none, ..request }, Utc::now()), Err(Error::SignedOut)));
    channel.parse(&raw.payload).unwrap()
}

#[test]
fn each_kind_of_update_is_read() {
    let message = |more: Value| {
        let mut m = json!({"message_id": 5, "date": 1_772_442_000, "chat": {"id": 42, "type": "private"}, "from": {"id": 42, "first_name": "Ana"}});
        m.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hear(json!({"update_id": 1, "message": m}))
    };
    assert!(
        matches!(message(json!({"text": "hi"})), Event::Message(m) if m.external_message_id == "42:5" && m.text == "hi" && m.sender_name.as_deref() == Some("Ana"))
    );
    let photo = json!({"photo": [{"file_id": "small"}, {"file_id": "large"}], "caption": "broken"});
    assert!(
        matches!(message(photo), Event::Message(m) if m.media.as_ref().unwrap().id.as_deref() == Some("large") && m.text == "broken")
    );
    assert!(matches!(message(json!({"voice": {"file_id": "v"}})), Event::Message(m) if m.content_type == "voice"));
    let dice = json!({"dice": {"emoji": "🎲"}, "via_bot": {"id": 2}});
    assert!(
        matches!(message(dice), Event::Message(m) if m.content_type == "unsupported" && m.metadata["unsupported"] == json!({"dice": {"emoji": "🎲"}}))
    );
    let venue =
        json!({"location": {"latitude": 5.4}, "venue": {"title": "House", "address": "12 Lebuh", "location": {}}});
    assert!(
        matches!(message(venue), Event::Message(m) if m.metadata["location"] == json!({"latitude": 5.4, "name": "House", "address": "12 Lebuh"}))
    );
    let link = json!({"type": "text_link", "offset": 0, "length": 4, "url": "https://x.example/1"});
    let linked = message(json!({"text": "Here", "entities": [link, {"type": "bold", "offset": 0, "length": 4}]}));
    assert!(matches!(linked, Event::Message(m) if m.text == "Here\nhttps://x.example/1"));
    assert!(matches!(message(json!({"pinned_message": {}})), Event::Nothing(_)));
    assert!(matches!(message(json!({"text": "hi", "chat": {"id": -7, "type": "group"}})), Event::Nothing(_)));
    let edited = json!({"update_id": 2, "edited_message": {"message_id": 5, "chat": {"id": 42}, "text": "new"}});
    assert!(matches!(hear(edited), Event::Edit { target, text } if target == "42:5" && text == "new"));
    let tap = json!({"update_id": 3, "callback_query": {"id": "c", "from": {"id": 42}, "data": "y"}});
    assert!(matches!(hear(tap), Event::Message(m) if m.content_type == "button"));
    let game = json!({"update_id": 3, "callback_query": {"id": "c", "from": {"id": 42}, "game_short_name": "x"}});
    assert!(matches!(hear(game), Event::Nothing(_)));
    let member = |kind: &str, status: &str| {
        let chat = json!({"id": 42, "type": kind});
        hear(json!({"update_id": 4, "my_chat_member": {"chat": chat, "new_chat_member": {"status": status}}}))
    };
    assert!(matches!(member("private", "kicked"), Event::Blocked { is_blocked: true, .. }));
    assert!(matches!(member("private", "member"), Event::Blocked { is_blocked: false, .. }));
    assert!(matches!(member("supergroup", "kicked"), Event::Nothing(_)));
}
#[test]
fn who_taps_start_comes_without_a_word() {
    for (text, scene) in [
        ("/start", Some("")),
        ("/start ad_summer", Some("ad_summer")),
        ("/start@desk_bot", Some("")),
        ("/start how long is the warranty?", None),
        ("/started", None),
        ("start", None),
    ] {
        assert_eq!(started(text), scene, "{text}");
    }
    let open = |greeting: Value| {
        Telegram::open(&json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "greeting": greeting}))
    };
    let usual = open(Value::Null).unwrap();
    assert_ne!(usual.greeting(Some("zh-hans")), usual.greeting(None));
    assert_eq!(open(json!("Welcome!")).unwrap().greeting(Some("zh")), "Welcome!");
    assert!(open(json!(" ")).is_err() && open(json!("x".repeat(4097))).is_err());
}
