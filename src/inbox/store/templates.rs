//! SQL of the templates that platforms have approved.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{ChannelId, OrgId, TemplateId, UserId},
    both,
    platform::{Result, db::Conn},
};

/// A template that the platform of a channel has approved: what may be sent when its window is closed.
#[derive(Debug, Clone, sqlx::FromRow, Serialize, ToSchema)]
pub struct Template {
    pub id: TemplateId,
    #[serde(skip)]
    pub org_id: OrgId,
    pub channel_id: ChannelId,
    /// As it is called at the platform.
    pub name: String,
    /// As the platform calls it: `en_US`, `zh_CN`.
    pub language: String,
    /// The approved text; `{{1}}`, `{{2}}` … stand for its values.
    pub body: String,
    #[serde(skip)]
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Those of an organisation, or of one of its channels, by name.
pub async fn list(c: Conn<'_>, org: OrgId, channel: Option<ChannelId>) -> Result<Vec<Template>> {
    const LIST: &str = "
        SELECT * FROM message_templates WHERE org_id = $1 AND ($2 IS NULL OR channel_id = $2)
        ORDER BY name, language, id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(channel).fetch_all(c).await)?)
}

/// One of them.
pub async fn find(c: Conn<'_>, org: OrgId, id: TemplateId) -> Result<Option<Template>> {
    const FIND: &str = "SELECT * FROM message_templates WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(org).bind(id).fetch_optional(c).await)?)
}

/// Adds or changes one. False: the channel has another one of that name in that language.
pub async fn save(mut c: Conn<'_>, t: &Template) -> Result<bool> {
    const TAKEN: &str = "
        SELECT COUNT(*) FROM message_templates WHERE channel_id = $1 AND name = $2 AND language = $3 AND id <> $4";
    const SAVE: &str = "
        INSERT INTO message_templates (id, org_id, channel_id, name, language, body, created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO UPDATE SET name = $4, language = $5, body = $6, updated_at = $9";
    let taken: i64 = both!(c.again(), c => sqlx::query_scalar(TAKEN).bind(t.channel_id).bind(&t.name)
        .bind(&t.language).bind(t.id).fetch_one(c).await)?;
    if taken > 0 {
        return Ok(false);
    }
    both!(c, c => sqlx::query(SAVE).bind(t.id).bind(t.org_id).bind(t.channel_id).bind(&t.name).bind(&t.language)
        .bind(&t.body).bind(t.created_by).bind(t.created_at).bind(t.updated_at).execute(c).await.map(|_| ()))?;
    Ok(true)
}

/// Deletes one. False: it is not there.
pub async fn delete(c: Conn<'_>, org: OrgId, id: TemplateId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM message_templates WHERE org_id = $1 AND id = $2";
    Ok(both!(c, c => sqlx::query(DELETE).bind(org).bind(id).execute(c).await.map(|r| r.rows_affected()))? == 1)
}
