//! One server per data directory: a lock that also says how to reach it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use frontdesk::platform::{Error, Result, files};
use serde::{Deserialize, Serialize};

/// How a command reaches the server that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub url: String,
    pub token: String,
}

/// Held by the process that owns the data directory; let go when it ends, however it ends.
pub struct Lock(File);

/// Who has the data directory.
pub enum Held {
    Ours(Lock),
    /// A server that tells how to reach it, or another command that works alone (`None`).
    Another(Option<Running>),
}

/// Takes the data directory, or says who has it.
pub fn take(data_dir: &Path) -> Result<Held> {
    let cannot = |e: std::io::Error| {
        Error::Invalid(format!("{}: the data directory cannot be written: {e}", data_dir.display()))
    };
    files::make_private_dir(data_dir).map_err(cannot)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(data_dir.join("frontdesk.lock")).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).map_err(cannot)?;
            Ok(Held::Ours(Lock(file)))
        }
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(cannot)?;
            Ok(Held::Another(serde_json::from_str(&text).ok()))
        }
        Err(TryLockError::Error(e)) => Err(cannot(e)),
    }
}

impl Lock {
    /// Writes down how to reach us.
    pub fn announce(&mut self, running: &Running) -> Result<()> {
        self.0.rewind()?;
        self.0.set_len(0)?;
        self.0.write_all(serde_json::to_string(running)?.as_bytes())?;
        Ok(self.0.sync_all()?)
    }
}

/// For commands that need the directory to themselves.
pub fn alone(data_dir: &Path, what: &str) -> Result<Lock> {
    match take(data_dir)? {
        Held::Ours(lock) => Ok(lock),
        Held::Another(running) => {
            let who = running.map_or("another command".to_string(), |r| format!("a server (process {})", r.pid));
            Err(Error::Conflict(format!(
                "{}: {who} is using this data directory; stop it, then {what}",
                data_dir.display()
            )))
        }
    }
}
