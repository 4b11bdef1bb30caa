//! Whether a question leans on what was said before, and what of it is its own.

use std::ops::Range;

use super::{
    phrases,
    vocabulary::{
        ARTICLES_EN, ASKING_EN, BEFORE_NOUN_EN, CONDITIONS_EN, CONDITIONS_ZH, CORRECTING, FIRST_EN, FIRST_ZH,
        GOES_ON_ZH, POLITE, PRONOUNS_EN, PRONOUNS_ZH, TIES_EN, TIES_ZH, is_empty,
    },
};
use crate::{
    knowledge::wants::{self, Wants},
    platform::{
        language::{Language, is_han},
        lexical::{self, fold_text},
    },
};

/// Whether a question can be understood alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaning {
    /// It can't: it points back, or has no topic of its own.
    Clearly,
    /// It is short, and may be meant on its own.
    Perhaps,
    Not,
}

/// What a question says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Core<'a> {
    /// Without what only ties it to what was said ("and", "what about", "那", "呢").
    pub text: &'a str,
    /// It was tied to what was said.
    pub is_tied: bool,
    /// It asks something, rather than names something.
    pub asks: bool,
    /// What it stood behind ("to" of "and to Thailand?").
    pub preposition: Option<&'a str>,
    /// Where it points back ("it", "它"), in bytes of `text`.
    pub pronoun: Option<Range<usize>>,
    /// What it points back with is only "it", which may stand for nothing ("how long does it take to …").
    pub points_with_it: bool,
    /// It says what who writes wants or does, whole in itself ("track my order", "我要退货").
    pub wishes: bool,
    /// It sets a condition: what was asked stands ("what if I lost the receipt?").
    pub is_condition: bool,
}

/// How far a question leans on what was said.
pub(super) fn leaning(question: &str) -> Leaning {
    let language = Language::detect(question).unwrap_or_default();
    let core = core(question, language);
    let topics = topic_count(question);
    let is_tied = core.is_tied;
    // "What does the RC-18i cost?" names what it is about.
    let names_model = phrases::of(core.text, &|_| true).iter().any(|p| p.kind == phrases::Kind::Code);
    if names_model && core.asks && core.pronoun.is_none() && !is_tied {
        return Leaning::Not;
    }
    if language == Language::Zh {
        let han = question.chars().filter(|c| is_han(*c)).count();
        let goes_on = GOES_ON_ZH.iter().any(|w| core.text.contains(w));
        return match () {
            () if topics == 0 => Leaning::Clearly,
            () if is_tied && (!core.asks && han <= 14 || core.pronoun.is_some()) => Leaning::Clearly,
            () if core.pronoun.is_some() && han <= 18 => Leaning::Clearly,
            () if !core.asks && han <= 8 && !core.wishes => Leaning::Clearly,
            () if is_tied || goes_on || han <= 12 || core.is_condition && han <= 18 => Leaning::Perhaps,
            () => Leaning::Not,
        };
    }
    let words = words(core.text).len();
    match () {
        () if words == 0 => Leaning::Not,
        () if topics == 0 => Leaning::Clearly,
        // "How long does it take to ship to Penang?" only seems to point at something.
        () if core.pronoun.is_some() && words <= 10 && topics <= if core.points_with_it { 1 } else { 3 } => {
            Leaning::Clearly
        }
        () if !core.asks && words <= 5 && !core.wishes => Leaning::Clearly,
        () if is_tied && !core.asks && words <= 10 => Leaning::Clearly,
        () if is_tied && core.asks && topics >= 2 && words > 4 => Leaning::Perhaps,
        () if words <= 10 && topics <= 3 || is_tied || core.is_condition => Leaning::Perhaps,
        () => Leaning::Not,
    }
}

/// How many words carry a topic.
pub(super) fn topic_count(text: &str) -> usize {
    let written = |t: &lexical::Token| fold_text(text.get(t.start..t.end).unwrap_or_default());
    wants::topic_tokens(text).iter().filter(|t| !is_empty(&written(t))).count()
}

