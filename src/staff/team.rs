//! Teams: who works together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::FromRow;
use utoipa::ToSchema;

use super::{audit, difference, principal::By, store};
use crate::{
    app::{App, Job, TeamId, UserId},
    platform::{Error, Result, http::given},
};

/// A team.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
    pub description: Option<String>,
    pub leader_id: Option<UserId>,
    #[sqlx(skip)]
    pub members: Vec<UserId>,
    pub created_at: DateTime<Utc>,
}

/// A team to add.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    pub name: String,
    pub description: Option<String>,
    pub leader_id: Option<UserId>,
}

/// What to change of a team; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TeamChange {
    pub name: Option<String>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<UserId>)]
    pub leader_id: Option<Option<UserId>>,
}

const TAKEN: &str = "a team of this name exists already";

/// Every team with its members.
pub async fn list(app: &App, by: &By) -> Result<Vec<Team>> {
    let mut reader = app.read().await?;
    let mut teams = store::list_teams(reader.conn(), by.org).await?;
    let members = store::teams_of_users(reader.conn(), by.org, None).await?;
    for team in &mut teams {
        team.members = members.iter().filter(|(_, t)| *t == team.id).map(|(u, _)| *u).collect();
    }
    Ok(teams)
}

/// Adds a team.
pub async fn add(app: &App, by: &By, new: NewTeam) -> Result<Team> {
    let now = app.now();
    let team = Team {
        id: TeamId::new(),
        name: super::user::name(&new.name)?,
        description: new.description,
        leader_id: new.leader_id,
        members: Vec::new(),
        created_at: now,
    };
    let mut tx = app.begin().await?;
    if let Some(leader) = team.leader_id {
        member(tx.conn(), by, leader).await?;
    }
    if !store::insert_team(tx.conn(), by.org, &team).await? {
        return Err(Error::Conflict(TAKEN.into()));
    }
    audit(tx.conn(), now, by, "team.create", ("team", team.id.0), difference(None, Some(&team))).await?;
    tx.commit().await?;
    Ok(team)
}

/// Changes a team.
pub async fn edit(app: &App, by: &By, id: TeamId, change: TeamChange) -> Result<Team> {
    let mut tx = app.begin().await?;
    let before = store::lock_team(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("team"))?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name = super::user::name(name)?;
    }
    if let Some(description) = change.description {
        after.description = description;
    }
    if let Some(leader) = change.leader_id {
        if let Some(user) = leader {
            member(tx.conn(), by, user).await?;
        }
        after.leader_id = leader;
    }
    if after.name != before.name && store::team_by_name(tx.conn(), by.org, &after.name).await?.is_some() {
        return Err(Error::Conflict(TAKEN.into()));
    }
    store::save_team(tx.conn(), by.org, &after).await?;
    audit(tx.conn(), app.now(), by, "team.edit", ("team", id.0), difference(Some(&before), Some(&after))).await?;
    tx.commit().await?;
    Ok(after)
}

/// Removes a team; its members stay users.
pub async fn remove(app: &App, by: &By, id: TeamId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = store::lock_team(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("team"))?;
    store::delete_team(tx.conn(), by.org, id).await?;
    audit(tx.conn(), now, by, "team.delete", ("team", id.0), difference(Some(&before), None)).await?;
    Job::ForgetTeam { org: by.org, team: id }.push(tx.conn(), by.org, now).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(())
}

/// Puts a user in a team, or takes them out. Safe to repeat.
pub async fn set_member(app: &App, by: &By, id: TeamId, user: UserId, is_member: bool) -> Result<()> {
    let mut tx = app.begin().await?;
    store::lock_team(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("team"))?;
    member(tx.conn(), by, user).await?;
    let action = if is_member {
        store::insert_team_member(tx.conn(), by.org, id, user).await?;
        "team.add_member"
    } else {
        store::delete_team_member(tx.conn(), by.org, id, user).await?;
        "team.remove_member"
    };
    audit(tx.conn(), app.now(), by, action, ("team", id.0), json!({"user_id": user})).await?;
    tx.commit().await
}

async fn member(c: crate::platform::db::Conn<'_>, by: &By, user: UserId) -> Result<()> {
    store::user(c, by.org, user).await?.map(|_| ()).ok_or(Error::NotFound("user"))
}
