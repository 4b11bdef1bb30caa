//! Machinery that knows no customers: database, queue, bus, crypto, models, vectors, words.

pub mod backup;
pub mod bus;
pub mod clock;
pub mod crypto;
pub mod db;
pub mod error;
pub mod files;
pub mod http;
pub mod journal;
pub mod kept;
pub mod language;
pub mod lexical;
pub mod links;
pub mod mail;
pub mod model;
pub mod net;
pub mod oidc;
pub mod pace;
pub mod prompts;
pub mod queue;
pub mod sentences;
pub mod telemetry;
pub mod throttle;
pub mod upload;
pub mod vectors;
pub mod words;

pub use clock::Clock;
pub use error::{Error, Result};
