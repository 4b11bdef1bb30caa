//! What the machine itself can do, and who else is using it: numbers mean nothing without it.

use std::{
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
    time::{Duration, Instant},
};

use crate::table::Percentiles;

/// How long the disk takes to keep 4 KiB appended to a file (`fdatasync`), `times` times.
pub fn syncs(dir: &Path, times: usize) -> anyhow::Result<Percentiles> {
    let path = dir.join("sync.tmp");
    let mut file = std::fs::File::create(&path)?;
    let block = [b'x'; 4096];
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        took.push(started.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(Percentiles::of(took))
}

/// How long it takes to keep 4 KiB in a file that has room for them already, as the journal does it, each begun at its
/// time, `rate` a second, with nothing else at work; counted from that time. It is what the disk does to whoever must
/// sync that often.
pub fn paced_syncs(dir: &Path, rate: f64, during: Duration) -> anyhow::Result<Percentiles> {
    const ROOM: usize = 1 << 20;
    let path = dir.join("sync.tmp");
    let file = std::fs::File::create(&path)?;
    file.write_all_at(&vec![0; ROOM], 0)?;
    file.sync_all()?;
    let block = [b'x'; 4096];
    let started = Instant::now();
    let mut took = Vec::new();
    while let due = started + Duration::from_secs_f64(took.len() as f64 / rate)
        && due < started + during
    {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        file.write_all_at(&block, (took.len() * block.len() % ROOM) as u64)?;
        file.sync_data()?;
        took.push(due.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(Percentiles::of(took))
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The load average of the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

/// Watches how much of the machine others use meanwhile.
pub struct Others {
    started: Instant,
    busy: f64,
    ours: f64,
}

impl Others {
    pub fn watch() -> Self {
        Self { started: Instant::now(), busy: busy_ticks(), ours: our_ticks() }
    }

    /// The share of all cores that processes other than ours (and our children that have ended) used since `watch`.
    pub fn share(&self) -> f64 {
        let theirs = (busy_ticks() - self.busy) - (our_ticks() - self.ours);
        let all = self.started.elapsed().as_secs_f64() * TICKS_A_SECOND * cores() as f64;
        (theirs / all.max(1.0)).clamp(0.0, 1.0)
    }
}

/// `USER_HZ`, which is 100 on every Linux that is in use.
const TICKS_A_SECOND: f64 = 100.0;

fn numbers(text: &str) -> Vec<f64> {
    text.split_whitespace().filter_map(|n| n.parse().ok()).collect()
}

fn busy_ticks() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = numbers(text.lines().next().unwrap_or_default());
    // user nice system idle iowait irq softirq steal
    fields.iter().enumerate().filter(|(i, _)| *i != 3 && *i != 4 && *i < 8).map(|(_, n)| n).sum()
}

fn our_ticks() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: state is the first; utime stime cutime cstime are the 12th to 15th.
    let rest = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    rest.split_whitespace().skip(11).take(4).filter_map(|n| n.parse::<f64>().ok()).sum()
}

/// A number of `/proc/<pid>/status` in MB (10⁶ bytes).
pub fn memory(pid: u32, key: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key)).unwrap_or_default();
    let kib: f64 = numbers(line).first().copied().unwrap_or_default();
    kib * 1024.0 / 1e6
}

/// Lets the disk finish what earlier measurements left.
pub fn settle() {
    let _ = std::process::Command::new("sync").status();
    std::thread::sleep(Duration::from_millis(300));
}

/// Puts the calling thread before those of usual priority; only root may.
pub fn go_first() {
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), -10);
}
