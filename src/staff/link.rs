//! Links that work once, for a day: the first admin's set-up, invitations, forgotten passwords.

use std::path::Path;

use chrono::Duration;
use serde::Deserialize;
use serde_json::json;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

use super::{
    NewUser, SUPER_ADMIN, audit, password,
    permission::{Permission, UserManage},
    principal::By,
    second_factor,
    sign_in::{self, Opened, Origin},
    store, user,
};
use crate::{
    app::{App, OrgId, UserId},
    platform::{Error, Result, crypto, db::Conn},
};

const LIFETIME: Duration = Duration::hours(24);

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Purpose {
    /// The first admin chooses e-mail and password.
    Setup,
    /// Someone invited chooses a password.
    Invite,
    /// Someone who forgot theirs chooses another.
    Reset,
}

/// A link that still works.
#[derive(Debug, Clone, FromRow)]
pub struct Link {
    pub purpose: Purpose,
    /// The address it is for; none yet for the first admin.
    pub email: Option<String>,
    pub org_name: String,
}

/// What was chosen on the page behind the link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    pub token: String,
    #[schema(format = Password)]
    pub password: String,
    /// The first admin's address; otherwise the user's own stays.
    pub email: Option<String>,
    /// The first admin's name.
    pub name: Option<String>,
    /// `en` or `zh`.
    pub language: Option<String>,
    /// Of the second factor, or a recovery code, for who has one.
    pub code: Option<String>,
}

/// How an organisation stands when the process starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstStart {
    /// Somebody may manage it.
    HasAdmin,
    /// The admin was made with the password of the file.
    AdminMade { email: String },
    /// Show this link: by it, the first admin chooses e-mail and password within 24 hours.
    SetUp { link: String },
}

/// Sees to it that an organisation without anyone to manage it gets its first admin: at once with `password_file`,
/// otherwise by a link. Called at every start.
pub async fn first_start(
    app: &App,
    org: OrgId,
    email: Option<&str>,
    password_file: Option<&Path>,
) -> Result<FirstStart> {
    if has_admin(app.read().await?.conn(), org).await? {
        return Ok(FirstStart::HasAdmin);
    }
    if let Some(file) = password_file {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Error::Invalid(format!("FRONTDESK_ADMIN_PASSWORD_FILE: {}: {e}", file.display())))?;
        let email = email.unwrap_or("admin@localhost").to_string();
        let new = NewUser {
            email: email.clone(),
            name: "Admin".into(),
            roles: vec![SUPER_ADMIN.into()],
            phone: None,
            language: None,
            password: Some(text.trim_end_matches(['\r', '\n']).into()),
        };
        user::add(app, &By::system(org), new).await?;
        return Ok(FirstStart::AdminMade { email });
    }
    let mut tx = app.begin().await?;
    let link = make(app, tx.conn(), org, None, Purpose::Setup).await?;
    tx.commit().await?;
    Ok(FirstStart::SetUp { link })
}

async fn has_admin(c: Conn<'_>, org: OrgId) -> Result<bool> {
    Ok(!store::users_who_may(c, org, UserManage::KEY).await?.is_empty())
}

/// Makes a link on the caller's transaction.
pub(super) async fn make(app: &App, c: Conn<'_>, org: OrgId, user: Option<UserId>, purpose: Purpose) -> Result<String> {
    let (token, now) = (crypto::token(), app.now());
    let hash = crypto::sha256_hex(token.as_bytes());
    store::insert_link(c, (org, user), purpose, &hash, now, now + LIFETIME).await?;
    let server = &app.config.server;
    let base = server.public_url.clone().unwrap_or_else(|| format!("http://{}", server.listen));
    Ok(format!("{}/setup?token={token}", base.trim_end_matches('/')))
}

/// The link behind a token, if it still works.
pub async fn find(app: &App, token: &str) -> Result<Option<Link>> {
    store::link_by_hash(app.read().await?.conn(), &crypto::sha256_hex(token.as_bytes()), app.now()).await
}

/// Uses a link up: makes the first admin or sets a user's password, and signs them in.
pub async fn set_up(app: &App, chosen: Chosen, from: Origin) -> Result<Opened> {
    let stale = || Error::Conflict("this link was used or has run out: ask for a new one".into());
    let now = app.now();
    find(app, &chosen.token).await?.ok_or_else(stale)?; // before we spend time on hashing
    let hash = password::hash(&chosen.password).await?;
    let token_hash = crypto::sha256_hex(chosen.token.as_bytes());
    // Who can read the mail has not shown the second factor yet; the link still works afterwards.
    let whose = store::link_user(app.read().await?.conn(), &token_hash).await?;
    if let Some((org, user)) = whose {
        second_factor::pass(app, org, user, chosen.code.as_deref()).await?;
    }
    let mut tx = app.begin().await?;
    let (org, user) = store::use_link(tx.conn(), &token_hash, now).await?.ok_or_else(stale)?;
    let user = match user {
        Some(user) => {
            store::save_password(tx.conn(), org, user, &hash, now).await?;
            store::activate_user(tx.conn(), org, user, now).await?;
            store::delete_other_sessions(tx.conn(), org, user, None).await?;
            user
        }
        None => first_admin(tx.conn(), app, org, &chosen, &hash).await?,
    };
    let opened = sign_in::open(tx.conn(), org, user, from, now).await?;
    audit(tx.conn(), now, &opened.by, "user.set_up", ("user", user.0), json!({"password": "changed"})).await?;
    store::note_sign_in(tx.conn(), user, now).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn first_admin(c: Conn<'_>, app: &App, org: OrgId, chosen: &Chosen, hash: &str) -> Result<UserId> {
    let mut c = c;
    let now = app.now();
    store::lock_org(c.again(), org).await?;
    if has_admin(c.again(), org).await? {
        return Err(Error::Conflict("the first admin exists already: sign in, or ask them for an invitation".into()));
    }
    let email = user::email(chosen.email.as_deref().unwrap_or_default())?;
    let name = user::name(chosen.name.as_deref().filter(|n| !n.trim().is_empty()).unwrap_or("Admin"))?;
    let admin = super::User {
        id: UserId::new(),
        org_id: org,
        email,
        phone: None,
        name,
        avatar_url: None,
        status: super::UserStatus::Active,
        language: user::language(chosen.language.as_deref().unwrap_or("en"))?,
        languages: Json(Vec::new()),
        role: None,
        roles: Vec::new(),
        teams: Vec::new(),
        has_second_factor: false,
        has_identity: false,
        last_login_at: None,
        created_at: now,
        updated_at: now,
    };
    if !store::insert_user(c.again(), &admin, Some(hash)).await? {
        return Err(Error::Conflict("a user with this e-mail address exists already".into()));
    }
    let role = store::role_by_key(c.again(), org, SUPER_ADMIN).await?.ok_or(Error::NotFound("role"))?;
    store::insert_user_role(c, org, admin.id, role.id).await?;
    Ok(admin.id)
}
