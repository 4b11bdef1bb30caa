//! Reads the facts about the customer in one message, by rules alone. Pure.
//!
//! A rule finds a value; the gate decides whether the words around it let it stand: questions, suppositions, what is
//! over, other people's facts, quotes of us and secrets never become memories.

use std::{ops::Range, sync::LazyLock};

use chrono::NaiveDate;
use regex::Regex;

use super::{
    Kind, chinese, english,
    sheet::{Rules, Sheet},
    times,
};
use crate::platform::{language::is_han, lexical, sentences};

/// Who wrote a message. What the assistant said itself is never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    Customer,
    Agent,
}

/// A fact, with the place it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub kind: Kind,
    /// The value as it stands in the message.
    pub value: String,
    /// Where the value stands, in bytes.
    pub range: Range<usize>,
    /// The sentence around it, in bytes: for telling one shoe size from a shirt's, and for "why".
    pub sentence: Range<usize>,
    /// What it is about, where there can be one of each ("shoe").
    pub about: Option<&'static str>,
    /// Closes what was of this kind before, although there can be many ("I switched to …").
    pub replaces: bool,
}

/// The longest message that is read, in characters: what is longer is a document.
const LONGEST: usize = 4000;

/// Compiles the rules of both languages, half a second of work, which the first message would wait for otherwise.
pub fn prepare() {
    LazyLock::force(&english::SHEET);
    LazyLock::force(&chinese::SHEET);
    times::find("", NaiveDate::default());
}

/// The facts in `text`, in their order; none of them overlaps another of its kind.
pub fn facts(text: &str, writer: Writer) -> Vec<Fact> {
    if text.chars().count() > LONGEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    for sentence in sentences::split(text) {
        let words = text.get(sentence.range.clone()).unwrap_or_default();
        for sheet in sheets(words) {
            let rules = if writer == Writer::Customer { &sheet.customer } else { &sheet.agent };
            read_sentence(text, &sentence.range, sheet, rules, &mut found);
        }
    }
    found.sort_by_key(|f| (f.range.start, f.range.end));
    found
}

/// The rules for a sentence. Most are of one language: the other's are not looked at.
fn sheets(words: &str) -> impl Iterator<Item = &'static Sheet> {
    let english = words.chars().any(|c| c.is_ascii_alphabetic()).then(|| &*english::SHEET);
    let chinese = words.chars().any(is_han).then(|| &*chinese::SHEET);
    english.into_iter().chain(chinese)
}

fn read_sentence(text: &str, at: &Range<usize>, sheet: &Sheet, rules: &Rules, found: &mut Vec<Fact>) {
    let Some(written) = text.get(at.clone()) else { return };
    let folded = simplified(written);
    let sentence = folded.as_str();
    if sentence.starts_with('>') || sheet.gate.secret.is_match(sentence) || holds_card(sentence) {
        return;
    }
    for rule in rules.for_sentence(sentence) {
        for captures in rule.pattern().captures_iter(sentence) {
            let Some(value) = captures.name("v") else { continue };
            let range = sheet.trimmed(sentence, value.range());
            let Some(words) = sentence.get(range.clone()).filter(|w| !w.is_empty()) else { continue };
            // What went wrong is told in whole sentences, which may begin like anything; so is what we will do.
            if !matches!(rule.kind, Kind::Complaint | Kind::Promise) && sheet.empty.is_match(words) {
                continue;
            }
            if matches!(rule.kind, Kind::Name | Kind::AddressForm | Kind::City | Kind::Device)
                && sheet.no_name.is_match(words)
            {
                continue;
            }
            if !sheet.gate.lets_stand(sentence, &range, rule.kind, rule.may_ask) {
                continue;
            }
            let range = at.start + range.start..at.start + range.end;
            let meets = |f: &Fact| f.range.start < range.end && range.start < f.range.end;
            if found.iter().any(|f| meets(f) && (f.kind == rule.kind || is_rather(f.kind, rule.kind))) {
                continue;
            }
            found.retain(|f| !(meets(f) && is_rather(rule.kind, f.kind)));
            found.push(Fact {
                kind: rule.kind,
                value: text.get(range.clone()).unwrap_or_default().to_owned(),
                range,
                sentence: at.clone(),
                about: rule.about,
                replaces: rule.replaces,
            });
        }
    }
}

