//! The part of the platform that channels stand on.

#[path = "../../src/platform/clock.rs"]
pub mod clock;
#[path = "../../src/platform/crypto.rs"]
pub mod crypto;
#[path = "../../src/platform/error.rs"]
pub mod error;
#[path = "../../src/platform/language.rs"]
pub mod language;
#[path = "../../src/platform/net.rs"]
pub mod net;

pub use clock::Clock;
pub use error::{Error, Result};

/// No parser downloads anything: here only what the channels need to be compiled, without the file store below it.
pub mod upload {
    use super::Result;

    #[derive(Debug, Default)]
    pub struct Incoming(Vec<u8>);

    impl Incoming {
        pub fn limit_bytes(&self) -> u64 {
            u64::MAX
        }

        pub async fn write(&mut self, chunk: &[u8]) -> Result<()> {
            self.0.extend_from_slice(chunk);
            Ok(())
        }

        pub fn whole(&self) -> Option<&[u8]> {
            Some(&self.0)
        }

        pub fn sha256(&self) -> String {
            super::crypto::sha256_hex(&self.0)
        }
    }
}
