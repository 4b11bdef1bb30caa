-- Memory that lives: what each memory says, where it was read, how long it held, how stable it is; and the ledger of
-- erasures.

-- slot is what a newer fact takes the place of (or restates); seq orders what is remembered of one customer;
-- span_start and span_end count characters of the message; about_from and about_until are the days it speaks of.
ALTER TABLE memories ADD COLUMN kind TEXT NOT NULL DEFAULT 'note';
ALTER TABLE memories ADD COLUMN slot TEXT;
ALTER TABLE memories ADD COLUMN value TEXT;
ALTER TABLE memories ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE memories ADD COLUMN speaker TEXT;
ALTER TABLE memories ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE memories ADD COLUMN language TEXT;
ALTER TABLE memories ADD COLUMN stability DOUBLE PRECISION NOT NULL DEFAULT 2.1;
ALTER TABLE memories ADD COLUMN information DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE memories ADD COLUMN message_id UUID;
ALTER TABLE memories ADD COLUMN identity_id UUID;
ALTER TABLE memories ADD COLUMN span_start BIGINT;
ALTER TABLE memories ADD COLUMN span_end BIGINT;
ALTER TABLE memories ADD COLUMN valid_from TIMESTAMPTZ;
ALTER TABLE memories ADD COLUMN about_from TIMESTAMPTZ;
ALTER TABLE memories ADD COLUMN about_until TIMESTAMPTZ;
ALTER TABLE memories ADD COLUMN superseded_by UUID;
ALTER TABLE memories ADD COLUMN approved_by UUID;
ALTER TABLE memories ADD COLUMN approved_at TIMESTAMPTZ;
ALTER TABLE memories ADD COLUMN archived_at TIMESTAMPTZ;
ALTER TABLE memories ADD COLUMN indexed_at TIMESTAMPTZ;
CREATE UNIQUE INDEX memories_slot ON memories (org_id, customer_id, slot)
    WHERE status = 'active' AND slot IS NOT NULL AND customer_id IS NOT NULL;
CREATE INDEX memories_seq ON memories (org_id, customer_id, seq);
CREATE INDEX memories_unindexed ON memories (org_id, customer_id) WHERE indexed_at IS NULL;

-- How far a conversation has been read for memories.
CREATE TABLE memory_marks (
    conversation_id UUID PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- What was erased, and when: ids only. It outlives the customer, and is applied again to a restored backup.
CREATE TABLE erasures (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    customer_id UUID NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL,
    erased_at TIMESTAMPTZ,
    receipt JSONB,
    signature TEXT
);
CREATE UNIQUE INDEX erasures_customer ON erasures (org_id, customer_id);
