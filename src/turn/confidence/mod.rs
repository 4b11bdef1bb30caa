//! The probability that an answer is right, from what the search saw. Pure.
//!
//! Two questions: is the answer among the passages at all (what a model that reads them all needs), and does what is
//! quoted answer the question (what we quote ourselves)? Both are logistic, with numbers of each language, fitted by
//! `frontdesk eval calibrate` on our own question sets; `calibration.json` holds them, names the sets, and says which
//! confidence keeps which share of wrong answers. The second reads all that the first reads: as a product of both, fitted
//! where there is an answer only, it told questions on topic without an answer less well from others (AUROC on a sixth of
//! SQuAD 2.0 64 instead of 67).

mod calibration;

pub use calibration::{Calibration, LanguageFit, Logistic, Risk, shipped};

use super::{DraftFrom, DraftKind, Proven};
use crate::{
    knowledge::{Evidence, FoundFaq, rank::Features},
    platform::language::Language,
};

/// A question the company answered itself: intercept, and the weight of the similarity of the questions, which counts
/// half where others like it have another answer. Set by hand.
const FAQ: [f64; 2] = [-9.0, 14.0];
/// Set by hand: a question with "not" that the sentence does not take up, or one to which it says the opposite, is rarely
/// answered by it. For what is quoted the log-odds are held here, with a tenth of what is above, so that such answers
/// keep their order and stay behind what is plainly on the topic, not behind what is of another one.
const HELD: f64 = -1.0;
const ABOVE_HELD: f64 = 0.1;
/// What it counts where a model reads more than that sentence.
const NEGATED: f64 = -1.0;

/// What a probability is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Inputs {
    /// [`Features::score`] of the best passage.
    pub score: f64,
    /// [`Features::normalised`]: how much of the question the best passage holds.
    pub normalised: f64,
    /// [`Features::within`] of the best sentence.
    pub within: f64,
    /// [`Features::kind`]: whether it holds something of the kind that is asked for.
    pub kind: f64,
    /// How far what is quoted stands before the best that is not.
    pub margin: f64,
    /// [`Features::negated`].
    pub negated: f64,
}

impl Inputs {
    /// For the best sentence alone.
    pub fn of_sentence(features: &Features) -> Self {
        Self {
            score: features.score.into(),
            normalised: features.normalised.into(),
            within: features.within.into(),
            kind: features.kind.into(),
            margin: features.sentence_margin.into(),
            negated: features.negated.into(),
        }
    }

    /// For what a draft quotes: what is quoted together can't be mistaken for one another.
    pub fn of_draft(proven: &Proven, evidence: &Evidence) -> Self {
        let inputs = Self::of_sentence(&evidence.features);
        Self { margin: inputs.margin.max(margin_beyond(proven, evidence).into()), ..inputs }
    }

    /// What [`Calibration`]'s first model reads: is the answer there?
    pub fn found(&self) -> [f64; 3] {
        [self.score, self.normalised, self.kind]
    }

    /// What its second reads: does what is quoted answer the question?
    pub fn right(&self) -> [f64; 5] {
        [self.score, self.normalised, self.kind, self.within, self.margin]
    }
}

fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The probability that the passages answer the question.
pub fn found(calibration: &Calibration, language: Language, inputs: &Inputs) -> f64 {
    let odds = calibration.of(language).found.sum(&inputs.found()) + NEGATED * inputs.negated;
    if inputs.score > 0.0 { logistic(odds) } else { 0.0 }
}

/// The probability that what is quoted answers the question.
pub fn of_inputs(calibration: &Calibration, language: Language, inputs: &Inputs) -> f64 {
    let odds = calibration.of(language).right.sum(&inputs.right());
    let odds = if inputs.negated > 0.0 { odds.min(HELD + ABOVE_HELD * (odds - HELD)) } else { odds };
    if inputs.score > 0.0 { logistic(odds) } else { 0.0 }
}

/// The probability that the best sentence answers the question.
pub fn of_passages(language: Language, features: &Features) -> f64 {
    of_inputs(shipped(), language, &Inputs::of_sentence(features))
}

/// How far the best sentence stands before the best one that the draft does not quote.
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
    let alike = |faq: &FoundFaq| f64::from(faq.similarity * (0.5 + 0.5 * faq.agreement));
    evidence.faqs.first().map_or(0.0, |faq| logistic(intercept + similarity * alike(faq)))
}

/// The probability that what is left of a draft is right. `asked_in`: the language of the question.
pub fn of(proven: &Proven, evidence: &Evidence, asked_in: Language) -> f64 {
    let draft = &proven.draft;
    let cites_faq = evidence
        .faqs
        .first()
        .is_some_and(|faq| draft.sentences.iter().any(|s| s.citations.iter().any(|c| c.source == faq.source)));
    let inputs = Inputs::of_draft(proven, evidence);
    let mut confidence = match (&draft.from, cites_faq) {
        (_, true) => of_faq(evidence).max(of_passages(asked_in, &evidence.features)),
        (DraftFrom::Extractive { .. }, false) => of_inputs(shipped(), asked_in, &inputs),
        // A model reads more than the one best sentence: that the passages hold the answer is what counts.
        (DraftFrom::Model { .. }, false) => {
            let found = found(shipped(), asked_in, &inputs);
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
    confidence.clamp(0.0, calibration::SUREST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(score: f32, normalised: f32, within: f32, sentence_margin: f32) -> Features {
        Features { score, normalised, within, sentence_margin, ..Features::default() }
    }

    #[test]
    fn a_better_match_is_more_probable_in_both_languages() {
        for language in [Language::En, Language::Zh] {
            let poor = of_passages(language, &features(0.6, 0.2, 0.3, 0.01));
            let fair = of_passages(language, &features(1.8, 0.6, 0.6, 0.1));
            let good = of_passages(language, &features(4.5, 1.1, 0.95, 0.4));
            assert!(poor < 0.25 && poor < fair && fair < good && good > 0.8, "{poor} {fair} {good}");
            assert_eq!(of_passages(language, &Features::default()), 0.0);
        }
    }

    #[test]
    fn a_not_that_the_sentence_ignores_counts_against_it() {
        let plain = features(2.0, 0.7, 0.8, 0.2);
        let negated = Features { negated: 1.0, ..plain };
        assert!(of_passages(Language::En, &negated) < of_passages(Language::En, &plain));
    }
}
