-- When the customer said it last: what a memory is asked again by. Being used in an answer confirms nothing.
ALTER TABLE memories ADD COLUMN confirmed_at TIMESTAMPTZ;
