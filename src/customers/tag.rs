//! Tags, and which customer carries which.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ActivityKind, NewActivity, Tag, edit::text, store};
use crate::{
    app::{App, Changed, CustomerId, TagId},
    platform::{Error, Result, http::given},
    staff::{By, audit, difference},
};

/// What to set on a tag. What is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TagChange {
    pub name: Option<String>,
    /// As in `#2f80ed`.
    pub color: Option<String>,
    /// `source`, `behavior`, `value`, `stage`, `need` or `custom`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub category: Option<Option<String>>,
}

const TAKEN: &str = "a tag of this name exists already";

impl TagChange {
    fn apply(self, tag: &mut Tag) -> Result<()> {
        if let Some(name) = self.name {
            tag.name = text("name", Some(name), 100)?.unwrap_or_default();
        }
        if let Some(color) = self.color {
            let is_color =
                color.strip_prefix('#').is_some_and(|c| c.len() == 6 && c.bytes().all(|b| b.is_ascii_hexdigit()));
            if !is_color {
                return Err(Error::Invalid("color: write it like #2f80ed".into()));
            }
            tag.color = color;
        }
        if let Some(category) = self.category {
            tag.category = text("category", category, 50)?;
        }
        if tag.name.is_empty() {
            return Err(Error::Invalid("name is missing".into()));
        }
        Ok(())
    }
}

/// Every tag by name.
pub async fn list(app: &App, by: &By) -> Result<Vec<Tag>> {
    store::list_tags(app.read().await?.conn(), by.org).await
}

/// Adds a tag.
pub async fn add(app: &App, by: &By, change: TagChange) -> Result<Tag> {
    let now = app.now();
    let mut tag =
        Tag { id: TagId::new(), name: String::new(), color: "#808080".into(), category: None, created_at: now };
    change.apply(&mut tag)?;
    let mut tx = app.begin().await?;
    if !store::insert_tag(tx.conn(), by.org, &tag).await? {
        return Err(Error::Conflict(TAKEN.into()));
    }
    audit(tx.conn(), now, by, "tag.create", ("tag", tag.id.0), difference(None, Some(&tag))).await?;
    tx.commit().await?;
    Ok(tag)
}

/// Changes a tag.
pub async fn edit(app: &App, by: &By, id: TagId, change: TagChange) -> Result<Tag> {
    let mut tx = app.begin().await?;
    let before = store::lock_tag(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("tag"))?;
    let mut after = before.clone();
    change.apply(&mut after)?;
    if after.name != before.name && store::tag_by_name(tx.conn(), by.org, &after.name).await?.is_some() {
        return Err(Error::Conflict(TAKEN.into()));
    }
    store::save_tag(tx.conn(), by.org, &after).await?;
    audit(tx.conn(), app.now(), by, "tag.edit", ("tag", id.0), difference(Some(&before), Some(&after))).await?;
    tx.commit().await?;
    Ok(after)
}

/// Removes a tag from everyone who carries it.
pub async fn remove(app: &App, by: &By, id: TagId) -> Result<()> {
    let mut tx = app.begin().await?;
    let before = store::lock_tag(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("tag"))?;
    store::delete_tag(tx.conn(), by.org, id).await?;
    audit(tx.conn(), app.now(), by, "tag.delete", ("tag", id.0), difference(Some(&before), None)).await?;
    tx.commit().await
}

/// Puts a tag on a customer, or takes it off. Safe to repeat: only a change is told.
pub async fn set(app: &App, by: &By, customer: CustomerId, id: TagId, is_on: bool) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    store::lock(tx.conn(), by.org, customer, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let tag = store::lock_tag(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("tag"))?;
    let (changed, action, key) = if is_on {
        (store::put_tag(tx.conn(), by.org, customer, id, now).await?, "customer.tag", "added")
    } else {
        (store::take_tag(tx.conn(), by.org, customer, id).await?, "customer.untag", "removed")
    };
    if !changed {
        return tx.commit().await;
    }
    let told = NewActivity::of(ActivityKind::TagChange, by.user).with(json!({key: tag.name}));
    store::activity(tx.conn(), by.org, customer, told, now).await?;
    audit(tx.conn(), now, by, action, ("customer", customer.0), json!({key: tag.name})).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer }).await;
    Ok(())
}
