//! Two customers become one and are taken apart again: nothing is lost, nothing is told to the wrong one.

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::{
    app::{App, CustomerId, IdentityId},
    backup, erasure,
    memory::{self, Asker, Query},
    platform::Clock,
};
use serde_json::{Value, json};

use crate::{
    customer, each, says,
    support::{
        app::{self, KEY, Scratch},
        rows,
        shop::{Answer, Shop, word},
    },
};

async fn must(shop: &Shop, method: &str, path: &str, body: Value) -> Value {
    let answer = shop.call(method, path, (method != "GET").then_some(body)).await;
    assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
    answer.body
}

async fn get(shop: &Shop, path: &str) -> Value {
    must(shop, "GET", path, Value::Null).await
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_else(|| panic!("no text: {of}")).to_owned()
}

/// Ana and Ben, who say where they live, with contacts, tags, notes and deals.
async fn two(shop: &Shop) -> (String, String) {
    for (name, city, fact) in [("Ana", "Penang", "I prefer oolong."), ("Ben", "Ipoh", "I am allergic to peanuts.")] {
        says(shop, name, &format!("I live in {city}. {fact}")).await;
        let id = customer(shop, name).await;
        must(shop, "POST", &format!("/api/customers/{id}/notes"), json!({"text": format!("a note on {name}")})).await;
        let contact = json!({"name": format!("assistant of {name}"), "is_primary": true});
        must(shop, "POST", &format!("/api/customers/{id}/contacts"), contact).await;
        let tag = must(shop, "POST", "/api/tags", json!({"name": format!("tag {}", word())})).await;
        must(shop, "PUT", &format!("/api/customers/{id}/tags/{}", text(&tag["id"])), Value::Null).await;
        let deal = json!({"customer_id": id, "title": format!("a deal with {name}")});
        must(shop, "POST", "/api/deals", deal).await;
        shop.app.clock.advance(Duration::days(1));
    }
    shop.settle().await;
    (customer(shop, "Ana").await, customer(shop, "Ben").await)
}

async fn merge(shop: &Shop, into: &str, from: &str) -> Answer {
    let answer = shop.call("POST", &format!("/api/customers/{into}/merge"), Some(json!({"from": from}))).await;
    shop.settle().await;
    answer
}

async fn merged(shop: &Shop, into: &str, from: &str) -> String {
    let answer = merge(shop, into, from).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    text(&answer.body["id"])
}

async fn undo(shop: &Shop, merge: &str) -> Answer {
    let answer = shop.call("POST", &format!("/api/customer-merges/{merge}/undo"), None).await;
    shop.settle().await;
    answer
}

/// What the API shows of a customer, room by room; without the entries about merges, and the row's own times.
async fn everything(shop: &Shop, id: &str) -> Value {
    let mut person = get(shop, &format!("/api/customers/{id}")).await;
    person.as_object_mut().unwrap().remove("updated_at");
    let ids = |list: &Value| {
        let mut ids: Vec<String> = list.as_array().unwrap().iter().map(|i| text(&i["id"])).collect();
        ids.sort();
        ids
    };
    let timeline = get(shop, &format!("/api/customers/{id}/timeline?limit=200")).await["items"].clone();
    let told: Vec<Value> = timeline.as_array().unwrap().clone();
    let told: Vec<Value> = told.into_iter().filter(|a| !text(&a["type"]).starts_with("merge")).collect();
    let mut memories = Vec::new();
    for m in get(shop, &format!("/api/customers/{id}/memories")).await.as_array().unwrap() {
        memories.push(json!([m["id"], m["value"], m["status"], m["superseded_by"], m["valid_until"]]));
    }
    memories.sort_by_key(ToString::to_string);
    json!({
        "person": person,
        "identities": get(shop, &format!("/api/customers/{id}/identities")).await,
        "contacts": get(shop, &format!("/api/customers/{id}/contacts")).await,
        "timeline": ids(&Value::Array(told)),
        "memories": memories,
        "deals": ids(&get(shop, &format!("/api/deals?customer={id}&limit=200")).await["items"]),
        "conversations": ids(&get(shop, &format!("/api/conversations?customer_id={id}&limit=200")).await["items"]),
    })
}

