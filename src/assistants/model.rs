//! Which language models the installation asks: chosen in the console, unless the configuration says so already.
//!
//! One choice for all organisations, kept with the default one. It counts from the moment it is saved: in this process
//! at once, in others when they look next ([`refresh`]).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    app::{
        App,
        config::{self, Secret},
    },
    knowledge, memory,
    platform::{
        Error, Result,
        model::{ChatRequest, Failed, Failure, Message, Model},
    },
    staff::{self, By, audit, difference},
};

const KEY: &str = "model";
/// A call that takes longer than this is felt in every conversation.
const SLOW: Duration = Duration::from_secs(6);

/// As it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    base_url: String,
    /// Sealed, as the other key.
    api_key: Option<String>,
    chat_model: String,
    embedding_model: String,
    embedding_base_url: String,
    embedding_api_key: Option<String>,
    embedding_dimensions: u64,
    timeout_s: u64,
    context_tokens: usize,
    answer_tokens: u32,
}

impl Default for Kept {
    fn default() -> Self {
        Self::of(&config::Model::default())
    }
}

/// Who says which models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// Nobody: answers are quoted from the documents.
    Nobody,
    /// The console.
    Console,
    /// The configuration file or the environment, which go before.
    Configuration,
}

/// Which models the installation asks. Keys are never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelSettings {
    pub source: ModelSource,
    /// Whether the asker may change it here.
    pub is_editable: bool,
    /// What answers now, in words.
    pub now: String,
    pub base_url: String,
    pub has_api_key: bool,
    pub chat_model: String,
    pub embedding_model: String,
    /// Where the embedding model is asked, when not where the chat model is.
    pub embedding_base_url: String,
    pub has_embedding_api_key: bool,
    /// How long the embedding model's vectors are.
    pub embedding_dimensions: u64,
    pub timeout_s: u64,
    /// How much the chat model is given to read at most, and how long its answers may be.
    pub context_tokens: usize,
    pub answer_tokens: u32,
    /// How many passages and FAQs another embedding model would have to read.
    pub indexed: i64,
}

/// Which models the installation is to ask.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelChange {
    /// Of any OpenAI-compatible endpoint, like `https://api.deepseek.com/v1`; empty: no model.
    pub base_url: String,
    /// Absent: the kept one stays, as long as the address does. Empty: none.
    #[schema(format = Password)]
    pub api_key: Option<String>,
    #[serde(default)]
    pub chat_model: String,
    #[serde(default)]
    pub embedding_model: String,
    #[serde(default)]
    pub embedding_base_url: String,
    /// Absent: the kept one stays, as long as the address does. Empty: none.
    #[schema(format = Password)]
    pub embedding_api_key: Option<String>,
    pub embedding_dimensions: Option<u64>,
    pub timeout_s: Option<u64>,
    pub context_tokens: Option<usize>,
    pub answer_tokens: Option<u32>,
    /// Another embedding model makes every index anew; without this it is refused with 409.
    #[serde(default)]
    pub rebuilds_index: bool,
}

/// What a test of the models found; absent: that model is not asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelTest {
    pub chat: Option<ModelTried>,
    pub embedding: Option<ModelTried>,
}

/// How one call came out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelTried {
    /// Absent: it answered. Else `wrong_key`, `unknown_model`, `no_route`, `unreachable`, `rate_limited`,
    /// `out_of_money`, `too_slow`, `malformed`, `not_structured`, `cut_off`, `wrong_dimensions`, `refused`.
    pub problem: Option<&'static str>,
    /// In few words, in English.
    pub detail: Option<String>,
    pub duration_ms: u64,
    /// It answered, and customers would feel how long it takes.
    pub is_slow: bool,
    /// How the chat model gives structured answers: `json_schema`, or where it takes none `json_object` or `prompted`.
    pub mode: Option<String>,
    /// How long the embedding model's vectors really are.
    pub dimensions: Option<u64>,
}

