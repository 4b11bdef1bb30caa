//! How an outcome came about, for a person who reads a report: what was searched, found, drafted, proven and decided.

use super::report::{Shown, ShownEvidence, ShownSentence};
use crate::{
    app::DocumentId,
    knowledge::SourceId,
    turn::{Outcome, Sentence, Unproven},
};

/// How many passages and FAQs of each are shown, and how much of their text.
const SHOWN: usize = 5;
const TEXT: usize = 700;

/// Everything that led to `outcome`. `is_relevant` knows which documents are labelled to hold the answer.
pub fn outcome(outcome: &Outcome, is_relevant: &dyn Fn(DocumentId) -> Option<bool>) -> Shown {
    let trace = &outcome.trace;
    let faqs = outcome.found.faqs.iter().take(SHOWN).map(|faq| ShownEvidence {
        title: faq.question.clone(),
        text: start(&faq.answer),
        score: faq.similarity.into(),
        is_relevant: None,
    });
    let passages = outcome.found.passages.iter().take(SHOWN).map(|found| ShownEvidence {
        title: found.headline(),
        text: start(&found.passage.content),
        score: found.score.into(),
        is_relevant: is_relevant(found.passage.document_id),
    });
    let proven = trace.proven.as_ref();
    let kept = proven.into_iter().flat_map(|p| &p.draft.sentences).map(|s| kept(s, outcome));
    let cut = proven.into_iter().flat_map(|p| &p.cut).map(|cut| ShownSentence {
        text: cut.text.trim().to_owned(),
        cites: Vec::new(),
        unproven: cut.unproven.iter().map(unproven).collect(),
    });
    let features = serde_json::to_value(trace.features).unwrap_or_default();
    let scores = features.as_object().into_iter().flatten();
    Shown {
        searched: trace.rewritten.clone(),
        considered: trace.considered.iter().map(|c| (c.text.clone(), f64::from(c.worth))).collect(),
        evidence: faqs.chain(passages).collect(),
        scores: scores.filter_map(|(name, value)| Some((name.replace('_', " "), value.as_f64()?))).collect(),
        proof: kept.chain(cut).collect(),
        threshold: Some(trace.threshold),
        verdict: verdict(outcome),
    }
}

/// The verdict and its reason ("hand_off: unproven").
pub fn verdict(outcome: &Outcome) -> String {
    match outcome.verdict.reason() {
        Some(reason) => format!("{}: {}", outcome.verdict.decision(), reason.word()),
        None => outcome.verdict.decision().to_owned(),
    }
}

fn kept(sentence: &Sentence, outcome: &Outcome) -> ShownSentence {
    let title = |source: SourceId| outcome.found.source(source).map(|(_, title)| title.to_owned()).unwrap_or_default();
    ShownSentence {
        text: sentence.text.trim().to_owned(),
        cites: sentence.citations.iter().map(|c| title(c.source)).collect(),
        unproven: Vec::new(),
    }
}

/// A claim without proof, in words: its family and what was said.
pub fn unproven(claim: &Unproven) -> String {
    let value = serde_json::to_value(claim).unwrap_or_default();
    let of = |key: &str| value.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    format!("{}: {}", of("claim"), of("words"))
}

fn start(text: &str) -> String {
    let mut short: String = text.chars().take(TEXT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
