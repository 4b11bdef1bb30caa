//! What WeCom and WeChat official accounts encrypt and sign alike.
//! <https://developer.work.weixin.qq.com/document/path/90968>

#[cfg(test)]
use aes::cipher::BlockModeEncrypt;
use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::NoPadding};
use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use quick_xml::{Reader, events::Event};
use serde_json::Value;
use sha1::{Digest, Sha1};

use super::Request;
use crate::platform::{
    Error, Result,
    crypto::{hex, same},
};

/// The 43rd character of a key has bits that mean nothing, and padding comes or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The padding's block, which is not the cipher's.
const BLOCK: usize = 32;

/// The token and key of one callback address, and whom it is for (corp id or app id).
#[derive(Clone)]
pub struct Envelope {
    token: String,
    key: [u8; 32],
    receiver: String,
}

impl Envelope {
    /// From what the platform's page shows: the token and the 43 characters of the EncodingAESKey.
    pub fn open(token: &str, encoding_aes_key: &str, receiver: &str) -> Result<Self> {
        let key = LENIENT.decode(encoding_aes_key.trim()).ok().and_then(|k| <[u8; 32]>::try_from(k).ok());
        let key = key.filter(|_| encoding_aes_key.trim().len() == 43);
        let key = key.ok_or_else(|| {
            Error::Invalid("encoding_aes_key must be the 43 characters that the platform shows".into())
        })?;
        if token.is_empty() || receiver.is_empty() {
            return Err(Error::Invalid("the token and the id of the account must not be empty".into()));
        }
        Ok(Self { token: token.into(), key, receiver: receiver.into() })
    }

    /// The signature over `parts` and the token: SHA-1 of all, sorted by bytes and joined.
    pub fn sign(&self, parts: &[&str]) -> String {
        let mut all: Vec<&str> = parts.iter().copied().chain([self.token.as_str()]).collect();
        all.sort_unstable();
        hex(&Sha1::digest(all.concat().as_bytes()))
    }

    /// The plain text of `encrypted`, if it was signed for us and is meant for us.
    pub fn unseal(&self, request: &Request<'_>, encrypted: &str) -> Result<String> {
        let of = |name: &str| request.value(name).ok_or(Error::SignedOut);
        let (signature, timestamp, nonce) = (of("msg_signature")?, of("timestamp")?, of("nonce")?);
        if !same(&self.sign(&[&timestamp, &nonce, encrypted]), &signature) {
            return Err(Error::Forbidden);
        }
        self.decrypt(encrypted)
    }

    /// The answer to the question whether the address is ours, where it is asked encrypted.
    pub fn unseal_echo(&self, request: &Request<'_>) -> Result<String> {
        let echo = request.value("echostr").ok_or(Error::SignedOut)?;
        match self.unseal(request, &echo) {
            // A plus sign that nobody encoded has become a space.
            Err(Error::Forbidden) if echo.contains(' ') => self.unseal(request, &echo.replace(' ', "+")),
            other => other,
        }
    }

    /// AES-256-CBC, the key's first half as the vector; inside: 16 random bytes, the length, the text, the receiver.
    pub fn decrypt(&self, encrypted: &str) -> Result<String> {
        let wrong = |what: &str| Error::Invalid(format!("the message does not decrypt: {what}"));
        let bytes = LENIENT.decode(encrypted.trim()).map_err(|_| wrong("not base64"))?;
        let (key, vector) = (&self.key, self.key.get(..16).unwrap_or_default());
        let plain = cbc::Decryptor::<aes::Aes256>::new_from_slices(key, vector)
            .map_err(|_| wrong("key"))?
            .decrypt_padded_vec::<NoPadding>(&bytes)
            .map_err(|_| wrong("length"))?;
        let pad = plain.last().copied().map_or(0, usize::from);
        if !(1..=BLOCK).contains(&pad) {
            return Err(wrong("padding"));
        }
        let plain = plain.get(..plain.len().saturating_sub(pad)).unwrap_or_default();
        let length = plain
            .get(16..20)
            .and_then(|b| b.try_into().ok())
            .map(u32::from_be_bytes)
            .ok_or_else(|| wrong("too short"))?;
        let end = usize::try_from(length).ok().and_then(|l| l.checked_add(20)).ok_or_else(|| wrong("length"))?;
        let text = plain.get(20..end).ok_or_else(|| wrong("length"))?;
        if plain.get(end..) != Some(self.receiver.as_bytes()) {
            return Err(Error::Forbidden);
        }
        String::from_utf8(text.to_vec()).map_err(|_| wrong("not text"))
    }

    #[cfg(test)]
    pub(super) fn encrypt(&self, random: &[u8; 16], text: &str) -> String {
        let mut plain = random.to_vec();
        plain.extend_from_slice(&(text.len() as u32).to_be_bytes());
        plain.extend_from_slice(text.as_bytes());
        plain.extend_from_slice(self.receiver.as_bytes());
        let pad = BLOCK - plain.len() % BLOCK;
        plain.extend(std::iter::repeat_n(pad as u8, pad));
        let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&self.key, &self.key[..16]).unwrap();
        base64::engine::general_purpose::STANDARD.encode(cipher.encrypt_padded_vec::<NoPadding>(&plain))
    }
}

/// The encrypted part of a delivery, in XML or in JSON; `None`: there is none.
pub fn encrypted(body: &[u8]) -> Result<Option<String>> {
    let text = std::str::from_utf8(body).map_err(|_| Error::Invalid("the body is not UTF-8".into()))?;
    if text.trim_start().starts_with('{') {
        let body: Value = serde_json::from_str(text).map_err(|_| Error::Invalid("the body is not JSON".into()))?;
        return Ok(body.get("encrypt").and_then(Value::as_str).map(String::from));
    }
    Ok(fields(text)?.remove("Encrypt"))
}

