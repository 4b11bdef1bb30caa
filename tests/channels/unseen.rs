//! What the platforms send and a parser's author easily overlooks. The cases of `tests/fixtures/unseen.jsonl`, one a
//! line, were written from the platforms' documents and their well-known clients by somebody who had not read the
//! parsers. Each comes in at the front door from a customer of its own, and is judged by what the API then shows.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use frontdesk::platform::crypto::{hmac_sha256_hex, hmac_sha512_hex};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY, WARRANTY_ZH},
    graph,
    post::Post,
    qyapi::{self, sealed},
    support::{
        app::{On, TestApp, databases},
        serve,
        shop::Shop,
    },
    wecom::Wecom,
    whatsapp::Whatsapp,
};

const KINDS: [&str; 8] =
    ["whatsapp_cloud", "waha", "evolution", "gateway", "telegram", "wecom_kf", "wechat_oa", "email"];
const TOKEN: &str = "a token of sixteen";
const APP: &str = "wxapp0003";
/// Every file that a customer sends.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\na picture";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: String,
    family: String,
    name: String,
    /// Where below the channel's path it comes in.
    #[serde(default)]
    below: String,
    /// What came earlier, each like `body`.
    #[serde(default)]
    before: Vec<Value>,
    /// The webhook's JSON, or its text as it is; of an official account the XML that is sealed, of WeCom one item of
    /// `msg_list`, of e-mail the whole mail.
    body: Value,
    expect: Expect,
}

/// What anybody who runs a desk would want: everything that is given here holds. Besides, every delivery is
/// acknowledged, no job fails for good, nothing lands in another customer's conversation, and who says something,
/// unless it is `not_answered` or taken back, has an answer or a person who knows.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expect {
    /// What the customer says: so many messages, each text in the `content` of another one.
    customer: Option<Vec<String>>,
    /// Stand somewhere in the customer's messages as the API shows them, be it in the metadata.
    shows: Vec<String>,
    /// Stand in the `content` of none of them.
    without: Vec<String>,
    /// What the customer is called.
    name: Option<String>,
    /// A file hangs on one of the customer's messages.
    file: bool,
    /// What a person said with the platform's own app.
    agent: Option<String>,
    /// The customer's emoji on one of the messages.
    reaction: Option<String>,
    /// The customer took a message back: it is empty and marked so.
    revoked: bool,
    /// What the API calls the state of the channel's connection.
    connection: Option<String>,
    /// No conversation comes of it.
    nothing: bool,
    /// The assistant tells how long the warranty is.
    answered: bool,
    /// The assistant is silent, whether something is kept or not.
    not_answered: bool,
    /// Who holds the conversation.
    holder: Option<String>,
    /// How many conversations come of it; one, where a customer says something.
    talks: Option<usize>,
}

/// What is there after a case and was not before it.
struct Seen {
    talks: Vec<Value>,
    /// Without private notes.
    messages: Vec<Value>,
    /// A customer's message landed in the conversation of an earlier case.
    is_elsewhere: bool,
    failed_jobs: i64,
    connection: String,
}

fn content(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}

impl Seen {
    fn of(&self, sender: &str) -> Vec<&Value> {
        self.messages.iter().filter(|m| m["sender_type"] == sender).collect()
    }

    fn in_words(&self) -> String {
        let talk = |t: &Value| format!("{} held by {}", t["customer_name"], t["holder"]);
        let said = |m: &Value| format!("{} {}: {}", m["sender_type"], m["content_type"], m["content"]);
        let talks: Vec<String> = self.talks.iter().map(talk).collect();
        let messages: Vec<String> = self.messages.iter().map(said).collect();
        format!("talks {talks:?}, messages {messages:#?}")
    }
}

