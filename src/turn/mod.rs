//! The assistant's one move: take, draft, proof, gate.

mod again;
pub mod api;
pub mod ask;
mod brief;
pub mod confidence;
mod contradict;
pub mod draft;
pub mod extract;
pub mod facts;
pub mod gate;

pub mod proof;
pub mod rewrite;
mod siblings;
pub mod signals;
pub mod small_talk;
mod take;
pub mod understand;

pub use again::{Again, Recording, again};
pub use ask::{Outcome, Source, ask};
pub use take::{give_up, take};
pub use understand::Considered;

use serde::{Deserialize, Serialize};

use std::sync::Arc;

use crate::{
    app::{App, OrgId},
    assistants::Setup,
    knowledge::Query,
    platform::{language::Language, model::Model, prompts::Prompts},
};

/// What the assistant is asked: the customer's last messages joined, with what was said before.
#[derive(Debug, Clone)]
pub struct Question {
    pub org: OrgId,
    /// The burst, joined by line breaks.
    pub text: String,
    /// Oldest first, the burst not included.
    pub history: Vec<Said>,
    /// The language to answer in: the customer's last messages decide.
    pub language: Language,
    /// What is remembered of the customer, in words: it helps to understand them and proves nothing.
    pub memories: Vec<String>,
    /// What it is answered under; `None`: the installation's settings.
    pub under: Option<Arc<Setup>>,
}

impl Question {
    /// The model that is asked about it.
    pub fn model<'a>(&'a self, app: &'a App) -> &'a Model {
        self.under.as_ref().map_or(&app.model, |setup| &setup.model)
    }

    /// What the model is told.
    pub fn prompts<'a>(&'a self, app: &'a App) -> &'a Prompts {
        self.under.as_ref().map_or(&app.prompts, |setup| &setup.prompts)
    }

    fn policy(&self, app: &App) -> Policy {
        let settings = app.config.assistant.max_error_rate;
        Policy { max_error_rate: self.under.as_ref().map_or(settings, |setup| setup.max_error_rate) }
    }

    /// A search for `text` in what may be read.
    fn query(&self, text: String, limit: usize) -> Query {
        let under = self.under.as_ref();
        Query {
            bases: under.map(|setup| setup.bases.clone()).unwrap_or_default(),
            model: under.map(|setup| setup.model.clone()),
            ..Query::new(text, limit)
        }
    }

    /// Whether the organisation wants a person for one of `texts`.
    fn is_for_person(&self, texts: &[&str]) -> bool {
        self.under.as_ref().is_some_and(|setup| texts.iter().any(|text| setup.rules.send_to_person(text)))
    }

    /// A question without a conversation before it.
    pub fn alone(org: OrgId, text: impl Into<String>) -> Self {
        let text = text.into();
        let language = Language::detect(&text).unwrap_or_default();
        Self { org, text, history: Vec::new(), language, memories: Vec::new(), under: None }
    }
}

/// One message of the conversation so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub by: Speaker,
    pub text: String,
    /// A customer's question as it was understood then, where it leaned on what was said before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
}

impl Said {
    pub fn new(by: Speaker, text: impl Into<String>) -> Self {
        Self { by, text: text.into(), meant: None }
    }
}

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    Customer,
    Assistant,
    Agent,
}

pub use crate::knowledge::SourceId;

/// What a sentence rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    pub source: SourceId,
    /// The words of the source, as they stand there; empty cites the whole source.
    pub quote: String,
}

/// One sentence of a draft, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    /// As the customer would read it. A line break before it is kept ("\n- …" in lists).
    pub text: String,
    /// What proves it. Empty only for words that claim nothing ("Happy to help.").
    pub citations: Vec<Citation>,
}

/// What a draft tries to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftKind {
    Answer,
    /// A question back to the customer.
    Clarify,
    /// The writer found no answer in the evidence.
    CannotAnswer,
}

/// Who wrote a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum DraftFrom {
    /// Quoted from the evidence; `because` says why when a model should have written it.
    Extractive {
        because: Option<String>,
    },
    Model {
        name: String,
        prompt_version: String,
    },
}

