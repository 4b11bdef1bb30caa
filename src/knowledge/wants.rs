//! What kind of thing a question asks for (a person, a time, an amount …), and whether a sentence holds such a thing.

use std::ops::Range;

use crate::platform::lexical::{self, Kind};

/// The kind of answer a question wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    Person,
    Time,
    /// A length of time ("how long", "多久").
    Duration,
    /// Any number ("how many", "多少").
    Number,
    /// An amount of money ("how much", "多少钱").
    Money,
    Percentage,
    Place,
    /// A phone number, an address of the network.
    Contact,
    Reason,
    Manner,
    YesNo,
    #[default]
    Anything,
}

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
];

/// Where the words stand that only ask. English ones are stop words already.
pub fn asking_words(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    if text.is_ascii() {
        return ranges;
    }
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

impl Wants {
    /// What `question` asks for.
    pub fn read(question: &str) -> Self {
        let text = lexical::fold_text(question);
        if crate::platform::language::Language::detect(&text) == Some(crate::platform::language::Language::Zh) {
            Self::read_zh(&text)
        } else {
            Self::read_en(&text)
        }
    }

    fn read_zh(text: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
        if has(&["多少钱", "价格", "费用", "什么价", "多贵", "几块", "几元", "运费", "手续费"])
            && has(&["多少", "几", "怎么收", "什么价", "多贵"])
        {
            Self::Money
        } else if has(&["百分之几", "百分之多少", "比例", "占多少", "几折"]) {
            Self::Percentage
        } else if has(&["电话", "联系方式", "邮箱", "网址", "号码"]) && has(&["多少", "什么", "是", "几"])
        {
            Self::Contact
        } else if has(&["多久", "多长时间", "几天", "多少天", "几个工作日", "几小时", "多少小时", "几年时间", "多少年"])
        {
            Self::Duration
        } else if has(&[
            "什么时候",
            "何时",
            "哪一年",
            "哪年",
            "几月",
            "几号",
            "几点",
            "哪天",
            "哪一天",
            "什么时间",
            "哪个月",
            "哪个年代",
            "哪个世纪",
            "年份",
        ]) {
            Self::Time
        } else if has(&["谁", "哪位", "何人", "什么人", "哪个人"]) {
            Self::Person
        } else if has(&[
            "哪里",
            "哪儿",
            "什么地方",
            "何处",
            "位于哪",
            "在哪",
            "哪个城市",
            "哪个国家",
            "哪个省",
            "哪个地方",
            "地址",
        ]) {
            Self::Place
        } else if has(&["多少", "几个", "几种", "几次", "几", "多大", "多高", "多长", "多远", "多重", "多宽"])
        {
            Self::Number
        } else if has(&["为什么", "为何", "原因", "怎么会"]) {
            Self::Reason
        } else if has(&["怎么", "如何", "怎样", "步骤", "流程"]) {
            Self::Manner
        } else if has(&["吗", "是否", "是不是", "能不能", "可不可以", "有没有", "会不会", "可以"])
        {
            Self::YesNo
        } else {
            Self::Anything
        }
    }

    fn read_en(text: &str) -> Self {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let phrase = |a: &str, b: &[&str]| words.windows(2).any(|w| matches!(w, [x, y] if *x == a && b.contains(y)));
        let has = |list: &[&str]| words.iter().any(|w| list.contains(w));
        let first = words.first().copied().unwrap_or_default();
        if has(&["percent", "percentage", "proportion"]) {
            Self::Percentage
        } else if phrase("how", &["long", "soon", "quickly"]) || has(&["duration"]) && has(&["what", "how"]) {
            Self::Duration
        } else if phrase("how", &["much"])
            && has(&[
                "cost", "costs", "price", "pay", "paid", "fee", "charge", "charged", "money", "worth", "spend", "spent",
            ])
            || has(&["price", "cost", "fee"]) && has(&["what", "how"])
        {
            Self::Money
        } else if phrase(
            "how",
            &["many", "much", "old", "far", "tall", "large", "big", "high", "wide", "deep", "heavy", "often", "fast"],
        ) || phrase("what", &["number"])
        {
            Self::Number
        } else if has(&["when"])
            || phrase("what", &["year", "date", "day", "month", "time", "century", "decade"])
            || phrase("which", &["year", "month", "day", "century", "decade"])
        {
            Self::Time
        } else if has(&["who", "whom", "whose"]) {
            Self::Person
        } else if has(&["where"])
            || phrase("what", &["country", "city", "state", "place", "location", "town", "region", "continent"])
            || phrase("which", &["country", "city", "state"])
        {
            Self::Place
        } else if has(&["phone", "telephone", "email", "hotline"]) && has(&["what", "which", "how"]) {
            Self::Contact
        } else if has(&["why"]) {
            Self::Reason
        } else if has(&["how"]) {
            Self::Manner
        } else if [
            "is", "are", "was", "were", "do", "does", "did", "can", "could", "will", "would", "should", "may", "has",
            "have", "am", "must",
        ]
        .contains(&first)
        {
            Self::YesNo
        } else {
            Self::Anything
        }
    }

    /// How sure it is that `sentence` holds something of this kind that the question (`asked` knows its terms) did not
    /// say itself: 1 yes, 0 nothing to tell by, -1 no.
    pub fn fits(self, sentence: &str, asked: &dyn Fn(u32) -> bool) -> f32 {
        let sign = |found: bool| if found { 1.0 } else { -1.0 };
        match self {
            Self::Anything | Self::Manner | Self::Reason | Self::YesNo => 0.0,
            Self::Number => sign(has_number(sentence, asked)),
            Self::Duration => sign(has_number(sentence, asked) && has_any(sentence, DURATION)),
            Self::Money => sign(
                has_number(sentence, asked) && has_any(sentence, MONEY)
                    || has_any(sentence, &["free", "免费", "包邮", "no charge"]),
            ),
            Self::Percentage => {
                sign(has_any(sentence, &["%", "％", "percent", "百分之", "折", "third", "half", "quarter", "成"]))
            }
            Self::Time => sign(has_time(sentence, asked)),
            Self::Person => sign(has_name(sentence, asked)),
            Self::Place => {
                if has_name(sentence, asked) {
                    0.5
                } else {
                    -0.5
                }
            }
            Self::Contact => sign(
                sentence.contains('@')
                    || sentence.contains("http")
                    || sentence.contains("www.")
                    || longest_digits(sentence) >= 5,
            ),
        }
    }
}

const DURATION: &[&str] = &[
    "second", "minute", "hour", "day", "week", "month", "year", "decade", "centur", "秒", "分钟", "小时", "天", "日",
    "周", "星期", "月", "年", "世纪",
];
const MONEY: &[&str] = &[
    "$", "€", "£", "¥", "￥", "usd", "eur", "rmb", "cny", "dollar", "euro", "pound", "yuan", "元", "块", "美元", "rm",
    "sgd", "hkd", "cent",
];
const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "dozen",
    "twenty", "thirty", "forty", "fifty", "sixty", "hundred", "thousand", "million", "billion", "several", "half",
    "double", "twice", "once", "single", "both", "first", "second", "third", "no",
];
const MONTHS: &[&str] = &[
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
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "century",
    "centuries",
    "today",
    "tomorrow",
    "yesterday",
    "midnight",
    "noon",
    "morning",
    "evening",
    "spring",
    "summer",
    "autumn",
    "winter",
    "decade",
    "era",
    "during",
    "after",
    "before",
    "until",
    "since",
    "later",
    "ago",
    "within",
    "immediately",
    "daily",
    "weekend",
    "weekdays",
];

