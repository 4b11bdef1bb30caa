//! Whether a sentence holds something of the kind that is asked for.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::Wants;
use crate::{
    knowledge::rank::{is_chinese, term_of},
    platform::lexical::{self, Kind},
};

impl Wants {
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
            Self::Weight => sign(has_number(sentence, asked) && has_measure(sentence, WEIGHT)),
            Self::Length => sign(has_number(sentence, asked) && has_measure(sentence, LENGTH)),
            Self::Size => sign(has_number(sentence, asked) && has_measure(sentence, SIZE)),
            Self::Loudness => sign(has_unit(sentence, &["db", "decibel", "decibels", "分贝"])),
            Self::Power => {
                sign(has_number(sentence, asked) && has_unit(sentence, &["w", "kw", "watt", "watts", "瓦", "千瓦"]))
            }
            Self::Temperature => sign(has_number(sentence, asked) && has_any(sentence, &["°", "℃", "度", "degree"])),
            Self::Duration if counts_from(sentence, asked) || is_added(sentence, asked) => -1.0,
            Self::Duration => {
                let rest = without_dates(sentence);
                sign(has_number(&rest, asked) && has_duration(&rest))
            }
            // What comes on top of a price is not the price.
            Self::Money if is_extra(sentence, asked) => -1.0,
            Self::Money => sign(
                has_number(sentence, asked) && has_unit(sentence, MONEY)
                    || has_any(sentence, &["包邮"])
                    // What is free is what the sentence names: "collect it from the showroom free of charge".
                    || has_any(sentence, &["free", "免费", "no charge"]) && holds_asked(sentence, asked),
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
            Self::Contact if asked_any(asked, &["phone", "telephone", "call", "hotline", "电话", "热线"]) => {
                sign(longest_digits(sentence) >= 5)
            }
            Self::Contact if asked_any(asked, &["email", "e-mail", "mail", "邮箱", "邮件"]) => {
                sign(sentence.contains('@'))
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
/// Short for one, behind a number: "5 min" is a time, "min. 5 pieces" is none.
const DURATION_SHORT: &[&str] = &["min", "mins", "sec", "secs", "h", "hr", "hrs"];
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

/// Whether a quantity in one of `units` is there. Letters of which there are one or two are a unit behind a digit only: a
/// "type G plug" weighs nothing, and "30 m²" is no length.
fn has_measure(sentence: &str, units: &[&str]) -> bool {
    let folded = lexical::fold_text(sentence);
    let digits = |at: usize| folded.get(..at).is_some_and(|t| t.trim_end().ends_with(|c: char| c.is_ascii_digit()));
    let goes_on = |at: usize| folded.get(at..).is_some_and(|t| t.starts_with(['²', '³', '2', '3', '/']));
    let is_short = |unit: &str| unit.is_ascii() && unit.len() <= 2;
    let (short, long): (Vec<&str>, Vec<&str>) = units.iter().copied().partition(|unit| is_short(unit));
    // "25 平方米" holds a "米" that is none.
    let bare = folded.replace("立方米", "");
    let bare = if units.contains(&"平方米") { bare } else { bare.replace("平方米", "") };
    has_unit(&bare, &long)
        || short.iter().any(|unit| {
            let mut places = folded.match_indices(unit).map(|(at, _)| (at, at + unit.len()));
            let letter = |at: usize| folded.get(at..).is_some_and(|t| t.starts_with(char::is_alphabetic));
            places.any(|(at, end)| digits(at) && !letter(end) && (unit.contains(['2', '²']) || !goes_on(end)))
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

/// Whether the question says one of `words`.
fn asked_any(asked: &dyn Fn(u32) -> bool, words: &[&str]) -> bool {
    words.iter().any(|word| asked(term_of(word)))
}

/// Whether the sentence is of an amount on top, which the question does not ask for.
fn is_extra(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    const EXTRA: &[&str] = &["extra", "surcharge", "additional", "另收", "加收", "附加", "另付"];
    has_any(sentence, EXTRA) && !asked_any(asked, EXTRA)
}

/// Whether the sentence is of time on top of another time, which the question does not ask for.
fn is_added(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    const ADDED: &[&str] = &["add", "adds", "extra", "additional", "longer", "延长", "另加", "再加"];
    !asked_any(asked, ADDED)
        && lexical::tokens(sentence).iter().any(|t| {
            matches!(t.kind, Kind::Word | Kind::Stop | Kind::Pair)
                && sentence.get(t.start..t.end).is_some_and(|w| ADDED.contains(&w.to_ascii_lowercase().as_str()))
        })
}

/// Whether the sentence has a word of the question.
fn holds_asked(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    lexical::tokens(sentence).iter().any(|t| t.kind != Kind::Stop && asked(t.id))
}

/// Whether the sentence only counts from what is asked about, or up to it: "within 48 hours after delivery" does not say
/// how long delivery takes. What the question counts from itself does not matter.
fn counts_from(sentence: &str, asked: &dyn Fn(u32) -> bool) -> bool {
    const FROM: &[&str] = &["after", "before", "since", "until", "till", "upon", "from", "following"];
    const FROM_ZH: &[&str] = &["后", "之后", "以后", "前", "之前", "以前", "起", "次日", "当日", "之日"];
    const POINTS: &[&str] = &["day", "date", "time", "moment", "receipt"];
    const BESIDE: &[&str] = &["the", "a", "your", "its", "last", "first"];
    // What something does of which is asked how long.
    const TAKES: &[&str] = &["take", "takes", "last", "lasts"];
    let is_followed_by_after = |end: usize| {
        let rest = sentence.get(end..).unwrap_or_default();
        FROM_ZH.iter().any(|word| rest.starts_with(word) && !asked(term_of(word)))
    };
    let (mut counted, mut named) = (false, false);
    let mut before: Vec<(String, u32)> = Vec::new();
    lexical::scan(sentence, |token| {
        let written = lexical::fold_text(sentence.get(token.start..token.end).unwrap_or_default());
        if matches!(token.kind, Kind::Word | Kind::Pair) && asked(token.id) && !TAKES.contains(&written.as_str()) {
            let mut back = before.iter().rev().filter(|(word, _)| !BESIDE.contains(&word.as_str()));
            let mut from = back.next();
            if from.is_some_and(|(word, _)| word == "of")
                && back.next().is_some_and(|(w, _)| POINTS.contains(&w.as_str()))
            {
                from = back.next();
            }
            let is_from = from.is_some_and(|(word, id)| FROM.contains(&word.as_str()) && !asked(*id));
            let is_from = is_from || is_followed_by_after(token.end);
            (counted, named) = (counted || is_from, named || !is_from);
        }
        before.push((written, token.id));
    });
    counted && !named
}

/// Whether a unit of time is there: "day" is none in "Monday", and "日" none in "每日".
fn has_duration(sentence: &str) -> bool {
    const COUNTS: &str = "零一二两三四五六七八九十百千万半几数多个作";
    let folded = lexical::fold_text(sentence);
    let counted = |(at, unit): (usize, &str)| {
        let (before, behind) =
            (folded.get(..at).unwrap_or_default(), folded.get(at + unit.len()..).unwrap_or_default());
        before.trim_end().ends_with(|c: char| c.is_ascii_digit()) && !behind.starts_with(char::is_alphanumeric)
    };
    DURATION_SHORT.iter().any(|unit| folded.match_indices(unit).any(counted))
        || DURATION.iter().any(|unit| {
            folded.match_indices(unit).any(|(at, _)| {
                let before = folded.get(..at).unwrap_or_default();
                let last = before.trim_end().chars().next_back();
                if unit.is_ascii() {
                    !before.ends_with(|c: char| c.is_ascii_alphabetic())
                } else {
                    last.is_some_and(|c| c.is_ascii_digit() || COUNTS.contains(c))
                }
            })
        })
}

/// A sentence without its dates in Chinese, whose units are those of durations: "2027 年 2 月 4 日至 11 日".
fn without_dates(sentence: &str) -> Cow<'_, str> {
    static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(\d{4}\s*年\s*)?\d{1,2}\s*月\s*\d{1,2}\s*[日号](\s*[至到—–-]\s*(\d{1,2}\s*月\s*)?\d{1,2}\s*[日号])?|\d{4}\s*年").ok()
    });
    DATE.as_ref().map_or(Cow::Borrowed(sentence), |date| date.replace_all(sentence, " "))
}

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
    if is_chinese(sentence) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `sentence` holds what `question` wants of this kind.
    fn fits(wants: Wants, question: &str, sentence: &str) -> f32 {
        let asked: Vec<u32> = lexical::tokens(question).iter().map(|t| t.id).collect();
        wants.fits(sentence, &|id| asked.contains(&id))
    }

    #[test]
    fn how_long_something_takes_is_not_told_by_what_counts_from_it() {
        let fits = |question: &str, sentence: &str| fits(Wants::Duration, question, sentence);
        for sentence in [
            "Take photographs and send them within 48 hours after delivery.",
            "You may return it within 30 days from the day of delivery.",
            "Points are credited 14 days after your delivery.",
            "A parcel counts as late 3 days after the last day of its delivery time.",
        ] {
            assert!(fits("How long does delivery take?", sentence) < 0.0, "{sentence}");
            assert!(fits("How long after delivery can I complain, from the day on?", sentence) > 0.0, "{sentence}");
        }
        assert!(fits("How long does delivery take?", "Delivery takes 3 days after payment.") > 0.0);
        assert!(fits("How long does it take to boil?", "| KT-120 | 1.2 L | 5 min |") > 0.0);
        assert!(fits("How long is a session?", "1.5h, 20 mins of it with a coach") > 0.0);
        assert!(fits("How long does delivery take?", "Orders of min. 5 pieces, 512 Wh each, go by sea") < 0.0);
        assert!(fits("多久发货", "物流链接会在发货后 24 小时内以短信发送。") < 0.0);
        assert!(fits("多久发货", "付款后 24 小时内发货。") > 0.0);
        assert!(fits("签收后多久可以退货", "签收后 7 天内可以退货。") > 0.0);
    }

    #[test]
    fn what_is_added_to_a_time_is_not_the_time() {
        let fits = |question: &str, sentence: &str| fits(Wants::Duration, question, sentence);
        let added = "Zone A: delivered; add 2 working days to the standard time.";
        assert!(fits("How long does shipping take?", added) < 0.0);
        assert!(fits("How many days do I have to add?", added) > 0.0);
        assert!(fits("How long does shipping take?", "Write to this address; it takes 2 days.") > 0.0);
    }

    #[test]
    fn a_letter_is_a_unit_behind_a_digit_only() {
        let fits = |wants: Wants, sentence: &str| wants.fits(sentence, &|_| false);
        assert!(fits(Wants::Weight, "They have a three-pin type G plug.") < 0.0);
        assert!(fits(Wants::Weight, "It weighs 450 g.") > 0.0);
        assert!(
            fits(Wants::Length, "for rooms up to 30 m²") < 0.0 && fits(Wants::Length, "适用面积：25 平方米以内") < 0.0
        );
        assert!(fits(Wants::Length, "The cable is 3 m long.") > 0.0 && fits(Wants::Length, "线长 1.5 米") > 0.0);
        assert!(fits(Wants::Size, "for rooms up to 30 m²") > 0.0 && fits(Wants::Size, "25 平方米") > 0.0);
    }

    #[test]
    fn a_phone_number_is_no_address_of_mail() {
        let fits = |question: &str, sentence: &str| fits(Wants::Contact, question, sentence);
        assert!(fits("phone number", "Telephone: +65 6555 0142") > 0.0);
        assert!(fits("phone number", "help@shop.example") < 0.0);
        assert!(fits("your email", "help@shop.example") > 0.0);
        assert!(fits("联系方式", "help@shop.example") > 0.0);
    }

    #[test]
    fn a_date_and_a_weekday_are_no_durations() {
        let fits = |sentence: &str| Wants::Duration.fits(sentence, &|_| false);
        for date in ["2027 年 2 月 4 日至 11 日停止发货", "2月4号恢复", "We are closed on Monday 4 May."] {
            assert!(fits(date) < 0.0, "{date}");
        }
        for duration in ["付款后 3 日内发货", "2 个工作日", "48 小时", "within 3 days", "a 2-year warranty"]
        {
            assert!(fits(duration) > 0.0, "{duration}");
        }
    }

    #[test]
    fn an_amount_on_top_is_no_price_unless_it_is_asked_for() {
        let fits = |question: &str, sentence: &str| fits(Wants::Money, question, sentence);
        for (sentence, extra, price) in [
            ("The cooler costs an extra S$15.", "How much extra is the cooler?", "What does the cooler cost?"),
            ("冰箱另收大件费 15 新元。", "冰箱另收多少钱？", "冰箱多少钱？"),
        ] {
            assert!(fits(price, sentence) < 0.0 && fits(extra, sentence) > 0.0, "{sentence}");
        }
        assert!(fits("What does the cooler cost?", "Cooler: S$99") > 0.0);
        assert!(fits("How much is shipping?", "Shipping is free from S$60 on.") > 0.0);
        assert!(fits("How much is shipping?", "You can collect your order free of charge.") < 0.0);
    }
}
