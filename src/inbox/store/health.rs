//! SQL of how channels are: their state, what is wrong with them, what their platforms say of them.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    app::{ChannelId, OrgId},
    both,
    channels::Checked,
    platform::{Result, db::Conn},
};

use super::ChannelRow;

/// A channel of an organisation gets another state: `active` or `paused`. False: there is none.
pub async fn set_channel_status(
    c: Conn<'_>,
    org: OrgId,
    id: ChannelId,
    status: &str,
    now: DateTime<Utc>,
) -> Result<bool> {
    const SET: &str = "
        UPDATE channels SET status = $3, updated_at = $4 WHERE org_id = $1 AND id = $2 AND status <> 'removed'";
    let n = both!(c, c => sqlx::query(SET).bind(org).bind(id).bind(status).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// A channel gets another name, sealed configuration or settings; the platform is asked about it anew.
pub async fn save_channel(
    c: Conn<'_>,
    id: ChannelId,
    name: &str,
    config: &str,
    settings: &Value,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE channels SET name = $2, config = $3, settings = $4, updated_at = $5, retry_at = NULL, error_message = NULL,
               alarms = '{}', checked_at = NULL
        WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(name).bind(config).bind(Json(settings)).bind(now).execute(c).await
        .map(|_| ()))?;
    Ok(())
}

/// A channel, to be changed in this transaction by what it says now: whoever else would do so waits.
pub async fn lock_channel(c: Conn<'_>, id: ChannelId) -> Result<Option<ChannelRow>> {
    const LOCK: &str = "UPDATE channels SET updated_at = updated_at WHERE id = $1";
    let mut c = c;
    both!(c.again(), c => sqlx::query(LOCK).bind(id).execute(c).await.map(|_| ()))?;
    super::find_channel(c, id).await
}

/// Notes what is wrong with a channel by what it is about, all of it in words, and when it is tried again.
pub async fn set_alarms(
    c: Conn<'_>,
    id: ChannelId,
    alarms: &Value,
    error: Option<&str>,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE channels SET alarms = $2, error_message = $3, retry_at = $4, last_error = COALESCE($3, last_error),
               last_error_at = CASE WHEN $3 IS NULL THEN last_error_at ELSE $5 END
        WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(Json(alarms)).bind(error).bind(retry_at).bind(now).execute(c).await
        .map(|_| ()))?;
    Ok(())
}

/// Notes what the connection says of itself.
pub async fn set_connection_state(c: Conn<'_>, id: ChannelId, state: &str) -> Result<()> {
    const SET: &str = "UPDATE channels SET connection_state = $2 WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(state).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Takes a channel away: its secrets are gone, its talks stay. False: there is none.
pub async fn remove_channel(c: Conn<'_>, org: OrgId, id: ChannelId, now: DateTime<Utc>) -> Result<bool> {
    const REMOVE: &str = "
        UPDATE channels SET status = 'removed', config = '', alarms = '{}', error_message = NULL, retry_at = NULL, updated_at = $3
        WHERE org_id = $1 AND id = $2 AND status <> 'removed'";
    const CURSORS: &str = "DELETE FROM channel_cursors WHERE channel_id = $1";
    let mut c = c;
    let n = both!(c.again(), c => sqlx::query(REMOVE).bind(org).bind(id).bind(now).execute(c).await
        .map(|r| r.rows_affected()))?;
    both!(c, c => sqlx::query(CURSORS).bind(id).execute(c).await.map(|_| ()))?;
    Ok(n == 1)
}

/// Notes what the platform said of a channel: how it is, or why it does not work; then what was known before stays.
pub async fn set_channel_health(c: Conn<'_>, id: ChannelId, said: &Checked, now: DateTime<Utc>) -> Result<()> {
    const WORKS: &str = "UPDATE channels SET quality = $2, token_expires_at = $3, checked_at = $4 WHERE id = $1";
    const FAILS: &str = "UPDATE channels SET last_error = $2, last_error_at = $3, checked_at = $3 WHERE id = $1";
    if said.ok {
        both!(c, c => sqlx::query(WORKS).bind(id).bind(&said.quality).bind(said.token_expires_at).bind(now).execute(c)
            .await.map(|_| ()))?;
    } else {
        both!(c, c => sqlx::query(FAILS).bind(id).bind(&said.detail).bind(now).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// Notes of which end of its token people were warned.
pub async fn set_token_warned(c: Conn<'_>, id: ChannelId, ends_at: DateTime<Utc>) -> Result<()> {
    const SET: &str = "UPDATE channels SET token_warned_for = $2 WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(ends_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Active channels of `platform` that were not asked about since `before`.
pub async fn list_unchecked(c: Conn<'_>, platform: &str, before: DateTime<Utc>) -> Result<Vec<(OrgId, ChannelId)>> {
    const LIST: &str = "
        SELECT org_id, id FROM channels
        WHERE platform = $1 AND status = 'active' AND (checked_at IS NULL OR checked_at < $2) ORDER BY id LIMIT 1000";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(platform).bind(before).fetch_all(c).await)?)
}
