//! `frontdesk eval calibrate`: asks labelled questions of the real search and turn, also with half of the documents taken
//! out, and fits confidence and its thresholds to what came of it. Each set is measured by a calibration without it.

use std::{collections::HashSet, path::Path, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Entry, Labelled,
    fit::{self, Example},
    jsonl, metrics, report,
    run::Store,
};
use crate::{
    app::Config,
    platform::{Clock, Error, Result, language::Language},
    turn::{
        self, Question, Signals,
        confidence::{self, Calibration, Inputs},
    },
};

/// How often half of the documents are taken out.
const ROUNDS: u64 = 6;
/// The shares of wrong answers for which the promise is tried.
const TARGETS: [f64; 3] = [0.05, 0.1, 0.2];

/// What to fit on, what to measure besides, and where the result goes.
#[derive(Debug, Clone)]
pub struct Sets {
    /// Directories with `corpus.jsonl` and `queries.jsonl`, or files of questions with a `corpus.jsonl` beside them.
    pub fit: Vec<PathBuf>,
    pub test: Vec<PathBuf>,
    pub out: Option<PathBuf>,
}

/// How well confidence does on a set that it was not fitted on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub set: String,
    pub questions: usize,
    pub auroc_answerable: Option<f64>,
    pub auroc_right: Option<f64>,
    pub calibration_error: Option<f64>,
    /// For each of the targets.
    pub risks: Vec<Realised>,
}

/// What a target share of wrong answers comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Realised {
    pub target: f64,
    /// With the threshold of the other sets: the share answered, and the share wrong among the answers.
    pub coverage: f64,
    pub wrong: f64,
    /// Over 200 random halves of this set, threshold from one, measured on the other: how often the target is kept, and
    /// the share answered.
    pub kept: f64,
    pub split_coverage: f64,
}

/// What `frontdesk eval calibrate` found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub calibration: Calibration,
    pub measured: Vec<Measured>,
}

/// Fits on all of `sets.fit`, measures each of them by the others, and `sets.test` by all.
pub async fn run(config: Config, sets: &Sets) -> Result<Report> {
    let mut examples: Vec<Example> = Vec::new();
    for set in &sets.fit {
        examples.extend(ask(&config, set, ROUNDS).await?);
    }
    let calibration = fit::calibrate(&examples);
    let mut measured = Vec::new();
    for set in &sets.fit {
        let name = name(set);
        let (own, others): (Vec<Example>, Vec<Example>) = examples.iter().cloned().partition(|e| e.set == name);
        if !others.is_empty() {
            measured.push(measure(&name, &own, &fit::calibrate(&others)));
        }
    }
    for set in &sets.test {
        measured.push(measure(&name(set), &ask(&config, set, 0).await?, &calibration));
    }
    if let Some(path) = &sets.out {
        let text = serde_json::to_string_pretty(&calibration)? + "\n";
        std::fs::write(path, text).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
    }
    Ok(Report { calibration, measured })
}

/// The questions of a set, which its corpus lies beside.
fn queries(set: &Path) -> PathBuf {
    if set.is_dir() { set.join("queries.jsonl") } else { set.to_owned() }
}

fn name(set: &Path) -> String {
    report::name_of(&queries(set))
}

