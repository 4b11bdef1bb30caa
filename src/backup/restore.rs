//! Restoring: into a data directory or database with nothing in it, or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{KEY_CHECK, KeyState, PASSING, Report};
use crate::{
    app::Config,
    platform::{
        Clock, Error, Result,
        backup::{self, Archive, catalog},
        crypto::MasterKey,
        db::{Db, MIGRATIONS},
        error::blocking,
        files::{self, Files},
    },
    staff,
};

/// Where the parts of a restoration lie until it is whole.
const UNFINISHED_FILES: &str = "files.restoring";
const UNFINISHED_DATABASE: &str = "frontdesk.db.restoring";

/// Puts the backup `file` into the data directory and the database of `config`. Everything in the file is checked
/// before anything is written; what is not empty is refused; a restoration that fails leaves nothing. The index is
/// built from the rows when the application starts. `secret_key` is what `FRONTDESK_SECRET_KEY` says.
pub async fn restore(config: &Config, data_dir: &Path, secret_key: Option<String>, file: &Path) -> Result<Report> {
    let newest = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or_default();
    let path = file.to_path_buf();
    let (archive, included_key) = blocking(move || {
        let mut archive = Archive::check(&path, newest)?;
        let key = archive.key()?;
        Ok((archive, key))
    })
    .await?;
    let key = KeyFile::open(data_dir.join("secret.key"), secret_key, included_key)?;
    let key_state = key.state(&archive.manifest.about.key_check, config.database.url.is_some())?;
    let target = Target::open(config, data_dir).await?;
    let manifest = archive.manifest.clone();
    if let Err(error) = target.fill(archive, &key).await {
        target.undo(&key).await;
        return Err(error);
    }
    Ok(Report {
        created_at: manifest.about.created_at,
        program: manifest.about.program.clone(),
        rows: manifest.rows(),
        files: manifest.files(),
        vanished: manifest.vanished,
        tables: manifest.tables,
        key: key_state,
        place: key.path.display().to_string(),
    })
}

/// The empty place to restore into.
struct Target {
    dir: PathBuf,
    db: Db,
}

impl Target {
    async fn open(config: &Config, dir: &Path) -> Result<Self> {
        let dir = dir.to_path_buf();
        fs::create_dir_all(&dir)
            .map_err(|e| Error::Invalid(format!("{}: cannot create the data directory: {e}", dir.display())))?;
        if has_files(&dir.join(files::DIR))? {
            return Err(Error::Invalid(format!(
                "{} is not empty: restore into another data directory",
                dir.join(files::DIR).display()
            )));
        }
        remove_dir(&dir.join(UNFINISHED_FILES))?;
        let db = match &config.database.url {
            None => {
                for name in ["frontdesk.db", "frontdesk.db-wal"] {
                    if fs::metadata(dir.join(name)).is_ok_and(|m| m.len() > 0) {
                        return Err(Error::Invalid(format!(
                            "there is a database in {}: restore into another data directory",
                            dir.display()
                        )));
                    }
                }
                remove_database(&dir.join(UNFINISHED_DATABASE))?;
                Db::open_sqlite(&dir.join(UNFINISHED_DATABASE)).await?
            }
            Some(url) => {
                let db = Db::open_pg(url.expose(), 2).await?;
                let is_empty = catalog::is_empty(db.read().await?.conn()).await?;
                if !is_empty {
                    db.close().await;
                    return Err(Error::Invalid("the PostgreSQL database is not empty: restore into a new one".into()));
                }
                db
            }
        };
        Ok(Self { dir, db })
    }

    async fn fill(&self, archive: Archive, key: &KeyFile) -> Result<()> {
        let unfinished = self.dir.join(UNFINISHED_FILES);
        let settle_files = || {
            key.write()?;
            if unfinished.is_dir() {
                // What is there holds no file.
                remove_dir(&self.dir.join(files::DIR))?;
                fs::rename(&unfinished, self.dir.join(files::DIR))?;
            }
            sync(&self.dir)
        };
        let now = Clock::System.now();
        backup::load(&self.db, &MIGRATIONS, archive, unfinished.clone(), now, settle_files).await?;
        Files::open(&self.db, &self.dir, None).adopt().await?;
        self.db.close().await;
        // How far the audit log of what was here before went is nothing to hold against what is here now.
        remove_file(&self.dir.join(staff::HEADS_FILE))?;
        if !self.db.is_pg() {
            let database = self.dir.join(UNFINISHED_DATABASE);
            leave_log(&self.db).await?;
            fs::File::open(&database)?.sync_all()?;
            remove_database(&self.dir.join("frontdesk.db"))?;
            fs::rename(&database, self.dir.join("frontdesk.db"))?;
            remove_database(&database)?;
            sync(&self.dir)?;
        }
        Ok(())
    }

