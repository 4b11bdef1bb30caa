//! Things that a sentence speaks of and its evidence does not: the silver card where the passage has the gold one.
//!
//! A paraphrase brings in words of its own, but plain ones: verbs, connecting words, the vocabulary of every shop. Those
//! are listed in `plain_en.txt` and `plain_zh.txt`; what is neither plain nor in the evidence is taken for a thing.

use std::{collections::HashSet, sync::LazyLock};

use crate::{
    knowledge::rank::{are_synonyms, shares_root, synonyms},
    platform::{
        language::{Language, is_han},
        lexical::{self, Kind, fold_text},
    },
};

static PLAIN_EN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = include_str!("plain_en.txt").lines().filter(|line| !line.starts_with('#'));
    words.flat_map(str::split_whitespace).map(lexical::stem).collect()
});

static PLAIN_ZH: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("plain_zh.txt").lines().filter(|line| !line.starts_with('#'));
    let mut words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
});

/// Whether an English word claims nothing by itself.
pub(super) fn is_plain(word: &str) -> bool {
    PLAIN_EN.contains(&lexical::stem(&fold_text(word)))
}

/// Whether `range` has a word of the same root.
pub(super) fn holds(range: &str, word: &str) -> bool {
    let word = fold_text(word);
    let stem = lexical::stem(&word);
    let range = fold_text(range);
    let mut words = range.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.any(|w| {
        w == word || lexical::stem(w) == stem || shares_root(w, &word) || are_synonyms(&lexical::stem(w), &stem)
    })
}

/// The words of `text` for things that `range` does not name. Nothing is said of translations: they share no words.
pub(super) fn strangers(text: &str, range: &str) -> Vec<String> {
    let mut strangers = other_letters(text, range);
    if Language::detect(text) != Language::detect(range) {
        return strangers;
    }
    strangers.extend(if text.chars().any(is_han) { chinese(text, range) } else { english(text, range) });
    strangers
}

/// Words in letters that are neither Latin nor Chinese, and Latin words in a Chinese sentence: a word that looks like
/// another ("rеfund" with a Cyrillic letter) is not the word that the evidence has.
fn other_letters(text: &str, range: &str) -> Vec<String> {
    let (folded, there) = (fold_text(text), fold_text(range));
    let is_chinese = folded.chars().any(is_han);
    let words = folded.split(|c: char| !c.is_alphanumeric() || is_han(c)).filter(|w| !w.is_empty());
    words
        .filter(|word| {
            let is_foreign = word.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
            let is_latin = is_chinese
                && word.len() >= 3
                && word.bytes().all(|b| b.is_ascii_alphabetic())
                && !is_plain(word)
                && !LATIN_IN_CHINESE.contains(word);
            (is_foreign || is_latin) && !there.contains(word)
        })
        .map(str::to_owned)
        .collect()
}

/// Latin words that Chinese sentences use for what their evidence may write in Chinese.
const LATIN_IN_CHINESE: &[&str] =
    &["app", "wifi", "sms", "pdf", "usb", "vip", "logo", "kwh", "rmb", "cny", "usd", "gst", "vat"];

/// After these a word is what is done, not a thing.
const BEFORE_VERBS: &[&str] = &[
    "to",
    "can",
    "cannot",
    "can't",
    "could",
    "will",
    "won't",
    "would",
    "may",
    "might",
    "must",
    "should",
    "shall",
    "you",
    "we",
    "they",
    "i",
    "it",
    "do",
    "don't",
    "does",
    "doesn't",
    "did",
    "didn't",
    "not",
    "please",
    "never",
    "who",
    "be",
    "is",
    "are",
    "isn't",
    "aren't",
    "was",
    "were",
    "been",
    "being",
    "you've",
    "we've",
    "you're",
    "we're",
    "it's",
    "that",
    "which",
    "get",
    "gets",
    "always",
    "also",
    "automatically",
    "only",
    "and",
    "or",
    "then",
    "have",
    "has",
    "had",
];

