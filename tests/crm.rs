//! Users and their rights, customers and deals, through the HTTP API on SQLite and on PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod support;

#[path = "crm/audit.rs"]
mod audit;
#[path = "crm/boundaries.rs"]
mod boundaries;
#[path = "crm/chain.rs"]
mod chain;
#[path = "crm/fields.rs"]
mod fields;
#[path = "crm/imports.rs"]
mod imports;
#[path = "crm/model_settings.rs"]
mod model_settings;
#[path = "crm/pipelines.rs"]
mod pipelines;
#[path = "crm/sessions.rs"]
mod sessions;
#[path = "crm/sign_in.rs"]
mod sign_in;

use axum::http::{Method, StatusCode};
use chrono::Duration;
use frontdesk::{
    app::{ChannelId, OrgId},
    customers::{self, Reached},
    platform::Error,
    staff::{self, FirstStart},
    web,
};
use serde_json::{Value, json};
use support::{app::TestApp, caller::Caller};

/// An organisation with everything this file needs; the command line in it.
async fn shop(app: &TestApp, slug: &str) -> Caller {
    staff::ensure_org(app, slug, slug).await.unwrap();
    Caller::command_line(app, slug)
}

fn id(of: &Value) -> String {
    of["id"].as_str().expect("an id").to_string()
}

fn kinds(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|a| a["type"].as_str().unwrap()).collect()
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect()
}

