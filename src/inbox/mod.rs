//! Conversations and who holds them: receive, reply, hand over, deliver.