/// What the customer says is no more ("I no longer drink coffee", "我不吃素了"): the words for it, in bytes.
pub fn endings(text: &str) -> Vec<Range<usize>> {
    if text.chars().count() > LONGEST {
        return Vec::new();
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in sentences::split(text).into_iter().map(|s| s.range) {
        let Some(sentence) = text.get(at.clone()).map(simplified) else { continue };
        for sheet in sheets(&sentence) {
            for captures in sheet.endings.iter().flat_map(|pattern| pattern.captures_iter(&sentence)) {
                let Some(value) = captures.name("v") else { continue };
                let value = sheet.trimmed(&sentence, value.range());
                let range = at.start + value.start..at.start + value.end;
                let is_new = found.iter().all(|f| f.end <= range.start || range.end <= f.start);
                if !value.is_empty() && is_new && sheet.gate.lets_end(&sentence, &value) {
                    found.push(range);
                }
            }
        }
    }
    found
}

/// `text` with simplified characters, each where it was: rules are written once.
fn simplified(text: &str) -> String {
    text.chars().map(|c| if is_han(c) { lexical::fold(c).unwrap_or(c) } else { c }).collect()
}

/// The fact that `value` is of `kind`, if it stands in `text` and nothing around it speaks against it.
pub(super) fn admit(text: &str, kind: Kind, value: &str) -> Option<Fact> {
    let value = value.trim();
    let at = text.find(value).filter(|_| !value.is_empty() && value.chars().count() <= 200)?;
    let range = at..at + value.len();
    let sentence =
        sentences::split(text).into_iter().map(|s| s.range).find(|s| s.start <= range.start && range.end <= s.end)?;
    let words = text.get(sentence.clone())?;
    let inside = range.start - sentence.start..range.end - sentence.start;
    let stands = [&*english::SHEET, &*chinese::SHEET].iter().all(|sheet| {
        !sheet.gate.secret.is_match(words)
            && !words.starts_with('>')
            && sheet.gate.lets_stand(words, &inside, kind, false)
    });
    (stands && !holds_card(words)).then(|| Fact {
        kind,
        value: value.to_owned(),
        range,
        sentence,
        about: None,
        replaces: false,
    })
}

/// Whether `text` may tell something of its writer: a sentence in the first person that asks nothing.
pub(super) fn may_tell(text: &str) -> bool {
    static FIRST_PERSON: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)\b(?:i|i[’'](?:m|ve|d|ll)|my|we|our|me)\b|我|本人|咱").ok());
    sentences::split(text).into_iter().filter_map(|s| text.get(s.range)).any(|sentence| {
        let asks = sentence.trim_end().ends_with(['?', '？'])
            || english::SHEET.gate.asks.is_match(sentence)
            || chinese::SHEET.gate.asks.is_match(sentence);
        let length = sentence.chars().filter(|c| c.is_alphanumeric()).count();
        !asks && length >= 5 && !is_secret(sentence) && FIRST_PERSON.as_ref().is_some_and(|p| p.is_match(sentence))
    })
}

/// Whether a message tells facts of its writer and nothing else, so that there is nothing to answer: each part between
/// commas is one, or a greeting. What went wrong, is wanted or was ordered calls for more.
pub(super) fn only_tells(text: &str) -> bool {
    const ASIDE: &[&str] = &[
        "hi",
        "hello",
        "hey",
        "thanks",
        "thank you",
        "by the way",
        "btw",
        "fyi",
        "ok",
        "okay",
        "please remember",
        "please note",
        "just so you know",
        "你好",
        "您好",
        "谢谢",
        "请记住",
        "请记一下",
        "顺便说一下",
        "对了",
        "好的",
    ];
    let facts = facts(text, Writer::Customer);
    let is_more = |kind: Kind| {
        matches!(
            kind,
            Kind::Complaint
                | Kind::Need
                | Kind::Order
                | Kind::Ticket
                | Kind::Purchase
                | Kind::Mood
                | Kind::Deadline
                | Kind::Appointment
        )
    };
    let told: Vec<Range<usize>> = facts.iter().map(|f| f.range.clone()).chain(endings(text)).collect();
    if told.is_empty() || facts.iter().any(|f| is_more(f.kind)) || text.contains(['?', '？']) {
        return false;
    }
    let mut at = 0;
    text.split_inclusive([',', '，', ';', '；', ':', '：', '.', '。', '!', '！', '、', '\n']).all(|part| {
        let range = at..at + part.len();
        at = range.end;
        let words = part.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let asks = english::SHEET.gate.asks.is_match(&words) || chinese::SHEET.gate.asks.is_match(&words);
        words.is_empty()
            || ASIDE.contains(&words.as_str())
            || !asks && told.iter().any(|t| t.start < range.end && range.start < t.end)
    })
}

/// Whether words that may be either are rather `this` than `that`: a number is an order's or a ticket's, an address holds
/// its city, words for people are not preferences too.
fn is_rather(this: Kind, that: Kind) -> bool {
    matches!(
        (this, that),
        (Kind::Order, Kind::Ticket | Kind::Contact | Kind::Device | Kind::Purchase)
            | (Kind::Ticket, Kind::Contact | Kind::Device)
            | (Kind::Address, Kind::City | Kind::Preference)
            | (Kind::AddressForm, Kind::Name | Kind::Preference)
            | (Kind::Language | Kind::Contact, Kind::Preference)
            | (Kind::Pet, Kind::Family | Kind::Device)
            | (
                Kind::Diet | Kind::Health,
                Kind::Job | Kind::Mood | Kind::Name | Kind::Preference | Kind::Dislike | Kind::Need
            )
            | (Kind::Allergy, Kind::Complaint | Kind::Health | Kind::Dislike)
            | (Kind::Device, Kind::Name)
            | (Kind::Birthday, Kind::Deadline | Kind::Appointment)
            | (Kind::Deadline, Kind::Appointment)
            | (Kind::Appointment, Kind::Need)
            | (Kind::Size, Kind::Need | Kind::Purchase | Kind::Preference)
            | (Kind::Purchase, Kind::Need | Kind::Device)
            | (Kind::Mood, Kind::Job | Kind::Name)
            | (Kind::Preference, Kind::Need)
            | (Kind::Dislike, Kind::Preference | Kind::Contact | Kind::AddressForm)
    )
}

/// Whether a payment card's number stands in `text`: 13 to 19 digits that pass Luhn's check.
pub fn holds_card(text: &str) -> bool {
    static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d(?:[ \-]?\d){12,18}").ok());
    DIGITS.as_ref().is_some_and(|digits| {
        digits.find_iter(text).any(|m| {
            let digits: Vec<u32> = m.as_str().chars().filter_map(|c| c.to_digit(10)).collect();
            let sum: u32 = digits
                .iter()
                .rev()
                .enumerate()
                .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 - if *d > 4 { 9 } else { 0 } })
                .sum();
            sum.is_multiple_of(10)
        })
    })
}

