//! One turn in a conversation: from the open question to a reply, or to a person.

use std::{sync::Arc, time::Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Question, Reason, Recording, Said, Signals, Speaker, Verdict, api, ask, brief, signals, small_talk::SmallTalk,
};
use crate::{
    app::{App, Changed, ConversationId, IdentityId, MemoryId, TurnId},
    assistants, customers, erasure,
    inbox::{self, Brief, Holder, Message, Opened, Reply, Sender, Trace},
    knowledge::{self, Evidence, Query},
    memory::{self, Asker, Earlier, Handed, Recalled, Remark},
    platform::{Error, Result, language::Language, model::Tape},
};

/// How many of the assistant's last moves count as "again and again".
const MOVES: i64 = 4;

/// Answers the customer's open question, asks back, or calls a person (`Job::TakeTurn`). Safe to repeat: an answered
/// question is no longer open. What a person or a newer message made stale is not written.
pub async fn take(app: &App, id: ConversationId) -> Result<()> {
    let started = Instant::now();
    let Some(opened) = inbox::open(app, id).await? else {
        return Ok(());
    };
    let conversation = &opened.conversation;
    if opened.unanswered().is_empty() {
        return Ok(()); // a person took over, or an earlier turn answered
    }
    let setup = assistants::in_force(app, conversation.org_id).await?;
    let mut question = question(&opened);
    question.language = setup.rules.speaks(question.language);
    if conversation.holder == Holder::Queue {
        let again = opened.before().last().and_then(Message::kind) == Some(inbox::WAITING);
        inbox::say_wait(app, conversation, question.language, again).await?;
        return Ok(());
    }
    if !conversation.is_with_assistant() {
        return Ok(());
    }
    app.changed(conversation.org_id, Changed::Typing { id }).await;
    if let Some((reason, why)) = needs_a_person(&opened, &question) {
        return hand_off(app, &opened, &question, reason, why, started).await;
    }
    let asker = asker(app, &opened).await?;
    let handed = hand(app, &opened, &question, asker).await?;
    let is_ordered = matches!(handed, Some(Handed::Erase(_)));
    if !is_ordered && erasure::is_under_way(app, conversation.org_id, conversation.customer_id).await? {
        return say(app, &opened, &question, memory::being_erased(question.language), started).await;
    }
    match handed {
        None => {}
        Some(Handed::Say(said)) => return say(app, &opened, &question, said, started).await,
        // Ordered first; it runs when the reply is delivered.
        Some(Handed::Erase(said)) => {
            erasure::order(app, conversation.org_id, conversation.customer_id, "customer").await?;
            return say(app, &opened, &question, said, started).await;
        }
        Some(Handed::CallPerson) => {
            let why = "the customer wants everything about them erased; they have several accounts, and this one is not verified";
            return hand_off(app, &opened, &question, Reason::Policy, why, started).await;
        }
    }
    let recalled = recall(app, &opened, &question, asker).await;
    question.memories = recalled.iter().map(Recalled::line).collect();
    let before = Signals { failures: failures(app, &opened).await?, ..Signals::default() };
    let tape = Tape::blank();
    let setup = setup.on_tape(&tape);
    let version = setup.version;
    question.under = Some(Arc::new(setup));
    let outcome = ask::ask(app, &question, &before, app.config.assistant.passages).await?;
    let trace = Trace {
        id: TurnId::new(),
        decision: outcome.verdict.decision().into(),
        reason: outcome.verdict.reason().map(|r| r.word().into()),
        confidence: Some(outcome.confidence),
        language: Some(outcome.language),
        duration_ms: started.elapsed().as_secs_f64() * 1e3,
        detail: serde_json::to_value(&outcome.trace)?,
        recording: Some(serde_json::to_value(Recording {
            until: opened.messages.last().map_or(0, |m| m.seq),
            epoch: conversation.epoch,
            version,
            failures: before.failures,
            memories: ids(&recalled),
            calls: tape.calls(),
        })?),
    };
    let stands = match &outcome.verdict {
        Verdict::HandOff(reason) => {
            let brief = Brief { memory_ids: ids(&recalled), ..brief::brief(&question, &outcome) };
            inbox::hand_off(app, conversation, reason.word(), &brief, outcome.language, &trace).await?
        }
        verdict => {
            let is_answer = matches!(verdict, Verdict::Answer);
            let sources = is_answer.then(|| outcome.sources.iter().map(api::Source::from).collect::<Vec<_>>());
            let mut text = outcome.said().to_owned();
            // Only a model answers by what is remembered; what it takes from there may have changed.
            if is_answer && outcome.trace.model_calls.iter().any(|c| c.purpose == "answer" && c.outcome == "ok") {
                let ask = memory::to_confirm(&recalled, &question.text, &text, outcome.language);
                text.extend(ask.map(|ask| format!("\n\n{ask}")));
            }
            let reply = Reply {
                text,
                sources: sources.filter(|s| !s.is_empty()).map(|s| json!(s)),
                confidence: Some(outcome.confidence),
                language: Some(outcome.language),
                kind: verdict.decision(),
                meant: outcome.trace.rewritten.clone(),
            };
            let stands = inbox::reply(app, conversation, &reply, &trace).await?;
            if !stands && matches!(verdict, Verdict::Answer | Verdict::Clarify(_)) {
                inbox::withhold(app, conversation, &reply, &trace).await?;
            }
            stands
        }
    };
    count(if stands { outcome.verdict.decision() } else { "stale" }, started);
    if stands && matches!(outcome.verdict, Verdict::Answer) {
        let (org, customer) = (conversation.org_id, conversation.customer_id);
        memory::used(app, org, customer, &recalled, outcome.said()).await?;
    }
    Ok(())
}

