//! The people who sign in: added, changed, suspended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{FromRow, types::Json};
use utoipa::ToSchema;

use super::{
    audit, difference, link, password,
    permission::{Permission, UserManage},
    principal::By,
    store,
};
use crate::{
    app::{App, OrgId, TeamId, UserId},
    platform::{
        Error, Result,
        db::Conn,
        http::{Cursor, Page, given},
        language::Language,
    },
};

/// Someone who signs in.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub email: String,
    pub phone: Option<String>,
    pub name: String,
    pub avatar_url: Option<String>,
    pub status: UserStatus,
    /// `en` or `zh`.
    pub language: String,
    /// What they speak with customers; empty: they have not said.
    #[schema(value_type = Vec<Language>)]
    pub languages: Json<Vec<Language>>,
    /// The highest built-in role.
    #[sqlx(skip)]
    pub role: Option<String>,
    #[sqlx(skip)]
    pub roles: Vec<String>,
    #[sqlx(skip)]
    pub teams: Vec<TeamId>,
    /// Whether they sign in with a second factor.
    #[sqlx(skip)]
    pub has_second_factor: bool,
    /// Whether they have signed in at the identity provider.
    #[sqlx(skip)]
    pub has_identity: bool,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum UserStatus {
    Active,
    /// Invited, has not chosen a password yet.
    Inactive,
    /// May not sign in.
    Suspended,
}

/// A user to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    /// Role keys, like `agent`.
    pub roles: Vec<String>,
    pub phone: Option<String>,
    /// `en` or `zh`.
    pub language: Option<String>,
    /// Without one, an invitation link is made by which they choose it.
    #[schema(format = Password)]
    pub password: Option<String>,
}

/// What to change of a user; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    pub name: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub phone: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub avatar_url: Option<Option<String>>,
    pub language: Option<String>,
    /// All the languages they speak with customers.
    pub languages: Option<Vec<Language>>,
    /// `suspended` ends all their sessions; `active` lets them in again.
    pub status: Option<UserStatus>,
    /// All their roles from now on.
    pub roles: Option<Vec<String>>,
}

