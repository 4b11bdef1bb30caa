//! Units and currencies in all ways of writing, and when two quantities are the same.

use crate::platform::lexical::fold_text;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    WorkingDay,
    Week,
    Month,
    Year,
    Percent,
    /// Tenths of the price that are paid (折).
    Discount,
    /// A currency by its code; `$` when it is only said to be dollars.
    Money(&'static str),
    /// A measure by its symbol.
    Measure(&'static str),
}

impl Unit {
    /// Whether it measures time.
    pub fn is_duration(self) -> bool {
        matches!(
            self,
            Self::Second
                | Self::Minute
                | Self::Hour
                | Self::Day
                | Self::WorkingDay
                | Self::Week
                | Self::Month
                | Self::Year
        )
    }
}

pub(super) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * a.abs().max(1.0)
}

pub(super) fn same_measure(a: f64, unit: Unit, b: f64, theirs: Unit) -> bool {
    if unit == theirs {
        // "85折" and "8.5折".
        let tenths = |v: f64| if unit == Unit::Discount && v > 10.0 { v / 10.0 } else { v };
        return same(tenths(a), tenths(b));
    }
    match (unit, theirs) {
        (Unit::Money("$"), Unit::Money(code)) | (Unit::Money(code), Unit::Money("$")) => {
            same(a, b) && matches!(code, "USD" | "SGD" | "HKD" | "AUD" | "CAD" | "NZD" | "TWD")
        }
        // A discount of 10 % is 九折.
        (Unit::Percent, Unit::Discount) | (Unit::Discount, Unit::Percent) => {
            let (percent, tenths) = if unit == Unit::Percent { (a, b) } else { (b, a) };
            same(100.0 - percent, if tenths > 10.0 { tenths } else { tenths * 10.0 })
        }
        _ => match (seconds(a, unit), seconds(b, theirs)) {
            (Some(a), Some(b)) => same(a, b),
            _ => match (months(a, unit), months(b, theirs)) {
                (Some(a), Some(b)) => same(a, b),
                _ => match (base(a, unit), base(b, theirs)) {
                    (Some((a, x)), Some((b, y))) => x == y && same(a, b),
                    _ => false,
                },
            },
        },
    }
}

fn seconds(value: f64, unit: Unit) -> Option<f64> {
    Some(
        value
            * match unit {
                Unit::Second => 1.0,
                Unit::Minute => 60.0,
                Unit::Hour => 3600.0,
                Unit::Day => 86_400.0,
                Unit::Week => 604_800.0,
                _ => return None,
            },
    )
}

fn months(value: f64, unit: Unit) -> Option<f64> {
    match unit {
        Unit::Month => Some(value),
        Unit::Year => Some(value * 12.0),
        _ => None,
    }
}

fn base(value: f64, unit: Unit) -> Option<(f64, &'static str)> {
    let Unit::Measure(symbol) = unit else { return None };
    Some(match symbol {
        "t" => (value * 1e6, "g"),
        "kg" => (value * 1000.0, "g"),
        "jin" => (value * 500.0, "g"),
        "mg" => (value / 1000.0, "g"),
        "ml" => (value / 1000.0, "l"),
        "km" => (value * 1000.0, "m"),
        "cm" => (value / 100.0, "m"),
        "mm" => (value / 1000.0, "m"),
        "kw" => (value * 1000.0, "w"),
        "kwh" => (value * 1000.0, "wh"),
        "tb" => (value * 1024.0 * 1024.0, "mb"),
        "gb" => (value * 1024.0, "mb"),
        other => (value, other),
    })
}