/// The identity that the customer writes on, and whether it is verified.
async fn asker(app: &App, opened: &Opened) -> Result<Asker> {
    // Nobody known: nothing that was said on any identity is for them.
    let Some(id) = opened.conversation.identity_id else {
        return Ok(Asker { identity: IdentityId(Uuid::nil()), is_verified: false });
    };
    let identity = customers::find_identity(app.read().await?.conn(), opened.conversation.org_id, id).await?;
    Ok(Asker { identity: id, is_verified: identity.is_some_and(|i| i.verified_at.is_some()) })
}

/// What the customer asks of their own memory, answered; nothing is searched for it.
async fn hand(app: &App, opened: &Opened, question: &Question, asker: Asker) -> Result<Option<Handed>> {
    let last = opened.before().last();
    let remark = Remark {
        org: opened.conversation.org_id,
        customer: opened.conversation.customer_id,
        asker: Some(asker),
        conversation: opened.conversation.id,
        message: opened.unanswered().last().map(|m| m.id),
        text: &question.text,
        language: question.language,
        earlier: Earlier {
            kind: last.and_then(Message::kind),
            said: last.map(|m| m.content.as_str()),
            at: last.map(|m| m.created_at),
        },
    };
    memory::hand(app, &remark).await
}

/// Says what the memory answered.
async fn say(app: &App, opened: &Opened, question: &Question, said: memory::Said, started: Instant) -> Result<()> {
    let trace = Trace {
        id: TurnId::new(),
        decision: "answer".into(),
        reason: None,
        confidence: Some(1.0),
        language: Some(question.language),
        duration_ms: started.elapsed().as_secs_f64() * 1e3,
        detail: json!({"memory": said.kind}),
        recording: None,
    };
    let reply = Reply {
        text: said.text,
        sources: None,
        confidence: None,
        language: Some(question.language),
        kind: said.kind,
        meant: None,
    };
    let stands = inbox::reply(app, &opened.conversation, &reply, &trace).await?;
    count(if stands { "answer" } else { "stale" }, started);
    Ok(())
}

fn ids(recalled: &[Recalled]) -> Vec<MemoryId> {
    recalled.iter().map(|r| r.memory.id).collect()
}

/// What helps to understand the question. A memory that fails costs no answer.
async fn recall(app: &App, opened: &Opened, question: &Question, asker: Asker) -> Vec<Recalled> {
    let before: Vec<memory::Before<'_>> = question
        .history
        .iter()
        .rev()
        .take(6)
        .rev()
        .map(|said| memory::Before { is_own: said.by == Speaker::Customer, text: &said.text })
        .collect();
    let (org, customer) = (opened.conversation.org_id, opened.conversation.customer_id);
    let query =
        memory::Query { before: &before, asker: Some(asker), ..memory::Query::new(org, customer, &question.text) };
    memory::recall(app, &query).await.unwrap_or_else(|error| {
        tracing::error!(error = %error.chain(), "answering without memories");
        Vec::new()
    })
}

fn count(decision: &'static str, started: Instant) {
    metrics::counter!("frontdesk_turns_total", "decision" => decision).increment(1);
    metrics::histogram!("frontdesk_turn_seconds").record(started.elapsed().as_secs_f64());
}

