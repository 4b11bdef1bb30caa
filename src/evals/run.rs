//! `frontdesk eval run`: a corpus and questions in, measures out.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Instant};

use super::{
    Entry, Ingestion, Labelled, Report, Row, Tick, explain, jsonl, metrics,
    report::{self, Better, Case, Sheet, Shown, Unit},
};
use crate::{
    app::{App, Config, DocumentId, OrgId},
    inbox,
    knowledge::{self, Query, index},
    platform::{Clock, Result},
    staff,
    turn::{self, Outcome, Question, Signals},
};

/// What to run, and where the rows go.
#[derive(Debug, Clone)]
pub struct Files {
    pub corpus: PathBuf,
    pub queries: PathBuf,
    pub rows: Option<PathBuf>,
}

/// How many corpus entries are ranked for each question.
const RANKED: usize = 20;

/// A directory that is removed with its owner.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A throw-away store. Settings count (a model, passage sizes); databases and servers do not, and nobody is called: it is
/// SQLite and Edge in a temporary directory.
pub(super) struct Store {
    pub app: Arc<App>,
    pub org: OrgId,
    _scratch: Scratch,
}

impl Store {
    /// An empty one.
    pub async fn open(config: Config, clock: Clock) -> Result<Self> {
        let scratch = Scratch(std::env::temp_dir().join(format!("frontdesk-eval-{}", uuid::Uuid::now_v7())));
        let config = Config {
            database: crate::app::config::Database::default(),
            vectors: crate::app::config::Vectors::default(),
            redis: crate::app::config::Redis::default(),
            files: crate::app::config::FileStore::default(),
            notify: crate::app::config::Notify::default(),
            ..config
        };
        let app = App::open(config, scratch.0.clone(), None, clock).await?;
        let org = staff::ensure_org(&app, "eval", "Eval").await?;
        // What is measured is whether an answer is right, wherever its links lead.
        inbox::allow_links(&app, org, &["*"]).await?;
        Ok(Self { app, org, _scratch: scratch })
    }

    /// Makes a corpus searchable.
    pub async fn ingest(&self, corpus: &[&Entry]) -> Result<Ingestion> {
        let started = Instant::now();
        let kb = knowledge::ingest::base(&self.app, self.org, None).await?.id;
        let texts = corpus.iter().map(|entry| index::Text {
            source: entry.id.clone(),
            title: entry.title.replace('_', " "),
            text: entry.text.clone(),
        });
        let added = index::add_texts(&self.app, self.org, kb, texts.collect::<Vec<_>>()).await?;
        let seconds = started.elapsed().as_secs_f64();
        let passages_per_second = added.passages as f64 / seconds.max(1e-9);
        Ok(Ingestion { seconds, passages: added.passages, passages_per_second })
    }
}

/// Puts the corpus into a throw-away store, asks every question in order, and measures.
pub async fn run(config: Config, files: &Files, tick: Tick<'_>) -> Result<(Report, Sheet)> {
    let corpus: Vec<Entry> = jsonl::read(&files.corpus)?;
    let questions: Vec<Labelled> = jsonl::read(&files.queries)?;
    let store = Store::open(config, Clock::System).await?;
    let ingestion = store.ingest(&corpus.iter().collect::<Vec<_>>()).await?;
    let app = &store.app;
    let names = knowledge::sources(app, store.org).await?;

    let mut rows = Vec::with_capacity(questions.len());
    let mut cases = Vec::with_capacity(questions.len());
    let mut threshold = None;
    for (at, question) in questions.iter().enumerate() {
        let (outcome, duration_ms) = ask(app, store.org, question).await?;
        let row = row(app, store.org, question, &outcome, duration_ms, &names).await?;
        threshold = Some(outcome.trace.threshold);
        cases.push(case(question, &row, &outcome, &names));
        rows.push(row);
        tick(at + 1, questions.len());
    }
    if let Some(path) = &files.rows {
        jsonl::write(path, &rows)?;
    }
    let writer = if app.model.can_chat() { app.model.describe() } else { "the extractive answerer".to_owned() };
    app.close().await;
    let report = Report { entries: corpus.len(), ingestion, writer, ..metrics::measure(&questions, &rows) };
    let mut sheet = report.sheet(report::name_of(&files.queries));
    sheet.pictures = pictures(&questions, &rows, &report, threshold);
    sheet.cases(cases);
    Ok((report, sheet))
}

async fn ask(app: &Arc<App>, org: OrgId, labelled: &Labelled) -> Result<(Outcome, f64)> {
    let question = Question::alone(org, labelled.text.clone());
    let started = Instant::now();
    let outcome = turn::ask(app, &question, &Signals::default(), app.config.assistant.passages).await?;
    Ok((outcome, started.elapsed().as_secs_f64() * 1e3))
}

