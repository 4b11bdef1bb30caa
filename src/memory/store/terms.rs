//! How rare each word is among an organisation's memories.

use std::collections::{HashMap, HashSet};

use crate::{
    app::OrgId,
    platform::{
        Result,
        db::Conn,
        lexical,
        words::{self, Totals},
    },
};

/// The collection that these counts are of, beside those of the knowledge.
const MEMORIES: &str = "memories";

/// What a transaction adds to the counts.
#[derive(Debug, Default)]
pub struct Delta(words::Delta);

impl Delta {
    /// Counts a text in (`sign` 1) or out (-1).
    pub fn count(&mut self, text: &str, sign: i64) {
        let (mut terms, mut tokens) = (HashSet::new(), 0);
        lexical::each_term(text, |term| {
            tokens += 1;
            terms.insert(term);
        });
        self.0.count(terms, tokens, sign);
    }
}

/// Applies `delta`, in the same transaction as the rows it counts.
pub async fn apply(c: Conn<'_>, org: OrgId, delta: &Delta) -> Result<()> {
    words::apply(c, org.0, MEMORIES, &delta.0).await
}

/// How many memories are counted and their tokens together; in how many of them each of `terms` stands, those that stand
/// in none left out.
pub async fn frequencies(c: Conn<'_>, org: OrgId, terms: &[u32]) -> Result<(Totals, HashMap<u32, u64>)> {
    words::frequencies(c, org.0, MEMORIES, terms).await
}
