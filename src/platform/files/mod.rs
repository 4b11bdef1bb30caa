//! Stored files: sources of documents, and whatever else is too large for a row.
//!
//! With SQLite they lie below the data directory. With PostgreSQL they are rows of `stored_files`, in parts, so that
//! any process can read what another took in, and no disk needs to be shared. Where a store that speaks S3 is set, both
//! are where a file waits until it is put away there: what was acknowledged is here, whatever becomes of the store.

mod remote;

use std::path::{Path, PathBuf};

use sqlx::{PgConnection, PgPool};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::{
    db::{Conn, Db},
    error::{Result, blocking},
};
pub use remote::{Place, Remote};

/// The directory of stored files below the data directory.
pub const DIR: &str = "files";
/// Below [`DIR`]: what is on its way in, and copies being read. It belongs to no row.
pub const INCOMING: &str = "incoming";
/// Bytes of one row.
const PART: usize = 1 << 20;

/// The stored files of an installation. A file's path is relative, begins with `files/` and is never used twice for
/// other content.
#[derive(Clone)]
pub struct Files {
    root: PathBuf,
    rows: Option<PgPool>,
    remote: Option<Remote>,
}

/// A file to read: the stored one, or a copy that is gone when this is dropped.
pub struct Readable {
    path: PathBuf,
    is_copy: bool,
}

