//! Decryption, XML and the items of a page.
#![no_main]

use std::sync::LazyLock;

use frontdesk::channels::{
    Channel,
    wechat_crypto::{Envelope, encrypted, fields},
};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";

static ENVELOPE: LazyLock<Envelope> = LazyLock::new(|| Envelope::open("t", KEY, "ww").expect("an envelope"));
static CHANNEL: LazyLock<Channel> = LazyLock::new(|| {
    let config = json!({"corp_id": "ww", "secret": "s", "token": "t", "encoding_aes_key": KEY});
    Channel::open("wecom_kf", &config).expect("a channel")
});

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = ENVELOPE.decrypt(&text);
    let _ = encrypted(data);
    let _ = fields(&text);
    let _ = CHANNEL.parse(&text);
});
