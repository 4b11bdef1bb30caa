//! Gateways and Telegram: one story each.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use frontdesk::{both, platform::crypto::hmac_sha512_hex};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY},
    support::{
        app::{On, databases, is_on_disk},
        serve,
    },
};

const QUESTION: &str = "How long is the warranty of a grinder?";
const TOKEN: &str = "a token of sixteen";

/// What is kept of what the platform sent, and what became of it.
async fn events(desk: &Desk) -> Vec<(String, String)> {
    const ALL: &str = "SELECT status, payload FROM channel_events WHERE channel_id = $1 ORDER BY received_at, id";
    let id: frontdesk::app::ChannelId = desk.id.parse().unwrap();
    let mut reader = desk.shop.app.read().await.unwrap();
    both!(reader.conn(), c => sqlx::query_as(ALL).bind(id).fetch_all(c).await).unwrap()
}

/// Everything that was asked of a server that answers all alike.
#[derive(Default)]
pub struct Kept {
    pub asked: Vec<(String, Value)>,
    pub keys: Vec<String>,
    pub answers: Vec<(u16, Value)>,
    /// What to say when nothing is scripted.
    pub always: Value,
    /// With which status; 0 is 200.
    pub status: u16,
}

#[derive(Clone)]
pub struct Server {
    pub url: String,
    pub kept: Arc<Mutex<Kept>>,
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let mut kept = kept.lock().unwrap();
    let key = ["authorization", "x-api-key", "apikey"].iter().find_map(|n| headers.get(*n)?.to_str().ok());
    kept.keys.push(key.unwrap_or_default().into());
    // What is no JSON is kept as it came.
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| match body.is_empty() {
        true => Value::Null,
        false => json!(String::from_utf8_lossy(&body)),
    });
    kept.asked.push((uri.path().into(), body));
    let (status, answer) = if uri.path().to_lowercase().contains("send") && !kept.answers.is_empty() {
        kept.answers.remove(0)
    } else {
        (if kept.status == 0 { 200 } else { kept.status }, kept.always.clone())
    };
    (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
}

impl Server {
    pub async fn start(always: Value) -> Self {
        let kept = Arc::new(Mutex::new(Kept { always, ..Kept::default() }));
        let router = Router::new().fallback(any(answer)).with_state(kept.clone());
        Self { url: serve(router).await, kept }
    }

    /// The bodies that were sent to a path.
    pub fn asked(&self, path: &str) -> Vec<Value> {
        self.kept.lock().unwrap().asked.iter().filter(|(p, _)| p == path).map(|(_, b)| b.clone()).collect()
    }
}

