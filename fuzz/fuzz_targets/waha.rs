//! What a WAHA server delivers, signed.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{SECRET, channel, channels::Channel, deliver, platform::crypto::hmac_sha512_hex};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("waha"));

fuzz_target!(|data: &[u8]| {
    deliver(&CHANNEL, "", "", &[("x-webhook-hmac", hmac_sha512_hex(SECRET.as_bytes(), data))], data);
});