impl Kept {
    /// What a configuration says, keys left out.
    fn of(model: &config::Model) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            base_url: text(&model.base_url),
            api_key: None,
            chat_model: text(&model.chat_model),
            embedding_model: text(&model.embedding_model),
            embedding_base_url: text(&model.embedding_base_url),
            embedding_api_key: None,
            embedding_dimensions: model.embedding_dimensions,
            timeout_s: model.timeout_s,
            context_tokens: model.context_tokens,
            answer_tokens: model.answer_tokens,
        }
    }

    /// As the configuration would say it.
    fn opened(&self, app: &App) -> Result<config::Model> {
        let text = |value: &str| Some(value.to_owned()).filter(|v| !v.is_empty());
        let key = |sealed: &Option<String>, what: &str| match sealed {
            Some(sealed) => {
                let key = app.key.open(what, sealed)?;
                Ok::<_, Error>(Some(Secret::new(String::from_utf8(key).map_err(Error::internal)?)))
            }
            None => Ok(None),
        };
        Ok(config::Model {
            base_url: text(&self.base_url),
            api_key: key(&self.api_key, "model.api_key")?,
            chat_model: text(&self.chat_model),
            embedding_model: text(&self.embedding_model),
            embedding_base_url: text(&self.embedding_base_url),
            embedding_api_key: key(&self.embedding_api_key, "model.embedding_api_key")?,
            embedding_dimensions: self.embedding_dimensions,
            timeout_s: self.timeout_s,
            context_tokens: self.context_tokens,
            answer_tokens: self.answer_tokens,
            ..app.config.model.clone()
        })
    }

    /// What the vectors are made by.
    fn meaning(&self) -> Option<(&str, u64)> {
        (!self.embedding_model.is_empty()).then_some((self.embedding_model.as_str(), self.embedding_dimensions))
    }
}

/// What was taken into force last, in this process.
#[derive(Default)]
struct InForce(Mutex<Value>);

async fn load(app: &App) -> Result<Option<Value>> {
    let Some(org) = staff::find_org(app, staff::DEFAULT_ORG).await? else { return Ok(None) };
    Ok(staff::find_config(app.read().await?.conn(), org.id, KEY).await?.map(|v| v.0))
}

/// Takes into force what was saved, if it is not yet. Cheap when nothing changed.
pub async fn refresh(app: &Arc<App>) -> Result<()> {
    if app.config.model.is_set() {
        return Ok(());
    }
    let found = load(app).await?.unwrap_or_default();
    let in_force = app.kept.of::<InForce>();
    if *in_force.0.lock().unwrap_or_else(PoisonError::into_inner) == found {
        return Ok(());
    }
    let kept: Kept = if found.is_null() { Kept::default() } else { serde_json::from_value(found.clone())? };
    let before = (app.model.embedding_model(), app.model.dimensions());
    app.model.replace(&kept.opened(app)?.settings(), app.clock.clone())?;
    *in_force.0.lock().unwrap_or_else(PoisonError::into_inner) = found;
    tracing::info!(model = app.model.describe(), "the model's settings were taken into force");
    if before != (app.model.embedding_model(), app.model.dimensions()) {
        // What this process still indexed by the former model is put where the new one looks.
        let app = app.clone();
        let again = Arc::clone(&app);
        app.spawn(async move {
            if let Err(e) = memory::reconcile(&again).await {
                tracing::error!(error = %e.chain(), "memories could not be indexed for another model");
            }
        });
    }
    Ok(())
}

/// Which models the installation asks.
pub async fn find(app: &App, by: &By) -> Result<ModelSettings> {
    let found = load(app).await?;
    let source = match &found {
        _ if app.config.model.is_set() => ModelSource::Configuration,
        Some(_) if app.model.can_chat() || app.model.can_embed() => ModelSource::Console,
        _ => ModelSource::Nobody,
    };
    let kept = kept(app, found)?;
    let in_file = &app.config.model;
    Ok(ModelSettings {
        source,
        is_editable: source != ModelSource::Configuration && staff::is_default_org(app, by.org).await?,
        now: app.model.describe(),
        has_api_key: kept.api_key.is_some() || (in_file.is_set() && in_file.api_key.is_some()),
        has_embedding_api_key: kept.embedding_api_key.is_some()
            || (in_file.is_set() && in_file.embedding_api_key.is_some()),
        base_url: kept.base_url,
        chat_model: kept.chat_model,
        embedding_model: kept.embedding_model,
        embedding_base_url: kept.embedding_base_url,
        embedding_dimensions: kept.embedding_dimensions,
        timeout_s: kept.timeout_s,
        context_tokens: kept.context_tokens,
        answer_tokens: kept.answer_tokens,
        indexed: knowledge::index::size(app).await?,
    })
}

fn kept(app: &App, found: Option<Value>) -> Result<Kept> {
    match found {
        _ if app.config.model.is_set() => Ok(Kept::of(&app.config.model)),
        Some(value) => Ok(serde_json::from_value(value)?),
        None => Ok(Kept::of(&app.config.model)),
    }
}

