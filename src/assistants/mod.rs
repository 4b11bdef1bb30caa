//! What the assistant answers under: prompts, rules, how often it may err, what it may read; in numbered versions that
//! are drafted, published and rolled back. Without a published version the settings of the installation count.

pub mod api;
mod draft;
pub mod model;
mod publish;
mod store;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

pub use draft::{Draft, draft};
pub use publish::{publish, roll_back, save_gate};

use crate::{
    app::{App, AssistantId, AssistantVersionId, KnowledgeBaseId, OrgId, UserId},
    platform::{
        Error, Result,
        language::Language,
        lexical,
        model::{Model, Tape},
        prompts::{Manner, Prompts},
    },
};

/// What an organisation's assistant is called until it has another name.
const NAME: &str = "Assistant";

/// An organisation's assistant.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Assistant {
    pub id: AssistantId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub name: String,
    /// What must hold before a version is published.
    #[schema(value_type = Option<Gate>)]
    pub gate: Option<Json<Gate>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What must hold before a version is published: real conversations are taken again under it first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PublishGate)]
pub struct Gate {
    /// How many of the latest turns are taken again.
    pub last: i64,
    /// Of what was answered, the largest share that may be answered no more.
    pub max_lost: f64,
    /// The largest share that may be answered in other words.
    pub max_reworded: f64,
}

impl Gate {
    fn fault(&self) -> Option<&'static str> {
        if !(1..=MOST_REPLAYED).contains(&self.last) {
            return Some("last: 1 to 1000");
        }
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        (!is_share(self.max_lost) || !is_share(self.max_reworded))
            .then_some("max_lost and max_reworded: shares, 0 to 1")
    }
}

/// The most turns that are taken again in one go.
pub const MOST_REPLAYED: i64 = 1000;

/// How far a version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AssistantVersionStatus)]
pub enum Status {
    Draft,
    /// The one that answers.
    Published,
    /// Another was published after it.
    Retired,
    /// It was published and taken back.
    RolledBack,
}

/// One version of an assistant. Only its status changes.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
#[schema(as = AssistantVersion)]
pub struct Version {
    #[serde(skip)]
    pub id: AssistantVersionId,
    #[serde(skip)]
    pub org_id: OrgId,
    #[serde(skip)]
    pub assistant_id: AssistantId,
    /// From 1.
    pub version: i64,
    pub status: Status,
    /// What it is for, in its author's words.
    pub note: Option<String>,
    /// Templates in place of the installation's: by file name, each whole.
    #[schema(value_type = Object)]
    pub prompts: Json<BTreeMap<String, String>>,
    #[schema(value_type = Rules)]
    pub rules: Json<Rules>,
    /// The share of wrong answers among those sent that is accepted.
    pub max_error_rate: f64,
    /// The knowledge bases it may read; none given: all.
    #[schema(value_type = Option<Vec<KnowledgeBaseId>>)]
    pub knowledge_base_ids: Option<Json<Vec<KnowledgeBaseId>>>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub published_by: Option<UserId>,
    pub published_at: Option<DateTime<Utc>>,
}

/// What the organisation decided about topics.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = AssistantRules)]
pub struct Rules {
    /// Topics that always go to a person, each in a few words of either language: a question that has all of them goes.
    pub to_person: Vec<String>,
    /// What it calls itself; absent: the assistant.
    pub name: Option<String>,
    pub tone: Tone,
    /// In which it answers, the first where a customer writes another one; none given: the customer's.
    pub languages: Vec<Language>,
    /// What it keeps to, in plain words of any language. What it says is proven all the same.
    pub instructions: Vec<String>,
}

/// How the assistant sounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AssistantTone)]
pub enum Tone {
    #[default]
    Friendly,
    Formal,
    Brief,
}

impl Rules {
    /// In which language a customer who writes `language` is answered.
    pub fn speaks(&self, language: Language) -> Language {
        let is_spoken = self.languages.is_empty() || self.languages.contains(&language);
        if is_spoken { language } else { self.languages.first().copied().unwrap_or(language) }
    }

    fn manner(&self) -> Manner {
        Manner {
            name: self.name.clone(),
            tone: match self.tone {
                Tone::Friendly => "friendly",
                Tone::Formal => "formal",
                Tone::Brief => "brief",
            },
            languages: self.languages.clone(),
            instructions: self.instructions.clone(),
        }
    }

    /// Whether a question must go to a person.
    pub fn send_to_person(&self, question: &str) -> bool {
        if self.to_person.is_empty() {
            return false;
        }
        let mut asked = Vec::new();
        lexical::each_term(question, |term| asked.push(term));
        self.to_person.iter().any(|topic| {
            let (mut all, mut any) = (true, false);
            lexical::each_term(topic, |term| {
                any = true;
                all &= asked.contains(&term);
            });
            all && any
        })
    }
}

