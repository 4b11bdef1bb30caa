//! The people who write to us: identities, contacts, tags, notes and their timeline.
