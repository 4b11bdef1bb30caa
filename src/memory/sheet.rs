//! The rules of one language, and how they are written.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::OnceLock,
};

use regex::Regex;

use super::{Kind, gate::Gate};

/// The letters and digits that rules are about, in few ranges, of which some hold more than letters: Unicode's own classes
/// have hundreds, which were two thirds of what the compiled rules take of memory.
const LETTERS: &str = r"a-zA-Z\x{AA}\x{B5}\x{BA}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1FFF}\x{2C00}-\x{2DFF}\x{3040}-\x{D7FF}\x{F900}-\x{FDFF}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}";
const DIGITS: &str = r"0-9\x{FF10}-\x{FF19}";

/// A pattern of ours as it is compiled: whatever its case, with our classes.
fn spelled(pattern: &str) -> String {
    format!("(?i){pattern}")
        .replace(r"\p{L}", &format!("[{LETTERS}]"))
        .replace(r"\w", &format!("[{LETTERS}{DIGITS}_]"))
        .replace(r"\d", &format!("[{DIGITS}]"))
}

/// A pattern whose group `v` is the value.
pub(super) struct Rule {
    pub kind: Kind,
    source: String,
    compiled: OnceLock<Regex>,
    pub about: Option<&'static str>,
    pub replaces: bool,
    /// Stands in a question, too.
    pub may_ask: bool,
}

impl Rule {
    pub(super) fn new(kind: Kind, pattern: &str) -> Self {
        let (about, replaces, may_ask) = (None, false, false);
        Self { kind, source: spelled(pattern), compiled: OnceLock::new(), about, replaces, may_ask }
    }

    /// Compiled when a sentence first fits its kind: of four hundred rules most customers never meet most.
    pub(super) fn pattern(&self) -> &Regex {
        self.compiled.get_or_init(|| regex(&self.source))
    }

    #[cfg(test)]
    pub(super) fn is_written_well(&self) -> bool {
        Regex::new(&self.source).is_ok()
    }
}

/// One of a kind of which there is one for each `about` ("shoe").
pub(super) fn about(about: &'static str, rule: Rule) -> Rule {
    Rule { about: Some(about), ..rule }
}

/// A wish in the form of a question.
pub(super) fn asking(rule: Rule) -> Rule {
    Rule { may_ask: true, ..rule }
}

/// What closes every other of its kind.
pub(super) fn replacing(rule: Rule) -> Rule {
    Rule { replaces: true, ..rule }
}

/// A constant pattern, whatever its case.
pub(super) fn compiled(pattern: &str) -> Regex {
    regex(&spelled(pattern))
}

/// One that is wrong fits nothing, and fails the tests.
fn regex(source: &str) -> Regex {
    let never = || Regex::new("[^\\s\\S]");
    #[expect(clippy::unwrap_used, reason = "the patterns are constants")]
    Regex::new(source).or_else(|_| never()).unwrap()
}

/// Rules, and a quick look at which of them a sentence may fit.
pub(super) struct Rules {
    all: Vec<Rule>,
    /// By kind, every pattern in one: most sentences fit few kinds, and what two hundred patterns need is seldom in the
    /// processor's cache.
    by_kind: Vec<(Kind, Regex)>,
}

impl Rules {
    pub fn new(all: Vec<Rule>) -> Self {
        let mut patterns: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
        for rule in &all {
            let pattern = rule.source.replace("(?<v>", "(?:");
            patterns.entry(rule.kind).or_default().push(format!("(?:{pattern})"));
        }
        // A kind whose patterns can't be one is always tried.
        let by_kind = patterns.into_iter().filter_map(|(kind, all)| Some((kind, Regex::new(&all.join("|")).ok()?)));
        Self { by_kind: by_kind.collect(), all }
    }

    /// The rules that may find something in `sentence`, in their order.
    pub(super) fn for_sentence(&self, sentence: &str) -> impl Iterator<Item = &Rule> {
        let fits_none: HashSet<Kind> =
            self.by_kind.iter().filter(|(_, any)| !any.is_match(sentence)).map(|(kind, _)| *kind).collect();
        self.all.iter().filter(move |rule| !fits_none.contains(&rule.kind))
    }
}

/// A sheet of rules for one language.
pub(super) struct Sheet {
    pub customer: Rules,
    pub agent: Rules,
    /// What is no more: `v` is what it was.
    pub endings: Vec<Regex>,
    pub gate: Gate,
    /// Cuts a value where it ends before its clause does.
    pub tail: Regex,
    /// Values that are none.
    pub empty: Regex,
    /// Written like names, and none: days, languages, parts of an address.
    pub no_name: Regex,
}

impl Sheet {
    /// `value` in `sentence` (bytes) without what follows it in its clause and what is no word.
    pub fn trimmed(&self, sentence: &str, value: Range<usize>) -> Range<usize> {
        let text = sentence.get(value.clone()).unwrap_or_default();
        let end = self.tail.find(text).map_or(text.len(), |tail| tail.start());
        let text = text.get(..end).unwrap_or_default();
        let is_edge =
            |c: char| c.is_whitespace() || matches!(c, '.' | '!' | ':' | '：' | '。' | '！' | '"' | '~' | '～');
        let kept = text.trim_matches(is_edge);
        let start = value.start + (text.len() - text.trim_start_matches(is_edge).len());
        start..start + kept.len()
    }
}
