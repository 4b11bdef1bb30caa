//! The assistant's move on a question, without a conversation around it: search, draft, proof, gate.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{
    DraftFrom, Policy, Proven, Question, Said, Signals, SourceId, Speaker, Verdict, confidence,
    draft::{self, Written},
    extract, gate, proof, rewrite, signals,
    small_talk::{SmallTalk, without_greeting},
    understand::{self, Considered, Understood},
};
use crate::{
    app::{App, DocumentId},
    inbox,
    knowledge::{self, Evidence, Passage, rank::Features},
    platform::{error::Result, language::Language, model::ModelCall},
};

/// What came of a question.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub verdict: Verdict,
    /// What the customer reads if the verdict is to answer or to ask back. Otherwise the best answer there was, for
    /// the person who takes over; may be empty.
    pub answer: String,
    pub language: Language,
    pub confidence: f64,
    /// What the answer cites, each once, in the order of the answer.
    pub sources: Vec<Source>,
    /// The best sentence of the evidence, whatever the verdict.
    pub evidence: Option<String>,
    pub found: Evidence,
    pub trace: Trace,
}

impl Outcome {
    /// This answer and the next one in one message: as sure as the less sure of the two. What was considered, found, proven
    /// and asked of a model is that of both; rewriting, signals and features are the next one's.
    fn and(mut self, next: Self) -> Self {
        // Who asks the same twice in a row reads it once.
        if !self.answer.contains(next.answer.trim()) {
            self.answer = format!("{}\n\n{}", self.answer.trim(), next.answer.trim());
        }
        self.confidence = self.confidence.min(next.confidence);
        for source in next.sources {
            if !self.sources.iter().any(|known| known.source == source.source) {
                self.sources.push(source);
            }
        }
        self.evidence = next.evidence;
        self.found = next.found;
        let mut trace = next.trace;
        trace.considered.splice(0..0, self.trace.considered);
        trace.evidence.splice(0..0, self.trace.evidence);
        trace.model_calls.splice(0..0, self.trace.model_calls);
        trace.proven = match (self.trace.proven, trace.proven) {
            (Some(mut first), Some(second)) => {
                first.draft.sentences.extend(second.draft.sentences);
                first.cut.extend(second.cut);
                first.confidence = first.confidence.min(second.confidence);
                Some(first)
            }
            (first, second) => first.or(second),
        };
        trace.timings_ms = self.trace.timings_ms.and(trace.timings_ms);
        self.trace = trace;
        self
    }
}

impl Timings {
    fn and(self, next: Self) -> Self {
        Self {
            search: self.search + next.search,
            draft: self.draft + next.draft,
            proof: self.proof + next.proof,
            total: self.total + next.total,
        }
    }
}

/// Something an answer rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    #[serde(flatten)]
    pub source: SourceId,
    pub document_id: Option<DocumentId>,
    pub title: String,
    pub quote: String,
    pub score: f64,
}

/// How the assistant came to its verdict; stored with the turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trace {
    /// The question as it was searched for, if the conversation changed it.
    pub rewritten: Option<String>,
    /// The ways it may have been meant, where it leaned on the conversation.
    #[serde(default)]
    pub considered: Vec<Considered>,
    pub signals: Signals,
    pub features: Features,
    pub evidence: Vec<TracedSource>,
    pub proven: Option<Proven>,
    pub threshold: f64,
    /// Why the search by meaning was left out.
    pub degraded: Option<String>,
    /// What the model was asked, whether it answered or not: tokens, time and outcome, no text.
    pub model_calls: Vec<ModelCall>,
    pub timings_ms: Timings,
}

/// A candidate, for the trace: ids and scores, no text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TracedSource {
    #[serde(flatten)]
    pub source: SourceId,
    pub score: f32,
    pub lexical: f32,
    pub dense: f32,
}

/// How long each step took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    pub search: f64,
    pub draft: f64,
    pub proof: f64,
    pub total: f64,
}

/// The most questions of a burst that are answered one by one.
const MOST_QUESTIONS: usize = 3;

