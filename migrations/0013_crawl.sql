-- How often the address of a document is fetched again ('daily', 'weekly'), when next, and why it failed last.
ALTER TABLE documents ADD COLUMN crawl_every TEXT;
ALTER TABLE documents ADD COLUMN crawl_at TIMESTAMPTZ;
ALTER TABLE documents ADD COLUMN crawl_error TEXT;
CREATE INDEX documents_crawl ON documents (crawl_at) WHERE crawl_at IS NOT NULL;
