//! The page: one file with everything in it, no script, in light and dark, that works without a network.

use minijinja::{Environment, Value, context};

use super::{
    Better, Case, Number, Report, Sheet, Shown, compare,
    draw::{self, worded},
};
use crate::platform::{Error, Result};

/// How many changed cases are shown.
const CHANGED: usize = 100;
/// How much of a text is shown where many stand below one another.
const TEXT: usize = 320;

/// The page of `now`, beside `before` where a suite ran on the same set.
pub fn page(now: &Report, before: Option<&Report>) -> Result<String> {
    let mut environment = Environment::new();
    // The name ends the way that makes everything that is put in harmless.
    environment.add_template("report.html", include_str!("report.html.j2")).map_err(Error::internal)?;
    let template = environment.get_template("report.html").map_err(Error::internal)?;
    let made_at = |report: &Report| report.made_at.map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string());
    let sheets: Vec<Value> = now
        .sheets
        .iter()
        .enumerate()
        .map(|(number, sheet)| shown_sheet(number, sheet, compare::counterpart(before, sheet)))
        .collect();
    let page = context! {
        version => &now.version, made_at => made_at(now), sheets => sheets,
        before => before.map(|b| context! { version => &b.version, made_at => made_at(b) }),
    };
    template.render(page).map_err(Error::internal)
}

fn shown_sheet(number: usize, sheet: &Sheet, before: Option<&Sheet>) -> Value {
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for number in &sheet.numbers {
        let row = shown_number(number, before);
        match groups.iter_mut().find(|(group, _)| *group == number.group) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((&number.group, vec![row])),
        }
    }
    let groups: Vec<Value> = groups.into_iter().map(|(name, rows)| context! { name, rows }).collect();
    let earlier = before.map(|b| b.pictures.as_slice()).unwrap_or_default();
    let pictures: Vec<Value> = sheet
        .pictures
        .iter()
        .map(|picture| {
            let drawn = draw::picture(picture, draw::counterpart(picture, earlier));
            let key: Vec<Value> = drawn.key.iter().map(|(class, name)| context! { class, name }).collect();
            context! { title => drawn.title, note => drawn.note, key, svg => Value::from_safe_string(drawn.svg) }
        })
        .collect();
    let outcomes: Vec<Value> =
        sheet.outcomes().into_iter().map(|(outcome, count)| context! { outcome, count }).collect();
    let worst: Vec<Value> = sheet.worst().into_iter().map(shown_case).collect();
    context! {
        id => format!("s{number}"), suite => &sheet.suite, set => &sheet.set, about => &sheet.about,
        groups, pictures, outcomes, cases => sheet.cases.len(), worst,
        changed => before.map(|b| changed(sheet, b)), has_before => before.is_some(),
        has_numbers_before => before.is_some_and(|b| !b.numbers.is_empty()),
    }
}

fn shown_number(number: &Number, before: Option<&Sheet>) -> Value {
    let compared = before.and_then(|b| compare::number(number, b));
    let (before, difference, moved) = match compared {
        Some((then, difference, moved)) => {
            let sign = if difference > 0.0 { "+" } else { "−" };
            let difference = match moved {
                compare::Moved::Same => "±0".to_owned(),
                _ => format!("{sign}{}", points(difference.abs(), number)),
            };
            (Some(worded(then, number.unit)), Some(difference), moved.word())
        }
        None => (None, None, ""),
    };
    let arrow = match number.better {
        Better::More => "↑",
        Better::Less => "↓",
        Better::Neither => "",
    };
    context! {
        name => &number.name, value => number.value.map(|v| worded(v, number.unit)), before, difference, moved, arrow,
    }
}

/// A difference: shares in percentage points.
fn points(difference: f64, number: &Number) -> String {
    match number.unit {
        super::Unit::Share => format!("{:.1}", difference * 100.0),
        unit => worded(difference, unit),
    }
}

fn changed(now: &Sheet, before: &Sheet) -> Value {
    let (all, alone) = compare::cases(now, before);
    let of = |moved: compare::Moved| all.iter().filter(|c| c.moved == moved).count();
    let rows: Vec<Value> = all
        .iter()
        .take(CHANGED)
        .map(|c| {
            let of = |case: &Case| {
                context! { outcome => &case.outcome, said => draw::shortened(&case.said, TEXT), confidence => sureness(case) }
            };
            context! {
                id => &c.now.id, text => draw::shortened(&c.now.text, TEXT), moved => c.moved.word(),
                before => of(c.before), now => of(c.now),
            }
        })
        .collect();
    context! {
        rows, count => all.len(), alone,
        worse => of(compare::Moved::Worse), better => of(compare::Moved::Better),
        otherwise => of(compare::Moved::Otherwise),
    }
}

