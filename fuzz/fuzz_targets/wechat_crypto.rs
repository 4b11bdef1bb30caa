//! Decryption of any text, of any bytes that were encrypted with our key, and the XML around it.
#![no_main]

use std::sync::LazyLock;

use frontdesk_fuzz::{
    KEY, RECEIVER, TOKEN,
    channels::wechat_crypto::{Envelope, encrypted, fields},
};
use libfuzzer_sys::fuzz_target;

static ENVELOPE: LazyLock<Envelope> = LazyLock::new(|| Envelope::open(TOKEN, KEY, RECEIVER).expect("an envelope"));

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let _ = ENVELOPE.decrypt(&text);
    let _ = ENVELOPE.decrypt(&frontdesk_fuzz::encrypted(data));
    let _ = encrypted(data);
    let _ = fields(&text);
    let _ = Envelope::open(TOKEN, &text, RECEIVER);
});
