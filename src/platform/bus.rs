//! "This changed" to every process: in-process, or Redis pub/sub when several processes share one database.
//!
//! The bus only wakes and refreshes; nothing depends on it. Without Redis, or when it is gone (at the start too), listeners
//! poll, and hear [`RESYNC`] when they may have missed something.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::StreamExt;
use tokio::sync::{Notify, broadcast};

use super::error::{Error, Result};

const CHANNEL: &str = "frontdesk:changes";
/// What every listener of this process hears when Redis went or came back: look at everything anew.
pub const RESYNC: &str = "resync";
/// How long Redis may take for anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries short texts to every listener in every process.
#[derive(Clone)]
pub enum Bus {
    Local(broadcast::Sender<Arc<str>>),
    Redis(Arc<RedisBus>),
}

/// The bus over Redis: what is published comes back to all processes, this one included.
pub struct RedisBus {
    local: broadcast::Sender<Arc<str>>,
    connection: redis::aio::ConnectionManager,
    line: Arc<Line>,
    listener: tokio::task::AbortHandle,
}

/// How Redis is.
#[derive(Default)]
struct Line {
    is_up: AtomicBool,
    /// Somebody could not publish: the listener connects anew.
    broke: Notify,
}

impl Drop for RedisBus {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Bus {
    pub fn local() -> Self {
        Self::Local(broadcast::channel(4096).0)
    }

    /// Connects to Redis and listens; the connection mends itself, and one that is not there yet is waited for beside the
    /// work.
    pub async fn redis(url: &str) -> Result<Self> {
        let client = redis::Client::open(url).map_err(|e| Error::Invalid(format!("redis.url: {e}")))?;
        let config = redis::aio::ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = redis::aio::ConnectionManager::new_lazy_with_config(client.clone(), config)
            .map_err(|e| Error::Invalid(format!("redis.url: {e}")))?;
        let local = broadcast::channel(4096).0;
        let line = Arc::new(Line::default());
        let (up, is_up) = tokio::sync::oneshot::channel();
        let listener = tokio::spawn(listen(client, connection.clone(), local.clone(), line.clone(), up)).abort_handle();
        if tokio::time::timeout(PATIENCE, is_up).await.is_err() {
            tracing::warn!("Redis does not answer: processes poll until it does");
        }
        Ok(Self::Redis(Arc::new(RedisBus { local, connection, line, listener })))
    }

    /// Tells every listener. A bus that is down loses the text; the receivers poll meanwhile.
    pub async fn publish(&self, text: String) {
        match self {
            Self::Local(local) => {
                let _ = local.send(text.into());
            }
            Self::Redis(bus) => {
                // One that is known to be gone is not waited for again and again: a turn tells half a dozen things.
                if bus.line.is_up.load(Ordering::Relaxed) {
                    let sent: redis::RedisResult<()> =
                        redis::AsyncCommands::publish(&mut bus.connection.clone(), CHANNEL, &text).await;
                    let Err(e) = sent else { return };
                    if bus.line.is_up.swap(false, Ordering::Relaxed) {
                        tracing::warn!(error = %e, "Redis is gone: other processes poll until it is back");
                    }
                    bus.line.broke.notify_one();
                }
                let _ = bus.local.send(text.into()); // this process still hears itself
            }
        }
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        match self {
            Self::Local(local) => local.subscribe(),
            Self::Redis(bus) => bus.local.subscribe(),
        }
    }

    /// Whether changes reach other processes now.
    pub fn is_healthy(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Redis(bus) => bus.line.is_up.load(Ordering::Relaxed),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Local(_) => "in-process",
            Self::Redis(_) => "Redis",
        }
    }
}

async fn listen(
    client: redis::Client,
    connection: redis::aio::ConnectionManager,
    local: broadcast::Sender<Arc<str>>,
    line: Arc<Line>,
    up: tokio::sync::oneshot::Sender<()>,
) {
    let mut up = Some(up);
    loop {
        if let Ok(Ok(pubsub)) = tokio::time::timeout(PATIENCE, subscribed(&client)).await
            && can_publish(connection.clone()).await
        {
            line.is_up.store(true, Ordering::Relaxed);
            match up.take() {
                Some(up) => {
                    let _ = up.send(());
                }
                None => tracing::info!("Redis is back"),
            }
            // What was told before this moment may not have been heard.
            let _ = local.send(RESYNC.into());
            hear(pubsub, &local, &line).await;
            line.is_up.store(false, Ordering::Relaxed);
            let _ = local.send(RESYNC.into());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn subscribed(client: &redis::Client) -> redis::RedisResult<redis::aio::PubSub> {
    let mut pubsub = client.get_async_pubsub().await?;
    pubsub.subscribe(CHANNEL).await?;
    Ok(pubsub)
}

/// Whether what is published gets there. A connection that broke notices it, and mends itself, when it is used: what it
/// notices by must be nothing that anybody waits for.
async fn can_publish(mut connection: redis::aio::ConnectionManager) -> bool {
    for _ in 0..3 {
        let answer: redis::RedisResult<()> = redis::cmd("PING").query_async(&mut connection).await;
        if answer.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Passes on what is published, until the connection ends or somebody could not publish.
async fn hear(mut pubsub: redis::aio::PubSub, local: &broadcast::Sender<Arc<str>>, line: &Line) {
    let mut messages = pubsub.on_message();
    loop {
        tokio::select! {
            message = messages.next() => match message.map(|m| m.get_payload::<String>()) {
                Some(Ok(text)) => {
                    let _ = local.send(text.into());
                }
                Some(Err(_)) => {}
                None => return,
            },
            () = line.broke.notified() => return,
        }
    }
}
