//! The rows of a table: which of them a question means.

use std::ops::Range;

use crate::platform::lexical::{self, Kind, Token};

const PREPOSITIONS: &[&str] = &["on", "of", "for", "with", "without", "by", "in", "at", "from", "to"];

/// The first cell of the row that begins at `row`.
fn first_cell(content: &str, row: usize) -> Range<usize> {
    let rest = content.get(row..).unwrap_or_default();
    let begins = row + (rest.len() - rest.trim_start_matches([' ', '|']).len());
    let ends = content.get(begins..).and_then(|rest| rest.find(['|', '\n'])).map_or(content.len(), |at| begins + at);
    begins..ends
}

/// Whether the question says every word of the first cell of the row that begins at `row`, a name or a number among them,
/// or is about nothing else (`is_all` tells whether words are all that it is about).
pub(super) fn is_named(
    content: &str,
    row: usize,
    tokens: &[Token],
    asked: &dyn Fn(u32) -> Option<bool>,
    is_all: &dyn Fn(&[u32]) -> bool,
) -> bool {
    let cell = first_cell(content, row);
    let within = tokens.iter().skip_while(|t| t.start < cell.start).take_while(|t| t.start < cell.end);
    let mut names = false;
    let mut held = Vec::new();
    for token in within.filter(|t| t.kind != Kind::Stop) {
        match asked(token.id) {
            None => return false,
            Some(is_name) => names |= is_name,
        }
        held.push(token.id);
    }
    names || is_all(&held)
}

/// Whether the word at `place` is of a code that stands behind another code, which the row is of: a lid that fits the
/// KT-170 is not the KT-170.
pub(super) fn is_of_another(content: &str, row: usize, tokens: &[Token], place: usize) -> bool {
    let cell = first_cell(content, row);
    let is_code = |t: &&Token| {
        let written = content.get(t.start..t.end).unwrap_or_default();
        t.kind == Kind::Whole && written.contains(|c: char| c.is_ascii_digit()) && written.contains(char::is_alphabetic)
    };
    let Some(token) = tokens.get(place).filter(|t| t.start >= cell.end) else { return false };
    let of_row = tokens.iter().skip_while(|t| t.start < cell.start);
    let mut codes = of_row.take_while(|t| t.start < token.end).filter(is_code);
    codes.clone().any(|code| cell.contains(&code.start))
        && codes.any(|code| code.start <= token.start && token.end <= code.end)
}

/// Whether the word at `place` stands in the first cell of the row that begins at `row`, behind a preposition, and what
/// stands before that is not asked for: "Cash on delivery" is a row of cash, not of delivery.
pub(super) fn is_complement(
    content: &str,
    row: usize,
    tokens: &[Token],
    place: usize,
    is_asked: &dyn Fn(u32) -> bool,
) -> bool {
    let cell = first_cell(content, row);
    if !tokens.get(place).is_some_and(|t| cell.contains(&t.start)) {
        return false;
    }
    let written = |t: &Token| lexical::fold_text(content.get(t.start..t.end).unwrap_or_default());
    let mut ahead = tokens.iter().take(place).rev().take_while(|t| t.start >= cell.start);
    ahead.by_ref().any(|t| t.kind == Kind::Stop && PREPOSITIONS.contains(&written(t).as_str()))
        && ahead.clone().any(|t| t.kind != Kind::Stop)
        && ahead.filter(|t| t.kind != Kind::Stop).all(|t| !is_asked(t.id))
}

/// A row of a table with its header: each cell behind the name of its column.
pub(super) fn in_full(header: &str, row: &str) -> String {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(|c| c.trim().to_owned()).collect()
    };
    let names = cells(header);
    let cells = cells(row).into_iter().enumerate();
    let named = cells.map(|(i, cell)| format!("{} {cell}", names.get(i).map(String::as_str).unwrap_or_default()));
    named.collect::<Vec<_>>().join(" | ")
}
