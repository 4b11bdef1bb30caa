//! Backup and restore: everything comes back, on either database, and nothing is put where something is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use frontdesk::{
    app::{App, Config},
    backup::{self, KeyState, Report},
    both,
    platform::{
        Clock, Error, Result,
        backup::{Archive, Contents, Manifest, Snapshot, load},
        db::Db,
    },
    staff::{self, By},
};
use serde_json::Value;
use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use support::{
    app::{KEY, On, Scratch, TestApp, databases, fresh_postgres, monday},
    rows,
    shop::Shop,
};
use tower::ServiceExt;
use uuid::Uuid;

const OTHER_KEY: &str = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA";

/// A file that a backup writes.
fn file(dir: &Scratch) -> PathBuf {
    dir.0.join("it.backup")
}

async fn back_up(app: &App, to: &Path, with_key: bool) -> Manifest {
    let snapshot = backup::begin(app).await.unwrap();
    backup::write(app, snapshot, std::fs::File::create(to).unwrap(), with_key).await.unwrap()
}

/// An empty place to restore into.
struct Place {
    dir: Scratch,
    config: Config,
}

impl Place {
    async fn on(on: On) -> Self {
        Self { dir: Scratch::new(), config: support::app::config(on, |_| {}).await }
    }

    async fn restore(&self, file: &Path) -> Result<Report> {
        self.restore_with(file, Some(KEY)).await
    }

    async fn restore_with(&self, file: &Path, key: Option<&str>) -> Result<Report> {
        backup::restore(&self.config, &self.dir.0, key.map(String::from), file).await
    }

    async fn refusal(&self, file: &Path) -> String {
        match self.restore(file).await {
            Err(Error::Invalid(why)) => why,
            Err(other) => panic!("not said clearly: {}", other.chain()),
            Ok(report) => panic!("not refused: {report}"),
        }
    }

    async fn open(&self) -> std::sync::Arc<App> {
        App::open(self.config.clone(), self.dir.0.clone(), Some(KEY.into()), Clock::fixed(monday())).await.unwrap()
    }

    fn is_untouched(&self) -> bool {
        std::fs::read_dir(&self.dir.0).unwrap().next().is_none()
    }
}

async fn run(db: &Db, sql: &'static str) {
    let mut tx = db.begin().await.unwrap();
    both!(tx.conn(), c => sqlx::query(sql).execute(c).await.map(|_| ())).unwrap();
    tx.commit().await.unwrap();
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    let mut reader = db.read().await.unwrap();
    both!(reader.conn(), c => sqlx::query_scalar(sql).fetch_one(c).await).unwrap()
}

