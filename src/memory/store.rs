//! SQL of memories. Every row is reached by organisation, customer and id together.

pub(super) mod join;
pub(super) mod terms;

use chrono::{DateTime, Utc};

use super::{Kind, Memory, Status};
use crate::{
    app::{ConversationId, CustomerId, MemoryId, MessageId, OrgId},
    both,
    platform::{Result, db::Conn},
};

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, customer_id, type, kind, category, content, summary, value, slot, seq, speaker, status,
                    language, importance, decay_factor, stability, information, tags, is_pinned, use_count, source_type,
                    source_id, message_id, identity_id, span_start, span_end, valid_from, valid_until, about_from,
                    about_until, superseded_by, approved_by, approved_at, archived_at, confirmed_at,
                    last_accessed_at, created_at
             FROM memories ",
            $rest
        )
    };
}

/// Until the transaction ends nobody else changes what is remembered of the customer. Several are locked in the order of
/// their ids. With SQLite there is one writer at a time anyway.
pub async fn lock(c: Conn<'_>, customer: CustomerId) -> Result<()> {
    const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
    // The random half of the id: two customers that share it only wait for each other.
    let (_, key) = customer.0.as_u64_pair();
    if let Conn::Pg(c) = c {
        sqlx::query(LOCK).bind(key.cast_signed()).execute(c).await?;
    }
    Ok(())
}

