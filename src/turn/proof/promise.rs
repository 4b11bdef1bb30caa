//! Promises beyond the evidence: a guarantee where it gives none, a "will" where it says "may", a refund it does not know.

use super::{
    negation::{Clause, clauses, denies_outright, nearest, says_no},
    strangers,
};
use crate::platform::{
    language::{Language, is_han},
    lexical::fold_text,
};

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
    "whenever",
    "everyone",
    "nothing is ever",
    "at any time",
    "any weather",
    "never",
    "保证",
    "承诺",
    "一定会",
    "一定能",
    "一定给",
    "必定",
    "肯定",
    "绝对",
    "确保",
    "无条件",
    "百分百",
    "任何情况",
    "任何时候",
    "人人",
    "永远",
    "随时都",
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
    "depends",
    "depending",
    "subject to",
    "usually",
    "可能",
    "也许",
    "视情况",
    "酌情",
    "原则上",
    "有机会",
    "不一定",
    "有时",
    "通常",
    "一般",
];
/// Things given to a customer; the words of a line say the same.
const GIFTS: &[&[&str]] = &[
    &["refund", "refunds", "refunded", "reimburse", "reimbursed", "money back", "退款", "退还", "退钱", "退费", "退回"],
    &["compensate", "compensated", "compensation", "赔偿", "补偿", "赔付", "理赔"],
    &["replace", "replaced", "replacement", "exchange", "exchanged", "swap", "换"],
    &["upgrade", "upgraded", "升级", "升舱"],
    &["voucher", "vouchers", "credit", "优惠券", "代金券"],
    &["gift", "for free as a gift", "赠送", "赠品"],
    &[
        "free",
        "no charge",
        "no cost",
        "no extra cost",
        "without a fee",
        "without any fee",
        "no fee",
        "no fees",
        "without charge",
        "complimentary",
        "costs nothing",
        "免费",
        "包邮",
        "免运费",
        "免邮",
        "不收费",
        "不收取",
        "不另收",
        "不用钱",
        "0 元",
    ],
    &["waive", "waived", "免除", "减免"],
    &["in full", "full refund", "全额"],
];

fn padded(text: &str) -> String {
    let words: Vec<String> = fold_text(text)
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect();
    // Who may feel free is given nothing, and a gift card is a thing that is sold.
    format!(" {} ", words.join(" ")).replace(" feel free ", " ").replace(" gift card", " giftcard")
}

fn holds(padded: &str, word: &str) -> bool {
    if word.is_ascii() { padded.contains(&format!(" {word} ")) } else { padded.contains(word.trim()) }
}

/// The words that promise what the evidence does not.
pub(super) fn promise(text: &str, range: &str) -> Option<String> {
    let said = clauses(text);
    let evidence = clauses(range);
    let there: Vec<(String, bool)> = evidence.iter().map(|c| (padded(&c.text), denies_outright(&c.text))).collect();
    let same_language = Language::detect(text) == Language::detect(range);
    certain(text, &there).or_else(|| {
        said.iter().find_map(|clause| {
            let own = padded(&clause.text);
            hardened(clause, &own, &evidence)
                .or_else(|| gift(&own, clause, &there))
                .or_else(|| same_language.then(|| commitment(&own, range, &there)).flatten())
        })
    })
}

/// A guarantee that the evidence does not give.
fn certain(text: &str, there: &[(String, bool)]) -> Option<String> {
    let said = padded(text);
    let is_beyond = |word: &&&str| {
        let backed = there.iter().any(|(clause, negated)| {
            holds(clause, word)
                || !negated && CERTAIN.iter().any(|w| holds(clause, w))
                || clause.contains("随时")
                || holds(clause, "any time")
        });
        let denied = there.iter().any(|(clause, negated)| *negated && holds(clause, word));
        // "we cannot guarantee" promises nothing; "never" and "nothing" are themselves the promise.
        let is_denial = matches!(**word, "never" | "nothing is ever") || !says_no(text);
        let promises = is_denial || (text.contains("绝不") || text.contains("永远不"));
        promises && (!backed || denied && !says_no(text))
    };
    CERTAIN.iter().filter(|w| holds(&said, w)).find(is_beyond).map(|word| (*word).to_owned())
}

