//! What an agent is told when a conversation comes to them: what was asked, what was tried, what is missing.

use super::{Question, Reason, ask::Outcome};
use crate::{
    inbox::{Brief, BriefEvidence},
    knowledge::Evidence,
};

/// How the customer is, in the brief's word.
pub(super) fn mood(is_upset: bool) -> String {
    if is_upset { "upset" } else { "calm" }.into()
}

/// The passages that were found, as an agent sees them.
pub(super) fn passages(found: &Evidence) -> impl Iterator<Item = BriefEvidence> + '_ {
    found.passages.iter().map(|passage| BriefEvidence {
        title: passage.headline(),
        quote: passage.passage.content.chars().take(300).collect(),
        score: f64::from(passage.score),
    })
}

/// What an answer by the assistant lacked, for the person who gives it.
pub(super) fn missing(reason: Reason) -> &'static str {
    match reason {
        Reason::AskedForPerson => "the customer wants to talk to a person",
        Reason::NothingFound => "nothing in the documents is about this",
        Reason::Unsure => "the documents are about this, but it is not certain that they answer it",
        Reason::Unproven => "the documents do not prove an answer",
        Reason::Upset => "the customer is upset: an answer alone does not help",
        Reason::RepeatedFailure => "the assistant could not help several times in a row",
        Reason::ModelUnavailable => "the model did not answer",
        Reason::Policy => "a person is meant to answer this",
    }
}

/// What an agent needs to know, from what the assistant saw and did.
pub(super) fn brief(question: &Question, outcome: &Outcome) -> Brief {
    let found = &outcome.found;
    let mut tried = vec![match &outcome.trace.rewritten {
        Some(text) => format!("searched the documents for “{text}”"),
        None => "searched the documents for the question".to_string(),
    }];
    tried.push(format!("found {} passages and {} FAQs", found.passages.len(), found.faqs.len()));
    if let Some(proven) = &outcome.trace.proven {
        for cut in &proven.cut {
            tried.push(format!("did not say “{}”: the documents do not prove it", cut.text.trim()));
        }
    }
    let mut evidence: Vec<BriefEvidence> = outcome
        .sources
        .iter()
        .map(|s| BriefEvidence { title: s.title.clone(), quote: s.quote.clone(), score: s.score })
        .collect();
    evidence.extend(passages(found).take(3 - evidence.len().min(3)));
    Brief {
        question: question.text.clone(),
        tried,
        evidence,
        missing: outcome.verdict.reason().map(missing).unwrap_or_default().into(),
        mood: mood(outcome.trace.signals.is_upset),
        memory_ids: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A brief is written in English; the console says it in the agent's language.
    #[test]
    fn what_a_brief_says_the_console_says_in_chinese_too() {
        let words = include_str!("../../console/src/words/zh.ts");
        let reasons = [
            Reason::AskedForPerson,
            Reason::NothingFound,
            Reason::Unsure,
            Reason::Unproven,
            Reason::Upset,
            Reason::RepeatedFailure,
            Reason::ModelUnavailable,
            Reason::Policy,
        ];
        for said in reasons.map(missing) {
            assert!(words.contains(&format!("\"{said}\"")), "{said}");
        }
    }
}