/// Answers `question`, asks back, or says why a person is needed. `before` is what the conversation knows that the
/// question's text does not show: earlier failures, a model that did not answer.
///
/// Several questions in a row ("How long is the warranty?", "and what does it cost?") are answered one by one if each can
/// be, and else read as one.
pub async fn ask(app: &App, question: &Question, before: &Signals, limit: usize) -> Result<Outcome> {
    let lines: Vec<&str> = question.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // A wish for a person or anger counts in whichever line it stands, and in all of them together.
    let mut before = before.clone();
    for text in lines.iter().copied().chain([question.text.as_str()]) {
        before.asks_for_person |= signals::asks_for_person(text);
        before.is_upset |= signals::is_upset(text);
    }
    let is_calm = !before.asks_for_person && !before.is_upset;
    let lines: Vec<&str> = lines.into_iter().filter(|line| SmallTalk::read(line).is_none()).collect();
    // A model reads them all at once.
    if is_calm
        && !question.model(app).can_chat()
        && (2..=MOST_QUESTIONS).contains(&lines.len())
        && lines.iter().all(|line| rewrite::is_question(line))
        && let Some(outcome) = ask_each(app, question, &lines, &before, limit).await?
    {
        return Ok(outcome);
    }
    ask_one(app, question, &before, limit).await
}

/// The answers to `lines`, each understood after the ones before it; `None` if one of them has none.
async fn ask_each(
    app: &App,
    question: &Question,
    lines: &[&str],
    before: &Signals,
    limit: usize,
) -> Result<Option<Outcome>> {
    let mut history = question.history.clone();
    let mut all: Option<Outcome> = None;
    for line in lines {
        let one = Question { text: (*line).to_owned(), history: history.clone(), ..question.clone() };
        let outcome = ask_one(app, &one, before, limit).await?;
        if outcome.verdict != Verdict::Answer {
            return Ok(None);
        }
        history.push(Said { meant: outcome.trace.rewritten.clone(), ..Said::new(Speaker::Customer, *line) });
        history.push(Said::new(Speaker::Assistant, outcome.answer.clone()));
        all = Some(match all {
            Some(before) => before.and(outcome),
            None => outcome,
        });
    }
    Ok(all)
}

async fn ask_one(app: &App, question: &Question, before: &Signals, limit: usize) -> Result<Outcome> {
    let started = Instant::now();
    let policy = question.policy(app);
    let mut signals = signals::read(&question.text, &question.history);
    signals.failures = before.failures;
    signals.asks_for_person |= before.asks_for_person;
    signals.is_upset |= before.is_upset;
    if let Some(kind) = SmallTalk::read(&question.text) {
        return Ok(small_talk(question, kind, signals, &policy, started));
    }
    let Understood { rewritten, another, support, considered, call } = understand::question(app, question).await?;
    let mut model_calls: Vec<ModelCall> = call.into_iter().collect();
    let text = rewritten.clone().unwrap_or_else(|| without_greeting(&question.text).to_owned());
    if rewritten.is_some() {
        signals.repetitions = signals::repetitions(&text, &question.history);
    }
    signals.is_for_person = question.is_for_person(&[&question.text, &text]);
    let query = question.query(text.clone(), limit.max(app.config.assistant.passages));
    let evidence = knowledge::search(app, question.org, &query).await?;
    let searched = started.elapsed();

    let asked = Question { text, ..question.clone() };
    let Written { draft, call } = draft::write(app, &asked, &evidence, &asked.memories).await?;
    model_calls.extend(call);
    if let DraftFrom::Extractive { because: Some(_) } = draft.from {
        signals.model_unavailable = true;
    }
    let drafted = started.elapsed();
    let domains = inbox::link_domains(app, question.org).await?;
    let mut proven = proof::within(proof::check(draft, &evidence), &domains);
    proven.confidence = confidence::of(&proven, &evidence, question.language)
        * match proven.draft.from {
            DraftFrom::Extractive { .. } => f64::from(support),
            // A model read more than the words.
            DraftFrom::Model { .. } => 1.0,
        };
    signals.is_vague &= rewritten.is_none() && !answers_as_vague(&evidence);
    if signals.is_vague {
        signals.topics = topics(&evidence, question.language);
    }
    if let Some(names) = another {
        signals.points_at_another = true;
        signals.topics = names;
    }
    let verdict = gate::decide(&proven, &signals, &policy);
    let proved = started.elapsed();

    let answer = match &verdict {
        Verdict::Clarify(question) => question.clone(),
        _ => proven.text(),
    };
    Ok(Outcome {
        answer,
        language: question.language,
        confidence: proven.confidence,
        sources: sources(&proven, &evidence),
        evidence: extract::best(&evidence, &asked.text),
        verdict,
        trace: Trace {
            rewritten,
            considered,
            signals,
            features: evidence.features,
            evidence: traced(&evidence),
            proven: Some(proven),
            threshold: policy.threshold(),
            degraded: evidence.degraded.clone(),
            model_calls,
            timings_ms: Timings {
                search: searched.as_secs_f64() * 1e3,
                draft: (drafted - searched).as_secs_f64() * 1e3,
                proof: (proved - drafted).as_secs_f64() * 1e3,
                total: started.elapsed().as_secs_f64() * 1e3,
            },
        },
        found: evidence,
    })
}

