//! The assistant's versions, on SQLite and PostgreSQL: drafted, published behind a gate, rolled back; and real
//! conversations taken again under another version, document or threshold.
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
use serde_json::{Value, json};
use support::{
    app::{On, TestApp, databases, is_on_disk},
    caller::Caller,
    model::FakeModel,
    rows,
    shop::Shop,
};

const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n\n\
    # Shipping\n\nShipping to Penang takes 5 working days and costs RM 12.\n";
const QUESTION: &str = "How long is the warranty of a grinder?";

/// Runs a story once on each database, with a shop that knows its warranty.
async fn each<F: Future<Output = ()>>(story: impl Fn(Shop) -> F) {
    for on in databases() {
        eprintln!("on {on:?}");
        let shop = Shop::open(on).await;
        shop.learns("en.md", WARRANTY).await;
        story(shop).await;
    }
}

/// The same with a model that answers; it writes `word` into its answer.
async fn shop_with_model(on: On, fake: &FakeModel, word: &'static str) -> Shop {
    fake.answers(move |asked| {
        let passages = asked.passages();
        match passages.iter().position(|p| p.contains("24 months")) {
            Some(at) => json!({"kind": "answer", "sentences": [{
                "text": format!("Every grinder has a warranty of 24 months from the day of delivery{word}."),
                "citations": [{"passage": at + 1, "quote": "24 months from the day of delivery"}],
            }]}),
            None => json!({"kind": "cannot_answer", "sentences": []}),
        }
    });
    let shop = Shop::around(TestApp::open_with(on, |c| c.model = fake.config()).await).await;
    shop.learns("en.md", WARRANTY).await;
    shop
}

async fn asks(shop: &Shop, customer: &str, text: &str) -> (String, String) {
    shop.says(customer, text).await;
    shop.settle().await;
    let holder = shop.conversation(customer).await["holder"].as_str().unwrap().to_owned();
    (shop.reached(customer).pop().unwrap_or_default(), holder)
}

fn caller(shop: &Shop) -> Caller {
    Caller::command_line(&shop.app, "default")
}

async fn assistant(by: &Caller) -> String {
    by.get("/api/assistant").await.ok()["id"].as_str().unwrap().to_owned()
}

async fn draft(by: &Caller, body: Value) -> i64 {
    let path = format!("/api/assistants/{}/versions", assistant(by).await);
    by.post(&path, body).await.ok()["version"].as_i64().unwrap()
}

async fn publish(by: &Caller, version: i64, body: Value) -> support::caller::Answer {
    by.post(&format!("/api/assistants/{}/versions/{version}/publish", assistant(by).await), body).await
}

async fn roll_back(by: &Caller) -> support::caller::Answer {
    by.post(&format!("/api/assistants/{}/roll-back", assistant(by).await), json!({})).await
}

async fn replay(by: &Caller, body: Value) -> Value {
    by.post("/api/replays", body).await.ok()
}

