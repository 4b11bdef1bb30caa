//! Organisations, and the built-in roles every one of them has.

use std::collections::BTreeSet;

use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    By, DEFAULT_ORG, Organisation, audit, difference,
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

/// What to change of an organisation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganisationChange)]
pub struct Change {
    /// As canned replies and the console show it.
    pub name: String,
}

/// The asker's organisation.
pub async fn find(app: &App, by: &By) -> Result<Organisation> {
    store::find_org_by_id(app.read().await?.conn(), by.org).await?.ok_or(Error::NotFound("organisation"))
}

/// Changes the asker's organisation.
pub async fn edit(app: &App, by: &By, change: Change) -> Result<Organisation> {
    let (name, now) = (super::user::name(&change.name)?, app.now());
    let mut tx = app.begin().await?;
    let before = store::find_org_by_id(tx.conn(), by.org).await?.ok_or(Error::NotFound("organisation"))?;
    store::save_org(tx.conn(), by.org, &name, now).await?;
    let after = Organisation { name, ..before.clone() };
    let changes = difference(Some(&before), Some(&after));
    audit(tx.conn(), now, by, "organization.edit", ("organization", by.org.0), changes).await?;
    tx.commit().await?;
    Ok(after)
}

/// The organisation of this slug.
pub async fn find_org(app: &App, slug: &str) -> Result<Option<Organisation>> {
    store::org_by_slug(app.read().await?.conn(), slug).await
}

/// Whether this is the organisation that what serves all of them is kept with.
pub async fn is_default_org(app: &App, org: OrgId) -> Result<bool> {
    Ok(find_org(app, DEFAULT_ORG).await?.is_some_and(|o| o.id == org))
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
