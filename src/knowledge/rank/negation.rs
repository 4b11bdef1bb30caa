//! Whether a text says "not".

/// Whether a text says "not".
pub fn is_negated(text: &str) -> bool {
    const ZH: &[&str] = &["不", "没", "未", "无", "非", "勿", "别", "禁止"];
    const NEUTRAL_ZH: &[&str] = &[
        "是不是",
        "能不能",
        "有没有",
        "可不可以",
        "会不会",
        "要不要",
        "不同",
        "不仅",
        "不但",
        "不过",
        "无论",
        "不管",
        "非常",
        "别的",
        "特别",
        "分别",
        "区别",
        "级别",
        "无忧",
        "对不起",
        "不好意思",
        "没有关系",
        "差不多",
        "不锈钢",
        "未来",
        "无线",
        "无理由",
        "非洲",
    ];
    if text.is_ascii() {
        let mut found = false;
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'') {
            let lower = word.to_ascii_lowercase();
            found |= matches!(
                lower.as_str(),
                "not"
                    | "no"
                    | "never"
                    | "cannot"
                    | "without"
                    | "none"
                    | "neither"
                    | "nor"
                    | "nobody"
                    | "nothing"
                    | "except"
                    | "unable"
                    | "lack"
                    | "lacks"
                    | "fail"
                    | "failed"
            ) || lower.ends_with("n't");
        }
        return found;
    }
    let mut text = text.to_owned();
    for neutral in NEUTRAL_ZH {
        text = text.replace(neutral, "");
    }
    ZH.iter().any(|w| text.contains(w)) || [" not ", " no ", " never ", "n't ", "n’t "].iter().any(|w| text.contains(w))
}
