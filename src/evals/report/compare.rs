//! One run beside the one before: which numbers moved, which cases came out otherwise. Pure.

use std::collections::HashMap;

use super::{Better, Case, Number, Report, Sheet, Unit};

/// The sheet of the same suite on the same set.
pub fn counterpart<'a>(before: Option<&'a Report>, sheet: &Sheet) -> Option<&'a Sheet> {
    before?.sheets.iter().find(|b| b.suite == sheet.suite && b.set == sheet.set)
}

/// Whether a change is for the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    Worse,
    /// Otherwise, and nobody can say whether that is better.
    Otherwise,
    Better,
    Same,
}

impl Moved {
    /// For the page's classes and words.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Otherwise => "otherwise",
            Self::Better => "better",
            Self::Same => "same",
        }
    }
}

/// Differences below this are rounding.
const EQUAL: f64 = 1e-9;
/// Times that differ by a smaller share than this are the same machine on another day.
const NOISE: f64 = 0.1;

/// The value before, and how the number moved since; `None` if it was not measured then.
pub fn number(now: &Number, before: &Sheet) -> Option<(f64, f64, Moved)> {
    let then = before.numbers.iter().find(|n| n.key == now.key)?.value?;
    let difference = now.value? - then;
    let moved = match (now.better, difference) {
        (_, d) if d.abs() < EQUAL => Moved::Same,
        (Better::Neither, _) => Moved::Otherwise,
        (_, d) if matches!(now.unit, Unit::Milliseconds | Unit::PerSecond) && d.abs() < then.abs() * NOISE => {
            Moved::Otherwise
        }
        (Better::More, d) if d > 0.0 => Moved::Better,
        (Better::Less, d) if d < 0.0 => Moved::Better,
        (Better::More | Better::Less, _) => Moved::Worse,
    };
    Some((then, difference, moved))
}

/// A case that came out otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Changed<'a> {
    pub before: &'a Case,
    pub now: &'a Case,
    pub moved: Moved,
}

/// The cases that both runs have and that came out otherwise, what got worse first; and how many cases only one has.
pub fn cases<'a>(now: &'a Sheet, before: &'a Sheet) -> (Vec<Changed<'a>>, usize) {
    let then: HashMap<&str, &Case> = before.cases.iter().map(|c| (c.id.as_str(), c)).collect();
    let mut changed: Vec<Changed<'_>> = Vec::new();
    let mut shared = 0;
    for case in &now.cases {
        let Some(old) = then.get(case.id.as_str()) else { continue };
        shared += 1;
        let moved = match (old.is_right, case.is_right) {
            (Some(true), Some(false)) => Moved::Worse,
            (Some(false), Some(true)) => Moved::Better,
            _ if old.outcome != case.outcome || old.said != case.said => Moved::Otherwise,
            _ => continue,
        };
        changed.push(Changed { before: old, now: case, moved });
    }
    changed.sort_by_key(|c| c.moved);
    (changed, now.cases.len() + before.cases.len() - 2 * shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, outcome: &str, is_right: Option<bool>, said: &str) -> Case {
        Case { id: id.into(), outcome: outcome.into(), is_right, said: said.into(), ..Case::default() }
    }

    #[test]
    fn what_got_worse_stands_first_and_what_stayed_is_left_out() {
        let before = Sheet {
            cases: vec![
                case("same", "right", Some(true), "5 days"),
                case("better", "wrong", Some(false), "6 days"),
                case("worse", "right", Some(true), "5 days"),
                case("reworded", "right", Some(true), "5 days"),
                case("gone", "right", Some(true), ""),
            ],
            ..Sheet::default()
        };
        let now = Sheet {
            cases: vec![
                case("same", "right", Some(true), "5 days"),
                case("better", "right", Some(true), "5 days"),
                case("worse", "missed", Some(false), ""),
                case("reworded", "right", Some(true), "Five days"),
                case("new", "right", Some(true), ""),
            ],
            ..Sheet::default()
        };
        let (changed, alone) = cases(&now, &before);
        let shown: Vec<(&str, Moved)> = changed.iter().map(|c| (c.now.id.as_str(), c.moved)).collect();
        assert_eq!(shown, [("worse", Moved::Worse), ("reworded", Moved::Otherwise), ("better", Moved::Better)]);
        assert_eq!(alone, 2);
    }

    #[test]
    fn a_number_knows_which_way_is_better() {
        let of = |better, value| {
            let mut sheet = Sheet::default();
            sheet.group("g", Unit::Share, &[("k", "K", value, better)]);
            sheet
        };
        let moved = |better, then, now| {
            number(&of(better, Some(now)).numbers[0], &of(better, Some(then))).map(|(_, _, moved)| moved)
        };
        assert_eq!(moved(Better::More, 0.5, 0.6), Some(Moved::Better));
        assert_eq!(moved(Better::Less, 0.5, 0.6), Some(Moved::Worse));
        assert_eq!(moved(Better::Neither, 1.0, 2.0), Some(Moved::Otherwise));
        assert_eq!(moved(Better::More, 0.1 + 0.2, 0.3), Some(Moved::Same), "rounding is no change");
        assert_eq!(number(&of(Better::More, Some(0.5)).numbers[0], &of(Better::More, None)), None);
        let slower = |now: f64| {
            let of = |value| Number { unit: Unit::Milliseconds, ..of(Better::Less, Some(value)).numbers[0].clone() };
            number(&of(now), &Sheet { numbers: vec![of(20.0)], ..Sheet::default() }).unwrap().2
        };
        assert_eq!((slower(21.0), slower(30.0)), (Moved::Otherwise, Moved::Worse));
    }
}