fn values(all: &Value, status: &str) -> Vec<String> {
    let mut values: Vec<String> =
        all["memories"].as_array().unwrap().iter().filter(|m| m[2] == status).map(|m| text(&m[1])).collect();
    values.sort();
    values
}

async fn recalled(shop: &Shop, id: &str, asker: Option<Asker>, question: &str) -> Vec<String> {
    let customer = CustomerId(id.parse().unwrap());
    let query = Query { asker, ..Query::new(shop.org, customer, question) };
    let found = memory::recall(&shop.app, &query).await.unwrap();
    found.into_iter().filter_map(|r| r.memory.value).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_customers_become_one_and_all_goes_back_when_it_is_undone() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let before = (everything(&shop, &ana).await, everything(&shop, &ben).await);
        must(&shop, "PATCH", &format!("/api/customers/{ben}"), json!({"email": "ben@example.com"})).await;
        let before = (before.0, {
            let mut of_ben = before.1;
            of_ben["person"]["email"] = json!("ben@example.com");
            of_ben
        });
        let seen = get(&shop, &format!("/api/customers/{ana}/merge?from={ben}")).await;
        let email = seen["fields"].as_array().unwrap().iter().find(|f| f["field"] == "email").unwrap();
        assert_eq!((&email["wins"], &email["into"]), (&json!("from"), &Value::Null));
        assert_eq!((seen["moves"]["conversations"].as_i64(), seen["moves"]["deals"].as_i64()), (Some(1), Some(1)));

        let id = merged(&shop, &ana, &ben).await;
        let one = everything(&shop, &ana).await;
        assert_eq!(one["person"]["email"], "ben@example.com");
        for room in ["identities", "contacts", "deals", "conversations"] {
            assert_eq!(one[room].as_array().unwrap().len(), 2, "{room}: {one}");
        }
        assert_eq!(one["person"]["tags"].as_array().unwrap().len(), 2);
        let primary = one["contacts"].as_array().unwrap().iter().filter(|c| c["is_primary"] == true).count();
        assert_eq!(primary, 1, "one contact is the primary one");
        // Ben said last where they live.
        assert_eq!(values(&one, "active"), ["Ipoh", "oolong", "peanuts"]);
        assert_eq!(values(&one, "superseded"), ["Penang"]);
        let listed = get(&shop, "/api/customers?limit=200").await["items"].to_string();
        assert!(listed.contains(&ana) && !listed.contains(&format!("\"id\":\"{ben}\"")), "{listed}");
        let found = get(&shop, "/api/customers?search=Ben").await;
        assert_eq!(found["items"][0]["id"], json!(ana), "found by the name they had");
        assert_eq!(get(&shop, &format!("/api/customers/{ben}")).await["merged_into"], json!(ana));
        let told = get(&shop, &format!("/api/customers/{ana}/timeline?limit=200")).await.to_string();
        assert!(told.contains("\"merged\"") && told.contains(&id), "{told}");
        let audited = get(&shop, &format!("/api/audit-logs?resource_id={ana}")).await.to_string();
        assert!(audited.contains("customer.merge"), "{audited}");
        assert!(recalled(&shop, &ana, None, "allergic to peanuts?").await.contains(&"peanuts".to_owned()));
        assert!(recalled(&shop, &ben, None, "allergic to peanuts?").await.is_empty());

        let undone = undo(&shop, &id).await;
        assert_eq!((undone.status, &undone.body["mixed_conversations"]), (StatusCode::OK, &json!(0)), "{undone:?}");
        let after = (everything(&shop, &ana).await, everything(&shop, &ben).await);
        assert_eq!(after.0, before.0);
        assert_eq!(after.1, before.1);
        assert!(recalled(&shop, &ben, None, "allergic to peanuts?").await.contains(&"peanuts".to_owned()));
        assert!(!recalled(&shop, &ana, None, "allergic to peanuts?").await.contains(&"peanuts".to_owned()));
        assert!(recalled(&shop, &ana, None, "which city?").await.contains(&"Penang".to_owned()), "it holds again");
        // Nothing of it is left over for whoever looks once more.
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        assert_eq!(everything(&shop, &ana).await, before.0);
        assert_eq!(everything(&shop, &ben).await, before.1);
        let again = merged(&shop, &ana, &ben).await;
        assert_ne!(again, id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_on_a_merged_account_is_the_survivor_until_it_is_undone() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let theirs = text(&shop.conversation("Ben").await["id"]);
        let id = merged(&shop, &ana, &ben).await;
        says(&shop, "Ben", "My shoe size is 42.").await;
        let talk = get(&shop, &format!("/api/conversations/{theirs}")).await;
        assert_eq!(talk["customer_id"], json!(ana));
        assert!(values(&everything(&shop, &ana).await, "active").contains(&"42".to_owned()));
        // What was talked of a long time later is a new conversation, of the same person.
        let lead = shop.user(&format!("lead-{}", word()), "team_lead").await;
        let path = format!("/api/conversations/{theirs}");
        for step in ["take-over", "resolve"] {
            let done = shop.call_as(&lead, "POST", &format!("{path}/{step}"), Some(json!({}))).await;
            assert!(done.status.is_success(), "{step}: {done:?}");
        }
        shop.settle().await;
        shop.app.clock.advance(Duration::days(30));
        says(&shop, "Ben", "I live in Taiping now.").await;
        assert_eq!(everything(&shop, &ana).await["conversations"].as_array().unwrap().len(), 3);
        let change = json!({"remark": "changed since"});
        must(&shop, "PATCH", &format!("/api/customers/{ana}"), change).await;

        assert_eq!(undo(&shop, &id).await.status, StatusCode::OK);
        let (of_ana, of_ben) = (everything(&shop, &ana).await, everything(&shop, &ben).await);
        assert_eq!(of_ben["conversations"].as_array().unwrap().len(), 2, "{of_ben}");
        assert_eq!(values(&of_ben, "active"), ["42", "Taiping", "peanuts"]);
        assert_eq!(values(&of_ana, "active"), ["Penang", "oolong"]);
        assert_eq!(of_ana["person"]["remark"], "changed since");
        says(&shop, "Ben", "I have a dog named Rex.").await;
        assert_eq!(shop.conversation("Ben").await["customer_id"], json!(ben));
        let all = rows::everything(&shop.app.db).await;
        for table in ["messages", "turns", "message_parts"] {
            for row in &all[table] {
                assert!(row.contains(&ana) || row.contains(&ben), "{table}: {row}");
            }
        }
        let wrong: Vec<&String> = all["messages"].iter().filter(|m| m.contains("dog") && m.contains(&ana)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unverified_account_hears_nothing_that_the_other_one_said() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let account = async |id: &str| {
            let list = get(&shop, &format!("/api/customers/{id}/identities")).await;
            IdentityId(text(&list[0]["id"]).parse().unwrap())
        };
        let of_ben = account(&ben).await;
        let id = merged(&shop, &ana, &ben).await;
        let hears = async |is_verified| {
            let asker = Some(Asker { identity: of_ben, is_verified });
            recalled(&shop, &ana, asker, "do I prefer oolong, am I allergic to peanuts?").await
        };
        let heard = hears(false).await;
        assert!(heard.contains(&"peanuts".to_owned()) && !heard.contains(&"oolong".to_owned()), "{heard:?}");
        let heard = hears(true).await;
        assert!(heard.contains(&"peanuts".to_owned()) && heard.contains(&"oolong".to_owned()), "{heard:?}");
        undo(&shop, &id).await;
        let heard = hears(true).await;
        assert!(!heard.contains(&"peanuts".to_owned()), "Ana does not hear what Ben said: {heard:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_merged_or_undone_says_why() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        says(&shop, "Cho", "Hello").await;
        let cho = customer(&shop, "Cho").await;
        let refused = async |into: &str, from: &str, status: StatusCode, why: &str| {
            let answer = merge(&shop, into, from).await;
            assert_eq!(answer.status, status, "{answer:?}");
            assert!(answer.body["error"]["message"].as_str().unwrap().contains(why), "{answer:?}");
        };
        let nobody = uuid::Uuid::now_v7().to_string();
        refused(&ana, &ana, StatusCode::CONFLICT, "themselves").await;
        refused(&ana, &nobody, StatusCode::NOT_FOUND, "customer").await;
        // Somebody of another organisation is nobody here.
        let other = frontdesk::staff::ensure_org(&shop.app, "other", "Other").await.unwrap();
        let elsewhere = crate::isolation::a_customer(&shop.app, other, "elsewhere").await.to_string();
        refused(&ana, &elsewhere, StatusCode::NOT_FOUND, "customer").await;
        let agent = shop.user(&format!("agent-{}", word()), "agent").await;
        let path = format!("/api/customers/{ana}/merge");
        let answer = shop.call_as(&agent, "POST", &path, Some(json!({"from": ben}))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let body = json!({"from": ben, "take": ["gender"]});
        let answer = shop.call("POST", &path, Some(body)).await;
        assert!(!answer.status.is_success());

        let first = merged(&shop, &ana, &ben).await;
        refused(&ana, &ben, StatusCode::CONFLICT, "already").await;
        refused(&cho, &ben, StatusCode::CONFLICT, "already").await;
        for (method, path, body) in [
            ("PATCH", format!("/api/customers/{ben}"), json!({"remark": "x"})),
            ("POST", format!("/api/customers/{ben}/notes"), json!({"text": "x"})),
            ("POST", format!("/api/customers/{ben}/memories"), json!({"value": "x"})),
            ("POST", "/api/deals".into(), json!({"customer_id": ben, "title": "x"})),
            ("POST", format!("/api/customers/{ben}/erase"), json!({})),
        ] {
            let answer = shop.call(method, &path, Some(body)).await;
            assert_eq!(answer.status, StatusCode::CONFLICT, "{path}: {answer:?}");
        }
        let second = merged(&shop, &cho, &ana).await;
        let early = undo(&shop, &first).await;
        assert_eq!(early.status, StatusCode::CONFLICT, "{early:?}");
        assert_eq!(get(&shop, &format!("/api/customers/{ben}")).await["merged_into"], json!(cho));
        assert_eq!(undo(&shop, &second).await.status, StatusCode::OK);
        assert_eq!(get(&shop, &format!("/api/customers/{ben}")).await["merged_into"], json!(ana));
        assert_eq!(undo(&shop, &first).await.status, StatusCode::OK);
        assert_eq!(undo(&shop, &first).await.status, StatusCode::CONFLICT);
        let third = merged(&shop, &ana, &ben).await;
        must(&shop, "POST", &format!("/api/customers/{ana}/erase"), json!({})).await;
        let late = undo(&shop, &third).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{late:?}");
        assert!(late.body["error"]["message"].as_str().unwrap().contains("erased"), "{late:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conversations_in_which_both_were_put_together_stay_and_it_is_told() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let (of_ana, of_ben) =
            (text(&shop.conversation("Ana").await["id"]), text(&shop.conversation("Ben").await["id"]));
        let id = merged(&shop, &ana, &ben).await;
        let agent = shop.user(&format!("lead-{}", word()), "team_lead").await;
        let path = format!("/api/conversations/{of_ana}/merge");
        let joined = shop.call_as(&agent, "POST", &path, Some(json!({"from": of_ben}))).await;
        assert!(joined.status.is_success(), "{joined:?}");
        shop.settle().await;
        let undone = undo(&shop, &id).await;
        assert_eq!(undone.body["mixed_conversations"], 2, "{undone:?}");
        // What Ben writes from here is his own, and no reply of theirs reaches the other.
        says(&shop, "Ben", "My shoe size is 42.").await;
        let now = shop.conversation("Ben").await;
        assert_eq!((now["customer_id"].clone(), now["id"] != json!(of_ana)), (json!(ben), true), "{now}");
        let stays = get(&shop, &format!("/api/conversations/{of_ana}")).await;
        assert_eq!(stays["customer_id"], json!(ana));
        says(&shop, "Ana", "I have a cat.").await;
        assert_eq!(shop.conversation("Ana").await["id"], json!(of_ana), "Ana writes on in it");
    })
    .await;
}

async fn back_up(app: &App, to: &std::path::Path) {
    let snapshot = backup::begin(app).await.unwrap();
    backup::write(app, snapshot, std::fs::File::create(to).unwrap(), false).await.unwrap();
}

/// The installation after `backup` was restored beside the ledger, which was applied.
async fn restored(shop: &Shop, backup: &std::path::Path, dir: &Scratch) -> std::sync::Arc<App> {
    let config = app::config(shop.app.on, |_| {}).await;
    backup::restore(&config, &dir.0, Some(KEY.into()), backup).await.unwrap();
    std::fs::copy(shop.app.dir.0.join("erasures.jsonl"), dir.0.join("erasures.jsonl")).unwrap();
    let app = App::open(config, dir.0.clone(), Some(KEY.into()), Clock::fixed(shop.app.now())).await.unwrap();
    erasure::apply(&app).await.unwrap();
    app
}

async fn said_anywhere(app: &App, words: &str) -> Vec<String> {
    let all = rows::everything(&app.db).await;
    let lines = all.into_iter().flat_map(|(table, rows)| rows.into_iter().map(move |row| format!("{table}: {row}")));
    lines.filter(|line| line.contains(words)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasing_the_survivor_erases_both_and_an_older_backup_brings_neither_back() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        must(&shop, "PATCH", &format!("/api/customers/{ben}"), json!({"email": "canary@example.com"})).await;
        let place = Scratch::new();
        let apart = place.0.join("apart.backup");
        back_up(&shop.app, &apart).await;
        merged(&shop, &ana, &ben).await;
        let exported = must(&shop, "POST", &format!("/api/customers/{ana}/export"), Value::Null).await;
        assert_eq!(exported["merged"][0]["name"], "Ben", "the export tells who was merged");
        let together = place.0.join("together.backup");
        back_up(&shop.app, &together).await;
        must(&shop, "POST", &format!("/api/customers/{ana}/erase"), json!({})).await;
        shop.settle().await;
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        for words in ["canary", "Ipoh", "Penang", "peanuts", "Ben"] {
            assert_eq!(said_anywhere(&shop.app, words).await, Vec::<String>::new(), "{words}");
        }
        let merges = rows::everything(&shop.app.db).await["customer_merges"].clone();
        assert_eq!(merges.len(), 1, "which two they were stays, and nothing of them: {merges:?}");
        for backup in [&apart, &together] {
            let dir = Scratch::new();
            let app = restored(&shop, backup, &dir).await;
            for words in ["canary", "Ipoh", "Penang", "peanuts"] {
                assert_eq!(said_anywhere(&app, words).await, Vec::<String>::new(), "{words}");
            }
            app.db.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_was_taken_apart_and_erased_stays_so_when_a_backup_of_the_merged_two_is_restored() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let id = merged(&shop, &ana, &ben).await;
        let place = Scratch::new();
        let together = place.0.join("together.backup");
        back_up(&shop.app, &together).await;
        undo(&shop, &id).await;
        must(&shop, "POST", &format!("/api/customers/{ben}/erase"), json!({})).await;
        shop.settle().await;
        for (words, is_there) in [("peanuts", false), ("Ipoh", false), ("oolong", true)] {
            assert_eq!(!said_anywhere(&shop.app, words).await.is_empty(), is_there, "{words}");
        }
        let dir = Scratch::new();
        let app = restored(&shop, &together, &dir).await;
        for (words, is_there) in [("peanuts", false), ("Ipoh", false), ("oolong", true), ("Penang", true)] {
            assert_eq!(!said_anywhere(&app, words).await.is_empty(), is_there, "{words} after the restoration");
        }
        app.db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_being_written_at_that_moment_comes_along_later() {
    each(|shop| async move {
        let (ana, ben) = two(&shop).await;
        let id = merged(&shop, &ana, &ben).await;
        // As a job would that had read who it is just before.
        let late = async |customer: &str, words: &str| {
            let mut tx = shop.app.begin().await.unwrap();
            let new = [memory::New::note(words, shop.app.now())];
            memory::keep(tx.conn(), shop.org, CustomerId(customer.parse().unwrap()), &new, shop.app.now())
                .await
                .unwrap();
            tx.commit().await.unwrap();
        };
        late(&ben, "a present for an aunt").await;
        shop.app.clock.advance(Duration::minutes(2));
        shop.settle().await;
        assert!(values(&everything(&shop, &ana).await, "active").contains(&"a present for an aunt".to_owned()));
        undo(&shop, &id).await;
        assert!(values(&everything(&shop, &ben).await, "active").contains(&"a present for an aunt".to_owned()));
    })
    .await;
}
