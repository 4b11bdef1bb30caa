//! One address that models are called at: its client, its breaker, and what it was found to accept.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_openai::{Client, config::Config};
use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    ModelCall, Remote, Settings,
    breaker::Breaker,
    failure::{Failed, Failure},
    transport::{self, Transport},
};
use crate::platform::{
    Clock,
    error::{Error, Result},
};

/// Which of the provider's calls.
#[derive(Debug, Clone, Copy)]
pub enum Api {
    Chat,
    Embeddings,
}

/// An address with its key.
#[derive(Clone)]
struct Address {
    base_url: String,
    headers: HeaderMap,
    // async-openai asks for it; the header above is what is sent.
    key: SecretString,
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base_url
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// One model at one address; `Learnt` is what calls found out about it.
pub struct Endpoint<Learnt> {
    pub model: String,
    address: Address,
    http: reqwest::Client,
    timeout: Duration,
    clock: Clock,
    breaker: Mutex<Breaker>,
    learnt: Mutex<Learnt>,
}

impl<Learnt: Copy + Default> Endpoint<Learnt> {
    pub fn open(remote: &Remote, settings: &Settings, clock: Clock) -> Result<Self> {
        let mut headers = HeaderMap::new();
        if let Some(key) = remote.api_key.as_ref().map(|k| k.expose_secret().trim()).filter(|k| !k.is_empty()) {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| Error::Invalid("model.api_key: holds characters that no key has".into()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // reqwest panics without a provider; whoever installed one before keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&remote.base_url) {
            http = http.no_proxy();
        }
        let pause = chrono::Duration::from_std(settings.breaker_pause).unwrap_or(chrono::Duration::days(1));
        Ok(Self {
            model: remote.model.clone(),
            address: Address {
                base_url: remote.base_url.trim_end_matches('/').to_owned(),
                headers,
                key: SecretString::from(String::new()),
            },
            http: http.build().map_err(Error::internal)?,
            timeout: settings.timeout,
            clock,
            breaker: Mutex::new(Breaker::new(settings.breaker_failures, pause)),
            learnt: Mutex::default(),
        })
    }

    /// The host, for people.
    pub fn host(&self) -> String {
        url::Url::parse(&self.address.base_url).ok().and_then(|u| u.host_str().map(str::to_owned)).unwrap_or_default()
    }

    pub fn learnt(&self) -> Learnt {
        *lock(&self.learnt)
    }

    pub fn remember(&self, learnt: Learnt) {
        *lock(&self.learnt) = learnt;
    }

    pub fn is_resting(&self) -> bool {
        lock(&self.breaker).is_open()
    }

    /// Runs one call: `work` gets a line to the provider and says what it heard. Everything `work` does shares one
    /// time-out; the breaker, the trace and the metrics see one call.
    pub async fn call<T>(
        &self,
        purpose: &'static str,
        work: impl AsyncFnOnce(&Line, &mut ModelCall) -> Result<T, Failure>,
    ) -> Result<(T, ModelCall), Failed> {
        let started = Instant::now();
        let mut call = ModelCall::new(purpose, &self.model);
        if !lock(&self.breaker).permit(self.clock.now()) {
            return Err(self.failed(Failure::Resting, call));
        }
        let deadline = started + self.timeout;
        let transport = Transport::new(self.http.clone(), deadline);
        let line = Line {
            client: Client::build(self.http.clone(), self.address.clone()).with_http_service(transport.clone()),
        };
        let outcome = tokio::time::timeout_at(deadline, work(&line, &mut call))
            .await
            .unwrap_or(Err(Failure::TooSlow(self.timeout)));
        // reqwest's own time-out ends at the same instant and may be noticed first.
        let outcome = match outcome {
            Err(Failure::Unreachable(_) | Failure::Malformed(_)) if Instant::now() >= deadline => {
                Err(Failure::TooSlow(self.timeout))
            }
            outcome => outcome,
        };
        call.requests = transport.requests();
        call.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        match outcome {
            Ok(value) => {
                lock(&self.breaker).succeeded();
                call.report();
                Ok((value, call))
            }
            Err(failure) => Err(self.failed(failure, call)),
        }
    }

    fn failed(&self, failure: Failure, mut call: ModelCall) -> Failed {
        if failure.is_the_providers() {
            if lock(&self.breaker).failed(self.clock.now()) {
                tracing::warn!(model = self.model, cause = %failure, "the model fails: it is left alone for a while");
            }
        } else if failure != Failure::Resting {
            lock(&self.breaker).succeeded();
        }
        call.outcome = failure.word().into();
        call.report();
        Failed { failure, call }
    }
}

/// The way to the provider for one call.
pub struct Line {
    client: Client<Address>,
}

impl Line {
    /// Posts `body` and gives the provider's JSON.
    pub async fn post(&self, api: Api, body: &Value) -> Result<Value, Failure> {
        let answer = match api {
            Api::Chat => self.client.chat().create_byot(body).await,
            Api::Embeddings => self.client.embeddings().create_byot(body).await,
        };
        answer.map_err(transport::failure)
    }
}

fn is_loopback(base_url: &str) -> bool {
    match url::Url::parse(base_url).ok().and_then(|u| u.host().map(|h| h.to_owned())) {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Nothing panics while these are held, and half-made states are no danger in them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
