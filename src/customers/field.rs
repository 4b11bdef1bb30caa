//! Fields of an organisation's own on its customers: which there are, and what may stand in them.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{edit::text, import};
use crate::{
    app::{App, OrgId},
    platform::{Error, Result, db::Conn},
    staff::{self, By, audit, difference},
};

const KEY: &str = "customer_fields";
const MOST_FIELDS: usize = 50;
const MOST_CHOICES: usize = 100;
/// The longest text in a field, in characters.
const TEXT_LIMIT: usize = 2000;

/// A field of an organisation's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerField)]
pub struct Field {
    /// Under which name it stands in `custom_fields`: small letters, digits and `_`. It stays, whatever the label.
    pub key: String,
    /// As people call it.
    pub label: String,
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// What can be chosen, for a `choice`.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerFieldKind)]
pub enum FieldKind {
    Text,
    Number,
    /// As in `2026-03-02`.
    Date,
    /// One of `choices`.
    Choice,
}

/// The fields, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomerFields)]
pub struct Fields {
    pub fields: Vec<Field>,
}

impl Fields {
    fn check(&mut self) -> Result<()> {
        let wrong = |why: String| Err(Error::Invalid(why));
        if self.fields.len() > MOST_FIELDS {
            return wrong(format!("fields: at most {MOST_FIELDS}"));
        }
        let (mut keys, mut labels) = (HashSet::new(), HashSet::new());
        for field in &mut self.fields {
            let is_key = field.key.starts_with(|c: char| c.is_ascii_lowercase())
                && field.key.len() <= 40
                && field.key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !is_key || !keys.insert(field.key.clone()) {
                return wrong(format!("key: '{}' is none, or stands there twice", field.key));
            }
            field.label = text("label", Some(std::mem::take(&mut field.label)), 60)?.unwrap_or_default();
            if field.label.is_empty() || !labels.insert(field.label.to_lowercase()) {
                return wrong(format!("label: that of '{}' is missing, or another field's", field.key));
            }
            for (what, name) in [("key", &field.key), ("label", &field.label)] {
                if import::is_column(name) {
                    return wrong(format!("{what}: every customer has '{name}' already, choose another name"));
                }
            }
            field.choices = choices(field)?;
        }
        Ok(())
    }

    /// Refuses values that are not of their field's kind. What no field is defined for may hold anything.
    pub fn accept(&self, values: &Map<String, Value>) -> Result<()> {
        for field in &self.fields {
            if let Some(value) = values.get(&field.key).filter(|v| !v.is_null()) {
                field.accept(value)?;
            }
        }
        Ok(())
    }

    /// The field of this key or label, whatever its case.
    pub fn named(&self, name: &str) -> Option<&Field> {
        let name = name.to_lowercase();
        self.fields.iter().find(|f| f.key == name || f.label.to_lowercase() == name)
    }
}

/// What can be chosen, trimmed; nothing where nothing is.
fn choices(field: &Field) -> Result<Vec<String>> {
    if field.kind != FieldKind::Choice {
        return Ok(Vec::new());
    }
    let mut all: Vec<String> = Vec::new();
    for choice in &field.choices {
        match text("choices", Some(choice.clone()), 100)? {
            Some(choice) if !all.contains(&choice) => all.push(choice),
            _ => {}
        }
    }
    if all.is_empty() || all.len() > MOST_CHOICES {
        return Err(Error::Invalid(format!("choices: 1 to {MOST_CHOICES} for '{}'", field.key)));
    }
    Ok(all)
}

/// The one way to write a date, if it is one of four-digit years.
fn date(text: &str) -> Option<String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|d| (0..=9999).contains(&d.year()))?;
    Some(date.format("%Y-%m-%d").to_string())
}

impl Field {
    fn accept(&self, value: &Value) -> Result<()> {
        let said = value.as_str();
        let (is_good, wanted) = match self.kind {
            FieldKind::Text => (said.is_some_and(|t| t.chars().count() <= TEXT_LIMIT), "a text"),
            FieldKind::Number => (value.is_number(), "a number"),
            FieldKind::Date => (said.is_some_and(|t| date(t).as_deref() == Some(t)), "a date like 2026-03-02"),
            FieldKind::Choice => (said.is_some_and(|t| self.choices.iter().any(|c| c == t)), "one of the choices"),
        };
        if is_good { Ok(()) } else { Err(Error::Invalid(format!("custom_fields: '{}' takes {wanted}", self.label))) }
    }

