//! What to do with a proven draft: answer, ask back, offer a person, or hand off. Pure.

use super::{DraftFrom, DraftKind, Policy, Proven, Reason, Signals, Verdict, confidence};
use crate::platform::language::Language;

/// Below this probability nothing was found; between it and the threshold a person is offered.
const NOTHING: f64 = 0.15;
/// How often the assistant may fail or hear the same again before a person takes over.
const PATIENCE: usize = 2;

impl Policy {
    /// The confidence an answer needs so that at most `max_error_rate` of those sent are wrong, as calibrated.
    pub fn threshold(&self) -> f64 {
        confidence::shipped().threshold(self.max_error_rate)
    }
}

/// Decides what happens with `proven`.
pub fn decide(proven: &Proven, signals: &Signals, policy: &Policy) -> Verdict {
    let is_sure = proven.has_substance() && proven.confidence >= policy.threshold();
    if signals.asks_for_person {
        return Verdict::HandOff(Reason::AskedForPerson);
    }
    if signals.is_upset {
        return Verdict::HandOff(Reason::Upset);
    }
    if signals.is_for_person {
        return Verdict::HandOff(Reason::Policy);
    }
    if signals.failures >= PATIENCE || signals.repetitions >= PATIENCE {
        return Verdict::HandOff(Reason::RepeatedFailure);
    }
    if signals.points_at_another {
        return Verdict::Clarify(which(&signals.topics, proven.draft.language));
    }
    // "What is the price?" has an answer in each of the topics that compete: quoting one of them is a guess, however well
    // it fits the words. A model sees them all and asks back by itself.
    let is_quoted = matches!(proven.draft.from, DraftFrom::Extractive { .. });
    if is_sure && !(signals.is_vague && is_quoted && signals.topics.len() >= 2) {
        return Verdict::Answer;
    }
    // The writer may ask back, once.
    if proven.draft.kind == DraftKind::Clarify && !proven.draft.sentences.is_empty() && signals.failures == 0 {
        return Verdict::Clarify(proven.text());
    }
    if signals.is_vague {
        return Verdict::Clarify(clarify(&signals.topics, proven.draft.language));
    }
    if signals.model_unavailable {
        return Verdict::HandOff(Reason::ModelUnavailable);
    }
    if !proven.has_substance() && !proven.cut.is_empty() {
        return Verdict::HandOff(Reason::Unproven);
    }
    if !proven.has_substance() || proven.confidence < NOTHING {
        return Verdict::HandOff(Reason::NothingFound);
    }
    // Who says the same again did not find it by asking otherwise. Who was offered a person and asked on is asked again,
    // until patience ends.
    if signals.repetitions > 0 {
        return Verdict::HandOff(Reason::Unsure);
    }
    Verdict::OfferPerson(Reason::Unsure)
}

/// The question that is asked back, between the topics that compete.
pub fn clarify(topics: &[String], language: Language) -> String {
    match (topics, language) {
        ([_, _, ..], Language::En) => {
            format!("Could you tell me a little more? Is it about {} or something else?", quoted(topics, ", "))
        }
        ([_, _, ..], Language::Zh) => format!("请问您想了解的是{}，还是其他方面？", quoted(topics, "")),
        (_, Language::En) => {
            "Could you tell me a little more about what you need, for example the product or the order it is about?"
                .into()
        }
        (_, Language::Zh) => "请问您具体想了解什么？比如是哪款产品，或哪方面的问题？".into(),
    }
}

/// The question that is asked back where "the other one" may be any of `names`.
fn which(names: &[String], language: Language) -> String {
    match (names, language) {
        ([], Language::En) => "Which one do you mean? Please tell me its name.".into(),
        ([], Language::Zh) => "请问您指的是哪一个？请告诉我它的名称。".into(),
        (names, Language::En) => format!("Which one do you mean: {} or something else?", quoted(names, ", ")),
        (names, Language::Zh) => format!("请问您指的是{}，还是其他的？", quoted(names, "")),
    }
}

