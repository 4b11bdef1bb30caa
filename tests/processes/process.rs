//! The real program as a process of its own.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::app::KEY;

/// The real process on its data directory.
pub struct Process {
    child: Child,
    pub url: String,
    pub token: String,
}

impl Process {
    /// Starts it and waits until it answers.
    pub async fn start(dir: &Path, settings: &[(&str, String)], http: &reqwest::Client) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_frontdesk"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir);
        command.env("FRONTDESK_ASSISTANT_PAUSE_MS", "0").env("FRONTDESK_LOG_FILTER", "error");
        command.env("FRONTDESK_SECRET_KEY", KEY).envs(settings.iter().map(|(k, v)| (k, v)));
        let log = std::fs::File::options().create(true).append(true).open(dir.join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut process = Self { child, url: String::new(), token: String::new() };
        let since = Instant::now();
        loop {
            let text = std::fs::read_to_string(dir.join("frontdesk.lock")).unwrap_or_default();
            if let Ok(told) = serde_json::from_str::<Value>(&text)
                && told["pid"] == process.child.id()
            {
                process.url = told["url"].as_str().unwrap().into();
                process.token = told["token"].as_str().unwrap().into();
                if http.get(format!("{}/healthz", process.url)).send().await.is_ok() {
                    return process;
                }
            }
            assert!(
                since.elapsed() < Duration::from_secs(120) && process.child.try_wait().unwrap().is_none(),
                "the process did not start: {}",
                std::fs::read_to_string(dir.join("log")).unwrap_or_default()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn call(&self, http: &reqwest::Client, method: &str, path: &str, body: Option<Value>) -> Option<Value> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        answer.status().is_success().then_some(())?;
        answer.json().await.ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that keeps no connection: the other end is killed now and then.
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(60)).pool_max_idle_per_host(0).build().unwrap()
}
