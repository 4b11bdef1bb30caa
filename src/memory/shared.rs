//! The organisation's own memories: learned from what agents correct, used once somebody approved them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::types::Json;

use super::{
    Category, Kind, Memory, Status, Term,
    correct::{LONGEST, MemoryBody, Shown},
    rank::{self, Asked},
    read, store, strength, supersede,
};
use crate::{
    app::{App, MemoryId, OrgId},
    inbox::{Message, Sender},
    platform::{
        Error, Result,
        db::{Conn, Reader},
        language::Language,
        lexical,
    },
    staff::{By, audit},
};

/// How many are looked at.
const MOST: i64 = 500;
/// How many help with one question, at most, and what share of it they must hold.
const RECALLED: usize = 2;
const ABOUT: f32 = 0.4;

/// The organisation's memories, the newest first.
pub async fn list(app: &App, org: OrgId, status: Option<Status>) -> Result<Vec<Shown>> {
    let now = app.now();
    let all = store::list_shared(app.read().await?.conn(), org, status, 200).await?;
    Ok(all.into_iter().map(|m| Shown::at(m, now)).collect())
}

/// Proposes one; it is used when it is approved.
pub async fn propose(app: &App, by: &By, body: MemoryBody) -> Result<Shown> {
    let value = body.value.trim().to_owned();
    if value.is_empty() || value.chars().count() > LONGEST || read::is_secret(&value) {
        return Err(Error::Invalid(format!("value: 1 to {LONGEST} characters, and no secret")));
    }
    let now = app.now();
    let memory = proposed(by.org, body.kind.unwrap_or(Kind::Note), value, now);
    let mut tx = app.begin().await?;
    store::insert(tx.conn(), &memory).await?;
    audit(tx.conn(), now, by, "memory.propose", ("memory", memory.id.0), json!({"content": memory.content})).await?;
    tx.commit().await?;
    Ok(Shown::at(memory, now))
}

/// Proposes what agents corrected of the assistant's answers in `messages` (a conversation, oldest first), as far as it
/// was written after `from`.
pub(super) async fn learn(
    mut c: Conn<'_>,
    org: OrgId,
    messages: &[Message],
    from: i64,
    now: DateTime<Utc>,
) -> Result<()> {
    for message in corrections(messages, from) {
        let value = message.content.trim();
        if value.chars().count() > LONGEST || read::is_secret(value) {
            continue;
        }
        let key = supersede::key(value);
        let known = store::list_shared(c.again(), org, None, MOST).await?;
        if known.iter().any(|m| supersede::key(&m.content) == key) {
            continue;
        }
        let memory = Memory {
            source_type: Some("conversation".into()),
            source_id: Some(message.conversation_id.0),
            message_id: Some(message.id),
            ..proposed(org, Kind::Note, value.to_owned(), now)
        };
        store::insert(c.again(), &memory).await?;
    }
    Ok(())
}

/// The agents' messages that set right what the assistant had answered shortly before.
fn corrections(messages: &[Message], from: i64) -> Vec<&Message> {
    /// How many messages of others may stand between the answer and its correction.
    const BETWEEN: usize = 3;
    let spoken: Vec<&Message> = messages.iter().filter(|m| !m.is_private && m.sender_type != Sender::System).collect();
    let is_answer = |m: &Message| m.sender_type == Sender::Assistant && m.kind() == Some("answer");
    let corrects = |at: usize, m: &Message| {
        m.sender_type == Sender::Agent
            && m.seq > from
            && is_correction(&m.content)
            && spoken.get(at.saturating_sub(BETWEEN)..at).is_some_and(|before| before.iter().any(|m| is_answer(m)))
    };
    spoken.iter().enumerate().filter(|(at, m)| corrects(*at, m)).map(|(_, m)| *m).collect()
}

