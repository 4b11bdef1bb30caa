//! A mail taken apart, and what is kept of it read again.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{channel, channels::Channel};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("email"));

// A panic that our own code catches is none; one that reaches the fuzzer ends it all the same.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| {
    let Channel::Email(mailbox) = &*CHANNEL else { return };
    if let Some(event) = mailbox.read(data, 7, 1, data.len() > 2000) {
        let _ = CHANNEL.parse(&event.payload);
    }
    let _ = CHANNEL.parse(&String::from_utf8_lossy(data));
});
