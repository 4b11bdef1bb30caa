//! How many tokens a text is, and what fits into a budget of them.

use tiktoken_rs::CoreBPE;

use crate::platform::language::is_han;

/// The tokenizer. Loading it takes a moment and tens of megabytes: it happens at the first use, never at start.
pub fn tokenizer() -> &'static CoreBPE {
    tiktoken_rs::cl100k_base_singleton()
}

/// The tokens of `text`. Models differ by some per cent; budgets leave room for it.
pub fn count(text: &str) -> usize {
    tokenizer().count_ordinary(text)
}

/// About how many tokens `text` has, rather too many than too few, without the tokenizer: a word is one and another
/// for every four letters, three digits are one, a Chinese character is one and a half, a sign is one.
pub fn at_most(text: &str) -> usize {
    let (mut halves, mut run, mut kind) = (0usize, 0usize, Kind::Blank);
    for c in text.chars() {
        let next = Kind::of(c);
        run = if next == kind { run + 1 } else { 0 };
        kind = next;
        halves += match next {
            Kind::Letter if run % 4 == 0 => 2,
            Kind::Digit if run % 3 == 0 => 2,
            // Spaces belong to the word after them; long runs are one token.
            Kind::Letter | Kind::Digit | Kind::Blank => 0,
            Kind::Han => 3,
            Kind::Sign if c == '\n' && run > 0 => 0,
            Kind::Sign => 2,
            Kind::Other => 5,
        };
    }
    halves.div_ceil(2)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Blank,
    Han,
    Sign,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            ' ' | '\t' | '\r' => Self::Blank,
            c if is_han(c) => Self::Han,
            c if c.is_ascii() || ('\u{3000}'..'\u{3020}').contains(&c) || ('\u{FF00}'..'\u{FF66}').contains(&c) => {
                Self::Sign
            }
            _ => Self::Other,
        }
    }
}

/// How much of each list fits into `budget` tokens beside `fixed`, earlier lists first. Each list is kept from its
/// start and ends before the first text that doesn't fit, so that what is kept stays the best (or the latest).
pub fn fit(budget: usize, fixed: &[&str], lists: &[&[&str]]) -> Vec<usize> {
    let all = || fixed.iter().chain(lists.iter().copied().flatten());
    // Mostly everything fits by far, and the tokenizer is not needed to see it.
    if all().map(|text| at_most(text)).sum::<usize>() <= budget {
        return lists.iter().map(|list| list.len()).collect();
    }
    let mut left = fixed.iter().fold(budget, |left, text| left.saturating_sub(count(text)));
    let mut take = |text: &&&str| match left.checked_sub(count(text)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    lists.iter().map(|list| list.iter().take_while(&mut take).count()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_near_for_what_people_write() {
        let english = include_str!("../../../prompts/answer.en.j2");
        let chinese = include_str!("../../../prompts/answer.zh.j2");
        for text in [
            "How long does the refund take, and who pays for the parcel?",
            "签收后三十天内，未使用的商品可以无理由退货，运费由买家承担。",
            "繁體中文的說明也應該計算在內。",
            "| SF-2026-001 | 1,299.00 | 2026-03-02 |\n|---|---|---|",
            "https://support.example.com/kb/returns?id=0190f3c1-7b5e-7c3a",
            "fn main() { let x: Vec<u8> = vec![0; 16]; }",
            "+60 12-345 6789, ana@example.com",
            "Tidak boleh dipulangkan selepas tiga puluh hari.",
            english,
            chinese,
        ] {
            let (exact, estimate) = (count(text), at_most(text));
            assert!(exact * 9 <= estimate * 10 && estimate <= exact * 2, "{estimate} for {exact}: {text}");
        }
        assert_eq!(at_most(""), 0);
    }

    #[test]
    fn what_does_not_fit_ends_its_list_and_leaves_room_for_the_next() {
        let short = "one two three four five six seven eight nine ten";
        let long = short.repeat(30);
        let tokens = count(short);
        assert_eq!(fit(tokens * 4, &[short], &[&[short, &long, short], &[short, short, short]]), [1, 2]);
        assert_eq!(fit(tokens, &[&long], &[&[short], &[]]), [0, 0]);
        assert_eq!(fit(usize::MAX, &[&long], &[&[short, &long], &[]]), [2, 0]);
    }
}