/// Asks the questions of a set, then once more for each round without half of its documents.
async fn ask(config: &Config, set: &Path, rounds: u64) -> Result<Vec<Example>> {
    let queries = queries(set);
    let corpus: Vec<Entry> = jsonl::read(&queries.with_file_name("corpus.jsonl"))?;
    let questions: Vec<Labelled> = jsonl::read(&queries)?;
    let mut examples = Vec::with_capacity(questions.len() * (rounds as usize + 1));
    for round in 0..=rounds {
        let kept: Vec<&Entry> = corpus.iter().filter(|entry| round == 0 || is_kept(&entry.id, round)).collect();
        let ids: HashSet<&str> = kept.iter().map(|entry| entry.id.as_str()).collect();
        let store = Store::open(config.clone(), Clock::System).await?;
        store.ingest(&kept).await?;
        for labelled in &questions {
            let question = Question::alone(store.org, labelled.text.clone());
            let outcome =
                turn::ask(&store.app, &question, &Signals::default(), store.app.config.assistant.passages).await?;
            let is_answerable = labelled.answerable && labelled.relevant.iter().any(|id| ids.contains(id.as_str()));
            let inputs = outcome.trace.proven.as_ref().map(|proven| Inputs::of_draft(proven, &outcome.found));
            let said = outcome.trace.proven.as_ref().map(|proven| proven.text()).unwrap_or_default();
            examples.push(Example {
                set: name(set),
                language: Language::detect(&labelled.text).unwrap_or_default(),
                inputs: inputs.unwrap_or_default(),
                is_answerable,
                is_right: is_answerable && metrics::holds(&said, &labelled.answers),
                is_removed: round > 0,
            });
        }
        store.app.close().await;
    }
    Ok(examples)
}

/// Whether a document stays in a round: about half do, the same every time.
fn is_kept(id: &str, round: u64) -> bool {
    let seed = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let hash = id.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    (hash >> 40) % 2 == 1
}

fn measure(set: &str, examples: &[Example], by: &Calibration) -> Measured {
    let own: Vec<&Example> = examples.iter().filter(|e| !e.is_removed).collect();
    let confidence = |e: &Example| confidence::of_inputs(by, e.language, &e.inputs);
    let right: Vec<(f64, bool)> = own.iter().map(|e| (confidence(e), e.is_right)).collect();
    let answerable: Vec<(f64, bool)> = own.iter().map(|e| (confidence(e), e.is_answerable)).collect();
    let risks = TARGETS.iter().map(|target| realised(&right, *target, by.threshold(*target))).collect();
    Measured {
        set: set.to_owned(),
        questions: own.len(),
        auroc_answerable: metrics::auroc(&answerable),
        auroc_right: metrics::auroc(&right),
        calibration_error: metrics::calibration_error(&right),
        risks,
    }
}

fn realised(scored: &[(f64, bool)], target: f64, threshold: f64) -> Realised {
    let (answered, wrong) = at(scored, threshold);
    let (kept, split_coverage) = fit::splits(scored, target);
    let share = answered as f64 / scored.len().max(1) as f64;
    Realised { target, coverage: share, wrong: wrong as f64 / answered.max(1) as f64, kept, split_coverage }
}

/// How many are answered from a confidence on, and how many of them wrongly.
fn at(scored: &[(f64, bool)], threshold: f64) -> (usize, usize) {
    let answered = || scored.iter().filter(|(confidence, _)| *confidence >= threshold);
    (answered().count(), answered().filter(|(_, right)| !right).count())
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |s| format!("{:.1}", s * 100.0));
        writeln!(f, "fitted on {} ({} questions)", self.calibration.fitted_on.join(", "), self.calibration.questions)?;
        for risk in &self.calibration.risks {
            match risk.confidence {
                Some(confidence) => writeln!(
                    f,
                    "at most {:>4.0} % wrong: confidence {confidence:.3}, {:.1} % answered",
                    risk.rate * 100.0,
                    risk.coverage * 100.0
                )?,
                None => writeln!(f, "at most {:>4.0} % wrong: too few labels to promise it", risk.rate * 100.0)?,
            }
        }
        writeln!(f, "each set by a calibration without it (%):")?;
        for m in &self.measured {
            write!(
                f,
                "{:<20} {:>5} questions, AUROC answerable {}, right {}, calibration error {}",
                m.set,
                m.questions,
                percent(m.auroc_answerable),
                percent(m.auroc_right),
                percent(m.calibration_error)
            )?;
            for r in &m.risks {
                write!(
                    f,
                    "\n  at most {:>2.0} % wrong: {:.1} % wrong of {:.1} % answered; its own halves keep it in {:.1} % of 200 splits, {:.1} % answered",
                    r.target * 100.0,
                    r.wrong * 100.0,
                    r.coverage * 100.0,
                    r.kept * 100.0,
                    r.split_coverage * 100.0
                )?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
