//! Telling users: a row each, which the console shows until it is read.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{principal::By, store};
use crate::{
    app::{App, Changed, NotificationId, OrgId, UserId},
    platform::{
        Error, Result,
        db::Conn,
        http::{Cursor, Page},
    },
};

/// Something a user should know.
#[derive(Debug, Clone, FromRow, Serialize, ToSchema)]
pub struct Notification {
    pub id: NotificationId,
    /// Like `conversation_waiting`.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub content: Option<String>,
    /// What it is about, like `conversation`.
    pub resource_type: Option<String>,
    pub resource_id: Option<Uuid>,
    pub is_read: bool,
    pub read_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

/// Who is told.
#[derive(Debug, Clone, Copy)]
pub enum Audience<'a> {
    /// Every active user who has this permission, like `ConversationReply::KEY`.
    May(&'a str),
    One(UserId),
}

/// What they are told.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// A word for programs, like `conversation_waiting`.
    pub kind: &'a str,
    pub title: &'a str,
    pub content: Option<&'a str>,
    /// What it is about: a type like `conversation`, and its id.
    pub resource: Option<(&'a str, Uuid)>,
}

/// Notifies `audience` on the caller's transaction. Returns whom; after the commit, pass them to [`tell`].
pub async fn notify(
    c: Conn<'_>,
    org: OrgId,
    audience: Audience<'_>,
    news: News<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let mut c = c;
    let users = match audience {
        Audience::May(key) => store::users_who_may(c.again(), org, key).await?,
        Audience::One(user) => vec![user],
    };
    for user in &users {
        store::insert_notification(c.again(), NotificationId::new(), org, *user, news, now).await?;
    }
    Ok(users)
}

/// Tells the consoles of these users that something new is there.
pub async fn tell(app: &App, org: OrgId, users: &[UserId]) {
    for user in users {
        app.changed(org, Changed::Notification { user: *user }).await;
    }
}

/// A page of the asker's own notifications, the newest first.
pub async fn list(app: &App, by: &By, only_unread: bool, after: Cursor, limit: i64) -> Result<Page<Notification>> {
    let user = by.person()?;
    let rows = store::list_notifications(app.read().await?.conn(), by.org, user, only_unread, after, limit + 1).await?;
    Ok(Page::of(rows, limit, |n| Cursor { at: n.created_at, id: n.id.0 }))
}

/// Marks one of the asker's notifications as read, or all of them. Safe to repeat.
pub async fn read(app: &App, by: &By, id: Option<NotificationId>) -> Result<()> {
    let user = by.person()?;
    let mut tx = app.begin().await?;
    let found = store::read_notifications(tx.conn(), by.org, user, id, app.now()).await?;
    if id.is_some() && !found {
        return Err(Error::NotFound("notification"));
    }
    tx.commit().await?;
    tell(app, by.org, &[user]).await;
    Ok(())
}
