//! A whole installation as one file, whatever database it lives in, and back. Knows tables and files, no features.
//!
//! The file is a gzipped tar archive:
//!
//! | member | content |
//! |---|---|
//! | `about.json` | the first: what this is, of which version ([`About`]) |
//! | `tables/<table>/<n>.jsonl` | the rows, one JSON object a line, in parts of about a megabyte; each table after those it refers to |
//! | `files/…` | the uploaded files |
//! | `secret.key` | the master key, only when asked for |
//! | `manifest.json` | the last: how many rows, and size and SHA-256 of every member before it ([`Manifest`]) |
//!
//! In a row ids are text, times RFC 3339 to the microsecond, JSON columns JSON; a column that is NULL is left out. So
//! it reads the same whichever database wrote it. A file without its last member was cut off.
//!
//! The rows are one snapshot: what was committed when the backup began. The files are listed right after that and
//! copied later. A stored file never changes, so a copy is always whole; one that was stored after the snapshot comes
//! along and belongs to no row; one that is gone when its turn comes belonged to a document that was deleted
//! meanwhile: the backup still has its rows and passages, from before the deletion, but not its source.

mod archive;
pub mod catalog;
mod dump;
mod load;
mod row;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use archive::Archive;
pub use dump::{Contents, Snapshot};
pub use load::load;

/// What `about.json` says the file is.
const FORMAT: &str = "frontdesk-backup";
/// How the file is laid out; a program reads its own and earlier ones.
const FORMAT_VERSION: u32 = 1;

const ABOUT: &str = "about.json";
const MANIFEST: &str = "manifest.json";
const KEY: &str = "secret.key";
const TABLES: &str = "tables";
const FILES: &str = "files";

/// Where a backup comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub format: String,
    pub format_version: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The newest migration of the database it was taken from.
    pub schema: i64,
    /// `sqlite` or `postgresql`; either is restored into either.
    pub database: String,
    pub created_at: DateTime<Utc>,
    /// Sealed with the master key: who can open it has the key that the sealed values in the rows need.
    pub key_check: String,
}

/// Everything that is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub about: About,
    /// How many rows each table has.
    pub tables: BTreeMap<String, u64>,
    /// Tables whose rows are not in it.
    pub left_out: Vec<String>,
    /// How many files were deleted while the backup was being written.
    pub vanished: u64,
    pub members: BTreeMap<String, Member>,
}

/// What a member of the archive must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub size: u64,
    pub sha256: String,
}

impl Manifest {
    /// Whether the master key is in it.
    pub fn has_key(&self) -> bool {
        self.members.contains_key(KEY)
    }

    pub fn rows(&self) -> u64 {
        self.tables.values().sum()
    }

    /// How many uploaded files are in it.
    pub fn files(&self) -> usize {
        self.members.keys().filter(|name| name.starts_with("files/")).count()
    }
}
