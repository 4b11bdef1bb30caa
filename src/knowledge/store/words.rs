//! Rows of `lexical_terms` and `lexical_totals`: how rare each word is.

use std::collections::{BTreeMap, HashMap};

use crate::{
    app::OrgId,
    both,
    knowledge::{Collection, Totals},
    platform::{db::Conn, error::Result},
};

/// What a transaction adds to (or takes from) the statistics of one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    pub entries: i64,
    pub tokens: i64,
    /// By term, how many more entries hold it. Ordered, so that transactions lock rows in one order.
    pub terms: BTreeMap<u32, i64>,
}

impl Delta {
    /// Counts an entry in (`sign` 1) or out (-1).
    pub fn count(&mut self, terms: impl IntoIterator<Item = u32>, tokens: i64, sign: i64) {
        self.entries += sign;
        self.tokens += sign * tokens;
        for term in terms {
            *self.terms.entry(term).or_default() += sign;
        }
    }
}

/// Takes the collection's lock until the transaction ends: whoever writes its statistics or its generations holds it.
pub async fn lock(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<()> {
    const LOCK: &str = "
        INSERT INTO lexical_totals (org_id, collection, entry_count, token_count) VALUES ($1, $2, 0, 0)
        ON CONFLICT (org_id, collection) DO UPDATE SET entry_count = lexical_totals.entry_count";
    both!(c, c => sqlx::query(LOCK).bind(org).bind(collection).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Applies `delta`; in the same transaction as the rows it counts, after [`lock`].
pub async fn apply(mut c: Conn<'_>, org: OrgId, collection: Collection, delta: &Delta) -> Result<()> {
    const TOTALS: &str = "
        UPDATE lexical_totals SET entry_count = entry_count + $3, token_count = token_count + $4
        WHERE org_id = $1 AND collection = $2";
    const TERMS_SQLITE: &str = "
        INSERT INTO lexical_terms (org_id, collection, term, document_frequency)
        SELECT $1, $2, value ->> 0, value ->> 1 FROM json_each($3) WHERE TRUE
        ON CONFLICT (org_id, collection, term)
        DO UPDATE SET document_frequency = lexical_terms.document_frequency + excluded.document_frequency";
    const TERMS_PG: &str = "
        INSERT INTO lexical_terms (org_id, collection, term, document_frequency)
        SELECT $1, $2, t.term, t.df FROM UNNEST($3::bigint[], $4::bigint[]) AS t (term, df)
        ON CONFLICT (org_id, collection, term)
        DO UPDATE SET document_frequency = lexical_terms.document_frequency + excluded.document_frequency";
    const GONE: &str = "DELETE FROM lexical_terms WHERE org_id = $1 AND collection = $2 AND document_frequency <= 0";

    both!(c.again(), c => sqlx::query(TOTALS).bind(org).bind(collection).bind(delta.entries).bind(delta.tokens)
        .execute(c).await.map(|_| ()))?;
    let changed = || delta.terms.iter().filter(|(_, by)| **by != 0);
    match c.again() {
        Conn::Sqlite(c) => {
            let pairs = serde_json::to_string(&changed().collect::<Vec<_>>())?;
            sqlx::query(TERMS_SQLITE).bind(org).bind(collection).bind(pairs).execute(c).await?;
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = changed().map(|(term, _)| i64::from(*term)).collect();
            let by: Vec<i64> = changed().map(|(_, by)| *by).collect();
            sqlx::query(TERMS_PG).bind(org).bind(collection).bind(terms).bind(by).execute(c).await?;
        }
    }
    if delta.terms.values().any(|by| *by < 0) {
        both!(c, c => sqlx::query(GONE).bind(org).bind(collection).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Forgets every count of the collection; a rebuild counts anew.
pub async fn clear(mut c: Conn<'_>, org: OrgId, collection: Collection) -> Result<()> {
    const TERMS: &str = "DELETE FROM lexical_terms WHERE org_id = $1 AND collection = $2";
    const TOTALS: &str = "
        UPDATE lexical_totals SET entry_count = 0, token_count = 0 WHERE org_id = $1 AND collection = $2";
    both!(c.again(), c => sqlx::query(TERMS).bind(org).bind(collection).execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(TOTALS).bind(org).bind(collection).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The size of the collection.
pub async fn totals(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<Totals> {
    const TOTALS: &str = "
        SELECT entry_count, token_count FROM lexical_totals WHERE org_id = $1 AND collection = $2";
    let totals = both!(c, c => sqlx::query_as(TOTALS).bind(org).bind(collection).fetch_optional(c).await)?;
    Ok(totals.unwrap_or_default())
}

/// In how many entries each of `terms` occurs; terms that occur nowhere are left out.
pub async fn frequencies(c: Conn<'_>, org: OrgId, collection: Collection, terms: &[u32]) -> Result<HashMap<u32, i64>> {
    const SQLITE: &str = "
        SELECT term, document_frequency FROM lexical_terms
        WHERE org_id = $1 AND collection = $2 AND term IN (SELECT value FROM json_each($3))";
    const PG: &str = "
        SELECT term, document_frequency FROM lexical_terms
        WHERE org_id = $1 AND collection = $2 AND term = ANY($3)";
    let rows: Vec<(i64, i64)> = match c {
        Conn::Sqlite(c) => {
            let terms = serde_json::to_string(terms)?;
            sqlx::query_as(SQLITE).bind(org).bind(collection).bind(terms).fetch_all(c).await?
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = terms.iter().map(|t| i64::from(*t)).collect();
            sqlx::query_as(PG).bind(org).bind(collection).bind(terms).fetch_all(c).await?
        }
    };
    Ok(rows.into_iter().filter_map(|(term, df)| Some((u32::try_from(term).ok()?, df))).collect())
}
