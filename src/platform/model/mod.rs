//! Language models behind any OpenAI-compatible endpoint: chat with structured answers, and embeddings.
//!
//! It always answers within its time-out, and every failure is the same `Error::Unavailable`: callers have a way
//! without it. Neither logs nor errors repeat what was asked, answered or used as a key.

mod breaker;
mod dialect;
mod embed;
mod endpoint;
mod failure;
mod lenient;
mod tape;
pub mod tokens;
mod transport;
mod wire;

use std::{
    borrow::Cow,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    dialect::Dialect,
    embed::Manner,
    endpoint::{Api, Endpoint},
};
pub use self::{
    failure::{Failed, Failure},
    tape::{Recorded, Tape},
    tokens::count as count_tokens,
};
use super::{Clock, error::Result};

/// The configured models; either may be missing. Cheap to clone: clones follow when others take their place
/// ([`Model::replace`]), but for one that is [`Model::pinned`].
#[derive(Clone)]
pub struct Model {
    current: Arc<RwLock<Arc<Models>>>,
    /// Where calls are written down, or played from instead of being made.
    tape: Option<Tape>,
}

/// The models at one time.
#[derive(Default)]
struct Models {
    chat: Option<Endpoint<Dialect>>,
    embeddings: Option<Endpoint<Manner>>,
    dimensions: u64,
    context_tokens: usize,
    answer_tokens: u32,
}

/// One model at one address.
#[derive(Debug, Clone)]
pub struct Remote {
    pub model: String,
    pub base_url: String,
    /// Local servers ask for none.
    pub api_key: Option<SecretString>,
}

/// What [`Model::open`] needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    pub chat: Option<Remote>,
    pub embeddings: Option<Remote>,
    /// How long the embedding model's vectors are.
    pub dimensions: u64,
    /// How much the chat model is given to read at most.
    pub context_tokens: usize,
    /// How long its answers may be.
    pub answer_tokens: u32,
    /// The longest that one call may take, with all its requests.
    pub timeout: Duration,
    /// After so many failures in a row …
    pub breaker_failures: u32,
    /// … the model is left alone for so long.
    pub breaker_pause: Duration,
}

/// One question to a chat model.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// What it is for, for traces and metrics ("answer").
    pub purpose: &'static str,
    pub system: String,
    pub messages: Vec<Message>,
    /// The name and the JSON schema of a structured answer. As strict modes want it: every property required, no
    /// additional ones.
    pub schema: Option<(&'static str, Value)>,
    /// How long the answer may be.
    pub max_tokens: u32,
}

/// One message of the conversation that a model sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What a chat model answered, finished and, when a schema was given, as JSON with keys of it.
#[derive(Debug, Clone)]
pub struct ChatReply {
    pub text: String,
    pub json: Option<Value>,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub duration: Duration,
    pub model: String,
    /// The same for the turn's trace.
    pub call: ModelCall,
}

/// The trace of one call, successful or not (then it is in [`Failed`]). Holds no text of anybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCall {
    pub purpose: Cow<'static, str>,
    pub model: String,
    /// How the structured answer was got: `json_schema`, `json_object` or `prompted`.
    pub mode: Option<Cow<'static, str>>,
    /// How many HTTP requests it took.
    pub requests: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub duration_ms: f64,
    /// `ok`, or the word of a [`Failure`].
    pub outcome: Cow<'static, str>,
}

impl ModelCall {
    fn new(purpose: &'static str, model: &str) -> Self {
        Self {
            purpose: purpose.into(),
            model: model.to_owned(),
            mode: None,
            requests: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            duration_ms: 0.0,
            outcome: "ok".into(),
        }
    }

    /// The call answered, and its JSON is not what its reader needs.
    pub fn not_usable(mut self) -> Failed {
        let failure = Failure::NotStructured;
        self.outcome = failure.word().into();
        Failed { failure, call: self }
    }