/// A "may" that became a "will".
fn hardened(clause: &Clause, own: &str, evidence: &[Clause]) -> Option<String> {
    if !WILL.iter().any(|w| holds(own, w)) || MAY.iter().any(|w| holds(own, w)) {
        return None;
    }
    let hedged = |e: &Clause| {
        let text = padded(&e.text);
        MAY.iter().any(|w| holds(&text, w)) && !WILL.iter().any(|w| holds(&text, w))
    };
    // What will be done is only ever spoken of as possible.
    let verb =
        own.split_once(" will ").and_then(|(_, after)| after.split(' ').find(|w| !matches!(*w, "be" | "also" | "not")));
    let doing: Vec<&Clause> = match verb.filter(|v| !strangers::is_plain(v)) {
        Some(verb) => evidence.iter().filter(|e| strangers::holds(&e.text, verb)).collect(),
        None => Vec::new(),
    };
    let near = if doing.is_empty() { nearest(clause, evidence) } else { doing };
    (!near.is_empty() && near.iter().all(|e| hedged(e))).then(|| clause.text.clone())
}

/// Something given that the evidence does not give, or only may give.
fn gift(own: &str, clause: &Clause, there: &[(String, bool)]) -> Option<String> {
    if denies_outright(&clause.text) || clause.is_condition {
        return None;
    }
    let hedged = MAY.iter().any(|w| holds(own, w));
    GIFTS.iter().find_map(|words| {
        let word = words.iter().find(|w| holds(own, w))?;
        let given = there.iter().any(|(e, negated)| {
            // Where the passage denies it in one place and gives it in another, polarity decides.
            words.iter().any(|w| holds(e, w))
                && !*negated
                // What "you may" do is allowed, not uncertain.
                && (hedged
                    || !["may", "might", "可能", "也许", "酌情"].iter().any(|m| holds(&e.replace(" you may ", " you "), m)))
        });
        (!given).then(|| (*word).trim().to_owned())
    })
}

/// What comes after "we will" in the sentence must be done somewhere in the evidence.
fn commitment(own: &str, range: &str, there: &[(String, bool)]) -> Option<String> {
    for marker in [" we will ", " we'll ", " we shall ", " i will ", " i'll "] {
        let Some((_, after)) = own.split_once(marker) else { continue };
        let verb = after.split(' ').find(|w| {
            !matches!(*w, "also" | "then" | "always" | "be" | "have" | "happily" | "gladly" | "of" | "course" | "not")
        })?;
        if SERVING.contains(&verb) || says_no(own) {
            return None;
        }
        let done = there.iter().any(|(clause, negated)| !negated && strangers::holds(clause, verb));
        return (!done).then(|| format!("will {verb}"));
    }
    for marker in ["我们会", "我们将", "我们一定", "我们今天就会", "会为您", "会给您", "将为您", "帮您"]
    {
        let Some((_, after)) = own.split_once(marker) else { continue };
        let mut rest: &str = after.trim_start();
        while let Some(next) = [
            "为您", "给您", "帮您", "对您", "尽快", "立即", "马上", "会", "将", "再", "在", "按", "通过", "免费",
            "全额", "直接",
        ]
        .iter()
        .find_map(|w| rest.strip_prefix(w))
        {
            rest = next.trim_start();
        }
        let action: Vec<char> = rest.chars().take_while(|c| is_han(*c)).take(4).collect();
        if action.len() < 2
            || says_no(own)
            || ["回复", "答复", "联系", "处理", "通知", "安排", "核实", "确认", "告知"]
                .iter()
                .any(|w| rest.starts_with(w))
                && range.contains(&action.iter().take(2).collect::<String>())
        {
            return None;
        }
        let pairs = action.windows(2).map(|pair| pair.iter().collect::<String>());
        let done =
            pairs.into_iter().any(|pair| there.iter().any(|(clause, negated)| !negated && clause.contains(&pair)));
        return (!done).then(|| format!("{marker}{}", action.iter().collect::<String>()));
    }
    None
}

/// What serving a customer always includes: saying that it will be done promises no more than the facts beside it.
const SERVING: &[&str] = &[
    "get", "take", "process", "make", "start", "receive", "need", "help", "handle", "let", "contact", "reply",
    "respond", "check", "look", "find", "see", "tell", "inform", "notify", "use", "give", "do", "keep", "arrive",
];
