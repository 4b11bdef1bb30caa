//! Roles of an organisation's own, beside the built-in ones: made, changed, removed.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    By, Scope, audit,
    permission::{ALL, Permission, UserManage, has_meaning},
    role::{BuiltIn, ROLES},
    store, user,
};
use crate::{
    app::{App, RoleId},
    platform::{Error, Result, crypto, db::Conn},
};

/// A role and what it may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Role {
    pub key: String,
    pub name: String,
    /// Built-in roles can't be changed.
    pub is_built_in: bool,
    pub permissions: Vec<Granted>,
}

/// A permission of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// Like `customer:read`.
    pub permission: String,
    pub scope: Scope,
}

/// A role of one's own.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    pub name: String,
    /// Nothing that the asker may not.
    pub permissions: Vec<Granted>,
}

impl NewRole {
    /// The name, if the asker may give all of it.
    fn checked(&self, by: &By) -> Result<String> {
        let name = user::name(&self.name)?;
        for (at, granted) in self.permissions.iter().enumerate() {
            let key = granted.permission.as_str();
            if !ALL.contains(&key) {
                return Err(Error::Invalid(format!("permissions: there is no permission '{key}'")));
            }
            if self.permissions.iter().take(at).any(|g| g.permission == key) {
                return Err(Error::Invalid(format!("permissions: '{key}' stands twice")));
            }
            if !has_meaning(key, granted.scope) {
                let why = "reaches the whole organisation or nothing: what it is about has no owner";
                return Err(Error::Invalid(format!("permissions: '{key}' {why}")));
            }
            // Nobody gives what they have not: else a role would be a way up.
            if by.reach(key).is_none_or(|reach| reach < granted.scope) {
                return Err(Error::Forbidden);
            }
        }
        Ok(name)
    }

    /// As high as the lowest built-in role that may do as much: who may not touch that one may not touch this one.
    fn rank(&self) -> i32 {
        let holds = |role: &BuiltIn| {
            let grants = role.grants();
            let has = |g: &Granted| grants.iter().any(|(key, scope)| *key == g.permission && *scope >= g.scope);
            self.permissions.iter().all(has)
        };
        ROLES.iter().filter(|role| holds(role)).map(|role| role.rank).min().unwrap_or(i32::MAX)
    }
}

/// The roles there are to give, the highest first.
pub async fn list(app: &App, by: &By) -> Result<Vec<Role>> {
    load(app.read().await?.conn(), by).await
}

async fn load(c: Conn<'_>, by: &By) -> Result<Vec<Role>> {
    let mut roles: Vec<Role> = Vec::new();
    for (key, name, is_built_in, permission, scope) in store::list_roles(c, by.org).await? {
        if roles.last().is_none_or(|r| r.key != key) {
            roles.push(Role { key, name, is_built_in, permissions: Vec::new() });
        }
        if let (Some(role), Some((permission, scope))) = (roles.last_mut(), permission.zip(scope)) {
            role.permissions.push(Granted { permission, scope });
        }
    }
    Ok(roles)
}

async fn found(c: Conn<'_>, by: &By, key: &str) -> Result<Role> {
    load(c, by).await?.into_iter().find(|r| r.key == key).ok_or(Error::NotFound("role"))
}

/// Makes a role.
pub async fn add(app: &App, by: &By, new: NewRole) -> Result<Role> {
    let (name, rank, now) = (new.checked(by)?, new.rank(), app.now());
    let token: String = crypto::sha256_hex(crypto::token().as_bytes()).chars().take(10).collect();
    let (id, key) = (RoleId::new(), format!("own_{token}"));
    let mut tx = app.begin().await?;
    let is_taken = load(tx.conn(), by).await?.iter().any(|r| r.name.to_lowercase() == name.to_lowercase());
    if is_taken {
        return Err(Error::Conflict("another role has this name".into()));
    }
    store::insert_own_role(tx.conn(), id, by.org, &key, &name, rank, now).await?;
    for granted in &new.permissions {
        store::grant(tx.conn(), id, &granted.permission, granted.scope).await?;
    }
    let changes = json!({"name": [null, name], "permissions": [null, new.permissions]});
    audit(tx.conn(), now, by, "role.add", ("role", id.0), changes).await?;
    let role = found(tx.conn(), by, &key).await?;
    tx.commit().await?;
    Ok(role)
}