    fn report(&self) {
        let labels = [("purpose", self.purpose.to_string()), ("outcome", self.outcome.to_string())];
        metrics::counter!("frontdesk_model_calls_total", &labels).increment(1);
        metrics::counter!("frontdesk_model_requests_total", "purpose" => self.purpose.to_string())
            .increment(u64::from(self.requests));
        for (kind, tokens) in [("prompt", self.prompt_tokens), ("completion", self.completion_tokens)] {
            metrics::counter!("frontdesk_model_tokens_total", "kind" => kind).increment(tokens);
        }
        metrics::histogram!("frontdesk_model_seconds", "purpose" => self.purpose.to_string())
            .record(self.duration_ms / 1000.0);
        tracing::debug!(
            purpose = %self.purpose,
            model = self.model,
            mode = self.mode.as_deref(),
            requests = self.requests,
            prompt_tokens = self.prompt_tokens,
            completion_tokens = self.completion_tokens,
            duration_ms = self.duration_ms,
            outcome = %self.outcome,
            "model call"
        );
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Model {
    /// Prepares the configured models; nothing is called yet.
    pub fn open(settings: &Settings, clock: Clock) -> Result<Self> {
        Ok(Self::of(Models::open(settings, clock)?))
    }

    /// Without any: what an installation without a key has.
    pub fn none() -> Self {
        Self::of(Models::default())
    }

    fn of(models: Models) -> Self {
        Self { current: Arc::new(RwLock::new(Arc::new(models))), tape: None }
    }

    /// Takes other models in place of these, here and in every clone; calls that are under way end as they began.
    pub fn replace(&self, settings: &Settings, clock: Clock) -> Result<()> {
        let models = Arc::new(Models::open(settings, clock)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = models;
        Ok(())
    }

    fn now(&self) -> Arc<Models> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The models of this moment, whatever takes their place: for work whose parts must be of one model.
    #[must_use]
    pub fn pinned(&self) -> Self {
        Self { current: Arc::new(RwLock::new(self.now())), tape: self.tape.clone() }
    }

    /// The same models, with `tape` running: a blank one is written on, a playing one answers instead of them, and then
    /// no call leaves.
    #[must_use]
    pub fn on_tape(&self, tape: &Tape) -> Self {
        Self { tape: Some(tape.clone()), ..self.clone() }
    }

    /// Whether a chat model is configured. Whether it answers is another question.
    pub fn can_chat(&self) -> bool {
        self.now().chat.is_some()
    }

    /// Whether an embedding model is configured.
    pub fn can_embed(&self) -> bool {
        self.now().embeddings.is_some()
    }

    /// The length of the vectors; `None` without an embedding model.
    pub fn dimensions(&self) -> Option<u64> {
        let models = self.now();
        models.embeddings.is_some().then_some(models.dimensions)
    }

    /// How much the chat model is given to read at most.
    pub fn context_tokens(&self) -> usize {
        self.now().context_tokens
    }

    /// How long the chat model's answers may be.
    pub fn answer_tokens(&self) -> u32 {
        self.now().answer_tokens
    }

    /// The embedding model's name, for the generation of an index; `None` without one.
    pub fn embedding_model(&self) -> Option<String> {
        self.now().embeddings.as_ref().map(|e| e.model.clone())
    }

    /// Whether the chat model failed so often that it is being left alone.
    pub fn is_resting(&self) -> bool {
        self.now().chat.as_ref().is_some_and(Endpoint::is_resting)
    }

    /// What answers, for people: "deepseek-chat at api.deepseek.com, embeddings by …".
    pub fn describe(&self) -> String {
        let models = self.now();
        let chat = match &models.chat {
            Some(chat) => format!("{} at {}", chat.model, chat.host()),
            None => "no model (answers are quoted from the documents)".to_owned(),
        };
        match &models.embeddings {
            Some(embeddings) => format!("{chat}, embeddings by {} at {}", embeddings.model, embeddings.host()),
            None => chat,
        }
    }

    /// Asks the chat model, within `model.timeout_s`. A reply is finished and, with a schema, JSON that has keys of
    /// it; everything else is an error, see [`Failed::of`].
    pub async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        let models = self.now();
        let Some(chat) = &models.chat else {
            return Err(not_configured(request.purpose).into());
        };
        match &self.tape {
            None => Self::call(chat, request).await,
            Some(tape) if tape.is_playing() => tape.chat(&chat.model, request),
            Some(tape) => {
                let reply = Self::call(chat, request).await;
                tape.keep_chat(&chat.model, request, &reply);
                reply
            }
        }
    }

    async fn call(chat: &Endpoint<Dialect>, request: &ChatRequest) -> Result<ChatReply> {
        let wanted: Option<Vec<&str>> = request.schema.as_ref().map(|(_, schema)| keys(schema));
        let (said, call) = chat
            .call(request.purpose, async |line, call| {
                let mut dialect = chat.learnt();
                let response = loop {
                    call.mode = request.schema.as_ref().map(|_| dialect.mode.word().into());
                    let refusal = match line.post(Api::Chat, &wire::request(&chat.model, request, dialect)).await {
                        Ok(response) => break response,
                        Err(Failure::Refused(refusal)) => refusal,
                        Err(failure) => return Err(failure),
                    };
                    dialect = dialect.after(&refusal, request.schema.is_some()).ok_or(Failure::Refused(refusal))?;
                };
                let usage = wire::usage(&response);
                (call.prompt_tokens, call.completion_tokens) = (usage.prompt_tokens, usage.completion_tokens);
                let said = wire::reply(&response, wanted.as_deref())?;
                chat.remember(dialect);
                Ok(said)
            })
            .await?;
        Ok(ChatReply {
            text: said.text,
            json: said.json,
            prompt_tokens: call.prompt_tokens,
            completion_tokens: call.completion_tokens,
            duration: Duration::from_secs_f64(call.duration_ms / 1000.0),
            model: chat.model.clone(),
            call,
        })
    }

    /// The vectors of `texts`, in their order, each of [`Model::dimensions`] numbers. Sent in batches; the time-out
    /// holds for each batch.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let models = self.now();
        let Some(embeddings) = &models.embeddings else {
            return Err(not_configured("embed").into());
        };
        match &self.tape {
            None => embed::embed(embeddings, models.dimensions, texts).await,
            Some(tape) if tape.is_playing() => tape.embed(&embeddings.model, texts),
            Some(tape) => {
                let vectors = embed::embed(embeddings, models.dimensions, texts).await;
                tape.keep_vectors(&embeddings.model, texts, &vectors);
                vectors
            }
        }
    }
}

impl Models {
    fn open(settings: &Settings, clock: Clock) -> Result<Self> {
        let chat = settings.chat.as_ref().map(|r| Endpoint::open(r, settings, clock.clone())).transpose()?;
        let embeddings = settings.embeddings.as_ref().map(|r| Endpoint::open(r, settings, clock)).transpose()?;
        Ok(Self {
            chat,
            embeddings,
            dimensions: settings.dimensions,
            context_tokens: settings.context_tokens,
            answer_tokens: settings.answer_tokens,
        })
    }
}

fn not_configured(purpose: &'static str) -> Failed {
    let failure = Failure::NotConfigured;
    let call = ModelCall { outcome: failure.word().into(), ..ModelCall::new(purpose, "") };
    Failed { failure, call }
}

fn keys(schema: &Value) -> Vec<&str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}
