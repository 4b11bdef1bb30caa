//! API keys: for programs, with the permissions they are given.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

use super::{
    audit,
    permission::{ALL, Scope},
    principal::{API_KEY_PREFIX, By},
    store,
};
use crate::{
    app::{ApiKeyId, App, UserId},
    platform::{Error, Result, crypto},
};

/// How many requests a minute a key may make when nobody says otherwise.
const PER_MINUTE: i32 = 600;
/// The most that can be allowed.
const MOST_PER_MINUTE: i32 = 60_000;

/// A key as it is listed: never the key itself.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// How the key begins, to recognise it by.
    pub prefix: String,
    #[schema(value_type = Vec<String>)]
    pub scopes: Json<Vec<String>>,
    /// How many requests a minute it may make, of each process.
    pub per_minute: i32,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    pub name: String,
    /// What it may do, like `customer:read`: nothing that the asker may not.
    pub scopes: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
    /// How many requests a minute it may make; by default 600.
    pub per_minute: Option<i32>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeApiKey {
    /// Shown here only: send it as `Authorization: Bearer fd_…`.
    pub key: String,
    #[serde(flatten)]
    pub about: ApiKey,
}

/// Makes a key.
pub async fn make(app: &App, by: &By, new: NewApiKey) -> Result<MadeApiKey> {
    let now = app.now();
    let name = super::user::name(&new.name)?;
    let mut scopes = new.scopes;
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(Error::Invalid("scopes: say what the key may do, like customer:read".into()));
    }
    for scope in &scopes {
        if !ALL.contains(&scope.as_str()) {
            return Err(Error::Invalid(format!("scopes: there is no permission '{scope}'")));
        }
        // A key reaches the whole organisation: who sees only a part can't make one that sees all.
        if by.reach(scope) != Some(Scope::Org) {
            return Err(Error::Forbidden);
        }
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::Invalid("expires_at: lies in the past".into()));
    }
    let per_minute = new.per_minute.unwrap_or(PER_MINUTE);
    if !(1..=MOST_PER_MINUTE).contains(&per_minute) {
        return Err(Error::Invalid(format!("per_minute: 1 to {MOST_PER_MINUTE}")));
    }
    let key = format!("{API_KEY_PREFIX}{}", crypto::token());
    let about = ApiKey {
        id: ApiKeyId::new(),
        name,
        prefix: key.chars().take(9).collect(),
        scopes: Json(scopes),
        per_minute,
        created_by: by.user,
        created_at: now,
        last_used_at: None,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    let mut tx = app.begin().await?;
    store::insert_api_key(tx.conn(), by.org, &about, &crypto::sha256_hex(key.as_bytes())).await?;
    let told = json!({"name": [null, about.name], "scopes": [null, about.scopes.0], "per_minute": [null, per_minute]});
    audit(tx.conn(), now, by, "api_key.create", ("api_key", about.id.0), told).await?;
    tx.commit().await?;
    Ok(MadeApiKey { key, about })
}

/// Every key of the organisation, the newest first.
pub async fn list(app: &App, by: &By) -> Result<Vec<ApiKey>> {
    store::list_api_keys(app.read().await?.conn(), by.org).await
}

/// Ends a key for good. Safe to repeat.
pub async fn revoke(app: &App, by: &By, id: ApiKeyId) -> Result<()> {
    let mut tx = app.begin().await?;
    if !store::revoke_api_key(tx.conn(), by.org, id, app.now()).await? {
        return Err(Error::NotFound("API key"));
    }
    audit(tx.conn(), app.now(), by, "api_key.revoke", ("api_key", id.0), json!({})).await?;
    tx.commit().await
}
