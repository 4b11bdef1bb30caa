//! Commands speak the HTTP API: to the server that runs, or to the same routes in this process when none does.

use std::sync::Arc;

use axum::{Router, body::Body};
use frontdesk::{
    app::App,
    platform::{Error, Result},
    web, worker,
};
use futures::StreamExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{
    Context,
    lock::{self, Held, Lock, Running},
};

/// Who answers the API.
pub enum Client {
    Server { http: reqwest::Client, running: Running, org: String },
    Here { app: Arc<App>, router: Router, org: String, _lock: Lock },
}

impl Client {
    /// Reaches the running server, or opens the data directory in this process.
    pub async fn open(context: &Context) -> Result<Self> {
        let org = context.org.clone();
        match lock::take(&context.data_dir)? {
            Held::Another(Some(running)) => {
                // Its own client: a backup or an ingestion may take longer than any time-out of ours.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let http = reqwest::Client::builder()
                    .connect_timeout(std::time::Duration::from_secs(5))
                    .no_proxy()
                    .build()
                    .map_err(Error::internal)?;
                Ok(Self::Server { http, running, org })
            }
            Held::Another(None) => Err(Error::Conflict(format!(
                "{}: another command is using this data directory; try again when it is done",
                context.data_dir.display()
            ))),
            Held::Ours(lock) => {
                let app = context.open(context.config()?).await?;
                super::serve::prepare(&app).await?;
                worker::start(&app).await?;
                let router = web::router(app.clone());
                Ok(Self::Here { app, router, org, _lock: lock })
            }
        }
    }

    /// One call; an answer that is no success becomes the error it tells.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let (content_type, body) = match body {
            Some(body) => (Some("application/json".to_string()), Body::from(body.to_string())),
            None => (None, Body::empty()),
        };
        let bytes = self.send(method, path, content_type, body).await?;
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }

    /// One call as somebody else: with their token instead of ours.
    pub async fn call_as(&self, method: &str, path: &str, body: Option<Value>, token: &str) -> Result<Value> {
        let kind = body.is_some().then(|| "application/json".to_string());
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        let mut chunks = self.stream(method, path, kind, body, Some(token)).await?;
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(serde_json::from_slice(&all)?)
    }

    /// Uploads one file as `multipart/form-data`, streamed from disk.
    pub async fn upload(&self, path: &str, name: &str, file: &std::path::Path) -> Result<Value> {
        let boundary = format!("frontdesk{}", uuid::Uuid::now_v7().simple());
        let safe: String = name.chars().filter(|c| !matches!(c, '"' | '\r' | '\n' | '\\')).collect();
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"source\"\r\n\r\n{name}\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{safe}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        let file = tokio::fs::File::open(file).await.map_err(|e| Error::Invalid(format!("{}: {e}", file.display())))?;
        let parts = futures::stream::iter([Ok(bytes::Bytes::from(head))])
            .chain(tokio_util::io::ReaderStream::with_capacity(file, 256 << 10))
            .chain(futures::stream::iter([Ok(bytes::Bytes::from(format!("\r\n--{boundary}--\r\n")))]));
        let kind = format!("multipart/form-data; boundary={boundary}");
        let bytes = self.send("POST", path, Some(kind), Body::from_stream(parts)).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// One call whose answer is written to `file`.
    pub async fn download(&self, path: &str, body: Value, file: &std::path::Path) -> Result<u64> {
        use tokio::io::AsyncWriteExt;
        let partial = file.with_extension("partial");
        let cannot = |e: std::io::Error| Error::Invalid(format!("{}: {e}", file.display()));
        // It holds what customers wrote: for nobody else on this machine.
        let mut options = tokio::fs::OpenOptions::new();
        let mut out =
            options.write(true).create(true).truncate(true).mode(0o600).open(&partial).await.map_err(cannot)?;
        let mut length = 0;
        let mut chunks =
            self.stream("POST", path, Some("application/json".into()), Body::from(body.to_string()), None).await?;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            length += chunk.len() as u64;
            out.write_all(&chunk).await.map_err(cannot)?;
        }
        out.sync_all().await.map_err(cannot)?;
        tokio::fs::rename(&partial, file).await.map_err(cannot)?;
        Ok(length)
    }

    async fn send(&self, method: &str, path: &str, content_type: Option<String>, body: Body) -> Result<Vec<u8>> {
        let mut chunks = self.stream(method, path, content_type, body, None).await?;
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    async fn stream(
        &self,
        method: &str,
        path: &str,
        content_type: Option<String>,
        body: Body,
        token: Option<&str>,
    ) -> Result<Chunks> {
        let (ours, org) = match self {
            Self::Server { running, org, .. } => (running.token.as_str(), org),
            Self::Here { app, org, .. } => (app.local_token.as_str(), org),
        };
        let mut request = axum::http::Request::builder()
            .method(method)
            .header("authorization", format!("Bearer {}", token.unwrap_or(ours)))
            .header("x-frontdesk-org", org);
        if let Some(kind) = content_type {
            request = request.header("content-type", kind);
        }
        match self {
            Self::Here { router, .. } => {
                let request = request.uri(path).body(body).map_err(Error::internal)?;
                let response = router.clone().oneshot(request).await.map_err(Error::internal)?;
                let status = response.status();
                let chunks = response.into_body().into_data_stream().map(|c| c.map_err(Error::internal));
                finish(status, Box::pin(chunks)).await
            }
            Self::Server { http, running, .. } => {
                let (parts, body) =
                    request.uri(format!("{}{path}", running.url)).body(body).map_err(Error::internal)?.into_parts();
                let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(Error::internal)?;
                let response = http
                    .request(method, parts.uri.to_string())
                    .headers(parts.headers)
                    .body(reqwest::Body::wrap_stream(body.into_data_stream()))
                    .send()
                    .await
                    .map_err(|e| Error::Unavailable { service: "the running server", source: e.into() })?;
                let status = response.status();
                let chunks = response.bytes_stream().map(|c| c.map_err(Error::internal));
                finish(status, Box::pin(chunks)).await
            }
        }
    }

    /// Ends what runs in this process.
    pub async fn close(self) {
        if let Self::Here { app, .. } = self {
            super::serve::wind_down(&app).await;
        }
    }
}

type Chunks = std::pin::Pin<Box<dyn futures::Stream<Item = Result<bytes::Bytes>> + Send>>;

async fn finish(status: axum::http::StatusCode, mut chunks: Chunks) -> Result<Chunks> {
    if status.is_success() {
        return Ok(chunks);
    }
    let mut all = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        all.extend_from_slice(&chunk);
    }
    let told: Option<Value> = serde_json::from_slice(&all).ok();
    let message = told.as_ref().and_then(|t| t.pointer("/error/message")).and_then(Value::as_str);
    Err(Error::Invalid(message.map_or_else(|| format!("the server answered {status}"), String::from)))
}
