//! What memory's measures are on a sheet: recall, how strength fades, what was learned and why, the worst misses.

use chrono::{DateTime, Duration};

use super::{LearnReport, Learned, Outcome, Recall, TalkReport};
use crate::{
    evals::report::{self, Better, Case, Line, Number, Picture, Point, Sheet, Unit},
    memory::{Kind, strength::State},
};

/// The kinds whose strength is drawn.
const DRAWN: [Kind; 5] = [Kind::Name, Kind::City, Kind::Preference, Kind::Order, Kind::Mood];
/// The days that are drawn; on the day in the middle each memory is used once.
const DAYS: i32 = 360;
const USED_ON: i32 = 180;

/// What was recalled of the talks of a set.
pub fn recalled(set: &str, report: &TalkReport, cases: Vec<Case>) -> Sheet {
    let about = format!(
        "{} talks, {} memories; by words and rules alone unless an embedding model is configured.",
        report.talks, report.memories
    );
    let mut sheet = Sheet::new("memory", set, about);
    let of = |recall: &Recall, prefix: &str| {
        [("1", recall.at_1), ("5", recall.at_5), ("10", recall.at_10), ("20", recall.at_20)].map(|(k, value)| Number {
            key: format!("{prefix}recall_at_{k}"),
            name: format!("recall@{k}"),
            group: if prefix.is_empty() { "Recall" } else { "Recall, strength left out" }.into(),
            value: (recall.questions > 0).then_some(value),
            unit: Unit::Share,
            better: if prefix.is_empty() { Better::More } else { Better::Neither },
        })
    };
    sheet.numbers.extend(of(&report.all, ""));
    sheet.numbers.extend(of(&report.without_strength, "plain_"));
    let less = Better::Less;
    let times = [
        ("write_p99_ms", "a write, p99", Some(report.write_ms.p99), less),
        ("recall_p99_ms", "a recall, p99", Some(report.recall_ms.p99), less),
    ];
    sheet.group("Speed", Unit::Milliseconds, &times);
    let kinds = report.by_category.iter().map(|(name, recall)| (name.clone(), Some(recall.at_10)));
    sheet.pictures = vec![report::shares("Recall@10, by kind of question", kinds), fading()];
    sheet.cases(cases);
    sheet
}

/// What became of a question: how far in front its evidence stood.
pub fn question(id: &str, text: &str, evidence: &[String], ranked: &[String]) -> Case {
    let last = evidence.iter().map(|e| ranked.iter().position(|r| r == e)).max_by_key(|at| at.unwrap_or(usize::MAX));
    let (outcome, badness) = match last.flatten() {
        Some(0..10) => ("among the first ten", 0.0),
        Some(_) => ("among the first twenty", 0.0),
        None if evidence.iter().any(|e| ranked.contains(e)) => ("some of it missed", 1.0),
        None => ("missed", 2.0),
    };
    Case {
        id: id.into(),
        text: text.into(),
        outcome: outcome.into(),
        is_right: Some(badness == 0.0),
        expected: evidence.join(", "),
        badness,
        ..Case::default()
    }
}

/// What was learned from labelled messages.
pub fn learned(set: &str, report: &LearnReport) -> Sheet {
    let about = format!(
        "{} messages: {} facts stored, {} labelled; by rules alone.",
        report.messages, report.all.stored, report.all.labelled
    );
    let mut sheet = Sheet::new("learning", set, about);
    let more = Better::More;
    let numbers = [
        ("truth", "of what was stored, a fact of the customer", Some(report.all.truth()), more),
        ("precision", "of what was stored, a fact of that kind", Some(report.all.precision()), more),
        ("recall", "of the labelled facts, stored", Some(report.all.recall()), more),
    ];
    sheet.group("Learning", Unit::Share, &numbers);
    let shares = |of: fn(&super::Learning) -> f64| {
        report.by_language.iter().map(move |(language, learning)| (language.clone(), Some(of(learning))))
    };
    sheet.pictures = vec![
        report::shares("Facts among what was stored, by language", shares(super::Learning::truth)),
        report::shares("Labelled facts that were stored, by language", shares(super::Learning::recall)),
        report::counts("What became of facts", report.learned.iter().map(|l| l.outcome.word())),
    ];
    sheet.cases(report.learned.iter().enumerate().map(|(at, l)| fact(at, l)).collect());
    sheet
}

fn fact(at: usize, learned: &Learned) -> Case {
    Case {
        id: at.to_string(),
        text: learned.text.clone(),
        outcome: learned.outcome.word().into(),
        is_right: Some(learned.outcome == Outcome::Right),
        said: if learned.outcome == Outcome::Missed { String::new() } else { named(learned) },
        expected: if learned.outcome == Outcome::Missed { named(learned) } else { String::new() },
        badness: match learned.outcome {
            Outcome::Wrong => 3.0,
            Outcome::Misfiled => 2.0,
            Outcome::Missed => 1.0,
            Outcome::Right => 0.0,
        },
        ..Case::default()
    }
}

fn named(learned: &Learned) -> String {
    format!("{}: {}", learned.kind, learned.value)
}

/// How the strength of some kinds fades over the days, used once in the middle.
fn fading() -> Picture {
    let lines = DRAWN.iter().map(|kind| Line { name: kind.label(false).into(), points: curve(*kind) });
    Picture::Lines {
        title: "How strength fades (said on day 0, used once on day 180)".into(),
        x: "days".into(),
        y: "strength".into(),
        lines: lines.collect(),
    }
}

fn curve(kind: Kind) -> Vec<Point> {
    let said_at = DateTime::UNIX_EPOCH;
    let mut state =
        State { importance: kind.importance(), stability: kind.stability(), last_used_at: said_at, is_pinned: false };
    let mut points = Vec::new();
    for day in 0..=DAYS {
        let now = said_at + Duration::days(day.into());
        if day == USED_ON {
            state = state.used(now);
        }
        points.push(Point { x: f64::from(day), y: state.strength(now) });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evals::report::Report;

    #[test]
    fn the_sheets_show_what_was_measured() {
        let all = Recall { questions: 9, at_10: 0.751, ..Recall::default() };
        let talks = TalkReport { all, ..TalkReport::default() };
        let ranked = ["D1:1".to_owned(), "D1:2".to_owned()];
        let cases = vec![
            question("7", "<script>alert(1)</script>", &["D1:3".into()], &ranked),
            question("8", "Where?", &["D1:2".into(), "D1:3".into()], &ranked),
            question("9", "When?", &["D1:2".into()], &ranked),
        ];
        let outcomes: Vec<&str> = cases.iter().map(|c| c.outcome.as_str()).collect();
        assert_eq!(outcomes, ["missed", "some of it missed", "among the first ten"]);
        let fact = Learned {
            text: "I live in <b>Ipoh</b>".into(),
            kind: "city".into(),
            value: "Ipoh".into(),
            outcome: Outcome::Misfiled,
        };
        let learn = LearnReport { messages: 1, learned: vec![fact], ..LearnReport::default() };
        let report = Report::new(vec![recalled("talks", &talks, cases), learned("messages", &learn)], None);
        let path = std::env::temp_dir().join(format!("frontdesk-memory-{}.html", uuid::Uuid::now_v7()));
        report.write_page(&path, None).unwrap();
        let page = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        assert!(page.contains("75.1 %") && page.contains("polyline") && page.contains("lives in"), "{page}");
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains("<b>Ipoh"), "{page}");
        assert!(page.contains("city: Ipoh"));
    }
}
