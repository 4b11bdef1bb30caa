//! A shop's knowledge, as the tests use it.

use std::path::PathBuf;

use frontdesk::{
    app::{App, Job, OrgId, job},
    knowledge::{
        self, Document, Query,
        ingest::{self, Added, Content, Upload},
        store::documents,
    },
    platform::queue,
    staff,
};

use crate::support::app::TestApp;

/// The organisation of the test.
pub async fn shop(app: &TestApp) -> OrgId {
    staff::ensure_org(app, "shop", "Shop").await.unwrap()
}

/// Does every background job that is due; an error fails the test.
pub async fn work(app: &App) {
    loop {
        let mut tx = app.begin().await.unwrap();
        let jobs = queue::claim(tx.conn(), app.now(), job::BACKGROUND, "test", 16).await.unwrap();
        tx.commit().await.unwrap();
        if jobs.is_empty() {
            return;
        }
        for claimed in jobs {
            perform(app, serde_json::from_value(claimed.payload.0.clone()).unwrap()).await;
            let mut tx = app.begin().await.unwrap();
            assert!(queue::finish(tx.conn(), &claimed, "test").await.unwrap());
            tx.commit().await.unwrap();
        }
    }
}

async fn perform(app: &App, job: Job) {
    match job {
        Job::Ingest { document, version } => ingest::run(app, document, version).await.unwrap(),
        Job::Forget { document } => ingest::forget(app, document).await.unwrap(),
        Job::Reindex { org } => knowledge::index::rebuild(app, org).await.unwrap(),
        Job::Reweigh { org } => knowledge::index::reweigh(app, org).await.unwrap(),
        Job::IndexFaq { org, faq } => knowledge::index::faq(app, org, faq).await.unwrap(),
        Job::Embed { document } => knowledge::index::embed(app, document).await.unwrap(),
        Job::DropIndexes { org } => knowledge::index::drop_replaced(app, org).await.unwrap(),
        other => panic!("no job of knowledge: {other:?}"),
    }
}

/// Uploads bytes under a name; not yet processed.
pub async fn upload(app: &App, org: OrgId, name: &str, bytes: &[u8]) -> Added {
    let upload = Upload { source: name.into(), title: None, content: Content::Bytes(bytes.to_vec()), extension: None };
    ingest::add(app, org, None, upload, None).await.unwrap()
}

/// Uploads bytes and processes them; the document as it is then.
pub async fn ingested(app: &App, org: OrgId, name: &str, bytes: &[u8]) -> Document {
    let added = upload(app, org, name, bytes).await;
    work(app).await;
    find(app, org, &added.document).await
}

pub async fn find(app: &App, org: OrgId, document: &Document) -> Document {
    documents::find(app.read().await.unwrap().conn(), org, document.id).await.unwrap().unwrap()
}

/// What a search finds: the text of each passage, best first.
pub async fn found(app: &App, org: OrgId, text: &str) -> Vec<String> {
    let evidence = knowledge::search(app, org, &Query::new(text, 20)).await.unwrap();
    evidence.passages.into_iter().map(|f| f.passage.content).collect()
}

/// How many points the live index of passages holds.
pub async fn points(app: &App, org: OrgId) -> usize {
    let live =
        knowledge::store::generations::live(app.read().await.unwrap().conn(), org, knowledge::Collection::Passages)
            .await
            .unwrap();
    match live {
        Some(live) => app.vectors.count(&live.name()).await.unwrap(),
        None => 0,
    }
}

/// How many rows of passages there are, whatever their version.
pub async fn rows(app: &App, org: OrgId) -> i64 {
    knowledge::store::passages::count(app.read().await.unwrap().conn(), org).await.unwrap()
}

/// A file of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub fn fixture_bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}
