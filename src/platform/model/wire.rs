//! The chat protocol's JSON: written as each provider wants it, read tolerantly.
//!
//! The typed structs of async-openai fail on what providers really send (`finish_reason: ""`, no `id`, an empty
//! `role`) and drop `reasoning_content`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    ChatRequest,
    dialect::{Dialect, Mode},
    failure::Failure,
    lenient,
};

/// The body of a chat request.
pub fn request(model: &str, request: &ChatRequest, dialect: Dialect) -> Value {
    let mut system = request.system.clone();
    if let Some((_, schema)) = &request.schema
        && dialect.mode != Mode::JsonSchema
    {
        // JSON mode is refused unless the prompt says "JSON".
        system.push_str(&format!("\n\nReply with one JSON object and nothing else. Its JSON schema:\n{schema}"));
    }
    let mut messages = vec![json!({"role": "system", "content": system})];
    messages.extend(request.messages.iter().map(|m| json!({"role": m.role.word(), "content": m.content})));
    let mut body = Map::new();
    let mut set = |key: &str, value: Value| body.insert(key.to_owned(), value);
    set("model", model.into());
    set("messages", messages.into());
    set("stream", false.into());
    set(
        if dialect.says_max_completion_tokens { "max_completion_tokens" } else { "max_tokens" },
        request.max_tokens.into(),
    );
    if dialect.takes_temperature {
        set("temperature", 0.into());
    }
    match (&request.schema, dialect.mode) {
        (Some((name, schema)), Mode::JsonSchema) => {
            let schema = json!({"name": name, "strict": true, "schema": schema});
            set("response_format", json!({"type": "json_schema", "json_schema": schema}));
        }
        (Some(_), Mode::JsonObject) => {
            set("response_format", json!({"type": "json_object"}));
        }
        (Some(_), Mode::Prompted) | (None, _) => {}
    }
    Value::Object(body)
}

/// What a model said.
#[derive(Debug, PartialEq)]
pub struct Said {
    pub text: String,
    pub json: Option<Value>,
}

/// The tokens that a call used, as far as the provider says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

/// The tokens that `response` reports.
pub fn usage(response: &Value) -> Usage {
    let count = |key| response.pointer(key).and_then(Value::as_u64).unwrap_or_default();
    Usage { prompt_tokens: count("/usage/prompt_tokens"), completion_tokens: count("/usage/completion_tokens") }
}

/// Reads a chat response. `wanted` are the keys of a structured answer. Only a finished answer is one: what was cut
/// off or withheld is a failure, and where the provider doesn't say how it ended, the JSON must be whole.
pub fn reply(response: &Value, wanted: Option<&[&str]>) -> Result<Said, Failure> {
    // Some gateways answer 200 with an error inside.
    if response.get("error").is_some_and(|e| !e.is_null()) {
        return Err(Failure::Malformed("an error with HTTP 200"));
    }
    let choice = response.pointer("/choices/0").ok_or(Failure::Malformed("no choices"))?;
    let field = |name| choice.pointer(&format!("/message/{name}")).map(text_of).unwrap_or_default();
    if !field("refusal").trim().is_empty() {
        return Err(Failure::Filtered);
    }
    let is_finished = match choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default() {
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" => true,
        "length" | "max_tokens" | "model_length" => return Err(Failure::CutOff),
        "content_filter" | "sensitive" | "safety" => return Err(Failure::Filtered),
        "insufficient_system_resource" | "network_error" | "error" | "abort" => {
            return Err(Failure::Malformed("the provider broke it off"));
        }
        "tool_calls" | "function_call" => return Err(Failure::Malformed("a tool call that nobody asked for")),
        "" => true,
        _ => false,
    };
    let (content, reasoning) = (field("content"), field("reasoning_content"));
    let Some(wanted) = wanted else {
        let text = lenient::without_thoughts(&content).trim().to_owned();
        return match (text.is_empty(), is_finished) {
            (true, _) => Err(Failure::Malformed("an empty answer")),
            (_, false) => Err(Failure::Malformed("an unknown finish_reason")),
            (false, true) => Ok(Said { text, json: None }),
        };
    };
    // Servers that part thoughts from answers by tags put everything into the thoughts when a tag is missing.
    let source = if content.trim().is_empty() { &reasoning } else { &content };
    if source.trim().is_empty() {
        return Err(Failure::Malformed("an empty answer"));
    }
    match lenient::object(source, wanted) {
        Some(json) => Ok(Said { text: json.to_string(), json: Some(json) }),
        None => Err(Failure::NotStructured),
    }
}

/// Content is a string, or a list of parts of which some are text.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "so that cases read well")]
    fn response(finish_reason: Value, message: Value) -> Value {
        json!({"choices": [{"message": message, "finish_reason": finish_reason}]})
    }

    fn read(finish_reason: impl Into<Value>, message: Value) -> Result<String, &'static str> {
        reply(&response(finish_reason.into(), message), Some(&["kind"])).map(|s| s.text).map_err(|f| f.word())
    }

    #[test]
    fn only_a_finished_answer_counts() {
        let whole = json!({"content": r#"{"kind":"answer"}"#});
        let ok = Ok(r#"{"kind":"answer"}"#.to_owned());
        assert_eq!(read("stop", whole.clone()), ok);
        assert_eq!(read("", whole.clone()), ok);
        assert_eq!(read(Value::Null, whole.clone()), ok);
        assert_eq!(read("something_new", whole.clone()), ok);
        assert_eq!(read("length", whole.clone()), Err("cut_off"));
        assert_eq!(read("content_filter", whole.clone()), Err("filtered"));
        assert_eq!(read("insufficient_system_resource", whole.clone()), Err("malformed"));
        assert_eq!(read("tool_calls", whole), Err("malformed"));
        assert_eq!(read("", json!({"content": r#"{"kind":"answer","#})), Err("not_structured"));
        assert_eq!(read("stop", json!({"content": null, "refusal": "I can't"})), Err("filtered"));
        assert_eq!(read("stop", json!({"content": ""})), Err("malformed"));
    }

    #[test]
    fn content_comes_in_several_places() {
        let ok = Ok(r#"{"kind":"answer"}"#.to_owned());
        assert_eq!(read("stop", json!({"content": [{"type": "text", "text": "{\"kind\":\"answer\"}"}]})), ok);
        assert_eq!(read("stop", json!({"content": "", "reasoning_content": "So: {\"kind\":\"answer\"}"})), ok);
        let both = json!({"content": "{\"kind\":\"answer\"}", "reasoning_content": "{\"kind\":\"clarify\"}"});
        assert_eq!(read("stop", both), ok);
    }

    #[test]
    fn plain_text_must_be_finished_and_not_empty() {
        let plain = |finish: &str, content: &str| {
            reply(&response(finish.into(), json!({"content": content})), None).map(|s| s.text).map_err(|f| f.word())
        };
        assert_eq!(plain("stop", "<think>hm</think>\nHello"), Ok("Hello".to_owned()));
        assert_eq!(plain("something_new", "Hello"), Err("malformed"));
        assert_eq!(plain("stop", "<think>endless"), Err("malformed"));
        assert_eq!(reply(&json!({"choices": []}), None), Err(Failure::Malformed("no choices")));
        assert_eq!(reply(&json!([]), None), Err(Failure::Malformed("no choices")));
        assert_eq!(reply(&json!({"error": {"message": "x"}}), None).map_err(|f| f.word()), Err("malformed"));
    }
}
