//! How each picture looks, with the earlier run behind it where there is one.

use super::{
    Bar, Bin, Line, Picture, Point, Series, Unit,
    svg::{Anchor, Plot, Svg},
};

/// Pixels of a diagram with two axes.
const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 300.0;
/// The inside of its frame: room for the values beside and below it.
const FRAME: (f64, f64, f64, f64) = (46.0, 34.0, 444.0, 252.0);
/// Pixels of a named bar, of the names before it, and how much of a name is shown.
const BAR: f64 = 24.0;
const NAMES: f64 = 176.0;
const NAME: usize = 26;
/// Colours of series there are; see the page's style sheet.
const COLOURS: usize = 6;

/// A picture that was drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    pub title: String,
    pub svg: String,
    /// What colours mean, as (class of the colour, name).
    pub key: Vec<(String, String)>,
    /// How to read it.
    pub note: &'static str,
}

/// Draws a picture, over the same one of the run before.
pub fn picture(now: &Picture, before: Option<&Picture>) -> Drawn {
    let mut drawn = match (now, before) {
        (Picture::Reliability { bins }, before) => {
            let before = match before {
                Some(Picture::Reliability { bins }) => bins.as_slice(),
                _ => &[],
            };
            reliability(bins, before)
        }
        (Picture::RiskCoverage { points, dial }, before) => {
            let before = match before {
                Some(Picture::RiskCoverage { points, .. }) => points.as_slice(),
                _ => &[],
            };
            risk_coverage(points, *dial, before)
        }
        (Picture::Bars { title, unit, bars }, before) => {
            let before = match before {
                Some(Picture::Bars { bars, .. }) => bars.as_slice(),
                _ => &[],
            };
            named_bars(title, *unit, bars, before)
        }
        (Picture::Histogram { title, unit, edges, series, marks }, _) => histogram(title, *unit, edges, series, marks),
        (Picture::Lines { title, x, y, lines: all }, _) => lines(title, x, y, all),
    };
    let is_behind = before.is_some_and(|b| std::mem::discriminant(b) == std::mem::discriminant(now));
    if is_behind && !matches!(now, Picture::Histogram { .. } | Picture::Lines { .. }) {
        drawn.key.push(("before".into(), "before".into()));
    }
    drawn
}

/// The picture of the run before that shows the same as the `at`-th of `now`.
pub fn counterpart<'a>(now: &Picture, before: &'a [Picture]) -> Option<&'a Picture> {
    before.iter().find(|b| match (now, b) {
        (Picture::Bars { title, .. }, Picture::Bars { title: other, .. }) => title == other,
        (Picture::Bars { .. } | Picture::Histogram { .. } | Picture::Lines { .. }, _) => false,
        (now, b) => std::mem::discriminant(now) == std::mem::discriminant(*b),
    })
}

/// A value with its unit, for people.
pub fn worded(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Count => format!("{value:.0}"),
        Unit::Milliseconds if value >= 100.0 => format!("{value:.0} ms"),
        Unit::Milliseconds => format!("{value:.2} ms"),
        Unit::PerSecond => format!("{value:.0}/s"),
    }
}