async fn row(
    app: &Arc<App>,
    org: OrgId,
    labelled: &Labelled,
    outcome: &Outcome,
    duration_ms: f64,
    names: &HashMap<DocumentId, String>,
) -> Result<Row> {
    // A longer list than a turn needs, for the ranking alone.
    let found = knowledge::search(app, org, &Query::new(labelled.text.clone(), RANKED * 2)).await?;
    let mut ranked: Vec<String> = Vec::with_capacity(RANKED);
    for found in &found.passages {
        if let Some(name) = names.get(&found.passage.document_id).filter(|name| !ranked.contains(name)) {
            ranked.push(name.clone());
        }
    }
    ranked.truncate(RANKED);
    Ok(Row {
        id: labelled.id.clone(),
        ranked,
        confidence: outcome.confidence,
        decision: outcome.verdict.decision().to_owned(),
        reason: outcome.verdict.reason().map(|r| r.word().to_owned()),
        answer: outcome.answer.clone(),
        evidence: outcome.evidence.clone().unwrap_or_default(),
        duration_ms,
    })
}

/// What became of a question beside what was labelled. The worst is what was answered wrongly and surely.
fn case(labelled: &Labelled, row: &Row, outcome: &Outcome, names: &HashMap<DocumentId, String>) -> Case {
    let is_known = !labelled.answerable || !labelled.answers.is_empty();
    let is_answered = row.decision == "answer";
    let is_right = labelled.answerable && metrics::holds(&row.answer, &labelled.answers);
    let is_found = row.ranked.iter().take(5).any(|id| labelled.relevant.contains(id));
    let (outcome_word, is_right, badness) = match (is_known, labelled.answerable, is_answered) {
        (false, ..) if is_answered => ("answered", None, 0.0),
        (false, ..) => ("not answered", None, 0.0),
        (true, _, true) if is_right => ("answered rightly", Some(true), 0.0),
        (true, _, true) => ("answered wrongly", Some(false), 2.0 + row.confidence),
        (true, false, false) => ("refused", Some(true), 0.0),
        // Missed for want of evidence, or although it was there.
        (true, true, false) if is_found => ("missed, though found", Some(false), 0.5 + row.confidence / 2.0),
        (true, true, false) => ("missed", Some(false), 1.0 + row.confidence / 2.0),
    };
    let is_relevant = |document: DocumentId| {
        (!labelled.relevant.is_empty()).then(|| names.get(&document).is_some_and(|n| labelled.relevant.contains(n)))
    };
    let trace: Option<Shown> = (badness > 0.0).then(|| explain::outcome(outcome, &is_relevant));
    Case {
        id: labelled.id.clone(),
        text: labelled.text.clone(),
        outcome: outcome_word.into(),
        is_right,
        said: if matches!(row.decision.as_str(), "answer" | "clarify") { row.answer.clone() } else { String::new() },
        expected: if labelled.answerable { labelled.answers.join(" / ") } else { "no answer".into() },
        confidence: Some(row.confidence),
        badness,
        trace: trace.map(Box::new),
    }
}

fn pictures(questions: &[Labelled], rows: &[Row], report: &Report, threshold: Option<f64>) -> Vec<report::Picture> {
    let pairs: Vec<(&Labelled, &Row)> = questions.iter().zip(rows).collect();
    let scored = metrics::scored(&pairs);
    let verdicts = rows.iter().map(|row| row.decision.as_str());
    let reasons = rows.iter().filter_map(|row| row.reason.as_deref());
    let mut pictures = Vec::new();
    if !scored.is_empty() {
        pictures.push(report::reliability(&scored));
        pictures.push(report::risk_coverage(&scored, threshold));
    }
    if report.recall_at_1.is_some() {
        pictures.push(report::shares(
            "Relevant documents among the first found",
            [
                ("recall@1", report.recall_at_1),
                ("recall@5", report.recall_at_5),
                ("recall@10", report.recall_at_10),
                ("recall@20", report.recall_at_20),
                ("hit@1", report.hit_at_1),
                ("hit@5", report.hit_at_5),
            ],
        ));
    }
    pictures.push(report::counts("Verdicts", verdicts));
    pictures.push(report::counts("Why a person is needed", reasons));
    pictures.push(report::durations("From question to verdict", rows.iter().map(|r| r.duration_ms).collect()));
    pictures
}

