//! What comes over our own signed webhook, and the header that signs it.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{
    SECRET, channel,
    channels::{Channel, webhook::sign},
    deliver,
};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("webhook"));

fuzz_target!(|data: &[u8]| {
    let signature = sign(SECRET, data, chrono::DateTime::UNIX_EPOCH);
    deliver(&CHANNEL, "", "", &[("x-frontdesk-signature", signature)], data);
    let header = String::from_utf8_lossy(data).into_owned();
    deliver(&CHANNEL, "", "", &[("x-frontdesk-signature", header)], b"{}");
});
