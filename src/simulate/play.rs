//! A company that is open, and one customer after the other who writes to it.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use chrono::{Duration, TimeZone, Utc};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::{
    Told,
    script::{Case, Company, Expect, Says, Step},
};
use crate::{
    app::{App, Config, OrgId},
    inbox,
    knowledge::{
        faq,
        ingest::{self, Content, Upload},
    },
    platform::{Clock, Error, Result, language::Language, lexical::fold_text},
    staff, web, worker,
};

/// The largest answer of our own API that is read.
const LARGEST: usize = 4 << 20;

/// A directory that is removed with its owner.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A company that is open.
pub(super) struct Stage {
    app: Arc<App>,
    org: OrgId,
    channel: String,
    router: Router,
    _scratch: Scratch,
}

/// What came back of a request.
struct Answer {
    is_success: bool,
    body: Value,
}

impl Stage {
    /// Opens a company: its documents are read, its clock stands on a Monday morning.
    pub async fn open(config: Config, company: &Company) -> Result<Self> {
        let scratch = Scratch(std::env::temp_dir().join(format!("frontdesk-simulate-{}", Uuid::now_v7())));
        let config = Config {
            database: crate::app::config::Database::default(),
            vectors: crate::app::config::Vectors::default(),
            redis: crate::app::config::Redis::default(),
            // Nobody real is called, nothing is put away where others see it.
            files: crate::app::config::FileStore::default(),
            notify: crate::app::config::Notify::default(),
            ..config
        };
        // A Monday morning, whenever it is run.
        let monday = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).single().unwrap_or_default();
        let app = App::open(config, scratch.0.clone(), None, Clock::fixed(monday)).await?;
        let org = staff::ensure_org(&app, staff::DEFAULT_ORG, &company.name).await?;
        let domains: Vec<&str> = company.link_domains.iter().map(String::as_str).collect();
        inbox::allow_links(&app, org, &domains).await?;
        let channel = inbox::ensure_web_channel(&app, org).await?.id.to_string();
        for document in &company.documents {
            let content = Content::Bytes(document.text.clone().into_bytes());
            let upload = Upload { source: document.name.clone(), title: None, content, extension: None };
            ingest::add(&app, org, None, upload, None).await?;
        }
        for faq in &company.faqs {
            let (question, answer) = (faq.question.clone(), faq.answer.clone());
            faq::add(&app, &staff::By::system(org), faq::NewFaq { kb_id: None, question, answer, category: None })
                .await?;
        }
        worker::run_due(&app).await?;
        let router = web::router(app.clone());
        Ok(Self { app, org, channel, router, _scratch: scratch })
    }

    async fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<Value>) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).map_err(|e| Error::Internal(e.into()))?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let is_success = response.status().is_success();
        let bytes = axum::body::to_bytes(response.into_body(), LARGEST).await.map_err(|e| Error::Internal(e.into()))?;
        Ok(Answer { is_success, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// Lets time pass, and everything happen that is due.
    async fn pass(&self, time: Duration) -> Result<()> {
        worker::run_due(&self.app).await?;
        self.app.clock.advance(time);
        inbox::sweep(&self.app).await?;
        worker::run_due(&self.app).await?;
        Ok(())
    }

    /// Plays one customer, move by move.
    pub async fn play(&self, case: &Case, file: &str) -> Result<Told> {
        let mood = case.mood.as_ref().map_or(String::new(), |mood| format!(", {mood}"));
        let wants = format!("[wants: {}{mood}]", case.goal);
        let mut told =
            Told { id: case.id.clone(), file: file.to_owned(), failures: Vec::new(), transcript: vec![wants] };
        let session = self.call("POST", "/api/widget/session", None, Some(json!({"channel": self.channel}))).await?;
        let token = text(&session.body, "/visitor_token");
        // By conversation: a customer who comes back after a while may begin another.
        let mut heard: BTreeMap<String, i64> = BTreeMap::new();
        for (n, step) in case.steps.iter().enumerate() {
            if let Some(time) = &step.after {
                self.pass(duration(time)?).await?;
            }
            self.act(case, step, &token, &mut told).await?;
            self.pass(Duration::milliseconds(self.app.config.assistant.pause_ms.try_into().unwrap_or(i64::MAX)))
                .await?;
            let heard_now = self.hear(&token, &mut heard).await?;
            told.transcript.extend(heard_now.replies.iter().map(|r| format!("{}: {}", r.by, r.text)));
            let failures = heard_now.failures(&step.expect, &case.never);
            told.failures.extend(failures.into_iter().map(|failure| format!("move {}: {failure}", n + 1)));
        }
        Ok(told)
    }

    async fn act(&self, case: &Case, step: &Step, token: &str, told: &mut Told) -> Result<()> {
        let texts: &[String] = match &step.says {
            None => &[],
            Some(Says::Once(text)) => std::slice::from_ref(text),
            Some(Says::Burst(texts)) => texts,
        };
        for text in texts {
            told.transcript.push(format!("customer: {text}"));
            let body = json!({"echo_id": Uuid::now_v7(), "text": text});
            let written = self.call("POST", "/api/widget/messages", Some(token), Some(body)).await?;
            if !written.is_success {
                told.failures.push(format!("{} was refused: {}", case.id, written.body));
            }
        }
        if step.presses_person {
            told.transcript.push("customer: [presses the button for a person]".into());
            self.call("POST", "/api/widget/person", Some(token), Some(json!({}))).await?;
        }
        if let Some(text) = &step.agent_says {
            let id = self.conversation(token).await?;
            let agent = self.agent().await?;
            self.call("POST", &format!("/api/conversations/{id}/take-over"), Some(&agent), None).await?;
            let sent = json!({"text": text});
            let sent =
                self.call("POST", &format!("/api/conversations/{id}/messages"), Some(&agent), Some(sent)).await?;
            if !sent.is_success {
                told.failures.push(format!("the agent could not write: {}", sent.body));
            }
        }
        if step.agent_resolves {
            let id = self.conversation(token).await?;
            let agent = self.agent().await?;
            told.transcript.push("[an agent resolves the conversation]".into());
            self.call("POST", &format!("/api/conversations/{id}/resolve"), Some(&agent), Some(json!({}))).await?;
        }
        Ok(())
    }

    async fn conversation(&self, token: &str) -> Result<String> {
        let seen = self.call("GET", "/api/widget/messages", Some(token), None).await?;
        Ok(text(&seen.body, "/conversation/id"))
    }

    /// The token of an agent who signs in.
    async fn agent(&self) -> Result<String> {
        let local = self.app.local_token.clone();
        let (email, password) = ("agent@example.com", "a password of simulations");
        let new = json!({"email": email, "name": "Agent", "roles": ["agent"], "password": password});
        self.call("POST", "/api/users", Some(&local), Some(new)).await?; // a second time it is there already
        let credentials = json!({"email": email, "password": password});
        let opened = self.call("POST", "/api/sign-in", None, Some(credentials)).await?;
        let token = text(&opened.body, "/token");
        if token.is_empty() {
            return Err(Error::Invalid(format!("no agent in {}: {}", self.org, opened.body)));
        }
        Ok(token)
    }

    /// What was said to the customer since the last time.
    async fn hear(&self, token: &str, heard: &mut BTreeMap<String, i64>) -> Result<Heard> {
        let seen = self.call("GET", "/api/widget/messages", Some(token), None).await?.body;
        let last = heard.entry(text(&seen, "/conversation/id")).or_default();
        let mut replies = Vec::new();
        for message in seen.get("messages").and_then(Value::as_array).into_iter().flatten() {
            let seq = message.get("seq").and_then(Value::as_i64).unwrap_or_default();
            if seq <= *last {
                continue;
            }
            *last = seq;
            let by = text(message, "/by");
            if by != "customer" {
                replies.push(Reply { by, kind: text(message, "/kind"), text: text(message, "/text") });
            }
        }
        Ok(Heard { replies, holder: text(&seen, "/conversation/holder"), status: text(&seen, "/conversation/status") })
    }
}

/// The text at `path`; empty if there is none.
fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

struct Reply {
    by: String,
    kind: String,
    text: String,
}

/// What a customer heard, and how the conversation stands.
struct Heard {
    replies: Vec<Reply>,
    holder: String,
    status: String,
}

impl Heard {
    /// What of `expected` does not hold.
    fn failures(&self, expected: &Expect, never: &[String]) -> Vec<String> {
        let mut failures = Vec::new();
        let said = self.replies.iter().map(|r| fold_text(&r.text)).collect::<Vec<_>>().join("\n");
        let holds = |text: &String| said.contains(&fold_text(text));
        let kind = self.replies.last().map(|r| r.kind.as_str()).unwrap_or_default();
        if !expected.kind.is_empty() && !expected.kind.iter().any(|k| k == kind) {
            failures.push(format!("{} was expected, and it was “{kind}”", expected.kind.join(" or ")));
        }
        failures.extend(expected.contains.iter().filter(|t| !holds(t)).map(|t| format!("“{t}” was not said")));
        if !expected.any.is_empty() && !expected.any.iter().any(holds) {
            failures.push(format!("none of “{}” was said", expected.any.join("”, “")));
        }
        let forbidden = expected.never.iter().chain(never);
        failures.extend(forbidden.filter(|t| holds(t)).map(|t| format!("“{t}” was said")));
        if expected.replies.is_some_and(|n| n != self.replies.len()) {
            failures.push(format!("{} replies came", self.replies.len()));
        }
        for reply in &self.replies {
            let language = Language::detect(&reply.text);
            if expected.language.is_some() && language.is_some() && language != expected.language {
                failures.push(format!("the reply is in the other language: {}", reply.text));
            }
        }
        let stands = [("held by", &expected.holder, &self.holder), ("status", &expected.status, &self.status)];
        for (what, wanted, is) in stands {
            if wanted.as_ref().is_some_and(|wanted| wanted != is) {
                failures.push(format!("{what}: {is}, not {}", wanted.as_deref().unwrap_or_default()));
            }
        }
        failures
    }
}

/// "30s", "10m", "26h", "3d".
fn duration(text: &str) -> Result<Duration> {
    let unit = text.chars().last().unwrap_or_default();
    let number = text.strip_suffix(unit).and_then(|n| n.trim().parse::<i64>().ok());
    let of = |seconds: i64| number.and_then(|n| n.checked_mul(seconds)).map(Duration::seconds);
    match unit {
        's' => of(1),
        'm' => of(60),
        'h' => of(3600),
        'd' => of(86_400),
        _ => None,
    }
    .ok_or_else(|| Error::Invalid(format!("{text} is no time: write 30s, 10m, 26h or 3d")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("26h").unwrap(), Duration::hours(26));
        assert_eq!(duration("3d").unwrap(), Duration::days(3));
        for wrong in ["", "h", "3", "3w", "é"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_does_not_hold_is_said() {
        let reply = Reply { by: "assistant".into(), kind: "answer".into(), text: "It is 24 months.".into() };
        let heard = Heard { replies: vec![reply], holder: "assistant".into(), status: "active".into() };
        let held = Expect {
            kind: vec!["answer".into()],
            contains: vec!["24 MONTHS".into()],
            replies: Some(1),
            language: Some(Language::En),
            holder: Some("assistant".into()),
            ..Expect::default()
        };
        assert!(heard.failures(&held, &["99".into()]).is_empty());
        let missed = Expect {
            kind: vec!["hand_off".into()],
            any: vec!["5 days".into()],
            never: vec!["24".into()],
            replies: Some(2),
            language: Some(Language::Zh),
            status: Some("pending".into()),
            ..Expect::default()
        };
        assert_eq!(heard.failures(&missed, &["months".into()]).len(), 7);
    }
}
