//! Whether the evidence says what a draft says: checked by code, sentence by sentence. What is unproven is cut.
//!
//! A sentence is checked against the place it quotes, with its neighbours, headings and table header. Pure.

mod courtesy;
mod deeds;
mod names;
mod negation;
mod orders;
mod promise;
mod range;
mod strangers;
mod translation;

use courtesy::is_courtesy;
use names::names;
use range::range;

use super::{
    Citation, Cut, Draft, DraftFrom, DraftKind, Proven, Sentence, Unproven,
    facts::{self, Fact, Unit, Value},
};
use crate::{
    knowledge::Evidence,
    platform::{
        language::{Language, is_han},
        lexical::{self, Kind, fold_text},
        links::{self, Domains},
    },
};

/// Keeps the sentences of `draft` that their citations prove.
pub fn check(draft: Draft, evidence: &Evidence) -> Proven {
    let mut cut = Vec::new();
    let mut draft = draft;
    let is_quoted = matches!(draft.from, DraftFrom::Extractive { .. });
    let asks_back = draft.kind == DraftKind::Clarify;
    draft.sentences.retain(|sentence| {
        let unproven = match () {
            () if asks_back => unfounded(sentence, evidence),
            () if is_quoted && is_put_together(sentence, evidence) => Vec::new(),
            () => unproven(sentence, evidence),
        };
        if unproven.is_empty() {
            return true;
        }
        cut.push(Cut { text: sentence.text.clone(), unproven });
        false
    });
    // A list whose entries are gone is no answer.
    if draft.sentences.last().is_some_and(|s| s.text.ends_with([':', '：'])) && !cut.is_empty() {
        draft.sentences.pop();
    }
    Proven { draft, cut, confidence: 0.0 }
}

/// Cuts what links to elsewhere than `domains`, whatever proves it.
pub fn within(mut proven: Proven, domains: &Domains) -> Proven {
    let cut = &mut proven.cut;
    proven.draft.sentences.retain(|sentence| {
        let foreign = links::foreign(&sentence.text, domains);
        if !foreign.is_empty() {
            cut.push(Cut { text: sentence.text.clone(), unproven: foreign.into_iter().map(Unproven::Link).collect() });
            return false;
        }
        true
    });
    proven
}

/// Whether every part of a sentence that we put together ourselves (a row with the names of its columns) stands in what
/// it cites, as it is.
fn is_put_together(sentence: &Sentence, evidence: &Evidence) -> bool {
    let ranges: Option<Vec<String>> =
        sentence.citations.iter().map(|c| range(c, evidence).map(|r| format!("{}\n{}", r.title, r.text))).collect();
    let Some(ranges) = ranges.filter(|r| !r.is_empty()) else { return false };
    let there = written(&ranges.join("\n"));
    let parts = sentence.text.split([';', '；', ':', '：', '\n']).map(written).filter(|part| !part.is_empty());
    parts.into_iter().all(|part| there.contains(&part))
}

/// What `sentence` says and its citations do not.
pub fn unproven(sentence: &Sentence, evidence: &Evidence) -> Vec<Unproven> {
    let said = facts::read(&sentence.text);
    if sentence.citations.is_empty() {
        return if said.is_empty() && is_courtesy(&sentence.text) {
            Vec::new()
        } else {
            vec![Unproven::Nothing(sentence.text.clone())]
        };
    }
    let mut ranges = Vec::new();
    let mut titles = Vec::new();
    let mut found = Vec::new();
    for citation in &sentence.citations {
        match range(citation, evidence) {
            // Who cites several sources whole has read none of them for this sentence.
            Some(_) if citation.quote.is_empty() && sentence.citations.len() > 1 => {
                found.push(Unproven::Citation(citation.quote.clone()));
            }
            Some(range) => {
                ranges.push(range.text);
                titles.push(range.title);
            }
            None => found.push(Unproven::Citation(citation.quote.clone())),
        }
    }
    if !found.is_empty() {
        return found;
    }
    let range = ranges.join("\n");
    let title = titles.join("\n");
    let text = courtesy::without_opening(&sentence.text);
    if let Some(secret) = deeds::asks_for_secret(text, &range) {
        return vec![Unproven::Promise(secret)];
    }
    let words = written(text);
    if !words.is_empty() && written(&range).contains(&words) {
        return found; // word for word
    }
    let named = format!("{title}\n{range}");
    found.extend(said.iter().filter(|fact| !is_proven(fact, &range) && !is_named(fact, &title)).map(as_unproven));
    found.extend(names(text, &named).into_iter().map(Unproven::Name));
    found.extend(strangers::strangers(text, &named).into_iter().map(Unproven::Name));
    found.extend(negation::contradiction(text, &named).map(Unproven::Negation));
    found.extend(promise::promise(text, &range).map(Unproven::Promise));
    found.extend(deeds::deed(text, &range).map(Unproven::Promise));
    found.extend(deeds::binding(text, &range).map(Unproven::Promise));
    if found.is_empty() && (is_spelled_out(text) || has_foreign_part(text, &named)) {
        found.push(Unproven::Nothing(sentence.text.clone()));
    }
    // A translation shares no words: what ties it to its evidence are facts, or the same things named in both.
    let is_translated = Language::detect(text) != Language::detect(&range);
    let is_adrift = is_translated && said.is_empty() && !translation::is_about_the_same(text, &named)
        || changes_language(text, &range);
    if found.is_empty() && (is_adrift || said.len() < 2 && is_elsewhere(text, &named)) {
        found.push(Unproven::Nothing(sentence.text.clone()));
    }
    found
}

