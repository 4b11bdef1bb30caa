//! Cases of our own, made after Meta's documents.

use super::{super::*, *};
use axum::http::HeaderMap;
use serde_json::json;

fn channel() -> WhatsappCloud {
    WhatsappCloud::open(&json!({"phone_number_id": "777", "app_secret": "0123456789abcdef0123456789abcdef",
        "verify_token": "open sesame", "access_token": "EAAtoken", "group_names": ["Bell"],
        "template": {"name": "we_answered", "language": "en_US"}}))
    .unwrap()
}

fn deliver(body: &str, signature: Option<&str>) -> Result<Vec<RawEvent>> {
    let body = Bytes::from(body.to_string());
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert(SIGNATURE, signature.parse().unwrap());
    }
    channel().verify(&Request { path: "", query: "", headers: &headers, body: &body }, Utc::now())
}

fn signed(body: &str) -> String {
    format!("sha256={}", hmac_sha256_hex(b"0123456789abcdef0123456789abcdef", body.as_bytes()))
}

/// What the channel understands of a change's value.
fn hear(field: &str, mut value: Value) -> Vec<Event> {
    value["metadata"] = json!({"display_phone_number": "1", "phone_number_id": "777"});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]});
    let body = body.to_string();
    deliver(&body, Some(&signed(&body))).unwrap().iter().map(|raw| channel().parse(&raw.payload).unwrap()).collect()
}

fn message(content: Value) -> Event {
    let mut m = json!({"from": "60123456789", "from_user_id": "MY.1", "id": "wamid.A", "timestamp": "1772442000"});
    m.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    let contacts = json!([{"profile": {"name": "Ana"}, "wa_id": "60123456789", "user_id": "MY.1"}]);
    hear("messages", json!({"contacts": contacts, "messages": [m]})).remove(0)
}

#[test]
fn only_what_meta_signed_is_taken() {
    let body = r#"{"object":"x","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{"id":"a","text":{"body":"\u4f60 \/"}}]}}]}]}"#;
    assert!(deliver(body, Some(&signed(body))).is_ok());
    assert!(matches!(deliver(body, None), Err(Error::SignedOut)));
    let again = serde_json::from_str::<Value>(body).unwrap().to_string();
    assert!(matches!(deliver(&again, Some(&signed(body))), Err(Error::Forbidden)), "written anew");
    for wrong in ["", "sha256=", "sha256=00", &signed(body)[7..], &signed(body).to_uppercase()] {
        assert!(matches!(deliver(body, Some(wrong)), Err(Error::Forbidden)), "{wrong}");
    }
    assert!(matches!(deliver("not json", Some(&signed("not json"))), Err(Error::Invalid(_))));
}

#[test]
fn the_challenge_is_given_back_as_it_came() {
    let (headers, body) = (HeaderMap::new(), Bytes::new());
    let ask = |query: &str| channel().handshake(&Request { path: "", query, headers: &headers, body: &body });
    let good = "hub.mode=subscribe&hub.challenge=0012%2B3&hub.verify_token=open%20sesame";
    assert_eq!(ask(good).unwrap(), "0012+3");
    for wrong in [
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=no",
        "hub.challenge=1&hub.verify_token=open+sesame",
        "",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=open+sesame",
    ] {
        assert!(matches!(ask(wrong), Err(Error::Forbidden)), "{wrong}");
    }
}

#[test]
fn every_entry_change_message_and_status_counts() {
    let value = |n: usize| {
        json!({"metadata": {"phone_number_id": "777"},
            "messages": [{"from": "1", "id": format!("m{n}"), "type": "text"}, {"from": "2", "id": format!("n{n}"), "type": "text"}],
            "statuses": [{"id": format!("s{n}"), "status": "sent"}, {"id": format!("s{n}"), "status": "read"}]})
    };
    let change = |n| json!({"field": "messages", "value": value(n)});
    let body = json!({"entry": [{"id": "1", "changes": [change(1), change(2)]}, {"id": "2", "changes": [change(3)]}]})
        .to_string();
    let events = deliver(&body, Some(&signed(&body))).unwrap();
    let mut ids: Vec<_> = events.iter().map(|e| e.external_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12);
}

