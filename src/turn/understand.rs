//! Makes a question of its own out of one that leans on the conversation ("and for the other one?").

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Question, confidence, draft, extract,
    rewrite::{self, Pointing, Reading, Readings},
    siblings::Siblings,
    small_talk::without_greeting,
};
use crate::{
    app::App,
    knowledge::{self, Evidence, Query, rank},
    platform::{
        error::Result,
        lexical,
        model::{ChatReply, ChatRequest, Failed, Message, ModelCall},
    },
};

/// What to search for.
#[derive(Debug, Clone)]
pub struct Understood {
    /// The question with the topic of the conversation put in; `None` when it stands alone.
    pub rewritten: Option<String>,
    /// What "the other one" may be, where it can't be told which; `None` when that was not asked for, or is known.
    pub another: Option<Vec<String>>,
    /// How much of what the question itself says is in what was found for it, 0 to 1: "and to Iceland?" is not answered
    /// by what is written of Thailand.
    pub support: f32,
    /// The ways it may be meant that were searched for, for the trace.
    pub considered: Vec<Considered>,
    /// The model's trace, when it was asked.
    pub call: Option<ModelCall>,
}

/// A way to understand the question, and what the documents have for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    pub text: String,
    /// The share of the question's own phrases that the best evidence has: 0 to 1, as the three below.
    pub own: f32,
    /// The share of the words that are kept of what was said before.
    pub before: f32,
    /// The probability that it is answered.
    pub probable: f32,
    /// What it is worth beside the others.
    pub worth: f32,
}

impl Default for Understood {
    /// What stands alone.
    fn default() -> Self {
        Self { rewritten: None, another: None, support: 1.0, considered: Vec::new(), call: None }
    }
}

/// How much of the conversation a follow-up may lean on.
const LATEST: usize = 6;
/// A rewritten question is a question, not an essay.
const LONGEST: usize = 400;
/// What the question's own words count for beside those said before.
const OWN: f32 = 0.65;
/// What a reading is worth that nothing answers, beside one that is surely answered.
const PROVEN: f32 = 0.3;

/// Understands `question` in its conversation: by our own rules, or by the model where there is one. It is asked only
/// about questions that lean on what was said, so that the others don't wait for it.
pub async fn question(app: &App, question: &Question) -> Result<Understood> {
    let readings = readings(app, question).await?;
    if readings.all.is_empty() {
        // Nothing was said that anything could stand beside.
        let another = (!question.model(app).can_chat() && Pointing::read(&question.text).is_some()).then(Vec::new);
        return Ok(Understood { another, ..Understood::default() });
    }
    if !question.model(app).can_chat() {
        return by_rule(app, question, &readings).await;
    }
    if readings.may_stand_alone(&alone(question)) {
        let chosen = choose(app, question, &readings).await?;
        if chosen.rewritten.is_none() {
            return Ok(chosen);
        }
    }
    match ask(app, question).await {
        Ok(reply) => {
            let text = reply.json.as_ref().and_then(|j| j.get("question")?.as_str()).map(str::trim).unwrap_or_default();
            if text.is_empty() || text.chars().count() > LONGEST {
                return Ok(Understood { call: Some(reply.call), ..by_rule(app, question, &readings).await? });
            }
            let rewritten = Some(text.to_owned());
            Ok(Understood { rewritten, call: Some(reply.call), ..Understood::default() })
        }
        Err(error) => {
            let call = Failed::of(&error).map(|failed| failed.call.clone());
            Ok(Understood { call, ..by_rule(app, question, &readings).await? })
        }
    }
}

