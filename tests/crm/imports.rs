//! Customers from a file: the dry run, the import that happens once, and its undoing.

use axum::http::Method;
use serde_json::{Value, json};

use super::{
    id, names, shop,
    support::{app::TestApp, caller::Caller},
};
use crate::on_each_database;

const FILE: &str = "姓名,邮箱,Phone,Shoe size\n\
    Ana,ANA@example.com,,38\n\
    Bo,,138 0013 8000,39\n\
    Bo again,,+86 138-0013-8000,39\n\
    ,nobody@example.com,,\n\
    Cy,not an address,,\n\
    \"Di, \"\"the\"\" fourth\",di@example.com,,\n";

async fn send(caller: &Caller, csv: &str, more: Value) -> Value {
    let mut body = json!({"csv": csv, "file_name": "people.csv"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    caller.post("/api/customer-imports", body).await.ok()
}

/// What became of each line: `2 added`.
fn outcomes(report: &Value) -> Vec<String> {
    let lines = report["lines"].as_array().unwrap().iter();
    lines.map(|l| format!("{} {}", l["line"], l["outcome"].as_str().unwrap())).collect()
}

on_each_database! {
    async fn a_dry_run_tells_everything_and_changes_nothing(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.post("/api/customers", json!({"name": "Ana Lee", "email": "ana@example.com"})).await.ok();
        let told = send(&shop, FILE, json!({"dry_run": true})).await;
        assert_eq!(outcomes(&told), ["2 duplicate", "3 new", "4 repeated", "5 invalid", "6 invalid", "7 new"]);
        assert_eq!(told["unknown_columns"], json!(["Shoe size"]));
        let lines = &told["lines"];
        assert_eq!((&lines[0]["known_id"], &lines[0]["known_name"]), (&ana["id"], &json!("Ana Lee")));
        assert_eq!(lines[2]["first_line"], 3);
        assert_eq!((&lines[3]["fault"], &lines[4]["fault"]), (&json!("name_missing"), &json!("bad_email")));
        assert_eq!(lines[5]["name"], "Di, \"the\" fourth");
        assert_eq!(told["import"], Value::Null);
        assert_eq!(names(&shop.get("/api/customers").await.ok()), ["Ana Lee"]);
        assert_eq!(shop.get("/api/customer-imports").await.ok()["items"], json!([]));
        for csv in ["", "email\na@example.com\n", &format!("name\n{}", "x\n".repeat(5001))] {
            let answer = shop.post("/api/customer-imports", json!({"csv": csv, "dry_run": true})).await;
            assert_eq!(answer.error(), "invalid");
        }
    }

    async fn pressing_twice_adds_nobody_twice(app: TestApp) {
        let shop = shop(&app, "default").await;
        // Two people of whom only the name is known: nothing but the key tells that they were added.
        let csv = "name,email\nAna,\nBo,\nCy,cy@example.com\n";
        let key = json!({"idempotency_key": "k1"});
        let (one, two) = tokio::join!(send(&shop, csv, key.clone()), send(&shop, csv, key.clone()));
        let again = send(&shop, csv, key.clone()).await;
        for report in [&one, &two, &again] {
            assert_eq!(outcomes(report), ["2 added", "3 added", "4 added"], "{report}");
            assert_eq!(report["import"], one["import"]);
        }
        assert_eq!(one["import"]["added"], 3);
        let mut all: Vec<String> = names(&shop.get("/api/customers").await.ok()).iter().map(|n| n.to_string()).collect();
        all.sort();
        assert_eq!(all, ["Ana", "Bo", "Cy"]);
        let other = json!({"csv": "name\nDi\n", "idempotency_key": "k1"});
        assert_eq!(shop.post("/api/customer-imports", other).await.error(), "conflict");
        // The same file anew, as from a page that was closed: it is said that it was there before.
        let told = send(&shop, csv, json!({"dry_run": true})).await;
        assert_eq!(told["earlier"]["id"], one["import"]["id"]);
        assert_eq!(outcomes(&told), ["2 new", "3 new", "4 duplicate"]);
        let audited = shop.get("/api/audit-logs").await.ok();
        let lines = audited["items"].as_array().unwrap().iter().filter(|l| l["action"] == "customer_import.create");
        assert_eq!(lines.count(), 1);
    }

    async fn two_imports_at_once_add_nobody_twice(app: TestApp) {
        let shop = shop(&app, "default").await;
        let lines: String = (0..1100).map(|n| format!("Customer {n},c{n}@example.com\n")).collect();
        let csv = format!("name,email\n{lines}");
        let (one, two) =
            tokio::join!(send(&shop, &csv, json!({})), send(&shop, &csv, json!({"idempotency_key": "another"})));
        let mut counted = [&one, &two].map(|r| (r["import"]["added"].as_i64(), r["import"]["duplicates"].as_i64()));
        counted.sort_unstable();
        assert_eq!(counted, [(Some(0), Some(1100)), (Some(1100), Some(0))]);
        let third = send(&shop, &csv, json!({"dry_run": true})).await;
        assert!(third["lines"].as_array().unwrap().iter().all(|l| l["name"] == l["known_name"]), "each is who they are");
        let made = &shop.get("/api/customers?search=Customer%201099").await.ok()["items"][0];
        let timeline = shop.get(&format!("/api/customers/{}/timeline", id(made))).await.ok();
        let done = if one["import"]["added"] == 1100 { &one } else { &two };
        assert_eq!(timeline["items"][0]["metadata"]["import_id"], done["import"]["id"], "{timeline}");
    }

    async fn who_is_known_longest_is_named(app: TestApp) {
        let shop = shop(&app, "default").await;
        shop.post("/api/customers", json!({"name": "Old", "phone": "13800138000"})).await.ok();
        app.clock.advance(chrono::Duration::minutes(1));
        let young = shop.post("/api/customers", json!({"name": "Young", "email": "ana@example.com"})).await.ok();
        let csv = "name,email,phone\nAna,ana@example.com,13800138000\n";
        let known = async || send(&shop, csv, json!({"dry_run": true})).await["lines"][0]["known_name"].clone();
        assert_eq!(known().await, "Old");
        app.clock.advance(chrono::Duration::minutes(1));
        let first = shop.post("/api/customers", json!({"name": "First"})).await.ok();
        shop.post(&format!("/api/customers/{}/merge", id(&first)), json!({"from": id(&young)})).await.ok();
        let csv = "name,email\nAna,ana@example.com\n";
        let told = send(&shop, csv, json!({"dry_run": true})).await;
        assert_eq!(told["lines"][0]["known_name"], "First", "who they are now");
        // What is no address in a file is none by hand either.
        for odd in ["@example.com", "ana@", "not@an address"] {
            let told = send(&shop, &format!("name,email\nX,{odd}\n"), json!({"dry_run": true})).await;
            assert_eq!(told["lines"][0]["fault"], "bad_email");
            assert_eq!(shop.post("/api/customers", json!({"name": "X", "email": odd})).await.error(), "invalid", "{odd}");
        }
    }

    async fn undoing_removes_who_was_left_alone_and_says_who_stays(app: TestApp) {
        let shop = shop(&app, "default").await;
        let csv = "name,email\nAna,ana@example.com\nBo,bo@example.com\nCy,cy@example.com\nDi,di@example.com\n";
        let done = send(&shop, csv, json!({})).await;
        let import = format!("/api/customer-imports/{}", id(&done["import"]));
        app.clock.advance(chrono::Duration::minutes(1));
        let all = shop.get("/api/customers").await.ok();
        let of = |name: &str| id(all["items"].as_array().unwrap().iter().find(|c| c["name"] == name).unwrap());
        shop.patch(&format!("/api/customers/{}", of("Bo")), json!({"remark": "likes tea"})).await.ok();
        shop.post("/api/deals", json!({"customer_id": of("Cy"), "title": "D"})).await.ok();
        let undone = shop.delete(&import).await.ok();
        assert_eq!(undone["removed"], 2);
        let kept: Vec<_> = undone["kept"].as_array().unwrap().iter()
            .map(|k| (k["name"].as_str().unwrap(), k["why"].clone())).collect();
        assert_eq!(kept, [("Bo", json!(["changed"])), ("Cy", json!(["deals", "timeline"]))]);
        assert_eq!(names(&shop.get("/api/customers").await.ok()), ["Cy", "Bo"]);
        let again = shop.delete(&import).await.ok();
        assert_eq!((&again["removed"], &again["import"]["removed"]), (&json!(0), &json!(2)));
        let listed = shop.get("/api/customer-imports").await.ok();
        assert!(listed["items"][0]["undone_at"].is_string() && listed["items"][0]["file_name"] == "people.csv");
        // Whom it removed can come again.
        assert_eq!(outcomes(&send(&shop, csv, json!({})).await), ["2 added", "3 duplicate", "4 duplicate", "5 added"]);
    }

    async fn who_sees_only_their_own_imports_for_themselves(app: TestApp) {
        let shop = shop(&app, "default").await;
        let (sal, sam) = (shop.colleague("Sal", &["sales"]).await, shop.colleague("Sam", &["sales"]).await);
        let done = send(&sal, "name,email\nAna,ana@example.com\n", json!({})).await;
        let ana = &shop.get("/api/customers").await.ok()["items"][0];
        assert_eq!(ana["owner_id"], sal.get("/api/me").await.ok()["user"]["id"]);
        let import = format!("/api/customer-imports/{}", id(&done["import"]));
        assert_eq!(sam.delete(&import).await.error(), "forbidden");
        assert_eq!(shop.colleague("Ro", &["readonly"]).await.post("/api/customer-imports", json!({"csv": "name\nX\n"}))
            .await.error(), "forbidden");
        // Somebody else's by now: who imported may not take them away.
        let owner = sam.get("/api/me").await.ok()["user"]["id"].clone();
        shop.patch(&format!("/api/customers/{}", id(ana)), json!({"owner_id": owner})).await.ok();
        let undone = sal.delete(&import).await.ok();
        assert_eq!((&undone["removed"], &undone["kept"][0]["why"][0]), (&json!(0), &json!("out_of_reach")));
        // Who may not see numbers does not learn whose one is.
        shop.post("/api/customers", json!({"name": "Bo", "phone": "13800138000"})).await.ok();
        let role = json!({"name": "Typist", "permissions": [
            {"permission": "customer:read", "scope": "org"}, {"permission": "customer:write", "scope": "org"}]});
        let role = shop.send(Method::POST, "/api/roles", Some(role)).await.ok();
        let typist = shop.colleague("Ty", &[role["key"].as_str().unwrap()]).await;
        let told = send(&typist, "name,phone\nSomebody,13800138000\n", json!({"dry_run": true})).await;
        assert_eq!((&told["lines"][0]["outcome"], &told["lines"][0]["known_name"]), (&json!("duplicate"), &Value::Null));
    }
}
