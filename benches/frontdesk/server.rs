//! The real process, and the little HTTP that is needed to talk to it.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The program under test, built with the same profile as this one.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_frontdesk");

/// A directory that is removed with its owner, on the disk that is measured.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(below: &Path) -> anyhow::Result<Self> {
        let dir = below.join(uuid::Uuid::now_v7().to_string());
        std::fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `frontdesk serve`, running.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    token: String,
    /// From starting the process to the first 200 of `/healthz`.
    pub start: Duration,
}

impl Server {
    /// Starts it on a port that was free a moment ago.
    pub async fn start(data_dir: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::launch(program(data_dir), data_dir, arguments).await
    }

    /// The same, on the first two processors only, whatever the machine has; where that can't be done, on all.
    pub async fn start_on_two(data_dir: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let is_there = Command::new("taskset").args(["-c", "0,1", "true"]).status().is_ok_and(|s| s.success());
        if !is_there {
            return Self::start(data_dir, arguments).await;
        }
        let mut command = Command::new("taskset");
        command.args(["-c", "0,1", PROGRAM]);
        Self::launch(on(command, data_dir), data_dir, arguments).await
    }

    async fn launch(mut command: Command, data_dir: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = data_dir.join("serve.log");
        let out = std::fs::File::create(&log)?;
        command.args(["serve", "--listen", &address.to_string()]).args(arguments);
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn().context(PROGRAM)?;
        let mut server = Self { child, address, token: String::new(), start: Duration::ZERO };
        loop {
            if matches!(call(address, "GET", "/healthz", "", None).await, Ok((200, _))) {
                server.start = started.elapsed();
                break;
            }
            let gone = server.child.try_wait()?.is_some();
            if gone || started.elapsed() > Duration::from_secs(300) {
                bail!("frontdesk serve did not start:\n{}", std::fs::read_to_string(log)?);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let lock: Value = serde_json::from_slice(&std::fs::read(data_dir.join("frontdesk.lock"))?)?;
        server.token = lock["token"].as_str().context("no token in the lock file")?.into();
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls the API as the command line does.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let body = body.map(|b| b.to_string());
        let headers = format!("authorization: Bearer {}\r\n", self.token);
        let (status, answer) = call(self.address, method, path, &headers, body.as_deref()).await?;
        if !(200..300).contains(&status) {
            bail!("{method} {path}: {status} {answer}");
        }
        Ok(serde_json::from_str(&answer).unwrap_or(Value::Null))
    }

    /// Ends it as Ctrl-C does.
    pub fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it at whatever instruction it is.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program on a data directory, without the settings of whoever runs the bench.
pub fn program(data_dir: &Path) -> Command {
    on(Command::new(PROGRAM), data_dir)
}

fn on(mut command: Command, data_dir: &Path) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FRONTDESK_")) {
        command.env_remove(name);
    }
    command.current_dir(data_dir).arg("--data-dir").arg(data_dir);
    command
}

/// One request on a connection of its own; the status and the body.
async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&str>,
) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let body = body.unwrap_or_default();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").context("not an HTTP answer")?;
    let status = head.split_whitespace().nth(1).and_then(|s| s.parse().ok()).context("no status")?;
    Ok((status, body.to_string()))
}