/// Whether `text` asks something.
pub(super) fn asks(text: &str) -> bool {
    let language = Language::detect(text).unwrap_or_default();
    !text.is_empty() && (text.contains(['?', '？']) || core(text, language).asks)
}

/// Whether a message is a question of its own, or goes on with the one before ("and the rice cookers").
pub fn is_question(text: &str) -> bool {
    asks(text) || core(text, Language::detect(text).unwrap_or_default()).is_tied
}

/// Whether `text` only tells something of who writes: "I live in Penang", "我在上海".
pub(super) fn tells(text: &str) -> bool {
    let folded = fold_text(text);
    let first = words(&folded).into_iter().find(|w| !TIES_EN.contains(w));
    let is_own = first.is_some_and(|w| FIRST_EN.contains(&w)) || FIRST_ZH.iter().any(|w| folded.starts_with(w));
    is_own && !asks(text)
}

const END: [char; 12] = ['?', '？', '.', '。', '!', '！', ' ', '~', ',', '，', '…', '\n'];

/// What is left of a question without its ties.
pub(super) fn core(question: &str, language: Language) -> Core<'_> {
    let mut text = question.trim().trim_end_matches(END);
    let mut is_tied = false;
    let is_pointing = |text: &str| PRONOUNS_ZH.iter().any(|w| text.starts_with(w));
    loop {
        let ties = if language == Language::Zh { TIES_ZH } else { TIES_EN };
        let rest = ties.iter().find_map(|tie| {
            let rest = after(text, tie)?;
            // "No, I meant …" corrects; "no receipt" and "不是会员" say what is not.
            let corrects = || {
                rest.starts_with(END) && !rest.starts_with(' ')
                    || [" i ", "我"].iter().any(|w| after(rest, w).is_some())
            };
            if CORRECTING.contains(tie) && !corrects() {
                return None;
            }
            let ends = if tie.is_ascii() { rest.starts_with([' ', ',', '.', '，']) } else { !rest.is_empty() };
            (ends && !(tie.starts_with('那') && is_pointing(text))).then_some((*tie, rest))
        });
        match rest {
            Some((tie, rest)) => {
                is_tied |= !POLITE.contains(&tie);
                text = rest.trim_start_matches(END);
            }
            None => break,
        }
    }
    let core = if language == Language::Zh { core_zh(text) } else { core_en(text) };
    // "PS-1000呢？"
    Core { is_tied: is_tied || question.trim().trim_end_matches(END).ends_with('呢'), ..core }
}

/// What follows `word` at the start of `text`, whatever its case.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    (fold_text(head) == fold_text(word)).then(|| text.get(word.len()..).unwrap_or_default())
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-').filter(|w| !w.is_empty()).collect()
}

fn core_en(text: &str) -> Core<'_> {
    let folded = fold_text(text);
    let said = words(&folded);
    let is_condition = CONDITIONS_EN.iter().any(|w| folded.starts_with(w));
    let begins = said.first().is_some_and(|w| ASKING_EN.contains(w));
    let asks = begins || said.iter().any(|w| ["how", "what", "which", "when", "where", "who", "why"].contains(w));
    let mut text = text;
    let mut preposition = None;
    if !asks {
        while let Some((first, rest)) = text.split_once(' ') {
            if !BEFORE_NOUN_EN.contains(&fold_text(first).as_str()) {
                break;
            }
            preposition = preposition.or(Some(first).filter(|w| !ARTICLES_EN.contains(w)));
            text = rest.trim_start();
        }
        text = text.trim_end_matches(" too").trim_end_matches(" one").trim();
    }
    let mut at = 0;
    let mut pronoun = None;
    for word in words(text) {
        let start = text.get(at..).and_then(|rest| rest.find(word)).map_or(at, |found| at + found);
        at = start + word.len();
        let word = fold_text(word);
        if asks && pronoun.is_none() && PRONOUNS_EN.contains(&word.as_str()) && !(word == "there" && start < 10) {
            pronoun = Some(start..at);
        }
        // "That one", "the other one".
        if let (Some(range), "one" | "ones") = (&mut pronoun, word.as_str()) {
            range.end = at;
        }
    }
    let points_with_it = pronoun.clone().and_then(|at| text.get(at)).is_some_and(|w| fold_text(w) == "it");
    let wishes = !asks && said.iter().any(|w| ["i", "my", "want", "need", "please"].contains(w)) && said.len() >= 3;
    Core { text, is_tied: false, asks, preposition, pronoun, points_with_it, wishes, is_condition }
}

