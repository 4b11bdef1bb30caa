//! What the words around a value say against it: it is asked, supposed, over, somebody else's, quoted or secret. Pure.

use std::ops::Range;

use regex::Regex;

use super::Kind;

/// What the words around a value say, by language.
pub(super) struct Gate {
    /// Before the value, in its sentence: it is only supposed.
    pub supposed: Regex,
    /// Before the value, in its clause: it is over.
    pub over: Regex,
    /// In its clause: it is long over.
    pub bygone: Regex,
    /// Before the value, in its sentence: it is about somebody else.
    pub others: Regex,
    /// Those of them who are named by what they are to the writer; for values that say themselves whose they are.
    pub people: Regex,
    /// After somebody else: it is about the writer again.
    pub own: Regex,
    /// Just before a moment: it is a limit, no appointment.
    pub until: Regex,
    /// Anywhere in the sentence: somebody repeats what we said.
    pub quoted: Regex,
    /// The clause asks.
    pub asks: Regex,
    /// Anywhere in the sentence: a secret is told.
    pub secret: Regex,
}

impl Gate {
    /// Whether a value of `kind` at `value` in `sentence` (bytes) stands; `may_ask`: in a question, too.
    pub fn lets_stand(&self, sentence: &str, value: &Range<usize>, kind: Kind, may_ask: bool) -> bool {
        let clause = clause(sentence, value.start);
        let before = sentence.get(..value.start).unwrap_or_default();
        let in_clause = sentence.get(clause.start..value.start).unwrap_or_default();
        let clause_text = sentence.get(clause.clone()).unwrap_or_default();
        // A number of one's own order is a fact in a question too, and a wish for a language mostly is one.
        let may_ask = may_ask || matches!(kind, Kind::Order | Kind::Ticket | Kind::Language);
        let is_last = sentence.get(clause.end..).is_none_or(|rest| !rest.chars().any(char::is_alphanumeric));
        let ends_asking = sentence.trim_end().ends_with(['?', '？']);
        let asks = self.asks.is_match(clause_text) || (ends_asking && is_last);
        // Whose it is, is said before it; of a family one says what somebody of it is.
        // "我朋友对花生过敏", "my neighbour's boiler leaks": some values are read with who it is.
        let until = if kind == Kind::Allergy { value.end } else { value.start };
        let is_theirs = matches!(kind, Kind::Complaint | Kind::Health)
            && sentence.get(clause.start..value.end).is_some_and(|words| self.people.is_match(words));
        // "房东您好": who is greeted is spoken to, not of.
        let told = sentence.get(..until).unwrap_or_default();
        let greeted = ["您好", "你好"].iter().filter_map(|hello| Some(told.rfind(hello)? + hello.len())).max();
        let told = greeted.and_then(|at| told.get(at..)).unwrap_or(told);
        // How somebody feels and what went wrong is the writer's own, whoever was spoken of before.
        let told = if matches!(kind, Kind::Mood | Kind::Complaint) { in_clause } else { told };
        let last = |pattern: &Regex| pattern.find_iter(told).last().map(|m| m.end());
        let of_others = last(&self.others).is_some_and(|other| last(&self.own).is_none_or(|own| own < other))
            && !matches!(kind, Kind::Family | Kind::Promise);
        if kind == Kind::Appointment && self.until.is_match(before) {
            return false;
        }
        // "If you can't find us, call …" gives a number all the same.
        let supposed = match kind {
            Kind::Language => false,
            Kind::Contact => self.supposed.is_match(in_clause),
            _ => self.supposed.is_match(before),
        };
        let is_kept_out = supposed
            || is_theirs
            || self.bygone.is_match(clause_text)
            || self.over.is_match(in_clause)
            || of_others
            || self.quoted.is_match(sentence);
        !is_kept_out && (may_ask || !asks) && !in_quotes(sentence, value.start)
    }

    /// Whether what is said to be no more at `value` in `sentence` (bytes) stands.
    pub fn lets_end(&self, sentence: &str, value: &Range<usize>) -> bool {
        let in_clause = sentence.get(clause(sentence, value.start)).unwrap_or_default();
        !(self.asks.is_match(in_clause)
            || self.supposed.is_match(sentence)
            || self.quoted.is_match(sentence)
            || self.others.is_match(sentence.get(..value.start).unwrap_or_default())
            || in_quotes(sentence, value.start))
    }
}

/// The part between commas, or stops that end no sentence ("pls. i need …"), in which `at` lies.
fn clause(sentence: &str, at: usize) -> Range<usize> {
    let mut start = 0;
    let mut characters = sentence.char_indices().peekable();
    while let Some((i, c)) = characters.next() {
        let is_spaced = characters.peek().is_none_or(|(_, next)| next.is_whitespace());
        let is_end = matches!(c, ',' | '，' | ';' | '；') || (matches!(c, '.' | '!' | '?') && is_spaced);
        if is_end && i >= at {
            return start..i;
        }
        if is_end {
            start = i + c.len_utf8();
        }
    }
    start..sentence.len()
}

/// Whether what is at `at` is quoted.
fn in_quotes(sentence: &str, at: usize) -> bool {
    let before = sentence.get(..at).unwrap_or_default();
    let open = before.chars().filter(|c| matches!(c, '“' | '「' | '『')).count();
    let closed = before.chars().filter(|c| matches!(c, '”' | '」' | '』')).count();
    open > closed || before.chars().filter(|c| *c == '"').count() % 2 == 1
}
