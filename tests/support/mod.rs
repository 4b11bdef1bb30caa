//! What the integration tests share: a fresh application on either database.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod app;
pub mod caller;
pub mod model;
pub mod qdrant;
pub mod rows;
pub mod shop;
pub mod smtp;