#[test]
fn each_kind_of_message_is_read() {
    let read = |content: Value| match message(content) {
        Event::Message(m) => (m.content_type, m.text),
        other => panic!("{other:?}"),
    };
    for (content, kind, text) in [
        (json!({"type": "text", "text": {"body": "hi"}}), "text", "hi"),
        (
            json!({"type": "image", "image": {"id": "1", "mime_type": "image/jpeg", "caption": "broken"}}),
            "image",
            "broken",
        ),
        (json!({"type": "audio", "audio": {"id": "1", "voice": true}}), "voice", ""),
        (json!({"type": "audio", "audio": {"id": "1"}}), "audio", ""),
        (json!({"type": "document", "document": {"id": "1", "filename": "a.pdf"}}), "document", ""),
        (json!({"type": "sticker", "sticker": {"id": "1"}}), "sticker", ""),
        (json!({"type": "location", "location": {"latitude": 1.5, "longitude": 2.5, "name": "Shop"}}), "location", ""),
        (json!({"type": "contacts", "contacts": [{"name": {"formatted_name": "B"}}]}), "contacts", ""),
        (json!({"type": "button", "button": {"payload": "p", "text": "Yes"}}), "button", "Yes"),
        (
            json!({"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": "b", "title": "Refund"}}}),
            "button",
            "Refund",
        ),
        (
            json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "b", "title": "Row"}}}),
            "button",
            "Row",
        ),
        (json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {}}}), "form", ""),
        (json!({"type": "interactive", "errors": [{"code": 131_000}]}), "unsupported", ""),
        (json!({"type": "order", "order": {"text": "please", "product_items": []}}), "order", "please"),
        (
            json!({"type": "unsupported", "errors": [{"code": 131_051}], "unsupported": {"type": "gif"}}),
            "unsupported",
            "",
        ),
        (json!({"type": "hologram"}), "unsupported", ""),
        (json!({}), "unsupported", ""),
    ] {
        assert_eq!(read(content.clone()), (kind.to_string(), text.to_string()), "{content}");
    }
}

#[test]
fn what_changes_an_earlier_message_is_no_question() {
    let reaction = |r: Value| message(json!({"type": "reaction", "reaction": r}));
    assert!(matches!(reaction(json!({"message_id": "x", "emoji": "👍"})), Event::Reaction { emoji: Some(_), .. }));
    assert!(matches!(reaction(json!({"message_id": "x", "emoji": ""})), Event::Reaction { emoji: None, .. }));
    assert!(matches!(reaction(json!({"message_id": "x"})), Event::Reaction { emoji: None, .. }));
    let edit = json!({"type": "edit", "edit": {"original_message_id": "x", "message": {"type": "text", "text": {"body": "new"}}}});
    assert!(matches!(message(edit), Event::Edit { target, text } if target == "x" && text == "new"));
    let revoke = json!({"type": "revoke", "revoke": {"original_message_id": "x"}});
    assert!(matches!(message(revoke), Event::Revoke { target } if target == "x"));
    let group = json!({"type": "text", "group_id": "G", "text": {"body": "hi all"}});
    assert!(matches!(message(group), Event::Nothing(_)));
    let called = json!({"type": "text", "group_id": "G", "text": {"body": "bell, are you open?"}});
    assert!(matches!(message(called), Event::Message(m) if m.kind == "group" && m.sender == "G"));
}

#[test]
fn a_customer_without_a_number_has_an_address_all_the_same() {
    let contacts = json!([{"profile": {"username": "ana"}, "user_id": "MY.1"}]);
    let m = json!({"from_user_id": "MY.1", "id": "wamid.A", "timestamp": "1772442000", "type": "text", "text": {"body": "hi"}});
    let heard = hear("messages", json!({"contacts": contacts, "messages": [m]})).remove(0);
    let Event::Message(m) = heard else { panic!("{heard:?}") };
    assert_eq!((m.kind.as_str(), m.sender.as_str(), m.aliases.len()), ("bsuid", "MY.1", 0));
    let Event::Message(m) = message(json!({"type": "text", "text": {"body": "hi"}})) else { panic!() };
    assert_eq!((m.kind.as_str(), m.aliases.as_slice()), ("phone", &[Address::new("bsuid", "MY.1")][..]));
    let system = json!({"from": "60123456789", "id": "wamid.B", "timestamp": "1772442000", "type": "system",
        "system": {"type": "user_changed_number", "wa_id": "6099", "user_id": "MY.2", "previous_user_id": "MY.1"}});
    let heard = hear("messages", json!({"messages": [system]})).remove(0);
    let moved = Event::Moved {
        from: vec![Address::new("bsuid", "MY.1"), Address::new("phone", "60123456789")],
        to: vec![Address::new("phone", "6099"), Address::new("bsuid", "MY.2")],
    };
    assert_eq!(heard, moved);
}

