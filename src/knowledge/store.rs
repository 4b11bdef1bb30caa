//! The SQL of knowledge: one file per table or two.

pub mod bases;
pub mod copies;
pub mod documents;
pub mod faqs;
pub mod generations;
pub mod passages;
pub mod words;
