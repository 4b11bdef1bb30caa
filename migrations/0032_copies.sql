-- Sources that say what a document of another source says: that document is the only one that is kept and searched. When
-- it gets a newer version, the oldest of them becomes a document of its own, and what they say is still there.
CREATE TABLE document_copies (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kb_id UUID NOT NULL REFERENCES knowledge_bases (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    document_id UUID NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, kb_id, source)
);
CREATE INDEX document_copies_document ON document_copies (document_id);
