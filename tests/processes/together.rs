//! Two processes on one PostgreSQL, one Redis and one vector server share the work.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use frontdesk::{
    channels::webhook::{SIGNATURE, sign},
    platform::Clock,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{
    process::{Process, http},
    support::{
        app::{Scratch, fresh_postgres, postgres},
        qdrant,
        shop::{Mailbox, SECRET, receiver},
    },
};

/// A Redis of the test's own, to be killed.
struct Redis {
    child: Child,
    port: u16,
    _dir: Scratch,
}

impl Redis {
    fn start(port: Option<u16>) -> Self {
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, dir) = (port.unwrap_or_else(free), Scratch::new());
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(&dir.0)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed by scripts/test");
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(since.elapsed() < Duration::from_secs(60), "Redis did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, _dir: dir }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `what` holds, at most half a minute.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let since = Instant::now();
    while !holds().await {
        assert!(since.elapsed() < Duration::from_secs(120), "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ready(process: &Process, http: &reqwest::Client) -> Value {
    http.get(format!("{}/readyz", process.url)).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_work_and_a_dead_redis_loses_nothing() {
    if postgres().is_none() {
        return; // only PostgreSQL takes several processes
    }
    let http = http();
    let (redis, (vectors, _vectors)) = (Redis::start(None), qdrant::serve());
    let (one_dir, two_dir) = (Scratch::new(), Scratch::new());
    let settings = [
        ("FRONTDESK_DATABASE_URL", fresh_postgres().await),
        ("FRONTDESK_REDIS_URL", format!("redis://127.0.0.1:{}", redis.port)),
        ("FRONTDESK_VECTORS_URL", vectors),
    ];
    let one = Process::start(&one_dir.0, &settings, &http).await;
    let two = Process::start(&two_dir.0, &settings, &http).await;
    assert_eq!(ready(&one, &http).await["status"], "ok");

    // A document that one takes in answers questions that the other is asked.
    crate::kill::upload(&one, &http, "shop.md", "# Warranty\n\nThe warranty of every grinder is 24 months.".into())
        .await
        .unwrap();
    until("the other process finds the document", || async {
        let found = two.call(&http, "GET", "/api/search?k=5&q=warranty", None).await;
        found.is_some_and(|f| !f.as_array().unwrap().is_empty())
    })
    .await;

    let mailbox = Mailbox::default();
    let config = json!({"secret": SECRET, "send_url": receiver(mailbox.clone(), Clock::System).await});
    let channel = json!({"platform": "webhook", "name": "Webhook", "config": config});
    let channel = one.call(&http, "POST", "/api/channels", Some(channel)).await.unwrap();
    let path = channel["webhook_path"].as_str().unwrap().to_string();

    // Somebody watches at two what is delivered to one.
    let watching =
        http.get(format!("{}/api/events", two.url)).bearer_auth(&two.token).timeout(Duration::from_secs(240));
    let mut events = watching.send().await.unwrap().bytes_stream();
    let deliver = |to: String, n: usize| {
        let (http, path) = (http.clone(), path.clone());
        async move {
            let body =
                json!({"id": format!("m{n}"), "from": {"id": format!("c{n}")}, "text": "How long is the warranty?"});
            let body = body.to_string();
            let now = chrono::DateTime::from(std::time::SystemTime::now());
            let sent =
                http.post(format!("{to}{path}")).header(SIGNATURE, sign(SECRET, body.as_bytes(), now)).body(body);
            assert!(sent.send().await.unwrap().status().is_success());
        }
    };
    let mut hears = async |what: &str| {
        let heard = tokio::time::timeout(Duration::from_secs(120), async {
            while let Some(Ok(bytes)) = events.next().await {
                if String::from_utf8_lossy(&bytes).contains(what) {
                    return true;
                }
            }
            false
        });
        heard.await.unwrap_or(false)
    };
    deliver(one.url.clone(), 0).await;
    assert!(hears("\"conversation\"").await, "what one received never showed at two");

    // Redis dies: nothing is lost, the processes poll and say so.
    let port = redis.port;
    drop(redis);
    for n in 1..=6 {
        deliver(if n % 2 == 0 { one.url.clone() } else { two.url.clone() }, n).await;
    }
    until("everyone is answered without Redis", || async { mailbox.lock().unwrap().messages.len() == 7 }).await;
    until("the processes say that Redis is gone", || async { ready(&one, &http).await["status"] == "degraded" }).await;
    assert!(mailbox.lock().unwrap().times.values().all(|times| *times == 1), "something was sent twice");

    // Whoever watches looks by himself meanwhile.
    for _ in 0..3 {
        assert!(hears("event: resync").await, "a page at two was not told to look by itself");
    }

    // A process that starts now serves all the same, also without the vector server: people are called.
    let three_dir = Scratch::new();
    let mut poor = settings.clone();
    poor[2].1 = "http://127.0.0.1:1".into();
    let mut three = Process::start(&three_dir.0, &poor, &http).await;
    assert_eq!(ready(&three, &http).await["status"], "degraded");
    assert!(three.call(&http, "GET", "/api/conversations", None).await.is_some());
    three.kill();

    // It comes back: all is well without a restart.
    let _redis = Redis::start(Some(port));
    for process in [&one, &two] {
        until("the processes find Redis again", || async { ready(process, &http).await["status"] == "ok" }).await;
    }
    // What happens from here on is heard again.
    deliver(one.url.clone(), 7).await;
    assert!(hears("\"conversation\"").await, "what one received after the outage never showed at two");
}
