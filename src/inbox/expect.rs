//! How long a customer who waits for a person may expect to wait: as long as the last ones did.

use chrono::{DateTime, Duration, Utc};

use super::{hours::Hours, store::overview as store};
use crate::{
    app::OrgId,
    platform::{Result, db::Conn, language::Language},
};

/// How many of the latest hand-offs tell, and how few tell nothing.
const LATEST: usize = 20;
const FEWEST: usize = 3;
/// How far back we look, and at how many.
const SINCE: Duration = Duration::days(30);
const LOOKED_AT: i64 = 100;
/// Who waits no longer than this need not be told.
const SHORT_MINUTES: i64 = 2;

/// How long people took to answer the latest hand-offs within business hours, half of them; `None` where too few tell.
pub(super) async fn wait(c: Conn<'_>, org: OrgId, hours: &Hours, now: DateTime<Utc>) -> Result<Option<Duration>> {
    let latest = store::answered_hand_offs(c, org, now - SINCE, LOOKED_AT).await?;
    let while_open = latest.into_iter().filter(|(called, _)| hours.opens(*called).is_none());
    Ok(median(while_open.take(LATEST).map(|(called, answered)| answered - called).collect()))
}

fn median(mut waits: Vec<Duration>) -> Option<Duration> {
    waits.sort_unstable();
    waits.get(waits.len() / 2).copied().filter(|_| waits.len() >= FEWEST)
}

/// Says how long it may take, rounded up; nothing where it is short.
pub(super) fn said(wait: Duration, language: Language) -> Option<String> {
    let minutes = (wait.num_seconds() + 59) / 60;
    if minutes <= SHORT_MINUTES {
        return None;
    }
    let up_to = |step: i64| (minutes + step - 1) / step * step;
    let minutes = match minutes {
        ..=5 => minutes,
        6..=30 => up_to(5),
        31..=60 => up_to(15),
        _ => up_to(60),
    };
    Some(match (language, minutes) {
        (Language::En, 60) => "It may take about an hour.".into(),
        (Language::Zh, 60..) => format!("预计等待约 {} 小时。", minutes / 60),
        (Language::En, 61..) => format!("It may take about {} hours.", minutes / 60),
        (Language::Zh, _) => format!("预计等待约 {minutes} 分钟。"),
        (Language::En, _) => format!("It may take about {minutes} minutes."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_waits_tell_and_a_few_tell_nothing() {
        let minutes = |all: &[i64]| all.iter().map(|m| Duration::minutes(*m)).collect::<Vec<_>>();
        assert_eq!(median(minutes(&[9, 1, 90])), Some(Duration::minutes(9)));
        assert_eq!(median(minutes(&[9, 1])), None);
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn waits_are_said_rounded_up_and_short_ones_not_at_all() {
        let en = |seconds| said(Duration::seconds(seconds), Language::En).unwrap_or_default();
        for (seconds, text) in [
            (120, ""),
            (121, "It may take about 3 minutes."),
            (301, "It may take about 10 minutes."),
            (1860, "It may take about 45 minutes."),
            (3600, "It may take about an hour."),
            (3700, "It may take about 2 hours."),
        ] {
            assert_eq!(en(seconds), text, "{seconds}");
        }
        let zh = |seconds| said(Duration::seconds(seconds), Language::Zh);
        assert_eq!(zh(540).as_deref(), Some("预计等待约 10 分钟。"));
        assert_eq!(zh(5400).as_deref(), Some("预计等待约 2 小时。"));
        assert_eq!(zh(60), None);
    }
}