/// Changes a role of one's own; who has it may do so from the next request on.
pub async fn edit(app: &App, by: &By, key: &str, new: NewRole) -> Result<Role> {
    let (name, rank) = (new.checked(by)?, new.rank());
    let mut tx = app.begin().await?;
    let (id, before) = own(tx.conn(), by, key).await?;
    let is_taken =
        load(tx.conn(), by).await?.iter().any(|r| r.key != key && r.name.to_lowercase() == name.to_lowercase());
    if is_taken {
        return Err(Error::Conflict("another role has this name".into()));
    }
    store::save_own_role(tx.conn(), by.org, id, &name, rank).await?;
    store::delete_grants(tx.conn(), id).await?;
    for granted in &new.permissions {
        store::grant(tx.conn(), id, &granted.permission, granted.scope).await?;
    }
    somebody_remains(tx.conn(), by).await?;
    let changes = json!({"name": [before.name, name], "permissions": [before.permissions, new.permissions]});
    audit(tx.conn(), app.now(), by, "role.edit", ("role", id.0), changes).await?;
    let role = found(tx.conn(), by, key).await?;
    tx.commit().await?;
    Ok(role)
}

/// Removes a role that nobody has.
pub async fn remove(app: &App, by: &By, key: &str) -> Result<()> {
    let mut tx = app.begin().await?;
    let (id, before) = own(tx.conn(), by, key).await?;
    let holders = store::roles_of_users(tx.conn(), by.org, None).await?.iter().filter(|r| r.key == key).count();
    if holders > 0 {
        return Err(Error::Conflict(format!("{holders} people have this role: give them another one first")));
    }
    store::delete_own_role(tx.conn(), by.org, id).await?;
    let changes = json!({"name": [before.name, null], "permissions": [before.permissions, null]});
    audit(tx.conn(), app.now(), by, "role.remove", ("role", id.0), changes).await?;
    tx.commit().await
}

/// A role of the organisation's own that doesn't rank above the asker.
async fn own(mut c: Conn<'_>, by: &By, key: &str) -> Result<(RoleId, Role)> {
    let role = found(c.again(), by, key).await?;
    if role.is_built_in {
        return Err(Error::Conflict("built-in roles can't be changed: make one of your own".into()));
    }
    let row = store::role_by_key(c, by.org, key).await?.ok_or(Error::NotFound("role"))?;
    if row.rank > by.rank() {
        return Err(Error::Forbidden);
    }
    Ok((row.id, role))
}

async fn somebody_remains(c: Conn<'_>, by: &By) -> Result<()> {
    if store::users_who_may(c, by.org, UserManage::KEY).await?.is_empty() {
        return Err(Error::Conflict("nobody would be left who may manage users".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{OrgId, UserId},
        staff::Rights,
    };

    fn role(permissions: &[(&str, Scope)]) -> NewRole {
        let permissions = permissions
            .iter()
            .map(|(permission, scope)| Granted { permission: (*permission).into(), scope: *scope })
            .collect();
        NewRole { name: "Night shift".into(), permissions }
    }

    #[test]
    fn a_role_ranks_as_the_lowest_built_in_one_that_may_do_as_much() {
        for (permissions, rank) in [
            (&[][..], 10),
            (&[("conversation:read", Scope::Org)], 10),
            (&[("conversation:reply", Scope::Org)], 20),
            (&[("deal:write", Scope::Own)], 20),
            (&[("deal:write", Scope::Org)], 60),
            (&[("settings:manage", Scope::Org)], 80),
            (&[("backup:run", Scope::Org)], 100),
        ] {
            assert_eq!(role(permissions).rank(), rank, "{permissions:?}");
        }
    }

    #[test]
    fn nobody_gives_what_they_have_not() {
        let rights = Rights::from([("deal:read".to_string(), Scope::Team)]);
        let by = By::user(OrgId::new(), UserId::new(), rights, 40);
        assert!(role(&[("deal:read", Scope::Own)]).checked(&by).is_ok());
        assert!(matches!(role(&[("deal:read", Scope::Org)]).checked(&by), Err(Error::Forbidden)));
        assert!(matches!(role(&[("deal:write", Scope::Own)]).checked(&by), Err(Error::Forbidden)));
        assert!(matches!(role(&[("deal:fly", Scope::Own)]).checked(&by), Err(Error::Invalid(_))));
        let twice = role(&[("deal:read", Scope::Own), ("deal:read", Scope::Team)]);
        assert!(matches!(twice.checked(&by), Err(Error::Invalid(_))));
        assert!(matches!(role(&[("knowledge:read", Scope::Own)]).checked(&by), Err(Error::Invalid(_))));
    }
}
