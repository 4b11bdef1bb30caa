//! A strict OpenAI-compatible server on loopback: it takes only what the protocol allows, keeps what it got, and
//! misbehaves when told to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use frontdesk::{
    app::config::{Model as ModelConfig, Secret},
    platform::language::is_han,
};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

/// The key that the server wants.
pub const KEY: &str = "sk-test-0123456789";
/// Its chat model.
pub const CHAT: &str = "stub-chat";
/// Its embedding model, whose vectors have [`DIMENSIONS`] unless a request wants other ones.
pub const EMBEDDING: &str = "stub-embedding";
pub const DIMENSIONS: usize = 256;

/// What the server does with one chat request.
#[derive(Clone)]
pub enum Does {
    /// Answers with this content, finished.
    Says(String),
    /// Answers as the closure decides from what was asked.
    Answers(Arc<dyn Fn(&Asked) -> Value + Send + Sync>),
    /// Cites the first sentence of the first passage, or can't answer when there is none.
    Quotes,
    /// Thinks for so long, then quotes.
    Slow(Duration),
    /// 429, with `retry-after` in seconds.
    RateLimits(Option<u64>),
    /// 429 that no waiting mends.
    OutOfMoney,
    /// An error in OpenAI's shape.
    Fails(u16),
    /// There is no model of this name.
    NoSuchModel(u16),
    /// An error as vLLM writes it: flat, with a number for a code.
    FailsFlat(u16),
    /// A proxy's HTML page.
    Html(u16),
    /// `choices: []`.
    NoChoices,
    /// Content, with this `finish_reason`.
    Ends(String, &'static str),
    /// The whole response body as it is given.
    Raw(Value),
    /// Closes the connection in the middle of the body.
    Breaks,
    /// Quotes, but with words that stand nowhere.
    InventsCitations,
    /// Quotes truly, and says a number that stands nowhere.
    InventsNumbers,
}

/// What the server is able to.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    pub json_schema: bool,
    pub json_object: bool,
    /// Wants `max_completion_tokens` and no temperature, as reasoning models do.
    pub reasons: bool,
    /// The most texts in one embedding request.
    pub batch: usize,
    /// The dimensions of vectors when nobody asks for others.
    pub dimensions: usize,
}

impl Default for Abilities {
    fn default() -> Self {
        Self { json_schema: true, json_object: true, reasons: false, batch: 2048, dimensions: DIMENSIONS }
    }
}

/// One well-formed chat request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub body: Value,
    pub system: String,
    /// The last message.
    pub user: String,
    /// `json_schema`, `json_object` or none.
    pub format: Option<String>,
    pub schema: Option<Value>,
}

impl Asked {
    /// The texts of the numbered passages.
    pub fn passages(&self) -> Vec<String> {
        let mut parts = self.user.split("<passage number=");
        parts.next(); // what stands before the first
        parts
            .filter_map(|part| {
                let (_, text) = part.split_once(">\n")?;
                Some(text.split("\n</passage>").next()?.to_owned())
            })
            .collect()
    }

    /// The customer's question.
    pub fn question(&self) -> String {
        let text = self.user.rsplit("<question>\n").next().unwrap_or_default();
        text.split("\n</question>").next().unwrap_or_default().to_owned()
    }
}

#[derive(Default)]
struct Kept {
    script: VecDeque<Does>,
    always: Option<Does>,
    abilities: Abilities,
    asked: Vec<Asked>,
    embedded: Vec<Vec<String>>,
    requests: usize,
    unauthorised: usize,
    malformed: Vec<String>,
    malformed_is_expected: bool,
}

/// The running server. When it is dropped, a request that was not well formed fails the test.
pub struct FakeModel {
    pub base_url: String,
    kept: Arc<Mutex<Kept>>,
    server: tokio::task::JoinHandle<()>,
}