fn sureness(case: &Case) -> Option<String> {
    case.confidence.map(|c| format!("{:.0} %", c * 100.0))
}

fn shown_case(case: &Case) -> Value {
    context! {
        id => &case.id, text => &case.text, outcome => &case.outcome, said => &case.said, expected => &case.expected,
        confidence => sureness(case), trace => case.trace.as_deref().map(shown_trace),
    }
}

fn shown_trace(trace: &Shown) -> Value {
    let considered: Vec<Value> =
        trace.considered.iter().map(|(text, worth)| context! { text, worth => format!("{worth:.2}") }).collect();
    let evidence: Vec<Value> = trace
        .evidence
        .iter()
        .map(|e| {
            context! { title => &e.title, text => &e.text, score => format!("{:.2}", e.score), is_relevant => e.is_relevant }
        })
        .collect();
    let scores: Vec<Value> =
        trace.scores.iter().map(|(name, value)| context! { name, value => format!("{value:.2}") }).collect();
    let proof: Vec<Value> =
        trace.proof.iter().map(|s| context! { text => &s.text, cites => &s.cites, unproven => &s.unproven }).collect();
    context! {
        searched => &trace.searched, considered, evidence, scores, proof, verdict => &trace.verdict,
        threshold => trace.threshold.map(|t| format!("{:.0} %", t * 100.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evals::report::{ShownEvidence, ShownSentence, Unit, reliability, shares};

    fn sheet(hit: f64, outcome: &str, is_right: bool) -> Sheet {
        let mut sheet = Sheet::new("answers", "demo", "What was asked");
        sheet.group("Retrieval", Unit::Share, &[("hit_at_1", "hit@1", Some(hit), Better::More)]);
        sheet.pictures = vec![reliability(&[(0.9, true)]), shares("Recall", [("@1", Some(hit))])];
        let trace = Shown {
            searched: Some("warranty of the <Alto>".into()),
            evidence: vec![ShownEvidence {
                title: "Warranty".into(),
                text: "</details><script>alert(1)</script>".into(),
                score: 4.2,
                is_relevant: Some(false),
            }],
            proof: vec![ShownSentence {
                text: "It is free for ever".into(),
                cites: Vec::new(),
                unproven: vec!["promise: for ever".into()],
            }],
            verdict: "hand_off: unproven".into(),
            ..Shown::default()
        };
        sheet.cases(vec![Case {
            id: "q7".into(),
            text: "How long is the <b>warranty</b>?".into(),
            outcome: outcome.into(),
            is_right: Some(is_right),
            said: "Two years".into(),
            badness: 1.0,
            trace: Some(Box::new(trace)),
            ..Case::default()
        }]);
        sheet
    }

    #[test]
    fn the_page_needs_nothing_but_itself_and_runs_nothing_that_was_said() {
        let report = Report::new(vec![sheet(0.5, "answered wrongly", false)], None);
        let page = page(&report, None).unwrap();
        for foreign in ["http://", "https://", "<script", "<b>warranty", "src=", "<link", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        for shown in [
            "50.0 %",
            "&lt;script&gt;",
            "How long is the &lt;b&gt;warranty&lt;",
            "Warranty",
            "promise: for ever",
            "hand_off: unproven",
            "<svg",
            "default-src 'none'",
            "prefers-color-scheme: dark",
        ] {
            assert!(page.contains(shown), "{shown} is missing");
        }
        assert!(!page.contains("Difference"), "nothing to compare with");
    }

    #[test]
    fn the_run_before_stands_beside() {
        let before = Report::new(vec![sheet(0.5, "answered wrongly", false)], None);
        let now = Report::new(vec![sheet(0.75, "answered rightly", true), Sheet::new("proof", "new", "")], None);
        let page = page(&now, Some(&before)).unwrap();
        for shown in ["+25.0", "class=\"better\"", "answered wrongly", "answered rightly", "What changed", "Difference"]
        {
            assert!(page.contains(shown), "{shown} is missing");
        }
        assert!(page.contains("no earlier run of this suite"), "the new suite has nothing beside it");
    }
}
