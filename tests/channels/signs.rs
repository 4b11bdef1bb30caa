//! What customers see while they wait: read, and that somebody types.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use frontdesk::{
    app::{ConversationId, MessageId},
    inbox,
    platform::crypto::hmac_sha512_hex,
};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, WARRANTY},
    other::Server,
    support::app::{On, databases},
    whatsapp::Whatsapp,
};

const QUESTION: &str = "How long is the warranty of a grinder?";
const TOKEN: &str = "a token of sixteen";

/// The paths that a server was asked for, in order.
fn paths(server: &Server) -> Vec<String> {
    server.kept.lock().unwrap().asked.iter().map(|(path, _)| path.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_somebody_writes_is_shown_again_while_an_answer_takes_long_and_never_after_it() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        w.says("60123456789", "wamid.1", QUESTION).await;
        w.shop.run_due().await;
        assert_eq!(w.graph.kept().read.len(), 1);
        let conversation =
            w.shop.conversation("Ana").await["id"].as_str().unwrap().parse().map(ConversationId).unwrap();
        let message = w.messages("Ana").await[0]["id"].as_str().unwrap().parse().map(MessageId).unwrap();
        // The turn is being taken for twenty seconds, for forty, for two minutes.
        for (after, shown) in [(20, 2), (20, 3), (81, 4)] {
            w.shop.app.clock.advance(Duration::seconds(after));
            inbox::attend(&w.shop.app, conversation, message).await.unwrap();
            assert_eq!(w.graph.kept().read.len(), shown);
        }
        // Then it is answered, and nothing is shown any more.
        w.shop.settle().await;
        let shown = w.graph.kept().read.len();
        assert_eq!(w.graph.kept().taken.len(), 1);
        w.pass(25).await;
        inbox::attend(&w.shop.app, conversation, message).await.unwrap();
        assert_eq!(w.graph.kept().read.len(), shown);
        w.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waha_is_seen_to_read_and_to_type_before_a_text_stands_there() {
    let server = Server::start(json!({"id": {"_serialized": "true_60@c.us_OUT"}})).await;
    let desk = Desk::open(On::Sqlite, "waha", json!({"base_url": server.url, "api_key": "K", "hmac_key": "H"})).await;
    desk.shop.learns("en.md", WARRANTY).await;
    let body = json!({"event": "message", "session": "default", "payload": {"id": "false_60@c.us_1",
        "timestamp": 1_772_442_000, "from": "60@c.us", "fromMe": false, "body": QUESTION}})
    .to_string();
    let signed = [("x-webhook-hmac", hmac_sha512_hex(b"H", body.as_bytes()))];
    assert_eq!(desk.request(Method::POST, "", &signed, body).await.0, StatusCode::OK);
    desk.pass(15).await;
    let all = paths(&server);
    let end = all.iter().position(|p| p == "/api/sendText").expect("answered") + 1;
    assert_eq!(
        &all[end - 4..end],
        ["/api/sendSeen", "/api/startTyping", "/api/stopTyping", "/api/sendText"],
        "{all:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_is_told_when_to_show_what_it_does_not_show_by_itself() {
    for on in databases() {
        for smart_read in [true, false] {
            let server = Server::start(json!({"id": "true_60@c.us_OUT"})).await;
            let config = json!({"token": TOKEN, "base_url": server.url, "smart_read": smart_read});
            let desk = Desk::open(on, "gateway", config).await;
            desk.shop.learns("en.md", WARRANTY).await;
            let bearer = [("authorization", format!("Bearer {TOKEN}"))];
            let message = |id: &str, text: &str| json!({"id": id, "from": "60@c.us", "body": text, "name": "Ana"});
            let post = |m: Value| desk.request(Method::POST, "/messages/inbox", &bearer, m.to_string());
            assert_eq!(post(message("m1", QUESTION)).await.0, StatusCode::OK);
            desk.pass(15).await;
            assert_eq!(server.asked("/send").len(), 1);
            if !smart_read {
                assert_eq!(paths(&server), ["/send"], "the gateway does it by itself");
                continue;
            }
            let typing = server.asked("/typing");
            let last = typing.last().expect("typing is shown");
            assert!(last["to"] == "60" && (400..=3000).contains(&last["for_ms"].as_u64().unwrap()), "{typing:?}");
            let all = paths(&server);
            let end = all.iter().position(|p| p == "/send").unwrap() + 1;
            assert_eq!(&all[end - 2..end], ["/typing", "/send"], "{all:?}");
            // Who is not answered at once is seen to be read.
            desk.shop.app.clock.advance(Duration::seconds(60));
            assert_eq!(post(message("m2", "And to Penang?")).await.0, StatusCode::OK);
            desk.shop.run_due().await;
            let conversation = desk.shop.conversation("Ana").await["id"].as_str().unwrap().parse().map(ConversationId);
            let id = desk.messages("Ana").await.last().unwrap()["id"].as_str().unwrap().parse().map(MessageId);
            inbox::attend(&desk.shop.app, conversation.unwrap(), id.unwrap()).await.unwrap();
            assert_eq!(server.asked("/seen"), [json!({"to": "60", "message_id": "m2"})]);
        }
    }
}