impl FakeModel {
    /// A server that quotes.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let router = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embeddings))
            .with_state(kept.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, kept, server }
    }

    /// A server that does always the same.
    pub async fn that(does: Does) -> Self {
        let fake = Self::start().await;
        fake.always(does);
        fake
    }

    /// An address where nobody listens.
    pub async fn dead() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/v1", listener.local_addr().unwrap())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// What to do with the next request that has nothing scripted yet.
    pub fn then(&self, does: Does) -> &Self {
        self.kept().script.push_back(does);
        self
    }

    /// What to do when nothing is scripted.
    pub fn always(&self, does: Does) -> &Self {
        self.kept().always = Some(does);
        self
    }

    /// Answers with `json` until told otherwise.
    pub fn answers(&self, answer: impl Fn(&Asked) -> Value + Send + Sync + 'static) -> &Self {
        self.always(Does::Answers(Arc::new(answer)))
    }

    pub fn able(&self, change: impl FnOnce(&mut Abilities)) -> &Self {
        change(&mut self.kept().abilities);
        self
    }

    /// The well-formed chat requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.kept().asked.clone()
    }

    /// The texts of the embedding requests so far.
    pub fn embedded(&self) -> Vec<Vec<String>> {
        self.kept().embedded.clone()
    }

    /// All requests so far.
    pub fn requests(&self) -> usize {
        self.kept().requests
    }

    /// How many came without the right key.
    pub fn unauthorised(&self) -> usize {
        self.kept().unauthorised
    }

    /// The malformed requests so far, which then fail no test.
    pub fn take_malformed(&self) -> Vec<String> {
        let mut kept = self.kept();
        kept.malformed_is_expected = true;
        std::mem::take(&mut kept.malformed)
    }

    /// Settings for chat by this server.
    pub fn chat_config(&self) -> ModelConfig {
        chat_config(&self.base_url)
    }

    /// Settings for chat and embeddings by this server.
    pub fn config(&self) -> ModelConfig {
        ModelConfig {
            embedding_model: Some(EMBEDDING.into()),
            embedding_dimensions: DIMENSIONS as u64,
            ..self.chat_config()
        }
    }
}

/// Settings for chat at `base_url`.
pub fn chat_config(base_url: &str) -> ModelConfig {
    ModelConfig {
        base_url: Some(base_url.into()),
        api_key: Some(Secret::new(KEY)),
        chat_model: Some(CHAT.into()),
        timeout_s: 60,
        ..ModelConfig::default()
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        self.server.abort();
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !std::thread::panicking() && !kept.malformed_is_expected {
            assert!(kept.malformed.is_empty(), "malformed requests: {:#?}", kept.malformed);
        }
    }
}