    /// As it was before, as far as possible; the next attempt removes what is left of an unfinished one.
    async fn undo(&self, key: &KeyFile) {
        self.db.close().await;
        let _ = remove_dir(&self.dir.join(UNFINISHED_FILES));
        let _ = remove_dir(&self.dir.join(files::DIR));
        for name in [UNFINISHED_DATABASE, "frontdesk.db"] {
            let _ = remove_database(&self.dir.join(name));
        }
        if key.there.is_none() && key.included.is_some() {
            let _ = fs::remove_file(&key.path);
        }
    }
}

/// Makes the SQLite file stand alone: with a log, an open connection would still know it by its old name.
async fn leave_log(db: &Db) -> Result<()> {
    if let Some(mut writer) = db.exclusive_sqlite().await {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode = DELETE").fetch_one(writer.conn()).await?;
        if mode != "delete" {
            return Err(Error::Internal(anyhow::anyhow!("the restored database is still in use")));
        }
    }
    Ok(())
}

/// The master key: what is here, and what the backup holds.
struct KeyFile {
    path: PathBuf,
    there: Option<String>,
    set: Option<String>,
    included: Option<String>,
}

impl KeyFile {
    fn open(path: PathBuf, set: Option<String>, included: Option<String>) -> Result<Self> {
        let there = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::Invalid(format!("{}: {e}", path.display()))),
        };
        Ok(Self { path, there, set, included })
    }

    /// How the backup's key stands to the one that is here; refuses to replace a key.
    fn state(&self, check: &str, is_pg: bool) -> Result<KeyState> {
        if let (Some(there), Some(included)) = (&self.there, &self.included)
            && there.trim() != included.trim()
        {
            return Err(Error::Invalid(format!(
                "{} is another key than the one in the backup: move it away first",
                self.path.display()
            )));
        }
        let set = match &self.set {
            Some(text) => {
                Some(MasterKey::parse(text).map_err(|e| Error::Invalid(format!("FRONTDESK_SECRET_KEY: {e}")))?)
            }
            // With PostgreSQL the file is not read.
            None => self.there.as_ref().filter(|_| !is_pg).map(|text| MasterKey::parse(text)).transpose()?,
        };
        Ok(match set {
            Some(key) if key.open(KEY_CHECK, check).is_ok() => KeyState::Right,
            None if self.included.is_some() && !is_pg => KeyState::Restored,
            _ if self.included.is_some() => KeyState::RestoredToBeSet,
            Some(_) => KeyState::Wrong,
            None => KeyState::Missing,
        })
    }

    fn write(&self) -> Result<()> {
        use std::io::Write;
        let Some(key) = &self.included else { return Ok(()) };
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()), // the same, as `state` saw
            Err(e) => Err(Error::Invalid(format!("{}: {e}", self.path.display()))),
            Ok(mut file) => {
                file.write_all(key.trim().as_bytes())?;
                Ok(file.sync_all()?)
            }
        }
    }
}

/// Whether there is any file below, uploads on their way apart.
fn has_files(dir: &Path) -> Result<bool> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let is_passing = entry.file_name().to_str().is_some_and(|name| PASSING.contains(&name));
        if !is_passing && (!entry.file_type()?.is_dir() || has_files(&entry.path())?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove_dir(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::Invalid(format!("{}: {e}", dir.display()))),
        _ => Ok(()),
    }
}

/// A SQLite file with what lies beside it.
fn remove_database(path: &Path) -> Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        remove_file(Path::new(&name))?;
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::Invalid(format!("{}: {e}", path.display()))),
        _ => Ok(()),
    }
}

fn sync(dir: &Path) -> Result<()> {
    Ok(fs::File::open(dir)?.sync_all()?)
}