/// Whether a title names it: the 15 of an "iPhone 15", a model, a year. What a title measures or links to is no claim.
fn is_named(fact: &Fact, title: &str) -> bool {
    let is_name =
        matches!(fact.value, Value::Code(_) | Value::Number { unit: None, .. } | Value::Date { day: None, .. });
    is_name && is_proven(fact, title)
}

/// What a question back brings in that no source has. It may only ask: with the words of what was found, and for nothing
/// that a stranger must not know.
fn unfounded(sentence: &Sentence, evidence: &Evidence) -> Vec<Unproven> {
    let text = &sentence.text;
    let whole = |source| range(&Citation { source, quote: String::new() }, evidence);
    let all: Vec<String> =
        evidence.sources().into_iter().filter_map(whole).map(|r| format!("{}\n{}", r.title, r.text)).collect();
    let all = all.join("\n");
    let mut found: Vec<Unproven> = facts::read(text).iter().filter(|f| !is_proven(f, &all)).map(as_unproven).collect();
    found.extend(names(text, &all).into_iter().map(Unproven::Name));
    found.extend(strangers::strangers(text, &all).into_iter().map(Unproven::Name));
    found.extend(promise::promise(text, &all).map(Unproven::Promise));
    found.extend(deeds::deed(text, &all).map(Unproven::Promise));
    found.extend(deeds::asks_for_secret(text, &all).map(Unproven::Promise));
    if !text.trim_end().ends_with(['?', '？']) {
        found.push(Unproven::Nothing(text.clone()));
    }
    found
}

fn is_proven(fact: &Fact, range: &str) -> bool {
    let mentions = |unit: Unit| facts::mentions(range, unit);
    let evidence = facts::read(range);
    let proves = |there: &Fact| {
        // "25 tonnes" is not proven by "25 kg": what is counted is a word that the evidence does not know.
        let counts_another = matches!(there.value, Value::Number { unit: Some(_), .. })
            && fact
                .counts
                .as_ref()
                .is_some_and(|word| word.is_ascii() && !strangers::is_plain(word) && !strangers::holds(range, word));
        !counts_another && fact.value.is_proven_by(&there.value, &mentions)
    };
    evidence.iter().any(proves)
        || match &fact.value {
            // "KT 170" and "KT-170".
            Value::Code(code) => letters(range).contains(code.as_str()),
            Value::Number { value, unit: None } => {
                counts_list(*value, fact.counts.as_deref().unwrap_or_default(), range)
            }
            _ => false,
        }
}

/// Whether `value` is how many things the evidence lists ("中文、英文和日文" are three), or one of what it names once.
fn counts_list(value: f64, what: &str, range: &str) -> bool {
    if (value - 1.0).abs() < 1e-9 {
        let once = ["一次", "一个", "一种", "一件", "once", " one ", " single "];
        return once.iter().any(|word| range.contains(word));
    }
    if !["种", "类", "项", "款", "kinds", "types", "ways", "options", "languages", "methods", "versions"]
        .contains(&what)
    {
        return false;
    }
    let clauses = range.split(['。', '；', '.', ';', '\n', '：', ':']);
    clauses.into_iter().any(|clause| {
        let joints = clause.matches(['、', ',']).count()
            + ["和", "及", "与", " and ", " or ", "或"].iter().filter(|w| clause.contains(**w)).count();
        joints > 0 && (value - 1.0 - joints as f64).abs() < 1e-9
    })
}

