//! The SQL of teams and who is in them.

use crate::{
    app::{OrgId, TeamId, UserId},
    both, locking,
    platform::{Result, db::Conn},
    staff::Team,
};

/// Who is in which team; of one user or of all.
pub async fn teams_of_users(c: Conn<'_>, org: OrgId, only: Option<UserId>) -> Result<Vec<(UserId, TeamId)>> {
    const LIST: &str = "
        SELECT user_id, team_id FROM user_teams WHERE org_id = $1 AND ($2 IS NULL OR user_id = $2)
        ORDER BY team_id, user_id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(only).fetch_all(c).await)?)
}

/// Every team by name, members left out.
pub async fn list_teams(c: Conn<'_>, org: OrgId) -> Result<Vec<Team>> {
    const LIST: &str = "SELECT * FROM teams WHERE org_id = $1 ORDER BY name";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// A team, held until the transaction ends.
pub async fn lock_team(c: Conn<'_>, org: OrgId, id: TeamId) -> Result<Option<Team>> {
    let find = locking!(c, "SELECT * FROM teams WHERE org_id = $1 AND id = $2");
    Ok(both!(c, c => sqlx::query_as(find).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Whether this is a team of the organisation.
pub async fn is_team(c: Conn<'_>, org: OrgId, id: TeamId) -> Result<bool> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM teams WHERE org_id = $1 AND id = $2)";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(id).fetch_one(c).await)?)
}

/// The team of this name.
pub async fn team_by_name(c: Conn<'_>, org: OrgId, name: &str) -> Result<Option<TeamId>> {
    const FIND: &str = "SELECT id FROM teams WHERE org_id = $1 AND name = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(org).bind(name).fetch_optional(c).await)?)
}

/// Adds a team; false if the name is taken.
pub async fn insert_team(c: Conn<'_>, org: OrgId, team: &Team) -> Result<bool> {
    const INSERT: &str = "
        INSERT INTO teams (id, org_id, name, description, leader_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (org_id, name) DO NOTHING";
    let added = both!(c, c => sqlx::query(INSERT)
        .bind(team.id).bind(org).bind(&team.name).bind(&team.description).bind(team.leader_id).bind(team.created_at)
        .execute(c).await.map(|r| r.rows_affected()))?;
    Ok(added == 1)
}

/// Saves a team.
pub async fn save_team(c: Conn<'_>, org: OrgId, team: &Team) -> Result<()> {
    const SAVE: &str = "UPDATE teams SET name = $3, description = $4, leader_id = $5 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE)
        .bind(org).bind(team.id).bind(&team.name).bind(&team.description).bind(team.leader_id)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Removes a team.
pub async fn delete_team(c: Conn<'_>, org: OrgId, id: TeamId) -> Result<()> {
    const DELETE: &str = "DELETE FROM teams WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Puts a user in a team. Safe to repeat.
pub async fn insert_team_member(c: Conn<'_>, org: OrgId, team: TeamId, user: UserId) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO user_teams (org_id, user_id, team_id) VALUES ($1, $2, $3) ON CONFLICT (user_id, team_id) DO NOTHING";
    both!(c, c => sqlx::query(INSERT).bind(org).bind(user).bind(team).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes a user out of a team. Safe to repeat.
pub async fn delete_team_member(c: Conn<'_>, org: OrgId, team: TeamId, user: UserId) -> Result<()> {
    const DELETE: &str = "DELETE FROM user_teams WHERE org_id = $1 AND user_id = $2 AND team_id = $3";
    both!(c, c => sqlx::query(DELETE).bind(org).bind(user).bind(team).execute(c).await.map(|_| ()))?;
    Ok(())
}
