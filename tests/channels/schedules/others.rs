//! Telegram, e-mail, the website's chat and our own signed webhook.

use std::{collections::HashMap, sync::Mutex};

use axum::http::{Method, StatusCode};
use chrono::{DateTime, Duration, Utc};
use frontdesk::{
    channels::webhook::{SIGNATURE, sign},
    platform::crypto::{hmac_sha256_hex, sha256_hex},
};
use mail_parser::MessageParser;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Out, World,
    gateways::over_a_wire,
    wire::{Asked, Call, Dialect, Kept, Wire},
};
use crate::{
    desk::{Desk, WARRANTY, only},
    post::{ADDRESS, Does, Post},
    support::{
        app::{On, TestApp},
        shop::{SECRET, Shop},
    },
};

/// Which round a message is of: its id ends with it.
fn round(id: &str) -> i64 {
    id.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or_default()
}

pub struct Bot {
    desk: Desk,
    wire: Wire,
}

const BOT: Dialect = Dialect {
    reads: read_bot,
    answers: |to, id| {
        let message: i64 = id.rsplit(':').next().unwrap().parse().unwrap();
        let chat: i64 = to.parse().unwrap();
        json!({"ok": true, "result": {"message_id": message, "chat": {"id": chat}}})
    },
    names_ids: true,
    id: |to, n| format!("{to}:{}", n + 1000),
    refusals: &[
        (429, r#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}"#),
        (403, r#"{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}"#),
        (500, r#"{"ok": false, "error_code": 500, "description": "Internal Server Error"}"#),
    ],
    recognises: false,
    quota: None,
    tap: None,
    pace: Some((3, Duration::seconds(1))),
};

fn read_bot(call: &Call<'_>, _: &mut Kept) -> Asked {
    match call.path {
        "/bot1:AA/sendChatAction" => Asked::Other(json!({"ok": true, "result": true})),
        "/bot1:AA/sendMessage" => {
            let text = call.body["text"].as_str().unwrap_or_default();
            let is_good =
                only(call.body, &["chat_id", "text"]).is_ok() && (1..=4096).contains(&text.encode_utf16().count());
            match call.body["chat_id"].as_i64().filter(|_| is_good) {
                Some(to) => Asked::Message { to: to.to_string(), text: text.into(), key: None },
                None => Asked::Wrong(call.body.to_string()),
            }
        }
        other => Asked::Wrong(other.into()),
    }
}

impl World for Bot {
    over_a_wire!();

    async fn open(on: On, _seed: u64) -> Self {
        let wire = Wire::start(BOT).await;
        let config = json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4", "base_url": wire.url});
        let desk = Desk::open(on, "telegram", config).await;
        desk.shop.learns("en.md", WARRANTY).await;
        wire.goes_by(&desk.shop.app.clock);
        Self { desk, wire }
    }

    fn external(who: &str, id: &str) -> String {
        format!("{who}:{}", round(id) + 1)
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        self.update(who, id, "message", text, 0).await;
        true
    }

    async fn edit(&self, who: &str, id: &str, text: &str) {
        self.update(who, id, "edited_message", text, 1).await;
    }
}

impl Bot {
    async fn update(&self, who: &str, id: &str, kind: &str, text: &str, number: i64) {
        let (chat, round): (i64, i64) = (who.parse().unwrap(), round(id));
        let message = json!({"message_id": round + 1, "date": self.desk.shop.app.now().timestamp(), "text": text,
            "chat": {"id": chat, "type": "private"}, "from": {"id": chat, "is_bot": false, "first_name": "C"}});
        let body = json!({"update_id": chat * 100 + round * 2 + number, kind: message});
        let headers = [("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string())];
        assert_eq!(self.desk.request(Method::POST, "", &headers, body.to_string()).await.0, StatusCode::OK);
    }
}

/// Anything that speaks our webhook: it keeps one of each id.
pub struct Signed {
    desk: Desk,
    wire: Wire,
}

const SIGNED: Dialect = Dialect {
    reads: read_signed,
    answers: |_, _| json!({}),
    names_ids: false,
    id: |_, _| String::new(),
    refusals: &[(429, "{}"), (425, "{}"), (400, "{}"), (410, "{}")],
    recognises: true,
    quota: None,
    tap: None,
    pace: None,
};

fn read_signed(call: &Call<'_>, _: &mut Kept) -> Asked {
    let header = call.header(SIGNATURE);
    let t = header.split(',').find_map(|p| p.strip_prefix("t=")).and_then(|t| t.parse::<i64>().ok());
    let at = t.and_then(|t| DateTime::<Utc>::from_timestamp(t, 0));
    let known = ["id", "conversation_id", "to", "by", "text", "sources"];
    let of = |pointer: &str| call.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_string();
    let (id, to, text) = (of("/id"), of("/to/id"), of("/text"));
    let is_good = at.is_some_and(|at| sign(SECRET, call.raw, at) == header)
        && only(call.body, &known).is_ok()
        && call.header("idempotency-key") == id
        && ![&id, &to, &text].iter().any(|t| t.is_empty());
    if is_good { Asked::Message { to, text, key: Some(id) } } else { Asked::Wrong(call.body.to_string()) }
}

impl World for Signed {
    over_a_wire!();

    async fn open(on: On, _seed: u64) -> Self {
        let wire = Wire::start(SIGNED).await;
        let config = json!({"secret": SECRET, "send_url": format!("{}/in", wire.url)});
        let desk = Desk::open(on, "webhook", config).await;
        desk.shop.learns("en.md", WARRANTY).await;
        Self { desk, wire }
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        let body = json!({"id": id, "from": {"id": who, "name": who}, "text": text}).to_string();
        let signature = sign(SECRET, body.as_bytes(), self.desk.shop.app.now());
        assert_eq!(self.desk.request(Method::POST, "", &[(SIGNATURE, signature)], body).await.0, StatusCode::OK);
        true
    }
}

/// The chat on a website. What is stored is there: nothing can go wrong on the way out.
pub struct Website {
    shop: Shop,
    channel: String,
    tokens: Mutex<HashMap<String, String>>,
}

const IDENTITY: &str = "an identity secret";

fn echo_id(id: &str) -> Uuid {
    Uuid::parse_str(&sha256_hex(id.as_bytes())[..32]).unwrap()
}

impl World for Website {
    async fn open(on: On, _seed: u64) -> Self {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let body = json!({"platform": "web", "name": "Shop", "config": {"identity_secret": IDENTITY}});
        let added = shop.call("POST", "/api/channels", Some(body)).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        Self { shop, channel: added.body["id"].as_str().unwrap().into(), tokens: Mutex::default() }
    }

    fn shop(&self) -> &Shop {
        &self.shop
    }

    fn external(who: &str, id: &str) -> String {
        format!("{who}:{}", echo_id(id))
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        let token = self.token(who).await;
        let written = json!({"echo_id": echo_id(id), "text": text});
        let said = self.shop.call_as(&token, "POST", "/api/widget/messages", Some(written)).await;
        assert!(said.status == StatusCode::OK || said.status == StatusCode::TOO_MANY_REQUESTS, "{said:?}");
        said.status == StatusCode::OK
    }

    async fn reached(&self, who: &str) -> Vec<Out> {
        let token = self.token(who).await;
        let all = self.shop.call_as(&token, "GET", "/api/widget/messages?after=0", None).await;
        assert_eq!(all.status, StatusCode::OK, "{all:?}");
        let all = all.body["messages"].as_array().unwrap().clone();
        let ours = all.iter().filter(|m| m["by"] != "customer");
        ours.map(|m| Out {
            key: m["id"].as_str().and_then(|id| id.parse().ok()),
            id: None,
            text: m["text"].as_str().unwrap_or_default().into(),
            at: None,
        })
        .collect()
    }

    fn faults(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Website {
    async fn token(&self, who: &str) -> String {
        if let Some(token) = self.tokens.lock().unwrap().get(who) {
            return token.clone();
        }
        let identity = json!({"id": who, "hash": hmac_sha256_hex(IDENTITY.as_bytes(), who.as_bytes())});
        let begun = json!({"channel": self.channel, "identity": identity});
        let begun = self.shop.call("POST", "/api/widget/session", Some(begun)).await;
        let token = begun.body["visitor_token"].as_str().unwrap_or_else(|| panic!("{begun:?}")).to_string();
        self.tokens.lock().unwrap().insert(who.into(), token.clone());
        token
    }
}

/// A mailbox.
pub struct Mailbox {
    shop: Shop,
    post: Post,
}

impl World for Mailbox {
    const PACE: Option<(usize, Duration)> = Some((8, Duration::minutes(10)));

    async fn open(on: On, _seed: u64) -> Self {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let post = Post::start().await;
        post.kept().clock = Some(shop.app.clock.clone());
        let body = json!({"platform": "email", "name": "Mail", "config": post.config()});
        let added = shop.call("POST", "/api/channels", Some(body)).await;
        assert_eq!(added.status, StatusCode::OK, "{added:?}");
        shop.settle().await;
        Self { shop, post }
    }

    fn shop(&self) -> &Shop {
        &self.shop
    }

    fn customer(seed: u64, n: usize) -> String {
        format!("c{seed}.{n}@ana.example")
    }

    fn external(_who: &str, id: &str) -> String {
        format!("{}@ana.example", id.replace('@', "."))
    }

    async fn say(&self, who: &str, id: &str, text: &str) -> bool {
        let now = self.shop.app.now();
        let mail = format!(
            "Message-ID: <{}>\nFrom: C <{who}>\nTo: {ADDRESS}\nDate: {}\nSubject: Re: Grinder\n\n{text}\n",
            Self::external(who, id),
            now.to_rfc2822()
        );
        self.post.put(now, &mail);
        true
    }

    fn fault(&self, who: &str, kind: u64) {
        let mut kept = self.post.kept();
        let does = match kind % 8 {
            0 => Does::Says("451 4.7.1 greylisted"),
            1 => Does::Says("421 4.3.2 closing"),
            2 => Does::Says("550 5.1.1 no such user"),
            3..=5 => Does::TakesAndHangsUp,
            6 => {
                kept.refuses_password = true; // until the round is over
                return;
            }
            _ => {
                kept.validity += 1; // the mailbox was built anew
                return;
            }
        };
        kept.scripts.entry(who.into()).or_default().push_back(does);
    }

    async fn tick(&self) {
        self.post.kept().refuses_password = false;
    }

    async fn reached(&self, who: &str) -> Vec<Out> {
        let kept = self.post.kept();
        let theirs = kept.sent.iter().zip(&kept.times).filter(|(mail, _)| mail.contains(&format!("To: {who}\r\n")));
        theirs
            .map(|(mail, at)| {
                let read = MessageParser::default().parse(mail.as_bytes()).unwrap();
                let id = read.message_id().unwrap();
                let text = read.body_text(0).unwrap().replace("\r\n", "\n").trim_end().to_string();
                Out { key: id.split('@').next().and_then(|k| k.parse().ok()), id: Some(id.into()), text, at: *at }
            })
            .collect()
    }

    fn faults(&self) -> Vec<String> {
        self.post.kept().faults.clone()
    }
}