async fn open(on: On, kind: &str, config: Value) -> Desk {
    let desk = Desk::open(on, kind, config).await;
    desk.shop.learns("en.md", WARRANTY).await;
    desk
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simple_gateway_contract_from_the_inbox_to_the_ack() {
    for on in databases() {
        let server = Server::start(json!({"id": "true_60@c.us_OUT"})).await;
        let desk = open(on, "gateway", json!({"token": TOKEN, "base_url": server.url})).await;
        let bearer = [("authorization", format!("Bearer {TOKEN}"))];
        let post = |path: &'static str, body: Value| desk.request(Method::POST, path, &bearer, body.to_string());
        let message = json!({"id": "false_60@c.us_1", "from": "60@c.us", "body": QUESTION, "name": "Ana", "timestamp": 1_772_442_000});
        assert_eq!(
            desk.request(Method::POST, "/messages/inbox", &[], message.to_string()).await.0,
            StatusCode::UNAUTHORIZED
        );
        for _ in 0..2 {
            assert_eq!(post("/messages/inbox", message.clone()).await.0, StatusCode::OK);
        }
        desk.shop.settle().await;
        let sent = server.asked("/send");
        assert_eq!(sent.len(), 1);
        assert!(sent[0]["to"] == "60" && sent[0]["text"].as_str().unwrap().contains("24 months"), "{sent:?}");
        assert_eq!(server.kept.lock().unwrap().keys[0], format!("Bearer {TOKEN}"));
        assert_eq!(post("/messages/ack", json!({"id": "true_60@c.us_OUT", "ack": 3})).await.0, StatusCode::OK);
        desk.shop.settle().await;
        assert_eq!(desk.last_status("Ana").await.0, "read");
        assert_eq!(desk.channel().await["unofficial"], true);
        assert_eq!(post("/messages/nowhere", json!({})).await.0, StatusCode::NOT_FOUND);
        // The phone is no longer linked.
        post("/status", json!({"state": "qr"})).await;
        desk.shop.settle().await;
        assert_eq!(desk.channel().await["connection"], "qr");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waha_is_signed_and_an_unclear_send_stays_unclear() {
    for on in databases() {
        let server = Server::start(json!({"id": {"_serialized": "true_60@c.us_OUT"}})).await;
        let desk = open(on, "waha", json!({"base_url": server.url, "api_key": "K", "hmac_key": "H"})).await;
        let post = |body: Value| {
            let body = body.to_string();
            let headers = [
                ("x-webhook-hmac", hmac_sha512_hex(b"H", body.as_bytes())),
                ("x-webhook-hmac-algorithm", "sha512".into()),
            ];
            let desk = &desk;
            async move { desk.request(Method::POST, "", &headers, body).await.0 }
        };
        let message = |id: &str| {
            json!({"event": "message", "session": "default", "payload": {"id": id, "timestamp": 1_772_442_000,
            "from": "60@c.us", "fromMe": false, "body": QUESTION, "_data": {"notifyName": "Ana"}}})
        };
        assert_eq!(post(message("false_60@c.us_1")).await, StatusCode::OK);
        desk.pass(15).await;
        let sent = server.asked("/api/sendText");
        assert!(sent.len() == 1 && sent[0]["chatId"] == "60@c.us" && sent[0]["session"] == "default", "{sent:?}");
        assert!(!server.asked("/api/sendSeen").is_empty() && !server.asked("/api/startTyping").is_empty());
        server.kept.lock().unwrap().answers = vec![(502, Value::Null)];
        // The first calls are signs, whose path holds "send" too.
        server.kept.lock().unwrap().answers.insert(0, (200, Value::Null));
        assert_eq!(post(message("false_60@c.us_2")).await, StatusCode::OK);
        desk.pass(2).await;
        assert_eq!(desk.last_status("Ana").await.0, "uncertain");
        // A person on the phone: the assistant is silent.
        let echo = json!({"event": "message.any", "session": "default", "payload": {"id": "true_60@c.us_9", "timestamp": 1_772_442_000,
            "from": "1@c.us", "to": "60@c.us", "fromMe": true, "source": "app", "body": "I'm on it"}});
        assert_eq!(post(echo).await, StatusCode::OK);
        desk.shop.settle().await;
        assert_eq!(desk.shop.conversation("Ana").await["holder"], "agent");
        // The original is named by the last part of its id only, and its text comes along once more.
        let gone = json!({"event": "message.revoked", "session": "default", "payload": {"revokedMessageId": "1",
            "after": {"id": "false_60@c.us_8", "from": "60@c.us"}, "before": {"id": "false_60@c.us_1", "body": QUESTION}}});
        assert_eq!(post(gone).await, StatusCode::OK);
        desk.shop.settle().await;
        assert_eq!(desk.messages("Ana").await[0]["content"], "");
        let kept = events(&desk).await;
        assert_eq!(kept.iter().filter(|(_, payload)| payload.is_empty()).count(), 2, "{kept:?}");
        let status = async |state: &str| {
            let status = json!({"event": "session.status", "session": "default", "payload": {"status": state}});
            assert_eq!(post(status).await, StatusCode::OK);
            desk.shop.settle().await;
            let shown = desk.channel().await;
            (shown["connection"].as_str().unwrap().to_string(), shown["error"].as_str().unwrap_or_default().to_string())
        };
        let (state, error) = status("SCAN_QR_CODE").await;
        assert!(state == "SCAN_QR_CODE" && error.contains("QR"), "{error}");
        // On its way is not there.
        let (state, error) = status("STARTING").await;
        assert!(state == "STARTING" && error.contains("QR"), "{error}");
        assert_eq!(status("WORKING").await, ("WORKING".into(), String::new()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evolution_takes_its_token_and_knows_its_own_messages() {
    for on in databases() {
        let server = Server::start(json!({"key": {"id": "OUT1"}})).await;
        let config = json!({"base_url": server.url, "api_key": "K", "instance": "shop", "token": TOKEN});
        let desk = open(on, "evolution", config).await;
        let upsert = |id: &str, own: bool, text: &str| {
            let body = json!({"event": "messages.upsert", "instance": "shop", "apikey": "K", "data": {"pushName": "Ana",
                "key": {"remoteJid": "60@s.whatsapp.net", "fromMe": own, "id": id}, "message": {"conversation": text}, "messageTimestamp": 1_772_442_000}});
            let desk = &desk;
            let headers = [("x-frontdesk-token", TOKEN.to_string())];
            async move { desk.request(Method::POST, "/messages-upsert", &headers, body.to_string()).await.0 }
        };
        assert_eq!(upsert("A", false, QUESTION).await, StatusCode::OK);
        desk.pass(15).await;
        let sent = server.asked("/message/sendText/shop");
        assert!(sent.len() == 1 && sent[0]["number"] == "60", "{sent:?}");
        assert_eq!(upsert("OUT1", true, sent[0]["text"].as_str().unwrap()).await, StatusCode::OK);
        desk.shop.settle().await;
        assert_eq!(desk.shop.conversation("Ana").await["holder"], "assistant", "our own message is no person");
        assert_eq!(upsert("PHONE", true, "I'm on it").await, StatusCode::OK);
        desk.shop.settle().await;
        assert_eq!(desk.shop.conversation("Ana").await["holder"], "agent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_back_or_changed_before_it_comes_is_never_seen_as_it_was() {
    for on in databases() {
        let server = Server::start(json!({"key": {"id": "OUT1"}})).await;
        let config = json!({"base_url": server.url, "api_key": "K", "instance": "shop", "token": TOKEN});
        let desk = open(on, "evolution", config).await;
        let key = |id: &str| json!({"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": id});
        let hear = |event: &str, data: Value| {
            let body = json!({"event": event, "instance": "shop", "data": data, "date_time": "x"});
            let (desk, headers) = (&desk, [("x-frontdesk-token", TOKEN.to_string())]);
            async move { assert_eq!(desk.request(Method::POST, "", &headers, body.to_string()).await.0, StatusCode::OK) }
        };
        let upsert = |id: &str, text: &str| json!({"key": key(id), "pushName": "Ana", "message": {"conversation": text}, "messageTimestamp": 1_772_442_000});
        hear("messages.delete", key("R1")).await;
        desk.shop.settle().await;
        assert_eq!(events(&desk).await[0].0, "waiting");
        hear("messages.upsert", upsert("R1", "my card is 4111")).await;
        desk.pass(15).await;
        let all = desk.messages("Ana").await;
        assert!(all.len() == 1 && all[0]["content"] == "" && all[0]["metadata"]["revoked"] == true, "{all:?}");
        assert!(server.asked("/message/sendText/shop").is_empty(), "what was taken back is not answered");
        assert_eq!(desk.shop.conversation("Ana").await["holder"], "assistant", "and calls nobody");
        let kept = events(&desk).await;
        assert!(kept.iter().all(|(status, payload)| status == "processed" && payload.is_empty()), "{kept:?}");

        let edited = json!({"key": key("E1"), "editedMessage": {"conversation": QUESTION}});
        hear("messages.edited", edited).await;
        hear("messages.upsert", upsert("E1", "How long is the warranty of a submarine?")).await;
        desk.pass(15).await;
        let sent = server.asked("/message/sendText/shop");
        assert!(sent.len() == 1 && sent[0]["text"].as_str().unwrap().contains("24 months"), "{sent:?}");
        let second = &desk.messages("Ana").await[1];
        assert!(second["content"] == QUESTION && second["metadata"]["before_edit"][0] != "", "{second}");
        // Taken back afterwards, nothing of either text is left in what the platform sent.
        hear("messages.delete", key("E1")).await;
        desk.shop.settle().await;
        let kept = events(&desk).await;
        assert!(kept.iter().all(|(status, payload)| status == "processed" && payload.is_empty()), "{kept:?}");
        // Erasing the customer finds the emptied events too.
        let customer = desk.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let asked = desk.shop.call("POST", &format!("/api/customers/{customer}/erase"), None).await;
        assert!(asked.status.is_success(), "{asked:?}");
        desk.pass(1).await;
        assert_eq!(events(&desk).await, Vec::<(String, String)>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_waits_as_long_as_it_is_told() {
    for on in databases() {
        let ok = json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}, "username": "bot"}});
        let server = Server::start(ok).await;
        let desk =
            open(on, "telegram", json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "base_url": server.url}))
                .await;
        let update = |n: i64, text: &str| {
            let body = json!({"update_id": n, "message": {"message_id": n, "date": 1_772_442_000, "chat": {"id": 42, "type": "private"},
                "from": {"id": 42, "is_bot": false, "first_name": "Ana"}, "text": text}});
            let desk = &desk;
            let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
            async move { desk.request(Method::POST, "", &headers, body.to_string()).await.0 }
        };
        let late = json!({"ok": false, "error_code": 429, "parameters": {"retry_after": 5}});
        server.kept.lock().unwrap().answers = vec![(200, json!({"ok": true})), (429, late)];
        for _ in 0..2 {
            assert_eq!(update(1, QUESTION).await, StatusCode::OK);
        }
        desk.pass(3).await;
        assert_eq!(server.asked("/bot1:AA/sendMessage").len(), 1, "refused with a time to wait");
        desk.pass(5).await;
        let sent = server.asked("/bot1:AA/sendMessage");
        assert!(sent.len() == 2 && sent[1]["chat_id"] == 42, "{sent:?}");
        assert_eq!(desk.last_status("Ana").await.0, "sent");
        let blocked = json!({"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"});
        server.kept.lock().unwrap().answers = vec![(200, json!({"ok": true})), (403, blocked)];
        update(2, QUESTION).await;
        desk.pass(3).await;
        assert!(desk.last_status("Ana").await.1.contains("blocked"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_has_buttons_and_a_customer_who_blocks_the_bot_is_shown_as_such() {
    for on in databases() {
        let ok = json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}}});
        let server = Server::start(ok).await;
        let config = json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "base_url": server.url});
        let desk = open(on, "telegram", config).await;
        let hear = async |n: i64, name: &str, what: Value| {
            let mut update = json!({"update_id": n});
            update[name] = what;
            let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
            let answer = desk.request(Method::POST, "", &headers, update.to_string()).await;
            assert_eq!(answer.0, StatusCode::OK);
            desk.shop.settle().await;
        };
        let (chat, from) =
            (json!({"id": 42, "type": "private"}), json!({"id": 42, "is_bot": false, "first_name": "Ana"}));
        let said = json!({"message_id": 1, "date": 1_772_442_000, "chat": chat, "from": from, "text": "I want to talk to a human"});
        hear(1, "message", said).await;
        let agent = desk.shop.user("mei", "agent").await;
        let id = desk.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let body =
            json!({"text": "Which one?", "choices": [{"id": "a", "title": "Refund"}, {"id": "b", "title": "Repair"}]});
        desk.shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/messages"), Some(body)).await;
        desk.shop.settle().await;
        let sent = server.asked("/bot1:AA/sendMessage").pop().unwrap();
        let keyboard = json!([[{"text": "Refund", "callback_data": "a"}], [{"text": "Repair", "callback_data": "b"}]]);
        assert_eq!((&sent["text"], &sent["reply_markup"]["inline_keyboard"]), (&json!("Which one?"), &keyboard));
        let tap = json!({"id": "cb1", "from": from, "data": "b",
            "message": {"message_id": 9, "chat": chat, "reply_markup": {"inline_keyboard": keyboard}}});
        hear(2, "callback_query", tap).await;
        let last = desk.messages("Ana").await.pop().unwrap();
        assert!(last["content"] == "Repair" && last["metadata"]["button"]["id"] == "b", "{last}");
        assert_eq!(
            server.asked("/bot1:AA/answerCallbackQuery"),
            [json!({"callback_query_id": "cb1"})],
            "it turns no more"
        );

        let member = |status: &str| json!({"chat": chat, "from": from, "new_chat_member": {"status": status}});
        let customer = desk.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let timeline =
            async || desk.shop.call("GET", &format!("/api/customers/{customer}/timeline"), None).await.body.to_string();
        hear(3, "my_chat_member", member("kicked")).await;
        assert!(timeline().await.contains("\"Blocked us\""));
        hear(4, "my_chat_member", member("member")).await;
        assert!(timeline().await.contains("\"Unblocked us\""));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_taps_start_at_telegram_is_greeted_by_name_and_calls_nobody() {
    for on in databases() {
        let server = Server::start(json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}}})).await;
        let config = json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "base_url": server.url});
        let desk = open(on, "telegram", config).await;
        let says = async |n: i64, text: &str| {
            let date = desk.shop.app.now().timestamp();
            let from = json!({"id": 42, "is_bot": false, "first_name": "Ana", "language_code": "zh-hans"});
            let message = json!({"message_id": n, "date": date, "chat": {"id": 42, "type": "private"}, "from": from, "text": text});
            let update = json!({"update_id": n, "message": message});
            let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
            let answer = desk.request(Method::POST, "", &headers, update.to_string()).await;
            assert_eq!(answer.0, StatusCode::OK);
        };
        let sent = || -> Vec<Value> {
            server.asked("/bot1:AA/sendMessage").iter().map(|m| json!([m["chat_id"], m["text"]])).collect()
        };
        for _ in 0..2 {
            says(1, "/start ad_summer").await;
            desk.pass(5).await;
        }
        assert_eq!(sent(), [json!([42, "您好！请问有什么可以帮您？"])], "once, however often it is delivered");
        let talk = desk.shop.conversation("Ana").await;
        assert_eq!(talk["holder"], "assistant");
        let timeline = format!("/api/customers/{}/timeline", talk["customer_id"].as_str().unwrap());
        let timeline = desk.shop.call("GET", &timeline, None).await.body.to_string();
        assert!(timeline.contains(r#""scene":"ad_summer""#), "{timeline}");
        says(2, QUESTION).await;
        desk.pass(5).await;
        assert!(sent().len() == 2 && sent()[1][1].as_str().unwrap().contains("24 months"), "{:?}", sent());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_id_at_waha_and_the_number_behind_it_are_one_customer() {
    for on in databases() {
        let server = Server::start(json!({"id": "true_60@c.us_OUT", "lid": "77@lid", "pn": "60@c.us"})).await;
        let desk = open(on, "waha", json!({"base_url": server.url, "api_key": "K", "hmac_key": "H"})).await;
        let hear = async |id: &str, from: &str| {
            let body =
                json!({"event": "message", "session": "default", "payload": {"id": id, "timestamp": 1_772_442_000,
                "from": from, "fromMe": false, "body": QUESTION, "_data": {"notifyName": "Ana"}}})
                .to_string();
            let headers = [("x-webhook-hmac", hmac_sha512_hex(b"H", body.as_bytes()))];
            assert_eq!(desk.request(Method::POST, "", &headers, body).await.0, StatusCode::OK);
            desk.pass(15).await;
        };
        hear("false_77@lid_1", "77@lid").await;
        hear("false_60@c.us_2", "60@c.us").await;
        hear("false_77@lid_3", "77@lid").await;
        let all = desk.shop.call("GET", "/api/conversations", None).await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
        assert_eq!(desk.messages("Ana").await.len(), 6);
        assert_eq!(server.asked("/api/default/lids/77%40lid").len(), 1, "once is enough");
        assert_eq!(server.asked("/api/sendText")[0]["chatId"], "77@lid", "where they wrote");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customers_picture_is_kept_shown_to_who_may_see_them_and_erased_with_them() {
    const FIRST: &[u8] = b"\xFF\xD8\xFFa face";
    const SECOND: &[u8] = b"\x89PNG\r\n\x1a\nanother face";
    for on in databases() {
        let pictures = Router::new()
            .route("/first", any(|| async { FIRST }))
            .route("/second", any(|| async { SECOND }))
            .route("/page", any(|| async { "<html>" }))
            .fallback(any(|| async { Json(json!({"id": "OUT"})) }));
        let url = serve(pictures).await;
        let desk = open(on, "gateway", json!({"token": TOKEN, "base_url": url})).await;
        let post = async |path: &str, body: Value| {
            let bearer = [("authorization", format!("Bearer {TOKEN}"))];
            assert_eq!(desk.request(Method::POST, path, &bearer, body.to_string()).await.0, StatusCode::OK);
            desk.shop.settle().await;
        };
        let photo = |path: &str| json!({"phone": "60123@c.us", "photo_url": format!("{url}/{path}")});
        post("/customers/photo", photo("first")).await;
        post("/messages/inbox", json!({"id": "1", "from": "60123@c.us", "text": QUESTION, "name": "Ana"})).await;
        let id = desk.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let path = format!("/api/customers/{id}");
        let shown = async || desk.shop.call("GET", &path, None).await.body["avatar_url"].clone();
        assert!(shown().await.is_null());
        // It came before they wrote, and waited; the same once more is no news.
        desk.pass(30).await;
        post("/customers/photo", photo("first")).await;
        let first = shown().await.as_str().unwrap().to_string();
        assert!(first.starts_with("/api/avatars/"), "{first}");
        let agent = desk.shop.user("mei", "agent").await;
        let got = desk.shop.call_as(&agent, "GET", &first, None).await;
        assert!(got.status == StatusCode::OK && got.body.as_str().unwrap().contains("a face"), "{got:?}");
        assert_eq!(desk.shop.call_as("nobody", "GET", &first, None).await.status, StatusCode::UNAUTHORIZED);
        post("/customers/photo", photo("second")).await;
        let second = shown().await.as_str().unwrap().to_string();
        assert_eq!(desk.shop.call("GET", &first, None).await.status, StatusCode::NOT_FOUND, "replaced");
        // What is no picture, or lies elsewhere, changes nothing.
        post("/customers/photo", photo("page")).await;
        post("/customers/photo", json!({"phone": "60123", "photo_url": "http://127.0.0.1:1/x"})).await;
        assert_eq!(shown().await, second.as_str());
        // Nor does a new one what a person has chosen.
        let chosen = json!({"avatar_url": "https://example.com/ana.jpg"});
        assert!(desk.shop.call("PATCH", &path, Some(chosen)).await.status.is_success());
        post("/customers/photo", json!({"from": "60123", "photo_url": format!("{url}/first"), "n": 2})).await;
        assert_eq!(shown().await, "https://example.com/ana.jpg");
        assert!(desk.shop.call("PATCH", &path, Some(json!({"avatar_url": null}))).await.status.is_success());
        post("/customers/photo", json!({"from": "60123", "photo_url": format!("{url}/second"), "n": 3})).await;
        assert!(shown().await.as_str().unwrap().starts_with("/api/avatars/"));
        let ordered = desk.shop.call("POST", &format!("{path}/erase"), None).await;
        assert!(ordered.status.is_success(), "{ordered:?}");
        desk.shop.settle().await;
        assert!(!is_on_disk(&desk.shop.app.dir.0, "another face"), "erased");
    }
}
