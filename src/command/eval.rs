//! `eval run`: measures answers on a throw-away store.

use std::{path::PathBuf, process::ExitCode};

use frontdesk::{evals, platform::Result};

use super::Context;

/// `eval memory`: recall of long talks, and what is learned from labelled messages.
pub async fn memory(context: &Context, files: evals::MemoryFiles, as_json: bool) -> Result<ExitCode> {
    if files.locomo.is_none() && files.madial.is_none() && files.learn.is_none() {
        return Err(frontdesk::platform::Error::Invalid("say what to measure: --locomo, --madial or --learn".into()));
    }
    let report = evals::memory(context.config()?, &files).await?;
    if as_json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}

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
