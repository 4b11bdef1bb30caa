//! Follow-up questions understood without a model: what was left out is taken from what was said before.

use super::{Said, Speaker};
use crate::{
    knowledge::wants,
    platform::{
        language::{Language, is_han},
        lexical::{self, Kind, fold_text},
    },
};

/// How far back the topic may lie, in the customer's messages.
const REACH: usize = 3;

/// `question` with the topic of the conversation put in, if it leans on what was said before; `None` if it stands
/// alone or there is nothing before it.
pub fn follow_up(question: &str, history: &[Said]) -> Option<String> {
    if !leans_back(question) {
        return None;
    }
    let has_topic = |text: &str| super::small_talk::SmallTalk::read(text).is_none() && !topic(text).is_empty();
    let mut earlier =
        history.iter().rev().filter(|s| s.by == Speaker::Customer).take(REACH).filter(|s| has_topic(&s.text));
    let before = earlier
        .find(|s| !leans_back(&s.text))
        .or_else(|| history.iter().rev().find(|s| s.by == Speaker::Customer && has_topic(&s.text)))?;
    // "And the PS-1000?" changes one thing and keeps the rest of the question.
    let kept = kept(&before.text, question);
    if kept.is_empty() {
        return None;
    }
    let glue = if Language::detect(question) == Some(Language::Zh) { "，" } else { " " };
    Some(format!("{}{glue}{}", kept.trim(), question.trim()))
}

const LEANING_EN: &[&str] = &[
    "and ",
    "what about",
    "how about",
    "and for",
    "also",
    "then ",
    "but ",
    "or ",
    "is it",
    "does it",
    "can it",
    "do they",
    "are they",
    "is that",
    "does that",
    "what if",
    "same for",
    "why not",
    "why is that",
    "the other",
    "which one",
    "that one",
    "this one",
];
/// What a whole question begins with.
const ASKING_EN: &[&str] =
    &["how", "what", "when", "where", "which", "who", "why", "can", "could", "do", "does", "is", "are", "will", "may"];
const PRONOUNS_EN: &[&str] =
    &["it", "its", "they", "them", "their", "that", "this", "those", "these", "one", "ones", "there"];
const LEANING_ZH: &[&str] = &[
    "那",
    "那么",
    "还有",
    "另外",
    "另一个",
    "如果",
    "要是",
    "换成",
    "它",
    "他们",
    "它们",
    "这个",
    "那个",
    "这种",
    "那种",
    "这款",
    "那款",
    "其他",
    "别的",
    "呢",
    "上面",
    "刚才",
    "刚刚",
    "同样",
    "也",
    "又",
    "然后",
    "以及",
];

/// Whether a question can't be understood without what was said before.
fn leans_back(question: &str) -> bool {
    let folded = fold_text(question);
    let folded = folded.trim();
    let topics = topic(question).len();
    if Language::detect(question) == Some(Language::Zh) {
        let han = folded.chars().filter(|c| is_han(*c)).count();
        let starts = LEANING_ZH.iter().any(|w| folded.starts_with(w) && *w != "呢");
        let names = ["它", "这个", "那个", "这款", "那款", "这种", "那种", "另一个", "上面", "刚才", "其他的"]
            .iter()
            .any(|w| folded.contains(w));
        let ends = folded.trim_end_matches(['?', '？', '。', '!', '！', ' ']).ends_with('呢') && han <= 12;
        return (starts && han <= 14) || (names && han <= 16) || ends || (topics == 0 && han > 0);
    }
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()).collect();
    let has_pronoun = words.iter().any(|w| PRONOUNS_EN.contains(w));
    // "And how long does shipping to Penang take?" is whole without what was said before it.
    let is_whole = words.first().is_some_and(|w| ["and", "but", "or", "also", "then"].contains(w))
        && words.get(1).is_some_and(|w| ASKING_EN.contains(w))
        && !has_pronoun
        && topics >= 2;
    let starts = LEANING_EN.iter().any(|w| folded.starts_with(w)) && words.len() <= 10 && !is_whole;
    let points = words.len() <= 8 && has_pronoun && topics <= 2;
    starts
        || points
        || (topics == 0 && !words.is_empty())
        || (words.len() <= 3
            && topics <= 1
            && folded.ends_with('?')
            && words.iter().any(|w| ["for", "in", "to", "with"].contains(w)))
}

/// The places of the words that carry the topic.
fn topic(text: &str) -> Vec<(usize, usize)> {
    let asking = wants::asking_words(text);
    lexical::tokens(text)
        .into_iter()
        .filter(|t| matches!(t.kind, Kind::Word | Kind::Number | Kind::Whole | Kind::Pair))
        .filter(|t| !asking.iter().any(|r| t.start < r.end && r.start < t.end))
        .filter(|t| {
            let word = fold_text(text.get(t.start..t.end).unwrap_or_default());
            !PRONOUNS_EN.contains(&word.as_str())
                && !["much", "many", "long", "about", "other", "same", "那个", "这个", "另一", "一个", "如果", "还有"]
                    .contains(&word.as_str())
        })
        .map(|t| (t.start, t.end))
        .collect()
}

/// The earlier question without what the new one puts in its place: codes give way to codes.
fn kept(before: &str, question: &str) -> String {
    let is_code = |text: &str, t: &lexical::Token| {
        t.kind == Kind::Whole && text.get(t.start..t.end).is_some_and(|w| w.contains(|c: char| c.is_ascii_digit()))
    };
    let new_code = lexical::tokens(question).iter().any(|t| is_code(question, t));
    let mut kept = String::new();
    let mut at = 0;
    if new_code {
        for token in lexical::tokens(before).iter().filter(|t| is_code(before, t)) {
            if token.start >= at {
                kept.push_str(before.get(at..token.start).unwrap_or_default());
                at = token.end;
            }
        }
    }
    kept.push_str(before.get(at..).unwrap_or_default());
    kept.trim().trim_end_matches(['?', '？', '.', '。', '!', '！']).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<Said> {
        vec![
            Said { by: Speaker::Customer, text: text.into() },
            Said { by: Speaker::Assistant, text: "Two years.".into() },
        ]
    }

    #[test]
    fn what_was_left_out_is_taken_from_before() {
        for (before, question, expected) in [
            (
                "How long is the warranty on the AP-300?",
                "And for the PS-1000?",
                Some("How long is the warranty on the And for the PS-1000?"),
            ),
            (
                "How long is the warranty?",
                "what about batteries?",
                Some("How long is the warranty what about batteries?"),
            ),
            ("Do you ship to Penang?", "how much?", Some("Do you ship to Penang how much?")),
            ("AP-300 保修多久？", "那 PS-1000 呢？", Some("保修多久，那 PS-1000 呢？")),
            ("你们寄到香港吗", "多少钱？", Some("你们寄到香港吗，多少钱？")),
            ("How long is the warranty?", "Where is your showroom in Singapore located?", None),
            ("How long is the warranty?", "And how long does shipping to Penang take?", None),
            (
                "Do you ship to Penang?",
                "And how much is it to Ipoh?",
                Some("Do you ship to Penang And how much is it to Ipoh?"),
            ),
            ("保修多久", "新加坡展厅在什么地方", None),
        ] {
            assert_eq!(follow_up(question, &said(before)).as_deref(), expected, "{before} / {question}");
        }
    }

    #[test]
    fn small_talk_and_an_empty_history_give_no_topic() {
        assert_eq!(follow_up("how much?", &[]), None);
        assert_eq!(follow_up("how much?", &said("hello")), None);
    }
}
