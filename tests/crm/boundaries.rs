//! Every route of the API, called with things that are really there: as a stranger from another organisation, who finds
//! and changes nothing, and as their owner, whose every change leaves a line in the audit log.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::Duration;
use frontdesk::staff;
use serde_json::{Value, json};

use super::{
    is_open, routes,
    support::{
        app::{TestApp, databases},
        caller::Caller,
        rows::everything,
        shop::{Answer, Shop},
    },
};

/// Changing routes that leave no line, each with its reason.
const QUIET: &[(&str, &str)] = &[
    ("POST /api/ask", "changes nothing"),
    ("POST /api/channels/{id}/test", "changes nothing"),
    ("POST /api/conversations/{id}/presence", "says who looks; nothing is kept"),
    ("POST /api/conversations/{id}/read", "how far one has read is no change of the conversation"),
    ("POST /api/conversations/{id}/suggest", "changes nothing"),
    ("POST /api/conversations/{id}/summary", "changes nothing"),
    ("POST /api/notifications/read", "one's own list"),
    ("POST /api/notifications/{id}/read", "one's own list"),
    ("POST /api/replays", "changes nothing"),
    ("PUT /api/me/settings", "one's own sounds and sight"),
];

/// Changing routes that do nothing here: what they need is not there.
const NEED_MORE: &[(&str, &str)] = &[
    ("DELETE /api/demo", "there is no demo company"),
    ("DELETE /api/users/{id}/identity", "nobody came over a provider"),
    ("DELETE /api/users/{id}/second-factor", "nobody has one"),
    ("GET /api/avatars/{customer}/{id}", "no platform sent a picture"),
    ("POST /api/conversations/{id}/reword", "there is no model; it changes nothing"),
    ("POST /api/conversations/{id}/templates", "this channel has none; it ends where a message does"),
    ("POST /api/conversations/{id}/translate", "there is no model; it changes nothing"),
    ("POST /api/documents/url", "there is no web"),
    ("POST /api/identity-provider/test", "there is no provider"),
    ("POST /api/mail/test", "there is no mail server"),
    ("POST /api/me/second-factor", "signing in has its own tests"),
    ("POST /api/me/second-factor/confirm", "signing in has its own tests"),
    ("POST /api/me/second-factor/recovery-codes", "signing in has its own tests"),
    ("POST /api/me/second-factor/remove", "signing in has its own tests"),
    ("POST /api/model/test", "there is no model"),
    ("PUT /api/conversations/{id}/messages/{message}/reaction", "this channel has no reactions"),
    ("PUT /api/identity-provider", "there is no provider"),
    ("PUT /api/model", "there is no model"),
];

fn is_on(list: &[(&str, &str)], route: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == route)
}

fn pipeline(name: &str) -> Value {
    let stage = |name: &str, kind: &str| json!({"name": name, "probability": 50, "kind": kind});
    json!({"name": name, "stages": [stage("Begun", "open"), stage("Done", "won"), stage("Gone", "lost")]})
}

/// An organisation with one of everything: where a route has a parameter, what stands there.
struct World {
    shop: Shop,
    /// The owner's token.
    token: String,
    /// By the whole route, or by the part of the path before the parameter.
    things: BTreeMap<String, String>,
}