/// An answer that nobody has checked yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub sentences: Vec<Sentence>,
    pub language: Language,
    pub kind: DraftKind,
    pub from: DraftFrom,
    /// Whether the model itself said that the evidence answers the question: one feature among others.
    pub answerable: Option<bool>,
}

/// A draft of which only the proven sentences are left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    pub draft: Draft,
    /// What was cut, and why.
    pub cut: Vec<Cut>,
    /// The probability that the reply is right: 0 until [`confidence::of`] gave it.
    pub confidence: f64,
}

impl Proven {
    /// The reply as the customer reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for sentence in &self.draft.sentences {
            // What does not end like a sentence, as a row of a table, stands on a line of its own.
            let is_closed = text.ends_with(|c: char| ".!?。！？…:：\"”)）".contains(c));
            match (sentence.text.starts_with('\n') || text.is_empty(), is_closed, self.draft.language) {
                (true, ..) | (_, true, Language::Zh) => {}
                (_, true, Language::En) => text.push(' '),
                _ => text.push('\n'),
            }
            text.push_str(if text.is_empty() { sentence.text.trim_start() } else { &sentence.text });
        }
        text
    }

    /// Whether something is left that claims and proves something.
    pub fn has_substance(&self) -> bool {
        self.draft.sentences.iter().any(|s| !s.citations.is_empty())
    }
}

/// A sentence that was not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    pub text: String,
    /// What the cited passages do not say.
    pub unproven: Vec<Unproven>,
}

/// A claim without proof: its family and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", content = "words", rename_all = "snake_case")]
pub enum Unproven {
    Number(String),
    Date(String),
    Duration(String),
    Phone(String),
    Link(String),
    Email(String),
    Code(String),
    Name(String),
    Negation(String),
    Promise(String),
    /// A citation of something that is not in the evidence, or a quote that does not stand there.
    Citation(String),
    /// A statement that cites nothing.
    Nothing(String),
}

/// What is known about the conversation beside the question's topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    pub asks_for_person: bool,
    pub is_upset: bool,
    /// A rule of the organisation wants a person for it.
    #[serde(default)]
    pub is_for_person: bool,
    /// How often the customer has asked much the same before in this epoch.
    pub repetitions: usize,
    /// How many of the assistant's last moves were no answer.
    pub failures: usize,
    /// The question is too short or too open to be answered from one passage.
    pub is_vague: bool,
    /// It asks for "the other one", and which one that is can't be told.
    #[serde(default)]
    pub points_at_another: bool,
    /// What the competing passages are about, or what may be meant: to ask back with.
    pub topics: Vec<String>,
    /// The model was wanted but did not answer.
    pub model_unavailable: bool,
}

/// What the organisation wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The share of wrong answers among those sent that is accepted.
    pub max_error_rate: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_error_rate: 0.2 }
    }
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", content = "with", rename_all = "snake_case")]
pub enum Verdict {
    Answer,
    /// The question to ask back.
    Clarify(String),
    OfferPerson(Reason),
    HandOff(Reason),
}

impl Verdict {
    /// A stable word for programs.
    pub fn decision(&self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Clarify(_) => "clarify",
            Self::OfferPerson(_) => "offer_person",
            Self::HandOff(_) => "hand_off",
        }
    }

    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Answer | Self::Clarify(_) => None,
            Self::OfferPerson(reason) | Self::HandOff(reason) => Some(*reason),
        }
    }
}

/// Why a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Reason {
    AskedForPerson,
    NothingFound,
    Unsure,
    Unproven,
    Upset,
    RepeatedFailure,
    ModelUnavailable,
    Policy,
}

impl Reason {
    /// A stable word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::AskedForPerson => "asked_for_person",
            Self::NothingFound => "nothing_found",
            Self::Unsure => "unsure",
            Self::Unproven => "unproven",
            Self::Upset => "upset",
            Self::RepeatedFailure => "repeated_failure",
            Self::ModelUnavailable => "model_unavailable",
            Self::Policy => "policy",
        }
    }
}