async fn check_editable(app: &App, by: &By) -> Result<()> {
    if app.config.model.is_set() {
        return Err(Error::Conflict(
            "the model stands in the configuration file or the environment, which go before: change it there".into(),
        ));
    }
    if !staff::is_default_org(app, by.org).await? {
        return Err(Error::Conflict(
            "the model serves every organisation of this installation: it is set in the default one".into(),
        ));
    }
    Ok(())
}

/// Says which models the installation asks, from now on. Another embedding model orders every index anew.
pub async fn save(app: &Arc<App>, by: &By, change: ModelChange) -> Result<ModelSettings> {
    check_editable(app, by).await?;
    let now = app.now();
    let before = kept(app, load(app).await?)?;
    let rebuilds = change.rebuilds_index;
    let after = changed(app, &before, change)?;
    let is_other = before.meaning() != after.meaning();
    let size = if is_other { knowledge::index::size(app).await? } else { 0 };
    if size > 0 && !rebuilds {
        return Err(Error::Conflict(format!(
            "another embedding model reads all {size} passages and FAQs anew: say rebuilds_index"
        )));
    }
    let mut tx = app.begin().await?;
    staff::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&after)?, by.user, now).await?;
    if is_other {
        knowledge::index::order_rebuilds(tx.conn(), now).await?;
    }
    let told = difference(Some(&shown(&before)), Some(&shown(&after)));
    audit(tx.conn(), now, by, "settings.model", ("organization", by.org.0), told).await?;
    tx.commit().await?;
    refresh(app).await?;
    app.wake(by.org).await;
    find(app, by).await
}

/// For the audit log: that a key changed, not which.
fn shown(kept: &Kept) -> Value {
    let mut shown = serde_json::to_value(kept).unwrap_or_default();
    if let Some(fields) = shown.as_object_mut() {
        for key in ["api_key", "embedding_api_key"] {
            // `difference` tells of a "hash" only that it is another one.
            let sealed = fields.remove(key).unwrap_or_default();
            fields.insert(format!("{key}_hash"), sealed);
        }
    }
    shown
}

fn changed(app: &App, before: &Kept, change: ModelChange) -> Result<Kept> {
    let wrong = |text: &str| Err(Error::Invalid(text.into()));
    let plain = |text: &str| text.trim().trim_end_matches('/').to_owned();
    let (base_url, embedding_base_url) = (plain(&change.base_url), plain(&change.embedding_base_url));
    for (name, address) in [("base_url", &base_url), ("embedding_base_url", &embedding_base_url)] {
        let is_address = url::Url::parse(address).is_ok_and(|u| {
            matches!(u.scheme(), "http" | "https") && u.has_host() && u.username().is_empty() && u.query().is_none()
        });
        if !address.is_empty() && !is_address {
            return Err(Error::Invalid(format!("{name}: an address like https://api.example.com/v1")));
        }
    }
    let (chat_model, embedding_model) = (change.chat_model.trim(), change.embedding_model.trim());
    if [chat_model, embedding_model].iter().any(|m| m.len() > 200) || base_url.len() > 500 {
        return wrong("chat_model: at most 200 characters");
    }
    if base_url.is_empty() && (!chat_model.is_empty() || (!embedding_model.is_empty() && embedding_base_url.is_empty()))
    {
        return wrong("base_url: where should the model be called?");
    }
    let dimensions = change.embedding_dimensions.unwrap_or(before.embedding_dimensions);
    let timeout_s = change.timeout_s.unwrap_or(before.timeout_s);
    let context_tokens = change.context_tokens.unwrap_or(before.context_tokens);
    let answer_tokens = change.answer_tokens.unwrap_or(before.answer_tokens);
    if !(1..=8192).contains(&dimensions) {
        return wrong("embedding_dimensions: 1 to 8192");
    }
    if !(1..=120).contains(&timeout_s) {
        return wrong("timeout_s: 1 to 120");
    }
    if !(500..=1_000_000).contains(&context_tokens) || !(50..=16_000).contains(&answer_tokens) {
        return wrong("context_tokens: 500 to 1000000; answer_tokens: 50 to 16000");
    }
    // A key is only ever sent to the address that it was given for.
    let key = |given: Option<String>, kept: &Option<String>, is_same: bool, what: &str| match given.as_deref() {
        Some(text) if !text.trim().is_empty() => app.key.seal(what, text.trim().as_bytes()).map(Some),
        Some(_) => Ok(None),
        None => Ok(kept.clone().filter(|_| is_same)),
    };
    let is_same = before.base_url == base_url;
    let is_same_embedding =
        before.embedding_base_url == embedding_base_url && (is_same || !embedding_base_url.is_empty());
    Ok(Kept {
        api_key: key(change.api_key, &before.api_key, is_same, "model.api_key")?,
        embedding_api_key: key(
            change.embedding_api_key,
            &before.embedding_api_key,
            is_same_embedding,
            "model.embedding_api_key",
        )?,
        chat_model: chat_model.into(),
        embedding_model: embedding_model.into(),
        base_url,
        embedding_base_url,
        embedding_dimensions: dimensions,
        timeout_s,
        context_tokens,
        answer_tokens,
    })
}