impl Readable {
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Readable {
    fn drop(&mut self) {
        if self.is_copy {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Files {
    /// The files of the installation whose data directory is `root`.
    pub fn open(db: &Db, root: &Path, remote: Option<Remote>) -> Self {
        let rows = match db {
            Db::Sqlite { .. } => None,
            Db::Pg(pool) => Some(pool.clone()),
        };
        Self { root: root.to_path_buf(), rows, remote }
    }

    /// A name for a file on its way in; the directory exists when this returns.
    pub async fn incoming(&self) -> Result<PathBuf> {
        let dir = self.root.join(DIR).join(INCOMING);
        tokio::fs::create_dir_all(&dir).await?;
        Ok(dir.join(Uuid::now_v7().to_string()))
    }

    /// Removes what a process that is gone left on its way in. Only at the start, before anything is taken in.
    pub async fn clear_incoming(&self) -> Result<()> {
        remove_dir(self.root.join(DIR).join(INCOMING)).await
    }

    /// Keeps the file at `from` as `path`; a file that is there already stays. With SQLite it is durable when this
    /// returns, and `from` stays (a link, so that a second attempt under another name finds the bytes still); with
    /// PostgreSQL when the transaction of `c` commits.
    pub async fn keep(&self, c: Conn<'_>, path: &str, from: &Path) -> Result<()> {
        match c {
            Conn::Sqlite(_) => link(&self.root.join(path), from).await,
            Conn::Pg(c) => insert(c, path, from).await,
        }
    }

    /// The file at `path`, to read. `None`: there is none.
    pub async fn read(&self, path: &str) -> Result<Option<Readable>> {
        // Here first: a file that is put away is in both places for a moment, and never in none.
        if let Some(here) = self.read_here(path).await? {
            return Ok(Some(here));
        }
        let Some(remote) = &self.remote else { return Ok(None) };
        let copy = Readable { path: self.incoming().await?, is_copy: true };
        Ok(remote.get(path, &copy.path).await?.then_some(copy))
    }

    async fn read_here(&self, path: &str) -> Result<Option<Readable>> {
        if let Some(pool) = &self.rows {
            let copy = Readable { path: self.incoming().await?, is_copy: true };
            return Ok(fetch(pool, path, &copy.path).await?.then_some(copy));
        }
        let path = self.root.join(path);
        if !tokio::fs::try_exists(&path).await? {
            return Ok(None);
        }
        if self.remote.is_none() {
            return Ok(Some(Readable { path, is_copy: false }));
        }
        // It may be put away while it is read.
        let copy = Readable { path: self.incoming().await?, is_copy: true };
        let (from, to) = (path, copy.path.clone());
        let copied = blocking(move || {
            let copied = std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(|_| ()));
            match copied {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
                other => Ok(other.map(|()| true)?),
            }
        });
        Ok(copied.await?.then_some(copy))
    }

    /// Whether files are put away elsewhere.
    pub fn has_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Whether the store elsewhere can be reached, if there is one.
    pub async fn health(&self) -> Option<Result<()>> {
        match &self.remote {
            Some(remote) => Some(remote.health().await),
            None => None,
        }
    }

    /// Puts the file at `path` away into the store elsewhere. Safe to repeat; a file that was removed stays removed.
    pub async fn put_away(&self, path: &str) -> Result<()> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let Some(here) = self.read_here(path).await? else { return Ok(()) };
        remote.put(path, here.path()).await?;
        if !self.leave(path).await? {
            // It was removed while it was on its way.
            remote.remove(path).await?;
        }
        Ok(())
    }

    /// Removes the file from here alone. False: it was no longer here.
    async fn leave(&self, path: &str) -> Result<bool> {
        const LEAVE: &str = "DELETE FROM stored_files WHERE path = $1";
        if let Some(pool) = &self.rows {
            return Ok(sqlx::query(LEAVE).bind(path).execute(pool).await?.rows_affected() > 0);
        }
        match tokio::fs::remove_file(self.root.join(path)).await {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
            other => Ok(other.map(|()| true)?),
        }
    }

    /// The paths of files that wait here to be put away: at most `most`.
    pub async fn list_waiting(&self, most: usize) -> Result<Vec<String>> {
        const PATHS: &str = "SELECT path FROM stored_files WHERE part = 0 ORDER BY path LIMIT $1";
        if self.remote.is_none() {
            return Ok(Vec::new());
        }
        if let Some(pool) = &self.rows {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            return Ok(sqlx::query_scalar(PATHS).bind(most).fetch_all(pool).await?);
        }
        let mut paths: Vec<String> = self.walk_here().await?.into_iter().map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.truncate(most);
        Ok(paths)
    }

    /// What lies below the data directory: its path, and where that is.
    async fn walk_here(&self) -> Result<Vec<(String, PathBuf)>> {
        let root = self.root.clone();
        blocking(move || {
            let dir = root.join(DIR);
            let mut found = Vec::new();
            walk(&dir, &mut found)?;
            found.retain(|file| !file.starts_with(dir.join(INCOMING)));
            let named = found.into_iter().filter_map(|file| {
                let path = file.strip_prefix(&root).ok()?.to_str()?.to_string();
                Some((path, file))
            });
            Ok(named.collect())
        })
        .await
    }

    /// Removes every file below `dir`, a relative path without a slash at its end.
    pub async fn remove_below(&self, dir: &str) -> Result<()> {
        self.remove_here(dir).await?;
        if let Some(remote) = &self.remote {
            for path in remote.list(dir).await? {
                remote.remove(&path).await?;
            }
        }
        Ok(())
    }

    async fn remove_here(&self, dir: &str) -> Result<()> {
        const REMOVE: &str = "DELETE FROM stored_files WHERE path >= $1 AND path < $2";
        if let Some(pool) = &self.rows {
            // `0` follows `/`: the range is the directory.
            sqlx::query(REMOVE).bind(format!("{dir}/")).bind(format!("{dir}0")).execute(pool).await?;
        }
        remove_dir(self.root.join(dir)).await
    }

    /// A directory with all files in it, as they lie below `files/`, for a backup. Where they don't all lie there, a
    /// copy, which the caller removes.
    pub async fn gather(&self) -> Result<PathBuf> {
        const PATHS: &str = "SELECT path FROM stored_files WHERE part = 0";
        if !self.gathers_copies() {
            return Ok(self.root.join(DIR));
        }
        let dir = self.incoming().await?;
        tokio::fs::create_dir_all(&dir).await?;
        let place = async |path: &str| {
            let to = dir.join(path.strip_prefix("files/")?);
            if let Some(parent) = to.parent() {
                tokio::fs::create_dir_all(parent).await.ok()?;
            }
            Some(to)
        };
        // What is here first: a file that is put away meanwhile is in the store when that is looked through.
        if let Some(pool) = &self.rows {
            let paths: Vec<String> = sqlx::query_scalar(PATHS).fetch_all(pool).await?;
            for path in paths {
                if let Some(to) = place(&path).await
                    && !fetch(pool, &path, &to).await?
                {
                    tokio::fs::remove_file(&to).await?; // it was put away meanwhile, or removed
                }
            }
        } else {
            for (path, file) in self.walk_here().await? {
                if let Some(to) = place(&path).await
                    && tokio::fs::hard_link(&file, &to).await.is_err()
                    && tokio::fs::try_exists(&file).await?
                {
                    tokio::fs::copy(&file, &to).await?;
                }
            }
        }
        if let Some(remote) = &self.remote {
            for path in remote.list(DIR).await? {
                if let Some(to) = place(&path).await
                    && !tokio::fs::try_exists(&to).await?
                {
                    // False: it was removed meanwhile.
                    remote.get(&path, &to).await?;
                }
            }
        }
        Ok(dir)
    }

    /// Whether [`gather`](Self::gather) makes a copy.
    pub fn gathers_copies(&self) -> bool {
        self.rows.is_some() || self.remote.is_some()
    }

    /// Takes over the files that lie below the data directory, as a restore leaves them. Nothing to do with SQLite.
    pub async fn adopt(&self) -> Result<()> {
        let Some(pool) = &self.rows else { return Ok(()) };
        for (path, file) in self.walk_here().await? {
            let mut tx = pool.begin().await?;
            insert(&mut tx, &path, &file).await?;
            tx.commit().await?;
        }
        remove_dir(self.root.join(DIR)).await
    }
}

async fn remove_dir(dir: PathBuf) -> Result<()> {
    blocking(move || match std::fs::remove_dir_all(&dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    })
    .await
}

async fn link(target: &Path, from: &Path) -> Result<()> {
    let (target, from) = (target.to_path_buf(), from.to_path_buf());
    blocking(move || {
        let Some(dir) = target.parent() else { return Ok(()) };
        std::fs::create_dir_all(dir)?;
        if !target.exists() && std::fs::hard_link(&from, &target).is_err() {
            let temporary = target.with_extension("part");
            std::fs::copy(&from, &temporary)?;
            std::fs::File::open(&temporary)?.sync_all()?;
            std::fs::rename(&temporary, &target)?;
        }
        for dir in [Some(dir), dir.parent()].into_iter().flatten() {
            std::fs::File::open(dir)?.sync_all()?;
        }
        Ok(())
    })
    .await
}

async fn insert(c: &mut PgConnection, path: &str, from: &Path) -> Result<()> {
    const INSERT: &str =
        "INSERT INTO stored_files (path, part, bytes) VALUES ($1, $2, $3) ON CONFLICT (path, part) DO NOTHING";
    let mut file = tokio::fs::File::open(from).await?;
    for part in 0i64.. {
        let mut bytes = Vec::with_capacity(PART);
        (&mut file).take(PART as u64).read_to_end(&mut bytes).await?;
        // An empty file has one empty part.
        if bytes.is_empty() && part > 0 {
            break;
        }
        sqlx::query(INSERT).bind(path).bind(part).bind(bytes).execute(&mut *c).await?;
    }
    Ok(())
}

/// Writes the stored file to `to`; false if there is none.
async fn fetch(pool: &PgPool, path: &str, to: &Path) -> Result<bool> {
    const PART_OF: &str = "SELECT bytes FROM stored_files WHERE path = $1 AND part = $2";
    let mut file = tokio::fs::File::create(to).await?;
    for part in 0i64.. {
        let bytes: Option<Vec<u8>> = sqlx::query_scalar(PART_OF).bind(path).bind(part).fetch_optional(pool).await?;
        match bytes {
            Some(bytes) => file.write_all(&bytes).await?,
            None if part == 0 => return Ok(false),
            None => break,
        }
    }
    file.flush().await?;
    Ok(true)
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), found)?;
        } else {
            found.push(entry.path());
        }
    }
    Ok(())
}
/// Makes a directory that only its owner can look into, and those above it; one that is there keeps its rights.
pub fn make_private_dir(path: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
