//! What an organisation set for its inbox: hours, who gets what waits, how soon it is due, whether customers are asked.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{connect::origins_of, desk::PRIORITIES, hours::Hours, store};
use crate::{
    app::{App, ChannelId, Job, OrgId, TeamId},
    platform::{
        Error, Result,
        db::{Conn, Tx},
        language::Language,
        links::Domains,
    },
    staff::{self, By, audit, difference},
};

/// Under which key the rules stand.
const KEY: &str = "inbox";

/// Who gets a conversation that waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Assignment {
    /// Whoever takes it.
    #[default]
    Manual,
    /// Each in turn.
    RoundRobin,
    /// Who has the fewest open ones.
    LeastBusy,
}

/// The rules of an organisation's inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    pub hours: Hours,
    pub assignment: Assignment,
    /// How many open conversations an agent is given at most; 0 = any number.
    pub capacity: i64,
    /// Which team gets what, the first that fits; where nobody of it is there and free, everybody counts.
    pub routes: Vec<Route>,
    /// Whether customers are asked for a mark when a person has resolved their conversation.
    pub asks_satisfaction: bool,
    /// How many days files that came or went with messages are kept; 0 = as long as their conversation.
    pub keep_files_days: i64,
    pub sla: Vec<Sla>,
    /// The domains that links in the assistant's messages may lead to, with what is below them; `*`: any. The
    /// websites that show the chat and our own address are among them.
    pub link_domains: Vec<String>,
}

/// Which team gets conversations in a language, of a channel, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Absent: any.
    pub language: Option<Language>,
    /// Absent: any.
    pub channel: Option<ChannelId>,
    pub team: TeamId,
}

/// How soon conversations of a priority are due, from when a person was called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    /// `urgent`, `high`, `medium` or `low`.
    pub priority: String,
    pub first_response_minutes: Option<i64>,
    pub resolution_minutes: Option<i64>,
}

/// The longest time anything may be due in: a year.
const LONGEST_MINUTES: i64 = 366 * 24 * 60;
/// The longest time files are kept in days: a hundred years.
const LONGEST_DAYS: i64 = 36_525;
/// The most domains, and the longest name of one.
const MOST_DOMAINS: usize = 200;
/// The most routes.
const MOST_ROUTES: usize = 100;
const LONGEST_DOMAIN: usize = 253;

impl Rules {
    fn fault(&self) -> Option<String> {
        if let Some(fault) = self.hours.fault() {
            return Some(fault.into());
        }
        if !(0..=10_000).contains(&self.capacity) {
            return Some("capacity: 0 to 10000".into());
        }
        if !(0..=LONGEST_DAYS).contains(&self.keep_files_days) {
            return Some(format!("keep_files_days: 0 to {LONGEST_DAYS}"));
        }
        if self.routes.len() > MOST_ROUTES {
            return Some(format!("routes: at most {MOST_ROUTES}"));
        }
        if self.link_domains.len() > MOST_DOMAINS || self.link_domains.iter().any(|d| d.len() > LONGEST_DOMAIN) {
            return Some(format!("link_domains: at most {MOST_DOMAINS}, of {LONGEST_DOMAIN} characters"));
        }
        if let Some(odd) = self.link_domains.iter().find(|d| d.trim() != "*" && !d.contains('.')) {
            return Some(format!("link_domains: {odd} is no domain"));
        }
        for (n, sla) in self.sla.iter().enumerate() {
            if !PRIORITIES.contains(&sla.priority.as_str()) {
                return Some(format!("sla: priority is one of {}", PRIORITIES.join(", ")));
            }
            if self.sla.iter().take(n).any(|s| s.priority == sla.priority) {
                return Some(format!("sla: {} stands twice", sla.priority));
            }
            let times = [sla.first_response_minutes, sla.resolution_minutes];
            if times.into_iter().flatten().any(|m| !(1..=LONGEST_MINUTES).contains(&m)) {
                return Some("sla: 1 minute to a year".into());
            }
        }
        None
    }

    fn check(&self) -> Result<()> {
        self.fault().map_or(Ok(()), |fault| Err(Error::Invalid(fault)))
    }

    /// When the first answer and the solution are due for what a person was called for at `now`.
    pub fn due(&self, priority: &str, now: DateTime<Utc>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let Some(sla) = self.sla.iter().find(|s| s.priority == priority) else {
            return (None, None);
        };
        let due = |minutes: Option<i64>| minutes.map(|m| self.hours.after(now, Duration::minutes(m)));
        (due(sla.first_response_minutes), due(sla.resolution_minutes))
    }
}

/// The rules of an organisation; those of nobody are the defaults.
pub async fn load(c: Conn<'_>, org: OrgId) -> Result<Rules> {
    Ok(parsed(staff::find_config(c, org, KEY).await?))
}

fn parsed(found: Option<Json<Value>>) -> Rules {
    // Rules that an older or newer program wrote and that make no sense here must not stop the inbox.
    found.and_then(|v| serde_json::from_value(v.0).ok()).unwrap_or_default()
}

