//! Customers added and changed by people and programs.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{ActivityKind, Customer, Kind, NewActivity, Stage, field, phone, store};
use crate::{
    app::{App, Changed, CustomerId, UserId},
    platform::{Error, Result, db::Conn, http::given},
    staff::{self, By, Scope, audit, difference},
};

/// What to set on a customer. What is absent stays; `null` clears.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CustomerChange {
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    pub name: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub avatar_url: Option<Option<String>>,
    /// Written in any usual way; stored in E.164 when it can be told.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub wechat_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub dingtalk_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub email: Option<Option<String>>,
    /// The language to write in, like `zh`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub language: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_credit_code: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_industry: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_size: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_website: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_address: Option<Option<String>>,
    /// In minor units of `company_revenue_currency`.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub company_revenue: Option<Option<i64>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub company_revenue_currency: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub gender: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub age_range: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub region_province: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub region_city: Option<Option<String>>,
    pub stage: Option<Stage>,
    pub score: Option<i32>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<UserId>)]
    pub owner_id: Option<Option<UserId>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub remark: Option<Option<String>>,
    /// Merged into what is there; a field set to `null` is removed.
    #[schema(value_type = Option<Object>)]
    pub custom_fields: Option<Map<String, Value>>,
}

/// The most custom fields a customer has, and the most bytes they take together.
const CUSTOM_FIELDS: (usize, usize) = (100, 32 * 1024);

impl CustomerChange {
    /// Sets what is given on `customer`.
    pub fn apply(self, customer: &mut Customer, now: DateTime<Utc>) -> Result<()> {
        if let Some(kind) = self.kind {
            customer.kind = kind;
        }
        if let Some(name) = self.name {
            customer.name = text("name", Some(name), 200)?.ok_or_else(|| Error::Invalid("name is missing".into()))?;
        }
        if let Some(number) = self.phone {
            customer.phone = text("phone", number.map(|n| phone::normalised(&n)), 40)?;
        }
        if let Some(email) = self.email {
            customer.email = self::email(email)?;
        }
        for (field, new, target, most) in [
            ("avatar_url", self.avatar_url, &mut customer.avatar_url, 2000),
            ("wechat_id", self.wechat_id, &mut customer.wechat_id, 200),
            ("dingtalk_id", self.dingtalk_id, &mut customer.dingtalk_id, 200),
            ("language", self.language, &mut customer.language, 20),
            ("company_name", self.company_name, &mut customer.company_name, 500),
            ("company_credit_code", self.company_credit_code, &mut customer.company_credit_code, 50),
            ("company_industry", self.company_industry, &mut customer.company_industry, 100),
            ("company_size", self.company_size, &mut customer.company_size, 50),
            ("company_website", self.company_website, &mut customer.company_website, 2000),
            ("company_address", self.company_address, &mut customer.company_address, 1000),
            ("company_revenue_currency", self.company_revenue_currency, &mut customer.company_revenue_currency, 3),
            ("gender", self.gender, &mut customer.gender, 10),
            ("age_range", self.age_range, &mut customer.age_range, 20),
            ("region_province", self.region_province, &mut customer.region_province, 50),
            ("region_city", self.region_city, &mut customer.region_city, 50),
            ("remark", self.remark, &mut customer.remark, 5000),
        ] {
            if let Some(new) = new {
                *target = text(field, new, most)?;
            }
        }
        if let Some(revenue) = self.company_revenue {
            customer.company_revenue = revenue;
        }
        if let Some(stage) = self.stage.filter(|s| *s != customer.stage) {
            customer.stage = stage;
            customer.stage_changed_at = Some(now);
        }
        if let Some(score) = self.score {
            customer.score = score;
        }
        if let Some(owner) = self.owner_id {
            customer.owner_id = owner;
        }
        for (key, value) in self.custom_fields.unwrap_or_default() {
            if value.is_null() {
                customer.custom_fields.shift_remove(&key);
            } else {
                customer.custom_fields.insert(key, value);
            }
        }
        let size = serde_json::to_string(&customer.custom_fields.0)?.len();
        if customer.custom_fields.len() > CUSTOM_FIELDS.0 || size > CUSTOM_FIELDS.1 {
            let (count, bytes) = CUSTOM_FIELDS;
            return Err(Error::Invalid(format!("custom_fields: at most {count} fields and {bytes} bytes")));
        }
        customer.updated_at = now;
        Ok(())
    }
}

/// Trimmed; empty is none; too long is an error.
pub(super) fn text(field: &str, new: Option<String>, most: usize) -> Result<Option<String>> {
    let new = new.map(|t| t.trim().to_string()).filter(|t| !t.is_empty());
    match &new {
        Some(text) if text.chars().count() > most => Err(Error::Invalid(format!("{field}: at most {most} characters"))),
        _ => Ok(new),
    }
}

/// An e-mail address as it is kept.
pub(super) fn email(new: Option<String>) -> Result<Option<String>> {
    let new = text("email", new.map(|e| e.to_lowercase()), 254)?;
    let is_address = |e: &String| {
        let parts = e.split_once('@').filter(|(who, at)| !who.is_empty() && !at.is_empty());
        parts.is_some() && !e.contains(char::is_whitespace)
    };
    if new.as_ref().is_none_or(is_address) {
        return Ok(new);
    }
    Err(Error::Invalid("email: this is not an e-mail address".into()))
}

