//! The rules of one language, and how they are written.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
};

use regex::Regex;

use super::{Kind, gate::Gate};

/// A pattern whose group `v` is the value.
pub(super) struct Rule {
    pub kind: Kind,
    pub pattern: Regex,
    pub about: Option<&'static str>,
    pub replaces: bool,
    /// Stands in a question, too.
    pub may_ask: bool,
}

/// One of a kind of which there is one for each `about` ("shoe").
pub(super) fn about(about: &'static str, rule: Option<Rule>) -> Option<Rule> {
    rule.map(|rule| Rule { about: Some(about), ..rule })
}

/// A wish in the form of a question.
pub(super) fn asking(rule: Option<Rule>) -> Option<Rule> {
    rule.map(|rule| Rule { may_ask: true, ..rule })
}

/// What closes every other of its kind.
pub(super) fn replacing(rule: Option<Rule>) -> Option<Rule> {
    rule.map(|rule| Rule { replaces: true, ..rule })
}

/// A constant pattern, whatever its case; one that is wrong fits nothing, and fails the tests.
pub(super) fn compiled(pattern: &str) -> Regex {
    let never = || Regex::new("[^\\s\\S]");
    #[expect(clippy::unwrap_used, reason = "the patterns are constants")]
    Regex::new(&format!("(?i){pattern}")).or_else(|_| never()).unwrap()
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
            let pattern = rule.pattern.as_str().replace("(?<v>", "(?:");
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
