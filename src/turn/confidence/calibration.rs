//! The numbers that make confidence a probability, and the thresholds that follow from them.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::platform::language::Language;

/// A logistic model: the intercept, and a weight for each input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    pub intercept: f64,
    pub weights: Vec<f64>,
}

impl Logistic {
    /// The log-odds of `inputs`.
    pub fn sum(&self, inputs: &[f64]) -> f64 {
        self.intercept + self.weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>()
    }
}

/// The two models of a language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageFit {
    /// Is the answer among the passages?
    pub found: Logistic,
    /// Does what is quoted answer the question?
    pub right: Logistic,
}

/// Which confidence keeps the share of wrong answers at `rate`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// At most this share of the answers sent is wrong …
    pub rate: f64,
    /// … when this confidence is asked for; `None`: too few labels to promise it.
    pub confidence: Option<f64>,
    /// The share of the questions of the calibration sets that is then answered.
    pub coverage: f64,
}

/// What `frontdesk eval calibrate` fits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Where the questions came from.
    pub fitted_on: Vec<String>,
    pub questions: usize,
    pub en: LanguageFit,
    pub zh: LanguageFit,
    /// By rising rate.
    pub risks: Vec<Risk>,
}

/// No answer is surer than this: a few hundred labels can't tell one wrong answer in a hundred from none.
pub(super) const SUREST: f64 = 0.99;
/// What is asked for where nothing can be promised: more than any answer has.
const NEVER: f64 = 0.995;

/// Whatever share of wrong answers is allowed, nobody is sent what is this unlikely.
const LEAST: f64 = 0.15;

impl Calibration {
    /// The models of a language.
    pub fn of(&self, language: Language) -> &LanguageFit {
        match language {
            Language::En => &self.en,
            Language::Zh => &self.zh,
        }
    }

    /// The confidence an answer needs so that at most `rate` of those sent are wrong: that of the largest rate on the
    /// list that is no larger.
    pub fn threshold(&self, rate: f64) -> f64 {
        let promised = self.risks.iter().filter(|r| r.rate <= rate + 1e-9);
        promised.filter_map(|r| r.confidence).fold(NEVER, f64::min).max(LEAST)
    }
}

static SHIPPED: LazyLock<Calibration> =
    LazyLock::new(|| serde_json::from_str(include_str!("calibration.json")).unwrap_or_default());

/// The calibration that this version of the program comes with.
pub fn shipped() -> &'static Calibration {
    &SHIPPED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_calibration_is_whole() {
        let shipped: Calibration = serde_json::from_str(include_str!("calibration.json")).unwrap();
        for language in [Language::En, Language::Zh] {
            assert_eq!((shipped.of(language).found.weights.len(), shipped.of(language).right.weights.len()), (3, 5));
        }
        assert!(shipped.risks.windows(2).all(|r| r[0].rate < r[1].rate));
        assert!(!shipped.fitted_on.is_empty());
    }

    #[test]
    fn fewer_errors_need_more_confidence() {
        let at = |rate| shipped().threshold(rate);
        assert!(
            at(0.001) >= at(0.05) && at(0.05) >= at(0.1) && at(0.1) > at(0.3) && at(0.9) >= LEAST && at(0.0) <= 1.0
        );
    }

    #[test]
    fn what_cannot_be_promised_is_never_sure_enough() {
        let risks = vec![
            Risk { rate: 0.01, confidence: None, coverage: 0.0 },
            Risk { rate: 0.1, confidence: Some(0.7), coverage: 0.5 },
        ];
        let calibration = Calibration { risks, ..Calibration::default() };
        assert_eq!(
            (calibration.threshold(0.05), calibration.threshold(0.1), calibration.threshold(0.2)),
            (NEVER, 0.7, 0.7)
        );
    }
}