/// The rules of every organisation that set some.
pub async fn load_all(c: Conn<'_>) -> Result<Vec<(OrgId, Rules)>> {
    let all = store::rules::list(c, KEY).await?;
    Ok(all.into_iter().filter_map(|(org, value)| Some((org, serde_json::from_value(value.0).ok()?))).collect())
}

/// The domains that links in what the assistant says may lead to: those of the rules, the websites that show the chat,
/// and our own.
pub async fn link_domains(app: &App, org: OrgId) -> Result<Domains> {
    let mut reader = app.read().await?;
    let mut names = load(reader.conn(), org).await?.link_domains;
    for channel in store::list_channels(reader.conn(), org).await? {
        names.extend(origins_of(&channel.settings.0).unwrap_or_default());
    }
    names.extend(app.config.server.public_url.clone());
    Ok(Domains::new(names))
}

/// Adds to the domains that links may lead to.
pub async fn allow_links(app: &App, org: OrgId, domains: &[&str]) -> Result<()> {
    let mut tx = app.begin().await?;
    let before = lock(tx.conn(), org).await?;
    let new = domains.iter().filter(|d| !before.link_domains.iter().any(|known| known == *d));
    let link_domains = before.link_domains.iter().cloned().chain(new.map(|d| (*d).to_owned())).collect();
    let after = Rules { link_domains, ..before.clone() };
    after.check()?;
    if after == before { Ok(()) } else { change(app, tx, &By::system(org), &before, &after).await }
}

/// Sets the rules. Routes that have led nowhere since they were set, their team or channel being gone, are left out.
pub async fn save(app: &App, by: &By, rules: Rules) -> Result<Rules> {
    rules.check()?;
    let mut tx = app.begin().await?;
    let before = lock(tx.conn(), by.org).await?;
    let mut routes = Vec::new();
    for route in &rules.routes {
        match gone(tx.conn(), by.org, route).await? {
            None => routes.push(*route),
            Some(_) if before.routes.contains(route) => {}
            Some(what) => return Err(Error::NotFound(what)),
        }
    }
    let after = Rules { routes, ..rules };
    change(app, tx, by, &before, &after).await?;
    Ok(after)
}

/// Takes the routes to a team away that is no more (`Job::ForgetTeam`). Safe to repeat.
pub async fn forget_team(app: &App, org: OrgId, team: TeamId) -> Result<()> {
    let mut tx = app.begin().await?;
    let before = lock(tx.conn(), org).await?;
    let mut after = before.clone();
    after.routes.retain(|route| route.team != team);
    if after == before { Ok(()) } else { change(app, tx, &By::system(org), &before, &after).await }
}

/// The rules, held until the transaction ends.
async fn lock(c: Conn<'_>, org: OrgId) -> Result<Rules> {
    Ok(parsed(staff::lock_config(c, org, KEY).await?))
}

/// What a route leads to, or from, that is not there.
async fn gone(mut c: Conn<'_>, org: OrgId, route: &Route) -> Result<Option<&'static str>> {
    if !staff::is_team(c.again(), org, route.team).await? {
        return Ok(Some("team"));
    }
    let Some(channel) = route.channel else { return Ok(None) };
    let is_there = store::find_channel(c, channel).await?.is_some_and(|c| c.org_id == org);
    Ok((!is_there).then_some("channel"))
}

/// Writes what was changed, commits, and has what waits given out by it.
async fn change(app: &App, mut tx: Tx, by: &By, before: &Rules, after: &Rules) -> Result<()> {
    let now = app.now();
    staff::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(after)?, by.user, now).await?;
    let changes = difference(Some(before), Some(after));
    audit(tx.conn(), now, by, "inbox_rules.edit", ("organization", by.org.0), changes).await?;
    Job::GiveOut { org: by.org }.push(tx.conn(), by.org, now).await?;
    tx.commit().await?;
    app.wake(by.org).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn at(hour: u32) -> Option<DateTime<Utc>> {
        Some(Utc.with_ymd_and_hms(2026, 3, 2, hour, 0, 0).unwrap())
    }

    #[test]
    fn what_is_due_follows_the_priority() {
        let sla = Sla { priority: "urgent".into(), first_response_minutes: Some(15), resolution_minutes: None };
        let rules = Rules { sla: vec![sla], ..Rules::default() };
        let now = at(9).unwrap();
        assert_eq!(rules.due("urgent", now), (Some(now + Duration::minutes(15)), None));
        assert_eq!(rules.due("low", now), (None, None));
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let sla = |priority: &str, minutes| Sla {
            priority: priority.into(),
            first_response_minutes: Some(minutes),
            resolution_minutes: None,
        };
        let with = |sla| Rules { sla, ..Rules::default() };
        assert!(with(vec![sla("low", 5)]).fault().is_none());
        assert!(with(vec![sla("low", 0)]).fault().is_some());
        assert!(with(vec![sla("someday", 5)]).fault().is_some());
        assert!(with(vec![sla("low", 5), sla("low", 6)]).fault().is_some());
        assert!(Rules { capacity: -1, ..Rules::default() }.fault().is_some());
        assert!(Rules { keep_files_days: -1, ..Rules::default() }.fault().is_some());
    }
}
