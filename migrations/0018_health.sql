-- How a channel is: what was last wrong with it, what its platform thinks of it, when its token ends and of which end
-- people were warned, and when the platform was last asked.
ALTER TABLE channels ADD COLUMN last_error TEXT;
ALTER TABLE channels ADD COLUMN last_error_at TIMESTAMPTZ;
ALTER TABLE channels ADD COLUMN quality TEXT;
ALTER TABLE channels ADD COLUMN token_expires_at TIMESTAMPTZ;
ALTER TABLE channels ADD COLUMN token_warned_for TIMESTAMPTZ;
ALTER TABLE channels ADD COLUMN checked_at TIMESTAMPTZ;
