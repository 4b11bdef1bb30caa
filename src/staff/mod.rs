//! Users who sign in: roles, permissions, sessions, API keys, and the extractors that say who may call a handler.
