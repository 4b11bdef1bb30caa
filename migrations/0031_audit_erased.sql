-- A line about somebody who was erased says so under a seal of its own: emptied by hand, it is told apart.
ALTER TABLE audit_logs ADD COLUMN erased_seal TEXT;
