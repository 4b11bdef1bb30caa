-- Every message looks for the latest conversation of who wrote it.
CREATE INDEX conversations_identity ON conversations (identity_id, created_at DESC);
-- A row that goes is looked for in what refers to it.
CREATE INDEX messages_conversation ON messages (conversation_id);
CREATE INDEX document_versions_document ON document_versions (document_id);
CREATE INDEX document_chunks_document ON document_chunks (document_id);
CREATE INDEX customer_identities_contact ON customer_identities (contact_id) WHERE contact_id IS NOT NULL;
-- Whose picture a file is, for each picture that is shown.
CREATE INDEX customers_avatar ON customers (org_id, avatar_url) WHERE avatar_url IS NOT NULL;
