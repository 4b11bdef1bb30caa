//! Stories through the front door, each on SQLite and on PostgreSQL: signed webhooks in, texts out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::{app::job, inbox, platform::language::Language};
use serde_json::{Value, json};
use support::{
    app::{TestApp, databases},
    shop::Shop,
};

/// Runs a story once on each database.
async fn each<F: Future<Output = ()>>(story: impl Fn(Shop) -> F) {
    for on in databases() {
        eprintln!("on {on:?}");
        story(Shop::open(on).await).await;
    }
}

const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n\n\
    # Shipping\n\nShipping to Penang takes 5 working days and costs RM 12.\n";
const WARRANTY_ZH: &str =
    "# 保修\n\n所有研磨机自收货之日起保修24个月。\n\n# 配送\n\n寄到上海需要3个工作日，运费12元。\n";

/// The last text that reached the customer.
fn last(shop: &Shop, customer: &str) -> String {
    shop.reached(customer).pop().unwrap_or_default()
}

async fn message_count(shop: &Shop, customer: &str) -> usize {
    shop.transcript(customer).await.lines().filter(|l| !l.starts_with('[')).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_assistant_answers_from_the_documents_in_the_customers_language() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        shop.learns("zh.md", WARRANTY_ZH).await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.says("小李", "研磨机保修多久？").await;
        shop.settle().await;
        assert!(last(&shop, "Ana").contains("24 months"), "{}", last(&shop, "Ana"));
        assert!(last(&shop, "小李").contains("24个月"), "{}", last(&shop, "小李"));
        assert_eq!(shop.conversation("Ana").await["holder"], "assistant");
        let sent = shop.mailbox.lock().unwrap().messages[0].clone();
        assert!(sent["sources"][0]["quote"].as_str().unwrap().contains("24"), "{sent}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follow_ups_are_answered_as_what_they_lean_on() {
    const TABLES: &str = "# Warranty\n\nHow long the warranty is, by product:\n\n| Product | Warranty |\n|---|---|\n\
        | Kettles | 1 year |\n| Rice cookers | 2 years |\n| Grinders | 3 years |\n\n\
        # Prices\n\n| Model | Product | Price |\n|---|---|---|\n| KT-120 | Kettle | RM 149 |\n| KT-170 | Kettle | RM 229 |\n";
    const TABLES_ZH: &str = "# 保修\n\n各产品的保修期：\n\n| 产品 | 保修期 |\n|---|---|\n| 电热水壶 | 1 年 |\n| 电饭煲 | 2 年 |\n\
        | 研磨机 | 3 年 |\n";
    each(|shop| async move {
        shop.learns("en.md", TABLES).await;
        shop.learns("zh.md", TABLES_ZH).await;
        for (customer, question, answer) in [
            ("Ana", "How long is the warranty on kettles?", "1 year"),
            ("Ana", "and the rice cookers?", "2 years"),
            // Behind a greeting and a thank-you it still leans on the question before.
            ("Ana", "thanks!", "welcome"),
            ("Ana", "what about grinders", "3 years"),
            ("Ben", "How much is the KT-120?", "RM 149"),
            ("Ben", "and the 170?", "RM 229"),
            ("小李", "电热水壶保修多久？", "1 年"),
            ("小李", "那电饭煲呢？", "2 年"),
        ] {
            shop.says(customer, question).await;
            shop.settle().await;
            assert!(last(&shop, customer).contains(answer), "{question}: {}", last(&shop, customer));
        }
        // Two questions in a row are both answered, in one message.
        shop.says("Dan", "How much is the KT-120?").await;
        shop.says("Dan", "and the 170?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Dan").len(), 1);
        let said = last(&shop, "Dan");
        assert!(said.contains("RM 149") && said.contains("RM 229"), "{said}");
        // Who wants a person gets one, in whichever line it stands.
        shop.says("Gus", "Can I talk to a human?").await;
        shop.says("Gus", "How much is the KT-120?").await;
        shop.settle().await;
        assert_eq!(shop.conversation("Gus").await["hand_off_reason"], "asked_for_person");
        // Of Iceland nothing is written, whatever is written of Penang.
        shop.learns("shipping.md", "# Shipping\n\nShipping to Penang takes 5 working days and costs RM 12.\n").await;
        shop.says("Eva", "How long does shipping to Penang take?").await;
        shop.settle().await;
        assert!(last(&shop, "Eva").contains("5 working days"), "{}", last(&shop, "Eva"));
        shop.says("Eva", "and to Iceland?").await;
        shop.settle().await;
        assert!(!last(&shop, "Eva").contains("5 working days"), "{}", last(&shop, "Eva"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_the_documents_do_not_answer_goes_to_a_person() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", "Do you sell submarines with a nuclear reactor?").await;
        shop.settle().await;
        let conversation = shop.conversation("Ana").await;
        assert_eq!(conversation["holder"], "queue", "{}", shop.transcript("Ana").await);
        assert_eq!(conversation["status"], "pending");
        assert!(conversation["hand_off_brief"]["question"].as_str().unwrap().contains("submarines"), "{conversation}");
        assert!(!last(&shop, "Ana").is_empty(), "the customer must hear that a person is called");
        let told = shop.call_as(&agent, "GET", "/api/notifications", None).await;
        assert_eq!(told.body["items"][0]["resource_id"], conversation["id"], "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_a_person_gets_one_and_is_told_once_per_burst_that_they_come() {
    each(|shop| async move {
        shop.says("Ana", "I want to talk to a human").await;
        shop.says("小李", "转人工").await;
        shop.settle().await;
        for customer in ["Ana", "小李"] {
            assert_eq!(shop.conversation(customer).await["hand_off_reason"], "asked_for_person");
            assert_eq!(shop.reached(customer).len(), 1);
        }
        assert_eq!(Language::detect(&last(&shop, "小李")), Some(Language::Zh));
        shop.says("Ana", "hello?").await;
        shop.says("Ana", "anyone there?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Ana").len(), 2, "one answer to the burst: {:?}", shop.reached("Ana"));
        let first = last(&shop, "Ana");
        shop.says("Ana", "still there?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Ana").len(), 3);
        assert_ne!(last(&shop, "Ana"), first, "the same sentence again sounds like nobody reads");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_assistant_is_silent_once_a_person_holds_the_conversation() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        let other = shop.user("tom", "agent").await;
        shop.says("Ana", "Hello, how long is the warranty?").await;
        // Taken over before the assistant's turn ran: whatever it thinks, it says nothing.
        let id = {
            frontdesk_receive(&shop).await;
            shop.conversation("Ana").await["id"].as_str().unwrap().to_string()
        };
        let taken = shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/take-over"), None).await;
        assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
        shop.settle().await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Ana"), Vec::<String>::new(), "the assistant spoke over a person");

        // The second agent can't have it, and can't write into it.
        let again = shop.call_as(&other, "POST", &format!("/api/conversations/{id}/take-over"), None).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
        let path = format!("/api/conversations/{id}/messages");
        let theirs = shop.call_as(&other, "POST", &path, Some(json!({"text": "me too"}))).await;
        assert_eq!(theirs.status, StatusCode::CONFLICT, "{theirs:?}");

        // The first writes; a repeated click sends once; an outdated view sends nothing.
        let text = json!({"text": "24 months, Ana.", "idempotency_key": "k1"});
        let sent = shop.call_as(&agent, "POST", &path, Some(text.clone())).await;
        let repeated = shop.call_as(&agent, "POST", &path, Some(text)).await;
        assert_eq!(sent.body["id"], repeated.body["id"]);
        let late = shop.call_as(&agent, "POST", &path, Some(json!({"text": "late", "version": 1}))).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
        shop.settle().await;
        assert_eq!(shop.reached("Ana"), ["24 months, Ana."]);

        // Given back, the assistant answers what is still open.
        shop.says("Ana", "And how long does shipping to Penang take?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Ana").len(), 1);
        let given = shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/give-back"), Some(json!({}))).await;
        assert_eq!(given.status, StatusCode::OK, "{given:?}");
        shop.settle().await;
        assert!(last(&shop, "Ana").contains("5 working days"), "{}", shop.transcript("Ana").await);
    })
    .await;
}

/// Runs only what turns raw events into messages.
async fn frontdesk_receive(shop: &Shop) {
    inbox::bring_in(&shop.app).await.unwrap();
    let now = shop.app.now();
    let mut tx = shop.app.begin().await.unwrap();
    let worker = "test:receive";
    let jobs = frontdesk::platform::queue::claim(tx.conn(), now, job::INBOUND, worker, 8).await.unwrap();
    tx.commit().await.unwrap();
    for job in jobs {
        let event = serde_json::from_value(job.payload.0["event"].clone()).unwrap();
        inbox::receive_event(&shop.app, event).await.unwrap();
        let mut tx = shop.app.begin().await.unwrap();
        frontdesk::platform::queue::finish(tx.conn(), &job, worker).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivered_message_is_received_and_answered_once() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        for _ in 0..3 {
            assert_eq!(shop.deliver("m1", "Ana", "How long is the warranty?").await, StatusCode::OK);
            shop.settle().await;
        }
        assert_eq!(message_count(&shop, "Ana").await, 2, "{}", shop.transcript("Ana").await);
        assert_eq!(shop.reached("Ana").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_messages_becomes_one_turn() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        shop.says("Ana", "I have a grinder.").await;
        shop.says("Ana", "how long is").await;
        shop.says("Ana", "the warranty?").await;
        shop.settle().await;
        assert_eq!(shop.reached("Ana").len(), 1, "{}", shop.transcript("Ana").await);
        assert!(last(&shop, "Ana").contains("24 months"), "{}", shop.transcript("Ana").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_message_discards_what_the_assistant_was_about_to_say() {
    each(|shop| async move {
        shop.says("Ana", "Hi").await;
        frontdesk_receive(&shop).await;
        let id = shop.conversation("Ana").await["id"].as_str().unwrap().parse().unwrap();
        let read = inbox::open(&shop.app, id).await.unwrap().unwrap();
        shop.says("Ana", "never mind").await;
        frontdesk_receive(&shop).await;
        let stale = inbox::Reply {
            text: "stale".into(),
            sources: None,
            confidence: None,
            language: None,
            kind: "answer",
            meant: None,
        };
        let trace = inbox::Trace {
            id: frontdesk::app::TurnId::new(),
            decision: "answer".into(),
            reason: None,
            confidence: None,
            language: None,
            duration_ms: 0.0,
            detail: json!({}),
            recording: None,
        };
        assert!(!inbox::reply(&shop.app, &read.conversation, &stale, &trace).await.unwrap());
        assert_eq!(message_count(&shop, "Ana").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolved_conversation_is_taken_up_within_a_week_and_later_begins_anew() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", "I want a human").await;
        shop.settle().await;
        let first = shop.conversation("Ana").await;
        let id = first["id"].as_str().unwrap().to_string();
        shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/resolve"), None).await;
        shop.app.clock.advance(Duration::days(6));
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        let again = shop.conversation("Ana").await;
        assert_eq!((&again["id"], &again["epoch"], &again["holder"]), (&first["id"], &json!(2), &json!("assistant")));
        assert!(last(&shop, "Ana").contains("24 months"), "a new epoch: no loop back to the queue");
        // Silence for a day ends it by itself; a week later another begins.
        shop.app.clock.advance(Duration::days(1) + Duration::minutes(1));
        inbox::sweep(&shop.app).await.unwrap();
        assert_eq!(shop.conversation("Ana").await["resolution"], "assumed");
        shop.app.clock.advance(Duration::days(8));
        shop.says("Ana", "Hello").await;
        shop.settle().await;
        assert_ne!(shop.conversation("Ana").await["id"], first["id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_tried_again_and_one_that_is_refused_is_shown_to_a_person() {
    each(|shop| async move {
        let agent = shop.user("mei", "agent").await;
        shop.mailbox.lock().unwrap().script = vec![StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        shop.says("Ana", "Hello").await;
        for _ in 0..5 {
            shop.run_due().await;
            shop.app.clock.advance(Duration::seconds(30));
        }
        assert_eq!(shop.reached("Ana").len(), 1);
        shop.mailbox.lock().unwrap().script = vec![StatusCode::GONE];
        shop.says("Tom", "Hello").await;
        shop.settle().await;
        assert!(shop.reached("Tom").is_empty());
        let told = shop.call_as(&agent, "GET", "/api/notifications", None).await;
        assert!(told.body["items"][0]["title"].as_str().unwrap().contains("could not be delivered"), "{told:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_or_deleted_document_is_never_quoted_again() {
    each(|shop| async move {
        let document = shop.learns("w.md", "# Warranty\n\nThe warranty of a grinder is 24 months.").await;
        shop.learns("w.md", "# Warranty\n\nThe warranty of a grinder is 36 months.").await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        assert!(last(&shop, "Ana").contains("36 months"), "{}", last(&shop, "Ana"));
        let gone = shop.call("DELETE", &format!("/api/documents/{}", document["id"].as_str().unwrap()), None).await;
        assert!(gone.status.is_success(), "{gone:?}");
        let found = shop.call("GET", "/api/search?k=10&q=warranty+grinder", None).await;
        assert_eq!(found.body, json!([]));
        shop.says("Tom", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        assert_eq!(shop.conversation("Tom").await["holder"], "queue");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visitor_of_the_website_is_answered_and_sees_only_their_own_words() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let start = json!({"language": "en"});
        let session = shop.call_as("", "POST", "/api/widget/session", Some(start)).await;
        assert_eq!(session.status, StatusCode::OK, "{session:?}");
        let token = session.body["visitor_token"].as_str().unwrap();
        let echo = uuid::Uuid::now_v7();
        let message = json!({"echo_id": echo, "text": "How long is the warranty of a grinder?"});
        let written = shop.call_as(token, "POST", "/api/widget/messages", Some(message.clone())).await;
        let repeated = shop.call_as(token, "POST", "/api/widget/messages", Some(message)).await;
        assert_eq!(written.body["message"]["id"], repeated.body["message"]["id"], "{written:?}");
        assert_eq!(written.body["message"]["echo_id"], json!(echo));
        shop.settle().await;
        let said = shop.call_as(token, "GET", "/api/widget/messages?after=1", None).await;
        assert!(said.body["messages"][0]["text"].as_str().unwrap().contains("24 months"), "{said:?}");
        assert!(said.body["messages"][0]["sources"][0]["title"].is_string(), "{said:?}");
        let asked = shop.call_as(token, "POST", "/api/widget/person", Some(json!({"language": "zh"}))).await;
        assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
        shop.settle().await;
        let said = shop.call_as(token, "GET", "/api/widget/messages?after=2", None).await;
        assert_eq!(said.body["conversation"]["holder"], "queue", "{said:?}");

        // Another visitor, or none, sees nothing of it.
        let other = shop.call_as("", "POST", "/api/widget/session", Some(json!({}))).await;
        let other = other.body["visitor_token"].as_str().unwrap();
        let theirs = shop.call_as(other, "GET", "/api/widget/messages", None).await;
        assert_eq!(theirs.body["messages"], json!([]));
        let nobody = shop.call_as("v1.rubbish.rubbish", "GET", "/api/widget/messages", None).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_organisation_sees_and_touches_nothing() {
    each(|shop| async move {
        shop.says("Ana", "I want a human").await;
        shop.settle().await;
        let id = shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        let stranger = stranger(&shop).await;
        for (method, path, body) in [
            ("GET", format!("/api/conversations/{id}"), None),
            ("GET", format!("/api/conversations/{id}/messages"), None),
            ("GET", format!("/api/conversations/{id}/turns"), None),
            ("POST", format!("/api/conversations/{id}/take-over"), None),
            ("POST", format!("/api/conversations/{id}/give-back"), Some(json!({}))),
            ("POST", format!("/api/conversations/{id}/resolve"), None),
            ("POST", format!("/api/conversations/{id}/messages"), Some(json!({"text": "hi"}))),
            ("POST", format!("/api/conversations/{id}/notes"), Some(json!({"text": "hi"}))),
        ] {
            let answer = shop.call_as(&stranger, method, &path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {answer:?}");
            let signed_out = shop.call_as("nobody", method, &path, body).await;
            assert_eq!(signed_out.status, StatusCode::UNAUTHORIZED, "{method} {path}: {signed_out:?}");
        }
        let list = shop.call_as(&stranger, "GET", "/api/conversations", None).await;
        assert_eq!(list.body["items"], json!([]));
    })
    .await;
}

/// An admin of another organisation; their token.
async fn stranger(shop: &Shop) -> String {
    let org = frontdesk::staff::ensure_org(&shop.app, "other", "Other").await.unwrap();
    let new = frontdesk::staff::NewUser {
        email: "boss@other.example".into(),
        name: "Boss".into(),
        roles: vec!["admin".into()],
        phone: None,
        language: None,
        password: Some("correct horse battery staple".into()),
    };
    frontdesk::staff::add_user(&shop.app, &frontdesk::staff::By::system(org), new).await.unwrap();
    let body = json!({"email": "boss@other.example", "password": "correct horse battery staple"});
    let answer = shop.call("POST", "/api/sign-in", Some(body)).await;
    answer.body["token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_not_signed_is_refused() {
    each(|shop| async move {
        let path = format!("/webhooks/webhook/{}", shop.channel);
        let body = json!({"id": "1", "from": {"id": "x"}, "text": "hi"});
        let answer = shop.call_as("nobody", "POST", &path, Some(body.clone())).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let elsewhere = format!("/webhooks/webhook/{}", uuid::Uuid::now_v7());
        assert_eq!(shop.call_as("nobody", "POST", &elsewhere, Some(body)).await.status, StatusCode::NOT_FOUND);
        let all = shop.call("GET", "/api/conversations", None).await;
        assert_eq!(all.body["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_group_robot_is_told_when_a_customer_waits() {
    for on in databases() {
        let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::<Value>::new()));
        let keep = told.clone();
        let robot = axum::Router::new().route(
            "/robot",
            axum::routing::post(move |axum::Json(body): axum::Json<Value>| async move {
                keep.lock().unwrap().push(body);
            }),
        );
        let url = format!("{}/robot", support::serve(robot).await);
        let app = TestApp::open_with(on, |config| {
            config.notify.webhook_url = Some(frontdesk::app::config::Secret::new(&url));
            config.notify.webhook_kind = frontdesk::app::config::WebhookKind::Wecom;
        })
        .await;
        let shop = Shop::around(app).await;
        shop.says("Ana", "I want a human, my number is +60 12 345 6789").await;
        shop.settle().await;
        assert!(told.lock().unwrap().is_empty(), "the people at the console come first");
        shop.app.clock.advance(chrono::Duration::minutes(3));
        shop.settle().await;
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["msgtype"], "text");
        let text = told[0]["text"]["content"].as_str().unwrap();
        assert!(text.contains("waits for a person") && !text.contains("345"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_tells_who_is_not_at_the_console_that_a_customer_waits() {
    for on in databases() {
        let mails = support::smtp::Mails::default();
        let url = support::smtp::serve(mails.clone()).await;
        let app = TestApp::open_with(on, |config| {
            config.notify.smtp_url = Some(frontdesk::app::config::Secret::new(&url));
            config.notify.email_from = Some("desk@example.com".into());
            config.notify.email_to = vec!["night@example.com".into(), "day@example.com".into()];
        })
        .await;
        let shop = Shop::around(app).await;
        shop.says("Ana", "转人工，我的手机是13800138000").await;
        shop.settle().await;
        shop.app.clock.advance(chrono::Duration::minutes(3));
        shop.settle().await;
        let mails = mails.lock().unwrap();
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].contains("To: night@example.com, day@example.com"), "{}", mails[0]);
        assert!(!mails[0].contains("13800138000"));
    }
}
