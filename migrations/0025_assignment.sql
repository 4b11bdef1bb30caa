-- What people speak, and for which team a conversation waits.
ALTER TABLE users ADD COLUMN languages JSONB NOT NULL DEFAULT '[]';
ALTER TABLE conversations ADD COLUMN team_id UUID REFERENCES teams (id) ON DELETE SET NULL;
-- Who let go of it last: rules don't give it to them again.
ALTER TABLE conversations ADD COLUMN let_go_by UUID REFERENCES users (id) ON DELETE SET NULL;
-- When its agent was given it, and since when people are to solve it.
ALTER TABLE conversations ADD COLUMN assigned_at TIMESTAMPTZ;
ALTER TABLE conversations ADD COLUMN sla_started_at TIMESTAMPTZ;
