//! A small company in a test: it knows some documents, customers write to it over a signed webhook, and what it
//! sends is kept by a strict receiver. Nothing sleeps: `settle` runs what is due.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Request, StatusCode},
    routing::post,
};
use frontdesk::{
    app::{ChannelId, OrgId},
    channels::webhook::{SIGNATURE, sign},
    inbox,
    platform::{Clock, crypto},
    staff::{self, By},
    web, worker,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::app::{On, TestApp};

pub const SECRET: &str = "a shared secret of tests";

/// What reached the customers, by the strict other end of the webhook.
#[derive(Default)]
pub struct Received {
    /// The first of each idempotency key, in order.
    pub messages: Vec<Value>,
    /// How often each key came.
    pub times: HashMap<String, usize>,
    /// What a well-behaved sender never does.
    pub faults: Vec<String>,
    /// Answers to give before answering 200.
    pub script: Vec<StatusCode>,
    /// How long it takes to answer; every other message is taken before, the others only after.
    pub pause: Option<Duration>,
    /// For whom messages came, in order, also where the sender did not wait for the answer.
    pub began: Vec<String>,
}

pub type Mailbox = Arc<Mutex<Received>>;

/// Serves the receiver on loopback; its address.
pub async fn receiver(mailbox: Mailbox, clock: Clock) -> String {
    async fn take(State((mailbox, _)): State<(Mailbox, Clock)>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let (pause, began) = {
            let mut all = mailbox.lock().unwrap();
            let message: Value = serde_json::from_slice(&body).unwrap_or_default();
            all.began.push(message["to"]["id"].as_str().unwrap_or_default().into());
            (all.pause, all.began.len())
        };
        if let Some(pause) = pause.filter(|_| began % 2 == 0) {
            tokio::time::sleep(pause).await; // who gives up meanwhile has not sent it
        }
        let status = keep(&mailbox, &headers, &body);
        if let Some(pause) = pause.filter(|_| began % 2 == 1) {
            tokio::time::sleep(pause).await; // who gives up meanwhile has, and doesn't know
        }
        status
    }
    fn keep(mailbox: &Mailbox, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let mut all = mailbox.lock().unwrap();
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_string();
        let signature = header(SIGNATURE);
        let t = signature.split(',').find_map(|p| p.strip_prefix("t=")).and_then(|t| t.parse::<i64>().ok());
        let at = t.and_then(|t| chrono::DateTime::from_timestamp(t, 0));
        if at.is_none_or(|at| sign(SECRET, body, at) != signature) {
            all.faults.push("a message without a good signature".into());
            return StatusCode::FORBIDDEN;
        }
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        if message["id"].as_str() != Some(&header("idempotency-key")) || message["to"]["id"].as_str().is_none() {
            all.faults.push(format!("a malformed message: {message}"));
            return StatusCode::BAD_REQUEST;
        }
        if !all.script.is_empty() {
            return all.script.remove(0);
        }
        let key = header("idempotency-key");
        let times = all.times.entry(key).or_default();
        *times += 1;
        if *times == 1 {
            all.messages.push(message);
        }
        StatusCode::OK
    }
    let router = Router::new().route("/in", post(take)).with_state((mailbox, clock));
    format!("{}/in", super::serve(router).await)
}

/// The company.
pub struct Shop {
    pub app: TestApp,
    pub org: OrgId,
    pub channel: ChannelId,
    pub mailbox: Mailbox,
    pub router: Router,
    written: Mutex<usize>,
}

/// An answer of our API.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Shop {
    pub async fn open(on: On) -> Self {
        Self::around(TestApp::open(on).await).await
    }

    /// A company in an application that a test has opened.
    pub async fn around(app: TestApp) -> Self {
        let org = staff::ensure_org(&app, staff::DEFAULT_ORG, "Shop").await.unwrap();
        let mailbox = Mailbox::default();
        let url = receiver(mailbox.clone(), app.clock.clone()).await;
        let config = json!({"secret": SECRET, "send_url": url});
        let row = inbox::connect(&app, &By::system(org), "webhook", "Webhook", &config, json!({})).await.unwrap();
        let router = web::router(app.app.clone());
        Self { app, org, channel: row.id, mailbox, router, written: Mutex::new(0) }
    }

    /// Teaches one document.
    pub async fn knowing(self, text: &str) -> Self {
        self.learns("notes.md", text).await;
        self
    }

    /// Teaches a document under a name and waits until it is ready.
    pub async fn learns(&self, name: &str, text: &str) -> Value {
        let added = self.upload(name, text.as_bytes()).await;
        assert!(added.status.is_success(), "{added:?}");
        self.settle().await;
        let id = added.body["document"]["id"].as_str().unwrap();
        let document = self.call("GET", &format!("/api/documents/{id}"), None).await;
        assert_eq!(document.body["processing_status"], "completed", "{document:?}");
        document.body
    }

    /// Uploads a file as the command line does.
    pub async fn upload(&self, name: &str, content: &[u8]) -> Answer {
        self.form(&self.app.local_token.clone(), "/api/documents", &[], name, content).await
    }

    /// Sends a form with a file in it.
    pub async fn form(&self, token: &str, path: &str, fields: &[(&str, &str)], name: &str, content: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (field, value) in fields {
            let part = format!("--b\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let request = Request::post(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "multipart/form-data; boundary=b");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Calls the API as the command line does: everything is allowed, in the default organisation.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.app.local_token.clone(), method, path, body).await
    }

    /// Calls the API with a token.
    pub async fn call_as(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status, body }
    }

    /// A customer's message through the signed webhook; the platform's id of it.
    pub async fn says(&self, customer: &str, text: &str) -> String {
        let id = {
            let mut written = self.written.lock().unwrap();
            *written += 1;
            format!("m{}", *written)
        };
        let status = self.deliver(&id, customer, text).await;
        assert_eq!(status, StatusCode::OK);
        id
    }

    /// The same as `says`, with the platform's id chosen: twice the same is a redelivery.
    pub async fn deliver(&self, id: &str, customer: &str, text: &str) -> StatusCode {
        let body = json!({"id": id, "from": {"id": customer, "name": customer}, "text": text}).to_string();
        let request = Request::post(format!("/webhooks/webhook/{}", self.channel))
            .header(SIGNATURE, sign(SECRET, body.as_bytes(), self.app.now()))
            .body(Body::from(body))
            .unwrap();
        self.router.clone().oneshot(request).await.unwrap().status()
    }

    /// Runs due jobs until none is left, the customer's pause included; a job that failed for good fails the test.
    pub async fn settle(&self) {
        let pause = i64::try_from(self.app.config.assistant.pause_ms).unwrap();
        worker::run_due(&self.app.app).await.unwrap();
        self.app.clock.advance(chrono::Duration::milliseconds(pause));
        worker::run_due(&self.app.app).await.unwrap();
        let (_, running, failed) = self.depth().await;
        assert_eq!((running, failed), (0, 0), "jobs are left over");
        assert!(self.mailbox.lock().unwrap().faults.is_empty(), "{:?}", self.mailbox.lock().unwrap().faults);
    }

    /// Runs due jobs, whatever becomes of them.
    pub async fn run_due(&self) {
        worker::run_due(&self.app.app).await.unwrap();
    }

    pub async fn depth(&self) -> (i64, i64, i64) {
        frontdesk::platform::queue::depth(self.app.read().await.unwrap().conn()).await.unwrap()
    }

    /// The texts that reached a customer, in order.
    pub fn reached(&self, customer: &str) -> Vec<String> {
        let all = self.mailbox.lock().unwrap();
        let theirs = all.messages.iter().filter(|m| m["to"]["id"] == customer);
        theirs.map(|m| m["text"].as_str().unwrap().to_string()).collect()
    }

    /// The only or latest conversation of a customer, as the API shows it.
    pub async fn conversation(&self, customer: &str) -> Value {
        let all = self.call("GET", "/api/conversations?limit=200", None).await.body;
        let found = all["items"].as_array().unwrap().iter().find(|c| c["customer_name"] == customer);
        found.unwrap_or_else(|| panic!("{customer} has no conversation: {all}")).clone()
    }

    /// What was said, a line each, and in brackets who holds the conversation when it is not the assistant.
    pub async fn transcript(&self, customer: &str) -> String {
        let conversation = self.conversation(customer).await;
        let path = format!("/api/conversations/{}/messages?limit=200", conversation["id"].as_str().unwrap());
        let messages = self.call("GET", &path, None).await.body;
        let mut lines: Vec<String> = Vec::new();
        for m in messages.as_array().unwrap() {
            let by = match (m["sender_type"].as_str().unwrap(), m["is_private"].as_bool().unwrap()) {
                (_, true) => "note",
                ("customer", _) => customer,
                (by, _) => by,
            };
            lines.push(format!("{by}: {}", m["content"].as_str().unwrap()));
        }
        match conversation["holder"].as_str().unwrap() {
            "queue" => lines.push(format!(
                "[waiting for a person: {}]",
                conversation["hand_off_reason"].as_str().unwrap_or_default().replace('_', " ")
            )),
            "agent" => lines.push("[held by an agent]".into()),
            _ => {}
        }
        lines.join("\n")
    }

    /// Somebody who signs in with this role; their token.
    pub async fn user(&self, name: &str, role: &str) -> String {
        let email = format!("{name}@example.com");
        let body = json!({"email": email, "name": name, "roles": [role], "password": "correct horse battery staple"});
        let added = self.call("POST", "/api/users", Some(body)).await;
        assert!(added.status.is_success(), "{added:?}");
        let body = json!({"email": email, "password": "correct horse battery staple"});
        let signed_in = self.call("POST", "/api/sign-in", Some(body)).await;
        assert!(signed_in.status.is_success(), "{signed_in:?}");
        signed_in.body["token"].as_str().unwrap_or_else(|| panic!("{signed_in:?}")).to_string()
    }
}

/// A random word, so that tests on one database don't meet.
pub fn word() -> String {
    crypto::token().chars().filter(char::is_ascii_lowercase).take(8).collect()
}
