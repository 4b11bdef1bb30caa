-- A conversation whose messages were put into another of the same customer; it points there and is listed nowhere.
ALTER TABLE conversations ADD COLUMN merged_into UUID REFERENCES conversations (id) ON DELETE CASCADE;
CREATE INDEX conversations_merged ON conversations (merged_into) WHERE merged_into IS NOT NULL;
