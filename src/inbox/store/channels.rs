//! Rows of `channels` and `channel_events`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    app::{ChannelEventId, ChannelId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// A connected channel as it is stored; `config` is sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ChannelRow {
    pub id: ChannelId,
    pub org_id: OrgId,
    pub platform: String,
    pub name: String,
    pub config: String,
    pub settings: Json<Value>,
    /// `active`; `paused`: then nothing is sent, and what comes in is kept; or `removed`: its talks are kept.
    pub status: String,
    /// What is wrong with it, in words for an operator.
    pub error_message: Option<String>,
    /// The same by what it is about: `{"link": "…", "sending": "…"}`.
    pub alarms: Json<Value>,
    /// The platform has stopped it: nothing is sent before this time.
    pub retry_at: Option<DateTime<Utc>>,
    /// What the connection last said of itself, as the platform words it.
    pub connection_state: Option<String>,
    #[sqlx(flatten)]
    pub health: Health,
    pub created_at: DateTime<Utc>,
}

/// How a channel is, as far as it was noticed or its platform said so.
#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub struct Health {
    /// What was wrong last, also when it has been mended.
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
    /// What the platform thinks of the channel, in its own word.
    pub quality: Option<String>,
    pub token_expires_at: Option<DateTime<Utc>>,
    /// The end of which people were warned.
    pub token_warned_for: Option<DateTime<Utc>>,
    /// When the platform was asked last.
    pub checked_at: Option<DateTime<Utc>>,
}

macro_rules! channel_columns {
    ($rest:literal) => {
        concat!(
            "SELECT id, org_id, platform, name, config, settings, status, error_message, alarms, retry_at,
                    connection_state, last_error, last_error_at, quality, token_expires_at, token_warned_for, checked_at,
                    created_at
             FROM channels ",
            $rest
        )
    };
}

/// A channel by its id alone: for webhooks, whose path names it.
pub async fn find_channel(c: Conn<'_>, id: ChannelId) -> Result<Option<ChannelRow>> {
    const FIND: &str = channel_columns!("WHERE id = $1");
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// The channels of an organisation, the oldest first; without those that were removed.
pub async fn list_channels(c: Conn<'_>, org: OrgId) -> Result<Vec<ChannelRow>> {
    const LIST: &str = channel_columns!("WHERE org_id = $1 AND status <> 'removed' ORDER BY created_at, id");
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

/// Adds a channel.
pub async fn insert_channel(c: Conn<'_>, row: &ChannelRow) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO channels (id, org_id, platform, name, config, settings, status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    both!(c, c => sqlx::query(INSERT).bind(row.id).bind(row.org_id).bind(&row.platform).bind(&row.name)
        .bind(&row.config).bind(&row.settings).bind(&row.status).bind(row.created_at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// A raw event to keep.
pub struct NewEvent<'a> {
    pub id: ChannelEventId,
    pub org: OrgId,
    pub channel: ChannelId,
    pub external: &'a str,
    pub payload: &'a str,
    pub received_at: DateTime<Utc>,
}

/// Stores raw events; returns those that were not there yet.
pub async fn insert_events(c: Conn<'_>, events: &[NewEvent<'_>]) -> Result<Vec<ChannelEventId>> {
    const INTO: &str =
        "INSERT INTO channel_events (id, org_id, channel_id, external_event_id, payload, status, received_at) ";
    let mut c = c;
    let mut added = Vec::with_capacity(events.len());
    // Databases limit how many values a statement may bind.
    for events in events.chunks(1000) {
        let new: Vec<ChannelEventId> = both!(c.again(), c => {
            let mut query = sqlx::QueryBuilder::<DB>::new(INTO);
            query.push_values(events, |mut row, event| {
                row.push_bind(event.id).push_bind(event.org).push_bind(event.channel).push_bind(event.external)
                    .push_bind(event.payload).push("'received'").push_bind(event.received_at);
            });
            query.push(" ON CONFLICT DO NOTHING RETURNING id");
            query.build_query_scalar().persistent(false).fetch_all(c).await
        })?;
        added.extend(new);
    }
    Ok(added)
}

/// A raw event that waits to become a message.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EventRow {
    pub channel_id: ChannelId,
    pub payload: String,
    pub status: String,
    pub received_at: DateTime<Utc>,
}

/// One raw event.
pub async fn find_event(c: Conn<'_>, id: ChannelEventId) -> Result<Option<EventRow>> {
    const FIND: &str = "SELECT channel_id, payload, status, received_at FROM channel_events WHERE id = $1";
    Ok(both!(c, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await)?)
}

/// What became of a raw event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settled<'a> {
    /// `processed`, `ignored` or `failed` with the reason, or `waiting` for the message it changes.
    pub status: &'static str,
    pub error: Option<&'a str>,
    /// The platform's id of the message that it brings or changes.
    pub about: Option<&'a str>,
    /// What it says was taken back: nothing of it is kept.
    pub is_gone: bool,
}

/// Says what became of a raw event.
pub async fn settle_event(c: Conn<'_>, id: ChannelEventId, of: Settled<'_>, now: DateTime<Utc>) -> Result<()> {
    const SETTLE: &str = "
        UPDATE channel_events SET status = $2, error_message = $3, processed_at = $4,
               about = COALESCE($5, about), payload = CASE WHEN $6 THEN '' ELSE payload END
        WHERE id = $1";
    both!(c, c => sqlx::query(SETTLE).bind(id).bind(of.status).bind(of.error).bind(now).bind(of.about).bind(of.is_gone)
        .execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Edits and revocations that wait for the message `about`, in the order in which they came.
pub async fn list_waiting_events(
    c: Conn<'_>,
    channel: ChannelId,
    about: &str,
) -> Result<Vec<(ChannelEventId, String)>> {
    const LIST: &str = "
        SELECT id, payload FROM channel_events WHERE channel_id = $1 AND about = $2 AND status = 'waiting'
        ORDER BY received_at, id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(channel).bind(about).fetch_all(c).await)?)
}

/// Empties what the platform sent about a message that was taken back.
pub async fn empty_events(c: Conn<'_>, channel: ChannelId, about: &str) -> Result<()> {
    const EMPTY: &str = "UPDATE channel_events SET payload = '' WHERE channel_id = $1 AND about = $2";
    both!(c, c => sqlx::query(EMPTY).bind(channel).bind(about).execute(c).await.map(|_| ()))?;
    Ok(())
}
