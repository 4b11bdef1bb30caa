//! The way of one call over HTTP: the only place that tries again, and that reads bodies, bounded.
//!
//! It stands under async-openai in place of its own retries: those wait as long as the provider says, don't retry a
//! flat 429 and log the bodies of errors, which may repeat what a customer wrote.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use axum::http;
use futures::{FutureExt, future::BoxFuture};
use tokio::time::Instant;

use super::failure::{Failure, Refusal};

/// How often one call asks at most.
const MOST_REQUESTS: u32 = 3;
/// The first pause; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(150);
/// No answer of ours is longer; 64 vectors of 4096 numbers are about 5 MB.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// Sends one call's requests until `deadline`.
#[derive(Clone)]
pub struct Transport {
    http: reqwest::Client,
    deadline: Instant,
    requests: Arc<AtomicU32>,
}

impl Transport {
    pub fn new(http: reqwest::Client, deadline: Instant) -> Self {
        Self { http, deadline, requests: Arc::default() }
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    async fn send(&self, factory: &HttpRequestFactory) -> Result<reqwest::Response, Failure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let failure = match self.once(factory).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let wait = match &failure {
                Failure::Refused(refusal) if refusal.is_passing() => refusal.retry_after.unwrap_or(pause),
                Failure::Unreachable(_) => pause,
                _ => return Err(failure),
            };
            // Someone is waiting: a long "retry after" is an answer from the documents now, not one from the model
            // later.
            let remaining = self.deadline.saturating_duration_since(Instant::now());
            if attempt >= MOST_REQUESTS || wait > remaining / 2 {
                return Err(failure);
            }
            tokio::time::sleep(wait.mul_f32(rand::random_range(0.8..=1.2))).await;
            pause *= 2;
        }
        Err(Failure::Unreachable("no attempt was left"))
    }

    async fn once(&self, factory: &HttpRequestFactory) -> Result<reqwest::Response, Failure> {
        let request = factory.build().await.map_err(|_| Failure::Unreachable("the request cannot be built"))?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = self.http.execute(request).await.map_err(|e| unreachable(&e))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let body = read(response).await?;
        if !status.is_success() {
            let mut refusal = Refusal::read(status.as_u16(), &body);
            refusal.retry_after = retry_after;
            return Err(Failure::Refused(refusal));
        }
        // async-openai would write a body that is not JSON into the log.
        serde_json::from_slice::<serde::de::IgnoredAny>(&body).map_err(|_| Failure::Malformed("not JSON"))?;
        let response = http::Response::builder().status(status).body(reqwest::Body::from(body));
        Ok(response.map_err(|_| Failure::Malformed("not HTTP"))?.into())
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| Failure::Malformed("the connection broke"))? {
        if body.len() + piece.len() > LONGEST_BODY {
            return Err(Failure::Malformed("far too long"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn unreachable(error: &reqwest::Error) -> Failure {
    Failure::Unreachable(match error {
        e if e.is_timeout() => "the connection timed out",
        e if e.is_connect() => "the connection was refused",
        _ => "the connection broke",
    })
}

impl tower::Service<HttpRequestFactory> for Transport {
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = BoxFuture<'static, Result<reqwest::Response, OpenAIError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let transport = self.clone();
        async move { transport.send(&factory).await.map_err(|failure| OpenAIError::Boxed(Box::new(failure))) }.boxed()
    }
}

/// What went wrong, of an error that came through the transport.
pub fn failure(error: OpenAIError) -> Failure {
    match error {
        OpenAIError::Boxed(inner) => match inner.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(_) => Failure::Malformed("an unknown error"),
        },
        OpenAIError::JSONDeserialize(..) => Failure::Malformed("fields are missing or of another type"),
        _ => Failure::Malformed("an unknown error"),
    }
}
