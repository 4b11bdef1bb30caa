//! How far a role reaches: who answers only their own sees theirs, their team's, and what waits for anybody.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{UNKNOWN, each, id, listed, me, team};
use crate::support::{
    app::{TestApp, databases},
    shop::Shop,
};

/// Somebody whose role may do this, as far as `scope` reaches.
async fn reaching(shop: &Shop, name: &str, scope: &str, permissions: &[&str]) -> String {
    let permissions: Vec<Value> = permissions.iter().map(|p| json!({"permission": p, "scope": scope})).collect();
    let role = json!({"name": format!("Role of {name}"), "permissions": permissions});
    let made = shop.call("POST", "/api/roles", Some(role)).await;
    assert!(made.status.is_success(), "{made:?}");
    shop.user(name, made.body["key"].as_str().unwrap()).await
}

const DESK: [&str; 4] = ["conversation:read", "conversation:reply", "conversation:assign", "user:read"];

async fn status(shop: &Shop, token: &str, method: &str, path: &str, body: Option<Value>) -> StatusCode {
    shop.call_as(token, method, path, body).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_answers_only_their_own_neither_reads_nor_takes_what_others_hold() {
    for on in databases() {
        eprintln!("on {on:?}");
        // The receiver fetches files by their address.
        let open = TestApp::open_with(on, |c| c.server.public_url = Some("https://desk.example.com".into()));
        let shop = Shop::around(open.await).await;
        let mei = shop.user("mei", "agent").await;
        let own = reaching(&shop, "olga", "own", &DESK).await;
        for customer in ["Held", "Waiting", "Free"] {
            let text = if customer == "Free" { "Hi" } else { UNKNOWN };
            shop.says(customer, text).await;
            shop.says(customer, "I want a human").await;
            shop.settle().await;
        }
        let held = format!("/api/conversations/{}", id(&shop, "Held").await);
        let free = format!("/api/conversations/{}", id(&shop, "Free").await);
        let waiting = format!("/api/conversations/{}", id(&shop, "Waiting").await);
        assert!(shop.call_as(&mei, "POST", &format!("{held}/take-over"), None).await.status.is_success());
        let form = [("text", "a picture")];
        let file = shop.form(&mei, &format!("{held}/files"), &form, "a.png", b"\x89PNG\r\n\x1a\n0000").await;
        assert!(file.status.is_success(), "{file:?}");
        let attachment = file.body["files"][0]["id"].as_str().unwrap().to_string();
        // Back with the assistant: nobody's, and nobody waits.
        shop.call_as(&mei, "POST", &format!("{free}/give-back"), Some(json!({"scope": "now"}))).await;

        assert_eq!(listed(&shop, &own, "open=true").await, ["Waiting"]);
        let counts = shop.call_as(&own, "GET", "/api/conversations/counts", None).await.body;
        assert_eq!((&counts["open"], &counts["waiting"]), (&json!(1), &json!(1)), "{counts}");
        let text = || Some(json!({"text": "Hello"}));
        for (method, path, body) in [
            ("GET", held.clone(), None),
            ("GET", format!("{held}/messages"), None),
            ("GET", format!("{held}/turns"), None),
            ("GET", format!("{held}/reach"), None),
            ("GET", format!("/api/attachments/{attachment}"), None),
            ("PATCH", held.clone(), Some(json!({"priority": "low"}))),
            ("POST", format!("{held}/presence"), Some(json!({"typing": true}))),
            ("POST", format!("{held}/read"), None),
            ("POST", format!("{held}/take-over"), None),
            ("POST", format!("{held}/give-back"), Some(json!({"scope": "now"}))),
            ("POST", format!("{held}/resolve"), None),
            ("POST", format!("{held}/assign"), Some(json!({}))),
            ("POST", format!("{held}/merge"), Some(json!({"from": id(&shop, "Waiting").await}))),
            ("POST", format!("{waiting}/merge"), Some(json!({"from": id(&shop, "Held").await}))),
            ("POST", format!("{held}/messages"), text()),
            ("POST", format!("{held}/notes"), text()),
            ("POST", format!("{held}/suggest"), None),
            ("POST", format!("{held}/summary"), Some(json!({"language": "en"}))),
            ("POST", format!("{held}/reword"), Some(json!({"text": "Hello", "tone": "formal"}))),
        ] {
            assert_eq!(
                status(&shop, &own, method, &path, body.clone()).await,
                StatusCode::NOT_FOUND,
                "{method} {path}"
            );
            let allowed = status(&shop, &mei, method, &path, body).await;
            assert!(method != "GET" || allowed.is_success(), "{method} {path}: {allowed}");
        }
        // Sums over everybody's conversations are for who sees everybody's.
        let span = "from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z";
        assert_eq!(status(&shop, &own, "GET", &format!("/api/overview?{span}"), None).await, StatusCode::FORBIDDEN);
        assert_eq!(status(&shop, &own, "GET", "/api/gaps", None).await, StatusCode::FORBIDDEN);

        // What waits for anybody is theirs to take; from then on it is theirs, and still when it has ended.
        assert!(status(&shop, &own, "POST", &format!("{waiting}/take-over"), None).await.is_success());
        assert!(status(&shop, &own, "POST", &format!("{waiting}/messages"), text()).await.is_success());
        assert!(status(&shop, &own, "POST", &format!("{waiting}/resolve"), None).await.is_success());
        assert_eq!(listed(&shop, &own, "").await, ["Waiting"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teams_reach_is_what_its_members_hold_and_who_they_are() {
    each(|shop| async move {
        let mei = shop.user("mei", "agent").await;
        let tom = shop.user("tom", "agent").await;
        let lea = reaching(&shop, "lea", "team", &DESK).await;
        let own = reaching(&shop, "olga", "own", &DESK).await;
        team(&shop, "North", &[&mei, &lea]).await;
        for (customer, agent) in [("Ana", &mei), ("Bo", &tom)] {
            shop.says(customer, "I want a human").await;
            shop.settle().await;
            let path = format!("/api/conversations/{}/take-over", id(&shop, customer).await);
            assert!(shop.call_as(agent, "POST", &path, None).await.status.is_success());
        }
        assert_eq!(listed(&shop, &lea, "").await, ["Ana"]);
        assert!(listed(&shop, &own, "").await.is_empty());
        let names = |found: Value| -> Vec<String> {
            let mut names: Vec<String> =
                found["items"].as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap().to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(names(shop.call_as(&lea, "GET", "/api/users", None).await.body), ["lea", "mei"]);
        assert_eq!(names(shop.call_as(&own, "GET", "/api/users", None).await.body), ["olga"]);
        let of = |user: String| format!("/api/users/{user}");
        let (mei_id, tom_id) = (me(&shop, &mei).await, me(&shop, &tom).await);
        assert!(status(&shop, &lea, "GET", &of(mei_id), None).await.is_success());
        assert_eq!(status(&shop, &lea, "GET", &of(tom_id), None).await, StatusCode::NOT_FOUND);
        // Whoever sees nobody else still sees who they are.
        assert_eq!(shop.call_as(&own, "GET", "/api/me", None).await.body["user"]["name"], "olga");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reach_without_a_meaning_is_refused_and_an_old_one_gives_nothing() {
    each(|shop| async move {
        let role = |permission: &str, scope: &str| {
            Some(json!({"name": format!("{permission} {scope}"), "permissions": [{"permission": permission, "scope": scope}]}))
        };
        let all = shop.call("GET", "/api/permissions", None).await.body;
        assert!(all.as_array().unwrap().len() > 20, "{all}");
        for permission in all.as_array().unwrap() {
            let key = permission["permission"].as_str().unwrap();
            for scope in ["own", "team", "org"] {
                let made = shop.call("POST", "/api/roles", role(key, scope)).await;
                let has_meaning = scope == "org" || permission["has_owner"] == true;
                let wanted = if has_meaning { StatusCode::CREATED } else { StatusCode::UNPROCESSABLE_ENTITY };
                assert_eq!(made.status, wanted, "{key} {scope}: {made:?}");
            }
        }
        // A role of before it was refused.
        let old = reaching(&shop, "olga", "own", &["conversation:read"]).await;
        let mut tx = shop.app.begin().await.unwrap();
        const OLD: &str = "
            INSERT INTO role_permissions (role_id, permission_id, scope)
            SELECT r.id, p.id, 'own' FROM roles r, permissions p
            WHERE r.name = 'Role of olga' AND p.resource = 'knowledge'";
        frontdesk::both!(tx.conn(), c => sqlx::query(OLD).execute(c).await.map(|_| ())).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(shop.call_as(&old, "GET", "/api/me", None).await.body["permissions"], json!(["conversation:read"]));
        assert_eq!(status(&shop, &old, "GET", "/api/documents", None).await, StatusCode::FORBIDDEN);
    })
    .await;
}
