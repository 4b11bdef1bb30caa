//! Which language models are asked: chosen through the API, in force at once, on SQLite and on PostgreSQL.

use axum::http::StatusCode;
use frontdesk::{app::App, assistants, platform::Clock, staff};
use serde_json::{Value, json};

use crate::support::{
    app::{KEY as MASTER, On, Scratch, TestApp, config, databases, is_on_disk, monday},
    caller::Caller,
    model::{Asked, CHAT, DIMENSIONS, Does, EMBEDDING, FakeModel, KEY},
    shop::Shop,
};

const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n";

fn chat(fake: &FakeModel) -> Value {
    json!({"base_url": fake.base_url, "api_key": KEY, "chat_model": CHAT, "timeout_s": 5})
}

fn with(mut settings: Value, change: &Value) -> Value {
    for (key, value) in change.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

fn greets(_: &Asked) -> Value {
    json!({"greeting": "hello"})
}

/// Which embedding model made the live index of passages, and how many generations there were.
async fn index(shop: &Shop) -> (Option<String>, i64) {
    let mut reader = shop.app.read().await.unwrap();
    frontdesk::both!(reader.conn(), c => sqlx::query_as(
        "SELECT embedding_model, generation FROM vector_generations
         WHERE org_id = $1 AND collection = 'passages' AND state = 'live'")
        .bind(shop.org).fetch_one(c).await)
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_chosen_in_the_console_answers_at_once_and_its_key_is_never_shown() {
    for on in databases() {
        let fake = FakeModel::start().await;
        let shop = Shop::open(on).await.knowing(WARRANTY).await;
        let before = shop.call("GET", "/api/model", None).await.body;
        assert_eq!((&before["source"], &before["is_editable"]), (&json!("nobody"), &json!(true)));
        let ask = async || {
            shop.call("POST", "/api/ask", Some(json!({"question": "How long is the warranty of a grinder?"})))
                .await
                .body
        };
        assert!(ask().await["answer"].as_str().unwrap().contains("24 months"), "it works without a model");
        assert_eq!(fake.requests(), 0);

        let saved = shop.call("PUT", "/api/model", Some(chat(&fake))).await;
        assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
        assert_eq!((&saved.body["source"], &saved.body["has_api_key"]), (&json!("console"), &json!(true)));
        assert!(saved.body["now"].as_str().unwrap().starts_with("stub-chat at 127.0.0.1"), "{saved:?}");
        assert!(ask().await["answer"].as_str().unwrap().contains("24 months"));
        assert!(fake.requests() > 0 && fake.unauthorised() == 0, "the model was asked, with the key");

        let shown = shop.call("GET", "/api/model", None).await.body;
        let audited = shop.call("GET", "/api/audit-logs?limit=100", None).await.body;
        assert!(!shown.to_string().contains(KEY) && !audited.to_string().contains(KEY));
        let line = audited["items"].as_array().unwrap().iter().find(|l| l["action"] == "settings.model").unwrap();
        assert_eq!(line["changes"]["chat_model"], json!(["", CHAT]));
        assert_eq!(line["changes"]["api_key_hash"], "changed");
        if on == On::Sqlite {
            assert!(!is_on_disk(&shop.app.dir.0, KEY));
        }

        // The key stays where it was given for.
        let kept = with(chat(&fake), &json!({"api_key": null, "timeout_s": 7}));
        assert_eq!(shop.call("PUT", "/api/model", Some(kept)).await.body["has_api_key"], true);
        let moved = with(chat(&fake), &json!({"api_key": null, "base_url": "http://127.0.0.1:1/v1"}));
        assert_eq!(shop.call("PUT", "/api/model", Some(moved)).await.body["has_api_key"], false);
        // Without a model it goes on.
        let none = json!({"base_url": "", "chat_model": ""});
        let none = shop.call("PUT", "/api/model", Some(none)).await;
        assert_eq!(none.body["source"], "nobody", "{none:?}");
        let asked = fake.requests();
        assert!(ask().await["answer"].as_str().unwrap().contains("24 months"));
        assert_eq!(fake.requests(), asked);

        for wrong in [
            json!({"base_url": "api.example.com"}),
            json!({"base_url": "", "chat_model": "x"}),
            json!({"timeout_s": 0}),
            json!({"embedding_dimensions": 0}),
        ] {
            let refused = shop.call("PUT", "/api/model", Some(with(chat(&fake), &wrong))).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {refused:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_goes_before_and_another_organisation_only_looks() {
    for on in databases() {
        let (file, other) = (FakeModel::start().await, FakeModel::start().await);
        file.answers(greets);
        let app = TestApp::open_with(on, |c| c.model = file.chat_config()).await;
        let shop = Shop::around(app).await;
        let shown = shop.call("GET", "/api/model", None).await.body;
        assert_eq!((&shown["source"], &shown["is_editable"]), (&json!("configuration"), &json!(false)));
        assert_eq!((&shown["chat_model"], &shown["has_api_key"]), (&json!(CHAT), &json!(true)));
        let refused = shop.call("PUT", "/api/model", Some(chat(&other))).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        // The test button tries what is in force, whatever is sent along.
        let tried = shop.call("POST", "/api/model/test", Some(chat(&other))).await.body;
        assert_eq!((&tried["chat"]["problem"], other.requests()), (&Value::Null, 0), "{tried}");
        assert!(file.requests() > 0);

        let open = TestApp::open(on).await;
        for slug in ["default", "other"] {
            staff::ensure_org(&open, slug, slug).await.unwrap();
        }
        let there = Caller::command_line(&open, "other");
        assert_eq!(there.get("/api/model").await.ok()["is_editable"], false);
        let put = |by: Caller| async move {
            by.send(axum::http::Method::PUT, "/api/model", Some(json!({"base_url": ""}))).await
        };
        assert_eq!(put(there.clone()).await.error(), "conflict");
        assert_eq!(there.post("/api/model/test", json!({"base_url": "http://127.0.0.1:1"})).await.error(), "conflict");
        let agent = Caller::command_line(&open, "default").colleague("Ana", &["manager"]).await;
        assert_eq!(put(agent).await.error(), "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_button_says_what_is_wrong() {
    for on in databases() {
        let shop = Shop::open(on).await;
        let fake = FakeModel::start().await;
        fake.answers(greets);
        let test = async |change: Value| {
            let found = shop.call("POST", "/api/model/test", Some(with(chat(&fake), &change))).await;
            assert_eq!(found.status, StatusCode::OK, "{found:?}");
            assert!(!found.body.to_string().contains(KEY));
            found.body
        };
        let fine = test(json!({"embedding_model": EMBEDDING, "embedding_dimensions": DIMENSIONS})).await;
        assert_eq!((&fine["chat"]["problem"], &fine["chat"]["mode"]), (&Value::Null, &json!("json_schema")), "{fine}");
        assert_eq!(fine["embedding"]["dimensions"], DIMENSIONS);
        assert_eq!(fake.embedded(), [["Frontdesk"]]);
        assert_eq!(test(json!({})).await["embedding"], Value::Null, "it is not asked for");
        fake.able(|a| a.json_schema = false);
        assert_eq!(test(json!({})).await["chat"]["mode"], "json_object", "the fallback is told");
        fake.able(|a| a.json_object = false);
        assert_eq!(test(json!({})).await["chat"]["mode"], "prompted");

        for (does, problem) in [
            (Does::Fails(401), "wrong_key"),
            (Does::NoSuchModel(404), "unknown_model"),
            (Does::NoSuchModel(400), "unknown_model"),
            (Does::Html(404), "no_route"),
            (Does::Html(200), "malformed"),
            (Does::RateLimits(Some(300)), "rate_limited"),
            (Does::OutOfMoney, "out_of_money"),
            (Does::Fails(500), "refused"),
            (Does::Says("Hello!".into()), "not_structured"),
        ] {
            fake.always(does);
            let found = test(json!({})).await;
            assert_eq!(found["chat"]["problem"], problem, "{found}");
            assert!(found["chat"]["detail"].is_string());
        }
        fake.always(Does::Slow(std::time::Duration::from_secs(7200)));
        assert_eq!(test(json!({"timeout_s": 1})).await["chat"]["problem"], "too_slow");
        fake.always(Does::Quotes);
        assert_eq!(test(json!({"base_url": FakeModel::dead().await})).await["chat"]["problem"], "unreachable");
        let short = test(json!({"embedding_model": EMBEDDING, "embedding_dimensions": 5000})).await;
        assert!(
            short["embedding"]["problem"] == "wrong_dimensions" || short["embedding"]["dimensions"] == 5000,
            "{short}"
        );
        fake.take_malformed();
        // Nothing of it was kept.
        assert_eq!(shop.call("GET", "/api/model", None).await.body["source"], "nobody");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_embedding_model_makes_the_index_anew_after_saying_so() {
    for on in databases() {
        let fake = FakeModel::start().await;
        let shop = Shop::open(on).await.knowing(WARRANTY).await;
        assert_eq!(index(&shop).await, (None, 1));
        let settings = with(chat(&fake), &json!({"embedding_model": EMBEDDING, "embedding_dimensions": DIMENSIONS}));
        let refused = shop.call("PUT", "/api/model", Some(settings.clone())).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
        assert!(fake.embedded().is_empty(), "nothing was begun");
        let sure = with(settings.clone(), &json!({"rebuilds_index": true}));
        let saved = shop.call("PUT", "/api/model", Some(sure)).await;
        assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
        shop.settle().await;
        assert_eq!(index(&shop).await, (Some(EMBEDDING.into()), 2));
        assert!(fake.embedded().iter().flatten().any(|text| text.contains("24 months")));
        let before = fake.embedded().len();
        let ask = json!({"question": "How long is the warranty?"});
        shop.call("POST", "/api/ask", Some(ask)).await;
        assert!(fake.embedded().len() > before, "questions are searched for by meaning now");
        // What does not touch the vectors rebuilds nothing.
        let same = with(settings, &json!({"api_key": null, "timeout_s": 9}));
        assert_eq!(shop.call("PUT", "/api/model", Some(same)).await.status, StatusCode::OK);
        shop.settle().await;
        assert_eq!(index(&shop).await.1, 2);
        // And back to words alone.
        let words = with(chat(&fake), &json!({"rebuilds_index": true}));
        assert_eq!(shop.call("PUT", "/api/model", Some(words)).await.status, StatusCode::OK);
        shop.settle().await;
        assert_eq!(index(&shop).await, (None, 3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_choice_outlives_a_restart_and_reaches_other_processes() {
    for on in databases() {
        let fake = FakeModel::start().await;
        let (dir, config) = (Scratch::new(), config(on, |_| {}).await);
        let open = async |dir: &Scratch| {
            App::open(config.clone(), dir.0.clone(), Some(MASTER.into()), Clock::fixed(monday())).await.unwrap()
        };
        let app = open(&dir).await;
        staff::ensure_org(&app, "default", "Default").await.unwrap();
        let shop = Caller::command_line(&app, "default");
        let beside = Scratch::new();
        let other = if on == On::Postgres { Some(open(&beside).await) } else { None };
        shop.send(axum::http::Method::PUT, "/api/model", Some(chat(&fake))).await.ok();
        assert!(app.model.can_chat());
        if let Some(other) = other {
            assert!(!other.model.can_chat());
            assistants::model::refresh(&other).await.unwrap();
            assert!(other.model.can_chat(), "it looked again");
            other.close().await;
        }
        app.close().await;
        drop((app, shop));
        let app = open(&dir).await;
        assert!(!app.model.can_chat());
        assistants::model::refresh(&app).await.unwrap(); // as `serve` does before it answers
        assert!(app.model.describe().starts_with("stub-chat at"), "{}", app.model.describe());
        app.close().await;
    }
}
