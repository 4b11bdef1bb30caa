//! Uploaded files as the application keeps them: with their rows first, and put away elsewhere by a job.

use chrono::Duration;

use super::{App, Job, OrgId};
use crate::platform::{Result, db::Conn, files::DIR};
use std::path::Path;

/// How long after a removal it is done once more: whoever was just putting the file away has finished by then.
const AGAIN: Duration = Duration::minutes(15);
/// How many files that were left waiting are put away at a time.
const BATCH: usize = 500;

impl App {
    /// Keeps the file at `from` as `path`, on the caller's transaction.
    pub async fn keep_file(&self, mut c: Conn<'_>, org: OrgId, path: &str, from: &Path) -> Result<()> {
        self.files.keep(c.again(), path, from).await?;
        if self.files.has_remote() {
            Job::PutAway { path: path.into() }.push(c, org, self.now()).await?;
        }
        Ok(())
    }

    /// Removes every file below `dir`, wherever it lies.
    pub async fn remove_files(&self, org: OrgId, dir: &str) -> Result<()> {
        if self.files.has_remote() {
            // First: when the store can't be reached now, or somebody is putting one away, it is done later.
            let mut tx = self.begin().await?;
            Job::Remove { dir: dir.into() }.push_at(tx.conn(), org, self.now(), self.now() + AGAIN).await?;
            tx.commit().await?;
        }
        self.files.remove_below(dir).await
    }

    /// Sees to files that wait to be put away although no job will: the store was set just now, or was gone for long.
    pub async fn put_files_away(&self) -> Result<()> {
        let waiting = self.files.list_waiting(BATCH).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for path in waiting {
            let org = path.strip_prefix(DIR).and_then(|p| p.trim_start_matches('/').split('/').next()?.parse().ok());
            if let Some(org) = org {
                Job::PutAway { path }.push(tx.conn(), OrgId(org), self.now()).await?;
            }
        }
        tx.commit().await?;
        self.work.send_replace(());
        Ok(())
    }
}
