-- How long people took to answer the latest hand-offs is asked at each one.
CREATE INDEX conversations_org_handed_off ON conversations (org_id, handed_off_at);
