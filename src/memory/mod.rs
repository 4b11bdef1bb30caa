//! What we remember of one customer: learn, fade, correct, recall, forget.
//!
//! The rows are the truth; the index holds ids and filter fields. Whatever the index says, a row is loaded by
//! organisation, customer and id together.

pub mod api;
mod chinese;
mod correct;
mod english;
mod extract;
mod fade;
mod forget;
mod gate;
mod hand;
mod index;
mod join;
mod keep;
mod kind;
mod learn;
mod lexicon;
mod rank;
mod read;
mod recall;
mod shared;
mod sheet;
mod still;
mod store;
pub mod strength;
mod supersede;
pub mod times;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use fade::{fade, used};
pub use forget::{clear, erase, export, forget};
pub use hand::{Earlier, Handed, Remark, Said, being_erased, hand};
pub use index::{bring, reconcile};
pub use join::{join, part};
pub use keep::{New, keep};
pub use kind::{Category, Kind, Slot};
pub use learn::{learn, reread};
pub use rank::Before;
pub use read::{Fact, Writer, characters, endings, facts, is_secret, prepare};
pub use recall::{Asker, Query, Recalled, lines, recall};
pub use still::to_confirm;
pub use store::believed;

use crate::{
    app::{CustomerId, IdentityId, MemoryId, MessageId, OrgId, UserId},
    platform::language::Language,
};

/// How long a memory is meant to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MemoryType)]
pub enum Term {
    /// Said once, or of the day.
    ShortTerm,
    /// Who the customer is, or what came up again.
    LongTerm,
    /// The organisation's own, of no one customer.
    Shared,
}

/// Whether a memory is recalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MemoryStatus)]
pub enum Status {
    Active,
    /// A newer one took its place: it held from `valid_from` to `valid_until`.
    Superseded,
    /// The customer or an agent said that it is wrong.
    Retracted,
    /// Spent, or over the budget: kept until retention ends, not recalled.
    Archived,
    /// A shared one that waits for approval.
    Proposed,
}

/// One thing we remember.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Memory {
    pub id: MemoryId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub customer_id: Option<CustomerId>,
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub term: Term,
    pub kind: Kind,
    pub category: Option<Category>,
    /// In words, as the assistant and agents read it.
    pub content: String,
    /// The sentence it was read from.
    pub summary: Option<String>,
    /// The value alone, as it was said.
    pub value: Option<String>,
    #[serde(skip)]
    pub slot: Option<String>,
    #[serde(skip)]
    pub seq: i64,
    /// Who said it, where that is not the customer.
    pub speaker: Option<String>,
    pub status: Status,
    pub language: Option<Language>,
    /// 0 to 1.
    pub importance: f64,
    /// What a day leaves of its strength.
    pub decay_factor: f64,
    /// Days after which nine tenths of its strength are left.
    pub stability: f64,
    #[serde(skip)]
    pub information: f64,
    #[schema(value_type = Vec<String>)]
    pub tags: Json<Vec<String>>,
    pub is_pinned: bool,
    pub use_count: i64,
    /// `conversation`, `manual` or `ai_analysis`.
    pub source_type: Option<String>,
    pub source_id: Option<Uuid>,
    /// The message it was read from, and the characters of its value there.
    pub message_id: Option<MessageId>,
    #[serde(skip)]
    pub identity_id: Option<IdentityId>,
    pub span_start: Option<i64>,
    pub span_end: Option<i64>,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
    /// The days it speaks of.
    pub about_from: Option<DateTime<Utc>>,
    pub about_until: Option<DateTime<Utc>>,
    pub superseded_by: Option<MemoryId>,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
    /// When the customer said it again; `None`: once.
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_accessed_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl Memory {
    fn state(&self) -> strength::State {
        strength::State {
            importance: self.importance,
            stability: self.stability,
            last_used_at: self.last_accessed_at,
            is_pinned: self.is_pinned,
        }
    }

    /// How strongly it stands at `now`: 0 to 1. A promise does not fade before it is kept.
    pub fn strength(&self, now: DateTime<Utc>) -> f64 {
        if self.kind == Kind::Promise { self.importance } else { self.state().strength(now) }
    }

    /// Whether it may have changed since the customer said it last: the assistant asks before it acts on it. A promise
    /// that was due long ago may have been kept.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        let said = self.valid_from.unwrap_or(self.created_at);
        let is_old = |since: DateTime<Utc>, days: i64| (now - since).num_days() >= days;
        match self.kind {
            Kind::Promise => is_old(self.about_until.unwrap_or(said), OVERDUE_AFTER_DAYS),
            kind => kind.goes_stale() && !self.is_pinned && is_old(self.confirmed_at.unwrap_or(said), STALE_AFTER_DAYS),
        }
    }

    /// The days it speaks of, or the one on which it was said.
    fn days(&self) -> (NaiveDate, NaiveDate) {
        let said = self.valid_from.unwrap_or(self.created_at);
        let from = self.about_from.unwrap_or(said);
        (from.date_naive(), self.about_until.unwrap_or(from).date_naive())
    }
}

/// From this age on what changes in people's lives is asked again.
const STALE_AFTER_DAYS: i64 = 180;
/// So long after it was due a promise may have been kept without anybody saying so.
const OVERDUE_AFTER_DAYS: i64 = 30;
