//! SQLite and PostgreSQL behind one SQL text.
//!
//! Reads take a connection from a pool. Writes are transactions: on PostgreSQL ordinary ones; SQLite has one writer,
//! so there transactions queue for one connection and those that queue together share one sync ([`Writer`]).

mod rehome;
mod write_back;
mod writer;

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use super::error::{Error, Result};
pub use rehome::rehome;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolConnection,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use writer::WriterTx;
pub use writer::{Exclusive, Writer};

/// The schema of both databases.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// A database: one file, or a PostgreSQL server.
#[derive(Clone)]
pub enum Db {
    Sqlite { readers: SqlitePool, writer: Arc<Writer> },
    Pg(PgPool),
}

/// A connection of either database, as every `store` function takes it.
pub enum Conn<'a> {
    Sqlite(&'a mut SqliteConnection),
    Pg(&'a mut PgConnection),
}

/// Runs the same tokens against whichever database `$on` is; they are type-checked for each driver.
/// Inside, `DB` names the driver's `sqlx::Database`.
#[macro_export]
macro_rules! both {
    ($on:expr, $c:ident => $body:expr) => {
        match $on {
            $crate::platform::db::Conn::Sqlite($c) => {
                #[allow(dead_code, reason = "only dynamic SQL names it")]
                type DB = sqlx::Sqlite;
                $body
            }
            $crate::platform::db::Conn::Pg($c) => {
                #[allow(dead_code, reason = "only dynamic SQL names it")]
                type DB = sqlx::Postgres;
                $body
            }
        }
    };
}

/// A SELECT whose rows nobody else changes until the transaction ends. On SQLite the writer is alone anyway.
#[macro_export]
macro_rules! locking {
    ($on:expr, $sql:literal) => {
        if $on.is_pg() { concat!($sql, " FOR UPDATE") } else { $sql }
    };
}

impl Conn<'_> {
    /// The same connection for one more statement.
    pub fn again(&mut self) -> Conn<'_> {
        match self {
            Conn::Sqlite(c) => Conn::Sqlite(c),
            Conn::Pg(c) => Conn::Pg(c),
        }
    }

    /// Whether this is PostgreSQL, for the few places where the two texts differ.
    pub fn is_pg(&self) -> bool {
        matches!(self, Conn::Pg(_))
    }
}

/// A connection for reading; sees only what is committed.
pub enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Pg(PoolConnection<Postgres>),
}

impl Reader {
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(c) => Conn::Sqlite(c),
            Self::Pg(c) => Conn::Pg(c),
        }
    }
}

/// A write transaction. Dropped without `commit`, it leaves nothing behind.
pub enum Tx {
    Sqlite(WriterTx),
    Pg(Transaction<'static, Postgres>),
}

impl Tx {
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(tx) => Conn::Sqlite(&mut tx.state.conn),
            Self::Pg(tx) => Conn::Pg(tx),
        }
    }

    /// Returns once the transaction is on disk.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Pg(tx) => Ok(tx.commit().await?),
        }
    }
}

impl Db {
    /// Opens (and creates) the SQLite file at `path`.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(512)
            .pragma("cache_size", "-16000")
            .pragma("temp_store", "memory")
            // Nobody's commit waits for the log: see `write_back`.
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging();
        let conn = SqliteConnection::connect_with(&options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(8)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
        Ok(Self::Sqlite { readers, writer: Writer::start(conn, options.create_if_missing(false)) })
    }

    /// Connects to the PostgreSQL database at `url`.
    pub async fn open_pg(url: &str, max_connections: u32) -> Result<Self> {
        let options = sqlx::postgres::PgConnectOptions::from_str(url)
            .map_err(|e| Error::Invalid(format!("database.url: {e}")))?
            .options([("timezone", "UTC")])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(|e| Error::Unavailable { service: "PostgreSQL", source: e.into() })?;
        Ok(Self::Pg(pool))
    }

