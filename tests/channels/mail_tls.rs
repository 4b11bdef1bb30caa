//! E-mail over encrypted connections, with certificates made here: the right one, one for another name, one that nobody
//! vouches for, one that has expired.

use std::sync::Arc;

use axum::http::StatusCode;
use frontdesk::channels::Channel;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    desk::WARRANTY,
    post::{ADDRESS, Encrypted, PASSWORD, Post},
    support::{
        app::{TestApp, databases},
        shop::Shop,
    },
};

/// An authority of the company's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A server's certificate for a name, as it would be shown.
    fn signs(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let mut params = CertificateParams::new(vec![name.to_string()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        acceptor(certificate.der().clone(), &key)
    }
}

fn acceptor(certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// The channel's settings for an office that encrypts.
fn config(post: &Post, security: &str, ca: Option<&str>) -> Value {
    json!({"address": ADDRESS, "name": "Shop", "password": PASSWORD, "ca_certificate": ca,
        "imap_host": "127.0.0.1", "imap_port": post.imap, "imap_security": security,
        "smtp_host": "127.0.0.1", "smtp_port": post.smtp, "smtp_security": security})
}

async fn add(shop: &Shop, config: Value) -> String {
    let body = json!({"platform": "email", "name": "Mail", "config": config});
    let added = shop.call("POST", "/api/channels", Some(body)).await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    added.body["id"].as_str().unwrap().to_string()
}

async fn test(shop: &Shop, id: &str) -> (bool, String) {
    let tested = shop.call("POST", &format!("/api/channels/{id}/test"), Some(json!({}))).await.body;
    (tested["ok"] == true, tested["detail"].as_str().unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_comes_and_is_answered_over_tls_and_over_starttls() {
    let authority = Authority::new();
    for on in databases() {
        for security in ["tls", "starttls"] {
            let tls = authority.signs("127.0.0.1", |_| {});
            let how = if security == "tls" { Encrypted::FromTheStart(tls) } else { Encrypted::WhenAsked(tls) };
            let post = Post::speaking(how).await;
            let shop = Shop::around(TestApp::open(on).await).await;
            shop.learns("en.md", WARRANTY).await;
            let id = add(&shop, config(&post, security, Some(&authority.pem))).await;
            let (ok, detail) = test(&shop, &id).await;
            assert!(ok, "{security}: {detail}");
            shop.settle().await;
            let now = shop.app.now();
            let mail = format!(
                "Message-ID: <m1@ana.example>\nFrom: Ana <ana@ana.example>\nTo: {ADDRESS}\nDate: {}\nSubject: Grinder\n\nHow long is the warranty of a grinder?\n",
                now.to_rfc2822()
            );
            post.put(now, &mail);
            for _ in 0..2 {
                shop.app.clock.advance(chrono::Duration::seconds(31));
                shop.settle().await;
            }
            let sent = post.kept().sent.clone();
            assert!(sent.len() == 1 && sent[0].contains("24 months"), "{security}: {sent:?}");
            assert_eq!(post.kept().faults, Vec::<String>::new(), "{security}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_right_is_refused_and_said_in_words() {
    let (ours, other) = (Authority::new(), Authority::new());
    let expired = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let alone = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_string()]).unwrap();
        acceptor(params.self_signed(&key).unwrap().der().clone(), &key)
    };
    for on in databases() {
        let shop = Shop::around(TestApp::open(on).await).await;
        for (tls, ca, words) in [
            (ours.signs("mail.other.example", |_| {}), Some(&ours.pem), "for another name than 127.0.0.1"),
            (ours.signs("127.0.0.1", expired), Some(&ours.pem), "has expired"),
            (ours.signs("127.0.0.1", |_| {}), Some(&other.pem), "self-signed"),
            (ours.signs("127.0.0.1", |_| {}), None, "set ca_certificate"),
            (alone(), None, "self-signed"),
        ] {
            for how in [Encrypted::FromTheStart(tls.clone()), Encrypted::WhenAsked(tls.clone())] {
                let security = if matches!(how, Encrypted::WhenAsked(_)) { "starttls" } else { "tls" };
                let wrong = Post::speaking(how.clone()).await;
                let ca = ca.map(String::as_str);
                let id = add(&shop, config(&wrong, security, ca)).await;
                let (ok, detail) = test(&shop, &id).await;
                assert!(!ok && detail.contains(words) && !detail.contains(PASSWORD), "{security}: {detail}");
                // The password was shown to nobody.
                assert_eq!(wrong.kept().faults, Vec::<String>::new());

                // The same for sending alone.
                let right = Post::start().await;
                let mut config = config(&wrong, security, ca);
                config["imap_port"] = json!(right.imap);
                config["imap_security"] = json!("none");
                let id = add(&shop, config).await;
                let (ok, detail) = test(&shop, &id).await;
                assert!(!ok && detail.starts_with("receiving works; sending: "), "{security}: {detail}");
                assert!(detail.contains(words) && !detail.contains(PASSWORD), "{security}: {detail}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_offers_no_encryption_gets_no_password() {
    let shop = Shop::around(TestApp::open(databases()[0]).await).await;
    let post = Post::start().await;
    let mut config = config(&post, "starttls", None);
    config["imap_security"] = json!("none");
    let id = add(&shop, config).await;
    let (ok, detail) = test(&shop, &id).await;
    assert!(!ok && detail.contains("STARTTLS"), "{detail}");
}

#[test]
fn the_servers_are_named_by_one_address_or_apart() {
    let open = |more: Value| {
        let mut config = json!({"address": ADDRESS, "password": "p"});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Channel::open("email", &config).map(|_| ()).map_err(|e| e.to_string())
    };
    for good in [
        json!({"base_url": "imaps://mail.shop.example"}),
        json!({"base_url": "imap://mail.shop.example:1143/", "smtp_host": "smtp.shop.example"}),
        json!({"base_url": "imap://127.0.0.1:1143", "imap_security": "none"}),
        json!({"imap_host": "imap.shop.example", "smtp_host": "smtp.shop.example"}),
    ] {
        assert_eq!(open(good.clone()), Ok(()), "{good}");
    }
    for (wrong, words) in [
        (json!({}), "imap_host"),
        (json!({"base_url": "https://mail.shop.example"}), "imaps://mail.example.com"),
        (json!({"base_url": "imaps://ana:secret@mail.shop.example"}), "imaps://mail.example.com"),
        (json!({"base_url": "mail.shop.example"}), "imaps://mail.example.com"),
        (json!({"base_url": "imaps://mail.shop.example", "imap_host": "imap.shop.example"}), "leave imap_host"),
        (json!({"base_url": "imap://mail.shop.example", "imap_security": "none"}), "this machine only"),
        (json!({"base_url": "imaps://mail.shop.example", "ca_certificate": "x"}), "ca_certificate"),
    ] {
        let why = open(wrong.clone()).unwrap_err();
        assert!(why.contains(words), "{wrong}: {why}");
    }
    assert!(Channel::open("webhook", &json!({"secret": "a secret of sixteen", "base_url": "http://x/in"})).is_ok());
}
