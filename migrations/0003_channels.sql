-- Channels: what stands on the wire, how far it came, what was fetched, and the files that came with messages.

-- A message of ours as it goes out: one row per message on the wire. The first one's id is the message's, and each
-- row's id is the key by which a platform recognises a repetition.
CREATE TABLE message_parts (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    message_id UUID NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    customer_id UUID NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    body JSONB NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    external_message_id TEXT,
    attempts BIGINT NOT NULL DEFAULT 0,
    attempted_at TIMESTAMPTZ,
    sent_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX message_parts_place ON message_parts (message_id, part);
CREATE INDEX message_parts_external ON message_parts (channel_id, external_message_id)
    WHERE external_message_id IS NOT NULL;
CREATE INDEX message_parts_customer ON message_parts (customer_id, channel_id, attempted_at);

-- Receipts that came before we knew the platform's id of the message they are about.
CREATE TABLE channel_receipts (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    external_message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    received_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX channel_receipts_once ON channel_receipts (org_id, channel_id, external_message_id, state);
CREATE INDEX channel_receipts_age ON channel_receipts (received_at);

-- How far an account of a channel was fetched; moved in the transaction that keeps what was fetched.
CREATE TABLE channel_cursors (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    cursor TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (channel_id, account)
);

-- Files that came with messages; the bytes lie in the file store under the id.
CREATE TABLE attachments (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    message_id UUID NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    source JSONB NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting',
    error_message TEXT,
    content_type TEXT,
    filename TEXT,
    size_bytes BIGINT,
    sha256 TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    stored_at TIMESTAMPTZ
);
CREATE INDEX attachments_message ON attachments (message_id);
CREATE INDEX attachments_age ON attachments (org_id, created_at);

-- The platform's time of the customer's last sign of life: what a window for replies counts from.
ALTER TABLE conversations ADD COLUMN last_inbound_at TIMESTAMPTZ;

-- When a channel that a platform stopped is tried again, and what the connection last said of itself.
ALTER TABLE channels ADD COLUMN retry_at TIMESTAMPTZ;
ALTER TABLE channels ADD COLUMN connection_state TEXT;

CREATE INDEX channel_events_age ON channel_events (received_at);

-- Integrators' own servers are told what happens; the secret is sealed.
CREATE TABLE webhooks (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    events JSONB NOT NULL DEFAULT '[]',
    status TEXT NOT NULL DEFAULT 'active',
    failing_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhooks_org ON webhooks (org_id, status);

-- One row per event and webhook; the id stays the same however often it is sent.
CREATE TABLE webhook_deliveries (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    webhook_id UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'waiting',
    attempts BIGINT NOT NULL DEFAULT 0,
    response_status BIGINT,
    error_message TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    settled_at TIMESTAMPTZ
);
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (created_at);
