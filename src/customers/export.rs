//! Everything the CRM knows of a customer, for the customer.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Activity, Contact, Customer, Identity, Tag, store};
use crate::{
    app::CustomerId,
    platform::{Error, Result, db::Conn, http::Cursor},
    staff::By,
};

/// What is kept about a person beside what was said, sold and remembered.
#[derive(Debug, Serialize)]
pub struct Person {
    pub customer: Customer,
    pub tags: Vec<Tag>,
    /// Their accounts on the channels.
    pub identities: Vec<Identity>,
    pub contacts: Vec<Contact>,
    /// What happened, the newest first.
    pub timeline: Vec<Activity>,
    /// Who was merged into them, as they were.
    pub merged: Vec<Customer>,
}

/// The customer with tags, accounts, contacts and timeline, as `by` may see them.
pub async fn export(mut c: Conn<'_>, by: &By, id: CustomerId, now: DateTime<Utc>) -> Result<Person> {
    let customer = store::find_visible(c.again(), by.org, id, by.visible())
        .await?
        .ok_or(Error::NotFound("customer"))?
        .shown_to(by);
    let identities = store::list_identities(c.again(), by.org, id).await?;
    let identities = identities.into_iter().map(|i| i.shown_to(by)).collect();
    let contacts = store::list_contacts(c.again(), by.org, id).await?;
    let contacts = contacts.into_iter().map(|contact| contact.shown_to(by)).collect();
    let mut tags = store::tags_of(c.again(), by.org, &[id], now).await?;
    let timeline = store::list_activities(c.again(), by.org, id, Cursor::start(), i64::from(i32::MAX)).await?;
    let mut merged = Vec::new();
    for id in store::join::list_merged(c.again(), by.org, id).await? {
        merged.extend(store::find(c.again(), by.org, id).await?.map(|c| c.shown_to(by)));
    }
    Ok(Person { merged, customer, tags: tags.remove(&id).unwrap_or_default(), identities, contacts, timeline })
}
