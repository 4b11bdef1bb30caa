//! How many tokens a text is, and what fits into a budget of them.

use tiktoken_rs::CoreBPE;

/// The tokenizer. Loading takes a moment and memory: it happens at the first use, never at start.
pub fn tokenizer() -> &'static CoreBPE {
    tiktoken_rs::cl100k_base_singleton()
}

/// The tokens of `text`. Models differ by some per cent; budgets leave room for it.
pub fn count(text: &str) -> usize {
    tokenizer().count_ordinary(text)
}
