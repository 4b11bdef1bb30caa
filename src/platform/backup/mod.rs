//! A whole installation as one file, whatever database it lives in, and back.

pub mod catalog;
