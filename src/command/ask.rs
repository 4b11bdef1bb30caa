//! `ask` and `search`.

use std::process::ExitCode;

use frontdesk::platform::Result;
use serde_json::{Value, json};

use super::{Context, client::Client};

pub async fn ask(context: &Context, question: &str, as_json: bool) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let outcome = client.call("POST", "/api/ask", Some(json!({"question": question}))).await;
    if outcome.is_ok() {
        hint_at_demo(context, &client).await;
    }
    client.close().await;
    let told = outcome?;
    if as_json {
        println!("{told}");
        return Ok(ExitCode::SUCCESS);
    }
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
    println!("{}", text("answer"));
    println!();
    let confidence = told.get("confidence").and_then(Value::as_f64).unwrap_or_default();
    let reason = match text("reason") {
        "" => String::new(),
        reason => format!(" ({})", reason.replace('_', " ")),
    };
    println!("[{}{reason}, confidence {confidence:.2}]", text("decision").replace('_', " "));
    let is_said = matches!(text("decision"), "answer" | "clarify");
    if !is_said {
        println!("  That is what a customer would read; here nobody is called. The nearest that was found:");
    }
    for source in told.get("sources").and_then(Value::as_array).into_iter().flatten() {
        let part = |key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default();
        println!("  · {}: “{}”", part("title"), part("quote").trim());
    }
    Ok(ExitCode::SUCCESS)
}

/// Somebody who tried `make run` asks the default organisation, which knows nothing yet.
async fn hint_at_demo(context: &Context, client: &Client) {
    if context.org != "default" {
        return;
    }
    if let Ok(found) = client.call("GET", "/api/documents?limit=1", None).await
        && found.pointer("/items").and_then(Value::as_array).is_some_and(Vec::is_empty)
    {
        eprintln!(
            "note: this organisation has no documents yet: frontdesk ingest PATH (the demo company is --org demo)"
        );
    }
}

pub async fn search(context: &Context, query: &str, k: u32, as_json: bool) -> Result<ExitCode> {
    context.expect_data()?;
    let client = Client::open(context).await?;
    let encoded = percent_encoding::utf8_percent_encode(query, percent_encoding::NON_ALPHANUMERIC);
    let found = client.call("GET", &format!("/api/search?k={k}&q={encoded}"), None).await;
    client.close().await;
    let found = found?;
    if as_json {
        println!("{found}");
        return Ok(ExitCode::SUCCESS);
    }
    for (n, hit) in found.as_array().into_iter().flatten().enumerate() {
        let part = |key: &str| hit.get(key).and_then(Value::as_str).unwrap_or_default();
        let score = hit.get("score").and_then(Value::as_f64).unwrap_or_default();
        println!("{}. {} ({score:.3})", n + 1, part("title"));
        let text = part("text").split_whitespace().collect::<Vec<_>>().join(" ");
        println!("   {}", text.chars().take(240).collect::<String>());
    }
    Ok(ExitCode::SUCCESS)
}
