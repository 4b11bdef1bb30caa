//! `frontdesk eval memory`: long talks go into the real store and the real index, turn by turn as they come; then every
//! question is recalled, and what was recalled is compared with where the answer stands. And labelled messages: what is
//! learned from them by rules alone.

mod report;
mod talks;

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{BufWriter, Write},
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Latency, Tick, jsonl,
    report::{Case, Sheet, name_of},
    run::Store,
};
use crate::{
    app::{App, Config, CustomerId, MemoryId, OrgId},
    customers::{self, Reached},
    inbox,
    memory::{self, New, Query, Writer},
    platform::{Clock, Error, Result},
};
use talks::Talk;

/// What to run, and where the rows go.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    pub locomo: Option<PathBuf>,
    /// The dialogues; the memories are beside them, with `memory` in their name instead of `dialogue`.
    pub madial: Option<PathBuf>,
    /// Labelled messages.
    pub learn: Option<PathBuf>,
    pub rows: Option<PathBuf>,
}

/// How many memories are ranked for each question.
const RANKED: usize = 20;

/// The share of the evidence among the first 1, 5, 10 and 20, over `questions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Recall {
    pub questions: usize,
    pub at_1: f64,
    pub at_5: f64,
    pub at_10: f64,
    pub at_20: f64,
}

impl Recall {
    fn add(&mut self, evidence: &[String], ranked: &[String]) {
        let share = |k: usize| {
            let found = evidence.iter().filter(|e| ranked.iter().take(k).any(|r| r == *e)).count();
            found as f64 / evidence.len() as f64
        };
        self.questions += 1;
        let n = self.questions as f64;
        for (mean, k) in [(&mut self.at_1, 1), (&mut self.at_5, 5), (&mut self.at_10, 10), (&mut self.at_20, 20)] {
            *mean += (share(k) - *mean) / n;
        }
    }
}

/// The measures of one set of talks.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TalkReport {
    pub talks: usize,
    pub memories: usize,
    pub by_category: BTreeMap<String, Recall>,
    pub all: Recall,
    /// The same questions with strength left out: what fading costs.
    pub without_strength: Recall,
    /// One memory into the store, its sync included.
    pub write_ms: Latency,
    /// One question.
    pub recall_ms: Latency,
    /// The questions whose evidence came last or not at all.
    pub worst: Vec<Miss>,
}

/// A question whose evidence was not among the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    pub id: String,
    pub question: String,
    pub evidence: Vec<String>,
}

/// What the rules learn from labelled messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LearnReport {
    pub messages: usize,
    #[serde(flatten)]
    pub all: Learning,
    pub by_language: BTreeMap<String, Learning>,
    /// Every fact that was stored, or missed.
    #[serde(skip)]
    pub learned: Vec<Learned>,
}

/// How much was learned, and how well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Learning {
    pub labelled: usize,
    /// Labelled facts that were stored as what they are.
    pub found: usize,
    pub stored: usize,
    /// Stored facts that are labelled, of that kind.
    pub right: usize,
    /// Stored facts that are labelled, of any kind: told by the customer, perhaps filed wrongly.
    pub told: usize,
}

impl Learning {
    /// The share of what was stored that is a fact of that kind.
    pub fn precision(&self) -> f64 {
        share(self.right, self.stored)
    }

    /// The share of what was stored that is a fact at all.
    pub fn truth(&self) -> f64 {
        share(self.told, self.stored)
    }

    /// The share of the labelled facts that were stored as what they are.
    pub fn recall(&self) -> f64 {
        share(self.found, self.labelled)
    }

    fn add(&mut self, other: &Self) {
        self.labelled += other.labelled;
        self.found += other.found;
        self.stored += other.stored;
        self.right += other.right;
        self.told += other.told;
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A fact that was learned from a message, or should have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Learned {
    pub text: String,
    pub kind: String,
    pub value: String,
    pub outcome: Outcome,
}

/// What became of a fact. The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Stored, and no fact.
    Wrong,
    /// Stored as of another kind.
    Misfiled,
    /// A fact that was not stored.
    Missed,
    Right,
}

impl Outcome {
    /// What to call it beside a fact.
    const fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Misfiled => "misfiled",
            Self::Missed => "missed",
            Self::Right => "right",
        }
    }
}

