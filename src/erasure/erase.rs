//! `Job::Erase`: each feature erases its own.

use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Erasure, Receipt, ledger, store};
use crate::{
    app::{App, Changed, CustomerId, Job, MemoryId, OrgId},
    customers, inbox, memory, merging,
    platform::{Error, Result, db::Conn, queue},
    staff::{self, By, Visible, audit},
};

/// How long a confirmed erasure waits, so that the last reply still reaches the customer.
const LAST_WORD_S: i64 = 30;

/// Orders that a customer is erased; returns the line of the ledger. Safe to repeat.
pub async fn order(app: &App, org: OrgId, customer: CustomerId, requested_by: &str) -> Result<Erasure> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if let Some(known) = store::find_of(tx.conn(), org, customer).await? {
        tx.commit().await?;
        return Ok(known);
    }
    // A merge, or its undoing, comes before or after: never in the middle.
    customers::lock(tx.conn(), org, customer, Visible::ALL).await?.ok_or(Error::NotFound("customer"))?;
    let line = |customer| Erasure {
        id: Uuid::now_v7(),
        org_id: org,
        customer_id: customer,
        requested_by: requested_by.into(),
        requested_at: now,
        erased_at: None,
        receipt: None,
        signature: None,
    };
    // Who was merged into them is the same person; an older backup brings them back as two.
    for merged in customers::list_merged(tx.conn(), org, customer).await? {
        store::insert(tx.conn(), &line(merged)).await?;
    }
    let erasure = line(customer);
    store::insert(tx.conn(), &erasure).await?;
    let by = By::system(org);
    let changes = json!({"erasure_id": erasure.id, "requested_by": requested_by});
    audit(tx.conn(), now, &by, "customer.erase", ("erasure", erasure.id), changes).await?;
    let due = now + chrono::Duration::seconds(if requested_by == "customer" { LAST_WORD_S } else { 0 });
    Job::Erase { org, customer }.push_at(tx.conn(), org, now, due).await?;
    tx.commit().await?;
    app.wake(org).await;
    Ok(erasure)
}

/// Whether a customer's erasure is ordered and not done yet: what we have of them is theirs no more to show.
pub async fn is_under_way(app: &App, org: OrgId, customer: CustomerId) -> Result<bool> {
    let known = store::find_of(app.read().await?.conn(), org, customer).await?;
    Ok(known.is_some_and(|erasure| erasure.erased_at.is_none()))
}

/// Erases a customer everywhere, with who was merged into them. Safe to repeat: what is gone is not counted twice.
pub async fn erase(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    inbox::bring_in(app).await?;
    merging::apart(app, org, customer).await?;
    let all = customers::list_merged(app.read().await?.conn(), org, customer).await?;
    for merged in all {
        erase_one(app, org, merged).await?;
    }
    erase_one(app, org, customer).await
}

/// Erases one customer: rows in one transaction with the receipt, then the index, then what the disk still holds of
/// them.
async fn erase_one(app: &App, org: OrgId, customer: CustomerId) -> Result<()> {
    let now = app.now();
    let attachments = inbox::erase_files(app, org, customer).await?;
    let mut tx = app.begin().await?;
    let Some(mut erasure) = store::find_of(tx.conn(), org, customer).await? else {
        return Err(Error::NotFound("erasure"));
    };
    let (receipt, memories) = rows(app, tx.conn(), org, customer).await?;
    let receipt = Receipt { attachments, ..receipt };
    merging::erase(tx.conn(), org, customer, now).await?;
    let mut all: Receipt =
        erasure.receipt.as_ref().and_then(|r| serde_json::from_value(r.0.clone()).ok()).unwrap_or_default();
    if erasure.erased_at.is_none() || !receipt.is_empty() {
        all.add(&receipt);
        erasure.erased_at = Some(now);
        erasure.receipt = Some(Json(serde_json::to_value(&all)?));
        erasure.signature = Some(erasure.sign(app));
        store::save(tx.conn(), &erasure).await?;
    }
    // First: once it is told, no backup may bring them back. Noted and not committed, the job comes again.
    ledger::note(app, std::slice::from_ref(&erasure))?;
    tx.commit().await?;
    memory::clear(app, org, customer, &memories).await?;
    // Deleted rows leave their bytes in the file and its log until they are overwritten.
    app.scrub().await?;
    app.changed(org, Changed::Customer { id: customer }).await;
    tracing::info!(erasure.id = %erasure.id, "a customer was erased");
    Ok(())
}

/// Every row about the customer, and the ids of what was remembered.
async fn rows(app: &App, mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<(Receipt, Vec<MemoryId>)> {
    let accounts = customers::list_identities(c.again(), org, customer).await?;
    let memories = memory::erase(c.again(), org, customer).await?;
    let talk = inbox::erase(c.again(), org, customer, &accounts).await?;
    let person = customers::erase(c.again(), org, customer).await?;
    let mut about: Vec<Uuid> = talk.ids.clone();
    about.push(customer.0);
    about.extend(&person.ids);
    about.extend(memories.ids.iter().map(|id| id.0));
    let (lines, notifications) = staff::erase_about(app, c.again(), org, &about).await?;
    let words: Vec<String> =
        about.iter().map(ToString::to_string).chain(accounts.iter().map(|a| a.external_id.clone())).collect();
    let jobs = withdraw(c, org, &words).await?;
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let receipt = Receipt {
        customers: person.customers,
        identities: person.identities,
        contacts: person.contacts,
        activities: person.activities,
        deals: person.deals,
        conversations: talk.conversations,
        messages: talk.messages,
        traces: talk.turns,
        raw_events: talk.raw_events,
        memories: i64::try_from(memories.ids.len()).unwrap_or(i64::MAX),
        vectors: memories.points,
        jobs,
        notifications: count(notifications),
        audit_lines_emptied: count(lines),
        webhook_deliveries: talk.webhook_deliveries,
        attachments: 0,
    };
    Ok((receipt, memories.ids))
}

/// Takes back the jobs that name any of `words`: conversations, messages, accounts.
async fn withdraw(mut c: Conn<'_>, org: OrgId, words: &[String]) -> Result<i64> {
    let words: std::collections::HashSet<&str> = words.iter().map(String::as_str).collect();
    let mut withdrawn = 0;
    for (id, lane, payload, error) in queue::list_idle(c.again(), org.0).await? {
        let text = format!("{lane}\n{}\n{}", payload.0, error.unwrap_or_default());
        let is_about = text
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | ':' | ',' | '{' | '}'))
            .any(|word| words.contains(word));
        if is_about && queue::withdraw(c.again(), id).await? {
            withdrawn += 1;
        }
    }
    Ok(withdrawn)
}
