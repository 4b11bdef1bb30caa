//! `eval …`: measures answers, on a throw-away store or on files alone.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use frontdesk::{
    evals::{
        self,
        replay::Replay,
        report::{Report, Sheet},
    },
    platform::{Clock, Error, Result},
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use super::{Context, client::Client};

/// Where the report goes, beside what is printed.
#[derive(Args, Clone, Default)]
pub struct Pages {
    /// Write a page with pictures and the worst cases: one file, no script, works offline
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write numbers, pictures and every case as JSON, to stand beside a later run
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Put this report of an earlier run beside: numbers with their differences, cases that changed
    #[arg(long, value_name = "REPORT", requires = "html")]
    before: Option<PathBuf>,
}

impl Pages {
    /// Writes what is asked for.
    fn write(&self, sheets: Vec<Sheet>) -> Result<()> {
        if self.html.is_none() && self.report.is_none() {
            return Ok(());
        }
        self.write_report(&Report::new(sheets, Some(Clock::System.now())))
    }

    fn write_report(&self, report: &Report) -> Result<()> {
        // Read first: the new report may take the earlier one's place.
        let before = self.before.as_deref().map(Report::read).transpose()?;
        if let Some(path) = &self.report {
            report.write(path)?;
        }
        if let Some(path) = &self.html {
            report.write_page(path, before.as_ref())?;
        }
        Ok(())
    }
}

/// What is measured.
#[derive(Subcommand)]
pub enum Suite {
    /// Run every set of a directory through the suite it is for: answers, talks, faq, pairs, proof, learning
    ///
    /// A directory with corpus.jsonl and queries.jsonl is a question set; other files are known by what they hold. See
    /// evals/README.md.
    All {
        #[arg(value_name = "DIR", default_value = "evals")]
        dir: PathBuf,
        #[command(flatten)]
        pages: Pages,
    },
    /// Take the latest turns of real conversations again, and show which would come out otherwise now
    ///
    /// Nothing is sent and no model is called: what it answered then is played back, and where it was not recorded (a
    /// changed prompt or passage asks it something else) that is said instead of a guess.
    Replay {
        /// How many
        #[arg(long, default_value_t = 200, value_name = "N")]
        last: i64,
        /// Under this version of the assistant [default: what answers now]
        #[arg(long, value_name = "N")]
        version: Option<i64>,
        /// With this share of wrong answers allowed, like 0.05
        #[arg(long, value_name = "SHARE")]
        max_error_rate: Option<f64>,
        /// Write a page with both sides
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// Print everything as one JSON object; the same twice, as long as nothing changed
        #[arg(long)]
        json: bool,
    },
    /// Turn SQuAD-style JSON or CSV into corpus.jsonl and queries.jsonl
    ///
    /// A CSV file has a header line. Documents have a column text (or context, passage …), and may have id and title;
    /// questions have a column question, and may have id, answers, relevant (ids of documents) and answerable. Both may
    /// stand in the same line. Several answers are a JSON list, or have | between them.
    Import {
        #[arg(long, value_name = "FILE")]
        squad: Vec<PathBuf>,
        #[arg(long, value_name = "FILE")]
        csv: Vec<PathBuf>,
        /// The directory that gets both files
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[arg(long)]
        json: bool,
    },
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
        #[command(flatten)]
        pages: Pages,
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
        #[command(flatten)]
        pages: Pages,
        #[arg(long)]
        json: bool,
    },
    /// Tell pairs of the same question from others: two questions and 0 or 1 a line, tabs or commas between
    Pairs {
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        pages: Pages,
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
        #[command(flatten)]
        pages: Pages,
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
        #[command(flatten)]
        pages: Pages,
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
        #[command(flatten)]
        pages: Pages,
        #[arg(long)]
        json: bool,
    },
}

