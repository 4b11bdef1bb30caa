//! What a run of suites found, as data: numbers, pictures, cases. Kept as JSON so that the next run can stand beside it,
//! and drawn as one page that needs nothing but itself.

mod compare;
mod draw;
mod page;
mod svg;

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::platform::{Error, Result};

/// How many of the worst cases keep their trace.
const WORST: usize = 30;

/// What a run of one or several suites found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Of the program.
    pub version: String,
    /// `None` where the same run must give the same bytes.
    pub made_at: Option<DateTime<Utc>>,
    pub sheets: Vec<Sheet>,
}

/// What one suite found on one set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// `answers`, `faq`, `pairs`, `talks`, `proof`, `memory`, `learning`, `replay` …
    pub suite: String,
    /// What the set is called: its directory or file.
    pub set: String,
    /// What was measured, in one sentence.
    pub about: String,
    pub numbers: Vec<Number>,
    pub pictures: Vec<Picture>,
    /// Every case, in the order of its set.
    pub cases: Vec<Case>,
}

/// A number with its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Stable, for programs and the comparison with another run.
    pub key: String,
    pub name: String,
    /// Numbers of a group stand together ("Retrieval").
    pub group: String,
    /// `None`: it cannot be measured on this set.
    pub value: Option<f64>,
    pub unit: Unit,
    pub better: Better,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 0 to 1, shown in percent.
    Share,
    Count,
    Milliseconds,
    PerSecond,
}

/// Which way a number should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    More,
    Less,
    /// It describes the set.
    Neither,
}

/// What a picture shows. How it looks is `draw`'s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "picture", rename_all = "snake_case")]
pub enum Picture {
    /// Said confidence against the share that was right, in ten bins.
    Reliability { bins: Vec<Bin> },
    /// For each share of the questions that is answered, the surest first: the share of the answers that is wrong.
    RiskCoverage {
        points: Vec<Point>,
        /// Where the risk dial stands.
        dial: Option<Point>,
    },
    /// Named values side by side.
    Bars { title: String, unit: Unit, bars: Vec<Bar> },
    /// How many fall between one edge and the next; there is one edge more than counts.
    Histogram {
        title: String,
        unit: Unit,
        edges: Vec<f64>,
        series: Vec<Series>,
        /// Named places on the axis (p50, p99).
        marks: Vec<(String, f64)>,
    },
    /// Lines over an axis; `y` is from 0 to 1.
    Lines { title: String, x: String, y: String, lines: Vec<Line> },
}

/// A bin of a reliability diagram: means over the questions whose confidence falls into it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub confidence: f64,
    pub right: f64,
    pub count: usize,
}

/// A point of a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    pub name: String,
    pub value: f64,
}

/// A named row of counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    pub name: String,
    pub counts: Vec<usize>,
}

/// A named line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    pub points: Vec<Point>,
}

/// One question, message, sentence …, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: String,
    /// What was asked or checked.
    pub text: String,
    /// What became of it, in a word or a few ("answered wrongly").
    pub outcome: String,
    /// Whether that is as it should be; `None` where nobody knows.
    pub is_right: Option<bool>,
    /// What was said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    /// What should have been said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// How bad it is beside the others; 0 is not bad.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub badness: f64,
    /// How it came about; only the worst keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Shown>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(badness: &f64) -> bool {
    *badness == 0.0
}

/// How a case came about, for a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// What was searched for, if the conversation changed the question.
    pub searched: Option<String>,
    /// The ways it may have been meant, and what each was worth.
    pub considered: Vec<(String, f64)>,
    pub evidence: Vec<ShownEvidence>,
    pub scores: Vec<(String, f64)>,
    pub proof: Vec<ShownSentence>,
    /// The confidence that an answer needed.
    pub threshold: Option<f64>,
    /// The verdict and its reason ("hand_off: unproven").
    pub verdict: String,
}

/// A passage or FAQ that was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShownEvidence {
    pub title: String,
    pub text: String,
    pub score: f64,
    /// Whether it is labelled to hold the answer; `None` where nobody knows.
    pub is_relevant: Option<bool>,
}

/// A sentence of the draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSentence {
    pub text: String,
    /// What it rests on.
    pub cites: Vec<String>,
    /// Why it was cut; empty: it was kept.
    pub unproven: Vec<String>,
}

impl Number {
    /// The value with its unit; a dash if there is none.
    pub fn worded(&self) -> String {
        self.value.map_or_else(|| "–".to_owned(), |value| draw::worded(value, self.unit))
    }
}

impl Sheet {
    /// A sheet without anything on it yet.
    pub fn new(suite: &str, set: impl Into<String>, about: impl Into<String>) -> Self {
        Self { suite: suite.into(), set: set.into(), about: about.into(), ..Self::default() }
    }

    /// Adds a group of numbers: key, name, value, and which way it should go.
    pub fn group(&mut self, group: &str, unit: Unit, numbers: &[(&str, &str, Option<f64>, Better)]) {
        self.numbers.extend(numbers.iter().map(|(key, name, value, better)| Number {
            key: (*key).into(),
            name: (*name).into(),
            group: group.into(),
            value: *value,
            unit,
            better: *better,
        }));
    }

