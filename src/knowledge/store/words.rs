//! How rare each word is among an organisation's passages, and among its FAQs.

use std::collections::HashMap;

use crate::{
    app::OrgId,
    knowledge::Collection,
    platform::{db::Conn, error::Result, words},
};

pub use words::{Delta, Totals};

/// See [`words::lock`].
pub async fn lock(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<()> {
    words::lock(c, org.0, collection.name()).await.map(|_| ())
}

/// See [`words::apply`].
pub async fn apply(c: Conn<'_>, org: OrgId, collection: Collection, delta: &Delta) -> Result<()> {
    words::apply(c, org.0, collection.name(), delta).await
}

/// See [`words::clear`].
pub async fn clear(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<()> {
    words::clear(c, org.0, collection.name()).await
}

/// See [`words::totals`].
pub async fn totals(c: Conn<'_>, org: OrgId, collection: Collection) -> Result<Totals> {
    words::totals(c, org.0, collection.name()).await
}

/// See [`words::frequencies`].
pub async fn frequencies(
    c: Conn<'_>,
    org: OrgId,
    collection: Collection,
    terms: &[u32],
) -> Result<(Totals, HashMap<u32, u64>)> {
    words::frequencies(c, org.0, collection.name(), terms).await
}
