//! Backup and restore of an installation: what the application adds to the rows and files of [`platform::backup`].
//!
//! [`platform::backup`]: crate::platform::backup

pub mod api;
mod restore;

use std::{collections::BTreeMap, io::Write};

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use restore::restore;

use crate::{
    app::App,
    inbox,
    platform::{
        Result,
        backup::{Contents, Manifest, Snapshot},
        files,
    },
};

/// Sign-ins and links that work once are left behind: a backup in the wrong hands opens no session, and whoever
/// restores signs in again.
/// Stored files are in the backup as files, wherever they lie here.
const LEFT_OUT: [&str; 3] = ["sessions", "one_time_links", "stored_files"];

/// Uploads on their way: what is in `files/incoming` belongs to no row.
const PASSING: &[&str] = &[files::INCOMING];

/// What the master key seals to be known again by.
const KEY_CHECK: &str = "backup";

/// Holds on to what is kept now.
pub async fn begin(app: &App) -> Result<Snapshot> {
    inbox::bring_in(app).await?;
    Snapshot::begin(&app.db, &LEFT_OUT).await
}

/// Writes `snapshot` and the uploaded files to `out`, while the application goes on.
pub async fn write(
    app: &App,
    snapshot: Snapshot,
    out: impl Write + Send + 'static,
    with_key: bool,
) -> Result<Manifest> {
    let files = app.files.gather().await?;
    let contents = Contents {
        program: env!("CARGO_PKG_VERSION").into(),
        created_at: app.now(),
        files: files.clone(),
        passing: PASSING,
        key_check: app.key.seal(KEY_CHECK, KEY_CHECK.as_bytes())?,
        key: with_key.then(|| app.key.expose().to_string()),
    };
    let written = snapshot.write(out, contents).await;
    if app.files.gathers_copies() {
        tokio::fs::remove_dir_all(&files).await?;
    }
    written
}

/// What was restored, and what is left to do.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub created_at: DateTime<Utc>,
    /// The version of the program that wrote the backup.
    pub program: String,
    pub tables: BTreeMap<String, u64>,
    pub rows: u64,
    pub files: usize,
    /// Files that the backup's rows name and that were deleted while it was written.
    pub vanished: u64,
    pub key: KeyState,
    /// Where the key belongs, in words.
    #[serde(skip)]
    place: String,
}

/// Whether what the master key sealed (the channels' secrets) can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// The key that is set here is the one.
    Right,
    /// The backup held it; it is in the data directory now.
    Restored,
    /// The backup held it, and it must be set by hand where the data directory's is not read.
    RestoredToBeSet,
    /// Another one is set here.
    Wrong,
    /// There is none here.
    Missing,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Restored the backup of {} (Frontdesk {}): {} rows in {} tables, {} files.",
            self.created_at.format("%Y-%m-%d %H:%M UTC"),
            self.program,
            self.rows,
            self.tables.len(),
            self.files
        )?;
        if self.vanished > 0 {
            write!(f, "\n{} files were deleted while the backup was written and are not in it.", self.vanished)?;
        }
        let place = &self.place;
        match self.key {
            KeyState::Right => {}
            KeyState::Restored => write!(f, "\nThe secret key is in {place}.")?,
            KeyState::RestoredToBeSet => {
                write!(f, "\nThe secret key is in {place}: set FRONTDESK_SECRET_KEY to it before the first start.")?;
            }
            KeyState::Wrong => write!(
                f,
                "\nThe secret key that is set here is not the one of the backup, so the channels' secrets can't be \
                 opened. Before the first start set FRONTDESK_SECRET_KEY to the old key, or put the old secret.key to \
                 {place}. Without it, connect each channel anew."
            )?,
            KeyState::Missing => write!(
                f,
                "\nThe secret key is not in the backup, so the channels' secrets can't be opened. Before the first \
                 start put the old secret.key to {place}, or set FRONTDESK_SECRET_KEY to it. Without it, connect each \
                 channel anew."
            )?,
        }
        write!(f, "\nThe search index is built at the first start; everybody signs in again.")
    }
}
