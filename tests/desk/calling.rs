//! Who is called outside the console when a customer waits too long, and how long customers are told it may take.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::{app::job, platform::queue, staff};
use serde_json::{Value, json};

use super::{UNKNOWN, WARRANTY, each, id, logged, me, meanwhile, rules, titles};
use crate::support::{serve, shop::Shop, smtp};

/// A group robot that keeps what it is told; its address.
async fn robot(told: Arc<Mutex<Vec<String>>>) -> String {
    let take = axum::routing::post(move |axum::Json(body): axum::Json<Value>| async move {
        told.lock().unwrap().push(body["text"]["content"].as_str().unwrap_or_default().to_string());
    });
    format!("{}/robot", serve(axum::Router::new().route("/robot", take)).await)
}

/// Sets up the mail server in the console.
async fn mail_server(shop: &Shop) -> smtp::Mails {
    let mails = smtp::Mails::default();
    let url = url::Url::parse(&smtp::serve(mails.clone()).await).unwrap();
    let server = json!({"host": url.host_str(), "port": url.port(), "security": "none", "from": "desk@example.com"});
    let saved = shop.call("PUT", "/api/mail", Some(server)).await;
    assert_eq!((saved.status, &saved.body["source"]), (StatusCode::OK, &json!("console")), "{saved:?}");
    mails
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_is_called_only_if_nobody_takes_it_in_time() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let mails = mail_server(&shop).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let change = json!({"after_minutes": 10, "mail_to": [" Night@example.com "],
                            "robot_url": robot(told.clone()).await, "robot_kind": "wecom"});
        let saved = shop.call("PUT", "/api/away-channels", Some(change)).await;
        assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
        assert_eq!((&saved.body["has_robot"], &saved.body["mail_to"]), (&json!(true), &json!(["night@example.com"])));
        assert!(!saved.body.to_string().contains("/robot"), "the address is a secret");
        shop.call_as(&tom, "PUT", "/api/me/settings", Some(json!({"settings": {"mail": "all"}}))).await;

        for customer in ["Ana", "Bo"] {
            shop.says(customer, UNKNOWN).await;
        }
        shop.settle().await;
        shop.app.clock.advance(Duration::minutes(5));
        let bo = format!("/api/conversations/{}", id(&shop, "Bo").await);
        shop.call_as(&mei, "POST", &format!("{bo}/take-over"), None).await;
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 0, "too early");
        shop.app.clock.advance(Duration::minutes(5));
        shop.settle().await;
        let ana = id(&shop, "Ana").await;
        assert_eq!(told.lock().unwrap().len(), 1, "only of whom nobody took");
        assert!(told.lock().unwrap()[0].contains(&ana));
        assert_eq!(mails.lock().unwrap().len(), 1);
        assert!(mails.lock().unwrap()[0].contains("To: night@example.com, tom@example.com"), "{:?}", mails.lock());

        // Taken and given back: the wait begins anew.
        shop.call_as(&mei, "POST", &format!("{bo}/give-back"), Some(json!({"scope": "until_resolved"}))).await;
        shop.app.clock.advance(Duration::minutes(9));
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 1);
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 2);

        // An address that is none is refused, and the secret stays when the rest changes.
        for odd in [json!({"after_minutes": 1, "mail_to": ["nobody"]}), json!({"after_minutes": -1})] {
            let refused = shop.call("PUT", "/api/away-channels", Some(odd)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        }
        let kept = shop.call("PUT", "/api/away-channels", Some(json!({"after_minutes": 1}))).await;
        assert_eq!((&kept.body["has_robot"], &kept.body["mail_to"]), (&json!(true), &json!([])), "{kept:?}");
        let none = shop.call("PUT", "/api/away-channels", Some(json!({"after_minutes": 1, "robot_url": ""}))).await;
        assert_eq!(none.body["has_robot"], false);
        let log = logged(&shop, "settings.away_channels").await;
        assert_eq!(log.len(), 3);
        assert!(!json!(log).to_string().contains("/robot"), "{log:?}");
    })
    .await;
}

