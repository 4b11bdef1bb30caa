//! Chinese numerals, weekdays and times of the day.

use super::{
    Unit, Value,
    dates::time,
    numbers::{number, numeral},
    read::Reader,
    units::{spaces, unit},
};

impl Reader<'_> {
    /// Chinese numerals, weekdays, times of the day.
    pub(super) fn chinese(&mut self) -> bool {
        let rest = self.rest();
        for prefix in ["星期", "礼拜", "周"] {
            if let Some(after) = rest.strip_prefix(prefix)
                && let Some(day) = after
                    .chars()
                    .next()
                    .and_then(|c| "一二三四五六日".chars().position(|d| d == c).or((c == '天').then_some(6)))
            {
                let length = prefix.len() + after.chars().next().map_or(0, char::len_utf8);
                return self.take(length, Value::Weekday(day as u8));
            }
        }
        for (prefix, shift) in
            [("上午", 0), ("早上", 0), ("凌晨", 0), ("中午", 0), ("下午", 12), ("晚上", 12), ("傍晚", 12)]
        {
            if let Some(after) = rest.strip_prefix(prefix)
                && let Some((length, Value::Time { hour, minute })) = time(after.trim_start())
            {
                let gap = spaces(after);
                let hour = if hour < 12 && shift == 12 { hour + 12 } else { hour };
                return self.take(prefix.len() + gap + length, Value::Time { hour, minute });
            }
        }
        if let Some(after) = rest.strip_prefix("百分之")
            && let Some((length, value)) = numeral(after).or_else(|| number(after))
        {
            return self.take("百分之".len() + length, Value::Number { value, unit: Some(Unit::Percent) });
        }
        if let Some(after) = rest.strip_prefix('半') {
            for (word, value, unit) in [
                ("年", 6.0, Unit::Month),
                ("个月", 0.5, Unit::Month),
                ("天", 0.5, Unit::Day),
                ("小时", 30.0, Unit::Minute),
                ("个小时", 30.0, Unit::Minute),
            ] {
                if after.starts_with(word) {
                    return self.take("半".len() + word.len(), Value::Number { value, unit: Some(unit) });
                }
            }
        }
        let Some((length, value)) = numeral(rest) else { return false };
        // "第一次": which one it is, not how many.
        if self.previous() == Some('第') {
            self.at += length;
            return true;
        }
        let mut after = rest.get(length..).unwrap_or_default();
        let mut range = false;
        for dash in ["至", "到", "-", "–", "~", "或"] {
            if let Some((second, _)) = after.strip_prefix(dash).and_then(numeral) {
                after = after.get(dash.len() + second..).unwrap_or_default();
                range = true;
                break;
            }
        }
        if after.starts_with('月') && value <= 12.0 {
            let day = after
                .get("月".len()..)
                .and_then(|d| numeral(d).filter(|(l, _)| d.get(*l..).is_some_and(|r| r.starts_with(['日', '号']))));
            let length = length + "月".len() + day.map_or(0, |(l, _)| l + "日".len());
            return self
                .take(length, Value::Date { year: None, month: Some(value as u8), day: day.map(|(_, d)| d as u8) });
        }
        if let Some(tail) = after.strip_prefix('点').filter(|_| value <= 24.0) {
            let (used, minute) = if tail.starts_with('半') { ("点半".len(), 30) } else { ("点".len(), 0) };
            let hour = value as u8 + if value < 12.0 && self.goes_on_after_noon() { 12 } else { 0 };
            return self.take(length + used, Value::Time { hour, minute });
        }
        // "一个半小时", "两年半"
        if let Some(half) = after.strip_prefix("个半").and_then(unit)
            && half.1.is_duration()
        {
            return self.take(length + "个半".len() + half.0, Value::Number { value: value + 0.5, unit: Some(half.1) });
        }
        // "八五折" is 8.5 of ten.
        if after.starts_with('折') && value > 10.0 {
            return self.take(length + "折".len(), Value::Number { value: value / 10.0, unit: Some(Unit::Discount) });
        }
        match unit(after) {
            Some((_, unit)) if range => self.take(length, Value::Number { value, unit: Some(unit) }),
            Some((used, unit)) => self.take(length + used, Value::Number { value, unit: Some(unit) }),
            // "三次", "五个": a count; "一" alone is rarely one.
            None if (value >= 2.0 || after.starts_with('次'))
                && after.starts_with([
                    '次', '个', '件', '台', '人', '张', '种', '家', '只', '期', '倍', '名', '位', '款', '项', '条',
                ]) =>
            {
                self.take(length, Value::Number { value, unit: None })
            }
            None => {
                self.at += length;
                true
            }
        }
    }
}