/// Units as they are written, longer ones first; those of letters must end with the word.
const UNITS: &[(&str, Unit)] = &[
    ("working days", Unit::WorkingDay),
    ("working day", Unit::WorkingDay),
    ("business days", Unit::WorkingDay),
    ("business day", Unit::WorkingDay),
    ("workdays", Unit::WorkingDay),
    ("workday", Unit::WorkingDay),
    ("weekdays", Unit::WorkingDay),
    ("个工作日", Unit::WorkingDay),
    ("工作日", Unit::WorkingDay),
    ("个工作天", Unit::WorkingDay),
    ("工作天", Unit::WorkingDay),
    ("working hours", Unit::Hour),
    ("working hour", Unit::Hour),
    ("business hours", Unit::Hour),
    ("business hour", Unit::Hour),
    ("calendar days", Unit::Day),
    ("calendar day", Unit::Day),
    ("自然日", Unit::Day),
    ("个自然日", Unit::Day),
    ("days", Unit::Day),
    ("day", Unit::Day),
    ("天", Unit::Day),
    ("日", Unit::Day),
    ("hours", Unit::Hour),
    ("hour", Unit::Hour),
    ("hrs", Unit::Hour),
    ("hr", Unit::Hour),
    ("h", Unit::Hour),
    ("个小时", Unit::Hour),
    ("小时", Unit::Hour),
    ("个钟头", Unit::Hour),
    ("minutes", Unit::Minute),
    ("minute", Unit::Minute),
    ("mins", Unit::Minute),
    ("min", Unit::Minute),
    ("分钟", Unit::Minute),
    ("seconds", Unit::Second),
    ("second", Unit::Second),
    ("secs", Unit::Second),
    ("秒钟", Unit::Second),
    ("秒", Unit::Second),
    ("weeks", Unit::Week),
    ("week", Unit::Week),
    ("个星期", Unit::Week),
    ("星期", Unit::Week),
    ("个礼拜", Unit::Week),
    ("周", Unit::Week),
    ("months", Unit::Month),
    ("month", Unit::Month),
    ("个月", Unit::Month),
    ("years", Unit::Year),
    ("year", Unit::Year),
    ("yrs", Unit::Year),
    ("周年", Unit::Year),
    ("年", Unit::Year),
    ("percent", Unit::Percent),
    ("per cent", Unit::Percent),
    ("%", Unit::Percent),
    ("折", Unit::Discount),
    ("us dollars", Unit::Money("USD")),
    ("dollars", Unit::Money("$")),
    ("dollar", Unit::Money("$")),
    ("usd", Unit::Money("USD")),
    ("美元", Unit::Money("USD")),
    ("美金", Unit::Money("USD")),
    ("sgd", Unit::Money("SGD")),
    ("新元", Unit::Money("SGD")),
    ("新币", Unit::Money("SGD")),
    ("ringgit", Unit::Money("MYR")),
    ("myr", Unit::Money("MYR")),
    ("rm", Unit::Money("MYR")),
    ("令吉", Unit::Money("MYR")),
    ("马币", Unit::Money("MYR")),
    ("thb", Unit::Money("THB")),
    ("baht", Unit::Money("THB")),
    ("泰铢", Unit::Money("THB")),
    ("港元", Unit::Money("HKD")),
    ("港币", Unit::Money("HKD")),
    ("hkd", Unit::Money("HKD")),
    ("欧元", Unit::Money("EUR")),
    ("euros", Unit::Money("EUR")),
    ("euro", Unit::Money("EUR")),
    ("eur", Unit::Money("EUR")),
    ("英镑", Unit::Money("GBP")),
    ("pounds", Unit::Money("GBP")),
    ("gbp", Unit::Money("GBP")),
    ("日元", Unit::Money("JPY")),
    ("swiss francs", Unit::Money("CHF")),
    ("瑞士法郎", Unit::Money("CHF")),
    ("francs", Unit::Money("CHF")),
    ("franc", Unit::Money("CHF")),
    ("chf", Unit::Money("CHF")),
    ("pence", Unit::Money("pence")),
    ("cents", Unit::Money("cents")),
    ("cent", Unit::Money("cents")),
    ("角", Unit::Money("角")),
    ("韩元", Unit::Money("KRW")),
    ("卢布", Unit::Money("RUB")),
    ("rupees", Unit::Money("INR")),
    ("卢比", Unit::Money("INR")),
    ("inr", Unit::Money("INR")),
    ("澳元", Unit::Money("AUD")),
    ("加元", Unit::Money("CAD")),
    ("jpy", Unit::Money("JPY")),
    ("人民币", Unit::Money("CNY")),
    ("元", Unit::Money("CNY")),
    ("块钱", Unit::Money("CNY")),
    ("块", Unit::Money("CNY")),
    ("rmb", Unit::Money("CNY")),
    ("cny", Unit::Money("CNY")),
    ("yuan", Unit::Money("CNY")),
    ("kilograms", Unit::Measure("kg")),
    ("kilogram", Unit::Measure("kg")),
    ("kilos", Unit::Measure("kg")),
    ("kg", Unit::Measure("kg")),
    ("公斤", Unit::Measure("kg")),
    ("千克", Unit::Measure("kg")),
    ("斤", Unit::Measure("jin")),
    ("吨", Unit::Measure("t")),
    ("tonnes", Unit::Measure("t")),
    ("tonne", Unit::Measure("t")),
    ("tons", Unit::Measure("t")),
    ("磅", Unit::Measure("lb")),
    ("pounds of weight", Unit::Measure("lb")),
    ("lbs", Unit::Measure("lb")),
    ("lb", Unit::Measure("lb")),
    ("盎司", Unit::Measure("oz")),
    ("ounces", Unit::Measure("oz")),
    ("oz", Unit::Measure("oz")),
    ("毫克", Unit::Measure("mg")),
    ("mg", Unit::Measure("mg")),
    ("grams", Unit::Measure("g")),
    ("gram", Unit::Measure("g")),
    ("g", Unit::Measure("g")),
    ("克", Unit::Measure("g")),
    ("millilitres", Unit::Measure("ml")),
    ("ml", Unit::Measure("ml")),
    ("毫升", Unit::Measure("ml")),
    ("加仑", Unit::Measure("gal")),
    ("gallons", Unit::Measure("gal")),
    ("gallon", Unit::Measure("gal")),
    ("litres", Unit::Measure("l")),
    ("litre", Unit::Measure("l")),
    ("liters", Unit::Measure("l")),
    ("liter", Unit::Measure("l")),
    ("l", Unit::Measure("l")),
    ("升", Unit::Measure("l")),
    ("kilometres", Unit::Measure("km")),
    ("kilometers", Unit::Measure("km")),
    ("km", Unit::Measure("km")),
    ("公里", Unit::Measure("km")),
    ("厘米", Unit::Measure("cm")),
    ("centimetres", Unit::Measure("cm")),
    ("centimeters", Unit::Measure("cm")),
    ("cm", Unit::Measure("cm")),
    ("英里", Unit::Measure("mi")),
    ("miles", Unit::Measure("mi")),
    ("mile", Unit::Measure("mi")),
    ("英寸", Unit::Measure("in")),
    ("inches", Unit::Measure("in")),
    ("inch", Unit::Measure("in")),
    ("英尺", Unit::Measure("ft")),
    ("feet", Unit::Measure("ft")),
    ("foot", Unit::Measure("ft")),
    ("ft", Unit::Measure("ft")),
    ("yards", Unit::Measure("yd")),
    ("square feet", Unit::Measure("ft²")),
    ("square metres", Unit::Measure("m²")),
    ("square meters", Unit::Measure("m²")),
    ("sqm", Unit::Measure("m²")),
    ("平米", Unit::Measure("m²")),
    ("毫米", Unit::Measure("mm")),
    ("mm", Unit::Measure("mm")),
    ("平方米", Unit::Measure("m²")),
    ("m²", Unit::Measure("m²")),
    ("metres", Unit::Measure("m")),
    ("meters", Unit::Measure("m")),
    ("m", Unit::Measure("m")),
    ("米", Unit::Measure("m")),
    ("°c", Unit::Measure("°c")),
    ("degrees", Unit::Measure("°c")),
    ("摄氏度", Unit::Measure("°c")),
    ("度", Unit::Measure("°c")),
    ("kwh", Unit::Measure("kwh")),
    ("watt hours", Unit::Measure("wh")),
    ("wh", Unit::Measure("wh")),
    ("瓦时", Unit::Measure("wh")),
    ("kw", Unit::Measure("kw")),
    ("千瓦", Unit::Measure("kw")),
    ("kilowatts", Unit::Measure("kw")),
    ("kilowatt", Unit::Measure("kw")),
    ("watts", Unit::Measure("w")),
    ("watt", Unit::Measure("w")),
    ("w", Unit::Measure("w")),
    ("瓦", Unit::Measure("w")),
    ("volts", Unit::Measure("v")),
    ("volt", Unit::Measure("v")),
    ("v", Unit::Measure("v")),
    ("伏", Unit::Measure("v")),
    ("mah", Unit::Measure("mah")),
    ("毫安时", Unit::Measure("mah")),
    ("公里/小时", Unit::Measure("km/h")),
    ("km/h", Unit::Measure("km/h")),
    ("kb", Unit::Measure("kb")),
    ("tb", Unit::Measure("tb")),
    ("mb", Unit::Measure("mb")),
    ("gb", Unit::Measure("gb")),
    ("ghz", Unit::Measure("ghz")),
    ("db", Unit::Measure("db")),
    ("分贝", Unit::Measure("db")),
];

