//! Documents → passages, and FAQs: ingest, split, index, search.
