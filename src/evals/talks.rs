//! `frontdesk eval talks`: conversations whose later questions lean on the earlier ones, asked in order through the real
//! search and the real turn.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Entry, Tick, explain, jsonl, metrics,
    report::{self, Better, Case, Sheet, Unit},
    run::Store,
};
use crate::{
    app::{App, Config, OrgId},
    platform::{Clock, Result},
    turn::{self, Question, Said, Signals, Speaker, Verdict},
};

/// What to run, and where the rows go.
#[derive(Debug, Clone)]
pub struct TalkFiles {
    pub corpus: PathBuf,
    pub talks: PathBuf,
    /// Only the conversations that are about this corpus; `None`: all.
    pub about: Option<String>,
    pub rows: Option<PathBuf>,
}

/// A line: one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Talk {
    id: String,
    family: String,
    #[serde(default)]
    corpus: String,
    turns: Vec<Turn>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Turn {
    say: String,
    /// A right answer contains one of these, whole.
    #[serde(default)]
    answers: Vec<Gold>,
    answerable: bool,
    /// Whether it can't be understood alone.
    leans: bool,
}

/// What a right answer contains.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Gold {
    One(String),
    /// All of them.
    All(Vec<String>),
}

impl Gold {
    fn is_in(&self, text: &str) -> bool {
        let holds = |gold: &String| metrics::holds(text, std::slice::from_ref(gold));
        match self {
            Self::One(gold) => holds(gold),
            Self::All(golds) => golds.iter().all(holds),
        }
    }
}

/// What the assistant made of one turn: a line of `--rows`.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct TalkRow {
    id: String,
    family: String,
    leans: bool,
    say: String,
    /// What was searched for, if the conversation changed it.
    meant: Option<String>,
    considered: Vec<turn::Considered>,
    decision: String,
    confidence: f64,
    answerable: bool,
    is_right: bool,
    /// Whether the best evidence holds the answer, whatever the decision.
    is_found: bool,
    answer: String,
    evidence: String,
}

/// Shares of 1 over one kind of turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Tally {
    pub turns: usize,
    pub answerable: usize,
    /// Answerable ones that were answered rightly.
    pub right: usize,
    /// Answers that are not right, to answerable or unanswerable ones.
    pub wrong: usize,
    /// Answerable ones whose best evidence holds the answer.
    pub found: usize,
}

impl Tally {
    fn add(&mut self, row: &TalkRow) {
        let answered = row.decision == "answer";
        self.turns += 1;
        self.answerable += usize::from(row.answerable);
        self.right += usize::from(row.answerable && answered && row.is_right);
        self.wrong += usize::from(answered && !(row.answerable && row.is_right));
        self.found += usize::from(row.answerable && row.is_found);
    }
}

/// What came of the conversations.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TalksReport {
    pub talks: usize,
    /// Questions that can't be understood alone.
    pub leaning: Tally,
    /// Whole questions.
    pub whole: Tally,
    /// The leaning ones by family.
    pub by_family: BTreeMap<String, Tally>,
    pub by_language: BTreeMap<String, Tally>,
}

/// Puts the corpus into a throw-away store, holds every conversation, and measures.
pub async fn talks(config: Config, files: &TalkFiles, tick: Tick<'_>) -> Result<(TalksReport, Sheet)> {
    let corpus: Vec<Entry> = jsonl::read(&files.corpus)?;
    let mut talks: Vec<Talk> = jsonl::read(&files.talks)?;
    talks.retain(|talk| files.about.as_ref().is_none_or(|about| talk.corpus == *about));
    let store = Store::open(config, Clock::System).await?;
    store.ingest(&corpus.iter().collect::<Vec<_>>()).await?;
    let (mut rows, mut cases) = (Vec::new(), Vec::new());
    for (at, talk) in talks.iter().enumerate() {
        for (row, case) in hold(&store.app, store.org, talk).await? {
            rows.push(row);
            cases.push(case);
        }
        tick(at + 1, talks.len());
    }
    if let Some(path) = &files.rows {
        jsonl::write(path, &rows)?;
    }
    store.app.close().await;
    let mut report = TalksReport { talks: talks.len(), ..TalksReport::default() };
    for row in &rows {
        if !row.leans {
            report.whole.add(row);
            continue;
        }
        report.leaning.add(row);
        report.by_family.entry(row.family.clone()).or_default().add(row);
        let language = if row.say.chars().any(crate::platform::language::is_han) { "zh" } else { "en" };
        report.by_language.entry(language.into()).or_default().add(row);
    }
    let mut sheet = report.sheet(match &files.about {
        Some(about) => format!("{} ({about})", report::name_of(&files.talks)),
        None => report::name_of(&files.talks),
    });
    sheet.cases(cases);
    Ok((report, sheet))
}

