//! Stories of the agents' desk, through the API and on both databases: lists, snooze, assignment, due times, marks,
//! canned replies, views, the overview, gaps, sessions, forgotten passwords.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

#[path = "desk/assigned.rs"]
mod assigned;
#[path = "desk/calling.rs"]
mod calling;
#[path = "desk/due.rs"]
mod due;
#[path = "desk/reach.rs"]
mod reach;
#[path = "desk/spent.rs"]
mod spent;
#[path = "desk/taken.rs"]
mod taken;
#[path = "desk/used.rs"]
mod used;

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::platform::db::Tx;
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

const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n";
const UNKNOWN: &str = "Do you sell submarines with a nuclear reactor?";

/// The customers on a list, in its order.
async fn listed(shop: &Shop, token: &str, query: &str) -> Vec<String> {
    let page = shop.call_as(token, "GET", &format!("/api/conversations?{query}"), None).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let items = page.body["items"].as_array().unwrap().clone();
    items.iter().map(|c| c["customer_name"].as_str().unwrap().to_string()).collect()
}

async fn id(shop: &Shop, customer: &str) -> String {
    shop.conversation(customer).await["id"].as_str().unwrap().to_string()
}

/// The id of who shows this token.
async fn me(shop: &Shop, token: &str) -> String {
    shop.call_as(token, "GET", "/api/me", None).await.body["user"]["id"].as_str().unwrap().to_string()
}

/// Sets the inbox rules.
async fn rules(shop: &Shop, rules: Value) {
    let saved = shop.call("PUT", "/api/inbox-rules", Some(rules)).await;
    assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
}

/// A team with these members; its id.
async fn team(shop: &Shop, name: &str, members: &[&String]) -> String {
    let team = shop.call("POST", "/api/teams", Some(json!({"name": name}))).await.body;
    let id = team["id"].as_str().unwrap().to_string();
    for member in members {
        let path = format!("/api/teams/{id}/members/{}", me(shop, member).await);
        assert!(shop.call("PUT", &path, None).await.status.is_success());
    }
    id
}

/// What comes of `call` when `other` is committed after it has read and before it has written.
async fn meanwhile<T>(other: Tx, call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), call.as_mut()).await;
    assert!(early.is_err(), "it does not wait for the other transaction");
    // Together: on SQLite transactions that wait for one another share a commit.
    let (committed, answer) = tokio::join!(other.commit(), call);
    committed.unwrap();
    answer
}

/// The lines of the audit log about this action, the newest first.
async fn logged(shop: &Shop, action: &str) -> Vec<Value> {
    let log = shop.call("GET", "/api/audit-logs?limit=200", None).await.body;
    log["items"].as_array().unwrap().iter().filter(|line| line["action"] == action).cloned().collect()
}