/// Whether a text says that something said before is wrong.
fn is_correction(text: &str) -> bool {
    const SAYS: &[&str] = &[
        "correction",
        "to correct",
        "actually",
        "in fact",
        "not correct",
        "not right",
        "is wrong",
        "was wrong",
        "incorrect",
        "a mistake",
        "out of date",
        "no longer true",
        "更正",
        "纠正",
        "其实",
        "实际上",
        "说错",
        "不对",
        "不准确",
        "不正确",
        "有误",
        "搞错",
        "应该是",
    ];
    let folded = lexical::fold_text(text);
    SAYS.iter().any(|says| folded.contains(says))
}

/// The approved ones that are about a question, best first, with what share of it they hold.
pub(super) async fn about(
    reader: &mut Reader,
    org: OrgId,
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Vec<(Memory, f32)>> {
    let approved = store::list_shared(reader.conn(), org, Some(Status::Active), MOST).await?;
    if approved.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<HashMap<u32, f32>> = approved.iter().map(|m| rank::terms(&m.content)).collect();
    let frequency = |term: u32| texts.iter().filter(|t| t.contains_key(&term)).count() as u64;
    let entries = approved.len() as u64;
    let weight = |(term, weight): &(u32, f32)| weight * lexical::idf(frequency(*term), entries);
    let whole: f32 = asked.terms.iter().map(weight).sum();
    let mut found: Vec<(Memory, f32)> = approved
        .into_iter()
        .zip(&texts)
        .map(|(memory, text)| {
            let held: f32 = asked.terms.iter().filter(|(term, _)| text.contains_key(term)).map(weight).sum();
            (memory, held / whole.max(f32::EPSILON))
        })
        .filter(|(_, share)| *share >= ABOUT)
        .collect();
    found.sort_by(|(a, x), (b, y)| {
        y.total_cmp(x).then(b.strength(now).total_cmp(&a.strength(now))).then(b.id.cmp(&a.id))
    });
    found.truncate(RECALLED);
    Ok(found)
}

fn proposed(org: OrgId, kind: Kind, value: String, now: DateTime<Utc>) -> Memory {
    let stability = Kind::Preference.stability();
    Memory {
        id: MemoryId::new(),
        org_id: org,
        customer_id: None,
        term: Term::Shared,
        kind,
        category: Some(Category::Insight),
        content: value.clone(),
        summary: None,
        slot: None,
        seq: 0,
        speaker: None,
        status: Status::Proposed,
        language: Language::detect(&value),
        value: Some(value),
        importance: 0.5,
        decay_factor: strength::decay_factor(stability),
        stability,
        information: 0.0,
        tags: Json(Vec::new()),
        is_pinned: false,
        use_count: 0,
        source_type: Some("manual".into()),
        source_id: None,
        message_id: None,
        identity_id: None,
        span_start: None,
        span_end: None,
        valid_from: Some(now),
        valid_until: None,
        about_from: None,
        about_until: None,
        superseded_by: None,
        approved_by: None,
        approved_at: None,
        archived_at: None,
        confirmed_at: None,
        last_accessed_at: now,
        created_at: now,
    }
}

/// Approves one, or puts it away.
pub async fn decide(app: &App, by: &By, id: MemoryId, is_approved: bool) -> Result<Shown> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let mut memory = store::find_shared(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("memory"))?;
    memory.status = if is_approved { Status::Active } else { Status::Archived };
    memory.approved_by = by.user.filter(|_| is_approved);
    memory.approved_at = is_approved.then_some(now);
    memory.archived_at = (!is_approved).then_some(now);
    store::save(tx.conn(), &memory).await?;
    let changes = json!({"is_approved": is_approved});
    audit(tx.conn(), now, by, "memory.decide", ("memory", id.0), changes).await?;
    tx.commit().await?;
    Ok(Shown::at(memory, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_says_so() {
        for text in [
            "Sorry, that is not right: the Ipoh branch closes at 5 pm.",
            "Actually we do ship to Sabah.",
            "更正一下，怡保店周日也营业。",
            "刚才说错了，运费是 12 令吉。",
        ] {
            assert!(is_correction(text), "{text}");
        }
        for text in ["Your parcel is on its way.", "好的，马上为您处理。", "You are right, thank you!"] {
            assert!(!is_correction(text), "{text}");
        }
    }
}
