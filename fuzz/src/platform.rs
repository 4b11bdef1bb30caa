//! The part of the platform that channels stand on.

#[path = "../../src/platform/crypto.rs"]
pub mod crypto;
#[path = "../../src/platform/error.rs"]
pub mod error;
#[path = "../../src/platform/language.rs"]
pub mod language;
#[path = "../../src/platform/net.rs"]
pub mod net;

pub use error::{Error, Result};
