//! A WeChat official account.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::{
    desk::{Desk, WARRANTY_ZH, only},
    qyapi::{KEY, TOKEN, sealed},
    support::{
        app::{On, databases},
        serve,
    },
};

const APP: &str = "wxapp0001";

#[derive(Default)]
struct Kept {
    tokens: usize,
    sent: Vec<Value>,
    script: Vec<i64>,
    faults: Vec<String>,
}

type Shared = State<Arc<Mutex<Kept>>>;

async fn token(State(kept): Shared, Json(body): Json<Value>) -> Json<Value> {
    let mut kept = kept.lock().unwrap();
    if body["grant_type"] != "client_credential" || body["appid"] != APP || body["secret"] != "s" {
        kept.faults.push(body.to_string());
    }
    kept.tokens += 1;
    Json(json!({"access_token": "T", "expires_in": 7200}))
}

async fn send(
    State(kept): Shared,
    Query(q): Query<std::collections::HashMap<String, String>>,
    body: Bytes,
) -> Response {
    let mut kept = kept.lock().unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let is_raw = !text.contains("\\u");
    if q["access_token"] != "T" || only(&body, &["touser", "msgtype", "text"]).is_err() || !is_raw {
        kept.faults.push(text);
    }
    match kept.script.pop() {
        Some(code) => Json(json!({"errcode": code, "errmsg": "told to"})).into_response(),
        None => {
            kept.sent.push(body);
            Json(json!({"errcode": 0, "errmsg": "ok"})).into_response()
        }
    }
}

async fn typing() -> Json<Value> {
    Json(json!({"errcode": 45_080, "errmsg": "not now"}))
}

/// An account and its platform; `more` may set further options.
async fn open(on: On, more: Value) -> (Desk, Arc<Mutex<Kept>>) {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let router = Router::new()
        .route("/cgi-bin/stable_token", post(token))
        .route("/cgi-bin/message/custom/send", post(send))
        .route("/cgi-bin/message/custom/typing", post(typing))
        .with_state(kept.clone());
    let url = serve(router).await;
    let mut config =
        json!({"app_id": APP, "app_secret": "s", "token": TOKEN, "encoding_aes_key": KEY, "base_url": url});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let desk = Desk::open(on, "wechat_oa", config).await;
    desk.shop.learns("zh.md", WARRANTY_ZH).await;
    (desk, kept)
}

/// What the follower does now.
async fn does(desk: &Desk, inside: &str) {
    let at = desk.shop.app.now().timestamp();
    let plain = format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>oANA</FromUserName><CreateTime>{at}</CreateTime>{inside}</xml>"
    );
    let (query, encrypted) = sealed(APP, &plain);
    let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
    let answer = desk.request(Method::POST, &format!("{query}&encrypt_type=aes"), &[], body).await;
    assert_eq!(answer, (StatusCode::OK, "success".into()));
}

const QUESTION: &str = "<MsgType>text</MsgType><Content>研磨机保修多久？</Content>";
const CLICK: &str = "<MsgType>event</MsgType><Event>CLICK</Event><EventKey>研磨机保修多久？</EventKey>";

