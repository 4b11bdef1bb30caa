//! Telling users: a row each, which the console shows until it is read.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::store;
use crate::{
    app::{App, Changed, NotificationId, OrgId, UserId},
    platform::{Result, db::Conn},
};

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
