//! What to remember for a question: found by the index, loaded by organisation and customer, put in order by
//! `rank`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::{
    Kind, Memory, index,
    rank::{self, Asked, Before, Candidate, Rarity},
    shared, store,
    store::terms,
};
use crate::{
    app::{App, CustomerId, IdentityId, MemoryId, OrgId},
    platform::{
        Result,
        lexical::{self, SparseVector},
        model::tokens,
        vectors::{Filter, Search},
    },
};

/// How many the index gives.
const CANDIDATES: usize = 120;
/// At most so many open promises are always recalled, those due first.
const PROMISES: usize = 3;
/// So many of what is asked for find room, however much is always recalled.
const ASKED_FOR: usize = 3;
/// Beside how many of the best the neighbours are looked at.
const WITH_NEIGHBOURS: usize = 60;
/// How many of a named day are looked at, and how many that are not in the index yet.
const OF_DAYS: i64 = 100;
const UNINDEXED: i64 = 200;
/// How many texts lend their words to the question.
const LENDERS: usize = 12;

/// A question to the memory of one customer.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub org: OrgId,
    pub customer: CustomerId,
    pub text: &'a str,
    /// What was said before it, oldest first.
    pub before: &'a [Before<'a>],
    /// Who asks; `None`: an agent, who sees all.
    pub asker: Option<Asker>,
    pub limit: usize,
    /// At most so many tokens of memories.
    pub budget: usize,
    /// Whether strength breaks ties; off only to measure what it costs.
    pub by_strength: bool,
    /// Who the customer is and what we promised, whatever the question.
    pub with_identity: bool,
    /// What the organisation learned itself and approved, where it is about the question.
    pub with_shared: bool,
}

/// The identity that the customer writes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    pub identity: IdentityId,
    pub is_verified: bool,
}

impl Asker {
    /// Whether they may hear of what was said on `identity`: only a verified one hears what another one said, or what
    /// the organisation noted itself (`None`).
    pub fn may_hear(self, identity: Option<IdentityId>) -> bool {
        self.is_verified || identity == Some(self.identity)
    }
}

impl<'a> Query<'a> {
    /// A question with what a turn needs.
    pub fn new(org: OrgId, customer: CustomerId, text: &'a str) -> Self {
        Self {
            org,
            customer,
            text,
            before: &[],
            asker: None,
            limit: 8,
            budget: 400,
            by_strength: true,
            with_identity: true,
            with_shared: true,
        }
    }
}

/// A memory that was recalled.
#[derive(Debug, Clone, PartialEq)]
pub struct Recalled {
    pub memory: Memory,
    /// Who the customer is and what we promised, whatever they ask.
    pub is_always: bool,
    /// 0 for what is always recalled.
    pub score: f32,
    pub strength: f64,
    /// It may have changed since: ask before acting on it.
    pub is_stale: bool,
}

impl Recalled {
    /// As the assistant reads it. It helps to understand the customer and proves nothing.
    pub fn line(&self) -> String {
        let since = self.memory.valid_from.unwrap_or(self.memory.created_at).format("%Y-%m-%d");
        let is_chinese = self.memory.language == Some(crate::platform::language::Language::Zh);
        let about = match (self.memory.about_from, self.memory.about_until) {
            (Some(from), Some(until)) if from == until => format!("; {}", from.format("%Y-%m-%d")),
            (Some(from), Some(until)) => format!("; {}/{}", from.format("%Y-%m-%d"), until.format("%Y-%m-%d")),
            _ => String::new(),
        };
        if self.memory.customer_id.is_none() {
            let by_us = if is_chinese { "团队经验" } else { "noted by our team" };
            return format!("{} ({by_us}, {since})", self.memory.content);
        }
        let stale = match (self.is_stale, is_chinese) {
            (true, true) => "；可能已变，使用前先确认",
            (true, false) => "; may have changed, ask before using it",
            _ => "",
        };
        format!("{} ({since}{about}{stale})", self.memory.content)
    }
}

