//! Everything that keeps an installation in order.
#![allow(clippy::indexing_slicing, reason = "indexing JSON that lacks the key gives null")]

use std::{path::Path, process::ExitCode};

use frontdesk::{
    backup::{self, KeyState},
    erasure,
    platform::{Error, Result, prompts::Prompts},
};
use serde_json::{Value, json};

use super::{Context, client::Client, lock};

pub async fn migrate(context: &Context) -> Result<ExitCode> {
    let _lock = lock::alone(&context.data_dir, "migrate")?;
    let app = context.open(context.config()?).await?;
    app.close().await;
    println!("The database is up to date.");
    Ok(ExitCode::SUCCESS)
}

pub async fn reindex(context: &Context) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let outcome = async {
        client.call("POST", "/api/reindex", None).await?;
        loop {
            let state = client.call("GET", "/api/reindex", None).await?;
            if state["state"] != "building" {
                return Ok::<_, Error>(state);
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
    .await;
    client.close().await;
    let state = outcome?;
    if state["state"] == "failed" {
        let why = state["error"].as_str().unwrap_or_default();
        return Err(Error::Invalid(format!("the index could not be built anew, the old one goes on answering: {why}")));
    }
    println!("The index is new: {} passages, {} FAQs.", state["passages"], state["faqs"]);
    Ok(ExitCode::SUCCESS)
}

pub async fn backup(context: &Context, file: &Path, with_key: bool) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let written = client.download("/api/backup", json!({"with_key": with_key}), file).await;
    client.close().await;
    println!("{}: {:.1} MB written.", file.display(), written? as f64 / 1e6);
    if !with_key {
        println!("The secret key is not in it: keep secret.key (or FRONTDESK_SECRET_KEY) somewhere safe as well.");
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn restore(context: &Context, file: &Path) -> Result<ExitCode> {
    let _lock = lock::alone(&context.data_dir, "restore")?;
    let secret_key = std::env::vars().find(|(name, _)| name == "FRONTDESK_SECRET_KEY").map(|(_, key)| key);
    let report = backup::restore(&context.config()?, &context.data_dir, secret_key, file).await?;
    println!("{report}");
    if !matches!(report.key, KeyState::Right | KeyState::Restored) {
        return Ok(ExitCode::SUCCESS); // the next start erases again who was erased since
    }
    let app = context.open(context.config()?).await?;
    let erased = erasure::apply(&app).await;
    app.close().await;
    match erased? {
        0 => {}
        1 => println!("One customer who was erased after this backup was erased again."),
        n => println!("{n} customers who were erased after this backup were erased again."),
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn add_user(context: &Context, email: &str, name: Option<String>, role: &str) -> Result<ExitCode> {
    let client = Client::open(context).await?;
    let body = json!({"email": email, "name": name.unwrap_or_else(|| email.to_string()), "roles": [role]});
    let added = client.call("POST", "/api/users", Some(body)).await;
    client.close().await;
    let added = added?;
    println!("{email} can sign in as {role}.");
    if let Some(link) = added.get("link").and_then(Value::as_str) {
        println!("They choose their password here, within 24 hours: {link}");
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn remove_demo(context: &Context) -> Result<ExitCode> {
    let client = Client::open(context).await?;
    let removed = client.call("DELETE", "/api/demo", None).await;
    client.close().await;
    removed?;
    println!("The demo company is gone.");
    Ok(ExitCode::SUCCESS)
}

pub fn check_config(context: &Context) -> Result<ExitCode> {
    let config = context.config()?;
    Prompts::open(config.assistant.prompts_dir.as_deref())?;
    let text = toml::to_string_pretty(&config).map_err(frontdesk::platform::Error::internal)?;
    println!("# The settings are right. Defaults included, secrets left out:");
    print!("{text}");
    Ok(ExitCode::SUCCESS)
}
