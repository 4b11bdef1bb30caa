//! What only real processes show: killed ones, and several that share the work.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod command;
mod kill;
mod pipe;
mod process;
mod restore;
mod slow;
#[path = "../support/mod.rs"]
mod support;
mod together;
