//! From the first word to the last: learned, closed by what is newer, told, corrected, forgotten.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::{
    app::CustomerId,
    memory::{self, Earlier, Handed, Remark},
    platform::language::Language,
};
use serde_json::json;

use crate::{
    customer, each, give_back, last, memories, says,
    support::{
        app::{On, TestApp},
        model::{Asked, Does, FakeModel},
        shop::Shop,
    },
    values,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_customer_says_is_remembered_with_its_place() {
    each(|shop| async move {
        says(&shop, "Ana", "Hello! I live in Penang, do you deliver there? My shoe size is 42.").await;
        assert_eq!(values(&shop, "Ana", "city").await, ["Penang"]);
        assert_eq!(values(&shop, "Ana", "size").await, ["42"]);
        let all = memories(&shop, "Ana", "").await;
        let city = all.iter().find(|m| m["kind"] == "city").unwrap();
        assert_eq!((city["category"].as_str(), city["type"].as_str()), (Some("personal"), Some("long_term")));
        let (id, memory) = (customer(&shop, "Ana").await, city["id"].as_str().unwrap());
        let why = shop.call("GET", &format!("/api/customers/{id}/memories/{memory}"), None).await.body;
        assert_eq!(why["words"], "Penang");
        assert!(why["message"].as_str().unwrap().starts_with("Hello! I live in"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_fact_closes_the_older_one_and_a_restated_one_gets_stronger() {
    each(|shop| async move {
        says(&shop, "小李", "我住在杭州。").await;
        let then = shop.app.now();
        shop.app.clock.advance(Duration::days(30));
        says(&shop, "小李", "我上个月搬到成都了。").await;
        assert_eq!(values(&shop, "小李", "city").await, ["成都"]);
        let all = memories(&shop, "小李", "").await;
        let old = all.iter().find(|m| m["value"] == "杭州").unwrap();
        let new = all.iter().find(|m| m["value"] == "成都").unwrap();
        assert_eq!(old["status"], "superseded");
        assert_eq!(old["superseded_by"], new["id"]);
        assert_eq!(old["valid_until"], new["valid_from"]);
        let at = (then + Duration::days(3)).format("%Y-%m-%dT%H:%M:%SZ");
        let believed = memories(&shop, "小李", &format!("?at={at}")).await;
        assert_eq!(believed.iter().map(|m| m["value"].as_str().unwrap()).collect::<Vec<_>>(), ["杭州"]);
        shop.app.clock.advance(Duration::days(30));
        let faded = memories(&shop, "小李", "?status=active").await[0]["strength"].as_f64().unwrap();
        says(&shop, "小李", "我住在成都。").await;
        let again = memories(&shop, "小李", "?status=active").await;
        assert_eq!(again.len(), 1, "{again:?}");
        assert_eq!(again[0]["use_count"], 1);
        assert!(again[0]["strength"].as_f64().unwrap() > faded);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_more_is_closed_and_nothing_takes_its_place() {
    each(|shop| async move {
        says(&shop, "Ana", "I like green tea and I have a Honda Jazz.").await;
        says(&shop, "小李", "我喜欢喝普洱茶").await;
        let then = shop.app.now();
        shop.app.clock.advance(Duration::days(30));
        says(&shop, "Ana", "I don't like green tea anymore, I prefer oolong.").await;
        says(&shop, "小李", "我已經不再喝普洱了").await;
        assert_eq!(values(&shop, "Ana", "preference").await, ["oolong"]);
        assert!(values(&shop, "小李", "preference").await.is_empty());
        let all = memories(&shop, "Ana", "").await;
        let old = all.iter().find(|m| m["kind"] == "preference" && m["value"] == "green tea").unwrap();
        assert_eq!((&old["status"], old["superseded_by"].is_null()), (&"superseded".into(), true), "{old}");
        let at = (then + Duration::days(3)).format("%Y-%m-%dT%H:%M:%SZ");
        let believed = memories(&shop, "小李", &format!("?at={at}")).await;
        assert_eq!(believed.len(), 1, "{believed:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_tells_something_is_thanked_and_nobody_is_called() {
    each(|shop| async move {
        says(&shop, "Ana", "My name is Ana and I live in Penang.").await;
        assert!(last(&shop, "Ana").contains("keep that in mind"), "{}", last(&shop, "Ana"));
        says(&shop, "小李", "我叫李雷，住在上海。").await;
        assert!(last(&shop, "小李").contains("我记下了"), "{}", last(&shop, "小李"));
        for (name, city) in [("Ana", "Penang"), ("小李", "上海")] {
            assert_eq!(shop.conversation(name).await["holder"], "assistant");
            assert_eq!(values(&shop, name, "city").await, [city]);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_and_secrets_are_not_remembered() {
    each(|shop| async move {
        for text in [
            "How are you today?",
            "Do you deliver to Penang?",
            "If I lived in Berlin, would you deliver?",
            "My friend lives in Bangkok.",
            "You said: \"I live in Kuala Lumpur\"",
            "My card number is 4111 1111 1111 1111",
            "我的密码是abc888999",
        ] {
            says(&shop, "Ben", text).await;
        }
        assert!(memories(&shop, "Ben", "").await.is_empty(), "{:?}", memories(&shop, "Ben", "").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_of_an_agent_is_remembered_as_ours() {
    each(|shop| async move {
        says(&shop, "Ana", "Where is my parcel?").await;
        let conversation = shop.conversation("Ana").await;
        let token = shop.user("agnes", "agent").await;
        let path = format!("/api/conversations/{}/messages", conversation["id"].as_str().unwrap());
        let sent = shop
            .call_as(&token, "POST", &path, Some(json!({"text": "I will send you a replacement by Friday."})))
            .await;
        assert!(sent.status.is_success(), "{sent:?}");
        shop.settle().await;
        let all = memories(&shop, "Ana", "?status=active").await;
        let promise = all.iter().find(|m| m["kind"] == "promise").unwrap();
        assert_eq!(promise["value"], "send you a replacement by Friday");
        assert!(promise["about_from"].as_str().unwrap().starts_with("2026-03-06"), "{promise}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_sees_and_forgets_in_the_chat() {
    each(|shop| async move {
        says(&shop, "Ana", "I live in Penang. I'm allergic to peanuts.").await;
        give_back(&shop, "Ana").await;
        says(&shop, "Ana", "What do you know about me?").await;
        let told = last(&shop, "Ana");
        assert!(told.contains("lives in: Penang") && told.contains("allergic to: peanuts"), "{told}");
        says(&shop, "Ana", "Forget where I live").await;
        assert!(last(&shop, "Ana").contains("Shall I forget this?"), "{}", last(&shop, "Ana"));
        says(&shop, "Ana", "no").await;
        assert_eq!(values(&shop, "Ana", "city").await, ["Penang"]);
        says(&shop, "Ana", "Forget where I live").await;
        says(&shop, "Ana", "yes").await;
        assert!(values(&shop, "Ana", "city").await.is_empty());
        assert_eq!(values(&shop, "Ana", "allergy").await, ["peanuts"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_says_in_chinese_what_is_wrong_and_is_erased_on_their_word() {
    each(|shop| async move {
        says(&shop, "小李", "我住在杭州，我对花生过敏。").await;
        give_back(&shop, "小李").await;
        says(&shop, "小李", "你知道我什么？").await;
        assert!(last(&shop, "小李").contains("所在城市：杭州"), "{}", last(&shop, "小李"));
        says(&shop, "小李", "不对，城市").await;
        assert!(last(&shop, "小李").contains("要忘掉下面的内容吗"), "{}", last(&shop, "小李"));
        says(&shop, "小李", "是的").await;
        assert!(values(&shop, "小李", "city").await.is_empty());
        says(&shop, "小李", "忘记我").await;
        assert!(last(&shop, "小李").contains("无法撤销"), "{}", last(&shop, "小李"));
        says(&shop, "小李", "确定").await;
        assert!(last(&shop, "小李").contains("清除"), "{}", last(&shop, "小李"));
        shop.app.clock.advance(Duration::minutes(1));
        shop.settle().await;
        let all = shop.call("GET", "/api/customers?limit=200", None).await.body;
        assert!(all["items"].as_array().unwrap().iter().all(|c| c["name"] != "小李"), "{all}");
        let all = shop.call("GET", "/api/conversations?limit=200", None).await.body;
        assert!(all["items"].as_array().unwrap().is_empty(), "{all}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_correct_pin_and_forget_and_readers_do_not() {
    each(|shop| async move {
        says(&shop, "Ana", "I live in Penang.").await;
        let id = customer(&shop, "Ana").await;
        let memory = memories(&shop, "Ana", "").await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/customers/{id}/memories/{memory}");
        let (agent, reader) = (shop.user("agnes", "agent").await, shop.user("rita", "readonly").await);
        for (method, body) in [("PATCH", Some(json!({"is_pinned": true}))), ("DELETE", None), ("GET", None)] {
            let refused = shop.call_as(&reader, method, &path, body).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        }
        let pinned = shop.call_as(&agent, "PATCH", &path, Some(json!({"is_pinned": true}))).await;
        assert_eq!(pinned.body["is_pinned"], true, "{pinned:?}");
        shop.app.clock.advance(Duration::hours(5));
        assert_eq!(memories(&shop, "Ana", "").await[0]["strength"], pinned.body["importance"]);
        let corrected = shop.call_as(&agent, "PATCH", &path, Some(json!({"value": "Ipoh"}))).await;
        assert_eq!(corrected.body["content"], "lives in: Ipoh", "{corrected:?}");
        assert_eq!(values(&shop, "Ana", "city").await, ["Ipoh"]);
        let secret = json!({"value": "his card is 4111 1111 1111 1111"});
        let refused = shop.call_as(&agent, "POST", &format!("/api/customers/{id}/memories"), Some(secret)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{refused:?}");
        let new = corrected.body["id"].as_str().unwrap();
        let gone = shop.call_as(&agent, "DELETE", &format!("/api/customers/{id}/memories/{new}"), None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert!(values(&shop, "Ana", "city").await.is_empty());
        let audit = shop.call("GET", "/api/audit-logs?limit=50", None).await.body.to_string();
        for action in ["memory.change", "memory.correct", "memory.forget"] {
            assert!(audit.contains(action), "{action}: {audit}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_memories_wait_for_approval() {
    each(|shop| async move {
        let agent = shop.user("agnes", "agent").await;
        let body = json!({"value": "Customers in Penang mean the island store."});
        let proposed = shop.call_as(&agent, "POST", "/api/memories", Some(body)).await;
        assert_eq!((proposed.status, &proposed.body["status"]), (StatusCode::CREATED, &json!("proposed")));
        let path = format!("/api/memories/{}/decide", proposed.body["id"].as_str().unwrap());
        let refused = shop.call_as(&agent, "POST", &path, Some(json!({"is_approved": true}))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let approved = shop.call("POST", &path, Some(json!({"is_approved": true}))).await;
        assert_eq!(approved.body["status"], "active", "{approved:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_notices_more_and_invents_nothing() {
    let fake = FakeModel::start().await;
    fake.always(Does::Answers(Arc::new(|asked: &Asked| {
        if asked.schema.as_ref().is_some_and(|s| s["properties"].get("facts").is_some()) {
            json!({"facts": [
                {"message": 1, "kind": "preference", "value": "jazz in the mornings"},
                {"message": 1, "kind": "city", "value": "Paris"},
                {"message": 9, "kind": "city", "value": "Penang"},
                {"message": 1, "kind": "no such kind", "value": "jazz"},
            ]})
        } else {
            json!({"kind": "cannot_answer", "sentences": []})
        }
    })));
    let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
    let shop = Shop::around(app).await;
    says(&shop, "Ana", "We cannot do without jazz in the mornings. I live in Penang.").await;
    let all = memories(&shop, "Ana", "?status=active").await;
    let found: Vec<_> =
        all.iter().map(|m| (m["source_type"].as_str().unwrap(), m["value"].as_str().unwrap())).collect();
    assert_eq!(found, [("ai_analysis", "jazz in the mornings"), ("conversation", "Penang")]);
    let before = fake.requests();
    says(&shop, "Ana", "How long is the warranty?").await;
    let asked = fake.asked();
    let asked = asked[before..].iter();
    assert_eq!(asked.filter(|a| a.schema.as_ref().is_some_and(|s| s["properties"].get("facts").is_some())).count(), 0);
}

/// What a model is told to answer: the first sentence of the first passage, with words of its own before it.
fn says_first(text: &'static str) -> Does {
    Does::Answers(Arc::new(move |asked: &Asked| {
        if asked.schema.as_ref().is_some_and(|s| s["properties"].get("facts").is_some()) {
            return json!({"facts": []});
        }
        let passages = asked.passages();
        let Some(quote) = passages.iter().flat_map(|p| p.lines()).rfind(|l| l.contains("Kuala Lumpur")) else {
            return json!({"kind": "cannot_answer", "sentences": []});
        };
        json!({"kind": "answer", "sentences": [{"text": text, "citations": [{"passage": 1, "quote": quote}]}]})
    }))
}

const DELIVERY: &str =
    "# Delivery\n\nDelivery to Kuala Lumpur takes 3 days.\n\n# Repair\n\nLamps are repaired in Kuala Lumpur by hand.\n";

/// What the model was told of what is remembered, in its last request for an answer.
fn told(fake: &FakeModel) -> String {
    let asked = fake.asked();
    let last = asked.iter().rev().find(|a| a.user.contains("<passages>")).unwrap();
    let (_, rest) = last.user.split_once("<memories>").unwrap_or_default();
    rest.split("</memories>").next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_changed_is_asked_before_it_is_acted_on() {
    let fake = FakeModel::start().await;
    fake.always(says_first("Delivery to Kuala Lumpur takes 3 days."));
    let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
    let shop = Shop::around(app).await.knowing(DELIVERY).await;
    says(&shop, "Ana", "I live in Kuala Lumpur.").await;
    give_back(&shop, "Ana").await;
    says(&shop, "Ana", "How long does delivery take?").await;
    assert_eq!(last(&shop, "Ana"), "Delivery to Kuala Lumpur takes 3 days.", "{}", shop.transcript("Ana").await);
    assert!(told(&fake).contains("lives in: Kuala Lumpur"), "{}", told(&fake));
    // Half a year later an answer that rests on it asks; that it was used in the meantime confirmed nothing.
    shop.app.clock.advance(Duration::days(200));
    says(&shop, "Ana", "How long does delivery take?").await;
    let asked = "are you still in Kuala Lumpur?";
    assert!(last(&shop, "Ana").contains(asked), "{}", shop.transcript("Ana").await);
    assert!(told(&fake).contains("may have changed"), "{}", told(&fake));
    // Said again, it is sure.
    says(&shop, "Ana", "I live in Kuala Lumpur.").await;
    give_back(&shop, "Ana").await;
    says(&shop, "Ana", "How long does delivery take?").await;
    assert!(!last(&shop, "Ana").contains(asked), "{}", last(&shop, "Ana"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn yes_and_no_to_whether_something_still_holds_are_understood() {
    for (yes, no, now, new) in [("Yes.", "No", "In Ipoh now", "Ipoh"), ("是的", "不是", "我在怡保", "怡保")] {
        let fake = FakeModel::start().await;
        fake.always(says_first("Delivery to Kuala Lumpur takes 3 days."));
        let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
        let shop = Shop::around(app).await.knowing(DELIVERY).await;
        says(&shop, "Ana", "I live in Kuala Lumpur.").await;
        give_back(&shop, "Ana").await;
        shop.app.clock.advance(Duration::days(200));
        let asked = "are you still in Kuala Lumpur?";
        let ask = async |how: &str| {
            says(&shop, "Ana", how).await;
            last(&shop, "Ana")
        };
        assert!(ask("How long does delivery take?").await.contains(asked), "{}", shop.transcript("Ana").await);
        says(&shop, "Ana", yes).await;
        assert!(
            !ask("How many days does delivery take?").await.contains(asked),
            "it was confirmed: {}",
            shop.transcript("Ana").await
        );
        assert_eq!(values(&shop, "Ana", "city").await, ["Kuala Lumpur"]);

        shop.app.clock.advance(Duration::days(200));
        assert!(ask("When does a delivery arrive?").await.contains(asked), "{}", shop.transcript("Ana").await);
        says(&shop, "Ana", no).await;
        assert!(values(&shop, "Ana", "city").await.is_empty(), "{}", shop.transcript("Ana").await);
        says(&shop, "Ana", now).await;
        assert_eq!(values(&shop, "Ana", "city").await, [new], "{}", shop.transcript("Ana").await);
        let conversation = shop.conversation("Ana").await;
        assert_eq!(conversation["holder"], "assistant", "nobody was called: {}", shop.transcript("Ana").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_something_else_than_where_they_live_now_is_heard() {
    for (text, heard) in [
        ("Forget me", "erase everything"),
        ("my order has not arrived", ""),
        ("Forget my address", "nothing like that"),
    ] {
        let fake = FakeModel::start().await;
        fake.always(says_first("Delivery to Kuala Lumpur takes 3 days."));
        let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
        let shop = Shop::around(app).await.knowing(DELIVERY).await;
        says(&shop, "Ana", "I live in Kuala Lumpur.").await;
        give_back(&shop, "Ana").await;
        shop.app.clock.advance(Duration::days(200));
        says(&shop, "Ana", "How long does delivery take?").await;
        says(&shop, "Ana", "No").await;
        assert!(last(&shop, "Ana").contains("Where do you live now?"), "{}", shop.transcript("Ana").await);
        says(&shop, "Ana", text).await;
        assert!(last(&shop, "Ana").contains(heard), "{}", shop.transcript("Ana").await);
        assert!(!last(&shop, "Ana").contains("keep that in mind"), "{}", shop.transcript("Ana").await);
        assert!(values(&shop, "Ana", "city").await.is_empty(), "{:?}", values(&shop, "Ana", "city").await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_shoe_size_takes_the_place_of_the_old_one_and_a_turn_taken_again_says_the_same() {
    each(|shop| async move {
        says(&shop, "Ana", "My shoe size is 42. My shirt size is M.").await;
        let conversation = shop.conversation("Ana").await;
        let asked = "By the way, is your size still 42?";
        let at = shop.app.now();
        let hears = async |text: &str, kind: Option<&'static str>, said: &str| {
            let remark = Remark {
                org: shop.org,
                customer: conversation["customer_id"].as_str().unwrap().parse().unwrap(),
                asker: None,
                conversation: conversation["id"].as_str().unwrap().parse().unwrap(),
                message: None,
                text,
                language: Language::En,
                earlier: Earlier { kind, said: Some(said), at: Some(at) },
            };
            shop.app.clock.advance(Duration::seconds(1));
            match memory::hand(&shop.app, &remark).await.unwrap() {
                Some(Handed::Say(said)) => said,
                other => panic!("{other:?}"),
            }
        };
        let said = hears("no", None, asked).await;
        assert!(said.text.ends_with("What is your size now?"), "{said:?}");
        assert_eq!(hears("no", None, asked).await, said, "the same turn again, after a crash");
        let thanks = hears("43", Some(said.kind), &said.text).await;
        assert!(thanks.text.contains("keep that in mind"), "{thanks:?}");
        let all = memories(&shop, "Ana", "?status=active").await;
        let mut sizes: Vec<&str> =
            all.iter().filter(|m| m["kind"] == "size").map(|m| m["content"].as_str().unwrap()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, ["size (shoe): 43", "size: M"], "{all:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_customers_tell_a_person_is_learned_without_a_reply() {
    each(|shop| async move {
        says(&shop, "Ana", "Hello").await;
        let agent = shop.user("agnes", "agent").await;
        let id = shop.conversation("Ana").await["id"].as_str().unwrap().to_owned();
        let taken = shop.call_as(&agent, "POST", &format!("/api/conversations/{id}/take-over"), Some(json!({}))).await;
        assert_eq!(taken.status, StatusCode::OK, "{taken:?}");
        says(&shop, "Ana", "I live in Penang.").await;
        // More than a turn looks back.
        for n in 0..60 {
            shop.says("Ana", &format!("And this is number {n}.")).await;
        }
        shop.settle().await;
        shop.app.clock.advance(Duration::minutes(1));
        shop.settle().await;
        assert_eq!(values(&shop, "Ana", "city").await, ["Penang"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_never_push_out_who_the_customer_is() {
    each(|shop| async move {
        says(&shop, "Ana", "My name is Ana. I live in Penang. I'm allergic to peanuts.").await;
        let (org, id) = (shop.org, customer(&shop, "Ana").await);
        let agent = shop.user("agnes", "agent").await;
        for n in 0..60 {
            let promise = json!({"kind": "promise", "value": format!("we look into order {n}")});
            let added = shop.call_as(&agent, "POST", &format!("/api/customers/{id}/memories"), Some(promise)).await;
            assert!(added.status.is_success(), "{added:?}");
        }
        shop.settle().await;
        let id: CustomerId = id.parse().unwrap();
        let recalled =
            memory::recall(&shop.app, &memory::Query::new(org, id, "Do your bars have nuts?")).await.unwrap();
        let lines: Vec<String> = recalled.iter().map(memory::Recalled::line).collect();
        for what in ["Ana", "Penang", "peanuts"] {
            assert!(lines.iter().any(|l| l.contains(what)), "{what}: {lines:?}");
        }
        let promises = lines.iter().filter(|l| l.contains("look into")).count();
        assert!((1..=4).contains(&promises), "{lines:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_proves_nothing_about_the_company() {
    let fake = FakeModel::start().await;
    fake.always(says_first("Delivery to Kuala Lumpur is free of charge for you."));
    let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
    let shop = Shop::around(app).await.knowing(DELIVERY).await;
    says(&shop, "Ana", "I live in Kuala Lumpur.").await;
    give_back(&shop, "Ana").await;
    let id = customer(&shop, "Ana").await;
    let agent = shop.user("agnes", "agent").await;
    let lie = json!({"value": "delivery to Kuala Lumpur is free of charge for Ana"});
    let added = shop.call_as(&agent, "POST", &format!("/api/customers/{id}/memories"), Some(lie)).await;
    assert!(added.status.is_success(), "{added:?}");
    shop.settle().await;
    says(&shop, "Ana", "How long does delivery take?").await;
    let reached = shop.reached("Ana");
    assert!(reached.iter().all(|text| !text.contains("free of charge")), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_agents_correct_is_proposed_and_helps_when_it_is_approved() {
    let fake = FakeModel::start().await;
    fake.always(says_first("Delivery to Kuala Lumpur takes 3 days."));
    let app = TestApp::open_with(On::Sqlite, |c| c.model = fake.chat_config()).await;
    let shop = Shop::around(app).await.knowing(DELIVERY).await;
    says(&shop, "Ana", "How long does delivery take?").await;
    assert!(last(&shop, "Ana").contains("3 days"), "{}", shop.transcript("Ana").await);
    let conversation = shop.conversation("Ana").await["id"].as_str().unwrap().to_owned();
    let agent = shop.user("agnes", "agent").await;
    let text = "Sorry, that is not right: delivery takes 5 days during the festival.";
    for _ in 0..2 {
        let path = format!("/api/conversations/{conversation}/messages");
        let sent = shop.call_as(&agent, "POST", &path, Some(json!({"text": text}))).await;
        assert!(sent.status.is_success(), "{sent:?}");
        shop.settle().await;
    }
    let proposed = shop.call("GET", "/api/memories?status=proposed", None).await.body;
    let proposed = proposed.as_array().unwrap();
    assert_eq!(proposed.len(), 1, "{proposed:?}");
    assert_eq!((&proposed[0]["content"], &proposed[0]["source_id"]), (&json!(text), &json!(conversation)));

    // Another customer's question: the model hears of it only once somebody approved it.
    says(&shop, "Ben", "How long does delivery take?").await;
    assert!(!told(&fake).contains("festival"), "{}", told(&fake));
    let path = format!("/api/memories/{}/decide", proposed[0]["id"].as_str().unwrap());
    let approved = shop.call("POST", &path, Some(json!({"is_approved": true}))).await;
    assert!(approved.status.is_success(), "{approved:?}");
    says(&shop, "Ben", "How long does delivery take?").await;
    assert!(told(&fake).contains("5 days during the festival. (noted by our team"), "{}", told(&fake));
    let before = fake.requests();
    says(&shop, "Ben", "Are lamps repaired by hand?").await;
    assert!(fake.requests() > before && !told(&fake).contains("festival"), "{}", told(&fake));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_customer_sets_right_takes_the_place_of_what_was_wrong() {
    each(|shop| async move {
        says(&shop, "Ana", "I live in Penang.").await;
        give_back(&shop, "Ana").await;
        says(&shop, "Ana", "What do you know about me?").await;
        says(&shop, "Ana", "That's wrong, I live in Ipoh").await;
        assert!(last(&shop, "Ana").contains("remember it that way"), "{}", last(&shop, "Ana"));
        assert_eq!(values(&shop, "Ana", "city").await, ["Ipoh"]);
        // What was shown is what is forgotten, though a newer one came meanwhile.
        says(&shop, "Ana", "Forget my city").await;
        assert!(last(&shop, "Ana").contains("- lives in: Ipoh"), "{}", last(&shop, "Ana"));
        says(&shop, "Ana", "yes").await;
        assert!(memories(&shop, "Ana", "").await.iter().all(|m| m["kind"] != "city"), "Penang goes with it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_english_customer_is_forgotten_on_their_word_and_not_on_a_plea() {
    each(|shop| async move {
        let shop = shop.knowing("# Passwords\n\n忘了密码的话，请点击登录页的“找回密码”。\n").await;
        says(&shop, "Ana", "Hello!").await;
        for ordinary in ["Don't forget me, please!", "忘了密码怎么办？"] {
            says(&shop, "Ana", ordinary).await;
            let said = last(&shop, "Ana");
            assert!(
                !said.contains("erase") && !said.contains("没有记住") && !said.contains("忘掉"),
                "{ordinary}: {said}"
            );
        }
        if shop.conversation("Ana").await["holder"] != "assistant" {
            give_back(&shop, "Ana").await;
        }
        says(&shop, "Ana", "Forget me").await;
        assert!(last(&shop, "Ana").contains("can't be undone"), "{}", last(&shop, "Ana"));
        says(&shop, "Ana", "yes").await;
        // Until it is done nothing of them is shown any more.
        says(&shop, "Ana", "What do you know about me?").await;
        assert!(last(&shop, "Ana").contains("being erased right now"), "{}", last(&shop, "Ana"));
        shop.app.clock.advance(Duration::minutes(1));
        shop.settle().await;
        let all = shop.call("GET", "/api/customers?limit=200", None).await.body;
        assert!(all["items"].as_array().unwrap().iter().all(|c| c["name"] != "Ana"), "{all}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_knows_what_was_believed_though_it_was_wrong() {
    each(|shop| async move {
        says(&shop, "Ana", "I live in Penang.").await;
        let then = shop.app.now();
        shop.app.clock.advance(Duration::days(30));
        let id = customer(&shop, "Ana").await;
        let memory = memories(&shop, "Ana", "").await[0]["id"].as_str().unwrap().to_owned();
        let agent = shop.user("agnes", "agent").await;
        let path = format!("/api/customers/{id}/memories/{memory}");
        let corrected = shop.call_as(&agent, "PATCH", &path, Some(json!({"value": "Ipoh"}))).await;
        assert!(corrected.status.is_success(), "{corrected:?}");
        let believed = async |at: chrono::DateTime<chrono::Utc>| {
            let at = at.format("%Y-%m-%dT%H:%M:%SZ");
            let all = memories(&shop, "Ana", &format!("?at={at}")).await;
            all.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(believed(then + Duration::days(1)).await, ["Penang"]);
        shop.app.clock.advance(Duration::days(1));
        assert_eq!(believed(shop.app.now()).await, ["Ipoh"]);
        let slow = shop
            .call_as(
                &agent,
                "PATCH",
                &format!("/api/customers/{id}/memories/{}", corrected.body["id"].as_str().unwrap()),
                Some(json!({"decay_factor": 0.5})),
            )
            .await;
        assert_eq!(slow.body["decay_factor"], 0.5, "{slow:?}");
        let now = slow.body["strength"].as_f64().unwrap();
        shop.app.clock.advance(Duration::days(1));
        let later = memories(&shop, "Ana", "?status=active").await[0]["strength"].as_f64().unwrap();
        assert!(later < now * 0.7, "{now} {later}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_puts_away_what_is_spent_and_keeps_what_is_open_or_used() {
    each(|shop| async move {
        says(&shop, "Ana", "I am really angry! I bought a tea set.").await;
        says(&shop, "Ana", "I bought a tea set.").await;
        let kind = |all: &[serde_json::Value], kind: &str| all.iter().find(|m| m["kind"] == kind).cloned();
        let all = memories(&shop, "Ana", "?status=active").await;
        assert_eq!(kind(&all, "purchase").unwrap()["type"], "long_term", "said twice: {all:?}");
        assert_eq!(kind(&all, "mood").unwrap()["type"], "short_term", "{all:?}");
        let conversation = shop.conversation("Ana").await["id"].as_str().unwrap().to_owned();
        let agent = shop.user("agnes", "agent").await;
        let promise = json!({"text": "I will send you a replacement by Friday."});
        let path = format!("/api/conversations/{conversation}/messages");
        assert!(shop.call_as(&agent, "POST", &path, Some(promise)).await.status.is_success());
        shop.settle().await;

        let id: CustomerId = serde_json::from_value(json!(customer(&shop, "Ana").await)).unwrap();
        let recall = async |text: &str| {
            let query = memory::Query::new(shop.org, id, text);
            memory::recall(&shop.app, &query).await.unwrap()
        };
        // What an answer took up gets stronger, what it did not take up does not.
        shop.app.clock.advance(Duration::days(2));
        let recalled = recall("the tea set").await;
        memory::used(&shop.app, shop.org, id, &recalled, "The tea set is dishwasher-safe.").await.unwrap();
        let all = memories(&shop, "Ana", "?status=active").await;
        assert_eq!(kind(&all, "purchase").unwrap()["use_count"], 2, "{all:?}");
        assert_eq!(kind(&all, "promise").unwrap()["use_count"], 0, "{all:?}");

        shop.app.clock.advance(Duration::days(40));
        memory::fade(&shop.app).await.unwrap();
        let all = memories(&shop, "Ana", "").await;
        assert_eq!(kind(&all, "mood").unwrap()["status"], "archived", "{all:?}");
        for kept in ["purchase", "promise"] {
            assert_eq!(kind(&all, kept).unwrap()["status"], "active", "{all:?}");
        }
        // An open promise is always recalled, and said to be doubtful when it is long due.
        let promise = recall("something else").await.into_iter().find(|r| r.memory.kind == memory::Kind::Promise);
        assert!(promise.is_some_and(|r| r.is_stale && r.strength > 0.9));
        shop.app.clock.advance(Duration::days(366));
        memory::fade(&shop.app).await.unwrap();
        let all = memories(&shop, "Ana", "").await;
        assert!(kind(&all, "mood").is_none(), "kept beyond its retention: {all:?}");
        assert_eq!(kind(&all, "promise").unwrap()["strength"], kind(&all, "promise").unwrap()["importance"]);
        let open = kind(&all, "promise").unwrap()["id"].as_str().unwrap().to_owned();
        let path = format!("/api/customers/{id}/memories/{open}");
        let agent = shop.user("tom", "agent").await;
        let kept = shop.call_as(&agent, "PATCH", &path, Some(json!({"is_over": true}))).await;
        assert_eq!(kept.body["status"], "superseded", "{kept:?}");
        assert!(recall("replacement").await.iter().all(|r| r.memory.kind != memory::Kind::Promise));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_budget_the_least_informative_go_first() {
    let shop = Shop::open(On::Sqlite).await;
    says(&shop, "Ana", "Where is my parcel?").await;
    let id: CustomerId = serde_json::from_value(json!(customer(&shop, "Ana").await)).unwrap();
    let now = shop.app.now();
    let mut new: Vec<memory::New> = (0..2000)
        .map(|n| memory::New::note(format!("the rare word w{n}x stands in the talk number q{n}z about t{n}y"), now))
        .collect();
    new.insert(1000, memory::New::note("the talk", now));
    let mut tx = shop.app.begin().await.unwrap();
    memory::keep(tx.conn(), shop.org, id, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    says(&shop, "Ana", "I live in Penang.").await;
    let archived = memories(&shop, "Ana", "?status=archived").await;
    let gone: Vec<_> = archived.iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert!(gone.contains(&"the talk") && gone.len() == 2, "{gone:?}");
    assert_eq!(values(&shop, "Ana", "city").await, ["Penang"]);

    // Who somebody is stays, however little its words tell.
    let mut new: Vec<memory::New> = (0..2000)
        .map(|n| memory::New::note(format!("another rare word v{n}x stands in the talk u{n}z about s{n}y"), now))
        .collect();
    new.push(memory::New { kind: memory::Kind::Allergy, ..memory::New::note("talk", now) });
    let mut tx = shop.app.begin().await.unwrap();
    memory::keep(tx.conn(), shop.org, id, &new, now).await.unwrap();
    tx.commit().await.unwrap();
    says(&shop, "Ana", "I have a Honda Jazz.").await;
    assert_eq!(values(&shop, "Ana", "city").await, ["Penang"]);
    assert_eq!(values(&shop, "Ana", "allergy").await, ["talk"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_facts_learned_at_the_same_time_the_latest_stands() {
    each(|shop| async move {
        says(&shop, "Ana", "I live in Penang.").await;
        let id: CustomerId = serde_json::from_value(json!(customer(&shop, "Ana").await)).unwrap();
        for round in 1..=5 {
            // From as many conversations at once, each with its own transaction.
            let learned = (0..12).map(|n| {
                let shop = &shop;
                async move {
                    let said_at = shop.app.now() + Duration::minutes(round * 100 + n);
                    let city = memory::New::note(format!("City {round} {n}"), said_at);
                    let mut tx = shop.app.begin().await.unwrap();
                    let new = memory::New { kind: memory::Kind::City, ..city };
                    memory::keep(tx.conn(), shop.org, id, &[new], said_at).await.unwrap();
                    tx.commit().await.unwrap();
                }
            });
            futures::future::join_all(learned).await;
            assert_eq!(values(&shop, "Ana", "city").await, [format!("City {round} 11")]);
        }
        let all = memories(&shop, "Ana", "").await;
        assert_eq!(all.iter().filter(|m| m["kind"] == "city").count(), 61, "one was lost");
    })
    .await;
}
