//! Signing in at an identity provider, and guessing that gets slow over processes and restarts, through the HTTP API on
//! SQLite and on PostgreSQL.

use axum::http::{Method, StatusCode};
use chrono::Duration;
use frontdesk::{app::App, platform::Clock, staff};
use serde_json::{Value, json};

use crate::support::{
    app::{KEY, On, Scratch, TestApp, config, databases, is_on_disk, monday},
    caller::{Answer, Caller},
    provider::{CLIENT, Lie, Provider, SECRET},
};

/// A desk whose people may sign in at a provider.
struct Desk {
    app: TestApp,
    provider: Provider,
    /// The command line in the organisation.
    shop: Caller,
}

impl Desk {
    async fn open(on: On) -> Self {
        eprintln!("on {on:?}");
        let app = TestApp::open_with(on, |c| {
            c.sign_in.allow_private_provider = true;
            // Who held it while asking for another would wait in vain.
            c.database.max_connections = 1;
        })
        .await;
        staff::ensure_org(&app, "default", "Default").await.unwrap();
        let shop = Caller::command_line(&app, "default");
        let provider = Provider::serve(app.now()).await;
        let desk = Self { app, provider, shop };
        desk.settings(json!({})).await.ok();
        desk
    }

    /// The settings, with some changed.
    fn settings_with(&self, change: &Value) -> Value {
        let mut settings = json!({
            "is_on": true, "issuer": self.provider.issuer, "client_id": CLIENT, "client_secret": SECRET,
            "domains": ["example.com"], "role": null, "label": "Acme",
        });
        for (key, value) in change.as_object().unwrap() {
            settings[key] = value.clone();
        }
        settings
    }

    async fn settings(&self, change: Value) -> Answer {
        self.shop.send(Method::PUT, "/api/identity-provider", Some(self.settings_with(&change))).await
    }

    /// Goes to the provider, signs in there, and stands at our door again.
    async fn visit(&self) -> Visit {
        let left = Caller::nobody(&self.app).get("/api/sign-in/provider?to=%2Fdeals%3Fas%3Dlist&language=zh").await;
        let carried = left.cookie("frontdesk_provider").unwrap_or_else(|| panic!("{left:?}"));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let at = http.get(location(&left)).send().await.unwrap();
        assert_eq!(at.status(), 303, "{:?}", self.provider.faults());
        let back = url::Url::parse(at.headers()["location"].to_str().unwrap()).unwrap();
        Visit { carried, path: format!("{}?{}", back.path(), back.query().unwrap()) }
    }

    async fn back(&self, visit: &Visit) -> Answer {
        Caller::nobody(&self.app)
            .with("cookie", &format!("a=b; frontdesk_provider={}", visit.carried))
            .get(&visit.path)
            .await
    }

    /// Signs in over the provider.
    async fn sign_in(&self) -> Answer {
        self.back(&self.visit().await).await
    }

    /// The actions of the audit log, the newest first.
    async fn audited(&self) -> Vec<Value> {
        self.shop.get("/api/audit-logs?limit=100").await.ok()["items"].as_array().unwrap().clone()
    }
}

struct Visit {
    carried: String,
    /// Where the provider sends the browser.
    path: String,
}

#[track_caller]
fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    answer.headers["location"].to_str().unwrap().to_string()
}

/// What the sign-in page is to tell.
#[track_caller]
fn problem(answer: &Answer) -> String {
    assert_eq!(answer.cookie("frontdesk_session"), None, "nobody is signed in");
    let location = location(answer);
    location.strip_prefix("/sign-in?problem=").unwrap_or_else(|| panic!("{location}")).to_string()
}

