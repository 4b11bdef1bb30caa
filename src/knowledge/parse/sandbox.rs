//! Reading a file that nobody vouches for, in bounded time and memory.
//!
//! PDF, Office and HTML are read by `frontdesk parse-document` in a child process: it may exhaust its memory, loop,
//! overflow its stack or panic, and only this document fails. So is whatever is large: ten megabytes of JSON may take
//! half a gigabyte once they are read. Small files of plain formats, whose readers are simple and iterative, are read on a
//! blocking thread.

use std::{
    ffi::OsString,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::io::AsyncReadExt;

use super::{Failure, Kind, MOST, Parsed, parse};

/// The hidden subcommand by which a child is told what it is.
const COMMAND: &str = "parse-document";
/// The exit code of a child whose allocation failed, as Rust aborts then.
#[cfg(unix)]
const ABORTED: i32 = 6;

/// What reading one document may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub time: Duration,
    pub memory_mb: u64,
}

/// Where risky formats are read.
#[derive(Debug, Clone)]
pub enum Sandbox {
    /// In a child process of this program.
    Child(PathBuf),
    /// On a thread of this process: it survives a panic and is not waited for beyond the time, but shares the memory.
    Thread,
}

impl Sandbox {
    /// A child of this very program, once it has said that it can be one ([`read_in_children`]); else a thread.
    pub fn of_this_program() -> Self {
        match std::env::current_exe() {
            // Also right when the file was replaced by an upgrade meanwhile.
            Ok(_) if CHILDREN.load(Ordering::Relaxed) && cfg!(target_os = "linux") => {
                Self::Child("/proc/self/exe".into())
            }
            Ok(path) if CHILDREN.load(Ordering::Relaxed) => Self::Child(path),
            _ => Self::Thread,
        }
    }
}

/// Whether this program's main function knows [`COMMAND`]; that of a test doesn't.
static CHILDREN: AtomicBool = AtomicBool::new(false);

/// Says that this program, started with `parse-document`, calls [`child_main`].
pub fn read_in_children() {
    CHILDREN.store(true, Ordering::Relaxed);
}

/// From how many bytes on a file is read in a child whatever its format.
const LARGE: u64 = 2 << 20;
/// How much a child may answer, as JSON: its answer is held in this process.
const ANSWER: u64 = 2 * MOST as u64;

/// Reads the file at `path` as `kind`.
pub async fn read(path: &Path, kind: Kind, limits: Limits, sandbox: &Sandbox) -> Result<Parsed, Failure> {
    let size = tokio::fs::metadata(path).await.map_or(0, |file| file.len());
    match sandbox {
        Sandbox::Child(program) if kind.is_risky() || size > LARGE => in_child(program, path, kind, limits).await,
        _ => on_thread(path.to_path_buf(), kind, limits).await,
    }
}

/// Reads text that is in memory already; never a risky format.
pub(in crate::knowledge) async fn read_text(text: String, kind: Kind) -> Result<Parsed, Failure> {
    let read = tokio::task::spawn_blocking(move || guarded(kind, text.as_bytes()));
    read.await.unwrap_or(Err(Failure::Corrupt))
}

fn guarded(kind: Kind, bytes: &[u8]) -> Result<Parsed, Failure> {
    let read = catch_unwind(AssertUnwindSafe(|| parse(kind, bytes))).unwrap_or(Err(Failure::Corrupt))?;
    if read.weight() > MOST { Err(Failure::TooLarge) } else { Ok(read) }
}

async fn on_thread(path: PathBuf, kind: Kind, limits: Limits) -> Result<Parsed, Failure> {
    let (done, result) = tokio::sync::oneshot::channel();
    let work = move || {
        let read = match std::fs::read(&path) {
            Ok(bytes) => guarded(kind, &bytes),
            Err(_) => Err(Failure::SourceMissing),
        };
        let _ = done.send(read);
    };
    // Not from the pool: a thread that never ends must not take one of its places.
    if std::thread::Builder::new().name("parse".into()).stack_size(16 << 20).spawn(work).is_err() {
        return Err(Failure::GaveUp);
    }
    match tokio::time::timeout(limits.time, result).await {
        Ok(read) => read.unwrap_or(Err(Failure::Corrupt)),
        Err(_) => Err(Failure::TooSlow),
    }
}