impl World {
    async fn open(app: TestApp) -> Self {
        let shop = Shop::around(app).await;
        let token = shop.user("ana", "super_admin").await;
        let mut world = Self { shop, token, things: BTreeMap::new() };
        world.knowledge().await;
        world.talk().await;
        world.people().await;
        world.crm().await;
        world
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.shop.call_as(&self.token, method, path, Some(body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        answer.body
    }

    async fn add(&mut self, part: &str, path: &str, body: Value) -> String {
        let made = self.call("POST", path, body).await;
        self.keep(part, &made["id"])
    }

    fn keep(&mut self, part: &str, id: &Value) -> String {
        let id = id.as_str().unwrap_or_else(|| panic!("{part}: {id}")).to_string();
        self.things.insert(part.into(), id.clone());
        id
    }

    fn thing(&self, part: &str) -> &str {
        self.things.get(part).unwrap_or_else(|| panic!("the world has no {part}"))
    }

    async fn talk(&mut self) {
        let channel = self.shop.channel.to_string();
        self.keep("channels", &json!(channel));
        // Two conversations of one customer: the earlier has ended for good.
        self.shop.says("Li", "Hello").await;
        self.shop.settle().await;
        let first = self.shop.conversation("Li").await;
        self.call("POST", &format!("/api/conversations/{}/resolve", first["id"].as_str().unwrap()), json!({})).await;
        self.shop.app.clock.advance(Duration::days(8));
        self.shop.says("Li", "I want a human").await;
        self.shop.run_due().await;
        let pause = i64::try_from(self.shop.app.config.assistant.pause_ms).unwrap();
        self.shop.app.clock.advance(Duration::milliseconds(pause));
        self.shop.run_due().await;
        let second = self.shop.conversation("Li").await;
        assert_ne!(first["id"], second["id"]);
        self.keep("ended", &first["id"]);
        let conversation = self.keep("conversations", &second["id"]);
        self.keep("customers", &second["customer_id"]);
        let path = format!("/api/conversations/{conversation}");
        let messages = self.shop.call("GET", &format!("{path}/messages"), None).await.body;
        self.keep("messages", &messages[0]["id"]);
        // From here on nothing is sent: what a webhook is told stays waiting.
        let hook = json!({"url": "https://example.com/hook", "events": []});
        self.add("webhooks", "/api/webhooks", hook).await;
        let file = self.shop.form(&self.token, &format!("{path}/files"), &[], "a.txt", b"Hello").await;
        self.keep("attachments", &file.body["files"][0]["id"]);
        self.call("POST", &format!("{path}/give-back"), json!({"scope": "until_resolved"})).await;
        let told = self.shop.call_as(&self.token, "GET", "/api/notifications", None).await.body;
        self.keep("notifications", &told["items"][0]["id"]);
        let hook = self.thing("webhooks").to_string();
        let sent = self.shop.call("GET", &format!("/api/webhooks/{hook}/deliveries"), None).await.body;
        self.keep("webhook-deliveries", &sent["items"][0]["id"]);
        self.add("canned-replies", "/api/canned-replies", json!({"shortcut": "hi", "content": "Hello"})).await;
        let config = json!({"phone_number_id": "106540352242922", "app_secret": "0123456789abcdef0123456789abcdef",
            "verify_token": "v", "access_token": "t"});
        let whatsapp = json!({"platform": "whatsapp_cloud", "name": "WhatsApp", "config": config});
        let whatsapp = self.add("whatsapp", "/api/channels", whatsapp).await;
        let template = json!({"channel_id": whatsapp, "name": "order", "language": "en", "body": "Hello {{1}}"});
        self.add("templates", "/api/templates", template).await;
        let view = json!({"page": "inbox", "name": "Mine", "filters": {}});
        self.add("views", "/api/views", view).await;
    }

    async fn knowledge(&mut self) {
        self.shop.learns("en.md", "# Warranty\n\nThe warranty is 24 months.\n").await;
        let document = self.shop.learns("en.md", "# Warranty\n\nThe warranty is 36 months.\n").await;
        let id = self.keep("documents", &document["id"]);
        let passages = self.shop.call("GET", &format!("/api/documents/{id}/passages"), None).await.body;
        self.keep("passages", &passages[0]["id"]);
        self.things.insert("versions".into(), "1".into());
        self.add("faqs", "/api/faqs", json!({"question": "Do you ship?", "answer": "Yes."})).await;
        self.add("knowledge-bases", "/api/knowledge-bases", json!({"name": "Empty"})).await;
        self.add("memories", "/api/memories", json!({"value": "Customers from Penang ask for halal."})).await;
        let assistant = self.shop.call("GET", "/api/assistant", None).await.body;
        let assistant = self.keep("assistants", &assistant["id"]);
        let versions = format!("/api/assistants/{assistant}/versions");
        for number in 1..=3 {
            self.call("POST", &versions, json!({"note": format!("number {number}")})).await;
            if number < 3 {
                let publish = json!({"despite_regression": true});
                self.call("POST", &format!("{versions}/{number}/publish"), publish).await;
            }
        }
        self.things.insert("POST /api/assistants/{id}/versions/{version}/publish {version}".into(), "3".into());
    }

    async fn people(&mut self) {
        let colleague = json!({"email": "bo@example.com", "name": "Bo", "roles": ["agent"]});
        let user = self.add("users", "/api/users", colleague).await;
        self.keep("members", &json!(user));
        let agent = json!({"email": "dora@example.com", "name": "Dora", "roles": ["agent"], "password": "correct horse battery"});
        self.add("agent", "/api/users", agent).await;
        self.add("teams", "/api/teams", json!({"name": "North"})).await;
        self.add("api-keys", "/api/api-keys", json!({"name": "K", "scopes": ["customer:read"]})).await;
        let role = json!({"name": "Night", "permissions": [{"permission": "customer:read", "scope": "own"}]});
        let role = self.call("POST", "/api/roles", role).await;
        self.keep("roles", &role["key"]);
        let credentials = json!({"email": "ana@example.com", "password": "correct horse battery staple"});
        self.call("POST", "/api/sign-in", credentials).await;
        let sessions = self.shop.call_as(&self.token, "GET", "/api/me/sessions", None).await.body;
        let other = sessions.as_array().unwrap().iter().find(|s| s["is_this"] == false).unwrap();
        self.keep("sessions", &other["id"]);
    }

    async fn crm(&mut self) {
        let customer = self.thing("customers").to_string();
        let path = format!("/api/customers/{customer}");
        self.add("contacts", &format!("{path}/contacts"), json!({"name": "C"})).await;
        self.things.insert("avatars".into(), customer.clone());
        self.things.insert("GET /api/avatars/{customer}/{id} {id}".into(), uuid::Uuid::now_v7().to_string());
        self.add("pipelines", "/api/pipelines", pipeline("Repairs")).await;
        self.add("tags", "/api/tags", json!({"name": "VIP"})).await;
        let memory = self.add("customers memories", &format!("{path}/memories"), json!({"value": "Likes tea."})).await;
        assert!(!memory.is_empty());
        for part in ["deals", "POST /api/deals/{id}/lose", "POST /api/deals/{id}/move"] {
            self.add(part, "/api/deals", json!({"customer_id": customer, "title": part})).await;
        }
        for part in ["from", "into", "twin", "doomed", "gone"] {
            self.add(part, "/api/customers", json!({"name": part})).await;
        }
        let import = json!({"csv": "name\nImported\n"});
        let import = self.call("POST", "/api/customer-imports", import).await;
        self.keep("customer-imports", &import["import"]["id"]);
        let merge = json!({"from": self.thing("from")});
        let merged = self.call("POST", &format!("/api/customers/{}/merge", self.thing("into")), merge).await;
        self.keep("customer-merges", &merged["id"]);
        let erased = self.call("POST", &format!("/api/customers/{}/erase", self.thing("gone")), json!({})).await;
        self.keep("erasures", &erased["id"]);
        self.keep("POST /api/customers/{id}/erase", &json!(self.thing("doomed")));
    }

    /// The path of a route with what is really there, and what its query needs.
    fn path(&self, route: &str) -> String {
        let (_, template) = route.split_once(' ').unwrap();
        let mut path = String::new();
        let mut before = "";
        for part in template.split('/').filter(|part| !part.is_empty()) {
            let shown = if part.starts_with('{') {
                let under = template.split('/').find(|p| *p == "customers").map(|of| format!("{of} {before}"));
                let named = [Some(format!("{route} {part}")), Some(route.to_string()), under];
                let known = named.into_iter().flatten().find_map(|name| self.things.get(&name));
                known.map_or_else(|| self.thing(before), String::as_str)
            } else {
                part
            };
            path = format!("{path}/{shown}");
            before = part;
        }
        match route {
            "GET /api/customers/{id}/merge" => format!("{path}?from={}", self.thing("twin")),
            "GET /api/documents/{id}/versions/{version}/changes" => path.replace("/1/changes", "/2/changes"),
            "GET /api/search" => format!("{path}?q=warranty"),
            "GET /api/overview" => format!("{path}?from=2026-01-01T00:00:00Z&to=2026-12-01T00:00:00Z"),
            _ => path,
        }
    }

    /// What a route is sent, naming our own things.
    fn body(&self, route: &str) -> Value {
        let thing = |part: &str| self.thing(part);
        match route {
            "POST /api/api-keys" => json!({"name": "Second", "scopes": ["deal:read"]}),
            "POST /api/ask" => json!({"question": "How long is the warranty?"}),
            "PUT /api/assistants/{id}/gate" => json!({"gate": null}),
            "POST /api/assistants/{id}/versions" => json!({"note": "Another"}),
            "POST /api/assistants/{id}/versions/{version}/publish" => json!({"despite_regression": true}),
            "POST /api/backup" => json!({"with_key": false}),
            "POST /api/canned-replies" | "PUT /api/canned-replies/{id}" => {
                json!({"shortcut": route.split(' ').next().unwrap(), "content": "Hello"})
            }
            "POST /api/channels" => json!({"platform": "webhook", "name": "Second",
                "config": {"secret": "a secret of sixteen", "send_url": "https://example.com/in"}}),
            "PATCH /api/channels/{id}" => json!({"name": "Renamed"}),
            "PATCH /api/conversations/{id}" => json!({"priority": "high"}),
            "POST /api/conversations/{id}/assign" | "POST /api/conversations/{id}/pass" => {
                json!({"agent_id": thing("agent")})
            }
            "POST /api/conversations/{id}/merge" => json!({"from": thing("ended")}),
            "POST /api/conversations/{id}/messages" | "POST /api/conversations/{id}/notes" => json!({"text": "Hello"}),
            "POST /api/conversations/{id}/presence" => json!({"typing": false}),
            "POST /api/conversations/{id}/reword" => json!({"text": "Hello", "tone": "formal"}),
            "POST /api/conversations/{id}/summary" => json!({"language": "en"}),
            "POST /api/conversations/{id}/templates" => json!({"template_id": thing("templates"), "values": ["x"]}),
            "POST /api/conversations/{id}/translate" => json!({"text": "Hello", "to": "zh"}),
            "PUT /api/conversations/{id}/messages/{message}/reaction" => json!({"emoji": "👍"}),
            "PUT /api/customer-fields" => json!({"fields": [{"key": "size", "label": "Size", "type": "number"}]}),
            "PUT /api/model/price" => json!({"price": {"currency": "USD", "input_micros": 1, "output_micros": 2}}),
            "POST /api/customer-imports" => json!({"csv": "name\nSecond\n"}),
            "POST /api/customers/{id}/contacts" | "PATCH /api/customers/{id}/contacts/{contact}" => {
                json!({"name": "Changed"})
            }
            "POST /api/customers" | "PATCH /api/customers/{id}" => json!({"name": "Changed"}),
            "POST /api/customers/{id}/memories" | "POST /api/memories" => json!({"value": "Likes coffee."}),
            "PATCH /api/customers/{id}/memories/{memory}" => json!({"value": "Likes milk."}),
            "POST /api/customers/{id}/merge" => json!({"from": thing("twin")}),
            "POST /api/customers/{id}/notes" => json!({"text": "Called"}),
            "POST /api/deals" => json!({"customer_id": thing("customers"), "title": "D"}),
            "PATCH /api/deals/{id}" => json!({"title": "Changed"}),
            "POST /api/deals/{id}/lose" => json!({"reason": "price"}),
            "POST /api/deals/{id}/move" => json!({"stage": "proposal"}),
            "PATCH /api/documents/{id}" => json!({"valid_until": "2027-01-01T00:00:00Z"}),
            "POST /api/documents/url" => json!({"url": "https://example.com/"}),
            "PUT /api/documents/{id}/schedule" => json!({"every": null}),
            "POST /api/faqs" => json!({"question": "Do you deliver?", "answer": "Yes."}),
            "PATCH /api/faqs/{id}" => json!({"answer": "No."}),
            "PUT /api/away-channels" => json!({"after_minutes": 5}),
            "PUT /api/mail" => json!({"host": "", "port": 25, "security": "none"}),
            "PUT /api/inbox-rules" => json!({"asks_satisfaction": true}),
            "POST /api/knowledge-bases" => json!({"name": "Second"}),
            "PUT /api/knowledge-bases/{id}" => json!({"name": "Renamed"}),
            "POST /api/me/password" => {
                json!({"current": "correct horse battery staple", "new": "another horse battery staple"})
            }
            "PUT /api/me/settings" => json!({"settings": {}}),
            "POST /api/memories/{id}/decide" => json!({"is_approved": true}),
            "PUT /api/organization" => json!({"name": "Renamed"}),
            "POST /api/pipelines" | "PUT /api/pipelines/{id}" => pipeline(route),
            "POST /api/roles" | "PUT /api/roles/{key}" => {
                json!({"name": format!("Role of {route}"), "permissions": []})
            }
            "PUT /api/security" => json!({"requires_second_factor": false}),
            "POST /api/tags" | "PATCH /api/tags/{id}" => json!({"name": route}),
            "POST /api/teams" | "PATCH /api/teams/{id}" => json!({"name": route}),
            "POST /api/templates" | "PUT /api/templates/{id}" => json!({"channel_id": thing("whatsapp"),
                "name": "parcel", "language": if route.starts_with("PUT") { "zh" } else { "en" }, "body": "Hello"}),
            "POST /api/users" => json!({"email": "cy@example.com", "name": "Cy", "roles": ["agent"]}),
            "PATCH /api/users/{id}" => json!({"name": "Robert"}),
            "POST /api/views" => json!({"page": "deals", "name": "Second", "filters": {}}),
            "POST /api/webhooks" => json!({"url": "https://example.com/second", "events": []}),
            _ => json!({}),
        }
    }

    async fn send(&self, token: &str, route: &str) -> Answer {
        let (method, template) = route.split_once(' ').unwrap();
        let path = self.path(route);
        if template.ends_with("/files") || route == "POST /api/documents" {
            return self.shop.form(token, &path, &[], "other.md", b"# Other\n\nSomething else.\n").await;
        }
        let body = (method != "GET" && method != "DELETE").then(|| self.body(route));
        self.shop.call_as(token, method, &path, body).await
    }
}

/// Every route that who is signed in may call, what reads before what changes and what ends things last.
fn ordered() -> Vec<String> {
    let mut all: Vec<String> = routes()
        .into_iter()
        .filter(|(_, path)| !is_open(path) && !path.ends_with("/events"))
        .map(|(method, path)| format!("{method} {path}"))
        .collect();
    all.sort_by_key(|route| {
        let place = match route.split(' ').next().unwrap() {
            _ if ["/sign-out", "/me/password"].iter().any(|end| route.ends_with(end)) => 6,
            _ if route.ends_with("/erase") => 5,
            "DELETE" if route.contains("/members/") => 3,
            "DELETE" => 4,
            "PATCH" => 3,
            // Who has it already takes nothing over.
            "POST" if route.ends_with("/take-over") => 1,
            "GET" => 0,
            _ => 2,
        };
        (place, route.clone())
    });
    all
}

/// The rows that name an organisation.
async fn rows_of(app: &TestApp, org: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = everything(&app.db).await;
    for rows in all.values_mut() {
        rows.retain(|row| row.contains(org));
    }
    all
}

async fn audited(world: &World) -> i64 {
    let mut reader = world.shop.app.read().await.unwrap();
    const COUNT: &str = "SELECT COUNT(*) FROM audit_logs WHERE org_id = $1";
    frontdesk::both!(reader.conn(), c => sqlx::query_scalar(COUNT).bind(world.shop.org).fetch_one(c).await).unwrap()
}

/// Runs a story in a world of its own on each database.
async fn on_each(story: impl AsyncFn(World)) {
    for on in databases() {
        eprintln!("on {on:?}");
        let open = TestApp::open_with(on, |c| {
            c.server.public_url = Some("https://desk.example.com".into());
            // Who held it while asking for another would wait in vain.
            c.database.max_connections = 1;
        });
        story(World::open(open.await).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_finds_and_changes_nothing_of_ours() {
    on_each(async |world| {
        let app = &world.shop.app;
        staff::ensure_org(app, "theirs", "Theirs").await.unwrap();
        let eve = Caller::command_line(app, "theirs").colleague("Eve", &["super_admin"]).await.token();
        let org = world.shop.org.to_string();
        let ours: Vec<&String> = world.things.values().filter(|id| id.len() == 36).collect();
        let before = rows_of(app, &org).await;
        let mut wrong = Vec::new();
        for route in ordered() {
            if route.ends_with("/sign-out") || route == "DELETE /api/demo" {
                continue; // the one ends the stranger's session, the other is about nobody's company
            }
            let answer = world.send(&eve, &route).await;
            let told = answer.body.to_string();
            let failed = answer.status.is_server_error() && answer.status != StatusCode::SERVICE_UNAVAILABLE;
            let is_refused = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&answer.status);
            if failed || (route.contains('{') && !is_refused) {
                wrong.push(format!("{route}: {} {answer:?}", world.path(&route)));
            }
            if ours.iter().any(|id| told.contains(id.as_str())) {
                wrong.push(format!("{route} tells of ours: {told}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let after = rows_of(app, &org).await;
        for (table, rows) in &before {
            assert_eq!(rows, &after[table], "{table}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_leaves_a_line_in_the_audit_log() {
    on_each(async |world| {
        let mut wrong = Vec::new();
        for route in ordered() {
            let before = audited(&world).await;
            let answer = world.send(&world.token, &route).await;
            let lines = audited(&world).await - before;
            let is_quiet = route.starts_with("GET ") || is_on(QUIET, &route);
            wrong.extend(match (answer.status.is_success(), is_on(NEED_MORE, &route)) {
                (true, true) => Some(format!("{route} works here: take it off the list")),
                (false, true) => None,
                (false, false) => Some(format!("{route} failed: {} {answer:?}", world.path(&route))),
                (true, false) if is_quiet && lines > 0 => Some(format!("{route} leaves a line: take it off the list")),
                (true, false) if !is_quiet && lines == 0 => Some(format!("{route} changes something without a line")),
                (true, false) => None,
            });
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let routes = ordered();
        for (listed, _) in QUIET.iter().chain(NEED_MORE) {
            assert!(routes.iter().any(|route| route == listed), "{listed} is no route any more");
        }
    })
    .await;
}