#[test]
fn statuses_echoes_and_alarms() {
    let status = |s: Value| hear("messages", json!({"statuses": [s]})).remove(0);
    assert!(
        matches!(status(json!({"id": "w", "status": "read", "biz_opaque_callback_data": "k"})), Event::Receipt(r) if r.state == Progress::Read && r.key.as_deref() == Some("k"))
    );
    let failed = json!({"id": "w", "status": "failed", "errors": [{"code": 131_047, "title": "Re-engagement"}]});
    assert!(matches!(status(failed), Event::Receipt(r) if matches!(r.failure, Some(Failure::OutsideWindow(_)))));
    assert!(matches!(status(json!({"id": "w", "status": "teleported"})), Event::Nothing(_)));
    let echo = json!({"message_echoes": [{"from": "1", "to": "60", "id": "e", "type": "text", "text": {"body": "hello"}, "timestamp": "1"}]});
    assert!(
        matches!(hear("smb_message_echoes", echo).remove(0), Event::Echo(e) if e.customer == Address::new("phone", "60") && e.text == "hello")
    );
    assert!(
        matches!(hear("account_update", json!({"event": "DISABLED_UPDATE"})).remove(0), Event::Connection(c) if c.is_up == Some(false))
    );
    assert!(matches!(hear("account_update", json!({"event": "VERIFIED_ACCOUNT"})).remove(0), Event::Nothing(_)));
    assert!(matches!(hear("messages", json!({"errors": [{"code": 131_031}]})).remove(0), Event::Connection(_)));
    assert!(matches!(hear("a_field_of_next_year", json!({"x": 1})).remove(0), Event::Nothing(_)));
}

#[test]
fn another_number_of_the_same_app_is_left_to_its_own_channel() {
    let body = json!({"entry": [{"id": "1", "changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": "778"},
        "messages": [{"from": "1", "id": "a", "type": "text", "text": {"body": "hi"}}]}}]}]}).to_string();
    let raw = deliver(&body, Some(&signed(&body))).unwrap().remove(0);
    assert!(matches!(channel().parse(&raw.payload).unwrap(), Event::Nothing(_)));
}

fn outbound(recipient: Address, body: Body) -> Outbound {
    Outbound {
        id: "k".into(),
        conversation: "c".into(),
        recipient,
        chat: None,
        by: "assistant",
        body,
        file: None,
        link: None,
        sources: None,
        answers: None,
        about: None,
        quotes: None,
    }
}

fn wire(m: Outbound) -> Value {
    channel().wire(&m, None)
}

#[test]
fn what_stands_on_the_wire_is_what_meta_documents() {
    let text = wire(outbound(Address::new("phone", "60"), Body::text("hi")));
    assert_eq!(
        text,
        json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "60", "type": "text",
        "text": {"preview_url": false, "body": "hi"}, "biz_opaque_callback_data": "k"})
    );
    let hidden = wire(outbound(Address::new("bsuid", "MY.1"), Body::text("hi")));
    assert_eq!((hidden.get("to"), &hidden["recipient"]), (None, &json!("MY.1")));
    let choices: Vec<Choice> =
        (0..3).map(|n| Choice::new(n.to_string(), format!("A title that is too long {n}"))).collect();
    assert!(channel().with_choices("Which?", &choices).is_none(), "titles that look alike once shortened");
    let choices: Vec<Choice> = (0..4).map(|n| Choice::new(n.to_string(), format!("{n}"))).collect();
    let buttons = wire(outbound(Address::new("phone", "60"), channel().with_choices("Which?", &choices[..3]).unwrap()));
    assert_eq!(buttons["interactive"]["type"], "button");
    let list = wire(outbound(Address::new("phone", "60"), channel().with_choices("Which?", &choices).unwrap()));
    assert_eq!(list["interactive"]["action"]["sections"][0]["rows"].as_array().unwrap().len(), 4);
    let template = wire(outbound(Address::new("phone", "60"), channel().template("two\n\nlines").unwrap()));
    assert_eq!(template["template"]["components"][0]["parameters"][0]["text"], "two lines");
}

#[test]
fn an_answer_without_a_code_leaves_open_whether_it_was_sent() {
    let read = send::read_answer;
    assert_eq!(read(200, &json!({"messages": [{"id": "w"}]})), Sent::Accepted(Some("w".into())));
    assert!(matches!(read(500, &Value::Null), Sent::Unknown(_, false)));
    assert!(matches!(read(200, &Value::Null), Sent::Unknown(_, false)));
    assert!(matches!(read(400, &json!({"error": {"code": 130_429}})), Sent::Failed(Failure::Retry(_, Some(_)))));
    assert!(matches!(read(500, &json!({"error": {"code": 131_000}})), Sent::Failed(Failure::Retry(..))));
    assert!(matches!(read(401, &json!({"error": {"code": 190}})), Sent::Failed(Failure::Stop(_))));
    assert!(matches!(read(429, &Value::Null), Sent::Failed(Failure::Retry(..))));
}

#[test]
fn a_wrong_configuration_is_named_without_its_values() {
    let error =
        WhatsappCloud::open(&json!({"phone_number_id": "1", "app_secret": "very secret"})).unwrap_err().to_string();
    assert!(error.contains("verify_token") && !error.contains("very secret"), "{error}");
    for (key, value) in [("base_url", json!("ftp://x")), ("app_secret", json!("")), ("nonsense", json!(1))] {
        let mut config = json!({"phone_number_id": "1", "app_secret": "s", "verify_token": "v", "access_token": "a"});
        config[key] = value;
        assert!(WhatsappCloud::open(&config).is_err(), "{key}");
    }
}