/// The question as it is, as readings are written.
fn alone(question: &Question) -> String {
    without_greeting(&question.text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The ways the question may be meant.
async fn readings(app: &App, question: &Question) -> Result<Readings> {
    let text = without_greeting(&question.text);
    let (told, asked) = rewrite::told_and_asked(text);
    let before = rewrite::before(&question.history);
    if before.is_none() && told.is_none() {
        return Ok(Readings::default());
    }
    let said = format!("{}\n{}", before.or(told).unwrap_or_default(), asked);
    let term = |pair: &str| lexical::term_id(&lexical::fold_text(pair));
    let pairs: Vec<u32> = rewrite::pairs(&said).into_iter().map(term).collect();
    let known: HashSet<u32> = match pairs.is_empty() {
        true => HashSet::new(),
        false => knowledge::known_terms(app, question.org, &pairs).await?,
    };
    let knows = |pair: &str| known.contains(&term(pair));
    let mut readings = match before {
        Some(before) => rewrite::readings(asked, before, &knows),
        None => Readings::default(),
    };
    if let Some(told) = told {
        readings.with_told(text, told, asked);
    }
    Ok(readings)
}

/// Understands what no model does.
async fn by_rule(app: &App, question: &Question, readings: &Readings) -> Result<Understood> {
    let (Some(pointing), Some(before)) = (Pointing::read(&question.text), rewrite::before(&question.history)) else {
        return choose(app, question, readings).await;
    };
    let before = Question { text: before.to_owned(), ..question.clone() };
    let query = Query { by_words_alone: true, ..question.query(before.text.clone(), app.config.assistant.passages) };
    let evidence = knowledge::search(app, question.org, &query).await?;
    let siblings = Siblings::of(&before, &evidence, pointing.noun(&question.text));
    match siblings.names.as_slice() {
        [only] => {
            let readings = pointing.readings(&question.text, only, &before.text, siblings.place.as_ref());
            choose(app, question, &readings).await
        }
        // Guessing would answer for what was not meant.
        _ => Ok(Understood { another: Some(siblings.names), ..Understood::default() }),
    }
}

/// The reading that the documents answer best.
async fn choose(app: &App, question: &Question, readings: &Readings) -> Result<Understood> {
    let mut considered = Vec::with_capacity(readings.all.len());
    for reading in &readings.all {
        considered.push(consider(app, question, readings, reading).await?);
    }
    // The likelier one comes first and wins a tie.
    let best = considered.iter().rev().max_by(|a, b| a.worth.total_cmp(&b.worth));
    let rewritten = best.map(|b| b.text.clone()).filter(|text| *text != alone(question));
    // What stands alone is judged like any question.
    let support = if rewritten.is_some() { best.map_or(1.0, |b| b.own) } else { 1.0 };
    Ok(Understood { rewritten, support, considered, ..Understood::default() })
}

/// What the documents have for one reading.
async fn consider(app: &App, question: &Question, readings: &Readings, reading: &Reading) -> Result<Considered> {
    let query = Query { by_words_alone: true, ..question.query(reading.text.clone(), app.config.assistant.passages) };
    let evidence = knowledge::search(app, question.org, &query).await?;
    let probable = confidence::of_passages(question.language, &evidence.features);
    let probable = probable.max(confidence::of_faq(&evidence)) as f32;
    let held = Held::of(&evidence, &reading.text);
    let (own, before) = (held.share(&readings.own), held.share(&reading.kept));
    let said = OWN * own + (1.0 - OWN) * before;
    let worth = reading.prior * said * (PROVEN + (1.0 - PROVEN) * probable);
    Ok(Considered { text: reading.text.clone(), own, before, probable, worth })
}

/// The words of the best evidence, and what says the same.
struct Held(HashSet<u32>);

impl Held {
    fn of(evidence: &Evidence, reading: &str) -> Self {
        let best = extract::best(evidence, reading).unwrap_or_default();
        let headline = evidence.best_sentence().map(|(found, _)| found.headline()).unwrap_or_default();
        let faq = evidence.faqs.first().filter(|faq| faq.similarity >= extract::SAME_QUESTION);
        let asked = faq.map(|faq| faq.question.clone()).unwrap_or_default();
        let mut held: HashSet<u32> = HashSet::new();
        for text in [&best, &headline, &asked] {
            lexical::each_term(text, |id| {
                held.insert(id);
                held.extend(rank::synonyms_of(id));
            });
        }
        Self(held)
    }

    /// Of the phrases of topic in `text`, the share that it has; 1 if there are none.
    fn share(&self, text: &str) -> f32 {
        let phrases = rewrite::topics(text);
        let of_phrase = |phrase: &&str| {
            let ids = lexical::term_ids(phrase);
            ids.iter().filter(|id| self.0.contains(id)).count() as f32 / ids.len().max(1) as f32
        };
        match phrases.len() {
            0 => 1.0,
            n => phrases.iter().map(of_phrase).sum::<f32>() / n as f32,
        }
    }
}

async fn ask(app: &App, question: &Question) -> Result<ChatReply> {
    let lines = draft::lines(&question.history);
    let latest = lines.get(lines.len().saturating_sub(LATEST)..).unwrap_or(&lines);
    let prompt = question.prompts(app).follow_up(question.language, &question.text, latest)?;
    let request = ChatRequest {
        purpose: "follow_up",
        system: prompt.system,
        messages: vec![Message::user(prompt.user)],
        schema: Some(("question", schema())),
        max_tokens: question.model(app).answer_tokens().min(300),
    };
    question.model(app).chat(&request).await
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"question": {"type": "string"}},
        "required": ["question"],
        "additionalProperties": false,
    })
}
