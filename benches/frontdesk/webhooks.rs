//! Webhooks accepted and durable by `frontdesk serve`, over loopback and connections that are kept.
//!
//! The load comes from this process and shares the machine's cores: requests are signed and written down beforehand, and
//! an answer is looked at no further than its status. Where latency is measured, a thread that does nothing else sends
//! each request at its time: a runtime's timers are late by a millisecond, which is five syncs of a good disk. It and the
//! thread that hears the answers stand for another machine: where the system allows it, they go before all others.

use std::{
    collections::HashSet,
    io::Write,
    net::SocketAddr,
    path::Path,
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow, ensure};
use bytes::Bytes;
use frontdesk::channels::webhook;
use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

use crate::{
    machine,
    server::{Scratch, Server},
    table::{Mark, Percentiles, Row, short},
};

const SECRET: &str = "a secret that only the bench knows";
/// Platforms deliver over a few hundred connections at most.
const CONNECTIONS: usize = 256;
const SENDERS: usize = 5_000;
/// How many a second are asked for at least.
const ASKED: f64 = 4000.0;
const REST: Duration = Duration::from_secs(10);
const FLOOD: Duration = Duration::from_secs(8);
const CALM: Duration = Duration::from_secs(10);

pub async fn run(below: &Path) -> anyhow::Result<Vec<Row>> {
    machine::settle();
    // Before the flood: the disk is slower for a while after much was written.
    let asked = at_a_quarter(below, "asked for", ASKED).await?;
    let flood = flood(below).await?;
    let mut rows = vec![
        Row::new(
            format!("webhooks accepted and durable, {CONNECTIONS} connections"),
            format!("{} ({})", rate(flood.rate), flood.took),
            "/s",
            vec![Mark::at_least(flood.rate, ASKED, 10_000.0)],
        ),
        Row::new("  received into conversations meanwhile; after the flood", flood.received, "", vec![]),
    ];
    rows.extend(asked);
    rows.extend(at_a_quarter(below, "measured", flood.rate).await?);
    Ok(rows)
}

/// The latency at a quarter of a rate, and what the disk alone does then.
async fn at_a_quarter(below: &Path, which: &str, of: f64) -> anyhow::Result<[Row; 2]> {
    let pace = of / 4.0;
    tokio::time::sleep(REST).await;
    let sync = machine::syncs(below, 300)?;
    let alone = machine::paced_syncs(below, pace, Duration::from_secs(5))?;
    let calm = calm(below, pace).await?;
    let in_syncs = |took: &Percentiles| took.p99() / sync.p50();
    Ok([
        Row::new(
            format!("webhooks at a quarter of the rate {which} ({}): p99 in syncs", rate(pace)),
            format!("{} ({calm})", short(in_syncs(&calm))),
            "syncs",
            vec![Mark::at_most(in_syncs(&calm), 4.0, 2.0)],
        ),
        Row::new(
            "  the disk with nothing else, as many syncs a second: p99 in syncs",
            format!("{} ({alone}; back to back {sync})", short(in_syncs(&alone))),
            "syncs",
            vec![],
        ),
    ])
}

fn rate(a_second: f64) -> String {
    format!("{}/s", short(a_second))
}

struct Flood {
    /// Acknowledged in a second.
    rate: f64,
    took: Percentiles,
    received: String,
}

/// As many as it takes.
async fn flood(below: &Path) -> anyhow::Result<Flood> {
    let dir = Scratch::new(below)?;
    let server = Server::start(&dir.0, &[]).await?;
    let path = connect(&server).await?;
    let requests = requests(server.address, &path, 25_000 * FLOOD.as_secs() as usize);
    let address = server.address;
    let (acknowledged, took, elapsed) = on_one_thread(move || send(address, requests, FLOOD)).await?;
    let rate = acknowledged.len() as f64 / elapsed.as_secs_f64();
    let during = processed(&dir.0).await?;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let after = processed(&dir.0).await?;
    server.kill()?;
    all_are_there(&dir.0, &acknowledged).await?;
    let received =
        format!("{}/s; {}/s", short(during as f64 / elapsed.as_secs_f64()), short((after - during) as f64 / 4.0));
    Ok(Flood { rate, took, received })
}