/// A user who was added, and, when they have yet to choose a password, the link to hand them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddedUser)]
pub struct Added {
    #[serde(flatten)]
    pub user: User,
    /// Works once, for 24 hours. Shown here only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Adds a user with roles that don't rank above the asker's own.
pub async fn add(app: &App, by: &By, new: NewUser) -> Result<Added> {
    let now = app.now();
    let hash = match &new.password {
        Some(text) => Some(password::hash(text).await?),
        None => None,
    };
    let user = User {
        id: UserId::new(),
        org_id: by.org,
        email: email(&new.email)?,
        phone: new.phone.filter(|p| !p.trim().is_empty()),
        name: name(&new.name)?,
        avatar_url: None,
        status: if hash.is_some() { UserStatus::Active } else { UserStatus::Inactive },
        language: language(new.language.as_deref().unwrap_or("en"))?,
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
    let mut tx = app.begin().await?;
    if !store::insert_user(tx.conn(), &user, hash.as_deref()).await? {
        return Err(Error::Conflict("a user with this e-mail address exists already".into()));
    }
    give_roles(tx.conn(), by, user.id, &new.roles).await?;
    let link = match hash {
        Some(_) => None,
        None => Some(link::make(app, tx.conn(), by.org, Some(user.id), link::Purpose::Invite).await?),
    };
    let user = load(tx.conn(), by.org, user.id).await?;
    audit(tx.conn(), now, by, "user.create", ("user", user.id.0), difference(None, Some(&user))).await?;
    tx.commit().await?;
    Ok(Added { user, link })
}

/// Changes a user who doesn't rank above the asker. Somebody who may manage users always remains.
pub async fn edit(app: &App, by: &By, id: UserId, change: UserChange) -> Result<User> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = load_locked(tx.conn(), by, id).await?;
    let mut after = before.clone();
    if let Some(text) = &change.name {
        after.name = name(text)?;
    }
    if let Some(phone) = change.phone {
        after.phone = phone.filter(|p| !p.trim().is_empty());
    }
    if let Some(url) = change.avatar_url {
        after.avatar_url = url.filter(|u| !u.trim().is_empty());
    }
    if let Some(text) = &change.language {
        after.language = language(text)?;
    }
    if let Some(mut languages) = change.languages {
        languages.sort_unstable_by_key(|l| *l as u8);
        languages.dedup();
        after.languages = Json(languages);
    }
    if let Some(status) = change.status {
        if by.user == Some(id) && status != before.status {
            return Err(Error::Conflict("you can't suspend yourself".into()));
        }
        after.status = status;
    }
    after.updated_at = now;
    store::save_user(tx.conn(), &after).await?;
    if let Some(roles) = &change.roles {
        store::delete_roles(tx.conn(), by.org, id).await?;
        give_roles(tx.conn(), by, id, roles).await?;
    }
    if after.status != UserStatus::Active {
        store::delete_sessions(tx.conn(), by.org, id).await?;
    }
    if (change.roles.is_some() || change.status.is_some())
        && store::users_who_may(tx.conn(), by.org, UserManage::KEY).await?.is_empty()
    {
        return Err(Error::Conflict("nobody would be left who may manage users".into()));
    }
    let after = load(tx.conn(), by.org, id).await?;
    audit(tx.conn(), now, by, "user.edit", ("user", id.0), difference(Some(&before), Some(&after))).await?;
    tx.commit().await?;
    Ok(after)
}

/// A link by which a user chooses a (new) password; works once, for 24 hours.
pub async fn reset_link(app: &App, by: &By, id: UserId) -> Result<String> {
    let mut tx = app.begin().await?;
    load_locked(tx.conn(), by, id).await?;
    let link = link::make(app, tx.conn(), by.org, Some(id), link::Purpose::Reset).await?;
    audit(tx.conn(), app.now(), by, "user.reset_link", ("user", id.0), json!({})).await?;
    tx.commit().await?;
    Ok(link)
}

/// Changes one's own password; every other session of theirs ends.
pub async fn change_password(app: &App, by: &By, current: &str, new: &str) -> Result<()> {
    let user = by.person()?;
    let now = app.now();
    let key = format!("password|{user}");
    let patience = super::sign_in::FROM_ONE_PLACE;
    let attempt = app.sign_ins.attempt(&app.db, &[(&key, patience)], now).await?;
    let hash = store::password_hash(app.read().await?.conn(), by.org, user).await?;
    if !password::fits(current, hash).await? {
        attempt.failed(&app.db).await?;
        return Err(Error::Invalid("the current password is wrong".into()));
    }
    attempt.succeeded(&app.db).await?;
    let hash = password::hash(new).await?;
    let mut tx = app.begin().await?;
    store::save_password(tx.conn(), by.org, user, &hash, now).await?;
    store::delete_other_sessions(tx.conn(), by.org, user, by.session).await?;
    audit(tx.conn(), now, by, "user.change_password", ("user", user.0), json!({"password": "changed"})).await?;
    tx.commit().await
}

/// A page of the organisation's users.
pub async fn list(app: &App, by: &By, after: Cursor, limit: i64) -> Result<Page<User>> {
    let mut reader = app.read().await?;
    let users = store::list_users(reader.conn(), by.org, by.visible(), after, limit + 1).await?;
    let mut page = Page::of(users, limit, |u| Cursor { at: u.created_at, id: u.id.0 });
    complete(reader.conn(), by.org, &mut page.items).await?;
    Ok(page)
}

/// One user.
pub async fn find(app: &App, by: &By, id: UserId) -> Result<User> {
    let mut reader = app.read().await?;
    if !store::is_visible(reader.conn(), by.org, id, by.visible()).await? {
        return Err(Error::NotFound("user"));
    }
    load(reader.conn(), by.org, id).await
}

async fn load(c: Conn<'_>, org: OrgId, id: UserId) -> Result<User> {
    let mut c = c;
    let user = store::user(c.again(), org, id).await?.ok_or(Error::NotFound("user"))?;
    let mut users = [user];
    complete(c, org, &mut users).await?;
    let [user] = users;
    Ok(user)
}

/// The user, held until the transaction ends; refused when they rank above the asker.
pub(super) async fn load_locked(c: Conn<'_>, by: &By, id: UserId) -> Result<User> {
    let mut c = c;
    store::lock_user(c.again(), by.org, id).await?.ok_or(Error::NotFound("user"))?;
    let (_, rank) = store::rights(c.again(), by.org, id).await?;
    if rank > by.rank() {
        return Err(Error::Forbidden);
    }
    load(c, by.org, id).await
}

/// Fills in roles and teams.
async fn complete(c: Conn<'_>, org: OrgId, users: &mut [User]) -> Result<()> {
    let mut c = c;
    let only = match users {
        [one] => Some(one.id),
        _ => None,
    };
    let roles = store::roles_of_users(c.again(), org, only).await?;
    let teams = store::teams_of_users(c.again(), org, only).await?;
    let with_factor = store::users_with_factor(c.again(), org).await?;
    let with_identity = store::users_with_identity(c, org).await?;
    for user in users {
        // Highest first.
        user.roles = roles.iter().filter(|r| r.user_id == user.id).map(|r| r.key.clone()).collect();
        user.role = roles.iter().find(|r| r.user_id == user.id && r.is_built_in).map(|r| r.key.clone());
        user.has_second_factor = with_factor.contains(&user.id);
        user.has_identity = with_identity.contains(&user.id);
        user.teams = teams.iter().filter(|(u, _)| *u == user.id).map(|(_, t)| *t).collect();
    }
    Ok(())
}

async fn give_roles(c: Conn<'_>, by: &By, user: UserId, keys: &[String]) -> Result<()> {
    let mut c = c;
    for key in keys {
        let role = store::role_by_key(c.again(), by.org, key)
            .await?
            .ok_or_else(|| Error::Invalid(format!("there is no role '{key}'")))?;
        if role.rank > by.rank() {
            return Err(Error::Forbidden);
        }
        store::insert_user_role(c.again(), by.org, user, role.id).await?;
    }
    Ok(())
}

/// An e-mail address in the form we compare.
pub(super) fn email(text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let is_address = text
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && (host.contains('.') || host == "localhost"));
    if !is_address || text.len() > 254 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Invalid("email: this is not an e-mail address".into()));
    }
    Ok(text)
}

pub(super) fn name(text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 {
        return Err(Error::Invalid("name: 1 to 100 characters".into()));
    }
    Ok(text.into())
}

pub(super) fn language(text: &str) -> Result<String> {
    match text {
        "en" | "zh" => Ok(text.into()),
        _ => Err(Error::Invalid("language: en or zh".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_compare_without_case_and_nonsense_is_refused() {
        assert_eq!(email(" Ana@Example.COM ").unwrap(), "ana@example.com");
        for wrong in ["ana", "@example.com", "a b@example.com", "ana@host", ""] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }
}