fn percent(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

fn reliability(bins: &[Bin], before: &[Bin]) -> Drawn {
    let plot = Plot { frame: FRAME, x: (0.0, 1.0), y: (0.0, 1.0) };
    let mut svg = Svg::new(WIDTH, HEIGHT, "Reliability: said confidence against the share that was right");
    plot.axes(&mut svg, ("said confidence", &percent), ("share that was right", &percent));
    svg.line(plot.at(0.0, 0.0), plot.at(1.0, 1.0), "ideal");
    let all: usize = bins.iter().map(|b| b.count).sum();
    for bin in bins {
        // The gap between what was said and what was so.
        svg.line(plot.at(bin.confidence, bin.confidence), plot.at(bin.confidence, bin.right), "gap");
    }
    if !before.is_empty() {
        svg.path(before.iter().map(|b| plot.at(b.confidence, b.right)), "line before");
    }
    svg.path(bins.iter().map(|b| plot.at(b.confidence, b.right)), "line s1");
    for bin in bins {
        let radius = 3.0 + 9.0 * (bin.count as f64 / all.max(1) as f64).sqrt();
        let hint = format!("said {}, right {}, {} questions", percent(bin.confidence), percent(bin.right), bin.count);
        svg.dot(plot.at(bin.confidence, bin.right), radius, "dot s1", &hint);
    }
    Drawn {
        title: "Reliability".into(),
        svg: svg.finish(),
        key: vec![("ideal".into(), "what is said is so".into())],
        note: "A dot is a tenth of confidence, as large as it has questions. Below the line it was too sure, above it too timid.",
    }
}

fn risk_coverage(points: &[Point], dial: Option<Point>, before: &[Point]) -> Drawn {
    let most = points.iter().chain(before).map(|p| p.y).fold(0.05, f64::max);
    let plot = Plot { frame: FRAME, x: (0.0, 1.0), y: (0.0, (most * 1.1).min(1.0)) };
    let mut svg =
        Svg::new(WIDTH, HEIGHT, "Risk and coverage: share answered against the share wrong among the answers");
    plot.axes(
        &mut svg,
        ("share of the questions answered, the surest first", &percent),
        ("wrong among them", &percent),
    );
    if !before.is_empty() {
        svg.path(before.iter().map(|p| plot.at(p.x, p.y)), "line before");
    }
    svg.path(points.iter().map(|p| plot.at(p.x, p.y)), "line s1");
    let mut key = Vec::new();
    if let Some(dial) = dial {
        let at = plot.at(dial.x, dial.y);
        svg.line((at.0, FRAME.3), at, "mark");
        svg.line((FRAME.0, at.1), at, "mark");
        let said = format!("{} answered, {} wrong", percent(dial.x), worded(dial.y, Unit::Share));
        svg.dot(at, 5.0, "dot s5", &said);
        key.push(("s5".into(), format!("the risk dial: {said}")));
    }
    Drawn {
        title: "Risk and coverage".into(),
        svg: svg.finish(),
        key,
        note: "The lower the curve, the better confidence tells right from wrong.",
    }
}

fn named_bars(title: &str, unit: Unit, bars: &[Bar], before: &[Bar]) -> Drawn {
    let most = match unit {
        Unit::Share => 1.0,
        _ => bars.iter().chain(before).map(|b| b.value).fold(1e-9, f64::max),
    };
    let room = WIDTH - NAMES - 66.0;
    let mut svg = Svg::new(WIDTH, BAR * bars.len().max(1) as f64 + 6.0, title);
    for (at, bar) in bars.iter().enumerate() {
        let top = 3.0 + BAR * at as f64;
        svg.text((NAMES - 8.0, top + 16.0), Anchor::End, "label", &shortened(&bar.name, NAME));
        let hint = format!("{}: {}", bar.name, worded(bar.value, unit));
        svg.bar((NAMES, top + 3.0), (room, BAR - 8.0), "track", "");
        svg.bar((NAMES, top + 3.0), (room * bar.value / most, BAR - 8.0), "fill s1", &hint);
        let then = before.iter().find(|b| b.name == bar.name);
        if let Some(then) = then {
            let x = NAMES + room * then.value / most;
            svg.line((x, top + 1.0), (x, top + BAR - 3.0), "was");
        }
        svg.text((WIDTH - 2.0, top + 16.0), Anchor::End, "value", &worded(bar.value, unit));
    }
    Drawn { title: title.into(), svg: svg.finish(), key: Vec::new(), note: "" }
}

fn histogram(title: &str, unit: Unit, edges: &[f64], series: &[Series], marks: &[(String, f64)]) -> Drawn {
    let ends = (edges.first().copied().unwrap_or(0.0), edges.last().copied().unwrap_or(1.0));
    let most = series.iter().flat_map(|s| s.counts.iter().copied()).max().unwrap_or(0).max(1);
    let plot = Plot { frame: FRAME, x: ends, y: (0.0, most as f64 * 1.08) };
    let on_axis = |value: f64| match unit {
        Unit::Milliseconds if ends.1 < 10.0 => format!("{value:.1} ms"),
        Unit::Milliseconds => format!("{value:.0} ms"),
        Unit::Share => percent(value),
        _ => format!("{value:.0}"),
    };
    let mut svg = Svg::new(WIDTH, HEIGHT, title);
    plot.axes(&mut svg, ("", &on_axis), ("how many", &|v| format!("{v:.0}")));
    for (number, one) in series.iter().enumerate() {
        for (range, count) in edges.windows(2).zip(&one.counts) {
            let &[from, to] = range else { continue };
            let ((left, top), (right, bottom)) = (plot.at(from, *count as f64), plot.at(to, 0.0));
            // Several series stand side by side within a bin.
            let width = (right - left - 1.0) / series.len() as f64;
            let hint = format!("{} to {}: {count}", worded(from, unit), worded(to, unit));
            svg.bar((left + width * number as f64, top), (width, bottom - top), &colour("fill", number), &hint);
        }
    }
    for (level, (name, value)) in marks.iter().enumerate() {
        let (x, _) = plot.at(*value, 0.0);
        svg.line((x, FRAME.1), (x, FRAME.3), "mark");
        // At the right edge the words stand before their mark; each a line lower, so that close ones stay legible.
        let (side, anchor) = if x > WIDTH * 0.7 { (-4.0, Anchor::End) } else { (4.0, Anchor::Start) };
        let at = (x + side, FRAME.1 + 10.0 + 15.0 * level as f64);
        svg.text(at, anchor, "label", &format!("{name} {}", worded(*value, unit)));
    }
    let named = series.iter().enumerate().filter(|(_, s)| !s.name.is_empty());
    Drawn {
        title: title.into(),
        svg: svg.finish(),
        key: named.map(|(number, s)| (colour("", number).trim().to_owned(), s.name.clone())).collect(),
        note: match unit {
            Unit::Milliseconds => "The last bar holds whatever took longer.",
            _ => "",
        },
    }
}

fn lines(title: &str, x: &str, y: &str, all: &[Line]) -> Drawn {
    let points = || all.iter().flat_map(|l| &l.points);
    let ends = points().fold((f64::MAX, f64::MIN), |(least, most), p| (least.min(p.x), most.max(p.x)));
    let plot = Plot { frame: FRAME, x: if points().next().is_some() { ends } else { (0.0, 1.0) }, y: (0.0, 1.0) };
    let mut svg = Svg::new(WIDTH, HEIGHT, title);
    plot.axes(&mut svg, (x, &|v| format!("{v:.0}")), (y, &|v| format!("{v:.1}")));
    for (number, line) in all.iter().enumerate() {
        svg.path(line.points.iter().map(|p| plot.at(p.x, p.y)), &colour("line", number));
    }
    let key = all.iter().enumerate().map(|(number, l)| (colour("", number).trim().to_owned(), l.name.clone()));
    Drawn { title: title.into(), svg: svg.finish(), key: key.collect(), note: "" }
}

/// The class of the `number`-th series.
fn colour(shape: &str, number: usize) -> String {
    format!("{shape} s{}", number % COLOURS + 1)
}

/// `text` with at most `most` characters; a Chinese one takes the room of two.
pub fn shortened(text: &str, most: usize) -> String {
    let mut taken = 0;
    let mut short = String::new();
    for c in text.chars() {
        taken += if c.is_ascii() { 1 } else { 2 };
        if taken > most {
            short.push('…');
            break;
        }
        short.push(c);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evals::report;

    fn drawn(now: &Picture, before: Option<&Picture>) -> String {
        picture(now, before).svg
    }

    #[test]
    fn the_run_before_is_drawn_behind() {
        let (now, then) = (report::reliability(&[(0.9, true), (0.1, false)]), report::reliability(&[(0.8, false)]));
        assert!(!drawn(&now, None).contains("before"));
        assert!(drawn(&now, Some(&then)).contains("line before"));
        let bars = |value| report::shares("Recall", [("@1", Some(value))]);
        assert!(drawn(&bars(0.5), Some(&bars(0.25))).contains("was"));
        assert!(picture(&bars(0.5), Some(&bars(0.25))).key.iter().any(|(class, _)| class == "before"));
        assert_eq!(counterpart(&bars(0.5), &[now.clone(), bars(0.25)]), Some(&bars(0.25)));
        assert_eq!(counterpart(&report::shares("Other", [("@1", Some(0.1))]), &[bars(0.25)]), None);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        let room = WIDTH - NAMES - 66.0;
        let svg = drawn(&report::shares("Recall", [("half", Some(0.5)), ("unknown", None)]), None);
        assert!(svg.contains(&format!(r#"width="{:.1}""#, room / 2.0)) && svg.contains("50.0 %"), "{svg}");
        assert!(!svg.contains("unknown"), "what cannot be measured is not drawn");
    }

    #[test]
    fn pictures_of_nothing_are_drawn_too() {
        for empty in [
            report::reliability(&[]),
            report::risk_coverage(&[], Some(0.5)),
            report::durations("A turn", Vec::new()),
            report::counts("Verdicts", std::iter::empty()),
            Picture::Lines { title: String::new(), x: String::new(), y: String::new(), lines: Vec::new() },
        ] {
            let svg = drawn(&empty, None);
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN"), "{svg}");
        }
    }

    #[test]
    fn long_names_are_cut_where_their_room_ends() {
        assert_eq!(shortened("abcdef", 4), "abcd…");
        assert_eq!(shortened("退货期限", 6), "退货期…");
        assert_eq!(shortened("short", 10), "short");
    }
}
