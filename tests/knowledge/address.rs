//! Web addresses: what is behind them is read as what it is, and what is wrong with one is said in a sentence.

use axum::{
    Router,
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use frontdesk::{
    app::OrgId,
    knowledge::{
        Status,
        ingest::{self, Outcome},
    },
};

use super::room::{find, fixture_bytes, found, rows, shop, work};
use crate::support::{
    app::{On, TestApp, databases},
    serve,
};

const CHINESE: &str =
    "<html><head><title>退货</title></head><body><h1>退货</h1><p>收到商品后三十天内可以退货。</p></body></html>";

/// A website with everything that websites do.
async fn website() -> String {
    let typed = |kind: &'static str, body: Vec<u8>| move || async move { ([(header::CONTENT_TYPE, kind)], body) };
    let gb18030 = encoding_rs::GB18030.encode(CHINESE).0.into_owned();
    // Longer than it may be, and it does not say how long it is.
    let endless = || async {
        let piece = Bytes::from(vec![b'a'; 64 << 10]);
        Body::from_stream(futures::stream::iter((0..64).map(move |_| Ok::<_, std::io::Error>(piece.clone()))))
    };
    let page = "<html><body><nav>Home | About</nav><h1>Warranty</h1><p>The warranty is 24 months.</p></body></html>";
    serve(
        Router::new()
            .route("/warranty", get(typed("text/html; charset=utf-8", page.into())))
            .route("/moved", get(|| async { Redirect::permanent("/moved/again") }))
            .route("/moved/again", get(|| async { Redirect::temporary("../warranty") }))
            .route("/zh", get(typed("text/html; charset=gb18030", gb18030)))
            .route("/prices", get(typed("application/pdf", fixture_bytes("prices-en.pdf"))))
            .route("/files/prices.pdf", get(typed("application/octet-stream", fixture_bytes("prices-en.pdf"))))
            .route("/long", get(typed("text/plain", vec![b'a'; 3 << 20])))
            .route("/endless", get(endless))
            .route("/loop", get(|| async { Redirect::temporary("/loop") }))
            .route("/nowhere", get(|| async { StatusCode::FOUND.into_response() }))
            .route("/elsewhere", get(|| async { Redirect::temporary("file:///etc/passwd") }))
            .route("/broken", get(|| async { StatusCode::BAD_GATEWAY }))
            .route("/picture", get(typed("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()))),
    )
    .await
}

async fn opened(on: On) -> (TestApp, OrgId) {
    let app = TestApp::open_with(on, |c| {
        c.ingest.allow_private_urls = true;
        c.server.upload_limit_mb = 2;
    })
    .await;
    let org = shop(&app).await;
    (app, org)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_behind_an_address_is_read_as_what_it_is() {
    let site = website().await;
    for on in databases() {
        let (app, org) = opened(on).await;
        for (path, question, holds) in [
            ("/warranty", "warranty", "24 months"),
            ("/zh", "退货", "三十天内"),
            ("/prices", "lamp prices", "159.00 EUR"),
        ] {
            let added = ingest::add_url(&app, org, None, &format!("{site}{path}"), None, None).await.unwrap();
            work(&app).await;
            let document = find(&app, org, &added.document).await;
            assert_eq!(document.processing_status, Status::Completed, "{path}: {:?}", document.error_message);
            let passages = found(&app, org, question).await;
            assert!(passages.iter().any(|p| p.contains(holds)), "{path}: {passages:?}");
            assert!(
                !passages.concat().contains("About"),
                "{path}: what only leads around is no knowledge: {passages:?}"
            );
            // The address again, with nothing new there.
            let again = ingest::add_url(&app, org, None, &format!(" {site}{path} "), None, None).await.unwrap();
            assert_eq!((again.outcome, again.document.id), (Outcome::Unchanged, document.id), "{path}");
        }
        // Another address of the same content is the same document, also where only the ending tells what it is.
        let before = rows(&app, org).await;
        for path in ["/moved", "/files/prices.pdf"] {
            let added = ingest::add_url(&app, org, None, &format!("{site}{path}"), None, None).await.unwrap();
            assert_eq!(added.outcome, Outcome::Unchanged, "{path}");
        }
        work(&app).await;
        assert_eq!(rows(&app, org).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_address_is_said_and_nothing_is_kept() {
    let site = website().await;
    for on in databases() {
        let (app, org) = opened(on).await;
        for (path, told) in [
            ("/missing", "404"),
            ("/broken", "502"),
            ("/long", "2 MB"),
            ("/endless", "2 MB"),
            ("/loop", "redirects too often"),
            ("/nowhere", "redirects to nowhere"),
            ("/elsewhere", "no web page"),
        ] {
            let told_us = ingest::add_url(&app, org, None, &format!("{site}{path}"), None, None).await.unwrap_err();
            assert!(told_us.to_string().contains(told), "{path}: {told_us}");
        }
        for (address, told) in
            [("http://127.0.0.1:1/", "can't be reached"), ("warranty.html", "http://"), ("", "http://")]
        {
            let told_us = ingest::add_url(&app, org, None, address, None, None).await.unwrap_err();
            assert!(told_us.to_string().contains(told), "{address}: {told_us}");
        }
        // A kind that nobody can read is a document that says so.
        let added = ingest::add_url(&app, org, None, &format!("{site}/picture"), None, None).await.unwrap();
        work(&app).await;
        let picture = find(&app, org, &added.document).await;
        assert_eq!((picture.processing_status, picture.error_code.as_deref()), (Status::Failed, Some("unsupported")));
        assert_eq!(rows(&app, org).await, 0);

        // Where nobody permitted it, the own network is out of reach.
        let app = TestApp::open(on).await;
        let org = shop(&app).await;
        let refused = ingest::add_url(&app, org, None, &format!("{site}/warranty"), None, None).await.unwrap_err();
        assert!(refused.to_string().contains("private network"), "{refused}");
    }
}
