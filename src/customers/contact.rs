//! The people at a customer.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{Contact, edit::text, phone, store};
use crate::{
    app::{App, Changed, ContactId, CustomerId},
    platform::{Error, Result, db::Conn, http::given},
    staff::{By, Visible, audit, difference},
};

/// What to set on a contact. What is absent stays; `null` clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactChange {
    pub name: Option<String>,
    /// Their position.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub title: Option<Option<String>>,
    /// Their part in a decision: `decision_maker`, `influencer`, `user`, `other`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub role: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub wechat_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    /// A customer has at most one primary contact: this one takes it from the other.
    pub is_primary: Option<bool>,
}

impl ContactChange {
    fn apply(self, contact: &mut Contact) -> Result<()> {
        if let Some(name) = self.name {
            contact.name = text("name", Some(name), 200)?.unwrap_or_default();
        }
        if let Some(number) = self.phone {
            contact.phone = text("phone", number.map(|n| phone::normalised(&n)), 40)?;
        }
        for (field, new, target, most) in [
            ("title", self.title, &mut contact.title, 100),
            ("role", self.role, &mut contact.role, 50),
            ("wechat_id", self.wechat_id, &mut contact.wechat_id, 200),
            ("email", self.email, &mut contact.email, 254),
        ] {
            if let Some(new) = new {
                *target = text(field, new, most)?;
            }
        }
        contact.is_primary = self.is_primary.unwrap_or(contact.is_primary);
        if contact.name.is_empty() {
            return Err(Error::Invalid("name is missing".into()));
        }
        Ok(())
    }
}

/// A customer's contacts, the primary one first.
pub async fn list(app: &App, by: &By, customer: CustomerId) -> Result<Vec<Contact>> {
    let mut reader = app.read().await?;
    seen(reader.conn(), by, customer).await?;
    store::list_contacts(reader.conn(), by.org, customer).await
}

/// Adds a contact.
pub async fn add(app: &App, by: &By, customer: CustomerId, change: ContactChange) -> Result<Contact> {
    let now = app.now();
    let mut contact = Contact {
        id: ContactId::new(),
        customer_id: customer,
        name: String::new(),
        title: None,
        role: None,
        phone: None,
        wechat_id: None,
        email: None,
        is_primary: false,
        created_at: now,
    };
    change.apply(&mut contact)?;
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    if contact.is_primary {
        store::clear_primary(tx.conn(), by.org, customer).await?;
    }
    store::insert_contact(tx.conn(), by.org, &contact).await?;
    audit(tx.conn(), now, by, "contact.create", ("customer", customer.0), difference(None, Some(&contact))).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer }).await;
    Ok(contact)
}

/// Changes a contact.
pub async fn edit(app: &App, by: &By, customer: CustomerId, id: ContactId, change: ContactChange) -> Result<Contact> {
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let before = store::contact(tx.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("contact"))?;
    let mut after = before.clone();
    change.apply(&mut after)?;
    if after.is_primary {
        store::clear_primary(tx.conn(), by.org, customer).await?;
    }
    store::save_contact(tx.conn(), by.org, &after).await?;
    let changes = difference(Some(&before), Some(&after));
    audit(tx.conn(), app.now(), by, "contact.edit", ("customer", customer.0), changes).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer }).await;
    Ok(after)
}

/// Removes a contact.
pub async fn remove(app: &App, by: &By, customer: CustomerId, id: ContactId) -> Result<()> {
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let before = store::contact(tx.conn(), by.org, customer, id).await?.ok_or(Error::NotFound("contact"))?;
    store::delete_contact(tx.conn(), by.org, customer, id).await?;
    let changes = difference(Some(&before), None);
    audit(tx.conn(), app.now(), by, "contact.delete", ("customer", customer.0), changes).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer }).await;
    Ok(())
}

/// Refuses a customer the asker can't see.
pub(super) async fn seen(c: Conn<'_>, by: &By, customer: CustomerId) -> Result<()> {
    let visible: Visible = by.visible();
    store::find_visible(c, by.org, customer, visible).await?.map(|_| ()).ok_or(Error::NotFound("customer"))
}
