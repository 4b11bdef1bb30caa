//! A journal before the database: records are durable after one write and one sync of a file of our own, and are passed
//! on to the database together, a moment later.
//!
//! It is for what comes from outside faster, or must be acknowledged sooner, than SQLite commits. A record is a length,
//! a checksum and bytes, in a segment that was filled with zeros beforehand, so that a sync writes data and nothing of
//! the file system's own. Records that come while a sync runs share the next one. When all of a segment's records are
//! passed on it is filled with zeros again and used anew; what a killed process leaves is read at the next start. A
//! record can be passed on twice, never lost: whoever takes it must know it again.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use super::error::{Error, Result};

/// The directory in the data directory.
pub const DIR: &str = "journal";
/// How long a segment is, unless one write is longer.
const SEGMENT: u64 = 1 << 20;
/// How many empty segments are kept for later: removing and making files holds up everybody's syncs.
const SPARE: usize = 4;
/// How many bytes may wait to be passed on; then whoever appends waits.
const ROOM: usize = 16 << 20;
/// What a record takes at least: a flood of small ones must not take more memory than large ones do.
const LEAST: usize = 256;
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

/// The journal of one data directory. Only one process may have it open.
pub struct Journal {
    orders: mpsc::Sender<Order>,
    waiting: Arc<Waiting>,
    room: Arc<Semaphore>,
    /// Who passes on; one at a time.
    passing: tokio::sync::Mutex<()>,
}

/// What is durable and not passed on.
#[derive(Default)]
struct Waiting {
    records: Mutex<VecDeque<Record>>,
    came: Notify,
}

struct Record {
    number: u64,
    bytes: Arc<[u8]>,
    _room: Option<OwnedSemaphorePermit>,
}

enum Order {
    Append(Append),
    /// Records up to this number are in the database.
    PassedOn(u64),
    BeginAnew(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

struct Append {
    bytes: Arc<[u8]>,
    room: OwnedSemaphorePermit,
    done: oneshot::Sender<Result<(), String>>,
}

impl Journal {
    /// Opens the journal in `dir`; what an earlier process left waits to be passed on.
    pub fn open(dir: &Path) -> Result<Self> {
        let unusable = |e: io::Error| Error::Invalid(format!("{}: cannot open the journal: {e}", dir.display()));
        fs::create_dir_all(dir).map_err(unusable)?;
        let waiting = Arc::new(Waiting::default());
        let keeper = Keeper::open(dir, waiting.clone()).map_err(unusable)?;
        let (orders, received) = mpsc::channel();
        std::thread::Builder::new().name("journal".into()).spawn(move || keeper.run(&received))?;
        Ok(Self { orders, waiting, room: Arc::new(Semaphore::new(ROOM)), passing: tokio::sync::Mutex::default() })
    }

    /// Keeps a record. Durable when it returns; after an error it may or may not be kept.
    pub async fn append(&self, bytes: Vec<u8>) -> Result<()> {
        let failed = |why: String| Error::Internal(anyhow::anyhow!("the journal: {why}"));
        let cost = u32::try_from(bytes.len().clamp(LEAST, ROOM)).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(cost).await.map_err(|e| failed(e.to_string()))?;
        let (done, outcome) = oneshot::channel();
        let closed = || failed("it is closed".into());
        self.orders.send(Order::Append(Append { bytes: bytes.into(), room, done })).map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?.map_err(failed)
    }

    /// Waits for records that are not passed on.
    pub async fn arrived(&self) {
        while self.waiting.records().is_empty() {
            self.waiting.came.notified().await;
        }
    }

    /// The oldest records that are not passed on, at most `most`; `None` when all are. Nobody else gets them meanwhile.
    pub async fn oldest(&self, most: usize) -> Option<Batch<'_>> {
        let passing = self.passing.lock().await;
        let records: Vec<_> = self.waiting.records().iter().take(most).map(|r| r.bytes.clone()).collect();
        (!records.is_empty()).then_some(Batch { journal: self, records, _passing: passing })
    }

    /// How many records are not passed on.
    pub fn len(&self) -> usize {
        self.waiting.records().len()
    }

    /// Whether all records are passed on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties what is passed on; what waits is left.
    pub async fn begin_anew(&self) {
        let (done, begun) = oneshot::channel();
        if self.orders.send(Order::BeginAnew(done)).is_ok() {
            let _ = begun.await;
        }
    }

    /// Ends the journal and removes the segments that are passed on whole.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.orders.send(Order::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }
}

impl Waiting {
    fn records(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records on their way to the database.
pub struct Batch<'a> {
    journal: &'a Journal,
    pub records: Vec<Arc<[u8]>>,
    _passing: tokio::sync::MutexGuard<'a, ()>,
}

impl Batch<'_> {
    /// All of them are in the database.
    pub fn passed_on(self) {
        let gone: Vec<Record> = self.journal.waiting.records().drain(..self.records.len()).collect();
        if let Some(last) = gone.last() {
            let _ = self.journal.orders.send(Order::PassedOn(last.number));
        }
    }
}

/// The thread that owns the files.
struct Keeper {
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
    fn open(dir: &Path, waiting: Arc<Waiting>) -> io::Result<Self> {
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
            if bytes.iter().skip(read).any(|b| *b != 0) {
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

    fn run(mut self, orders: &mpsc::Receiver<Order>) {
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

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("frontdesk-journal-{}", uuid::Uuid::now_v7())))
        }

