//! The memory page: one self-contained HTML file with strength curves, recall, what was learned and why, worst misses.

use std::fmt::Write as _;

use chrono::{DateTime, Duration};
use minijinja::{Environment, Value, context};

use super::{Learned, MemoryReport, Recall};
use crate::{
    memory::{Kind, strength::State},
    platform::{Error, Result},
};

/// The kinds whose strength is drawn.
const DRAWN: [Kind; 5] = [Kind::Name, Kind::City, Kind::Preference, Kind::Order, Kind::Mood];
const COLOURS: [&str; 5] = ["#1f6feb", "#8250df", "#1a7f37", "#bc4c00", "#cf222e"];
/// The picture, in pixels, and the days it shows; on the day in the middle each memory is used once.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const DAYS: i32 = 360;
const USED_ON: i32 = 180;
/// How many learned facts are shown: what is wrong or missed first.
const SHOWN: usize = 60;

/// The page, as text.
pub fn page(report: &MemoryReport) -> Result<String> {
    let sets: Vec<_> = [("LoCoMo", &report.locomo), ("MADial", &report.madial)]
        .into_iter()
        .filter_map(|(name, set)| set.as_ref().map(|set| (name, set)))
        .map(|(name, set)| {
            let mut bars: Vec<Value> = set.by_category.iter().map(|(category, recall)| bar(category, recall)).collect();
            bars.push(bar("all", &set.all));
            bars.push(bar("all, strength left out", &set.without_strength));
            let worst: Vec<Value> = set
                .worst
                .iter()
                .map(|m| context! { question => m.question.as_str(), evidence => m.evidence.join(", ") })
                .collect();
            context! {
                name => name, talks => set.talks, memories => set.memories,
                bars => bars, worst => worst,
                write_p99 => format!("{:.2}", set.write_ms.p99), recall_p99 => format!("{:.2}", set.recall_ms.p99),
            }
        })
        .collect();
    let learned = report.learn.as_ref().map(|learn| {
        let mut all: Vec<&Learned> = learn.learned.iter().collect();
        all.sort_by_key(|l| l.outcome);
        all.truncate(SHOWN);
        let fact = |l: &&Learned| context! { kind => l.kind.as_str(), value => l.value.as_str(), text => l.text.as_str(), outcome => l.outcome.word() };
        let all: Vec<Value> = all.iter().map(fact).collect();
        context! {
            messages => learn.messages, stored => learn.all.stored, labelled => learn.all.labelled,
            all => all,
            truth => format!("{:.1}", learn.all.truth() * 100.0),
            precision => format!("{:.1}", learn.all.precision() * 100.0),
            recall => format!("{:.1}", learn.all.recall() * 100.0),
        }
    });
    let curves: Vec<Value> = DRAWN
        .iter()
        .zip(COLOURS)
        .map(|(kind, colour)| context! { name => kind.label(false), colour => colour, points => curve(*kind) })
        .collect();
    let mut environment = Environment::new();
    // The name ends the way that makes everything that is put in harmless.
    environment.add_template("memory.html", include_str!("memory.html.j2")).map_err(Error::internal)?;
    let template = environment.get_template("memory.html").map_err(Error::internal)?;
    let page = context! {
        version => env!("CARGO_PKG_VERSION"), sets => sets, learned => learned, curves => curves,
        width => WIDTH, height => HEIGHT, days => DAYS, used_on => USED_ON,
    };
    template.render(page).map_err(Error::internal)
}

/// A line of the table: shares in percent at 1, 5, 10 and 20.
fn bar(name: &str, recall: &Recall) -> Value {
    let shares = [recall.at_1, recall.at_5, recall.at_10, recall.at_20].map(|share| format!("{:.1}", share * 100.0));
    context! {
        name => name, questions => recall.questions, shares => shares.to_vec(),
        width => (recall.at_10 * 100.0).round(),
    }
}

/// A line of points: the strength of one of this kind over the days, used once in the middle.
fn curve(kind: Kind) -> String {
    let said_at = DateTime::UNIX_EPOCH;
    let mut state =
        State { importance: kind.importance(), stability: kind.stability(), last_used_at: said_at, is_pinned: false };
    let mut points = String::new();
    for day in 0..=DAYS {
        let now = said_at + Duration::days(day.into());
        if day == USED_ON {
            state = state.used(now);
        }
        let (x, y) = (WIDTH * f64::from(day) / f64::from(DAYS), HEIGHT * (1.0 - state.strength(now)));
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evals::memory::{LearnReport, Miss, Outcome, TalkReport};

    #[test]
    fn the_page_shows_what_was_measured_and_runs_nothing_that_was_said() {
        let worst =
            vec![Miss { id: "7".into(), question: "<script>alert(1)</script>".into(), evidence: vec!["D1:3".into()] }];
        let all = Recall { questions: 9, at_10: 0.751, ..Recall::default() };
        let learned = vec![Learned {
            text: "I live in <b>Ipoh</b>".into(),
            kind: "city".into(),
            value: "Ipoh".into(),
            outcome: Outcome::Right,
        }];
        let report = MemoryReport {
            locomo: Some(TalkReport { all, worst, ..TalkReport::default() }),
            learn: Some(LearnReport { messages: 1, learned, ..LearnReport::default() }),
            ..MemoryReport::default()
        };
        let page = page(&report).unwrap();
        assert!(page.contains("75.1") && page.contains("polyline") && page.contains("lives in"), "{page}");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>Ipoh"), "{page}");
        assert!(!page.contains("http://") && !page.contains("https://"), "self-contained");
    }
}
