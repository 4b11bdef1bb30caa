//! `eval run`: measures answers on a throw-away store.

use std::{path::PathBuf, process::ExitCode};

use frontdesk::{evals, platform::Result};

use super::Context;

pub async fn run(
    context: &Context,
    corpus: PathBuf,
    queries: PathBuf,
    rows: Option<PathBuf>,
    as_json: bool,
) -> Result<ExitCode> {
    // Settings count (a model, passage sizes); the data directory does not: nothing of it is read or written.
    let report = evals::run(context.config()?, &evals::Files { corpus, queries, rows }).await?;
    if as_json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}
