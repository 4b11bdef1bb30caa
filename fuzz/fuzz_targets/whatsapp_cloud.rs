//! What Meta delivers, signed.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{SECRET, channel, channels::Channel, deliver, platform::crypto::hmac_sha256_hex};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("whatsapp_cloud"));

fuzz_target!(|data: &[u8]| {
    let signature = format!("sha256={}", hmac_sha256_hex(SECRET.as_bytes(), data));
    deliver(&CHANNEL, "", "", &[("x-hub-signature-256", signature)], data);
    let _ = CHANNEL.parse(&String::from_utf8_lossy(data));
});