/// Currencies written before the amount.
pub(super) const BEFORE: &[(&str, &str)] = &[
    ("us$", "USD"),
    ("s$", "SGD"),
    ("hk$", "HKD"),
    ("a$", "AUD"),
    ("nt$", "TWD"),
    ("$", "$"),
    ("¥", "CNY"),
    ("￥", "CNY"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("usd", "USD"),
    ("sgd", "SGD"),
    ("hkd", "HKD"),
    ("myr", "MYR"),
    ("rm", "MYR"),
    ("thb", "THB"),
    ("cny", "CNY"),
    ("rmb", "CNY"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("jpy", "JPY"),
    ("人民币", "CNY"),
    ("฿", "THB"),
];

/// Whether a text names a unit anywhere.
pub fn mentions(text: &str, unit: Unit) -> bool {
    let text = fold_text(text);
    UNITS.iter().filter(|(_, u)| *u == unit || matches!((u, unit), (Unit::Money(_), Unit::Money("$")))).any(
        |(word, _)| {
            text.match_indices(word).any(|(at, _)| {
                !word.is_ascii() || {
                    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
                    !letter(text.get(..at).and_then(|t| t.chars().next_back()))
                        && !letter(text.get(at + word.len()..).and_then(|t| t.chars().next()))
                }
            })
        },
    ) || BEFORE.iter().any(|(sign, code)| {
        Unit::Money(code) == unit && !sign.chars().all(|c| c.is_ascii_alphabetic()) && text.contains(sign)
    })
}

/// The unit that begins here, after at most one space.
pub(super) fn unit(text: &str) -> Option<(usize, Unit)> {
    let gap = spaces(text);
    let rest = text.get(gap..)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let dash = text.len() - gap - rest.len();
    UNITS.iter().filter(|(word, _)| rest.starts_with(word)).max_by_key(|(word, _)| word.len()).and_then(
        |(word, unit)| {
            let after = rest.get(word.len()..).unwrap_or_default();
            let ends = !word.is_ascii() || *word == "%" || !after.starts_with(|c: char| c.is_ascii_alphanumeric());
            ends.then_some((gap + dash + word.len(), *unit))
        },
    )
}

pub(super) fn spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\u{a0}', '\u{202f}']).len()
}