// What the protocol allows -------------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "known fields, whether looked at or not")]
struct ChatBody {
    model: String,
    messages: Vec<ChatMessage>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    stream: Option<bool>,
    seed: Option<i64>,
    user: Option<String>,
    response_format: Option<Format>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChatMessage {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Format {
    Text,
    JsonObject,
    JsonSchema { json_schema: JsonSchema },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSchema {
    name: String,
    strict: bool,
    schema: Value,
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingBody {
    model: String,
    input: Vec<String>,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

fn parse_chat(body: &[u8]) -> Result<(ChatBody, Asked), String> {
    let raw: Value = serde_json::from_slice(body).map_err(|e| format!("not JSON: {e}"))?;
    let chat: ChatBody = serde_json::from_value(raw.clone()).map_err(|e| e.to_string())?;
    let ensure = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    ensure(chat.model == CHAT, "unknown model")?;
    ensure(chat.temperature.is_none_or(|t| (0.0..=2.0).contains(&t)), "temperature out of range")?;
    ensure(chat.max_tokens.is_none() || chat.max_completion_tokens.is_none(), "two limits")?;
    ensure(chat.max_tokens.or(chat.max_completion_tokens).is_none_or(|n| n > 0), "an answer of no tokens")?;
    ensure(chat.stream != Some(true), "nobody here streams")?;
    let roles: Vec<&str> = chat.messages.iter().map(|m| m.role.as_str()).collect();
    ensure(roles.iter().all(|r| ["system", "user", "assistant"].contains(r)), "unknown role")?;
    ensure(
        roles.iter().rposition(|r| *r == "system").is_none_or(|at| at == 0),
        "the system speaks first or not at all",
    )?;
    ensure(roles.last() == Some(&"user"), "the last message is the user's")?;
    ensure(chat.messages.iter().all(|m| !m.content.trim().is_empty()), "an empty message")?;
    let text =
        |role: &str| chat.messages.iter().rev().find(|m| m.role == role).map(|m| m.content.clone()).unwrap_or_default();
    let (mut format, mut schema) = (None, None);
    match &chat.response_format {
        Some(Format::JsonSchema { json_schema }) => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            ensure((1..=64).contains(&json_schema.name.len()), "the schema's name is too long or too short")?;
            ensure(json_schema.name.chars().all(is_name), "the schema's name has odd characters")?;
            ensure(json_schema.schema["type"] == "object", "the schema's root is an object")?;
            if json_schema.strict {
                strict(&json_schema.schema, "$", 0)?;
            }
            (format, schema) = (Some("json_schema".to_owned()), Some(json_schema.schema.clone()));
        }
        Some(Format::JsonObject) => {
            ensure(
                chat.messages.iter().any(|m| m.content.to_lowercase().contains("json")),
                "'messages' must contain the word 'json' in some form",
            )?;
            format = Some("json_object".to_owned());
        }
        Some(Format::Text) | None => {}
    }
    let asked = Asked { system: text("system"), user: text("user"), format, schema, body: raw };
    Ok((chat, asked))
}

/// What `strict: true` demands of a schema.
fn strict(schema: &Value, at: &str, depth: usize) -> Result<(), String> {
    const KNOWN: [&str; 9] =
        ["type", "properties", "required", "additionalProperties", "items", "enum", "description", "anyOf", "const"];
    if depth > 10 {
        return Err(format!("{at}: too deep"));
    }
    let map = schema.as_object().ok_or(format!("{at}: not a schema"))?;
    if let Some(unknown) = map.keys().find(|k| !KNOWN.contains(&k.as_str())) {
        return Err(format!("{at}: '{unknown}' is not permitted"));
    }
    for (i, part) in map.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate() {
        strict(part, &format!("{at}.anyOf[{i}]"), depth + 1)?;
    }
    if let Some(items) = map.get("items") {
        strict(items, &format!("{at}[]"), depth + 1)?;
    } else if schema["type"] == "array" {
        return Err(format!("{at}: an array without items"));
    }
    if schema["type"] == "object" {
        if schema["additionalProperties"] != json!(false) {
            return Err(format!("{at}: 'additionalProperties' is required to be supplied and to be false"));
        }
        let properties = schema["properties"].as_object().ok_or(format!("{at}: an object without properties"))?;
        let mut required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut keys: Vec<&str> = properties.keys().map(String::as_str).collect();
        required.sort_unstable();
        keys.sort_unstable();
        if required != keys {
            return Err(format!("{at}: 'required' must include every key in properties"));
        }
        for (key, property) in properties {
            strict(property, &format!("{at}.{key}"), depth + 1)?;
        }
    }
    Ok(())
}

// What it answers ----------------------------------------------------------------------------------------------------

type Shared = State<Arc<Mutex<Kept>>>;

fn error(status: u16, message: &str, code: &str, headers: HeaderMap) -> Response {
    let body = json!({"error": {"message": message, "type": code, "param": null, "code": code}});
    (StatusCode::from_u16(status).unwrap(), headers, axum::Json(body)).into_response()
}

fn is_authorised(kept: &mut Kept, headers: &HeaderMap) -> bool {
    kept.requests += 1;
    let is_authorised = headers.get(header::AUTHORIZATION).is_some_and(|v| v == format!("Bearer {KEY}").as_str());
    if !is_authorised {
        kept.unauthorised += 1;
    }
    is_authorised
}

async fn chat(State(kept): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let (does, asked) = {
        let mut kept = kept.lock().unwrap();
        if !is_authorised(&mut kept, &headers) {
            return error(401, "Incorrect API key provided: sk-…", "invalid_api_key", HeaderMap::new());
        }
        let (chat, asked) = match parse_chat(&body) {
            Ok(parsed) => parsed,
            Err(what) => {
                kept.malformed.push(what.clone());
                return error(400, &what, "invalid_request_error", HeaderMap::new());
            }
        };
        let able = kept.abilities;
        let refusal = match asked.format.as_deref() {
            Some("json_schema") if !able.json_schema => Some("This response_format type is unavailable now"),
            Some("json_object") if !able.json_object => Some("response_format is not supported"),
            _ if able.reasons && chat.max_tokens.is_some() => {
                Some("Unsupported parameter: 'max_tokens' is not supported with this model.")
            }
            _ if able.reasons && chat.temperature.is_some() => Some("Unsupported value: 'temperature'"),
            _ => None,
        };
        kept.asked.push(asked.clone());
        if let Some(message) = refusal {
            return error(400, message, "invalid_request_error", HeaderMap::new());
        }
        (kept.script.pop_front().or(kept.always.clone()).unwrap_or(Does::Quotes), asked)
    };
    perform(does, &asked).await
}

async fn perform(does: Does, asked: &Asked) -> Response {
    match does {
        Does::Says(content) => completion(&content, "stop"),
        Does::Answers(answer) => completion(&answer(asked).to_string(), "stop"),
        Does::Quotes => completion(&quoting(asked).to_string(), "stop"),
        Does::Slow(pause) => {
            tokio::time::sleep(pause).await;
            completion(&quoting(asked).to_string(), "stop")
        }
        Does::RateLimits(after) => {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert(header::RETRY_AFTER, after.into());
            }
            error(429, "Rate limit reached for requests", "rate_limit_exceeded", headers)
        }
        Does::OutOfMoney => error(429, "You exceeded your current quota", "insufficient_quota", HeaderMap::new()),
        Does::Fails(status) => error(status, "The server had an error", "server_error", HeaderMap::new()),
        Does::NoSuchModel(status) => {
            error(status, "The model `stub-chat` does not exist", "model_not_found", HeaderMap::new())
        }
        Does::FailsFlat(status) => {
            let body = json!({"object": "error", "message": asked.user, "type": "BadRequestError", "code": status});
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
        Does::Html(status) => {
            let page = format!("<html><h1>{status}</h1>{}</html>", asked.user);
            (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Does::NoChoices => axum::Json(json!({"id": "x", "object": "chat.completion", "choices": []})).into_response(),
        Does::Ends(content, reason) => completion(&content, reason),
        Does::Raw(body) => axum::Json(body).into_response(),
        Does::Breaks => {
            let begun = futures::stream::once(async { Ok(Bytes::from_static(b"{\"id\":")) });
            let broken = futures::stream::once(async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Err(std::io::Error::other("broken"))
            });
            axum::body::Body::from_stream(begun.chain(broken)).into_response()
        }
        Does::InventsCitations => completion(
            &json!({"kind": "answer", "sentences": [{
                "text": "Everything is free for ever.",
                "citations": [{"passage": 1, "quote": "everything is free for ever"}, {"passage": 99, "quote": "free"}],
            }]})
            .to_string(),
            "stop",
        ),
        Does::InventsNumbers => {
            let mut answer = quoting(asked);
            if let Some(text) = answer.pointer_mut("/sentences/0/text") {
                *text = format!("{} It takes 73 days.", text.as_str().unwrap_or_default()).into();
            }
            completion(&answer.to_string(), "stop")
        }
    }
}

fn quoting(asked: &Asked) -> Value {
    if asked.schema.as_ref().is_some_and(|s| s["properties"].get("facts").is_some()) {
        return json!({"facts": []});
    }
    if asked.schema.as_ref().is_some_and(|s| s["properties"].get("question").is_some()) {
        return json!({"question": asked.question()});
    }
    let Some(first) = asked.passages().into_iter().next() else {
        return json!({"kind": "cannot_answer", "sentences": []});
    };
    let end = first.find(['。', '\n']).or(first.find(". ").map(|at| at + 1)).unwrap_or(first.len());
    let sentence = first[..end].trim();
    json!({"kind": "answer", "sentences": [{"text": sentence, "citations": [{"passage": 1, "quote": sentence}]}]})
}

fn completion(content: &str, finish_reason: &str) -> Response {
    axum::Json(json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_767_225_600, "model": CHAT,
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": content, "refusal": null},
            "logprobs": null, "finish_reason": finish_reason,
        }],
        "usage": {"prompt_tokens": 111, "completion_tokens": 22, "total_tokens": 133},
    }))
    .into_response()
}

async fn embeddings(State(kept): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let mut kept = kept.lock().unwrap();
    if !is_authorised(&mut kept, &headers) {
        return error(401, "Incorrect API key provided: sk-…", "invalid_api_key", HeaderMap::new());
    }
    let parsed: Result<EmbeddingBody, String> = serde_json::from_slice(&body).map_err(|e| e.to_string());
    let wrong = match &parsed {
        Err(what) => Some(what.clone()),
        Ok(body) if body.model != EMBEDDING => Some("unknown model".into()),
        Ok(body) if body.input.is_empty() || body.input.iter().any(String::is_empty) => Some("an empty input".into()),
        Ok(body) if body.encoding_format.as_deref().is_some_and(|f| f != "float") => Some("not float".into()),
        Ok(_) => None,
    };
    let Some(body) = parsed.ok().filter(|_| wrong.is_none()) else {
        let what = wrong.unwrap_or_default();
        kept.malformed.push(what.clone());
        return error(400, &what, "invalid_request_error", HeaderMap::new());
    };
    kept.embedded.push(body.input.clone());
    if body.input.len() > kept.abilities.batch {
        return error(400, "batch size is invalid", "InvalidParameter", HeaderMap::new());
    }
    match kept.script.pop_front() {
        Some(Does::Raw(body)) => return axum::Json(body).into_response(),
        Some(Does::Fails(status)) => return error(status, "The server had an error", "server_error", HeaderMap::new()),
        _ => {}
    }
    let dimensions = body.dimensions.unwrap_or(kept.abilities.dimensions);
    let mut data: Vec<Value> = body
        .input
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": embedding(text, dimensions)}))
        .collect();
    // Nothing in the protocol says that they come in order.
    data.reverse();
    let usage = json!({"prompt_tokens": 7, "total_tokens": 7});
    axum::Json(json!({"object": "list", "data": data, "model": EMBEDDING, "usage": usage})).into_response()
}

/// A vector by hashing words and pairs of Chinese characters: texts that share them are near each other.
pub fn embedding(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0f32; dimensions];
    let mut add = |feature: &str| {
        let hash =
            feature.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        vector[(hash % dimensions as u64) as usize] += if hash >> 63 == 0 { 1.0 } else { -1.0 };
    };
    let text = text.to_lowercase();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        let han: Vec<char> = word.chars().filter(|c| is_han(*c)).collect();
        han.windows(2).for_each(|pair| add(&pair.iter().collect::<String>()));
        if han.len() < word.chars().count() {
            add(word.trim_end_matches('s'));
        }
    }
    add("\u{0}");
    let length = vector.iter().map(|n| n * n).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter().map(|n| n / length).collect()
}
