//! SQL of files: what customers sent and what was sent to them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    app::{AttachmentId, ChannelId, CustomerId, MessageId, OrgId},
    both,
    channels::{FileFacts, Media},
    inbox::{Message, MessageFile},
    platform::{Result, db::Conn, upload::UNKNOWN},
};

/// A file of a message: a customer's, or one of ours.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Attachment {
    pub id: AttachmentId,
    pub org_id: OrgId,
    pub message_id: MessageId,
    pub channel_id: ChannelId,
    pub source: Json<Media>,
    /// `waiting`, `stored`, `failed` or `deleted`.
    pub status: String,
    pub content_type: Option<String>,
    pub filename: Option<String>,
    pub size_bytes: Option<i64>,
    pub sha256: Option<String>,
}

impl Attachment {
    /// What the platforms need to know of it.
    pub fn facts(&self) -> FileFacts {
        FileFacts {
            id: self.id.0,
            name: self.filename.clone().unwrap_or_default(),
            mime_type: self.content_type.clone().unwrap_or_else(|| UNKNOWN.into()),
            size_bytes: self.size_bytes.and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            sha256: self.sha256.clone().unwrap_or_default(),
        }
    }

    fn shown(self) -> MessageFile {
        MessageFile {
            id: self.id,
            url: (self.status == "stored").then(|| format!("/api/attachments/{}", self.id)),
            name: self.filename.unwrap_or_default(),
            content_type: self.content_type,
            size_bytes: self.size_bytes,
            status: self.status,
        }
    }
}

macro_rules! attachment_columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, message_id, channel_id, source, status, content_type, filename, size_bytes, sha256
             FROM attachments ",
            $rest
        )
    };
}

/// Notes a file that waits at the platform.
pub async fn insert_attachment(
    c: Conn<'_>,
    id: AttachmentId,
    m: &Message,
    media: &Media,
    now: DateTime<Utc>,
) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO attachments (id, org_id, message_id, channel_id, source, filename, content_type, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    both!(c, c => sqlx::query(INSERT).bind(id).bind(m.org_id).bind(m.id).bind(m.channel_id).bind(Json(media))
        .bind(&media.filename).bind(&media.mime_type).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// One file, for its download.
pub async fn find_attachment(c: Conn<'_>, id: AttachmentId) -> Result<Option<Attachment>> {
    const FIND: &str = attachment_columns!("WHERE id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The files of a message.
pub async fn list_attachments(c: Conn<'_>, message: MessageId) -> Result<Vec<Attachment>> {
    const LIST: &str = attachment_columns!("WHERE message_id = $1 ORDER BY id");
    Ok(both!(c, c => sqlx::query_as(LIST).bind(message).fetch_all(c).await)?)
}

/// Puts the files of messages beside them.
pub async fn show_files(c: Conn<'_>, org: OrgId, messages: &mut [Message]) -> Result<()> {
    // A message with a file names it; most have none.
    let ids: Vec<MessageId> = messages.iter().filter(|m| m.media_url.is_some()).map(|m| m.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found: Vec<Attachment> = both!(c, c => {
        let mut query = sqlx::QueryBuilder::<DB>::new(attachment_columns!("WHERE (org_id = "));
        // `IS TRUE` keeps SQLite from walking all that is the organisation's where a few are named.
        query.push_bind(org).push(") IS TRUE AND message_id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id);
        }
        query.push(") ORDER BY id");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?;
    for file in found {
        if let Some(message) = messages.iter_mut().find(|m| m.id == file.message_id) {
            message.files.push(file.shown());
        }
    }
    Ok(())
}

/// Stored files from before `before`, the oldest first.
pub async fn list_old_attachments(
    c: Conn<'_>,
    org: OrgId,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Attachment>> {
    const LIST: &str = attachment_columns!(
        "WHERE org_id = $1 AND created_at < $2 AND status = 'stored' ORDER BY created_at, id LIMIT $3"
    );
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(before).bind(limit).fetch_all(c).await)?)
}

/// The files of a customer's conversations.
pub async fn attachments_of(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<AttachmentId>> {
    const LIST: &str = "
        SELECT a.id FROM attachments a JOIN messages m ON m.id = a.message_id
        WHERE m.org_id = $1 AND m.customer_id = $2";
    Ok(both!(c, c => sqlx::query_scalar(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// What became of a file.
pub struct Stored<'a> {
    pub status: &'a str,
    pub error: Option<&'a str>,
    pub content_type: Option<&'a str>,
    pub size_bytes: Option<i64>,
    pub sha256: Option<&'a str>,
}

impl<'a> Stored<'a> {
    /// Nothing but a status.
    pub fn only(status: &'a str) -> Self {
        Self { status, error: None, content_type: None, size_bytes: None, sha256: None }
    }
}

/// Says what became of a file.
pub async fn settle_attachment(c: Conn<'_>, id: AttachmentId, s: &Stored<'_>, now: DateTime<Utc>) -> Result<()> {
    const SET: &str = "
        UPDATE attachments SET status = $2, error_message = $3, content_type = COALESCE($4, content_type),
               size_bytes = COALESCE($5, size_bytes), sha256 = COALESCE($6, sha256), stored_at = $7
        WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(s.status).bind(s.error).bind(s.content_type).bind(s.size_bytes)
        .bind(s.sha256).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}
