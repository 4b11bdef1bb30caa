//! A platform in a few words: it takes messages at its sending path as its dialect says, keeps its law, remembers what it
//! took, and misbehaves when told to.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use chrono::{DateTime, Duration, Utc};
use frontdesk::platform::Clock;
use serde_json::Value;

use super::{Out, check::is_too_fast};
use crate::support::serve;

/// One request of ours.
pub struct Call<'a> {
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    pub raw: &'a [u8],
    pub body: &'a Value,
}

impl Call<'_> {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

/// What a request of ours asks for.
pub enum Asked {
    /// A message; `key` is our own id of it.
    Message { to: String, text: String, key: Option<String> },
    /// Something that is answered with this.
    Other(Value),
    /// Something that the platform does not document.
    Wrong(String),
}

/// How a platform speaks.
#[derive(Clone, Copy)]
pub struct Dialect {
    pub reads: fn(&Call<'_>, &mut Kept) -> Asked,
    /// The answer to a message that was taken, by the platform's id of it.
    pub answers: fn(&str, &str) -> Value,
    /// Whether that answer names the id.
    pub names_ids: bool,
    /// The platform's id, of a number.
    pub id: fn(&str, usize) -> String,
    /// How a message can be refused.
    pub refusals: &'static [(u16, &'static str)],
    /// Whether our id counts once.
    pub recognises: bool,
    /// How many messages each of the customer's permits, and for how long.
    pub quota: Option<(usize, Duration)>,
    /// The same for a tap on a menu, beside what a message permits.
    pub tap: Option<(usize, Duration)>,
    pub pace: Option<(usize, Duration)>,
}

