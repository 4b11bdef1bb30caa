//! Deals and the pipelines they move through.

pub mod api;
mod deal;
mod export;
mod join;
mod pipeline;
mod store;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

pub use export::export;
pub use join::{join, part};

use crate::app::{CustomerId, DealId, OrgId, PipelineId, StageId, UserId};

/// The way deals go, stage by stage.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Pipeline {
    pub id: PipelineId,
    pub name: String,
    /// Where deals begin when no pipeline is named.
    pub is_default: bool,
    /// In their order.
    #[sqlx(skip)]
    pub stages: Vec<Stage>,
    pub created_at: DateTime<Utc>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
#[schema(as = DealStage)]
pub struct Stage {
    pub id: StageId,
    pub pipeline_id: PipelineId,
    /// A word for programs, like `proposal`.
    pub key: String,
    pub name: String,
    pub position: i32,
    /// How many of a hundred deals here are won.
    pub probability: i32,
    pub kind: StageKind,
}

/// Whether a deal goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum StageKind {
    Open,
    Won,
    Lost,
}

/// A possible sale.
#[derive(Debug, Clone, PartialEq, FromRow, Serialize, ToSchema)]
pub struct Deal {
    pub id: DealId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub customer_id: CustomerId,
    pub pipeline_id: PipelineId,
    pub stage_id: StageId,
    /// The stage's key.
    pub stage: String,
    /// Whether it goes on.
    pub status: StageKind,
    pub title: String,
    /// In minor units of `currency` (cents, fen).
    pub amount: Option<i64>,
    /// As in ISO 4217.
    pub currency: String,
    /// How many of a hundred such deals are won: the stage's, unless set.
    pub probability: i32,
    pub expected_close_date: Option<NaiveDate>,
    pub actual_close_date: Option<NaiveDate>,
    pub owner_id: Option<UserId>,
    #[schema(value_type = Vec<Object>)]
    pub products: Json<Vec<Value>>,
    #[schema(value_type = Vec<String>)]
    pub competitors: Json<Vec<String>>,
    pub loss_reason: Option<String>,
    pub notes: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What the deals of a stage come to, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize, ToSchema)]
pub struct StageTotal {
    pub stage_id: StageId,
    pub stage: String,
    pub status: StageKind,
    pub currency: String,
    pub deals: i64,
    /// In minor units.
    pub amount: i64,
    /// Each amount times its deal's probability, in minor units.
    pub weighted_amount: i64,
}
