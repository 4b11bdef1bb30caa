//! Someone who calls the API: signed out, signed in, with a key, or as the command line.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use frontdesk::{app::App, web};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Who sends the requests.
#[derive(Clone)]
pub struct Caller {
    router: axum::Router,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text);
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).unwrap() }
    }

    /// What a cookie is set to; `None` when it is not, or taken back.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let all = self.headers.get_all("set-cookie").iter().map(|v| v.to_str().unwrap());
        let mut pairs = all.filter_map(|c| c.split(';').next()?.split_once('='));
        pairs.find_map(|(n, value)| (n == name && !value.is_empty()).then(|| value.to_string()))
    }

    /// The error code of a failure, like `not_found`.
    #[track_caller]
    pub fn error(&self) -> String {
        assert!(!self.status.is_success(), "{}: {}", self.status, self.text);
        let body: Value = serde_json::from_str(&self.text).expect("errors are JSON");
        assert!(body["error"]["message"].is_string(), "{body}");
        body["error"]["code"].as_str().expect("errors have a code").to_string()
    }
}

impl Caller {
    /// Nobody in particular.
    pub fn nobody(app: &Arc<App>) -> Self {
        Self { router: web::router(app.clone()), headers: Vec::new() }
    }

    /// The command line beside the process, in the organisation of this slug.
    pub fn command_line(app: &Arc<App>, org: &str) -> Self {
        Self::nobody(app).bearing(&app.local_token).with("x-frontdesk-org", org)
    }

    /// The same with a token.
    pub fn bearing(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The token that is shown.
    pub fn token(&self) -> String {
        let shown = self.headers.iter().find(|(n, _)| n == "authorization").expect("nobody in particular");
        shown.1.trim_start_matches("Bearer ").to_string()
    }

    /// The same with one more header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut with = self.clone();
        with.headers.retain(|(n, _)| n != name);
        with.headers.push((name.into(), value.into()));
        with
    }

    /// A user with these roles, made by this caller, signed in.
    pub async fn colleague(&self, name: &str, roles: &[&str]) -> Self {
        let email = format!("{}@example.com", name.to_lowercase());
        let new = json!({"email": email, "name": name, "roles": roles, "password": "correct horse battery"});
        self.post("/api/users", new).await.ok();
        self.sign_in(&email, "correct horse battery").await
    }

    /// Who signs in with this address and password.
    pub async fn sign_in(&self, email: &str, password: &str) -> Self {
        let org = self.headers.iter().find(|(n, _)| n == "x-frontdesk-org").map(|(_, v)| v.clone());
        let nobody = Self { router: self.router.clone(), headers: Vec::new() };
        let credentials = json!({"email": email, "password": password, "organization": org});
        let opened = nobody.post("/api/sign-in", credentials).await.ok();
        nobody.bearing(opened["token"].as_str().unwrap())
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str) -> Answer {
        self.send(Method::PUT, path, None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }
}
