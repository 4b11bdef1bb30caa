//! Channels as an organisation connects them; opened once and kept for a moment.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};
use sqlx::types::Json;

use super::{
    fetch, health,
    store::{self, ChannelRow, Health},
};
use crate::{
    app::{App, ChannelId, OrgId},
    channels::{Channel, Checked},
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

/// The channel of this id, opened; `None` if there is none. A paused one still takes in what comes: nothing is lost.
pub async fn connected(app: &App, id: ChannelId) -> Result<Option<Arc<Connected>>> {
    let kept = KEPT.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).cloned();
    if let Some((at, connected)) = kept
        && at.elapsed() < KEPT_FOR
    {
        return Ok(Some(connected));
    }
    let mut reader = app.read().await?;
    let Some(row) = store::find_channel(reader.conn(), id).await?.filter(|row| row.status != "removed") else {
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
    if row.status == "removed" {
        return Err(Error::NotFound("channel"));
    }
    Channel::open(&row.platform, &opened(app, row)?)
}

/// The websites that may show a channel's chat, as their origins; `None`: any.
pub async fn origins(app: &App, id: ChannelId) -> Result<Option<Vec<String>>> {
    let row = store::find_channel(app.read().await?.conn(), id).await?;
    Ok(row.and_then(|row| origins_of(&row.settings.0)))
}

/// The same, from a channel's settings.
pub fn origins_of(settings: &Value) -> Option<Vec<String>> {
    let list = settings.get("origins")?.as_array()?;
    let list: Vec<String> = list.iter().filter_map(|o| Some(o.as_str()?.trim_end_matches('/').to_string())).collect();
    (!list.is_empty()).then_some(list)
}

/// With what a website's server vouches for its users, if the channel has it.
pub fn identity_secret(app: &App, row: &ChannelRow) -> Result<Option<String>> {
    Ok(opened(app, row)?.get("identity_secret").and_then(Value::as_str).filter(|s| !s.is_empty()).map(String::from))
}

fn opened(app: &App, row: &ChannelRow) -> Result<Value> {
    match row.config.as_str() {
        "" => Ok(Value::Null),
        sealed => Ok(serde_json::from_slice(&app.key.open(&format!("channel:{}", row.id), sealed)?)?),
    }
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
    let channel = Channel::open(platform, config)?;
    if name.trim().is_empty() {
        return Err(Error::Invalid("the channel needs a name".into()));
    }
    let mut settings = settings;
    note_account(&channel, &mut settings);
    let id = ChannelId::new();
    let sealed = match config {
        Value::Null => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
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
        error_message: None,
        retry_at: None,
        alarms: Json(json!({})),
        connection_state: None,
        health: Health::default(),
        created_at: app.now(),
    };
    let mut tx = app.begin().await?;
    store::insert_channel(tx.conn(), &row).await?;
    fetch::begin(tx.conn(), &row, &channel, app.now()).await?;
    let shown = json!({"platform": platform, "name": row.name});
    audit(tx.conn(), app.now(), by, "channel.create", ("channel", id.0), shown).await?;
    tx.commit().await?;
    Ok(row)
}

/// Changes a channel's name, configuration or settings: given keys are set, `null` takes one away, the rest stays.
pub async fn edit(
    app: &App,
    by: &By,
    id: ChannelId,
    name: Option<&str>,
    config: Option<&Value>,
    settings: Option<&Value>,
) -> Result<ChannelRow> {
    let mut tx = app.begin().await?;
    let row = of(store::find_channel(tx.conn(), id).await?, by)?;
    let mut opened = opened(app, &row)?;
    if opened.is_null() {
        opened = json!({});
    }
    let mut shown = row.settings.0.clone();
    merge(&mut opened, config);
    merge(&mut shown, settings);
    let name = name.map_or(row.name.as_str(), str::trim);
    if name.is_empty() {
        return Err(Error::Invalid("the channel needs a name".into()));
    }
    let channel = Channel::open(&row.platform, &opened)?;
    note_account(&channel, &mut shown);
    let sealed = if opened.as_object().is_some_and(serde_json::Map::is_empty) {
        String::new()
    } else {
        app.key.seal(&format!("channel:{id}"), opened.to_string().as_bytes())?
    };
    store::save_channel(tx.conn(), id, name, &sealed, &shown, app.now()).await?;
    fetch::begin(tx.conn(), &row, &channel, app.now()).await?;
    let what = json!({"name": name, "config": config.is_some(), "settings": settings.is_some()});
    audit(tx.conn(), app.now(), by, "channel.edit", ("channel", id.0), what).await?;
    let row = store::find_channel(tx.conn(), id).await?.ok_or(Error::NotFound("channel"))?;
    tx.commit().await?;
    forget(id);
    Ok(row)
}

/// The account is no secret, and other channels of the same app look for it.
fn note_account(channel: &Channel, settings: &mut Value) {
    if let (Some(account), Some(all)) = (channel.account(), settings.as_object_mut()) {
        all.insert("account".into(), json!(account));
    }
}

/// The channel of the same kind and organisation that is this account at the platform.
pub async fn sibling(app: &App, row: &ChannelRow, account: &str) -> Result<Option<ChannelId>> {
    let all = store::list_channels(app.read().await?.conn(), row.org_id).await?;
    let is_it =
        |c: &ChannelRow| c.platform == row.platform && c.settings.0.get("account").is_some_and(|a| a == account);
    Ok(all.into_iter().find(is_it).map(|c| c.id))
}

fn merge(into: &mut Value, changes: Option<&Value>) {
    let (Some(all), Some(changes)) = (into.as_object_mut(), changes.and_then(Value::as_object)) else { return };
    for (key, value) in changes {
        if value.is_null() {
            all.shift_remove(key);
        } else {
            all.insert(key.clone(), value.clone());
        }
    }
}

/// The row, if it is a channel of the asker's organisation.
fn of(row: Option<ChannelRow>, by: &By) -> Result<ChannelRow> {
    row.filter(|row| row.org_id == by.org && row.status != "removed").ok_or(Error::NotFound("channel"))
}

/// What of a configuration is no secret; of everything else only the name is told.
const PLAIN: [&str; 25] = [
    "address",
    "app_id",
    "base_url",
    "corp_id",
    "graph_version",
    "greeting",
    "group_names",
    "idempotent",
    "imap_host",
    "imap_port",
    "imap_security",
    "instance",
    "mailbox",
    "name",
    "phone_number_id",
    "send_url",
    "session",
    "smart_read",
    "smtp_host",
    "smtp_port",
    "smtp_security",
    "smtp_user",
    "template",
    "transfer_to",
    "user",
];

/// A channel, what of its configuration is no secret, and the names of the secrets that it has.
pub async fn show(app: &App, by: &By, id: ChannelId) -> Result<(ChannelRow, Map<String, Value>, Vec<String>)> {
    let row = of(store::find_channel(app.read().await?.conn(), id).await?, by)?;
    let all = match opened(app, &row)? {
        Value::Object(all) => all,
        _ => Map::new(),
    };
    let (plain, secret): (Map<_, _>, Map<_, _>) = all.into_iter().partition(|(key, _)| PLAIN.contains(&key.as_str()));
    Ok((row, plain, secret.into_iter().map(|(key, _)| key).collect()))
}

/// Takes a channel away: nothing comes in or goes out any more and its secrets are gone. Its conversations stay.
pub async fn remove(app: &App, by: &By, id: ChannelId) -> Result<()> {
    let mut tx = app.begin().await?;
    let row = of(store::find_channel(tx.conn(), id).await?, by)?;
    let all = store::list_channels(tx.conn(), by.org).await?;
    if row.platform == "web" && all.iter().filter(|c| c.platform == "web").count() == 1 {
        return Err(Error::Conflict("the only website channel stays: pause it instead".into()));
    }
    store::remove_channel(tx.conn(), by.org, id, app.now()).await?;
    let shown = json!({"platform": row.platform, "name": row.name});
    audit(tx.conn(), app.now(), by, "channel.remove", ("channel", id.0), shown).await?;
    tx.commit().await?;
    forget(id);
    Ok(())
}

/// Pauses a channel, or lets it go on. While it is paused nothing is sent; what comes in is kept and shown.
pub async fn pause(app: &App, by: &By, id: ChannelId, is_paused: bool) -> Result<ChannelRow> {
    let status = if is_paused { "paused" } else { "active" };
    let mut tx = app.begin().await?;
    if !store::set_channel_status(tx.conn(), by.org, id, status, app.now()).await? {
        return Err(Error::NotFound("channel"));
    }
    let action = if is_paused { "channel.pause" } else { "channel.resume" };
    audit(tx.conn(), app.now(), by, action, ("channel", id.0), json!({})).await?;
    let row = store::find_channel(tx.conn(), id).await?.ok_or(Error::NotFound("channel"))?;
    tx.commit().await?;
    forget(id);
    app.wake(by.org).await;
    Ok(row)
}

/// Asks the platform whether a channel works; if so, whoever asked has seen what was wrong before.
pub async fn test(app: &App, by: &By, id: ChannelId) -> Result<Checked> {
    let row = of(store::find_channel(app.read().await?.conn(), id).await?, by)?;
    let checked = open(app, &row)?.check(&app.outside, app.now()).await;
    health::note(app, &row, &checked).await?;
    if checked.ok {
        super::alarm::all_clear(app, by.org, id, None).await?;
    }
    Ok(checked)
}

fn forget(id: ChannelId) {
    KEPT.write().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&id);
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
