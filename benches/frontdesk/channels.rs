//! A busy minute: webhooks of six kinds at a fixed rate, some delivered twice, while the assistant answers over a fake of
//! the platforms. Nothing may be lost, and everybody is answered or waits for a person.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use axum::{Json, Router, extract::State, routing::any};
use bytes::Bytes;
use frontdesk::{
    channels::webhook,
    platform::crypto::{hmac_sha256_hex, hmac_sha512_hex},
};
use serde_json::{Value, json};

use crate::{
    machine,
    server::{Scratch, Server},
    table::{Mark, Row, short},
    webhooks::{now, open, send_at},
};

const SECRET: &str = "a secret that only the bench knows";
const RATE: f64 = 1000.0;
const DURING: Duration = Duration::from_secs(60);
/// How many people write; each a few times.
const CUSTOMERS: usize = 20_000;
/// Every so many a delivery is repeated, as platforms do.
const REPEATED: usize = 20;
/// How long everybody may wait for an answer once the minute is over.
const PATIENCE: Duration = Duration::from_secs(1800);
const KINDS: [&str; 6] = ["whatsapp_cloud", "waha", "evolution", "gateway", "telegram", "webhook"];
const QUESTIONS: [&str; 6] = [
    "How long is the warranty of a grinder?",
    "研磨机保修多久？",
    "Hello, how much is shipping to Penang?",
    "Do you sell submarines?",
    "I want to talk to a human",
    "谢谢",
];
const DOCUMENT: &str = "# Warranty 保修\n\nThe warranty of every grinder is 24 months. 所有研磨机保修24个月。\n\n\
                        # Shipping\n\nShipping to Penang takes 5 working days and costs RM 12.\n";

