//! What only real processes show: killed ones, and several that share the work.

mod kill;
mod process;
#[path = "../support/mod.rs"]
mod support;
mod together;
