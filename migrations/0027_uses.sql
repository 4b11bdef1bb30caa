-- Which answers rested on something is counted over time.
CREATE INDEX messages_org_created ON messages (org_id, created_at) WHERE ai_sources IS NOT NULL;
