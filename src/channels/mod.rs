//! The outside world's messages: verify, parse, send; one file per platform with its law.
