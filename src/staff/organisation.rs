//! Organisations, and the built-in roles every one of them has.

use std::collections::BTreeSet;

use super::{
    Organisation,
    permission::ALL,
    role::ROLES,
    store::{self, Grant},
};
use crate::{
    app::{App, OrgId},
    platform::{Error, Result},
};

/// The organisation of this slug, made when there is none; brings the built-in roles up to date as well.
/// Called at every start; safe to repeat and to race.
pub async fn ensure_org(app: &App, slug: &str, name: &str) -> Result<OrgId> {
    prepare(app).await?;
    if let Some(org) = store::org_by_slug(app.read().await?.conn(), slug).await? {
        return Ok(org.id);
    }
    let fits = !slug.is_empty() && slug.len() <= 63;
    if !fits || !slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err(Error::Invalid(format!("organisation '{slug}': lower-case letters, digits and '-' only")));
    }
    let mut tx = app.begin().await?;
    store::insert_org(tx.conn(), slug, name, app.now()).await?;
    let org = store::org_by_slug(tx.conn(), slug).await?.ok_or(Error::NotFound("organisation"))?;
    tx.commit().await?;
    Ok(org.id)
}

/// Removes an organisation with everything in it. Its vectors and files are their owners' to remove.
pub async fn remove_org(app: &App, id: OrgId) -> Result<()> {
    let mut tx = app.begin().await?;
    store::delete_org(tx.conn(), id).await?;
    tx.commit().await
}

/// The organisation of this slug.
pub async fn find_org(app: &App, slug: &str) -> Result<Option<Organisation>> {
    store::org_by_slug(app.read().await?.conn(), slug).await
}

/// Brings the built-in roles and permissions of the database to what this program knows; writes only when something
/// differs.
async fn prepare(app: &App) -> Result<()> {
    let wanted: BTreeSet<Grant> = ROLES
        .iter()
        .flat_map(|role| {
            role.grants().into_iter().map(|(key, scope)| Grant {
                role: role.key.into(),
                permission: key.into(),
                scope: scope.as_str().into(),
            })
        })
        .collect();
    let mut reader = app.read().await?;
    let have: BTreeSet<Grant> = store::built_in_grants(reader.conn()).await?.into_iter().collect();
    let known: BTreeSet<String> = store::permission_keys(reader.conn()).await?.into_iter().collect();
    drop(reader);
    if have == wanted && ALL.iter().all(|key| known.contains(*key)) {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    for key in ALL.iter().filter(|key| !known.contains(**key)) {
        store::insert_permission(tx.conn(), key).await?;
    }
    for role in ROLES {
        store::insert_built_in_role(tx.conn(), role, app.now()).await?;
    }
    for grant in wanted.difference(&have) {
        store::save_grant(tx.conn(), grant).await?;
    }
    for grant in have.difference(&wanted) {
        // A reach that changed was saved above: only what is gone altogether is taken away.
        if !wanted.iter().any(|w| w.role == grant.role && w.permission == grant.permission) {
            store::delete_grant(tx.conn(), grant).await?;
        }
    }
    tx.commit().await
}
