//! Callbacks of WeCom and WeChat as the platforms send them: encrypted and signed.

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::NoPadding};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use frontdesk::channels::wechat_crypto::Envelope;

pub const TOKEN: &str = "callback-token";
/// 43 characters: 32 bytes without the last sign of their base64.
pub const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgU";
pub const RECEIVER: &str = "ww0123456789";

/// The query and the body of a callback with `plain` in it.
pub fn seal(plain: &str, at: i64) -> (String, String) {
    let key = STANDARD.decode(format!("{KEY}=")).expect("the key is base64");
    let mut bytes = b"abcdefghijklmnop".to_vec();
    bytes.extend_from_slice(&u32::try_from(plain.len()).expect("it is short").to_be_bytes());
    bytes.extend_from_slice(plain.as_bytes());
    bytes.extend_from_slice(RECEIVER.as_bytes());
    let pad = 32 - bytes.len() % 32;
    bytes.extend(std::iter::repeat_n(pad as u8, pad));
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &key[..16]).expect("the key fits");
    let encrypted = STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&bytes));
    let (at, nonce) = (at.to_string(), "nonce1");
    let envelope = Envelope::open(TOKEN, KEY, RECEIVER).expect("it is well formed");
    let signature = envelope.sign(&[&at, nonce, &encrypted]);
    let query = format!("msg_signature={signature}&timestamp={at}&nonce={nonce}&encrypt_type=aes");
    (query, format!("<xml><ToUserName>us</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"))
}
