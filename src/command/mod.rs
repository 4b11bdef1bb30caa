//! What the commands share: settings, and a client that talks to the running server, or to one in this process.

pub mod ask;
pub mod assistant;
pub mod channel;
pub mod chat;
pub mod client;
pub mod eval;
pub mod ingest;
pub mod lock;
pub mod maintain;
pub mod serve;

use std::path::PathBuf;

use frontdesk::{
    app::{App, Config},
    platform::{Clock, Error, Result},
};

/// The flags that every command has.
pub struct Context {
    pub data_dir: PathBuf,
    pub config_file: Option<PathBuf>,
    pub org: String,
}

impl Context {
    pub fn config(&self) -> Result<Config> {
        Config::load(self.config_file.as_deref(), &self.data_dir, std::env::vars())
    }

    /// Refuses a data directory that is not there: who mistyped it would be told that there are no documents.
    pub fn expect_data(&self) -> Result<()> {
        if self.data_dir.exists() || self.config()?.database.url.is_some() {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "{}: there is no data directory; name yours with --data-dir, or make one with frontdesk serve or frontdesk ingest",
            self.data_dir.display()
        )))
    }

    /// Opens the application of the data directory in this process.
    pub async fn open(&self, config: Config) -> Result<std::sync::Arc<App>> {
        let secret_key = std::env::vars().find(|(name, _)| name == "FRONTDESK_SECRET_KEY").map(|(_, key)| key);
        App::open(config, self.data_dir.clone(), secret_key, Clock::System).await
    }
}

/// What went wrong, for the person at the terminal: causes included, no trace.
pub fn in_one_sentence(error: &Error) -> String {
    match error {
        Error::Internal(_) | Error::Unavailable { .. } => error.chain(),
        other => other.to_string(),
    }
}