/// What helps with `query`, best first: who the customer is and open promises, then what was asked for.
pub async fn recall(app: &App, query: &Query<'_>) -> Result<Vec<Recalled>> {
    let now = app.now();
    let asked = Asked::read(query.text, query.before, now.date_naive());
    let mut reader = app.read().await?;
    let wanted: Vec<u32> = asked.terms.iter().map(|(term, _)| *term).collect();
    let mut rarity = rarity(&mut reader, query.org, &wanted).await?;
    let mut rows = store::unindexed(reader.conn(), query.org, query.customer, UNINDEXED).await?;
    drop(reader);
    let hits = search(app, query, &asked, &rarity).await;
    let mut reader = app.read().await?;
    let ids: Vec<MemoryId> = hits.iter().map(|h| MemoryId(h.id)).collect();
    rows.extend(store::by_ids(reader.conn(), query.org, query.customer, &ids).await?);
    let best = beside(&rows, &ids);
    rows.extend(store::at_places(reader.conn(), query.org, query.customer, &best).await?);
    for days in &asked.days {
        rows.extend(store::on_days(reader.conn(), query.org, query.customer, moments(*days), OF_DAYS).await?);
    }
    let shared = if query.with_shared { shared::about(&mut reader, query.org, &asked, now).await? } else { Vec::new() };
    let always = if query.with_identity { always(&mut reader, query).await? } else { Vec::new() };
    let mut seen = HashSet::new();
    let may = |m: &Memory| query.asker.is_none_or(|asker| asker.may_hear(m.identity_id));
    rows.retain(|m| may(m) && seen.insert(m.id));
    rows.sort_by_key(|m| (m.seq, m.id));

    let dense: HashMap<Uuid, f32> = hits.iter().map(|h| (h.id, h.dense)).collect();
    let lending: Vec<u32> = lenders(&rows, &ids).flat_map(|m| rank::terms(&m.content).into_keys()).collect();
    rarity.frequencies.extend(terms::frequencies(reader.conn(), query.org, &lending).await?.1);
    drop(reader);
    let candidates: Vec<Candidate<'_>> = rows
        .iter()
        .map(|m| Candidate {
            text: &m.content,
            seq: m.seq,
            source: m.source_id,
            speaker: m.speaker.as_deref(),
            days: Some(m.days()),
            strength: if query.by_strength { m.strength(now) } else { 0.0 },
            dense: dense.get(&m.id.0).copied().unwrap_or(0.0),
        })
        .collect();
    let found = rank::order(&asked, &candidates, &rarity);

    let mut recalled: Vec<Recalled> =
        always.into_iter().map(|m| Recalled { is_always: true, ..remembered(m, 0.0, now) }).collect();
    let limit = query.limit.max(recalled.len() + ASKED_FOR.min(query.limit));
    for (place, score) in found {
        let Some(memory) = rows.get(place).filter(|m| recalled.iter().all(|r| r.memory.id != m.id)) else { continue };
        if recalled.len() >= limit {
            break;
        }
        recalled.push(remembered(memory.clone(), score, now));
    }
    recalled.extend(shared.into_iter().map(|(memory, score)| remembered(memory, score, now)));
    within(&mut recalled, query.budget);
    Ok(recalled)
}

