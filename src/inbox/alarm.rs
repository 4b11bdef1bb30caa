//! What is wrong with a channel reaches whoever can mend it, once, and so does that it is mended.
//!
//! Several things may be wrong at once: each is ended by good news about itself only.

use serde_json::{Map, Value, json};

use super::{
    deliver::STOPPED,
    store::{self, ChannelRow},
};
use crate::{
    app::{App, ChannelId, OrgId},
    channels::Connection,
    platform::Result,
    staff::{self, Audience, ChannelManage, News, Permission},
};

/// The platform takes nothing from this channel until somebody mends it: it is tried again now and then.
pub(super) async fn stop(app: &App, org: OrgId, channel: ChannelId, why: &str) -> Result<()> {
    raise(app, org, channel, Connection::SENDING, why, true).await
}

/// What the platform, or the way to it, says of itself.
pub(super) async fn connection(app: &App, org: OrgId, channel: ChannelId, said: &Connection) -> Result<()> {
    if said.matter == Connection::LINK {
        let mut tx = app.begin().await?;
        store::set_connection_state(tx.conn(), channel, &said.state).await?;
        tx.commit().await?;
    }
    match said.is_up {
        Some(true) => all_clear(app, org, channel, Some(&said.matter)).await,
        Some(false) => raise(app, org, channel, &said.matter, &said.detail, false).await,
        None => Ok(()),
    }
}

/// What is wrong with a channel, by what it is about.
fn alarms(row: &ChannelRow) -> Map<String, Value> {
    let all = row.alarms.0.as_object().cloned().unwrap_or_default();
    match &row.error_message {
        // Noted before there were several.
        Some(why) if all.is_empty() => Map::from_iter([(Connection::SENDING.to_string(), json!(why))]),
        _ => all,
    }
}

/// All of it in words.
fn words(alarms: &Map<String, Value>) -> Option<String> {
    let all: Vec<&str> = alarms.values().filter_map(Value::as_str).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

async fn raise(app: &App, org: OrgId, channel: ChannelId, matter: &str, why: &str, stops: bool) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(row) = store::lock_channel(tx.conn(), channel).await? else {
        return Ok(());
    };
    let mut all = alarms(&row);
    let is_news = all.insert(matter.into(), json!(why)) != Some(json!(why));
    let retry_at = if stops { Some(now + STOPPED) } else { row.retry_at };
    let error = words(&all);
    store::set_alarms(tx.conn(), channel, &Value::Object(all), error.as_deref(), retry_at, now).await?;
    let told = if is_news {
        let title = format!("The channel {} has a problem", row.name);
        let news =
            News { kind: "channel_alarm", title: &title, content: Some(why), resource: Some(("channel", channel.0)) };
        staff::notify(tx.conn(), org, Audience::May(ChannelManage::KEY), news, now).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    if is_news {
        tracing::warn!(channel.id = %channel, kind = row.platform, why, "a channel has a problem");
        metrics::counter!("frontdesk_channel_alarms_total", "kind" => row.platform).increment(1);
    }
    staff::tell(app, org, &told).await;
    Ok(())
}

/// What `matter` is about works (again); `None`: all of it.
pub(super) async fn all_clear(app: &App, org: OrgId, channel: ChannelId, matter: Option<&str>) -> Result<()> {
    let may_send = matter.is_none_or(|matter| matter == Connection::SENDING);
    let is_wrong = |row: &ChannelRow| {
        let all = alarms(row);
        matter.map_or(!all.is_empty(), |matter| all.contains_key(matter)) || (may_send && row.retry_at.is_some())
    };
    let mut reader = app.read().await?;
    if !store::find_channel(reader.conn(), channel).await?.is_some_and(|row| is_wrong(&row)) {
        return Ok(()); // the usual case writes nothing
    }
    drop(reader);
    let mut tx = app.begin().await?;
    let Some(row) = store::lock_channel(tx.conn(), channel).await?.filter(is_wrong) else {
        return Ok(());
    };
    let mut left = alarms(&row);
    let ended = match matter {
        Some(matter) => left.shift_remove(matter).map(|why| Map::from_iter([(matter.to_string(), why)])),
        None => Some(std::mem::take(&mut left)),
    };
    let retry_at = row.retry_at.filter(|_| !may_send);
    let error = words(&left);
    store::set_alarms(tx.conn(), channel, &Value::Object(left), error.as_deref(), retry_at, app.now()).await?;
    let title = match error {
        None => format!("The channel {} works again", row.name),
        Some(_) => format!("A problem of the channel {} is over, another is left", row.name),
    };
    let content = json!({"was": ended.as_ref().and_then(words)}).to_string();
    let news =
        News { kind: "channel_mended", title: &title, content: Some(&content), resource: Some(("channel", channel.0)) };
    let told = staff::notify(tx.conn(), org, Audience::May(ChannelManage::KEY), news, app.now()).await?;
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    Ok(())
}
