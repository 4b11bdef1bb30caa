//! Whether a sentence turns its evidence around ("not", antonyms), or promises more than it.

use crate::{
    knowledge::rank::is_negated,
    platform::lexical::{self, Kind, fold_text},
};

/// How much of a clause must stand in a clause of the evidence for the two to speak of the same.
const ALIGNED: f32 = 0.5;
/// What else counts as speaking of the same.
const NEAR: f32 = 0.9;

struct Clause {
    text: String,
    terms: Vec<u32>,
    negated: bool,
}

/// The clauses of a text, cut at commas, semicolons and "but".
fn clauses(text: &str) -> Vec<Clause> {
    let folded = fold_text(text).replace(" but ", "; ").replace(" however ", "; ").replace('但', "；");
    let mut parts: Vec<String> = Vec::new();
    for part in folded.split(['.', '!', '?', ';', '；', '。', '！', '？', '\n', '，', ',', '|']) {
        let part = part.trim();
        if part.is_empty() {
            continue;
        }
        // "1,200" and "4.5" are no clauses.
        let glued = part.starts_with(|c: char| c.is_ascii_digit())
            && parts.last().is_some_and(|p| p.ends_with(|c: char| c.is_ascii_digit()));
        match parts.last_mut() {
            Some(last) if glued => last.push_str(part),
            _ => parts.push(part.to_owned()),
        }
    }
    parts
        .into_iter()
        .map(|text| Clause { terms: topic(&text), negated: says_no(&text), text })
        .filter(|c| !c.terms.is_empty())
        .collect()
}

/// The terms of topic, without the words that deny.
fn topic(text: &str) -> Vec<u32> {
    let mut terms: Vec<u32> = lexical::tokens(text)
        .into_iter()
        .filter(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Whole | Kind::Char))
        .filter(|t| {
            let word = text.get(t.start..t.end).unwrap_or_default();
            !DENIAL_EN.contains(&word)
                && !word.ends_with("n't")
                && !"不没未无非勿别的了也可以能会将在是有为和与及或".contains(word)
        })
        .map(|t| t.id)
        .collect();
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Words that deny without "not".
const DENIAL_EN: &[&str] = &[
    "not",
    "no",
    "never",
    "cannot",
    "without",
    "none",
    "neither",
    "nor",
    "unable",
    "unavailable",
    "impossible",
    "prohibited",
    "forbidden",
    "excluded",
    "excludes",
    "exclude",
    "excluding",
    "except",
    "refuse",
    "refused",
    "rejected",
    "invalid",
    "ineligible",
    "declined",
    "banned",
    "void",
    "stops",
    "non",
    "un",
    "hardly",
    "isn't",
    "lack",
    "lacks",
    "nothing",
    "nobody",
    "nowhere",
];
const DENIAL_ZH: &[&str] = &["禁止", "拒绝", "除外", "谢绝", "停止", "排除", "以外的", "免除"];

fn says_no(clause: &str) -> bool {
    // "No, we don't" denies once.
    let clause = clause.trim_start_matches("no, ").trim_start_matches("no ");
    is_negated(clause)
        || DENIAL_ZH.iter().any(|w| clause.contains(w))
        || clause.split(|c: char| !c.is_alphanumeric() && c != '\'').any(|w| DENIAL_EN.contains(&w))
}

fn shared(a: &[u32], b: &[u32]) -> f32 {
    a.iter().filter(|id| b.binary_search(id).is_ok()).count() as f32 / a.len().max(1) as f32
}

/// The clause of `text` that says the opposite of what the evidence says of the same thing.
pub fn contradiction(text: &str, range: &str) -> Option<String> {
    let evidence = clauses(range);
    for clause in clauses(text) {
        let scored: Vec<(f32, &Clause)> = evidence.iter().map(|e| (shared(&clause.terms, &e.terms), e)).collect();
        let best = scored.iter().map(|(s, _)| *s).fold(0.0, f32::max);
        if best < ALIGNED {
            continue;
        }
        let near: Vec<&Clause> = scored.iter().filter(|(s, _)| *s >= best * NEAR).map(|(_, e)| *e).collect();
        if near.iter().all(|e| e.negated != clause.negated) || near.iter().all(|e| are_opposed(&clause.text, &e.text)) {
            return Some(clause.text);
        }
    }
    None
}

