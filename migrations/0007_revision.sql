-- How often the statistics of a collection were changed: whoever keeps something made from them knows when it is stale.
ALTER TABLE lexical_totals ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