/// A turn that failed again and again becomes a hand-off: nobody is stranded.
pub async fn give_up(app: &App, id: ConversationId, error: &Error) -> Result<()> {
    // A newer message may come between reading and writing: then once more, with that message in the question.
    for _ in 0..5 {
        let Some(opened) = inbox::open(app, id).await? else {
            return Ok(());
        };
        if opened.unanswered().is_empty() || !opened.conversation.is_with_assistant() {
            return Ok(());
        }
        let question = question(&opened);
        let why = format!("the assistant failed: {error}");
        if write_hand_off(app, &opened, &question, Reason::RepeatedFailure, &why, Instant::now()).await? {
            return Ok(());
        }
    }
    Err(Error::Conflict("the conversation kept changing".into()))
}

/// Why a person is needed before anything is searched: the customer pressed the button, accepted the offer of a
/// person, or sent nothing that can be read.
fn needs_a_person(opened: &Opened, question: &Question) -> Option<(Reason, &'static str)> {
    if opened.unanswered().iter().any(|m| m.kind() == Some("asks_for_person")) {
        return Some((Reason::AskedForPerson, "the customer asked for a person"));
    }
    let offered = opened.before().last().is_some_and(|m| m.kind() == Some("offer_person"));
    if offered && opened.unanswered().iter().any(|m| is_yes(&m.content)) {
        return Some((Reason::AskedForPerson, "the customer was offered a person and accepted"));
    }
    question.text.is_empty().then_some((Reason::Policy, "the customer sent something that is not text"))
}

async fn hand_off(
    app: &App,
    opened: &Opened,
    question: &Question,
    reason: Reason,
    why: &str,
    started: Instant,
) -> Result<()> {
    let stands = write_hand_off(app, opened, question, reason, why, started).await?;
    count(if stands { "hand_off" } else { "stale" }, started);
    Ok(())
}

async fn write_hand_off(
    app: &App,
    opened: &Opened,
    question: &Question,
    reason: Reason,
    why: &str,
    started: Instant,
) -> Result<bool> {
    // What is open may only be "yes": the question that the person is needed for stands before it.
    let asked = opened.before().filter(|m| m.sender_type == Sender::Customer).last();
    let asked = asked.map(|m| m.content.clone()).filter(|_| question.text.chars().count() < 20);
    let trace = Trace {
        id: TurnId::new(),
        decision: "hand_off".into(),
        reason: Some(reason.word().into()),
        confidence: None,
        language: Some(question.language),
        duration_ms: started.elapsed().as_secs_f64() * 1e3,
        detail: json!({"why": why}),
        recording: None,
    };
    let asked = [asked.unwrap_or_default(), question.text.clone()].join("\n").trim().to_string();
    let found = if asked.is_empty() {
        Evidence::default()
    } else {
        // What an agent would look for first; that nothing can be searched now keeps nobody waiting.
        let query = Query { by_words_alone: true, ..Query::new(asked.clone(), 3) };
        knowledge::search(app, opened.conversation.org_id, &query).await.unwrap_or_default()
    };
    let brief = Brief {
        question: asked,
        tried: vec![why.into()],
        evidence: brief::passages(&found).take(3).collect(),
        missing: brief::missing(reason).into(),
        mood: brief::mood(signals::is_upset(&question.text)),
        memory_ids: match asker(app, opened).await {
            Ok(asker) => ids(&recall(app, opened, question, asker).await),
            Err(_) => Vec::new(),
        },
    };
    inbox::hand_off(app, &opened.conversation, reason.word(), &brief, question.language, &trace).await
}

/// The burst as one question, with what was said before it. The customer's last messages decide the language.
pub(super) fn question(opened: &Opened) -> Question {
    let burst: Vec<&str> =
        opened.unanswered().iter().map(|m| m.content.trim()).filter(|text| !text.is_empty()).collect();
    let text = without_small_talk(&burst).join("\n");
    let spoken = opened.messages.iter().rev().filter(|m| m.sender_type == Sender::Customer);
    let language = spoken_in(&text)
        .or_else(|| spoken.clone().find_map(|m| spoken_in(&m.content)))
        .or(opened.conversation.language)
        .unwrap_or_default();
    let history = history(opened.before());
    Question { history, language, ..Question::alone(opened.conversation.org_id, text) }
}

