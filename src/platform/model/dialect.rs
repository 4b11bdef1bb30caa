//! What one provider accepts of the OpenAI protocol, learnt from its refusals and kept for the life of the process.

use super::failure::Refusal;

/// How a structured answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `response_format: json_schema`, strict.
    JsonSchema,
    /// `response_format: json_object`, the schema in the prompt.
    JsonObject,
    /// No `response_format`, the schema in the prompt.
    Prompted,
}

impl Mode {
    /// The word that traces and metrics use.
    pub fn word(self) -> &'static str {
        match self {
            Self::JsonSchema => "json_schema",
            Self::JsonObject => "json_object",
            Self::Prompted => "prompted",
        }
    }
}

/// How requests to one provider are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    pub mode: Mode,
    /// Reasoning models of OpenAI refuse `max_tokens` and want `max_completion_tokens`.
    pub says_max_completion_tokens: bool,
    /// They refuse a temperature, too.
    pub takes_temperature: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { mode: Mode::JsonSchema, says_max_completion_tokens: false, takes_temperature: true }
    }
}

impl Dialect {
    /// What to try next after `refusal`; `None` when writing the request otherwise would not help. What it gives is
    /// worth remembering only once it worked: a refusal may have had another reason.
    pub fn after(self, refusal: &Refusal, is_structured: bool) -> Option<Self> {
        if !matches!(refusal.status, 400 | 415 | 422 | 501) || refusal.is_about_content() {
            return None;
        }
        if refusal.names("max_tokens") && !self.says_max_completion_tokens {
            return Some(Self { says_max_completion_tokens: true, ..self });
        }
        if refusal.names("temperature") && self.takes_temperature {
            return Some(Self { takes_temperature: false, ..self });
        }
        match self.mode {
            _ if !is_structured => None,
            Mode::JsonSchema => Some(Self { mode: Mode::JsonObject, ..self }),
            Mode::JsonObject => Some(Self { mode: Mode::Prompted, ..self }),
            Mode::Prompted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, message: &str) -> Refusal {
        Refusal::read(status, message.as_bytes())
    }

    #[test]
    fn a_refused_schema_steps_down_to_json_mode_and_then_to_the_prompt() {
        let deepseek = refusal(
            400,
            r#"{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error"}}"#,
        );
        let first = Dialect::default().after(&deepseek, true).unwrap();
        assert_eq!(first.mode, Mode::JsonObject);
        let second = first.after(&refusal(422, "Bad request"), true).unwrap();
        assert_eq!(second.mode, Mode::Prompted);
        assert_eq!(second.after(&deepseek, true), None);
    }

    #[test]
    fn reasoning_models_get_their_own_words() {
        let message = r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}"#;
        let next = Dialect::default().after(&refusal(400, message), true).unwrap();
        assert!(next.says_max_completion_tokens && next.mode == Mode::JsonSchema);
        let message =
            r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.","param":"temperature"}}"#;
        let next = next.after(&refusal(400, message), true).unwrap();
        assert!(!next.takes_temperature && next.says_max_completion_tokens && next.mode == Mode::JsonSchema);
    }

    #[test]
    fn a_refused_content_key_or_model_is_not_asked_again_in_other_words() {
        for (status, body) in [
            (401, r#"{"error":{"message":"Incorrect API key"}}"#),
            (404, r#"{"error":{"message":"no such model"}}"#),
            (400, r#"{"error":{"message":"too long","code":"context_length_exceeded"}}"#),
            (400, r#"{"error":{"message":"This model's maximum context length is 4096 tokens"}}"#),
            (400, r#"{"error":{"message":"…","code":"content_filter"}}"#),
            (400, r#"{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}"#),
        ] {
            assert_eq!(Dialect::default().after(&refusal(status, body), true), None, "{body}");
        }
        assert_eq!(Dialect::default().after(&refusal(400, "Bad request"), false), None);
    }
}
