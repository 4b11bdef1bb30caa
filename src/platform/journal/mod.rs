//! A journal before the database: records are durable after one write and one sync of a file of our own, and are passed
//! on to the database together, a moment later.
//!
//! It is for what comes from outside faster, or must be acknowledged sooner, than SQLite commits. A record is a length,
//! a checksum and bytes, in a segment that was filled with zeros beforehand, so that a sync writes data and nothing of
//! the file system's own. Records that come while a sync runs share the next one. When all of a segment's records are
//! passed on it is filled with zeros again and used anew; what a killed process leaves is read at the next start. A
//! record can be passed on twice, never lost: whoever takes it must know it again.

mod keeper;

use std::{
    collections::VecDeque,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use self::keeper::Keeper;
use super::error::{Error, Result};

/// The directory in the data directory.
pub const DIR: &str = "journal";
/// How many bytes may wait to be passed on; then whoever appends waits.
const ROOM: usize = 16 << 20;
/// What a record takes at least: a flood of small ones must not take more memory than large ones do.
const LEAST: usize = 256;

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

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, time::Duration};

    use super::{keeper::SEGMENT, *};

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
}
