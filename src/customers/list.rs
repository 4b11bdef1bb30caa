//! Customers found again: by id, and by what is sought.

use super::{Customer, Identity, Stage, Tag, contact::seen, phone, store};
use crate::{
    app::{App, CustomerId, TagId, UserId},
    platform::{
        Error, Result,
        db::holding,
        http::{Cursor, Page},
    },
    staff::{By, CustomerSeePhone},
};

/// Which customers; what is absent doesn't matter.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    pub search: Option<String>,
    pub stage: Option<Stage>,
    pub tag: Option<TagId>,
    pub owner: Option<UserId>,
}

/// What `search` looks for: patterns for LIKE, in lower case, `!` being the escape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patterns {
    pub text: Option<String>,
    /// Only when the search looks like a number, and only for who may see numbers.
    pub number: Option<String>,
}

impl Patterns {
    fn of(search: Option<&str>, may_see_phones: bool) -> Self {
        let text = search.map(str::trim).filter(|t| !t.is_empty());
        let number = text.map(phone::normalised).map(|n| n.trim_start_matches('+').to_string());
        let number = number.filter(|n| may_see_phones && n.len() >= 3 && n.bytes().all(|b| b.is_ascii_digit()));
        Self { text: text.map(holding), number: number.map(|n| format!("%{n}%")) }
    }
}

/// A page of the customers the asker may see, the newest first, with their tags.
pub async fn list(app: &App, by: &By, sought: Sought, after: Cursor, limit: i64) -> Result<Page<(Customer, Vec<Tag>)>> {
    let patterns = Patterns::of(sought.search.as_deref(), by.may::<CustomerSeePhone>());
    let mut reader = app.read().await?;
    let rows = store::list(reader.conn(), by.org, by.visible(), &sought, &patterns, after, limit + 1).await?;
    let page = Page::of(rows, limit, |c| Cursor { at: c.created_at, id: c.id.0 });
    let ids: Vec<CustomerId> = page.items.iter().map(|c| c.id).collect();
    let mut tags = store::tags_of(reader.conn(), by.org, &ids, app.now()).await?;
    Ok(page.map(|customer| {
        let tags = tags.remove(&customer.id).unwrap_or_default();
        (customer, tags)
    }))
}

/// A customer with their tags.
pub async fn find(app: &App, by: &By, id: CustomerId) -> Result<(Customer, Vec<Tag>)> {
    let mut reader = app.read().await?;
    let customer =
        store::find_visible(reader.conn(), by.org, id, by.visible()).await?.ok_or(Error::NotFound("customer"))?;
    let mut tags = store::tags_of(reader.conn(), by.org, &[id], app.now()).await?;
    Ok((customer, tags.remove(&id).unwrap_or_default()))
}

/// The accounts of a customer.
pub async fn identities(app: &App, by: &By, id: CustomerId) -> Result<Vec<Identity>> {
    let mut reader = app.read().await?;
    seen(reader.conn(), by, id).await?;
    store::list_identities(reader.conn(), by.org, id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_sought_only_by_who_may_see_them() {
        let found = Patterns::of(Some(" 138 0013 8000 "), true);
        assert_eq!(found.number.as_deref(), Some("%8613800138000%"));
        assert_eq!(Patterns::of(Some("8000"), true).number.as_deref(), Some("%8000%"));
        assert_eq!(Patterns::of(Some("8000"), false).number, None);
        assert_eq!(Patterns::of(Some("50%_Off!"), true).text.as_deref(), Some("%50!%!_off!!%"));
        assert_eq!(Patterns::of(Some("  "), true), Patterns { text: None, number: None });
    }
}
