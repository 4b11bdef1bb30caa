//! What helps an agent to write: wording a message differently, translating it, summing a conversation up.
//!
//! Everything here is an offer to the agent; nothing reaches a customer. Numbers, dates and names that come out other
//! than they went in are told, since a slip there is what an agent overlooks.

pub mod api;
mod reword;
mod summary;

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub use reword::{Tone, reword, translate};
pub use summary::{Point, PointKind, Summary, summary};

use crate::{
    app::{App, TurnId},
    inbox::{self, COPILOT, Conversation},
    platform::{
        Error, Result,
        model::{ChatReply, ChatRequest, Failed, Message, ModelCall},
        prompts::Prompt,
    },
    turn::facts,
};

/// The languages into which messages are translated: code, name in English, name in Chinese.
pub const LANGUAGES: [(&str, &str, &str); 16] = [
    ("en", "English", "英语"),
    ("zh", "Simplified Chinese", "简体中文"),
    ("zh-Hant", "Traditional Chinese", "繁体中文"),
    ("ms", "Malay", "马来语"),
    ("id", "Indonesian", "印尼语"),
    ("th", "Thai", "泰语"),
    ("vi", "Vietnamese", "越南语"),
    ("ja", "Japanese", "日语"),
    ("ko", "Korean", "韩语"),
    ("hi", "Hindi", "印地语"),
    ("ar", "Arabic", "阿拉伯语"),
    ("es", "Spanish", "西班牙语"),
    ("pt", "Portuguese", "葡萄牙语"),
    ("fr", "French", "法语"),
    ("de", "German", "德语"),
    ("ru", "Russian", "俄语"),
];

/// A text that the model has made out of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reworded {
    pub text: String,
    /// Numbers, dates, links and codes that stand in only one of the two texts, as they are written there: to be
    /// looked at before it is sent.
    pub differs: Vec<String>,
}

/// Asks the model for one text and keeps what it cost with the conversation, whether it answered or not.
async fn ask(app: &App, conversation: &Conversation, purpose: &'static str, prompt: Prompt) -> Result<String> {
    let request = ChatRequest {
        purpose,
        system: prompt.system,
        messages: vec![Message::user(prompt.user)],
        schema: Some(("writing", schema())),
        max_tokens: app.model.answer_tokens(),
    };
    let begun = Instant::now();
    let answered = app.model.chat(&request).await.and_then(read);
    let call = match &answered {
        Ok((_, call)) => Some(call),
        Err(error) => Failed::of(error).map(|failed| &failed.call),
    };
    if let Some(call) = call {
        let trace = inbox::Trace {
            id: TurnId::new(),
            decision: COPILOT.into(),
            reason: Some(purpose.into()),
            confidence: None,
            language: None,
            duration_ms: begun.elapsed().as_secs_f64() * 1000.0,
            detail: json!({"model_calls": [call], "prompt": prompt.version}),
            recording: None,
        };
        inbox::note_turn(app, conversation, &trace).await?;
    }
    answered.map(|(text, _)| text)
}

fn read(reply: ChatReply) -> Result<(String, ModelCall)> {
    let text = reply.json.as_ref().and_then(|json| json.get("text")).and_then(Value::as_str).map(str::trim);
    match text.filter(|text| !text.is_empty()) {
        Some(text) => Ok((text.to_owned(), reply.call)),
        None => Err(Error::from(reply.call.not_usable())),
    }
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": false,
    })
}

/// The facts of `text` that `source` does not hold, as they are written. Units are believed: another language has
/// other words for them.
fn unproven(text: &str, source: &str) -> Vec<String> {
    let known = facts::read(source);
    let mut words: Vec<String> = Vec::new();
    for fact in facts::read(text) {
        let is_there = known
            .iter()
            .any(|k| fact.value.is_proven_by(&k.value, &|_| true) || k.value.is_proven_by(&fact.value, &|_| true));
        if !is_there && !words.contains(&fact.words) {
            words.push(fact.words);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_came_out_other_than_it_went_in_is_told() {
        assert_eq!(unproven("退款需要 5 个工作日", "The refund takes 5 business days."), [""; 0]);
        assert_eq!(unproven("退款需要 3 天", "The refund takes 5 business days."), ["3 天"]);
        assert_eq!(unproven("Bayaran balik mengambil 5 hari.", "退款需要 5 个工作日"), [""; 0]);
        assert_eq!(unproven("Call +65 6555 0142", "Call us."), ["+65 6555 0142"]);
    }

    #[test]
    fn each_language_stands_once() {
        for (code, ..) in LANGUAGES {
            assert_eq!(LANGUAGES.iter().filter(|(c, ..)| *c == code).count(), 1, "{code}");
        }
    }
}
