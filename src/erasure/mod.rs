//! Erases a customer everywhere, by each feature's own verb; keeps a ledger, gives a signed receipt, and applies the
//! ledger again to what an older backup brings back.

pub mod api;
mod erase;
mod ledger;
mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

pub use erase::{erase, is_under_way, order};
pub use ledger::apply;

use crate::{
    app::{App, CustomerId, OrgId},
    platform::crypto,
};

/// A line of the ledger: ids only. It outlives the customer.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Erasure {
    pub id: Uuid,
    #[serde(skip)]
    pub org_id: OrgId,
    pub customer_id: CustomerId,
    /// `customer`, `user`, `restore` …
    pub requested_by: String,
    pub requested_at: DateTime<Utc>,
    /// `None`: still to be done.
    pub erased_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<Receipt>)]
    pub receipt: Option<Json<Value>>,
    /// HMAC-SHA256 of the receipt, under a key made from the master key.
    pub signature: Option<String>,
}

/// What was removed, in rows; points for vectors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    pub customers: i64,
    pub identities: i64,
    pub contacts: i64,
    pub activities: i64,
    pub deals: i64,
    pub conversations: i64,
    pub messages: i64,
    pub traces: i64,
    pub raw_events: i64,
    pub memories: i64,
    pub vectors: i64,
    pub jobs: i64,
    pub notifications: i64,
    /// Lines of the audit log that stay without what they said.
    pub audit_lines_emptied: i64,
    /// What was told to integrators' webhooks. Left out of older receipts, and of the signed text when there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub webhook_deliveries: i64,
    /// Files that the customer sent or got; likewise.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attachments: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

impl Receipt {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, other: &Self) {
        self.customers += other.customers;
        self.identities += other.identities;
        self.contacts += other.contacts;
        self.activities += other.activities;
        self.deals += other.deals;
        self.conversations += other.conversations;
        self.messages += other.messages;
        self.traces += other.traces;
        self.raw_events += other.raw_events;
        self.memories += other.memories;
        self.vectors += other.vectors;
        self.jobs += other.jobs;
        self.notifications += other.notifications;
        self.audit_lines_emptied += other.audit_lines_emptied;
        self.webhook_deliveries += other.webhook_deliveries;
        self.attachments += other.attachments;
    }
}

impl Erasure {
    /// What is signed: who, when, what; with the same words on every database.
    fn signed_text(&self) -> String {
        let receipt: Receipt =
            self.receipt.as_ref().and_then(|r| serde_json::from_value(r.0.clone()).ok()).unwrap_or_default();
        let receipt = serde_json::to_string(&receipt).unwrap_or_default();
        let at = self.erased_at.map(|at| at.timestamp_micros()).unwrap_or_default();
        format!("frontdesk-erasure-1\n{}\n{}\n{}\n{at}\n{receipt}", self.id, self.org_id, self.customer_id)
    }

    fn sign(&self, app: &App) -> String {
        // A key of its own, so that no other use of the master key can make a receipt.
        let key = crypto::hmac_sha256_hex(app.key.expose().as_bytes(), b"erasure receipts");
        crypto::hmac_sha256_hex(key.as_bytes(), self.signed_text().as_bytes())
    }

    /// Whether this installation signed it, and nobody changed it since.
    pub fn is_genuine(&self, app: &App) -> bool {
        self.signature.as_deref().is_some_and(|signature| crypto::same(signature, &self.sign(app)))
    }
}
