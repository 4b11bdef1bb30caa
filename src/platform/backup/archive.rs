//! Reading a backup: everything is checked before anything is used.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{ABOUT, About, FILES, FORMAT, FORMAT_VERSION, KEY, MANIFEST, Manifest, Member, TABLES};
use crate::platform::{Error, Result, crypto::hex};

/// The largest `about.json` and `manifest.json` that are read.
const DESCRIPTION_BYTES: u64 = 512 << 20;
/// How many rows are handed on at once.
const BATCH_ROWS: usize = 500;
/// How many bytes of rows are handed on at once.
const BATCH_BYTES: usize = 4 << 20;

/// A backup whose every byte was found to be as written.
pub struct Archive {
    file: File,
    name: String,
    pub manifest: Manifest,
}

/// Some rows of a table.
pub struct Batch {
    pub table: String,
    pub lines: Vec<String>,
}

impl Archive {
    /// Reads the whole file and refuses it unless it is a backup that is whole and that a program with migrations up to
    /// `newest` can take. Blocks.
    pub fn check(path: &Path, newest: i64) -> Result<Self> {
        let name = path.display().to_string();
        let mut file = File::open(path).map_err(|e| Error::Invalid(format!("{name}: {e}")))?;
        let manifest = check(&mut file, &name, newest)?;
        Ok(Self { file, name, manifest })
    }

    /// The master key, if it is in the backup. Blocks.
    pub fn key(&mut self) -> Result<Option<String>> {
        if !self.manifest.has_key() {
            return Ok(None);
        }
        let mut key = None;
        self.each(|name, content| {
            if name == KEY {
                let mut text = String::new();
                content.take(1 << 10).read_to_string(&mut text)?;
                key = Some(text);
            }
            Ok(())
        })?;
        Ok(key)
    }

    /// Hands every row to `rows` and writes every file below `files`, durable when this returns. Blocks.
    pub fn unpack(&mut self, rows: &mpsc::Sender<Batch>, files: &Path) -> Result<()> {
        self.each(|name, content| {
            if let Some(table) = table_of(name) {
                return send(table, content, rows);
            }
            if let Some(path) = below(name, FILES) {
                return store(&files.join(path), content);
            }
            Ok(())
        })?;
        sync_directories(files)
    }

    fn each(&mut self, mut use_it: impl FnMut(&str, &mut dyn Read) -> Result<()>) -> Result<()> {
        let mut archive = open(&mut self.file, &self.name)?;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            use_it(&name, &mut entry)?;
        }
        Ok(())
    }
}

/// The archive, unpacked or not.
fn open<'a>(file: &'a mut File, name: &str) -> Result<tar::Archive<Box<dyn Read + 'a>>> {
    let cannot = |e: std::io::Error| Error::Invalid(format!("{name}: {e}"));
    let mut head = Vec::new();
    file.rewind().map_err(cannot)?;
    file.by_ref().take(2).read_to_end(&mut head).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    let file = BufReader::with_capacity(256 << 10, file);
    let is_packed = head == [0x1f, 0x8b];
    Ok(tar::Archive::new(if is_packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) }))
}

fn check(file: &mut File, name: &str, newest: i64) -> Result<Manifest> {
    let foreign = || Error::Invalid(format!("{name} is not a backup of Frontdesk"));
    let damaged = |why: &dyn std::fmt::Display| Error::Invalid(format!("{name} is damaged: {why}"));
    let mut archive = open(file, name)?;
    let entries = archive.entries().map_err(|_| foreign())?;
    let mut members = BTreeMap::new();
    let mut tables: BTreeMap<String, u64> = BTreeMap::new();
    let mut manifest: Option<Manifest> = None;
    for entry in entries {
        let is_first = members.is_empty();
        let mut entry = entry.map_err(|e| if is_first { foreign() } else { damaged(&e) })?;
        let member = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if is_first && member != ABOUT {
            return Err(foreign());
        }
        if manifest.is_some() {
            return Err(damaged(&format!("{member} stands behind its end")));
        }
        if !entry.header().entry_type().is_file() || !is_expected(&member) {
            return Err(damaged(&format!("{member} does not belong there")));
        }
        if member == ABOUT || member == MANIFEST {
            let mut text = Vec::new();
            let size = entry.by_ref().take(DESCRIPTION_BYTES).read_to_end(&mut text).map_err(|e| damaged(&e))?;
            if member == MANIFEST {
                manifest = Some(serde_json::from_slice(&text).map_err(|e| damaged(&e))?);
                continue;
            }
            accept(&serde_json::from_slice(&text).map_err(|_| foreign())?, name, newest)?;
            members.insert(member, Member { size: size as u64, sha256: hex(&Sha256::digest(&text)) });
            continue;
        }
        let (found, lines) = measure(&mut entry).map_err(|e| damaged(&e))?;
        if let Some(table) = table_of(&member) {
            *tables.entry(table.to_string()).or_default() += lines;
        }
        members.insert(member, found);
    }
    if members.is_empty() {
        return Err(foreign());
    }
    // Past the last member lies the packing's own checksum.
    std::io::copy(&mut archive.into_inner(), &mut std::io::sink()).map_err(|e| damaged(&e))?;
    let manifest = manifest.ok_or_else(|| damaged(&"its end is missing"))?;
    accept(&manifest.about, name, newest)?;
    let differs = manifest.members.keys().chain(members.keys()).find(|m| members.get(*m) != manifest.members.get(*m));
    if let Some(member) = differs {
        return Err(damaged(&format!("{member} is not what was written")));
    }
    let counted = |table: &str| tables.get(table).copied().unwrap_or_default();
    if manifest.tables.iter().any(|(table, rows)| counted(table) != *rows)
        || tables.keys().any(|table| !manifest.tables.contains_key(table))
    {
        return Err(damaged(&"rows are missing"));
    }
    Ok(manifest)
}