/// Adds a memory at the next place of its customer's. False: its slot is taken by an active one.
pub async fn insert(c: Conn<'_>, m: &Memory) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO memories (id, org_id, customer_id, type, kind, category, content, summary, value, slot, seq, speaker,
                              status, language, importance, decay_factor, stability, information, tags, is_pinned,
                              use_count, source_type, source_id, message_id, identity_id, span_start, span_end,
                              valid_from, valid_until, about_from, about_until, superseded_by, approved_by, approved_at,
                              archived_at, last_accessed_at, created_at, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
                (SELECT COALESCE(MAX(seq), 0) + 1 FROM memories WHERE org_id = $2 AND customer_id = $3), $11, $12,
                $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33,
                $34, $35, $36, $37)
        ON CONFLICT DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(m.id).bind(m.org_id).bind(m.customer_id).bind(m.term).bind(m.kind).bind(m.category).bind(&m.content)
        .bind(&m.summary).bind(&m.value).bind(&m.slot).bind(&m.speaker).bind(m.status).bind(m.language)
        .bind(m.importance).bind(m.decay_factor).bind(m.stability).bind(m.information).bind(&m.tags).bind(m.is_pinned)
        .bind(m.use_count).bind(&m.source_type).bind(m.source_id).bind(m.message_id).bind(m.identity_id)
        .bind(m.span_start).bind(m.span_end).bind(m.valid_from).bind(m.valid_until).bind(m.about_from)
        .bind(m.about_until).bind(m.superseded_by).bind(m.approved_by).bind(m.approved_at).bind(m.archived_at)
        .bind(m.last_accessed_at).bind(m.created_at).bind(m.confirmed_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Writes what may change about a memory: not what it says or where that is from.
pub async fn save(c: Conn<'_>, m: &Memory) -> Result<()> {
    const SAVE: &str = "
        UPDATE memories
        SET type = $4, status = $5, importance = $6, decay_factor = $7, stability = $8, is_pinned = $9, use_count = $10,
            valid_until = $11, superseded_by = $12, approved_by = $13, approved_at = $14, archived_at = $15,
            last_accessed_at = $16, confirmed_at = $17
        WHERE org_id = $1 AND (customer_id = $2 OR (customer_id IS NULL AND $2 IS NULL)) AND id = $3";
    both!(c, c => sqlx::query(SAVE).bind(m.org_id).bind(m.customer_id).bind(m.id).bind(m.term).bind(m.status)
        .bind(m.importance).bind(m.decay_factor).bind(m.stability).bind(m.is_pinned).bind(m.use_count)
        .bind(m.valid_until).bind(m.superseded_by).bind(m.approved_by).bind(m.approved_at).bind(m.archived_at)
        .bind(m.last_accessed_at).bind(m.confirmed_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// One memory of a customer.
pub async fn find(c: Conn<'_>, org: OrgId, customer: CustomerId, id: MemoryId) -> Result<Option<Memory>> {
    const FIND: &str = columns!("WHERE org_id = $1 AND customer_id = $2 AND id = $3");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(customer).bind(id).fetch_optional(c).await)?)
}

/// The active memories in these slots.
pub async fn in_slots(c: Conn<'_>, org: OrgId, customer: CustomerId, slots: &[&str]) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status = 'active' AND org_id = ");
    if slots.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        query.push_bind(org).push(" AND customer_id = ").push_bind(customer).push(" AND slot IN (");
        let mut list = query.separated(", ");
        for slot in slots {
            list.push_bind(*slot);
        }
        query.push(")");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// What is remembered of a customer, the newest first; `status` narrows it.
pub async fn list(
    c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    status: Option<Status>,
    limit: i64,
) -> Result<Vec<Memory>> {
    const LIST: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND ($3 IS NULL OR status = $3) ORDER BY seq DESC, id DESC LIMIT $4"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(status).bind(limit).fetch_all(c).await)?)
}

/// What was believed of a customer at a moment, whatever came later: what was closed or found wrong since, too.
pub async fn believed(c: Conn<'_>, org: OrgId, customer: CustomerId, at: DateTime<Utc>) -> Result<Vec<Memory>> {
    const AT: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND status <> 'proposed' AND COALESCE(valid_from, created_at) <= $3
           AND (valid_until IS NULL OR valid_until > $3) ORDER BY seq, id"
    );
    Ok(both!(c, c => sqlx::query_as(AT).bind(org).bind(customer).bind(at).fetch_all(c).await)?)
}

/// The active memories of these ids that are this customer's; in no particular order. An id of anybody else's yields
/// nothing, whatever the index says.
pub async fn by_ids(c: Conn<'_>, org: OrgId, customer: CustomerId, ids: &[MemoryId]) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status = 'active' AND (org_id = ");
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        // `IS TRUE` keeps SQLite from walking an index of all that is the customer's where a few ids are named.
        query.push_bind(org).push(") IS TRUE AND (customer_id = ").push_bind(customer).push(") IS TRUE AND id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The memories of these ids, whatever became of them since: this customer's, and what the organisation learned itself.
pub async fn recalled(c: Conn<'_>, org: OrgId, customer: CustomerId, ids: &[MemoryId]) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status <> 'proposed' AND org_id = ");
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        query.push_bind(org).push(" AND (customer_id IS NULL OR customer_id = ").push_bind(customer);
        query.push(") AND id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The active memories at these places among a customer's.
pub async fn at_places(c: Conn<'_>, org: OrgId, customer: CustomerId, places: &[i64]) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status = 'active' AND org_id = ");
    if places.is_empty() {
        return Ok(Vec::new());
    }
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        query.push_bind(org).push(" AND customer_id = ").push_bind(customer).push(" AND seq IN (");
        let mut list = query.separated(", ");
        for place in places {
            list.push_bind(*place);
        }
        query.push(")");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// The active memories of these kinds.
pub async fn known(c: Conn<'_>, org: OrgId, customer: CustomerId, kinds: &[Kind]) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status = 'active' AND org_id = ");
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        query.push_bind(org).push(" AND customer_id = ").push_bind(customer).push(" AND kind IN (");
        let mut list = query.separated(", ");
        for kind in kinds {
            list.push_bind(*kind);
        }
        query.push(") ORDER BY seq DESC LIMIT 50");
        query.build_query_as().fetch_all(c).await
    })?)
}

/// Active memories that speak of these days, or were said on them.
pub async fn on_days(
    c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<Memory>> {
    const ON: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND status = 'active'
           AND COALESCE(about_from, valid_from, created_at) < $4
           AND COALESCE(about_until, about_from, valid_from, created_at) >= $3 ORDER BY seq LIMIT $5"
    );
    Ok(both!(c, c => sqlx::query_as(ON).bind(org).bind(customer).bind(from).bind(until).bind(limit)
        .fetch_all(c).await)?)
}

/// Active memories that are not in the index yet.
pub async fn unindexed(c: Conn<'_>, org: OrgId, customer: CustomerId, limit: i64) -> Result<Vec<Memory>> {
    const LIST: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND indexed_at IS NULL AND status = 'active' ORDER BY seq LIMIT $3"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(limit).fetch_all(c).await)?)
}

/// Notes that these memories are in the index; returns whose they are.
pub async fn set_indexed(
    mut c: Conn<'_>,
    org: OrgId,
    ids: &[MemoryId],
    now: DateTime<Utc>,
) -> Result<Vec<(MemoryId, Option<CustomerId>)>> {
    let mut noted = Vec::new();
    for some in ids.chunks(500) {
        let rows: Vec<(MemoryId, Option<CustomerId>)> = both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new("UPDATE memories SET indexed_at = ");
            query.push_bind(now).push(" WHERE (org_id = ").push_bind(org).push(") IS TRUE AND id IN (");
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(") RETURNING id, customer_id");
            query.build_query_as().persistent(false).fetch_all(c).await
        })?;
        noted.extend(rows);
    }
    Ok(noted)
}

/// Every active memory with whose it is, after `after`, for comparing with the index.
pub async fn page(c: Conn<'_>, org: OrgId, after: MemoryId, limit: i64) -> Result<Vec<Memory>> {
    const PAGE: &str = columns!(
        "WHERE org_id = $1 AND id > $2 AND status = 'active' AND customer_id IS NOT NULL ORDER BY id LIMIT $3"
    );
    Ok(both!(c, c => sqlx::query_as(PAGE).bind(org).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Every organisation that remembers something.
pub async fn organisations(c: Conn<'_>) -> Result<Vec<OrgId>> {
    const ORGS: &str = "SELECT id FROM organizations o WHERE EXISTS (SELECT 1 FROM memories m WHERE m.org_id = o.id)";
    Ok(both!(c, c => sqlx::query_scalar(ORGS).fetch_all(c).await)?)
}

/// How many active memories a customer has.
pub async fn count(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<i64> {
    const COUNT: &str = "SELECT COUNT(*) FROM memories WHERE org_id = $1 AND customer_id = $2 AND status = 'active'";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(customer).fetch_one(c).await)?)
}

/// The active memories that tell least, short-term ones before the others; who the customer is, promises and pinned ones
/// are left out: what goes first when there is no room.
pub async fn least(c: Conn<'_>, org: OrgId, customer: CustomerId, limit: i64) -> Result<Vec<Memory>> {
    const WHERE: &str = columns!("WHERE status = 'active' AND NOT is_pinned AND org_id = ");
    const ORDER: &str =
        ") ORDER BY CASE WHEN type = 'long_term' THEN 1 ELSE 0 END, information * importance, seq LIMIT ";
    Ok(both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(WHERE);
        query.push_bind(org).push(" AND customer_id = ").push_bind(customer).push(" AND kind NOT IN (");
        let mut list = query.separated(", ");
        for kind in Kind::ALL.iter().filter(|kind| kind.is_identity() || **kind == Kind::Promise) {
            list.push_bind(*kind);
        }
        query.push(ORDER).push_bind(limit);
        query.build_query_as().fetch_all(c).await
    })?)
}

/// Active memories that nobody used since `before`: candidates for the archive.
pub async fn idle(c: Conn<'_>, before: DateTime<Utc>, after: MemoryId, limit: i64) -> Result<Vec<Memory>> {
    const IDLE: &str = columns!(
        "WHERE status = 'active' AND customer_id IS NOT NULL AND NOT is_pinned AND kind <> 'promise'
           AND last_accessed_at < $1 AND id > $2
         ORDER BY id LIMIT $3"
    );
    Ok(both!(c, c => sqlx::query_as(IDLE).bind(before).bind(after).bind(limit).fetch_all(c).await)?)
}

/// Deletes what was put away before `before`, and what had ceased to hold before `past`.
pub async fn delete_archived(c: Conn<'_>, before: DateTime<Utc>, past: DateTime<Utc>) -> Result<u64> {
    const DELETE: &str = "
        DELETE FROM memories
        WHERE (status IN ('archived', 'retracted') AND archived_at < $1) OR (status = 'superseded' AND valid_until < $2)";
    Ok(both!(c, c => sqlx::query(DELETE).bind(before).bind(past).execute(c).await.map(|r| r.rows_affected()))?)
}

/// What stood in a slot before: closed, found wrong or put away.
pub async fn former(c: Conn<'_>, org: OrgId, customer: CustomerId, slot: &str) -> Result<Vec<Memory>> {
    const FORMER: &str = columns!("WHERE org_id = $1 AND customer_id = $2 AND slot = $3 AND status <> 'active'");
    Ok(both!(c, c => sqlx::query_as(FORMER).bind(org).bind(customer).bind(slot).fetch_all(c).await)?)
}

/// What was closed at this moment with nothing in its place.
pub async fn ended_at(c: Conn<'_>, org: OrgId, customer: CustomerId, at: DateTime<Utc>) -> Result<Vec<Memory>> {
    const LIST: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND status = 'superseded' AND superseded_by IS NULL AND valid_until = $3
         ORDER BY seq"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(at).fetch_all(c).await)?)
}

/// What was closed last of a kind with nothing in its place.
pub async fn ended_last(c: Conn<'_>, org: OrgId, customer: CustomerId, kind: Kind) -> Result<Option<Memory>> {
    const FIND: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND kind = $3 AND status = 'superseded' AND superseded_by IS NULL
         ORDER BY valid_until DESC LIMIT 1"
    );
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(customer).bind(kind).fetch_optional(c).await)?)
}

