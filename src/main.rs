//! The command line. `frontdesk --help` teaches it.
#![allow(clippy::print_stdout, reason = "this is the command line")]

mod command;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use command::Context;

const EXAMPLES: &str = "\
Examples:
  frontdesk serve --demo                      the demo company on http://127.0.0.1:8080
  frontdesk ingest handbook/                  teach it your documents
  frontdesk ask \"How long is the warranty?\"  ask as a customer would
  frontdesk --org demo chat                   talk with the demo company's assistant";

/// AI-first customer service with a CRM, in one binary.
///
/// Customers write on your website, the assistant answers from your documents, and when it is not sure a person takes
/// over. Everything lives in one data directory.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Global {
    /// Where everything is kept
    #[arg(long, global = true, env = "FRONTDESK_DATA_DIR", default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    /// The settings (default: frontdesk.toml in the data directory or here)
    #[arg(long, global = true, env = "FRONTDESK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which organisation is meant
    #[arg(long, global = true, env = "FRONTDESK_ORG", default_value = "default", value_name = "NAME")]
    org: String,
}

#[derive(Subcommand)]
enum Command {
    /// Serve customers and agents until Ctrl-C
    Serve {
        /// The address to listen on [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Also serve the demo company, in an organisation of its own
        #[arg(long)]
        demo: bool,
    },
    /// Add documents: files, folders, or addresses of web pages
    ///
    /// The same file again is passed over; a changed one replaces its earlier version.
    Ingest {
        /// Files, folders, or http(s) addresses
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
        /// Print one JSON line per document
        #[arg(long)]
        json: bool,
    },
    /// Search the documents
    Search {
        /// Words or a question
        query: String,
        /// How many passages
        #[arg(short, default_value_t = 5)]
        k: u32,
        /// Print the passages as one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Ask the assistant one question; nobody is called, whatever it decides
    Ask {
        /// As a customer would ask it
        question: String,
        /// Print the decision, the answer and its sources as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Talk with the assistant as a customer would
    Chat,
    /// Measure answers with labelled questions
    #[command(subcommand)]
    Eval(command::eval::Suite),
    /// Build the search index anew, while the old one serves
    Reindex,
    /// Bring the database up to date (serve does it by itself)
    Migrate,
    /// Write everything into one file, while serving
    Backup {
        /// Where it goes; readable by its owner alone
        file: PathBuf,
        /// Also put the secret key into the file: whoever has it can read every channel's secrets
        #[arg(long)]
        with_key: bool,
    },
    /// Restore a backup into an empty data directory or database
    Restore {
        /// What `backup` wrote
        file: PathBuf,
    },
    /// The versions of the assistant: draft, publish, roll back
    #[command(subcommand)]
    Assistant(command::assistant::Assistant),
    /// Manage the channels over which customers write
    #[command(subcommand)]
    Channel(command::channel::Channel),
    /// Manage the people who sign in
    #[command(subcommand)]
    User(User),
    /// The demo company
    #[command(subcommand)]
    Demo(Demo),
    /// Check the settings and print them, without secrets
    CheckConfig,
    /// Read one document in a process of its own
    #[command(hide = true)]
    ParseDocument {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Subcommand)]
enum User {
    /// Add somebody who signs in; prints a link where they choose their password
    Add {
        /// What they sign in with
        email: String,
        /// What colleagues see [default: the address]
        #[arg(long)]
        name: Option<String>,
        /// super_admin, admin, manager, team_lead, agent, sales or readonly
        #[arg(long, default_value = "agent")]
        role: String,
    },
}

#[derive(Subcommand)]
enum Demo {
    /// Remove the demo company with everything in it
    Remove,
}

fn main() -> ExitCode {
    end_with_the_reader();
    let cli = Cli::parse();
    if let Command::ParseDocument { .. } = &cli.command {
        return frontdesk::knowledge::parse::child_main();
    }
    frontdesk::knowledge::parse::read_in_children();
    let context = Context { data_dir: cli.global.data_dir, config_file: cli.global.config, org: cli.global.org };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("frontdesk: cannot start: {e}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(&context, cli.command));
    // What still blocks (a parser that hangs) must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("frontdesk: {}", command::in_one_sentence(&error));
            ExitCode::FAILURE
        }
    }
}

/// Ends quietly when nobody reads what we print any more (`frontdesk search … | head -1`), as other programs do, and with
/// a sentence when it can't be written (a full disk).
fn end_with_the_reader() {
    const AS_IF_KILLED_BY_SIGPIPE: i32 = 128 + 13;
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        match panic.payload_as_str().and_then(|text| text.strip_prefix("failed printing to stdout: ")) {
            Some(why) if why.contains("Broken pipe") => std::process::exit(AS_IF_KILLED_BY_SIGPIPE),
            Some(why) => {
                // Standard error may be as full.
                let _ = writeln!(std::io::stderr(), "frontdesk: cannot write the output: {why}");
                std::process::exit(1);
            }
            None => usual(panic),
        }
    }));
}

async fn run(context: &Context, command: Command) -> frontdesk::platform::Result<ExitCode> {
    match command {
        Command::Serve { listen, demo } => command::serve::serve(context, listen, demo).await,
        Command::Ingest { paths, json } => command::ingest::ingest(context, &paths, json).await,
        Command::Search { query, k, json } => command::ask::search(context, &query, k, json).await,
        Command::Ask { question, json } => command::ask::ask(context, &question, json).await,
        Command::Chat => command::chat::chat(context).await,
        Command::Eval(suite) => command::eval::run(context, suite).await,
        Command::Reindex => command::maintain::reindex(context).await,
        Command::Migrate => command::maintain::migrate(context).await,
        Command::Backup { file, with_key } => command::maintain::backup(context, &file, with_key).await,
        Command::Restore { file } => command::maintain::restore(context, &file).await,
        Command::User(User::Add { email, name, role }) => {
            command::maintain::add_user(context, &email, name, &role).await
        }
        Command::Assistant(command) => command::assistant::assistant(context, command).await,
        Command::Channel(command) => command::channel::channel(context, command).await,
        Command::Demo(Demo::Remove) => command::maintain::remove_demo(context).await,
        Command::CheckConfig => command::maintain::check_config(context),
        Command::ParseDocument { .. } => Ok(ExitCode::SUCCESS),
    }
}