fn english(text: &str, range: &str) -> Vec<String> {
    let mut strangers = Vec::new();
    let (mut before, mut earlier) = (String::new(), String::new());
    for token in lexical::tokens(text) {
        let word = fold_text(text.get(token.start..token.end).unwrap_or_default());
        let previous = std::mem::replace(&mut before, word.clone());
        let is_there = std::mem::replace(&mut earlier, previous.clone()) == "there";
        let is_thing = token.kind == Kind::Word
            && word.len() >= 3
            && word.bytes().all(|b| b.is_ascii_alphabetic())
            && !word.ends_with("ly")
            && (!BEFORE_VERBS.contains(&previous.as_str())
                || is_noun_before_end(text, token.end, &previous)
                || !is_there && word != "not" && is_quality(&word, &previous));
        let denies = matches!(
            word.as_str(),
            "cannot"
                | "nobody"
                | "nothing"
                | "none"
                | "lack"
                | "lacks"
                | "non"
                | "neither"
                | "nor"
                | "without"
                | "except"
        );
        if is_thing && !denies && !is_plain(&word) && !NUMBERS.contains(&word.as_str()) && !holds(range, &word) {
            strangers.push(word);
        }
    }
    strangers
}

/// "and velvet covers": after "and" and "or" a word may be a thing as well as an act.
fn is_noun_before_end(text: &str, end: usize, previous: &str) -> bool {
    matches!(previous, "and" | "or") && !text.get(end..).unwrap_or_default().trim_start().starts_with("the ")
}

/// "is dangerous": what something is said to be, unless it is what is done with it.
fn is_quality(word: &str, previous: &str) -> bool {
    matches!(previous, "is" | "are" | "isn't" | "aren't" | "was" | "were" | "it's" | "you're" | "they're")
        && !["ed", "en", "ing", "pt", "wn", "lt", "nt", "ent", "ade", "aid"].iter().any(|end| word.ends_with(end))
}

/// Numbers, months and days are facts and checked as such.
const NUMBERS: &[&str] = &[
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "half",
    "percent",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mondays",
    "tuesdays",
    "wednesdays",
    "thursdays",
    "fridays",
    "saturdays",
    "sundays",
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "weekday",
    "weekdays",
    "weekend",
    "weekends",
    "noon",
    "midnight",
    "morning",
    "afternoon",
    "evening",
    "night",
    "today",
    "tomorrow",
    "dollar",
    "dollars",
    "euro",
    "euros",
    "pound",
    "pounds",
    "franc",
    "francs",
    "yuan",
    "gram",
    "grams",
    "kilogram",
    "kilograms",
    "litre",
    "litres",
    "liter",
    "liters",
    "watt",
    "watts",
    "degree",
    "degrees",
    "hour",
    "hours",
    "minutes",
    "seconds",
    "month",
    "months",
    "weeks",
    "years",
    "days",
];

/// Characters that end the name of a kind of thing: one foreign character before them makes another kind.
const KINDS: &str = "卡版店厅票房套色款型号文国省市县员级装袋盒瓶餐层区";

fn chinese(text: &str, range: &str) -> Vec<String> {
    let range = fold_text(range);
    let evidence: HashSet<char> = range.chars().filter(|c| is_han(*c)).collect();
    let mut folded = fold_text(text);
    // Another word for what the evidence names is as good as its own.
    for set in synonyms() {
        if let Some(named) = set.iter().find(|word| range.contains(*word)) {
            for word in set.iter().filter(|word| !word.is_ascii() && word.chars().count() > 1) {
                folded = folded.replace(word, named);
            }
        }
    }
    let characters: Vec<char> = folded.chars().collect();
    // What is plain is covered, longest words first.
    let mut plain = vec![false; characters.len()];
    for word in PLAIN_ZH.iter() {
        let word: Vec<char> = word.chars().collect();
        for at in 0..characters.len().saturating_sub(word.len() - 1) {
            let here = characters.get(at..at + word.len()).unwrap_or_default();
            let free = plain.get(at..at + word.len()).is_some_and(|p| p.iter().all(|covered| !covered));
            // A single character is only plain where it is no part of a longer foreign word.
            if here == word
                && (free || word.len() > 1)
                && let Some(covered) = plain.get_mut(at..at + word.len())
            {
                covered.fill(true);
            }
        }
    }
    let is_foreign = |at: usize| {
        characters.get(at).is_some_and(|c| is_han(*c) && !evidence.contains(c)) && plain.get(at) == Some(&false)
    };
    let mut strangers = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let mut end = at;
        while is_foreign(end) {
            end += 1;
        }
        let names_kind = characters.get(end).is_some_and(|c| KINDS.contains(*c));
        if end - at >= 2 || (end - at == 1 && names_kind) {
            strangers.push(characters.get(at..end).unwrap_or_default().iter().collect());
        }
        at = end.max(at + 1);
    }
    strangers
}
