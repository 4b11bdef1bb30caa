//! Writing a backup: one snapshot of the rows, streamed, while others write on.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row, SqliteConnection};
use tokio::sync::mpsc;

use super::{ABOUT, About, FILES, FORMAT, FORMAT_VERSION, KEY, MANIFEST, Manifest, Member, TABLES, catalog, row};
use crate::{
    both,
    platform::{
        Error, Result,
        crypto::hex,
        db::{Conn, Db},
        error::blocking,
    },
};

/// How much of a table one member holds, give or take a row.
const PART_BYTES: usize = 1 << 20;

/// What was committed at one moment, for as long as this lives.
pub struct Snapshot {
    held: Held,
    schema: i64,
    tables: Vec<catalog::Table>,
    left_out: Vec<String>,
}

/// A connection of the snapshot's own, so that no pool runs short while a backup is written.
enum Held {
    Sqlite(SqliteConnection),
    Pg(PgConnection),
}

impl Held {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(c) => Conn::Sqlite(c),
            Self::Pg(c) => Conn::Pg(c),
        }
    }
}

/// What goes into a backup beside the rows.
pub struct Contents {
    /// The version of the program.
    pub program: String,
    pub created_at: DateTime<Utc>,
    /// The directory of the uploaded files.
    pub files: PathBuf,
    /// Directories in it that hold nothing durable.
    pub passing: &'static [&'static str],
    /// Something sealed with the master key.
    pub key_check: String,
    /// The master key, if it shall be in it.
    pub key: Option<String>,
}