/// At `rate`, each request at its time whether or not the ones before were answered; latency counts from that time.
async fn calm(below: &Path, rate: f64) -> anyhow::Result<Percentiles> {
    let dir = Scratch::new(below)?;
    let server = Server::start(&dir.0, &[]).await?;
    let path = connect(&server).await?;
    let requests = requests(server.address, &path, (rate * CALM.as_secs_f64()) as usize);
    let address = server.address;
    let (acknowledged, took) = tokio::task::spawn_blocking(move || send_at(address, &requests, rate)).await??;
    server.kill()?;
    all_are_there(&dir.0, &acknowledged).await?;
    Ok(took)
}

async fn connect(server: &Server) -> anyhow::Result<String> {
    let body = json!({"platform": "webhook", "name": "bench", "config": {"secret": SECRET}});
    let channel = server.call("POST", "/api/channels", Some(body)).await?;
    let id = channel["id"].as_str().context("the channel has no id")?;
    Ok(format!("/webhooks/webhook/{id}"))
}

/// Signed requests, ready to be written; the number is the event's id.
fn requests(address: SocketAddr, path: &str, count: usize) -> Vec<Bytes> {
    let now = now();
    let request = |n: usize| {
        let text = format!("Where is my order {n}? It was to arrive on Monday and nobody answers the phone.");
        let from = json!({"id": format!("customer-{}", n % SENDERS), "name": format!("Customer {}", n % SENDERS)});
        let body = json!({"id": n.to_string(), "from": from, "text": text}).to_string();
        let signature = webhook::sign(SECRET, body.as_bytes(), now);
        let length = body.len();
        Bytes::from(format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             x-frontdesk-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    };
    (0..count).map(request).collect()
}

#[allow(clippy::disallowed_methods, reason = "the server under test has the system's clock")]
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}

async fn on_one_thread<T: Send + 'static, F: Future<Output = anyhow::Result<T>>>(
    work: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<T> {
    let thread = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, work())
    };
    tokio::task::spawn_blocking(thread).await?
}

type Sent = (Vec<usize>, Percentiles, Duration);

/// Sends `requests` in order over all connections as fast as answers come, for at most `most`. Returns which were
/// acknowledged, how long each took, and how long it all took.
async fn send(address: SocketAddr, requests: Vec<Bytes>, most: Duration) -> anyhow::Result<Sent> {
    let requests = Rc::new(requests);
    let next = Rc::new(std::cell::Cell::new(0usize));
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let started = Instant::now();
    let connections = streams.into_iter().map(|mut stream| {
        let (requests, next) = (requests.clone(), next.clone());
        tokio::task::spawn_local(async move {
            let mut done = Vec::new();
            let mut buffer = vec![0; 4096];
            while started.elapsed() < most {
                let n = next.replace(next.get() + 1);
                let Some(request) = requests.get(n) else { break };
                let sent = Instant::now();
                stream.write_all(request).await?;
                ensure!(is_acknowledged(&mut stream, &mut buffer).await?, "the server closed a connection");
                done.push((n, sent.elapsed()));
            }
            Ok(done)
        })
    });
    let mut all = Vec::new();
    for connection in futures::future::join_all(connections).await {
        all.extend(connection??);
    }
    let elapsed = started.elapsed();
    let (ids, took) = all.into_iter().unzip();
    Ok((ids, Percentiles::of(took), elapsed))
}

/// A request that waits for its answer: its number, and when it was to be sent.
type Open = Mutex<Option<(usize, Instant)>>;

