//! Bodies that no platform would send: cut, bent and filled with rubbish. Every parser gives an error or an event, and
//! none panics. The fuzz targets in `fuzz/` go on from here.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use frontdesk::{
    channels::{Channel, Request},
    platform::crypto::{hmac_sha256_hex, hmac_sha512_hex},
};
use serde_json::{Value, json};

use crate::{graph, qyapi};

/// How many bent bodies each sample gives.
const EACH: usize = 400;

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

fn rubbish(chance: &mut Chance) -> Value {
    let all = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("退款😀\u{0}"),
        json!([]),
        json!({}),
        json!([[[[]]]]),
        json!({"id": {"id": null}}),
        json!("x".repeat(5000)),
        json!(["a", 1, null]),
        json!("-9223372036854775808"),
    ];
    all[chance.below(all.len())].clone()
}

/// Bends one place of a document: another value there, or nothing.
fn bend(value: &mut Value, chance: &mut Chance) {
    match value {
        Value::Object(fields) if !fields.is_empty() && chance.below(6) > 0 => {
            let key = fields.keys().nth(chance.below(fields.len())).unwrap().clone();
            if chance.below(8) == 0 {
                fields.shift_remove(&key);
            } else if let Some(inner) = fields.get_mut(&key) {
                bend(inner, chance);
            }
        }
        Value::Array(items) if !items.is_empty() && chance.below(6) > 0 => {
            let at = chance.below(items.len());
            bend(&mut items[at], chance);
        }
        other => *other = rubbish(chance),
    }
}

