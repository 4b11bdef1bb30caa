//! Frontdesk: AI-first customer service with a CRM, in one binary.
//!
//! Read the modules top to bottom: each imports only what stands above it, and going up is done with data
//! ([`app::Job`], [`app::Change`]), not with calls.
//!
//! # The path of one message
//! 1. `web/webhooks`: the channel verifies the raw bytes, the raw event is committed, 200 is answered.
//! 2. `inbox/receive`: one transaction: customer, conversation, message (once), and `Job::TakeTurn`.
//! 3. `worker`: claims the job; a lane per conversation, so turns never overlap; a burst becomes one turn.
//! 4. `turn::take`: loads the open question; stops if a person holds the conversation.
//! 5. `knowledge::search` and `memory::recall`, side by side.
//! 6. `turn/draft`: the model, or the extractive answerer, writes a draft with citations.
//! 7. `turn/proof`, `turn/gate`: is it proven, how confident: answer, clarify, offer a person, hand off.
//! 8. `inbox::reply` or `inbox::hand_off`: one transaction, only if the conversation's version still stands.
//! 9. `worker` → `inbox::deliver` → `channels`: sent within the channel's law; the receipt is stored.

#![cfg_attr(
    test,
    allow(
        clippy::needless_pass_by_value,
        clippy::disallowed_methods,
        reason = "a test may be plainer than the program"
    )
)]

pub mod platform;

pub mod channels;

pub mod app;

pub mod staff;

pub mod customers;

pub mod sales;

pub mod inbox;

pub mod knowledge;

pub mod memory;

pub mod merging;

pub mod erasure;

pub mod assistants;

pub mod turn;

pub mod copilot;

pub mod evals;

pub mod demo;

pub mod backup;

pub mod worker;

pub mod web;

pub mod simulate;
