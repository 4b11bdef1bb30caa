//! Runs a question set through the real search and the real turn, and reports.
