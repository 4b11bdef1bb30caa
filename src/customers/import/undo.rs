//! An import undone: who came by it and was left alone since goes again.

use serde::Serialize;
use serde_json::json;
use sqlx::FromRow;
use utoipa::ToSchema;

use super::{Import, tell};
use crate::{
    app::{App, CustomerId, ImportId},
    customers::store::{self, import as rows},
    platform::{Error, Result},
    staff::{By, CustomerErase, CustomerRead, audit},
};

/// Why somebody stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CustomerKeptBecause)]
pub enum Why {
    /// Their data was changed.
    Changed,
    /// They wrote to us, or we to them.
    Talked,
    Deals,
    Contacts,
    Tags,
    /// Something stands on their timeline.
    Timeline,
    Memories,
    /// They were merged with somebody.
    Merged,
    /// They are somebody else's, whom the asker may not change.
    OutOfReach,
}

/// Who stays, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomerKept)]
pub struct Kept {
    /// Absent when the asker may not see them.
    pub customer_id: Option<CustomerId>,
    pub name: Option<String>,
    pub why: Vec<Why>,
}

/// What the undoing did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CustomerImportUndone)]
pub struct Undone {
    pub import: Import,
    /// How many were removed by this call.
    pub removed: i32,
    pub kept: Vec<Kept>,
}

/// What became of somebody since the import made them.
#[derive(Debug, FromRow)]
pub struct Since {
    pub id: CustomerId,
    pub name: String,
    pub is_changed: bool,
    pub has_talked: bool,
    pub has_deals: bool,
    pub has_contacts: bool,
    pub has_tags: bool,
    pub has_timeline: bool,
    pub has_memories: bool,
    pub is_merged: bool,
    pub is_within_reach: bool,
}

impl Since {
    fn why(&self) -> Vec<Why> {
        [
            (!self.is_within_reach, Why::OutOfReach),
            (self.is_merged, Why::Merged),
            (self.has_talked, Why::Talked),
            (self.has_deals, Why::Deals),
            (self.has_contacts, Why::Contacts),
            (self.has_tags, Why::Tags),
            (self.has_memories, Why::Memories),
            (self.is_changed, Why::Changed),
            (self.has_timeline, Why::Timeline),
        ]
        .into_iter()
        .filter_map(|(is_so, why)| is_so.then_some(why))
        .collect()
    }
}

/// Removes who was made by an import and is untouched since. Safe to repeat: who was kept is looked at again. Only who
/// imported, or who may erase customers, may do it.
pub async fn undo(app: &App, by: &By, id: ImportId) -> Result<Undone> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let mut import = rows::lock(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("import"))?;
    let is_own = by.user.is_some() && import.created_by == by.user;
    if !is_own && !by.may::<CustomerErase>() {
        return Err(Error::Forbidden);
    }
    let sight = by.under::<CustomerRead>().unwrap_or_else(|_| by.clone());
    rows::hold_made_by(tx.conn(), by.org, id).await?;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for since in rows::list_since(tx.conn(), by.org, id, by.visible()).await? {
        let why = since.why();
        if why.is_empty() {
            gone.push(since.id);
            continue;
        }
        let is_seen =
            since.is_within_reach || store::find_visible(tx.conn(), by.org, since.id, sight.visible()).await?.is_some();
        kept.push(Kept { customer_id: is_seen.then_some(since.id), name: is_seen.then_some(since.name), why });
    }
    rows::delete(tx.conn(), by.org, &gone).await?;
    let removed = i32::try_from(gone.len()).unwrap_or(i32::MAX);
    import.removed += removed;
    import.undone_by = by.user;
    import.undone_at = Some(now);
    rows::save(tx.conn(), &import).await?;
    let changes = json!({"removed": removed, "kept": kept.len()});
    audit(tx.conn(), now, by, "customer_import.undo", ("customer_import", id.0), changes).await?;
    tx.commit().await?;
    tell(app, by, gone.last()).await;
    Ok(Undone { import, removed, kept })
}
