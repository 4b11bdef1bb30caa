//! Messages that go out again: much later, or as something else.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use serde_json::{Value, json};

use crate::{
    desk::Desk,
    graph::{Does, Graph, envelope},
    support::app::{On, TestApp, databases},
    whatsapp::Whatsapp,
};

const ANA: &str = "60123456789";
const QUESTION: &str = "How long is the warranty of a grinder?";

async fn deliver(desk: &Desk, value: Value) {
    let (body, signature) = envelope("messages", value);
    let answer = desk.request(Method::POST, "", &[("x-hub-signature-256", signature)], body).await;
    assert_eq!(answer.0, StatusCode::OK);
    desk.shop.settle().await;
}

/// What became of a message of ours, as the platform says afterwards.
async fn fails(desk: &Desk, id: &str, code: i64) {
    let errors = json!([{"code": code, "title": "x"}]);
    let status =
        json!({"id": id, "status": "failed", "timestamp": "1772442000", "recipient_id": ANA, "errors": errors});
    deliver(desk, json!({"statuses": [status]})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_platform_takes_tomorrow_waits_and_holds_up_nothing() {
    for on in databases() {
        let w = Whatsapp::open(on).await;
        let agent = w.shop.user("mei", "agent").await;
        w.says(ANA, "wamid.1", "I want to talk to a human").await;
        w.pass(25 * 3600).await;
        let body =
            json!({"channel_id": w.id, "name": "spring_sale", "language": "en", "body": "Everything at half price."});
        let template = w.shop.call("POST", "/api/templates", Some(body)).await.body["id"].clone();
        let id = w.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let body = json!({"template_id": template, "values": []});
        w.graph.then(Does::Refuses(131_049));
        w.shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/templates"), Some(body)).await;
        w.shop.settle().await;
        let (status, why) = w.last_status("Ana").await;
        assert!(status == "sending" && why.contains("tomorrow"), "{status} {why}");
        // The customer writes, and is answered meanwhile.
        w.says(ANA, "wamid.2", "Hello?").await;
        w.reply(&agent, "Ana", "I am here.").await;
        w.shop.settle().await;
        assert_eq!((w.graph.last().text().as_str(), w.last_status("Ana").await.0.as_str()), ("I am here.", "sent"));
        let templates = || w.graph.kept().taken.iter().filter(|t| t.body["type"] == "template").count();
        w.pass(20 * 3600).await;
        assert_eq!(templates(), 0, "not before a day has passed");
        w.pass(5 * 3600).await;
        assert_eq!(templates(), 1);
        // Told afterwards, it is the same.
        let sent = w.graph.last().id;
        fails(&w, &sent, 131_049).await;
        w.pass(20 * 3600).await;
        assert_eq!(templates(), 1);
        w.pass(5 * 3600).await;
        assert_eq!(templates(), 2);
        assert!(w.channel().await["error"].is_null());
        assert_eq!(w.graph.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_came_too_late_goes_again_as_a_template_with_its_link() {
    let graph = Graph::start().await;
    let mut config = graph.config();
    config["template"] = json!({"name": "we_answered"});
    let app = TestApp::open_with(On::Sqlite, |c| c.server.public_url = Some("https://desk.example.com".into())).await;
    let desk = Desk::around(app, "whatsapp_cloud", config).await;
    let at = desk.shop.app.now().timestamp().to_string();
    let message = json!({"from": ANA, "id": "wamid.1", "timestamp": at, "type": "text", "text": {"body": QUESTION}});
    let contacts = json!([{"profile": {"name": "Ana"}, "wa_id": ANA}]);
    deliver(&desk, json!({"contacts": contacts, "messages": [message]})).await;
    let agent = desk.shop.user("mei", "agent").await;
    let id = desk.shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
    let path = format!("/api/conversations/{id}/files");
    let sent = desk.shop.form(&agent, &path, &[], "lid.png", b"\x89PNG\r\n\x1a\n....").await;
    assert!(sent.status.is_success(), "{sent:?}");
    desk.shop.settle().await;
    assert_eq!(graph.last().body["type"], "image");
    fails(&desk, &graph.last().id, 131_047).await;
    desk.shop.app.clock.advance(Duration::seconds(1));
    desk.shop.settle().await;
    let again = graph.last();
    assert_eq!(again.body["type"], "template", "{again:?}");
    assert!(again.text().contains("lid.png https://desk.example.com/api/files/"), "{again:?}");
    assert_eq!(graph.kept().faults, Vec::<String>::new());
}
