//! Jobs as rows: pushed in the transaction that makes them necessary, run at least once.
//!
//! A lane runs one job at a time, oldest first (the database's unique index says so, not our timing); an equal job
//! that still waits is merged with the new one. A worker holds a lease; a job whose lease ran out is taken again.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use super::{db::Conn, error::Result};
use crate::both;

/// A job to push.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub org_id: Option<Uuid>,
    /// Which workers take it.
    pub queue: &'static str,
    /// Jobs of one lane run one after the other, oldest first.
    pub lane: String,
    /// A waiting job of the same key is moved to `run_at` instead of adding another.
    pub merge_key: Option<String>,
    pub payload: Value,
    pub run_at: DateTime<Utc>,
}

/// A job that a worker holds.
#[derive(Debug, Clone, FromRow)]
pub struct Claimed {
    pub id: Uuid,
    pub org_id: Option<Uuid>,
    pub queue: String,
    pub lane: String,
    pub payload: Json<Value>,
    /// This run included.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

/// How long a worker may be silent before its job is taken by another.
pub const LEASE: Duration = Duration::seconds(30);
/// The longest that merging may put a job off.
const PATIENCE: Duration = Duration::seconds(8);

/// How many rows one statement takes: few enough for the databases' limit of bound values.
const ROWS: usize = 1000;

/// Adds a job, or moves the equal one that still waits.
pub async fn push(c: Conn<'_>, now: DateTime<Utc>, job: NewJob) -> Result<()> {
    const PUSH: &str = "
        INSERT INTO jobs (id, org_id, queue, lane, merge_key, payload, state, attempts, run_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'ready', 0, $7, $8)
        ON CONFLICT (merge_key) WHERE state = 'ready' AND merge_key IS NOT NULL
        DO UPDATE SET run_at = CASE WHEN jobs.created_at > $9 THEN excluded.run_at ELSE jobs.run_at END";
    both!(c, c => sqlx::query(PUSH)
        .bind(Uuid::now_v7()).bind(job.org_id).bind(job.queue).bind(job.lane).bind(job.merge_key)
        .bind(Json(job.payload)).bind(job.run_at).bind(now).bind(now - PATIENCE)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Adds many jobs at once. Only for jobs that merge with no other.
pub async fn push_all(c: Conn<'_>, now: DateTime<Utc>, jobs: Vec<NewJob>) -> Result<()> {
    const INTO: &str =
        "INSERT INTO jobs (id, org_id, queue, lane, merge_key, payload, state, attempts, run_at, created_at) ";
    let mut c = c;
    let mut jobs = jobs.into_iter().peekable();
    while jobs.peek().is_some() {
        both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new(INTO);
            query.push_values(jobs.by_ref().take(ROWS), |mut row, job| {
                row.push_bind(Uuid::now_v7()).push_bind(job.org_id).push_bind(job.queue).push_bind(job.lane)
                    .push_bind(job.merge_key).push_bind(Json(job.payload)).push("'ready', 0")
                    .push_bind(job.run_at).push_bind(now);
            });
            query.build().persistent(false).execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "UPDATE jobs SET state = 'running', worker = $1, lease_until = $2, attempts = attempts + 1
             WHERE id IN (
                SELECT j.id FROM jobs j
                WHERE j.state = 'ready' AND j.queue = $3 AND j.run_at <= $4
                  AND NOT EXISTS (SELECT 1 FROM jobs e
                                  WHERE e.lane = j.lane AND e.state IN ('ready', 'running') AND e.id < j.id)
                  AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.lane = j.lane AND r.state = 'running')
                ORDER BY j.run_at, j.id LIMIT $5 ",
            $lock,
            ")
             RETURNING id, org_id, queue, lane, payload, attempts, created_at"
        )
    };
}

/// Takes up to `limit` due jobs of `queue`, each the first of its lane.
pub async fn claim(c: Conn<'_>, now: DateTime<Utc>, queue: &str, worker: &str, limit: i64) -> Result<Vec<Claimed>> {
    let mut jobs: Vec<Claimed> = match c {
        Conn::Sqlite(c) => {
            sqlx::query_as(claim!(""))
                .bind(worker)
                .bind(now + LEASE)
                .bind(queue)
                .bind(now)
                .bind(limit)
                .fetch_all(c)
                .await?
        }
        Conn::Pg(c) => {
            // Two processes that claim one lane at the same instant meet at its unique index: one of them comes again.
            let claimed = sqlx::query_as(claim!("FOR UPDATE SKIP LOCKED"))
                .bind(worker)
                .bind(now + LEASE)
                .bind(queue)
                .bind(now)
                .bind(limit)
                .fetch_all(c)
                .await;
            match claimed {
                Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Vec::new(),
                other => other?,
            }
        }
    };
    jobs.sort_by_key(|j| j.id);
    Ok(jobs)
}

/// When the next waiting job of `queue` is due.
pub async fn next_due(c: Conn<'_>, queue: &str) -> Result<Option<DateTime<Utc>>> {
    const NEXT: &str = "SELECT run_at FROM jobs WHERE state = 'ready' AND queue = $1 ORDER BY run_at LIMIT 1";
    Ok(both!(c, c => sqlx::query_scalar(NEXT).bind(queue).fetch_optional(c).await)?)
}

/// Removes a finished job. False if the lease was lost meanwhile and another worker holds it.
pub async fn finish(c: Conn<'_>, job: &Claimed, worker: &str) -> Result<bool> {
    const FINISH: &str = "DELETE FROM jobs WHERE id = $1 AND state = 'running' AND worker = $2 AND attempts = $3";
    let gone = both!(c, c => sqlx::query(FINISH).bind(job.id).bind(worker).bind(job.attempts)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(gone == 1)
}

/// Puts a job back to be run at `run_at`.
pub async fn retry(mut c: Conn<'_>, job: &Claimed, worker: &str, run_at: DateTime<Utc>, error: &str) -> Result<()> {
    const RETRY: &str = "
        UPDATE jobs SET state = 'ready', run_at = $3, last_error = $4, worker = NULL, lease_until = NULL
        WHERE id = $1 AND state = 'running' AND worker = $2";
    if !gives_way(c.again(), job, worker).await? {
        both!(c, c => sqlx::query(RETRY).bind(job.id).bind(worker).bind(run_at).bind(error)
            .execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Puts a job off to `run_at` because it is not allowed earlier: that costs it no attempt.
pub async fn put_off(mut c: Conn<'_>, job: &Claimed, worker: &str, run_at: DateTime<Utc>) -> Result<()> {
    const PUT_OFF: &str = "
        UPDATE jobs SET state = 'ready', run_at = $3, attempts = attempts - 1, worker = NULL, lease_until = NULL
        WHERE id = $1 AND state = 'running' AND worker = $2";
    if !gives_way(c.again(), job, worker).await? {
        both!(c, c => sqlx::query(PUT_OFF).bind(job.id).bind(worker).bind(run_at).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Ends a job whose equal was pushed while it ran: that one stands for it, and the two would collide.
async fn gives_way(c: Conn<'_>, job: &Claimed, worker: &str) -> Result<bool> {
    const YIELD: &str = "
        DELETE FROM jobs WHERE id = $1 AND state = 'running' AND worker = $2
          AND EXISTS (SELECT 1 FROM jobs o WHERE o.merge_key = jobs.merge_key AND o.state = 'ready')";
    Ok(both!(c, c => sqlx::query(YIELD).bind(job.id).bind(worker).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// Gives a job up; it stays as `failed` for a person to see.
pub async fn give_up(c: Conn<'_>, job: &Claimed, worker: &str, error: &str) -> Result<()> {
    const GIVE_UP: &str = "
        UPDATE jobs SET state = 'failed', last_error = $3, worker = NULL, lease_until = NULL
        WHERE id = $1 AND state = 'running' AND worker = $2";
    both!(c, c => sqlx::query(GIVE_UP).bind(job.id).bind(worker).bind(error).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Extends the lease of the jobs that `worker` still runs.
pub async fn renew(c: Conn<'_>, now: DateTime<Utc>, worker: &str) -> Result<()> {
    const RENEW: &str = "UPDATE jobs SET lease_until = $2 WHERE state = 'running' AND worker = $1";
    both!(c, c => sqlx::query(RENEW).bind(worker).bind(now + LEASE).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Frees the jobs whose worker is gone: those with a lease from before `now`, and those of workers whose name begins
/// with `node`, when given: a process that starts knows that its predecessor is gone. Returns how many.
pub async fn reclaim(c: Conn<'_>, now: DateTime<Utc>, node: Option<&str>) -> Result<u64> {
    const MERGED: &str = "
        DELETE FROM jobs WHERE state = 'running' AND (worker LIKE $1 OR lease_until < $2)
          AND EXISTS (SELECT 1 FROM jobs o WHERE o.merge_key = jobs.merge_key AND o.state = 'ready')";
    const RECLAIM: &str = "
        UPDATE jobs SET state = 'ready', worker = NULL, lease_until = NULL
        WHERE state = 'running' AND (worker LIKE $1 OR lease_until < $2)";
    let mut c = c;
    let node = node.map(|n| format!("{n}:%"));
    both!(c.again(), c => sqlx::query(MERGED).bind(&node).bind(now).execute(c).await.map(|_| ()))?;
    Ok(both!(c, c => sqlx::query(RECLAIM).bind(&node).bind(now).execute(c).await.map(|r| r.rows_affected()))?)
}

/// The jobs of an organisation that do not run now: their ids with what they carry, for finding whom they are about.
pub async fn list_idle(c: Conn<'_>, org: Uuid) -> Result<Vec<(Uuid, String, Json<Value>, Option<String>)>> {
    const LIST: &str = "SELECT id, lane, payload, last_error FROM jobs WHERE org_id = $1 AND state <> 'running'";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Takes back a job that does not run.
pub async fn withdraw(c: Conn<'_>, id: Uuid) -> Result<bool> {
    const WITHDRAW: &str = "DELETE FROM jobs WHERE id = $1 AND state <> 'running'";
    Ok(both!(c, c => sqlx::query(WITHDRAW).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}

/// How many jobs wait, run, and have failed: `(ready, running, failed)`.
pub async fn depth(c: Conn<'_>) -> Result<(i64, i64, i64)> {
    const DEPTH: &str = "
        SELECT COALESCE(SUM(CASE WHEN state = 'ready' THEN 1 ELSE 0 END), 0),
               COALESCE(SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END), 0),
               COALESCE(SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) FROM jobs";
    Ok(both!(c, c => sqlx::query_as(DEPTH).fetch_one(c).await)?)
}
