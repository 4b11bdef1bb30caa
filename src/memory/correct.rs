//! Agents see, add, correct and pin what is remembered of a customer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Kind, Memory, New, Status, index, keep, read, store,
    store::terms::{self, Delta},
    strength, supersede,
};
use crate::{
    app::{App, CustomerId, Job, MemoryId},
    customers, inbox,
    platform::{Error, Result, language::Language},
    staff::{By, audit},
};

/// A memory with how strongly it stands now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Shown {
    #[serde(flatten)]
    pub memory: Memory,
    /// 0 to 1.
    pub strength: f64,
    /// It may have changed since: ask before acting on it.
    pub is_stale: bool,
}

impl Shown {
    pub(super) fn at(memory: Memory, now: DateTime<Utc>) -> Self {
        Self { strength: memory.strength(now), is_stale: memory.is_stale(now), memory }
    }
}

/// Why we think so: the message that it was read from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Why {
    pub memory: Memory,
    /// The whole message, while it exists.
    pub message: Option<String>,
    /// The words of the message that say it.
    pub words: Option<String>,
    pub said_at: Option<DateTime<Utc>>,
}

/// What to remember.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryBody {
    /// `note` when absent.
    pub kind: Option<Kind>,
    /// The value alone: "Penang", not "lives in Penang".
    pub value: String,
}

/// What to change about a memory. What is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryChange {
    /// The right value: the memory is closed, and one with this value takes its place.
    pub value: Option<String>,
    /// A pinned memory never fades.
    pub is_pinned: Option<bool>,
    /// 0 to 1.
    pub importance: Option<f64>,
    /// It is not true, and nothing takes its place.
    pub is_wrong: Option<bool>,
    /// What a day without use leaves of its strength: 0.01 to 0.9999.
    pub decay_factor: Option<f64>,
    /// It was true and is over: a promise that was kept, an appointment that took place.
    pub is_over: Option<bool>,
}

/// The longest value, in characters.
pub(super) const LONGEST: usize = 1000;

async fn seen(app: &App, by: &By, customer: CustomerId) -> Result<()> {
    let mut reader = app.read().await?;
    customers::find_visible(reader.conn(), by.org, customer, by.visible())
        .await?
        .map(|_| ())
        .ok_or(Error::NotFound("customer"))
}

/// What is remembered of a customer, the newest first; or what was believed at a moment.
pub async fn list(
    app: &App,
    by: &By,
    customer: CustomerId,
    status: Option<Status>,
    at: Option<DateTime<Utc>>,
) -> Result<Vec<Shown>> {
    seen(app, by, customer).await?;
    let mut reader = app.read().await?;
    let all = match at {
        Some(at) => store::believed(reader.conn(), by.org, customer, at).await?,
        None => store::list(reader.conn(), by.org, customer, status, 500).await?,
    };
    let now = app.now();
    Ok(all.into_iter().map(|m| Shown::at(m, now)).collect())
}

/// Why a memory is there.
pub async fn why(app: &App, by: &By, customer: CustomerId, id: MemoryId) -> Result<Why> {
    seen(app, by, customer).await?;
    let mut reader = app.read().await?;
    let memory = store::find(reader.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("memory"))?;
    let message = match memory.message_id {
        Some(message) => inbox::find_message_of(reader.conn(), by.org, message).await?,
        None => None,
    };
    let words = message.as_ref().and_then(|m| {
        let start = usize::try_from(memory.span_start?).ok()?;
        let end = usize::try_from(memory.span_end?).ok()?;
        Some(read::characters(&m.content, start..end))
    });
    Ok(Why { words, said_at: memory.valid_from, message: message.map(|m| m.content), memory })
}

fn checked(value: &str) -> Result<String> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Error::Invalid("value is missing".into()));
    }
    if value.chars().count() > LONGEST {
        return Err(Error::Invalid(format!("value: at most {LONGEST} characters")));
    }
    if read::is_secret(value) {
        return Err(Error::Invalid("cards, passwords and codes are not remembered".into()));
    }
    Ok(value.to_owned())
}