async fn titles(shop: &Shop, token: &str) -> Vec<String> {
    let all = shop.call_as(token, "GET", "/api/notifications", None).await.body;
    all["items"].as_array().unwrap().iter().map(|n| n["title"].as_str().unwrap().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_searched_ordered_by_wait_and_counted() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        for customer in ["Ana", "Bo", "小李"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
            shop.app.clock.advance(Duration::minutes(5));
        }
        shop.says("Cy", "How long is the warranty of a grinder?").await;
        shop.settle().await;

        assert_eq!(listed(&shop, &agent, "holder=queue").await, ["小李", "Bo", "Ana"]);
        assert_eq!(listed(&shop, &agent, "holder=queue&sort=waiting").await, ["Ana", "Bo", "小李"]);
        assert_eq!(listed(&shop, &agent, "search=GRINDER").await, ["Cy"]);
        assert_eq!(listed(&shop, &agent, "search=%E5%B0%8F").await, ["小李"]);
        assert_eq!(listed(&shop, &agent, "search=100%25").await, [""; 0]);

        // By pages, longest wait first, nobody is left out and nobody comes twice.
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/conversations?sort=waiting&limit=1&cursor={cursor}");
            let page = shop.call_as(&agent, "GET", &path, None).await.body;
            seen.push(page["items"][0]["customer_name"].as_str().unwrap().to_string());
            match page["next"].as_str() {
                Some(next) => cursor = next.into(),
                None => break,
            }
        }
        assert_eq!(seen, ["Ana", "Bo", "小李", "Cy"]);

        let counts = shop.call_as(&agent, "GET", "/api/conversations/counts", None).await.body;
        assert_eq!(
            counts,
            json!({"mine": 0, "mine_unread": 0, "waiting": 3, "unassigned": 3, "assistant": 1, "open": 4, "snoozed": 0})
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snoozed_conversation_is_back_when_its_time_comes_or_the_customer_writes() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let until = shop.app.now() + Duration::hours(2);
        let snooze =
            || shop.call_as(&agent, "PATCH", &path, Some(json!({"snoozed_until": until, "priority": "urgent"})));
        let snoozed = snooze().await;
        assert_eq!(snoozed.body["priority"], "urgent", "{snoozed:?}");
        assert_eq!(listed(&shop, &agent, "open=true&snoozed=false").await, [""; 0]);
        assert_eq!(listed(&shop, &agent, "open=true&snoozed=true&priority=urgent").await, ["Ana"]);
        shop.app.clock.advance(Duration::hours(3));
        assert_eq!(listed(&shop, &agent, "open=true&snoozed=false").await, ["Ana"]);
        let past = shop.call_as(&agent, "PATCH", &path, Some(json!({"snoozed_until": until}))).await;
        assert_eq!(past.status, StatusCode::UNPROCESSABLE_ENTITY);
        let strange = shop.call_as(&agent, "PATCH", &path, Some(json!({"priority": "whenever"}))).await;
        assert_eq!(strange.status, StatusCode::UNPROCESSABLE_ENTITY);

        let tomorrow = shop.app.now() + Duration::days(1);
        shop.call_as(&agent, "PATCH", &path, Some(json!({"snoozed_until": tomorrow}))).await;
        assert_eq!(listed(&shop, &agent, "open=true&snoozed=false").await, [""; 0]);
        shop.says("Ana", "Hello?").await;
        shop.settle().await;
        assert_eq!(listed(&shop, &agent, "open=true&snoozed=false").await, ["Ana"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assigned_conversation_waits_for_that_agent_and_they_are_told() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let lead = shop.user("lea", "team_lead").await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        let path = format!("/api/conversations/{}/assign", id(&shop, "Ana").await);
        let to = json!({"agent_id": me(&shop, &agent).await});
        let refused = shop.call_as(&agent, "POST", &path, Some(to.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let assigned = shop.call_as(&lead, "POST", &path, Some(to.clone())).await;
        assert_eq!(assigned.body["holder"], "queue", "the assistant is silent from here: {assigned:?}");
        assert_eq!(assigned.body["agent_id"], to["agent_id"]);
        assert_eq!(titles(&shop, &agent).await, ["Ana is yours now"]);
        assert_eq!(listed(&shop, &agent, &format!("agent_id={}", to["agent_id"].as_str().unwrap())).await, ["Ana"]);

        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        assert!(!shop.reached("Ana").last().unwrap().contains("24"), "the assistant answered an assigned conversation");
        let stranger = json!({"agent_id": uuid::Uuid::now_v7()});
        assert_eq!(shop.call_as(&lead, "POST", &path, Some(stranger)).await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_given_to_agents_in_turn_within_their_capacity() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        shop.user("rea", "readonly").await;
        rules(&shop, json!({"assignment": "round_robin", "capacity": 1})).await;
        for customer in ["Ana", "Bo", "Cy"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
        }
        let mut given = Vec::new();
        for customer in ["Ana", "Bo"] {
            given.push(shop.conversation(customer).await["agent_id"].as_str().unwrap().to_string());
        }
        given.sort();
        let mut agents = [me(&shop, &mei).await, me(&shop, &tom).await];
        agents.sort();
        assert_eq!(given, agents);
        let third = shop.conversation("Cy").await;
        assert_eq!((&third["holder"], &third["agent_id"]), (&json!("queue"), &Value::Null), "both hold one already");
        // Who was given one was told of it alone; of the third, both.
        assert_eq!(titles(&shop, &mei).await.len() + titles(&shop, &tom).await.len(), 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_warned_before_something_is_due_and_told_when_it_was_missed() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        let sla = json!([{"priority": "medium", "first_response_minutes": 50, "resolution_minutes": null}]);
        rules(&shop, json!({"sla": sla})).await;
        shop.says("Ana", UNKNOWN).await;
        shop.says("Bo", UNKNOWN).await;
        shop.settle().await;
        let due = shop.conversation("Ana").await["sla_first_response_at"].clone();
        assert!(due.is_string(), "{due}");
        let bo = format!("/api/conversations/{}/messages", id(&shop, "Bo").await);
        let answered = shop.call_as(&agent, "POST", &bo, Some(json!({"text": "Hello Bo"}))).await;
        assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        let before = titles(&shop, &agent).await.len();
        let news = async || {
            let all = titles(&shop, &agent).await;
            all[..all.len() - before].to_vec()
        };
        shop.app.clock.advance(Duration::minutes(39));
        shop.settle().await;
        assert_eq!(news().await, [""; 0]);
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        assert_eq!(news().await, ["Ana: the first answer is due soon"]);
        shop.app.clock.advance(Duration::minutes(10));
        shop.settle().await;
        assert_eq!(news().await, ["Ana: the first answer is overdue", "Ana: the first answer is due soon"]);
        // The job may run twice; people hear of it once.
        let due = serde_json::from_value(due).unwrap();
        let conversation = id(&shop, "Ana").await.parse().unwrap();
        let clock = frontdesk::app::job::Clock::FirstResponse;
        frontdesk::inbox::watch_due(&shop.app, conversation, clock, due).await.unwrap();
        assert_eq!(news().await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outside_business_hours_the_customer_hears_when_people_are_back() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        // It is Monday, 9:00 UTC: 17:00 in Singapore.
        let week = json!([[540, 960], [540, 960], null, null, null, null, null]);
        let hours = json!({"is_on": true, "zone_minutes": 480, "week": week, "holidays": ["2026-03-03"]});
        let sla = json!([{"priority": "medium", "first_response_minutes": 30, "resolution_minutes": null}]);
        rules(&shop, json!({"hours": hours, "sla": sla})).await;
        shop.says("Ana", UNKNOWN).await;
        shop.says("小李", "你们卖核潜艇吗？").await;
        shop.settle().await;
        assert!(shop.reached("Ana")[0].contains("from Monday, 9 March, 09:00"), "{:?}", shop.reached("Ana"));
        assert!(shop.reached("小李")[0].contains("3月9日 09:00"), "{:?}", shop.reached("小李"));
        assert_eq!(shop.conversation("Ana").await["sla_first_response_at"], "2026-03-09T01:30:00Z");
        let never = json!({"hours": {"is_on": true, "week": [null, null, null, null, null, null, null]}});
        assert_eq!(shop.call("PUT", "/api/inbox-rules", Some(never)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_asked_for_a_mark_and_the_conversation_stays_resolved() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.call("PUT", "/api/inbox-rules", Some(json!({"asks_satisfaction": true}))).await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
            let path = format!("/api/conversations/{}", id(&shop, customer).await);
            shop.call_as(&agent, "POST", &format!("{path}/messages"), Some(json!({"text": "We do not."}))).await;
            shop.call_as(&agent, "POST", &format!("{path}/resolve"), None).await;
            shop.settle().await;
            assert!(shop.reached(customer).last().unwrap().contains("1 to 5"), "{:?}", shop.reached(customer));
        }
        shop.says("Ana", "4!").await;
        shop.settle().await;
        let ana = shop.conversation("Ana").await;
        assert_eq!((&ana["status"], &ana["satisfaction_score"]), (&json!("resolved"), &json!(4)), "{ana}");
        assert_eq!(shop.reached("Ana").last().unwrap(), "Thank you for telling us!");
        // Anything else takes the conversation up again.
        shop.says("Bo", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        let bo = shop.conversation("Bo").await;
        assert_eq!((&bo["status"], &bo["satisfaction_score"]), (&json!("active"), &Value::Null), "{bo}");
        assert!(shop.reached("Bo").last().unwrap().contains("24 months"), "{:?}", shop.reached("Bo"));

        let now = shop.app.now();
        let path = format!(
            "/api/overview?from={}&to={}",
            (now - Duration::days(1)).format("%Y-%m-%dT%H:%M:%SZ"),
            (now + Duration::days(1)).format("%Y-%m-%dT%H:%M:%SZ"),
        );
        let overview = shop.call_as(&agent, "GET", &path, None).await.body;
        assert_eq!((&overview["conversations"], &overview["hand_offs"]), (&json!(2), &json!(2)), "{overview}");
        assert_eq!((&overview["satisfaction"], &overview["satisfaction_count"]), (&json!(4.0), &json!(1)));
        assert_eq!(overview["resolutions"]["confirmed"], 1);
        assert_eq!(overview["resolutions"]["reopened"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_without_an_answer_are_gaps_with_what_the_agent_said() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", "Do you sell submarines with a nuclear reactor?").await;
        shop.settle().await;
        let path = format!("/api/conversations/{}/messages", id(&shop, "Ana").await);
        shop.call_as(&agent, "POST", &path, Some(json!({"text": "No, only grinders."}))).await;
        shop.says("Bo", "Do you sell nuclear submarines?").await;
        shop.settle().await;
        let gaps = shop.call_as(&agent, "GET", "/api/gaps", None).await.body;
        assert_eq!(gaps.as_array().unwrap().len(), 1, "{gaps}");
        assert_eq!((&gaps[0]["count"], &gaps[0]["answer"]), (&json!(2), &json!("No, only grinders.")), "{gaps}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suggestion_is_for_the_agent_alone() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let agent = shop.user("mei", "agent").await;
        shop.says("Ana", "How long is the warranty of a grinder?").await;
        shop.settle().await;
        let path = format!("/api/conversations/{}", id(&shop, "Ana").await);
        let before = shop.transcript("Ana").await;
        let suggested = shop.call_as(&agent, "POST", &format!("{path}/suggest"), None).await;
        assert!(suggested.body["answer"].as_str().unwrap().contains("24 months"), "{suggested:?}");
        assert!(suggested.body["trace"]["evidence"].is_array());
        assert_eq!(shop.transcript("Ana").await, before);
        let reader = shop.user("rea", "readonly").await;
        let refused = shop.call_as(&reader, "POST", &format!("{path}/suggest"), None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canned_replies_are_the_organisations_and_views_ones_own() {
    each(|shop| async move {
        let (lead, agent) = (shop.user("lea", "team_lead").await, shop.user("mei", "agent").await);
        let new = json!({"shortcut": "/Hello", "content": "Hello {{customer}}"});
        assert_eq!(
            shop.call_as(&agent, "POST", "/api/canned-replies", Some(new.clone())).await.status,
            StatusCode::FORBIDDEN
        );
        let made = shop.call_as(&lead, "POST", "/api/canned-replies", Some(new.clone())).await;
        assert_eq!((made.status, &made.body["shortcut"]), (StatusCode::CREATED, &json!("hello")), "{made:?}");
        assert_eq!(shop.call_as(&lead, "POST", "/api/canned-replies", Some(new)).await.status, StatusCode::CONFLICT);
        let path = format!("/api/canned-replies/{}", made.body["id"].as_str().unwrap());
        let changed = json!({"shortcut": "hi", "content": "Hi!", "language": "en"});
        assert_eq!(shop.call_as(&lead, "PUT", &path, Some(changed)).await.body["content"], "Hi!");
        let all = shop.call_as(&agent, "GET", "/api/canned-replies", None).await.body;
        assert_eq!(all[0]["shortcut"], "hi");
        assert_eq!(shop.call_as(&lead, "DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(shop.call_as(&lead, "DELETE", &path, None).await.status, StatusCode::NOT_FOUND);

        let view = json!({"page": "inbox", "name": "Urgent", "filters": {"priority": "urgent"}});
        let saved = shop.call_as(&agent, "POST", "/api/views", Some(view.clone())).await;
        assert_eq!(saved.status, StatusCode::CREATED, "{saved:?}");
        shop.call_as(&agent, "POST", "/api/views", Some(view)).await;
        let own = shop.call_as(&agent, "GET", "/api/views", None).await.body;
        assert_eq!((own.as_array().unwrap().len(), &own[0]["filters"]["priority"]), (1, &json!("urgent")));
        assert_eq!(shop.call_as(&lead, "GET", "/api/views", None).await.body, json!([]));
        let path = format!("/api/views/{}", own[0]["id"].as_str().unwrap());
        assert_eq!(shop.call_as(&lead, "DELETE", &path, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(shop.call_as(&agent, "DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_ends_ones_own_sessions_and_nobody_elses() {
    each(|shop| async move {
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let again = json!({"email": "mei@example.com", "password": "correct horse battery staple"});
        let second = shop.call("POST", "/api/sign-in", Some(again)).await.body["token"].as_str().unwrap().to_string();
        let sessions = shop.call_as(&second, "GET", "/api/me/sessions", None).await.body;
        let sessions = sessions.as_array().unwrap();
        assert_eq!(sessions.len(), 2);
        let other = sessions.iter().find(|s| s["is_this"] == false).unwrap();
        let path = format!("/api/me/sessions/{}", other["id"].as_str().unwrap());
        assert_eq!(shop.call_as(&tom, "DELETE", &path, None).await.status, StatusCode::NOT_FOUND);
        assert_eq!(shop.call_as(&second, "DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
        assert_eq!(shop.call_as(&mei, "GET", "/api/me", None).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(shop.call_as(&second, "GET", "/api/me", None).await.status, StatusCode::OK);

        let mine = json!({"settings": {"sound": false}});
        assert_eq!(shop.call_as(&second, "PUT", "/api/me/settings", Some(mine.clone())).await.body, mine);
        assert_eq!(shop.call_as(&second, "GET", "/api/me/settings", None).await.body, mine);
        assert_eq!(shop.call_as(&tom, "GET", "/api/me/settings", None).await.body, json!({"settings": {}}));
        let huge = json!({"settings": {"x": "y".repeat(20_000)}});
        let refused = shop.call_as(&tom, "PUT", "/api/me/settings", Some(huge)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    })
    .await;
}

/// What a mail says: its body, decoded.
fn body(mail: &str) -> String {
    let (head, body) = mail.split_once("\n\n").unwrap();
    assert!(head.contains("Content-Transfer-Encoding: base64"), "{head}");
    let packed: String = body.split_whitespace().collect();
    String::from_utf8(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, packed).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_replaced_by_a_link_that_was_mailed() {
    for on in databases() {
        let mails = support::smtp::Mails::default();
        let url = support::smtp::serve(mails.clone()).await;
        let app = TestApp::open_with(on, |config| {
            config.notify.smtp_url = Some(frontdesk::app::config::Secret::new(&url));
        })
        .await;
        let shop = Shop::around(app).await;
        shop.user("mei", "agent").await;
        let ask = |email: &str| shop.call("POST", "/api/forgot-password", Some(json!({"email": email})));
        assert_eq!(ask("nobody@example.com").await.status, StatusCode::NO_CONTENT);
        assert_eq!(ask("mei@example.com").await.status, StatusCode::NO_CONTENT);
        shop.app.stopping.cancel();
        shop.app.tasks.close();
        shop.app.tasks.wait().await;
        let mail = body(&mails.lock().unwrap()[0]);
        assert_eq!(mails.lock().unwrap().len(), 1, "nobody's address gets no mail");
        let token = mail.split("/setup?token=").nth(1).unwrap_or_else(|| panic!("{mail}"));
        let token: String = token.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
        let chosen = json!({"token": token, "password": "another horse battery staple"});
        assert_eq!(shop.call("POST", "/api/setup", Some(chosen)).await.status, StatusCode::OK);
        let credentials = json!({"email": "mei@example.com", "password": "another horse battery staple"});
        assert_eq!(shop.call("POST", "/api/sign-in", Some(credentials)).await.status, StatusCode::OK);
        for _ in 0..3 {
            ask("mei@example.com").await;
        }
        assert_eq!(ask("mei@example.com").await.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_a_forgotten_password_says_so() {
    each(|shop| async move {
        let asked = shop.call("POST", "/api/forgot-password", Some(json!({"email": "mei@example.com"}))).await;
        assert_eq!(asked.status, StatusCode::CONFLICT, "{asked:?}");
    })
    .await;
}

/// The messages of a conversation: place and text.
async fn said(shop: &Shop, id: &str) -> Vec<(i64, String)> {
    let all = shop.call("GET", &format!("/api/conversations/{id}/messages?limit=200"), None).await.body;
    let line = |m: &Value| (m["seq"].as_i64().unwrap(), m["content"].as_str().unwrap().to_string());
    all.as_array().unwrap().iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_conversations_of_a_customer_become_one_in_the_order_in_which_they_were_said() {
    each(|shop| async move {
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        shop.says("Ana", "First, I want to talk to a human").await;
        shop.settle().await;
        let first = id(&shop, "Ana").await;
        let path = |id: &str, verb: &str| format!("/api/conversations/{id}/{verb}");
        shop.call_as(&mei, "POST", &path(&first, "resolve"), None).await;
        shop.app.clock.advance(Duration::days(8));
        shop.says("Ana", "Second, I want to talk to a human").await;
        shop.says("Bo", "I want to talk to a human").await;
        shop.settle().await;
        let second = id(&shop, "Ana").await;
        assert_ne!(first, second);
        let others = id(&shop, "Bo").await;
        let merge = async |who: &str, into: &str, body: Value| {
            shop.call_as(who, "POST", &path(into, "merge"), Some(body)).await
        };
        let refused = [
            merge(&mei, &second, json!({"from": others})).await,
            merge(&mei, &second, json!({"from": second})).await,
            merge(&mei, &second, json!({"from": first, "version": 1})).await,
        ];
        assert!(refused.iter().all(|r| r.status == StatusCode::CONFLICT), "{refused:?}");
        shop.call_as(&tom, "POST", &path(&second, "take-over"), None).await;
        assert_eq!(merge(&mei, &second, json!({"from": first})).await.status, StatusCode::CONFLICT, "Tom holds it");
        let (before, older) = (said(&shop, &second).await, said(&shop, &first).await);
        let merged = merge(&tom, &second, json!({"from": first})).await;
        assert_eq!((merged.status, &merged.body["holder"]), (StatusCode::OK, &json!("agent")), "{merged:?}");

        let now = said(&shop, &second).await;
        assert_eq!(now.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), (1..=now.len() as i64).collect::<Vec<_>>());
        let texts = |all: &[(i64, String)]| all.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&now), [texts(&older), texts(&before)].concat());
        assert_eq!(merged.body["message_count"], now.len());
        let gone = shop.call("GET", &format!("/api/conversations/{first}"), None).await.body;
        assert_eq!((&gone["merged_into"], &gone["status"]), (&json!(second), &json!("closed")));
        assert_eq!(merge(&tom, &second, json!({"from": first})).await.status, StatusCode::CONFLICT, "once");
        assert_eq!(listed(&shop, &tom, "search=ana").await, ["Ana"]);

        // What the customer writes next comes here, whichever of the two is the older.
        shop.says("Ana", "Third").await;
        shop.settle().await;
        assert_eq!(said(&shop, &second).await.last().unwrap().1, "Third");
        assert!(!logged(&shop, "conversation.merge").await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_does_not_vanish_into_what_has_ended() {
    each(|shop| async move {
        let mei = shop.user("mei", "agent").await;
        shop.says("Ana", "First, I want to talk to a human").await;
        shop.settle().await;
        let first = id(&shop, "Ana").await;
        shop.call_as(&mei, "POST", &format!("/api/conversations/{first}/resolve"), None).await;
        shop.app.clock.advance(Duration::days(8));
        shop.says("Ana", "Second, I want to talk to a human").await;
        shop.settle().await;
        let second = id(&shop, "Ana").await;
        let path = format!("/api/conversations/{first}/merge");
        let refused = shop.call_as(&mei, "POST", &path, Some(json!({"from": second}))).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        shop.call_as(&mei, "POST", &format!("/api/conversations/{second}/resolve"), None).await;
        let merged = shop.call_as(&mei, "POST", &path, Some(json!({"from": second}))).await;
        assert_eq!((merged.status, &merged.body["status"]), (StatusCode::OK, &json!("resolved")), "{merged:?}");
        assert!(said(&shop, &first).await.iter().any(|(_, text)| text.starts_with("Second")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_named_in_a_note_is_told() {
    each(|shop| async move {
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        shop.says("Ana", "I want to talk to a human").await;
        shop.settle().await;
        let path = format!("/api/conversations/{}/notes", id(&shop, "Ana").await);
        let note = |text: &str| shop.call_as(&mei, "POST", &path, Some(json!({"text": text})));
        note("@Tom, please look. @tom? @mei @nobody").await;
        let told = |all: Vec<String>| all.into_iter().filter(|t| t.contains("mentioned")).collect::<Vec<_>>();
        assert_eq!(told(titles(&shop, &tom).await), ["mei mentioned you: Ana"]);
        assert_eq!(told(titles(&shop, &mei).await), [""; 0]);
        note("nobody in particular").await;
        assert_eq!(told(titles(&shop, &tom).await).len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_version_of_a_document_is_compared_and_gone_back_to() {
    each(|shop| async move {
        let lead = shop.user("lea", "team_lead").await;
        let document = shop.learns("a.md", "# Fees\n\nDelivery costs 5 ringgit.\n\nReturns are free.\n").await;
        shop.learns("a.md", "# Fees\n\nDelivery costs 9 ringgit.\n\nReturns are free.\n").await;
        let path = format!("/api/documents/{}/versions", document["id"].as_str().unwrap());
        let changes = shop.call_as(&lead, "GET", &format!("{path}/2/changes"), None).await.body;
        assert_eq!((&changes["added"], &changes["removed"], &changes["from"]), (&json!(1), &json!(1), &json!(1)));
        let lines: Vec<(&str, &str)> = changes["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| (l["change"].as_str().unwrap(), l["text"].as_str().unwrap()))
            .filter(|(change, _)| *change != "same")
            .collect();
        assert_eq!(lines, [("removed", "Delivery costs 5 ringgit."), ("added", "Delivery costs 9 ringgit.")]);
        assert_eq!(shop.call_as(&lead, "GET", &format!("{path}/9/changes"), None).await.status, StatusCode::NOT_FOUND);

        let agent = shop.user("mei", "agent").await;
        let refused = shop.call_as(&agent, "POST", &format!("{path}/1/restore"), None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let restored = shop.call_as(&lead, "POST", &format!("{path}/1/restore"), None).await;
        assert_eq!((restored.status, &restored.body["version"]), (StatusCode::ACCEPTED, &json!(3)), "{restored:?}");
        shop.settle().await;
        shop.says("Ana", "What does delivery cost?").await;
        shop.settle().await;
        assert!(shop.reached("Ana").concat().contains("5 ringgit"), "{:?}", shop.reached("Ana"));
        let all = shop.call_as(&lead, "GET", &path, None).await.body;
        assert_eq!(all.as_array().unwrap().len(), 3, "nothing is lost by going back");
        let gone = shop.call_as(&lead, "POST", &format!("{path}/7/restore"), None).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_fetched_again_by_itself_and_what_changed_there_is_a_new_version() {
    for on in databases() {
        let says = std::sync::Arc::new(std::sync::Mutex::new(Some("Delivery costs 5 ringgit.")));
        let page = says.clone();
        let router = axum::Router::new().route(
            "/fees.txt",
            axum::routing::get(move || async move {
                let says = *page.lock().unwrap();
                says.map_or((StatusCode::NOT_FOUND, ""), |text| (StatusCode::OK, text))
            }),
        );
        let url = format!("{}/fees.txt", support::serve(router).await);
        let shop = Shop::around(TestApp::open_with(on, |c| c.ingest.allow_private_urls = true).await).await;
        let lead = shop.user("lea", "team_lead").await;
        let added = shop.call_as(&lead, "POST", "/api/documents/url", Some(json!({"url": url}))).await;
        shop.settle().await;
        let path = format!("/api/documents/{}", added.body["document"]["id"].as_str().unwrap());
        let put = async |path: String, every: Value| {
            shop.call_as(&lead, "PUT", &format!("{path}/schedule"), Some(json!({"every": every}))).await
        };
        let file = shop.learns("a.md", WARRANTY).await;
        let refused = put(format!("/api/documents/{}", file["id"].as_str().unwrap()), json!("daily")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "a file has no address");
        let set = put(path.clone(), json!("daily")).await;
        assert_eq!(set.body["crawl_every"], "daily", "{set:?}");
        let later = async |days: i64| {
            shop.app.clock.advance(Duration::days(days));
            frontdesk::knowledge::crawl_due(&shop.app).await.unwrap();
            shop.settle().await;
            shop.call_as(&lead, "GET", &path, None).await.body
        };
        assert_eq!(later(1).await["version"], 1, "the same changes nothing");
        *says.lock().unwrap() = Some("Delivery costs 9 ringgit.");
        frontdesk::knowledge::crawl_due(&shop.app).await.unwrap();
        shop.settle().await;
        assert_eq!(shop.call_as(&lead, "GET", &path, None).await.body["version"], 1, "not before its time");
        let changed = later(1).await;
        assert_eq!((&changed["version"], &changed["processing_status"]), (&json!(2), &json!("completed")));
        *says.lock().unwrap() = None;
        let failed = later(1).await;
        assert!(failed["crawl_error"].as_str().unwrap().contains("404"), "{failed}");
        assert_eq!((&failed["version"], &failed["current_version"]), (&json!(2), &json!(2)), "what is known stays");
        *says.lock().unwrap() = Some("Delivery costs 9 ringgit.");
        assert_eq!(later(1).await["crawl_error"], Value::Null);
        put(path.clone(), Value::Null).await;
        *says.lock().unwrap() = Some("Delivery is free.");
        assert_eq!(later(3).await["version"], 2);
    }
}
