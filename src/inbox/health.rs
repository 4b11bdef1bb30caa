//! How channels are: their platforms are asked every day, and people hear in time that a token ends.

use chrono::{DateTime, Duration, Utc};

use super::{
    alarm, connect,
    store::{self, ChannelRow},
};
use crate::{
    app::{App, ChannelId, Job},
    channels::{Checked, WITH_HEALTH},
    platform::Result,
    staff::{self, Audience, ChannelManage, News, Permission},
};

/// How often a platform is asked.
const EVERY: Duration = Duration::days(1);
/// How long before its end people are told that a token ends.
const AHEAD: Duration = Duration::days(7);

/// Sees to channels that were not asked about for a day.
pub(super) async fn look(app: &App) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    for kind in WITH_HEALTH {
        for (org, channel) in store::list_unchecked(tx.conn(), kind, now - EVERY).await? {
            Job::CheckChannel { channel }.push(tx.conn(), org, now).await?;
        }
    }
    tx.commit().await
}

/// The platform said something of the channel: it is asked for the whole of it.
pub(super) async fn ask(app: &App, row: &ChannelRow) -> Result<()> {
    if !WITH_HEALTH.contains(&row.platform.as_str()) {
        return Ok(());
    }
    let mut tx = app.begin().await?;
    Job::CheckChannel { channel: row.id }.push(tx.conn(), row.org_id, app.now()).await?;
    tx.commit().await?;
    app.wake(row.org_id).await;
    Ok(())
}

/// Asks the platform how a channel is (`Job::CheckChannel`). One that can't be reached is asked again before long.
pub async fn check(app: &App, id: ChannelId) -> Result<()> {
    let row = store::find_channel(app.read().await?.conn(), id).await?.filter(|row| row.status == "active");
    let Some(row) = row else { return Ok(()) };
    match connect::open(app, &row)?.health(&app.outside, app.now()).await {
        Ok(said) => {
            note(app, &row, &said).await?;
            if said.ok { Ok(()) } else { alarm::stop(app, row.org_id, id, &said.detail).await }
        }
        Err(e) => {
            tracing::debug!(channel.id = %id, error = %e.chain(), "a channel's platform could not be asked");
            Ok(())
        }
    }
}

/// Notes what a platform said of a channel, and warns whoever may mend it of a token that ends soon, once.
pub(super) async fn note(app: &App, row: &ChannelRow, said: &Checked) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    store::set_channel_health(tx.conn(), row.id, said, now).await?;
    let mut told = Vec::new();
    if let Some(ends_at) = said.token_expires_at.filter(|at| is_to_be_told(*at, row.health.token_warned_for, now)) {
        store::set_token_warned(tx.conn(), row.id, ends_at).await?;
        let title = format!("The token of the channel {} ends on {}", row.name, ends_at.date_naive());
        let content =
            "make a new one at the platform and enter it under Settings → Channels, or nothing is sent any more";
        let news = News {
            kind: "channel_token",
            title: &title,
            content: Some(content),
            resource: Some(("channel", row.id.0)),
        };
        told = staff::notify(tx.conn(), row.org_id, Audience::May(ChannelManage::KEY), news, now).await?;
    }
    tx.commit().await?;
    staff::tell(app, row.org_id, &told).await;
    Ok(())
}

/// Whether people should hear now that a token ends at `ends_at`.
fn is_to_be_told(ends_at: DateTime<Utc>, warned_for: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    ends_at - now <= AHEAD && warned_for != Some(ends_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_told_once_and_a_week_ahead() {
        let now = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
        let after = |days: i64| now + Duration::days(days);
        for (ends, warned_for, told) in [
            (after(8), None, false),
            (after(7), None, true),
            (after(2), None, true),
            (after(-1), None, true),
            (after(2), Some(after(2)), false),
            (after(2), Some(after(-60)), true),
        ] {
            assert_eq!(is_to_be_told(ends, warned_for, now), told, "{ends} {warned_for:?}");
        }
    }
}
