//! `frontdesk eval run`: a corpus and questions in, measures out.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Instant};

use super::{Entry, Ingestion, Labelled, Report, Row, jsonl, metrics};
use crate::{
    app::{App, Config, DocumentId, OrgId},
    inbox,
    knowledge::{self, Query, index},
    platform::{Clock, Result},
    staff,
    turn::{self, Question, Signals},
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

/// A throw-away store. Settings count (a model, passage sizes); databases and servers do not: it is SQLite and Edge in a
/// temporary directory.
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
pub async fn run(config: Config, files: &Files) -> Result<Report> {
    let corpus: Vec<Entry> = jsonl::read(&files.corpus)?;
    let questions: Vec<Labelled> = jsonl::read(&files.queries)?;
    let store = Store::open(config, Clock::System).await?;
    let ingestion = store.ingest(&corpus.iter().collect::<Vec<_>>()).await?;
    let app = &store.app;
    let names = knowledge::sources(app, store.org).await?;

    let mut rows = Vec::with_capacity(questions.len());
    for question in &questions {
        rows.push(ask(app, store.org, question, &names).await?);
    }
    if let Some(path) = &files.rows {
        jsonl::write(path, &rows)?;
    }
    let writer = if app.model.can_chat() { app.model.describe() } else { "the extractive answerer".to_owned() };
    app.close().await;
    Ok(Report { entries: corpus.len(), ingestion, writer, ..metrics::measure(&questions, &rows) })
}

async fn ask(app: &Arc<App>, org: OrgId, labelled: &Labelled, names: &HashMap<DocumentId, String>) -> Result<Row> {
    let question = Question::alone(org, labelled.text.clone());
    let started = Instant::now();
    let outcome = turn::ask(app, &question, &Signals::default(), app.config.assistant.passages).await?;
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
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
        answer: outcome.answer,
        evidence: outcome.evidence.unwrap_or_default(),
        duration_ms,
    })
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
        let report = run(Config::default(), &files).await.unwrap();
        assert_eq!((report.entries, report.questions, report.answerable), (3, 3, 2));
        assert_eq!((report.recall_at_1, report.evidence_hit), (Some(1.0), Some(1.0)));
        assert_eq!(report.auroc_answerable, Some(1.0));
        let rows: Vec<Row> = jsonl::read(&rows).unwrap();
        assert_eq!(rows[0].ranked[0], "refunds");
        assert_eq!(rows[2].decision, "hand_off");
        assert!(report.to_string().contains("recall@1"));
        let again = run(Config::default(), &Files { rows: None, ..files }).await.unwrap();
        assert_eq!(again.auroc_right, report.auroc_right);
    }
}