impl Snapshot {
    /// Holds on to what is committed now, without the rows of `left_out`.
    pub async fn begin(db: &Db, left_out: &[&str]) -> Result<Self> {
        let mut held = match db {
            // A reader of the write-ahead log sees what was committed when it first read.
            Db::Sqlite { readers, .. } => Held::Sqlite(readers.connect_options().connect().await?),
            Db::Pg(pool) => Held::Pg(pool.connect_options().connect().await?),
        };
        let begin = match held {
            Held::Sqlite(_) => "BEGIN",
            Held::Pg(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        both!(held.conn(), c => sqlx::query(begin).execute(c).await.map(|_| ()))?;
        let schema = catalog::schema_version(held.conn())
            .await?
            .ok_or_else(|| Error::Invalid("the database is empty: there is nothing to back up".into()))?;
        let mut tables = catalog::tables(held.conn()).await?;
        tables.retain(|t| !left_out.contains(&t.name.as_str()));
        if let Some(table) = tables.iter().find(|t| t.references.iter().any(|r| left_out.contains(&r.table.as_str()))) {
            return Err(Error::Internal(anyhow::anyhow!("{} refers to a table that is left out", table.name)));
        }
        Ok(Self { held, schema, tables, left_out: left_out.iter().map(|t| (*t).to_string()).collect() })
    }

    /// Writes the whole backup to `out`. Memory stays within a few parts of a table.
    pub async fn write(mut self, out: impl Write + Send + 'static, contents: Contents) -> Result<Manifest> {
        let about = About {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            program: contents.program.clone(),
            schema: self.schema,
            database: if self.held.conn().is_pg() { "postgresql" } else { "sqlite" }.into(),
            created_at: contents.created_at,
            key_check: contents.key_check.clone(),
        };
        let manifest = Manifest {
            about,
            tables: BTreeMap::new(),
            left_out: std::mem::take(&mut self.left_out),
            vanished: 0,
            members: BTreeMap::new(),
        };
        let (parts, received) = mpsc::channel(2);
        let writing = tokio::spawn(blocking(move || archive(out, received, manifest, &contents)));
        let read = self.send_rows(&parts).await;
        drop(parts);
        // When the rows could not be read, the other side has heard no `End` and says only that.
        read.and(writing.await.map_err(Error::internal)?)
    }

    /// Sends every row; ends early when the other side is gone, which then says why.
    async fn send_rows(&mut self, parts: &mpsc::Sender<Part>) -> Result<()> {
        for table in &self.tables {
            let columns: Vec<String> = table.columns.iter().map(|c| format!("\"{}\"", c.name)).collect();
            let select = format!("SELECT {} FROM \"{}\"", columns.join(", "), table.name);
            let mut lines = Vec::new();
            let mut rows = 0;
            let mut number = 0;
            both!(self.held.conn(), c => {
                let mut found = sqlx::query(AssertSqlSafe(select)).fetch(c);
                while let Some(found) = found.try_next().await? {
                    let values = table.columns.iter().enumerate().map(|(at, column)| row::read!(found, column.kind, at));
                    let values = values.collect::<Result<Vec<_>, _>>()?;
                    row::write(table.columns.iter().zip(values), &mut lines)?;
                    rows += 1;
                    if lines.len() >= PART_BYTES {
                        number += 1;
                        let part = Part::Rows { name: part_name(&table.name, number), lines: std::mem::take(&mut lines) };
                        if parts.send(part).await.is_err() {
                            return Ok(());
                        }
                    }
                }
            });
            if !lines.is_empty() {
                let part = Part::Rows { name: part_name(&table.name, number + 1), lines };
                let _ = parts.send(part).await;
            }
            let _ = parts.send(Part::Counted { table: table.name.clone(), rows }).await;
        }
        let _ = parts.send(Part::End).await;
        Ok(())
    }
}

fn part_name(table: &str, number: u32) -> String {
    format!("{TABLES}/{table}/{number:06}.jsonl")
}

/// What the reader of the rows hands to the writer of the file.
enum Part {
    Rows { name: String, lines: Vec<u8> },
    Counted { table: String, rows: u64 },
    End,
}

/// Writes the archive; blocks.
fn archive(
    out: impl Write,
    mut parts: mpsc::Receiver<Part>,
    mut manifest: Manifest,
    contents: &Contents,
) -> Result<Manifest> {
    let mut archive = tar::Builder::new(GzEncoder::new(out, Compression::fast()));
    let mut add = |name: &str, size: u64, content: &mut dyn Read, mode: u32| -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(u64::try_from(manifest.about.created_at.timestamp()).unwrap_or_default());
        let mut content = Hashed { content: content.take(size), hash: Sha256::new(), size: 0 };
        archive.append_data(&mut header, name, &mut content)?;
        if content.size != size {
            return Err(Error::Internal(anyhow::anyhow!("{name} changed while it was copied")));
        }
        let sha256 = hex(&content.hash.finalize());
        manifest.members.insert(name.to_string(), Member { size, sha256 });
        Ok(())
    };
    let about = serde_json::to_vec_pretty(&manifest.about)?;
    add(ABOUT, about.len() as u64, &mut about.as_slice(), 0o600)?;
    // The snapshot stands: what is listed now is what its rows name, and perhaps a little more.
    let mut files = Vec::new();
    list(&contents.files, FILES, contents.passing, &mut files)?;
    loop {
        match parts.blocking_recv() {
            Some(Part::Rows { name, lines }) => add(&name, lines.len() as u64, &mut lines.as_slice(), 0o600)?,
            Some(Part::Counted { table, rows }) => {
                manifest.tables.insert(table, rows);
            }
            Some(Part::End) => break,
            None => return Err(Error::Internal(anyhow::anyhow!("the rows were not read to the end"))),
        }
    }
    for (name, path) in files {
        match std::fs::File::open(&path) {
            Ok(mut file) => add(&name, file.metadata()?.len(), &mut file, 0o600)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => manifest.vanished += 1,
            Err(e) => return Err(e.into()),
        }
    }
    if let Some(key) = &contents.key {
        add(KEY, key.len() as u64, &mut key.as_bytes(), 0o600)?;
    }
    let text = serde_json::to_vec_pretty(&manifest)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, MANIFEST, text.as_slice())?;
    archive.into_inner()?.finish()?.flush()?;
    Ok(manifest)
}

/// Every file below `dir`, as `(name in the archive, path)`, without the directories of `passing`.
fn list(dir: &Path, name: &str, passing: &[&str], into: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(file_name) = entry.file_name().into_string() else { continue }; // not one of ours
        let name = format!("{name}/{file_name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !passing.contains(&file_name.as_str()) {
            list(&entry.path(), &name, passing, into)?;
        } else if kind.is_file() {
            into.push((name, entry.path()));
        }
    }
    Ok(())
}

/// Counts and hashes what is read through it.
struct Hashed<R> {
    content: R,
    hash: Sha256,
    size: u64,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.content.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        self.size += read as u64;
        Ok(read)
    }
}