/// Remembers something that a person knows.
pub async fn add(app: &App, by: &By, customer: CustomerId, body: MemoryBody) -> Result<Shown> {
    seen(app, by, customer).await?;
    let new = manual(body.kind.unwrap_or(Kind::Note), checked(&body.value)?, app.now());
    let memory = put(app, by, customer, new, "memory.add").await?;
    Ok(Shown::at(memory, app.now()))
}

fn manual(kind: Kind, value: String, now: DateTime<Utc>) -> New {
    New { kind, language: Language::detect(&value).unwrap_or_default(), source_type: "manual", ..New::note(value, now) }
}

async fn put(app: &App, by: &By, customer: CustomerId, new: New, action: &'static str) -> Result<Memory> {
    let now = app.now();
    let slot = supersede::slot(new.kind, &new.value, new.about.as_deref());
    let mut tx = app.begin().await?;
    customers::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let added = keep::keep(tx.conn(), by.org, customer, &[new], now).await?;
    let memory = match (added.first(), slot) {
        (Some(id), _) => store::find(tx.conn(), by.org, customer, *id).await?,
        (None, Some(slot)) => store::in_slots(tx.conn(), by.org, customer, &[&slot]).await?.pop(),
        (None, None) => None,
    };
    let memory = memory.ok_or_else(|| Error::Invalid("this is not remembered".into()))?;
    let changes = json!({"customer_id": customer, "kind": memory.kind});
    audit(tx.conn(), now, by, action, ("memory", memory.id.0), changes).await?;
    Job::IndexMemories { org: by.org, customer }.push(tx.conn(), by.org, now).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(memory)
}

/// Corrects, pins or retracts a memory; returns the one that holds then.
pub async fn change(app: &App, by: &By, customer: CustomerId, id: MemoryId, change: MemoryChange) -> Result<Shown> {
    seen(app, by, customer).await?;
    let now = app.now();
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), customer).await?;
    let before = store::find(tx.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("memory"))?;
    let mut after = before.clone();
    if let Some(importance) = change.importance {
        if !(0.0..=1.0).contains(&importance) {
            return Err(Error::Invalid("importance: 0 to 1".into()));
        }
        after.importance = importance;
    }
    if let Some(factor) = change.decay_factor {
        if !(0.01..=0.9999).contains(&factor) {
            return Err(Error::Invalid("decay_factor: 0.01 to 0.9999".into()));
        }
        after.stability = strength::stability(factor);
        after.decay_factor = factor;
    }
    after.is_pinned = change.is_pinned.unwrap_or(before.is_pinned);
    let replaces = change.value.as_deref().map(checked).transpose()?;
    let is_over = change.is_over == Some(true);
    let ends = change.is_wrong == Some(true) || is_over || replaces.is_some();
    if ends && before.status == Status::Active {
        after.status = if is_over { Status::Superseded } else { Status::Retracted };
        after.valid_until = Some(now);
        after.archived_at = Some(now);
        let mut delta = Delta::default();
        delta.count(&before.content, -1);
        terms::apply(tx.conn(), by.org, &delta).await?;
    }
    store::save(tx.conn(), &after).await?;
    let changes = json!({"customer_id": customer, "is_pinned": [before.is_pinned, after.is_pinned],
        "importance": [before.importance, after.importance], "status": [before.status, after.status]});
    audit(tx.conn(), now, by, "memory.change", ("memory", id.0), changes).await?;
    tx.commit().await?;
    if ends {
        index::remove(app, by.org, &[id]).await?;
    }
    match replaces {
        Some(value) => {
            // Whoever said the wrong one may hear the right one.
            let new = New {
                is_pinned: after.is_pinned,
                identity: before.identity_id,
                about: supersede::about(&before),
                ..manual(before.kind, value, now)
            };
            Ok(Shown::at(put(app, by, customer, new, "memory.correct").await?, now))
        }
        None => Ok(Shown::at(after, now)),
    }
}
