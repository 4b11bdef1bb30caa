//! The organisation's own memories: learned from what agents correct, used once somebody approved them.

use serde_json::json;
use sqlx::types::Json;

use super::{Category, Kind, Memory, Status, Term, correct::MemoryBody, correct::Shown, read, store, strength};
use crate::{
    app::{App, MemoryId, OrgId},
    platform::{Error, Result, language::Language},
    staff::{By, audit},
};

/// The organisation's memories, the newest first.
pub async fn list(app: &App, org: OrgId, status: Option<Status>) -> Result<Vec<Shown>> {
    let now = app.now();
    let all = store::list_shared(app.read().await?.conn(), org, status, 200).await?;
    Ok(all.into_iter().map(|m| Shown::at(m, now)).collect())
}

/// Proposes one; it is used when it is approved.
pub async fn propose(app: &App, by: &By, body: MemoryBody) -> Result<Shown> {
    let value = body.value.trim().to_owned();
    if value.is_empty() || value.chars().count() > 1000 || read::is_secret(&value) {
        return Err(Error::Invalid("value: 1 to 1000 characters, and no secret".into()));
    }
    let now = app.now();
    let stability = Kind::Preference.stability();
    let memory = Memory {
        id: MemoryId::new(),
        org_id: by.org,
        customer_id: None,
        term: Term::Shared,
        kind: body.kind.unwrap_or(Kind::Note),
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
        last_accessed_at: now,
        created_at: now,
    };
    let mut tx = app.begin().await?;
    store::insert(tx.conn(), &memory).await?;
    audit(tx.conn(), now, by, "memory.propose", ("memory", memory.id.0), json!({"content": memory.content})).await?;
    tx.commit().await?;
    Ok(Shown::at(memory, now))
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
