//! The one error type: it decides the HTTP status and whether a job is tried again.

/// What went wrong, in words for the asker. Everything unexpected is `Internal`: logged once at the edge, never shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} not found")]
    NotFound(&'static str),
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("sign in first")]
    SignedOut,
    /// The password was right; the code of the second factor is missing.
    #[error("a code of your second factor is needed")]
    SecondFactor,
    #[error("your role does not allow this")]
    Forbidden,
    /// A cookie that came from no page of ours.
    #[error(
        "this came with the console's cookie from outside the console: use Authorization: Bearer, or set server.public_url to the address the console is opened at"
    )]
    Foreign,
    #[error("{method} is not taken at this address")]
    Method { method: String },
    #[error("too many requests, try again in {retry_after_s} s")]
    TooMany { retry_after_s: u64 },
    #[error("too large: at most {} are taken", in_words(*limit_bytes))]
    TooLarge { limit_bytes: u64 },
    #[error("{service} did not answer")]
    Unavailable {
        service: &'static str,
        #[source]
        source: anyhow::Error,
    },
    /// Not an error: it is not allowed before that time, and is to be done then.
    #[error("not before {at}")]
    Later { at: chrono::DateTime<chrono::Utc> },
    #[error("something went wrong on our side")]
    Internal(#[source] anyhow::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same call may succeed later; the worker retries only these.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Internal(_) | Self::TooMany { .. } | Self::Later { .. })
    }

    /// A stable word for programs, as in the API's `{"error": {"code", "message"}}`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::SignedOut => "signed_out",
            Self::SecondFactor => "second_factor",
            Self::Forbidden => "forbidden",
            Self::Foreign => "foreign",
            Self::Method { .. } => "method_not_allowed",
            Self::TooMany { .. } => "too_many",
            Self::TooLarge { .. } => "too_large",
            Self::Unavailable { .. } => "unavailable",
            Self::Later { .. } => "later",
            Self::Internal(_) => "internal",
        }
    }

    /// Something unexpected, with what we were doing.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(source.into())
    }

    /// Every cause from the outside in, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        // A null character in a text or in JSON, which PostgreSQL can't hold: the asker's fault, not ours.
        const NULLS: [&str; 2] = ["22021", "22P05"];
        match error.as_database_error().and_then(|e| e.code()) {
            Some(code) if NULLS.contains(&&*code) => {
                Self::Invalid("a text holds a character that can't be stored: leave it out".into())
            }
            _ => Self::Internal(anyhow::Error::new(error).context("database")),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(anyhow::Error::new(error).context("JSON"))
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

/// A size as people say it: "100 MB".
fn in_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes >> 10),
        _ => format!("{} MB", bytes >> 20),
    }
}

/// Runs blocking work off the async threads; a panic inside becomes `Internal`.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Error::Internal(anyhow::anyhow!("background work failed: {e}")))?
}
