//! What holds the shape of the program: the schema on both databases, migrations, the order of the rooms, where SQL
//! may stand, and the description of the API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod migrations;
mod plans;
mod schema;
mod source;
