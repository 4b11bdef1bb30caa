//! `eval …`: measures answers, on a throw-away store or on files alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use frontdesk::{evals, platform::Result};
use serde::Serialize;

use super::Context;

/// What is measured.
#[derive(Subcommand)]
pub enum Suite {
    /// Run a question set through the real search and the real turn, on a throw-away store
    ///
    /// A corpus line is {"id","title","text"}; a query line is
    /// {"id","text","relevant":[ids],"answers":[…],"answerable":bool}.
    Run {
        #[arg(long, value_name = "FILE")]
        corpus: PathBuf,
        #[arg(long, value_name = "FILE")]
        queries: PathBuf,
        /// Write a line per query: {"id","ranked","confidence","decision","answer","evidence"}
        #[arg(long, value_name = "FILE")]
        rows: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Check lies and truths: a lie must be cut, a truth must be sent
    ///
    /// A line is {"id","family","language","title","evidence","sentence","truth"}; see evals/proof.
    Proof {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[arg(long)]
        json: bool,
    },
}

/// Measures and prints.
pub async fn run(context: &Context, suite: Suite) -> Result<ExitCode> {
    match suite {
        Suite::Run { corpus, queries, rows, json } => {
            // Settings count (a model, passage sizes); the data directory does not: nothing of it is read or written.
            let report = evals::run(context.config()?, &evals::Files { corpus, queries, rows }).await?;
            print(&report, json)?;
        }
        Suite::Proof { files, json } => {
            for file in &files {
                let report = evals::proof::run(file)?;
                if !json {
                    println!("{}", file.display());
                }
                print(&report, json)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &(impl Serialize + std::fmt::Display), as_json: bool) -> Result<()> {
    if as_json {
        println!("{}", serde_json::to_string(report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
