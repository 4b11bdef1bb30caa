//! Everything the CRM knows of a customer, for the customer.

use serde_json::{Value, json};

use super::store;
use crate::{
    app::CustomerId,
    platform::{Error, Result, db::Conn, http::Cursor},
    staff::By,
};

/// The customer with accounts, contacts, tags and timeline, as `by` may see them.
pub async fn export(mut c: Conn<'_>, by: &By, id: CustomerId) -> Result<Value> {
    let customer = store::find_visible(c.again(), by.org, id, by.visible())
        .await?
        .ok_or(Error::NotFound("customer"))?
        .shown_to(by);
    let identities = store::list_identities(c.again(), by.org, id).await?;
    let identities: Vec<_> = identities.into_iter().map(|i| i.shown_to(by)).collect();
    let contacts = store::list_contacts(c.again(), by.org, id).await?;
    let contacts: Vec<_> = contacts.into_iter().map(|contact| contact.shown_to(by)).collect();
    let timeline = store::list_activities(c, by.org, id, Cursor::start(), i64::from(i32::MAX)).await?;
    Ok(json!({"customer": customer, "identities": identities, "contacts": contacts, "timeline": timeline}))
}
