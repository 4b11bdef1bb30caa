//! SQLite's one writer, with group commit.

use std::sync::Arc;

use sqlx::{SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard, oneshot};

use super::write_back::{self, WriteBack};
use crate::platform::error::{Error, Result};

/// The writer.
///
/// A transaction is a savepoint inside an outer transaction. `commit` releases the savepoint and waits; the committer
/// task queues at the gate behind the writers that are already waiting (locks are fair), then commits the outer
/// transaction once for all of them. Who has nobody behind them commits in place, without the hop to that task. Nothing
/// is acknowledged before that sync, and an idle database commits at once.
pub struct Writer {
    state: Arc<Mutex<WriterState>>,
    gate: Arc<Mutex<()>>,
    released: Arc<Notify>,
    write_back: Arc<Mutex<WriteBack>>,
    committer: tokio::task::AbortHandle,
    writing_back: tokio::task::AbortHandle,
}

/// The database with nobody else writing, outside any transaction.
pub struct Exclusive {
    writer: OwnedMutexGuard<WriterState>,
    _write_back: OwnedMutexGuard<WriteBack>,
}

impl Exclusive {
    pub fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.writer.conn
    }
}

/// The writer's connection and what its open transaction holds.
pub struct WriterState {
    pub(super) conn: SqliteConnection,
    open: bool,
    abandoned: bool,
    /// Whether a transaction is open is not known: nobody waited for the end of its beginning, or of its commit.
    doubtful: bool,
    waiting: Vec<oneshot::Sender<Result<(), String>>>,
    committed: Arc<Notify>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.committer.abort();
        self.writing_back.abort();
    }
}

impl Writer {
    pub(super) fn start(conn: SqliteConnection, options: SqliteConnectOptions) -> Arc<Self> {
        let committed = Arc::new(Notify::new());
        let (open, abandoned, doubtful) = (false, false, false);
        let state = WriterState { conn, open, abandoned, doubtful, waiting: Vec::new(), committed: committed.clone() };
        let state = Arc::new(Mutex::new(state));
        let gate = Arc::new(Mutex::new(()));
        let released = Arc::new(Notify::new());
        let committer = tokio::spawn({
            let (state, gate, released) = (state.clone(), gate.clone(), released.clone());
            async move {
                loop {
                    released.notified().await;
                    let _gate = gate.lock().await;
                    let mut state = state.lock().await;
                    state.commit_open().await;
                }
            }
        })
        .abort_handle();
        let write_back = WriteBack::new(options);
        let writing_back = tokio::spawn(write_back::run(write_back.clone(), state.clone(), committed)).abort_handle();
        Arc::new(Self { state, gate, released, write_back, committer, writing_back })
    }

    pub(super) async fn begin(&self) -> Result<WriterTx> {
        let _gate = self.gate.lock().await;
        let mut state = self.state.clone().lock_owned().await;
        state.undo_abandoned().await;
        if state.open {
            sqlx::query("SAVEPOINT work").execute(&mut state.conn).await?;
        } else {
            // One call for both: each goes to the connection's thread and back.
            state.doubtful = true; // who gives up here may have begun it
            sqlx::query("BEGIN IMMEDIATE; SAVEPOINT work").execute(&mut state.conn).await?;
            (state.open, state.doubtful) = (true, false);
        }
        state.abandoned = true; // until released
        Ok(WriterTx { state, gate: self.gate.clone(), released: self.released.clone() })
    }

    /// The connection with no transaction open, and nobody else at work.
    pub(super) async fn exclusive(&self) -> Exclusive {
        // In this order, as whoever writes back takes them.
        let mut write_back = self.write_back.clone().lock_owned().await;
        write_back.close().await;
        let mut writer = self.state.clone().lock_owned().await;
        writer.commit_open().await;
        Exclusive { writer, _write_back: write_back }
    }

    /// The same for good: nothing opens the database again once the log is empty.
    pub(super) async fn exclusive_for_good(&self) -> Exclusive {
        let exclusive = self.exclusive().await;
        // It holds the lock of whoever writes back, so that none is cut off in the middle.
        self.writing_back.abort();
        exclusive
    }
}

#[cfg(test)]
impl Writer {
    pub(super) fn parts(&self) -> (&Arc<Mutex<WriteBack>>, &Arc<Mutex<WriterState>>) {
        (&self.write_back, &self.state)
    }
}

impl WriterState {
    async fn undo_abandoned(&mut self) {
        if std::mem::take(&mut self.doubtful) {
            // Nobody was told whether it came to pass; if it did, there is nothing to roll back.
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
            (self.open, self.abandoned) = (false, false);
        }
        if std::mem::take(&mut self.abandoned) {
            let undone = sqlx::raw_sql("ROLLBACK TO work; RELEASE work").execute(&mut self.conn).await;
            if undone.is_err() {
                // SQLite itself rolled back everything (a full disk does that): whoever waits must hear of it.
                self.open = false;
                for waiting in self.waiting.drain(..) {
                    let _ = waiting.send(Err("the transaction was rolled back".into()));
                }
                let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
            }
        }
    }

    /// Commits the one transaction that is open.
    async fn commit_in_place(&mut self) -> Result<()> {
        self.doubtful = true; // until we know
        let outcome = sqlx::query("RELEASE work; COMMIT").execute(&mut self.conn).await;
        self.doubtful = false;
        if outcome.is_err() {
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
        }
        (self.open, self.abandoned) = (false, false);
        self.committed.notify_one();
        outcome.map(|_| ()).map_err(|e| Error::Internal(anyhow::Error::new(e).context("commit")))
    }

    /// Commits what is released; then no transaction is open.
    pub(super) async fn commit_open(&mut self) {
        self.undo_abandoned().await;
        if !self.open {
            return;
        }
        self.open = false;
        let outcome = sqlx::raw_sql("COMMIT").execute(&mut self.conn).await.map(|_| ()).map_err(|e| e.to_string());
        if outcome.is_err() {
            let _ = sqlx::query("ROLLBACK").execute(&mut self.conn).await;
        }
        self.committed.notify_one();
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(outcome.clone());
        }
    }
}

/// One transaction on SQLite's writer.
pub struct WriterTx {
    pub(super) state: OwnedMutexGuard<WriterState>,
    gate: Arc<Mutex<()>>,
    released: Arc<Notify>,
}

impl WriterTx {
    pub(super) async fn commit(mut self) -> Result<()> {
        // Whoever wants to write, or to commit what others wrote, stands at the gate.
        if self.state.waiting.is_empty()
            && let Ok(_gate) = self.gate.clone().try_lock_owned()
        {
            return self.state.commit_in_place().await;
        }
        let (done, committed) = oneshot::channel();
        sqlx::query("RELEASE work").execute(&mut self.state.conn).await?;
        self.state.abandoned = false;
        self.state.waiting.push(done);
        drop(self); // notifies the committer
        match committed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(Error::Internal(anyhow::anyhow!("commit: {why}"))),
            Err(_) => Err(Error::Internal(anyhow::anyhow!("commit: the database was closed"))),
        }
    }
}

impl Drop for WriterTx {
    fn drop(&mut self) {
        // Abandoned or released, the committer tidies up; a failed transaction must not hold the write lock.
        if self.state.open {
            self.released.notify_one();
        }
    }
}