/// The measures of a run; what was not asked for is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MemoryReport {
    pub locomo: Option<TalkReport>,
    pub madial: Option<TalkReport>,
    pub learn: Option<LearnReport>,
}

/// A line of `--rows`.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a str,
    ranked: &'a [String],
}

/// Runs what is asked for on a throw-away store. Settings count (an embedding model); databases and servers do not.
pub async fn memory(config: Config, files: &MemoryFiles, tick: Tick<'_>) -> Result<(MemoryReport, Vec<Sheet>)> {
    let mut rows = match &files.rows {
        Some(path) => {
            Some(BufWriter::new(File::create(path).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?))
        }
        None => None,
    };
    let (mut report, mut sheets) = (MemoryReport::default(), Vec::new());
    if let Some(path) = &files.locomo {
        let (talks, cases) = run(&config, &talks::locomo(path)?, rows.as_mut(), tick).await?;
        sheets.push(report::recalled(&name_of(path), &talks, cases));
        report.locomo = Some(talks);
    }
    if let Some(path) = &files.madial {
        let (talks, cases) = run(&config, &talks::madial(path)?, rows.as_mut(), tick).await?;
        sheets.push(report::recalled(&name_of(path), &talks, cases));
        report.madial = Some(talks);
    }
    if let Some(path) = &files.learn {
        let learned = learn(path)?;
        sheets.push(report::learned(&name_of(path), &learned));
        report.learn = Some(learned);
    }
    if let Some(mut rows) = rows {
        rows.flush()?;
    }
    Ok((report, sheets))
}

async fn run(
    config: &Config,
    talks: &[Talk],
    mut rows: Option<&mut BufWriter<File>>,
    tick: Tick<'_>,
) -> Result<(TalkReport, Vec<Case>)> {
    let clock = Clock::fixed(talks.iter().map(Talk::begins).min().unwrap_or_default());
    let store = Store::open(config.clone(), clock).await?;
    let (app, org) = (store.app.clone(), store.org);
    let channel = inbox::ensure_web_channel(&app, org).await?;
    let mut report = TalkReport { talks: talks.len(), ..TalkReport::default() };
    let (mut writes, mut recalls, mut misses) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cases, all) = (Vec::new(), talks.iter().map(|t| t.questions.len()).sum());
    let mut told = Vec::new();
    for talk in talks {
        let mut tx = app.begin().await?;
        let reached =
            Reached { channel: channel.id, kind: "visitor", external_id: &talk.id, display_name: Some(&talk.id) };
        let (customer, _) = customers::find_or_create(tx.conn(), org, reached, app.now()).await?;
        tx.commit().await?;
        told.push((customer.id, tell(&app, org, customer.id, talk, &mut writes).await?));
    }
    for (talk, (customer, names)) in talks.iter().zip(&told) {
        move_to(&app, talk.ends());
        for question in &talk.questions {
            let started = Instant::now();
            let ranked = ask(&app, org, *customer, question, names, true).await?;
            recalls.push(started.elapsed().as_secs_f64() * 1e3);
            tick(recalls.len(), all);
            if let Some(rows) = rows.as_mut() {
                serde_json::to_writer(&mut **rows, &Row { id: &question.id, ranked: &ranked })?;
                rows.write_all(b"\n")?;
            }
            if question.evidence.is_empty() {
                continue;
            }
            cases.push(report::question(&question.id, &question.text, &question.evidence, &ranked));
            report.all.add(&question.evidence, &ranked);
            report.by_category.entry(question.category.clone()).or_default().add(&question.evidence, &ranked);
            let plain = ask(&app, org, *customer, question, names, false).await?;
            report.without_strength.add(&question.evidence, &plain);
            if !question.evidence.iter().any(|e| ranked.contains(e)) {
                misses.push(Miss {
                    id: question.id.clone(),
                    question: question.text.clone(),
                    evidence: question.evidence.clone(),
                });
            }
        }
    }
    report.memories = told.iter().map(|(_, names)| names.len()).sum();
    report.write_ms = Latency::of(writes);
    report.recall_ms = Latency::of(recalls);
    misses.truncate(20);
    report.worst = misses;
    app.close().await;
    Ok((report, cases))
}

