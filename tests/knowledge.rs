//! Documents and FAQs from the upload to the search, on SQLite and PostgreSQL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

#[path = "knowledge/address.rs"]
mod address;
#[path = "knowledge/bad.rs"]
mod bad;
#[path = "knowledge/crash.rs"]
mod crash;
#[path = "knowledge/formats.rs"]
mod formats;
#[path = "knowledge/index.rs"]
mod index;
#[path = "knowledge/life.rs"]
mod life;
#[path = "knowledge/room.rs"]
mod room;
#[path = "knowledge/store.rs"]
mod store;
