//! A fresh application per test: its own data directory, its own database, a clock that stands still.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::{TimeZone, Utc};
use frontdesk::{
    app::{
        App, Config,
        config::{Database, Secret},
    },
    platform::Clock,
};
use sqlx::{Connection, Executor, PgConnection};

/// The databases every story and contract runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// SQLite always; PostgreSQL when `FRONTDESK_TEST_POSTGRES` names a server (`scripts/test` starts one).
pub fn databases() -> Vec<On> {
    let mut all = vec![On::Sqlite];
    if postgres().is_some() {
        all.push(On::Postgres);
    }
    all
}

#[allow(clippy::disallowed_methods, reason = "tests are told by variables where the servers are")]
pub fn postgres() -> Option<String> {
    std::env::var("FRONTDESK_TEST_POSTGRES").ok().filter(|u| !u.is_empty())
}

#[allow(clippy::disallowed_methods, reason = "tests are told by variables where the servers are")]
pub fn redis() -> Option<String> {
    std::env::var("FRONTDESK_TEST_REDIS").ok().filter(|u| !u.is_empty())
}

/// A data directory that is removed with its owner.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-test-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every file below `dir`.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Whether any file below `dir` holds `words`.
pub fn is_on_disk(dir: &Path, words: &str) -> bool {
    files_below(dir).iter().any(|p| String::from_utf8_lossy(&std::fs::read(p).unwrap_or_default()).contains(words))
}

/// An application with nothing in it.
pub struct TestApp {
    pub app: Arc<App>,
    pub on: On,
    pub dir: Scratch,
}

impl std::ops::Deref for TestApp {
    type Target = Arc<App>;
    fn deref(&self) -> &Arc<App> {
        &self.app
    }
}

/// A fresh database on the PostgreSQL server of the tests; its address.
pub async fn fresh_postgres() -> String {
    let server = postgres().expect("FRONTDESK_TEST_POSTGRES");
    let name = format!("t{}", uuid::Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    url.to_string()
}

/// The settings of a test application on `on`; `change` may alter them.
pub async fn config(on: On, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    if on == On::Postgres {
        config.database = Database { url: Some(Secret::new(fresh_postgres().await)), max_connections: 6 };
    }
    change(&mut config);
    config
}

/// 2 March 2026, 9:00 UTC, a Monday: when tests take place.
pub fn monday() -> chrono::DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap()
}

/// A key for tests only.
pub const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl TestApp {
    pub async fn open(on: On) -> Self {
        Self::open_with(on, |_| {}).await
    }

    pub async fn open_with(on: On, change: impl FnOnce(&mut Config)) -> Self {
        let dir = Scratch::new();
        let config = config(on, change).await;
        let app = App::open(config, dir.0.clone(), Some(KEY.into()), Clock::fixed(monday()))
            .await
            .expect("the application opens");
        Self { app, on, dir }
    }
}

/// Runs `story` once on each database.
#[macro_export]
macro_rules! on_each_database {
    ($(async fn $name:ident($app:ident: $ty:ty) $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for on in $crate::support::app::databases() {
                let $app: $ty = $crate::support::app::TestApp::open(on).await;
                eprintln!("on {on:?}");
                $body
            }
        }
    )*};
}
