//! What is wrong with a channel reaches whoever can mend it, once, and so does that it is mended.

use serde_json::json;

use super::{deliver::STOPPED, store};
use crate::{
    app::{App, ChannelId, OrgId},
    channels::Connection,
    platform::Result,
    staff::{self, Audience, ChannelManage, News, Permission},
};

/// The platform takes nothing from this channel until somebody mends it: it is tried again now and then.
pub(super) async fn stop(app: &App, org: OrgId, channel: ChannelId, why: &str) -> Result<()> {
    raise(app, org, channel, why, true).await
}

/// What the connection says of itself.
pub(super) async fn connection(app: &App, org: OrgId, channel: ChannelId, said: &Connection) -> Result<()> {
    let mut tx = app.begin().await?;
    store::set_connection_state(tx.conn(), channel, &said.state).await?;
    tx.commit().await?;
    if said.is_up { all_clear(app, org, channel).await } else { raise(app, org, channel, &said.detail, false).await }
}

async fn raise(app: &App, org: OrgId, channel: ChannelId, why: &str, stops: bool) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    let Some(row) = store::find_channel(tx.conn(), channel).await? else {
        return Ok(());
    };
    let retry_at = stops.then_some(now + STOPPED);
    let is_news = store::set_channel_error(tx.conn(), channel, Some(why), retry_at, now).await?;
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

/// The channel works (again).
pub(super) async fn all_clear(app: &App, org: OrgId, channel: ChannelId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(row) = store::find_channel(reader.conn(), channel).await? else {
        return Ok(());
    };
    drop(reader);
    if row.error_message.is_none() && row.retry_at.is_none() {
        return Ok(()); // the usual case writes nothing
    }
    let mut tx = app.begin().await?;
    store::set_channel_error(tx.conn(), channel, None, None, app.now()).await?;
    let title = format!("The channel {} works again", row.name);
    let content = json!({"was": row.error_message}).to_string();
    let news =
        News { kind: "channel_mended", title: &title, content: Some(&content), resource: Some(("channel", channel.0)) };
    let told = staff::notify(tx.conn(), org, Audience::May(ChannelManage::KEY), news, app.now()).await?;
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    Ok(())
}
