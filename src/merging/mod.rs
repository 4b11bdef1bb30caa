//! Two customers who are one person become one, by each feature's own verb, and are taken apart again.
//!
//! The merged customer's row stays and points to the survivor; what hangs on it moves. The ids of what moved are kept, so
//! that exactly that goes back, with what was said on its accounts since.

pub mod api;
mod erase;
mod merge;
mod profile;
mod settle;
mod store;
mod undo;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

pub use erase::{apart, erase};
pub use settle::settle;

use crate::{
    app::{ConversationId, CustomerId, DealId, MemoryId, MergeId, OrgId, UserId},
    customers,
};

/// One customer that was merged into another.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Merge {
    pub id: MergeId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub from_id: CustomerId,
    pub into_id: CustomerId,
    #[serde(skip)]
    pub moved: Json<Moved>,
    /// What the survivor took over: `{"field": [before, after]}`.
    #[serde(skip)]
    pub filled: Json<Map<String, Value>>,
    pub merged_by: Option<UserId>,
    pub merged_at: DateTime<Utc>,
    pub undone_by: Option<UserId>,
    pub undone_at: Option<DateTime<Utc>>,
    /// When one of the two was erased: from then on it can't be undone.
    pub erased_at: Option<DateTime<Utc>>,
}

/// The ids of what moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    #[serde(flatten)]
    pub person: customers::Moved,
    pub deals: Vec<DealId>,
    pub conversations: Vec<ConversationId>,
    pub memories: Vec<MemoryId>,
}

impl Moved {
    fn extend(&mut self, later: Self) {
        self.person.extend(later.person);
        self.deals.extend(later.deals);
        self.conversations.extend(later.conversations);
        self.memories.extend(later.memories);
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn count(&self) -> Counts {
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        Counts {
            identities: count(self.person.identities.len()),
            contacts: count(self.person.contacts.len()),
            activities: count(self.person.activities.len()),
            tags: count(self.person.tags.len()),
            deals: count(self.deals.len()),
            conversations: count(self.conversations.len()),
            memories: count(self.memories.len()),
        }
    }
}

/// How much of what hangs on a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = MergeCounts)]
pub struct Counts {
    pub identities: i64,
    pub contacts: i64,
    pub activities: i64,
    pub tags: i64,
    pub deals: i64,
    pub conversations: i64,
    pub memories: i64,
}
