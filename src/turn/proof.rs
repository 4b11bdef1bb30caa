//! Whether the evidence says what a draft says: checked by code, sentence by sentence. What is unproven is cut.
//!
//! A sentence is checked against the place it quotes, with its neighbours, headings and table header. Pure.

use super::{
    Citation, Cut, Draft, Proven, Sentence, Unproven,
    facts::{self, Fact, Unit, Value},
    polarity,
};
use crate::{
    knowledge::Evidence,
    platform::{
        language::{Language, is_han},
        lexical::{self, Kind, fold_text},
        sentences,
    },
};

/// Keeps the sentences of `draft` that their citations prove.
pub fn check(draft: Draft, evidence: &Evidence) -> Proven {
    let mut cut = Vec::new();
    let mut draft = draft;
    draft.sentences.retain(|sentence| {
        let unproven = unproven(sentence, evidence);
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
    let mut found = Vec::new();
    for citation in &sentence.citations {
        match range(citation, evidence) {
            Some(range) => ranges.push(range),
            None => found.push(Unproven::Citation(citation.quote.clone())),
        }
    }
    if !found.is_empty() {
        return found;
    }
    let range = ranges.join("\n");
    if letters(&range).contains(&letters(&sentence.text)) {
        return found; // word for word
    }
    found.extend(said.iter().filter(|fact| !is_proven(fact, &range)).map(as_unproven));
    found.extend(names(&sentence.text, &range).into_iter().map(Unproven::Name));
    found.extend(polarity::contradiction(&sentence.text, &range).map(Unproven::Negation));
    found.extend(polarity::promise(&sentence.text, &range).map(Unproven::Promise));
    if found.is_empty() && is_elsewhere(&sentence.text, &range) {
        found.push(Unproven::Nothing(sentence.text.clone()));
    }
    found
}

fn is_proven(fact: &Fact, range: &str) -> bool {
    let mentions = |unit: Unit| facts::mentions(range, unit);
    facts::read(range).iter().any(|there| fact.value.is_proven_by(&there.value, &mentions))
        || match &fact.value {
            // "KT 170" and "KT-170".
            Value::Code(code) => letters(range).contains(code.as_str()),
            _ => false,
        }
}

fn as_unproven(fact: &Fact) -> Unproven {
    let words = fact.words.clone();
    match &fact.value {
        Value::Number { unit: Some(unit), .. } if unit.is_duration() => Unproven::Duration(words),
        Value::Number { .. } => Unproven::Number(words),
        Value::Date { .. } | Value::Weekday(_) | Value::Time { .. } => Unproven::Date(words),
        Value::Phone(_) => Unproven::Phone(words),
        Value::Link(_) => Unproven::Link(words),
        Value::Email(_) => Unproven::Email(words),
        Value::Code(_) => Unproven::Code(words),
    }
}

/// Letters and digits in folded form: what is left when marks, spaces and line breaks don't count.
fn letters(text: &str) -> String {
    fold_text(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The part of the source that a citation may be held to; `None` if there is no such source or its words are not there.
fn range(citation: &Citation, evidence: &Evidence) -> Option<String> {
    let (text, _) = evidence.source(citation.source)?;
    let quote = letters(&citation.quote);
    if quote.is_empty() {
        return Some(text);
    }
    if !letters(&text).contains(&quote) {
        return None;
    }
    let parts = sentences::split(&text);
    let words = |at: usize| parts.get(at).and_then(|p| text.get(p.range.clone())).unwrap_or_default();
    // The sentences that the quote touches: it begins in one and may go on over the next.
    let touched: Vec<usize> = (0..parts.len())
        .filter(|at| {
            let own = letters(words(*at));
            !own.is_empty() && (quote.contains(&own) || own.contains(&quote) || overlap(&own, &quote))
        })
        .collect();
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else { return Some(text) };
    let mut wanted: Vec<usize> = (first.saturating_sub(1)..=last + 1).collect();
    for at in touched {
        let under = parts.get(at).and_then(|p| p.under);
        let above = under.and_then(|u| parts.get(u)).and_then(|p| p.under);
        wanted.extend(under);
        wanted.extend(above);
    }
    wanted.push(0); // the headline
    wanted.sort_unstable();
    wanted.dedup();
    Some(wanted.into_iter().map(words).collect::<Vec<_>>().join("\n"))
}

/// Whether the end of one is the beginning of the other.
fn overlap(own: &str, quote: &str) -> bool {
    const LEAST: usize = 8;
    let ends = |a: &str, b: &str| {
        a.char_indices()
            .skip(1)
            .any(|(at, _)| a.len() - at >= LEAST && a.get(at..).is_some_and(|tail| b.starts_with(tail)))
    };
    ends(own, quote) || ends(quote, own)
}

/// Names in the sentence that the evidence does not have: capitalised words inside English sentences, titles in Chinese
/// quotation marks, and well-known names.
fn names(text: &str, range: &str) -> Vec<String> {
    let evidence = fold_text(range);
    let mut unknown: Vec<String> = Vec::new();
    let mut has_begun = false;
    for token in lexical::tokens(text) {
        let written = text.get(token.start..token.end).unwrap_or_default();
        let before = text.get(..token.start).unwrap_or_default().trim_end_matches([' ', '"', '“', '(', '*']);
        let starts = !has_begun || before.ends_with(['.', '!', '?', ':', '\n', '。', '！', '？', '：', '-', '•']);
        has_begun = true;
        let is_name = token.kind == Kind::Word
            && !starts
            && written.starts_with(|c: char| c.is_uppercase())
            && written.chars().count() > 1
            && !COMMON.contains(&fold_text(written).as_str());
        let stem = lexical::stem(&fold_text(written));
        if is_name && !evidence.contains(&stem) && !evidence.contains(fold_text(written).trim_end_matches("'s")) {
            unknown.push(written.to_owned());
        }
    }
    let folded = fold_text(text);
    for (open, close) in [('《', '》'), ('「', '」'), ('『', '』')] {
        for part in text.split(open).skip(1) {
            if let Some((name, _)) = part.split_once(close)
                && !letters(range).contains(&letters(name))
            {
                unknown.push(name.to_owned());
            }
        }
    }
    for name in KNOWN_ZH {
        if folded.contains(name)
            && !evidence.contains(name)
            && !EQUAL_ZH.iter().any(|(a, b)| (a == name && evidence.contains(b)) || (b == name && evidence.contains(a)))
        {
            unknown.push((*name).to_owned());
        }
    }
    unknown
}

/// Capitalised words that name nothing.
const COMMON: &[&str] = &[
    "i",
    "i'm",
    "i'll",
    "ok",
    "yes",
    "no",
    "please",
    "pdf",
    "faq",
    "url",
    "am",
    "pm",
    "mr",
    "mrs",
    "ms",
    "dr",
    "english",
    "chinese",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "e-mail",
    "sms",
    "vat",
    "gst",
];

/// Names that are checked in Chinese, where no capital marks them: carriers, ways to pay, places, platforms.
const KNOWN_ZH: &[&str] = &[
    "顺丰",
    "中通",
    "圆通",
    "申通",
    "韵达",
    "邮政",
    "京东",
    "极兔",
    "德邦",
    "菜鸟",
    "支付宝",
    "微信",
    "银联",
    "信用卡",
    "花呗",
    "云闪付",
    "数字人民币",
    "货到付款",
    "现金",
    "淘宝",
    "天猫",
    "拼多多",
    "抖音",
    "小红书",
    "亚马逊",
    "北京",
    "上海",
    "天津",
    "重庆",
    "广州",
    "深圳",
    "杭州",
    "南京",
    "苏州",
    "成都",
    "武汉",
    "西安",
    "郑州",
    "长沙",
    "青岛",
    "厦门",
    "福州",
    "昆明",
    "沈阳",
    "大连",
    "哈尔滨",
    "济南",
    "合肥",
    "南昌",
    "贵阳",
    "太原",
    "石家庄",
    "兰州",
    "海口",
    "南宁",
    "宁波",
    "东莞",
    "佛山",
    "无锡",
    "新疆",
    "西藏",
    "内蒙古",
    "青海",
    "宁夏",
    "甘肃",
    "海南",
    "广东",
    "广西",
    "福建",
    "浙江",
    "江苏",
    "山东",
    "四川",
    "云南",
    "贵州",
    "湖南",
    "湖北",
    "江西",
    "安徽",
    "河北",
    "河南",
    "山西",
    "陕西",
    "辽宁",
    "吉林",
    "黑龙江",
    "香港",
    "澳门",
    "台湾",
    "新加坡",
    "马来西亚",
    "泰国",
    "越南",
    "菲律宾",
    "印尼",
    "印度尼西亚",
    "日本",
    "韩国",
    "美国",
    "英国",
    "德国",
    "法国",
    "澳大利亚",
    "加拿大",
    "印度",
    "工商银行",
    "建设银行",
    "农业银行",
    "中国银行",
    "招商银行",
    "交通银行",
    "华为",
    "小米",
    "苹果",
    "三星",
    "安卓",
];
const EQUAL_ZH: &[(&str, &str)] = &[("印尼", "印度尼西亚"), ("信用卡", "贷记卡"), ("安卓", "android"), ("苹果", "ios")];

/// Whether a sentence is about something else than its evidence: few of its words stand there.
fn is_elsewhere(text: &str, range: &str) -> bool {
    if Language::detect(text) != Language::detect(range) {
        return false; // a translation shares no words
    }
    let evidence = fold_text(range);
    let mut ids = Vec::new();
    lexical::each_term(range, |id| ids.push(id));
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
    let least = if text.chars().any(is_han) { 0.4 } else { 0.25 };
    all >= 3.0 && there / all < least
}

/// Whether a sentence only keeps company and claims nothing.
fn is_courtesy(text: &str) -> bool {
    let folded = fold_text(text);
    let folded = folded.trim().trim_start_matches(['-', ' ']);
    let short =
        if folded.chars().any(is_han) { folded.chars().count() <= 32 } else { folded.split_whitespace().count() <= 18 };
    short && COURTESY.iter().any(|phrase| folded.contains(phrase))
}

const COURTESY: &[&str] = &[
    "happy to help",
    "glad to help",
    "let me know",
    "anything else",
    "you're welcome",
    "you are welcome",
    "hope this helps",
    "hope that helps",
    "feel free to ask",
    "thank you for",
    "thanks for",
    "sorry to hear",
    "i'm sorry",
    "i am sorry",
    "good question",
    "hello",
    "of course",
    "希望对您有帮助",
    "希望能帮到您",
    "希望以上",
    "如有其他问题",
    "如果还有",
    "还有其他问题",
    "随时告诉我",
    "随时联系",
    "不客气",
    "感谢您",
    "谢谢您",
    "很抱歉",
    "非常抱歉",
    "您好",
    "好的",
];

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
