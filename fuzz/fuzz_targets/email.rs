//! A mail taken apart, and what is kept of it read again.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{channel, channels::Channel};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("email"));

fuzz_target!(|data: &[u8]| {
    let Channel::Email(mailbox) = &*CHANNEL else { return };
    if let Some(event) = mailbox.read(data, 7, 1, data.len() > 2000) {
        let _ = CHANNEL.parse(&event.payload);
    }
    let _ = CHANNEL.parse(&String::from_utf8_lossy(data));
});
