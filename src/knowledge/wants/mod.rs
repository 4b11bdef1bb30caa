//! What kind of thing a question asks for (a person, a time, an amount …), and whether a sentence holds such a thing.

mod asking;
mod fits;

pub use asking::{asking_words, sort_words, topic_tokens};

use crate::platform::lexical::{self};

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

/// What has a time that it takes.
const TAKES_TIME: &[&str] = &[
    "delivery",
    "shipping",
    "shipment",
    "dispatch",
    "processing",
    "repair",
    "refund",
    "response",
    "reply",
    "charging",
    "turnaround",
    "boiling",
    "lead",
    "waiting",
];

/// How long a question may be that names what it wants without asking for it, in characters and in words.
const LABEL_ZH: usize = 10;
const LABEL_EN: usize = 6;

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
        let asked = Self::asked_zh(&has);
        if asked == Self::Anything && text.chars().count() <= LABEL_ZH { Self::labelled_zh(text) } else { asked }
    }

    /// What a few words without a question word ask for: "保修期", "客服电话".
    fn labelled_zh(text: &str) -> Self {
        let text = text.trim_end_matches(['?', '？', '。', '!', '！', ' ']);
        let ends = |words: &[&str]| words.iter().any(|w| text.ends_with(w));
        if ends(&["价格", "价钱", "售价", "报价", "费用", "运费", "邮费", "手续费"]) {
            Self::Money
        } else if ends(&["电话", "热线", "邮箱", "号码", "电话号", "微信号", "公众号", "联系方式"])
        {
            Self::Contact
        } else if ends(&["时效", "期限", "保修期", "有效期", "保质期", "发货时间", "配送时间", "到货时间", "送达时间"])
        {
            Self::Duration
        } else if ends(&["重量", "净重"]) {
            Self::Weight
        } else if ends(&["容量", "面积"]) {
            Self::Size
        } else if ends(&["尺寸", "高度", "长度", "宽度"]) {
            Self::Length
        } else if ends(&["功率", "瓦数"]) {
            Self::Power
        } else if ends(&["噪音", "噪声", "分贝"]) {
            Self::Loudness
        } else if ends(&["温度"]) {
            Self::Temperature
        } else if ends(&["地址", "位置"]) {
            Self::Place
        } else {
            Self::Anything
        }
    }

    fn asked_zh(has: &dyn Fn(&[&str]) -> bool) -> Self {
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
            "期多长",
            "期是多长",
            "时间多长",
            "期限是",
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
        let of_shop = has(&["you", "your", "showroom", "shop", "store", "office", "centre", "center", "branch"]);
        let when_open = has(&["when"]) && has(&["open", "opens", "close", "closes", "closed"]) && of_shop;
        if has(&["hours"]) && opens && !has(&["how"]) || phrase("what", &["time"]) && opens || when_open {
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
        } else if words.len() <= LABEL_EN {
            Self::labelled_en(&words)
        } else {
            Self::Anything
        }
    }

    /// What a few words without a question word ask for: "phone number", "weight of the TD-4", "delivery time".
    fn labelled_en(words: &[&str]) -> Self {
        let has = |list: &[&str]| words.iter().any(|w| list.contains(w));
        if has(&["price", "prices", "cost", "costs", "fee", "fees", "postage"]) {
            Self::Money
        } else if has(&["phone", "telephone", "hotline", "email", "mail"]) {
            Self::Contact
        } else if has(&["hours"]) {
            Self::Hours
        } else if has(&["period", "duration"]) || has(&["time", "times"]) && has(TAKES_TIME) {
            Self::Duration
        } else if has(&["weight", "weighs"]) {
            Self::Weight
        } else if has(&["height", "width", "length", "depth", "dimensions"]) {
            Self::Length
        } else if has(&["capacity", "volume", "size"]) {
            Self::Size
        } else if has(&["watts", "wattage", "watt", "power"]) {
            Self::Power
        } else if has(&["noise", "loudness"]) {
            Self::Loudness
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_words_name_what_they_want() {
        for (asked, wants) in [
            ("phone number", Wants::Contact),
            ("KT-120 watts", Wants::Power),
            ("weight of the TD-4", Wants::Weight),
            ("delivery time", Wants::Duration),
            ("warranty period?", Wants::Duration),
            ("price of the kettle", Wants::Money),
            ("return policy", Wants::Anything),
            ("客服电话", Wants::Contact),
            ("营业时间", Wants::Hours),
            ("保修期", Wants::Duration),
            ("保修期多长", Wants::Duration),
            ("热水壶价格", Wants::Money),
            ("退货政策", Wants::Anything),
        ] {
            assert_eq!(Wants::read(asked), wants, "{asked}");
        }
    }

    #[test]
    fn what_sort_of_text_is_wanted_is_not_the_topic() {
        let sorts = |text: &str| sort_words(text).into_iter().map(|r| text[r].to_owned()).collect::<Vec<_>>();
        assert_eq!(sorts("What is your return policy?"), ["policy"]);
        assert_eq!(sorts("phone number"), ["number"]);
        assert_eq!(sorts("order number"), Vec::<String>::new());
        assert_eq!(sorts("What policy did they follow?"), Vec::<String>::new());
        assert_eq!(sorts("退货政策"), ["政策"]);
        assert_eq!(sorts("保修期多长"), ["期"]);
    }
}