fn as_unproven(fact: &Fact) -> Unproven {
    let words = fact.words.clone();
    match &fact.value {
        Value::Number { unit: Some(unit), .. } if unit.is_duration() => Unproven::Duration(words),
        Value::Number { .. } => Unproven::Number(words),
        Value::Date { .. } | Value::Weekday(_) | Value::Time { .. } | Value::Relative(_) | Value::Next(_) => {
            Unproven::Date(words)
        }
        Value::Every(_) => Unproven::Duration(words),
        Value::Phone(_) => Unproven::Phone(words),
        Value::Link(_) => Unproven::Link(words),
        Value::Email(_) => Unproven::Email(words),
        Value::Code(_) => Unproven::Code(words),
    }
}

/// A text as it counts for "word for word": letters and digits, with the marks that change what a number says.
fn written(text: &str) -> String {
    let folded: Vec<char> = fold_text(text).chars().collect();
    let digit = |at: Option<usize>| at.and_then(|at| folded.get(at)).is_some_and(char::is_ascii_digit);
    let counts = |at: usize, c: char| match c {
        '.' | ':' | '-' | '–' => digit(at.checked_sub(1)) && digit(Some(at + 1)),
        c => c.is_alphanumeric() || "$€£¥￥%°".contains(c),
    };
    folded.iter().enumerate().filter(|(at, c)| counts(*at, **c)).map(|(_, c)| *c).collect()
}

/// Letters and digits in folded form: what is left when marks, spaces and line breaks don't count.
fn letters(text: &str) -> String {
    fold_text(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a text is written so that nothing reads it word by word: letter by letter, or without letters at all.
fn is_spelled_out(text: &str) -> bool {
    const LETTERS: usize = 5;
    let mut run = 0;
    for part in text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let is_letter = part.len() == 1 && part.bytes().all(|b| b.is_ascii_alphabetic());
        run = if is_letter { run + 1 } else { 0 };
        if run >= LETTERS {
            return true;
        }
    }
    let marks = text.chars().filter(|c| c.is_ascii_punctuation()).count();
    marks >= 5 && !text.chars().any(char::is_alphanumeric)
}

/// Whether a part of a sentence is in the other language, without a fact that ties it to the evidence.
fn changes_language(text: &str, range: &str) -> bool {
    const WORDS: usize = 4;
    let language = Language::detect(range);
    if Language::detect(text) != language {
        return false; // a translation as a whole
    }
    text.split([',', ';', '，', '；', '。', '!', '！', ':', '：', '、']).any(|part| {
        let words = lexical::tokens(part).into_iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Char));
        let strange = words.filter(|t| !range.contains(part.get(t.start..t.end).unwrap_or_default())).count();
        strange >= WORDS && Language::detect(part).is_some_and(|l| Some(l) != language) && facts::read(part).is_empty()
    })
}

/// Whether a part of a sentence says something of which its evidence has no word ("…, and the note says pays late").
fn has_foreign_part(text: &str, range: &str) -> bool {
    if Language::detect(text) != Language::detect(range) {
        return false;
    }
    let ids = lexical::term_ids(range);
    let evidence = fold_text(range);
    let parts =
        text.split([';', '；', '，', '。', '!', '！']).flat_map(|part| part.split(", ")).flat_map(|p| p.split(" and "));
    parts.into_iter().any(|part| {
        let words: Vec<_> =
            lexical::tokens(part).into_iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Char)).collect();
        let least = if part.chars().any(is_han) { 5 } else { 4 };
        let stands = |token: &lexical::Token| {
            let word = fold_text(part.get(token.start..token.end).unwrap_or_default());
            let root: String = word.chars().take(4).collect();
            ids.contains(&token.id)
                || (token.kind == Kind::Word && strangers::holds(range, &word))
                || (word.len() >= 5 && evidence.contains(&root))
        };
        words.len() >= least && !words.iter().any(stands)
    })
}

/// Whether a sentence is about something else than its evidence: few of its words stand there.
fn is_elsewhere(text: &str, range: &str) -> bool {
    if Language::detect(text) != Language::detect(range) {
        return false; // a translation shares no words
    }
    let evidence = fold_text(range);
    let ids = lexical::term_ids(range);
    let mut all = 0.0;
    let mut there = 0.0;
    for token in lexical::tokens(text) {
        if !matches!(token.kind, Kind::Word | Kind::Char) {
            continue;
        }
        let word = fold_text(text.get(token.start..token.end).unwrap_or_default());
        all += 1.0;
        let root: String = word.chars().take(5).collect();
        if ids.contains(&token.id) || (token.kind == Kind::Word && word.len() >= 5 && evidence.contains(&root)) {
            there += 1.0;
        }
    }
    let least = if text.chars().any(is_han) { 0.3 } else { 0.25 };
    all >= 3.0 && there / all < least
}

#[cfg(test)]
mod tests;
