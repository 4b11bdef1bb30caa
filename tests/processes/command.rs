//! The command line as people and programs meet it: one sentence when something is wrong, stable JSON, exit codes.

use std::{
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    process::{Process, http},
    support::app::{KEY, Scratch},
};

const WARRANTY: &str = "# Warranty\n\nThe warranty of every grinder is 24 months from the day of delivery.\n";

fn frontdesk(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.arg("--data-dir").arg(dir).args(args);
    if dir.is_dir() {
        command.current_dir(dir);
    }
    command.env("FRONTDESK_SECRET_KEY", KEY).env("FRONTDESK_LOG_FILTER", "error").envs(variables.iter().copied());
    command.output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was said of a failure: one line, no trace, not the exit code of success.
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
    assert!(!output.status.success(), "{said}{}", printed(output));
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("panicked") && !said.contains("Error {"), "{said}");
    said
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn what_cannot_be_is_said_in_one_sentence() {
    let dir = Scratch::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(&frontdesk(&dir.0, &["serve", "--listen", &address], &[]));
    assert!(said.contains(&address) && said.contains("another server"), "{said}");

    let said = refused(&frontdesk(&dir.0, &["serve"], &[("FRONTDESK_SERVER_LISEN", "x")]));
    assert!(said.contains("did you mean 'FRONTDESK_SERVER_LISTEN'"), "{said}");
    for (settings, about) in [
        ("[server]\nlisten_adress = 'x'", "listen_adress"),
        ("[model]\napi_key = 'sk-verysecret", "line 2"),
        ("[log]\nfilter = 7", "log.filter"),
    ] {
        std::fs::write(dir.0.join("frontdesk.toml"), settings).unwrap();
        for command in ["check-config", "serve"] {
            let said = refused(&frontdesk(&dir.0, &[command], &[]));
            assert!(said.contains(about) && said.contains("frontdesk.toml") && !said.contains("verysecret"), "{said}");
        }
    }
    std::fs::remove_file(dir.0.join("frontdesk.toml")).unwrap();
    let file = dir.0.join("a file");
    std::fs::write(&file, "x").unwrap();
    refused(&frontdesk(&file, &["serve", "--listen", "127.0.0.1:0"], &[]));
    refused(&frontdesk(&dir.0, &["restore", "no such backup"], &[]));
    refused(&frontdesk(&dir.0, &["eval", "run", "--corpus", "none.jsonl", "--queries", "none.jsonl"], &[]));
}

/// With a server on the directory and without one: the same commands give the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_answer_programs_and_people_with_a_server_and_without() {
    let dir = Scratch::new();
    std::fs::write(dir.0.join("warranty.md"), WARRANTY).unwrap();
    std::fs::write(dir.0.join("broken.json"), "{").unwrap();
    let data = dir.0.join("data");
    let http = http();
    for with_server in [false, true] {
        std::fs::create_dir_all(&data).unwrap();
        let server = if with_server { Some(Process::start(&data, &[], &http).await) } else { None };
        let run = |args: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
            command.arg("--data-dir").arg(&data).args(args).current_dir(&dir.0);
            command.env("FRONTDESK_SECRET_KEY", KEY).env("FRONTDESK_LOG_FILTER", "error").output().unwrap()
        };
        let taken = run(&["ingest", "warranty.md"]);
        assert!(taken.status.success(), "{taken:?}");
        let mixed = run(&["ingest", "warranty.md", "broken.json", "nowhere.md"]);
        assert_eq!(mixed.status.code(), Some(1), "{mixed:?}");
        assert!(printed(&mixed).contains("✗ broken.json"), "{mixed:?}");
        assert!(printed(&mixed).contains("✗ nowhere.md: no such file or folder"), "{mixed:?}");
        assert!(printed(&mixed).contains("1 document is ready, 2 failed"), "{mixed:?}");

        let found: Value = serde_json::from_slice(&run(&["search", "warranty", "--json", "-k", "1"]).stdout).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(keys(&found[0]), ["document_id", "title", "passage_id", "text", "score"]);

        let answered = run(&["ask", "How long is the warranty of the grinder?", "--json"]);
        let answered: Value = serde_json::from_slice(&answered.stdout).unwrap();
        let expected = ["decision", "answer", "language", "confidence", "reason", "sources", "timings_ms"];
        assert_eq!(keys(&answered)[..expected.len()], expected, "{answered}");
        assert_eq!(answered["decision"], "answer", "{answered}");
        assert!(answered["answer"].as_str().unwrap().contains("24 months"), "{answered}");
        assert_eq!(keys(&answered["sources"][0]), ["document_id", "title", "passage_id", "quote", "score"]);
        let unknown = run(&["ask", "Do you sell submarines with a nuclear reactor?", "--json"]);
        let unknown: Value = serde_json::from_slice(&unknown.stdout).unwrap();
        assert!(["offer_person", "hand_off"].contains(&unknown["decision"].as_str().unwrap()), "{unknown}");

        let rebuilt = run(&["reindex"]);
        assert!(rebuilt.status.success() && printed(&rebuilt).contains("1 passages"), "{rebuilt:?}");
        let checked = run(&["check-config"]);
        assert!(checked.status.success() && printed(&checked).contains("[model]"), "{checked:?}");
        let user = run(&["user", "add", if with_server { "b@example.com" } else { "a@example.com" }]);
        assert!(user.status.success() && printed(&user).contains("http"), "{user:?}");
        if with_server {
            // Alone with the data only.
            for args in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"], &["restore", "warranty.md"]] {
                refused(&run(args));
            }
        } else {
            let migrated = run(&["migrate"]);
            assert!(migrated.status.success(), "{migrated:?}");
        }
        drop(server);
    }
}
