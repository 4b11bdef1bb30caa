//! Asking the assistant without a conversation.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Question, Reason, Signals, SourceId, Verdict,
    ask::{self, Outcome},
    contradict::{self, Contradiction},
    take,
};
use crate::{
    app::{App, ConversationId, DocumentId, FaqId, PassageId},
    assistants, inbox,
    platform::{
        Error, Result,
        http::{Json, Path},
        language::Language,
    },
    staff::{Ask, Can, ConversationReply, KnowledgeRead},
};

/// The longest question, in characters.
const QUESTION_LIMIT: usize = 4000;

#[derive(Deserialize, ToSchema)]
pub struct NewQuestion {
    pub question: String,
    /// Of the answer; by default the question's.
    pub language: Option<Language>,
}

/// What the assistant would say.
#[derive(Serialize, ToSchema)]
pub struct Answered {
    /// `answer`, `clarify`, `offer_person` or `hand_off`.
    pub decision: &'static str,
    /// What the customer would read.
    pub answer: String,
    pub language: Language,
    /// The probability that the answer is right.
    pub confidence: f64,
    /// Why a person is needed.
    pub reason: Option<Reason>,
    pub sources: Vec<Source>,
    /// How long each step took, in milliseconds.
    #[schema(value_type = Object)]
    pub timings_ms: ask::Timings,
    /// How the assistant came to it: what was searched, found, proven.
    #[schema(value_type = Object)]
    pub trace: ask::Trace,
}

/// Something an answer rests on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Source {
    pub document_id: Option<DocumentId>,
    pub title: String,
    pub passage_id: Option<PassageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faq_id: Option<FaqId>,
    /// The words of the source.
    pub quote: String,
    pub score: f64,
}

impl From<&ask::Source> for Source {
    fn from(source: &ask::Source) -> Self {
        let (passage_id, faq_id) = match source.source {
            SourceId::Passage(id) => (Some(id), None),
            SourceId::Faq(id) => (None, Some(id)),
        };
        Self {
            document_id: source.document_id,
            title: source.title.clone(),
            passage_id,
            faq_id,
            quote: source.quote.clone(),
            score: source.score,
        }
    }
}

impl Outcome {
    /// What the customer reads.
    pub fn said(&self) -> &str {
        match (&self.verdict, self.language) {
            (Verdict::Answer | Verdict::Clarify(_), _) => &self.answer,
            (Verdict::OfferPerson(_), Language::Zh) => "这个问题我不太确定。需要我请同事来为您解答吗？",
            (Verdict::OfferPerson(_), Language::En) => {
                "I am not sure about this. Would you like me to ask a colleague?"
            }
            (Verdict::HandOff(reason), language) => inbox::hand_off_text(reason.word(), language),
        }
    }
}

impl From<Outcome> for Answered {
    fn from(outcome: Outcome) -> Self {
        Self {
            decision: outcome.verdict.decision(),
            reason: outcome.verdict.reason(),
            answer: outcome.said().to_string(),
            language: outcome.language,
            confidence: outcome.confidence,
            sources: outcome.sources.iter().map(Source::from).collect(),
            timings_ms: outcome.trace.timings_ms,
            trace: outcome.trace,
        }
    }
}

/// Ask the assistant one question, without a customer or a conversation.
#[utoipa::path(post, path = "/api/ask", tag = "assistant", request_body = NewQuestion, responses((status = 200, body = Answered)))]
pub async fn ask(State(app): State<Arc<App>>, by: Can<Ask>, Json(new): Json<NewQuestion>) -> Result<Json<Answered>> {
    let text = new.question.trim();
    if text.is_empty() {
        return Err(Error::Invalid("the question is empty".into()));
    }
    if text.chars().count() > QUESTION_LIMIT {
        return Err(Error::Invalid(format!("the question is too long: at most {QUESTION_LIMIT} characters")));
    }
    let mut question = Question::alone(by.org, text);
    let setup = assistants::in_force(&app, by.org).await?;
    question.language = setup.rules.speaks(new.language.unwrap_or(question.language));
    question.under = Some(setup);
    let outcome = ask::ask(&app, &question, &Signals::default(), app.config.assistant.passages).await?;
    Ok(Json(outcome.into()))
}

/// What the assistant would answer now: a suggestion for the agent, which nobody else sees.
#[utoipa::path(post, path = "/api/conversations/{id}/suggest", tag = "assistant", responses((status = 200, body = Answered)))]
pub async fn suggest(
    State(app): State<Arc<App>>,
    by: Can<ConversationReply>,
    Path(id): Path<ConversationId>,
) -> Result<Json<Answered>> {
    let opened = inbox::open_for(&app, &by, id).await?;
    let mut question =
        take::last_question(&opened).ok_or_else(|| Error::Conflict("the customer has asked nothing".into()))?;
    let setup = assistants::in_force(&app, by.org).await?;
    question.language = setup.rules.speaks(question.language);
    question.under = Some(setup);
    let outcome = ask::ask(&app, &question, &Signals::default(), app.config.assistant.passages).await?;
    let answer = outcome.answer.clone();
    Ok(Json(Answered { answer, ..outcome.into() }))
}

/// Which documents contradict one another: sentences of one subject with other amounts or times, the most alike first.
#[utoipa::path(get, path = "/api/knowledge/contradictions", tag = "knowledge", responses((status = 200, body = Vec<Contradiction>)))]
pub async fn contradictions(State(app): State<Arc<App>>, by: Can<KnowledgeRead>) -> Result<Json<Vec<Contradiction>>> {
    Ok(Json(contradict::contradictions(&app, &by).await?))
}
