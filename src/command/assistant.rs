//! `assistant`: the versions of what the assistant answers under.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use frontdesk::platform::{Error, Result};
use serde_json::{Map, Value, json};

use super::{Context, client::Client};

#[derive(Subcommand)]
pub enum Assistant {
    /// Show the versions, the newest first
    Versions {
        #[arg(long)]
        json: bool,
    },
    /// Draft a version: what is not named stays as in the published one
    Draft {
        /// What it is for
        #[arg(long)]
        note: Option<String>,
        /// Begin with this version instead of the published one
        #[arg(long, value_name = "N")]
        from: Option<i64>,
        /// The share of wrong answers among those sent that is accepted, like 0.05
        #[arg(long, value_name = "SHARE")]
        max_error_rate: Option<f64>,
        /// A template in place of ours, named as ours (answer.en.j2); see prompts/
        #[arg(long, value_name = "FILE")]
        prompt: Vec<PathBuf>,
        /// A topic that always goes to a person, in a few words; an empty one clears the list
        #[arg(long, value_name = "TOPIC")]
        to_person: Vec<String>,
        /// Read only this knowledge base, by its id; may be given again
        #[arg(long, value_name = "ID")]
        knowledge_base: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// Let a version answer, from the next turn on
    Publish {
        #[arg(value_name = "N")]
        version: i64,
        /// Whatever the replay of real conversations found
        #[arg(long)]
        despite_regression: bool,
    },
    /// Take the published version back: the one before it answers again
    RollBack,
    /// Say what must hold before a version is published: real conversations are taken again under it first
    Gate {
        /// How many of the latest turns are taken again
        #[arg(long, default_value_t = 200, value_name = "N")]
        last: i64,
        /// Of what was answered, the largest share that may be answered no more
        #[arg(long, default_value_t = 0.05, value_name = "SHARE")]
        max_lost: f64,
        /// The largest share that may be answered in other words
        #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
        max_reworded: f64,
        /// Nothing must hold
        #[arg(long, conflicts_with_all = ["last", "max_lost", "max_reworded"])]
        off: bool,
    },
}

/// Runs a command on the organisation's assistant.
pub async fn assistant(context: &Context, command: Assistant) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let done = run(&client, command).await;
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn run(client: &Client, command: Assistant) -> Result<()> {
    let assistant = client.call("GET", "/api/assistant", None).await?;
    let id = assistant.get("id").and_then(Value::as_str).unwrap_or_default();
    let path = |rest: &str| format!("/api/assistants/{id}/{rest}");
    match command {
        Assistant::Versions { json } => {
            let versions = client.call("GET", &path("versions"), None).await?;
            if json {
                println!("{versions}");
                return Ok(());
            }
            let all = versions.as_array().map(Vec::as_slice).unwrap_or_default();
            if all.is_empty() {
                println!("no versions: the settings of the installation count (frontdesk assistant draft makes one)");
            }
            all.iter().for_each(print_version);
        }
        Assistant::Draft { note, from, max_error_rate, prompt, to_person, knowledge_base, json } => {
            let mut body = json!({"note": note, "from": from, "max_error_rate": max_error_rate});
            let mut set = |key: &str, value: Value| body.as_object_mut().and_then(|b| b.insert(key.into(), value));
            set("prompts", prompts(&prompt)?);
            if !to_person.is_empty() {
                let topics: Vec<&String> = to_person.iter().filter(|topic| !topic.trim().is_empty()).collect();
                set("rules", json!({"to_person": topics}));
            }
            if !knowledge_base.is_empty() {
                set("knowledge_base_ids", json!(knowledge_base));
            }
            let version = client.call("POST", &path("versions"), Some(body)).await?;
            if json { println!("{version}") } else { print_version(&version) }
        }
        Assistant::Publish { version, despite_regression } => {
            let body = json!({"despite_regression": despite_regression});
            print_version(&client.call("POST", &path(&format!("versions/{version}/publish")), Some(body)).await?);
        }
        Assistant::RollBack => {
            let answer = client.call("POST", &path("roll-back"), None).await?;
            match answer.get("published").filter(|p| !p.is_null()) {
                Some(version) => print_version(version),
                None => println!("the settings of the installation count again"),
            }
        }
        Assistant::Gate { last, max_lost, max_reworded, off } => {
            let gate = (!off).then(|| json!({"last": last, "max_lost": max_lost, "max_reworded": max_reworded}));
            let assistant = client.call("PUT", &path("gate"), Some(json!({"gate": gate}))).await?;
            println!("gate: {}", assistant.get("gate").unwrap_or(&Value::Null));
        }
    }
    Ok(())
}

/// The files by their names.
fn prompts(files: &[PathBuf]) -> Result<Value> {
    let mut prompts = Map::new();
    for path in files {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(path).map_err(|e| Error::Invalid(format!("{}: {e}", path.display())))?;
        prompts.insert(name, text.into());
    }
    Ok(Value::Object(prompts))
}

fn print_version(version: &Value) {
    let of = |key: &str| version.get(key).and_then(Value::as_str).unwrap_or_default();
    let rate = version.get("max_error_rate").and_then(Value::as_f64).unwrap_or_default();
    println!(
        "{:>4}  {:<11} at most {:.1} % wrong  {}  {}",
        version.get("version").and_then(Value::as_i64).unwrap_or_default(),
        of("status"),
        rate * 100.0,
        of("created_at").get(..16).unwrap_or_default(),
        of("note")
    );
}