async fn hold(app: &Arc<App>, org: OrgId, talk: &Talk) -> Result<Vec<(TalkRow, Case)>> {
    let mut history: Vec<Said> = Vec::new();
    let mut rows = Vec::new();
    for (at, turn) in talk.turns.iter().enumerate() {
        let question = Question { history: history.clone(), ..Question::alone(org, turn.say.clone()) };
        let outcome = turn::ask(app, &question, &Signals::default(), app.config.assistant.passages).await?;
        let evidence = outcome.evidence.clone().unwrap_or_default();
        let row = TalkRow {
            id: format!("{}/{at}", talk.id),
            family: talk.family.clone(),
            leans: turn.leans,
            say: turn.say.clone(),
            meant: outcome.trace.rewritten.clone(),
            considered: outcome.trace.considered.clone(),
            decision: outcome.verdict.decision().to_owned(),
            confidence: outcome.confidence,
            answerable: turn.answerable,
            is_right: turn.answers.iter().any(|gold| gold.is_in(&outcome.answer)),
            is_found: turn.answers.iter().any(|gold| gold.is_in(&evidence) || gold.is_in(&outcome.answer)),
            answer: outcome.answer.clone(),
            evidence,
        };
        let case = case(turn, &row, || explain::outcome(&outcome, &|_| None));
        rows.push((row, case));
        history.push(Said { meant: outcome.trace.rewritten.clone(), ..Said::new(Speaker::Customer, turn.say.clone()) });
        // Who is handed over hears of it; here the conversation goes on with what was really said.
        if matches!(outcome.verdict, Verdict::Answer | Verdict::Clarify(_)) {
            history.push(Said::new(Speaker::Assistant, outcome.answer));
        }
    }
    Ok(rows)
}

/// What became of one turn of a conversation.
fn case(turn: &Turn, row: &TalkRow, trace: impl FnOnce() -> report::Shown) -> Case {
    let (outcome, is_right, badness) = match (row.answerable, row.decision == "answer") {
        (true, true) if row.is_right => ("answered rightly", true, 0.0),
        (_, true) => ("answered wrongly", false, 2.0 + row.confidence),
        (false, false) => ("refused", true, 0.0),
        (true, false) if row.is_found => ("missed, though found", false, 0.5 + row.confidence / 2.0),
        (true, false) => ("missed", false, 1.0 + row.confidence / 2.0),
    };
    let gold = turn.answers.iter().map(|gold| match gold {
        Gold::One(one) => one.clone(),
        Gold::All(all) => all.join(" + "),
    });
    Case {
        id: row.id.clone(),
        text: row.say.clone(),
        outcome: outcome.into(),
        is_right: Some(is_right),
        said: if matches!(row.decision.as_str(), "answer" | "clarify") { row.answer.clone() } else { String::new() },
        expected: if row.answerable { gold.collect::<Vec<_>>().join(" / ") } else { "no answer".into() },
        confidence: Some(row.confidence),
        badness,
        trace: (badness > 0.0).then(|| Box::new(trace())),
    }
}

impl Tally {
    fn share(part: usize, whole: usize) -> Option<f64> {
        (whole > 0).then(|| part as f64 / whole as f64)
    }

    /// Of the answerable turns, the share that was answered rightly.
    fn rightly(&self) -> Option<f64> {
        Self::share(self.right, self.answerable)
    }

    /// Of the answerable turns, the share whose best evidence holds the answer.
    fn in_evidence(&self) -> Option<f64> {
        Self::share(self.found, self.answerable)
    }

