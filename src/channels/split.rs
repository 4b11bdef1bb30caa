//! A long text as several messages, and buttons as numbered lines where a platform has none.

use super::{Choice, law::Size};

/// Cuts `text` into messages that fit `size`: between paragraphs if possible, else lines, sentences, words, and in the
/// worst case anywhere between two characters. Nothing is lost but the white space at the cuts.
pub fn split(text: &str, size: Size) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if size.of(rest) <= size.limit() {
            parts.push(rest.to_string());
            break;
        }
        let fits = longest_prefix(rest, size);
        let cut = best_cut(rest, fits);
        let (part, after) = rest.split_at(cut);
        parts.push(part.trim_end().to_string());
        rest = after.trim_start();
    }
    parts.retain(|p| !p.is_empty());
    parts
}

/// The end of the longest prefix that fits, at least one character.
fn longest_prefix(text: &str, size: Size) -> usize {
    let mut used = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        used += match size {
            Size::Chars(_) => 1,
            Size::Bytes(_) => c.len_utf8(),
            Size::Utf16(_) => c.len_utf16(),
        };
        if used > size.limit() && end > 0 {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Where to cut within the first `fits` bytes: the last good border, if it does not waste most of the message.
fn best_cut(text: &str, fits: usize) -> usize {
    let head = text.get(..fits).unwrap_or(text);
    let least = fits / 3;
    let after = |pattern: &str| head.rfind(pattern).map(|at| at + pattern.len()).filter(|end| *end > least);
    let ends_sentence = |(at, c): &(usize, char)| {
        let next = head.get(at + c.len_utf8()..).and_then(|r| r.chars().next());
        "。！？；…".contains(*c) || (".!?;".contains(*c) && next.is_some_and(char::is_whitespace))
    };
    let sentence = head.char_indices().rfind(ends_sentence).map(|(at, c)| at + c.len_utf8()).filter(|end| *end > least);
    let word =
        head.rfind(char::is_whitespace).map(|at| at + 1).filter(|end| *end > least && head.is_char_boundary(*end));
    after("\n\n").or_else(|| after("\n")).or(sentence).or(word).unwrap_or(fits)
}

/// `text` cut to `size`, with an ellipsis where something is missing: for titles, which can't be split.
pub fn shorten(text: &str, size: Size) -> String {
    let text = text.trim();
    if size.of(text) <= size.limit() {
        return text.to_string();
    }
    let room = size.limit().saturating_sub(size.of("…"));
    let end = longest_prefix(text, size.with_limit(room));
    format!("{}…", text.get(..end).unwrap_or_default().trim_end())
}

/// Choices as numbered lines below the text.
pub fn numbered(text: &str, choices: &[Choice]) -> String {
    let mut all = text.trim_end().to_string();
    if !choices.is_empty() {
        all.push('\n');
    }
    for (n, choice) in choices.iter().enumerate() {
        all.push_str(&format!("\n{}. {}", n + 1, choice.title.trim()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_a_reader_would_pause() {
        let cases: [(&str, Size, &[&str]); 8] = [
            ("short", Size::Chars(10), &["short"]),
            ("", Size::Chars(10), &[]),
            ("one two\n\nthree four", Size::Chars(14), &["one two", "three four"]),
            ("one two\nthree four", Size::Chars(14), &["one two", "three four"]),
            ("It works. Try it now.", Size::Chars(14), &["It works.", "Try it now."]),
            ("保修24个月。请保留发票。", Size::Bytes(24), &["保修24个月。", "请保留发票。"]),
            ("abcdefghij", Size::Chars(4), &["abcd", "efgh", "ij"]),
            ("😀😀😀", Size::Utf16(4), &["😀😀", "😀"]),
        ];
        for (text, size, expected) in cases {
            assert_eq!(split(text, size), expected, "{text:?}");
        }
    }

    #[test]
    fn every_part_fits_and_no_word_is_lost() {
        let chinese = "退款需要五个工作日，运费由我们承担；如果超过七天仍未收到，请联系客服。".repeat(80);
        let mixed = "Refunds take 5 days.\n\n退款需要5天。 😀 ".repeat(120);
        for text in [&chinese, &mixed] {
            for size in [Size::Bytes(2048), Size::Chars(4096), Size::Utf16(1000), Size::Bytes(5), Size::Bytes(1)] {
                let parts = split(text, size);
                assert!(parts.iter().all(|p| size.of(p) <= size.limit().max(4)), "{size:?}");
                let strip = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                assert_eq!(strip(&parts.concat()), strip(text), "{size:?}");
            }
        }
    }

    #[test]
    fn titles_are_shortened_and_choices_numbered() {
        assert_eq!(shorten("Talk to a person", Size::Chars(8)), "Talk to…");
        assert_eq!(shorten("退款", Size::Chars(20)), "退款");
        let choices = [Choice::new("a", "Refund"), Choice::new("b", "退货")];
        assert_eq!(numbered("Which?", &choices), "Which?\n\n1. Refund\n2. 退货");
        assert_eq!(numbered("Which?", &[]), "Which?");
    }
}
