//! The words of a question that only ask.

use std::ops::Range;

use crate::platform::{
    language::is_han,
    lexical::{self, Kind, Token},
};

/// Words that ask and carry no topic, in Chinese: found by text, since Chinese has no spaces. Longer ones first.
const ASKING_ZH: &[&str] = &[
    "为什么",
    "什么时候",
    "是不是",
    "有没有",
    "能不能",
    "可不可以",
    "会不会",
    "要不要",
    "怎么样",
    "怎么办",
    "多少钱",
    "请问",
    "什么",
    "哪些",
    "哪个",
    "哪里",
    "哪儿",
    "哪位",
    "哪种",
    "哪一",
    "哪年",
    "哪",
    "多少",
    "多久",
    "多长",
    "多大",
    "多高",
    "谁",
    "怎么",
    "怎样",
    "如何",
    "为何",
    "何时",
    "是否",
    "吗",
    "呢",
    "几",
    "你们",
    "您们",
    "我们",
    "你",
    "您",
    "我",
];

/// Words that ask behind "how", and carry a topic elsewhere ("a long cable"). Most English ones are stop words already.
const ASKING_AFTER_HOW: &[&str] = &[
    "long",
    "much",
    "many",
    "often",
    "far",
    "big",
    "large",
    "old",
    "soon",
    "fast",
    "quickly",
    "heavy",
    "tall",
    "high",
    "wide",
    "deep",
    "loud",
    "frequently",
];

/// Words that say what sort of text or value is wanted and not what it is about, behind the word that does: a "return
/// policy" is told under "Returns", a "warranty period" under "Warranty".
const SORTS: &[&str] = &[
    "policy",
    "policies",
    "info",
    "information",
    "details",
    "rules",
    "terms",
    "conditions",
    "method",
    "methods",
    "option",
    "options",
    "period",
    "length",
    "duration",
];
/// The same in Chinese.
const SORTS_ZH: &[&str] = &["政策", "规则", "规定", "须知", "说明", "方式"];
/// What asks for a length of time when one of the next stands behind it ("保修期多长").
const PERIODS_ZH: &[&str] = &["时间", "期限", "期", "时效"];
const HOW_LONG_ZH: &[&str] = &["是多长", "是多久", "有多长", "有多久", "多长", "多久", "几天", "几年"];

/// Where the words stand that only say what sort of text or value is wanted.
pub fn sort_words(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let word = |token: &Token| text.get(token.start..token.end).unwrap_or_default().to_ascii_lowercase();
    let tokens = lexical::tokens(text);
    for pair in tokens.windows(2) {
        let [first, second] = pair else { continue };
        let is_number = ["number", "numbers"].contains(&word(second).as_str())
            && ["phone", "telephone", "contact", "fax", "whatsapp", "hotline"].contains(&word(first).as_str());
        if first.kind == Kind::Word && second.kind == Kind::Word && SORTS.contains(&word(second).as_str()) || is_number
        {
            ranges.push(second.start..second.end);
        }
        if ["way", "ways"].contains(&word(first).as_str()) && word(second) == "to" {
            ranges.push(first.start..first.end);
        }
    }
    for sort in SORTS_ZH {
        ranges.extend(text.match_indices(sort).filter(|(at, _)| *at > 0).map(|(at, found)| at..at + found.len()));
    }
    for period in PERIODS_ZH {
        for (at, found) in text.match_indices(period).filter(|(at, _)| *at > 0) {
            let end = at + found.len();
            let rest = text.get(end..).unwrap_or_default();
            if rest.is_empty() || HOW_LONG_ZH.iter().any(|how| rest.starts_with(how)) {
                ranges.push(at..end);
            }
        }
    }
    ranges
}

/// The words, numbers, codes and pairs of Chinese characters of `text` that do more than ask.
pub fn topic_tokens(text: &str) -> Vec<Token> {
    let asking = asking_words(text);
    let only_asks = |t: &Token| asking.iter().any(|r| t.start < r.end && r.start < t.end);
    let mut tokens = lexical::tokens(text);
    tokens.retain(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Whole | Kind::Pair) && !only_asks(t));
    tokens
}

/// Where the words stand that only ask.
pub fn asking_words(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    if text.is_ascii() {
        let tokens = lexical::tokens(text);
        let word = |token: &Token| text.get(token.start..token.end).unwrap_or_default().to_ascii_lowercase();
        for pair in tokens.windows(2) {
            let [first, second] = pair else { continue };
            if word(first) == "how" && ASKING_AFTER_HOW.contains(&word(second).as_str()) {
                ranges.push(second.start..second.end);
            } else if ["until", "till"].contains(&word(first).as_str()) && word(second) == "when" {
                ranges.push(first.start..first.end);
            }
        }
        return ranges;
    }
    // Traditional characters are as long as simplified ones, so that places stay what they are.
    let simplified = |c: char| lexical::fold(c).filter(|f| is_han(c) && f.len_utf8() == c.len_utf8()).unwrap_or(c);
    let text: String = text.chars().map(simplified).collect();
    for word in ASKING_ZH {
        for (start, found) in text.match_indices(word) {
            let range = start..start + found.len();
            if !ranges.iter().any(|r| r.start < range.end && range.start < r.end) {
                ranges.push(range);
            }
        }
    }
    ranges
}