/// A new customer of whom `change` is known. Who sees only their own becomes the owner.
pub(super) fn made(by: &By, change: CustomerChange, now: DateTime<Utc>) -> Result<Customer> {
    let mut customer = Customer::named(by.org, String::new(), now);
    change.apply(&mut customer, now)?;
    if customer.name.is_empty() {
        return Err(Error::Invalid("name is missing".into()));
    }
    if by.scope != Scope::Org && customer.owner_id.is_none() {
        customer.owner_id = by.user;
    }
    Ok(customer)
}

/// Adds a customer. Who sees only their own becomes the owner.
pub async fn add(app: &App, by: &By, change: CustomerChange) -> Result<Customer> {
    let now = app.now();
    let customer = made(by, change, now)?;
    let mut tx = app.begin().await?;
    field::load(tx.conn(), by.org).await?.accept(&customer.custom_fields)?;
    check_owner(tx.conn(), by, &customer).await?;
    store::insert(tx.conn(), &customer).await?;
    let created = NewActivity::of(ActivityKind::Created, by.user);
    store::activity(tx.conn(), by.org, customer.id, created, now).await?;
    audit(tx.conn(), now, by, "customer.create", ("customer", customer.id.0), difference(None, Some(&customer)))
        .await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id: customer.id }).await;
    Ok(customer)
}

/// Changes a customer; a new stage, owner or score is told on the timeline.
pub async fn edit(app: &App, by: &By, id: CustomerId, change: CustomerChange) -> Result<Customer> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = store::lock(tx.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let mut after = before.clone();
    if let Some(values) = &change.custom_fields {
        field::load(tx.conn(), by.org).await?.accept(values)?;
    }
    change.apply(&mut after, now)?;
    if after.owner_id != before.owner_id {
        check_owner(tx.conn(), by, &after).await?;
    }
    store::save(tx.conn(), &after).await?;
    for told in turning_points(&before, &after, by.user) {
        store::activity(tx.conn(), by.org, id, told, now).await?;
    }
    audit(tx.conn(), now, by, "customer.edit", ("customer", id.0), difference(Some(&before), Some(&after))).await?;
    tx.commit().await?;
    app.changed(by.org, Changed::Customer { id }).await;
    Ok(after)
}

/// What the timeline tells of a change.
fn turning_points(before: &Customer, after: &Customer, user: Option<UserId>) -> Vec<NewActivity> {
    let mut told = Vec::new();
    if before.stage != after.stage {
        let change = json!({"from": before.stage, "to": after.stage});
        told.push(NewActivity::of(ActivityKind::StageChange, user).with(change));
    }
    if before.owner_id != after.owner_id {
        let change = json!({"from": before.owner_id, "to": after.owner_id});
        told.push(NewActivity::of(ActivityKind::OwnerChange, user).with(change));
    }
    if before.score != after.score {
        let change = json!({"from": before.score, "to": after.score});
        told.push(NewActivity::of(ActivityKind::ScoreChange, user).with(change));
    }
    told
}

pub(super) async fn check_owner(c: Conn<'_>, by: &By, customer: &Customer) -> Result<()> {
    match customer.owner_id {
        Some(owner) if !staff::is_member(c, by.org, owner).await? => {
            Err(Error::Invalid("owner_id: there is no such user".into()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::OrgId;

    fn changed(change: Value) -> Result<Customer> {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let mut customer = Customer::named(OrgId::new(), "Ana".into(), now);
        customer.remark = Some("old".into());
        customer.custom_fields.insert("size".into(), json!(38));
        serde_json::from_value::<CustomerChange>(change)?.apply(&mut customer, now)?;
        Ok(customer)
    }

    #[test]
    fn what_is_absent_stays_and_null_clears() {
        let customer = changed(json!({"remark": null, "custom_fields": {"size": null, "colour": "red"}})).unwrap();
        assert_eq!((customer.name.as_str(), customer.remark), ("Ana", None));
        assert_eq!(Value::Object(customer.custom_fields.0), json!({"colour": "red"}));
        assert_eq!(changed(json!({})).unwrap().remark.as_deref(), Some("old"));
    }

    #[test]
    fn a_phone_takes_one_form_and_a_name_must_stay() {
        assert_eq!(changed(json!({"phone": "138 0013 8000"})).unwrap().phone.as_deref(), Some("+8613800138000"));
        assert!(changed(json!({"name": "  "})).is_err());
        for odd in ["nonsense", "@example.com", "ana@", "a na@example.com"] {
            assert!(changed(json!({"email": odd})).is_err(), "{odd}");
        }
        assert!(changed(json!({"nmae": "x"})).is_err());
    }

    #[test]
    fn the_timeline_tells_turning_points_only() {
        let before = changed(json!({})).unwrap();
        let mut after = before.clone();
        after.remark = None;
        assert!(turning_points(&before, &after, None).is_empty());
        after.stage = Stage::Closed;
        let told = turning_points(&before, &after, None);
        assert_eq!(told[0].metadata, json!({"from": "potential", "to": "closed"}));
    }
}
