//! Who changed what, from where: written in the transaction of the change, never altered.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{CustomerSeePhone, principal::By, store};
use crate::{
    app::{App, UserId},
    platform::{
        Result,
        db::{Conn, beginning, holding},
        http::{Cursor, Page},
    },
};

/// A line of the audit log.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Audited {
    pub id: Uuid,
    pub user_id: Option<UserId>,
    /// `user`, `api_key:…`, `command_line`, `assistant` or `system`.
    pub actor: String,
    /// Like `customer.edit`.
    pub action: String,
    pub resource_type: Option<String>,
    pub resource_id: Option<Uuid>,
    /// `{"field": [before, after]}`.
    #[schema(value_type = Object)]
    pub changes: Json<Value>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// Which lines to list; what is absent doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    pub user: Option<UserId>,
    pub resource: Option<Uuid>,
    /// How the action begins: `customer` finds all that was done to customers.
    pub action: Option<String>,
    pub from: Option<DateTime<Utc>>,
    /// Before this.
    pub to: Option<DateTime<Utc>>,
    /// Stands in the action, in what changed, or in where it came from.
    pub text: Option<String>,
}

/// What `action` and `text` of [`Sought`] look for: patterns for LIKE.
#[derive(Debug)]
pub(super) struct Patterns {
    pub action: Option<String>,
    pub text: Option<String>,
    /// Whether what changed is searched too: who may not see phone numbers shall not find them by guessing either.
    pub in_changes: bool,
}

impl Patterns {
    fn of(by: &By, sought: &Sought) -> Self {
        let said = |text: &Option<String>| text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(String::from);
        Self {
            action: said(&sought.action).map(|t| beginning(&t)),
            text: said(&sought.text).map(|t| holding(&t)),
            in_changes: by.may::<CustomerSeePhone>(),
        }
    }
}

/// A page of the audit log, the newest first. Phone numbers stay hidden from who may not see them.
pub async fn list(app: &App, by: &By, sought: Sought, after: Cursor, limit: i64) -> Result<Page<Audited>> {
    let rows =
        store::list_audit(app.read().await?.conn(), by.org, &sought, &Patterns::of(by, &sought), after, limit + 1)
            .await?;
    let mut page = Page::of(rows, limit, |a| Cursor { at: a.created_at, id: a.id });
    if !by.may::<CustomerSeePhone>() {
        for line in &mut page.items {
            if let Some(phone) = line.changes.0.get_mut("phone") {
                *phone = json!("changed");
            }
        }
    }
    Ok(page)
}

/// Writes down that `by` did `action` (like `customer.edit`) to the resource of this type and id. `changes` comes from
/// [`difference`], or says what there is to say.
pub async fn audit(
    c: Conn<'_>,
    now: DateTime<Utc>,
    by: &By,
    action: &'static str,
    resource: (&'static str, Uuid),
    changes: Value,
) -> Result<()> {
    store::insert_audit(c, now, by, action, resource, &changes).await
}

/// What differs between two states of a thing: `{"name": ["old", "new"], …}`. A secret field (one whose name says
/// `hash`, `password`, `token` or `config`) shows only that it changed.
pub fn difference<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Value {
    let fields = |state: Option<&T>| match state.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let mut changes = Map::new();
    for key in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        if old == new || changes.contains_key(key) || key == "updated_at" {
            continue;
        }
        let is_secret = ["hash", "password", "token", "config"].iter().any(|word| key.contains(word));
        changes.insert(key.clone(), if is_secret { json!("changed") } else { json!([old, new]) });
    }
    Value::Object(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told_and_no_secret() {
        let before = json!({"name": "Ana", "stage": "potential", "password_hash": "a", "updated_at": 1});
        let after = json!({"name": "Ana", "stage": "closed", "password_hash": "b", "updated_at": 2});
        assert_eq!(
            difference(Some(&before), Some(&after)),
            json!({"stage": ["potential", "closed"], "password_hash": "changed"})
        );
        assert_eq!(difference(None, Some(&json!({"name": "Ana"}))), json!({"name": [null, "Ana"]}));
    }
}
