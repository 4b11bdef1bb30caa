//! SQLite's log is written back into the file beside the commits, never inside one.
//!
//! Left to itself SQLite makes the commit that fills the log wait until all of it is in the file: in a flood of
//! webhooks that was every hundredth, and each waited for thousands of pages. Here another connection writes back what
//! was committed (a passive checkpoint, which holds nobody up), a quarter of a second after a commit. The log begins
//! anew with the first transaction that finds all of it written back; when a flood leaves no such moment, the writer is
//! held for the last few pages.

use std::{sync::Arc, time::Duration};

use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, Notify};

use super::writer::WriterState;

/// How long after a commit. Often, so that the disk is never busy with it for long: four times as much at a time delayed
/// the slowest hundredth of a flood of webhooks half as much again.
const PAUSE: Duration = Duration::from_millis(250);
/// A log of so many pages (64 MiB) is begun anew although transactions go on.
const LONG: i64 = 16_384;
/// So few pages are written back while the writer waits.
const FEW: i64 = 256;
/// How often what was committed meanwhile is written back before the writer has to wait whatever is left.
const ROUNDS: usize = 5;

/// The connection that writes back; opened when there is something to do.
pub struct WriteBack {
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
}

impl WriteBack {
    pub fn new(options: SqliteConnectOptions) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { options, conn: None }))
    }

    /// Closes the connection: whoever holds the lock is the only one at the database, beside those who read.
    pub async fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ = conn.close().await;
        }
    }

    /// Writes back what is committed now; how many pages the log has.
    async fn checkpoint(&mut self) -> sqlx::Result<i64> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => none.insert(self.options.connect().await?),
        };
        let (_, pages, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(conn).await?;
        Ok(pages)
    }

    /// Brings the log into the file, and to its end when it is long.
    async fn catch_up(&mut self, state: &Arc<Mutex<WriterState>>) -> sqlx::Result<()> {
        let mut pages = self.checkpoint().await?;
        if pages < LONG {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            let before = std::mem::replace(&mut pages, self.checkpoint().await?);
            if pages - before < FEW {
                break;
            }
        }
        let mut writer = state.lock().await;
        writer.commit_open().await;
        self.checkpoint().await?;
        Ok(())
    }
}

/// Writes back after commits, for as long as the database is open.
pub async fn run(write_back: Arc<Mutex<WriteBack>>, state: Arc<Mutex<WriterState>>, committed: Arc<Notify>) {
    loop {
        committed.notified().await;
        tokio::time::sleep(PAUSE).await;
        if let Err(e) = write_back.lock().await.catch_up(&state).await {
            tracing::warn!(error = %e, "the database's log is not written back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{both, platform::db::Db};

    #[tokio::test]
    async fn a_long_log_begins_anew_and_nothing_is_lost() {
        let dir = std::env::temp_dir().join(format!("frontdesk-log-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let db = Db::open_sqlite(&dir.join("t.db")).await.unwrap();
        let write = async |sql: &'static str| {
            let mut tx = db.begin().await.unwrap();
            both!(tx.conn(), c => sqlx::query(sql).execute(c).await.map(|_| ())).unwrap();
            tx.commit().await.unwrap();
        };
        write("CREATE TABLE t (n BIGINT PRIMARY KEY, b BLOB)").await;
        for _ in 0..9 {
            write("INSERT INTO t SELECT COUNT(*), zeroblob(8000000) FROM t").await;
        }
        let Db::Sqlite { writer, .. } = &db else { panic!("SQLite") };
        let (write_back, state) = writer.parts();
        assert!(write_back.lock().await.checkpoint().await.unwrap() >= LONG, "the log is long");
        write_back.lock().await.catch_up(state).await.unwrap();
        write("INSERT INTO t SELECT COUNT(*), NULL FROM t").await;
        assert!(write_back.lock().await.checkpoint().await.unwrap() < FEW, "the log began anew");
        let count: i64 = both!(db.read().await.unwrap().conn(), c => sqlx::query_scalar("SELECT COUNT(*) FROM t")
            .fetch_one(c).await)
        .unwrap();
        assert_eq!(count, 10);
        db.close().await;
        assert_eq!(std::fs::metadata(dir.join("t.db-wal")).map_or(0, |m| m.len()), 0, "all of it is in the file");
        std::fs::remove_dir_all(dir).unwrap();
    }
}