/// Pairs of which one side turns the other around.
const OPPOSED: &[(&[&str], &[&str])] = &[
    (&["includes", "included", "including", "include"], &["excludes", "excluded", "excluding", "exclude"]),
    (&["before", "prior to"], &["after", "following"]),
    (&["at least", "minimum", "no less than", "or more"], &["at most", "maximum", "no more than", "up to"]),
    (&["more than", "over", "above", "exceeds"], &["less than", "under", "below"]),
    (&["allowed", "permitted"], &["prohibited", "forbidden", "banned"]),
    (&["free of charge", "free", "at no cost"], &["charged", "at a cost", "for a fee", "at your own cost"]),
    (&["increases", "increased", "rises"], &["decreases", "decreased", "falls", "reduced"]),
    (&["open"], &["closed"]),
    (&["buyer", "customer pays", "you pay"], &["seller", "we pay", "we cover"]),
    (&["possible"], &["impossible"]),
    (&["required", "mandatory", "must"], &["optional", "voluntary"]),
    (&["earlier"], &["later"]),
    (&["online"], &["in store", "in-store", "offline"]),
    (&["以上", "超过", "高于", "至少", "不少于", "不低于"], &["以下", "不足", "低于", "至多", "最多", "不超过"]),
    (&["之前", "以前", "前"], &["之后", "以后", "后"]),
    (&["免费", "免运费", "包邮", "不收费"], &["收费", "需付费", "自费"]),
    (
        &["买家承担", "您承担", "客户承担", "自行承担", "自理"],
        &["卖家承担", "我们承担", "商家承担", "本公司承担", "由我们"],
    ),
    (&["线上"], &["线下", "门店"]),
    (&["最低"], &["最高"]),
    (&["增加", "提高", "上涨"], &["减少", "降低", "下降"]),
    (&["必须", "必需", "须"], &["可选", "自愿", "无需", "不必"]),
    (&["开放", "营业"], &["关闭", "休息", "停业"]),
    (&["含税", "包含", "包括"], &["不含", "不包含", "不包括", "除外"]),
    (&["可以", "支持", "允许", "可"], &["不可", "不能", "不支持", "不得", "不允许", "禁止", "无法"]),
];

fn are_opposed(a: &str, b: &str) -> bool {
    let has = |text: &str, words: &[&str]| {
        words.iter().any(|w| {
            if w.is_ascii() {
                let padded = format!(
                    " {} ",
                    text.split(|c: char| !c.is_alphanumeric() && c != '-').collect::<Vec<_>>().join(" ")
                );
                padded.contains(&format!(" {w} "))
            } else {
                text.contains(w)
            }
        })
    };
    OPPOSED.iter().any(|(left, right)| {
        let (a_left, a_right, b_left, b_right) = (has(a, left), has(a, right), has(b, left), has(b, right));
        // Where one side contains the other's words (可 in 不可), the longer decides.
        (a_right && !b_right && b_left) || (b_right && !a_right && a_left)
    })
}

const CERTAIN: &[&str] = &[
    "guarantee",
    "guaranteed",
    "guarantees",
    "promise",
    "promised",
    "definitely",
    "certainly",
    "always",
    "for sure",
    "without exception",
    "absolutely",
    "in any case",
    "保证",
    "承诺",
    "一定会",
    "一定能",
    "必定",
    "肯定",
    "绝对",
    "确保",
    "无条件",
    "百分百",
    "任何情况",
];
const WILL: &[&str] = &["will", "shall", "must", "is entitled", "会", "将", "一定"];
const MAY: &[&str] = &[
    "may",
    "might",
    "can",
    "could",
    "at our discretion",
    "case by case",
    "in some cases",
    "possibly",
    "可能",
    "也许",
    "视情况",
    "酌情",
    "原则上",
    "有机会",
    "不一定",
    "有时",
];

/// The words that promise what the evidence does not.
pub fn promise(text: &str, range: &str) -> Option<String> {
    let (said, there) = (padded(text), padded(range));
    let holds = |text: &str, word: &str| {
        if word.is_ascii() { text.contains(&format!(" {word} ")) } else { text.contains(word) }
    };
    if let Some(word) = CERTAIN.iter().find(|w| holds(&said, w)) {
        let backed = CERTAIN.iter().any(|w| holds(&there, w)) || there.contains("一定");
        // "we cannot guarantee" promises nothing.
        if !backed && !says_no(&said) {
            return Some((*word).to_owned());
        }
    }
    // A "may" that became a "will".
    for clause in clauses(text) {
        let own = padded(&clause.text);
        if !WILL.iter().any(|w| holds(&own, w)) || MAY.iter().any(|w| holds(&own, w)) {
            continue;
        }
        let evidence = clauses(range);
        let best = evidence.iter().map(|e| shared(&clause.terms, &e.terms)).fold(0.0, f32::max);
        let near: Vec<String> = evidence
            .iter()
            .filter(|e| best >= ALIGNED && shared(&clause.terms, &e.terms) >= best * NEAR)
            .map(|e| padded(&e.text))
            .collect();
        let hedged = |e: &String| MAY.iter().any(|w| holds(e, w)) && !WILL.iter().any(|w| holds(e, w));
        if !near.is_empty() && near.iter().all(hedged) {
            return Some(clause.text);
        }
    }
    None
}

fn padded(text: &str) -> String {
    format!(
        " {} ",
        fold_text(text)
            .split(|c: char| !c.is_alphanumeric() && c != '\'')
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    )
}
