//! What a script says: a company, its customers, and what must hold after each of their moves.

use serde::Deserialize;

use crate::platform::language::Language;

/// A file of `evals/simulations`: a company and its customers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub company: Company,
    pub cases: Vec<Case>,
}

/// What a company knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    pub name: String,
    #[serde(default)]
    pub documents: Vec<Document>,
    #[serde(default)]
    pub faqs: Vec<Faq>,
    /// The domains that links may lead to.
    #[serde(default)]
    pub link_domains: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub name: String,
    pub text: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faq {
    pub question: String,
    pub answer: String,
}

/// One customer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    /// What the customer wants, for the reader.
    pub goal: String,
    #[serde(default)]
    pub mood: Option<String>,
    /// With a model, without one, or both.
    #[serde(default)]
    pub run: Run,
    /// What no reply of the whole conversation may hold.
    #[serde(default)]
    pub never: Vec<String>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Run {
    #[default]
    Always,
    WithModel,
    WithoutModel,
}

/// One move of the customer or of an agent, and what must then hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// How long the customer waits before it: "30s", "10m", "26h", "3d".
    pub after: Option<String>,
    /// A message, or a burst of several in a row.
    pub says: Option<Says>,
    /// The button for a person is pressed.
    pub presses_person: bool,
    /// An agent takes the conversation over and writes this.
    pub agent_says: Option<String>,
    /// The agent closes the conversation.
    pub agent_resolves: bool,
    pub expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Says {
    Once(String),
    Burst(Vec<String>),
}

/// What must hold after a move.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// What the last reply is, any of these: `answer`, `clarify`, `offer_person`, `hand_off`, `waiting`.
    pub kind: Vec<String>,
    /// What the replies to this move hold, all of it.
    pub contains: Vec<String>,
    /// Of these they hold at least one.
    pub any: Vec<String>,
    /// What they don't hold.
    pub never: Vec<String>,
    /// How many replies came to this move.
    pub replies: Option<usize>,
    /// The language of the replies.
    pub language: Option<Language>,
    /// Who holds the conversation then: `assistant`, `queue`, `agent`.
    pub holder: Option<String>,
    /// Its status then: `active`, `pending`, `resolved`, `closed`.
    pub status: Option<String>,
}
