-- How many requests a minute an API key may make.
ALTER TABLE api_keys ADD COLUMN per_minute INTEGER NOT NULL DEFAULT 600;
