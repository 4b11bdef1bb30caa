//! Entry by HTTP: the one route table, webhooks, live changes, the chat page.
