//! SQL of canned replies.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{CannedReplyId, OrgId, UserId},
    both,
    platform::{Result, db::Conn, language::Language},
};

/// A text that agents send again and again. `{{customer}}`, `{{agent}}` and `{{company}}` stand for names.
#[derive(Debug, Clone, sqlx::FromRow, Serialize, ToSchema)]
pub struct CannedReply {
    pub id: CannedReplyId,
    #[serde(skip)]
    pub org_id: OrgId,
    /// What is typed after `/`.
    pub shortcut: String,
    pub content: String,
    pub language: Option<Language>,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// All of an organisation, by shortcut.
pub async fn list(c: Conn<'_>, org: OrgId) -> Result<Vec<CannedReply>> {
    const LIST: &str = "SELECT * FROM canned_replies WHERE org_id = $1 ORDER BY shortcut";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// One of them.
pub async fn find(c: Conn<'_>, org: OrgId, id: CannedReplyId) -> Result<Option<CannedReply>> {
    const FIND: &str = "SELECT * FROM canned_replies WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Adds or changes one. False: another one has that shortcut.
pub async fn save(c: Conn<'_>, r: &CannedReply) -> Result<bool> {
    const TAKEN: &str = "SELECT COUNT(*) FROM canned_replies WHERE org_id = $1 AND shortcut = $2 AND id <> $3";
    const SAVE: &str = "
        INSERT INTO canned_replies (id, org_id, shortcut, content, language, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (id) DO UPDATE SET shortcut = $3, content = $4, language = $5, updated_at = $8";
    let mut c = c;
    let taken: i64 = both!(c.again(), c => sqlx::query_scalar(TAKEN).bind(r.org_id).bind(&r.shortcut).bind(r.id)
        .fetch_one(c).await)?;
    if taken > 0 {
        return Ok(false);
    }
    both!(c, c => sqlx::query(SAVE).bind(r.id).bind(r.org_id).bind(&r.shortcut).bind(&r.content).bind(r.language)
        .bind(r.created_by).bind(r.created_at).bind(r.updated_at).execute(c).await.map(|_| ()))?;
    Ok(true)
}

/// Deletes one. False: it is not there.
pub async fn delete(c: Conn<'_>, org: OrgId, id: CannedReplyId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM canned_replies WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}
