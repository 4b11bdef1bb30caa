//! A model that thinks for long keeps nobody else waiting: messages come in, and people's answers go out.

use std::time::{Duration, Instant};

use frontdesk::{
    channels::webhook::{SIGNATURE, sign},
    platform::Clock,
};
use serde_json::json;

use crate::{
    kill::upload,
    process::{Process, http},
    support::{
        app::Scratch,
        model::{CHAT, Does, FakeModel, KEY},
        shop::{Mailbox, SECRET, receiver},
    },
};

/// More customers than turns are taken at a time.
const CUSTOMERS: usize = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_model_thinks_messages_come_in_and_people_answer() {
    let (dir, http) = (Scratch::new(), http());
    let model = FakeModel::that(Does::Slow(Duration::from_secs(3600))).await;
    let settings = [
        ("FRONTDESK_MODEL_BASE_URL", model.base_url.clone()),
        ("FRONTDESK_MODEL_API_KEY", KEY.into()),
        ("FRONTDESK_MODEL_CHAT_MODEL", CHAT.into()),
        ("FRONTDESK_MODEL_TIMEOUT_S", "600".into()),
    ];
    let mut process = Process::start(&dir.0, &settings, &http).await;
    upload(&process, &http, "shop.md", "# Warranty\n\nThe warranty of every grinder is 24 months.".into())
        .await
        .unwrap();
    let mailbox = Mailbox::default();
    let config = json!({"secret": SECRET, "send_url": receiver(mailbox.clone(), Clock::System).await});
    let channel = json!({"platform": "webhook", "name": "Webhook", "config": config});
    let channel = process.call(&http, "POST", "/api/channels", Some(channel)).await.unwrap();
    let path = channel["webhook_path"].as_str().unwrap().to_string();
    let new =
        json!({"email": "mei@example.com", "name": "Mei", "roles": ["agent"], "password": "correct horse battery"});
    process.call(&http, "POST", "/api/users", Some(new)).await.unwrap();
    let credentials = json!({"email": "mei@example.com", "password": "correct horse battery"});
    let opened = process.call(&http, "POST", "/api/sign-in", Some(credentials)).await.unwrap();
    process.token = opened["token"].as_str().unwrap().into();

    for n in 0..CUSTOMERS {
        let body = json!({"id": format!("m{n}"), "from": {"id": format!("c{n}"), "name": format!("Customer {n}")},
            "text": "How long is the warranty?"})
        .to_string();
        let now = chrono::DateTime::from(std::time::SystemTime::now());
        let sent = http.post(format!("{}{path}", process.url)).header(SIGNATURE, sign(SECRET, body.as_bytes(), now));
        assert!(sent.body(body).send().await.unwrap().status().is_success());
    }
    let last = format!("/api/conversations?search=Customer%20{}", CUSTOMERS - 1);
    let since = Instant::now();
    let conversation = loop {
        let found = process.call(&http, "GET", &last, None).await.unwrap();
        if let Some(id) = found["items"][0]["id"].as_str() {
            break id.to_string();
        }
        assert!(since.elapsed() < Duration::from_secs(120), "the last message waits behind the turns of the others");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };

    let conversation = format!("/api/conversations/{conversation}");
    process.call(&http, "POST", &format!("{conversation}/take-over"), Some(json!({}))).await.unwrap();
    let reply = json!({"text": "It is 24 months.", "idempotency_key": "1"});
    process.call(&http, "POST", &format!("{conversation}/messages"), Some(reply)).await.unwrap();
    let since = Instant::now();
    while !mailbox.lock().unwrap().messages.iter().any(|m| m.to_string().contains("It is 24 months.")) {
        assert!(since.elapsed() < Duration::from_secs(120), "a person's answer waits behind the turns of the others");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(model.requests() > 0, "the model was never asked: nothing was shown");
    process.kill();
}
