//! Channels as an organisation connects them; opened once and kept for a moment.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::types::Json;

use super::store::{self, ChannelRow};
use crate::{
    app::{App, ChannelId, OrgId},
    channels::Channel,
    platform::{Error, Result},
    staff::{By, audit},
};

/// A channel and its row.
#[derive(Debug)]
pub struct Connected {
    pub row: ChannelRow,
    pub channel: Channel,
}

/// How long a change of a channel's settings may take to be noticed by another process.
const KEPT_FOR: Duration = Duration::from_secs(5);
type Kept = RwLock<HashMap<ChannelId, (Instant, Arc<Connected>)>>;
static KEPT: std::sync::LazyLock<Kept> = std::sync::LazyLock::new(Kept::default);

/// The channel of this id, opened; `None` if there is none or it is paused.
pub async fn connected(app: &App, id: ChannelId) -> Result<Option<Arc<Connected>>> {
    let kept = KEPT.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).cloned();
    if let Some((at, connected)) = kept
        && at.elapsed() < KEPT_FOR
    {
        return Ok(Some(connected));
    }
    let mut reader = app.read().await?;
    let Some(row) = store::find_channel(reader.conn(), id).await?.filter(|row| row.status == "active") else {
        return Ok(None);
    };
    let channel = open(app, &row)?;
    let connected = Arc::new(Connected { row, channel });
    let mut all = KEPT.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.retain(|_, (at, _)| at.elapsed() < KEPT_FOR);
    all.insert(id, (Instant::now(), connected.clone()));
    Ok(Some(connected))
}

/// The channel of a row, its configuration opened with the master key.
pub fn open(app: &App, row: &ChannelRow) -> Result<Channel> {
    let config: Value = match row.config.as_str() {
        "" => Value::Null,
        sealed => serde_json::from_slice(&app.key.open(&format!("channel:{}", row.id), sealed)?)?,
    };
    Channel::open(&row.platform, &config)
}

/// Connects a channel; its configuration is checked, then stored sealed.
pub async fn connect(
    app: &App,
    by: &By,
    platform: &str,
    name: &str,
    config: &Value,
    settings: Value,
) -> Result<ChannelRow> {
    Channel::open(platform, config)?;
    if name.trim().is_empty() {
        return Err(Error::Invalid("the channel needs a name".into()));
    }
    let id = ChannelId::new();
    let sealed = match config {
        Value::Null => String::new(),
        config => app.key.seal(&format!("channel:{id}"), config.to_string().as_bytes())?,
    };
    let row = ChannelRow {
        id,
        org_id: by.org,
        platform: platform.into(),
        name: name.trim().into(),
        config: sealed,
        settings: Json(settings),
        status: "active".into(),
        created_at: app.now(),
    };
    let mut tx = app.begin().await?;
    store::insert_channel(tx.conn(), &row).await?;
    let shown = json!({"platform": platform, "name": row.name});
    audit(tx.conn(), app.now(), by, "channel.create", ("channel", id.0), shown).await?;
    tx.commit().await?;
    Ok(row)
}

/// The organisation's website channel, made when it has none.
pub async fn ensure_web_channel(app: &App, org: OrgId) -> Result<ChannelRow> {
    ensure_web_channel_with(app, org, json!({})).await
}

/// The same; a channel that is made begins with these settings (`{"suggestions": {"en": […], "zh": […]}}`).
pub async fn ensure_web_channel_with(app: &App, org: OrgId, settings: Value) -> Result<ChannelRow> {
    let mut reader = app.read().await?;
    let found = store::list_channels(reader.conn(), org).await?.into_iter().find(|c| c.platform == "web");
    drop(reader);
    match found {
        Some(row) => Ok(row),
        None => connect(app, &By::system(org), "web", "Website", &Value::Null, settings).await,
    }
}