fn move_to(app: &App, at: DateTime<Utc>) {
    app.clock.advance(at - app.now());
}

/// Stores what was said, in order, each in a transaction of its own; returns what each memory is called in the file.
async fn tell(
    app: &Arc<App>,
    org: OrgId,
    customer: CustomerId,
    talk: &Talk,
    writes: &mut Vec<f64>,
) -> Result<HashMap<MemoryId, String>> {
    let mut names = HashMap::new();
    for said in &talk.said {
        move_to(app, said.at);
        let new = New {
            speaker: said.speaker.clone(),
            source: Some(Uuid::from_u128(u128::from(said.session) + 1)).filter(|_| said.session > 0),
            ..New::note(said.text.clone(), said.at)
        };
        let started = Instant::now();
        let mut tx = app.begin().await?;
        let added = memory::keep(tx.conn(), org, customer, &[new], said.at).await?;
        tx.commit().await?;
        writes.push(started.elapsed().as_secs_f64() * 1e3);
        names.extend(added.into_iter().map(|id| (id, said.id.clone())));
    }
    memory::bring(app, org, customer).await?;
    Ok(names)
}

async fn ask(
    app: &Arc<App>,
    org: OrgId,
    customer: CustomerId,
    question: &talks::Question,
    names: &HashMap<MemoryId, String>,
    by_strength: bool,
) -> Result<Vec<String>> {
    let before: Vec<memory::Before<'_>> =
        question.before.iter().map(|(is_own, text)| memory::Before { is_own: *is_own, text }).collect();
    let query = Query {
        before: &before,
        limit: RANKED,
        budget: usize::MAX,
        by_strength,
        with_identity: false,
        ..Query::new(org, customer, &question.text)
    };
    let recalled = memory::recall(app, &query).await?;
    Ok(recalled.iter().filter_map(|r| names.get(&r.memory.id).cloned()).collect())
}

/// A labelled message.
#[derive(Debug, Deserialize)]
struct Labelled {
    language: String,
    by: String,
    text: String,
    facts: Vec<LabelledFact>,
}

#[derive(Debug, Deserialize)]
struct LabelledFact {
    kind: String,
    start: usize,
    end: usize,
}

fn learn(path: &Path) -> Result<LearnReport> {
    let all: Vec<Labelled> = jsonl::read(path)?;
    let mut report = LearnReport { messages: all.len(), ..LearnReport::default() };
    for message in &all {
        let writer = match message.by.as_str() {
            "agent" => Writer::Agent,
            "customer" => Writer::Customer,
            _ => continue,
        };
        let characters = |at: usize| message.text.get(..at).map_or(0, |s| s.chars().count());
        let stored: Vec<(&str, usize, usize)> = memory::facts(&message.text, writer)
            .into_iter()
            .map(|f| (f.kind.word(), characters(f.range.start), characters(f.range.end)))
            .collect();
        let meets = |stored: &(&str, usize, usize), fact: &LabelledFact| stored.1 < fact.end && fact.start < stored.2;
        let same = |stored: &(&str, usize, usize), fact: &LabelledFact| stored.0 == fact.kind && meets(stored, fact);
        let fact = |kind: &str, range: Range<usize>, outcome: Outcome| Learned {
            text: message.text.clone(),
            kind: kind.to_owned(),
            value: memory::characters(&message.text, range),
            outcome,
        };
        let of_stored = stored.iter().map(|s| {
            let outcome = if message.facts.iter().any(|f| same(s, f)) {
                Outcome::Right
            } else if message.facts.iter().any(|f| meets(s, f)) {
                Outcome::Misfiled
            } else {
                Outcome::Wrong
            };
            fact(s.0, s.1..s.2, outcome)
        });
        let missed = message.facts.iter().filter(|f| !stored.iter().any(|s| same(s, f)));
        let of_missed = missed.map(|f| fact(&f.kind, f.start..f.end, Outcome::Missed));
        let learned: Vec<Learned> = of_stored.chain(of_missed).collect();
        let count = |outcome: Outcome| learned.iter().filter(|l| l.outcome == outcome).count();
        let of_message = Learning {
            labelled: message.facts.len(),
            found: message.facts.len() - count(Outcome::Missed),
            stored: stored.len(),
            right: count(Outcome::Right),
            told: count(Outcome::Right) + count(Outcome::Misfiled),
        };
        report.all.add(&of_message);
        report.by_language.entry(message.language.clone()).or_default().add(&of_message);
        report.learned.extend(learned);
    }
    Ok(report)
}

