//! Whose value stands in each field of the profile when two customers become one. Pure.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    customers::{self, Customer},
    platform::{Error, Result},
};

/// The fields of the profile; custom fields come besides, as `custom_fields.<key>`.
const FIELDS: [&str; 25] = [
    "name",
    "type",
    "avatar_url",
    "phone",
    "email",
    "wechat_id",
    "dingtalk_id",
    "language",
    "company_name",
    "company_credit_code",
    "company_industry",
    "company_size",
    "company_website",
    "company_address",
    "company_revenue",
    "company_revenue_currency",
    "gender",
    "age_range",
    "region_province",
    "region_city",
    "stage",
    "score",
    "owner_id",
    "remark",
    "created_at",
];
/// Shown beside the others, and the row's own.
const FIXED: [&str; 1] = ["created_at"];
/// What comes before the key of a custom field.
const CUSTOM: &str = "custom_fields.";

/// One field of two profiles.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = MergedField)]
pub struct Field {
    /// `email`, `custom_fields.size` …
    pub field: String,
    /// Of the customer that stays.
    pub into: Value,
    /// Of the one that is merged.
    pub from: Value,
    pub wins: Side,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MergeSide)]
pub enum Side {
    Into,
    From,
}

/// The fields in which at least one of the two says something. The survivor's value wins where it has one, except in the
/// fields of `take`; a name that a customer gave wins over one that we gave them.
pub fn compare(into: &Customer, from: &Customer, take: &[String]) -> Result<Vec<Field>> {
    let (ours, theirs) = (flat(into)?, flat(from)?);
    if let Some(unknown) = take.iter().find(|f| theirs.get(*f).is_none_or(Value::is_null) || is_fixed(f)) {
        return Err(Error::Invalid(format!("take: the merged customer has no {unknown} to take over")));
    }
    let names = FIELDS.into_iter().map(ToOwned::to_owned);
    let custom = ours.keys().chain(theirs.keys()).filter(|k| k.starts_with(CUSTOM)).cloned();
    let mut custom: Vec<String> = custom.collect();
    custom.sort();
    custom.dedup();
    let of = |all: &Map<String, Value>, field: &str| all.get(field).cloned().unwrap_or(Value::Null);
    let has_no_name = customers::is_stand_in(into) && !customers::is_stand_in(from);
    Ok(names
        .chain(custom)
        .map(|field| (of(&ours, &field), of(&theirs, &field), field))
        .filter(|(into, from, _)| !(into.is_null() && from.is_null()))
        .map(|(into, from, field)| {
            let is_taken = take.contains(&field) || (field == "name" && has_no_name);
            let is_filled = into.is_null() && !is_fixed(&field);
            let wins = if is_taken || is_filled { Side::From } else { Side::Into };
            Field { field, into, from, wins }
        })
        .collect())
}

/// What the survivor takes over: `{"field": [before, after]}`.
pub fn taken(fields: &[Field]) -> Map<String, Value> {
    let taken = fields.iter().filter(|f| f.wins == Side::From && f.into != f.from);
    taken.map(|f| (f.field.clone(), json!([f.into, f.from]))).collect()
}

/// The change that `filled` was.
pub fn forward(filled: &Map<String, Value>) -> Map<String, Value> {
    let values = filled.iter().filter_map(|(field, sides)| Some((field.clone(), sides.get(1)?.clone())));
    change(values)
}

/// The change that puts back what `filled` overwrote, where nobody changed it since.
pub fn back(filled: &Map<String, Value>, now: &Customer) -> Result<Map<String, Value>> {
    let present = flat(now)?;
    let unchanged = filled.iter().filter_map(|(field, sides)| {
        let is_there = present.get(field).unwrap_or(&Value::Null) == sides.get(1)?;
        is_there.then(|| Some((field.clone(), sides.get(0)?.clone())))?
    });
    Ok(change(unchanged))
}

/// Fields as the API takes them.
fn change(fields: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut change = Map::new();
    let mut custom = Map::new();
    for (field, value) in fields {
        match field.strip_prefix(CUSTOM) {
            Some(key) => custom.insert(key.to_owned(), value),
            None => change.insert(field, value),
        };
    }
    if !custom.is_empty() {
        change.insert("custom_fields".into(), Value::Object(custom));
    }
    change
}

fn is_fixed(field: &str) -> bool {
    FIXED.contains(&field)
}

/// A profile with each custom field beside the others.
fn flat(customer: &Customer) -> Result<Map<String, Value>> {
    let Value::Object(all) = serde_json::to_value(customer)? else { return Ok(Map::new()) };
    let mut flat: Map<String, Value> = all.into_iter().filter(|(k, _)| FIELDS.contains(&k.as_str())).collect();
    flat.extend(customer.custom_fields.iter().map(|(key, value)| (format!("{CUSTOM}{key}"), value.clone())));
    Ok(flat)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::app::OrgId;

    fn pair() -> (Customer, Customer) {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let mut into = Customer::named(OrgId::new(), "Ana".into(), now);
        let mut from = Customer::named(OrgId::new(), "Anna Lee".into(), now);
        into.email = Some("ana@example.com".into());
        from.email = Some("anna@example.com".into());
        from.phone = Some("+6591234567".into());
        into.custom_fields.insert("size".into(), json!(38));
        from.custom_fields.insert("size".into(), json!(39));
        from.custom_fields.insert("colour".into(), json!("red"));
        (into, from)
    }

    fn winners(into: &Customer, from: &Customer, take: &[&str]) -> Vec<String> {
        let take: Vec<String> = take.iter().map(|f| (*f).to_owned()).collect();
        taken(&compare(into, from, &take).unwrap()).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn the_survivors_value_wins_where_it_has_one_and_what_is_chosen_is_taken() {
        let (into, from) = pair();
        assert_eq!(winners(&into, &from, &[]), ["phone", "custom_fields.colour"]);
        assert_eq!(winners(&into, &from, &["email", "name"]), ["name", "phone", "email", "custom_fields.colour"]);
        assert!(compare(&into, &from, &["gender".into()]).is_err(), "there is nothing to take");
        assert!(compare(&into, &from, &["created_at".into()]).is_err());
        assert!(compare(&into, &from, &["id".into()]).is_err());
    }

    #[test]
    fn a_name_that_a_customer_gave_wins_over_one_that_we_gave() {
        let (mut into, from) = pair();
        let id = into.id.0.simple().to_string();
        into.name = format!("Visitor {}", id[id.len() - 4..].to_uppercase());
        assert_eq!(winners(&into, &from, &[])[0], "name");
        assert!(!winners(&from, &into, &[]).contains(&"name".to_owned()));
    }

    #[test]
    fn what_was_changed_since_stays() {
        let (into, from) = pair();
        let filled = taken(&compare(&into, &from, &["email".into()]).unwrap());
        let change = forward(&filled);
        assert_eq!(change["custom_fields"], json!({"colour": "red"}));
        let mut joined = into.clone();
        joined.phone = from.phone.clone();
        joined.email = Some("new@example.com".into());
        joined.custom_fields.insert("colour".into(), json!("red"));
        let back = back(&filled, &joined).unwrap();
        assert_eq!(Value::Object(back), json!({"phone": null, "custom_fields": {"colour": null}}));
    }
}
