//! The platforms' test vectors (tests/fixtures/vectors), several of them recorded from the platforms themselves, each
//! through the front door.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Body,
    extract::{OriginalUri, State},
    http::{Method, Request, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    desk::{Desk, WARRANTY, WARRANTY_ZH},
    other::Server,
    qyapi::{CORP, KEY, SECRET, TOKEN, sealed},
    support::{
        app::{On, TestApp, databases},
        serve,
        shop::Shop,
    },
};

const QUESTION: &str = "How long is the warranty of a grinder?";

macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../fixtures/vectors/", $name, ".json"))).unwrap()
    };
}

/// A text of a vector.
fn of<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_default()
}

/// One more channel of a company.
async fn connect(shop: &Shop, kind: &str, config: Value) -> String {
    let body = json!({"platform": kind, "name": kind, "config": config});
    let added = shop.call("POST", "/api/channels", Some(body)).await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    of(&added.body, "webhook_path").to_string()
}

async fn request(
    shop: &Shop,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = shop.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

fn query(values: &[(&str, &str)]) -> String {
    let all = values.iter().filter(|(_, value)| !value.is_empty());
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
}

/// The messages of the only conversation of a desk.
async fn said(desk: &Desk) -> Vec<Value> {
    let all = desk.shop.call("GET", "/api/conversations", None).await.body;
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    desk.messages(of(&all["items"][0], "customer_name")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatsapp_signatures() {
    let all = vectors!("whatsapp_cloud_signature");
    let shop = Shop::open(On::Sqlite).await;
    for vector in all["vectors"].as_array().unwrap() {
        let config = json!({"phone_number_id": "277321005464405", "app_secret": vector["app_secret"],
            "verify_token": "v", "access_token": "a", "base_url": "http://127.0.0.1:1"});
        let path = connect(&shop, "whatsapp_cloud", config).await;
        let body = of(vector, "body_utf8");
        let headers = [("x-hub-signature-256", of(vector, "header_X_Hub_Signature_256"))];
        let (status, _) = request(&shop, Method::POST, &path, &headers, body.into()).await;
        let expected = match (vector["expect_valid"].as_bool().unwrap(), body.starts_with('{')) {
            (true, true) => StatusCode::OK,
            // Signed, and no JSON.
            (true, false) => StatusCode::UNPROCESSABLE_ENTITY,
            (false, _) => StatusCode::FORBIDDEN,
        };
        assert_eq!(status, expected, "{}", of(vector, "name"));
    }
    shop.run_due().await;
    assert!(shop.transcript("PyWa Tests").await.starts_with("PyWa Tests: Hey there! I am using PyWa."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waha_signatures() {
    let all = vectors!("waha_hmac");
    let shop = Shop::open(On::Sqlite).await;
    for vector in all["vectors"].as_array().unwrap() {
        let config = json!({"base_url": "http://127.0.0.1:1", "api_key": "k", "hmac_key": vector["key"]});
        let path = connect(&shop, "waha", config).await;
        let algorithm = vector["algorithm"].as_str().unwrap_or("sha512");
        let headers = [("x-webhook-hmac", of(vector, "hmac")), ("x-webhook-hmac-algorithm", algorithm)];
        let (status, _) = request(&shop, Method::POST, &path, &headers, of(vector, "body").into()).await;
        let expected = if vector["valid"] == true { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(status, expected, "{}", of(vector, "name"));
    }
    shop.run_due().await;
    let heard = shop.call("GET", "/api/conversations", None).await.body;
    assert_eq!(heard["items"].as_array().unwrap().len(), 1, "one of them is a message: {heard}");
    assert_eq!(heard["items"][0]["last_message_preview"], "你好 👋");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechat_and_wecom_envelopes() {
    let all = vectors!("wechat_wecom_crypto");
    let list = |name: &str| all[name].as_array().unwrap().clone();
    let shop = Shop::open(On::Sqlite).await;
    let channel = async |vector: &Value, receiver: &str| {
        let (token, key) = (of(vector, "token"), of(vector, "encoding_aes_key"));
        if vector["kind"] == "oa" {
            let config = json!({"app_id": receiver, "app_secret": "s", "token": token, "encoding_aes_key": key});
            connect(&shop, "wechat_oa", config).await
        } else {
            let config = json!({"corp_id": receiver, "secret": "s", "token": token, "encoding_aes_key": key});
            connect(&shop, "wecom_kf", config).await
        }
    };
    let signed = |vector: &Value, more: (&str, &str)| {
        let names = ["msg_signature", "timestamp", "nonce"];
        let values: Vec<(&str, &str)> = names.map(|name| (name, of(vector, name))).into_iter().chain([more]).collect();
        query(&values)
    };
    let envelope =
        |encrypted: &str| format!("<xml><ToUserName>x</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");

    for vector in list("recorded_url_verification") {
        let path = channel(&vector, of(&vector, "receive_id")).await;
        let asked = format!("{path}?{}", signed(&vector, ("echostr", of(&vector, "echostr"))));
        let (status, body) = request(&shop, Method::GET, &asked, &[], String::new()).await;
        match vector["expect_body"].as_str() {
            Some(expected) => assert_eq!((status, body.as_str()), (StatusCode::OK, expected), "{vector}"),
            None => assert_eq!(status, StatusCode::FORBIDDEN, "{vector}"),
        }
    }
    let post = async |vector: &Value, receiver: &str, signed: String, body: String| {
        let path = channel(vector, receiver).await;
        request(&shop, Method::POST, &format!("{path}?{signed}"), &[], body).await
    };
    for vector in list("recorded_decrypt").into_iter().chain(list("generated")) {
        let body = ["post_body", "inbound_post_body"].map(|name| of(&vector, name)).concat();
        let answer = post(&vector, of(&vector, "receive_id"), signed(&vector, ("", "")), body).await;
        assert_eq!(answer, (StatusCode::OK, "success".into()), "{vector}");
    }
    for vector in list("json_callback") {
        let signed = signed(&vector["query"], ("", ""));
        let answer = post(&vector, of(&vector, "receive_id"), signed, of(&vector, "post_body").into()).await;
        assert_eq!(answer, (StatusCode::OK, "success".into()), "{vector}");
    }
    for vector in list("negative_receive_id") {
        let body = envelope(of(&vector, "encrypt_b64"));
        let (status, _) = post(&vector, of(&vector, "our_receive_id"), signed(&vector, ("", "")), body).await;
        assert!(status.is_client_error(), "{status} {vector}");
    }
    let mut paddings = Vec::new();
    for vector in list("padding_sweep") {
        let body = envelope(of(&vector, "encrypt_b64"));
        // What comes out of the envelope is no XML, and that is said only when it came out.
        let (status, why) = post(&vector, of(&vector, "receive_id"), signed(&vector, ("", "")), body).await;
        assert!(status == StatusCode::UNPROCESSABLE_ENTITY && why.contains("XML"), "{status} {why} {vector}");
        paddings.push(vector["pad_len"].as_i64().unwrap());
    }
    paddings.sort_unstable();
    assert_eq!(paddings, (1..=32).collect::<Vec<_>>());
    for vector in list("oa_plain_signature") {
        let config = json!({"app_id": "wx", "app_secret": "s", "token": vector["token"], "encoding_aes_key": KEY});
        let path = connect(&shop, "wechat_oa", config).await;
        let echo = vector["echostr"].as_str().unwrap_or("an echo");
        let names = ["signature", "timestamp", "nonce"];
        let values: Vec<(&str, &str)> =
            names.map(|name| (name, of(&vector, name))).into_iter().chain([("echostr", echo)]).collect();
        let answer = request(&shop, Method::GET, &format!("{path}?{}", query(&values)), &[], String::new()).await;
        assert_eq!(answer, (StatusCode::OK, vector["expect_body"].as_str().unwrap_or(echo).into()), "{vector}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wechat_official_account_payloads() {
    let all = vectors!("wechat_oa_payloads");
    let server = Server::start(json!({"errcode": 0, "errmsg": "ok", "access_token": "T", "expires_in": 7200})).await;
    let config =
        json!({"app_id": "wxoa", "app_secret": "s", "token": TOKEN, "encoding_aes_key": KEY, "base_url": server.url});
    let desk = Desk::open(On::Sqlite, "wechat_oa", config).await;
    for (name, vector) in all.as_object().unwrap() {
        let (query, encrypted) = sealed("wxoa", of(vector, "xml"));
        let body = format!("<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
        for _ in 0..2 {
            let answer = desk.request(Method::POST, &format!("{query}&encrypt_type=aes"), &[], body.clone()).await;
            assert_eq!(answer, (StatusCode::OK, "success".into()), "{name}");
        }
    }
    desk.shop.run_due().await;
    let told: Vec<(String, String)> = said(&desk)
        .await
        .iter()
        .filter(|m| m["sender_type"] == "customer")
        .map(|m| (of(m, "content_type").into(), of(m, "content").into()))
        .collect();
    let expected = [
        ("text", "你好 <a> & "),
        ("image", ""),
        ("voice", ""),
        ("video", ""),
        ("location", ""),
        ("link", ""),
        ("button", "MENU_HELP"),
        ("unsupported", ""),
    ];
    assert_eq!(told, expected.map(|(kind, text)| (kind.to_string(), text.to_string())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_updates_and_what_a_send_is_answered_with() {
    let (all, hmac) = (vectors!("telegram_updates"), vectors!("misc_hmac"));
    let (secret, header) = (of(&hmac["telegram"], "secret"), of(&hmac["telegram"], "header"));
    let server = Server::start(json!({"ok": true, "result": {"message_id": 90, "chat": {"id": 42}}})).await;
    let config = json!({"bot_token": "1:AA", "secret_token": secret, "base_url": server.url});
    let desk = Desk::open(On::Sqlite, "telegram", config).await;
    desk.shop.learns("en.md", WARRANTY).await;
    let post = async |update: &Value| {
        let headers = [("x-telegram-bot-api-secret-token", header.to_string())];
        desk.request(Method::POST, "", &headers, update.to_string()).await.0
    };
    let wrong = [("x-telegram-bot-api-secret-token", format!("{header}x"))];
    assert_eq!(desk.request(Method::POST, "", &wrong, "{}").await.0, StatusCode::FORBIDDEN);
    let fixtures = all["fixtures"].as_object().unwrap();
    // The edit comes before what it edits, and everything comes twice.
    let edit_first = fixtures.iter().filter(|(name, _)| *name == "edited").chain(fixtures);
    for (name, fixture) in edit_first.chain(fixtures) {
        assert_eq!(post(&fixture["payload"]).await, StatusCode::OK, "{name}");
    }
    desk.shop.run_due().await;
    let told: Vec<(String, String)> = said(&desk)
        .await
        .iter()
        .filter(|m| m["sender_type"] == "customer")
        .map(|m| (of(m, "content_type").into(), of(m, "content").into()))
        .collect();
    let expected = [
        ("text", "Where is my order A-18?"),
        ("image", "broken"),
        ("voice", ""),
        ("document", ""),
        ("location", ""),
        ("contacts", ""),
        ("button", "y"),
    ];
    assert_eq!(told, expected.map(|(kind, text)| (kind.to_string(), text.to_string())), "the group is left alone");

    let ask = async |n: i64| {
        let chat = 100 + n;
        let update = json!({"update_id": 100 + n, "message": {"message_id": n, "date": desk.shop.app.now().timestamp(),
            "chat": {"id": chat, "type": "private"}, "from": {"id": chat, "is_bot": false, "first_name": format!("C{n}")},
            "text": QUESTION}});
        assert_eq!(post(&update).await, StatusCode::OK);
    };
    for (n, name, status, after) in [
        (1, "send_429", 429, ("sent", "")),
        (2, "send_403", 403, ("failed", "blocked")),
        (3, "send_400", 400, ("failed", "parse")),
    ] {
        // The first call is a sign that somebody writes.
        server.kept.lock().unwrap().answers = vec![(200, json!({"ok": true})), (status, all[name].clone())];
        ask(n).await;
        desk.shop.run_due().await;
        for _ in 0..3 {
            desk.shop.app.clock.advance(chrono::Duration::seconds(4));
            desk.shop.run_due().await;
        }
        let (state, why) = desk.last_status(&format!("C{n}")).await;
        assert!(state == after.0 && why.contains(after.1), "{name}: {state} {why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_identity_for_which_a_website_vouches() {
    let all = vectors!("misc_hmac");
    let vector = &all["identity_hash"];
    let shop = Shop::open(On::Sqlite).await;
    let body = json!({"platform": "web", "name": "Shop", "config": {"identity_secret": vector["secret"]}});
    let channel = shop.call("POST", "/api/channels", Some(body)).await.body["id"].clone();
    let hash = of(vector, "hash");
    for (hash, expected) in [(hash.to_string(), StatusCode::OK), (hash.replace('d', "e"), StatusCode::FORBIDDEN)] {
        let body = json!({"channel": channel, "identity": {"id": vector["identifier"], "hash": hash}});
        let headers = [("content-type", "application/json"), ("host", "desk.example.com")];
        let answer = request(&shop, Method::POST, "/api/widget/session", &headers, body.to_string()).await;
        assert_eq!(answer.0, expected, "{answer:?}");
    }
}

/// WeCom's interface as a recorded session has it: pages by their cursor, and answers to sends.
#[derive(Default)]
struct Session {
    pages: Vec<Value>,
    /// How many of the pages there are so far.
    there: usize,
    fetches: Vec<Value>,
    sent: Vec<Value>,
    tokens: usize,
    /// What the next sends are answered with.
    errors: VecDeque<Value>,
}

async fn wecom(State(kept): State<Arc<Mutex<Session>>>, OriginalUri(uri): OriginalUri, body: String) -> Response {
    let mut kept = kept.lock().unwrap();
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let answer = match uri.path() {
        "/cgi-bin/gettoken" => {
            kept.tokens += 1;
            json!({"errcode": 0, "errmsg": "ok", "access_token": format!("T{}", kept.tokens), "expires_in": 7200})
        }
        "/cgi-bin/kf/sync_msg" => {
            let cursor = of(&body, "cursor").to_string();
            let n: usize = cursor.trim_start_matches('c').parse().unwrap_or(0);
            kept.fetches.push(body);
            let nothing = json!({"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": 0, "msg_list": []});
            kept.pages.get(n).filter(|_| n < kept.there).map_or(nothing, |page| page["response"].clone())
        }
        "/cgi-bin/kf/send_msg" => match kept.errors.pop_front() {
            Some(error) => error,
            None => {
                let id = body["msgid"].clone();
                kept.sent.push(body);
                json!({"errcode": 0, "errmsg": "ok", "msgid": id})
            }
        },
        "/cgi-bin/media/get" => {
            return ([("content-type", "image/jpeg")], b"\xFF\xD8\xFFpicture".to_vec()).into_response();
        }
        other => panic!("{other}"),
    };
    Json(answer).into_response()
}

/// A company at that interface, at the time of the session.
async fn at_wecom(on: On, pages: &Value) -> (Desk, Arc<Mutex<Session>>) {
    let session = Session { pages: pages.as_array().unwrap().clone(), ..Session::default() };
    let kept = Arc::new(Mutex::new(session));
    let url = serve(Router::new().fallback(any(wecom)).with_state(kept.clone())).await;
    let app = TestApp::open(on).await;
    let then: DateTime<Utc> = "2026-01-01T00:01:00Z".parse().unwrap();
    app.clock.advance(then - app.now());
    let config = json!({"corp_id": CORP, "secret": SECRET, "token": TOKEN, "encoding_aes_key": KEY, "base_url": url});
    let desk = Desk::around(app, "wecom_kf", config).await;
    desk.shop.learns("zh.md", WARRANTY_ZH).await;
    (desk, kept)
}

async fn ring(desk: &Desk, token: &str, account: &str) {
    let plain = format!(
        "<xml><ToUserName>{CORP}</ToUserName><CreateTime>1767225601</CreateTime><MsgType>event</MsgType>\
         <Event>kf_msg_or_event</Event><Token>{token}</Token><OpenKfId>{account}</OpenKfId></xml>"
    );
    let (query, encrypted) = sealed(CORP, &plain);
    let body = format!("<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
    assert_eq!(desk.request(Method::POST, &query, &[], body).await, (StatusCode::OK, "success".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_session_of_wecom_customer_service() {
    let all = vectors!("wecom_kf_sync");
    for on in databases() {
        let (desk, kept) = at_wecom(on, &all["pages"]).await;
        kept.lock().unwrap().there = 3;
        ring(&desk, "ENCtok", "wkTEST").await;
        desk.shop.settle().await;
        let first = kept.lock().unwrap().fetches[0].clone();
        assert_eq!(first["cursor"].as_str().unwrap_or_default(), "");
        for name in ["token", "limit", "voice_format", "open_kfid"] {
            assert_eq!(first[name], all["pages"][0]["request"][name], "{name}");
        }
        let cursors =
            || -> Vec<String> { kept.lock().unwrap().fetches.iter().map(|f| of(f, "cursor").to_string()).collect() };
        assert_eq!(cursors(), ["", "c1", "c2", "c3"], "an empty page that has more goes on");
        let heard: Vec<Value> = said(&desk).await.into_iter().filter(|m| m["sender_type"] == "customer").collect();
        let kinds: Vec<&str> = heard.iter().map(|m| of(m, "content_type")).collect();
        let expected = [
            "text",
            "button",
            "image",
            "voice",
            "document",
            "video",
            "location",
            "link",
            "business_card",
            "miniprogram",
            "unsupported",
        ];
        assert_eq!(kinds, expected, "history is no message, and what is new is one");
        assert_eq!(of(&heard[0], "content"), "我要退款");
        assert_eq!(kept.lock().unwrap().sent.len(), 1, "one burst, one answer");

        // The last page: a duplicate, a colleague, what became of our message, and a recall.
        {
            let mut kept = kept.lock().unwrap();
            let ours = kept.sent[0]["msgid"].clone();
            let last = kept.pages[3]["response"]["msg_list"].as_array_mut().unwrap();
            let failed = last.iter_mut().find(|item| item["msgid"] == "e2").unwrap();
            failed["event"]["fail_msgid"] = ours;
            kept.there = 4;
        }
        ring(&desk, "ENCtok2", "wkTEST").await;
        desk.shop.settle().await;
        assert_eq!(kept.lock().unwrap().sent.len(), 1, "m1 is answered once, m12 never");
        let told = said(&desk).await;
        assert!(told.iter().any(|m| m["sender_type"] == "agent" && m["content"] == "人工回复"), "{told:?}");
        assert_eq!((of(&told[0], "content"), &told[0]["metadata"]["revoked"]), ("", &json!(true)));
        let ours = told.iter().find(|m| m["sender_type"] == "assistant").unwrap();
        assert!(of(ours, "status") == "failed" && of(ours, "status_reason").contains("fail_type 6"), "{ours}");
        let before = cursors().len();
        ring(&desk, "ENCtok3", "wkTEST").await;
        desk.shop.settle().await;
        assert_eq!(cursors()[before], "c4", "the next ring goes on where the last ended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_error_of_wecom_has_its_consequence() {
    let all = vectors!("wecom_kf_sync");
    for error in all["errors"].as_array().unwrap() {
        let code = error["errcode"].as_i64().unwrap();
        let item = json!({"msgid": "q1", "open_kfid": "wkTEST", "external_userid": "wmUSER1", "send_time": 1_767_225_660,
            "origin": 3, "msgtype": "text", "text": {"content": "研磨机保修多久？"}});
        let page =
            json!({"response": {"errcode": 0, "errmsg": "ok", "next_cursor": "c1", "has_more": 0, "msg_list": [item]}});
        let (desk, kept) = at_wecom(On::Sqlite, &json!([page])).await;
        {
            let mut kept = kept.lock().unwrap();
            kept.there = 1;
            kept.errors.push_back(error.clone());
        }
        ring(&desk, "ENCtok", "wkTEST").await;
        desk.shop.settle().await;
        let ours = said(&desk).await.pop().unwrap();
        let (status, alarm) = (of(&ours, "status").to_string(), desk.channel().await["error"].clone());
        let sent = || kept.lock().unwrap().sent.len();
        match code {
            // A new token, and once more.
            42_001 | 40_014 => {
                assert_eq!((status.as_str(), sent(), kept.lock().unwrap().tokens), ("sent", 1, 2), "{code}");
            }
            // Later.
            -1 | 45_009 => assert!(matches!(status.as_str(), "sent" | "sending") && alarm.is_null(), "{code} {status}"),
            // Never: a person sees it.
            95_018 => assert!(status == "failed" && alarm.is_null(), "{code} {status} {alarm}"),
            // Not before somebody mends it; who can is told, without our address.
            60_020 | 95_000 => {
                let why = alarm.as_str().unwrap_or_default();
                assert!(
                    status == "sending" && why.contains(&code.to_string()) && !why.contains("1.1.1.1"),
                    "{code} {why}"
                );
            }
            other => panic!("{other}"),
        }
        desk.pass(70).await;
        desk.pass(70).await;
        assert_eq!(sent(), usize::from(code != 95_018), "{code}");
        assert!(desk.channel().await["error"].is_null(), "{code}");
    }
}
