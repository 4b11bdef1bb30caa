//! Whether the evidence says what a draft says: checked by code, sentence by sentence. What is unproven is cut.

use super::{Cut, Draft, Proven, Unproven};
use crate::knowledge::Evidence;

/// Keeps the sentences of `draft` that their citations prove.
pub fn check(draft: Draft, evidence: &Evidence) -> Proven {
    let mut cut = Vec::new();
    let mut draft = draft;
    draft.sentences.retain(|sentence| {
        let unproven: Vec<Unproven> = sentence
            .citations
            .iter()
            .filter(|citation| match evidence.source(citation.source) {
                Some((text, _)) => !citation.quote.is_empty() && !text.contains(&citation.quote),
                None => true,
            })
            .map(|citation| Unproven::Citation(citation.quote.clone()))
            .collect();
        if unproven.is_empty() {
            return true;
        }
        cut.push(Cut { text: sentence.text.clone(), unproven });
        false
    });
    Proven { draft, cut, confidence: 0.0 }
}
