//! A callback of WeCom with anything well sealed inside, and an item of a page.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{channel, channels::Channel, deliver, sealed};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("wecom_kf"));

fuzz_target!(|data: &[u8]| {
    let (query, body) = sealed(data, data.len().is_multiple_of(2));
    deliver(&CHANNEL, "", &query, &[], &body);
    deliver(&CHANNEL, "", &query, &[], data);
    let _ = CHANNEL.parse(&String::from_utf8_lossy(data));
});
