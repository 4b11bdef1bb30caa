//! Follow-up questions understood without a model: the ways a question may be meant after what was said before. Which of
//! them is meant, the documents decide (see [`understand`](super::understand)).

mod leans;
mod other;
mod phrases;
mod vocabulary;

use super::{Said, Speaker, signals, small_talk::SmallTalk};
use crate::{knowledge::wants::Wants, platform::language::Language};
use leans::Leaning;
pub use leans::is_question;
pub use other::{Pointing, codes, series};
pub use phrases::pairs;
use phrases::{Kind, Phrase};

/// How far back the topic may lie, in the customer's messages.
const REACH: usize = 3;

/// One way to understand a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The question in full.
    pub text: String,
    /// How likely it is before anything was searched, beside the others: 0 to 1.
    pub prior: f32,
    /// What it keeps of what was said before.
    pub kept: String,
}

/// The ways a question may be meant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// The likeliest first; empty when the question stands alone.
    pub all: Vec<Reading>,
    /// The words that the question itself brings: an answer that lacks them is about something else.
    pub own: String,
}

impl Readings {
    /// The same with what the customer told in front of the question, which may or may not belong to it: "I live in
    /// Penang. How do I descale the kettle?"
    pub fn with_told(&mut self, whole: &str, told: &str, asked: &str) {
        // How to reach somebody or to clean something hangs on nothing; what it costs, or what is wrong, may.
        let least = if matches!(Wants::read(asked), Wants::Contact | Wants::Manner) { 1 } else { 2 };
        let names_model = phrases::of(told, &|_| true).iter().any(|p| p.kind == Kind::Code);
        let is_whole = leans::topic_count(asked) >= least && !names_model;
        if self.all.is_empty() && is_whole && leans::leaning(asked) != Leaning::Clearly {
            self.own = asked.to_owned();
            self.add(asked.trim(), told, LIKELY);
        }
        self.all.truncate(MOST - 1);
        self.add(whole, told, LIKELY);
    }

    /// Whether one of the ways is the question as it is.
    pub fn may_stand_alone(&self, question: &str) -> bool {
        self.all.iter().any(|r| r.text == question)
    }

    fn add(&mut self, text: &str, kept: &str, prior: f32) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && !self.all.iter().any(|r| r.text == text) {
            self.all.push(Reading { text, prior, kept: kept.to_owned() });
        }
    }
}

/// What readings count for before anything was searched. Set by hand: changing one of them by a quarter moved the
/// results on `evals/talks` by one or two points.
const LIKELY: f32 = 1.0;
const PROBABLE: f32 = 0.95;
const POSSIBLE: f32 = 0.7;
const UNLIKELY: f32 = 0.4;
/// How many clauses from the end a question is looked for in.
const CLAUSES: usize = 8;
/// The most readings that are searched for.
const MOST: usize = 6;

/// What the customer talked of before `question`, as it was understood; `None` when nothing there has a topic.
pub fn before(history: &[Said]) -> Option<&str> {
    let last = history.iter().rev().find(|said| said.by == Speaker::Customer);
    if let Some(open) = last.filter(|said| said.meant.is_none() && is_open(&said.text)) {
        return Some(&open.text);
    }
    let has_topic = |text: &str| SmallTalk::read(text).is_none() && leans::topic_count(text) > 0;
    let asked = history.iter().rev().filter(|s| s.by == Speaker::Customer).take(REACH);
    // What a message told in front of its question may be asked about next.
    let mut asked = asked.map(|said| {
        let meant = said.meant.as_deref().filter(|meant| !said.text.ends_with(meant));
        (said, meant.unwrap_or(&said.text))
    });
    let mut first = None;
    asked
        .find(|(said, text)| {
            let counts = has_topic(text);
            if counts && first.is_none() {
                first = Some(*text);
            }
            // What was not understood when it was said can't be leaned on.
            counts && (said.meant.is_some() || leans::leaning(text) != Leaning::Clearly)
        })
        .map(|(_, text)| text)
        .or(first)
}

