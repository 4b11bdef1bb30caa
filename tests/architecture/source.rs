//! The order of the rooms and what stands where, read from the sources themselves. Tests inside files are left out.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The order of `DESIGN.md`. Rooms that come later stand in `src/lib.rs` where they belong; these keep their places.
const ROOMS: [&str; 12] = [
    "platform",
    "channels",
    "app",
    "staff",
    "customers",
    "sales",
    "inbox",
    "knowledge",
    "memory",
    "turn",
    "evals",
    "web",
];

/// Rooms that are no features: everything in them is their face.
const FRAME: [&str; 3] = ["platform", "channels", "app"];

/// Breaches that are known: `(rule, file, what)`, each with its reason beside it. The list may only shrink: a line
/// whose breach is gone fails the test.
const KNOWN: &[(Rule, &str, &str)] = &[
    // A condition that stores put into their statements; its macro stands beside the type whose fields are bound.
    (Rule::Sql, "src/staff/principal.rs", "SELECT outside a store"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Order,
    Face,
    Sql,
}

/// One file of `src/`, without its tests.
pub(super) struct Source {
    /// As `src/inbox/store.rs`.
    pub(super) path: String,
    /// The room: `inbox`, or the file's own name right under `src/`.
    room: String,
    pub(super) tokens: Vec<Token>,
}

/// What the rules look at.
pub(super) enum Token {
    Word(String),
    Sign(char),
    Open(char),
    Close,
    Text(String),
}

#[test]
fn a_room_imports_only_what_stands_above_it() {
    let order = rooms();
    let place = |room: &str| order.iter().position(|r| r == room);
    check(Rule::Order, |source, found| {
        for path in paths(&source.tokens, "crate") {
            let Some(room) = path.first().filter(|r| place(r).is_some()) else { continue };
            // The frame of the binary (main, the command line) stands below everything.
            let own = place(&source.room).unwrap_or(order.len());
            if source.path != "src/lib.rs" && place(room).is_some_and(|r| r > own) {
                found(format!("{} stands below {} ({})", room, source.room, path.join("::")));
            }
        }
    });
}

#[test]
fn a_feature_is_reached_through_its_face() {
    let order = rooms();
    check(Rule::Face, |source, found| {
        for room in order.iter().filter(|r| **r != source.room && !FRAME.contains(&r.as_str())) {
            for path in paths(&source.tokens, room) {
                match path.first().map(String::as_str) {
                    Some("store") => found(format!("{room}::store is that room's own")),
                    Some("api") if source.room != "web" => {
                        found(format!("{room}::api is for the route table only"));
                    }
                    _ => {}
                }
            }
        }
    });
}

#[test]
fn sql_stands_in_stores_only() {
    check(Rule::Sql, |source, found| {
        let path = &source.path;
        let machinery = [
            "src/platform/db.rs",
            "src/platform/queue.rs",
            "src/platform/files/mod.rs",
            "src/platform/words.rs",
            "src/platform/backup",
        ];
        if path.ends_with("/store.rs") || path.contains("/store/") || machinery.iter().any(|m| path.starts_with(m)) {
            return;
        }
        for token in &source.tokens {
            if let Token::Text(text) = token
                && let Some(statement) = sql(text)
            {
                found(format!("{statement} outside a store"));
            }
        }
    });
}

#[test]
fn every_room_stands_in_the_map_and_the_designs_rooms_keep_their_order() {
    let order = rooms();
    let designed: Vec<&str> = order.iter().map(String::as_str).filter(|r| ROOMS.contains(r)).collect();
    assert_eq!(designed, ROOMS, "src/lib.rs does not follow the design's order");
    let unknown: BTreeSet<_> = sources().into_iter().filter(|s| !order.contains(&s.room)).map(|s| s.room).collect();
    let beside: BTreeSet<_> = unknown.iter().filter(|r| !["lib", "main", "command"].contains(&r.as_str())).collect();
    assert!(beside.is_empty(), "not in src/lib.rs: {beside:?}");
}

#[test]
fn the_rules_see_what_they_should() {
    let code = r#"
        use crate::{app::{App, job::Job}, inbox::store, platform::db::*};
        fn f() { crate::web::router(); let _ = both!(c, c => turn::store::find(c)); }
        /// SELECT nothing FROM a comment
        const FIND: &str = "SELECT id FROM t";
        #[cfg(test)]
        mod tests { use crate::evals::Report; const X: &str = "DELETE FROM t"; }
    "#;
    let tokens = tokens(code);
    let found: Vec<String> = paths(&tokens, "crate").into_iter().map(|p| p.join("::")).collect();
    assert_eq!(found, ["app::App", "app::job::Job", "inbox::store", "platform::db", "web::router"]);
    assert_eq!(paths(&tokens, "turn").len(), 1);
    let statements: Vec<_> =
        tokens.iter().filter_map(|t| if let Token::Text(text) = t { sql(text) } else { None }).collect();
    assert_eq!(statements, ["SELECT"]);
}

/// Looks at every file and fails with all breaches of `rule` that are not known.
fn check(rule: Rule, look: impl Fn(&Source, &mut dyn FnMut(String))) {
    let mut known: Vec<_> = KNOWN.iter().filter(|(of, ..)| *of == rule).collect();
    let mut breaches = Vec::new();
    let all_known = known.clone();
    for source in sources() {
        look(&source, &mut |what| {
            if all_known.iter().any(|(_, file, known)| *file == source.path && *known == what) {
                known.retain(|(_, file, known)| *file != source.path || *known != what);
            } else {
                breaches.push(format!("{}: {what}", source.path));
            }
        });
    }
    assert!(breaches.is_empty(), "{rule:?}:\n{}\n", breaches.join("\n"));
    assert!(known.is_empty(), "no longer true, take it off the list: {known:?}");
}

/// The rooms, as `src/lib.rs` orders them.
fn rooms() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    lib.lines()
        .filter_map(|l| l.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .map(String::from)
        .collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    gather(&root().join("src"), &mut sources);
    assert!(sources.len() > 40, "the sources were not found");
    sources
}

fn gather(dir: &Path, into: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            gather(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_stem().is_some_and(|s| s != "tests") {
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
            let room = relative.split('/').nth(1).unwrap().trim_end_matches(".rs").to_string();
            let tokens = tokens(&std::fs::read_to_string(&path).unwrap());
            into.push(Source { path: relative, room, tokens });
        }
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let mut flat = Vec::new();
    flatten(code.parse().expect("the file is Rust"), &mut flat);
    flat
}

/// Lays the token trees out flat, without attributes (a doc comment is one) and without what is compiled for tests.
fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    let mut for_tests = false;
    while let Some(tree) = trees.next() {
        match tree {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                trees.next_if(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '!'));
                if let Some(TokenTree::Group(group)) = trees.next() {
                    for_tests |= group.stream().to_string().replace(' ', "") == "cfg(test)";
                }
            }
            TokenTree::Group(group) => {
                // The item that is for tests only ends with its braces …
                if for_tests && group.delimiter() == Delimiter::Brace {
                    for_tests = false;
                } else if !for_tests {
                    into.push(Token::Open(if group.delimiter() == Delimiter::Brace { '{' } else { '(' }));
                    flatten(group.stream(), into);
                    into.push(Token::Close);
                }
            }
            // … or with its semicolon.
            TokenTree::Punct(p) if for_tests => for_tests = p.as_char() != ';',
            _ if for_tests => {}
            TokenTree::Punct(p) => into.push(Token::Sign(p.as_char())),
            TokenTree::Ident(word) => into.push(Token::Word(word.to_string())),
            TokenTree::Literal(literal) => into.push(Token::Text(literal.to_string())),
        }
    }
}

