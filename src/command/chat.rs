//! `chat`: the widget's API from a terminal.
#![allow(clippy::indexing_slicing, reason = "indexing JSON that lacks the key gives null")]

use std::{process::ExitCode, time::Duration};

use frontdesk::platform::Result;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{Context, client::Client};

pub async fn chat(context: &Context) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let outcome = talk(&client).await;
    client.close().await;
    outcome
}

async fn talk(client: &Client) -> Result<ExitCode> {
    // The organisation's own website channel: what is said here is a conversation like any other.
    let channels = client.call("GET", "/api/channels", None).await?;
    let web = channels.as_array().into_iter().flatten().find(|c| c["platform"] == "web").map(|c| c["id"].clone());
    let session = client.call("POST", "/api/widget/session", Some(json!({"channel": web}))).await?;
    let token = session["visitor_token"].as_str().unwrap_or_default().to_string();
    println!("You are writing to {}. An empty line ends it.", session["company"].as_str().unwrap_or_default());
    let mut seen = session["cursor"].as_i64().unwrap_or_default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if line.trim().is_empty() {
            break;
        }
        let body = json!({"echo_id": uuid::Uuid::now_v7(), "text": line});
        client.call_as("POST", "/api/widget/messages", Some(body), &token).await?;
        seen = answers(client, &token, seen).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what is said until somebody else than the customer has spoken; returns the last place.
async fn answers(client: &Client, token: &str, mut seen: i64) -> Result<i64> {
    for _ in 0..300 {
        let path = format!("/api/widget/messages?after={seen}");
        let news = client.call_as("GET", &path, None, token).await?;
        let mut answered = false;
        for message in news["messages"].as_array().into_iter().flatten() {
            seen = message["seq"].as_i64().unwrap_or(seen);
            if message["by"] != "customer" {
                answered = true;
                println!(
                    "{}: {}",
                    message["by"].as_str().unwrap_or_default(),
                    message["text"].as_str().unwrap_or_default()
                );
                for source in message["sources"].as_array().into_iter().flatten() {
                    println!("    · {}", source["title"].as_str().unwrap_or_default());
                }
            }
        }
        if answered {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(seen)
}
