//! The thread that owns the journal's files.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use super::{Append, Order, Record, Waiting};

/// How long a segment is, unless one write is longer.
pub(super) const SEGMENT: u64 = 1 << 20;
/// How many empty segments are kept for later: removing and making files holds up everybody's syncs.
const SPARE: usize = 4;
/// How many bytes share a sync at most.
const TOGETHER: usize = 1 << 20;
/// After so long without a record the segment in use is emptied, so that what was passed on doesn't stay on the disk.
const QUIET: Duration = Duration::from_secs(1);
/// The same when it is never quiet.
const OLD: Duration = Duration::from_secs(60);
/// At the front of a segment: its number, eight bytes, little-endian. Later segments have higher ones; 0 is an empty one.
const NUMBER: usize = 8;
/// At the front of a record: its length and its checksum, each four bytes, little-endian.
const HEAD: usize = 8;

/// What the thread knows.
pub(super) struct Keeper {
    dir: PathBuf,
    /// Oldest first; the last is written to while `is_open`.
    segments: VecDeque<Segment>,
    is_open: bool,
    spare: Vec<Segment>,
    /// The number of the newest segment.
    number: u64,
    /// The number of the next record, counted since the start.
    next: u64,
    /// How many records are passed on, counted likewise.
    passed_on: u64,
    waiting: Arc<Waiting>,
}

struct Segment {
    path: PathBuf,
    file: File,
    begun: Instant,
    room: u64,
    written: u64,
    /// The number after its last record.
    end: u64,
}

