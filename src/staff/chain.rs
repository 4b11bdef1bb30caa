//! The audit log's chain: each line is sealed over itself and the line before it, so that one that was altered, put in
//! between or taken away afterwards shows.
//!
//! Lines are sealed a few seconds after they were written, in a transaction of their own: changes of one organisation
//! never wait for each other at the end of the chain. The seal is an HMAC with a key made of the installation's, which
//! the database does not hold: who can write to the tables alone can't make one. How far a chain went is known beside
//! the database ([`heads`]): what lost its seals, or was cut off at the end, never gets genuine ones at the same place.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    audit::Audited,
    heads::{self, Head},
    store,
};
use crate::{
    app::{App, OrgId},
    platform::{Error, Result, crypto, db::Conn},
};

/// How many lines one transaction seals, and one query reads.
const LINES: i64 = 500;

/// A line with its place in the chain.
#[derive(Debug, Clone, FromRow)]
pub struct Sealed {
    #[sqlx(flatten)]
    pub line: Audited,
    pub seq: i64,
    pub changes_hash: String,
    pub seal: String,
    /// Says that the program itself emptied the line.
    pub erased_seal: Option<String>,
}

/// A line's new place in the chain.
#[derive(Debug)]
pub struct Place {
    pub line: Uuid,
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
    /// The seal of the last line that is as it was. Each process keeps the last one that it made beside the database;
    /// keep it elsewhere, too, to see that nothing was done by who can write there as well.
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
    /// A line is missing here: taken out, or cut off together with what followed it.
    Missing,
    /// The line is not the one that was sealed, or one before it is not.
    Altered,
    /// What the line says was changed is not what it said.
    ChangesAltered,
}

/// Seals new lines of every organisation, oldest first and not more than some hundred of each: the next call goes on.
/// One organisation's trouble keeps no other waiting. Returns how many.
pub async fn seal_all(app: &App) -> Result<usize> {
    let orgs = store::list_unsealed(app.read().await?.conn()).await?;
    let mut sealed = 0;
    for org in orgs {
        match seal_some(app, org).await {
            Ok(some) => sealed += some,
            Err(e) => tracing::error!(error = %e.chain(), %org, "cannot seal an organisation's audit log"),
        }
    }
    Ok(sealed)
}

async fn seal_some(app: &App, org: OrgId) -> Result<usize> {
    let (key, known) = (key(app), heads::find(app, org)?);
    let mut tx = app.begin().await?;
    // Two processes that seal at once would give one place away twice.
    store::lock_org(tx.conn(), org).await?;
    let last = store::last_seal(tx.conn(), org).await?.unwrap_or_default();
    let mut head = match known {
        // Below it nothing is sealed again: where the chain was shortened, a gap stays.
        Some(known) if known.seq >= last.seq => {
            if known != last {
                tracing::error!(%org, seq = known.seq, "the audit log no longer goes as far as it was sealed");
            }
            known
        }
        _ => last,
    };
    let lines = store::unsealed(tx.conn(), org, LINES).await?;
    let mut places = Vec::with_capacity(lines.len());
    for line in &lines {
        let seq = head.seq.checked_add(1).ok_or_else(|| Error::Internal(anyhow::anyhow!("the last place is taken")))?;
        let changes_hash = hash(&key, &line.changes.0);
        let seal = seal(&key, org, seq, line, &changes_hash, &head.seal);
        head = Head { seq, seal: seal.clone() };
        places.push(Place { line: line.id, seq, changes_hash, seal });
    }
    store::set_seals(tx.conn(), &places).await?;
    tx.commit().await?;
    heads::note(app, org, head)?;
    Ok(lines.len())
}

/// Takes what it says about these things (a customer, their conversations) out of the audit log, whose lines stay, and
/// out of notifications, which go. Returns how many lines and notifications. Safe to repeat.
pub async fn erase_about(app: &App, mut c: Conn<'_>, org: OrgId, about: &[Uuid]) -> Result<(u64, u64)> {
    let key = key(app);
    let mut lines = 0;
    for some in store::lines_about(c.again(), org, about).await?.chunks(500) {
        let sealed: Vec<(Uuid, String)> = some.iter().map(|id| (*id, erased_seal(&key, org, *id))).collect();
        lines += store::empty(c.again(), &erased(), &sealed).await?;
    }
    Ok((lines, store::delete_notifications_about(c, org, about).await?))
}

/// What a line says after what it was about has been erased.
fn erased() -> Value {
    json!({"erased": true})
}

/// Reads the whole chain of an organisation.
pub async fn verify(app: &App, org: OrgId) -> Result<Verified> {
    let key = key(app);
    let known = heads::find(app, org)?.unwrap_or_default();
    let waiting = store::count_unsealed(app.read().await?.conn(), org).await?;
    let mut found = Verified { lines: 0, erased: 0, waiting, head: None, broken: None };
    loop {
        let page = store::sealed_after(app.read().await?.conn(), org, found.lines, LINES).await?;
        let Some(last) = page.last().map(|s| s.seq) else {
            let cut_off = Broken { seq: found.lines + 1, fault: Fault::Missing };
            found.broken = (found.lines < known.seq).then_some(cut_off);
            return Ok(found);
        };
        for Sealed { line, seq, changes_hash, seal: its, erased_seal: emptied } in page {
            let is_emptied = |seal: &String| crypto::same(seal, &erased_seal(&key, org, line.id));
            let is_erased = line.changes.0 == erased() && emptied.as_ref().is_some_and(is_emptied);
            let fault = if seq != found.lines + 1 {
                Some(Fault::Missing)
            } else if !crypto::same(
                &its,
                &seal(&key, org, seq, &line, &changes_hash, found.head.as_deref().unwrap_or_default()),
            ) || (seq == known.seq && its != known.seal)
            {
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

/// Over one line alone: what was emptied by hand, or with another line's, is not taken for erased.
fn erased_seal(key: &str, org: OrgId, line: Uuid) -> String {
    crypto::hmac_sha256_hex(key.as_bytes(), format!("frontdesk-audit-erased-1 {org} {line}").as_bytes())
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
