//! Time expressions in Chinese and English, resolved to dates by the day on which they were said. Pure.

use std::{ops::Range, sync::LazyLock};

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use regex::{Captures, Regex};

/// A time expression with the days it means, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    pub from: NaiveDate,
    pub until: NaiveDate,
}

type Resolve = fn(&Captures<'_>, NaiveDate) -> Option<(NaiveDate, NaiveDate)>;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH: &str = r"(?<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const DAY: &str = r"(?<weekday>mon|tues?|wednes|thurs?|fri|satur|sun)day";
const N: &str = r"(?<n>\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple of)";
const ZH_N: &str = r"(?<n>\d{1,3}|[一二两三四五六七八九十几半]{1,2})";

/// The patterns, the longer ones first: what an earlier one took a later one leaves.
static PATTERNS: LazyLock<Vec<(Regex, Resolve)>> = LazyLock::new(|| {
    let list: [(&str, Resolve); 26] = [
        (r"(?<year>\d{4})[-/.](?<m>\d{1,2})[-/.](?<d>\d{1,2})", numbers),
        (r"(?<year>\d{4})年(?<m>\d{1,2})月(?<d>\d{1,2})[日号號]?", numbers),
        (r"(?<year>\d{4})年(?<m>\d{1,2})月", numbers),
        (r"(?<m>\d{1,2})月(?<d>\d{1,2})[日号號]?", numbers),
        (r"\b(?<d>\d{1,2})(?:st|nd|rd|th)?(?: of)? MONTH\b(?:,? (?<year>\d{4}))?", named),
        (r"\bMONTH (?<d>\d{1,2})(?:st|nd|rd|th)?\b(?:,? (?<year>\d{4}))?", named),
        (r"\bMONTH,? (?<year>\d{4})\b", named),
        (r"\bin (?:early |late |mid-)?MONTH\b", named),
        (r"\bthe day before yesterday\b|前天", |_, said| day(said, -2)),
        (r"\bthe day after tomorrow\b|后天|後天", |_, said| day(said, 2)),
        (r"\byesterday\b|\blast night\b|昨天|昨晚|昨日", |_, said| day(said, -1)),
        (r"\btomorrow\b|明天|明晚|明日", |_, said| day(said, 1)),
        (r"\btoday\b|\btonight\b|\bthis (?:morning|afternoon|evening)\b|今天|今晚|今早|今日", |_, said| {
            day(said, 0)
        }),
        (r"\bN (?<unit>day|week|weekend|month|year)s? ago\b", ago),
        (r"ZH_N个?(?<unit>天|周|星期|月|年)(?:以前|之前|前)", ago),
        (r"\bin N (?<unit>day|week|month|year)s?\b", ahead),
        (r"ZH_N个?(?<unit>天|周|星期|月|年)(?:以后|之后|后)", ahead),
        (r"\b(?<which>last|next|this|past|coming) DAY\b", weekday),
        (r"(?<which>上|下|这|本)?个?(?:周|星期|礼拜|週)(?<zh_day>[一二三四五六日天])", weekday),
        (r"\b(?<which>on )DAY\b", weekday),
        (r"\b(?<which>last|next|this|past) weekend\b|(?<zh_which>上|下|这|本)?个?周末", weekend),
        (r"\b(?<which>last|next|this|past) week\b|(?<zh_which>上|下|这|本)个?(?:周|星期|礼拜)", week),
        (r"\b(?<which>last|next|this|past) month\b|(?<zh_which>上|下|这|本)个?月", month),
        (r"\b(?<which>last|next|this|past) year\b|(?<zh_which>去|明|今)年", year),
        (r"(?<m>\d{1,2})月(?:份)?", numbers),
        (r"\b(?:in|since|of) (?<year>(?:19|20)\d{2})\b|(?<zh_year>(?:19|20)\d{2})年", whole_year),
    ];
    list.into_iter()
        .filter_map(|(pattern, resolve)| {
            let pattern = pattern
                .replace("MONTH", MONTH)
                .replace("DAY", DAY)
                .replace("ZH_N", ZH_N)
                .replace(r"\bN ", &format!(r"\b{N} "))
                .replace("in N ", &format!("in {N} "));
            Some((Regex::new(&format!("(?i){pattern}")).ok()?, resolve))
        })
        .collect()
});

/// The time expressions of `text` that was said on `said`, in their order; none overlaps another.
pub fn find(text: &str, said: NaiveDate) -> Vec<Time> {
    let mut found: Vec<Time> = Vec::new();
    for (pattern, resolve) in PATTERNS.iter() {
        for captures in pattern.captures_iter(text) {
            let Some(whole) = captures.get(0) else { continue };
            if found.iter().any(|t| t.range.start < whole.end() && whole.start() < t.range.end) {
                continue;
            }
            if let Some((from, until)) = resolve(&captures, said) {
                found.push(Time { range: whole.range(), from, until });
            }
        }
    }
    found.sort_by_key(|t| t.range.start);
    found
}

fn day(said: NaiveDate, by: i64) -> Option<(NaiveDate, NaiveDate)> {
    let at = shift(said, by)?;
    Some((at, at))
}

fn shift(date: NaiveDate, by: i64) -> Option<NaiveDate> {
    let days = Days::new(by.unsigned_abs());
    if by < 0 { date.checked_sub_days(days) } else { date.checked_add_days(days) }
}

fn shift_months(date: NaiveDate, by: i64) -> Option<NaiveDate> {
    let months = Months::new(u32::try_from(by.unsigned_abs()).ok()?);
    if by < 0 { date.checked_sub_months(months) } else { date.checked_add_months(months) }
}

fn number(captures: &Captures<'_>, group: &str) -> Option<i64> {
    let text = captures.name(group)?.as_str().to_lowercase();
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    const ENGLISH: [&str; 11] = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    const CHINESE: &str = "〇一二三四五六七八九";
    Some(match text.as_str() {
        "a" | "an" => 1,
        "a few" | "几" => 3,
        "a couple of" | "两" => 2,
        "十" => 10,
        "半" => return None,
        other => {
            if let Some(n) = ENGLISH.iter().position(|word| *word == other) {
                i64::try_from(n).ok()?
            } else {
                let digit = |c: char| CHINESE.chars().position(|d| d == c).and_then(|n| i64::try_from(n).ok());
                let mut chars = other.chars();
                match (chars.next()?, chars.next()) {
                    ('十', Some(c)) => 10 + digit(c)?,
                    (c, Some('十')) => 10 * digit(c)?,
                    ('两', None) => 2,
                    (c, None) => digit(c)?,
                    _ => return None,
                }
            }
        }
    })
}

/// The day, or the whole month; without a year the one nearest to when it was said.
fn date(year: Option<i64>, month: i64, day: Option<i64>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let month = u32::try_from(month).ok()?;
    let first = |year: i32| NaiveDate::from_ymd_opt(year, month, u32::try_from(day.unwrap_or(1)).ok()?);
    let from = match year {
        Some(year) => first(i32::try_from(year).ok()?)?,
        None => {
            let near = |year: i32| first(year).map(|d| ((d - said).num_days().abs(), d));
            [-1, 0, 1].iter().filter_map(|by| near(said.year() + by)).min()?.1
        }
    };
    let until = if day.is_some() { from } else { shift(shift_months(from, 1)?, -1)? };
    Some((from, until))
}

fn numbers(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    date(number(c, "year"), number(c, "m")?, number(c, "d"), said)
}

fn named(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let word = c.name("month")?.as_str().to_lowercase();
    let month = MONTHS.iter().position(|m| word.starts_with(m))? + 1;
    date(number(c, "year"), i64::try_from(month).ok()?, number(c, "d"), said)
}

fn moved(c: &Captures<'_>, said: NaiveDate, sign: i64) -> Option<(NaiveDate, NaiveDate)> {
    let n = number(c, "n")? * sign;
    let (at, slack) = match c.name("unit")?.as_str().to_lowercase().as_str() {
        "day" | "天" => (shift(said, n)?, 0),
        "week" | "weekend" | "周" | "星期" => (shift(said, n * 7)?, 3),
        "month" | "月" => (shift_months(said, n)?, 15),
        _ => (shift_months(said, n * 12)?, 180),
    };
    Some((shift(at, -slack)?, shift(at, slack)?))
}

fn ago(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    moved(c, said, -1)
}

fn ahead(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    moved(c, said, 1)
}

/// How many units from now: -1, 0 or 1.
fn which(c: &Captures<'_>) -> i64 {
    let word = c.name("which").or_else(|| c.name("zh_which")).map_or("", |m| m.as_str()).to_lowercase();
    match word.trim() {
        "last" | "past" | "上" | "去" => -1,
        "next" | "下" | "明" => 1,
        _ => 0,
    }
}

fn weekday(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
    let (day, is_chinese) = match (c.name("weekday"), c.name("zh_day")) {
        (Some(word), _) => {
            let word = word.as_str().to_lowercase();
            let all =
                [("mon", Mon), ("tue", Tue), ("wed", Wed), ("thu", Thu), ("fri", Fri), ("sat", Sat), ("sun", Sun)];
            (all.iter().find(|(start, _)| word.starts_with(start))?.1, false)
        }
        (None, Some(word)) => {
            let all = [
                ('一', Mon),
                ('二', Tue),
                ('三', Wed),
                ('四', Thu),
                ('五', Fri),
                ('六', Sat),
                ('日', Sun),
                ('天', Sun),
            ];
            let c = word.as_str().chars().next()?;
            (all.iter().find(|(d, _)| *d == c)?.1, true)
        }
        _ => return None,
    };
    let said_word = c.name("which").map_or("", |m| m.as_str());
    let monday = shift(said, -i64::from(said.weekday().num_days_from_monday()))?;
    let this = shift(monday, i64::from(day.num_days_from_monday()))?;
    let at = match which(c) {
        // In Chinese "上周五" is the Friday of last week; "last Friday" is the one before.
        by if is_chinese && !said_word.is_empty() => shift(this, 7 * by)?,
        -1 => (1..=7).filter_map(|n| shift(said, -n)).find(|d| d.weekday() == day)?,
        _ => (0..=7).filter_map(|n| shift(said, n)).find(|d| d.weekday() == day)?,
    };
    Some((at, at))
}

fn weekend(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let saturday = shift(said, 5 - i64::from(said.weekday().num_days_from_monday()) + 7 * which(c))?;
    Some((saturday, shift(saturday, 1)?))
}

fn week(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let monday = shift(said, 7 * which(c) - i64::from(said.weekday().num_days_from_monday()))?;
    Some((monday, shift(monday, 6)?))
}

fn month(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let first = shift_months(said.with_day(1)?, which(c))?;
    Some((first, shift(shift_months(first, 1)?, -1)?))
}

fn year(c: &Captures<'_>, said: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let year = said.year() + i32::try_from(which(c)).ok()?;
    Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year, 12, 31)?))
}