fn has_any(sentence: &str, words: &[&str]) -> bool {
    let folded = lexical::fold_text(sentence);
    words.iter().any(|w| folded.contains(w))
}

fn has_number(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    let mut found = false;
    lexical::scan(sentence, |token| {
        if found {
            return;
        }
        let written = || sentence.get(token.start..token.end).unwrap_or_default();
        found = match token.kind {
            Kind::Number => !asked(token.id),
            Kind::Whole => written().contains(|c: char| c.is_ascii_digit()) && !asked(token.id),
            Kind::Word | Kind::Stop => NUMBER_WORDS.contains(&written().to_ascii_lowercase().as_str()),
            Kind::Char => "一二两三四五六七八九十百千万亿半双零几数".contains(written()) && !asked(token.id),
            _ => false,
        };
    });
    found
}

fn has_time(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    let mut found = false;
    lexical::scan(sentence, |token| {
        if found {
            return;
        }
        let written = || sentence.get(token.start..token.end).unwrap_or_default();
        found = match token.kind {
            Kind::Number | Kind::Whole => {
                let text = written();
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                !asked(token.id)
                    && (digits == 4 || digits == 3 || text.contains(['-', '/', ':', '.']) || digits <= 2 && digits > 0)
            }
            Kind::Word | Kind::Stop => MONTHS.contains(&written().to_ascii_lowercase().as_str()),
            Kind::Pair => [
                "今天", "明天", "昨天", "时候", "期间", "世纪", "年代", "之后", "之前", "以后", "以前", "周一", "周五",
                "周六", "周日", "每天", "工作", "随时", "同年", "翌年", "次年", "当时", "初年", "末年", "时期", "朝代",
            ]
            .contains(&written()),
            _ => false,
        };
    });
    found
}

fn has_name(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    if super::rank::is_chinese(sentence) {
        return true;
    }
    let mut found = false;
    let mut is_first = true;
    lexical::scan(sentence, |token| {
        let written = sentence.get(token.start..token.end).unwrap_or_default();
        found |= !is_first
            && matches!(token.kind, Kind::Word | Kind::Whole)
            && written.starts_with(char::is_uppercase)
            && !asked(token.id);
        found |= is_first && token.kind == Kind::Word && written.starts_with(char::is_uppercase) && !asked(token.id);
        is_first = false;
    });
    found
}

fn longest_digits(text: &str) -> usize {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | ' ')))
        .map(|run| run.bytes().filter(u8::is_ascii_digit).count())
        .max()
        .unwrap_or(0)
}