    pub fn is_pg(&self) -> bool {
        matches!(self, Self::Pg(_))
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await?),
            Self::Pg(pool) => Reader::Pg(pool.acquire().await?),
        })
    }

    /// A write transaction. On SQLite it sees what others wrote before it although that may not be on disk yet: who tells
    /// somebody what stands there, without a change of their own, commits first too.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin().await?),
            Self::Pg(pool) => Tx::Pg(pool.begin().await?),
        })
    }

    /// Brings the schema up to date; refuses a database that a newer program has migrated.
    pub async fn migrate(&self) -> Result<()> {
        self.migrate_to(&MIGRATIONS, None).await
    }

    /// Brings the schema to the state after migration `version` of `migrations`, or to the newest.
    pub async fn migrate_to(&self, migrations: &Migrator, version: Option<i64>) -> Result<()> {
        let outcome = match self {
            Self::Sqlite { writer, .. } => migrations.run_direct(version, writer.exclusive().await.conn(), false).await,
            Self::Pg(pool) => migrations.run_direct(version, &mut *pool.acquire().await?, false).await,
        };
        outcome.map_err(migration_failed)
    }

    /// Takes the SQLite writer for as long as the guard lives; `None` on PostgreSQL.
    pub async fn exclusive_sqlite(&self) -> Option<Exclusive> {
        match self {
            Self::Sqlite { writer, .. } => Some(writer.exclusive().await),
            Self::Pg(_) => None,
        }
    }

    /// Rewrites the SQLite file and empties its log, so that nothing that was deleted can be read from the disk.
    /// PostgreSQL's deleted rows go with its own vacuum, out of our reach.
    pub async fn scrub(&self) -> Result<()> {
        let Some(mut writer) = self.exclusive_sqlite().await else { return Ok(()) };
        sqlx::query("VACUUM").execute(writer.conn()).await?;
        for _ in 0..20 {
            let (busy, _, _): (i64, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer.conn()).await?;
            if busy == 0 {
                return Ok(());
            }
            // A reader still looks at an older state, which the log must keep.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(Error::Unavailable { service: "the database", source: anyhow::anyhow!("its log is in use") })
    }

    /// Waits for open work and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                // Folds the log back into the file, so that a copy of the directory is whole.
                let mut writer = writer.exclusive_for_good().await;
                let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer.conn()).await;
            }
            Self::Pg(pool) => pool.close().await,
        }
    }
}

/// The pattern for LIKE of what holds `text`, in lower case; `!` is the escape.
pub fn holding(text: &str) -> String {
    format!("%{}%", literal(text))
}

/// The pattern for LIKE of what begins with `text`, in lower case; `!` is the escape.
pub fn beginning(text: &str) -> String {
    format!("{}%", literal(text))
}

fn literal(text: &str) -> String {
    text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// What a failed migration means to whoever started the program.
pub fn migration_failed(error: MigrateError) -> Error {
    match error {
        MigrateError::VersionMissing(version) => Error::Invalid(format!(
            "the database is newer than this program (it has migration {version}): install the newer version"
        )),
        other => Error::Internal(anyhow::Error::new(other).context("migrating the database")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn scratch() -> (Db, std::path::PathBuf) {
        let dir = std::env::temp_dir().join(format!("frontdesk-db-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        let db = Db::open_sqlite(&dir.join("t.db")).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        both!(tx.conn(), c => sqlx::query("CREATE TABLE t (n BIGINT PRIMARY KEY)").execute(c).await.map(|_| ()))
            .unwrap();
        tx.commit().await.unwrap();
        (db, dir)
    }

    async fn insert(db: &Db, n: i64) -> Result<()> {
        let mut tx = db.begin().await?;
        both!(tx.conn(), c => sqlx::query("INSERT INTO t VALUES ($1)").bind(n).execute(c).await.map(|_| ()))?;
        tx.commit().await
    }

    async fn count(db: &Db) -> i64 {
        let mut reader = db.read().await.unwrap();
        both!(reader.conn(), c => sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(c).await).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_transactions_share_commits_and_all_are_kept() {
        let (db, dir) = scratch().await;
        let writes = (0..200).map(|n| {
            let db = db.clone();
            tokio::spawn(async move { insert(&db, n).await })
        });
        for write in futures::future::join_all(writes).await {
            write.unwrap().unwrap();
        }
        assert_eq!(count(&db).await, 200);
        std::fs::remove_dir_all(dir).unwrap();
    }

    /// Who gives up in the middle of committing may have committed; nobody else loses anything by it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_commit_that_nobody_waits_for_any_more_is_whole_or_nothing() {
        let (db, dir) = scratch().await;
        for n in 0..200 {
            let patience = Duration::from_micros(u64::try_from(n).unwrap() * 7);
            let given_up = tokio::time::timeout(patience, insert(&db, 2 * n)).await;
            insert(&db, 2 * n + 1).await.unwrap();
            let mut reader = db.read().await.unwrap();
            let is_there: bool =
                both!(reader.conn(), c => sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM t WHERE n = $1)")
                .bind(2 * n).fetch_one(c).await)
                .unwrap();
            assert!(is_there || given_up.is_err(), "{n} was acknowledged and is lost");
        }
        let mut reader = db.read().await.unwrap();
        let odd: i64 =
            both!(reader.conn(), c => sqlx::query_scalar("SELECT COUNT(*) FROM t WHERE n % 2 = 1").fetch_one(c).await)
                .unwrap();
        assert_eq!(odd, 200);
        drop(reader);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[tokio::test]
    async fn a_failed_or_dropped_transaction_leaves_nothing_and_blocks_nobody() {
        let (db, dir) = scratch().await;
        insert(&db, 1).await.unwrap();
        assert!(insert(&db, 1).await.is_err());
        let mut dropped = db.begin().await.unwrap();
        both!(dropped.conn(), c => sqlx::query("INSERT INTO t VALUES (7)").execute(c).await.map(|_| ())).unwrap();
        drop(dropped);
        insert(&db, 2).await.unwrap();
        assert_eq!(count(&db).await, 2);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