pub async fn run(below: &Path) -> anyhow::Result<Vec<Row>> {
    machine::settle();
    let sync = machine::syncs(below, 300)?;
    let dir = Scratch::new(below)?;
    let server = Server::start(&dir.0, &[]).await?;
    let sent = Arc::new(AtomicUsize::new(0));
    let platform = platform(sent.clone()).await?;
    let paths = connect(&server, &platform).await?;
    std::fs::write(dir.0.join("shop.md"), DOCUMENT)?;
    let ingested = crate::server::program(&dir.0).args(["ingest", "shop.md"]).output()?;
    ensure!(ingested.status.success(), "ingest: {}", String::from_utf8_lossy(&ingested.stderr));
    let count = (RATE * DURING.as_secs_f64()) as usize;
    let requests = requests(server.address, &paths, count);
    let address = server.address;
    let started = Instant::now();
    let (acknowledged, took) = tokio::task::spawn_blocking(move || send_at(address, &requests, RATE)).await??;
    let during = started.elapsed();
    let is_repeat = |n: &&usize| **n % REPEATED == REPEATED - 1;
    let distinct = acknowledged.len() - acknowledged.iter().filter(is_repeat).count();
    let waited = Instant::now();
    let left = loop {
        let left = open_questions(&dir.0).await?;
        if left == 0 || waited.elapsed() > PATIENCE {
            break left;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let waited = waited.elapsed();
    let (events, received) = kept(&dir.0).await?;
    server.stop()?;
    ensure!(left == 0, "{left} conversations were neither answered nor handed over within {PATIENCE:?}");
    ensure!(events == distinct as i64, "{events} events are kept of {distinct} that were acknowledged");
    ensure!(received == events, "{received} messages came of {events} events");
    let in_syncs = took.p99() / sync.p50();
    Ok(vec![
        Row::new(
            format!("{}/s of six kinds for {} s with turns running: p99 in syncs", short(RATE), during.as_secs()),
            format!("{} ({took}; sync {sync})", short(in_syncs)),
            "syncs",
            vec![Mark::at_most(in_syncs, 6.0, 3.0)],
        ),
        Row::new(
            "  messages; sent over the platforms; all answered or handed over after",
            format!("{received}; {}; {} s", sent.load(Ordering::Relaxed), waited.as_secs()),
            "",
            vec![],
        ),
    ])
}

/// A platform that takes everything, in the words of all of them.
async fn platform(sent: Arc<AtomicUsize>) -> anyhow::Result<String> {
    async fn take(State(sent): State<Arc<AtomicUsize>>) -> Json<Value> {
        let n = sent.fetch_add(1, Ordering::Relaxed);
        let id = format!("out-{n}");
        Json(json!({"messages": [{"id": id}], "id": id, "key": {"id": id}, "ok": true, "success": true,
            "result": {"message_id": n, "chat": {"id": 1}}}))
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new().fallback(any(take)).with_state(sent);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}

/// One channel of each kind; where each is delivered.
async fn connect(server: &Server, platform: &str) -> anyhow::Result<Vec<String>> {
    let mut paths = Vec::new();
    for kind in KINDS {
        let config = match kind {
            "whatsapp_cloud" => json!({"phone_number_id": "1", "app_secret": SECRET, "verify_token": "v",
                "access_token": "a", "base_url": platform}),
            "waha" => json!({"base_url": platform, "hmac_key": SECRET, "smart_read": false}),
            "evolution" => {
                json!({"base_url": platform, "api_key": "k", "instance": "shop", "token": SECRET, "smart_read": false})
            }
            "gateway" => json!({"base_url": platform, "token": SECRET}),
            "telegram" => json!({"base_url": platform, "bot_token": "1:AA", "secret_token": "A1b2_C3-d4"}),
            _ => json!({"secret": SECRET, "send_url": format!("{platform}/in")}),
        };
        let body = json!({"platform": kind, "name": kind, "config": config});
        let channel = server.call("POST", "/api/channels", Some(body)).await?;
        let path = channel["webhook_path"].as_str().context("the channel has no path")?;
        paths.push(if kind == "gateway" { format!("{path}/messages/inbox") } else { path.to_string() });
    }
    Ok(paths)
}

/// Signed requests, ready to be written. The last of every [`REPEATED`] is the one before it once more.
fn requests(address: SocketAddr, paths: &[String], count: usize) -> Vec<Bytes> {
    let now = now();
    let mut all: Vec<Bytes> = Vec::with_capacity(count);
    for n in 0..count {
        if n % REPEATED == REPEATED - 1
            && let Some(before) = all.last().cloned()
        {
            all.push(before);
            continue;
        }
        let customer = n * 7919 % CUSTOMERS;
        let kind = customer % KINDS.len();
        let (text, at) = (QUESTIONS[n % QUESTIONS.len()], now.timestamp());
        let who = format!("6012{customer:07}");
        let body = match KINDS[kind] {
            "whatsapp_cloud" => json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages",
                "value": {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "contacts": [{"wa_id": who, "profile": {"name": who}}],
                "messages": [{"from": who, "id": format!("wamid.{n}"), "timestamp": at.to_string(), "type": "text", "text": {"body": text}}]}}]}]}),
            "waha" => json!({"event": "message", "session": "default", "payload": {"id": format!("false_{who}@c.us_{n}"),
                "timestamp": at, "from": format!("{who}@c.us"), "fromMe": false, "body": text}}),
            "evolution" => json!({"event": "messages.upsert", "instance": "shop", "data": {"pushName": who, "messageTimestamp": at,
                "key": {"remoteJid": format!("{who}@s.whatsapp.net"), "fromMe": false, "id": format!("E{n}")}, "message": {"conversation": text}}}),
            "gateway" => json!({"id": format!("g{n}"), "from": who, "text": text}),
            "telegram" => json!({"update_id": n, "message": {"message_id": n, "date": at, "chat": {"id": customer, "type": "private"},
                "from": {"id": customer, "first_name": who}, "text": text}}),
            _ => json!({"id": format!("w{n}"), "from": {"id": who}, "text": text}),
        }
        .to_string();
        let headers = match KINDS[kind] {
            "whatsapp_cloud" => {
                format!("x-hub-signature-256: sha256={}", hmac_sha256_hex(SECRET.as_bytes(), body.as_bytes()))
            }
            "waha" => format!("x-webhook-hmac: {}", hmac_sha512_hex(SECRET.as_bytes(), body.as_bytes())),
            "evolution" => format!("x-frontdesk-token: {SECRET}"),
            "gateway" => format!("authorization: Bearer {SECRET}"),
            "telegram" => "x-telegram-bot-api-secret-token: A1b2_C3-d4".into(),
            _ => format!("x-frontdesk-signature: {}", webhook::sign(SECRET, body.as_bytes(), now)),
        };
        let (path, length) = (&paths[kind], body.len());
        all.push(Bytes::from(format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{headers}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )));
    }
    all
}

/// How many conversations have a last word of the customer's that nobody has taken up, events that wait included.
async fn open_questions(data_dir: &Path) -> anyhow::Result<i64> {
    const WAITING: &str = "SELECT COUNT(*) FROM channel_events WHERE status = 'received'";
    const OPEN: &str = "
        SELECT COUNT(*) FROM conversations c WHERE c.holder = 'assistant' AND c.status = 'active' AND NOT EXISTS (
            SELECT 1 FROM messages m WHERE m.conversation_id = c.id AND m.sender_type = 'assistant'
              AND m.seq > (SELECT MAX(q.seq) FROM messages q WHERE q.conversation_id = c.id AND q.sender_type = 'customer'))";
    let mut conn = open(data_dir).await?;
    let waiting: i64 = sqlx::query_scalar(WAITING).fetch_one(&mut conn).await?;
    let unanswered: i64 = sqlx::query_scalar(OPEN).fetch_one(&mut conn).await?;
    Ok(waiting + unanswered)
}

/// How many events and how many messages of customers there are.
async fn kept(data_dir: &Path) -> anyhow::Result<(i64, i64)> {
    let mut conn = open(data_dir).await?;
    let events = sqlx::query_scalar("SELECT COUNT(*) FROM channel_events").fetch_one(&mut conn).await?;
    let received = sqlx::query_scalar("SELECT COUNT(*) FROM messages WHERE sender_type = 'customer'");
    Ok((events, received.fetch_one(&mut conn).await?))
}