fn whole_year(c: &Captures<'_>, _: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    let year = i32::try_from(number(c, "year").or_else(|| number(c, "zh_year"))?).ok()?;
    Some((NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year, 12, 31)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 March 2026 is a Wednesday.
    fn on(text: &str) -> String {
        let said = NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
        find(text, said)
            .iter()
            .map(|t| if t.from == t.until { t.from.to_string() } else { format!("{}/{}", t.from, t.until) })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn expressions_become_days() {
        for (text, days) in [
            ("I went there yesterday", "2026-03-03"),
            ("last Tuesday", "2026-03-03"),
            ("last Wednesday", "2026-02-25"),
            ("see you on Friday", "2026-03-06"),
            ("next Monday at 3", "2026-03-09"),
            ("two days ago", "2026-03-02"),
            ("the day after tomorrow", "2026-03-06"),
            ("last week", "2026-02-23/2026-03-01"),
            ("last month", "2026-02-01/2026-02-28"),
            ("on 14 December", "2025-12-14"),
            ("May 9, 2027", "2027-05-09"),
            ("in July 2025", "2025-07-01/2025-07-31"),
            ("since 2019", "2019-01-01/2019-12-31"),
            ("last weekend", "2026-02-28/2026-03-01"),
            ("昨天", "2026-03-03"),
            ("上周五", "2026-02-27"),
            ("周五下午三点", "2026-03-06"),
            ("下周一", "2026-03-09"),
            ("三天前", "2026-03-01"),
            ("2026年5月9日", "2026-05-09"),
            ("12月20日之前", "2025-12-20"),
            ("上个月", "2026-02-01/2026-02-28"),
            ("去年", "2025-01-01/2025-12-31"),
            ("十二天后", "2026-03-16"),
            ("no time at all, order 20931", ""),
        ] {
            assert_eq!(on(text), days, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_places_within_it(text in "\\PC{0,40}") {
            for time in find(&text, NaiveDate::from_ymd_opt(2026, 3, 4).unwrap()) {
                proptest::prop_assert!(text.get(time.range.clone()).is_some() && time.from <= time.until);
            }
        }
    }
}
