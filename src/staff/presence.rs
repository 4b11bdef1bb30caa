//! Who is at the console: a session that is used, or on which a page follows what changes.

use chrono::{DateTime, Duration, Utc};

use super::{SESSION_LIFETIME, store};
use crate::{
    app::{App, Job, OrgId, SessionId},
    platform::Result,
};

/// How long after their last sign of life somebody counts as being there.
pub const HERE_FOR: Duration = Duration::minutes(5);
/// How often a sign of life is written down at most.
pub const NOTED_EVERY: Duration = Duration::minutes(2);

/// Notes a sign of life, and lets the session live longer. Whoever was away may be given what waits.
pub(super) async fn note(app: &App, org: OrgId, session: SessionId, last: DateTime<Utc>) -> Result<()> {
    let now = app.now();
    if now - last <= NOTED_EVERY {
        return Ok(());
    }
    let was_away = now - last > HERE_FOR;
    let mut tx = app.begin().await?;
    store::touch_session(tx.conn(), session, now, now + SESSION_LIFETIME).await?;
    if was_away {
        Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    if was_away {
        app.wake(org).await;
    }
    Ok(())
}

/// Notes that a page follows what changes. False: its session has ended.
pub async fn still_here(app: &App, session: SessionId) -> Result<bool> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let is_open = store::touch_session(tx.conn(), session, now, now + SESSION_LIFETIME).await?;
    tx.commit().await?;
    Ok(is_open)
}
