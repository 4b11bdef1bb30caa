//! "This changed" to every process: in-process, or Redis pub/sub when several processes share one database.
//!
//! The bus only wakes and refreshes; nothing depends on it. Without Redis, or when it is gone, listeners poll.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::StreamExt;
use tokio::sync::broadcast;

use super::error::{Error, Result};

const CHANNEL: &str = "frontdesk:changes";

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
    healthy: Arc<AtomicBool>,
    listener: tokio::task::AbortHandle,
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

    /// Connects to Redis and listens; the connection mends itself.
    pub async fn redis(url: &str) -> Result<Self> {
        let gone = |e: redis::RedisError| Error::Unavailable { service: "Redis", source: e.into() };
        let client = redis::Client::open(url).map_err(|e| Error::Invalid(format!("redis.url: {e}")))?;
        let config = redis::aio::ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(std::time::Duration::from_secs(2)))
            .set_response_timeout(Some(std::time::Duration::from_secs(2)));
        let connection = client.get_connection_manager_with_config(config).await.map_err(gone)?;
        let local = broadcast::channel(4096).0;
        let healthy = Arc::new(AtomicBool::new(true));
        let listener = tokio::spawn(listen(client, local.clone(), healthy.clone())).abort_handle();
        Ok(Self::Redis(Arc::new(RedisBus { local, connection, healthy, listener })))
    }

    /// Tells every listener. A bus that is down loses the text; the receivers poll meanwhile.
    pub async fn publish(&self, text: String) {
        match self {
            Self::Local(local) => {
                let _ = local.send(text.into());
            }
            Self::Redis(bus) => {
                let sent: redis::RedisResult<()> =
                    redis::AsyncCommands::publish(&mut bus.connection.clone(), CHANNEL, &text).await;
                if let Err(e) = sent {
                    if bus.healthy.swap(false, Ordering::Relaxed) {
                        tracing::warn!(error = %e, "Redis is gone: other processes poll until it is back");
                    }
                    let _ = bus.local.send(text.into()); // this process still hears itself
                }
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
            Self::Redis(bus) => bus.healthy.load(Ordering::Relaxed),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Local(_) => "in-process",
            Self::Redis(_) => "Redis",
        }
    }
}

async fn listen(client: redis::Client, local: broadcast::Sender<Arc<str>>, healthy: Arc<AtomicBool>) {
    loop {
        if let Ok(mut pubsub) = client.get_async_pubsub().await
            && pubsub.subscribe(CHANNEL).await.is_ok()
        {
            healthy.store(true, Ordering::Relaxed);
            let mut messages = pubsub.on_message();
            while let Some(message) = messages.next().await {
                if let Ok(text) = message.get_payload::<String>() {
                    let _ = local.send(text.into());
                }
            }
        }
        healthy.store(false, Ordering::Relaxed);
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}