fn small_talk(question: &Question, kind: SmallTalk, signals: Signals, policy: &Policy, started: Instant) -> Outcome {
    Outcome {
        verdict: Verdict::Answer,
        answer: kind.reply_of(question.under.as_ref().and_then(|setup| setup.prompts.name()), question.language),
        language: question.language,
        confidence: 1.0,
        sources: Vec::new(),
        evidence: None,
        found: Evidence::default(),
        trace: Trace {
            rewritten: None,
            considered: Vec::new(),
            signals,
            features: Features::default(),
            evidence: Vec::new(),
            proven: None,
            threshold: policy.threshold(),
            degraded: None,
            model_calls: Vec::new(),
            timings_ms: Timings { total: started.elapsed().as_secs_f64() * 1e3, ..Timings::default() },
        },
    }
}

/// How close to the best a passage must stand to compete with it.
const COMPETES: f32 = 0.5;
/// The most topics that are asked back with.
const MOST_TOPICS: usize = 3;

/// Whether the company answers just this little ("How much?") itself.
fn answers_as_vague(evidence: &Evidence) -> bool {
    evidence
        .faqs
        .first()
        .is_some_and(|faq| faq.similarity >= extract::SAME_QUESTION && signals::is_vague(&faq.question))
}

/// What the first passages and the likest FAQ are about, each once: documents, or the parts of one where there is but one.
fn topics(evidence: &Evidence, language: Language) -> Vec<String> {
    let speaks = |text: &str| Language::detect(text).is_none_or(|spoken| spoken == language);
    let best = evidence.passages.first().map_or(0.0, |found| found.score);
    let close = evidence
        .passages
        .iter()
        .filter(|found| !found.is_duplicate && found.score >= COMPETES * best && speaks(&found.passage.content));
    let passages: Vec<&Passage> = close.map(|found| &found.passage).collect();
    let is_one = passages.windows(2).all(|pair| matches!(pair, [a, b] if a.document_id == b.document_id));
    let faqs = evidence.faqs.iter().take(1).filter(|faq| faq.similarity >= extract::SAME_QUESTION);
    let asked = faqs.map(|faq| faq.question.as_str()).filter(|asked| speaks(asked));
    let about = passages.into_iter().map(|passage| {
        // A list of questions is about what they ask.
        let question = passage.metadata.get("question").and_then(|q| q.as_str());
        let heading = passage.heading_path.last().filter(|_| is_one);
        question.or(heading.map(String::as_str)).unwrap_or(&passage.title)
    });
    let mut topics: Vec<String> = Vec::new();
    for topic in asked.chain(about) {
        // "Price list (from 1 October 2026)"
        let topic = topic.split(['(', '（']).next().unwrap_or_default().trim();
        if !topic.is_empty() && !topics.iter().any(|known| known == topic) {
            topics.push(topic.to_owned());
        }
    }
    topics.truncate(MOST_TOPICS);
    topics
}

fn sources(proven: &Proven, evidence: &Evidence) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for citation in proven.draft.sentences.iter().flat_map(|s| &s.citations) {
        if sources.iter().any(|s| s.source == citation.source) {
            continue;
        }
        let found = evidence.passages.iter().find(|f| SourceId::Passage(f.passage.id) == citation.source);
        let faq = evidence.faqs.iter().find(|f| f.source == citation.source);
        let Some(title) = faq.map(|f| f.question.clone()).or_else(|| found.map(|f| f.passage.title.clone())) else {
            continue;
        };
        sources.push(Source {
            source: citation.source,
            document_id: found.map(|f| f.passage.document_id),
            title,
            quote: citation.quote.clone(),
            score: found.map_or_else(|| faq.map_or(0.0, |f| f64::from(f.similarity)), |f| f64::from(f.score)),
        });
    }
    sources
}

fn traced(evidence: &Evidence) -> Vec<TracedSource> {
    let faqs =
        evidence.faqs.iter().map(|f| TracedSource { source: f.source, score: f.similarity, lexical: 0.0, dense: 0.0 });
    let passages = evidence.passages.iter().map(|f| TracedSource {
        source: SourceId::Passage(f.passage.id),
        score: f.score,
        lexical: f.lexical,
        dense: f.dense,
    });
    faqs.chain(passages).collect()
}
