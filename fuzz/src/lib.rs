//! The channels as the program has them, and how a fuzzer's bytes reach their parsers: signed like the platform's own.
#![allow(dead_code, reason = "what the rest of the program uses is not here")]

#[path = "../../src/channels/mod.rs"]
pub mod channels;
pub mod platform;

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, engine::general_purpose};
use bytes::Bytes;
use channels::{Channel, Request, wechat_crypto::Envelope};
use chrono::DateTime;
use serde_json::{Value, json};

pub const SECRET: &str = "a secret for fuzzing";
pub const TOKEN: &str = "callback-token";
pub const RECEIVER: &str = "ww01";
/// 43 characters, as the platform shows them.
pub const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";

/// A channel with the secrets above.
pub fn channel(kind: &str) -> Channel {
    let names = json!(["Bell"]);
    let config: Value = match kind {
        "whatsapp_cloud" => {
            json!({"phone_number_id": "1", "app_secret": SECRET, "verify_token": "v", "access_token": "a", "group_names": names})
        }
        "waha" => json!({"base_url": "http://x", "hmac_key": SECRET, "group_names": names}),
        "evolution" => {
            json!({"base_url": "http://x", "api_key": "k", "instance": "i", "token": SECRET, "group_names": names})
        }
        "gateway" => json!({"token": SECRET, "group_names": names}),
        "telegram" => json!({"bot_token": "1:A", "secret_token": "A1b2_C3-d4", "group_names": names}),
        "webhook" => json!({"secret": SECRET}),
        "wecom_kf" => json!({"corp_id": RECEIVER, "secret": "s", "token": TOKEN, "encoding_aes_key": KEY}),
        "wechat_oa" => json!({"app_id": RECEIVER, "app_secret": "s", "token": TOKEN, "encoding_aes_key": KEY}),
        _ => json!({"address": "help@shop.example", "password": "p", "imap_host": "imap.shop.example",
            "smtp_host": "smtp.shop.example"}),
    };
    Channel::open(kind, &config).expect("a channel")
}

/// Delivers a body below `path`, verifies it and reads every event of it.
pub fn deliver(channel: &Channel, path: &str, query: &str, headers: &[(&'static str, String)], body: &[u8]) {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let Ok(value) = HeaderValue::from_str(value) else { return };
        all.insert(HeaderName::from_static(name), value);
    }
    let body = Bytes::copy_from_slice(body);
    let request = Request { path, query, headers: &all, body: &body };
    for event in channel.verify(&request, DateTime::UNIX_EPOCH).unwrap_or_default() {
        let _ = channel.other_account(&event);
        let _ = channel.parse(&event.payload);
    }
    let _ = channel.handshake(&request);
}

/// The platform's encryption of any bytes, padded as it pads: what is inside need not be a message.
pub fn encrypted(plain: &[u8]) -> String {
    let lenient = general_purpose::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        general_purpose::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let key = lenient.decode(KEY).expect("a key");
    let pad = 32 - plain.len() % 32;
    let plain = [plain, &vec![u8::try_from(pad).unwrap_or(32); pad]].concat();
    let vector = key.get(..16).unwrap_or_default();
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, vector).expect("a cipher");
    general_purpose::STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&plain))
}

/// A callback with `inside` sealed for us: its query and its body, in XML or in JSON.
pub fn sealed(inside: &[u8], as_json: bool) -> (String, Vec<u8>) {
    let length = u32::try_from(inside.len()).unwrap_or_default().to_be_bytes();
    let encrypted = encrypted(&[b"abcdefghijklmnop", length.as_slice(), inside, RECEIVER.as_bytes()].concat());
    let envelope = Envelope::open(TOKEN, KEY, RECEIVER).expect("an envelope");
    let query = format!("msg_signature={}&timestamp=1&nonce=n", envelope.sign(&["1", "n", &encrypted]));
    let body = match as_json {
        true => json!({"encrypt": encrypted}).to_string(),
        false => format!("<xml><ToUserName>a</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"),
    };
    (query, body.into_bytes())
}
