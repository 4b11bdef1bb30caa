//! Words that keep a customer company and claim nothing.

use crate::platform::{language::is_han, lexical::fold_text};

/// Whether a sentence only keeps company: nothing is left of it but words that claim nothing, once its phrases are taken
/// out. A phrase alone makes no courtesy: "Thank you, we pay for the damage" is a promise.
pub(super) fn is_courtesy(text: &str) -> bool {
    let folded = fold_text(text).replace('’', "'");
    let folded = folded.trim().trim_start_matches(['-', ' ']);
    if folded.chars().any(is_han) { keeps_company_zh(folded) } else { keeps_company_en(folded) }
}

fn keeps_company_en(folded: &str) -> bool {
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    let mut rest = format!(" {} ", words.join(" "));
    let mut has_phrase = false;
    for phrase in PHRASES.iter().filter(|p| p.is_ascii()) {
        let taken = rest.replace(&format!(" {phrase} "), "  ");
        has_phrase |= taken != rest;
        rest = taken;
    }
    has_phrase && words.len() <= 24 && rest.split_whitespace().all(|word| COMPANY_EN.contains(&word))
}

fn keeps_company_zh(folded: &str) -> bool {
    let mut rest = folded.to_owned();
    let mut has_phrase = false;
    for phrase in PHRASES.iter().filter(|p| !p.is_ascii()) {
        let taken = rest.replace(phrase, " ");
        has_phrase |= taken != rest;
        rest = taken;
    }
    for word in COMPANY_ZH {
        rest = rest.replace(word, " ");
    }
    has_phrase && !rest.chars().any(char::is_alphanumeric)
}

/// What may stand around a courteous phrase.
const COMPANY_EN: &[&str] = &[
    "i",
    "i'm",
    "we",
    "we're",
    "you",
    "your",
    "me",
    "us",
    "my",
    "our",
    "am",
    "is",
    "are",
    "was",
    "be",
    "to",
    "for",
    "if",
    "have",
    "has",
    "any",
    "anything",
    "more",
    "other",
    "else",
    "further",
    "question",
    "questions",
    "about",
    "this",
    "that",
    "it",
    "there",
    "with",
    "just",
    "please",
    "need",
    "help",
    "can",
    "could",
    "time",
    "the",
    "a",
    "an",
    "and",
    "so",
    "very",
    "much",
    "today",
    "message",
    "patience",
    "understanding",
    "inconvenience",
    "trouble",
    "confusion",
    "delay",
    "caused",
    "asking",
    "writing",
    "contacting",
    "reaching",
    "getting",
    "in",
    "touch",
    "out",
    "here",
    "ask",
    "know",
    "dear",
    "customer",
    "happy",
    "glad",
    "hope",
    "at",
    "moment",
    "welcome",
    "again",
    "do",
    "would",
    "like",
    "really",
];
const COMPANY_ZH: &[&str] = &[
    "我们", "您的", "你的", "任何", "问题", "疑问", "需要", "可以", "随时", "欢迎", "联系", "告诉", "告知", "咨询",
    "提问", "其他", "其它", "更多", "帮助", "带来", "造成", "不便", "耐心", "等待", "理解", "支持", "来信", "来电",
    "关注", "如果", "生活", "愉快", "非常", "十分", "感到", "一天", "这里", "为您", "给您", "对您", "解答", "服务",
    "我", "您", "你", "请", "的", "了", "哦", "呢", "吗", "吧", "呀", "啊", "哈", "很", "为", "对", "给", "有", "再",
    "还", "如", "若", "祝", "好", "这", "就", "都", "也", "和", "并", "到", "能", "亲", "们",
];

/// Longer ones first.
const PHRASES: &[&str] = &[
    "please don't hesitate to ask",
    "don't hesitate to ask",
    "happy to help",
    "glad to help",
    "pleasure to help",
    "let me know",
    "anything else",
    "you're welcome",
    "you are welcome",
    "hope this helps",
    "hope that helps",
    "hope this answers",
    "please feel free to ask",
    "feel free to contact us",
    "feel free to reach out",
    "feel free to ask",
    "thank you",
    "thanks",
    "sorry to hear",
    "i'm sorry",
    "i am sorry",
    "we're sorry",
    "we are sorry",
    "good question",
    "great question",
    "hello",
    "have a nice day",
    "have a great day",
    "希望对您有帮助",
    "希望对您有所帮助",
    "希望能帮到您",
    "希望能帮助到您",
    "希望以上",
    "如有其他问题",
    "如有其它问题",
    "如有疑问",
    "如果还有",
    "还有其他问题",
    "还有什么可以帮",
    "还有什么问题",
    "很高兴为您服务",
    "很高兴能帮",
    "随时告诉我",
    "随时联系",
    "不客气",
    "感谢",
    "谢谢",
    "抱歉",
    "祝您生活愉快",
    "您好",
];

/// What a reply may open with, before a comma or a full stop.
const OPENINGS: &[&str] = &[
    "yes",
    "sure",
    "of course",
    "certainly",
    "absolutely",
    "great",
    "no problem",
    "hi",
    "hi there",
    "hello",
    "dear customer",
    "that's possible",
    "that is possible",
    "good news",
    "happy to help",
    "i'm happy to help",
    "good question",
    "great question",
    "thanks for asking",
    "thank you for asking",
    "thanks for your question",
    "thank you for your question",
    "thanks for your message",
    "thank you for your message",
    "thanks for reaching out",
    "thank you for reaching out",
    "sorry to hear that",
    "i'm sorry to hear that",
    "don't worry",
    "no worries",
    "unfortunately",
    "i'm afraid",
    "i am afraid",
    "please note",
    "别担心",
    "不用担心",
    "请放心",
    "很遗憾",
    "遗憾的是",
    "不好意思",
    "请注意",
    "好",
    "好的",
    "您好",
    "你好",
    "亲",
    "亲亲",
    "可以",
    "可以的",
    "可以哦",
    "是的",
    "当然",
    "当然可以",
    "没问题",
    "嗯",
    "尊敬的客户",
    "很高兴为您服务",
    "很高兴为您解答",
    "感谢您的咨询",
    "感谢您的提问",
    "感谢您的来信",
    "谢谢您的咨询",
    "感谢咨询",
    "抱歉",
    "非常抱歉",
    "很抱歉",
];

/// `text` without the courtesies that it opens with.
pub(super) fn without_opening(text: &str) -> &str {
    let mut text = text.trim_start();
    for regret in ["i'm afraid ", "i am afraid ", "please note that ", "unfortunately "] {
        if text.get(..regret.len()).is_some_and(|start| fold_text(start).replace('’', "'") == regret) {
            text = text.get(regret.len()..).unwrap_or_default();
        }
    }
    while let Some((opening, rest)) = text.split_once([',', '.', '!', ':', '，', '。', '！', '：', '、', '~']) {
        let opening = fold_text(opening);
        // "1.5" and "2:30" are not cut: no opening is a number.
        if !OPENINGS.contains(&opening.trim()) || rest.trim().is_empty() {
            break;
        }
        text = rest.trim_start_matches(['!', '！', ' ', '~', '，', ',']);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_left_out_and_claims_kept() {
        for (text, expected) in [
            ("Sure! It takes 2.5 hours.", "It takes 2.5 hours."),
            ("亲，您好！毛巾10元。", "毛巾10元。"),
            ("Yes, of course. It is free.", "It is free."),
            ("Refunds, of course, take 5 days.", "Refunds, of course, take 5 days."),
            ("Sure.", "Sure."),
        ] {
            assert_eq!(without_opening(text), expected);
        }
    }
}
