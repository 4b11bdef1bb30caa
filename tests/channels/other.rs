//! Gateways and Telegram: one story each.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use frontdesk::platform::crypto::hmac_sha512_hex;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY, serve},
    support::app::{On, databases},
};

const QUESTION: &str = "How long is the warranty of a grinder?";
const TOKEN: &str = "a token of sixteen";

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
        assert_eq!(post("/customers/photo", json!({"phone": "60", "photo_url": "http://x"})).await.0, StatusCode::OK);
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
        let status = json!({"event": "session.status", "session": "default", "payload": {"status": "SCAN_QR_CODE"}});
        assert_eq!(post(status).await, StatusCode::OK);
        desk.shop.settle().await;
        assert!(desk.channel().await["error"].as_str().unwrap().contains("QR"));
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
