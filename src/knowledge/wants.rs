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
    /// How often ("every month", "每周一次").
    Frequency,
    Weight,
    Length,
    /// A surface, a volume, a capacity.
    Size,
    Loudness,
    Power,
    Temperature,
    /// Any number ("how many", "多少").
    Number,
    /// An amount of money ("how much", "多少钱").
    Money,
    Percentage,
    Place,
    /// A phone number, an address of the network.
    Contact,
    /// A time of the day ("opening hours", "几点").
    Hours,
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

/// Where the words stand that only ask.
pub fn asking_words(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    if text.is_ascii() {
        let mut after_how = false;
        for token in lexical::tokens(text) {
            let word = text.get(token.start..token.end).unwrap_or_default().to_ascii_lowercase();
            if after_how && ASKING_AFTER_HOW.contains(&word.as_str()) {
                ranges.push(token.start..token.end);
            }
            after_how = word == "how";
        }
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
        if has(&[
            "多少钱",
            "价格",
            "费用",
            "什么价",
            "多贵",
            "几块",
            "几元",
            "运费",
            "手续费",
            "收费",
            "卖多少",
            "收多少",
            "费多少",
            "要付多少",
            "年费",
            "定金",
        ]) && has(&["多少", "几", "怎么收", "什么价", "多贵"])
            && !has(&["几天", "多久", "几点"])
        {
            Self::Money
        } else if has(&["百分之几", "百分之多少", "比例", "占多少", "几折"]) {
            Self::Percentage
        } else if has(&["怎么联系", "如何联系", "怎样联系", "联系方式", "联系你们"]) {
            Self::Contact
        } else if has(&["几点", "营业时间", "服务时间", "上班时间", "工作时间"]) {
            Self::Hours
        } else if has(&["电话", "联系方式", "邮箱", "网址", "号码"]) && has(&["多少", "什么", "是", "几"])
        {
            Self::Contact
        } else if has(&["多久", "多长时间", "几天", "几年", "几个月", "几周", "隔"])
            && has(&["一次", "换一", "清洁一", "多久换", "多久清", "多久检", "更换周期"])
            || has(&["多久要", "多久需要"]) && has(&["换", "洗", "清"])
        {
            Self::Frequency
        } else if has(&["多重", "重量", "多少公斤", "多少千克", "几公斤", "几斤"]) {
            Self::Weight
        } else if has(&[
            "多宽",
            "多高",
            "多长的",
            "多厚",
            "多远",
            "多深",
            "长度",
            "宽度",
            "高度",
            "多少米",
            "多少公里",
            "多少厘米",
            "尺寸",
        ]) {
            Self::Length
        } else if has(&["多大", "面积", "容量", "多少升", "几升", "多大空间", "多少流量"]) {
            Self::Size
        } else if has(&["分贝", "噪音", "噪声"]) && has(&["多", "几"]) {
            Self::Loudness
        } else if has(&["功率", "瓦"]) && has(&["多", "几"]) {
            Self::Power
        } else if has(&["多少度", "几度", "温度"]) && has(&["多", "几"]) {
            Self::Temperature
        } else if has(&[
            "多久",
            "多长时间",
            "几天",
            "多少天",
            "几个工作日",
            "几小时",
            "多少小时",
            "几年",
            "几个月",
            "几周",
            "多少年",
            "有效期",
        ]) {
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
        let opens = has(&["open", "opening", "close", "closing", "business", "office", "working"]);
        if has(&["hours"]) && opens && !has(&["how"]) || phrase("what", &["time"]) && opens {
            Self::Hours
        } else if has(&["contact", "reach"]) && has(&["how", "where"]) && has(&["you", "support", "service", "someone"])
        {
            Self::Contact
        } else if has(&["percent", "percentage", "proportion"]) {
            Self::Percentage
        } else if phrase("how", &["often", "frequently"]) {
            Self::Frequency
        } else if phrase("how", &["heavy"]) || has(&["weigh", "weight", "weighs"]) && has(&["what", "how"]) {
            Self::Weight
        } else if phrase("how", &["tall", "high", "wide", "deep", "far", "thick"]) {
            Self::Length
        } else if phrase("how", &["big", "large", "spacious"]) || has(&["capacity", "volume"]) && has(&["what", "how"])
        {
            Self::Size
        } else if phrase("how", &["loud", "noisy", "quiet"]) || has(&["decibels", "decibel", "db"]) {
            Self::Loudness
        } else if has(&["wattage", "watts"]) && has(&["what", "how", "which"]) {
            Self::Power
        } else if phrase("how", &["hot", "cold", "warm"])
            || has(&["temperature", "temperatures", "degrees"]) && has(&["what", "which", "how"])
        {
            Self::Temperature
        } else if phrase("how", &["long", "soon", "quickly", "fast", "quick"])
            || has(&["duration"]) && has(&["what", "how"])
        {
            Self::Duration
        } else if phrase("how", &["much"])
            && phrase("much", &["is", "are", "does", "do", "for", "to", "will", "would", "s"])
            || phrase("how", &["much"])
                && has(&[
                    "cost", "costs", "price", "pay", "paid", "fee", "charge", "charged", "money", "worth", "spend",
                    "spent",
                ])
            || has(&["price", "cost", "fee"]) && has(&["what", "how"])
        {
            Self::Money
        } else if phrase("how", &["many", "much", "old"]) || phrase("what", &["number"]) {
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

    /// Whether an answer of this kind is told by its unit: a sentence without one is no answer.
    pub fn has_unit(self) -> bool {
        matches!(
            self,
            Self::Money
                | Self::Duration
                | Self::Frequency
                | Self::Weight
                | Self::Length
                | Self::Size
                | Self::Loudness
                | Self::Power
                | Self::Temperature
                | Self::Percentage
                | Self::Contact
                | Self::Hours
        )
    }

    /// How sure it is that `sentence` holds something of this kind that the question (`asked` knows its terms) did not
    /// say itself: 1 yes, 0 nothing to tell by, -1 no.
    pub fn fits(self, sentence: &str, asked: &dyn Fn(u32) -> bool) -> f32 {
        let sign = |found: bool| if found { 1.0 } else { -1.0 };
        match self {
            Self::Anything | Self::Manner | Self::Reason | Self::YesNo => 0.0,
            Self::Number => sign(has_number(sentence, asked)),
            Self::Frequency => sign(has_any(
                sentence,
                &["every", "once", "twice", "times a", "daily", "weekly", "monthly", "yearly", "per ", "每", "一次"],
            )),
            Self::Hours => sign(has_hour(sentence)),
            Self::Weight => sign(has_number(sentence, asked) && has_unit(sentence, WEIGHT)),
            Self::Length => sign(has_number(sentence, asked) && has_unit(sentence, LENGTH)),
            Self::Size => sign(has_number(sentence, asked) && has_unit(sentence, SIZE)),
            Self::Loudness => sign(has_unit(sentence, &["db", "decibel", "decibels", "分贝"])),
            Self::Power => {
                sign(has_number(sentence, asked) && has_unit(sentence, &["w", "kw", "watt", "watts", "瓦", "千瓦"]))
            }
            Self::Temperature => sign(has_number(sentence, asked) && has_any(sentence, &["°", "℃", "度", "degree"])),
            Self::Duration => sign(has_number(sentence, asked) && has_any(sentence, DURATION)),
            Self::Money => sign(
                has_number(sentence, asked) && has_unit(sentence, MONEY)
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
    "$", "€", "£", "¥", "￥", "usd", "eur", "rmb", "cny", "myr", "thb", "dollar", "dollars", "euro", "euros", "pound",
    "pounds", "franc", "francs", "yuan", "元", "块", "美元", "rm", "sgd", "hkd", "cent", "cents",
];
const WEIGHT: &[&str] = &[
    "kg",
    "g",
    "lb",
    "lbs",
    "oz",
    "gram",
    "grams",
    "kilogram",
    "kilograms",
    "kilos",
    "tonnes",
    "公斤",
    "千克",
    "克",
    "斤",
    "吨",
];
const LENGTH: &[&str] = &[
    "m",
    "cm",
    "mm",
    "km",
    "ft",
    "metre",
    "metres",
    "meter",
    "meters",
    "mile",
    "miles",
    "inch",
    "inches",
    "feet",
    "kilometres",
    "kilometers",
    "米",
    "厘米",
    "毫米",
    "公里",
    "英寸",
    "千米",
];
const SIZE: &[&str] = &[
    "m²",
    "m2",
    "l",
    "litre",
    "litres",
    "liter",
    "liters",
    "ml",
    "gb",
    "tb",
    "mb",
    "cm",
    "mm",
    "square",
    "inch",
    "guests",
    "people",
    "persons",
    "升",
    "毫升",
    "平方",
    "平方米",
    "平米",
    "厘米",
    "人",
];

/// Whether one of `units` stands behind a number or alone: letters must be a word of their own.
fn has_unit(sentence: &str, units: &[&str]) -> bool {
    let folded = lexical::fold_text(sentence);
    units.iter().any(|unit| {
        folded.match_indices(unit).any(|(at, _)| {
            let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
            !unit.is_ascii()
                || !unit.starts_with(|c: char| c.is_ascii_alphabetic())
                || (!letter(folded.get(..at).and_then(|t| t.chars().next_back()))
                    && !letter(folded.get(at + unit.len()..).and_then(|t| t.chars().next())))
        })
    })
}

/// Whether a time of the day is there: "9:30", "9 am", "9点".
fn has_hour(sentence: &str) -> bool {
    let folded = lexical::fold_text(sentence);
    let digit_before =
        |at: usize| folded.get(..at).is_some_and(|t| t.trim_end().ends_with(|c: char| c.is_ascii_digit()));
    let digit_after = |at: usize| folded.get(at..).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
    folded.match_indices(':').any(|(at, _)| digit_before(at) && digit_after(at + 1))
        || ["am", "pm", "a.m", "p.m", "点", "时"]
            .iter()
            .any(|w| folded.match_indices(w).any(|(at, _)| digit_before(at)))
}

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