impl std::fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, report) in [("LoCoMo", &self.locomo), ("MADial", &self.madial)] {
            let Some(report) = report else { continue };
            writeln!(f, "{name}: {} talks, {} memories", report.talks, report.memories)?;
            let line = |f: &mut std::fmt::Formatter<'_>, name: &str, r: &Recall| {
                writeln!(
                    f,
                    "  {name:<18} {:>5} questions   recall@1 {:5.1}  @5 {:5.1}  @10 {:5.1}  @20 {:5.1}",
                    r.questions,
                    r.at_1 * 100.0,
                    r.at_5 * 100.0,
                    r.at_10 * 100.0,
                    r.at_20 * 100.0
                )
            };
            for (category, recall) in &report.by_category {
                line(f, category, recall)?;
            }
            line(f, "all", &report.all)?;
            line(f, "without strength", &report.without_strength)?;
            let (w, r) = (report.write_ms, report.recall_ms);
            writeln!(
                f,
                "  a write p50 {:.2} ms, p99 {:.2} ms; a recall p50 {:.2} ms, p99 {:.2} ms",
                w.p50, w.p99, r.p50, r.p99
            )?;
            if !report.worst.is_empty() {
                writeln!(f, "  worst misses:")?;
                for miss in report.worst.iter().take(5) {
                    writeln!(f, "    {} {} ({})", miss.id, miss.question, miss.evidence.join(", "))?;
                }
            }
        }
        if let Some(learn) = &self.learn {
            writeln!(f, "Learned by rules from {} messages:", learn.messages)?;
            for (name, of) in
                std::iter::once(("all", &learn.all)).chain(learn.by_language.iter().map(|(l, of)| (l.as_str(), of)))
            {
                writeln!(
                    f,
                    "  {name:<4} {} stored, {:.1} % of them facts, {:.1} % of that kind; {:.1} % of {} labelled found",
                    of.stored,
                    of.truth() * 100.0,
                    of.precision() * 100.0,
                    of.recall() * 100.0,
                    of.labelled
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rules_store_is_right_and_they_find_most() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("evals/memory");
        let (mut all, mut unseen, mut messages) = (Learning::default(), Learning::default(), 0);
        for entry in std::fs::read_dir(dir).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if !name.ends_with(".jsonl") {
                continue;
            }
            let report = learn(&entry.path()).unwrap();
            messages += report.messages;
            all.add(&report.all);
            if name.starts_with("learn-blind") {
                unseen.add(&report.all);
            }
        }
        assert!(messages >= 1900 && unseen.labelled * 3 >= all.labelled, "{messages}, {all:?}");
        assert!(all.truth() >= 0.95 && all.recall() >= 0.8, "{all:?}");
        assert!(unseen.truth() >= 0.92 && unseen.recall() >= 0.65, "{unseen:?}");
    }
}
