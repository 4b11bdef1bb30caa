//! Canned replies: texts that agents send again and again.

use serde::Deserialize;
use utoipa::ToSchema;

use super::store::canned as store;
pub use super::store::canned::CannedReply;
use crate::{
    app::{App, CannedReplyId},
    platform::{Error, Result, language::Language},
    staff::{By, audit, difference},
};

/// A canned reply as it is written.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCannedReply {
    /// What is typed after `/`: letters, digits, `-` and `_`, in any script.
    pub shortcut: String,
    /// `{{customer}}`, `{{agent}}` and `{{company}}` stand for names.
    pub content: String,
    pub language: Option<Language>,
}

impl NewCannedReply {
    fn checked(&self) -> Result<(String, String)> {
        let shortcut = self.shortcut.trim().trim_start_matches('/').to_lowercase();
        let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if shortcut.is_empty() || shortcut.chars().count() > 40 || !shortcut.chars().all(fits) {
            return Err(Error::Invalid("shortcut: 1 to 40 letters, digits, - or _".into()));
        }
        let content = self.content.trim();
        if content.is_empty() || content.chars().count() > 5000 {
            return Err(Error::Invalid("content: 1 to 5000 characters".into()));
        }
        Ok((shortcut, content.to_string()))
    }
}

/// Adds a canned reply, or changes the one with `id`.
pub async fn save(app: &App, by: &By, id: Option<CannedReplyId>, new: &NewCannedReply) -> Result<CannedReply> {
    let (shortcut, content) = new.checked()?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = match id {
        Some(id) => Some(store::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("canned reply"))?),
        None => None,
    };
    let reply = CannedReply {
        id: id.unwrap_or_else(CannedReplyId::new),
        org_id: by.org,
        shortcut,
        content,
        language: new.language,
        created_by: before.as_ref().map_or(by.user, |b| b.created_by),
        created_at: before.as_ref().map_or(now, |b| b.created_at),
        updated_at: now,
    };
    if !store::save(tx.conn(), &reply).await? {
        return Err(Error::Conflict("another canned reply has this shortcut".into()));
    }
    let action = if before.is_some() { "canned_reply.edit" } else { "canned_reply.add" };
    let changes = difference(before.as_ref(), Some(&reply));
    audit(tx.conn(), now, by, action, ("canned_reply", reply.id.0), changes).await?;
    tx.commit().await?;
    Ok(reply)
}

/// Removes a canned reply.
pub async fn remove(app: &App, by: &By, id: CannedReplyId) -> Result<()> {
    let mut tx = app.begin().await?;
    let before = store::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("canned reply"))?;
    store::delete(tx.conn(), by.org, id).await?;
    let changes = difference(Some(&before), None);
    audit(tx.conn(), app.now(), by, "canned_reply.remove", ("canned_reply", id.0), changes).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(shortcut: &str, content: &str) -> Result<(String, String)> {
        NewCannedReply { shortcut: shortcut.into(), content: content.into(), language: None }.checked()
    }

    #[test]
    fn a_shortcut_is_one_word_in_any_script() {
        assert_eq!(written("/Hello ", " Hi! ").unwrap(), ("hello".into(), "Hi!".into()));
        assert_eq!(written("退货", "好的").unwrap().0, "退货");
        assert!(written("two words", "x").is_err());
        assert!(written("", "x").is_err());
        assert!(written("x", "  ").is_err());
    }
}
