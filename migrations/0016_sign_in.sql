-- Who a user is at an identity provider: from the first visit on, the provider's own name for them counts, not an
-- address that may be given to somebody else.
CREATE TABLE user_identities (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX user_identities_subject ON user_identities (org_id, issuer, subject);
CREATE UNIQUE INDEX user_identities_user ON user_identities (user_id, issuer);

-- Visits to a provider that came to their end: each does once.
CREATE TABLE provider_visits (
    state_hash TEXT PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    expires_at TIMESTAMPTZ NOT NULL
);

-- Failures by which guessing gets slow, for all processes together; about the installation: before signing in there
-- is no organisation. key_hash is of what was tried and from where.
CREATE TABLE failed_attempts (
    key_hash TEXT PRIMARY KEY,
    count BIGINT NOT NULL,
    last_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX failed_attempts_last ON failed_attempts (last_at);