    /// Adds the cases. The traces of all but the worst are dropped.
    pub fn cases(&mut self, mut cases: Vec<Case>) {
        let mut bad: Vec<f64> = cases.iter().map(|c| c.badness).filter(|b| *b > 0.0).collect();
        bad.sort_by(|a, b| b.total_cmp(a));
        let least = bad.get(WORST - 1).copied().unwrap_or(f64::MIN_POSITIVE);
        let mut kept = 0;
        for case in &mut cases {
            let keeps = case.badness >= least && kept < WORST;
            kept += usize::from(keeps);
            if !keeps {
                case.trace = None;
            }
        }
        self.cases = cases;
    }

    /// Leaves of each case only what became of it: of a set that nobody may look at.
    pub fn hide_cases(&mut self) {
        for case in &mut self.cases {
            let (id, outcome) = (std::mem::take(&mut case.id), std::mem::take(&mut case.outcome));
            *case = Case { id, outcome, is_right: case.is_right, text: "(not shown)".into(), ..Case::default() };
        }
    }

    /// The worst cases, the worst first.
    pub fn worst(&self) -> Vec<&Case> {
        let mut worst: Vec<&Case> = self.cases.iter().filter(|c| c.badness > 0.0).collect();
        worst.sort_by(|a, b| b.badness.total_cmp(&a.badness));
        worst.truncate(WORST);
        worst
    }

    /// How many cases had each outcome.
    pub fn outcomes(&self) -> BTreeMap<&str, usize> {
        let mut outcomes = BTreeMap::new();
        for case in &self.cases {
            *outcomes.entry(case.outcome.as_str()).or_default() += 1;
        }
        outcomes
    }
}

impl Report {
    /// Of these sheets.
    pub fn new(sheets: Vec<Sheet>, made_at: Option<DateTime<Utc>>) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), made_at, sheets }
    }

    /// The report that a file holds.
    ///
    /// # Errors
    /// `Invalid` when there is none, or the file is something else.
    pub fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|e| Error::Invalid(format!("{name}: {e}")))?;
        serde_json::from_str(&text).map_err(|e| {
            Error::Invalid(format!("{name}: not a report of an earlier run (write one with --report FILE): {e}"))
        })
    }

    /// Writes it for the next run to stand beside.
    pub fn write(&self, path: &Path) -> Result<()> {
        save(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// Writes the page, beside an earlier run if there is one.
    pub fn write_page(&self, path: &Path, before: Option<&Self>) -> Result<()> {
        save(path, &page::page(self, before)?)
    }
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))
}

/// What a file is called, for people.
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = path.parent().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    match dir {
        Some(dir) if stem == "queries" => dir,
        Some(dir) => format!("{dir}/{stem}"),
        None => stem,
    }
}

/// The bins of a reliability diagram: the same tenths as the calibration error counts.
pub fn reliability(scored: &[(f64, bool)]) -> Picture {
    let mut bins = [Bin::default(); 10];
    for (confidence, right) in scored {
        if let Some(bin) = bins.get_mut(((confidence * 10.0) as usize).min(9)) {
            bin.count += 1;
            let n = bin.count as f64;
            bin.confidence += (confidence - bin.confidence) / n;
            bin.right += (f64::from(u8::from(*right)) - bin.right) / n;
        }
    }
    Picture::Reliability { bins: bins.into_iter().filter(|b| b.count > 0).collect() }
}

/// The risk at each coverage, and where `threshold` stands on it. Equal confidence is answered together; at most some
/// two hundred points are kept.
pub fn risk_coverage(scored: &[(f64, bool)], threshold: Option<f64>) -> Picture {
    let mut sorted = scored.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let step = (sorted.len() / 200).max(1);
    let (mut points, mut wrong, mut dial) = (Vec::new(), 0, None);
    for (at, (confidence, right)) in sorted.iter().enumerate() {
        wrong += usize::from(!right);
        let count = at + 1;
        let next = sorted.get(count).map(|n| n.0);
        if next == Some(*confidence) {
            continue;
        }
        let point = Point { x: count as f64 / sorted.len() as f64, y: wrong as f64 / count as f64 };
        if threshold.is_some_and(|t| *confidence >= t) {
            dial = Some(point);
        }
        if points.is_empty() || count % step == 0 || next.is_none() {
            points.push(point);
        }
    }
    Picture::RiskCoverage { points, dial }
}

/// How long things took: twenty bins up to the 99th hundredth, and one for the rest.
pub fn durations(title: &str, mut all: Vec<f64>) -> Picture {
    all.sort_by(f64::total_cmp);
    let at = |share: f64| {
        all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0)
    };
    let marks = vec![("p50".to_owned(), at(0.5)), ("p90".to_owned(), at(0.9)), ("p99".to_owned(), at(0.99))];
    histogram(title, Unit::Milliseconds, &[("", all.clone())], (0.0, at(0.99).max(1e-6)), marks)
}

