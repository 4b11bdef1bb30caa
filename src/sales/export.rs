//! The deals with a customer, for the customer.

use super::{Deal, deal::Sought, store};
use crate::{
    app::CustomerId,
    platform::{Result, db::Conn, http::Cursor},
    staff::By,
};

/// Every deal with a customer that `by` may see, the newest first.
pub async fn export(c: Conn<'_>, by: &By, customer: CustomerId) -> Result<Vec<Deal>> {
    let sought = Sought { customer: Some(customer), ..Sought::default() };
    store::list(c, by.org, by.visible(), &sought, Cursor::start(), i64::from(i32::MAX)).await
}
