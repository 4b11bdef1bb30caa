//! The probability that an answer is right, from what the search saw. Pure.
//!
//! Two questions, multiplied: is the answer among the passages at all, and is the chosen sentence the one? Both are
//! logistic; `evals/README.md` says on which public sets the numbers below were fitted and how well they carry over to
//! sets that were left out.

use super::{DraftFrom, DraftKind, Proven};
use crate::knowledge::{Evidence, rank::Features};

/// Intercept, and the weight of [`Features::score`].
const FOUND: [f64; 2] = [-3.85, 2.34];
/// Set by hand: a question with "not" that the sentence does not take up is rarely answered by it.
const FOUND_NEGATED: f64 = -1.0;
/// Intercept, and the weights of [`Features::within`] and [`Features::sentence_margin`].
const RIGHT: [f64; 3] = [-0.95, 1.49, 9.53];
/// A question the company answered itself: intercept, and the weight of the similarity of the questions.
const FAQ: [f64; 2] = [-9.0, 14.0];

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The probability that the passages answer the question.
pub fn found(features: &Features) -> f64 {
    let [intercept, score] = FOUND;
    if features.score <= 0.0 {
        return 0.0;
    }
    logistic(intercept + score * f64::from(features.score) + FOUND_NEGATED * f64::from(features.negated))
}

/// The probability that the best sentence holds the answer, if the passages do.
fn right(features: &Features, margin_beyond: f32) -> f64 {
    let [intercept, within, margin] = RIGHT;
    logistic(intercept + within * f64::from(features.within) + margin * f64::from(margin_beyond))
}

/// The probability that the best sentence answers the question.
pub fn of_passages(features: &Features) -> f64 {
    found(features) * right(features, features.sentence_margin)
}

/// How far the best sentence stands before the best one that the draft does not quote: what is quoted together can't
/// be mistaken for one another.
fn margin_beyond(proven: &Proven, evidence: &Evidence) -> f32 {
    let quoted = |text: &str| {
        let cited = proven.draft.sentences.iter().flat_map(|s| &s.citations);
        cited.into_iter().any(|c| c.quote == text.trim())
    };
    let left_out = evidence.picks.iter().find(|pick| evidence.sentence(pick).is_some_and(|(_, text)| !quoted(text)));
    let best = evidence.picks.first().map_or(0.0, |pick| pick.score);
    best - left_out.map_or(0.0, |pick| pick.score)
}

/// The probability that the best FAQ is the same question.
pub fn of_faq(evidence: &Evidence) -> f64 {
    let [intercept, similarity] = FAQ;
    evidence.faqs.first().map_or(0.0, |faq| logistic(intercept + similarity * f64::from(faq.similarity)))
}

/// The probability that what is left of a draft is right.
pub fn of(proven: &Proven, evidence: &Evidence) -> f64 {
    let draft = &proven.draft;
    let cites_faq = evidence
        .faqs
        .first()
        .is_some_and(|faq| draft.sentences.iter().any(|s| s.citations.iter().any(|c| c.source == faq.source)));
    let mut confidence = match (&draft.from, cites_faq) {
        (_, true) => of_faq(evidence).max(of_passages(&evidence.features)),
        (DraftFrom::Extractive { .. }, false) => {
            let features = &evidence.features;
            found(features) * right(features, margin_beyond(proven, evidence).max(features.sentence_margin))
        }
        // A model reads more than the one best sentence: that the passages hold the answer is what counts.
        (DraftFrom::Model { .. }, false) => {
            let found = found(&evidence.features);
            match draft.answerable {
                Some(true) => 1.0 - (1.0 - found) * 0.4,
                Some(false) => found * 0.3,
                None => found,
            }
        }
    };
    if draft.kind == DraftKind::CannotAnswer {
        confidence *= 0.1;
    }
    // Every cut sentence is a sign that the writer went beyond the evidence.
    let kept = draft.sentences.len();
    if !proven.cut.is_empty() {
        confidence *= (kept as f64 / (kept + proven.cut.len()) as f64).max(0.1);
    }
    confidence.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(score: f32, within: f32, sentence_margin: f32) -> Features {
        Features { score, within, sentence_margin, ..Features::default() }
    }

    #[test]
    fn a_better_match_is_more_probable() {
        let poor = of_passages(&features(0.6, 0.3, 0.01));
        let fair = of_passages(&features(1.8, 0.6, 0.1));
        let good = of_passages(&features(3.5, 0.95, 0.3));
        assert!(poor < 0.1 && poor < fair && fair < good && good > 0.9, "{poor} {fair} {good}");
        assert_eq!(of_passages(&Features::default()), 0.0);
    }

    #[test]
    fn a_not_that_the_sentence_ignores_counts_against_it() {
        let plain = features(2.0, 0.8, 0.2);
        assert!(of_passages(&Features { negated: 1.0, ..plain }) < of_passages(&plain));
    }
}