/// Keeps what fits into `budget` tokens. What is always recalled leaves room for the first of what was asked for, as
/// long as that takes no more than half of it.
fn within(recalled: &mut Vec<Recalled>, budget: usize) {
    let fitting = |some: &[Recalled], budget: usize| {
        let lines: Vec<String> = some.iter().map(Recalled::line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        rank::fitting(&lines, budget, tokens::at_most)
    };
    let always = recalled.iter().take_while(|r| r.is_always).count();
    let asked_for =
        recalled.get(always..).unwrap_or_default().iter().take(ASKED_FOR).map(|r| tokens::at_most(&r.line()));
    let room = budget - asked_for.sum::<usize>().min(budget / 2);
    let kept = fitting(recalled.get(..always).unwrap_or_default(), room);
    recalled.drain(kept..always);
    recalled.truncate(fitting(recalled, budget));
}

/// What was recalled at `at`, in words, as the assistant read it then. What was forgotten since is left out.
pub async fn lines(
    app: &App,
    org: OrgId,
    customer: CustomerId,
    ids: &[MemoryId],
    at: DateTime<Utc>,
) -> Result<Vec<String>> {
    let known = store::recalled(app.read().await?.conn(), org, customer, ids).await?;
    let of = |id: &MemoryId| known.iter().find(|m| m.id == *id).map(|m| remembered(m.clone(), 0.0, at).line());
    Ok(ids.iter().filter_map(of).collect())
}

fn remembered(memory: Memory, score: f32, now: DateTime<Utc>) -> Recalled {
    Recalled { is_always: false, score, strength: memory.strength(now), is_stale: memory.is_stale(now), memory }
}

/// Who the customer is, and what we promised that is due first.
async fn always(reader: &mut crate::platform::db::Reader, query: &Query<'_>) -> Result<Vec<Memory>> {
    let identity: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_identity()).collect();
    let mut always = store::known(reader.conn(), query.org, query.customer, &identity).await?;
    let mut promises = store::known(reader.conn(), query.org, query.customer, &[Kind::Promise]).await?;
    for some in [&mut always, &mut promises] {
        some.retain(|m| query.asker.is_none_or(|asker| asker.may_hear(m.identity_id)));
    }
    always.sort_by_key(|m| (m.kind, std::cmp::Reverse(m.seq)));
    promises.sort_by_key(|m| (m.about_until.is_none(), m.about_until, std::cmp::Reverse(m.seq)));
    always.extend(promises.into_iter().take(PROMISES));
    Ok(always)
}

async fn rarity(reader: &mut crate::platform::db::Reader, org: OrgId, wanted: &[u32]) -> Result<Rarity> {
    let (totals, frequencies) = terms::frequencies(reader.conn(), org, wanted).await?;
    let (entries, tokens) = (totals.entry_count, totals.token_count);
    #[expect(clippy::cast_precision_loss, reason = "a mean of counts")]
    let average = tokens.max(1) as f32 / entries.max(1) as f32;
    Ok(Rarity { frequencies, entries: u64::try_from(entries).unwrap_or(0), average })
}

/// What the index finds of this customer. Without an index the rows that are not in it are all there is: it is built
/// from the rows at start.
async fn search(app: &App, query: &Query<'_>, asked: &Asked, rarity: &Rarity) -> Vec<crate::platform::vectors::Hit> {
    let terms: Vec<(u32, f32)> = asked.terms.iter().map(|(term, weight)| (*term, weight * rarity.idf(*term))).collect();
    let lexical = lexical::query_vector(&terms);
    let model = app.model.pinned();
    let dense = if model.can_embed() {
        model.embed(&[query.text.to_owned()]).await.ok().and_then(|mut vectors| vectors.pop())
    } else {
        None
    };
    let search = Search {
        lexical: Some(lexical).filter(|v: &SparseVector| !v.is_empty()),
        dense,
        filter: Filter::all().is("customer_id", query.customer.to_string()),
        limit: CANDIDATES,
    };
    match app.vectors.search(&index::collection(&model, query.org), search).await {
        Ok(hits) => hits,
        Err(error) => {
            tracing::warn!(error = %error.chain(), "memories are recalled without their index");
            Vec::new()
        }
    }
}

/// The places beside the best.
fn beside(rows: &[Memory], ids: &[MemoryId]) -> Vec<i64> {
    let at: HashMap<MemoryId, &Memory> = rows.iter().map(|m| (m.id, m)).collect();
    let known: HashSet<i64> = rows.iter().map(|m| m.seq).collect();
    let mut places: Vec<i64> = ids
        .iter()
        .take(WITH_NEIGHBOURS)
        .filter_map(|id| at.get(id))
        .filter(|m| m.source_id.is_some())
        .flat_map(|m| [m.seq - 1, m.seq + 1])
        .filter(|seq| !known.contains(seq))
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Those whose words may be lent to the question.
fn lenders<'a>(rows: &'a [Memory], ids: &'a [MemoryId]) -> impl Iterator<Item = &'a Memory> {
    let first: HashSet<MemoryId> = ids.iter().take(LENDERS).copied().collect();
    let few = rows.len() <= LENDERS * 4;
    rows.iter().filter(move |m| few || first.contains(&m.id))
}

fn moments((from, until): (NaiveDate, NaiveDate)) -> (DateTime<Utc>, DateTime<Utc>) {
    let start = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
    (start(from), start(until.checked_add_days(Days::new(1)).unwrap_or(until)))
}