/// Whether `text` asks for something without saying of what ("price?", "多久"): what is said next belongs to it.
fn is_open(text: &str) -> bool {
    let wants = Wants::read(text);
    !matches!(wants, Wants::Anything | Wants::YesNo | Wants::Manner | Wants::Reason)
        && SmallTalk::read(text).is_none()
        && signals::is_vague(text)
        && Pointing::read(text).is_none()
}

/// What a message tells before it asks, if it does, and what it asks: "I'm in Penang. How much is delivery?"
pub fn told_and_asked(text: &str) -> (Option<&str>, &str) {
    let ends =
        text.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | ',' | ';' | '。' | '！' | '，' | '；' | '\n'));
    // The last one behind which a question stands and before which nothing is asked.
    let mut cut = ends.rev().take(CLAUSES).filter_map(|(at, c)| {
        let (told, asked) = (text.get(..at)?.trim(), text.get(at + c.len_utf8()..)?.trim());
        let is_whole = !matches!(c, '.' | ',') || text.get(at + 1..)?.starts_with(char::is_whitespace);
        (is_whole && leans::asks(asked) && leans::tells(told)).then_some((told, asked))
    });
    match cut.next() {
        Some((told, asked)) => (Some(told), asked),
        None => (None, text),
    }
}

/// The phrases of `text` that carry a topic.
pub fn topics(text: &str) -> Vec<&str> {
    phrases::of(text, &|_| true).into_iter().filter_map(|p| text.get(p.range)).collect()
}

/// The ways `question` may be meant after `before`. `knows`: whether the documents have two Chinese characters side by
/// side, which tells where a word ends.
pub fn readings(question: &str, before: &str, knows: &dyn Fn(&str) -> bool) -> Readings {
    let leaning = leans::leaning(question);
    if leaning == Leaning::Not {
        return Readings::default();
    }
    let language = Language::detect(question).unwrap_or_default();
    let core = leans::core(question, language);
    let phrases = phrases::of(before, knows);
    let mut readings = Readings { own: core.text.to_owned(), all: Vec::new() };
    let before = before.trim().trim_end_matches(['?', '？', '.', '。', '!', '！', ' ']);
    if leaning == Leaning::Perhaps {
        readings.add(question.trim(), before, PROBABLE);
    }
    if is_open(before) {
        readings.add(&join(before, question, language), before, LIKELY);
        return readings;
    }
    if core.is_condition {
        readings.add(&join(before, question, language), before, LIKELY);
    }
    if core.is_condition && !core.asks {
        // It stands beside what was asked, and takes no place in it.
    } else if core.asks {
        asking(&mut readings, before, &phrases, &core, language);
    } else {
        naming(&mut readings, before, &phrases, &core, language, knows);
    }
    readings.add(&join(before, question, language), before, POSSIBLE);
    readings.all.sort_by(|a, b| b.prior.total_cmp(&a.prior));
    readings.all.truncate(MOST);
    readings
}

fn join(before: &str, question: &str, language: Language) -> String {
    format!("{before}{}{}", if language == Language::Zh { "，" } else { " " }, question.trim())
}

/// "How heavy is it?": another question about what was spoken of.
fn asking(readings: &mut Readings, before: &str, phrases: &[Phrase], core: &leans::Core<'_>, language: Language) {
    let text = |phrase: &Phrase| before.get(phrase.range.clone()).unwrap_or_default();
    let put = |what: &str| match &core.pronoun {
        Some(at) => {
            let (head, tail) = (core.text.get(..at.start), core.text.get(at.end..));
            format!("{} {what} {}", head.unwrap_or_default(), tail.unwrap_or_default())
        }
        None if language == Language::Zh => format!("{what} {}", core.text),
        None => format!("{} {what}", core.text.trim_end_matches(['?', ' '])),
    };
    let all: Vec<&str> = phrases.iter().map(text).collect();
    let has_name = phrases.iter().any(|p| p.kind != Kind::Words);
    // A model code or a name is what a talk is about; else all of it, or what an English question ends with and a Chinese
    // one begins with.
    readings.add(&put(&all.join(", ")), before, if has_name { PROBABLE } else { LIKELY });
    for (i, phrase) in in_order(phrases, language).into_iter().enumerate() {
        let prior = match phrase.kind {
            Kind::Code => LIKELY,
            Kind::Name => PROBABLE,
            Kind::Words if i == 0 && !has_name && core.pronoun.is_some() => PROBABLE,
            Kind::Words => POSSIBLE,
        };
        readings.add(&put(text(phrase)), before, prior);
    }
}

