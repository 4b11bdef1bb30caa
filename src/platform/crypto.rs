//! Sealing secrets at rest, random tokens, hashes and signatures.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::{Error, Result};

/// The installation's master key; seals what must not lie readable in the database.
#[derive(Clone)]
pub struct MasterKey {
    cipher: XChaCha20Poly1305,
    text: SecretString,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// From 32 bytes in base64url, as in `secret.key` and `FRONTDESK_SECRET_KEY`.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text.trim().trim_end_matches('='))
            .ok()
            .filter(|b| b.len() == 32)
            .ok_or_else(|| Error::Invalid("the secret key must be 32 bytes in base64url (43 characters)".into()))?;
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| Error::Invalid("bad secret key".into()))?;
        Ok(Self { cipher, text: SecretString::from(text.trim()) })
    }

    /// The key itself: only for a backup that shall hold it.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// Reads the key file, or makes one that only its owner can read.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        use std::io::Write;
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(|_| {
                Error::Invalid(format!("{}: not a secret key (43 characters of base64url)", path.display()))
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let text = token();
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                Self::parse(&text)
            }
            Err(e) => Err(Error::Invalid(format!("{}: {e}", path.display()))),
        }
    }

    /// Encrypts `plain`, bound to `context` (what it belongs to): it opens only under the same context.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String> {
        let nonce: [u8; 24] = rand::random();
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() })
            .map_err(|_| Error::Internal(anyhow::anyhow!("sealing failed")))?;
        Ok(format!("v1.{}.{}", URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Decrypts what `seal` made under the same context.
    pub fn open(&self, context: &str, sealed: &str) -> Result<Vec<u8>> {
        let wrong = || Error::Internal(anyhow::anyhow!("a sealed value does not open: was the secret key changed?"));
        let mut parts = sealed.splitn(3, '.');
        let (Some("v1"), Some(nonce), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        let nonce: [u8; 24] = URL_SAFE_NO_PAD.decode(nonce).ok().and_then(|n| n.try_into().ok()).ok_or_else(wrong)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| wrong())?;
        self.cipher.decrypt(&XNonce::from(nonce), Payload { msg: &body, aad: context.as_bytes() }).map_err(|_| wrong())
    }
}

/// 256 random bits in base64url (43 characters).
pub fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    use hmac::{KeyInit as _, Mac};
    let Ok(mut mac) = hmac::Hmac::<Sha256>::new_from_slice(key) else {
        return String::new(); // HMAC takes keys of any length
    };
    mac.update(message);
    hex(&mac.finalize().into_bytes())
}

/// HMAC-SHA512 in lower-case hexadecimal.
pub fn hmac_sha512_hex(key: &[u8], message: &[u8]) -> String {
    use hmac::{KeyInit as _, Mac};
    let Ok(mut mac) = hmac::Hmac::<sha2::Sha512>::new_from_slice(key) else {
        return String::new(); // HMAC takes keys of any length
    };
    mac.update(message);
    hex(&mac.finalize().into_bytes())
}

/// Compares without telling by its duration where the difference is.
pub fn same(a: &str, b: &str) -> bool {
    use subtle::ConstantTimeEq;
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_only_in_its_context() {
        let key = MasterKey::parse(&token()).unwrap();
        let sealed = key.seal("channel:1", b"app secret").unwrap();
        assert!(!sealed.contains("app"));
        assert_eq!(key.open("channel:1", &sealed).unwrap(), b"app secret");
        assert!(key.open("channel:2", &sealed).is_err());
        assert!(MasterKey::parse(&token()).unwrap().open("channel:1", &sealed).is_err());
    }

    #[test]
    fn hmac_agrees_with_rfc_4231_case_2() {
        assert_eq!(
            hmac_sha256_hex(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
