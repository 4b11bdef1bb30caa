//! A little SVG: shapes with classes that the page's style sheet colours, so that a picture follows its theme; and a plot
//! that turns values into pixels. Everything that is put in is escaped.

use std::fmt::Write as _;

/// A picture under construction. Coordinates are pixels of its view box, from the top left.
pub struct Svg {
    body: String,
    width: f64,
    height: f64,
    label: String,
}

/// Where a text stands in relation to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// An empty picture; `label` says what it shows to who cannot see it.
    pub fn new(width: f64, height: f64, label: &str) -> Self {
        Self { body: String::new(), width, height, label: label.into() }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = write!(self.body, r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#);
    }

    /// A line through points.
    pub fn path(&mut self, points: impl Iterator<Item = (f64, f64)>, class: &str) {
        let points: String = points.fold(String::new(), |mut text, (x, y)| {
            let _ = write!(text, "{x:.1},{y:.1} ");
            text
        });
        let _ = write!(self.body, r#"<polyline class="{class}" points="{}"/>"#, points.trim_end());
    }

    /// A filled box; `hint` is shown to who points at it.
    pub fn bar(&mut self, at: (f64, f64), size: (f64, f64), class: &str, hint: &str) {
        let ((x, y), (width, height)) = (at, (size.0.max(0.0), size.1.max(0.0)));
        let _ = write!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="1.5">{}</rect>"#,
            title(hint)
        );
    }

    /// A dot; `hint` is shown to who points at it.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, class: &str, hint: &str) {
        let _ = write!(
            self.body,
            r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="{radius:.1}">{}</circle>"#,
            at.0,
            at.1,
            title(hint)
        );
    }

    /// A line of text, its baseline at `at`.
    pub fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.body,
            r#"<text class="{class}" x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            at.0,
            at.1,
            escaped(text)
        );
    }

    /// The picture, to be put into a page.
    pub fn finish(self) -> String {
        format!(
            r#"<svg viewBox="0 0 {:.0} {:.0}" role="img" aria-label="{}">{}</svg>"#,
            self.width,
            self.height,
            escaped(&self.label),
            self.body
        )
    }
}

fn title(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(hint)) }
}

/// Text that stands for itself wherever it is put.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML takes no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// The inside of a diagram: values in, pixels out.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// Left, top, right and bottom edge, in pixels.
    pub frame: (f64, f64, f64, f64),
    /// The least and the greatest value of each axis.
    pub x: (f64, f64),
    pub y: (f64, f64),
}

impl Plot {
    /// The pixel of a value; values beyond the axes stand on their edge.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (left, top, right, bottom) = self.frame;
        let share = |value: f64, (from, to): (f64, f64)| ((value - from) / (to - from).max(1e-12)).clamp(0.0, 1.0);
        (left + (right - left) * share(x, self.x), bottom - (bottom - top) * share(y, self.y))
    }

    /// Draws the grid with values on both axes, and what they mean.
    pub fn axes(&self, svg: &mut Svg, x: (&str, &dyn Fn(f64) -> String), y: (&str, &dyn Fn(f64) -> String)) {
        let (left, top, right, bottom) = self.frame;
        for value in ticks(self.y) {
            let at = self.at(self.x.0, value).1;
            svg.line((left, at), (right, at), "grid");
            svg.text((left - 6.0, at + 4.0), Anchor::End, "tick", &y.1(value));
        }
        for value in ticks(self.x) {
            let at = self.at(value, self.y.0).0;
            svg.line((at, bottom), (at, bottom + 4.0), "axis");
            svg.text((at, bottom + 16.0), Anchor::Middle, "tick", &x.1(value));
        }
        svg.line((left, bottom), (right, bottom), "axis");
        svg.text((f64::midpoint(left, right), bottom + 33.0), Anchor::Middle, "name", x.0);
        // Above the axis instead of turned beside it: it can be read without tilting the head.
        svg.text((left - 34.0, top - 10.0), Anchor::Start, "name", y.0);
    }
}

/// Four to six round values within a range.
pub fn ticks((from, to): (f64, f64)) -> Vec<f64> {
    let span = (to - from).max(1e-12);
    let rough = span / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough - 1e-12).unwrap_or(rough);
    let first = (from / step - 1e-9).ceil() as i64;
    (first..).map(|i| i as f64 * step).take_while(|v| *v <= to + step * 1e-6).take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_drawn_leaves_its_element() {
        let mut svg = Svg::new(10.0, 10.0, "a \"label\"");
        svg.text((0.0, 0.0), Anchor::Start, "tick", "</text><script>alert(1)</script>\u{0}");
        svg.bar((0.0, 0.0), (5.0, -5.0), "bar", "<b>&'");
        let drawn = svg.finish();
        assert!(!drawn.contains("<script>") && !drawn.contains("<b>") && !drawn.contains('\u{0}'), "{drawn}");
        assert!(drawn.contains("&lt;script&gt;") && drawn.contains("a &quot;label&quot;"), "{drawn}");
        assert!(drawn.contains(r#"height="0.0""#), "no box is less than nothing: {drawn}");
    }

    #[test]
    fn values_find_their_pixels_and_stay_within_the_frame() {
        let plot = Plot { frame: (10.0, 20.0, 110.0, 220.0), x: (0.0, 1.0), y: (0.0, 0.5) };
        assert_eq!(plot.at(0.0, 0.0), (10.0, 220.0));
        assert_eq!(plot.at(0.5, 0.25), (60.0, 120.0));
        assert_eq!(plot.at(2.0, 9.0), (110.0, 20.0));
    }

    #[test]
    fn ticks_are_round_and_within() {
        let rounded = |range| ticks(range).iter().map(|v| (v * 1000.0).round() / 1000.0).collect::<Vec<_>>();
        assert_eq!(rounded((0.0, 1.0)), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(rounded((0.0, 37.0)), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(rounded((0.0, 0.24)), [0.0, 0.05, 0.1, 0.15, 0.2]);
        assert_eq!(ticks((0.0, 0.0)).len(), 1);
    }
}
