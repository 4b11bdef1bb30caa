//! How fast and how small Frontdesk is, beside what it must be: `make bench`, or `scripts/bench <section>…`.
//!
//! Never part of the tests: its numbers are those of one machine at one moment, so that the disk's own syncs, the load
//! before and what others used of the machine meanwhile are printed with them.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measuring program prints, and stops at the first thing that is not as it should be"
)]

mod channels;
mod ingest;
mod machine;
#[allow(dead_code, clippy::panic, reason = "the tests' fake provider; a bench uses its plainest part")]
#[path = "../../tests/support/model.rs"]
mod model;
mod sealed;
mod server;
mod start;
mod table;
mod texts;
mod turn;
mod webhooks;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use table::Row;

/// Measures Frontdesk and prints one table.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything when none is named
    sections: Vec<Section>,
    /// Where the throw-away data directories go: the disk that is measured
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    dir: PathBuf,
    /// Over how many passages turns are taken
    #[arg(long, default_value_t = 50_000)]
    passages: usize,
    /// Cargo says so by itself
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The disk's syncs only
    Disk,
    /// A turn over 50,000 passages; loading them
    Turn,
    /// The same with a stub model on loopback
    Model,
    /// Ingestion of documents and short passages
    Ingest,
    /// Cold start, idle memory, size of the program
    Start,
    /// Webhooks accepted and durable
    Webhooks,
    /// A minute of a thousand webhooks a second of six kinds, with turns running
    Channels,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    std::fs::create_dir_all(&arguments.dir)?;
    let load = machine::load();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let sync = machine::syncs(&arguments.dir, 500)?;
    let profile = if cfg!(debug_assertions) { "DEBUG BUILD, numbers mean nothing" } else { "release build" };
    println!(
        "frontdesk {}, {profile}, SQLite and Qdrant Edge · {} cores, load {load:.2} before · disk: 4 KiB appended \
         and synced in {sync} ({} times)\n",
        env!("CARGO_PKG_VERSION"),
        machine::cores(),
        sync.count(),
    );
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    for section in Section::value_variants() {
        if arguments.sections.is_empty() || arguments.sections.contains(section) {
            match runtime.block_on(measure(*section, &arguments)) {
                Ok(measured) => rows.extend(measured),
                Err(error) => failed.push(format!("{section:?} could not be measured: {error:#}")),
            }
        }
    }
    table::print(&rows);
    println!(
        "\nload: the 1-minute average before; others: the share of all cores that other processes used meanwhile."
    );
    failed.iter().for_each(|why| println!("{why}"));
    anyhow::ensure!(failed.is_empty(), "{} sections could not be measured", failed.len());
    Ok(())
}

/// Measures one section, with the load before and what others used meanwhile.
async fn measure(section: Section, arguments: &Arguments) -> anyhow::Result<Vec<Row>> {
    let load = machine::load();
    let others = machine::Others::watch();
    let dir = &arguments.dir;
    let mut rows = match section {
        Section::Disk => Vec::new(),
        Section::Turn => turn::run(dir, arguments.passages).await?,
        Section::Model => turn::run_with_model(dir, arguments.passages).await?,
        Section::Ingest => ingest::run(dir).await?,
        Section::Start => start::run(dir).await?,
        Section::Webhooks => webhooks::run(dir).await?,
        Section::Channels => channels::run(dir).await?,
    };
    for row in &mut rows {
        (row.load, row.others) = (load, others.share());
    }
    Ok(rows)
}
