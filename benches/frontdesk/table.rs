//! Rows of what was measured beside what must be.

use std::time::Duration;

/// Times, of which the median and the tail are told.
pub struct Percentiles(Vec<Duration>);

impl Percentiles {
    pub fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        Self(took)
    }

    /// In milliseconds; `share` as 0.99.
    pub fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = ((self.0.len() as f64 * share).ceil() as usize).saturating_sub(1).min(last);
        self.0.get(place).map_or(f64::NAN, |d| d.as_secs_f64() * 1e3)
    }

    pub fn p50(&self) -> f64 {
        self.at(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.at(0.99)
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "p50 {} / p99 {} ms", short(self.p50()), short(self.p99()))
    }
}

/// Three digits that say something.
pub fn short(n: f64) -> String {
    match n.abs() {
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}

/// One number that the issue sets a mark for.
#[derive(Clone, Copy)]
pub struct Mark {
    pub measured: f64,
    pub must: f64,
    pub reach: f64,
    pub less_is_better: bool,
}

impl Mark {
    pub fn at_most(measured: f64, must: f64, reach: f64) -> Self {
        Self { measured, must, reach, less_is_better: true }
    }

    pub fn at_least(measured: f64, must: f64, reach: f64) -> Self {
        Self { measured, must, reach, less_is_better: false }
    }

    fn passes(&self, mark: f64) -> bool {
        if self.less_is_better { self.measured <= mark } else { self.measured >= mark }
    }
}

pub struct Row {
    pub what: String,
    pub measured: String,
    /// Empty for a number that is only told.
    pub marks: Vec<Mark>,
    pub unit: &'static str,
    pub load: f64,
    pub others: f64,
}

impl Row {
    pub fn new(what: impl Into<String>, measured: impl Into<String>, unit: &'static str, marks: Vec<Mark>) -> Self {
        Self { what: what.into(), measured: measured.into(), marks, unit, load: 0.0, others: 0.0 }
    }

    fn wanted(&self, of: impl Fn(&Mark) -> f64) -> String {
        let plain = |n: f64| if n.fract() == 0.0 { format!("{n:.0}") } else { n.to_string() };
        let numbers: Vec<String> = self.marks.iter().map(|m| plain(of(m))).collect();
        if numbers.is_empty() { String::new() } else { format!("{} {}", numbers.join(" / "), self.unit) }
    }

    fn verdict(&self) -> &'static str {
        match &self.marks[..] {
            [] => "",
            marks if marks.iter().all(|m| m.passes(m.reach)) => "reach",
            marks if marks.iter().all(|m| m.passes(m.must)) => "must",
            _ => "MISSED",
        }
    }
}

/// Prints the table; columns are as wide as what stands in them.
pub fn print(rows: &[Row]) {
    let mut lines = vec![["what", "measured", "must", "reach", "meets", "load", "others"].map(String::from)];
    lines.extend(rows.iter().map(|r| {
        let (load, others) = (format!("{:.1}", r.load), format!("{:.0} %", r.others * 100.0));
        [
            r.what.clone(),
            r.measured.clone(),
            r.wanted(|m| m.must),
            r.wanted(|m| m.reach),
            r.verdict().into(),
            load,
            others,
        ]
    }));
    let width =
        |column: usize| lines.iter().filter_map(|l| l.get(column)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(text, width)| format!("{text:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
