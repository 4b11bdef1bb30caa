//! The deals of a customer who becomes one with another, or is taken apart from them.

use super::store;
use crate::{
    app::{CustomerId, DealId, OrgId},
    platform::{Result, db::Conn},
};

/// Gives the deals with `from` to `into`. Safe to repeat: what is there by then comes along.
pub async fn join(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Vec<DealId>> {
    store::take_deals(c, org, from, into).await
}

/// Gives those deals back that are `into`'s still. Safe to repeat.
pub async fn part(c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId, deals: &[DealId]) -> Result<()> {
    store::return_deals(c, org, into, from, deals).await
}
