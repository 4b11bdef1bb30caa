//! Files that are put away into a store that speaks S3: nothing that was taken in is lost when the store is gone, and
//! nothing that was removed is left there.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use frontdesk::backup;
use serde_json::json;
use tower::ServiceExt;

use crate::{
    desk::WARRANTY,
    s3::{Mood, SECRET, Store},
    support::{
        app::{KEY, On, Scratch, TestApp, config, databases, files_below, is_on_disk},
        shop::Shop,
    },
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\na picture of a lid";

/// A company whose files are put away, and a conversation with Ana.
struct Archive {
    shop: Shop,
    store: Store,
    agent: String,
    conversation: String,
}

impl Archive {
    async fn open(on: On) -> Self {
        let store = Store::start().await;
        let app = TestApp::open_with(on, |c| {
            store.set(c);
            c.server.public_url = Some("https://desk.example.com".into());
        })
        .await;
        let shop = Shop::around(app).await;
        shop.says("Ana", "How do I open the lid?").await;
        shop.settle().await;
        let agent = shop.user("mei", "agent").await;
        let conversation = shop.conversation("Ana").await["id"].as_str().unwrap().to_string();
        Self { shop, store, agent, conversation }
    }

    /// An agent's file; where it is fetched.
    async fn sends(&self, name: &str, bytes: &[u8]) -> String {
        let path = format!("/api/conversations/{}/files", self.conversation);
        let sent = self.shop.form(&self.agent, &path, &[], name, bytes).await;
        assert_eq!(sent.status, StatusCode::OK, "{sent:?}");
        sent.body["files"][0]["url"].as_str().unwrap().to_string()
    }

    async fn fetch(&self, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(path).header("authorization", format!("Bearer {}", self.shop.app.local_token));
        let answer = self.shop.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        (status, axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    /// What still lies here, or in the database.
    async fn waits(&self) -> Vec<String> {
        self.shop.app.files.list_waiting(100).await.unwrap()
    }

    fn no_faults(&self) {
        assert_eq!(self.store.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_put_away_with_its_hash_and_read_from_there() {
    for on in databases() {
        let a = Archive::open(on).await;
        let url = a.sends("lid.png", PNG).await;
        // Until then it is here, and there is no difference.
        assert_eq!(a.fetch(&url).await, (StatusCode::OK, PNG.to_vec()));
        a.shop.settle().await;
        assert_eq!(a.waits().await, Vec::<String>::new());
        assert_eq!(a.store.contents(), [PNG.to_vec()]);
        {
            let kept = a.store.kept();
            let (key, object) = kept.objects.iter().next().unwrap();
            assert!(key.starts_with("shop one/files/") && key.ends_with("/content"), "{key}");
            assert_eq!(object.about["x-amz-meta-sha256"], frontdesk::platform::crypto::sha256_hex(PNG));
        }
        assert_eq!(a.fetch(&url).await, (StatusCode::OK, PNG.to_vec()));
        // Several parts, each streamed.
        let large: Vec<u8> = PNG.iter().copied().chain((0..20 << 20).map(|n: u32| (n >> 7) as u8)).collect();
        let big = a.sends("film.png", &large).await;
        a.shop.settle().await;
        assert!(a.store.contents().contains(&large) && a.waits().await.is_empty());
        assert!(a.fetch(&big).await == (StatusCode::OK, large));
        // Documents too: the source is there for the next version of the index.
        a.shop.learns("en.md", WARRANTY).await;
        a.shop.settle().await;
        assert!(a.store.holds("The warranty of every grinder"));
        assert_eq!(a.waits().await, Vec::<String>::new());
        assert!(!is_on_disk(&a.shop.app.dir.0.join("files"), "a picture of a lid"));
        a.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_delays_and_loses_nothing() {
    for on in databases() {
        let a = Archive::open(on).await;
        a.store.kept().mood = Mood::Busy;
        let url = a.sends("lid.png", PNG).await;
        a.shop.run_due().await;
        assert_eq!((a.waits().await.len(), a.fetch(&url).await), (1, (StatusCode::OK, PNG.to_vec())));
        let ready = a.shop.call("GET", "/readyz", None).await;
        assert!(ready.status == StatusCode::OK && ready.body["status"] == "degraded", "{ready:?}");
        assert!(ready.body["files"].as_str().unwrap().contains("file store"), "{ready:?}");
        a.store.kept().mood = Mood::Fine;
        a.shop.app.clock.advance(chrono::Duration::seconds(5));
        a.shop.run_due().await;
        assert_eq!((a.waits().await.len(), a.store.contents()), (0, vec![PNG.to_vec()]));
        assert_eq!(a.shop.call("GET", "/readyz", None).await.body["files"], "ok");
        // Other bytes than were put are no file, and neither is half of one.
        for mood in [Mood::Rotten, Mood::Cut] {
            a.store.kept().mood = mood;
            let (status, body) = a.fetch(&url).await;
            assert!(status.is_server_error(), "{mood:?}: {status}");
            assert!(!String::from_utf8_lossy(&body).contains("picture"));
        }
        a.store.kept().mood = Mood::Fine;
        assert_eq!(a.fetch(&url).await.0, StatusCode::OK);
        let left = files_below(&a.shop.app.dir.0.join("files"));
        assert!(left.is_empty(), "{left:?}");
        a.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_customers_files_go_from_the_store_too() {
    for on in databases() {
        let a = Archive::open(on).await;
        let url = a.sends("lid.png", PNG).await;
        a.shop.settle().await;
        assert!(a.store.holds("a picture of a lid"), "planted");
        // One more is still on its way when the order comes.
        a.store.kept().mood = Mood::Busy;
        let late = a.sends("late.png", b"\x89PNG\r\n\x1a\nthe late one").await;
        let customer = a.shop.conversation("Ana").await["customer_id"].as_str().unwrap().to_string();
        let ordered = a.shop.call("POST", &format!("/api/customers/{customer}/erase"), None).await;
        assert_eq!(ordered.status, StatusCode::ACCEPTED, "{ordered:?}");
        a.shop.run_due().await;
        assert!(a.store.holds("a picture of a lid"), "the store can't be reached");
        a.store.kept().mood = Mood::Fine;
        for _ in 0..4 {
            a.shop.app.clock.advance(chrono::Duration::minutes(6));
            a.shop.run_due().await;
        }
        assert!(!a.store.holds("a picture of a lid") && !a.store.holds("the late one"));
        assert_eq!(a.fetch(&url).await.0, StatusCode::NOT_FOUND);
        assert_eq!(a.fetch(&late).await.0, StatusCode::NOT_FOUND);
        for canary in ["a picture of a lid", "the late one"] {
            assert!(!is_on_disk(&a.shop.app.dir.0, canary), "{canary} is still on the disk");
        }
        a.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_removed_while_it_is_put_away_is_not_left_there() {
    for on in databases() {
        let a = Archive::open(on).await;
        a.sends("lid.png", PNG).await;
        let path = a.waits().await.remove(0);
        let dir = path.rsplit_once('/').unwrap().0.to_string();
        // Another process had put it there when its file went: the removal is done once more later.
        let (_, org) = dir.split_once('/').unwrap();
        let org = frontdesk::app::OrgId(org.split('/').next().unwrap().parse().unwrap());
        a.shop.app.remove_files(org, &dir).await.unwrap();
        let object = crate::s3::Object { bytes: PNG.to_vec(), about: Default::default() };
        a.store.kept().objects.insert(format!("shop one/{path}"), object);
        a.shop.settle().await;
        a.shop.app.clock.advance(chrono::Duration::minutes(16));
        a.shop.settle().await;
        assert_eq!(a.store.contents(), Vec::<Vec<u8>>::new());
        a.no_faults();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_in_before_the_store_was_set_is_put_away_and_a_backup_holds_it_all() {
    for on in databases() {
        let store = Store::start().await;
        let dir = Scratch::new();
        let mut settings = config(on, |_| {}).await;
        let open = async |settings: &frontdesk::app::Config| {
            let clock = frontdesk::platform::Clock::fixed(crate::support::app::monday());
            frontdesk::app::App::open(settings.clone(), dir.0.clone(), Some(KEY.into()), clock).await.unwrap()
        };
        let around = async |app| {
            // The directory is this test's.
            let app = TestApp { app, on, dir: Scratch::new() };
            Shop::around(app).await
        };
        let shop = around(open(&settings).await).await;
        shop.learns("en.md", WARRANTY).await;
        shop.app.close().await;
        drop(shop);

        store.set(&mut settings);
        let app = open(&settings).await;
        app.put_files_away().await.unwrap();
        frontdesk::worker::run_due(&app).await.unwrap();
        assert!(store.holds("The warranty of every grinder"));
        assert_eq!(app.files.list_waiting(9).await.unwrap(), Vec::<String>::new());

        let at = dir.0.join("all.backup");
        let snapshot = backup::begin(&app).await.unwrap();
        let manifest = backup::write(&app, snapshot, std::fs::File::create(&at).unwrap(), false).await.unwrap();
        assert_eq!(manifest.files(), 1);
        app.close().await;
        // Into an installation without that store.
        let place = Scratch::new();
        let fresh = config(on, |_| {}).await;
        backup::restore(&fresh, &place.0, Some(KEY.into()), &at).await.unwrap();
        let clock = frontdesk::platform::Clock::fixed(crate::support::app::monday());
        let back = frontdesk::app::App::open(fresh, place.0.clone(), Some(KEY.into()), clock).await.unwrap();
        let path = store.kept().objects.keys().next().unwrap().trim_start_matches("shop one/").to_string();
        let file = back.files.read(&path).await.unwrap().expect("it came back");
        assert_eq!(std::fs::read(file.path()).unwrap(), WARRANTY.as_bytes());
        drop(file);
        back.close().await;
        assert_eq!(store.kept().faults, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_the_store_is_never_shown() {
    let store = Store::start().await;
    let settings = config(On::Sqlite, |c| store.set(c)).await;
    let shown = format!("{settings:?} {}", json!(settings));
    assert!(!shown.contains(SECRET) && shown.contains("(secret)"));
    let app = TestApp::open_with(On::Sqlite, |c| {
        store.set(c);
        c.files.s3_secret_key = Some(frontdesk::app::config::Secret::new("another key"));
    })
    .await;
    let why = app.files.health().await.unwrap().unwrap_err().chain();
    assert!(!why.contains("another key") && !why.contains("AKIATEST"), "{why}");
    assert!(!store.kept().faults.is_empty(), "the store looks at signatures");
}