async fn statuses(by: &Caller) -> Vec<String> {
    let all = by.get(&format!("/api/assistants/{}/versions", assistant(by).await)).await.ok();
    all.as_array().unwrap().iter().map(|v| format!("{} {}", v["version"], v["status"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_assistant_speaks_as_the_company_wants() {
    each(|shop| async move {
        let by = caller(&shop);
        let rules = json!({"name": " Luna ", "tone": "formal", "languages": ["en"], "instructions": ["Say parcel."]});
        let first = draft(&by, json!({"rules": rules})).await;
        let second = draft(&by, json!({"from": first, "rules": {"to_person": ["lawsuit"]}})).await;
        let path = format!("/api/assistants/{}/versions", assistant(&by).await);
        let all = by.get(&path).await.ok();
        let kept = all.as_array().unwrap().iter().find(|v| v["version"] == second).unwrap()["rules"].clone();
        let wanted = json!({"to_person": ["lawsuit"], "name": "Luna", "tone": "formal", "languages": ["en"],
                            "instructions": ["Say parcel."]});
        assert_eq!(kept, wanted, "what is not said stays");
        for (wrong, field) in [
            (json!({"name": "x".repeat(41)}), "rules.name"),
            (json!({"instructions": [" "]}), "rules.instructions"),
            (json!({"instructions": vec!["x"; 31]}), "rules.instructions"),
        ] {
            let refused = by.post(&path, json!({"rules": wrong})).await;
            assert!(refused.error() == "invalid" && refused.text.contains(field), "{refused:?}");
        }
        publish(&by, second, json!({})).await.ok();
        assert_eq!(asks(&shop, "Ana", "Hello").await.0, "Hello! I am Luna. How can I help you?");
        assert_eq!(
            asks(&shop, "小李", "你好").await.0,
            "Hello! I am Luna. How can I help you?",
            "English alone is spoken"
        );
        let who = by.post("/api/ask", json!({"question": "Who are you?"})).await.ok();
        assert!(who["answer"].as_str().unwrap().starts_with("I am Luna, the automatic assistant"), "{who}");
        let nameless = draft(&by, json!({"rules": {"name": null, "languages": []}})).await;
        publish(&by, nameless, json!({})).await.ok();
        assert_eq!(asks(&shop, "小王", "你好").await.0, "您好！请问有什么可以帮您？");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_answers_from_the_next_turn_on_and_can_be_taken_back() {
    each(|shop| async move {
        let by = caller(&shop);
        assert_eq!(asks(&shop, "Ana", QUESTION).await.1, "assistant", "nothing is published: the settings count");
        let first = draft(&by, json!({"note": "as it is"})).await;
        let second = draft(&by, json!({"rules": {"to_person": ["warranty grinder", "投诉"]}})).await;
        assert_eq!((first, second), (1, 2));
        assert_eq!(asks(&shop, "Ben", QUESTION).await.1, "assistant", "a draft changes nothing");

        publish(&by, first, json!({})).await.ok();
        publish(&by, second, json!({})).await.ok();
        publish(&by, second, json!({})).await.ok();
        assert_eq!(asks(&shop, "Cai", QUESTION).await.1, "queue", "the rule sends it to a person");
        assert_eq!(asks(&shop, "小李", "我要投诉").await.1, "queue");
        assert_eq!(shop.conversation("Cai").await["hand_off_reason"], "policy");
        assert_eq!(asks(&shop, "Dan", "How much does shipping to Penang cost?").await.1, "assistant", "another topic");
        assert_eq!(statuses(&by).await, ["2 published", "1 retired"]);
        let asked = by.post("/api/ask", json!({"question": QUESTION})).await.ok();
        assert_eq!((asked["decision"].as_str(), asked["reason"].as_str()), (Some("hand_off"), Some("policy")));

        assert_eq!(roll_back(&by).await.ok()["published"]["version"], 1);
        assert_eq!(statuses(&by).await, ["2 rolled_back", "1 published"]);
        assert_eq!(asks(&shop, "Eve", QUESTION).await.1, "assistant");
        assert_eq!(roll_back(&by).await.ok()["published"], Value::Null, "the settings count again");
        assert_eq!(roll_back(&by).await.error(), "conflict");

        // Two at the same moment come one after the other.
        let (third, fourth) = tokio::join!(draft(&by, json!({})), draft(&by, json!({})));
        let (one, other) = tokio::join!(publish(&by, third, json!({})), publish(&by, fourth, json!({})));
        assert!(one.status.is_success() && other.status.is_success() && third != fourth, "{one:?} {other:?}");
        let published = statuses(&by).await.iter().filter(|s| s.ends_with("published")).count();
        assert_eq!(published, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_reads_only_its_knowledge_bases_and_what_makes_no_sense_is_refused() {
    each(|shop| async move {
        let by = caller(&shop);
        let other = by.post("/api/knowledge-bases", json!({"name": "Other"})).await.ok()["id"].clone();
        let version = draft(&by, json!({"knowledge_base_ids": [other]})).await;
        publish(&by, version, json!({})).await.ok();
        assert_eq!(asks(&shop, "Ana", QUESTION).await.1, "queue", "the warranty stands in another base");
        let all = draft(&by, json!({"knowledge_base_ids": []})).await;
        publish(&by, all, json!({})).await.ok();
        assert_eq!(asks(&shop, "Ben", QUESTION).await.1, "assistant");

        let path = format!("/api/assistants/{}/versions", assistant(&by).await);
        for (body, words) in [
            (json!({"max_error_rate": 0.9}), "between 0.001 and 0.5"),
            (json!({"prompts": {"answer.en.j2": "Be brief."}}), "is missing"),
            (json!({"prompts": {"anser.en.j2": "x\n--- user ---\ny"}}), "there is no such prompt"),
            (json!({"rules": {"to_person": [" "]}}), "to_person"),
            (json!({"knowledge_base_ids": [uuid::Uuid::now_v7()]}), "knowledge base not found"),
            (json!({"from": 99}), "not found"),
            (json!({"colour": "blue"}), "unknown field"),
        ] {
            let refused = by.post(&path, body.clone()).await;
            assert!(refused.status.is_client_error() && refused.text.contains(words), "{body}: {}", refused.text);
        }
        assert_eq!(statuses(&by).await.len(), 2, "nothing that was refused was kept");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_shows_what_a_threshold_a_rule_or_a_document_would_change() {
    each(|shop| async move {
        let by = caller(&shop);
        asks(&shop, "Ana", QUESTION).await;
        asks(&shop, "Ben", "How much does shipping to Penang cost?").await;
        asks(&shop, "Cai", "Do you sell submarines with a nuclear reactor?").await;
        let before = shop.depth().await;
        let found = replay(&by, json!({})).await;
        assert_eq!((&found["summary"]["turns"], &found["summary"]["same"]), (&json!(3), &json!(3)), "{found}");
        assert_eq!(found["summary"]["answered_then"], 2);

        let strict = replay(&by, json!({"max_error_rate": 0.001})).await;
        assert_eq!((&strict["summary"]["lost"], &strict["summary"]["same"]), (&json!(2), &json!(1)), "{strict}");
        let lost = &strict["now"]["cases"][0];
        assert!(lost["outcome"].as_str().unwrap().starts_with("offer_person"), "{lost}");
        assert!(lost["trace"]["evidence"][0]["text"].as_str().is_some(), "{lost}");
        assert_eq!(strict["then"]["cases"][0]["outcome"], "answer");

        let ruled = draft(&by, json!({"rules": {"to_person": ["Penang"]}})).await;
        let found = replay(&by, json!({"version": ruled})).await;
        assert_eq!((&found["summary"]["lost"], &found["version"]), (&json!(1), &json!(ruled)), "{found}");
        assert_eq!(found["now"]["cases"][0]["outcome"], "hand_off: policy");

        shop.learns("en.md", &WARRANTY.replace("24 months", "36 months")).await;
        let found = replay(&by, json!({})).await;
        assert_eq!((&found["summary"]["reworded"], &found["summary"]["lost"]), (&json!(1), &json!(0)), "{found}");
        assert!(found["now"]["cases"][0]["said"].as_str().unwrap().contains("36 months"));
        assert!(found["then"]["cases"][0]["said"].as_str().unwrap().contains("24 months"));
        assert_eq!(replay(&by, json!({"last": 1})).await["summary"]["turns"], 1);
        assert_eq!(by.post("/api/replays", json!({"last": 0})).await.error(), "invalid");

        assert_eq!(shop.depth().await, before, "a replay makes no work");
        assert_eq!(shop.reached("Ana").len(), 1, "and says nothing to anybody");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replays_are_the_same_byte_by_byte_and_no_call_leaves() {
    for on in databases() {
        let fake = FakeModel::start().await;
        let shop = shop_with_model(on, &fake, "").await;
        let (said, holder) = asks(&shop, "Ana", QUESTION).await;
        assert_eq!((said.starts_with("Every grinder"), holder.as_str()), (true, "assistant"), "{said}");
        // A follow-up that the model makes a question of its own out of, and a model that was down.
        asks(&shop, "Ana", "and from when on?").await;
        fake.always(support::model::Does::Fails(500));
        asks(&shop, "Ben", QUESTION).await;
        let requests = fake.requests();

        let by = caller(&shop);
        let first = by.post("/api/replays", json!({})).await;
        shop.app.clock.advance(chrono::Duration::hours(5));
        let second = by.post("/api/replays", json!({})).await;
        assert_eq!(first.text, second.text);
        let found = first.ok();
        assert_eq!((&found["summary"]["turns"], &found["summary"]["same"]), (&json!(3), &json!(3)), "{found:#}");
        assert_eq!(found["summary"]["not_recorded"], 0);

        // Another prompt asks the model something that it was not asked then: nobody guesses what it would have said.
        let prompt = "Be brief. Answer in JSON.\n--- user ---\n{{ question | data }}\n{{ passages }}\n";
        let version = draft(&by, json!({"prompts": {"answer.en.j2": prompt}})).await;
        let found = replay(&by, json!({"version": version})).await;
        assert_eq!(found["summary"]["not_recorded"], 3, "{found:#}");
        let case = &found["now"]["cases"][0];
        assert_eq!((case["outcome"].as_str(), &case["said"]), (Some("not recorded: answer"), &Value::Null), "{case}");

        // The same with a passage that says something else.
        shop.learns("en.md", &WARRANTY.replace("24 months", "36 months")).await;
        let embedded = fake.requests();
        assert!(replay(&by, json!({})).await["summary"]["not_recorded"].as_i64().unwrap() >= 2);
        assert!(requests < embedded, "the document itself was embedded");
        assert_eq!(fake.requests(), embedded, "no call left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_would_lose_answers_is_held_until_somebody_insists() {
    each(|shop| async move {
        let by = caller(&shop);
        asks(&shop, "Ana", QUESTION).await;
        asks(&shop, "Ben", "How much does shipping to Penang cost?").await;
        let gate = format!("/api/assistants/{}/gate", assistant(&by).await);
        let body = json!({"gate": {"last": 100, "max_lost": 0.2, "max_reworded": 0.2}});
        let put = async |body: Value| by.send(axum::http::Method::PUT, &gate, Some(body)).await;
        assert_eq!(put(body).await.ok()["gate"]["max_lost"], 0.2);
        assert_eq!(put(json!({"gate": {"last": 0, "max_lost": 0.2, "max_reworded": 0.2}})).await.error(), "invalid");

        let harmless = draft(&by, json!({"note": "nothing else"})).await;
        publish(&by, harmless, json!({})).await.ok();
        let harmful = draft(&by, json!({"rules": {"to_person": ["warranty"]}})).await;
        let held = publish(&by, harmful, json!({})).await;
        assert_eq!((held.status, held.error().as_str()), (StatusCode::CONFLICT, "conflict"));
        assert!(held.text.contains("1 of 2 answers would not be given any more (50.0 %"), "{}", held.text);
        assert_eq!(statuses(&by).await, ["2 draft", "1 published"]);
        assert_eq!(asks(&shop, "Cai", QUESTION).await.1, "assistant", "the earlier version answers on");

        publish(&by, harmful, json!({"despite_regression": true})).await.ok();
        assert_eq!(statuses(&by).await, ["2 published", "1 retired"]);
        let log = by.get("/api/audit-logs?limit=1").await.ok();
        let line = &log["items"][0];
        assert_eq!(line["action"], "assistant.publish");
        assert!(line["changes"]["gate"]["overruled"].as_str().unwrap().contains("answers would not"), "{line}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_publish_is_an_admin_and_another_organisation_finds_nothing() {
    each(|shop| async move {
        let by = caller(&shop);
        let version = draft(&by, json!({})).await;
        let path = |rest: &str, id: &str| format!("/api/assistants/{id}/{rest}");
        let id = assistant(&by).await;
        let agent = shop.user("agnes", "agent").await;
        let manager = shop.user("mary", "manager").await;
        let publish = path(&format!("versions/{version}/publish"), &id);
        for (token, method, path, status) in [
            (&agent, "GET", path("versions", &id), StatusCode::FORBIDDEN),
            (&agent, "POST", "/api/replays".to_owned(), StatusCode::FORBIDDEN),
            (&manager, "POST", path("versions", &id), StatusCode::OK),
            (&manager, "POST", "/api/replays".to_owned(), StatusCode::OK),
            (&manager, "POST", publish.clone(), StatusCode::FORBIDDEN),
            (&manager, "POST", path("roll-back", &id), StatusCode::FORBIDDEN),
        ] {
            let body = (method == "POST").then(|| json!({}));
            let answer = shop.call_as(token, method, &path, body).await;
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        }
        frontdesk::staff::ensure_org(&shop.app, "theirs", "Theirs").await.unwrap();
        let them = Caller::command_line(&shop.app, "theirs");
        assert_ne!(assistant(&them).await, id);
        assert_eq!(them.get(&path("versions", &id)).await.error(), "not_found");
        for rest in ["versions".to_owned(), format!("versions/{version}/publish")] {
            assert_eq!(them.post(&path(&rest, &id), json!({})).await.error(), "not_found", "{rest}");
        }
        assert_eq!(them.post(&path("roll-back", &id), json!({})).await.error(), "not_found");
        assert_eq!(replay(&them, json!({})).await["summary"]["turns"], 0);
        assert_eq!(them.post("/api/replays", json!({"version": version})).await.error(), "not_found");
        assert_eq!(statuses(&by).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasing_a_customer_erases_what_was_recorded_of_them() {
    const CANARY: &str = "canaryqwxzhjkvbn";
    for on in databases() {
        let fake = FakeModel::start().await;
        // The word is in none of the documents: the proof cuts it from what is sent, and the tape has it.
        fake.answers(|asked| {
            let at = asked.passages().iter().position(|p| p.contains("24 months")).map_or(1, |at| at + 1);
            let quote = "24 months from the day of delivery";
            let cites = json!([{"passage": at, "quote": quote}]);
            json!({"kind": "answer", "sentences": [
                {"text": "Every grinder has a warranty of 24 months from the day of delivery.", "citations": cites},
                {"text": format!("Call {CANARY} on +60 12 345 6789."), "citations": cites},
            ]})
        });
        let shop = Shop::around(TestApp::open_with(on, |c| c.model = fake.chat_config()).await).await;
        shop.learns("en.md", WARRANTY).await;
        asks(&shop, "Ana", QUESTION).await;
        asks(&shop, "Ben", QUESTION).await;
        let recordings = async || {
            let all = rows::everything(&shop.app.db).await;
            all["turn_recordings"].iter().map(|line| line.contains(CANARY)).collect::<Vec<bool>>()
        };
        assert_eq!(recordings().await, [true, true], "what the model said is recorded");
        for (name, left) in [("Ana", 1), ("Ben", 0)] {
            let id = shop.conversation(name).await["customer_id"].as_str().unwrap().to_owned();
            let ordered = shop.call("POST", &format!("/api/customers/{id}/erase"), None).await;
            assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
            shop.settle().await;
            assert_eq!(recordings().await.len(), left);
            assert_eq!(replay(&caller(&shop), json!({})).await["summary"]["turns"], left);
        }
        assert!(!is_on_disk(&shop.app.dir.0, CANARY), "it is gone from the disk, too");
    }
}
