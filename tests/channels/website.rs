//! The website's chat: who may show it, and for whom the website vouches.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use frontdesk::platform::crypto::hmac_sha256_hex;
use futures::{StreamExt, future::join_all};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{
    desk::WARRANTY,
    support::{
        app::{TestApp, databases},
        shop::Shop,
    },
};

const SECRET: &str = "an identity secret";

async fn open(shop: &Shop) -> String {
    let body = json!({"platform": "web", "name": "Shop", "config": {"identity_secret": SECRET},
        "settings": {"origins": ["https://shop.example.com"]}});
    let added = shop.call("POST", "/api/channels", Some(body)).await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    assert!(added.body["webhook_path"].is_null());
    added.body["id"].as_str().unwrap().to_string()
}

async fn session(shop: &Shop, origin: Option<&str>, body: Value) -> (StatusCode, Value) {
    let mut request = Request::post("/api/widget/session")
        .header("content-type", "application/json")
        .header("host", "desk.example.com");
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let answer = shop.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_listed_websites_show_the_chat() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let start = json!({"channel": channel});
        for (origin, expected) in [
            (Some("https://shop.example.com"), StatusCode::OK),
            (Some("https://desk.example.com"), StatusCode::OK), // our own page
            (Some("https://evil.example.com"), StatusCode::FORBIDDEN),
            (Some("null"), StatusCode::FORBIDDEN),
            (None, StatusCode::OK), // no browser asks
        ] {
            assert_eq!(session(&shop, origin, start.clone()).await.0, expected, "{origin:?}");
        }
        let policy = |path: String| {
            let router = shop.router.clone();
            async move {
                let answer = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
                answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_string()
            }
        };
        assert!(
            policy(format!("/chat?channel={channel}"))
                .await
                .ends_with("frame-ancestors 'self' https://shop.example.com")
        );
        assert!(policy("/chat".into()).await.ends_with("frame-ancestors *"));
        assert!(policy("/chat?channel=nonsense".into()).await.ends_with("frame-ancestors *"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_for_whom_the_website_vouches_goes_on_with_their_talk_on_another_device() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let channel = open(&shop).await;
        let hash = hmac_sha256_hex(SECRET.as_bytes(), b"user-42");
        let known = json!({"channel": channel, "identity": {"id": "user-42", "hash": hash}});
        let (_, phone) = session(&shop, None, known.clone()).await;
        let token = phone["visitor_token"].as_str().unwrap();
        let echo = uuid::Uuid::now_v7();
        let written = json!({"echo_id": echo, "text": "How long is the warranty of a grinder?"});
        for _ in 0..2 {
            let said = shop.call_as(token, "POST", "/api/widget/messages", Some(written.clone())).await;
            assert_eq!(said.status, StatusCode::OK, "{said:?}");
        }
        shop.settle().await;
        let (_, laptop) = session(&shop, None, known.clone()).await;
        let all = laptop["messages"].as_array().unwrap();
        assert!(all.len() == 2 && all[1]["text"].as_str().unwrap().contains("24 months"), "{all:?}");

        // Nobody else gets there: not by a wrong signature, not without one, not with the token alone.
        let wrong =
            json!({"channel": channel, "identity": {"id": "user-42", "hash": hmac_sha256_hex(b"guess", b"user-42")}});
        assert_eq!(session(&shop, None, wrong).await.0, StatusCode::FORBIDDEN);
        let signed_out = json!({"channel": channel, "visitor_token": token});
        let (status, stranger) = session(&shop, None, signed_out).await;
        assert_eq!((status, stranger["messages"].as_array().unwrap().len()), (StatusCode::OK, 0));
        let hash = hmac_sha256_hex(SECRET.as_bytes(), b"user-43");
        let other = json!({"channel": channel, "visitor_token": token, "identity": {"id": "user-43", "hash": hash}});
        assert_eq!(session(&shop, None, other).await.1["messages"].as_array().unwrap().len(), 0);
    }
}

/// Reads a visitor's events until one of them holds `text`; gives the ids of the messages on the way.
async fn hears(shop: &Shop, token: &str, last_event: Option<&str>, text: &str) -> Vec<String> {
    let mut request = Request::get(format!("/api/widget/events?token={token}"));
    if let Some(id) = last_event {
        request = request.header("last-event-id", id);
    }
    let answer = shop.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let mut stream = answer.into_body().into_data_stream();
    let mut heard = String::new();
    let reading = async {
        while !heard.contains(text) || !heard.ends_with("\n\n") {
            heard.push_str(std::str::from_utf8(&stream.next().await.expect("it goes on").unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("it is never told");
    heard.lines().filter_map(|l| l.strip_prefix("id: ")).map(String::from).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_comes_back_hears_a_new_conversation_from_its_beginning() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let (_, started) = session(&shop, None, json!({"channel": channel})).await;
        let token = started["visitor_token"].as_str().unwrap().to_string();
        let says = async |text: &str| {
            let said = json!({"echo_id": uuid::Uuid::now_v7(), "text": text});
            let said = shop.call_as(&token, "POST", "/api/widget/messages", Some(said)).await;
            assert_eq!(said.status, StatusCode::OK, "{said:?}");
        };
        for text in ["Hello", "It is me", "I want to talk to a human"] {
            says(text).await;
        }
        let ids = hears(&shop, &token, None, "talk to a human").await;
        let id =
            shop.call("GET", "/api/conversations", None).await.body["items"][0]["id"].as_str().unwrap().to_string();
        assert!(ids.iter().all(|i| i.starts_with(&format!("{id}:"))), "{ids:?}");
        let agent = shop.user("mei", "agent").await;
        for step in ["take-over", "resolve"] {
            let done = shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/{step}"), None).await;
            assert_eq!(done.status, StatusCode::OK, "{done:?}");
        }
        shop.app.clock.advance(chrono::Duration::days(8)); // sooner, it would be taken up again
        says("Something else today").await;
        // The new conversation's numbers begin below the one that was heard last.
        let again = hears(&shop, &token, ids.last().map(String::as_str), "Something else today").await;
        assert!(again.iter().all(|i| !i.starts_with(&id)), "{again:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_sees_the_emoji_that_an_agent_puts_on_their_message() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let (_, started) = session(&shop, None, json!({"channel": channel})).await;
        let token = started["visitor_token"].as_str().unwrap().to_string();
        let said = json!({"echo_id": uuid::Uuid::now_v7(), "text": "The new lid is here, thank you!"});
        let said = shop.call_as(&token, "POST", "/api/widget/messages", Some(said)).await.body;
        let id = said["message"]["id"].as_str().unwrap().to_string();
        let conversation = shop.call("GET", "/api/conversations", None).await.body["items"][0]["id"].clone();
        let conversation = conversation.as_str().unwrap();
        let reach = shop.call("GET", &format!("/api/conversations/{conversation}/reach"), None).await.body;
        assert_eq!(reach["has_reactions"], true);
        let put = async |emoji: Value| {
            let path = format!("/api/conversations/{conversation}/messages/{id}/reaction");
            let put = shop.call("PUT", &path, Some(json!({"emoji": emoji}))).await;
            assert_eq!(put.status, StatusCode::OK, "{put:?}");
        };
        let shown = async || {
            let known = json!({"channel": channel, "visitor_token": token});
            session(&shop, None, known).await.1["messages"][0]["reaction"].clone()
        };
        let (_, ()) = tokio::join!(hears(&shop, &token, None, "🎉"), put(json!("🎉")));
        assert_eq!(shown().await, "🎉");
        put(Value::Null).await;
        assert!(shown().await.is_null());
    }
}

/// A request as it comes from `peer`.
async fn from(shop: &Shop, peer: &str, token: Option<&str>, path: &str, body: Value) -> (StatusCode, Value) {
    let mut request = Request::post(path).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut request = request.body(Body::from(body.to_string())).unwrap();
    let peer = std::net::SocketAddr::new(peer.parse().unwrap(), 40_000);
    request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
    let answer = shop.router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    assert_eq!(
        status == StatusCode::TOO_MANY_REQUESTS,
        headers.contains_key(header::RETRY_AFTER),
        "says when to come again"
    );
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_cannot_be_a_thousand_visitors_and_one_visitor_cannot_write_without_end() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let start = json!({"channel": channel});
        let begin = async |peer: &str, body: &Value| from(&shop, peer, None, "/api/widget/session", body.clone()).await;
        let mut token = String::new();
        for n in 0..60 {
            let (status, session) = begin("192.0.2.7", &start).await;
            assert_eq!(status, StatusCode::OK, "visitor {n}: {session}");
            token = session["visitor_token"].as_str().unwrap().to_string();
        }
        assert_eq!(begin("192.0.2.7", &start).await.0, StatusCode::TOO_MANY_REQUESTS);
        let known = json!({"channel": channel, "visitor_token": token});
        assert_eq!(begin("192.0.2.7", &known).await.0, StatusCode::OK, "who was here goes on");
        assert_eq!(begin("192.0.2.8", &start).await.0, StatusCode::OK, "another address does not pay for it");

        for n in 0..31 {
            let body = json!({"echo_id": uuid::Uuid::now_v7(), "text": format!("Hello {n}")});
            let (status, _) = from(&shop, "192.0.2.7", Some(&token), "/api/widget/messages", body).await;
            let expected = if n < 30 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
            assert_eq!(status, expected, "message {n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_page_sends_64_times_at_once_is_one_message_and_one_answer() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        shop.learns("en.md", WARRANTY).await;
        let channel = open(&shop).await;
        let (_, page) = session(&shop, None, json!({"channel": channel})).await;
        let token = page["visitor_token"].as_str().unwrap();
        let written = json!({"echo_id": uuid::Uuid::now_v7(), "text": "How long is the warranty of a grinder?"});
        let all =
            join_all((0..64).map(|_| shop.call_as(token, "POST", "/api/widget/messages", Some(written.clone())))).await;
        let (taken, refused): (Vec<_>, Vec<_>) = all.iter().partition(|a| a.status == StatusCode::OK);
        assert!(refused.iter().all(|a| a.status == StatusCode::TOO_MANY_REQUESTS), "{refused:?}");
        let first = &taken.first().unwrap().body["message"]["id"];
        assert!(first.is_string() && taken.iter().all(|a| a.body["message"]["id"] == *first), "{taken:?}");
        shop.settle().await;
        let (_, page) = session(&shop, None, json!({"channel": channel, "visitor_token": token})).await;
        let all = page["messages"].as_array().unwrap();
        assert!(all.len() == 2 && all[1]["text"].as_str().unwrap().contains("24 months"), "{all:?}");
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\na broken lid";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_sends_a_picture_and_sees_what_the_agent_sends_back() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let (_, started) = session(&shop, None, json!({"channel": channel})).await;
        let token = started["visitor_token"].as_str().unwrap().to_string();
        let echo = uuid::Uuid::now_v7().to_string();
        let fields = [("echo_id", echo.as_str()), ("text", "The lid is broken")];
        let mut said = Vec::new();
        for _ in 0..2 {
            let sent = shop.form(&token, "/api/widget/files", &fields, "lid.png", PNG).await;
            assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
            said.push(sent.body["message"].clone());
        }
        assert_eq!((&said[0]["id"], &said[0]["echo_id"]), (&said[1]["id"], &json!(echo)));
        let file = &said[0]["files"][0];
        let shown = (&file["name"], &file["content_type"], &file["size_bytes"]);
        assert_eq!(shown, (&json!("lid.png"), &json!("image/png"), &json!(PNG.len())));
        let got = shop.call_as("", "GET", file["url"].as_str().unwrap(), None).await;
        assert!(got.status == StatusCode::OK && got.body.as_str().unwrap().ends_with("a broken lid"), "{got:?}");
        shop.settle().await;

        // The agent sees it, answers with a file, and the visitor sees that.
        let agent = shop.user("mei", "agent").await;
        let all = shop.call("GET", "/api/conversations", None).await.body;
        let id = all["items"][0]["id"].as_str().unwrap().to_string();
        let messages = shop.call_as(&agent, "GET", &format!("/api/conversations/{id}/messages"), None).await.body;
        assert_eq!(messages[0]["files"][0]["name"], "lid.png");
        assert_eq!(messages[0]["content"], "The lid is broken");
        let answered =
            shop.form(&agent, &format!("/api/conversations/{id}/files"), &[], "说明书.pdf", b"%PDF-1.7 manual").await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        shop.settle().await;
        let news = shop.call_as(&token, "GET", "/api/widget/messages", None).await.body;
        let last = news["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["by"], &last["status"], &last["files"][0]["name"]),
            (&json!("agent"), &json!("sent"), &json!("说明书.pdf"))
        );
        let url = last["files"][0]["url"].as_str().unwrap().to_string();
        assert_eq!(shop.call_as("", "GET", &url, None).await.status, StatusCode::OK);
        // A link lasts for a day, and the page gets a new one each time it asks.
        shop.app.clock.advance(chrono::Duration::hours(25));
        assert_eq!(shop.call_as("", "GET", &url, None).await.status, StatusCode::NOT_FOUND);
        let (_, again) = session(&shop, None, json!({"channel": channel, "visitor_token": token})).await;
        let url =
            again["messages"].as_array().unwrap().last().unwrap()["files"][0]["url"].as_str().unwrap().to_string();
        assert_eq!(shop.call_as("", "GET", &url, None).await.status, StatusCode::OK);
        // Another visitor sees nothing of it, and its own address is for users only.
        let (_, other) = session(&shop, None, json!({"channel": channel})).await;
        assert_eq!(other["messages"], json!([]));
        let direct = messages[0]["media_url"].as_str().unwrap();
        assert_eq!(shop.call_as(&token, "GET", direct, None).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitors_file_is_refused_when_it_is_too_much_or_nobody_can_tell_what_it_is() {
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        let channel = open(&shop).await;
        let (_, started) = session(&shop, None, json!({"channel": channel})).await;
        let token = started["visitor_token"].as_str().unwrap().to_string();
        let sends = async |token: &str, name: &str, bytes: &[u8]| {
            let echo = uuid::Uuid::now_v7().to_string();
            shop.form(token, "/api/widget/files", &[("echo_id", &echo)], name, bytes).await.status
        };
        assert_eq!(sends("nonsense", "lid.png", PNG).await, StatusCode::UNAUTHORIZED);
        for (name, bytes) in [
            ("lid.png", &b"<svg onload=alert(1)>"[..]),
            ("a.exe", b"MZ\x90\x00"),
            ("a.html", b"<script>"),
            ("a.png", b""),
        ] {
            assert_eq!(sends(&token, name, bytes).await, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        }
        let mut large = PNG.to_vec();
        large.resize((20 << 20) + 1, 0);
        assert_eq!(sends(&token, "large.png", &large).await, StatusCode::PAYLOAD_TOO_LARGE);
        let no_echo = shop.form(&token, "/api/widget/files", &[], "lid.png", PNG).await;
        assert_eq!(no_echo.status, StatusCode::UNPROCESSABLE_ENTITY, "{no_echo:?}");
        let nothing = shop.call_as(&token, "GET", "/api/widget/messages", None).await.body;
        assert_eq!(nothing["messages"], json!([]), "nothing was written");
        let left = std::fs::read_dir(shop.app.dir.0.join("files/incoming")).unwrap().count();
        assert_eq!(left, 0, "nothing is left on the disk");
        // Ten in a minute, of which some were refused.
        for _ in 0..4 {
            assert_eq!(sends(&token, "lid.png", PNG).await, StatusCode::OK);
        }
        assert_eq!(sends(&token, "lid.png", PNG).await, StatusCode::TOO_MANY_REQUESTS);
    }
}