    /// What a cell of a table says in this field, if it can be told.
    pub fn read(&self, cell: &str) -> Value {
        match self.kind {
            FieldKind::Number => cell.parse::<serde_json::Number>().map_or_else(|_| json!(cell), Value::Number),
            FieldKind::Date => json!(date(&cell.replace(['/', '.'], "-")).unwrap_or_else(|| cell.into())),
            FieldKind::Choice => {
                json!(self.choices.iter().find(|c| c.to_lowercase() == cell.to_lowercase()).map_or(cell, |c| c))
            }
            FieldKind::Text => json!(cell),
        }
    }
}

/// The fields that there are.
pub async fn load(c: Conn<'_>, org: OrgId) -> Result<Fields> {
    Ok(staff::find_config(c, org, KEY).await?.and_then(|v| serde_json::from_value(v.0).ok()).unwrap_or_default())
}

/// Sets which fields there are. What stands in one that is left out stays with the customers, and is shown no more.
pub async fn save(app: &App, by: &By, mut new: Fields) -> Result<Fields> {
    new.check()?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = load(tx.conn(), by.org).await?;
    staff::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&new)?, by.user, now).await?;
    let changes = difference(Some(&before), Some(&new));
    audit(tx.conn(), now, by, "customer_fields.edit", ("organization", by.org.0), changes).await?;
    tx.commit().await?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(key: &str, kind: FieldKind, choices: &[&str]) -> Field {
        let choices = choices.iter().map(|c| (*c).to_string()).collect();
        Field { key: key.into(), label: format!("The {key}"), kind, choices }
    }

    #[test]
    fn a_value_must_be_of_its_fields_kind() {
        let fields = Fields {
            fields: vec![
                field("size", FieldKind::Number, &[]),
                field("since", FieldKind::Date, &[]),
                field("plan", FieldKind::Choice, &["Basic", "Pro"]),
                field("note", FieldKind::Text, &[]),
            ],
        };
        let accepts = |values: Value| fields.accept(values.as_object().unwrap()).is_ok();
        assert!(accepts(json!({"size": 38.5, "since": "2026-02-28", "plan": "Pro", "note": "x", "other": [1]})));
        assert!(accepts(json!({"size": null})));
        for wrong in [
            json!({"size": "38"}),
            json!({"since": "2026-02-30"}),
            json!({"since": "2026-2-3"}),
            json!({"since": "+12345-06-07"}),
            json!({"plan": "pro"}),
            json!({"note": 1}),
        ] {
            assert!(!accepts(wrong.clone()), "{wrong}");
        }
        let read = |name: &str, cell: &str| fields.named(name).unwrap().read(cell);
        assert_eq!(read("The SIZE", "38"), json!(38));
        for cell in ["2026/02/28", "2026.2.28", "2026-02-28"] {
            assert_eq!(read("since", cell), json!("2026-02-28"));
        }
        assert_eq!(read("since", "28.2."), json!("28.2."));
        assert_eq!(read("plan", "PRO"), json!("Pro"));
    }

    #[test]
    fn keys_are_words_for_programs_and_stand_once() {
        let check = |fields: Vec<Field>| Fields { fields }.check().is_ok();
        assert!(check(vec![field("a_1", FieldKind::Text, &["dropped"])]));
        for key in ["", "1a", "A", "a b", "尺码"] {
            assert!(!check(vec![field(key, FieldKind::Text, &[])]), "{key}");
        }
        assert!(!check(vec![field("a", FieldKind::Text, &[]), field("a", FieldKind::Number, &[])]));
        assert!(!check(vec![field("a", FieldKind::Choice, &[" "])]));
        for taken in ["Company", "备注"] {
            assert!(!check(vec![Field { label: taken.into(), ..field("a", FieldKind::Text, &[]) }]), "{taken}");
        }
        assert!(!check(vec![field("score", FieldKind::Number, &[])]));
    }
}