/// `names` in quotation marks.
fn quoted(names: &[String], between: &str) -> String {
    names.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::PassageId,
        turn::{Citation, Cut, Draft, DraftFrom, Sentence, SourceId, Unproven},
    };

    fn proven(confidence: f64) -> Proven {
        let citation = Citation { source: SourceId::Passage(PassageId::new()), quote: "Five days.".into() };
        Proven {
            draft: Draft {
                sentences: vec![Sentence { text: "Five days.".into(), citations: vec![citation] }],
                language: Language::En,
                kind: DraftKind::Answer,
                from: DraftFrom::Extractive { because: None },
                answerable: None,
            },
            cut: Vec::new(),
            confidence,
        }
    }

    fn empty(cut: bool) -> Proven {
        let mut proven = proven(0.99);
        proven.draft.sentences.clear();
        if cut {
            proven.cut.push(Cut { text: "Six days.".into(), unproven: vec![Unproven::Duration("six days".into())] });
        }
        proven
    }

    #[test]
    fn a_sure_answer_is_sent() {
        assert_eq!(decide(&proven(0.95), &Signals::default(), &Policy::default()), Verdict::Answer);
    }

    #[test]
    fn a_confident_answer_without_evidence_goes_to_a_person() {
        let calm = Signals::default();
        assert_eq!(decide(&empty(true), &calm, &Policy::default()), Verdict::HandOff(Reason::Unproven));
        assert_eq!(decide(&empty(false), &calm, &Policy::default()), Verdict::HandOff(Reason::NothingFound));
    }

    #[test]
    fn the_writer_may_ask_back_once() {
        let mut asks = proven(0.4);
        asks.draft.kind = DraftKind::Clarify;
        asks.draft.sentences = vec![Sentence { text: "Which model?".into(), citations: vec![] }];
        let policy = Policy::default();
        assert_eq!(decide(&asks, &Signals::default(), &policy), Verdict::Clarify("Which model?".into()));
        let again = Signals { failures: 1, ..Signals::default() };
        assert!(matches!(decide(&asks, &again, &policy), Verdict::HandOff(_)));
    }

    #[test]
    fn the_grey_zone_offers_a_person_and_the_dark_one_calls_one() {
        let calm = Signals::default();
        assert_eq!(decide(&proven(0.4), &calm, &Policy::default()), Verdict::OfferPerson(Reason::Unsure));
        assert_eq!(decide(&proven(0.05), &calm, &Policy::default()), Verdict::HandOff(Reason::NothingFound));
        let once = Signals { failures: 1, ..Signals::default() };
        assert_eq!(decide(&proven(0.4), &once, &Policy::default()), Verdict::OfferPerson(Reason::Unsure));
        let again = Signals { failures: 1, repetitions: 1, ..Signals::default() };
        assert_eq!(decide(&proven(0.4), &again, &Policy::default()), Verdict::HandOff(Reason::Unsure));
        let often = Signals { failures: 2, ..Signals::default() };
        assert_eq!(decide(&proven(0.4), &often, &Policy::default()), Verdict::HandOff(Reason::RepeatedFailure));
    }

    #[test]
    fn the_customer_s_wish_and_mood_come_first() {
        let asks = Signals { asks_for_person: true, ..Signals::default() };
        assert_eq!(decide(&proven(1.0), &asks, &Policy::default()), Verdict::HandOff(Reason::AskedForPerson));
        let upset = Signals { is_upset: true, ..Signals::default() };
        assert_eq!(decide(&proven(1.0), &upset, &Policy::default()), Verdict::HandOff(Reason::Upset));
        let ruled = Signals { is_for_person: true, ..Signals::default() };
        assert_eq!(decide(&proven(1.0), &ruled, &Policy::default()), Verdict::HandOff(Reason::Policy));
        let again = Signals { repetitions: 2, ..Signals::default() };
        assert_eq!(decide(&proven(1.0), &again, &Policy::default()), Verdict::HandOff(Reason::RepeatedFailure));
    }

    #[test]
    fn a_vague_question_is_asked_back() {
        let vague = Signals { is_vague: true, topics: vec!["Fees".into(), "Prices".into()], ..Signals::default() };
        let Verdict::Clarify(question) = decide(&proven(0.3), &vague, &Policy::default()) else {
            panic!("no question")
        };
        assert!(question.contains("Fees") && question.contains("Prices"), "{question}");
    }

    #[test]
    fn what_is_asked_of_several_topics_is_asked_back_however_sure_a_quote_is() {
        let policy = Policy::default();
        let vague = |topics: &[&str]| Signals {
            is_vague: true,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            ..Signals::default()
        };
        assert!(matches!(decide(&proven(0.99), &vague(&["Fees", "Prices"]), &policy), Verdict::Clarify(_)));
        assert_eq!(decide(&proven(0.99), &vague(&["Prices"]), &policy), Verdict::Answer, "one topic is no choice");
        let mut written = proven(0.99);
        written.draft.from = DraftFrom::Model { name: "m".into(), prompt_version: "v".into() };
        assert_eq!(decide(&written, &vague(&["Fees", "Prices"]), &policy), Verdict::Answer, "a model read both");
    }

    #[test]
    fn the_other_one_that_may_be_several_is_never_guessed() {
        let policy = Policy::default();
        let open = |topics: Vec<String>| Signals { points_at_another: true, topics, ..Signals::default() };
        let Verdict::Clarify(question) = decide(&proven(0.99), &open(vec!["A-1".into(), "A-2".into()]), &policy) else {
            panic!("no question")
        };
        assert!(question.contains("“A-1”, “A-2”"), "{question}");
        assert!(matches!(decide(&proven(0.99), &open(Vec::new()), &policy), Verdict::Clarify(_)));
        let asks = Signals { asks_for_person: true, ..open(Vec::new()) };
        assert_eq!(decide(&proven(0.99), &asks, &policy), Verdict::HandOff(Reason::AskedForPerson));
    }
}
