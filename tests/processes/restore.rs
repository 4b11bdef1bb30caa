//! Restoring from the command line.

use std::{path::Path, process::Command, time::Duration};

use serde_json::json;

use crate::{
    process::{Process, http},
    support::app::{KEY, Scratch, is_on_disk},
};

fn run(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.env("FRONTDESK_SECRET_KEY", KEY).arg("--data-dir").arg(dir).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn who_was_erased_after_a_backup_does_not_come_back_with_it() {
    let (old, new) = (Scratch::new(), Scratch::new());
    let http = http();
    let mut server = Process::start(&old.0, &[], &http).await;
    let person = json!({"name": "Quillonwicket"});
    let customer = server.call(&http, "POST", "/api/customers", Some(person)).await.unwrap();
    let file = old.0.join("then.backup");
    run(&old.0, &["backup", file.to_str().unwrap()]);
    let path = format!("/api/customers/{}/erase", customer["id"].as_str().unwrap());
    let erasure = server.call(&http, "POST", &path, None).await.unwrap();
    let path = format!("/api/erasures/{}", erasure["id"].as_str().unwrap());
    while server.call(&http, "GET", &path, None).await.unwrap()["erased_at"].is_null() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();

    // Without the ledger nobody knows of it; with it the command itself erases again.
    run(&new.0, &["restore", file.to_str().unwrap()]);
    assert!(is_on_disk(&new.0, "Quillonwicket"), "the backup held them");
    let new = Scratch::new();
    std::fs::copy(old.0.join("erasures.jsonl"), new.0.join("erasures.jsonl")).unwrap();
    let said = run(&new.0, &["restore", file.to_str().unwrap()]);
    assert!(said.contains("One customer who was erased after this backup was erased again."), "{said}");
    assert!(!is_on_disk(&new.0, "Quillonwicket"));
}
