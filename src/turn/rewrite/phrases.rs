//! The words of a question that carry its topic, phrase by phrase.

use std::ops::Range;

use super::vocabulary::{BETWEEN, DOING, WITHIN, is_empty};
use crate::{
    knowledge::wants,
    platform::{
        language::is_han,
        lexical::{self, fold_text},
    },
};

/// What a phrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A model code ("PS-1000").
    Code,
    /// Written like a name: a capital inside an English sentence.
    Name,
    Words,
}

/// Words that stand together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub range: Range<usize>,
    pub kind: Kind,
}

/// The two neighbouring characters of a text, wherever there are any: what [`readings`](super::readings) will be asked to know.
pub fn pairs(text: &str) -> Vec<&str> {
    let places: Vec<(usize, char)> = text.char_indices().collect();
    let both = places.windows(2).filter_map(|pair| match pair {
        [(start, a), (end, b)] if is_han(*a) && is_han(*b) => text.get(*start..end + b.len_utf8()),
        _ => None,
    });
    both.collect()
}

/// The phrases of `text` in their order. `knows`: whether the documents have two Chinese characters side by side.
pub(super) fn of(text: &str, knows: &dyn Fn(&str) -> bool) -> Vec<Phrase> {
    let asking = wants::asking_words(text);
    let is_asking = |at: usize| asking.iter().any(|r| r.contains(&at));
    let mut phrases: Vec<Phrase> = Vec::new();
    // Whether the next word may join the phrase before it.
    let mut joins = false;
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        if is_han(c) {
            at += c.len_utf8();
            let next = text.get(at..).and_then(|rest| rest.chars().next());
            let pair = next.and_then(|n| text.get(start..at + n.len_utf8()));
            let before = text.get(..start).and_then(|head| head.chars().next_back());
            let back = before.and_then(|b| text.get(start - b.len_utf8()..at));
            let is_within = [pair, back].iter().flatten().any(|p| WITHIN.contains(p));
            if BETWEEN.contains(c) && !is_within || is_asking(start) {
                joins = false;
                continue;
            }
            match phrases.last_mut() {
                Some(last) if joins && last.range.end == start => last.range.end = at,
                _ => phrases.push(Phrase { range: start..at, kind: Kind::Words }),
            }
            joins = pair.is_some_and(|p| p.chars().all(is_han) && knows(p));
        } else if c.is_alphanumeric() {
            let rest = text.get(at..).unwrap_or_default();
            let is_of_word = |(i, c): &(usize, char)| {
                c.is_alphanumeric() && !is_han(*c)
                    || matches!(c, '-' | '\'' | '’' | '.' | ',')
                        && rest.get(i + 1..).is_some_and(|r| r.starts_with(|n: char| n.is_ascii_alphanumeric()))
            };
            let len = rest.char_indices().take_while(is_of_word).map(|(i, c)| i + c.len_utf8()).last().unwrap_or(1);
            at += len;
            let word = text.get(start..at).unwrap_or_default();
            let folded = fold_text(word);
            let is_stop = lexical::tokens(word).iter().all(|t| t.kind == lexical::Kind::Stop);
            if is_stop || is_empty(&folded) || DOING.contains(&folded.as_str()) || is_asking(start) {
                joins = false;
                continue;
            }
            let digits = word.chars().filter(char::is_ascii_digit).count();
            let is_code = digits > 0 && word.contains(|c: char| c.is_ascii_alphabetic()) || digits >= 3;
            let kind = if is_code {
                Kind::Code
            } else if word.starts_with(char::is_uppercase) && start > 0 {
                Kind::Name
            } else {
                Kind::Words
            };
            match phrases.last_mut() {
                // "SB-5 sleeping bag" is one thing.
                Some(last)
                    if joins
                        && (last.kind == kind && kind != Kind::Code
                            || last.kind == Kind::Code && kind == Kind::Words) =>
                {
                    last.range.end = at;
                }
                _ => phrases.push(Phrase { range: start..at, kind }),
            }
            joins = text.get(at..).is_some_and(|rest| rest.starts_with([' ', '-']));
        } else {
            at += c.len_utf8();
            joins &= c == ' ';
        }
    }
    // One Chinese character alone is a verb or a remainder.
    phrases.retain(|p| text.get(p.range.clone()).is_some_and(|t| t.chars().nth(1).is_some() || !t.chars().all(is_han)));
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_topic_stand_together() {
        let cut = |text: &str| -> Vec<String> {
            of(text, &|pair| !["煲保", "港运"].contains(&pair)).into_iter().map(|p| text[p.range].to_owned()).collect()
        };
        assert_eq!(cut("How long is the warranty on a ceramic kettle?"), ["warranty", "ceramic kettle"]);
        assert_eq!(cut("Do you ship to Penang"), ["ship", "Penang"]);
        assert_eq!(cut("price of the PS-1000 in ringgit pls"), ["PS-1000", "ringgit"]);
        assert_eq!(cut("电饭煲保修多久"), ["电饭煲", "保修"]);
        assert_eq!(cut("寄到香港运费怎么算"), ["香港", "运费"]);
        assert_eq!(cut("怎么升到码头会员"), ["码头会员"]);
    }
}
