//! One customer's part in becoming one with another: what hangs on them moves, and goes back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Customer,
    edit::CustomerChange,
    find::stand_in,
    store::{self, join as moves},
};
use crate::{
    app::{ContactId, CustomerId, IdentityId, OrgId, TagId},
    platform::{Error, Result, db::Conn},
    staff::Visible,
};

/// What moved from a customer to the one they were merged into.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    pub identities: Vec<IdentityId>,
    pub contacts: Vec<ContactId>,
    /// The contact that was the primary one and no longer is, since the survivor has its own.
    pub primary_contact: Option<ContactId>,
    pub activities: Vec<Uuid>,
    /// The tags that the survivor did not carry.
    pub tags: Vec<TagId>,
    /// Who had been merged into them before.
    pub customers: Vec<CustomerId>,
}

impl Moved {
    /// Adds what came later.
    pub fn extend(&mut self, later: Self) {
        self.identities.extend(later.identities);
        self.contacts.extend(later.contacts);
        self.primary_contact = self.primary_contact.or(later.primary_contact);
        self.activities.extend(later.activities);
        self.tags.extend(later.tags);
        self.customers.extend(later.customers);
    }
}

/// Two customers, held until the transaction ends; always in the same order, so that two who do this wait for each
/// other only once. `None`: not there, or out of reach.
pub async fn lock_two(
    mut c: Conn<'_>,
    org: OrgId,
    (a, b): (CustomerId, CustomerId),
    visible: Visible,
) -> Result<Option<(Customer, Customer)>> {
    for id in [a.min(b), a.max(b)] {
        store::hold(c.again(), org, id).await?;
    }
    let first = store::find_visible(c.again(), org, a, visible).await?;
    let second = store::find_visible(c, org, b, visible).await?;
    Ok(first.zip(second))
}

/// Gives everything that hangs on `from` in this room to `into`. Safe to repeat: what is there by then comes along.
pub async fn join(mut c: Conn<'_>, org: OrgId, from: CustomerId, into: CustomerId) -> Result<Moved> {
    let primary = moves::primary_contact(c.again(), org, from).await?;
    let has_primary = moves::primary_contact(c.again(), org, into).await?.is_some();
    let primary_contact = primary.filter(|_| has_primary);
    if let Some(contact) = primary_contact {
        moves::set_primary(c.again(), org, from, contact, false).await?;
    }
    Ok(Moved {
        identities: moves::take_identities(c.again(), org, from, into).await?,
        contacts: moves::take_contacts(c.again(), org, from, into).await?,
        primary_contact,
        activities: moves::take_activities(c.again(), org, from, into).await?,
        tags: moves::copy_tags(c, org, from, into).await?,
        customers: Vec::new(),
    })
}

/// Gives back what [`join`] moved, as far as it is `into`'s still. Returns the accounts that went: also those by which a
/// known account was joined since. Safe to repeat.
pub async fn part(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    moved: &Moved,
) -> Result<Vec<IdentityId>> {
    let first: Vec<CustomerId> = std::iter::once(from).chain(moved.customers.iter().copied()).collect();
    let mut identities = moves::identities_first_of(c.again(), org, into, &first).await?;
    identities.extend(&moved.identities);
    identities.sort_unstable();
    identities.dedup();
    moves::return_identities(c.again(), org, into, from, &identities).await?;
    moves::return_contacts(c.again(), org, into, from, &moved.contacts).await?;
    if let Some(contact) = moved.primary_contact
        && moves::primary_contact(c.again(), org, from).await?.is_none()
    {
        moves::set_primary(c.again(), org, from, contact, true).await?;
    }
    moves::return_activities(c.again(), org, into, from, &moved.activities).await?;
    for tag in &moved.tags {
        store::take_tag(c.again(), org, into, *tag).await?;
    }
    Ok(identities)
}

/// Sets `values` on a customer, as a change through the API would.
pub async fn fill(
    c: Conn<'_>,
    customer: &Customer,
    values: Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<Customer> {
    let change: CustomerChange =
        serde_json::from_value(Value::Object(values)).map_err(|e| Error::Invalid(e.to_string()))?;
    let mut after = customer.clone();
    change.apply(&mut after, now)?;
    store::save(c, &after).await?;
    Ok(after)
}

/// Whether the name is one that we gave, since the customer gave none.
pub fn is_stand_in(customer: &Customer) -> bool {
    customer.name == stand_in(customer)
}