impl Expect {
    /// What is not so.
    fn misses(&self, seen: &Seen) -> Vec<String> {
        let (theirs, ours) = (seen.of("customer"), seen.of("assistant"));
        let says = |all: &[&Value], text: &str| all.iter().any(|m| content(m).contains(text));
        let has_file = |m: &&Value| !m["media_url"].is_null() || m["files"].as_array().is_some_and(|f| !f.is_empty());
        let mut misses = Vec::new();
        let mut must = |is_so: bool, what: String| {
            if !is_so {
                misses.push(what);
            }
        };
        must(!seen.is_elsewhere, "nothing lands in another conversation".into());
        must(seen.failed_jobs == 0, format!("no job fails, not {}", seen.failed_jobs));
        let speaks = self.customer.as_ref().is_some_and(|texts| !texts.is_empty());
        let talks = if self.nothing { Some(0) } else { self.talks.or(speaks.then_some(1)) };
        must(talks.is_none_or(|n| n == seen.talks.len()), format!("conversations: {talks:?}"));
        if let Some(texts) = &self.customer {
            let mut left: Vec<&str> = theirs.iter().map(|m| content(m)).collect();
            let are_found = texts.iter().all(|text| {
                let at = left.iter().position(|said| said.contains(text.as_str()));
                at.map(|n| left.remove(n)).is_some()
            });
            must(are_found && left.is_empty(), format!("the customer says {texts:?}"));
        }
        let is_known = || !seen.talks.is_empty() && seen.talks.iter().all(|t| t["holder"] != "assistant");
        let is_silence = self.not_answered || self.revoked;
        must(!speaks || is_silence || !ours.is_empty() || is_known(), "nobody is stranded".into());
        for text in &self.shows {
            must(theirs.iter().any(|m| m.to_string().contains(text)), format!("the message shows {text}"));
        }
        for text in &self.without {
            must(!says(&theirs, text), format!("the customer does not say {text}"));
        }
        if let Some(name) = &self.name {
            must(seen.talks.iter().all(|t| t["customer_name"] == name.as_str()), format!("is called {name}"));
        }
        must(!self.file || theirs.iter().any(has_file), "a file".into());
        if let Some(text) = &self.agent {
            must(says(&seen.of("agent"), text), format!("a person says {text}"));
        }
        if let Some(emoji) = &self.reaction {
            let is_on = |m: &Value| m["metadata"]["reactions"]["customer"] == emoji.as_str();
            must(seen.messages.iter().any(is_on), format!("the emoji {emoji}"));
        }
        let is_revoked = |m: &&Value| content(m).is_empty() && m["metadata"]["revoked"] == true;
        must(!self.revoked || theirs.iter().any(is_revoked), "taken back".into());
        if let Some(state) = &self.connection {
            must(seen.connection == *state, format!("connection {state}, not {}", seen.connection));
        }
        must(!self.answered || says(&ours, "24 months") || says(&ours, "24个月"), "answered".into());
        must(!self.not_answered || ours.is_empty(), "not answered".into());
        if let Some(holder) = &self.holder {
            must(seen.talks.iter().all(|t| t["holder"] == holder.as_str()), format!("held by {holder}"));
        }
        misses
    }
}

/// A company with one channel, and how its platform delivers.
enum Front {
    Meta(Whatsapp),
    Wecom(Wecom),
    Mail(Shop, Post),
    Other(Desk),
}

