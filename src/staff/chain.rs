//! The audit log's chain: each line is sealed over itself and the line before it, so that one that was altered, put in
//! between or taken away afterwards shows.
//!
//! Lines are sealed a few seconds after they were written, in a transaction of their own: changes of one organisation
//! never wait for each other at the end of the chain. The seal is an HMAC with a key made of the installation's, which
//! the database does not hold: who can write to the tables alone can't make one. What was taken away at the very end
//! shows only to somebody who kept an earlier `head`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use utoipa::ToSchema;

use super::{audit::Audited, store};
use crate::{
    app::{App, OrgId},
    platform::{Result, crypto},
};

/// How many lines one transaction seals, and one query reads.
const LINES: i64 = 500;
/// What a line says after the customer that it was about has been erased.
const ERASED: &str = "erased";

/// A line with its place in the chain.
#[derive(Debug, Clone, FromRow)]
pub struct Sealed {
    #[sqlx(flatten)]
    pub line: Audited,
    pub seq: i64,
    pub changes_hash: String,
    pub seal: String,
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// How many lines are as they were sealed, from the first one on.
    pub lines: i64,
    /// How many of them say no more what was changed, because it was about a customer who has been erased.
    pub erased: i64,
    /// How many are too new to be sealed.
    pub waiting: i64,
    /// The seal of the last line that is as it was. Keep it elsewhere to see later that nothing was cut off behind it.
    pub head: Option<String>,
    /// The first fault.
    pub broken: Option<Broken>,
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Broken {
    /// The place in the chain, from 1.
    pub seq: i64,
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A line is missing here.
    Missing,
    /// The line is not the one that was sealed, or one before it is not.
    Altered,
    /// What the line says was changed is not what it said.
    ChangesAltered,
}

/// Seals the new lines of every organisation, oldest first. Returns how many.
pub async fn seal_all(app: &App) -> Result<usize> {
    let orgs = store::list_unsealed(app.read().await?.conn()).await?;
    let mut sealed = 0;
    for org in orgs {
        loop {
            let some = seal_some(app, org).await?;
            sealed += some;
            if some < usize::try_from(LINES).unwrap_or(usize::MAX) {
                break;
            }
        }
    }
    Ok(sealed)
}

async fn seal_some(app: &App, org: OrgId) -> Result<usize> {
    let key = key(app);
    let mut tx = app.begin().await?;
    // Two processes that seal at once would give one place away twice.
    store::lock_org(tx.conn(), org).await?;
    let (mut seq, mut before) = store::last_seal(tx.conn(), org).await?.unwrap_or_default();
    let lines = store::unsealed(tx.conn(), org, LINES).await?;
    for line in &lines {
        seq += 1;
        let hash = hash(&key, &line.changes.0);
        before = seal(&key, org, seq, line, &hash, &before);
        store::set_seal(tx.conn(), line.id, seq, &hash, &before).await?;
    }
    tx.commit().await?;
    Ok(lines.len())
}

/// Reads the whole chain of an organisation.
pub async fn verify(app: &App, org: OrgId) -> Result<Verified> {
    let key = key(app);
    let waiting = store::count_unsealed(app.read().await?.conn(), org).await?;
    let mut found = Verified { lines: 0, erased: 0, waiting, head: None, broken: None };
    loop {
        let page = store::sealed_after(app.read().await?.conn(), org, found.lines, LINES).await?;
        let Some(last) = page.last().map(|s| s.seq) else { return Ok(found) };
        for Sealed { line, seq, changes_hash, seal: its } in page {
            let is_erased = line.changes.0.get(ERASED).is_some();
            let fault = if seq != found.lines + 1 {
                Some(Fault::Missing)
            } else if !crypto::same(
                &its,
                &seal(&key, org, seq, &line, &changes_hash, found.head.as_deref().unwrap_or_default()),
            ) {
                Some(Fault::Altered)
            } else if !is_erased && !crypto::same(&changes_hash, &hash(&key, &line.changes.0)) {
                Some(Fault::ChangesAltered)
            } else {
                None
            };
            if let Some(fault) = fault {
                found.broken = Some(Broken { seq: found.lines + 1, fault });
                return Ok(found);
            }
            found.lines = seq;
            found.erased += i64::from(is_erased);
            found.head = Some(its);
        }
        debug_assert_eq!(found.lines, last);
    }
}

/// A key of its own, so that no other use of the installation's key can make a seal.
fn key(app: &App) -> String {
    crypto::hmac_sha256_hex(app.key.expose().as_bytes(), b"audit chain")
}

fn seal(key: &str, org: OrgId, seq: i64, line: &Audited, changes_hash: &str, before: &str) -> String {
    let at = line.created_at.timestamp_micros(); // what both databases keep
    let what = (&line.action, &line.resource_type, line.resource_id, changes_hash);
    let who = (line.user_id, &line.actor, &line.ip_address, &line.user_agent);
    let text = serde_json::to_string(&("frontdesk-audit-1", org, seq, line.id, at, who, what, before));
    crypto::hmac_sha256_hex(key.as_bytes(), text.unwrap_or_default().as_bytes())
}

/// With a key, so that what was erased can't be guessed from what is left.
fn hash(key: &str, changes: &Value) -> String {
    crypto::hmac_sha256_hex(key.as_bytes(), ordered(changes).to_string().as_bytes())
}

/// The same value with its keys in order: one database keeps the order in which they were written, the other does not.
fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, Value> = fields.iter().map(|(k, v)| (k, ordered(v))).collect();
            sorted.into_iter().map(|(k, v)| (k.clone(), v)).collect()
        }
        Value::Array(items) => items.iter().map(ordered).collect(),
        other => other.clone(),
    }
}
