//! "The other one": where a question says it, and the question with a name in its place.

use std::ops::Range;

use super::{
    LIKELY, Reading, Readings, UNLIKELY,
    leans::{self, Leaning},
    phrases,
};
use crate::platform::{
    language::{Language, is_han},
    lexical::{self, fold_text},
};

/// Where a question points at "the other one".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointing {
    range: Range<usize>,
    /// What it says the other one is ("kettle"), and where.
    noun: Option<Range<usize>>,
}

/// What is no thing beside another: "the other day".
const NO_THING: &[&str] =
    &["day", "night", "week", "way", "hand", "side", "end", "half", "people", "person", "than", "two", "three"];
/// The same in Chinese: "另一个人", "另一方面".
const NO_THING_ZH: &[&str] = &["人", "天", "方", "半", "边", "邊"];
/// What stands for a thing of any kind.
const ANY_THING: &[&str] = &["one", "model", "version", "kind", "type", "product", "item"];
/// What a Chinese thing is counted by.
const COUNTED_BY: &str = "个個款台臺种種只隻件把张張套部型";
/// The most a question says that points so: words of English, characters of Chinese.
const LONGEST_EN: usize = 10;
const LONGEST_ZH: usize = 18;

impl Pointing {
    /// Where `question` does; `None` when it doesn't, or names what it is about itself.
    pub fn read(question: &str) -> Option<Self> {
        let is_short = match Language::detect(question).unwrap_or_default() {
            Language::En => question.split_whitespace().count() <= LONGEST_EN,
            Language::Zh => question.chars().filter(|c| is_han(*c)).count() <= LONGEST_ZH,
        };
        if !is_short || leans::leaning(question) == Leaning::Not || !codes(question).is_empty() {
            return None;
        }
        Self::read_zh(question).or_else(|| Self::read_en(question))
    }

    fn read_zh(question: &str) -> Option<Self> {
        let start = question.find('另')?;
        let rest = question.get(start + '另'.len_utf8()..)?;
        let rest = rest.strip_prefix('外').unwrap_or(rest);
        let rest = rest.strip_prefix(['一', '那', '这', '這'])?;
        let rest = rest.strip_prefix(|c| COUNTED_BY.contains(c)).unwrap_or(rest);
        if NO_THING_ZH.iter().any(|word| rest.starts_with(word)) {
            return None;
        }
        // "另一个型号" names no kind.
        let rest =
            ["型号", "型號", "产品", "產品", "商品"].iter().find_map(|any| rest.strip_prefix(any)).unwrap_or(rest);
        let end = question.len() - rest.len();
        Some(Self { range: start..end, noun: noun(question, end) })
    }

    fn read_en(question: &str) -> Option<Self> {
        let folded = fold_text(question);
        // A fold that changes lengths would shift what is found.
        let start = (folded.len() == question.len()).then(|| folded.find("the other"))??;
        let mut end = start + "the other".len();
        let rest = folded.get(end..)?;
        let next: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        let is_several = next.ends_with('s') && !next.ends_with("ss");
        if rest.starts_with(|c: char| c.is_alphanumeric()) || NO_THING.contains(&next.as_str()) || is_several {
            return None;
        }
        if ANY_THING.contains(&next.as_str()) {
            end += rest.len() - rest.trim_start().len() + next.len();
            return Some(Self { range: start..end, noun: None });
        }
        let begins = end + rest.len() - rest.trim_start().len();
        let noun = noun(question, begins);
        Some(Self { range: start..noun.as_ref().map_or(end, |noun| noun.end), noun })
    }