#[derive(Clone)]
enum Does {
    Refuses(u16, &'static str),
    /// Takes the message, and a proxy answers 502.
    TakesAndBreaks,
    /// Takes it, and the answer is cut off.
    TakesAndGarbles,
    /// Takes it, and the connection breaks in the middle of the answer.
    TakesAndHangsUp,
}

#[derive(Default)]
pub struct Kept {
    /// Whom it went to, and what.
    pub taken: Vec<(String, Out)>,
    /// How many of them the platform has told us of.
    pub told: usize,
    /// The token that is valid, where there are tokens.
    pub token: String,
    pub tokens: usize,
    pub faults: Vec<String>,
    scripts: HashMap<String, VecDeque<Does>>,
    written: HashSet<String>,
    heard: HashMap<String, DateTime<Utc>>,
    left: HashMap<String, usize>,
    /// Until when a customer's last tap permits messages, and how many.
    taps: HashMap<String, (DateTime<Utc>, usize)>,
}

#[derive(Clone)]
pub struct Wire {
    pub url: String,
    dialect: Dialect,
    kept: Arc<Mutex<Kept>>,
    clock: Arc<Mutex<Option<Clock>>>,
}

impl Wire {
    pub async fn start(dialect: Dialect) -> Self {
        let wire = Self { url: String::new(), dialect, kept: Arc::default(), clock: Arc::default() };
        let url = serve(Router::new().fallback(any(answer)).with_state(wire.clone())).await;
        Self { url, ..wire }
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// From here on the platform goes by this clock.
    pub fn goes_by(&self, clock: &Clock) {
        *self.clock.lock().unwrap() = Some(clock.clone());
    }

    fn now(&self) -> Option<DateTime<Utc>> {
        self.clock.lock().unwrap().as_ref().map(Clock::now)
    }

    /// The customer wrote: what they may be sent counts anew. A message that is delivered again opens nothing.
    pub fn hears(&self, who: &str, id: &str) {
        let Some(now) = self.now() else { return };
        let mut kept = self.kept();
        if !kept.written.insert(id.into()) {
            return;
        }
        kept.heard.insert(who.into(), now);
        if let Some((messages, _)) = self.dialect.quota {
            kept.left.insert(who.into(), messages);
        }
    }

    /// The customer tapped something: that permits a little for a short while.
    pub fn feels(&self, who: &str) {
        let (Some(now), Some((messages, window))) = (self.now(), self.dialect.tap) else { return };
        self.kept().taps.insert(who.into(), (now + window, messages));
    }

    pub fn fault(&self, who: &str, kind: u64) {
        let refusals = self.dialect.refusals;
        let does = match kind as usize % (refusals.len() + 4) {
            0 | 1 => Does::TakesAndBreaks,
            2 => Does::TakesAndGarbles,
            3 => Does::TakesAndHangsUp,
            n => Does::Refuses(refusals[n - 4].0, refusals[n - 4].1),
        };
        self.kept().scripts.entry(who.into()).or_default().push_back(does);
    }

    pub fn reached(&self, who: &str) -> Vec<Out> {
        self.kept().taken.iter().filter(|(to, _)| to == who).map(|(_, out)| out.clone()).collect()
    }

    /// What was taken and not yet told of: whom it went to, the platform's id, the text.
    pub fn news(&self) -> Vec<(String, String, String)> {
        let mut kept = self.kept();
        let until = kept.taken.len();
        let from = std::mem::replace(&mut kept.told, until);
        let news = &kept.taken[from..];
        news.iter().map(|(to, out)| (to.clone(), out.id.clone().unwrap_or_default(), out.text.clone())).collect()
    }

    fn take(&self, kept: &mut Kept, to: String, text: String, key: Option<String>) -> Response {
        let does = kept.scripts.get_mut(&to).and_then(VecDeque::pop_front);
        if let Some(Does::Refuses(status, body)) = does {
            return said(status, body);
        }
        let key = key.and_then(|k| k.parse().ok());
        let known = kept.taken.iter().find(|(_, o)| self.dialect.recognises && key.is_some() && o.key == key);
        if let Some((to, known)) = known {
            return Json((self.dialect.answers)(to, known.id.as_deref().unwrap_or_default())).into_response();
        }
        let now = self.now();
        if let (Some((_, window)), Some(now)) = (self.dialect.quota, now)
            && !kept.spends_tap(&to, now)
        {
            let left = kept.left.entry(to.clone()).or_default();
            *left = match left.checked_sub(1) {
                Some(left) => left,
                None => {
                    kept.faults.push(format!("more messages to {to} than are permitted"));
                    return said(200, r#"{"errcode": 45047, "errmsg": "out of response count limit"}"#);
                }
            };
            if kept.heard.get(&to).is_none_or(|at| now > *at + window) {
                kept.faults.push(format!("a message to {to} outside the window"));
                return said(200, r#"{"errcode": 45015, "errmsg": "response out of time limit"}"#);
            }
        }
        let id = (self.dialect.id)(&to, kept.taken.len());
        let shown = self.dialect.names_ids.then(|| id.clone());
        kept.taken.push((to.clone(), Out { key, id: shown, text, at: now }));
        if let (Some((burst, every)), Some(_)) = (self.dialect.pace, now) {
            let theirs = kept.taken.iter().filter(|(t, _)| *t == to).filter_map(|(_, o)| o.at);
            if is_too_fast(&theirs.collect::<Vec<_>>(), burst, every) {
                kept.faults.push(format!("messages to {to} too fast"));
            }
        }
        match does {
            Some(Does::TakesAndBreaks) => said(502, "<html>bad gateway</html>"),
            Some(Does::TakesAndGarbles) => said(200, "{\"o"),
            Some(Does::TakesAndHangsUp) => {
                let broken =
                    futures::stream::iter([Ok(Bytes::from_static(b"{\"")), Err(std::io::Error::other("gone"))]);
                Response::new(Body::from_stream(broken))
            }
            _ => Json((self.dialect.answers)(&to, &id)).into_response(),
        }
    }
}

impl Kept {
    /// Whether the customer's last tap still permits a message; it is one less then.
    fn spends_tap(&mut self, to: &str, now: DateTime<Utc>) -> bool {
        match self.taps.get_mut(to) {
            Some((until, left)) if now <= *until && *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

fn said(status: u16, body: &'static str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], body).into_response()
}

async fn answer(State(wire): State<Wire>, OriginalUri(uri): OriginalUri, headers: HeaderMap, raw: Bytes) -> Response {
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    let call = Call { path: uri.path(), query, headers: &headers, raw: &raw, body: &body };
    let mut kept = wire.kept();
    match (wire.dialect.reads)(&call, &mut kept) {
        Asked::Message { to, text, key } => wire.take(&mut kept, to, text, key),
        Asked::Other(answer) => Json(answer).into_response(),
        Asked::Wrong(fault) => {
            kept.faults.push(fault);
            said(400, "{}")
        }
    }
}