/// Who a session is.
async fn me(desk: &Desk, answer: &Answer) -> Value {
    let token = answer.cookie("frontdesk_session").unwrap_or_else(|| panic!("{answer:?}"));
    Caller::nobody(&desk.app).bearing(&token).get("/api/me").await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_the_provider_knows_is_signed_in_and_it_is_written_down() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Ana", &["agent"]).await;
        let options = Caller::nobody(&desk.app).get("/api/sign-in/options").await.ok();
        assert_eq!(options, json!({"provider": {"label": "Acme"}}));
        let elsewhere = Caller::nobody(&desk.app).get("/api/sign-in/options?organization=nobody").await.ok();
        assert_eq!(elsewhere, json!({"provider": null}));

        let back = desk.sign_in().await;
        assert_eq!(location(&back), "/deals?as=list");
        let set: Vec<_> = back.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
        assert!(set.iter().any(|c| c.starts_with("frontdesk_session=fs_") && c.contains("HttpOnly; SameSite=Lax")));
        assert!(set.iter().any(|c| c.starts_with("frontdesk_provider=;") && c.contains("Max-Age=0")), "{set:?}");
        let who = me(&desk, &back).await;
        assert_eq!((&who["user"]["email"], &who["user"]["role"]), (&json!("ana@example.com"), &json!("agent")));
        assert!(!who["user"]["last_login_at"].is_null());
        let line = desk.audited().await.into_iter().find(|l| l["changes"]["identity_provider"].is_string()).unwrap();
        assert_eq!((&line["action"], &line["user_id"]), (&json!("session.sign_in"), &who["user"]["id"]));

        // From the first visit on the provider's own name for them counts, whatever the address is now.
        desk.provider.says(|s| {
            s.email = "Ana.Married@Example.com".into();
            s.rs256 = true;
        });
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["id"], who["user"]["id"]);
        // An address that only UserInfo tells, and one whose verification is said in words.
        desk.provider.says(|s| s.in_token = false);
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["id"], who["user"]["id"]);
        desk.provider.says(|s| (s.in_token, s.verified) = (true, json!("true")));
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["id"], who["user"]["id"]);
        desk.provider.says(|s| (s.verified, s.more) = (Value::Null, json!({"xms_edov": "1"})));
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["id"], who["user"]["id"]);
        assert_eq!(desk.provider.faults(), Vec::<String>::new());
        assert_eq!(desk.provider.discoveries(), 1, "what it says of itself is kept");

        let shown = desk.shop.get("/api/identity-provider").await;
        assert!(!shown.text.contains(SECRET) && shown.clone().ok()["has_client_secret"].as_bool().unwrap());
        if on == On::Sqlite {
            assert!(!is_on_disk(&desk.app.dir.0, SECRET));
        }
        assert!(!json!(desk.audited().await).to_string().contains(SECRET));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_does_not_hold_lets_anybody_in() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Ana", &["agent"]).await;
        desk.shop.colleague("Root", &["super_admin"]).await;
        for lie in [
            Lie::Nonce,
            Lie::NoNonce,
            Lie::Audience,
            Lie::TwoAudiences,
            Lie::Issuer,
            Lie::Expired,
            Lie::Signature,
            Lie::Claims,
            Lie::AlgNone,
            Lie::AlgHmac,
            Lie::NoToken,
        ] {
            desk.provider.says(|s| s.lie = lie);
            desk.app.clock.advance(Duration::minutes(40)); // vain tries slow down
            let now = desk.app.now();
            desk.provider.says(|s| s.now = now);
            assert_eq!(problem(&desk.sign_in().await), "provider", "{lie:?}");
        }
        desk.provider.says(|s| s.lie = Lie::None);
        me(&desk, &desk.sign_in().await).await;

        // The token of an earlier hour.
        desk.provider.says(|s| s.now -= Duration::hours(1));
        assert_eq!(problem(&desk.sign_in().await), "provider");
        assert_eq!(desk.provider.faults(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_belongs_to_the_browser_that_began_it_and_ends_once() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Ana", &["agent"]).await;
        let nobody = Caller::nobody(&desk.app);
        let visit = desk.visit().await;
        // Somebody else's browser, led here with a code of the attacker's.
        assert_eq!(problem(&nobody.get(&visit.path).await), "stale");
        let other = desk.visit().await;
        let mixed = Visit { carried: other.carried.clone(), path: visit.path.clone() };
        assert_eq!(problem(&desk.back(&mixed).await), "stale", "another state");
        let made_up = Visit { carried: "v1.AAAA.AAAA".into(), path: visit.path.clone() };
        assert_eq!(problem(&desk.back(&made_up).await), "stale");

        location(&desk.back(&visit).await);
        assert_eq!(problem(&desk.back(&visit).await), "provider", "the code was used");
        // A visit that ended stays so, also where the provider takes a code twice.
        desk.provider.says(|s| s.takes_twice = true);
        location(&desk.back(&other).await);
        assert_eq!(problem(&desk.back(&other).await), "stale");

        let late = desk.visit().await;
        desk.app.clock.advance(Duration::minutes(11));
        assert_eq!(problem(&desk.back(&late).await), "stale");

        let no = desk.visit().await;
        let state = no.path.split("state=").nth(1).unwrap();
        let path = format!("/api/sign-in/provider/back?error=access_denied&state={state}");
        assert_eq!(problem(&desk.back(&Visit { path, ..no }).await), "cancelled");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_the_company_lets_in_comes_in() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Root", &["super_admin"]).await;
        assert_eq!(problem(&desk.sign_in().await), "uninvited");
        // Who is invited accepts by coming.
        let ana = desk
            .shop
            .post("/api/users", json!({"email": "ana@example.com", "name": "Ana", "roles": ["agent"]}))
            .await
            .ok();
        assert_eq!(ana["status"], "inactive");
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["status"], "active");

        for verified in [json!(false), Value::Null] {
            desk.provider.says(|s| s.verified = verified);
            assert_eq!(problem(&desk.sign_in().await), "unverified");
        }
        desk.provider.says(|s| (s.verified, s.email) = (json!(true), "ana@example.com.evil.net".into()));
        assert_eq!(problem(&desk.sign_in().await), "domain", "also for who came before");

        // Another person with an address that somebody had before.
        desk.provider.says(|s| (s.subject, s.email) = ("someone-new".into(), "ana@example.com".into()));
        assert_eq!(problem(&desk.sign_in().await), "other_person");
        desk.shop.delete(&format!("/api/users/{}/identity", ana["id"].as_str().unwrap())).await.ok();
        me(&desk, &desk.sign_in().await).await;

        let suspend = json!({"status": "suspended"});
        desk.shop.patch(&format!("/api/users/{}", ana["id"].as_str().unwrap()), suspend).await.ok();
        assert_eq!(problem(&desk.sign_in().await), "suspended");

        // With a role for who is new, they are added.
        desk.settings(json!({"role": "sales"})).await.ok();
        desk.provider.says(|s| (s.subject, s.email, s.name) = ("ben".into(), "ben@example.com".into(), None));
        let ben = me(&desk, &desk.sign_in().await).await;
        assert_eq!((&ben["user"]["role"], &ben["user"]["name"]), (&json!("sales"), &json!("ben")));
        assert_eq!(ben["user"]["language"], "zh", "the language of the page they came from");
        assert!(desk.audited().await.iter().any(|l| l["action"] == "user.create" && l["actor"] == "system"));
        assert_eq!(me(&desk, &desk.sign_in().await).await["user"]["id"], ben["user"]["id"]);

        desk.settings(json!({"is_on": false})).await.ok();
        let left = Caller::nobody(&desk.app).get("/api/sign-in/provider").await;
        assert_eq!(problem(&left), "off");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_of_one_organisation_opens_no_other() {
    for on in databases() {
        let desk = Desk::open(on).await;
        staff::ensure_org(&desk.app, "other", "Other").await.unwrap();
        let other = Caller::command_line(&desk.app, "other");
        let there = other.colleague("Ana", &["super_admin"]).await.get("/api/me").await.ok();
        assert_eq!(problem(&desk.sign_in().await), "uninvited", "Ana is nobody here");
        desk.settings(json!({"role": "agent"})).await.ok();
        let here = me(&desk, &desk.sign_in().await).await;
        assert_eq!(here["organization"]["slug"], "default");
        assert_ne!(here["user"]["id"], there["user"]["id"]);
        let left = Caller::nobody(&desk.app).get("/api/sign-in/provider?organization=other").await;
        assert_eq!(problem(&left), "off");
        assert_eq!(other.get("/api/identity-provider").await.ok()["issuer"], "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_set_up_here_is_asked_for_after_the_provider_too() {
    for on in databases() {
        let desk = Desk::open(on).await;
        let ana = desk.shop.colleague("Ana", &["agent"]).await;
        let begun = ana.post("/api/me/second-factor", json!({"password": "correct horse battery"})).await.ok();
        let totp = totp_rs::Totp::from_url(begun["url"].as_str().unwrap()).unwrap();
        let code = || totp.generate(u64::try_from(desk.app.now().timestamp()).unwrap()).to_string();
        ana.post("/api/me/second-factor/confirm", json!({"code": code()})).await.ok();
        desk.app.clock.advance(Duration::seconds(30));

        let back = desk.sign_in().await;
        assert_eq!(location(&back), "/sign-in?to=%2Fdeals%3Fas%3Dlist&owes=code");
        assert_eq!(back.cookie("frontdesk_session"), None);
        let carried = back.cookie("frontdesk_provider").unwrap();
        let browser = Caller::nobody(&desk.app).with("cookie", &format!("frontdesk_provider={carried}"));
        let show = async |by: &Caller, code: &str| by.post("/api/sign-in/provider/code", json!({"code": code})).await;
        assert_eq!(show(&browser, "000000").await.error(), "invalid");
        assert_eq!(show(&browser, "").await.error(), "second_factor");
        assert_eq!(show(&Caller::nobody(&desk.app), &code()).await.error(), "conflict", "not from the provider");
        let opened = show(&browser, &code()).await;
        assert!(opened.cookie("frontdesk_session").is_some());
        assert_eq!(opened.ok()["me"]["user"]["email"], "ana@example.com");
        assert_eq!(show(&browser, &code()).await.error(), "invalid", "a code works once");
        desk.app.clock.advance(Duration::minutes(11));
        assert_eq!(show(&browser, &code()).await.error(), "conflict", "it took too long");
        // What is carried for a visit is no pass for the code, and the other way round.
        let visit = desk.visit().await;
        let wrong = Caller::nobody(&desk.app).with("cookie", &format!("frontdesk_provider={}", visit.carried));
        assert_eq!(show(&wrong, &code()).await.error(), "conflict");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_changes_its_keys_or_is_down_is_told_apart() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Ana", &["agent"]).await;
        me(&desk, &desk.sign_in().await).await;
        desk.provider.rotate();
        desk.app.clock.advance(Duration::seconds(31));
        me(&desk, &desk.sign_in().await).await;
        assert_eq!(desk.provider.discoveries(), 2);

        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let address = format!("http://{gone}");
        desk.settings(json!({"issuer": address})).await.ok();
        let left = Caller::nobody(&desk.app).get("/api/sign-in/provider").await;
        assert_eq!(problem(&left), "unreachable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_test_button_says_what_is_wrong() {
    for on in databases() {
        let desk = Desk::open(on).await;
        let test = async |change: Value| {
            let found = desk.shop.post("/api/identity-provider/test", desk.settings_with(&change)).await.ok();
            assert!(!found.to_string().contains(SECRET));
            found["problem"].clone()
        };
        assert_eq!(test(json!({})).await, Value::Null);
        assert_eq!(test(json!({"client_secret": null})).await, Value::Null, "with the kept one");
        assert_eq!(test(json!({"client_secret": "wrong"})).await, "client");
        assert_eq!(test(json!({"client_id": "stranger"})).await, "client");
        assert_eq!(test(json!({"issuer": format!("{}/nothing/here", desk.provider.issuer)})).await, "not_a_provider");
        assert_eq!(test(json!({"issuer": "http://127.0.0.1:1"})).await, "unreachable");
        desk.provider.alias(Some("https://login.example.org"));
        assert_eq!(test(json!({})).await, "other_issuer");
        desk.provider.alias(None);

        let closed = TestApp::open(on).await;
        staff::ensure_org(&closed, "default", "Default").await.unwrap();
        let shop = Caller::command_line(&closed, "default");
        let found = shop.post("/api/identity-provider/test", desk.settings_with(&json!({}))).await.ok();
        assert_eq!(found["problem"], "private", "the own network must be permitted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_whom_nobody_outranks_chooses_the_provider() {
    for on in databases() {
        let desk = Desk::open(on).await;
        let admin = desk.shop.colleague("Admin", &["admin"]).await;
        let put = async |by: &Caller, change: Value| {
            by.send(Method::PUT, "/api/identity-provider", Some(desk.settings_with(&change))).await
        };
        put(&admin, json!({})).await.ok();
        let root = desk.shop.colleague("Root", &["super_admin"]).await;
        assert_eq!(put(&admin, json!({})).await.error(), "conflict", "they could come in as Root");
        let tested = admin.post("/api/identity-provider/test", desk.settings_with(&json!({}))).await;
        assert_eq!(tested.error(), "conflict");
        put(&root, json!({})).await.ok();
        for (wrong, what) in [
            (json!({"role": "agent", "domains": []}), "anybody with an account there"),
            (json!({"role": "admin"}), "an admin by coming"),
            (json!({"role": "nothing"}), "no such role"),
            (json!({"domains": ["example"]}), "no domain"),
            (json!({"issuer": "login.example.com"}), "no address"),
            (json!({"client_id": " "}), "no client"),
        ] {
            assert_eq!(put(&root, wrong).await.error(), "invalid", "{what}");
        }
        // A secret goes only to whom it was given for.
        let kept = put(&root, json!({"client_secret": null, "label": "Other"})).await.ok();
        assert_eq!(kept["has_client_secret"], true);
        let moved = put(&root, json!({"client_secret": null, "issuer": "https://login.example.org"})).await.ok();
        assert_eq!(moved["has_client_secret"], false);
        let changed = desk.audited().await.into_iter().find(|l| l["action"] == "settings.identity_provider").unwrap();
        assert_eq!(changed["changes"]["client_secret"], "changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coming_back_in_vain_gets_slow() {
    for on in databases() {
        let desk = Desk::open(on).await;
        desk.shop.colleague("Ana", &["agent"]).await;
        let nobody = Caller::nobody(&desk.app);
        for _ in 0..11 {
            assert_eq!(problem(&nobody.get("/api/sign-in/provider/back?code=1&state=1").await), "stale");
        }
        assert_eq!(problem(&desk.sign_in().await), "wait");
        desk.app.clock.advance(Duration::seconds(6));
        me(&desk, &desk.sign_in().await).await;
    }
}

// Guessing

async fn guess(app: &std::sync::Arc<App>, password: &str) -> Answer {
    let body = json!({"email": "ana@example.com", "password": password});
    Caller::nobody(app).post("/api/sign-in", body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_wrong_guess() {
    for on in databases() {
        let (dir, config) = (Scratch::new(), config(on, |_| {}).await);
        let open =
            async || App::open(config.clone(), dir.0.clone(), Some(KEY.into()), Clock::fixed(monday())).await.unwrap();
        let app = open().await;
        staff::ensure_org(&app, "default", "Default").await.unwrap();
        Caller::command_line(&app, "default").colleague("Ana", &["agent"]).await;
        for _ in 0..6 {
            assert_eq!(guess(&app, "wrong password").await.error(), "invalid");
        }
        app.close().await;
        drop(app);
        let app = open().await;
        assert_eq!(guess(&app, "correct horse battery").await.error(), "too_many");
        app.clock.advance(Duration::seconds(5));
        guess(&app, "correct horse battery").await.ok();
        // Right once, everything earlier is forgotten.
        for _ in 0..6 {
            assert_eq!(guess(&app, "wrong password").await.error(), "invalid");
        }
        app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_count_wrong_guesses_together() {
    if crate::support::app::postgres().is_none() {
        return; // only PostgreSQL takes several processes
    }
    let config = config(On::Postgres, |_| {}).await;
    let (one_dir, two_dir) = (Scratch::new(), Scratch::new());
    let clock = Clock::fixed(monday());
    let one = App::open(config.clone(), one_dir.0.clone(), Some(KEY.into()), clock.clone()).await.unwrap();
    let two = App::open(config, two_dir.0.clone(), Some(KEY.into()), clock.clone()).await.unwrap();
    staff::ensure_org(&one, "default", "Default").await.unwrap();
    Caller::command_line(&one, "default").colleague("Ana", &["agent"]).await;
    for n in 0..6 {
        let app = if n % 2 == 0 { &one } else { &two };
        assert_eq!(guess(app, "wrong password").await.error(), "invalid", "guess {n}");
    }
    for app in [&one, &two] {
        assert_eq!(guess(app, "wrong password").await.error(), "too_many");
    }
    // The wait grows, and after it one of many that come at once is let through, at both together.
    clock.advance(Duration::seconds(3));
    let many = (0..16).map(|n| guess(if n % 2 == 0 { &one } else { &two }, "wrong password"));
    let looked_at = futures::future::join_all(many).await.into_iter().filter(|a| a.error() == "invalid").count();
    assert_eq!(looked_at, 1);
    clock.advance(Duration::seconds(3));
    assert_eq!(guess(&two, "correct horse battery").await.error(), "too_many", "it waits longer now");
    clock.advance(Duration::seconds(2));
    guess(&two, "correct horse battery").await.ok();
    guess(&one, "correct horse battery").await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_sent_at_the_same_moment_are_counted() {
    for on in databases() {
        let app = TestApp::open(on).await;
        staff::ensure_org(&app, "default", "Default").await.unwrap();
        Caller::command_line(&app, "default").colleague("Ana", &["agent"]).await;
        let many = (0..24).map(|_| guess(&app, "wrong password"));
        let looked_at = futures::future::join_all(many).await.into_iter().filter(|a| a.error() == "invalid").count();
        assert!((1..=6).contains(&looked_at), "{looked_at}");
    }
}
