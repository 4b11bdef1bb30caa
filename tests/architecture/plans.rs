//! No statement that runs again and again walks a whole table, and no row that goes has its children looked for that way:
//! what is quick with ten conversations must be so with a hundred thousand. SQLite has no statistics here and takes an
//! index of the organisation as gladly as one that finds a row, so the plans are read.

use std::collections::{BTreeMap, BTreeSet};

use frontdesk::{both, platform::db::Conn};

use super::source::{Source, Token, sources};
use crate::support::app::{On, TestApp};

/// Tables that grow with what customers and admins do.
const GROWING: [&str; 17] = [
    "attachments",
    "channel_events",
    "conversations",
    "customer_activities",
    "customer_contacts",
    "customer_identities",
    "customer_tags",
    "customers",
    "deals",
    "document_chunks",
    "document_versions",
    "documents",
    "memories",
    "message_parts",
    "messages",
    "notifications",
    "turns",
];

/// Statements that look at all there is on purpose: `(file, name)`.
const WHOLE: &[(&str, &str)] = &[
    // A page: until it is full.
    ("src/knowledge/store/documents.rs", "LIST"),
    // Counted, compared or summed up as a whole, when somebody asks or once in a while.
    ("src/inbox/store/overview.rs", "FACTS"),
    ("src/inbox/store/reach.rs", "LIST"),
    ("src/inbox/store/desk.rs", "LIST"),
    ("src/inbox/store.rs", "SILENT"),
    ("src/knowledge/store/passages.rs", "COUNT"),
    ("src/knowledge/store/passages.rs", "IDS"),
    ("src/memory/store.rs", "DELETE"),
    ("src/memory/store.rs", "ORGS"),
    ("src/sales/store.rs", "COUNT"),
    // Once, when a process starts.
    ("src/knowledge/store/documents.rs", "VERSIONS"),
    ("src/knowledge/store/documents.rs", "HIDDEN"),
    // What hardly ever goes: organisations, teams, bases, pipelines and their stages.
    ("src/staff/store.rs", "DELETE"),
    ("src/staff/store/team.rs", "DELETE"),
    ("src/knowledge/store/bases.rs", "DELETE"),
    ("src/knowledge/store/bases.rs", "INSERT"),
    ("src/sales/store.rs", "DELETE"),
];

#[tokio::test]
async fn no_statement_walks_a_table_that_grows() {
    let app = TestApp::open(On::Sqlite).await;
    let mut reader = app.read().await.unwrap();
    let (mut explained, mut walks, mut unused) = (0, Vec::new(), WHOLE.to_vec());
    for source in sources() {
        for (name, sql) in statements(&source) {
            let Some(plan) = plan(reader.conn(), &sql).await else { continue };
            explained += 1;
            let steps: Vec<_> = plan.iter().filter(|step| is_walk(step, &sql)).collect();
            if steps.is_empty() {
                continue;
            }
            if WHOLE.contains(&(source.path.as_str(), name.as_str())) {
                unused.retain(|known| *known != (source.path.as_str(), name.as_str()));
            } else {
                walks.push(format!("{}: {name}: {steps:?}\n{sql}", source.path));
            }
        }
    }
    assert!(explained > 300, "only {explained} statements were found");
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
    assert!(unused.is_empty(), "no longer true, take it off the list: {unused:?}");
}

#[tokio::test]
async fn what_refers_to_a_row_is_found_by_an_index() {
    /// Few rows, or parents that hardly ever go.
    const FEW: [&str; 4] = ["organizations", "users", "channels", "teams"];
    const FOREIGN: &str = "
        SELECT t.name, f.\"from\", f.\"table\" FROM sqlite_master t, pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table' AND NOT EXISTS (
            SELECT 1 FROM pragma_index_list(t.name) l, pragma_index_info(l.name) i
            WHERE i.seqno = 0 AND i.name = f.\"from\")";
    let app = TestApp::open(On::Sqlite).await;
    let mut reader = app.read().await.unwrap();
    let bare: Vec<(String, String, String)> =
        both!(reader.conn(), c => sqlx::query_as(FOREIGN).fetch_all(c).await).unwrap();
    let known: BTreeSet<(&str, &str)> = [
        // Bases, pipelines and their stages go when they are empty.
        ("deals", "pipeline_id"),
        ("deals", "stage_id"),
        ("documents", "kb_id"),
        ("document_chunks", "kb_id"),
    ]
    .into();
    let walked: Vec<_> = bare
        .iter()
        .filter(|(table, column, parent)| {
            GROWING.contains(&table.as_str())
                && !FEW.contains(&parent.as_str())
                && !known.contains(&(table.as_str(), column.as_str()))
        })
        .collect();
    assert!(walked.is_empty(), "no index begins with {walked:?}");
}

/// The constants of a file that are statements, with their names; pieces that macros put before them are added.
fn statements(source: &Source) -> Vec<(String, String)> {
    let tokens = &source.tokens;
    let beginnings = beginnings(tokens);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let [Token::Word(word), Token::Word(name), ..] = &tokens[at..] else { continue };
        if word != "const" {
            continue;
        }
        let mut sql = String::new();
        for (i, token) in tokens.iter().enumerate().skip(at + 2) {
            match token {
                Token::Sign(';') => break,
                Token::Text(text) => sql.push_str(&unescaped(text)),
                Token::Word(word) if matches!(tokens.get(i + 1), Some(Token::Sign('!'))) => {
                    sql.push_str(beginnings.get(word.as_str()).map_or("", String::as_str));
                }
                _ => {}
            }
        }
        let first = sql.split_whitespace().next().unwrap_or_default();
        if ["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].contains(&first) {
            found.push((name.clone(), sql));
        }
    }
    found
}

/// What each macro of a file begins a statement with.
fn beginnings(tokens: &[Token]) -> BTreeMap<&str, String> {
    let mut found = BTreeMap::new();
    for at in 0..tokens.len() {
        if let [Token::Word(word), Token::Sign('!'), Token::Word(name), rest @ ..] = &tokens[at..]
            && word == "macro_rules"
        {
            let text = rest.iter().find_map(|t| if let Token::Text(text) = t { Some(unescaped(text)) } else { None });
            found.insert(name.as_str(), text.unwrap_or_default());
        }
    }
    found
}

/// The text of a literal as it stands in the source.
fn unescaped(literal: &str) -> String {
    let inner = literal.trim_start_matches('"').trim_end_matches('"').replace("\\\"", "\"");
    let mut lines = inner.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// The steps by which SQLite would take a statement; `None`: it is not one by itself.
async fn plan(c: Conn<'_>, sql: &str) -> Option<Vec<String>> {
    let Conn::Sqlite(c) = c else { return None };
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(c).await.ok()?;
    Some(rows.into_iter().map(|(.., step)| step).collect())
}

/// Whether a step reads all rows of a growing table, or all of an organisation's.
fn is_walk(step: &str, sql: &str) -> bool {
    let words: Vec<&str> = step.split_whitespace().collect();
    let [kind, named, ..] = words.as_slice() else { return false };
    let is_all = *kind == "SCAN" || (*kind == "SEARCH" && step.ends_with("(org_id=?)"));
    is_all && GROWING.contains(&table_of(named, sql))
}

/// The table that a plan calls by its name or by its short name in the statement.
fn table_of<'a>(named: &'a str, sql: &'a str) -> &'a str {
    let words: Vec<&str> = sql.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let is_named = |pair: &&[&'a str]| pair[1] == named && GROWING.contains(&pair[0]);
    words.windows(2).find(is_named).map_or(named, |pair| pair[0])
}
