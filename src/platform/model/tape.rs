//! What the models of one turn answered, kept so that the turn can be taken again without asking anybody.
//!
//! A request is known by its hash alone: what was asked stands in the messages and documents, and is not kept twice.

use std::sync::{Arc, Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ChatReply, ChatRequest, Failed, Failure, ModelCall, failure::Refusal};
use crate::platform::{
    crypto,
    error::{Error, Result},
};

/// One call and its outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The hash of everything that was asked, the model's name included.
    pub request: String,
    /// Its trace. `outcome` tells how a call without an answer failed.
    pub call: Option<ModelCall>,
    /// What a chat model wrote, and its JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<(String, Option<Value>)>,
    /// The vector of an embedded text: little-endian floats in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
}

/// A tape that is being written or played. Cheap to clone.
#[derive(Clone)]
pub struct Tape(Arc<Mutex<State>>);

struct State {
    calls: Vec<Recorded>,
    is_playing: bool,
    /// What was asked for and is not on the tape.
    missing: Vec<String>,
}

impl Tape {
    /// An empty one, to write on.
    pub fn blank() -> Self {
        Self::of(Vec::new(), false)
    }

    /// One that answers with what is on it, and fails what is not.
    pub fn playing(calls: Vec<Recorded>) -> Self {
        Self::of(calls, true)
    }

    fn of(calls: Vec<Recorded>, is_playing: bool) -> Self {
        Self(Arc::new(Mutex::new(State { calls, is_playing, missing: Vec::new() })))
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything that was recorded, in order.
    pub fn calls(&self) -> Vec<Recorded> {
        self.with(|state| state.calls.clone())
    }

    /// The purposes of calls that were made and are not on the tape: what came after them is not to be believed.
    pub fn missing(&self) -> Vec<String> {
        self.with(|state| state.missing.clone())
    }

    pub(super) fn is_playing(&self) -> bool {
        self.with(|state| state.is_playing)
    }

    fn find(&self, request: &str, purpose: &str) -> Option<Recorded> {
        self.with(|state| {
            let found = state.calls.iter().find(|c| c.request == request).cloned();
            if found.is_none() && !state.missing.iter().any(|m| m == purpose) {
                state.missing.push(purpose.to_owned());
            }
            found
        })
    }

    /// What a chat model answered to the same request.
    pub(super) fn chat(&self, model: &str, request: &ChatRequest) -> Result<ChatReply> {
        let not_recorded = || failed(Failure::NotRecorded, request.purpose, model);
        let recorded = self.find(&key(model, request), request.purpose).ok_or_else(not_recorded)?;
        let Some(call) = recorded.call else { return Err(not_recorded()) };
        match recorded.said {
            Some((text, json)) => Ok(ChatReply {
                text,
                json,
                prompt_tokens: call.prompt_tokens,
                completion_tokens: call.completion_tokens,
                duration: std::time::Duration::from_secs_f64((call.duration_ms / 1000.0).max(0.0)),
                model: model.to_owned(),
                call,
            }),
            None => Err(Failed { failure: of_word(&call.outcome), call }.into()),
        }
    }

    /// Keeps what came of a chat request.
    pub(super) fn keep_chat(&self, model: &str, request: &ChatRequest, reply: &Result<ChatReply>) {
        let (call, said) = match reply {
            Ok(reply) => (Some(reply.call.clone()), Some((reply.text.clone(), reply.json.clone()))),
            Err(error) => (Failed::of(error).map(|failed| failed.call.clone()), None),
        };
        self.keep(Recorded { request: key(model, request), call, said, vector: None });
    }

    fn keep(&self, recorded: Recorded) {
        self.with(|state| {
            state.calls.retain(|c| c.request != recorded.request);
            state.calls.push(recorded);
        });
    }

    /// The vectors of texts, as they were.
    pub(super) fn embed(&self, model: &str, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        texts
            .iter()
            .map(|text| {
                let recorded = self.find(&text_key(model, text), "embed");
                let Some(recorded) = recorded else { return Err(failed(Failure::NotRecorded, "embed", model)) };
                recorded.vector.as_deref().and_then(floats).ok_or_else(|| failed(RECORDED, "embed", model))
            })
            .collect()
    }

    /// Keeps the vectors of texts, or that there were none.
    pub(super) fn keep_vectors(&self, model: &str, texts: &[String], vectors: &Result<Vec<Vec<f32>>>) {
        for (at, text) in texts.iter().enumerate() {
            let vector = vectors.as_ref().ok().and_then(|all| all.get(at)).map(|v| bytes(v));
            self.keep(Recorded { request: text_key(model, text), call: None, said: None, vector });
        }
    }
}

/// A failure that the tape tells of without its particulars.
const RECORDED: Failure = Failure::Unreachable("as recorded");

fn failed(failure: Failure, purpose: &'static str, model: &str) -> Error {
    let call = ModelCall { outcome: failure.word().into(), ..ModelCall::new(purpose, model) };
    Failed { failure, call }.into()
}

/// The failure of a word, as far as callers tell failures apart.
fn of_word(word: &str) -> Failure {
    match word {
        "not_configured" => Failure::NotConfigured,
        "resting" => Failure::Resting,
        "too_slow" => Failure::TooSlow(std::time::Duration::ZERO),
        "rate_limited" => Failure::Refused(Refusal::read(429, b"")),
        "refused" => Failure::Refused(Refusal::read(400, b"")),
        "malformed" => Failure::Malformed("as recorded"),
        "cut_off" => Failure::CutOff,
        "filtered" => Failure::Filtered,
        "not_structured" => Failure::NotStructured,
        _ => RECORDED,
    }
}

fn key(model: &str, request: &ChatRequest) -> String {
    let messages: Vec<(&str, &str)> = request.messages.iter().map(|m| (m.role.word(), m.content.as_str())).collect();
    let all = serde_json::json!([
        "chat",
        model,
        request.purpose,
        request.system,
        messages,
        request.schema.as_ref().map(|(name, schema)| (name, schema)),
        request.max_tokens,
    ]);
    crypto::sha256_hex(all.to_string().as_bytes())
}

fn text_key(model: &str, text: &str) -> String {
    crypto::sha256_hex(serde_json::json!(["embed", model, text]).to_string().as_bytes())
}

fn bytes(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

fn floats(text: &str) -> Option<Vec<f32>> {
    let bytes = STANDARD.decode(text).ok()?;
    let (quads, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| quads.iter().map(|quad| f32::from_le_bytes(*quad)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_back_bit_by_bit() {
        let vector = vec![0.1f32, -3.5e-7, f32::MAX, 0.0];
        assert_eq!(floats(&bytes(&vector)), Some(vector));
        assert_eq!(floats("AAA="), None);
    }

    #[test]
    fn what_is_not_on_the_tape_is_missed_and_never_made_up() {
        let tape = Tape::playing(Vec::new());
        let error = tape.embed("m", &["text".into()]).unwrap_err();
        assert_eq!(Failed::of(&error).unwrap().failure.word(), "not_recorded");
        assert_eq!(tape.missing(), ["embed"]);
    }

    #[test]
    fn failures_are_told_apart_as_they_were() {
        for word in ["resting", "too_slow", "rate_limited", "refused", "malformed", "cut_off", "filtered"] {
            assert_eq!(of_word(word).word(), word);
        }
    }
}
