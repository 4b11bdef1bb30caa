//! What comes 64 times at once is received once, on every kind of channel; and a platform that takes a message and never
//! answers leaves nobody waiting for it.

use std::time::{Duration, Instant};

use axum::{
    Json, Router,
    http::{Method, StatusCode},
    routing::{any, post},
};
use frontdesk::{
    channels::{Address, Body, Channel, Outbound, Outside, Sent, webhook},
    platform::{Clock, crypto::hmac_sha512_hex},
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY, WARRANTY_ZH},
    graph::{self, envelope},
    other::Server,
    qyapi::{self, ring, sealed},
    support::{
        app::{databases, monday},
        serve,
    },
    wecom::Wecom,
};

const QUESTION: &str = "How long is the warranty of a grinder?";
const TOKEN: &str = "a token of sixteen";
const SHARED: &str = "a shared secret of tests";

/// One delivery of a platform: below the channel's path, with these headers.
type Delivered = (String, Vec<(&'static str, String)>, String);

/// A kind of channel, what it is configured with beside its address, where it sends to, and what comes.
struct Kind {
    name: &'static str,
    config: Value,
    sends: &'static str,
    comes: fn() -> Delivered,
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "whatsapp_cloud",
            config: json!({"phone_number_id": graph::NUMBER, "app_secret": graph::SECRET, "verify_token": "v", "access_token": "a"}),
            sends: "/v25.0/106540352242922/messages",
            comes: || {
                let message = json!({"from": "60", "id": "wamid.1", "timestamp": monday().timestamp().to_string(),
                    "type": "text", "text": {"body": QUESTION}});
                let contacts = json!([{"profile": {"name": "Ana"}, "wa_id": "60"}]);
                let (body, signature) = envelope("messages", json!({"contacts": contacts, "messages": [message]}));
                (String::new(), vec![("x-hub-signature-256", signature)], body)
            },
        },
        Kind {
            name: "waha",
            config: json!({"api_key": "K", "hmac_key": "H"}),
            sends: "/api/sendText",
            comes: || {
                let body = json!({"event": "message", "session": "default", "payload": {"id": "false_60@c.us_1",
                    "timestamp": monday().timestamp(), "from": "60@c.us", "fromMe": false, "body": QUESTION}})
                .to_string();
                (String::new(), vec![("x-webhook-hmac", hmac_sha512_hex(b"H", body.as_bytes()))], body)
            },
        },
        Kind {
            name: "evolution",
            config: json!({"api_key": "K", "instance": "shop", "token": TOKEN}),
            sends: "/message/sendText/shop",
            comes: || {
                let body = json!({"event": "messages.upsert", "instance": "shop", "data": {"pushName": "Ana",
                    "key": {"remoteJid": "60@s.whatsapp.net", "fromMe": false, "id": "A"},
                    "message": {"conversation": QUESTION}, "messageTimestamp": monday().timestamp()}});
                ("/messages-upsert".into(), vec![("x-frontdesk-token", TOKEN.into())], body.to_string())
            },
        },
        Kind {
            name: "gateway",
            config: json!({"token": TOKEN}),
            sends: "/send",
            comes: || {
                let body = json!({"id": "false_60@c.us_1", "from": "60@c.us", "body": QUESTION, "name": "Ana",
                    "timestamp": monday().timestamp()});
                ("/messages/inbox".into(), vec![("authorization", format!("Bearer {TOKEN}"))], body.to_string())
            },
        },
        Kind {
            name: "telegram",
            config: json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4"}),
            sends: "/bot1:AA/sendMessage",
            comes: || {
                let body = json!({"update_id": 7, "message": {"message_id": 7, "date": monday().timestamp(),
                    "chat": {"id": 42, "type": "private"}, "from": {"id": 42, "is_bot": false, "first_name": "Ana"},
                    "text": QUESTION}});
                let secret = ("x-telegram-bot-api-secret-token", "A1b2_C3-d4".to_string());
                (String::new(), vec![secret], body.to_string())
            },
        },
        Kind {
            name: "webhook",
            config: json!({"secret": SHARED}),
            sends: "/",
            comes: || {
                let body = json!({"id": "m-1", "from": {"id": "ana", "name": "Ana"}, "text": QUESTION}).to_string();
                let signature = webhook::sign(SHARED, body.as_bytes(), monday());
                (String::new(), vec![("x-frontdesk-signature", signature)], body)
            },
        },
        Kind {
            name: "wechat_oa",
            config: json!({"app_id": "wxapp0002", "app_secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY}),
            sends: "/cgi-bin/message/custom/send",
            comes: || {
                let inside = format!(
                    "<xml><ToUserName>gh_1</ToUserName><FromUserName>oANA</FromUserName><CreateTime>{}</CreateTime><MsgType>text</MsgType><Content>研磨机保修多久？</Content><MsgId>7405476859006371473</MsgId></xml>",
                    monday().timestamp()
                );
                let (query, encrypted) = sealed("wxapp0002", &inside);
                let body =
                    format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
                (format!("{query}&encrypt_type=aes"), Vec::new(), body)
            },
        },
    ]
}

fn at(kind: &Kind, url: &str) -> Value {
    let mut config = kind.config.clone();
    config["base_url"] = json!(url);
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_64_times_at_once_is_received_and_answered_once_on_every_kind() {
    let taken = json!({"ok": true, "result": {"message_id": 9, "chat": {"id": 42}}, "messages": [{"id": "wamid.OUT"}],
        "key": {"id": "OUT"}, "id": "OUT", "errcode": 0, "access_token": "T", "expires_in": 7200});
    for on in databases() {
        for kind in kinds() {
            let server = Server::start(taken.clone()).await;
            let desk = Desk::open(on, kind.name, at(&kind, &server.url)).await;
            desk.shop.learns("en.md", WARRANTY).await;
            desk.shop.learns("zh.md", WARRANTY_ZH).await;
            let (below, headers, body) = (kind.comes)();
            let all = join_all((0..64).map(|_| desk.request(Method::POST, &below, &headers, body.clone()))).await;
            assert!(all.iter().all(|(status, _)| *status == StatusCode::OK), "{}: {all:?}", kind.name);
            desk.pass(15).await;
            let talks = desk.shop.call("GET", "/api/conversations", None).await.body;
            let talks = talks["items"].as_array().unwrap();
            assert_eq!(talks.len(), 1, "{} on {on:?}", kind.name);
            let path = format!("/api/conversations/{}/messages?limit=200", talks[0]["id"].as_str().unwrap());
            let messages = desk.shop.call("GET", &path, None).await.body;
            let theirs = messages.as_array().unwrap().iter().filter(|m| m["sender_type"] == "customer").count();
            // Signs that it was read go to the same address at Meta.
            let answers = server.asked(kind.sends).iter().filter(|body| body.get("status").is_none()).count();
            assert_eq!((theirs, answers), (1, 1), "{} on {on:?}: {messages}", kind.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_doorbell_that_rings_64_times_at_once_brings_the_message_once() {
    for on in databases() {
        let w = Wecom::open(on, json!({})).await;
        let text = json!({"msgtype": "text", "text": {"content": "研磨机保修多久？"}});
        w.api.add(w.item_of("wmANA", "m1", 3, text));
        let (query, body) = ring("ENC");
        let all = join_all((0..64).map(|_| w.request(Method::POST, &query, &[], body.clone()))).await;
        assert!(all.iter().all(|answer| *answer == (StatusCode::OK, "success".into())), "{all:?}");
        w.pass(15).await;
        assert_eq!(w.api.texts().len(), 1, "{:?}", w.api.texts());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_a_platform_takes_and_never_answers_is_uncertain_unless_it_knows_our_id() {
    // `App::open` says who encrypts; here is only a channel.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = || async { Json(json!({"access_token": "T", "expires_in": 7200, "errcode": 0})) };
    let hangs = || async { std::future::pending::<StatusCode>().await };
    let router = Router::new()
        .route("/cgi-bin/stable_token", post(token))
        .route("/cgi-bin/gettoken", any(token))
        .fallback(any(hangs));
    let url = serve(router).await;
    let wecom = Kind {
        name: "wecom_kf",
        config: json!({"corp_id": "ww-hangs", "secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY}),
        sends: "",
        comes: || unreachable!(),
    };
    let outside = Outside::new(Duration::from_millis(300), Clock::fixed(monday())).unwrap();
    for kind in kinds().into_iter().chain([wecom]) {
        let channel = Channel::open(kind.name, &at(&kind, &url)).unwrap();
        let message = Outbound {
            id: "01a208a3-e3db-7120-b4af-60c9fe952f02".into(),
            conversation: "c".into(),
            recipient: Address::new("phone", "60123456789"),
            chat: (kind.name == "wecom_kf").then(|| qyapi::ACCOUNT.to_string()),
            by: "assistant",
            body: Body::text("24 months"),
            file: None,
            link: None,
            sources: None,
            answers: None,
            about: None,
            quotes: None,
        };
        let began = Instant::now();
        let sent = channel.send(&outside, &message, monday()).await;
        assert!(began.elapsed() < Duration::from_secs(5), "{}: {:?}", kind.name, began.elapsed());
        let knows = channel.recognises_repeats();
        assert!(matches!(&sent, Sent::Unknown(_, again) if *again == knows), "{}: {sent:?}", kind.name);
        // Where nothing but a token is asked for, it was given.
        let is_asked = !matches!(kind.name, "webhook" | "wechat_oa");
        assert!(!is_asked || !channel.check(&outside, monday()).await.ok, "{}", kind.name);
    }
}
