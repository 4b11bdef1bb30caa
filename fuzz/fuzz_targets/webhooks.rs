//! Every webhook parser: the body as it is, signed for the channel, and its events read.
#![no_main]

use std::sync::LazyLock;

use axum::http::HeaderMap;
use bytes::Bytes;
use chrono::DateTime;
use frontdesk::{
    channels::{Channel, Request, webhook},
    platform::crypto::{hmac_sha256_hex, hmac_sha512_hex},
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const SECRET: &str = "a secret for fuzzing";

static CHANNELS: LazyLock<Vec<Channel>> = LazyLock::new(|| {
    let meta = json!({"phone_number_id": "1", "app_secret": SECRET, "verify_token": "v", "access_token": "a"});
    let all = [
        ("whatsapp_cloud", meta),
        ("waha", json!({"base_url": "http://x", "hmac_key": SECRET})),
        ("evolution", json!({"base_url": "http://x", "api_key": "k", "instance": "i", "token": SECRET})),
        ("gateway", json!({"token": SECRET})),
        ("telegram", json!({"bot_token": "1:A", "secret_token": "A1b2_C3-d4"})),
        ("webhook", json!({"secret": SECRET})),
    ];
    all.into_iter().filter_map(|(kind, config)| Channel::open(kind, &config).ok()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let now = DateTime::UNIX_EPOCH;
    let path = ["messages/inbox", "messages/ack", "status", "customers/photo"][usize::from(*first) % 4];
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-hub-signature-256", format!("sha256={}", hmac_sha256_hex(SECRET.as_bytes(), body))),
        ("x-webhook-hmac", hmac_sha512_hex(SECRET.as_bytes(), body)),
        ("authorization", format!("Bearer {SECRET}")),
        ("x-telegram-bot-api-secret-token", "A1b2_C3-d4".into()),
        ("x-frontdesk-signature", webhook::sign(SECRET, body, now)),
    ] {
        headers.insert(name, value.parse().expect("a header"));
    }
    let body = Bytes::copy_from_slice(body);
    for channel in CHANNELS.iter() {
        let request = Request { path, query: "", headers: &headers, body: &body };
        for event in channel.verify(&request, now).unwrap_or_default() {
            let _ = channel.parse(&event.payload);
        }
        let _ = channel.parse(&String::from_utf8_lossy(&body));
    }
});