impl Report {
    /// Its numbers in groups.
    fn sheet(&self, set: String) -> Sheet {
        let about = format!(
            "{} documents ({} passages), {} questions, {} of them answerable; written by {}.",
            self.entries, self.ingestion.passages, self.questions, self.answerable, self.writer
        );
        let mut sheet = Sheet::new("answers", set, about);
        let (more, less) = (Better::More, Better::Less);
        sheet.group(
            "Retrieval",
            Unit::Share,
            &[
                ("hit_at_1", "relevant document first", self.hit_at_1, more),
                ("hit_at_5", "relevant document among the first five", self.hit_at_5, more),
                ("recall_at_1", "recall@1", self.recall_at_1, more),
                ("recall_at_5", "recall@5", self.recall_at_5, more),
                ("recall_at_10", "recall@10", self.recall_at_10, more),
                ("recall_at_20", "recall@20", self.recall_at_20, more),
                ("mrr_at_10", "MRR@10", self.mrr_at_10, more),
            ],
        );
        sheet.group(
            "Answers",
            Unit::Share,
            &[
                ("answered", "questions answered", Some(self.answered), Better::Neither),
                ("answered_rightly", "of the answerable, rightly", self.answered_rightly, more),
                ("wrong", "wrong among the answers", self.wrong, less),
                ("refused", "unanswerable refused", self.refused, more),
                ("evidence_hit", "best sentence holds the answer", self.evidence_hit, more),
                ("evidence_token_f1", "token-F1 of the best sentence", self.evidence_token_f1, more),
                ("answer_token_f1", "token-F1 of the answer", self.answer_token_f1, more),
            ],
        );
        sheet.group(
            "Confidence and gate",
            Unit::Share,
            &[
                ("auroc_answerable", "AUROC answerable", self.auroc_answerable, more),
                ("auroc_right", "AUROC right", self.auroc_right, more),
                ("rejected_at_95", "unanswerable rejected, 95 % kept", self.rejected_at_95, more),
                ("calibration_error", "calibration error", self.calibration_error, less),
            ],
        );
        let l = self.latency_ms;
        sheet.group(
            "Speed",
            Unit::Milliseconds,
            &[("p50_ms", "a turn, p50", Some(l.p50), less), ("p99_ms", "a turn, p99", Some(l.p99), less)],
        );
        let speed = Some(self.ingestion.passages_per_second);
        sheet.group("Speed", Unit::PerSecond, &[("passages_per_second", "passages taken in", speed, more)]);
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_small_shop_is_measured() {
        let scratch = Scratch(std::env::temp_dir().join(format!("frontdesk-eval-test-{}", uuid::Uuid::now_v7())));
        std::fs::create_dir_all(&scratch.0).unwrap();
        let file = |name: &str, text: &str| {
            let path = scratch.0.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let corpus = file(
            "corpus.jsonl",
            r#"{"id":"refunds","title":"Refunds","text":"Refunds take five working days. They go back to the card you paid with."}
               {"id":"shipping","title":"Shipping","text":"Parcels leave our warehouse within 24 hours. Shipping to Penang costs RM 12."}
               {"id":"warranty","title":"保修","text":"所有产品保修两年，电池保修一年。人为损坏不在保修范围内。"}"#,
        );
        let queries = file(
            "queries.jsonl",
            r#"{"id":"1","text":"How long do refunds take?","relevant":["refunds"],"answers":["five working days"],"answerable":true}
               {"id":"2","text":"电池保修多久？","relevant":["warranty"],"answers":["一年"],"answerable":true}
               {"id":"3","text":"Who won the cup in 1998?","relevant":[],"answers":[],"answerable":false}"#,
        );
        let rows = scratch.0.join("rows.jsonl");
        let files = Files { corpus, queries, rows: Some(rows.clone()) };
        let (report, sheet) = run(Config::default(), &files, &|_, _| {}).await.unwrap();
        assert_eq!((report.entries, report.questions, report.answerable), (3, 3, 2));
        assert_eq!((report.recall_at_1, report.evidence_hit), (Some(1.0), Some(1.0)));
        assert_eq!(report.auroc_answerable, Some(1.0));
        let rows: Vec<Row> = jsonl::read(&rows).unwrap();
        assert_eq!(rows[0].ranked[0], "refunds");
        assert_eq!(rows[2].decision, "hand_off");
        assert!(report.to_string().contains("recall@1"));
        let (again, _) = run(Config::default(), &Files { rows: None, ..files }, &|_, _| {}).await.unwrap();
        assert_eq!(again.auroc_right, report.auroc_right);
        let outcomes: Vec<&str> = sheet.cases.iter().map(|c| c.outcome.as_str()).collect();
        assert_eq!(outcomes[2], "refused");
        assert!(sheet.pictures.iter().any(|p| matches!(p, report::Picture::Reliability { bins } if !bins.is_empty())));
    }
}