        fn open(&self) -> Journal {
            Journal::open(&self.0).unwrap()
        }

        fn segments(&self) -> Vec<PathBuf> {
            fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().path()).collect()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn all(journal: &Journal) -> Vec<String> {
        let batch = journal.oldest(usize::MAX).await;
        let records = batch.map(|b| b.records.clone()).unwrap_or_default();
        records.iter().map(|r| String::from_utf8_lossy(r).into_owned()).collect()
    }

    #[tokio::test]
    async fn what_is_not_passed_on_is_there_after_a_crash_in_the_order_it_came() {
        let dir = Scratch::new();
        let journal = dir.open();
        for n in 0..10 {
            journal.append(format!("record {n}").into_bytes()).await.unwrap();
        }
        journal.oldest(4).await.unwrap().passed_on();
        let left: Vec<String> = (4..10).map(|n| format!("record {n}")).collect();
        assert_eq!(all(&journal).await, left);
        drop(journal); // not closed
        let journal = dir.open();
        // The first four may come again, the others must.
        let found = all(&journal).await;
        assert!(found.ends_with(&left), "{found:?}");
        journal.append(b"later".to_vec()).await.unwrap();
        assert_eq!(all(&journal).await.last().unwrap(), "later");
        journal.oldest(usize::MAX).await.unwrap().passed_on();
        journal.close().await;
        assert_eq!(dir.segments(), Vec::<PathBuf>::new(), "nothing that was passed on stays");
        assert!(journal.append(b"too late".to_vec()).await.is_err());
        assert!(dir.open().is_empty());
    }

    #[tokio::test]
    async fn beginning_anew_leaves_nothing_of_what_is_passed_on() {
        let dir = Scratch::new();
        let journal = dir.open();
        let is_on_disk = |text: &str| {
            dir.segments().iter().any(|p| fs::read(p).unwrap().windows(text.len()).any(|w| w == text.as_bytes()))
        };
        journal.append(b"passed on".to_vec()).await.unwrap();
        journal.begin_anew().await;
        assert!(is_on_disk("passed on"), "it waits still");
        journal.append(b"waits".to_vec()).await.unwrap();
        journal.oldest(1).await.unwrap().passed_on();
        journal.begin_anew().await;
        assert!(!is_on_disk("passed on"));
        assert!(is_on_disk("waits"));
        assert_eq!(all(&journal).await, ["waits"]);
    }

    #[tokio::test]
    async fn an_unfinished_record_is_left_out_and_those_before_and_after_it_are_not() {
        let dir = Scratch::new();
        for text in ["first", "second"] {
            let journal = dir.open();
            journal.append(text.into()).await.unwrap();
            journal.append(b"torn".to_vec()).await.unwrap();
            drop(journal);
            // As a power cut leaves it: the head is there, the bytes are not.
            let torn = |path: &PathBuf| fs::read(path).unwrap().windows(4).any(|w| w == b"torn");
            let path = dir.segments().into_iter().find(torn).unwrap();
            let mut bytes = fs::read(&path).unwrap();
            let at = bytes.windows(4).position(|w| w == b"torn").unwrap();
            bytes[at..at + 4].fill(0);
            fs::write(&path, bytes).unwrap();
        }
        assert_eq!(all(&dir.open()).await, ["first", "second"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_at_once_share_syncs_over_several_segments_and_all_are_kept() {
        let dir = Scratch::new();
        let journal = Arc::new(dir.open());
        let appends = (0..200).map(|n| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.append(format!("{n:020000}").into_bytes()).await })
        });
        for append in futures::future::join_all(appends).await {
            append.unwrap().unwrap();
        }
        assert!(dir.segments().len() > 3, "four megabytes don't fit into one segment");
        journal.append(vec![b'x'; 2 * SEGMENT as usize]).await.unwrap();
        drop(journal);
        let journal = dir.open();
        let found = all(&journal).await;
        assert_eq!(found.len(), 201);
        let numbers: std::collections::BTreeSet<usize> = found.iter().filter_map(|r| r.parse().ok()).collect();
        assert_eq!(numbers, (0..200).collect());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_appends_waits_while_too_much_waits() {
        let dir = Scratch::new();
        let journal = dir.open();
        for _ in 0..2 {
            journal.append(vec![b'x'; ROOM / 2]).await.unwrap();
        }
        let append = journal.append(b"one more".to_vec());
        tokio::pin!(append);
        let early = tokio::time::timeout(Duration::from_millis(50), &mut append).await;
        assert!(early.is_err(), "there is no room");
        journal.oldest(1).await.unwrap().passed_on();
        append.await.unwrap();
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_written_is_an_error_and_the_journal_goes_on_when_it_can() {
        let dir = Scratch::new();
        let journal = dir.open();
        let away = dir.0.with_extension("away");
        fs::rename(&dir.0, &away).unwrap();
        assert!(journal.append(b"refused".to_vec()).await.is_err());
        fs::rename(&away, &dir.0).unwrap();
        journal.append(b"kept".to_vec()).await.unwrap();
        assert_eq!(all(&journal).await, ["kept"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (found, end) = records(&bytes);
            prop_assert!(end <= bytes.len());
            prop_assert_eq!(found.iter().map(|r| r.len() + HEAD).sum::<usize>(), end);
        }
    }
}
