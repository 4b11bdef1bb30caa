-- Customers that came from a file: who was made by which import, so that it can be undone. The row keeps what was counted,
-- never what the file said; idempotency_key is the asker's, content_hash tells the same file again.
CREATE TABLE customer_imports (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    file_name TEXT,
    content_hash TEXT NOT NULL,
    idempotency_key TEXT,
    added INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    invalid INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    undone_by UUID REFERENCES users (id) ON DELETE SET NULL,
    undone_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX customer_imports_once ON customer_imports (org_id, idempotency_key);
CREATE INDEX customer_imports_org ON customer_imports (org_id, created_at DESC, id DESC);

ALTER TABLE customers ADD COLUMN import_id UUID REFERENCES customer_imports (id) ON DELETE SET NULL;
CREATE INDEX customers_import ON customers (import_id) WHERE import_id IS NOT NULL;
CREATE INDEX customers_email ON customers (org_id, email) WHERE email IS NOT NULL;

-- Whoever removes a customer looks for their turns.
CREATE INDEX turns_customer ON turns (customer_id);
