//! Runs a question set through the real search and the real turn on a throw-away store, and reports.

pub mod api;
pub mod calibrate;
mod explain;
pub mod faq;
pub mod fit;
pub mod import;
mod jsonl;
mod memory;
mod metrics;
pub mod proof;
pub mod replay;
pub mod report;
mod run;
pub mod suites;
mod talks;

use serde::{Deserialize, Serialize};

pub use memory::{MemoryFiles, MemoryReport, memory};
pub use run::{Files, run};
pub use talks::{TalkFiles, TalksReport, talks};

/// Told how many of how many questions were asked.
pub type Tick<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

/// A line of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub id: String,
    #[serde(default)]
    pub title: String,
    pub text: String,
}

/// A line of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    pub id: String,
    pub text: String,
    /// The corpus entries that say the answer.
    #[serde(default)]
    pub relevant: Vec<String>,
    /// A right answer contains one of these.
    #[serde(default)]
    pub answers: Vec<String>,
    #[serde(default = "yes")]
    pub answerable: bool,
}

fn yes() -> bool {
    true
}

/// What the assistant made of one question: a line of `--rows`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    /// Corpus entries, best first.
    pub ranked: Vec<String>,
    pub confidence: f64,
    /// `answer`, `clarify`, `offer_person` or `hand_off`.
    pub decision: String,
    pub reason: Option<String>,
    /// The best answer there was, whatever the decision.
    pub answer: String,
    /// The best sentence, whatever the decision.
    pub evidence: String,
    pub duration_ms: f64,
}

/// The measures of one run. Shares are of 1; what cannot be measured on the set is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub entries: usize,
    pub questions: usize,
    pub answerable: usize,
    /// The share of the relevant entries among the first 1, 5, 10 and 20, over the questions that have any.
    pub recall_at_1: Option<f64>,
    pub recall_at_5: Option<f64>,
    pub recall_at_10: Option<f64>,
    pub recall_at_20: Option<f64>,
    /// The share of questions with a relevant entry among the first 1 and 5.
    pub hit_at_1: Option<f64>,
    pub hit_at_5: Option<f64>,
    /// The mean of 1 ÷ the rank of the first relevant entry, 0 beyond the tenth.
    pub mrr_at_10: Option<f64>,
    /// The share of questions that were answered.
    pub answered: f64,
    /// The share of answerable questions that were answered rightly.
    pub answered_rightly: Option<f64>,
    /// The share of answers that are wrong: the question is unanswerable, or no gold answer is contained.
    pub wrong: Option<f64>,
    /// The share of unanswerable questions that were not answered.
    pub refused: Option<f64>,
    /// Over the answerable questions: words that answer and gold answer share, whatever the decision.
    pub answer_token_f1: Option<f64>,
    /// The same of the best sentence.
    pub evidence_token_f1: Option<f64>,
    /// The share of answerable questions whose best sentence contains a gold answer.
    pub evidence_hit: Option<f64>,
    /// How well confidence tells answerable from unanswerable questions: 0.5 is chance, 1 is always.
    pub auroc_answerable: Option<f64>,
    /// How well it tells right from wrong best sentences; unanswerable questions have only wrong ones.
    pub auroc_right: Option<f64>,
    /// The share of unanswerable questions below the confidence that keeps 95 % of the answerable ones.
    pub rejected_at_95: Option<f64>,
    /// The expected calibration error of confidence as the probability that the best sentence is right.
    pub calibration_error: Option<f64>,
    /// How many verdicts there were of each kind.
    pub decisions: std::collections::BTreeMap<String, usize>,
    pub ingestion: Ingestion,
    pub latency_ms: Latency,
    /// What answered: the extractive answerer, or a model's name.
    pub writer: String,
}

/// How long the corpus took until it was searchable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ingestion {
    pub seconds: f64,
    pub passages: usize,
    pub passages_per_second: f64,
}

/// From question to verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

impl Latency {
    /// Of durations in milliseconds.
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0)
        };
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: all.last().copied().unwrap_or(0.0) }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), |s| format!("{:.1} %", s * 100.0));
        writeln!(
            f,
            "{} entries ({} passages in {:.1} s, {:.0} a second), {} questions, {} of them answerable",
            self.entries,
            self.ingestion.passages,
            self.ingestion.seconds,
            self.ingestion.passages_per_second,
            self.questions,
            self.answerable
        )?;
        writeln!(f, "written by {}", self.writer)?;
        for (name, value) in [
            ("recall@1", percent(self.recall_at_1)),
            ("recall@5", percent(self.recall_at_5)),
            ("recall@10", percent(self.recall_at_10)),
            ("recall@20", percent(self.recall_at_20)),
            ("hit@1", percent(self.hit_at_1)),
            ("hit@5", percent(self.hit_at_5)),
            ("MRR@10", percent(self.mrr_at_10)),
            ("answered", percent(Some(self.answered))),
            ("  of the answerable, rightly", percent(self.answered_rightly)),
            ("  wrong among the answers", percent(self.wrong)),
            ("unanswerable refused", percent(self.refused)),
            ("token-F1 of the answer", percent(self.answer_token_f1)),
            ("token-F1 of the best sentence", percent(self.evidence_token_f1)),
            ("best sentence holds the answer", percent(self.evidence_hit)),
            ("AUROC answerable", percent(self.auroc_answerable)),
            ("AUROC right", percent(self.auroc_right)),
            ("unanswerable rejected at 95 % kept", percent(self.rejected_at_95)),
            ("calibration error", percent(self.calibration_error)),
        ] {
            writeln!(f, "{name:<36} {value:>8}")?;
        }
        let decisions: Vec<String> = self.decisions.iter().map(|(d, n)| format!("{d} {n}")).collect();
        writeln!(f, "verdicts: {}", decisions.join(", "))?;
        let l = &self.latency_ms;
        write!(f, "a turn: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms, max {:.2} ms", l.p50, l.p90, l.p99, l.max)
    }
}