/// Refuses what is no backup, or one that only a newer program understands.
fn accept(about: &About, name: &str, newest: i64) -> Result<()> {
    if about.format != FORMAT {
        return Err(Error::Invalid(format!("{name} is not a backup of Frontdesk")));
    }
    if about.format_version > FORMAT_VERSION || about.schema > newest {
        return Err(Error::Invalid(format!(
            "{name} was written by a newer Frontdesk ({}, schema {}; this one knows up to {newest}): install that version",
            about.program, about.schema
        )));
    }
    Ok(())
}

fn is_expected(member: &str) -> bool {
    [ABOUT, MANIFEST, KEY].contains(&member) || table_of(member).is_some() || below(member, FILES).is_some()
}

/// The table whose rows a member holds.
fn table_of(member: &str) -> Option<&str> {
    let (table, part) = member.strip_prefix(TABLES)?.strip_prefix('/')?.split_once('/')?;
    part.ends_with(".jsonl").then_some(table)
}

/// The member's path below the directory `dir`, if it stays there.
fn below(member: &str, dir: &str) -> Option<PathBuf> {
    let path = Path::new(member).strip_prefix(dir).ok()?;
    let is_plain = path.components().all(|c| matches!(c, Component::Normal(_)));
    (is_plain && path.components().next().is_some()).then(|| path.to_path_buf())
}

/// What a member is, and how many lines it has.
fn measure(content: &mut impl Read) -> std::io::Result<(Member, u64)> {
    let (mut hash, mut size, mut lines) = (Sha256::new(), 0, 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = content.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|b| !b.is_empty()) else { break };
        hash.update(bytes);
        size += read as u64;
        lines += bytes.iter().filter(|b| **b == b'\n').count() as u64;
    }
    Ok((Member { size, sha256: hex(&hash.finalize()) }, lines))
}

fn send(table: &str, content: &mut dyn Read, rows: &mpsc::Sender<Batch>) -> Result<()> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    let hand_on = |lines: Vec<String>| {
        let batch = Batch { table: table.to_string(), lines };
        rows.blocking_send(batch).map_err(|_| Error::Internal(anyhow::anyhow!("nobody takes the rows any more")))
    };
    for line in BufReader::with_capacity(64 << 10, content).lines() {
        let line = line?;
        bytes += line.len();
        lines.push(line);
        if lines.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
            hand_on(std::mem::take(&mut lines))?;
            bytes = 0;
        }
    }
    if lines.is_empty() { Ok(()) } else { hand_on(lines) }
}

fn store(path: &Path, content: &mut dyn Read) -> Result<()> {
    let cannot = |e: std::io::Error| Error::Invalid(format!("{}: {e}", path.display()));
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(cannot)?;
    }
    let mut file = File::create_new(path).map_err(cannot)?;
    std::io::copy(content, &mut file).map_err(cannot)?;
    file.sync_all().map_err(cannot)
}

/// Makes the names below `dir` durable.
fn sync_directories(dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_directories(&entry.path())?;
        }
    }
    Ok(File::open(dir)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_cannot_leave_its_directory() {
        assert_eq!(below("files/a/b.md", FILES), Some("a/b.md".into()));
        for outside in ["files/../x", "files/a/../../x", "/files/x", "files", "filesx/a", "/etc/passwd"] {
            assert_eq!(below(outside, FILES), None, "{outside}");
            assert!(!is_expected(outside), "{outside}");
        }
        assert_eq!(table_of("tables/users/000001.jsonl"), Some("users"));
        assert_eq!(table_of("tables/users"), None);
    }
}
