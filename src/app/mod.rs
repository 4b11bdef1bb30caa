//! The frame every feature stands in: the running application, its settings, its jobs and its changes, as data.

pub mod change;
pub mod config;
mod files;
pub mod ids;
pub mod job;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use change::{Change, Changed};
pub use config::Config;
pub use ids::*;
pub use job::Job;

use crate::channels::Outside;
use crate::platform::{
    Clock, Error, Result,
    bus::Bus,
    crypto::{self, MasterKey},
    db::{Db, Reader, Tx},
    files::{self as stored, Files},
    journal::{self, Journal},
    kept::Kept,
    model::Model,
    pace::Pace,
    prompts::Prompts,
    throttle::Throttle,
    vectors::Vectors,
};

/// The running application. Cheap to share as `Arc<App>`.
pub struct App {
    pub config: Config,
    pub data_dir: PathBuf,
    /// Names this data directory's process among those that share a database.
    pub node: String,
    pub db: Db,
    /// What was taken in and is on its way into the database; `None` where the database is a server.
    pub journal: Option<Journal>,
    /// Sources of documents, and other bytes too large for a row.
    pub files: Files,
    pub bus: Bus,
    pub vectors: Vectors,
    pub clock: Clock,
    pub key: MasterKey,
    /// What the command line shows to the process that runs beside it; known only to who can read the data directory.
    pub local_token: String,
    /// Counts failed sign-ins, so that guessing gets slow.
    pub sign_ins: Throttle,
    pub model: Model,
    /// How much each visitor of the website writes.
    pub visitors: Pace,
    /// How many requests each API key makes.
    pub programs: Pace,
    pub prompts: Prompts,
    /// For our own outgoing calls: has time-outs, follows no redirects.
    pub http: reqwest::Client,
    /// For calls to the platforms of channels.
    pub outside: Outside,
    /// What features keep for as long as the process runs.
    pub kept: Kept,
    /// Tells this process's workers that jobs wait.
    pub work: watch::Sender<()>,
    /// Everything that runs beside the requests; awaited at shutdown.
    pub tasks: TaskTracker,
    /// Set when the process should end.
    pub stopping: CancellationToken,
}

impl App {
    /// Opens the data directory (or the configured servers) and brings the schema up to date.
    pub async fn open(
        config: Config,
        data_dir: PathBuf,
        secret_key: Option<String>,
        clock: Clock,
    ) -> Result<Arc<Self>> {
        // Both async-openai and our own client speak TLS through ring.
        let _ = rustls::crypto::ring::default_provider().install_default();
        stored::make_private_dir(&data_dir)
            .map_err(|e| Error::Invalid(format!("{}: cannot create the data directory: {e}", data_dir.display())))?;
        let key = match (&secret_key, &config.database.url) {
            (Some(text), _) => {
                MasterKey::parse(text).map_err(|e| Error::Invalid(format!("FRONTDESK_SECRET_KEY: {e}")))?
            }
            (None, Some(_)) => {
                return Err(Error::Invalid(
                    "with PostgreSQL set FRONTDESK_SECRET_KEY, the same for every process (make one: openssl rand -base64 32 | tr '+/' '-_' | tr -d =)".into(),
                ));
            }
            (None, None) => MasterKey::load_or_create(&data_dir.join("secret.key"))?,
        };
        let db = match &config.database.url {
            Some(url) => Db::open_pg(url.expose(), config.database.max_connections).await?,
            None => Db::open_sqlite(&data_dir.join("frontdesk.db")).await.map_err(|e| {
                Error::Invalid(format!("{}: cannot open the database: {}", data_dir.display(), e.chain()))
            })?,
        };
        db.migrate().await?;
        let journal = (!db.is_pg()).then(|| Journal::open(&data_dir.join(journal::DIR))).transpose()?;
        let node = node(&data_dir)?;
        let bus = match &config.redis.url {
            Some(url) => Bus::redis(url.expose()).await?,
            None => Bus::local(),
        };
        let vectors = match &config.vectors.url {
            Some(url) => {
                let key = config.vectors.api_key.as_ref().map(|key| key.expose());
                Vectors::server(url, key, &config.vectors.prefix)?
            }
            None => Vectors::edge(&data_dir)?,
        };
        let model = Model::open(&config.model.settings(), clock.clone())?;
        let prompts = Prompts::open(config.assistant.prompts_dir.as_deref())?;
        let http = reqwest::Client::builder()
            .connect_timeout(std::time::Duration::from_secs(5))
            .timeout(std::time::Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        let outside = Outside::new(std::time::Duration::from_secs(30), clock.clone())?;
        let files = Files::open(&db, &data_dir, config.files.remote()?);
        Ok(Arc::new(Self {
            config,
            data_dir,
            node,
            files,
            db,
            journal,
            bus,
            vectors,
            clock,
            key,
            local_token: format!("local_{}", crypto::token()),
            sign_ins: Throttle::default(),
            model,
            visitors: Pace::default(),
            programs: Pace::default(),
            kept: Kept::default(),
            prompts,
            http,
            outside,
            work: watch::channel(()).0,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }))
    }

    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        self.db.read().await
    }

    /// A write transaction; see [`Db::begin`](crate::platform::db::Db::begin).
    pub async fn begin(&self) -> Result<Tx> {
        self.db.begin().await
    }

    /// Tells every process what changed; call it after the commit.
    pub async fn changed(&self, org: OrgId, what: Changed) {
        if let Ok(text) = serde_json::to_string(&Change { org, what }) {
            self.bus.publish(text).await;
        }
    }

    /// Wakes the workers of every process; call it after a commit that pushed jobs.
    pub async fn wake(&self, org: OrgId) {
        self.work.send_replace(());
        if matches!(self.bus, Bus::Redis(_)) {
            self.changed(org, Changed::Jobs).await;
        }
    }

    /// Rewrites what the disk holds, so that nothing that was deleted can be read from it.
    pub async fn scrub(&self) -> Result<()> {
        if let Some(journal) = &self.journal {
            journal.begin_anew().await;
        }
        self.db.scrub().await
    }

    /// Closes what is open in the data directory; call it when nothing uses the application any more.
    pub async fn close(&self) {
        if let Some(journal) = &self.journal {
            journal.close().await;
        }
        self.db.close().await;
    }

    /// Runs `task` beside the requests; shutdown waits for it.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }
}

/// The name kept in the data directory, chosen at the first start.
fn node(data_dir: &std::path::Path) -> Result<String> {
    let path = data_dir.join("node.id");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_string()),
        _ => {
            let name = uuid::Uuid::now_v7().simple().to_string();
            std::fs::write(&path, &name)?;
            Ok(name)
        }
    }
}