    /// What the other one is said to be.
    pub fn noun<'a>(&self, question: &'a str) -> Option<&'a str> {
        question.get(self.noun.clone()?)
    }

    /// The ways `question` may be meant where it points at `name`, after `before`, in which what it is beside stands at
    /// `place`.
    pub fn readings(&self, question: &str, name: &str, before: &str, place: Option<&Range<usize>>) -> Readings {
        let language = Language::detect(before).or(Language::detect(question)).unwrap_or_default();
        let space = if language == Language::Zh { "" } else { " " };
        let about = |text: &str, at: &Range<usize>| {
            let (head, tail) = (text.get(..at.start).unwrap_or_default(), text.get(at.end..).unwrap_or_default());
            format!("{head}{space}{name}{space}{tail}")
        };
        let asked = about(question, &self.range);
        let core = leans::core(&asked, language);
        let before = before.trim().trim_end_matches(['?', '？', '.', '。', '!', '！', ' ']);
        let same = match place {
            Some(at) => (about(before, at), about(before, at).replace(name, " ")),
            None => (format!("{name}{space}{before}"), before.to_owned()),
        };
        // "And for the other one?" asks what was asked before; "how heavy is the other one?" something of its own.
        let asks_the_same = core.text.trim() == name;
        let mut readings = Readings { own: if asks_the_same { name } else { core.text }.to_owned(), all: Vec::new() };
        if !asks_the_same {
            let text = core.text.split_whitespace().collect::<Vec<_>>().join(" ");
            readings.all.push(Reading { text, prior: LIKELY, kept: String::new() });
        }
        if !core.asks {
            readings.add(&same.0, &same.1, if asks_the_same { LIKELY } else { UNLIKELY });
        }
        readings
    }
}

/// The phrase that begins at `start` or behind what may stand between.
fn noun(question: &str, start: usize) -> Option<Range<usize>> {
    let phrase = phrases::of(question, &|_| true).into_iter().find(|p| p.range.end > start)?;
    let begins = phrase.range.start.max(start);
    (question.get(start..begins)?.trim().is_empty()).then_some(begins..phrase.range.end)
}

/// The model codes in `text` ("PS-1000"), each where it stands.
pub fn codes(text: &str) -> Vec<Range<usize>> {
    let is_code =
        |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.contains(|c: char| c.is_ascii_digit());
    let whole = lexical::tokens(text).into_iter().filter(|t| t.kind == lexical::Kind::Whole).map(|t| t.start..t.end);
    whole.filter(|at| text.get(at.clone()).is_some_and(is_code)).collect()
}

/// The letters that a series of models shares: those in front of the number.
pub fn series(code: &str) -> String {
    let letters = code.chars().take_while(|c| !c.is_ascii_digit());
    letters.filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointing_at_the_other_one_is_seen() {
        for (question, noun) in [
            ("and for the other one?", None),
            ("and the other kettle?", Some("kettle")),
            ("how heavy is the other rice cooker?", Some("rice cooker")),
            ("the other", None),
            ("那另一个呢", None),
            ("另外那款呢？", None),
            ("另一個多少錢", None),
            ("另一款水壶多少钱", Some("水壶")),
        ] {
            let pointing = Pointing::read(question).unwrap_or_else(|| panic!("{question}"));
            assert_eq!(pointing.noun(question), noun, "{question}");
        }
        for question in [
            "and the others?",
            "I ordered it the other day",
            "is the KT-170 better than the other one",
            "what other models are there?",
            "另外运费多少",
            "请问你们在新加坡的展厅具体在什么地方，另一个展厅星期天开门吗",
        ] {
            assert_eq!(Pointing::read(question), None, "{question}");
        }
    }

    #[test]
    fn the_same_is_asked_of_it_or_something_else() {
        for (before, place, question, name, expected) in [
            ("How much is the KT-120?", 16..22, "and for the other one?", "KT-170", "How much is the KT-170"),
            ("KT-120多少钱", 0..6, "那另一个呢", "KT-170", "KT-170多少钱"),
            ("How much is the KT-120?", 16..22, "how heavy is the other one?", "KT-170", "how heavy is KT-170"),
            ("KT-120多少钱", 0..6, "另一个多重", "KT-170", "KT-170多重"),
        ] {
            let readings = Pointing::read(question).unwrap().readings(question, name, before, Some(&place));
            let texts: Vec<&str> = readings.all.iter().map(|r| r.text.as_str()).collect();
            assert_eq!(texts, [expected], "{question}");
        }
    }
}
