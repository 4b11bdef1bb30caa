-- What agents do with conversations beside answering them.
-- A snoozed conversation is out of the lists until then, or until the customer writes.

ALTER TABLE conversations ADD COLUMN snoozed_until TIMESTAMPTZ;
ALTER TABLE conversations ADD COLUMN sla_warned_at TIMESTAMPTZ;
ALTER TABLE conversations ADD COLUMN sla_breached_at TIMESTAMPTZ;
ALTER TABLE conversations ADD COLUMN satisfaction_asked_at TIMESTAMPTZ;

-- Texts that agents send again and again; {{customer}}, {{agent}} and {{company}} are filled in by the console.
CREATE TABLE canned_replies (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    shortcut TEXT NOT NULL,
    content TEXT NOT NULL,
    language TEXT,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX canned_replies_shortcut ON canned_replies (org_id, shortcut);

-- A list with filters that a user gave a name.
CREATE TABLE saved_views (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    page TEXT NOT NULL,
    name TEXT NOT NULL,
    filters JSONB NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX saved_views_name ON saved_views (org_id, user_id, page, name);