/// Makes one small call of each model, with these settings or, where the configuration says which, with its own.
pub async fn test(app: &App, by: &By, change: ModelChange) -> Result<ModelTest> {
    let tried = if app.config.model.is_set() {
        app.config.model.clone()
    } else {
        check_editable(app, by).await?;
        changed(app, &kept(app, load(app).await?)?, change)?.opened(app)?
    };
    // A client of its own: what it finds out is not what the one in force has learnt.
    let model = Model::open(&tried.settings(), app.clock.clone())?;
    let chat = async {
        if !model.can_chat() {
            return None;
        }
        let since = Instant::now();
        let found = model.chat(&small_talk(model.answer_tokens())).await;
        let mut tried = ModelTried::of(since, found.as_ref().err());
        tried.mode = found.ok().and_then(|reply| reply.call.mode).map(|mode| mode.to_string());
        Some(tried)
    };
    let embedding = async {
        if !model.can_embed() {
            return None;
        }
        let since = Instant::now();
        let found = model.embed(&["Frontdesk".into()]).await;
        let mut tried = ModelTried::of(since, found.as_ref().err());
        tried.dimensions = match &found {
            Ok(vectors) => vectors.first().and_then(|v| u64::try_from(v.len()).ok()),
            Err(e) => match Failed::of(e).map(|f| &f.failure) {
                Some(Failure::WrongDimensions { got, .. }) => Some(*got),
                _ => None,
            },
        };
        Some(tried)
    };
    let (chat, embedding) = tokio::join!(chat, embedding);
    Ok(ModelTest { chat, embedding })
}

/// One small question with a structured answer, as every turn asks for.
fn small_talk(most: u32) -> ChatRequest {
    let schema = json!({
        "type": "object",
        "properties": {"greeting": {"type": "string", "description": "one word"}},
        "required": ["greeting"],
        "additionalProperties": false,
    });
    ChatRequest {
        purpose: "test",
        system: "You answer with JSON.".into(),
        messages: vec![Message::user("Say hello in one word.")],
        schema: Some(("greeting", schema)),
        // Models that think before they answer need room for it.
        max_tokens: most,
    }
}

impl ModelTried {
    fn of(since: Instant, error: Option<&Error>) -> Self {
        let took = since.elapsed();
        let failure = error.map(|e| Failed::of(e).map(|f| &f.failure));
        Self {
            problem: failure.map(|f| f.map_or("refused", problem)),
            detail: error.map(|e| Failed::of(e).map_or_else(|| e.to_string(), |f| f.failure.to_string())),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            is_slow: error.is_none() && took > SLOW,
            mode: None,
            dimensions: None,
        }
    }
}

/// What an administrator can do something about.
fn problem(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(refusal) => match refusal.status {
            401 | 403 => "wrong_key",
            402 => "out_of_money",
            429 if refusal.is_passing() => "rate_limited",
            429 => "out_of_money",
            // Ollama, vLLM and OpenAI say 404, DeepSeek and others 400, and all of them name the model.
            400 | 404 | 422 if refusal.names_a_missing_model() => "unknown_model",
            404 | 405 => "no_route",
            _ => "refused",
        },
        Failure::TooSlow(_) => "too_slow",
        Failure::Unreachable(_) => "unreachable",
        Failure::Malformed(_) => "malformed",
        Failure::NotStructured => "not_structured",
        Failure::CutOff => "cut_off",
        Failure::WrongDimensions { .. } => "wrong_dimensions",
        Failure::NotConfigured | Failure::Resting | Failure::Filtered | Failure::NotRecorded => "refused",
    }
}