/// A channel, samples of what it gets, and how a body is signed for it.
type Signs = fn(&[u8]) -> Vec<(&'static str, String)>;

fn channels() -> Vec<(Channel, Vec<Value>, Signs, &'static str)> {
    let open = |kind: &str, config: Value| Channel::open(kind, &config).unwrap();
    let meta = |content: Value| {
        let mut m = json!({"from": "60", "from_user_id": "MY.1", "id": "wamid.1", "timestamp": "1772442000", "context": {"id": "x"}});
        m.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        json!({"object": "x", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {"metadata": {"phone_number_id": graph::NUMBER},
            "contacts": [{"profile": {"name": "A"}, "wa_id": "60", "user_id": "MY.1"}], "messages": [m],
            "statuses": [{"id": "w", "status": "failed", "errors": [{"code": 131_047}], "timestamp": "1"}]}}]}]})
    };
    let whatsapp = [
        json!({"type": "text", "text": {"body": "hi"}}),
        json!({"type": "image", "image": {"id": "1", "sha256": "AAAA", "caption": "c", "voice": true}}),
        json!({"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": "a", "title": "b"}}}),
        json!({"type": "reaction", "reaction": {"message_id": "x", "emoji": "y"}}),
        json!({"type": "edit", "edit": {"original_message_id": "x", "message": {"text": {"body": "z"}}}}),
        json!({"type": "system", "system": {"type": "user_changed_number", "wa_id": "61", "user_id": "u", "previous_user_id": "v"}}),
        json!({"type": "order", "order": {"product_items": []}, "group_id": "g"}),
    ];
    let update = json!({"update_id": 1, "message": {"message_id": 1, "date": 1, "chat": {"id": 42, "type": "private"}, "from": {"id": 1, "first_name": "A"},
        "text": "x", "photo": [{"file_id": "a"}], "migrate_to_chat_id": 5}, "edited_message": {"chat": {"id": 1}}, "callback_query": {"id": "1",
        "message": {"reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]}}}, "message_reaction": {"new_reaction": [{"emoji": "x"}]}});
    let waha = json!({"id": "e", "event": "message.any", "session": "default", "payload": {"id": "false_60@c.us_A", "from": "60@c.us", "to": "1@c.us",
        "timestamp": 1.5, "body": "x", "hasMedia": true, "media": {"url": "http://x/y", "mimetype": "image/png"}, "location": {}, "vCards": [], "replyTo": {}}});
    let evolution = json!({"event": "messages.upsert", "instance": "shop", "data": {"key": {"remoteJid": "1@lid", "remoteJidAlt": "60@s.whatsapp.net", "id": "A"},
        "message": {"imageMessage": {"caption": "c", "mimetype": "m"}, "locationMessage": {}}, "messageTimestamp": 1}});
    let gateway = json!({"messages": [{"id": {"_serialized": "a"}, "from": "60@c.us", "body": "x", "timestamp": 1, "location": {}, "type": "image", "media_url": "u"}]});
    let ours = json!({"messages": [{"id": "a", "from": {"id": "b"}, "text": "c", "metadata": {}}]});
    let token = |_: &[u8]| vec![("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
    let bearer = |_: &[u8]| vec![("authorization", "Bearer a token of sixteen".to_string())];
    vec![
        (
            open(
                "whatsapp_cloud",
                json!({"phone_number_id": graph::NUMBER, "app_secret": graph::SECRET, "verify_token": "v", "access_token": "a", "group_names": ["x"]}),
            ),
            whatsapp.into_iter().map(meta).collect(),
            |b| vec![("x-hub-signature-256", format!("sha256={}", hmac_sha256_hex(graph::SECRET.as_bytes(), b)))],
            "",
        ),
        (
            open("telegram", json!({"bot_token": "1:A", "secret_token": "A1b2_C3-d4", "group_names": ["x"]})),
            vec![update],
            token,
            "",
        ),
        (
            open("waha", json!({"base_url": "http://x", "hmac_key": "H", "group_names": ["x"]})),
            ["message.any", "message.ack", "message.reaction", "message.revoked", "message.edited", "session.status"]
                .map(|event| {
                    let mut w = waha.clone();
                    w["event"] = json!(event);
                    w
                })
                .to_vec(),
            |b| vec![("x-webhook-hmac", hmac_sha512_hex(b"H", b))],
            "",
        ),
        (
            open(
                "evolution",
                json!({"base_url": "http://x", "api_key": "k", "instance": "shop", "token": "a token of sixteen"}),
            ),
            ["messages.upsert", "messages.update", "messages.delete", "messages.edited", "connection.update"]
                .map(|event| {
                    let mut w = evolution.clone();
                    w["event"] = json!(event);
                    w
                })
                .to_vec(),
            bearer,
            "",
        ),
        (open("gateway", json!({"token": "a token of sixteen"})), vec![gateway.clone()], bearer, "messages/inbox"),
        (open("gateway", json!({"token": "a token of sixteen"})), vec![gateway], bearer, "messages/ack"),
        (
            open("webhook", json!({"secret": "a shared secret of tests"})),
            vec![ours],
            |b| {
                vec![(
                    "x-frontdesk-signature",
                    frontdesk::channels::webhook::sign("a shared secret of tests", b, crate::support::app::monday()),
                )]
            },
            "",
        ),
    ]
}

fn deliver(channel: &Channel, signs: Signs, path: &str, body: Vec<u8>) -> usize {
    let mut headers = HeaderMap::new();
    for (name, value) in signs(&body) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    let body = Bytes::from(body);
    let request = Request { path, query: "", headers: &headers, body: &body };
    let events = channel.verify(&request, crate::support::app::monday()).unwrap_or_default();
    events.iter().filter(|event| channel.parse(&event.payload).is_ok()).count()
}

#[test]
fn no_bent_body_makes_a_parser_panic() {
    let mut chance = Chance(0x5EED);
    for (channel, samples, signs, path) in channels() {
        let mut read = 0;
        for sample in &samples {
            let text = sample.to_string();
            assert!(deliver(&channel, signs, path, text.clone().into_bytes()) > 0, "{channel:?} {sample}");
            for n in 0..EACH {
                let body = if n % 4 == 0 {
                    // Bytes that are no longer JSON, or no longer text.
                    let mut bytes = text.clone().into_bytes();
                    let at = chance.below(bytes.len());
                    bytes[at] = chance.below(256) as u8;
                    bytes.truncate(chance.below(bytes.len() * 4).max(1));
                    bytes
                } else {
                    let mut bent = sample.clone();
                    for _ in 0..=chance.below(4) {
                        bend(&mut bent, &mut chance);
                    }
                    bent.to_string().into_bytes()
                };
                read += deliver(&channel, signs, path, body);
            }
        }
        assert!(read > 0, "{channel:?}: nothing bent was read at all");
    }
}

#[test]
fn no_bent_item_or_sealed_body_of_wecom_makes_a_parser_panic() {
    let mut chance = Chance(0xC0FFEE);
    let config = json!({"corp_id": qyapi::CORP, "secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY});
    let wecom = Channel::open("wecom_kf", &config).unwrap();
    let config =
        json!({"app_id": qyapi::CORP, "app_secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY});
    let official = Channel::open("wechat_oa", &config).unwrap();
    let item = json!({"item": {"msgid": "m", "open_kfid": "wk", "external_userid": "wm", "send_time": 1, "origin": 3, "msgtype": "text",
        "text": {"content": "x", "menu_id": "y"}, "event": {"event_type": "msg_send_fail", "fail_msgid": "f", "fail_type": 4}}, "history": false});
    for n in 0..4000 {
        let mut bent = item.clone();
        if n % 2 == 0 {
            bent["item"]["msgtype"] = json!("event");
        }
        bend(&mut bent, &mut chance);
        let _ = wecom.parse(&bent.to_string());
    }
    let none = HeaderMap::new();
    let inside = "<xml><ToUserName>a</ToUserName><FromUserName><![CDATA[o]]></FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>&lt;x&#65;</Content><MsgId>1</MsgId><Event>kf_msg_or_event</Event><OpenKfId>wk</OpenKfId></xml>";
    for n in 0..2000 {
        // Well sealed, and bent inside: a character is taken out, put in, or the end is cut off.
        let mut plain: Vec<char> = inside.chars().collect();
        for _ in 0..=chance.below(3) {
            let at = chance.below(plain.len());
            match chance.below(3) {
                0 => drop(plain.remove(at)),
                1 => plain.insert(at, ['<', '>', '&', ']', '退', '\u{0}', '/'][chance.below(7)]),
                _ => plain.truncate(at.max(1)),
            }
        }
        let (query, encrypted) = qyapi::sealed(qyapi::CORP, &plain.into_iter().collect::<String>());
        // And bent outside.
        let body = match n % 3 {
            0 => format!("<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"),
            1 => json!({"encrypt": encrypted}).to_string(),
            _ => format!("<xml><Encrypt>{}</Encrypt>", &encrypted[..chance.below(encrypted.len())]),
        };
        let body = Bytes::from(body);
        let request = Request { path: "", query: &query[1..], headers: &none, body: &body };
        for channel in [&wecom, &official] {
            for event in channel.verify(&request, crate::support::app::monday()).unwrap_or_default() {
                let _ = channel.parse(&event.payload);
            }
        }
    }
}
