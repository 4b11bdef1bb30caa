-- How often a session's refresh token was replaced, and when last: each works once.
ALTER TABLE sessions ADD COLUMN generation BIGINT NOT NULL DEFAULT 1;
ALTER TABLE sessions ADD COLUMN refreshed_at TIMESTAMPTZ;