/// The characters of `text` from `range.start` up to `range.end`, counted in characters; what is beyond its end is left
/// out.
pub fn characters(text: &str, range: Range<usize>) -> String {
    let at = |n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    text.get(at(range.start)..at(range.end)).unwrap_or_default().to_owned()
}

/// Whether `text` tells a secret: a card, a password, a code, a passport. Such words are stored nowhere.
pub fn is_secret(text: &str) -> bool {
    holds_card(text) || english::SHEET.gate.secret.is_match(text) || chinese::SHEET.gate.secret.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Kind, String)> {
        facts(text, Writer::Customer).into_iter().map(|f| (f.kind, f.value)).collect()
    }

    #[test]
    fn a_fact_beside_a_question_stands_and_the_question_does_not() {
        assert_eq!(read("I live in Ipoh, do you deliver there?"), [(Kind::City, "Ipoh".into())]);
        assert_eq!(read("我对花生过敏，这个能吃吗？"), [(Kind::Allergy, "花生".into())]);
        assert!(read("Do you deliver if I live in Ipoh?").is_empty());
        assert!(read("如果我住在槟城，能送吗？").is_empty());
    }

    #[test]
    fn secrets_are_never_read() {
        for text in
            ["My card is 4111-1111-1111-1111 and I live in Ipoh", "my password is Ipoh-2026", "我的验证码是339120"]
        {
            assert!(read(text).is_empty() && is_secret(text), "{text}");
        }
        assert!(!is_secret("My order number is 4111 1111") && !is_secret("我的订单号是20261108877"));
    }

    #[test]
    fn what_a_model_names_passes_the_same_gate() {
        assert_eq!(admit("We adore jazz.", Kind::Preference, "jazz").map(|f| f.range), Some(9..13));
        assert_eq!(admit("We adore jazz.", Kind::Preference, "rock"), None);
        assert_eq!(admit("If we adored jazz, what then?", Kind::Preference, "jazz"), None);
        assert_eq!(admit("My password is jazz", Kind::Preference, "jazz"), None);
        assert_eq!(admit("我同事喜欢爵士", Kind::Preference, "爵士"), None);
        assert!(may_tell("We adore jazz.") && !may_tell("How long is the warranty?") && !may_tell("thanks!"));
    }

    #[test]
    fn who_only_tells_asks_nothing() {
        for text in [
            "My name is Anna and I live in Penang.",
            "Hi! I live in Ipoh, I'm vegan.",
            "我叫李雷，住在上海。",
            "I no longer drink coffee.",
        ] {
            assert!(only_tells(text), "{text}");
        }
        for text in [
            "I want to return my kettle, I live in Penang.",
            "I live in Penang, help",
            "I live in Penang. How do I descale the kettle?",
            "我住在上海，怎么联系你们",
            "my kettle is broken",
            "Good morning",
            "I need a kettle for two",
        ] {
            assert!(!only_tells(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_more_is_read() {
        for (text, ended) in [
            ("I no longer drink coffee.", "coffee"),
            ("I don't like green tea anymore", "green tea"),
            ("I've gone off spicy food", "spicy food"),
            ("I'm not vegan any more, by the way", "vegan"),
            ("I don't live in Penang any more", "Penang"),
            ("I sold my Honda Jazz last week", "Honda Jazz"),
            ("我不吃素了", "素"),
            ("我已經不再喜歡普洱了", "普洱"),
            ("我早就不住杭州了", "杭州"),
            ("我把那台佳能卖了", "佳能"),
        ] {
            let words: Vec<&str> = endings(text).into_iter().filter_map(|range| text.get(range)).collect();
            assert_eq!(words, [ended], "{text}");
        }
        for text in [
            "I don't like green tea.",
            "Do you no longer sell coffee?",
            "我不吃香菜",
            "如果我不吃素了呢？",
            "我朋友不喝酒了",
        ] {
            assert!(endings(text).is_empty(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_places_within_it(text in "\\PC{0,80}") {
            for fact in facts(&text, Writer::Customer) {
                proptest::prop_assert_eq!(text.get(fact.range.clone()), Some(fact.value.as_str()));
                proptest::prop_assert!(fact.sentence.start <= fact.range.start && fact.range.end <= fact.sentence.end);
            }
        }
    }
}
