//! SQL of assistants and their versions.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{Assistant, Gate, Status, Version};
use crate::{
    app::{AssistantId, AssistantVersionId, KnowledgeBaseId, OrgId, UserId},
    both,
    platform::{Result, db::Conn},
};

/// The organisation's oldest assistant.
pub async fn find_first(c: Conn<'_>, org: OrgId) -> Result<Option<Assistant>> {
    const FIRST: &str = "SELECT * FROM assistants WHERE org_id = $1 ORDER BY id LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIRST).bind(org).fetch_optional(c).await)?)
}

/// An assistant of the organisation.
pub async fn find(c: Conn<'_>, org: OrgId, id: AssistantId) -> Result<Option<Assistant>> {
    const FIND: &str = "SELECT * FROM assistants WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Holds an assistant for the caller's transaction: two that change its versions come one after the other. False: there
/// is none.
pub async fn hold(c: Conn<'_>, org: OrgId, id: AssistantId, now: DateTime<Utc>) -> Result<bool> {
    const HOLD: &str = "UPDATE assistants SET updated_at = $3 WHERE org_id = $1 AND id = $2";
    let held =
        both!(c, c => sqlx::query(HOLD).bind(org).bind(id).bind(now).execute(c).await.map(|r| r.rows_affected()))?;
    Ok(held == 1)
}

/// Adds an assistant, unless there is one of that name.
pub async fn insert(c: Conn<'_>, id: AssistantId, org: OrgId, name: &str, now: DateTime<Utc>) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO assistants (id, org_id, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (org_id, name) DO NOTHING";
    both!(c, c => sqlx::query(INSERT).bind(id).bind(org).bind(name).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Says what must hold before a version is published.
pub async fn save_gate(
    c: Conn<'_>,
    org: OrgId,
    id: AssistantId,
    gate: Option<&Gate>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SAVE: &str = "UPDATE assistants SET gate = $3, updated_at = $4 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SAVE).bind(org).bind(id).bind(gate.map(Json)).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The version that answers for the organisation.
pub async fn find_published(c: Conn<'_>, org: OrgId) -> Result<Option<Version>> {
    const FIND: &str = "
        SELECT * FROM assistant_versions WHERE org_id = $1 AND status = 'published' ORDER BY assistant_id LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).fetch_optional(c).await)?)
}

/// A version by its number.
pub async fn find_version(c: Conn<'_>, org: OrgId, id: AssistantId, version: i64) -> Result<Option<Version>> {
    const FIND: &str = "SELECT * FROM assistant_versions WHERE org_id = $1 AND assistant_id = $2 AND version = $3";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).bind(version).fetch_optional(c).await)?)
}

/// The versions of an assistant, the newest first.
pub async fn list_versions(c: Conn<'_>, org: OrgId, id: AssistantId) -> Result<Vec<Version>> {
    const LIST: &str = "
        SELECT * FROM assistant_versions WHERE org_id = $1 AND assistant_id = $2 ORDER BY version DESC LIMIT 500";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(id).fetch_all(c).await)?)
}

/// The version that answered last before the one that answers now and was not taken back.
pub async fn find_before(c: Conn<'_>, org: OrgId, id: AssistantId) -> Result<Option<Version>> {
    const FIND: &str = "
        SELECT * FROM assistant_versions WHERE org_id = $1 AND assistant_id = $2 AND status = 'retired'
        ORDER BY published_at DESC, version DESC LIMIT 1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Adds a version under the next number, to an assistant that is held.
pub async fn insert_version(c: Conn<'_>, version: &Version) -> Result<Version> {
    const INSERT: &str = "
        INSERT INTO assistant_versions (id, org_id, assistant_id, version, status, note, prompts, rules, max_error_rate,
                                        knowledge_base_ids, created_by, created_at)
        VALUES ($1, $2, $3, (SELECT COALESCE(MAX(version), 0) + 1 FROM assistant_versions WHERE assistant_id = $3),
                $4, $5, $6, $7, $8, $9, $10, $11)
        RETURNING *";
    Ok(both!(c, c => sqlx::query_as(INSERT).bind(version.id).bind(version.org_id).bind(version.assistant_id)
        .bind(version.status).bind(&version.note).bind(&version.prompts).bind(&version.rules)
        .bind(version.max_error_rate).bind(&version.knowledge_base_ids).bind(version.created_by)
        .bind(version.created_at).fetch_one(c).await)?)
}

/// Moves a version to a status.
pub async fn set_status(c: Conn<'_>, org: OrgId, id: AssistantVersionId, status: Status) -> Result<()> {
    const SET: &str = "UPDATE assistant_versions SET status = $3 WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(status).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Makes a version the one that answers; no other may be published.
pub async fn set_published(
    c: Conn<'_>,
    org: OrgId,
    id: AssistantVersionId,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE assistant_versions SET status = 'published', published_by = $3, published_at = $4
        WHERE org_id = $1 AND id = $2";
    both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(by).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The knowledge bases of the organisation.
pub async fn known_bases(c: Conn<'_>, org: OrgId) -> Result<Vec<KnowledgeBaseId>> {
    const LIST: &str = "SELECT id FROM knowledge_bases WHERE org_id = $1";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).fetch_all(c).await)?)
}