/// What one turn is taken under. Cheap to clone.
#[derive(Clone)]
pub struct Setup {
    /// The version; `None`: the installation's settings.
    pub version: Option<i64>,
    pub model: Model,
    pub prompts: Prompts,
    pub max_error_rate: f64,
    pub rules: Rules,
    /// Only these knowledge bases; empty: all.
    pub bases: Vec<KnowledgeBaseId>,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("version", &self.version)
            .field("max_error_rate", &self.max_error_rate)
            .field("rules", &self.rules)
            .field("bases", &self.bases)
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// The installation's settings.
    pub fn of_settings(app: &App) -> Self {
        Self {
            version: None,
            model: app.model.clone(),
            prompts: app.prompts.clone(),
            max_error_rate: app.config.assistant.max_error_rate,
            rules: Rules::default(),
            bases: Vec::new(),
        }
    }

    /// A version, published or not.
    ///
    /// # Errors
    /// `Invalid` if a prompt of it can't be filled in.
    pub fn of_version(app: &App, version: &Version) -> Result<Self> {
        let own = &version.prompts.0;
        Ok(Self {
            version: Some(version.version),
            model: app.model.clone(),
            prompts: if own.is_empty() { app.prompts.clone() } else { app.prompts.with(own)? }
                .in_manner(version.rules.0.manner()),
            max_error_rate: version.max_error_rate,
            rules: version.rules.0.clone(),
            bases: version.knowledge_base_ids.as_ref().map(|ids| ids.0.clone()).unwrap_or_default(),
        })
    }

    /// The same with its model's calls on `tape`.
    #[must_use]
    pub fn on_tape(&self, tape: &Tape) -> Self {
        Self { model: self.model.on_tape(tape), ..self.clone() }
    }
}

/// Setups of published versions, which never change.
#[derive(Default)]
struct Ready(Mutex<HashMap<AssistantVersionId, Arc<Setup>>>);

/// How many setups are kept; more organisations than these have theirs made anew.
const KEPT: usize = 256;

/// What an organisation's assistant answers under now.
pub async fn in_force(app: &App, org: OrgId) -> Result<Arc<Setup>> {
    let Some(version) = store::find_published(app.read().await?.conn(), org).await? else {
        return Ok(Arc::new(Setup::of_settings(app)));
    };
    let ready = app.kept.of::<Ready>();
    if let Some(setup) = ready.0.lock().unwrap_or_else(PoisonError::into_inner).get(&version.id) {
        return Ok(Arc::clone(setup));
    }
    let setup = Arc::new(Setup::of_version(app, &version)?);
    let mut all = ready.0.lock().unwrap_or_else(PoisonError::into_inner);
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(version.id, Arc::clone(&setup));
    Ok(setup)
}

/// The organisation's assistant, made when there is none yet.
pub async fn of_org(app: &App, org: OrgId) -> Result<Assistant> {
    if let Some(known) = store::find_first(app.read().await?.conn(), org).await? {
        return Ok(known);
    }
    let mut tx = app.begin().await?;
    store::insert(tx.conn(), AssistantId::new(), org, NAME, app.now()).await?;
    let made = store::find_first(tx.conn(), org).await?;
    tx.commit().await?;
    made.ok_or(Error::NotFound("assistant"))
}

/// An assistant of the organisation.
pub async fn find(app: &App, org: OrgId, id: AssistantId) -> Result<Assistant> {
    store::find(app.read().await?.conn(), org, id).await?.ok_or(Error::NotFound("assistant"))
}

/// A version of an assistant.
pub async fn find_version(app: &App, org: OrgId, id: AssistantId, version: i64) -> Result<Version> {
    let found = store::find_version(app.read().await?.conn(), org, id, version).await?;
    found.ok_or(Error::NotFound("version of the assistant"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_goes_to_a_person_when_the_question_has_all_of_it() {
        let rules = Rules { to_person: vec!["legal dispute".into(), "投诉".into()], ..Rules::default() };
        for text in ["Who handles a LEGAL dispute with you?", "我要投诉你们的快递", "legal disputes"] {
            assert!(rules.send_to_person(text), "{text}");
        }
        for text in ["Is this legal?", "How long is the warranty?", "", "怎么退款"] {
            assert!(!rules.send_to_person(text), "{text}");
        }
        let empty = Rules { to_person: vec!["  ".into()], ..Rules::default() };
        assert!(!empty.send_to_person("anything"), "an empty topic sends nothing");
    }

    #[test]
    fn the_customers_language_decides_among_those_that_are_spoken() {
        let speaking = |languages: &[Language]| Rules { languages: languages.to_vec(), ..Rules::default() };
        assert_eq!(speaking(&[]).speaks(Language::Zh), Language::Zh);
        assert_eq!(speaking(&[Language::En, Language::Zh]).speaks(Language::Zh), Language::Zh);
        assert_eq!(speaking(&[Language::En]).speaks(Language::Zh), Language::En);
    }

    #[test]
    fn a_gate_that_makes_no_sense_is_refused() {
        let gate = |last, max_lost| Gate { last, max_lost, max_reworded: 0.2 };
        assert_eq!(gate(200, 0.05).fault(), None);
        assert!(
            gate(0, 0.05).fault().is_some()
                && gate(200, 5.0).fault().is_some()
                && gate(200, f64::NAN).fault().is_some()
        );
    }
}
