//! Why a call of the model gave no answer. Never holds what was asked or answered: it goes into logs.

use std::time::Duration;

use serde_json::Value;

use super::ModelCall;
use crate::platform::error::Error;

/// The reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("no model is configured")]
    NotConfigured,
    #[error("it failed repeatedly and is left alone for a while")]
    Resting,
    #[error("no answer within {} s", .0.as_secs_f32())]
    TooSlow(Duration),
    #[error("cannot be reached: {0}")]
    Unreachable(&'static str),
    #[error("{0}")]
    Refused(Refusal),
    #[error("the answer is not what the protocol says: {0}")]
    Malformed(&'static str),
    #[error("the answer was cut off (it may take more than model.answer_tokens)")]
    CutOff,
    #[error("the provider's content filter withheld the answer")]
    Filtered,
    #[error("no JSON as it was asked for")]
    NotStructured,
    #[error("the call was not recorded")]
    NotRecorded,
    #[error("vectors of {got} dimensions came where model.embedding_dimensions says {wanted}")]
    WrongDimensions { wanted: u64, got: u64 },
}

impl Failure {
    /// A stable word for traces and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Resting => "resting",
            Self::TooSlow(_) => "too_slow",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(refusal) if refusal.status == 429 => "rate_limited",
            Self::Refused(_) => "refused",
            Self::Malformed(_) => "malformed",
            Self::CutOff => "cut_off",
            Self::Filtered => "filtered",
            Self::NotStructured => "not_structured",
            Self::NotRecorded => "not_recorded",
            Self::WrongDimensions { .. } => "wrong_dimensions",
        }
    }

    /// Whether it tells of the provider rather than of this one request: customers must not be able to open the
    /// breaker for everybody by what they write.
    pub fn is_the_providers(&self) -> bool {
        match self {
            Self::TooSlow(_)
            | Self::Unreachable(_)
            | Self::Malformed(_)
            | Self::NotStructured
            | Self::WrongDimensions { .. } => true,
            Self::Refused(refusal) => !matches!(refusal.status, 400 | 413 | 422),
            Self::NotConfigured | Self::Resting | Self::CutOff | Self::Filtered | Self::NotRecorded => false,
        }
    }
}

/// A call that failed: its reason and its trace. Every error of the model has one, see [`Failed::of`].
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct Failed {
    pub failure: Failure,
    pub call: ModelCall,
}

impl Failed {
    /// What the model's error says beyond "the model did not answer".
    pub fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::Unavailable { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        Self::Unavailable { service: "the model", source: failed.into() }
    }
}

/// An HTTP answer that is not a success. What the provider wrote is only looked at: it may repeat the prompt or
/// the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// The provider's short word for it, as `insufficient_quota`.
    pub code: Option<String>,
    pub retry_after: Option<Duration>,
    text: String,
}

impl Refusal {
    /// Reads the many shapes of an error body: OpenAI's nested one, vLLM's and DashScope's flat ones, FastAPI's
    /// `detail`, an HTML page.
    pub fn read(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body.get(..body.len().min(16 * 1024)).unwrap_or_default()).to_lowercase();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = body.get("error").filter(|e| e.is_object()).unwrap_or(&body);
        let code = ["code", "type"].iter().find_map(|key| error.get(key)?.as_str()).filter(|code| is_word(code));
        Self { status, code: code.map(str::to_lowercase), retry_after: None, text }
    }

    /// Whether the provider's words contain `word`.
    pub fn names(&self, word: &str) -> bool {
        self.text.contains(word)
    }

    /// Whether the provider says that it has no such model, in one of the ways that providers have.
    pub fn names_a_missing_model(&self) -> bool {
        let is_missing = ["not found", "not exist", "not_found", "unknown model", "no such model", "not supported"];
        self.names("model") && is_missing.iter().any(|words| self.names(words))
    }

    /// Whether this very content was refused: too long, or withheld by a filter.
    pub fn is_about_content(&self) -> bool {
        ["context_length", "context length", "context window", "too long", "content_filter", "inspection", "sensitive"]
            .iter()
            .any(|word| self.names(word))
    }

    /// Whether asking again later in the same call may help.
    pub fn is_passing(&self) -> bool {
        match self.status {
            // Out of money is also a 429.
            429 => !self.names("insufficient_quota") && !self.names("billing"),
            408 | 500 | 502 | 503 | 504 | 520..=529 => true,
            _ => false,
        }
    }
}

fn is_word(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= 48
        && code.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.'))
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with HTTP {}", self.status)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_body_is_read_and_none_is_repeated() {
        for (body, code) in [
            (
                r#"{"error":{"message":"key sk-12345 of Ana","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                Some("invalid_api_key"),
            ),
            (r#"{"error":{"message":"Ana","type":"server_error","code":null}}"#, Some("server_error")),
            (
                r#"{"object":"error","message":"Ana","type":"BadRequestError","param":null,"code":400}"#,
                Some("badrequesterror"),
            ),
            (r#"{"code":"Throttling.RateQuota","message":"Ana","request_id":"x"}"#, Some("throttling.ratequota")),
            (r#"{"error":"Ana wrote sk-12345"}"#, None),
            (r#"{"error":{"code":"your key sk-12345 is wrong"}}"#, None),
            (r#"{"detail":[{"loc":["body","Ana"]}]}"#, None),
            ("<html>Ana</html>", None),
            ("", None),
        ] {
            let refusal = Refusal::read(400, body.as_bytes());
            assert_eq!(refusal.code.as_deref(), code, "{body}");
            let shown = format!("{refusal} {refusal:?}");
            assert!(!shown.contains("Ana") && !shown.contains("12345"), "{shown}");
        }
    }
}
