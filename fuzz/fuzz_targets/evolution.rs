//! What an Evolution server delivers.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{SECRET, channel, channels::Channel, deliver};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("evolution"));

fuzz_target!(|data: &[u8]| {
    deliver(&CHANNEL, "", "", &[("x-frontdesk-token", SECRET.into())], data);
});
