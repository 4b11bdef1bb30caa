//! How rare each word is in a collection of an organisation: rows of `lexical_totals` and `lexical_frequencies`.

use std::collections::{BTreeMap, HashMap};

use sqlx::FromRow;
use uuid::Uuid;

use super::{db::Conn, error::Result};
use crate::both;

/// How many entries a collection has, and their tokens together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Totals {
    pub entry_count: i64,
    pub token_count: i64,
    /// How often it was changed.
    pub revision: i64,
}

/// What a transaction adds to (or takes from) the statistics of one collection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    pub entries: i64,
    pub tokens: i64,
    /// By term, how many more entries hold it. Ordered, so that transactions lock rows in one order.
    pub terms: BTreeMap<u32, i64>,
}

impl Delta {
    /// Counts an entry in (`sign` 1) or out (-1); `terms` names each of its terms once.
    pub fn count(&mut self, terms: impl IntoIterator<Item = u32>, tokens: i64, sign: i64) {
        self.entries += sign;
        self.tokens += sign * tokens;
        for term in terms {
            *self.terms.entry(term).or_default() += sign;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries == 0 && self.tokens == 0 && self.terms.is_empty()
    }
}

/// Takes the collection's lock until the transaction ends: whoever writes its statistics or its generations holds it.
/// Returns the number of its list.
pub async fn lock(c: Conn<'_>, org: Uuid, collection: &str) -> Result<i64> {
    add(c, org, collection, 0, 0).await
}

/// Takes the lock and counts so many more.
async fn add(c: Conn<'_>, org: Uuid, collection: &str, entries: i64, tokens: i64) -> Result<i64> {
    const ADD: &str = "
        INSERT INTO lexical_totals (org_id, collection, entry_count, token_count, list) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (org_id, collection) DO UPDATE SET
            list = COALESCE(lexical_totals.list, excluded.list),
            entry_count = lexical_totals.entry_count + excluded.entry_count,
            token_count = lexical_totals.token_count + excluded.token_count,
            revision = lexical_totals.revision + 1
        RETURNING list";
    // Drawn at random, so that two processes need not ask each other; 31 bits keep it short. Should two draw the same,
    // the unique index refuses the second, whose job comes again.
    let drawn = (Uuid::new_v4().as_u128() & 0x7fff_ffff) as i64;
    Ok(both!(c, c => sqlx::query_scalar(ADD).bind(org).bind(collection).bind(entries).bind(tokens).bind(drawn)
        .fetch_one(c).await)?)
}

/// Applies `delta`, in the same transaction as the rows it counts.
pub async fn apply(mut c: Conn<'_>, org: Uuid, collection: &str, delta: &Delta) -> Result<()> {
    const TERMS_SQLITE: &str = "
        INSERT INTO lexical_frequencies (list, term, document_frequency)
        SELECT $1, value ->> 0, value ->> 1 FROM json_each($2) WHERE TRUE
        ON CONFLICT (list, term)
        DO UPDATE SET document_frequency = lexical_frequencies.document_frequency + excluded.document_frequency";
    const TERMS_PG: &str = "
        INSERT INTO lexical_frequencies (list, term, document_frequency)
        SELECT $1, t.term, t.df FROM UNNEST($2::bigint[], $3::bigint[]) AS t (term, df)
        ON CONFLICT (list, term)
        DO UPDATE SET document_frequency = lexical_frequencies.document_frequency + excluded.document_frequency";
    const GONE_SQLITE: &str = "
        DELETE FROM lexical_frequencies
        WHERE list = $1 AND document_frequency <= 0 AND term IN (SELECT value FROM json_each($2))";
    const GONE_PG: &str = "
        DELETE FROM lexical_frequencies WHERE list = $1 AND document_frequency <= 0 AND term = ANY($2)";

    if delta.is_empty() {
        return Ok(());
    }
    let list = add(c.again(), org, collection, delta.entries, delta.tokens).await?;
    let changed = || delta.terms.iter().filter(|(_, by)| **by != 0);
    // Only among those that became fewer: the table holds every word of the organisation.
    let fewer: Vec<i64> = changed().filter(|(_, by)| **by < 0).map(|(term, _)| i64::from(*term)).collect();
    match c {
        Conn::Sqlite(c) => {
            let pairs = serde_json::to_string(&changed().collect::<Vec<_>>())?;
            sqlx::query(TERMS_SQLITE).bind(list).bind(pairs).execute(&mut *c).await?;
            if !fewer.is_empty() {
                sqlx::query(GONE_SQLITE).bind(list).bind(serde_json::to_string(&fewer)?).execute(c).await?;
            }
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = changed().map(|(term, _)| i64::from(*term)).collect();
            let by: Vec<i64> = changed().map(|(_, by)| *by).collect();
            sqlx::query(TERMS_PG).bind(list).bind(terms).bind(by).execute(&mut *c).await?;
            if !fewer.is_empty() {
                sqlx::query(GONE_PG).bind(list).bind(fewer).execute(c).await?;
            }
        }
    }
    Ok(())
}

/// Forgets every count of the collection; a rebuild counts anew.
pub async fn clear(mut c: Conn<'_>, org: Uuid, collection: &str) -> Result<()> {
    const TERMS: &str = "DELETE FROM lexical_frequencies WHERE list = $1";
    const TOTALS: &str = "UPDATE lexical_totals SET entry_count = 0, token_count = 0 WHERE list = $1";
    let list = lock(c.again(), org, collection).await?;
    both!(c.again(), c => sqlx::query(TERMS).bind(list).execute(c).await.map(|_| ()))?;
    both!(c, c => sqlx::query(TOTALS).bind(list).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The size of the collection.
pub async fn totals(c: Conn<'_>, org: Uuid, collection: &str) -> Result<Totals> {
    const TOTALS: &str =
        "SELECT entry_count, token_count, revision FROM lexical_totals WHERE org_id = $1 AND collection = $2";
    let totals = both!(c, c => sqlx::query_as(TOTALS).bind(org).bind(collection).fetch_optional(c).await)?;
    Ok(totals.unwrap_or_default())
}

/// The size of the collection, and in how many entries each of `terms` occurs; terms that occur nowhere are left out.
pub async fn frequencies(
    c: Conn<'_>,
    org: Uuid,
    collection: &str,
    terms: &[u32],
) -> Result<(Totals, HashMap<u32, u64>)> {
    const SQLITE: &str = "
        SELECT t.entry_count, t.token_count, t.revision, f.term, f.document_frequency FROM lexical_totals t
        LEFT JOIN lexical_frequencies f ON f.list = t.list AND f.term IN (SELECT value FROM json_each($3))
        WHERE t.org_id = $1 AND t.collection = $2";
    const PG: &str = "
        SELECT t.entry_count, t.token_count, t.revision, f.term, f.document_frequency FROM lexical_totals t
        LEFT JOIN lexical_frequencies f ON f.list = t.list AND f.term = ANY($3)
        WHERE t.org_id = $1 AND t.collection = $2";
    let rows: Vec<(i64, i64, i64, Option<i64>, Option<i64>)> = match c {
        Conn::Sqlite(c) => {
            let terms = serde_json::to_string(terms)?;
            sqlx::query_as(SQLITE).bind(org).bind(collection).bind(terms).fetch_all(c).await?
        }
        Conn::Pg(c) => {
            let terms: Vec<i64> = terms.iter().map(|t| i64::from(*t)).collect();
            sqlx::query_as(PG).bind(org).bind(collection).bind(terms).fetch_all(c).await?
        }
    };
    let totals = rows.first().map(|(entry_count, token_count, revision, ..)| Totals {
        entry_count: *entry_count,
        token_count: *token_count,
        revision: *revision,
    });
    let frequencies = rows
        .into_iter()
        .filter_map(|(.., term, df)| Some((u32::try_from(term?).ok()?, u64::try_from(df?).ok()?)))
        .collect();
    Ok((totals.unwrap_or_default(), frequencies))
}
