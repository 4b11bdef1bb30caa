//! Who is it that writes? Their customer, made when they are new.

use chrono::{DateTime, Utc};

use super::{ActivityKind, Customer, Identity, NewActivity, phone, store};
use crate::{
    app::{ChannelId, IdentityId, OrgId},
    platform::{Error, Result, db::Conn},
};

/// How somebody reached us.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    pub channel: ChannelId,
    /// What `external_id` is: `visitor`, `phone` (verified by the platform, as WhatsApp does), `user` (vouched for by the
    /// website's server), `openid` …
    pub kind: &'a str,
    pub external_id: &'a str,
    /// How they call themselves.
    pub display_name: Option<&'a str>,
}

impl Reached<'_> {
    /// Whether somebody answers for who it is: the platform for a phone number, the website's server for its user.
    fn is_verified(&self) -> bool {
        matches!(self.kind, "phone" | "user")
    }
}

/// The identity behind `reached` and its customer, on the caller's transaction. Somebody new becomes a customer at
/// once; a verified number that exactly one customer has is theirs. Safe when two processes receive the same
/// stranger at once: one of them makes the customer, both get it.
pub async fn find_or_create(
    c: Conn<'_>,
    org: OrgId,
    reached: Reached<'_>,
    now: DateTime<Utc>,
) -> Result<(Customer, Identity)> {
    let mut c = c;
    if let Some(found) = known(c.again(), org, reached).await? {
        return Ok(found);
    }
    let number = (reached.kind == "phone").then(|| phone::from_account(reached.external_id)).flatten();
    let owner_of_number = match &number {
        Some(number) => store::only_customer_with_phone(c.again(), org, number).await?,
        None => None,
    };
    let is_new = owner_of_number.is_none();
    let customer = owner_of_number.unwrap_or_else(|| {
        let named = reached.display_name.map(str::trim).filter(|n| !n.is_empty());
        let mut customer = Customer::named(org, String::new(), now);
        customer.name = named.map_or_else(|| stand_in(&customer), |n| n.chars().take(200).collect());
        customer.phone = number;
        customer
    });
    let identity = Identity {
        id: IdentityId::new(),
        org_id: org,
        channel_id: reached.channel,
        kind: reached.kind.to_string(),
        external_id: reached.external_id.to_string(),
        customer_id: customer.id,
        contact_id: None,
        display_name: reached.display_name.map(|n| n.chars().take(200).collect()),
        verified_at: reached.is_verified().then_some(now),
        created_at: now,
        first_customer_id: None,
    };
    if is_new {
        store::insert(c.again(), &customer).await?;
    }
    if !store::insert_identity(c.again(), &identity).await? {
        // Another process was faster; what it made is committed by now.
        if is_new {
            store::delete(c.again(), org, customer.id).await?;
        }
        return known(c, org, reached).await?.ok_or(Error::NotFound("identity"));
    }
    if is_new {
        let created = NewActivity::of(ActivityKind::Created, None)
            .with(serde_json::json!({"channel_id": reached.channel, "kind": reached.kind}));
        store::activity(c, org, customer.id, created, now).await?;
    }
    Ok((customer, identity))
}

async fn known(c: Conn<'_>, org: OrgId, reached: Reached<'_>) -> Result<Option<(Customer, Identity)>> {
    let mut c = c;
    let Some(identity) = store::identity(c.again(), org, reached).await? else {
        return Ok(None);
    };
    let customer = store::find(c, org, identity.customer_id).await?.ok_or(Error::NotFound("customer"))?;
    Ok(Some((customer, identity)))
}

/// Makes `reached` another address of who has `known`, on the caller's transaction, unless it is somebody's already.
/// Returns whose identity it is now.
pub async fn add_address(c: Conn<'_>, known: &Identity, reached: Reached<'_>, now: DateTime<Utc>) -> Result<Identity> {
    let mut c = c;
    let org = known.org_id;
    if let Some(found) = store::identity(c.again(), org, reached).await? {
        return Ok(found);
    }
    let identity = Identity {
        id: IdentityId::new(),
        org_id: org,
        channel_id: reached.channel,
        kind: reached.kind.to_string(),
        external_id: reached.external_id.to_string(),
        customer_id: known.customer_id,
        contact_id: None,
        display_name: reached.display_name.map(|n| n.chars().take(200).collect()),
        verified_at: reached.is_verified().then_some(now),
        created_at: now,
        first_customer_id: known.first_customer_id,
    };
    if store::insert_identity(c.again(), &identity).await? {
        return Ok(identity);
    }
    store::identity(c, org, reached).await?.ok_or(Error::NotFound("identity"))
}

/// A name for who gave none: never their number or address.
pub(super) fn stand_in(customer: &Customer) -> String {
    let id = customer.id.0.simple().to_string();
    format!("Visitor {}", id.get(id.len().saturating_sub(4)..).unwrap_or_default().to_uppercase())
}
