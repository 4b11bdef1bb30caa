//! Rows of `lexical_terms` and `lexical_totals` for memories: how rare each word is among an organisation's.

use std::collections::{BTreeMap, HashMap};

use crate::{
    app::OrgId,
    both,
    platform::{Result, db::Conn, lexical},
};

/// The collection that these counts are of, beside those of the knowledge.
const MEMORIES: &str = "memories";

/// What a transaction adds to the counts.
#[derive(Debug, Default)]
pub struct Delta {
    entries: i64,
    tokens: i64,
    /// Ordered, so that transactions lock rows in one order.
    terms: BTreeMap<u32, i64>,
}

impl Delta {
    /// Counts a text in (`sign` 1) or out (-1).
    pub fn count(&mut self, text: &str, sign: i64) {
        let mut seen = std::collections::HashSet::new();
        self.entries += sign;
        lexical::each_term(text, |term| {
            self.tokens += sign;
            if seen.insert(term) {
                *self.terms.entry(term).or_default() += sign;
            }
        });
    }
}

/// Applies `delta`, in the same transaction as the rows it counts.
pub async fn apply(mut c: Conn<'_>, org: OrgId, delta: &Delta) -> Result<()> {
    const TOTALS: &str = "
        INSERT INTO lexical_totals (org_id, collection, entry_count, token_count) VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id, collection) DO UPDATE
        SET entry_count = lexical_totals.entry_count + excluded.entry_count,
            token_count = lexical_totals.token_count + excluded.token_count";
    const SQLITE: &str = "
        INSERT INTO lexical_terms (org_id, collection, term, document_frequency)
        SELECT $1, $2, value ->> 0, value ->> 1 FROM json_each($3) WHERE TRUE
        ON CONFLICT (org_id, collection, term)
        DO UPDATE SET document_frequency = lexical_terms.document_frequency + excluded.document_frequency";
    const PG: &str = "
        INSERT INTO lexical_terms (org_id, collection, term, document_frequency)
        SELECT $1, $2, t.term, t.df FROM UNNEST($3::bigint[], $4::bigint[]) AS t (term, df)
        ON CONFLICT (org_id, collection, term)
        DO UPDATE SET document_frequency = lexical_terms.document_frequency + excluded.document_frequency";
    const GONE_SQLITE: &str = "
        DELETE FROM lexical_terms WHERE org_id = $1 AND collection = $2 AND document_frequency <= 0
           AND term IN (SELECT value FROM json_each($3))";
    const GONE_PG: &str = "
        DELETE FROM lexical_terms WHERE org_id = $1 AND collection = $2 AND document_frequency <= 0
           AND term = ANY($3)";
    if delta.entries == 0 && delta.tokens == 0 && delta.terms.is_empty() {
        return Ok(());
    }
    both!(c.again(), c => sqlx::query(TOTALS).bind(org).bind(MEMORIES).bind(delta.entries).bind(delta.tokens)
        .execute(c).await.map(|_| ()))?;
    let changed = || delta.terms.iter().filter(|(_, by)| **by != 0);
    match c.again() {
        Conn::Sqlite(c) => {
            let pairs = serde_json::to_string(&changed().collect::<Vec<_>>())?;
            sqlx::query(SQLITE).bind(org).bind(MEMORIES).bind(pairs).execute(c).await?;
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = changed().map(|(term, _)| i64::from(*term)).collect();
            let by: Vec<i64> = changed().map(|(_, by)| *by).collect();
            sqlx::query(PG).bind(org).bind(MEMORIES).bind(terms).bind(by).execute(c).await?;
        }
    }
    let fewer: Vec<i64> = changed().filter(|(_, by)| **by < 0).map(|(term, _)| i64::from(*term)).collect();
    if fewer.is_empty() {
        return Ok(());
    }
    // Only among those that became fewer: the table holds every word of the organisation.
    match c {
        Conn::Sqlite(c) => {
            let fewer = serde_json::to_string(&fewer)?;
            sqlx::query(GONE_SQLITE).bind(org).bind(MEMORIES).bind(fewer).execute(c).await?;
        }
        Conn::Pg(c) => {
            sqlx::query(GONE_PG).bind(org).bind(MEMORIES).bind(fewer).execute(c).await?;
        }
    }
    Ok(())
}

/// How many memories are counted, and their tokens together.
pub async fn totals(c: Conn<'_>, org: OrgId) -> Result<(i64, i64)> {
    const TOTALS: &str = "
        SELECT entry_count, token_count FROM lexical_totals WHERE org_id = $1 AND collection = $2";
    let totals = both!(c, c => sqlx::query_as(TOTALS).bind(org).bind(MEMORIES).fetch_optional(c).await)?;
    Ok(totals.unwrap_or_default())
}

/// In how many memories each of `terms` stands; those that stand in none are left out.
pub async fn frequencies(c: Conn<'_>, org: OrgId, terms: &[u32]) -> Result<HashMap<u32, u64>> {
    const SQLITE: &str = "
        SELECT term, document_frequency FROM lexical_terms
        WHERE org_id = $1 AND collection = $2 AND term IN (SELECT value FROM json_each($3))";
    const PG: &str = "
        SELECT term, document_frequency FROM lexical_terms
        WHERE org_id = $1 AND collection = $2 AND term = ANY($3)";
    let rows: Vec<(i64, i64)> = match c {
        Conn::Sqlite(c) => {
            let terms = serde_json::to_string(terms)?;
            sqlx::query_as(SQLITE).bind(org).bind(MEMORIES).bind(terms).fetch_all(c).await?
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = terms.iter().map(|t| i64::from(*t)).collect();
            sqlx::query_as(PG).bind(org).bind(MEMORIES).bind(terms).fetch_all(c).await?
        }
    };
    Ok(rows.into_iter().filter_map(|(term, df)| Some((u32::try_from(term).ok()?, u64::try_from(df).ok()?))).collect())
}