async fn in_child(program: &Path, path: &Path, kind: Kind, limits: Limits) -> Result<Parsed, Failure> {
    let spawned = tokio::process::Command::new(program)
        .arg(COMMAND)
        .arg(kind.name())
        .arg(limits.memory_mb.to_string())
        .arg(limits.time.as_secs().max(1).to_string())
        .arg(path)
        .env_clear() // it needs no settings and must know no secrets
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            tracing::error!(%error, "cannot start the process that reads documents");
            return Err(Failure::GaveUp);
        }
    };
    let Some(stdout) = child.stdout.take() else { return Err(Failure::GaveUp) };
    let reading = async {
        let mut answer = Vec::new();
        stdout.take(ANSWER + 1).read_to_end(&mut answer).await.map_err(|_| Failure::Corrupt)?;
        if answer.len() as u64 > ANSWER {
            return Err(Failure::TooLarge);
        }
        let status = child.wait().await.map_err(|_| Failure::Corrupt)?;
        Ok((answer, status))
    };
    let outcome = tokio::time::timeout(limits.time, reading).await;
    let (answer, status) = match outcome {
        Ok(read) => read?,
        Err(_) => return Err(Failure::TooSlow), // dropping the child kills it
    };
    match serde_json::from_slice::<Result<Parsed, Failure>>(&answer) {
        Ok(read) if status.success() => read,
        _ => Err(died_of(status)),
    }
}

fn died_of(status: std::process::ExitStatus) -> Failure {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return match signal {
            ABORTED | 9 => Failure::TooMuchMemory,
            24 => Failure::TooSlow, // SIGXCPU
            _ => Failure::Corrupt,
        };
    }
    let _ = status;
    Failure::Corrupt
}

/// The child's whole life: `frontdesk parse-document KIND MEMORY_MB SECONDS FILE` writes what it read as JSON to
/// standard output.
pub fn child_main() -> ExitCode {
    let mut args = std::env::args_os();
    if !args.any(|argument| argument == COMMAND) {
        return ExitCode::FAILURE;
    }
    let args: Vec<OsString> = args.collect();
    let [kind, memory_mb, seconds, path] = args.as_slice() else { return ExitCode::FAILURE };
    let number = |text: &OsString| text.to_str().and_then(|t| t.parse::<u64>().ok());
    let (Some(kind), Some(memory_mb), Some(seconds)) =
        (kind.to_str().and_then(Kind::from_name), number(memory_mb), number(seconds))
    else {
        return ExitCode::FAILURE;
    };
    confine(memory_mb, seconds);
    // The stack of the main thread can't be chosen, and deeply nested files need some.
    let path = PathBuf::from(path);
    let work = move || match std::fs::read(&path) {
        Ok(bytes) => guarded(kind, &bytes),
        Err(_) => Err(Failure::SourceMissing),
    };
    let read = match std::thread::Builder::new().stack_size(32 << 20).spawn(work) {
        Ok(thread) => thread.join().unwrap_or(Err(Failure::Corrupt)),
        Err(_) => Err(Failure::TooMuchMemory),
    };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer(&mut out, &read).is_ok() && out.flush().is_ok();
    if written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Bounds what this process may take from here on.
#[cfg(unix)]
fn confine(memory_mb: u64, seconds: u64) {
    use rlimit::{Resource, setrlimit};
    let bytes = memory_mb.saturating_mul(1 << 20);
    let _ = setrlimit(Resource::AS, bytes, bytes);
    // Two cores' worth: the parent watches the clock, this one the case that the parent is gone.
    let _ = setrlimit(Resource::CPU, seconds.saturating_mul(2), seconds.saturating_mul(2));
    let _ = setrlimit(Resource::CORE, 0, 0);
    let _ = setrlimit(Resource::FSIZE, 0, 0);
}

#[cfg(not(unix))]
fn confine(_memory_mb: u64, _seconds: u64) {}