impl Keeper {
    pub(super) fn open(dir: &Path, waiting: Arc<Waiting>) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "log") {
                let bytes = fs::read(&path)?;
                let (number, rest) = bytes.split_first_chunk::<NUMBER>().unwrap_or((&[0; NUMBER], &[]));
                found.push((u64::from_le_bytes(*number), path, rest.to_vec()));
            }
        }
        found.sort();
        let mut keeper = Self {
            dir: dir.to_path_buf(),
            segments: VecDeque::new(),
            is_open: false,
            spare: Vec::new(),
            number: found.last().map_or(0, |(number, ..)| *number),
            next: 0,
            passed_on: 0,
            waiting,
        };
        for (_, path, bytes) in found {
            let (left, read) = records(&bytes);
            if bytes.get(read..).is_some_and(|rest| rest.iter().any(|b| *b != 0)) {
                // The write that a power cut or a full disk stopped was never acknowledged.
                tracing::warn!(file = %path.display(), at = read, "an unfinished record in the journal is left out");
            }
            for record in left {
                let record = Record { number: keeper.next, bytes: record.into(), _room: None };
                keeper.waiting.records().push_back(record);
                keeper.next += 1;
            }
            let (file, room) = (File::options().write(true).open(&path)?, (NUMBER + bytes.len()) as u64);
            keeper.segments.push_back(Segment {
                path,
                file,
                begun: Instant::now(),
                room,
                written: room,
                end: keeper.next,
            });
        }
        if keeper.next > 0 {
            tracing::info!(records = keeper.next, "the journal holds what the last process had no time to pass on");
        }
        Ok(keeper)
    }

    pub(super) fn run(mut self, orders: &mpsc::Receiver<Order>) {
        loop {
            let first = if self.is_spent() {
                match orders.recv_timeout(QUIET) {
                    Err(RecvTimeoutError::Timeout) => {
                        self.is_open = false;
                        self.tidy();
                        continue;
                    }
                    other => other.ok(),
                }
            } else {
                orders.recv().ok()
            };
            let Some(first) = first else { return };
            let (mut appended, mut size) = (Vec::new(), 0);
            for order in std::iter::once(first).chain(orders.try_iter()) {
                match order {
                    Order::Append(append) => {
                        size += append.bytes.len();
                        appended.push(append);
                    }
                    Order::PassedOn(number) => self.passed_on = number + 1,
                    Order::BeginAnew(done) => {
                        self.keep(std::mem::take(&mut appended));
                        self.is_open = false;
                        self.tidy();
                        let _ = done.send(());
                    }
                    Order::Close(done) => {
                        self.keep(appended);
                        self.close();
                        let _ = done.send(());
                        return;
                    }
                }
                if size >= TOGETHER {
                    break;
                }
            }
            self.keep(appended);
            if self.is_spent() && self.segments.back().is_some_and(|s| s.begun.elapsed() > OLD) {
                self.is_open = false;
            }
            self.tidy();
        }
    }

    /// Writes and syncs records, and answers those who wait for it.
    fn keep(&mut self, appended: Vec<Append>) {
        if appended.is_empty() {
            return;
        }
        let mut written = Vec::new();
        for Append { bytes, .. } in &appended {
            written.extend((bytes.len() as u32).to_le_bytes());
            written.extend(crc32fast::hash(bytes).to_le_bytes());
            written.extend_from_slice(bytes);
        }
        let outcome = self.write(written, appended.len() as u64);
        if let Err(e) = &outcome {
            // Nobody knows what such a file holds: nothing more is written to it.
            self.is_open = false;
            tracing::error!(error = %e, "the journal cannot be written");
        }
        let mut answers = Vec::with_capacity(appended.len());
        {
            let mut waiting = self.waiting.records();
            for Append { bytes, room, done } in appended {
                if outcome.is_ok() {
                    waiting.push_back(Record { number: self.next, bytes, _room: Some(room) });
                    self.next += 1;
                }
                answers.push(done);
            }
        }
        for done in answers {
            let _ = done.send(outcome.as_ref().copied().map_err(ToString::to_string));
        }
        self.waiting.came.notify_one();
    }

    fn write(&mut self, mut bytes: Vec<u8>, records: u64) -> io::Result<()> {
        let has_room = |s: &Segment| s.room - s.written >= bytes.len() as u64;
        if !self.is_open || !self.segments.back().is_some_and(has_room) {
            self.is_open = false;
            let segment = self.empty_segment((NUMBER + bytes.len()) as u64)?;
            self.segments.push_back(segment);
            self.is_open = true;
            self.number += 1;
            bytes.splice(0..0, self.number.to_le_bytes());
        }
        let Some(segment) = self.segments.back_mut() else { return Err(io::ErrorKind::NotFound.into()) };
        segment.file.write_all_at(&bytes, segment.written)?;
        segment.file.sync_data()?;
        segment.written += bytes.len() as u64;
        segment.end = self.next + records;
        Ok(())
    }

    /// A segment of zeros with room for `length` bytes at least.
    fn empty_segment(&mut self, length: u64) -> io::Result<Segment> {
        if let Some(at) = self.spare.iter().position(|s| s.room >= length) {
            return Ok(Segment { begun: Instant::now(), end: self.next, ..self.spare.swap_remove(at) });
        }
        let path = self.dir.join(format!("{}.log", uuid::Uuid::now_v7().simple()));
        let room = SEGMENT.max(length);
        let made = || -> io::Result<File> {
            let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
            fill(&file, room)?;
            file.sync_all()?;
            File::open(&self.dir)?.sync_all()?;
            Ok(file)
        };
        let file = made().inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        Ok(Segment { path, file, begun: Instant::now(), room, written: 0, end: self.next })
    }

    /// Whether the segment in use holds nothing but what is passed on.
    fn is_spent(&self) -> bool {
        self.is_open && self.segments.back().is_some_and(|s| s.end <= self.passed_on)
    }

    /// Empties the segments that are passed on whole, but for the one in use.
    fn tidy(&mut self) {
        let kept = usize::from(self.is_open);
        while self.segments.len() > kept && self.segments.front().is_some_and(|s| s.end <= self.passed_on) {
            let Some(mut segment) = self.segments.pop_front() else { return };
            let emptied = fill(&segment.file, segment.written).and_then(|()| segment.file.sync_data());
            match emptied {
                Ok(()) if segment.room == SEGMENT && self.spare.len() < SPARE => {
                    segment.written = 0;
                    self.spare.push(segment);
                }
                _ => segment.remove(),
            }
        }
    }

    /// Leaves only the segments that hold what is not passed on.
    fn close(mut self) {
        let passed_on = self.passed_on;
        let spent = self.segments.drain(..).filter(|s| s.end <= passed_on);
        spent.chain(self.spare.drain(..)).for_each(|s| s.remove());
    }
}

impl Segment {
    fn remove(&self) {
        if let Err(e) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), error = %e, "a spent part of the journal stays");
        }
    }
}

/// Fills the front of a file with zeros. Room that is reserved without writing to it will not do: syncing the first
/// write to such a place waits for the file system's own journal, and so for everybody else's files.
fn fill(file: &File, length: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = 0;
    while at < length {
        let part = ZEROS.len().min(usize::try_from(length - at).unwrap_or(usize::MAX));
        file.write_all_at(ZEROS.get(..part).unwrap_or_default(), at)?;
        at += part as u64;
    }
    Ok(())
}

/// The whole records at the front of `bytes`, and where they end.
fn records(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((head, after)) = rest.split_first_chunk::<HEAD>() {
        let [l0, l1, l2, l3, sum @ ..] = *head;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let Some((record, after)) = after.split_at_checked(length) else { break };
        if length == 0 || crc32fast::hash(record) != u32::from_le_bytes(sum) {
            break;
        }
        found.push(record);
        rest = after;
    }
    (found, bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (found, end) = records(&bytes);
            prop_assert!(end <= bytes.len());
            prop_assert_eq!(found.iter().map(|r| r.len() + HEAD).sum::<usize>(), end);
        }
    }
}
