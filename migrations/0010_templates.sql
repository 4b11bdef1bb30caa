-- Templates that a platform has approved for one of our channels: what may be sent when its window is closed. The
-- variables {{1}}, {{2}} … of the body are filled in by who sends it.
CREATE TABLE message_templates (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    channel_id UUID NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    body TEXT NOT NULL,
    created_by UUID REFERENCES users (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX message_templates_name ON message_templates (channel_id, name, language);
CREATE INDEX message_templates_org ON message_templates (org_id, name);
