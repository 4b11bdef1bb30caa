//! What differs between two versions of a document, as they are read: for people who decide which one is right.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

use super::{
    ingest,
    parse::{Parsed, Part},
    store::documents,
};
use crate::{
    app::{App, DocumentId, OrgId},
    platform::{Error, Result, error::blocking},
};

/// How a line stands in the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Same,
    Added,
    Removed,
    /// Lines that are the same in both were left out here.
    Skipped,
}

/// A line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ComparedLine)]
pub struct Line {
    pub change: Change,
    pub text: String,
}

/// What differs between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Comparison {
    pub from: i64,
    pub to: i64,
    /// The changes with some lines around them.
    pub lines: Vec<Line>,
    pub added: usize,
    pub removed: usize,
    /// There are more changes than are shown.
    pub is_cut: bool,
}

/// How many unchanged lines stand around a change.
const AROUND: usize = 2;
/// The most lines that are shown.
const LINES: usize = 2000;
/// How long two texts are compared as closely as can be; then more coarsely.
const PATIENCE: Duration = Duration::from_secs(2);

/// Compares two versions of a document.
pub async fn compare(app: &App, org: OrgId, document: DocumentId, from: i64, to: i64) -> Result<Comparison> {
    let (before, after) = (text(app, org, document, from).await?, text(app, org, document, to).await?);
    blocking(move || Ok(Comparison { from, to, ..difference(&before, &after) })).await
}

/// A version as lines of text.
async fn text(app: &App, org: OrgId, document: DocumentId, version: i64) -> Result<String> {
    let found = documents::find_version(app.read().await?.conn(), document, version).await?;
    let (document, version) = found.filter(|(d, _)| d.org_id == org).ok_or(Error::NotFound("version"))?;
    // Reading is work: customers come first, as when a document is taken in.
    let _reading = ingest::READERS.acquire().await.map_err(Error::internal)?;
    match ingest::read::parsed(app, &document, &version).await? {
        Ok(parsed) => Ok(lines(&parsed)),
        Err(failure) => Err(Error::Conflict(format!("version {} can't be read: {}", version.version, failure.words()))),
    }
}

fn lines(parsed: &Parsed) -> String {
    let mut text = String::new();
    for part in &parsed.parts {
        match part {
            Part::Markdown(of) | Part::Text(of) => text.push_str(of),
            Part::Entry { heading, text: of } => {
                text.push_str(heading.as_deref().unwrap_or_default());
                text.push('\n');
                text.push_str(of);
            }
            Part::Table(table) => {
                for row in
                    table.name.iter().map(|n| vec![n.clone()]).chain([table.header.clone()]).chain(table.rows.clone())
                {
                    text.push_str(&row.join(" | "));
                    text.push('\n');
                }
            }
        }
        text.push('\n');
    }
    text
}

/// The pure part of [`compare`].
fn difference(before: &str, after: &str) -> Comparison {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    let mut found = Comparison { from: 0, to: 0, lines: Vec::new(), added: 0, removed: 0, is_cut: false };
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => found.added += 1,
            ChangeTag::Delete => found.removed += 1,
            ChangeTag::Equal => {}
        }
    }
    let mut next = 0;
    for group in diff.grouped_ops(AROUND) {
        let begins = group.first().map_or(0, |op| op.old_range().start);
        if begins > next {
            found.lines.push(Line { change: Change::Skipped, text: String::new() });
        }
        next = group.last().map_or(next, |op| op.old_range().end);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let kind = match change.tag() {
                ChangeTag::Insert => Change::Added,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Equal => Change::Same,
            };
            found.lines.push(Line { change: kind, text: change.value().trim_end().to_owned() });
        }
    }
    found.is_cut = found.lines.len() > LINES;
    found.lines.truncate(LINES);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_stand_with_what_is_around_them() {
        let before: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let after = before.replace("line 10\n", "line ten\nline ten and a half\n");
        let found = difference(&before, &after);
        assert_eq!((found.added, found.removed, found.is_cut), (2, 1, false));
        let shown: Vec<(Change, &str)> = found.lines.iter().map(|l| (l.change, l.text.as_str())).collect();
        assert_eq!(
            shown,
            [
                (Change::Skipped, ""),
                (Change::Same, "line 8"),
                (Change::Same, "line 9"),
                (Change::Removed, "line 10"),
                (Change::Added, "line ten"),
                (Change::Added, "line ten and a half"),
                (Change::Same, "line 11"),
                (Change::Same, "line 12"),
            ]
        );
        assert!(difference("同样\n", "同样\n").lines.is_empty());
    }

    #[test]
    fn tables_are_compared_row_by_row() {
        let table = parse_table(&["12", "RM 5"]);
        let found = difference(&lines(&table), &lines(&parse_table(&["12", "RM 6"])));
        assert_eq!((found.added, found.removed), (1, 1));
        assert!(found.lines.iter().any(|l| l.text == "12 | RM 6"), "{found:?}");
    }

    fn parse_table(row: &[&str]) -> Parsed {
        let cells = |row: &[&str]| row.iter().map(|c| (*c).to_string()).collect();
        let table = crate::knowledge::parse::Table {
            name: None,
            header: cells(&["Days", "Fee"]),
            rows: vec![cells(&["3", "RM 9"]), cells(row)],
        };
        Parsed { title: None, parts: vec![Part::Table(table)] }
    }
}
