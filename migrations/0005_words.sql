-- How rare each word is, the most written rows while documents come in: keyed by a number of the list that they belong
-- to instead of by its organisation and name, they take half the pages.
ALTER TABLE lexical_totals ADD COLUMN list BIGINT;
UPDATE lexical_totals SET list = (
    SELECT COUNT(*) FROM lexical_totals other
    WHERE other.org_id < lexical_totals.org_id
       OR (other.org_id = lexical_totals.org_id AND other.collection <= lexical_totals.collection)
);
CREATE UNIQUE INDEX lexical_totals_list ON lexical_totals (list);

CREATE TABLE lexical_frequencies (
    list BIGINT NOT NULL,
    term BIGINT NOT NULL,
    document_frequency BIGINT NOT NULL,
    PRIMARY KEY (list, term)
);
INSERT INTO lexical_frequencies (list, term, document_frequency)
SELECT totals.list, terms.term, terms.document_frequency
FROM lexical_terms terms
JOIN lexical_totals totals ON totals.org_id = terms.org_id AND totals.collection = terms.collection;
DROP TABLE lexical_terms;
