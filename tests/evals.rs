//! What is measured in `evals/` and must hold in every build: attacks that a model obeys, and scripted customers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod support;

#[path = "evals/redteam.rs"]
mod redteam;
#[path = "evals/simulations.rs"]
mod simulations;
