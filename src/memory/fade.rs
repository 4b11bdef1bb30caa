//! What time does: what is spent is put away, what was put away long ago is deleted, what helped gets stronger.

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};

use super::{
    Memory, Recalled, Status, store,
    store::terms::{self, Delta},
};
use crate::{
    app::{App, CustomerId, Job, MemoryId, OrgId},
    platform::{Result, db::Conn, lexical},
};

/// How long what was put away is kept.
const RETENTION: Duration = Duration::days(365);
/// How long what ceased to hold is kept: "what did we believe on 3 March?"
const PAST: Duration = Duration::days(3 * 365);
/// What was used since cannot be spent yet.
const FRESH: Duration = Duration::days(1);
/// Rows looked at in one transaction.
const PAGE: i64 = 500;

/// Archives what is spent and deletes what was archived before the retention. Safe to repeat.
pub async fn fade(app: &App) -> Result<u64> {
    let now = app.now();
    let mut after = MemoryId(uuid::Uuid::nil());
    let mut faded = 0;
    loop {
        let idle = store::idle(app.read().await?.conn(), now - FRESH, after, PAGE).await?;
        let Some(last) = idle.last() else { break };
        after = last.id;
        let mut spent: Vec<Memory> = idle.into_iter().filter(|m| m.state().is_spent(now)).collect();
        spent.sort_by_key(|m| (m.org_id, m.customer_id));
        for some in spent.chunk_by(|a, b| a.org_id == b.org_id) {
            let Some(org) = some.first().map(|m| m.org_id) else { continue };
            let mut tx = app.begin().await?;
            for theirs in some.chunk_by(|a, b| a.customer_id == b.customer_id) {
                let Some(customer) = theirs.first().and_then(|m| m.customer_id) else { continue };
                faded += archive_spent(tx.conn(), org, customer, theirs, now).await?;
                Job::IndexMemories { org, customer }.push(tx.conn(), org, now).await?;
            }
            tx.commit().await?;
        }
    }
    let mut tx = app.begin().await?;
    store::delete_archived(tx.conn(), now - RETENTION, now - PAST).await?;
    tx.commit().await?;
    Ok(faded)
}

/// Puts away those of a customer's memories that are spent still: one may have been used, or pinned, since it was looked
/// at. Returns how many.
async fn archive_spent(
    mut c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    seen: &[Memory],
    now: DateTime<Utc>,
) -> Result<u64> {
    store::lock(c.again(), customer).await?;
    let ids: Vec<MemoryId> = seen.iter().map(|m| m.id).collect();
    let mut spent = store::by_ids(c.again(), org, customer, &ids).await?;
    spent.retain(|m| !m.is_pinned && m.state().is_spent(now));
    archive(c, org, &spent, now).await?;
    Ok(spent.len() as u64)
}

/// Puts memories of one organisation away.
pub(super) async fn archive(mut c: Conn<'_>, org: OrgId, all: &[Memory], now: DateTime<Utc>) -> Result<()> {
    let mut delta = Delta::default();
    for memory in all {
        delta.count(&memory.content, -1);
        let archived = Memory { status: Status::Archived, archived_at: Some(now), ..memory.clone() };
        store::save(c.again(), &archived).await?;
    }
    terms::apply(c, org, &delta).await
}

/// Strengthens those of `recalled` whose words the answer took up, each at most once a day.
pub async fn used(app: &App, org: OrgId, customer: CustomerId, recalled: &[Recalled], answer: &str) -> Result<()> {
    let now = app.now();
    let due: Vec<MemoryId> = recalled
        .iter()
        .map(|r| &r.memory)
        .filter(|m| now - m.last_accessed_at >= FRESH && is_taken_up(m, answer))
        .map(|m| m.id)
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), customer).await?;
    for id in due {
        let Some(memory) = store::find(tx.conn(), org, customer, id).await? else { continue };
        let used = memory.state().used(now);
        let used = Memory {
            importance: used.importance,
            stability: used.stability,
            last_accessed_at: used.last_used_at,
            use_count: memory.use_count.saturating_add(1),
            ..memory
        };
        store::save(tx.conn(), &used).await?;
    }
    tx.commit().await
}

/// Whether a text has at least half of the words that a memory consists of.
pub(super) fn is_taken_up(memory: &Memory, text: &str) -> bool {
    let mut said = HashSet::new();
    lexical::each_term(text, |term| {
        said.insert(term);
    });
    let (mut all, mut taken) = (0usize, 0usize);
    lexical::each_term(memory.value.as_deref().unwrap_or(&memory.content), |term| {
        all += 1;
        taken += usize::from(said.contains(&term));
    });
    all > 0 && taken * 2 >= all
}
