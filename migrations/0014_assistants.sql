-- The assistant's versions, and what a turn needs so that it can be taken again.

-- gate is what must hold before a version may be published; NULL: nothing.
CREATE TABLE assistants (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    gate JSONB,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX assistants_org_name ON assistants (org_id, name);

-- What the assistant answers under; never changed, only its status. knowledge_base_ids NULL: all there are.
CREATE TABLE assistant_versions (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    assistant_id UUID NOT NULL REFERENCES assistants (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    status TEXT NOT NULL DEFAULT 'draft',
    note TEXT,
    prompts JSONB NOT NULL DEFAULT '{}',
    rules JSONB NOT NULL DEFAULT '{}',
    max_error_rate DOUBLE PRECISION NOT NULL,
    knowledge_base_ids JSONB,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    published_by UUID REFERENCES users (id) ON DELETE SET NULL,
    published_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX assistant_versions_number ON assistant_versions (assistant_id, version);
CREATE UNIQUE INDEX assistant_versions_published ON assistant_versions (assistant_id) WHERE status = 'published';
CREATE INDEX assistant_versions_org ON assistant_versions (org_id, status);

-- What a turn read beside the messages, and what the model answered: goes with its turn.
CREATE TABLE turn_recordings (
    turn_id UUID PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    recording JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX turn_recordings_org ON turn_recordings (org_id, created_at DESC);