/// The code that a bare number stands for after another of its series: "the 500" after "PS-1000" is the PS-500.
fn of_series(code: &str, number: &str) -> Option<String> {
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let letters = code.trim_end_matches(|c: char| c.is_ascii_digit());
    (is_number && letters.len() < code.len() && letters.contains(|c: char| c.is_ascii_alphabetic()))
        .then(|| format!("{letters}{number}"))
}

/// The phrases of a question, what it is about first.
fn in_order(phrases: &[Phrase], language: Language) -> Vec<&Phrase> {
    let mut order: Vec<&Phrase> = phrases.iter().collect();
    if language == Language::En {
        order.reverse();
    }
    order
}

/// "And the rice cookers?": the same question about something else, or something else about the same thing.
fn naming(
    readings: &mut Readings,
    before: &str,
    phrases: &[Phrase],
    core: &leans::Core<'_>,
    language: Language,
    knows: &dyn Fn(&str) -> bool,
) {
    let text = |phrase: &Phrase| before.get(phrase.range.clone()).unwrap_or_default();
    let put = |phrase: &Phrase| {
        let head = before.get(..phrase.range.start).unwrap_or_default();
        let head = [" a ", " an "].iter().find_map(|a| head.strip_suffix(a)).unwrap_or(head);
        let tail = before.get(phrase.range.end..).unwrap_or_default();
        let space = if language == Language::Zh { "" } else { " " };
        match of_series(text(phrase), core.text) {
            Some(code) => format!("{head}{code}{tail}"),
            None => format!("{head}{space}{}{space}{tail}", core.text),
        }
    };
    let named = phrases::of(core.text, knows);
    let kind = named.first().map_or(Kind::Words, |p| p.kind);
    // "And to Thailand?" takes the place of what stood behind "to".
    let is_behind = |phrase: &Phrase| {
        let head = before.get(..phrase.range.start).unwrap_or_default();
        core.preposition.is_some_and(|p| head.trim_end().rsplit(' ').next().is_some_and(|w| w.eq_ignore_ascii_case(p)))
    };
    let alike = |phrase: &Phrase| kind != Kind::Words && phrase.kind == kind || is_behind(phrase);
    let is_attribute = vocabulary::is_attribute(core.text);
    let without = |phrase: &Phrase| {
        let (head, tail) = (before.get(..phrase.range.start), before.get(phrase.range.end..));
        [head, tail].map(Option::unwrap_or_default).join(" ")
    };
    if phrases.iter().any(alike) {
        for phrase in phrases.iter().filter(|p| alike(p)) {
            readings.add(&put(phrase), &without(phrase), LIKELY);
        }
        return;
    }
    // Two Chinese words side by side may be one that the documents write otherwise.
    if let (Language::Zh, false, [first, second, ..]) = (language, is_attribute, phrases)
        && first.range.end == second.range.start
    {
        let both = Phrase { range: first.range.start..second.range.end, kind: Kind::Words };
        readings.add(&put(&both), &without(&both), PROBABLE);
    }
    for (i, phrase) in in_order(phrases, language).into_iter().enumerate() {
        // A code stands when a word comes: "and the battery?" after the PS-1000 is about its battery.
        let stands = is_attribute || phrase.kind == Kind::Code && !text(phrase).contains(' ');
        if stands {
            let glue = if language == Language::Zh { "" } else { "," };
            let prior = if is_attribute { LIKELY } else { PROBABLE };
            readings.add(&format!("{}{glue} {}", text(phrase), core.text), before, prior);
        }
        let prior = match i {
            _ if stands => UNLIKELY,
            0 => LIKELY,
            _ => POSSIBLE,
        };
        readings.add(&put(phrase), &without(phrase), prior);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(before: &str, question: &str) -> Vec<String> {
        readings(question, before, &|_| true).all.into_iter().map(|r| r.text).collect()
    }

    #[test]
    fn something_else_takes_the_place_of_its_kind() {
        for (before, question, expected) in [
            (
                "How long is the warranty on the AP-300?",
                "And for the PS-1000?",
                "How long is the warranty on the PS-1000",
            ),
            (
                "How long is the warranty on a kettle?",
                "and the rice cookers?",
                "How long is the warranty on rice cookers",
            ),
            ("Do you ship to Penang?", "and to Thailand?", "Do you ship to Thailand"),
            ("AP-300 保修多久？", "那 PS-1000 呢？", "PS-1000 保修多久"),
        ] {
            assert_eq!(first(before, question).first().map(String::as_str), Some(expected), "{before} / {question}");
        }
    }

    #[test]
    fn another_question_is_about_the_same_thing() {
        for (before, question, expected) in [
            ("How much is the PS-1000?", "how heavy is it?", "how heavy is PS-1000"),
            ("PS-1000多少钱", "多重？", "PS-1000 多重"),
        ] {
            assert!(first(before, question).contains(&expected.to_owned()), "{:?}", first(before, question));
        }
    }

    #[test]
    fn a_whole_question_is_left_alone_and_a_short_one_may_be() {
        let before = "How long is the warranty?";
        for question in [
            "Where in Singapore is your showroom located, and when does the showroom open on Sundays?",
            "请问你们在新加坡的展厅具体在什么地方，星期天开门吗",
        ] {
            assert_eq!(first(before, question), Vec::<String>::new(), "{question}");
        }
        let question = "And how long does shipping to Penang take?";
        assert!(readings(question, before, &|_| true).may_stand_alone(question));
    }

    #[test]
    fn what_is_told_in_front_of_a_question_is_told_from_it() {
        for (text, told, asked) in [
            ("I live in Penang. How much is delivery?", Some("I live in Penang"), "How much is delivery?"),
            ("我在上海，怎么联系你们", Some("我在上海"), "怎么联系你们"),
            ("Can I return it? I lost the receipt", None, "Can I return it? I lost the receipt"),
            ("How much is the 1.7 l kettle?", None, "How much is the 1.7 l kettle?"),
            ("I paid 1,200 when do I get it back?", None, "I paid 1,200 when do I get it back?"),
        ] {
            assert_eq!(told_and_asked(text), (told, asked));
        }
    }

    #[test]
    fn a_bare_number_is_another_model_of_the_series() {
        assert_eq!(of_series("PS-1000", "500").as_deref(), Some("PS-500"));
        assert_eq!(of_series("PS-1000", "battery"), None);
    }

    #[test]
    fn a_question_that_leaned_is_leaned_on_as_it_was_meant() {
        let mut history = vec![Said::new(Speaker::Customer, "How long is the warranty on a kettle?")];
        let meant = Some("How long is the warranty on rice cookers".to_owned());
        history.push(Said { meant, ..Said::new(Speaker::Customer, "and the rice cookers?") });
        history.push(Said::new(Speaker::Customer, "thanks"));
        assert_eq!(before(&history), Some("How long is the warranty on rice cookers"));
        assert_eq!(before(&[Said::new(Speaker::Customer, "hello")]), None);
    }

    #[test]
    fn what_was_asked_of_nothing_is_asked_of_what_is_named_next() {
        let customer = |text: &str| Said::new(Speaker::Customer, text);
        let history = [customer("How much is the PS-1000?"), customer("how long?")];
        assert_eq!(before(&history), Some("how long?"));
        assert_eq!(
            before(&[customer("How much is the PS-1000?"), customer("thanks")]),
            Some("How much is the PS-1000?")
        );
        // Once it was understood, that is what is leaned on.
        let meant = Some("how long PS-1000".to_owned());
        let history = [customer("How much is the PS-1000?"), Said { meant, ..customer("how long?") }];
        assert_eq!(before(&history), Some("how long PS-1000"));
        assert_eq!(first("价格", "电饭煲"), ["价格，电饭煲"]);
        assert_eq!(first("price", "of the fan"), ["price of the fan"]);
    }
}
