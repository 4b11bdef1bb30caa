//! What Telegram delivers.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{channel, channels::Channel, deliver};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("telegram"));

fuzz_target!(|data: &[u8]| {
    deliver(&CHANNEL, "", "", &[("x-telegram-bot-api-secret-token", "A1b2_C3-d4".into())], data);
});
