//! The sections of the settings, with their defaults.

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::platform::{
    error::Result,
    files::{Place, Remote},
    model::{self, Settings},
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen: String,
    pub public_url: Option<String>,
    pub trusted_proxies: Vec<String>,
    pub upload_limit_mb: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignIn {
    /// Whether an identity provider may stand in the own network, or speak plain HTTP.
    pub allow_private_provider: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    pub url: Option<Secret>,
    pub max_connections: u32,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vectors {
    pub url: Option<String>,
    pub api_key: Option<Secret>,
    /// Put before every collection's name, when several installations share a server.
    pub prefix: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redis {
    pub url: Option<Secret>,
}

/// Where uploaded files are put away; without a bucket they stay with the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileStore {
    pub s3_bucket: Option<String>,
    pub s3_endpoint: Option<String>,
    pub s3_region: String,
    pub s3_access_key: Option<Secret>,
    pub s3_secret_key: Option<Secret>,
    pub s3_prefix: String,
    pub s3_virtual_hosted: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Model {
    pub base_url: Option<String>,
    pub api_key: Option<Secret>,
    pub chat_model: Option<String>,
    pub embedding_model: Option<String>,
    pub embedding_base_url: Option<String>,
    pub embedding_api_key: Option<Secret>,
    pub embedding_dimensions: u64,
    pub timeout_s: u64,
    pub context_tokens: usize,
    pub answer_tokens: u32,
    pub breaker_failures: u32,
    pub breaker_pause_s: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assistant {
    pub pause_ms: u64,
    pub max_error_rate: f64,
    pub passages: usize,
    pub prompts_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    pub passage_tokens: usize,
    pub timeout_s: u64,
    pub memory_mb: u64,
    pub allow_private_urls: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    pub email_to: Vec<String>,
    pub email_from: Option<String>,
    pub smtp_url: Option<Secret>,
    pub webhook_url: Option<Secret>,
    pub webhook_kind: WebhookKind,
}

/// The dialect of the notification webhook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookKind {
    #[default]
    Slack,
    Wecom,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub filter: String,
    pub json: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".into(), public_url: None, trusted_proxies: Vec::new(), upload_limit_mb: 100 }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, max_connections: 16 }
    }
}

impl Default for FileStore {
    fn default() -> Self {
        Self {
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: "us-east-1".into(),
            s3_access_key: None,
            s3_secret_key: None,
            s3_prefix: String::new(),
            s3_virtual_hosted: false,
        }
    }
}

impl FileStore {
    /// The store elsewhere, if one is set.
    pub fn remote(&self) -> Result<Option<Remote>> {
        let (Some(bucket), Some(access_key), Some(secret_key)) =
            (&self.s3_bucket, &self.s3_access_key, &self.s3_secret_key)
        else {
            return Ok(None);
        };
        let place = Place {
            bucket,
            endpoint: self.s3_endpoint.as_deref().map(|e| e.trim_end_matches('/')),
            region: &self.s3_region,
            access_key: access_key.expose(),
            prefix: &self.s3_prefix,
            is_virtual_hosted: self.s3_virtual_hosted,
        };
        Remote::open(&place, secret_key.expose()).map(Some)
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            base_url: None,
            api_key: None,
            chat_model: None,
            embedding_model: None,
            embedding_base_url: None,
            embedding_api_key: None,
            embedding_dimensions: 1536,
            timeout_s: 20,
            context_tokens: 6000,
            answer_tokens: 800,
            breaker_failures: 5,
            breaker_pause_s: 30,
        }
    }
}

impl Model {
    /// Whether a model is configured here: then nothing else may say which.
    pub fn is_set(&self) -> bool {
        [&self.base_url, &self.chat_model, &self.embedding_model, &self.embedding_base_url].iter().any(|v| v.is_some())
    }

    /// Which models are configured, and how they are called.
    pub fn settings(&self) -> Settings {
        let remote = |model: &Option<String>, base_url: &Option<String>, key: &Option<Secret>| {
            Some(model::Remote {
                model: model.clone()?,
                base_url: base_url.clone()?,
                api_key: key.as_ref().map(|k| SecretString::from(k.expose())),
            })
        };
        // A key is only ever sent to the address that it was given for.
        let (embedding_url, embedding_key) = match &self.embedding_base_url {
            Some(_) => (&self.embedding_base_url, &self.embedding_api_key),
            None if self.embedding_api_key.is_some() => (&self.base_url, &self.embedding_api_key),
            None => (&self.base_url, &self.api_key),
        };
        Settings {
            chat: remote(&self.chat_model, &self.base_url, &self.api_key),
            embeddings: remote(&self.embedding_model, embedding_url, embedding_key),
            dimensions: self.embedding_dimensions,
            context_tokens: self.context_tokens,
            answer_tokens: self.answer_tokens,
            timeout: Duration::from_secs(self.timeout_s.max(1)),
            breaker_failures: self.breaker_failures,
            breaker_pause: Duration::from_secs(self.breaker_pause_s),
        }
    }
}

impl Default for Assistant {
    fn default() -> Self {
        Self { pause_ms: 1200, max_error_rate: 0.2, passages: 6, prompts_dir: None }
    }
}

impl Default for Ingest {
    fn default() -> Self {
        Self { passage_tokens: 320, timeout_s: 120, memory_mb: 1024, allow_private_urls: false }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), json: false }
    }
}

/// A setting that is never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself: only for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("\"(secret)\"")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("(secret)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self::new)
    }
}