async fn channel(app: &TestApp, org: OrgId) -> ChannelId {
    let id = ChannelId::new();
    let mut tx = app.begin().await.unwrap();
    frontdesk::both!(tx.conn(), c => sqlx::query(
        "INSERT INTO channels (id, org_id, platform, name, config, created_at, updated_at)
         VALUES ($1, $2, 'web', 'Website', '', $3, $3)")
        .bind(id).bind(org).bind(app.now()).execute(c).await.map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    id
}

on_each_database! {
    async fn the_first_admin_comes_by_a_link_that_works_once(app: TestApp) {
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        assert_eq!(staff::ensure_org(&app, "default", "Default").await.unwrap(), org);
        let FirstStart::SetUp { link } = staff::first_start(&app, org, None, None).await.unwrap() else { panic!() };
        let token = link.split_once("token=").unwrap().1.to_string();
        let nobody = Caller::nobody(&app);

        let page = nobody.get(&format!("/setup?token={token}")).await;
        assert!(page.text.contains("Create the first administrator"), "{}", page.text);
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let page = nobody.with("accept-language", "zh-CN,zh;q=0.9").get(&format!("/setup?token={token}")).await;
        assert!(page.text.contains("请创建管理员账号"));

        let mut chosen = json!({"token": token, "email": "Ana@Example.com", "name": "Ana", "password": "short"});
        assert_eq!(nobody.post("/api/setup", chosen.clone()).await.error(), "invalid");
        chosen["password"] = json!("correct horse battery");
        let answer = nobody.post("/api/setup", chosen.clone()).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_string();
        assert!(cookie.starts_with("frontdesk_session=fs_") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        let opened = answer.ok();
        assert_eq!(opened["me"]["user"]["email"], "ana@example.com");
        assert_eq!(opened["me"]["user"]["role"], "super_admin");
        let me = nobody.bearing(opened["token"].as_str().unwrap()).get("/api/me").await.ok();
        assert_eq!(me["organization"]["slug"], "default");

        assert_eq!(nobody.post("/api/setup", chosen).await.error(), "conflict");
        assert!(nobody.get(&format!("/setup?token={token}")).await.text.contains("no longer works"));
        assert_eq!(staff::first_start(&app, org, None, None).await.unwrap(), FirstStart::HasAdmin);
    }

    async fn a_second_set_up_link_makes_no_second_first_admin(app: TestApp) {
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        let mut tokens = Vec::new();
        for _ in 0..2 {
            let FirstStart::SetUp { link } = staff::first_start(&app, org, None, None).await.unwrap() else { panic!() };
            tokens.push(link.split_once("token=").unwrap().1.to_string());
        }
        let nobody = Caller::nobody(&app);
        let chosen = |n: usize| json!({"token": tokens[n], "email": "a@example.com", "password": "correct horse battery"});
        nobody.post("/api/setup", chosen(0)).await.ok();
        assert_eq!(nobody.post("/api/setup", chosen(1)).await.error(), "conflict");
    }

    async fn a_set_up_link_runs_out_after_a_day(app: TestApp) {
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        let FirstStart::SetUp { link } = staff::first_start(&app, org, None, None).await.unwrap() else { panic!() };
        let token = link.split_once("token=").unwrap().1;
        app.clock.advance(Duration::hours(25));
        let chosen = json!({"token": token, "email": "a@example.com", "password": "correct horse battery"});
        assert_eq!(Caller::nobody(&app).post("/api/setup", chosen).await.error(), "conflict");
        let mut tx = app.begin().await.unwrap();
        staff::sweep(tx.conn(), app.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn the_first_admin_may_come_from_a_password_file(app: TestApp) {
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        let file = app.dir.0.join("password");
        assert!(matches!(staff::first_start(&app, org, None, Some(&file)).await, Err(Error::Invalid(_))));
        std::fs::write(&file, "correct horse battery\n").unwrap();
        let made = staff::first_start(&app, org, Some("ana@example.com"), Some(&file)).await.unwrap();
        assert_eq!(made, FirstStart::AdminMade { email: "ana@example.com".into() });
        Caller::nobody(&app).sign_in("ana@example.com", "correct horse battery").await.get("/api/users").await.ok();
        assert_eq!(staff::first_start(&app, org, None, Some(&file)).await.unwrap(), FirstStart::HasAdmin);
    }

    async fn a_second_factor_is_asked_for_and_each_code_works_once(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["admin"]).await;
        let sign_in = async |code: Option<&str>| {
            let body = json!({"email": "ana@example.com", "password": "correct horse battery", "code": code});
            Caller::nobody(&app).post("/api/sign-in", body).await
        };
        assert_eq!(ana.get("/api/me/second-factor").await.ok()["since"], Value::Null);
        let wrong = ana.post("/api/me/second-factor", json!({"password": "a wrong password"})).await;
        assert_eq!(wrong.error(), "invalid");
        let begun = ana.post("/api/me/second-factor", json!({"password": "correct horse battery"})).await.ok();
        assert!(begun["qr_svg"].as_str().unwrap().contains("<svg"), "{begun}");
        let totp = totp_rs::Totp::from_url(begun["url"].as_str().unwrap()).unwrap();
        let code = || totp.generate(u64::try_from(app.now().timestamp()).unwrap()).to_string();
        sign_in(None).await.ok(); // it does not count yet
        let other = shop.sign_in("ana@example.com", "correct horse battery").await;
        assert_eq!(ana.post("/api/me/second-factor/confirm", json!({"code": "000000"})).await.error(), "invalid");
        let first = code();
        let made = ana.post("/api/me/second-factor/confirm", json!({"code": first})).await.ok();
        let recovery: Vec<String> = serde_json::from_value(made["codes"].clone()).unwrap();
        assert_eq!(recovery.len(), 10);
        assert_eq!(other.get("/api/me").await.error(), "signed_out", "other sessions end");
        assert!(ana.get("/api/users").await.ok()["items"][0]["has_second_factor"].as_bool().unwrap());
        let again = ana.post("/api/me/second-factor", json!({"password": "correct horse battery"})).await;
        assert_eq!(again.error(), "conflict");

        let missing = sign_in(None).await;
        assert_eq!((missing.status, missing.error()), (StatusCode::UNAUTHORIZED, "second_factor".into()));
        assert_eq!(sign_in(Some(&first)).await.error(), "invalid", "it was used");
        app.clock.advance(Duration::seconds(30));
        let second = code();
        sign_in(Some(&format!("{} {}", &second[..3], &second[3..]))).await.ok();
        assert_eq!(sign_in(Some(&second)).await.error(), "invalid");
        sign_in(Some(&recovery[0].to_uppercase())).await.ok();
        assert_eq!(sign_in(Some(&recovery[0])).await.error(), "invalid");
        assert_eq!(ana.get("/api/me/second-factor").await.ok()["recovery_codes_left"], 9);

        // Neither the secret nor a code lies readable, and a mailed link alone lets nobody in.
        let secret = begun["secret"].as_str().unwrap();
        let plain = recovery[1].replace('-', "");
        for words in [secret, recovery[1].as_str(), plain.as_str()] {
            assert!(!support::app::is_on_disk(&app.dir.0, words), "{words}");
        }
        let users = shop.get("/api/users").await.ok();
        let link = shop.post(&format!("/api/users/{}/reset-link", id(&users["items"][0])), json!({})).await.ok();
        let token = link["link"].as_str().unwrap().split_once("token=").unwrap().1.to_string();
        let mut chosen = json!({"token": token, "password": "another horse battery"});
        assert_eq!(Caller::nobody(&app).post("/api/setup", chosen.clone()).await.error(), "second_factor");
        chosen["code"] = json!(recovery[1]);
        let ana = Caller::nobody(&app).post("/api/setup", chosen).await.ok();
        let ana = Caller::nobody(&app).bearing(ana["token"].as_str().unwrap());

        // Guessing gets slow, also for who knows the password and asks in between without a code.
        for _ in 0..7 {
            let body = json!({"email": "ana@example.com", "password": "another horse battery", "code": "123456"});
            Caller::nobody(&app).post("/api/sign-in", body.clone()).await;
            Caller::nobody(&app).post("/api/sign-in", json!({"email": body["email"], "password": body["password"]})).await;
        }
        let body = json!({"email": "ana@example.com", "password": "another horse battery", "code": recovery[2]});
        assert_eq!(Caller::nobody(&app).post("/api/sign-in", body.clone()).await.error(), "too_many");
        app.clock.advance(Duration::minutes(31));
        Caller::nobody(&app).post("/api/sign-in", body).await.ok();

        let renewed = ana.post("/api/me/second-factor/recovery-codes", json!({"code": code()})).await.ok();
        assert_ne!(renewed["codes"][0], made["codes"][0]);
        app.clock.advance(Duration::seconds(30));
        ana.post("/api/me/second-factor/remove", json!({"code": code()})).await.ok();
        shop.sign_in("ana@example.com", "another horse battery").await.get("/api/users").await.ok();
        let actions: Vec<String> = shop.get("/api/audit-logs?limit=100").await.ok()["items"]
            .as_array().unwrap().iter().map(|a| a["action"].as_str().unwrap().to_string()).collect();
        for action in ["second_factor.add", "second_factor.renew_codes", "second_factor.remove"] {
            assert!(actions.iter().any(|a| a == action), "{actions:?}");
        }
    }

    async fn an_admin_wants_a_second_factor_of_everybody_and_resets_a_lost_one(app: TestApp) {
        let shop = shop(&app, "default").await;
        let (ana, ben) = (shop.colleague("Ana", &["admin"]).await, shop.colleague("Ben", &["agent"]).await);
        let require = json!({"requires_second_factor": true});
        let put = async |caller: &Caller, body: &Value| caller.send(Method::PUT, "/api/security", Some(body.clone())).await;
        assert_eq!(put(&ben, &require).await.error(), "forbidden");
        assert_eq!(put(&ana, &require).await.error(), "conflict", "the own one comes first");
        let enrol = async |caller: &Caller| {
            let begun = caller.post("/api/me/second-factor", json!({"password": "correct horse battery"})).await.ok();
            let totp = totp_rs::Totp::from_url(begun["url"].as_str().unwrap()).unwrap();
            let code = totp.generate(u64::try_from(app.now().timestamp()).unwrap()).to_string();
            caller.post("/api/me/second-factor/confirm", json!({"code": code})).await.ok();
        };
        enrol(&ana).await;
        put(&ana, &require).await.ok();
        let me = ben.get("/api/me").await.ok();
        assert_eq!((&me["owes_second_factor"], &me["permissions"]), (&json!(true), &json!([])));
        assert_eq!(ben.get("/api/conversations").await.error(), "forbidden");
        enrol(&ben).await;
        assert_eq!(ben.get("/api/me").await.ok()["owes_second_factor"], false);
        ben.get("/api/conversations").await.ok();
        assert_eq!(ben.post("/api/me/second-factor/remove", json!({"code": "1"})).await.error(), "conflict");

        // Ben has lost the phone.
        let path = format!("/api/users/{}/second-factor", id(&me["user"]));
        assert_eq!(ben.delete(&path).await.error(), "forbidden");
        ana.delete(&path).await.ok();
        assert_eq!(ben.get("/api/me").await.error(), "signed_out");
        assert_eq!(ana.delete(&path).await.error(), "not_found");
        let ben = shop.sign_in("ben@example.com", "correct horse battery").await;
        assert_eq!(ben.get("/api/me").await.ok()["owes_second_factor"], true);
        put(&ana, &json!({"requires_second_factor": false})).await.ok();
        ben.get("/api/conversations").await.ok();
        // An admin cannot take it from who ranks above.
        let root = shop.colleague("Root", &["super_admin"]).await;
        enrol(&root).await;
        let above = root.get("/api/me").await.ok();
        assert_eq!(ana.delete(&format!("/api/users/{}/second-factor", id(&above["user"]))).await.error(), "forbidden");
    }

    async fn an_organisation_makes_roles_of_its_own_and_nobody_gives_what_they_have_not(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["admin"]).await;
        let put = async |caller: &Caller, key: &str, body: Value| {
            caller.send(Method::PUT, &format!("/api/roles/{key}"), Some(body)).await
        };
        let night = json!({"name": "Night shift", "permissions": [
            {"permission": "conversation:read", "scope": "org"}, {"permission": "deal:read", "scope": "own"}]});
        let made = ana.post("/api/roles", night.clone()).await.ok();
        let key = made["key"].as_str().unwrap().to_string();
        assert_eq!(made["permissions"].as_array().unwrap().len(), 2);
        assert_eq!(ana.post("/api/roles", json!({"name": "night SHIFT", "permissions": []})).await.error(), "conflict");
        let above = json!({"name": "Root", "permissions": [{"permission": "backup:run", "scope": "org"}]});
        assert_eq!(ana.post("/api/roles", above).await.error(), "forbidden");
        let odd = json!({"name": "Odd", "permissions": [{"permission": "moon:fly", "scope": "org"}]});
        assert_eq!(ana.post("/api/roles", odd).await.error(), "invalid");
        assert_eq!(put(&ana, "agent", night.clone()).await.error(), "conflict", "built-in");

        let ben = ana.colleague("Ben", &[&key]).await;
        ben.get("/api/conversations").await.ok();
        assert_eq!(ben.get("/api/users").await.error(), "forbidden");
        let wider = json!({"name": "Night shift", "permissions": [{"permission": "user:read", "scope": "org"}]});
        put(&ana, &key, wider).await.ok();
        ben.get("/api/users").await.ok();
        assert_eq!(ben.get("/api/conversations").await.error(), "forbidden");
        assert_eq!(ana.delete(&format!("/api/roles/{key}")).await.error(), "conflict", "Ben has it");

        // Who may manage users and nothing else makes nobody an admin by a role, and touches no higher one.
        let keeper = json!({"name": "Keeper", "permissions": [
            {"permission": "user:manage", "scope": "org"}, {"permission": "user:read", "scope": "org"}]});
        let keeper = ana.post("/api/roles", keeper).await.ok();
        let cay = ana.colleague("Cay", &[keeper["key"].as_str().unwrap()]).await;
        let more = json!({"name": "More", "permissions": [{"permission": "settings:manage", "scope": "org"}]});
        assert_eq!(cay.post("/api/roles", more).await.error(), "forbidden");
        // Another organisation neither sees nor gives it.
        let other = Caller::command_line(&app, {
            staff::ensure_org(&app, "other", "Other").await.unwrap();
            "other"
        });
        assert!(other.get("/api/roles").await.ok().as_array().unwrap().iter().all(|r| r["is_built_in"] == true));
        assert_eq!(put(&other, &key, night).await.error(), "not_found");
        let new = json!({"email": "x@example.com", "name": "X", "roles": [key], "password": "correct horse battery"});
        assert_eq!(other.post("/api/users", new).await.error(), "invalid");

        let ben_id = id(&ben.get("/api/me").await.ok()["user"]);
        ana.patch(&format!("/api/users/{ben_id}"), json!({"roles": ["agent"]})).await.ok();
        ana.delete(&format!("/api/roles/{key}")).await.ok();
        assert_eq!(ana.delete(&format!("/api/roles/{key}")).await.error(), "not_found");
    }

    async fn sessions_open_and_end(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["admin"]).await;
        assert_eq!(ana.get("/api/me").await.ok()["actor"], "user");
        ana.post("/api/sign-out", json!({})).await.ok();
        assert_eq!(ana.get("/api/me").await.error(), "signed_out");

        let ana = shop.sign_in("ana@example.com", "correct horse battery").await;
        app.clock.advance(Duration::days(13));
        ana.get("/api/me").await.ok(); // used: lives on
        app.clock.advance(Duration::days(13));
        ana.get("/api/me").await.ok();
        app.clock.advance(Duration::days(15));
        assert_eq!(ana.get("/api/me").await.error(), "signed_out");

        let here = shop.sign_in("ana@example.com", "correct horse battery").await;
        let there = shop.sign_in("ana@example.com", "correct horse battery").await;
        let change = json!({"current": "wrong", "new": "another horse battery"});
        assert_eq!(here.post("/api/me/password", change).await.error(), "invalid");
        let change = json!({"current": "correct horse battery", "new": "another horse battery"});
        here.post("/api/me/password", change).await.ok();
        here.get("/api/me").await.ok();
        assert_eq!(there.get("/api/me").await.error(), "signed_out");
        shop.sign_in("ana@example.com", "another horse battery").await;
    }

    async fn guessing_gets_slow(app: TestApp) {
        let shop = shop(&app, "default").await;
        shop.colleague("Ana", &["agent"]).await;
        let nobody = Caller::nobody(&app);
        let guess = |password: &str| json!({"email": "ana@example.com", "password": password});
        for _ in 0..6 {
            assert_eq!(nobody.post("/api/sign-in", guess("wrong password")).await.error(), "invalid");
        }
        let locked = nobody.post("/api/sign-in", guess("correct horse battery")).await;
        assert_eq!(locked.error(), "too_many");
        assert!(locked.headers.contains_key("retry-after"));
        app.clock.advance(Duration::seconds(5));
        nobody.post("/api/sign-in", guess("correct horse battery")).await.ok();
        let unknown = json!({"email": "nobody@example.com", "password": "wrong password"});
        assert_eq!(nobody.post("/api/sign-in", unknown).await.error(), "invalid");
    }

    async fn one_address_in_two_organisations_says_which(app: TestApp) {
        let (a, b) = (shop(&app, "a").await, shop(&app, "b").await);
        a.colleague("Ana", &["agent"]).await;
        b.colleague("Ana", &["agent"]).await;
        let credentials = json!({"email": "ana@example.com", "password": "correct horse battery"});
        assert_eq!(Caller::nobody(&app).post("/api/sign-in", credentials).await.error(), "conflict");
        let in_b = b.sign_in("ana@example.com", "correct horse battery").await;
        assert_eq!(in_b.get("/api/me").await.ok()["organization"]["slug"], "b");
    }

    async fn a_cookie_works_from_our_own_pages_only(app: TestApp) {
        let shop = shop(&app, "default").await;
        shop.colleague("Ana", &["admin"]).await;
        let nobody = Caller::nobody(&app);
        let credentials = json!({"email": "ana@example.com", "password": "correct horse battery"});
        let opened = nobody.post("/api/sign-in", credentials).await;
        let cookie = opened.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_string();
        let browser = nobody.with("cookie", &cookie);
        browser.get("/api/me").await.ok();
        let tag = json!({"name": "VIP"});
        assert_eq!(browser.post("/api/tags", tag.clone()).await.error(), "foreign");
        let elsewhere = browser.with("sec-fetch-site", "cross-site");
        assert_eq!(elsewhere.post("/api/tags", tag.clone()).await.error(), "foreign");
        browser.with("sec-fetch-site", "same-origin").post("/api/tags", tag).await.ok();
    }

    async fn users_are_invited_changed_and_suspended(app: TestApp) {
        let shop = shop(&app, "default").await;
        let admin = shop.colleague("Ana", &["admin"]).await;
        let invited = admin
            .post("/api/users", json!({"email": "ben@example.com", "name": "Ben", "roles": ["agent"], "language": "zh"}))
            .await
            .ok();
        assert_eq!((invited["status"].as_str(), invited["role"].as_str()), (Some("inactive"), Some("agent")));
        let token = invited["link"].as_str().unwrap().split_once("token=").unwrap().1.to_string();
        let page = Caller::nobody(&app).get(&format!("/setup?token={token}&lang=zh")).await;
        assert!(page.text.contains("ben@example.com"));
        let chosen = json!({"token": token, "password": "correct horse battery"});
        let opened = Caller::nobody(&app).post("/api/setup", chosen).await.ok();
        let ben = Caller::nobody(&app).bearing(opened["token"].as_str().unwrap());
        ben.get("/api/customers").await.ok();
        assert_eq!(ben.get("/api/audit-logs").await.error(), "forbidden");
        assert_eq!(ben.post("/api/users", json!({"email": "c@example.com", "name": "C", "roles": []})).await.error(),
            "forbidden");

        let path = format!("/api/users/{}", id(&invited));
        let twice = json!({"email": "Ben@example.com", "name": "Ben", "roles": []});
        assert_eq!(admin.post("/api/users", twice).await.error(), "conflict");
        let changed = admin.patch(&path, json!({"name": "Benjamin", "roles": ["sales", "readonly"]})).await.ok();
        assert_eq!(changed["roles"], json!(["sales", "readonly"]));
        assert_eq!(admin.patch(&path, json!({"roles": ["super_admin"]})).await.error(), "forbidden");
        assert_eq!(admin.patch(&path, json!({"roles": ["emperor"]})).await.error(), "invalid");
        assert_eq!(admin.get(&path).await.ok()["name"], "Benjamin");

        admin.patch(&path, json!({"status": "suspended"})).await.ok();
        assert_eq!(ben.get("/api/me").await.error(), "signed_out");
        admin.patch(&path, json!({"status": "active"})).await.ok();
        let link = admin.post(&format!("{path}/reset-link"), json!({})).await.ok();
        assert!(link["link"].as_str().unwrap().contains("/setup?token="));

        let users = admin.get("/api/users?limit=1").await.ok();
        assert_eq!(names(&users), ["Benjamin"]);
        let next = format!("/api/users?limit=1&cursor={}", users["next"].as_str().unwrap());
        assert_eq!(names(&admin.get(&next).await.ok()), ["Ana"]);

        let log = admin.get(&format!("/api/audit-logs?resource_id={}", id(&invited))).await.ok();
        let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
        assert!(actions.contains(&"user.create") && actions.contains(&"user.edit"), "{actions:?}");
        assert!(!log.to_string().contains("argon2"));
    }

    async fn somebody_who_may_manage_users_always_remains(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["super_admin"]).await;
        let me = id(&ana.get("/api/me").await.ok()["user"]);
        let path = format!("/api/users/{me}");
        assert_eq!(ana.patch(&path, json!({"status": "suspended"})).await.error(), "conflict");
        assert_eq!(ana.patch(&path, json!({"roles": ["agent"]})).await.error(), "conflict");
        assert_eq!(shop.patch(&path, json!({"status": "suspended"})).await.error(), "conflict");
        ana.get("/api/me").await.ok();

        let admin = shop.colleague("Ben", &["admin"]).await;
        assert_eq!(admin.patch(&path, json!({"name": "Mine"})).await.error(), "forbidden"); // ranks above
        ana.patch(&path, json!({"roles": ["agent"]})).await.ok();
    }

    async fn teams_have_members(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["admin"]).await;
        let user = id(&ana.get("/api/me").await.ok()["user"]);
        let team = ana.post("/api/teams", json!({"name": "Night", "leader_id": user})).await.ok();
        assert_eq!(ana.post("/api/teams", json!({"name": "Night"})).await.error(), "conflict");
        let path = format!("/api/teams/{}", id(&team));
        ana.put(&format!("{path}/members/{user}")).await.ok();
        ana.put(&format!("{path}/members/{user}")).await.ok();
        assert_eq!(ana.get("/api/teams").await.ok()[0]["members"], json!([user]));
        assert_eq!(ana.get(&format!("/api/users/{user}")).await.ok()["teams"], json!([id(&team)]));
        ana.delete(&format!("{path}/members/{user}")).await.ok();
        let renamed = ana.patch(&path, json!({"name": "Day", "leader_id": null})).await.ok();
        assert_eq!((renamed["name"].as_str(), renamed["leader_id"].as_str()), (Some("Day"), None));
        ana.delete(&path).await.ok();
        assert_eq!(ana.get("/api/teams").await.ok(), json!([]));
        assert_eq!(ana.delete(&path).await.error(), "not_found");
    }

    async fn an_api_key_does_what_it_is_made_for(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["admin"]).await;
        let made = ana.post("/api/api-keys", json!({"name": "Shop", "scopes": ["customer:read"]})).await.ok();
        let key = Caller::nobody(&app).bearing(made["key"].as_str().unwrap());
        key.get("/api/customers").await.ok();
        assert_eq!(key.post("/api/customers", json!({"name": "X"})).await.error(), "forbidden");
        assert_eq!(key.get("/api/notifications").await.error(), "forbidden");
        assert!(key.get("/api/me").await.ok()["actor"].as_str().unwrap().starts_with("api_key:"));
        let listed = ana.get("/api/api-keys").await.ok();
        assert!(!listed.to_string().contains(made["key"].as_str().unwrap()));
        assert!(listed[0]["last_used_at"].is_string());
        let beyond = json!({"name": "Backup", "scopes": ["backup:run"]});
        assert_eq!(ana.post("/api/api-keys", beyond).await.error(), "forbidden");
        let unknown = json!({"name": "Odd", "scopes": ["moon:land"]});
        assert_eq!(ana.post("/api/api-keys", unknown).await.error(), "invalid");
        ana.delete(&format!("/api/api-keys/{}", id(&made))).await.ok();
        assert_eq!(key.get("/api/customers").await.error(), "signed_out");

        let until = app.now() + Duration::hours(1);
        let short = json!({"name": "Short", "scopes": ["customer:read"], "expires_at": until});
        let made = ana.post("/api/api-keys", short).await.ok();
        let key = Caller::nobody(&app).bearing(made["key"].as_str().unwrap());
        key.get("/api/customers").await.ok();
        app.clock.advance(Duration::hours(2));
        assert_eq!(key.get("/api/customers").await.error(), "signed_out");
    }

    async fn notifications_reach_who_may_act(app: TestApp) {
        use frontdesk::staff::{Audience, ConversationReply, News, Permission};
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["agent"]).await;
        let reader = shop.colleague("Rea", &["readonly"]).await;
        let org = staff::ensure_org(&app, "default", "").await.unwrap();
        let news = News { kind: "conversation_waiting", title: "A customer waits", content: None, resource: None };
        let mut tx = app.begin().await.unwrap();
        let told =
            staff::notify(tx.conn(), org, Audience::May(ConversationReply::KEY), news, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!(ana.get("/api/me").await.ok()["unread_notifications"], 1);
        let mine = ana.get("/api/notifications?unread=true").await.ok();
        assert_eq!(kinds(&mine), ["conversation_waiting"]);
        assert_eq!(kinds(&reader.get("/api/notifications").await.ok()), Vec::<&str>::new());
        let path = format!("/api/notifications/{}/read", id(&mine["items"][0]));
        assert_eq!(reader.post(&path, json!({})).await.error(), "not_found");
        ana.post(&path, json!({})).await.ok();
        assert_eq!(kinds(&ana.get("/api/notifications?unread=true").await.ok()), Vec::<&str>::new());
        ana.post("/api/notifications/read", json!({})).await.ok();
    }

    async fn customers_are_found_by_what_is_known_of_them(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["agent"]).await;
        let owner = id(&ana.get("/api/me").await.ok()["user"]);
        let vip = shop.post("/api/tags", json!({"name": "VIP", "color": "#2f80ed"})).await.ok();
        let li = json!({"name": "李雷", "phone": "138 0013 8000", "stage": "interested", "owner_id": owner});
        let li = ana.post("/api/customers", li).await.ok();
        assert_eq!(li["phone"], "+8613800138000");
        let acme = json!({"name": "Acme", "type": "enterprise", "email": "Office@Acme.example"});
        let acme = ana.post("/api/customers", acme).await.ok();
        ana.post("/api/customers", json!({"name": "100% Wool"})).await.ok();
        ana.put(&format!("/api/customers/{}/tags/{}", id(&acme), id(&vip))).await.ok();
        ana.post(&format!("/api/customers/{}/contacts", id(&acme)), json!({"name": "Wile E. Coyote"})).await.ok();

        for (query, expected) in [
            ("", vec!["100% Wool", "Acme", "李雷"]),
            ("search=%E6%9D%8E", vec!["李雷"]),
            ("search=0013%208000", vec!["李雷"]),
            ("search=office@ACME", vec!["Acme"]),
            ("search=coyote", vec!["Acme"]),
            ("search=%25", vec!["100% Wool"]),
            ("stage=interested", vec!["李雷"]),
            (&format!("tag={}", id(&vip)), vec!["Acme"]),
            (&format!("owner={owner}"), vec!["李雷"]),
            ("search=nobody", vec![]),
        ] {
            let found = ana.get(&format!("/api/customers?{query}")).await.ok();
            assert_eq!(names(&found), expected, "{query}");
        }
        assert_eq!(ana.get("/api/customers?stage=moon").await.error(), "invalid");
        assert_eq!(ana.get("/api/customers?cursor=moon").await.error(), "invalid");

        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = ana.get(&format!("/api/customers?limit=1&cursor={next}")).await.ok();
            seen.extend(names(&page).into_iter().map(String::from));
            match page["next"].as_str() {
                Some(cursor) => next = cursor.to_string(),
                None => break,
            }
        }
        assert_eq!(seen, ["100% Wool", "Acme", "李雷"]);
        let tags = ana.get("/api/customers?search=acme").await.ok()["items"][0]["tags"].clone();
        assert_eq!(tags[0]["name"], "VIP");
    }

    async fn who_may_not_see_phones_sees_them_nowhere(app: TestApp) {
        let shop = shop(&app, "default").await;
        let reader = shop.colleague("Rea", &["readonly"]).await;
        let li = shop.post("/api/customers", json!({"name": "Li", "phone": "13800138000"})).await.ok();
        let path = format!("/api/customers/{}", id(&li));
        shop.post(&format!("{path}/contacts"), json!({"name": "Han", "phone": "13900139000"})).await.ok();
        let org = staff::ensure_org(&app, "default", "").await.unwrap();
        let channel = channel(&app, org).await;
        let mut tx = app.begin().await.unwrap();
        let reached =
            Reached { channel, kind: "phone", external_id: "8613800138000", display_name: Some("Li Lei") };
        let (customer, _) = customers::find_or_create(tx.conn(), org, reached, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(customer.id.to_string(), id(&li), "a verified number leads to its only customer");

        assert_eq!(reader.get(&path).await.ok()["phone"], "+*********8000");
        for path in [
            "/api/customers".to_string(),
            path.clone(),
            format!("{path}/contacts"),
            format!("{path}/identities"),
            format!("{path}/timeline"),
        ] {
            let shown = reader.get(&path).await.ok().to_string();
            assert!(!shown.contains("13800138000") && !shown.contains("13900139000"), "{path}: {shown}");
        }
        assert_eq!(names(&reader.get("/api/customers?search=13800138000").await.ok()), Vec::<&str>::new());
        assert_eq!(names(&shop.get("/api/customers?search=13800138000").await.ok()), ["Li"]);
        assert!(shop.get(&format!("{path}/identities")).await.text.contains("8613800138000"));
    }

    async fn a_change_is_told_on_the_timeline_and_in_the_log(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["manager"]).await;
        let me = id(&ana.get("/api/me").await.ok()["user"]);
        let li = ana.post("/api/customers", json!({"name": "Li", "remark": "tall"})).await.ok();
        let path = format!("/api/customers/{}", id(&li));
        let change = json!({"stage": "closed", "remark": null, "owner_id": me, "custom_fields": {"size": 41}});
        let changed = ana.patch(&path, change).await.ok();
        assert_eq!((changed["stage"].as_str(), changed["remark"].as_str()), (Some("closed"), None));
        assert_eq!(changed["custom_fields"], json!({"size": 41}));
        assert_eq!(ana.get(&path).await.ok()["custom_fields"], json!({"size": 41}));
        assert_eq!(ana.patch(&path, json!({"owner_id": uuid::Uuid::now_v7()})).await.error(), "invalid");
        assert_eq!(ana.patch(&path, json!({"moon": 1})).await.error(), "invalid");

        let tag = ana.post("/api/tags", json!({"name": "VIP"})).await.ok();
        ana.put(&format!("{path}/tags/{}", id(&tag))).await.ok();
        ana.put(&format!("{path}/tags/{}", id(&tag))).await.ok();
        ana.delete(&format!("{path}/tags/{}", id(&tag))).await.ok();
        assert_eq!(ana.post(&format!("{path}/notes"), json!({"text": " "})).await.error(), "invalid");
        let note = ana.post(&format!("{path}/notes"), json!({"text": "likes tea"})).await.ok();
        assert_eq!((note["description"].as_str(), note["user_id"].as_str()), (Some("likes tea"), Some(&*me)));

        let timeline = ana.get(&format!("{path}/timeline")).await.ok();
        assert_eq!(
            kinds(&timeline),
            ["note_added", "tag_change", "tag_change", "owner_change", "stage_change", "created"]
        );
        assert_eq!(timeline["items"][4]["metadata"], json!({"from": "potential", "to": "closed"}));
        let first = ana.get(&format!("{path}/timeline?limit=2")).await.ok();
        let rest = format!("{path}/timeline?cursor={}", first["next"].as_str().unwrap());
        assert_eq!(kinds(&ana.get(&rest).await.ok()).len(), 4);

        let log = ana.get(&format!("/api/audit-logs?resource_id={}", id(&li))).await.ok();
        let edit = log["items"].as_array().unwrap().iter().find(|l| l["action"] == "customer.edit").unwrap();
        assert_eq!(edit["changes"]["stage"], json!(["potential", "closed"]));
        assert_eq!(edit["user_id"].as_str(), Some(&*me));
    }

    async fn a_customer_has_one_primary_contact(app: TestApp) {
        let shop = shop(&app, "default").await;
        let acme = shop.post("/api/customers", json!({"name": "Acme", "type": "enterprise"})).await.ok();
        let path = format!("/api/customers/{}/contacts", id(&acme));
        assert_eq!(shop.post(&path, json!({"title": "CEO"})).await.error(), "invalid");
        let ana = shop.post(&path, json!({"name": "Ana", "is_primary": true, "phone": "13800138000"})).await.ok();
        let ben = shop.post(&path, json!({"name": "Ben", "is_primary": true})).await.ok();
        let listed = shop.get(&path).await.ok();
        let primary: Vec<_> = listed.as_array().unwrap().iter().map(|c| (&c["name"], &c["is_primary"])).collect();
        assert_eq!(primary, [(&json!("Ben"), &json!(true)), (&json!("Ana"), &json!(false))]);
        let changed = shop.patch(&format!("{path}/{}", id(&ana)), json!({"title": "CEO", "phone": null})).await.ok();
        assert_eq!((changed["title"].as_str(), changed["phone"].as_str()), (Some("CEO"), None));
        shop.delete(&format!("{path}/{}", id(&ben))).await.ok();
        assert_eq!(shop.delete(&format!("{path}/{}", id(&ben))).await.error(), "not_found");
    }

    async fn tags_are_made_changed_and_removed(app: TestApp) {
        let shop = shop(&app, "default").await;
        let vip = shop.post("/api/tags", json!({"name": "VIP", "category": "value"})).await.ok();
        shop.post("/api/tags", json!({"name": "New"})).await.ok();
        assert_eq!(shop.post("/api/tags", json!({"name": "VIP"})).await.error(), "conflict");
        assert_eq!(shop.post("/api/tags", json!({"name": "Odd", "color": "blue"})).await.error(), "invalid");
        let path = format!("/api/tags/{}", id(&vip));
        assert_eq!(shop.patch(&path, json!({"name": "New"})).await.error(), "conflict");
        assert_eq!(shop.patch(&path, json!({"color": "#112233"})).await.ok()["color"], "#112233");
        shop.delete(&path).await.ok();
        assert_eq!(shop.get("/api/tags").await.ok().as_array().unwrap().len(), 1);
    }

    async fn a_stranger_becomes_one_customer_however_often_they_come(app: TestApp) {
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        let channel = channel(&app, org).await;
        let arrivals = (0..8).map(|_| {
            let app = app.app.clone();
            tokio::spawn(async move {
                let reached = Reached { channel, kind: "visitor", external_id: "v-1", display_name: None };
                let mut tx = app.begin().await.unwrap();
                let found = customers::find_or_create(tx.conn(), org, reached, app.now()).await.unwrap();
                tx.commit().await.unwrap();
                found
            })
        });
        let found: Vec<_> = futures::future::join_all(arrivals).await.into_iter().map(Result::unwrap).collect();
        assert!(found.iter().all(|(c, i)| c.id == found[0].0.id && i.id == found[0].1.id));
        assert!(found[0].0.name.starts_with("Visitor "));
        let shop = Caller::command_line(&app, "default");
        assert_eq!(names(&shop.get("/api/customers").await.ok()).len(), 1);
        let path = format!("/api/customers/{}", found[0].0.id);
        assert_eq!(shop.get(&format!("{path}/identities")).await.ok()[0]["external_id"], "v-1");
        assert_eq!(kinds(&shop.get(&format!("{path}/timeline")).await.ok()), ["created"]);
    }

    async fn a_deal_moves_through_the_stages(app: TestApp) {
        let shop = shop(&app, "default").await;
        let ana = shop.colleague("Ana", &["manager"]).await;
        let pipelines = ana.get("/api/pipelines").await.ok();
        let stages: Vec<_> =
            pipelines[0]["stages"].as_array().unwrap().iter().map(|s| s["key"].as_str().unwrap()).collect();
        assert_eq!(stages, ["initial", "needs_confirmed", "proposal", "negotiation", "won", "lost"]);
        let li = ana.post("/api/customers", json!({"name": "Li"})).await.ok();
        let new = json!({"customer_id": id(&li), "title": "Twenty licences", "amount": 1_000_000,
                         "expected_close_date": "2026-04-01", "products": [{"sku": "L-20"}]});
        let deal = ana.post("/api/deals", new).await.ok();
        assert_eq!((&deal["stage"], &deal["probability"], &deal["currency"]), (&json!("initial"), &json!(20), &json!("CNY")));
        assert_eq!(deal["expected_close_date"], "2026-04-01");
        let path = format!("/api/deals/{}", id(&deal));

        let moved = ana.post(&format!("{path}/move"), json!({"stage": "proposal"})).await.ok();
        assert_eq!((&moved["stage"], &moved["probability"]), (&json!("proposal"), &json!(60)));
        let edited = ana.patch(&path, json!({"amount": 2_000_001, "probability": 50, "notes": "soon"})).await.ok();
        assert_eq!((&edited["amount"], &edited["probability"]), (&json!(2_000_001), &json!(50)));
        assert_eq!(ana.post(&format!("{path}/move"), json!({"stage": "won"})).await.error(), "invalid");
        assert_eq!(ana.post(&format!("{path}/lose"), json!({"reason": ""})).await.error(), "invalid");
        let lost = ana.post(&format!("{path}/lose"), json!({"reason": "too dear"})).await.ok();
        assert_eq!((&lost["status"], &lost["loss_reason"]), (&json!("lost"), &json!("too dear")));
        assert_eq!(lost["actual_close_date"], "2026-03-02");
        assert_eq!(ana.post(&format!("{path}/win"), json!({})).await.error(), "conflict");
        let negotiation = pipelines[0]["stages"][3]["id"].clone();
        ana.post(&format!("{path}/move"), json!({"stage_id": negotiation})).await.ok();
        let won = ana.post(&format!("{path}/win"), json!({})).await.ok();
        assert_eq!((&won["status"], &won["probability"]), (&json!("won"), &json!(100)));

        let timeline = ana.get(&format!("/api/customers/{}/timeline", id(&li))).await.ok();
        assert_eq!(
            kinds(&timeline),
            ["deal_won", "deal_moved", "deal_lost", "deal_changed", "deal_moved", "deal_created", "created"]
        );
        assert_eq!(timeline["items"][0]["title"], "Twenty licences");
        let log = ana.get(&format!("/api/audit-logs?resource_id={}", id(&deal))).await.ok();
        let actions: Vec<_> = log["items"].as_array().unwrap().iter().map(|l| l["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["deal.win", "deal.move", "deal.lose", "deal.edit", "deal.move", "deal.create"]);
        assert_eq!(ana.get(&path).await.ok(), won);
    }

    async fn deals_are_listed_and_summed(app: TestApp) {
        let shop = shop(&app, "default").await;
        let li = shop.post("/api/customers", json!({"name": "Li"})).await.ok();
        let han = shop.post("/api/customers", json!({"name": "Han"})).await.ok();
        for (customer, title, amount, currency, stage) in [
            (&li, "A", 1000, "CNY", "initial"),
            (&li, "B", 500, "CNY", "initial"),
            (&li, "C", 700, "EUR", "initial"),
            (&han, "D", 900, "CNY", "proposal"),
        ] {
            let new = json!({"customer_id": id(customer), "title": title, "amount": amount, "currency": currency,
                             "stage": stage});
            shop.post("/api/deals", new).await.ok();
        }
        let totals = shop.get("/api/deals/totals").await.ok();
        let told: Vec<_> = totals
            .as_array()
            .unwrap()
            .iter()
            .map(|t| format!("{} {} {} {} {}", t["stage"], t["currency"], t["deals"], t["amount"], t["weighted_amount"]))
            .collect();
        assert_eq!(
            told,
            [r#""initial" "CNY" 2 1500 300"#, r#""initial" "EUR" 1 700 140"#, r#""proposal" "CNY" 1 900 540"#]
        );
        let titles = |page: &Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|d| d["title"].as_str().unwrap().into()).collect()
        };
        assert_eq!(titles(&shop.get("/api/deals?stage=proposal").await.ok()), ["D"]);
        assert_eq!(titles(&shop.get(&format!("/api/deals?customer={}", id(&li))).await.ok()), ["C", "B", "A"]);
        assert_eq!(titles(&shop.get("/api/deals?status=won").await.ok()), Vec::<String>::new());
        let page = shop.get("/api/deals?limit=3").await.ok();
        assert_eq!(titles(&page), ["D", "C", "B"]);
        let rest = format!("/api/deals?limit=3&cursor={}", page["next"].as_str().unwrap());
        assert_eq!(titles(&shop.get(&rest).await.ok()), ["A"]);
        let odd = json!({"customer_id": id(&li), "title": "E", "amuont": 3});
        assert_eq!(shop.post("/api/deals", odd).await.error(), "invalid");
        assert_eq!(shop.post("/api/deals", json!({"customer_id": id(&li), "title": "E", "amount": -1})).await.error(),
            "invalid");
    }

    async fn sales_sees_its_own_deals_and_a_team_lead_the_teams(app: TestApp) {
        let shop = shop(&app, "default").await;
        let (sal, sam) = (shop.colleague("Sal", &["sales"]).await, shop.colleague("Sam", &["sales"]).await);
        let lead = shop.colleague("Lea", &["team_lead"]).await;
        let team = shop.post("/api/teams", json!({"name": "South"})).await.ok();
        for member in [&sal, &lead] {
            let user = id(&member.get("/api/me").await.ok()["user"]);
            shop.put(&format!("/api/teams/{}/members/{user}", id(&team))).await.ok();
        }
        let li = shop.post("/api/customers", json!({"name": "Li"})).await.ok();
        for (seller, title) in [(&sal, "Sal's"), (&sam, "Sam's")] {
            seller.post("/api/deals", json!({"customer_id": id(&li), "title": title})).await.ok();
        }
        let titles = |page: Value| -> Vec<String> {
            page["items"].as_array().unwrap().iter().map(|d| d["title"].as_str().unwrap().into()).collect()
        };
        assert_eq!(titles(sal.get("/api/deals").await.ok()), ["Sal's"]);
        assert_eq!(titles(lead.get("/api/deals").await.ok()), ["Sal's"]);
        assert_eq!(titles(shop.get("/api/deals").await.ok()), ["Sam's", "Sal's"]);
        let sams = id(&sam.get("/api/deals").await.ok()["items"][0]);
        assert_eq!(sal.get(&format!("/api/deals/{sams}")).await.error(), "not_found");
        assert_eq!(sal.post(&format!("/api/deals/{sams}/win"), json!({})).await.error(), "not_found");
        assert_eq!(lead.patch(&format!("/api/deals/{sams}"), json!({"title": "x"})).await.error(), "not_found");
        // A customer of nobody may be read, not changed, by who changes only their own.
        let path = format!("/api/customers/{}", id(&li));
        sal.get(&path).await.ok();
        assert_eq!(sal.patch(&path, json!({"name": "x"})).await.error(), "not_found");
        let own = sal.post("/api/customers", json!({"name": "Own"})).await.ok();
        sal.patch(&format!("/api/customers/{}", id(&own)), json!({"name": "Mine"})).await.ok();
    }

    async fn another_organisation_finds_nothing_of_ours(app: TestApp) {
        let ours = shop(&app, "ours").await;
        shop(&app, "theirs").await;
        let us = ours.colleague("Ana", &["super_admin"]).await;
        let them = Caller::command_line(&app, "theirs").colleague("Eve", &["super_admin"]).await;
        let user = id(&us.get("/api/me").await.ok()["user"]);
        let team = id(&us.post("/api/teams", json!({"name": "T"})).await.ok());
        let key = id(&us.post("/api/api-keys", json!({"name": "K", "scopes": ["customer:read"]})).await.ok());
        let customer = id(&us.post("/api/customers", json!({"name": "Li"})).await.ok());
        let contact = id(&us.post(&format!("/api/customers/{customer}/contacts"), json!({"name": "C"})).await.ok());
        let tag = id(&us.post("/api/tags", json!({"name": "VIP"})).await.ok());
        us.put(&format!("/api/customers/{customer}/tags/{tag}")).await.ok();
        let deal = us.post("/api/deals", json!({"customer_id": customer, "title": "D"})).await.ok();
        let (pipeline, deal) = (deal["pipeline_id"].clone(), id(&deal));
        let theirs = id(&them.post("/api/customers", json!({"name": "Their own"})).await.ok());
        let their_tag = id(&them.post("/api/tags", json!({"name": "Their own"})).await.ok());

        let get = |path: String| (Method::GET, path, None);
        let name = || Some(json!({"name": "stolen"}));
        let none = || Some(json!({}));
        for (method, path, body) in [
            get(format!("/api/users/{user}")),
            (Method::PATCH, format!("/api/users/{user}"), name()),
            (Method::POST, format!("/api/users/{user}/reset-link"), none()),
            (Method::PATCH, format!("/api/teams/{team}"), name()),
            (Method::DELETE, format!("/api/teams/{team}"), None),
            (Method::PUT, format!("/api/teams/{team}/members/{user}"), None),
            (Method::DELETE, format!("/api/teams/{team}/members/{user}"), None),
            (Method::DELETE, format!("/api/api-keys/{key}"), None),
            (Method::POST, format!("/api/notifications/{}/read", uuid::Uuid::now_v7()), none()),
            get(format!("/api/customers/{customer}")),
            (Method::PATCH, format!("/api/customers/{customer}"), name()),
            get(format!("/api/customers/{customer}/identities")),
            get(format!("/api/customers/{customer}/contacts")),
            (Method::POST, format!("/api/customers/{customer}/contacts"), name()),
            (Method::PATCH, format!("/api/customers/{customer}/contacts/{contact}"), name()),
            (Method::PATCH, format!("/api/customers/{theirs}/contacts/{contact}"), name()),
            (Method::DELETE, format!("/api/customers/{customer}/contacts/{contact}"), None),
            (Method::PUT, format!("/api/customers/{customer}/tags/{their_tag}"), None),
            (Method::PUT, format!("/api/customers/{theirs}/tags/{tag}"), None),
            (Method::DELETE, format!("/api/customers/{customer}/tags/{tag}"), None),
            (Method::POST, format!("/api/customers/{customer}/notes"), Some(json!({"text": "hi"}))),
            get(format!("/api/customers/{customer}/timeline")),
            (Method::PATCH, format!("/api/tags/{tag}"), name()),
            (Method::DELETE, format!("/api/tags/{tag}"), None),
            (Method::POST, "/api/deals".into(), Some(json!({"customer_id": customer, "title": "D"}))),
            (Method::POST, "/api/deals".into(),
                Some(json!({"customer_id": theirs, "title": "D", "pipeline_id": pipeline}))),
            get(format!("/api/deals/{deal}")),
            (Method::PATCH, format!("/api/deals/{deal}"), Some(json!({"title": "stolen"}))),
            (Method::POST, format!("/api/deals/{deal}/move"), Some(json!({"stage": "proposal"}))),
            (Method::POST, format!("/api/deals/{deal}/win"), none()),
            (Method::POST, format!("/api/deals/{deal}/lose"), Some(json!({"reason": "x"}))),
        ] {
            let answer = them.send(method.clone(), &path, body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.text);
        }
        for (path, most) in [("/api/users", 1), ("/api/customers", 1), ("/api/deals", 0), ("/api/audit-logs", 9)] {
            let found = them.get(path).await.ok();
            assert!(found["items"].as_array().unwrap().len() <= most, "{path}: {found}");
            assert!(!found.to_string().contains(&customer), "{path}");
        }
        for path in ["/api/teams", "/api/api-keys"] {
            assert_eq!(them.get(path).await.ok(), json!([]), "{path}");
        }
        assert_eq!(them.patch(&format!("/api/customers/{theirs}"), json!({"owner_id": user})).await.error(), "invalid");
        assert_eq!(names(&us.get("/api/customers").await.ok()), ["Li"]);
    }

    async fn a_newer_program_brings_its_permissions_along(app: TestApp) {
        let shop = shop(&app, "default").await;
        let agent = shop.colleague("Ana", &["agent"]).await;
        let mut tx = app.begin().await.unwrap();
        for older in [
            "DELETE FROM permissions WHERE resource = 'customer' AND action = 'read'",
            "UPDATE role_permissions SET scope = 'own'",
        ] {
            frontdesk::both!(tx.conn(), c => sqlx::query(older).execute(c).await.map(|_| ())).unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(agent.get("/api/customers").await.error(), "forbidden");
        staff::ensure_org(&app, "default", "Default").await.unwrap();
        agent.get("/api/customers").await.ok();
        let roles = agent.get("/api/roles").await.ok();
        assert_eq!(roles[0]["key"], "super_admin");
        assert_eq!(roles.as_array().unwrap().len(), 7);
        assert!(roles[0]["permissions"].as_array().unwrap().iter().all(|p| p["scope"] == "org"));
    }
}

/// Routes that anybody may call, each with its reason.
fn is_open(path: &str) -> bool {
    path.starts_with("/api/widget/") // visitors: they show their own token
        || path == "/api/sign-in" // who is about to sign in
        || path == "/api/setup" // the same, by a link
        || path.starts_with("/api/sign-in/") // the same, over an identity provider
        || path == "/api/session/refresh" // who shows a refresh token
        || path == "/api/forgot-password" // who can't
        || path == "/api/files/{link}" // a platform fetches what was sent: the sealed link is what it shows
}

fn routes() -> Vec<(Method, String)> {
    let api = serde_json::to_value(web::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|m| *m != "parameters") {
            routes.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    routes
}

#[tokio::test]
async fn no_route_can_be_called_signed_out() {
    let app = TestApp::open(support::app::On::Sqlite).await;
    shop(&app, "default").await;
    for (method, path) in routes() {
        if is_open(&path) {
            continue;
        }
        let called = filled(&path);
        for caller in
            [Caller::nobody(&app), Caller::nobody(&app).bearing("fd_wrong"), Caller::nobody(&app).bearing("x")]
        {
            let answer = caller.send(method.clone(), &called, Some(json!({}))).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", answer.text);
        }
    }
}

/// Which built-in roles may call which route. A new route, and every change of who may call one, shows up here.
#[tokio::test]
async fn each_route_is_for_these_roles() {
    let app = TestApp::open(support::app::On::Sqlite).await;
    let shop = shop(&app, "default").await;
    let mut callers = vec![("(no role)", shop.colleague("None", &[]).await)];
    for role in staff::ROLES.iter().rev() {
        callers.push((role.key, shop.colleague(role.key, &[role.key]).await));
    }
    let mut table = String::new();
    for (method, path) in routes() {
        if is_open(&path) || path == "/api/sign-out" || path.ends_with("/events") {
            continue; // signing out would end the test's sessions; a stream doesn't end
        }
        let mut allowed = Vec::new();
        for (role, caller) in &callers {
            let answer = caller.send(method.clone(), &filled(&path), Some(json!({}))).await;
            assert!(!answer.status.is_server_error(), "{method} {path}: {}", answer.text);
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} as {role}");
            if answer.status != StatusCode::FORBIDDEN {
                allowed.push(*role);
            }
        }
        let allowed = if allowed.len() == callers.len() { "everyone".into() } else { allowed.join(" ") };
        table.push_str(&format!("{:6} {path}: {allowed}\n", method.as_str()));
    }
    insta::assert_snapshot!(table);
}

/// The path with ids of nothing in it.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { uuid::Uuid::now_v7().to_string() } else { part.to_string() })
        .collect::<Vec<_>>()
        .join("/")
}
