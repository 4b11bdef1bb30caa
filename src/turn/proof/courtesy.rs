//! Words that keep a customer company and claim nothing.

use crate::platform::{language::is_han, lexical::fold_text};

/// Whether a sentence only keeps company.
pub(super) fn is_courtesy(text: &str) -> bool {
    let folded = fold_text(text);
    let folded = folded.trim().trim_start_matches(['-', ' ']);
    let short =
        if folded.chars().any(is_han) { folded.chars().count() <= 32 } else { folded.split_whitespace().count() <= 18 };
    short && PHRASES.iter().any(|phrase| folded.contains(phrase))
}

const PHRASES: &[&str] = &[
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
    "of course",
    "have a nice day",
    "have a great day",
    "希望对您有帮助",
    "希望对您有所帮助",
    "希望能帮到您",
    "希望能帮助到您",
    "希望以上",
    "如有其他问题",
    "如有其它问题",
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
    "好的",
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
