//! Puts one thing into the memory of a customer: beside, over or into what is known.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    Kind, Memory, Slot, Status, Term, read, store,
    store::terms::{self, Delta},
    strength,
    supersede::{self, ANY, Verdict},
    times,
};
use crate::{
    app::{CustomerId, IdentityId, MemoryId, MessageId, OrgId},
    platform::{Error, Result, db::Conn, language::Language, lexical},
};

/// Among how many of the newest memories one that is no more is looked for.
const MOST_ENDED: i64 = 500;

/// Something to remember.
#[derive(Debug, Clone)]
pub struct New {
    pub kind: Kind,
    /// As it was said.
    pub value: String,
    /// Which one of its kind ("shoe").
    pub about: Option<Cow<'static, str>>,
    /// The words around it.
    pub sentence: Option<String>,
    pub speaker: Option<String>,
    pub language: Language,
    pub said_at: DateTime<Utc>,
    /// `conversation`, `manual` or `ai_analysis`.
    pub source_type: &'static str,
    /// The talk it is from.
    pub source: Option<Uuid>,
    pub message: Option<MessageId>,
    pub identity: Option<IdentityId>,
    /// Characters of the message.
    pub span: Option<(usize, usize)>,
    /// Closes every other of its kind.
    pub replaces: bool,
    pub is_pinned: bool,
}

impl New {
    /// Something said in a talk, as it stands.
    pub fn note(text: impl Into<String>, said_at: DateTime<Utc>) -> Self {
        let value = text.into();
        Self {
            kind: Kind::Note,
            language: Language::detect(&value).unwrap_or_default(),
            value,
            about: None,
            sentence: None,
            speaker: None,
            said_at,
            source_type: "conversation",
            source: None,
            message: None,
            identity: None,
            span: None,
            replaces: false,
            is_pinned: false,
        }
    }

    /// What people read: "lives in: Penang".
    fn content(&self) -> String {
        if self.kind == Kind::Note {
            return self.value.clone();
        }
        let is_chinese = self.language == Language::Zh;
        let label = self.kind.label(is_chinese);
        let about = self.about.as_deref().filter(|about| *about != ANY);
        match (is_chinese, about) {
            (true, Some(about)) => format!("{label}（{about}）：{}", self.value),
            (true, None) => format!("{label}：{}", self.value),
            (false, Some(about)) => format!("{label} ({about}): {}", self.value),
            (false, None) => format!("{label}: {}", self.value),
        }
    }
}

/// Remembers `all` of one customer, in order, in the caller's transaction; returns the ids of those that are new.
/// A secret is refused: it is stored nowhere. Restating strengthens, a newer fact closes the older one.
pub async fn keep(
    mut c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    all: &[New],
    now: DateTime<Utc>,
) -> Result<Vec<MemoryId>> {
    if all.iter().any(|new| new.value.trim().is_empty()) {
        return Err(Error::Invalid("a memory must say something".into()));
    }
    let all: Vec<(&New, Option<String>)> = all
        .iter()
        .filter(|new| !read::is_secret(&new.value))
        .map(|new| (new, supersede::slot(new.kind, &new.value, new.about.as_deref())))
        .collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    store::lock(c.again(), customer).await?;
    let slots: Vec<&str> = all.iter().filter_map(|(_, slot)| slot.as_deref()).collect();
    let taken = store::in_slots(c.again(), org, customer, &slots).await?;
    let mut taken: HashMap<String, Memory> = taken.into_iter().filter_map(|m| Some((m.slot.clone()?, m))).collect();
    let information = Information::of(c.again(), org, all.iter().map(|(new, _)| new.content())).await?;
    let mut delta = Delta::default();
    let mut added = Vec::new();
    for (new, slot) in all {
        let mut past = None;
        let id = MemoryId::new();
        if let Some(known) = slot.as_ref().and_then(|slot| taken.get_mut(slot)) {
            match supersede::judge(known, &new.value, new.said_at) {
                Verdict::Restates => {
                    *known = supersede::restated(known, now.max(new.said_at));
                    store::save(c.again(), known).await?;
                    continue;
                }
                Verdict::Replaces => {
                    delta.count(&known.content, -1);
                    store::save(c.again(), &supersede::closed(known, id, new.said_at)).await?;
                }
                Verdict::IsPast => past = Some((known.id, known.valid_from.unwrap_or(known.created_at))),
            }
        }
        // Of what there is one of, the slot's was all.
        if new.replaces && new.kind.slot() != Slot::One {
            for known in store::known(c.again(), org, customer, &[new.kind]).await? {
                if known.slot != slot {
                    delta.count(&known.content, -1);
                    store::save(c.again(), &supersede::closed(&known, id, new.said_at)).await?;
                    taken.retain(|_, m| m.id != known.id);
                }
            }
        }
        let mut memory = fresh(id, org, customer, new, slot.clone(), now);
        memory.information = information.told_by(&memory.content);
        if let Some((by, since)) = past {
            memory.status = Status::Superseded;
            memory.superseded_by = Some(by);
            memory.valid_until = Some(since);
        }
        if store::insert(c.again(), &memory).await? {
            added.push(id);
            if memory.status == Status::Active {
                delta.count(&memory.content, 1);
                taken.extend(slot.map(|slot| (slot, memory)));
            }
        }
    }
    terms::apply(c, org, &delta).await?;
    Ok(added)
}

/// Closes what is known of `words`, which are no more by what the customer said at `said_at`; nothing takes its place.
/// False: nothing is known of them.
pub async fn end(
    mut c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    words: &str,
    said_at: DateTime<Utc>,
) -> Result<bool> {
    store::lock(c.again(), customer).await?;
    let mut all = store::list(c.again(), org, customer, Some(Status::Active), MOST_ENDED).await?;
    all.retain(|known| supersede::is_ended(known, words, said_at));
    close(c, org, &all, said_at).await?;
    Ok(!all.is_empty())
}