/// Sends `requests` at `rate`, each over a connection that waits for nothing, and returns which were acknowledged and
/// how long each took from the time at which it was to be sent.
pub fn send_at(address: SocketAddr, requests: &[Bytes], rate: f64) -> anyhow::Result<(Vec<usize>, Percentiles)> {
    let (freed, free) = std::sync::mpsc::channel::<usize>();
    let open: Arc<Vec<Open>> = Arc::new((0..CONNECTIONS).map(|_| Open::default()).collect());
    let mut streams = Vec::new();
    for at in 0..CONNECTIONS {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
        freed.send(at)?;
    }
    let heard = streams.iter().map(std::net::TcpStream::try_clone).collect::<Result<Vec<_>, _>>()?;
    let hearing = std::thread::spawn({
        let open = open.clone();
        move || -> anyhow::Result<Vec<(usize, Duration)>> {
            machine::go_first();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, async move {
                let connections = heard
                    .into_iter()
                    .enumerate()
                    .map(|(at, stream)| tokio::task::spawn_local(hear(stream, at, open.clone(), freed.clone())));
                let all = futures::future::join_all(connections.collect::<Vec<_>>()).await;
                let mut done = Vec::new();
                for connection in all {
                    done.extend(connection??);
                }
                Ok(done)
            })
        }
    });
    machine::go_first();
    let started = Instant::now() + Duration::from_millis(100);
    for (n, request) in requests.iter().enumerate() {
        let due = started + Duration::from_secs_f64(n as f64 / rate);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let at = free.recv_timeout(CALM).context("the server answers no more")?;
        *open[at].lock().expect("no holder panics") = Some((n, due));
        // So small a request always fits into the socket's buffer.
        streams[at].write_all(request)?;
    }
    // All are free again when all are answered.
    for _ in 0..CONNECTIONS {
        free.recv_timeout(CALM).context("the server answers no more")?;
    }
    for stream in &streams {
        stream.shutdown(std::net::Shutdown::Write)?;
    }
    let done = hearing.join().map_err(|_| anyhow!("hearing the answers panicked"))??;
    ensure!(done.len() == requests.len(), "{} of {} requests were answered", done.len(), requests.len());
    let (ids, took) = done.into_iter().unzip();
    Ok((ids, Percentiles::of(took)))
}

/// Hears the answers of one connection until the server closes it.
async fn hear(
    stream: std::net::TcpStream,
    at: usize,
    open: Arc<Vec<Open>>,
    freed: std::sync::mpsc::Sender<usize>,
) -> anyhow::Result<Vec<(usize, Duration)>> {
    let mut stream = TcpStream::from_std(stream)?;
    let mut buffer = vec![0; 4096];
    let mut done = Vec::new();
    while is_acknowledged(&mut stream, &mut buffer).await? {
        let (n, due) = open[at].lock().expect("no holder panics").take().context("an answer to no request")?;
        done.push((n, due.elapsed()));
        let _ = freed.send(at);
    }
    Ok(done)
}

/// Hears one acknowledgement; `false` when the server closed the connection instead.
async fn is_acknowledged(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<bool> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 && filled == 0 {
            return Ok(false);
        }
        ensure!(read > 0, "the server closed a connection in the middle of an answer");
        filled += read;
        let said = &buffer[..filled];
        ensure!(said.starts_with(b"HTTP/1.1 200"), "a request was refused: {}", String::from_utf8_lossy(said));
        // An acknowledgement has no body.
        if said.ends_with(b"\r\n\r\n") {
            return Ok(true);
        }
    }
}

pub async fn open(data_dir: &Path) -> anyhow::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(data_dir.join("frontdesk.db"));
    Ok(SqliteConnection::connect_with(&options).await?)
}

async fn processed(data_dir: &Path) -> anyhow::Result<i64> {
    const PROCESSED: &str = "SELECT COUNT(*) FROM channel_events WHERE status <> 'received'";
    Ok(sqlx::query_scalar(PROCESSED).fetch_one(&mut open(data_dir).await?).await?)
}

/// Each acknowledged event must be in what a killed process left: the next one has it in its database before it answers.
async fn all_are_there(data_dir: &Path, acknowledged: &[usize]) -> anyhow::Result<()> {
    Server::start(data_dir, &[]).await?.kill()?;
    let mut conn = open(data_dir).await?;
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT external_event_id FROM channel_events").fetch_all(&mut conn).await?;
    let kept: HashSet<usize> = ids.iter().filter_map(|id| id.parse().ok()).collect();
    let lost = acknowledged.iter().filter(|n| !kept.contains(n)).count();
    ensure!(lost == 0, "{lost} of {} acknowledged events are not in the database", acknowledged.len());
    ensure!(kept.len() == ids.len(), "an event is there twice");
    Ok(())
}
