//! A new version, drafted from another one: what is not said stays as it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{Rules, Setup, Status, Tone, Version, store};
use crate::{
    app::{App, AssistantId, AssistantVersionId, KnowledgeBaseId},
    platform::{Error, Result, http::given, language::Language},
    staff::{By, audit},
};

/// What a new version changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = NewAssistantVersion)]
pub struct Draft {
    /// The version it begins with [default: the published one, or the installation's settings].
    pub from: Option<i64>,
    /// What it is for.
    pub note: Option<String>,
    /// Templates by file name (`answer.en.j2`), each whole; an empty text takes ours back.
    pub prompts: BTreeMap<String, String>,
    pub rules: Option<RulesChange>,
    /// 0.001 to 0.5.
    pub max_error_rate: Option<f64>,
    /// The knowledge bases it may read; an empty list: all.
    pub knowledge_base_ids: Option<Vec<KnowledgeBaseId>>,
}

/// What to change of the rules; what is absent stays as in the version it begins with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = AssistantRulesChange)]
pub struct RulesChange {
    pub to_person: Option<Vec<String>>,
    /// `null`: it has no name of its own.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub name: Option<Option<String>>,
    pub tone: Option<Tone>,
    pub languages: Option<Vec<Language>>,
    pub instructions: Option<Vec<String>>,
}

impl RulesChange {
    fn made_to(self, rules: Rules) -> Rules {
        let lines = |lines: Vec<String>| lines.iter().map(|line| line.trim().to_owned()).collect();
        Rules {
            to_person: self.to_person.unwrap_or(rules.to_person),
            name: match self.name {
                Some(name) => name.map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()),
                None => rules.name,
            },
            tone: self.tone.unwrap_or(rules.tone),
            languages: self.languages.unwrap_or(rules.languages),
            instructions: self.instructions.map_or(rules.instructions, lines),
        }
    }
}

/// The longest name of an assistant, the most of its instructions and how long one may be, in characters.
const NAME: usize = 40;
const INSTRUCTIONS: usize = 30;
const INSTRUCTION: usize = 300;
/// The most topics of a rule, and how long one may be, in characters.
const TOPICS: usize = 200;
const TOPIC: usize = 200;

/// Drafts a version; nothing answers under it until it is published.
///
/// # Errors
/// `Invalid` for a prompt that can't be filled in, a rate or rule that makes no sense, an unknown knowledge base.
pub async fn draft(app: &App, by: &By, id: AssistantId, draft: Draft) -> Result<Version> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if !store::hold(tx.conn(), by.org, id, now).await? {
        return Err(Error::NotFound("assistant"));
    }
    let from = match draft.from {
        Some(number) => {
            let found = store::find_version(tx.conn(), by.org, id, number).await?;
            Some(found.ok_or(Error::NotFound("version of the assistant"))?)
        }
        None => store::find_published(tx.conn(), by.org).await?,
    };
    let (mut prompts, rules, rate, bases) = match from {
        Some(v) => (v.prompts.0, v.rules.0, v.max_error_rate, v.knowledge_base_ids.map(|ids| ids.0)),
        None => (BTreeMap::new(), Rules::default(), app.config.assistant.max_error_rate, None),
    };
    for (name, text) in draft.prompts {
        if text.trim().is_empty() {
            prompts.remove(&name)
        } else {
            prompts.insert(name, text)
        };
    }
    let bases = draft.knowledge_base_ids.or(bases).filter(|ids| !ids.is_empty());
    if let Some(ids) = &bases {
        let known = store::known_bases(tx.conn(), by.org).await?;
        if ids.iter().any(|id| !known.contains(id)) {
            return Err(Error::NotFound("knowledge base"));
        }
    }
    let version = Version {
        id: AssistantVersionId::new(),
        org_id: by.org,
        assistant_id: id,
        version: 0,
        status: Status::Draft,
        note: draft.note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty()),
        prompts: Json(prompts),
        rules: Json(draft.rules.unwrap_or_default().made_to(rules)),
        max_error_rate: draft.max_error_rate.unwrap_or(rate),
        knowledge_base_ids: bases.map(Json),
        created_by: by.user,
        created_at: now,
        published_by: None,
        published_at: None,
    };
    check(app, &version)?;
    let version = store::insert_version(tx.conn(), &version).await?;
    let told = json!({"version": version.version, "max_error_rate": version.max_error_rate,
                      "rules": version.rules});
    audit(tx.conn(), now, by, "assistant.draft", ("assistant", id.0), told).await?;
    tx.commit().await?;
    Ok(version)
}

fn check(app: &App, version: &Version) -> Result<()> {
    if !(0.001..=0.5).contains(&version.max_error_rate) {
        return Err(Error::Invalid("max_error_rate: a share between 0.001 and 0.5".into()));
    }
    let topics = &version.rules.0.to_person;
    if topics.len() > TOPICS || topics.iter().any(|t| t.trim().is_empty() || t.chars().count() > TOPIC) {
        return Err(Error::Invalid(format!("rules.to_person: at most {TOPICS} topics of 1 to {TOPIC} characters")));
    }
    let name = version.rules.0.name.as_deref().unwrap_or_default();
    if name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("rules.name: one line of at most {NAME} characters")));
    }
    let told = &version.rules.0.instructions;
    if told.len() > INSTRUCTIONS || told.iter().any(|t| t.is_empty() || t.chars().count() > INSTRUCTION) {
        let most = format!("at most {INSTRUCTIONS} of 1 to {INSTRUCTION} characters");
        return Err(Error::Invalid(format!("rules.instructions: {most}")));
    }
    Setup::of_version(app, version).map(|_| ())
}
