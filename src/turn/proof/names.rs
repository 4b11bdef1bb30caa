//! Names and things in a sentence that its evidence does not have.

use super::letters;
use crate::platform::lexical::{self, Kind, fold_text};

/// Names in the sentence that the evidence does not have: capitalised words inside English sentences, titles in Chinese
/// quotation marks, and well-known names.
pub(super) fn names(text: &str, range: &str) -> Vec<String> {
    let evidence = fold_text(range);
    let mut unknown: Vec<String> = Vec::new();
    let mut has_begun = false;
    for token in lexical::tokens(text) {
        let written = text.get(token.start..token.end).unwrap_or_default();
        let before = text.get(..token.start).unwrap_or_default().trim_end_matches([' ', '"', '“', '(', '*']);
        let starts = !has_begun
            || before.is_empty()
            || before.ends_with(['.', '!', '?', ':', '\n', '。', '！', '？', '：', '-', '•']);
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
        let mut parts = text.split(open);
        parts.next(); // what stands before the first
        for part in parts {
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
