-- Customers that turned out to be one person. Who was merged into another points there and is listed nowhere; undoing it
-- takes the pointer away.
ALTER TABLE customers ADD COLUMN merged_into UUID REFERENCES customers (id) ON DELETE CASCADE;
CREATE INDEX customers_merged ON customers (merged_into) WHERE merged_into IS NOT NULL;

-- Whose an account was before it came along with a merge: accounts of one messenger that were two customers' stay two
-- talks. NULL: its customer's own.
ALTER TABLE customer_identities ADD COLUMN first_customer_id UUID;

-- moved holds ids, so that exactly those go back; filled the fields that the survivor took over, {"field": [before,
-- after]}. Both are emptied, and erased_at set, when one of the two is erased. The row stays, like the ledger's: it
-- refers to no customer, only names them.
CREATE TABLE customer_merges (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    from_id UUID NOT NULL,
    into_id UUID NOT NULL,
    moved JSONB NOT NULL DEFAULT '{}',
    filled JSONB NOT NULL DEFAULT '{}',
    merged_by UUID REFERENCES users (id) ON DELETE SET NULL,
    merged_at TIMESTAMPTZ NOT NULL,
    undone_by UUID REFERENCES users (id) ON DELETE SET NULL,
    undone_at TIMESTAMPTZ,
    erased_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX customer_merges_from ON customer_merges (org_id, from_id) WHERE undone_at IS NULL;
CREATE INDEX customer_merges_into ON customer_merges (org_id, into_id);