/// The language of a message; `None` of one that only names a model ("KT-120?"), which is called so in every language.
fn spoken_in(text: &str) -> Option<Language> {
    let is_name = |word: &&str| word.is_ascii() && word.contains(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = text.split_whitespace().filter(|word| !is_name(word)).collect();
    Language::detect(&words.join(" "))
}

/// What the customer asked last, answered or not: for a suggestion to an agent. `None`: they wrote nothing.
pub(super) fn last_question(opened: &Opened) -> Option<Question> {
    let is_asked = |m: &&Message| m.sender_type == Sender::Customer && !m.content.trim().is_empty();
    let spoken: Vec<&Message> = opened.messages.iter().filter(|m| !m.is_private).collect();
    let end = spoken.iter().rposition(is_asked)?;
    let burst = spoken.get(..=end)?;
    let from = burst.iter().rposition(|m| !is_asked(m)).map_or(0, |at| at + 1);
    let text = burst.get(from..)?.iter().map(|m| m.content.trim()).collect::<Vec<_>>().join("\n");
    let history = history(burst.get(..from)?.iter().copied());
    let language = spoken_in(&text).or(opened.conversation.language).unwrap_or_default();
    Some(Question { history, language, ..Question::alone(opened.conversation.org_id, text) })
}

/// A burst without its greetings and thanks, which only blur the question beside them ("Hi", "how long is the
/// warranty?", "thanks"); all of it when there is nothing else.
fn without_small_talk<'a>(burst: &[&'a str]) -> Vec<&'a str> {
    let topics: Vec<&str> = burst.iter().filter(|text| SmallTalk::read(text).is_none()).copied().collect();
    if topics.is_empty() { burst.to_vec() } else { topics }
}

/// What was said, each question with what it was understood as.
fn history<'a>(messages: impl Iterator<Item = &'a Message>) -> Vec<Said> {
    let mut history: Vec<Said> = Vec::new();
    for message in messages {
        let meant = message.metadata.0.get("meant").and_then(Value::as_str);
        if let (Some(meant), Some(asked)) = (meant, history.last_mut().filter(|said| said.by == Speaker::Customer)) {
            asked.meant = Some(meant.to_owned());
        }
        history.extend(said(message));
    }
    history
}

fn said(message: &Message) -> Option<Said> {
    let by = match message.sender_type {
        Sender::Customer => Speaker::Customer,
        Sender::Assistant => Speaker::Assistant,
        Sender::Agent => Speaker::Agent,
        Sender::System => return None,
    };
    Some(Said::new(by, message.content.clone()))
}

/// How many of the assistant's last moves were no answer. Only those since anyone else spoke for us count: an agent's
/// help begins anew.
async fn failures(app: &App, opened: &Opened) -> Result<usize> {
    let mut reader = app.read().await?;
    let since = since_a_person(opened);
    let moves = inbox::list_decisions(reader.conn(), opened.conversation.id, since, MOVES).await?;
    Ok(moves.iter().take_while(|decision| *decision != "answer").count())
}

fn since_a_person(opened: &Opened) -> DateTime<Utc> {
    let first = opened.messages.iter().find(|m| m.epoch == opened.conversation.epoch);
    let agent = opened.messages.iter().rev().find(|m| m.sender_type == Sender::Agent && !m.is_private);
    let begin = first.map_or(opened.conversation.created_at, |m| m.created_at);
    agent.map_or(begin, |m| m.created_at.max(begin))
}

/// Whether a customer who was offered a person accepts.
fn is_yes(text: &str) -> bool {
    let plain: String =
        text.trim().to_lowercase().chars().filter(|c| c.is_alphanumeric() || c.is_whitespace()).collect();
    let plain = plain.trim();
    const YES: [&str; 29] = [
        "yes",
        "y",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "please",
        "yes please",
        "please do",
        "sure please",
        "ok please",
        "go ahead",
        "of course",
        "that would be great",
        "好",
        "好的",
        "好啊",
        "好呀",
        "可以",
        "行",
        "要",
        "需要",
        "是",
        "是的",
        "嗯",
        "嗯嗯",
        "麻烦了",
    ];
    YES.contains(&plain) || ["yes ", "好的 ", "可以 "].iter().any(|start| plain.starts_with(start) && plain.len() < 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_without_the_greetings_around_it() {
        let question = "How long is the warranty?";
        assert_eq!(without_small_talk(&["Hi", question, "thanks!"]), [question]);
        assert_eq!(without_small_talk(&["你好", "保修多久？"]), ["保修多久？"]);
        assert_eq!(without_small_talk(&["Hello", "thank you"]), ["Hello", "thank you"]);
    }

    #[test]
    fn a_model_s_name_is_of_no_language() {
        for (text, language) in [
            ("KT-120?", None),
            ("KT-120 price", Some(Language::En)),
            ("KT-120多少钱", Some(Language::Zh)),
            ("KT-120 多少钱", Some(Language::Zh)),
        ] {
            assert_eq!(spoken_in(text), language, "{text}");
        }
    }

    #[test]
    fn an_offered_person_is_accepted_in_both_languages() {
        for text in ["Yes please!", "好的", "ok", "是的。", "yes that would be great"] {
            assert!(is_yes(text), "{text}");
        }
        for text in ["no thanks", "不用了", "How long is the warranty?", "yesterday"] {
            assert!(!is_yes(text), "{text}");
        }
    }
}
