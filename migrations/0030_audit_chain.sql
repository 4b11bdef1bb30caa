-- The audit log's chain: a line's place in it, a hash of what it says (which stays when that is erased), and the seal
-- over the line and the one before it. A new line has none of them until it is sealed, a few seconds later.
ALTER TABLE audit_logs ADD COLUMN seq BIGINT;
ALTER TABLE audit_logs ADD COLUMN changes_hash TEXT;
ALTER TABLE audit_logs ADD COLUMN seal TEXT;
CREATE UNIQUE INDEX audit_logs_chain ON audit_logs (org_id, seq);
CREATE INDEX audit_logs_unsealed ON audit_logs (org_id, created_at, id) WHERE seal IS NULL;