fn core_zh(text: &str) -> Core<'_> {
    let is_condition = CONDITIONS_ZH.iter().any(|w| text.contains(w));
    let mut named = text.trim_end_matches(['呢', '啊', '呀']);
    let folded = fold_text(named);
    let asking = wants::asking_words(&folded).into_iter().filter_map(|r| folded.get(r).map(str::to_owned));
    let asks_word = asking.into_iter().any(|w| !["呢", "你们", "您们", "我们", "你", "您", "我"].contains(&w.as_str()));
    let ends = ["吗", "嘛", "么", "不", "没", "没有"].iter().any(|w| folded.ends_with(w));
    let can = ["能", "可以", "可不可", "会", "有没", "要不要", "是不是"].iter().any(|w| folded.contains(w));
    let asks = asks_word || ends || can || Wants::read(&folded) != Wants::Anything;
    if !asks {
        for pointing in PRONOUNS_ZH {
            named = named.strip_suffix(pointing).filter(|rest| !rest.is_empty()).unwrap_or(named);
        }
        named = named.trim_end_matches('的');
    }
    // "你们这边" is the shop.
    let is_shop = |at: usize| named.get(..at).is_some_and(|head| head.ends_with(['们', '們']));
    let pronoun = PRONOUNS_ZH.iter().find_map(|w| named.find(w).filter(|at| !is_shop(*at)).map(|at| at..at + w.len()));
    let wishes = !asks && (text.starts_with('我') || text.starts_with("想") || text.starts_with("要"));
    Core { text: named, is_tied: false, asks, preposition: None, pronoun, points_with_it: false, wishes, is_condition }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_ties_is_taken_off() {
        for (question, text, asks) in [
            ("and the rice cookers?", "rice cookers", false),
            ("And for the PS-1000?", "PS-1000", false),
            ("what about to Thailand?", "Thailand", false),
            ("ok how long does it take", "how long does it take", true),
            ("那除湿机呢？", "除湿机", false),
            ("那个多少钱", "那个多少钱", true),
            ("上海那个呢", "上海", false),
            ("No, I meant the AP-500", "AP-500", false),
            ("不是，我说的是PS-1000", "PS-1000", false),
            // What is denied is no correction.
            ("no receipt, can I return it?", "no receipt, can I return it", false),
            ("不是会员可以退货吗", "不是会员可以退货吗", true),
        ] {
            let language = Language::detect(question).unwrap();
            let core = core(question, language);
            assert_eq!((core.text, core.asks), (text, asks), "{question}");
        }
    }

    #[test]
    fn a_pronoun_is_found_where_it_stands() {
        let core = core("does that one connect to an app?", Language::En);
        assert_eq!(core.pronoun, Some(5..13));
        assert_eq!(super::core("可以拿它当电源吗", Language::Zh).pronoun, Some(9..12));
    }

    #[test]
    fn leaning_is_told_from_whole_questions() {
        for (question, expected) in [
            ("how much?", Leaning::Clearly),
            ("and the battery", Leaning::Clearly),
            ("is it waterproof", Leaning::Clearly),
            ("多久？", Leaning::Clearly),
            ("什麼時候？", Leaning::Clearly),
            ("How long does it take to ship to Penang?", Leaning::Perhaps),
            ("track my order", Leaning::Perhaps),
            ("我要退货", Leaning::Perhaps),
            ("What does the RC-18i cost?", Leaning::Not),
            ("那除湿机呢", Leaning::Clearly),
            ("Where is your showroom in Singapore located, and when is it open?", Leaning::Not),
            ("请问你们在新加坡的展厅具体在什么地方", Leaning::Not),
        ] {
            assert_eq!(leaning(question), expected, "{question}");
        }
    }
}
