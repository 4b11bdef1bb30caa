//! `eval …`: measures answers, on a throw-away store or on files alone.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use frontdesk::{
    evals,
    platform::{Error, Result},
};
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
    /// Fit confidence and its thresholds to labelled answers, and measure each set by a calibration without it
    Calibrate {
        /// A directory with corpus.jsonl and queries.jsonl to fit on; several are left out in turn
        #[arg(long = "set", required = true, value_name = "DIR")]
        sets: Vec<PathBuf>,
        /// A directory that is measured and never fitted on
        #[arg(long = "test", value_name = "DIR")]
        tests: Vec<PathBuf>,
        /// Where the calibration goes; the shipped one is src/turn/confidence/calibration.json
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Ask the questions of one CSV file of the questions of another, as FAQs
    ///
    /// The columns are called text (or sentence, question …) and label (or category, intent, answer …). A label that
    /// the training file lacks is out of scope.
    Faq {
        #[arg(long, value_name = "FILE")]
        train: PathBuf,
        #[arg(long, value_name = "FILE")]
        test: PathBuf,
        /// Write a line per question: {"text","label","found","confidence"}
        #[arg(long, value_name = "FILE")]
        rows: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Tell pairs of the same question from others: two questions and 0 or 1 a line, tabs or commas between
    Pairs {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// Measure the memory: recall of long talks, and what is learned, on a throw-away store
    Memory {
        /// Talks with questions and their evidence, as LoCoMo writes them
        #[arg(long, value_name = "FILE")]
        locomo: Option<PathBuf>,
        /// Dialogues as MADial-Bench writes them; their memories are beside them (…-memory.json)
        #[arg(long, value_name = "FILE")]
        madial: Option<PathBuf>,
        /// Labelled messages: {"language","by","text","facts":[{"kind","start","end"}]}
        #[arg(long, value_name = "FILE")]
        learn: Option<PathBuf>,
        /// Write a line per question: {"id","ranked"}
        #[arg(long, value_name = "FILE")]
        rows: Option<PathBuf>,
        /// Write a page with pictures: strength curves, recall, what was learned and why, worst misses
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Hold conversations whose later questions lean on the earlier ones, on a throw-away store
    ///
    /// A line is {"id","family","corpus","turns":[{"say","answers":[…],"answerable":bool,"leans":bool}]}; an answer is
    /// a string or a list of strings that are all needed. See evals/talks.
    Talks {
        #[arg(long, value_name = "FILE")]
        corpus: PathBuf,
        #[arg(long, value_name = "FILE")]
        talks: PathBuf,
        /// Only conversations about this corpus
        #[arg(long, value_name = "NAME")]
        about: Option<String>,
        /// Write a line per turn
        #[arg(long, value_name = "FILE")]
        rows: Option<PathBuf>,
        #[arg(long)]
        json: bool,
    },
    /// Play scripted customers through the real front door, on a throw-away store
    ///
    /// A file is {company, cases}; see evals/simulations. With a model in the settings its answers are what is played.
    Simulate {
        #[arg(long, value_name = "DIR", default_value = "evals/simulations")]
        dir: PathBuf,
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
        Suite::Calibrate { sets, tests, out, json } => {
            let sets = evals::calibrate::Sets { fit: sets, test: tests, out };
            print(&evals::calibrate::run(context.config()?, &sets).await?, json)?;
        }
        Suite::Faq { train, test, rows, json } => print(&evals::faq::run(&train, &test, rows.as_deref())?, json)?,
        Suite::Memory { locomo, madial, learn, rows, html, json } => {
            let files = evals::MemoryFiles { locomo, madial, learn, rows, html };
            if files.locomo.is_none() && files.madial.is_none() && files.learn.is_none() {
                return Err(Error::Invalid("say what to measure: --locomo, --madial or --learn".into()));
            }
            print(&evals::memory(context.config()?, &files).await?, json)?;
        }
        Suite::Pairs { file, json } => print(&evals::faq::pairs(&file)?, json)?,
        Suite::Talks { corpus, talks, about, rows, json } => {
            let files = evals::TalkFiles { corpus, talks, about, rows };
            print(&evals::talks(context.config()?, &files).await?, json)?;
        }
        Suite::Simulate { dir, json } => {
            let report = frontdesk::simulate::run(context.config()?, &dir).await?;
            print(&report, json)?;
            return Ok(if report.held == report.of { ExitCode::SUCCESS } else { ExitCode::FAILURE });
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