/// Every file below, with its content.
fn tree(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut left = vec![dir.to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                all.insert(path.strip_prefix(dir).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

fn put(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Rows in every table, one of them large, files, and a job that is running.
async fn filled(on: On) -> TestApp {
    let app = TestApp::open(on).await;
    rows::fill(&app.db, 4).await;
    run(
        &app.db,
        "UPDATE jobs SET state = 'running', worker = 'gone' WHERE id = (SELECT id FROM jobs ORDER BY id LIMIT 1)",
    )
    .await;
    run(&app.db, "UPDATE audit_logs SET changes = 'null' WHERE changes IS NULL").await;
    let mut tx = app.begin().await.unwrap();
    for n in 0..7 {
        let text = format!("{n} 长长的正文 ").repeat(30_000);
        both!(tx.conn(), c => sqlx::query(
            "INSERT INTO messages (id, org_id, conversation_id, customer_id, channel_id, seq, sender_type, content,
                                   status, created_at)
             SELECT $1, org_id, conversation_id, customer_id, channel_id, $2, 'customer', $3, 'received', created_at
             FROM messages WHERE seq = 9223372036854775807 LIMIT 1")
            .bind(Uuid::now_v7()).bind(n).bind(text).execute(c).await.map(|_| ()))
        .unwrap();
    }
    tx.commit().await.unwrap();
    let files = app.dir.0.join("files");
    put(&files.join("org/doc/1-abc.md"), "# 保修\n".as_bytes());
    put(&files.join("org/doc/2-def.pdf"), &vec![7; 1 << 20]);
    put(&files.join("org/empty.txt"), b"");
    put(&files.join(format!("org/{}/1-abc.md", "long".repeat(40))), b"a name beyond what a plain tar header holds");
    put(&files.join("incoming/half-an-upload"), b"half");
    app.files.adopt().await.unwrap();
    app
}

/// Every stored file with its content, wherever it lies.
async fn stored(app: &App) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = tree(&app.files.gather().await.unwrap());
    all.retain(|path, _| !path.starts_with("incoming"));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_back_whichever_database_it_was_in_and_goes_to() {
    for from in databases() {
        let app = filled(from).await;
        let manifest = back_up(&app, &file(&app.dir), false).await;
        assert!(manifest.members.keys().filter(|m| m.starts_with("tables/messages/")).count() > 2, "parts");
        for to in databases() {
            eprintln!("from {from:?} to {to:?}");
            let place = Place::on(to).await;
            let report = place.restore(&file(&app.dir)).await.unwrap_or_else(|e| panic!("{}", e.chain()));
            assert_eq!((report.files, report.key), (4, KeyState::Right), "{report}");
            let restored = place.open().await;

            let mut expected = rows::everything(&app.db).await;
            expected.insert("sessions".into(), Default::default());
            expected.insert("one_time_links".into(), Default::default());
            let mut found = rows::everything(&restored.db).await;
            // Compared as files, below.
            expected.remove("stored_files");
            found.remove("stored_files");
            assert_eq!(count(&app.db, "SELECT COUNT(*) FROM jobs WHERE state = 'running'").await, 1);
            assert_eq!(count(&restored.db, "SELECT COUNT(*) FROM jobs WHERE state = 'running'").await, 0);
            assert_eq!(count(&restored.db, "SELECT COUNT(*) FROM jobs WHERE state = 'ready'").await, 1);
            assert_eq!(found.remove("jobs").unwrap().len(), expected.remove("jobs").unwrap().len());
            for (table, rows) in &expected {
                assert!(found.get(table) == Some(rows), "{table} differs");
            }
            assert_eq!(found.len(), expected.len());
            let nulls = "SELECT COUNT(*) FROM audit_logs WHERE changes IS NULL";
            assert_eq!(count(&restored.db, nulls).await, 0, "JSON null is a value");

            assert_eq!(stored(&restored).await, stored(&app).await);
            restored.db.close().await;
        }
    }
}

/// The very bytes, which ordering and comparing in SQL depend on.
#[tokio::test]
async fn from_sqlite_to_sqlite_the_stored_values_are_identical() {
    async fn stored(db: &Db) -> Vec<String> {
        let mut reader = db.read().await.unwrap();
        let sql = "SELECT quote(id) || quote(org_id) || quote(expires_at) || quote(created_at) || quote(scopes) FROM api_keys
                   UNION ALL SELECT quote(id) || quote(amount) || quote(expected_close_date) || quote(products) FROM deals
                   UNION ALL SELECT quote(id) || quote(is_active) || typeof(question) || quote(question) FROM faqs
                   UNION ALL SELECT quote(id) || quote(importance) || quote(is_pinned) FROM memories ORDER BY 1";
        both!(reader.conn(), c => sqlx::query_scalar(sql).fetch_all(c).await).unwrap()
    }
    let app = filled(On::Sqlite).await;
    back_up(&app, &file(&app.dir), false).await;
    let place = Place::on(On::Sqlite).await;
    place.restore(&file(&app.dir)).await.unwrap();
    let restored = place.open().await;
    assert_eq!(stored(&app.db).await, stored(&restored.db).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_backup_while_others_write_is_one_moment() {
    /// One transaction: an organisation with two tags and its document's file; every other time it is taken away again.
    async fn write_on(app: &App, n: usize) {
        let (org, now) = (Uuid::now_v7(), app.now());
        let coming = app.files.incoming().await.unwrap();
        put(&coming, b"# a document");
        let mut tx = app.begin().await.unwrap();
        app.files.keep(tx.conn(), &format!("files/{org}/1.md"), &coming).await.unwrap();
        both!(tx.conn(), c => sqlx::query(
            "INSERT INTO organizations (id, slug, name, created_at, updated_at) VALUES ($1, $2, 'busy', $3, $3)")
            .bind(org).bind(format!("busy-{org}")).bind(now).execute(c).await.map(|_| ()))
        .unwrap();
        for name in ["a", "b"] {
            both!(tx.conn(), c => sqlx::query(
                "INSERT INTO tags (id, org_id, name, created_at) VALUES ($1, $2, $3, $4)")
                .bind(Uuid::now_v7()).bind(org).bind(name).bind(now).execute(c).await.map(|_| ()))
            .unwrap();
        }
        tx.commit().await.unwrap();
        if n.is_multiple_of(2) {
            let mut tx = app.begin().await.unwrap();
            both!(tx.conn(), c => sqlx::query("DELETE FROM organizations WHERE id = $1")
                .bind(org).execute(c).await.map(|_| ()))
            .unwrap();
            tx.commit().await.unwrap();
            app.files.remove_below(&format!("files/{org}")).await.unwrap();
        }
    }
    for on in databases() {
        let app = TestApp::open(on).await;
        rows::fill(&app.db, 4).await;
        let stop = std::sync::Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (app, stop) = (app.app.clone(), stop.clone());
            async move {
                let mut written = 0;
                while !stop.load(Ordering::Relaxed) {
                    write_on(&app, written).await;
                    written += 1;
                }
                written
            }
        });
        // Not before the writer is at it.
        while count(&app.db, "SELECT COUNT(*) FROM organizations WHERE name = 'busy'").await < 30 {
            tokio::task::yield_now().await;
        }
        for round in 0..3 {
            let at = app.dir.0.join(format!("{round}.backup"));
            let manifest = back_up(&app, &at, false).await;
            let place = Place::on(on).await;
            let report = place.restore(&at).await.unwrap_or_else(|e| panic!("{}", e.chain()));
            assert_eq!(report.vanished, manifest.vanished);
            let restored = place.open().await;
            let busy = count(&restored.db, "SELECT COUNT(*) FROM organizations WHERE name = 'busy'").await;
            let tags = "SELECT COUNT(*) FROM tags t JOIN organizations o ON o.id = t.org_id WHERE o.name = 'busy'";
            assert!(busy >= 20);
            assert_eq!(count(&restored.db, tags).await, 2 * busy);
            restored.db.close().await;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn what_is_no_backup_is_refused_in_one_sentence() {
    let dir = Scratch::new();
    let at = file(&dir);
    for content in [b"".to_vec(), b"SQLite format 3\0".to_vec(), b"hello".repeat(1000), gzip(b"hello"), a_tar()] {
        std::fs::write(&at, &content).unwrap();
        for on in databases() {
            let place = Place::on(on).await;
            assert_eq!(place.refusal(&at).await, format!("{} is not a backup of Frontdesk", at.display()));
            assert!(place.is_untouched());
        }
    }
    let place = Place::on(On::Sqlite).await;
    assert!(place.refusal(&dir.0.join("none")).await.contains("No such file"));
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

fn gunzip(content: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(content).read_to_end(&mut plain).unwrap();
    plain
}

fn still_says(packed: &[u8], plain: &[u8]) -> bool {
    let mut found = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut found).is_ok() && found == plain
}

fn a_tar() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    archive.append_data(&mut header, "notes.txt", b"hi".as_slice()).unwrap();
    gzip(&archive.into_inner().unwrap())
}

#[tokio::test]
async fn a_damaged_backup_is_refused_before_anything_is_written() {
    let app = TestApp::open(On::Sqlite).await;
    rows::fill(&app.db, 2).await;
    put(&app.dir.0.join("files/org/doc/1-abc.md"), &[b'x'; 5000]);
    let good = file(&app.dir);
    back_up(&app, &good, true).await;
    let bytes = std::fs::read(&good).unwrap();
    let plain = gunzip(&bytes);
    let place = Place::on(On::Sqlite).await;
    let at = app.dir.0.join("damaged");
    let is_refused = async |content: &[u8], what: String| {
        std::fs::write(&at, content).unwrap();
        let why = place.refusal(&at).await;
        let expected = [format!("{} is damaged: ", at.display()), format!("{} is not a backup", at.display())];
        assert!(expected.iter().any(|e| why.starts_with(e)), "{what}: {why}");
        assert!(place.is_untouched(), "{what}");
    };
    for part in 1..40 {
        let end = bytes.len() * part / 40;
        is_refused(&bytes[..end], format!("the first {end} of {} bytes", bytes.len())).await;
    }
    is_refused(&bytes[..bytes.len() - 1], "all but one byte".into()).await;
    // Behind the packing's head, which holds nothing (a time, a system).
    for step in 0..150 {
        let place = 10 + (bytes.len() - 10) * step / 150;
        let mut flipped = bytes.clone();
        flipped[place] ^= 1 << (step % 8);
        if still_says(&flipped, &plain) {
            continue; // a bit between the packing's blocks that nothing reads
        }
        is_refused(&flipped, format!("bit {} of byte {place}", step % 8)).await;
    }
    // Unpacked, where no checksum of the packing helps: in each member's content.
    std::fs::write(&at, &plain).unwrap();
    Archive::check(&at, 1000).expect("an unpacked backup is one too");
    let mut archive = tar::Archive::new(plain.as_slice());
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let mut flipped = plain.clone();
        let place = entry.raw_file_position() + entry.size() / 2;
        flipped[usize::try_from(place).unwrap()] ^= 4;
        is_refused(&flipped, entry.path().unwrap().display().to_string()).await;
    }
    assert!(place.restore(&good).await.is_ok());
}

#[tokio::test]
async fn a_member_that_would_leave_the_directory_is_refused() {
    let app = TestApp::open(On::Sqlite).await;
    put(&app.dir.0.join("files/aa/evil"), b"x");
    let good = file(&app.dir);
    back_up(&app, &good, false).await;
    let plain = gunzip(&std::fs::read(&good).unwrap());
    let mut out = tar::Builder::new(Vec::new());
    for entry in tar::Archive::new(plain.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let mut header = entry.header().clone();
        let name = entry.path().unwrap().display().to_string();
        if name == "files/aa/evil" {
            header.as_gnu_mut().unwrap().name[..13].copy_from_slice(b"files/../evil");
            header.set_cksum();
        }
        let content = String::from_utf8(content).unwrap().replace("files/aa/evil", "files/../evil");
        out.append(&header, content.as_bytes()).unwrap();
    }
    std::fs::write(&good, out.into_inner().unwrap()).unwrap();
    let place = Place::on(On::Sqlite).await;
    let why = place.refusal(&good).await;
    assert_eq!(why, format!("{} is damaged: files/../evil does not belong there", good.display()));
}

#[tokio::test]
async fn a_backup_of_a_newer_schema_is_refused() {
    for on in databases() {
        let app = TestApp::open(on).await;
        run(
            &app.db,
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9000, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
        back_up(&app, &file(&app.dir), false).await;
        let place = Place::on(on).await;
        let why = place.refusal(&file(&app.dir)).await;
        assert!(why.contains("was written by a newer Frontdesk") && why.contains("schema 9000"), "{why}");
        assert!(why.ends_with("install that version") && place.is_untouched());
    }
}

#[tokio::test]
async fn nothing_is_restored_where_something_is() {
    let source = TestApp::open(On::Sqlite).await;
    rows::fill(&source.db, 1).await;
    let at = file(&source.dir);
    back_up(&source, &at, true).await;
    for on in databases() {
        let there = TestApp::open(on).await;
        rows::fill(&there.db, 1).await;
        let before = rows::everything(&there.db).await;
        let why = match backup::restore(&there.config, &there.dir.0, Some(KEY.into()), &at).await {
            Err(Error::Invalid(why)) => why,
            other => panic!("{other:?}"),
        };
        match on {
            On::Sqlite => {
                assert!(why.starts_with("there is a database in "), "{why}");
                assert!(why.ends_with(": restore into another data directory"), "{why}");
            }
            On::Postgres => assert_eq!(why, "the PostgreSQL database is not empty: restore into a new one"),
        }
        assert_eq!(rows::everything(&there.db).await, before);
        assert!(!there.dir.0.join("files").exists());

        let place = Place::on(on).await;
        put(&place.dir.0.join("files/org/doc.md"), b"mine");
        assert!(place.refusal(&at).await.ends_with("files is not empty: restore into another data directory"));

        let place = Place::on(on).await;
        put(&place.dir.0.join("secret.key"), OTHER_KEY.as_bytes());
        let why = place.refusal(&at).await;
        assert!(why.ends_with("secret.key is another key than the one in the backup: move it away first"), "{why}");
        assert_eq!(std::fs::read_to_string(place.dir.0.join("secret.key")).unwrap(), OTHER_KEY);

        // A settings file, an empty database and an upload that was cut off are in nobody's way.
        let place = Place::on(on).await;
        put(&place.dir.0.join("frontdesk.toml"), b"");
        put(&place.dir.0.join("frontdesk.db"), b"");
        put(&place.dir.0.join("files/incoming/half"), b"");
        place.restore(&at).await.unwrap();
        place.open().await.db.close().await;
    }
}

#[tokio::test]
async fn the_audit_log_goes_on_where_the_backup_left_it_also_where_more_was_known() {
    for on in databases() {
        let app = TestApp::open(on).await;
        let org = staff::ensure_org(&app, "default", "Default").await.unwrap();
        let line = async |app: &App| {
            let mut tx = app.begin().await.unwrap();
            let by = By::system(org);
            staff::audit(tx.conn(), app.now(), &by, "test", ("organization", org.0), Value::Null).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(staff::seal_all(app).await.unwrap(), 1);
        };
        line(&app).await;
        back_up(&app, &file(&app.dir), false).await;
        line(&app).await;
        let place = Place::on(on).await;
        std::fs::copy(app.dir.0.join(staff::HEADS_FILE), place.dir.0.join(staff::HEADS_FILE)).unwrap();
        place.restore(&file(&app.dir)).await.unwrap();
        let restored = place.open().await;
        line(&restored).await;
        let found = staff::verify(&restored, org).await.unwrap();
        assert_eq!((found.lines, found.broken), (2, None));
        restored.db.close().await;
    }
}

#[tokio::test]
async fn a_restoration_that_fails_leaves_nothing_and_can_be_tried_again() {
    for on in databases() {
        let app = TestApp::open(on).await;
        rows::fill(&app.db, 2).await;
        put(&app.dir.0.join("files/org/doc/1-abc.md"), b"text");
        app.files.adopt().await.unwrap();
        let at = file(&app.dir);
        // The rows of `users` refer to an organisation that is not in the backup, which every hash agrees with.
        let snapshot = Snapshot::begin(&app.db, &["sessions", "one_time_links", "stored_files"]).await.unwrap();
        backup::write(&app, snapshot, std::fs::File::create(&at).unwrap(), true).await.unwrap();
        let plain = gunzip(&std::fs::read(&at).unwrap());
        let bad = app.dir.0.join("bad");
        std::fs::write(&bad, without_a_table(&plain, "organizations")).unwrap();
        let place = Place::on(on).await;
        assert!(place.restore(&bad).await.is_err());
        assert!(place.is_untouched(), "{on:?}: {:?}", tree(&place.dir.0).keys());
        place.restore(&at).await.unwrap_or_else(|e| panic!("{}", e.chain()));
        let restored = place.open().await;
        assert!(restored.files.read("files/org/doc/1-abc.md").await.unwrap().is_some());
        restored.db.close().await;
    }
}

/// The same archive as if it had been written without the rows of `table`.
fn without_a_table(plain: &[u8], table: &str) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for entry in tar::Archive::new(plain).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if name.starts_with(&format!("tables/{table}/")) {
            continue;
        }
        if name == "manifest.json" {
            let mut manifest: Manifest = serde_json::from_slice(&content).unwrap();
            manifest.members.retain(|m, _| !m.starts_with(&format!("tables/{table}/")));
            manifest.tables.insert(table.into(), 0);
            content = serde_json::to_vec(&manifest).unwrap();
        }
        let mut header = entry.header().clone();
        header.set_size(content.len() as u64);
        header.set_cksum();
        out.append(&header, content.as_slice()).unwrap();
    }
    out.into_inner().unwrap()
}

#[tokio::test]
async fn the_key_is_kept_out_unless_asked_for_and_the_report_says_what_to_do() {
    let app = TestApp::open(On::Sqlite).await;
    let sealed = app.key.seal("channel", b"app secret").unwrap();
    let (without, with) = (app.dir.0.join("without"), app.dir.0.join("with"));
    back_up(&app, &without, false).await;
    back_up(&app, &with, true).await;
    assert!(!gunzip(&std::fs::read(&without).unwrap()).windows(KEY.len()).any(|w| w == KEY.as_bytes()));

    let place = Place::on(On::Sqlite).await;
    let report = place.restore_with(&with, None).await.unwrap();
    assert_eq!(report.key, KeyState::Restored);
    let restored = App::open(place.config.clone(), place.dir.0.clone(), None, Clock::System).await.unwrap();
    assert_eq!(restored.key.open("channel", &sealed).unwrap(), b"app secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.dir.0.join("secret.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    for (key, state, words) in [
        (Some(KEY), KeyState::Right, ""),
        (Some(OTHER_KEY), KeyState::Wrong, "set FRONTDESK_SECRET_KEY to the old key"),
        (None, KeyState::Missing, "put the old secret.key to "),
    ] {
        let place = Place::on(On::Sqlite).await;
        let report = place.restore_with(&without, key).await.unwrap();
        assert_eq!(report.key, state);
        assert!(report.to_string().contains(words), "{report}");
        assert!(!place.dir.0.join("secret.key").exists());
    }
    if databases().contains(&On::Postgres) {
        let place = Place::on(On::Postgres).await;
        let report = place.restore_with(&with, None).await.unwrap();
        assert_eq!(report.key, KeyState::RestoredToBeSet);
        assert!(report.to_string().contains("set FRONTDESK_SECRET_KEY to it"), "{report}");
    }
}

#[tokio::test]
async fn what_postgresql_cannot_hold_does_not_stop_the_move_to_it() {
    if !databases().contains(&On::Postgres) {
        return;
    }
    let app = TestApp::open(On::Sqlite).await;
    let sql = "INSERT INTO organizations (id, slug, name, settings, created_at, updated_at)
               VALUES ($1, 'nul', $2, $3, $4, $4)";
    let mut tx = app.begin().await.unwrap();
    let settings = sqlx::types::Json(serde_json::json!({"a\0": ["b\0"]}));
    both!(tx.conn(), c => sqlx::query(sql).bind(Uuid::now_v7()).bind("a\0b").bind(&settings).bind(monday())
        .execute(c).await.map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    back_up(&app, &file(&app.dir), false).await;
    let place = Place::on(On::Postgres).await;
    place.restore(&file(&app.dir)).await.unwrap_or_else(|e| panic!("{}", e.chain()));
    let restored = place.open().await;
    assert_eq!(count(&restored.db, "SELECT COUNT(*) FROM organizations WHERE name LIKE 'a_b'").await, 1);
}

/// Two states of a schema: the second has another column and a row of its own.
fn two_states() -> Migrator {
    let step = |version, sql: &'static str| {
        Migration::new(version, "step".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(vec![
        step(
            1,
            "CREATE TABLE parts (id UUID PRIMARY KEY, part_of UUID REFERENCES parts (id), name TEXT NOT NULL);
             CREATE TABLE built_in (id TEXT PRIMARY KEY);
             CREATE TABLE jobs (state TEXT, merge_key TEXT, worker TEXT, lease_until TIMESTAMPTZ);
             INSERT INTO built_in (id) VALUES ('one');",
        ),
        step(
            2,
            "ALTER TABLE parts ADD COLUMN weight BIGINT NOT NULL DEFAULT 7;
             INSERT INTO built_in (id) VALUES ('two');",
        ),
    ])
}

#[tokio::test]
async fn an_older_schema_is_restored_as_it_was_and_then_migrated() {
    for from in databases() {
        for to in databases() {
            let (dir, migrations) = (Scratch::new(), two_states());
            let open = async |on, name: &str| match on {
                On::Sqlite => Db::open_sqlite(&dir.0.join(name)).await.unwrap(),
                On::Postgres => Db::open_pg(&fresh_postgres().await, 2).await.unwrap(),
            };
            let old = open(from, "old.db").await;
            old.migrate_to(&migrations, Some(1)).await.unwrap();
            // A part comes before the whole that it belongs to.
            let (part, whole) = (Uuid::now_v7(), Uuid::now_v7());
            for (id, part_of) in [(part, None), (whole, None), (part, Some(whole))] {
                let mut tx = old.begin().await.unwrap();
                both!(tx.conn(), c => sqlx::query(
                    "INSERT INTO parts (id, part_of, name) VALUES ($1, $2, 'x')
                     ON CONFLICT (id) DO UPDATE SET part_of = excluded.part_of")
                    .bind(id).bind(part_of).execute(c).await.map(|_| ()))
                .unwrap();
                tx.commit().await.unwrap();
            }
            let at = file(&dir);
            let contents = Contents {
                program: "0.0.1".into(),
                created_at: monday(),
                files: dir.0.join("none"),
                passing: &[],
                key_check: String::new(),
                key: None,
            };
            let out = std::fs::File::create(&at).unwrap();
            Snapshot::begin(&old, &[]).await.unwrap().write(out, contents).await.unwrap();
            assert!(matches!(Archive::check(&at, 0), Err(Error::Invalid(_))));

            let new = open(to, "new.db").await;
            let archive = Archive::check(&at, 2).unwrap();
            let loaded = load(&new, &migrations, archive, dir.0.join("files"), monday(), || Ok(())).await;
            loaded.unwrap_or_else(|e| panic!("{from:?} to {to:?}: {}", e.chain()));
            assert_eq!(count(&new, "SELECT COUNT(*) FROM parts WHERE weight = 7").await, 2);
            assert_eq!(count(&new, "SELECT COUNT(*) FROM parts WHERE part_of IS NOT NULL").await, 1);
            assert_eq!(count(&new, "SELECT COUNT(*) FROM built_in").await, 2);
            old.close().await;
            new.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_and_asked_it_answers_as_before() {
    async fn ask(app: &std::sync::Arc<App>) -> Value {
        let request = Request::post("/api/ask")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", app.local_token))
            .body(Body::from(r#"{"question":"How long does a refund take?"}"#))
            .unwrap();
        let response = frontdesk::web::router(app.clone()).oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
        for of_this_run in ["timings_ms", "trace"] {
            answer.as_object_mut().unwrap().remove(of_this_run);
        }
        answer
    }
    for from in databases() {
        let shop = Shop::open(from).await.knowing("# Refunds\n\nA refund takes five working days.\n").await;
        let before = ask(&shop.app.app).await;
        assert!(before["sources"][0]["quote"].as_str().unwrap().contains("five working days"), "{before}");
        back_up(&shop.app, &file(&shop.app.dir), false).await;
        for to in databases() {
            let place = Place::on(to).await;
            place.restore(&file(&shop.app.dir)).await.unwrap_or_else(|e| panic!("{}", e.chain()));
            assert!(!place.dir.0.join("vectors").exists(), "no vector is in a backup");
            let restored = place.open().await;
            frontdesk::knowledge::index::reconcile(&restored).await.unwrap();
            assert_eq!(ask(&restored).await, before, "from {from:?} to {to:?}");
            restored.db.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_it_is_a_stream_for_who_may() {
    for on in databases() {
        let app = filled(on).await;
        frontdesk::staff::ensure_org(&app, "default", "Default").await.unwrap();
        let router = frontdesk::web::router(app.app.clone());
        let ask = |token: Option<&str>| {
            let mut request = Request::post("/api/backup").header(header::CONTENT_TYPE, "application/json");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            router.clone().oneshot(request.body(Body::from(r#"{"with_key":false}"#)).unwrap())
        };
        assert_eq!(ask(None).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        let response = ask(Some(&app.local_token)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/gzip");
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        std::fs::write(file(&app.dir), bytes).unwrap();
        let place = Place::on(on).await;
        place.restore(&file(&app.dir)).await.unwrap();
        let restored = place.open().await;
        let taken = "SELECT COUNT(*) FROM audit_logs WHERE action = 'backup.take'";
        assert_eq!(count(&restored.db, taken).await, 1);
        restored.db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_cut_off_breaks_the_stream() {
    let app = filled(On::Sqlite).await;
    frontdesk::staff::ensure_org(&app, "default", "Default").await.unwrap();
    let router = frontdesk::web::router(app.app.clone());
    let request = Request::post("/api/backup")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", app.local_token))
        .body(Body::from("{}"))
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    app.stopping.cancel();
    assert!(axum::body::to_bytes(response.into_body(), usize::MAX).await.is_err());
}