/// Measures and prints.
pub async fn run(context: &Context, suite: Suite) -> Result<ExitCode> {
    let bar = progress();
    let tick = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    match suite {
        Suite::All { dir, pages } => {
            let begin = |name: &str| {
                bar.reset();
                bar.set_message(name.to_owned());
            };
            let report = evals::suites::all(context.config()?, &evals::suites::find(&dir)?, &begin, &tick).await?;
            bar.finish_and_clear();
            pages.write_report(&report)?;
            print_sheets(&report);
        }
        Suite::Replay { last, version, max_error_rate, html, json } => {
            let client = Client::open(context).await?;
            let wanted = json!({"last": last, "version": version, "max_error_rate": max_error_rate});
            let replayed = client.call("POST", "/api/replays", Some(wanted)).await;
            client.close().await;
            let replay: Replay = serde_json::from_value(replayed?)?;
            if let Some(path) = html {
                let page = Report::new(vec![replay.now.clone()], None);
                page.write_page(&path, Some(&Report::new(vec![replay.then.clone()], None)))?;
            }
            print(&replay, json)?;
        }
        Suite::Import { squad, csv, out, json } => {
            if squad.is_empty() && csv.is_empty() {
                return Err(Error::Invalid("say what to import: --squad or --csv".into()));
            }
            print(&evals::import::run(&evals::import::Imports { squad, csv, out })?, json)?;
        }
        Suite::Run { corpus, queries, rows, pages, json } => {
            // Settings count (a model, passage sizes); the data directory does not: nothing of it is read or written.
            let files = evals::Files { corpus, queries, rows };
            let (report, sheet) = evals::run(context.config()?, &files, &tick).await?;
            bar.finish_and_clear();
            pages.write(vec![sheet])?;
            print(&report, json)?;
        }
        Suite::Calibrate { sets, tests, out, json } => {
            let sets = evals::calibrate::Sets { fit: sets, test: tests, out };
            print(&evals::calibrate::run(context.config()?, &sets).await?, json)?;
        }
        Suite::Faq { train, test, rows, pages, json } => {
            let (report, sheet) = evals::faq::run(&train, &test, rows.as_deref())?;
            pages.write(vec![sheet])?;
            print(&report, json)?;
        }
        Suite::Memory { locomo, madial, learn, rows, pages, json } => {
            let files = evals::MemoryFiles { locomo, madial, learn, rows };
            if files.locomo.is_none() && files.madial.is_none() && files.learn.is_none() {
                return Err(Error::Invalid("say what to measure: --locomo, --madial or --learn".into()));
            }
            let (report, sheets) = evals::memory(context.config()?, &files, &tick).await?;
            bar.finish_and_clear();
            pages.write(sheets)?;
            print(&report, json)?;
        }
        Suite::Pairs { file, pages, json } => {
            let (report, sheet) = evals::faq::pairs(&file)?;
            pages.write(vec![sheet])?;
            print(&report, json)?;
        }
        Suite::Talks { corpus, talks, about, rows, pages, json } => {
            let files = evals::TalkFiles { corpus, talks, about, rows };
            let (report, sheet) = evals::talks(context.config()?, &files, &tick).await?;
            bar.finish_and_clear();
            pages.write(vec![sheet])?;
            print(&report, json)?;
        }
        Suite::Simulate { dir, json } => {
            let report = frontdesk::simulate::run(context.config()?, &dir).await?;
            print(&report, json)?;
            return Ok(if report.held == report.of { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Suite::Proof { files, pages, json } => {
            let mut sheets = Vec::with_capacity(files.len());
            for file in &files {
                let (report, sheet) = evals::proof::run(file)?;
                if !json {
                    println!("{}", file.display());
                }
                print(&report, json)?;
                sheets.push(sheet);
            }
            pages.write(sheets)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A bar at the terminal; nothing where nobody looks.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{msg:28} {bar:40} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The numbers of every sheet, a group a line.
fn print_sheets(report: &Report) {
    for sheet in &report.sheets {
        println!("{}: {} — {}", sheet.suite, sheet.set, sheet.about);
        for number in sheet.numbers.iter().filter(|n| n.value.is_some()) {
            println!("  {:<44} {:>10}", number.name, number.worded());
        }
    }
}

fn print(report: &(impl Serialize + std::fmt::Display), as_json: bool) -> Result<()> {
    if as_json {
        println!("{}", serde_json::to_string(report)?);
    } else {
        println!("{report}");
    }
    Ok(())
}