/// What follows `start::` wherever it stands; the braces of a `use` give one path each.
fn paths(tokens: &[Token], start: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if let Token::Word(word) = token
            && word == start
            && is_colons(tokens, at + 1)
        {
            follow(tokens, at + 3, &mut Vec::new(), &mut found);
        }
    }
    found
}

fn is_colons(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([Token::Sign(':'), Token::Sign(':')]))
}

/// Reads one path from `at` on and returns where it ends.
fn follow(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) => {
                prefix.push(word.clone());
                if is_colons(tokens, at + 1) {
                    at += 3;
                    continue;
                }
                found.push(prefix.clone());
                at += 1;
            }
            Some(Token::Open('{')) => {
                at += 1;
                while !matches!(tokens.get(at), Some(Token::Close) | None) {
                    at = match tokens.get(at) {
                        Some(Token::Word(..) | Token::Open('{')) => follow(tokens, at, prefix, found),
                        _ => at + 1,
                    };
                }
                at += 1;
            }
            // `use crate::platform::db::*`
            _ => found.push(prefix.clone()),
        }
        prefix.truncate(depth);
        return at;
    }
}

/// The kind of statement that a text holds, if it is SQL.
fn sql(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |word: &str| words.contains(&word);
    match () {
        () if has("SELECT") && has("FROM") => Some("SELECT"),
        () if has("INSERT") && has("INTO") => Some("INSERT"),
        () if has("UPDATE") && has("SET") => Some("UPDATE"),
        () if has("DELETE") && has("FROM") => Some("DELETE"),
        () => None,
    }
}
