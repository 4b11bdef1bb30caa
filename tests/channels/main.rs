//! Channels through the front door, each against a strict fake of its platform: what the platform signs goes in, what
//! stands on the wire comes out. The fakes take only what the platforms document and misbehave when told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::disallowed_methods,
    reason = "a test that panics has failed"
)]

mod accept;
mod again;
mod alarms;
mod desk;
mod files;
mod graph;
mod health;
mod hooks;
mod later;
mod mail;
mod mail_tls;
mod mutated;
mod official_account;
mod other;
mod post;
mod quotes;
mod qyapi;
mod s3;
mod schedules;
mod signs;
mod storage;
#[path = "../support/mod.rs"]
mod support;
mod unseen;
mod vectors;
mod website;
mod wecom;
mod whatsapp;