/// Takes memories back as if they had never been learned: what they had closed holds again, or until what came after
/// them.
pub async fn undo(mut c: Conn<'_>, org: OrgId, customer: CustomerId, all: &[Memory]) -> Result<()> {
    let mut delta = Delta::default();
    for gone in all {
        let is_active = gone.status == Status::Active;
        let before = store::closed_by(c.again(), org, customer, gone.id).await?;
        store::delete(c.again(), org, customer, gone.id).await?;
        if is_active {
            delta.count(&gone.content, -1);
        }
        for known in before {
            // A slot holds one: of several that stood behind it only the last comes back.
            let slot: Vec<&str> = known.slot.as_deref().into_iter().collect();
            let holder = if is_active { store::in_slots(c.again(), org, customer, &slot).await? } else { Vec::new() };
            let again = match (holder.first(), gone.status) {
                (Some(holder), _) => Memory { superseded_by: Some(holder.id), ..known },
                (None, Status::Active | Status::Superseded) => Memory {
                    status: gone.status,
                    valid_until: gone.valid_until,
                    superseded_by: gone.superseded_by,
                    ..known
                },
                // That what came after it was wrong, or is put away, says nothing of it.
                (None, _) => Memory { superseded_by: None, ..known },
            };
            store::save(c.again(), &again).await?;
            if again.status == Status::Active {
                delta.count(&again.content, 1);
            }
        }
    }
    terms::apply(c, org, &delta).await
}

/// Opens again what was closed at `at` with nothing in its place, where its place is still free: who said that it is no
/// more did not mean it.
pub async fn reopen(mut c: Conn<'_>, org: OrgId, customer: CustomerId, at: DateTime<Utc>) -> Result<()> {
    let mut delta = Delta::default();
    for known in store::ended_at(c.again(), org, customer, at).await? {
        let slot: Vec<&str> = known.slot.as_deref().into_iter().collect();
        if store::in_slots(c.again(), org, customer, &slot).await?.is_empty() {
            store::join::reopen(c.again(), &known).await?;
            delta.count(&known.content, 1);
        }
    }
    terms::apply(c, org, &delta).await
}

/// Closes memories that hold no more since `at`; nothing takes their place.
pub async fn close(mut c: Conn<'_>, org: OrgId, all: &[Memory], at: DateTime<Utc>) -> Result<()> {
    let mut delta = Delta::default();
    for known in all.iter().filter(|m| m.status == Status::Active) {
        delta.count(&known.content, -1);
        store::save(c.again(), &supersede::ended(known, at)).await?;
    }
    terms::apply(c, org, &delta).await
}

/// How much texts tell: what forgetting by information goes by.
struct Information {
    entries: u64,
    frequencies: HashMap<u32, u64>,
}

impl Information {
    async fn of(c: Conn<'_>, org: OrgId, texts: impl Iterator<Item = String>) -> Result<Self> {
        let words: HashSet<u32> = texts.flat_map(|text| words(&text)).collect();
        let words: Vec<u32> = words.into_iter().collect();
        let (totals, frequencies) = terms::frequencies(c, org, &words).await?;
        Ok(Self { entries: u64::try_from(totals.entry_count).unwrap_or(0), frequencies })
    }

    /// The summed rarity of the words of a text.
    fn told_by(&self, text: &str) -> f64 {
        let rarity = |word: u32| lexical::idf(self.frequencies.get(&word).copied().unwrap_or(0), self.entries);
        words(text).into_iter().map(|word| f64::from(rarity(word))).sum()
    }
}

/// The words of a text, each once.
fn words(text: &str) -> BTreeSet<u32> {
    let mut words = BTreeSet::new();
    lexical::each_term(text, |term| {
        words.insert(term);
    });
    words
}

fn fresh(
    id: MemoryId,
    org: OrgId,
    customer: CustomerId,
    new: &New,
    slot: Option<String>,
    now: DateTime<Utc>,
) -> Memory {
    let day = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    let text = new.sentence.as_deref().unwrap_or(&new.value);
    let about = times::find(text, new.said_at.date_naive()).into_iter().next();
    let stability = new.kind.stability();
    let characters = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Memory {
        id,
        org_id: org,
        customer_id: Some(customer),
        term: if new.kind.is_lasting() { Term::LongTerm } else { Term::ShortTerm },
        kind: new.kind,
        category: Some(new.kind.category()),
        content: new.content(),
        summary: new.sentence.clone(),
        value: Some(new.value.clone()),
        slot,
        seq: 0, // given by the store
        speaker: new.speaker.clone(),
        status: Status::Active,
        language: Some(new.language),
        importance: new.kind.importance(),
        decay_factor: strength::decay_factor(stability),
        stability,
        information: 0.0,
        tags: Json(Vec::new()),
        is_pinned: new.is_pinned,
        use_count: 0,
        source_type: Some(new.source_type.into()),
        source_id: new.source,
        message_id: new.message,
        identity_id: new.identity,
        span_start: new.span.map(|(start, _)| characters(start)),
        span_end: new.span.map(|(_, end)| characters(end)),
        valid_from: Some(new.said_at),
        valid_until: None,
        about_from: about.as_ref().map(|t| day(t.from)),
        about_until: about.as_ref().map(|t| day(t.until)),
        superseded_by: None,
        approved_by: None,
        approved_at: None,
        archived_at: None,
        confirmed_at: None,
        last_accessed_at: new.said_at,
        created_at: now,
    }
}