/// Counts of several series over the same twenty bins of `range`; what lies beyond its end falls into the last.
pub fn histogram(
    title: &str,
    unit: Unit,
    series: &[(&str, Vec<f64>)],
    range: (f64, f64),
    marks: Vec<(String, f64)>,
) -> Picture {
    const BINS: usize = 20;
    let width = (range.1 - range.0) / BINS as f64;
    let edges = (0..=BINS).map(|i| range.0 + width * i as f64).collect();
    let series = series.iter().map(|(name, values)| {
        let mut counts = vec![0; BINS];
        for value in values {
            let bin = (((value - range.0) / width).max(0.0) as usize).min(BINS - 1);
            if let Some(count) = counts.get_mut(bin) {
                *count += 1;
            }
        }
        Series { name: (*name).into(), counts }
    });
    Picture::Histogram { title: title.into(), unit, edges, series: series.collect(), marks }
}

/// How often each of `words` is there, the most frequent first.
pub fn counts<'a>(title: &str, words: impl Iterator<Item = &'a str>) -> Picture {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let mut bars: Vec<Bar> = counts.into_iter().map(|(name, n)| Bar { name: name.into(), value: n as f64 }).collect();
    bars.sort_by(|a, b| b.value.total_cmp(&a.value));
    Picture::Bars { title: title.into(), unit: Unit::Count, bars }
}

/// Shares of 1 side by side; those that cannot be measured are left out.
pub fn shares<N: Into<String>>(title: &str, shares: impl IntoIterator<Item = (N, Option<f64>)>) -> Picture {
    let bars = shares.into_iter().filter_map(|(name, value)| Some(Bar { name: name.into(), value: value? })).collect();
    Picture::Bars { title: title.into(), unit: Unit::Share, bars }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reliability_diagram_has_the_means_of_each_tenth() {
        let Picture::Reliability { bins } = reliability(&[(0.92, true), (0.98, false), (0.1, false), (1.0, true)])
        else {
            panic!("another picture")
        };
        assert_eq!(bins.iter().map(|b| b.count).collect::<Vec<_>>(), [1, 3]);
        assert!((bins[1].right - 2.0 / 3.0).abs() < 1e-9 && (bins[1].confidence - 2.9 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn risk_grows_with_what_is_answered_and_the_dial_stands_where_answers_end() {
        let scored = [(0.9, true), (0.8, true), (0.7, false), (0.7, true), (0.2, false)];
        let Picture::RiskCoverage { points, dial } = risk_coverage(&scored, Some(0.65)) else {
            panic!("another picture")
        };
        let shown: Vec<(f64, f64)> = points.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(shown, [(0.2, 0.0), (0.4, 0.0), (0.8, 0.25), (1.0, 0.4)], "equals are answered together");
        assert_eq!(dial, Some(Point { x: 0.8, y: 0.25 }));
        let Picture::RiskCoverage { dial, .. } = risk_coverage(&scored, Some(0.95)) else { panic!("another picture") };
        assert_eq!(dial, None, "nothing is sure enough");
    }

    #[test]
    fn only_the_worst_cases_keep_their_trace() {
        let mut sheet = Sheet::default();
        sheet.cases(
            (0..100u32)
                .map(|i| Case {
                    id: i.to_string(),
                    badness: f64::from(i % 50),
                    trace: Some(Box::default()),
                    ..Case::default()
                })
                .collect(),
        );
        let traced: Vec<f64> = sheet.cases.iter().filter(|c| c.trace.is_some()).map(|c| c.badness).collect();
        assert_eq!(traced.len(), WORST);
        assert!(traced.iter().all(|b| *b >= 35.0), "{traced:?}");
        assert_eq!(sheet.worst().len(), WORST);
        let mut hidden = sheet.clone();
        hidden.hide_cases();
        assert!(hidden.worst().is_empty() && hidden.cases.iter().all(|c| c.trace.is_none() && !c.id.is_empty()));
        assert!(sheet.worst().iter().all(|c| c.trace.is_some()));
    }

    #[test]
    fn a_report_comes_back_as_it_was_written_and_another_file_is_told() {
        let path = std::env::temp_dir().join(format!("frontdesk-report-{}.json", uuid::Uuid::now_v7()));
        let mut sheet = Sheet::new("answers", "demo", "three questions");
        sheet.group("Retrieval", Unit::Share, &[("hit_at_1", "hit@1", Some(0.5), Better::More)]);
        sheet.pictures = vec![
            reliability(&[(0.5, true)]),
            risk_coverage(&[(0.5, true)], Some(0.1)),
            durations("A turn", vec![10.0, 20.0]),
            counts("Verdicts", ["answer", "answer", "hand_off"].into_iter()),
        ];
        let report = Report::new(vec![sheet], None);
        report.write(&path).unwrap();
        assert_eq!(Report::read(&path).unwrap(), report);
        std::fs::write(&path, "{\"questions\":3}").unwrap();
        let error = Report::read(&path).unwrap_err().to_string();
        assert!(error.contains("not a report") && error.contains("--report"), "{error}");
        std::fs::remove_file(path).unwrap();
    }
}
