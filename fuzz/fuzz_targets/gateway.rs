//! What a gateway of the simple contract delivers: the first byte chooses where.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{SECRET, channel, channels::Channel, deliver};
use libfuzzer_sys::fuzz_target;

static CHANNEL: LazyLock<Channel> = LazyLock::new(|| channel("gateway"));

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let path = ["messages/inbox", "messages/ack", "status", "customers/photo"][usize::from(*first) % 4];
    deliver(&CHANNEL, path, "", &[("authorization", format!("Bearer {SECRET}"))], body);
});