/// The fields right below the root of a flat XML document. No document type is allowed, so nothing is expanded.
pub fn fields(xml: &str) -> Result<std::collections::BTreeMap<String, String>> {
    let wrong = || Error::Invalid("the body is not the XML that was expected".into());
    let mut reader = Reader::from_str(xml);
    let mut path: Vec<String> = Vec::new();
    let mut all = std::collections::BTreeMap::new();
    loop {
        let text = match reader.read_event().map_err(|_| wrong())? {
            Event::Start(tag) => {
                if path.len() >= 8 {
                    return Err(wrong());
                }
                path.push(tag.name().as_ref().to_string());
                continue;
            }
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::CData(data) => data.into_inner().into_owned(),
            Event::Text(text) => text.into_inner().into_owned(),
            Event::GeneralRef(entity) => match &*entity {
                "lt" => "<".into(),
                "gt" => ">".into(),
                "amp" => "&".into(),
                "quot" => "\"".into(),
                "apos" => "'".into(),
                _ => match entity.resolve_char_ref().map_err(|_| wrong())? {
                    Some(c) => c.to_string(),
                    None => return Err(wrong()),
                },
            },
            Event::DocType(_) => return Err(wrong()),
            Event::Eof => break,
            _ => continue,
        };
        if let [_, field] = path.as_slice() {
            all.entry(field.clone()).or_insert_with(String::new).push_str(&text);
        }
    }
    if all.is_empty() || !path.is_empty() { Err(wrong()) } else { Ok(all) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;
    use bytes::Bytes;

    /// Trailing bits that mean something to strict decoders only.
    const KEY: &str = "q1Os1ZMe0nG28KUEx9lg3HjK7V5QyXvi212fzsgDqgW";

    fn envelope() -> Envelope {
        Envelope::open("a token", KEY, "ww0123456789").unwrap()
    }

    #[test]
    fn every_length_of_padding_comes_back() {
        for length in 0..70 {
            let text = "退".repeat(length / 3) + &"x".repeat(length % 3);
            let sealed = envelope().encrypt(b"0123456789abcdef", &text);
            assert_eq!(envelope().decrypt(&sealed).unwrap(), text);
        }
    }

    #[test]
    fn the_platforms_own_vectors_are_opened_and_made_to_the_byte() {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/vectors/wechat_wecom_crypto.json")).unwrap();
        let mut made = 0;
        for kind in ["recorded_decrypt", "fixed_random_encrypt", "generated", "padding_sweep", "json_callback"] {
            for vector in all[kind].as_array().unwrap() {
                let of = |name: &str| vector[name].as_str().unwrap_or_default();
                let token = if of("token").is_empty() { "a token" } else { of("token") };
                let envelope = Envelope::open(token, of("encoding_aes_key"), of("receive_id")).unwrap();
                let sealed = match of("encrypt_b64") {
                    "" => encrypted(of("post_body").as_bytes()).unwrap().unwrap(),
                    sealed => sealed.to_string(),
                };
                assert_eq!(envelope.decrypt(&sealed).unwrap(), of("plaintext"), "{vector}");
                if let Ok(random) = of("random16").as_bytes().try_into() {
                    assert_eq!(envelope.encrypt(random, of("plaintext")), sealed, "{vector}");
                    made += 1;
                }
            }
        }
        assert_eq!(made, 4);
    }

    #[test]
    fn what_is_meant_for_another_company_is_refused() {
        let sealed = Envelope::open("a token", KEY, "another").unwrap().encrypt(b"0123456789abcdef", "hi");
        assert!(matches!(envelope().decrypt(&sealed), Err(Error::Forbidden)));
    }

    #[test]
    fn rubbish_is_an_error_and_no_panic() {
        for text in ["", "=", "####", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA==", &"A".repeat(64), &"退款".repeat(20)] {
            assert!(envelope().decrypt(text).is_err(), "{text}");
        }
        for xml in ["", "<", "<a>", "<xml></xml>", "<!DOCTYPE a [<!ENTITY b 'c'>]><xml><A>&b;</A></xml>", "{", "\u{0}"]
        {
            assert!(fields(xml).is_err(), "{xml}");
        }
        for key in ["", "short", &"退".repeat(43), &"A".repeat(44)] {
            assert!(Envelope::open("t", key, "r").is_err(), "{key}");
        }
    }

    #[test]
    fn an_echo_is_answered_only_when_it_was_signed_for_us() {
        let sealed = envelope().encrypt(b"0123456789abcdef", "4711");
        let signature = envelope().sign(&["1772442000", "n1", &sealed]);
        let ask = |echo: &str, signature: &str| {
            let query = format!("msg_signature={signature}&timestamp=1772442000&nonce=n1&echostr={echo}");
            let (headers, body) = (HeaderMap::new(), Bytes::new());
            envelope().unseal_echo(&Request { path: "", query: &query, headers: &headers, body: &body })
        };
        let encoded: String = url::form_urlencoded::byte_serialize(sealed.as_bytes()).collect();
        assert_eq!(ask(&encoded, &signature).unwrap(), "4711");
        assert_eq!(ask(&sealed, &signature).unwrap(), "4711", "a plus sign that nobody encoded");
        assert!(matches!(ask(&encoded, &"0".repeat(40)), Err(Error::Forbidden)));
    }

    #[test]
    fn fields_are_read_with_and_without_cdata() {
        let all =
            fields("<xml><A><![CDATA[你好 <a> & ]]></A><B>1 &lt; 2 &#65;</B><C><D>deep</D></C><E/></xml>").unwrap();
        assert_eq!(all["A"], "你好 <a> & ");
        assert_eq!(all["B"], "1 < 2 A");
        assert!(!all.contains_key("D"));
    }
}
