//! A callback of an official account with anything well sealed inside.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{channel, channels::Channel, deliver, sealed};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("wechat_oa"));

fuzz_target!(|data: &[u8]| {
    let (query, body) = sealed(data, data.len().is_multiple_of(2));
    deliver(&CHANNEL, "", &query, &[], &body);
    deliver(&CHANNEL, "", &String::from_utf8_lossy(data), &[], &body);
    let _ = CHANNEL.parse(&String::from_utf8_lossy(data));
});
