//! A busy minute on two processors: webhooks of eight kinds at a fixed rate, some delivered twice, while the assistant answers over a fake of
//! the platforms. Nothing may be lost, and everybody is answered or waits for a person.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, OnceLock,
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
    machine, sealed,
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
const KINDS: [&str; 8] =
    ["whatsapp_cloud", "waha", "evolution", "gateway", "telegram", "webhook", "wecom_kf", "wechat_oa"];
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
    let server = Server::start_on_two(&dir.0, &[]).await?;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = (RATE * DURING.as_secs_f64()) as usize;
    let fetched = Arc::new(Fetched { items: wecom_items(count), since: OnceLock::new() });
    let platform = platform(sent.clone(), fetched.clone()).await?;
    let paths = connect(&server, &platform).await?;
    std::fs::write(dir.0.join("shop.md"), DOCUMENT)?;
    let ingested = crate::server::program(&dir.0).args(["ingest", "shop.md"]).output()?;
    ensure!(ingested.status.success(), "ingest: {}", String::from_utf8_lossy(&ingested.stderr));
    let requests = requests(server.address, &paths, count);
    let address = server.address;
    let started = *fetched.since.get_or_init(Instant::now);
    let (acknowledged, took) = tokio::task::spawn_blocking(move || send_at(address, &requests, RATE)).await??;
    let during = started.elapsed();
    let is_repeat = |n: &&usize| **n % REPEATED == REPEATED - 1;
    let distinct = (acknowledged.len() - acknowledged.iter().filter(is_repeat).count()) as i64;
    // A doorbell is an event of its own; the message that it announces is fetched and is another.
    let rung = acknowledged.iter().filter(|n| !is_repeat(n) && kind_of(**n) == "wecom_kf").count() as i64;
    let announced = fetched.items.len() as i64;
    let waited = Instant::now();
    let left = loop {
        let left = open_questions(&dir.0).await?;
        let all_came = kept(&dir.0).await?.0 >= distinct + announced;
        if (left == 0 && all_came) || waited.elapsed() > PATIENCE {
            break left;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    };
    let waited = waited.elapsed();
    let (events, received) = kept(&dir.0).await?;
    server.stop()?;
    ensure!(left == 0, "{left} conversations were neither answered nor handed over within {PATIENCE:?}");
    let expected = distinct + announced;
    ensure!(events == expected, "{events} events are kept of {expected} that were acknowledged or announced");
    let expected = distinct - rung + announced;
    ensure!(received == expected, "{received} messages came of {expected}");
    let in_syncs = took.p99() / sync.p50();
    Ok(vec![
        Row::new(
            format!(
                "{}/s of eight kinds for {} s, 2 processors, turns running: p99 in syncs",
                short(RATE),
                during.as_secs()
            ),
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

/// What waits at WeCom: each message, with the number of the request that announces it.
struct Fetched {
    items: Vec<(usize, Value)>,
    /// When the first request was sent.
    since: OnceLock<Instant>,
}

impl Fetched {
    /// A page of what has been written by now.
    fn page(&self, asked: &Value) -> Value {
        let from: usize = asked["cursor"].as_str().and_then(|c| c.parse().ok()).unwrap_or(0);
        let now = self.since.get().map_or(0.0, |since| since.elapsed().as_secs_f64() * RATE);
        let written = self.items.partition_point(|(at, _)| (*at as f64) < now);
        let end = (from + 100).min(written).max(from);
        let list: Vec<&Value> = self.items[from..end].iter().map(|(_, item)| item).collect();
        json!({"errcode": 0, "errmsg": "ok", "next_cursor": end.to_string(), "has_more": i32::from(end < written),
            "msg_list": list})
    }
}

type Played = (Arc<AtomicUsize>, Arc<Fetched>);

/// A platform that takes everything, in the words of all of them.
async fn platform(sent: Arc<AtomicUsize>, fetched: Arc<Fetched>) -> anyhow::Result<String> {
    async fn take(State((sent, _)): State<Played>) -> Json<Value> {
        let n = sent.fetch_add(1, Ordering::Relaxed);
        let id = format!("out-{n}");
        Json(json!({"messages": [{"id": id}], "id": id, "key": {"id": id}, "ok": true, "success": true,
            "result": {"message_id": n, "chat": {"id": 1}}, "errcode": 0, "errmsg": "ok", "msgid": id}))
    }
    async fn token() -> Json<Value> {
        Json(json!({"errcode": 0, "errmsg": "ok", "access_token": "T", "expires_in": 7200}))
    }
    async fn sync(State((_, fetched)): State<Played>, Json(asked): Json<Value>) -> Json<Value> {
        Json(fetched.page(&asked))
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/cgi-bin/gettoken", any(token))
        .route("/cgi-bin/stable_token", any(token))
        .route("/cgi-bin/kf/sync_msg", any(sync))
        .fallback(any(take))
        .with_state((sent, fetched));
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
            "wecom_kf" => json!({"base_url": platform, "corp_id": sealed::RECEIVER, "secret": "s",
                "token": sealed::TOKEN, "encoding_aes_key": sealed::KEY}),
            "wechat_oa" => json!({"base_url": platform, "app_id": sealed::RECEIVER, "app_secret": "s",
                "token": sealed::TOKEN, "encoding_aes_key": sealed::KEY}),
            _ => json!({"secret": SECRET, "send_url": format!("{platform}/in")}),
        };
        let body = json!({"platform": kind, "name": kind, "config": config});
        let channel = server.call("POST", "/api/channels", Some(body)).await?;
        let path = channel["webhook_path"].as_str().context("the channel has no path")?;
        paths.push(if kind == "gateway" { format!("{path}/messages/inbox") } else { path.to_string() });
    }
    Ok(paths)
}

/// Who writes the request with this number.
fn customer_of(n: usize) -> usize {
    n * 7919 % CUSTOMERS
}

/// Over which kind: a customer writes over one.
fn kind_of(n: usize) -> &'static str {
    KINDS[customer_of(n) % KINDS.len()]
}

/// The messages that WeCom's doorbells announce.
fn wecom_items(count: usize) -> Vec<(usize, Value)> {
    let at = now().timestamp();
    (0..count)
        .filter(|n| n % REPEATED != REPEATED - 1 && kind_of(*n) == "wecom_kf")
        .map(|n| {
            let item = json!({"msgid": format!("k{n}"), "open_kfid": "wk1", "external_userid": format!("wm{}", customer_of(n)),
                "send_time": at, "origin": 3, "msgtype": "text", "text": {"content": QUESTIONS[n % QUESTIONS.len()]}});
            (n, item)
        })
        .collect()
}

/// What stands inside a sealed callback: WeCom's doorbell, or a message to the official account.
fn inside(kind: &str, n: usize, text: &str, at: i64) -> String {
    let what = if kind == "wecom_kf" {
        format!("<MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC{n}</Token><OpenKfId>wk1</OpenKfId>")
    } else {
        format!("<MsgType>text</MsgType><Content>{text}</Content><MsgId>{n}</MsgId>")
    };
    let customer = customer_of(n);
    format!(
        "<xml><ToUserName>us</ToUserName><FromUserName>o{customer}</FromUserName><CreateTime>{at}</CreateTime>{what}</xml>"
    )
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
        let customer = customer_of(n);
        let kind = customer % KINDS.len();
        let (text, at) = (QUESTIONS[n % QUESTIONS.len()], now.timestamp());
        let who = format!("6012{customer:07}");
        if matches!(KINDS[kind], "wecom_kf" | "wechat_oa") {
            let (query, body) = sealed::seal(&inside(KINDS[kind], n, text, at), at);
            let (path, length) = (&paths[kind], body.len());
            all.push(Bytes::from(format!(
                "POST {path}?{query} HTTP/1.1\r\nhost: {address}\r\ncontent-type: text/xml\r\n\
                 content-length: {length}\r\n\r\n{body}"
            )));
            continue;
        }
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