/// The only conversation, as the API shows it.
async fn conversation(desk: &Desk) -> Value {
    desk.shop.call("GET", "/api/conversations", None).await.body["items"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_menu_permits_less_than_a_message_and_for_a_minute_only() {
    for on in databases() {
        let (desk, kept) = open(on, json!({})).await;
        let sent = || kept.lock().unwrap().sent.len();
        does(&desk, CLICK).await;
        desk.shop.settle().await;
        assert_eq!(sent(), 1);
        let path = format!("/api/conversations/{}/reach", conversation(&desk).await["id"].as_str().unwrap());
        let reach = async || desk.shop.call("GET", &path, None).await.body;
        let open = reach().await;
        assert!(open["way"] == "open" && open["left"] == 2, "{open}");
        desk.pass(60).await;
        assert_eq!(reach().await["way"], "closed", "a tap is no message");
        // Too late for an answer: a person knows.
        does(&desk, CLICK).await;
        desk.shop.app.clock.advance(chrono::Duration::seconds(70));
        desk.shop.settle().await;
        assert_eq!((sent(), conversation(&desk).await["holder"].as_str()), (1, Some("queue")));
        // A message permits five, and a tap after it takes nothing away.
        does(&desk, &format!("{QUESTION}<MsgId>1</MsgId>")).await;
        desk.pass(60).await;
        let before = reach().await["left"].as_u64().unwrap();
        does(&desk, CLICK).await;
        desk.pass(120).await;
        let after = reach().await;
        assert!(after["way"] == "open" && (3..=before).contains(&after["left"].as_u64().unwrap()), "{before} {after}");
        assert_eq!(kept.lock().unwrap().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_follows_is_greeted_where_an_admin_wants_that() {
    const FOLLOWS: &str = "<MsgType>event</MsgType><Event>subscribe</Event><EventKey>qrscene_42</EventKey>";
    const SCANS: &str = "<MsgType>event</MsgType><Event>SCAN</Event><EventKey>43</EventKey>";
    for on in databases() {
        let (desk, kept) = open(on, json!({"greeting": "欢迎关注！请直接提问。"})).await;
        let texts = || -> Vec<String> {
            let kept = kept.lock().unwrap();
            kept.sent.iter().map(|m| m["text"]["content"].as_str().unwrap().to_string()).collect()
        };
        for _ in 0..2 {
            does(&desk, FOLLOWS).await;
        }
        desk.shop.settle().await;
        assert_eq!(texts(), ["欢迎关注！请直接提问。"]);
        assert_eq!(conversation(&desk).await["holder"], "assistant");
        let customer = conversation(&desk).await["customer_id"].as_str().unwrap().to_string();
        let timeline = desk.shop.call("GET", &format!("/api/customers/{customer}/timeline"), None).await.body;
        assert!(timeline.to_string().contains(r#""scene":"42""#), "{timeline}");
        desk.pass(10).await;
        does(&desk, &format!("{QUESTION}<MsgId>1</MsgId>")).await;
        // Between a question and its answer nobody is greeted.
        does(&desk, SCANS).await;
        desk.pass(10).await;
        let said = texts();
        assert!(said.len() == 2 && said[1].contains("24个月"), "{said:?}");
        does(&desk, SCANS).await;
        desk.shop.settle().await;
        assert_eq!(texts().len(), 3);
        // Nor is who talks to a person.
        does(&desk, "<MsgType>text</MsgType><Content>转人工</Content><MsgId>2</MsgId>").await;
        desk.pass(10).await;
        let before = texts().len();
        does(&desk, SCANS).await;
        desk.pass(10).await;
        assert_eq!(texts().len(), before);
        let long = json!({"platform": "wechat_oa", "name": "x", "config": {"app_id": "a", "app_secret": "s", "token": TOKEN,
            "encoding_aes_key": KEY, "greeting": "好".repeat(700)}});
        let refused = desk.shop.call("POST", "/api/channels", Some(long)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_is_answered_and_events_are_not() {
    for on in databases() {
        let (desk, kept) = open(on, json!({})).await;

        let mut parts = [TOKEN, "1", "2"];
        parts.sort_unstable();
        let signature: String = Sha1::digest(parts.concat()).iter().map(|b| format!("{b:02x}")).collect();
        let hello = format!("?signature={signature}&timestamp=1&nonce=2&echostr=5837397576500011341");
        assert_eq!(desk.request(Method::GET, &hello, &[], "").await, (StatusCode::OK, "5837397576500011341".into()));

        let deliver = |inside: &str| {
            let plain = format!(
                "<xml><ToUserName>gh_1</ToUserName><FromUserName>oANA</FromUserName><CreateTime>1772442000</CreateTime>{inside}</xml>"
            );
            let (query, encrypted) = sealed(APP, &plain);
            let body = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
            let desk = &desk;
            async move { desk.request(Method::POST, &format!("{query}&encrypt_type=aes"), &[], body).await }
        };
        let question = "<MsgType>text</MsgType><Content>研磨机保修多久？</Content><MsgId>7405476859006371473</MsgId>";
        for inside in ["<MsgType>event</MsgType><Event>subscribe</Event>", question, question] {
            assert_eq!(deliver(inside).await, (StatusCode::OK, "success".into()));
        }
        desk.shop.settle().await;
        let sent = kept.lock().unwrap().sent.clone();
        assert_eq!(sent.len(), 1);
        assert!(
            sent[0]["touser"] == "oANA" && sent[0]["text"]["content"].as_str().unwrap().contains("24个月"),
            "{sent:?}"
        );
        // Plain bodies prove nothing.
        let plain =
            desk.request(Method::POST, &hello, &[], "<xml><FromUserName>x</FromUserName><MsgId>1</MsgId></xml>").await;
        assert_eq!(plain.0, StatusCode::UNAUTHORIZED);
        // The token is refused once; then the platform says that the window is closed.
        kept.lock().unwrap().script = vec![42_001];
        deliver("<MsgType>text</MsgType><Content>研磨机保修多久？</Content><MsgId>2</MsgId>").await;
        desk.shop.settle().await;
        assert_eq!(kept.lock().unwrap().sent.len(), 2);
        kept.lock().unwrap().script = vec![45_015];
        deliver("<MsgType>text</MsgType><Content>研磨机保修多久？</Content><MsgId>3</MsgId>").await;
        desk.shop.settle().await;
        let all = desk.shop.call("GET", "/api/conversations", None).await.body;
        assert_eq!(all["items"][0]["holder"], "queue", "{all}");
        assert_eq!(kept.lock().unwrap().faults, Vec::<String>::new());
    }
}
