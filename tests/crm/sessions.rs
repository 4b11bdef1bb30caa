//! What a browser holds of its session: an access token for some minutes, a refresh token that works once.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::json;

use crate::{
    on_each_database, shop,
    support::{
        app::TestApp,
        caller::{Answer, Caller},
    },
};

/// A browser and its cookies.
struct Browser {
    caller: Caller,
    access: String,
    refresh: String,
}

impl Browser {
    /// Ana's, who has just signed in.
    async fn open(app: &TestApp) -> Self {
        let caller = Caller::nobody(app).with("sec-fetch-site", "same-origin");
        let credentials = json!({"email": "ana@example.com", "password": "correct horse battery"});
        let opened = caller.post("/api/sign-in", credentials).await;
        let (access, refresh) = (opened.cookie("frontdesk_session"), opened.cookie("frontdesk_refresh"));
        assert!(opened.ok()["token"].is_null(), "no page may read it");
        Self { caller, access: access.unwrap(), refresh: refresh.unwrap() }
    }

    async fn me(&self) -> Answer {
        self.caller.with("cookie", &format!("frontdesk_session={}", self.access)).get("/api/me").await
    }

    /// Refreshes with this token, and keeps what is given.
    async fn refresh_with(&mut self, token: &str) -> Answer {
        let answer = refresh(&self.caller, token).await;
        self.access = answer.cookie("frontdesk_session").unwrap_or(self.access.clone());
        self.refresh = answer.cookie("frontdesk_refresh").unwrap_or(self.refresh.clone());
        answer
    }
}

async fn refresh(caller: &Caller, token: &str) -> Answer {
    caller.with("cookie", &format!("frontdesk_refresh={token}")).post("/api/session/refresh", json!(null)).await
}

on_each_database! {
    async fn an_access_token_runs_out_and_the_refresh_token_brings_another(app: TestApp) {
        shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        let mut browser = Browser::open(&app).await;
        for _ in 0..3 {
            browser.me().await.ok();
            app.clock.advance(Duration::minutes(16));
            assert_eq!(browser.me().await.status, StatusCode::UNAUTHORIZED, "it ran out");
            let (access, token) = (browser.access.clone(), browser.refresh.clone());
            let answer = browser.refresh_with(&token).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
            assert!(browser.access != access && browser.refresh != token);
            let set: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
            assert!(set[0].contains("Path=/;") && set[0].contains("Max-Age=900;"), "{set:?}");
            assert!(set[1].contains("Path=/api/session/refresh;") && set[1].contains("HttpOnly; SameSite=Strict"));
        }
        // From another site nothing is refreshed, and what is made up is refused.
        let elsewhere = refresh(&browser.caller.with("sec-fetch-site", "cross-site"), &browser.refresh).await;
        assert_eq!(elsewhere.error(), "foreign");
        for odd in [browser.access.as_str(), "fs_v1.AAAA.AAAA", "nothing"] {
            assert_eq!(refresh(&browser.caller, odd).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(browser.caller.post("/api/session/refresh", json!(null)).await.status, StatusCode::UNAUTHORIZED);
        // A refresh token opens nothing by itself.
        let as_access = browser.caller.with("cookie", &format!("frontdesk_session={}", browser.refresh));
        assert_eq!(as_access.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_refresh_token_that_comes_again_ends_the_session(app: TestApp) {
        let admin = shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        let mut browser = Browser::open(&app).await;
        let stolen = browser.refresh.clone();
        browser.refresh_with(&stolen).await;
        app.clock.advance(Duration::minutes(1));
        assert_eq!(refresh(&browser.caller, &stolen).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.me().await.status, StatusCode::UNAUTHORIZED, "the session has ended for both");
        let last = browser.refresh.clone();
        assert_eq!(browser.refresh_with(&last).await.status, StatusCode::UNAUTHORIZED);
        let log = admin.get("/api/audit-logs").await.ok();
        let told = log["items"].as_array().unwrap().iter().filter(|line| line["action"] == "session.token_reused");
        assert_eq!(told.count(), 1, "{log}");
        admin.get("/api/me").await.ok();
    }

    async fn two_tabs_that_refresh_at_once_both_go_on(app: TestApp) {
        shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        let mut browser = Browser::open(&app).await;
        let shared = browser.refresh.clone();
        let (one, other) = tokio::join!(refresh(&browser.caller, &shared), refresh(&browser.caller, &shared));
        for answer in [&one, &other] {
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
            let access = format!("frontdesk_session={}", answer.cookie("frontdesk_session").unwrap());
            browser.caller.with("cookie", &access).get("/api/me").await.ok();
        }
        // Whichever answer came last, its refresh token is the one that works.
        app.clock.advance(Duration::minutes(20));
        let next = one.cookie("frontdesk_refresh").unwrap();
        assert_eq!(browser.refresh_with(&next).await.status, StatusCode::NO_CONTENT);
        app.clock.advance(Duration::seconds(10));
        let late = other.cookie("frontdesk_refresh").unwrap();
        assert_eq!(browser.refresh_with(&late).await.status, StatusCode::NO_CONTENT, "within the grace");
        browser.me().await.ok();
    }

    async fn an_ended_session_is_refreshed_no_more(app: TestApp) {
        let admin = shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        let browser = Browser::open(&app).await;
        let signed_in = browser.caller.with("cookie", &format!("frontdesk_session={}", browser.access));
        let out = signed_in.post("/api/sign-out", json!(null)).await;
        let set: Vec<&str> = out.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap()).collect();
        assert!(set.iter().all(|c| c.contains("Max-Age=0")) && set.len() == 2, "{set:?}");
        assert_eq!(refresh(&browser.caller, &browser.refresh).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.me().await.status, StatusCode::UNAUTHORIZED);

        // Away for too long.
        let browser = Browser::open(&app).await;
        app.clock.advance(Duration::days(15));
        assert_eq!(refresh(&browser.caller, &browser.refresh).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(admin.get("/api/me").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn a_page_over_plain_http_reads_no_token_either(app: TestApp) {
        shop(&app, "default").await.colleague("Ana", &["admin"]).await;
        // Where it is not trusted, a browser says no more than this.
        let page = Caller::nobody(&app).with("origin", "http://192.168.1.5:8080").with("host", "192.168.1.5:8080");
        let credentials = json!({"email": "ana@example.com", "password": "correct horse battery"});
        let opened = page.post("/api/sign-in", credentials.clone()).await;
        let access = opened.cookie("frontdesk_session").unwrap();
        assert!(opened.ok()["token"].is_null(), "no page may read it");
        page.with("cookie", &format!("frontdesk_session={access}")).get("/api/me").await.ok();
        assert!(Caller::nobody(&app).post("/api/sign-in", credentials).await.ok()["token"].is_string(), "a program");
    }
}