/// Does something to what the database keeps of whom we call; the transaction is open.
async fn tampered(shop: &Shop, with: impl Fn(&mut Value)) -> frontdesk::platform::db::Tx {
    let mut tx = shop.app.begin().await.unwrap();
    let mut kept = staff::find_config(tx.conn(), shop.org, "away").await.unwrap().unwrap().0;
    with(&mut kept);
    staff::save_config(tx.conn(), shop.org, "away", &kept, None, shop.app.now()).await.unwrap();
    tx
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_given_a_customer_while_away_is_called_where_they_are() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let mails = mail_server(&shop).await;
        let settings = json!({"settings": {"mail": "mine", "away": true}});
        shop.call_as(&tom, "PUT", "/api/me/settings", Some(settings)).await;
        shop.call("PUT", "/api/away-channels", Some(json!({"after_minutes": 10}))).await;
        for customer in ["Ana", "Bo"] {
            shop.says(customer, "How long is the warranty of a grinder?").await;
            shop.settle().await;
        }
        let to_tom = json!({"agent_id": me(&shop, &tom).await});
        let (ana, bo) = (id(&shop, "Ana").await, id(&shop, "Bo").await);
        // From the assistant, and from a colleague.
        shop.call("POST", &format!("/api/conversations/{ana}/assign"), Some(to_tom.clone())).await;
        shop.call_as(&mei, "POST", &format!("/api/conversations/{bo}/take-over"), None).await;
        shop.call_as(&mei, "POST", &format!("/api/conversations/{bo}/pass"), Some(to_tom)).await;
        shop.app.clock.advance(Duration::minutes(9));
        shop.settle().await;
        assert_eq!(mails.lock().unwrap().len(), 0, "too early");
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        let mails = mails.lock().unwrap();
        assert_eq!(mails.len(), 2, "{mails:?}");
        for conversation in [&ana, &bo] {
            assert!(mails.iter().any(|m| m.contains("To: tom@example.com") && m.contains(conversation.as_str())));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_did_not_arrive_is_its_writers_and_is_called_out_if_nobody_sees_to_it() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let told = Arc::new(Mutex::new(Vec::new()));
        let change = json!({"after_minutes": 10, "robot_url": robot(told.clone()).await, "robot_kind": "wecom"});
        shop.call("PUT", "/api/away-channels", Some(change)).await;
        for customer in ["Ana", "Bo", "Cy", "Di"] {
            shop.says(customer, "How long is the warranty of a grinder?").await;
        }
        shop.settle().await;
        let writes = async |customer: &str, arrives: bool| {
            shop.mailbox.lock().unwrap().script = if arrives { Vec::new() } else { vec![StatusCode::GONE] };
            let path = format!("/api/conversations/{}/messages", id(&shop, customer).await);
            let sent = shop.call_as(&mei, "POST", &path, Some(json!({"text": "Is it broken?"}))).await;
            assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
            shop.settle().await;
        };
        for customer in ["Ana", "Bo", "Cy"] {
            writes(customer, false).await;
        }
        let lost = |customer: &str| format!("A message to {customer} could not be delivered");
        assert_eq!(titles(&shop, &mei).await, [lost("Cy"), lost("Bo"), lost("Ana")]);
        assert_eq!(titles(&shop, &tom).await, [""; 0], "who wrote it is there");
        // She writes to Bo again; what she writes to Cy is lost again. Ana is nobody's again.
        writes("Bo", true).await;
        writes("Cy", false).await;
        let ana = format!("/api/conversations/{}/give-back", id(&shop, "Ana").await);
        shop.call_as(&mei, "POST", &ana, Some(json!({"scope": "until_resolved"}))).await;
        shop.app.clock.advance(Duration::minutes(11));
        shop.settle().await;
        let mut all = told.lock().unwrap().clone();
        all.sort();
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(all[0].starts_with("A customer waits for a person (webhook)."), "{all:?}");
        assert!(all[0].contains(&id(&shop, "Ana").await), "{all:?}");
        assert!(
            all[1].starts_with("A message to a customer may not have arrived (webhook).\n发给客户的消息可能没有送达。")
        );
        assert!(all[1].contains(&id(&shop, "Cy").await), "{all:?}");

        // Where the writer is away, everybody hears of it.
        shop.call_as(&mei, "PUT", "/api/me/settings", Some(json!({"settings": {"away": true}}))).await;
        me(&shop, &tom).await;
        writes("Di", false).await;
        assert_eq!(titles(&shop, &tom).await[0], lost("Di"));
        shop.app.clock.advance(Duration::hours(1));
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 3, "once each");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_robot_whose_address_cannot_be_read_stops_no_mail() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let admin = shop.user("ada", "admin").await;
        let mails = mail_server(&shop).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let change = json!({"after_minutes": 0, "mail_to": ["b@example.com", "a@example.com", "B@example.com"],
                            "robot_url": robot(told.clone()).await, "robot_kind": "wecom"});
        let saved = shop.call("PUT", "/api/away-channels", Some(change.clone())).await;
        assert_eq!(saved.body["mail_to"], json!(["b@example.com", "a@example.com"]), "each once: {saved:?}");
        // As after the secret key was lost.
        tampered(&shop, |kept| kept["robot_url"] = json!("v1.AAAA.AAAA")).await.commit().await.unwrap();
        let found = shop.call("GET", "/api/away-channels", None).await;
        assert_eq!((found.status, &found.body["has_robot"]), (StatusCode::OK, &json!(true)), "{found:?}");
        shop.says("Ana", UNKNOWN).await;
        shop.run_due().await;
        shop.app.clock.advance(Duration::seconds(5));
        shop.run_due().await;
        assert_eq!(mails.lock().unwrap().len(), 1, "{:?}", mails.lock());
        let news = shop.call_as(&admin, "GET", "/api/notifications", None).await.body["items"][0].clone();
        assert_eq!(news["title"], "The message about a waiting customer could not be sent", "{news}");
        assert_eq!(news["content"], "the robot's address can't be read: enter it again", "{news}");

        let saved = shop.call("PUT", "/api/away-channels", Some(change)).await;
        assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
        shop.says("Bo", UNKNOWN).await;
        shop.run_due().await;
        shop.app.clock.advance(Duration::seconds(5));
        shop.run_due().await;
        assert_eq!(told.lock().unwrap().len(), 1, "entered again, it is called");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_the_wait_does_not_bring_back_a_robot_that_was_taken_away_meanwhile() {
    each(|shop| async move {
        let change = json!({"after_minutes": 1, "robot_url": "https://example.com/robot"});
        assert_eq!(shop.call("PUT", "/api/away-channels", Some(change)).await.body["has_robot"], true);
        let without = tampered(&shop, |kept| kept["robot_url"] = Value::Null).await;
        let change = shop.call("PUT", "/api/away-channels", Some(json!({"after_minutes": 2})));
        let saved = meanwhile(without, change).await;
        assert_eq!((&saved.body["after_minutes"], &saved.body["has_robot"]), (&json!(2), &json!(false)), "{saved:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_given_back_while_people_are_being_called_is_called_for_again() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let change = json!({"after_minutes": 10, "robot_url": robot(told.clone()).await, "robot_kind": "wecom"});
        shop.call("PUT", "/api/away-channels", Some(change)).await;
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        shop.app.clock.advance(Duration::minutes(10));
        let mut tx = shop.app.begin().await.unwrap();
        let running = queue::claim(tx.conn(), shop.app.now(), job::CUSTOMERS, "test", 8).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(running.len(), 2, "mail and robot: {running:?}");

        let ana = format!("/api/conversations/{}", id(&shop, "Ana").await);
        shop.call_as(&mei, "POST", &format!("{ana}/take-over"), None).await;
        let back = shop.call_as(&mei, "POST", &format!("{ana}/give-back"), Some(json!({"scope": "never"}))).await;
        assert_eq!(back.status, StatusCode::OK, "{back:?}");
        // The jobs see that it is too early now.
        let mut tx = shop.app.begin().await.unwrap();
        for job in &running {
            queue::put_off(tx.conn(), job, "test", shop.app.now() + Duration::minutes(10)).await.unwrap();
        }
        tx.commit().await.unwrap();
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 0, "too early");
        shop.app.clock.advance(Duration::minutes(10));
        shop.settle().await;
        assert_eq!(told.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_overdue_is_called_out_and_whose_it_is_gets_the_mail() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let (mei, tom) = (shop.user("mei", "agent").await, shop.user("tom", "agent").await);
        let mails = mail_server(&shop).await;
        let sla = json!([{"priority": "medium", "first_response_minutes": 60, "resolution_minutes": null}]);
        rules(&shop, json!({"sla": sla})).await;
        for (user, wish) in [(&mei, "mine"), (&tom, "mine")] {
            shop.call_as(user, "PUT", "/api/me/settings", Some(json!({"settings": {"mail": wish}}))).await;
        }
        shop.says("Ana", UNKNOWN).await;
        shop.settle().await;
        let path = format!("/api/conversations/{}/take-over", id(&shop, "Ana").await);
        shop.call_as(&mei, "POST", &path, None).await;
        shop.app.clock.advance(Duration::minutes(61));
        shop.settle().await;
        let mails = mails.lock().unwrap();
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert!(mails[0].contains("To: mei@example.com") && !mails[0].contains("tom@"), "{}", mails[0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_server_of_the_console_sends_tests_and_keeps_its_password() {
    each(|shop| async move {
        let admin = shop.user("ada", "admin").await;
        let test = shop.call_as(&admin, "POST", "/api/mail/test", None).await;
        assert_eq!(test.status, StatusCode::CONFLICT, "{test:?}");
        let mails = mail_server(&shop).await;
        let test = shop.call_as(&admin, "POST", "/api/mail/test", None).await;
        assert_eq!(test.status, StatusCode::NO_CONTENT, "{test:?}");
        assert!(mails.lock().unwrap()[0].contains("From: desk@example.com"));

        let mut server = json!({"host": "mail.example.com", "port": 465, "security": "tls", "user": "desk@example.com",
                                "password": "hush hush", "from": "desk@example.com"});
        let saved = shop.call("PUT", "/api/mail", Some(server.clone())).await;
        assert_eq!(
            (&saved.body["has_password"], &saved.body["is_editable"]),
            (&json!(true), &json!(true)),
            "{saved:?}"
        );
        server["password"] = Value::Null;
        assert_eq!(shop.call("PUT", "/api/mail", Some(server.clone())).await.body["has_password"], true);
        // Another server is not told the password of this one.
        server["host"] = json!("elsewhere.example.com");
        assert_eq!(shop.call("PUT", "/api/mail", Some(server.clone())).await.body["has_password"], false);
        for (field, odd) in [("host", "two words"), ("from", "nobody"), ("host", "a@b")] {
            let mut server = server.clone();
            server[field] = json!(odd);
            let refused = shop.call("PUT", "/api/mail", Some(server)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}: {refused:?}");
        }
        let log = logged(&shop, "settings.mail_server").await;
        assert!(!log.is_empty() && !json!(log).to_string().contains("hush"), "{log:?}");
        let told: Vec<&Value> = log.iter().filter_map(|line| line["changes"].get("password")).collect();
        assert_eq!(told, [&json!("changed"), &json!("changed")], "that, and not to what: {log:?}");
        assert!(!shop.call("GET", "/api/mail", None).await.body.to_string().contains("hush"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_are_told_how_long_it_may_take() {
    each(|shop| async move {
        shop.learns("en.md", WARRANTY).await;
        let mei = shop.user("mei", "agent").await;
        for (customer, minutes) in [("Ana", 1), ("Bo", 9), ("Cy", 40)] {
            shop.says(customer, UNKNOWN).await;
            shop.settle().await;
            assert!(!shop.reached(customer)[0].contains("It may take"), "too few tell");
            shop.app.clock.advance(Duration::minutes(minutes));
            let path = format!("/api/conversations/{}/messages", id(&shop, customer).await);
            let answered = shop.call_as(&mei, "POST", &path, Some(json!({"text": "We do not."}))).await;
            assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
        }
        shop.says("Di", UNKNOWN).await;
        shop.says("小李", "你们卖核潜艇吗？").await;
        shop.settle().await;
        assert!(shop.reached("Di")[0].ends_with(" It may take about 10 minutes."), "{:?}", shop.reached("Di"));
        assert!(shop.reached("小李")[0].ends_with("预计等待约 10 分钟。"), "{:?}", shop.reached("小李"));
    })
    .await;
}