    /// Of the answers, the share that is wrong.
    fn wrongly(&self) -> Option<f64> {
        Self::share(self.wrong, self.right + self.wrong)
    }
}

impl TalksReport {
    fn sheet(&self, set: String) -> Sheet {
        let about = format!(
            "{} conversations: {} questions that lean on what was said, {} whole ones.",
            self.talks, self.leaning.turns, self.whole.turns
        );
        let mut sheet = Sheet::new("talks", set, about);
        for (key, group, tally) in
            [("leaning", "Leaning on what was said", self.leaning), ("whole", "Whole questions", self.whole)]
        {
            let keys = ["rightly", "wrong", "found"].map(|what| format!("{key}_{what}"));
            let [rightly, wrong, found] = keys.each_ref().map(String::as_str);
            let numbers = [
                (rightly, "of the answerable, rightly", tally.rightly(), Better::More),
                (wrong, "wrong among the answers", tally.wrongly(), Better::Less),
                (found, "answer in the best evidence", tally.in_evidence(), Better::More),
            ];
            sheet.group(group, Unit::Share, &numbers);
        }
        let all = || self.by_language.iter().chain(&self.by_family);
        sheet.pictures = vec![
            report::shares("Leaning: answered rightly", all().map(|(name, tally)| (name.clone(), tally.rightly()))),
            report::shares(
                "Leaning: answer in the best evidence",
                all().map(|(name, tally)| (name.clone(), tally.in_evidence())),
            ),
        ];
        sheet
    }
}

impl std::fmt::Display for TalksReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |a: usize, b: usize| match b {
            0 => "–".to_owned(),
            _ => format!("{:.1} %", a as f64 * 100.0 / b as f64),
        };
        writeln!(f, "{} conversations", self.talks)?;
        write!(f, "{:<28} {:>6} {:>12} {:>12} {:>14}", "", "turns", "rightly", "wrong", "in the evidence")?;
        let mut line = |name: &str, t: &Tally| {
            let wrong = share(t.wrong, t.right + t.wrong);
            let (right, found) = (share(t.right, t.answerable), share(t.found, t.answerable));
            write!(f, "\n{name:<28} {:>6} {right:>12} {wrong:>12} {found:>14}", t.turns)
        };
        line("whole questions", &self.whole)?;
        line("leaning on what was said", &self.leaning)?;
        for (name, tally) in self.by_language.iter().chain(&self.by_family) {
            line(&format!("  {name}"), tally)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A little below what was measured, so that a step back is seen; the numbers are in `evals/README.md`.
    #[tokio::test]
    async fn follow_ups_about_the_demo_company_are_understood() {
        let evals = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("evals");
        let files = TalkFiles {
            corpus: evals.join("demo/corpus.jsonl"),
            talks: evals.join("talks/talks.jsonl"),
            about: Some("demo".into()),
            rows: None,
        };
        let (report, sheet) = talks(Config::default(), &files, &|_, _| {}).await.unwrap();
        assert_eq!(sheet.cases.len(), 260);
        assert_eq!((report.talks, report.leaning.turns, report.whole.turns), (58, 167, 93), "{report}");
        let share = |a: usize, b: usize| a as f64 / b as f64;
        let leaning = report.leaning;
        assert!(share(leaning.found, leaning.answerable) >= 0.66, "{report}");
        assert!(share(leaning.wrong, leaning.wrong + leaning.right) <= 0.19, "{report}");
        assert!(share(report.whole.found, report.whole.answerable) >= 0.80, "{report}");
    }

    /// What may mean several things is asked back, "the other one" is the only one there is, and nothing is guessed.
    #[tokio::test]
    async fn what_is_open_is_asked_back_and_the_other_one_is_found() {
        let evals = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("evals");
        let files = TalkFiles {
            corpus: evals.join("demo/corpus.jsonl"),
            talks: evals.join("talks/asked-back.jsonl"),
            about: None,
            rows: None,
        };
        let (report, _) = talks(Config::default(), &files, &|_, _| {}).await.unwrap();
        assert_eq!((report.talks, report.leaning.turns), (26, 25), "{report}");
        for tally in [report.leaning, report.whole] {
            assert_eq!((tally.right, tally.wrong), (tally.answerable, 0), "{report}");
        }
    }
}
