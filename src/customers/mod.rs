//! The people who write to us: identities, contacts, tags, notes and their timeline.

pub mod api;
mod contact;
mod edit;
mod export;
mod field;
mod find;
mod import;
mod join;
mod list;
pub mod phone;
mod store;
mod tag;
mod timeline;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use export::{Person, export};
pub use find::{Reached, add_address, find_or_create};
pub use join::{Moved, fill, is_stand_in, join, lock_two, part};
pub use store::join::{list_merged, point, unpoint};
pub use store::{
    Erased, activity, erase, find, find_identity, find_visible, identity, list_identities, lock, lock_identity,
    set_avatar, shows_avatar,
};

use crate::{
    app::{ChannelId, ContactId, CustomerId, IdentityId, OrgId, TagId, UserId},
    staff::{By, CustomerSeePhone},
};

/// A person, or a company with several.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Customer {
    pub id: CustomerId,
    #[serde(skip)]
    pub org_id: OrgId,
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: Kind,
    pub name: String,
    pub avatar_url: Option<String>,
    /// In E.164 when it can be told; masked without `customer:see_phone`.
    pub phone: Option<String>,
    pub wechat_id: Option<String>,
    pub dingtalk_id: Option<String>,
    pub email: Option<String>,
    /// The language to write in, like `zh`; told from their messages when not set.
    pub language: Option<String>,
    pub company_name: Option<String>,
    pub company_credit_code: Option<String>,
    pub company_industry: Option<String>,
    pub company_size: Option<String>,
    pub company_website: Option<String>,
    pub company_address: Option<String>,
    /// In minor units of `company_revenue_currency`.
    pub company_revenue: Option<i64>,
    pub company_revenue_currency: Option<String>,
    pub gender: Option<String>,
    pub age_range: Option<String>,
    pub region_province: Option<String>,
    pub region_city: Option<String>,
    pub stage: Stage,
    pub stage_changed_at: Option<DateTime<Utc>>,
    pub score: i32,
    pub owner_id: Option<UserId>,
    pub remark: Option<String>,
    #[schema(value_type = Object)]
    pub custom_fields: Json<Map<String, Value>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The customer they were merged into: who they are now.
    pub merged_into: Option<CustomerId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CustomerKind)]
pub enum Kind {
    Individual,
    Enterprise,
}

/// How far the acquaintance has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = CustomerStage)]
pub enum Stage {
    Potential,
    Interested,
    Opportunity,
    Closed,
    Repeat,
    Lost,
}

impl Customer {
    /// A new one of whom only the name is known.
    pub fn named(org: OrgId, name: String, now: DateTime<Utc>) -> Self {
        Self {
            id: CustomerId::new(),
            org_id: org,
            kind: Kind::Individual,
            name,
            avatar_url: None,
            phone: None,
            wechat_id: None,
            dingtalk_id: None,
            email: None,
            language: None,
            company_name: None,
            company_credit_code: None,
            company_industry: None,
            company_size: None,
            company_website: None,
            company_address: None,
            company_revenue: None,
            company_revenue_currency: None,
            gender: None,
            age_range: None,
            region_province: None,
            region_city: None,
            stage: Stage::Potential,
            stage_changed_at: None,
            score: 0,
            owner_id: None,
            remark: None,
            custom_fields: Json(Map::new()),
            created_at: now,
            updated_at: now,
            merged_into: None,
        }
    }

    /// As this principal may see it.
    #[must_use]
    pub fn shown_to(mut self, by: &By) -> Self {
        hide_phone(by, &mut self.phone);
        self
    }
}

fn hide_phone(by: &By, number: &mut Option<String>) {
    if !by.may::<CustomerSeePhone>()
        && let Some(text) = number
    {
        *text = phone::masked(text);
    }
}

/// How we reach a customer: an account on a channel.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct Identity {
    pub id: IdentityId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub channel_id: ChannelId,
    /// What `external_id` is: `visitor`, `phone`, `openid` …
    pub kind: String,
    /// The channel's own name for them; masked without `customer:see_phone` when it is a phone number.
    pub external_id: String,
    pub customer_id: CustomerId,
    pub contact_id: Option<ContactId>,
    pub display_name: Option<String>,
    pub verified_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    /// Whose it was before merges.
    #[serde(skip)]
    pub first_customer_id: Option<CustomerId>,
}

impl Identity {
    /// Whether two accounts were the same customer's before any merge.
    pub fn is_beside(&self, other: &Self) -> bool {
        let first = |i: &Self| i.first_customer_id.unwrap_or(i.customer_id);
        first(self) == first(other)
    }

    /// As this principal may see it.
    #[must_use]
    pub fn shown_to(mut self, by: &By) -> Self {
        if !by.may::<CustomerSeePhone>() && phone::from_account(&self.external_id).is_some() {
            self.external_id = phone::masked(&self.external_id);
        }
        self
    }
}

/// A person at a customer.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct Contact {
    pub id: ContactId,
    pub customer_id: CustomerId,
    pub name: String,
    /// Their position.
    pub title: Option<String>,
    /// Their part in a decision: `decision_maker`, `influencer`, `user`, `other`.
    pub role: Option<String>,
    pub phone: Option<String>,
    pub wechat_id: Option<String>,
    pub email: Option<String>,
    pub is_primary: bool,
    pub created_at: DateTime<Utc>,
}

impl Contact {
    /// As this principal may see it.
    #[must_use]
    pub fn shown_to(mut self, by: &By) -> Self {
        hide_phone(by, &mut self.phone);
        self
    }
}

/// A word customers are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
    /// As in `#2f80ed`.
    pub color: String,
    /// `source`, `behavior`, `value`, `stage`, `need` or `custom`.
    pub category: Option<String>,
    pub created_at: DateTime<Utc>,
}

/// An entry of a customer's timeline.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Activity {
    pub id: Uuid,
    pub customer_id: CustomerId,
    /// Who did it, when a user did.
    pub user_id: Option<UserId>,
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: ActivityKind,
    pub title: Option<String>,
    pub description: Option<String>,
    #[schema(value_type = Object)]
    pub metadata: Json<Value>,
    pub created_at: DateTime<Utc>,
}

/// What the timeline tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ActivityKind {
    Created,
    StageChange,
    TagChange,
    NoteAdded,
    OwnerChange,
    /// Another customer was merged into this one, or this one into another.
    Merged,
    /// That was undone.
    MergeUndone,
    ScoreChange,
    DealCreated,
    DealChanged,
    DealMoved,
    DealWon,
    DealLost,
    ConversationStarted,
    HandedOff,
    ConversationResolved,
    EmailSent,
    CallMade,
    Meeting,
    Custom,
}

/// An entry to write on a timeline with [`activity`].
#[derive(Debug, Clone)]
pub struct NewActivity {
    pub user: Option<UserId>,
    pub kind: ActivityKind,
    pub title: Option<String>,
    pub description: Option<String>,
    pub metadata: Value,
}

impl NewActivity {
    /// With nothing but what the kind says.
    pub fn of(kind: ActivityKind, user: Option<UserId>) -> Self {
        Self { user, kind, title: None, description: None, metadata: Value::Object(Map::new()) }
    }

    /// With details for programs and the console.
    #[must_use]
    pub fn with(mut self, metadata: Value) -> Self {
        self.metadata = metadata;
        self
    }

    /// With what it is about, in words.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }
}
