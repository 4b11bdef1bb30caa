//! Which language a text is written in, as far as Frontdesk tells them apart.

use serde::{Deserialize, Serialize};

/// The languages that the assistant speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Language {
    #[default]
    En,
    Zh,
}

impl Language {
    /// The language of `text`: Chinese as soon as its Han characters carry at least as much as its other words
    /// (a character counts as one word). `None` when there is nothing to tell by ("ok?" has a word, "👍 15" has none).
    pub fn detect(text: &str) -> Option<Self> {
        let mut han = 0usize;
        let mut words = 0usize;
        let mut in_word = false;
        for c in text.chars() {
            let is_han = is_han(c);
            let is_letter = c.is_alphabetic() && !is_han;
            han += usize::from(is_han);
            words += usize::from(is_letter && !in_word);
            in_word = is_letter || (in_word && (c == '\'' || c == '’'));
        }
        match (han, words) {
            (0, 0) => None,
            (han, words) if han >= words => Some(Self::Zh),
            _ => Some(Self::En),
        }
    }
}

/// Whether `c` is a Chinese character (CJK unified ideographs with extensions and compatibility forms).
pub fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_chinese_from_english_even_when_mixed() {
        for (text, expected) in [
            ("How long is the warranty?", Some(Language::En)),
            ("保修多久？", Some(Language::Zh)),
            ("iPhone 15 Pro Max 保修多久", Some(Language::Zh)),
            ("Does the 小米 phone ship to Penang?", Some(Language::En)),
            ("👍 15", None),
        ] {
            assert_eq!(Language::detect(text), expected, "{text}");
        }
    }
}
