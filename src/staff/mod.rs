//! Users who sign in: roles, permissions, sessions, API keys, and the extractors that say who may call a handler.

pub mod api;
mod audit;
mod chain;
mod forgotten;
mod heads;
mod key;
mod link;
mod mail_server;
mod notify;
mod organisation;
mod own_role;
mod password;
pub mod permission;
mod presence;
mod principal;
mod provider;
mod refresh;
mod role;
mod second_factor;
mod sign_in;
mod store;
mod team;
mod user;
mod visit;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use sqlx::{FromRow, types::Json};

pub use audit::{Audited, audit, difference};
pub use chain::{Broken, Fault, Verified, erase_about, seal_all, verify};
pub use heads::FILE as HEADS_FILE;
pub use key::ApiKey;
pub use link::{FirstStart, first_start};
pub use mail_server::{MailServer, mail_server};
pub use notify::{Audience, News, Notification, notify, tell};
pub use organisation::{ensure_org, find_org, is_default_org, remove_org};
pub use permission::*;
pub use presence::{HERE_FOR, NOTED_EVERY, still_here};
pub use principal::{Actor, By, COOKIE, Can, Rights, Visible};
pub use role::{ADMIN, ROLES, SUPER_ADMIN};
pub use store::{
    active_names, find_config, find_org_by_id, is_member, is_team, lock_config, lock_org, mail_wishes, name_of,
    save_config, sweep, teams_of_users, users_who_may,
};
pub use team::Team;
pub use user::{Added, NewUser, User, UserChange, UserStatus, add as add_user};

use crate::app::{ApiKeyId, OrgId, SessionId, UserId};

/// The organisation that `serve` uses.
pub const DEFAULT_ORG: &str = "default";
/// The organisation of the demo company.
pub const DEMO_ORG: &str = "demo";
/// How long a session lasts without being used.
pub const SESSION_LIFETIME: Duration = Duration::days(14);

/// A tenant.
#[derive(Debug, Clone, FromRow, Serialize, utoipa::ToSchema)]
pub struct Organisation {
    pub id: OrgId,
    pub slug: String,
    pub name: String,
}

/// A session as far as a request needs it.
#[derive(Debug, Clone, FromRow)]
pub struct Session {
    pub id: SessionId,
    pub org_id: OrgId,
    pub user_id: UserId,
    pub last_used_at: DateTime<Utc>,
    /// The organisation wants a second factor of everybody, and this user has none yet.
    pub owes_factor: bool,
}

/// A session as its user sees it.
#[derive(Debug, Clone, FromRow, Serialize, utoipa::ToSchema)]
pub struct OpenSession {
    pub id: SessionId,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Whether the request that asks came by it.
    #[sqlx(default)]
    pub is_this: bool,
}

/// An API key as far as a request needs it.
#[derive(Debug, Clone, FromRow)]
struct KeyInUse {
    id: ApiKeyId,
    org_id: OrgId,
    scopes: Json<Vec<String>>,
    per_minute: i32,
    last_used_at: Option<DateTime<Utc>>,
}