/// What was read in this message.
pub async fn of_message(c: Conn<'_>, org: OrgId, customer: CustomerId, message: MessageId) -> Result<Vec<Memory>> {
    const LIST: &str = columns!("WHERE org_id = $1 AND customer_id = $2 AND message_id = $3 ORDER BY seq");
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(message).fetch_all(c).await)?)
}

/// Those in whose place this one is, the latest first.
pub async fn closed_by(c: Conn<'_>, org: OrgId, customer: CustomerId, id: MemoryId) -> Result<Vec<Memory>> {
    const LIST: &str = columns!(
        "WHERE org_id = $1 AND customer_id = $2 AND superseded_by = $3 AND status = 'superseded'
         ORDER BY valid_from DESC, seq DESC"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).bind(id).fetch_all(c).await)?)
}

/// Those of a customer that have a point in the index and are active no more.
pub async fn dead(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<MemoryId>> {
    const LIST: &str = "
        SELECT id FROM memories
        WHERE org_id = $1 AND customer_id = $2 AND status <> 'active' AND indexed_at IS NOT NULL";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// How many of a customer's memories have a point in the index.
pub async fn count_indexed(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<i64> {
    const COUNT: &str =
        "SELECT COUNT(*) FROM memories WHERE org_id = $1 AND customer_id = $2 AND indexed_at IS NOT NULL";
    Ok(both!(c, c => sqlx::query_scalar(COUNT).bind(org).bind(customer).fetch_one(c).await)?)
}

/// Deletes one memory of a customer.
pub async fn delete(c: Conn<'_>, org: OrgId, customer: CustomerId, id: MemoryId) -> Result<()> {
    const DELETE: &str = "DELETE FROM memories WHERE org_id = $1 AND customer_id = $2 AND id = $3";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(customer).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Deletes everything remembered of a customer.
pub async fn delete_all(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<()> {
    const DELETE: &str = "DELETE FROM memories WHERE org_id = $1 AND customer_id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(customer).execute(c).await.map(|_| ()))?;
    Ok(())
}

// Shared --------------------------------------------------------------------------------------------------------------

/// The organisation's own memories, the newest first; `status` narrows it.
pub async fn list_shared(c: Conn<'_>, org: OrgId, status: Option<Status>, limit: i64) -> Result<Vec<Memory>> {
    const LIST: &str = columns!(
        "WHERE org_id = $1 AND customer_id IS NULL AND type = 'shared' AND ($2 IS NULL OR status = $2)
         ORDER BY id DESC LIMIT $3"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(status).bind(limit).fetch_all(c).await)?)
}

/// One of the organisation's own memories.
pub async fn find_shared(c: Conn<'_>, org: OrgId, id: MemoryId) -> Result<Option<Memory>> {
    const FIND: &str = columns!("WHERE org_id = $1 AND customer_id IS NULL AND type = 'shared' AND id = $2");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Takes what the organisation learned from a customer's conversations away from them: what waits for approval goes,
/// what was approved stays without saying where it is from.
pub async fn detach_shared(mut c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<()> {
    const DELETE: &str = "
        DELETE FROM memories WHERE org_id = $1 AND customer_id IS NULL AND status <> 'active'
           AND source_id IN (SELECT id FROM conversations WHERE (org_id = $1) IS TRUE AND customer_id = $2)";
    const DETACH: &str = "
        UPDATE memories SET source_id = NULL, message_id = NULL WHERE org_id = $1 AND customer_id IS NULL
           AND source_id IN (SELECT id FROM conversations WHERE (org_id = $1) IS TRUE AND customer_id = $2)";
    for statement in [DELETE, DETACH] {
        let c = c.again();
        both!(c, c => sqlx::query(statement).bind(org).bind(customer).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

// How far conversations are read --------------------------------------------------------------------------------------

/// Up to which message a conversation was read; 0 when it was not.
pub async fn mark(c: Conn<'_>, id: ConversationId) -> Result<i64> {
    const MARK: &str = "SELECT seq FROM memory_marks WHERE conversation_id = $1";
    let seq: Option<i64> = both!(c, c => sqlx::query_scalar(MARK).bind(id).fetch_optional(c).await)?;
    Ok(seq.unwrap_or(0))
}

/// Notes that a conversation was read up to `seq`; never back.
pub async fn set_mark(c: Conn<'_>, org: OrgId, id: ConversationId, seq: i64, now: DateTime<Utc>) -> Result<()> {
    const SET: &str = "
        INSERT INTO memory_marks (conversation_id, org_id, seq, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (conversation_id) DO UPDATE SET seq = excluded.seq, updated_at = excluded.updated_at
        WHERE memory_marks.seq < excluded.seq";
    both!(c, c => sqlx::query(SET).bind(id).bind(org).bind(seq).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}