/// Below the channel's path, headers, and the body.
type Delivered = (String, Vec<(&'static str, String)>, String);

impl Front {
    async fn open(on: On, kind: &str) -> Self {
        let front = match kind {
            "whatsapp_cloud" => {
                let w = Whatsapp::open(on).await;
                w.graph.kept().file = PNG.to_vec();
                Self::Meta(w)
            }
            "wecom_kf" => Self::Wecom(Wecom::open(on, json!({})).await),
            "email" => {
                let (shop, post) = (Shop::around(TestApp::open(on).await).await, Post::start().await);
                let body = json!({"platform": "email", "name": "Mail", "config": post.config()});
                let added = shop.call("POST", "/api/channels", Some(body)).await;
                assert_eq!(added.status, StatusCode::OK, "{added:?}");
                Self::Mail(shop, post)
            }
            _ => {
                let mut config = match kind {
                    "waha" => json!({"api_key": "K", "hmac_key": "H"}),
                    "evolution" => json!({"api_key": "K", "instance": "shop", "token": TOKEN}),
                    "gateway" => json!({"token": TOKEN}),
                    "telegram" => json!({"bot_token": "1:AA", "secret_token": "A1b2_C3-d4"}),
                    "wechat_oa" => {
                        json!({"app_id": APP, "app_secret": "s", "token": qyapi::TOKEN, "encoding_aes_key": qyapi::KEY})
                    }
                    other => panic!("{other}"),
                };
                config["base_url"] = json!(serve(Router::new().fallback(any(platform))).await);
                Self::Other(Desk::open(on, kind, config).await)
            }
        };
        // Two have learned one of them already.
        if kind != "whatsapp_cloud" {
            front.shop().learns("en.md", WARRANTY).await;
        }
        if kind != "wecom_kf" {
            front.shop().learns("zh.md", WARRANTY_ZH).await;
        }
        front
    }

    fn shop(&self) -> &Shop {
        match self {
            Self::Meta(w) => &w.desk.shop,
            Self::Wecom(w) => &w.desk.shop,
            Self::Mail(shop, _) => shop,
            Self::Other(desk) => &desk.shop,
        }
    }

    async fn connection(&self) -> String {
        match self {
            Self::Other(desk) => desk.channel().await["connection"].as_str().unwrap_or_default().to_string(),
            _ => String::new(),
        }
    }

    /// Delivers one body as the platform does; what was answered, where that is no acknowledgement.
    async fn deliver(&self, case: &Case, body: &Value) -> Result<(), String> {
        let text = match body {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (desk, (query, headers, text)) = match self {
            Self::Mail(shop, post) => {
                post.put(shop.app.now(), &text);
                return Ok(());
            }
            Self::Wecom(w) => {
                let mut item = body.clone();
                item["send_time"] = json!(w.shop.app.now().timestamp());
                w.api.add(item);
                w.ring().await;
                return Ok(());
            }
            Self::Meta(w) => (&w.desk, signed("whatsapp_cloud", text)),
            Self::Other(desk) => (desk, signed(&case.kind, text)),
        };
        let below = format!("{}{query}", case.below);
        let (status, said) = desk.request(Method::POST, &below, &headers, text).await;
        let is_taken = status == StatusCode::OK && (case.kind != "wechat_oa" || said.is_empty() || said == "success");
        if is_taken { Ok(()) } else { Err(format!("{status} {said}")) }
    }

    /// Runs what is due, the looks at a mailbox and the customer's pauses included.
    async fn rest(&self) {
        let shop = self.shop();
        let pause = i64::try_from(shop.app.config.assistant.pause_ms).unwrap();
        let look = if matches!(self, Self::Mail(..)) { 31_000 } else { 0 };
        for ms in [look, pause, pause] {
            shop.app.clock.advance(chrono::Duration::milliseconds(ms));
            shop.run_due().await;
        }
    }

    async fn talks(&self) -> BTreeMap<String, Value> {
        let all = self.shop().call("GET", "/api/conversations?limit=200", None).await.body;
        let talks = all["items"].as_array().unwrap().iter();
        talks.map(|t| (t["id"].as_str().unwrap().to_string(), t.clone())).collect()
    }

    /// Delivers a case and compares what came of it: what is not as expected, and what was seen.
    async fn judge(&self, case: &Case) -> (Vec<String>, String) {
        let (before, failed) = (self.talks().await, self.shop().depth().await.2);
        for body in case.before.iter().chain([&case.body]) {
            if let Err(answer) = self.deliver(case, body).await {
                return (vec!["acknowledged".into()], answer);
            }
            self.rest().await;
        }
        let mut seen = Seen {
            talks: Vec::new(),
            messages: Vec::new(),
            is_elsewhere: false,
            failed_jobs: self.shop().depth().await.2 - failed,
            connection: self.connection().await,
        };
        for (id, talk) in self.talks().await {
            if let Some(earlier) = before.get(&id) {
                seen.is_elsewhere |= earlier["last_customer_message_at"] != talk["last_customer_message_at"];
                continue;
            }
            let messages = self.shop().call("GET", &format!("/api/conversations/{id}/messages?limit=200"), None).await;
            let all = messages.body.as_array().unwrap().iter();
            seen.messages.extend(all.filter(|m| m["is_private"] == false).cloned());
            seen.talks.push(talk);
        }
        (case.expect.misses(&seen), seen.in_words())
    }
}

/// The other end of every platform that has no stricter fake: it takes everything, under another id each time, and has
/// one file.
async fn platform(uri: Uri) -> Response {
    static TAKEN: AtomicUsize = AtomicUsize::new(1);
    let path = uri.path();
    if path.contains("/file") || path.ends_with("/media/get") {
        return ([("content-type", "image/png")], PNG).into_response();
    }
    let n = TAKEN.fetch_add(1, Ordering::Relaxed);
    let id = format!("OUT{n}");
    let result = json!({"message_id": 9_000_000 + n, "chat": {"id": 42}, "file_id": "F", "file_unique_id": "U",
        "file_size": PNG.len(), "file_path": "photos/file_1.png"});
    let answer = json!({"ok": true, "result": result, "key": {"id": id}, "id": id, "errcode": 0, "access_token": "T",
        "expires_in": 7200, "lid": null, "pn": null, "base64": STANDARD.encode(PNG), "mimetype": "image/png",
        "fileName": "photo.png"});
    Json(answer).into_response()
}

/// A body as its platform signs or seals it.
fn signed(kind: &str, text: String) -> Delivered {
    let (mut query, mut text) = (String::new(), text);
    let headers = match kind {
        "whatsapp_cloud" => {
            text = as_meta_writes(&text);
            let signature = hmac_sha256_hex(graph::SECRET.as_bytes(), text.as_bytes());
            vec![("x-hub-signature-256", format!("sha256={signature}"))]
        }
        "waha" => {
            let signature = hmac_sha512_hex(b"H", text.as_bytes());
            vec![("x-webhook-hmac", signature), ("x-webhook-hmac-algorithm", "sha512".into())]
        }
        "evolution" => vec![("x-frontdesk-token", TOKEN.into())],
        "gateway" => vec![("authorization", format!("Bearer {TOKEN}"))],
        "telegram" => vec![("x-telegram-bot-api-secret-token", "A1b2_C3-d4".into())],
        "wechat_oa" => {
            let (signature, encrypted) = sealed(APP, &text);
            query = format!("{signature}&encrypt_type=aes");
            text = format!("<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>");
            Vec::new()
        }
        other => panic!("{other}"),
    };
    (query, headers, text)
}

/// Meta escapes what is not ASCII, and slashes.
fn as_meta_writes(text: &str) -> String {
    let escaped = |c: char| -> String {
        match c {
            '/' => "\\/".into(),
            c if c.is_ascii() => c.into(),
            c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        }
    };
    text.chars().map(escaped).collect()
}

fn cases() -> Vec<Case> {
    let lines = include_str!("../fixtures/unseen.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Every case of a kind, on each database; fails with all that is not as expected.
async fn all_of(kind: &str) {
    let mut failures = Vec::new();
    for on in databases() {
        let front = Front::open(on, kind).await;
        let mut families: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for case in cases().into_iter().filter(|case| case.kind == kind) {
            let (misses, seen) = front.judge(&case).await;
            let (passed, total) = families.entry(case.family.clone()).or_default();
            *passed += usize::from(misses.is_empty());
            *total += 1;
            if !misses.is_empty() {
                failures.push(format!(
                    "{kind} on {on:?}, {}, {}\n  expected: {}\n  seen: {seen}",
                    case.family,
                    case.name,
                    misses.join("; ")
                ));
            }
        }
        for (family, (passed, total)) in families {
            eprintln!("{kind} on {on:?}, {family}: {passed} of {total}");
        }
    }
    assert!(failures.is_empty(), "{} are not as expected\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn every_case_has_a_name_of_its_own_and_a_kind_that_is_judged() {
    let mut names = HashSet::new();
    for case in cases() {
        assert!(KINDS.contains(&case.kind.as_str()), "{}", case.kind);
        assert!(names.insert(format!("{}, {}, {}", case.kind, case.family, case.name)), "{}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_meta_sends_is_understood() {
    all_of("whatsapp_cloud").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waha_sends_is_understood() {
    all_of("waha").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_evolution_sends_is_understood() {
    all_of("evolution").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_gateways_send_is_understood() {
    all_of("gateway").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_telegram_sends_is_understood() {
    all_of("telegram").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wecom_sends_is_understood() {
    all_of("wecom_kf").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_official_accounts_send_is_understood() {
    all_of("wechat_oa").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_mail_programs_send_is_understood() {
    all_of("email").await;
}
