//! Who is given what waits for a person: those at the console who have room, by team and by language.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Status, announce,
    call_agents::{call, call_outside},
    due,
    rules::{self, Assignment, Rules},
    store::{
        self, HolderChange,
        desk::{self, Load},
    },
};
use crate::{
    app::{App, Changed, ConversationId, Job, OrgId, TeamId, UserId},
    platform::{Error, Result, db::Conn},
    staff::{self, Audience, By, ConversationAssign, ConversationReply, News, Permission, audit},
};

/// How many conversations are looked at at a time.
const AT_ONCE: i64 = 200;

/// Somebody who may be given a conversation.
#[derive(Debug, Clone)]
struct Candidate {
    load: Load,
    teams: Vec<TeamId>,
}

/// Those of `all` who satisfy `is_better`, or all of them where nobody does.
fn narrowed(all: Vec<&Candidate>, is_better: impl Fn(&Candidate) -> bool) -> Vec<&Candidate> {
    let (better, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|x| is_better(x));
    if better.is_empty() { others } else { better }
}

impl Rules {
    /// Where the first route that fits leads.
    fn team(&self, c: &Conversation) -> Option<TeamId> {
        let fits = |r: &&rules::Route| {
            r.language.is_none_or(|l| c.language == Some(l)) && r.channel.is_none_or(|id| id == c.channel_id)
        };
        self.routes.iter().find(fits).map(|r| r.team)
    }

    /// Whether somebody is at the console and has room for one more.
    fn is_free(&self, x: &Candidate) -> bool {
        x.is_there() && (self.capacity == 0 || x.load.open < self.capacity)
    }

    /// Who gets the conversation. `None`: nobody who is there has room for it, or everybody takes what they like.
    fn choose(&self, c: &Conversation, all: &[Candidate]) -> Option<UserId> {
        let is_in = |team: TeamId| move |x: &Candidate| x.teams.contains(&team);
        let mut left: Vec<&Candidate> =
            all.iter().filter(|x| self.is_free(x) && c.let_go_by != Some(x.load.user)).collect();
        // A colleague who passes it to a team means that team, as long as there is somebody in it.
        if let Some(team) = c.team_id.filter(|team| all.iter().any(is_in(*team))) {
            left.retain(|x| is_in(team)(x));
        } else if let Some(team) = self.team(c) {
            left = narrowed(left, is_in(team));
        }
        if let Some(language) = c.language {
            let speaks = |x: &Candidate| x.load.languages.contains(&language);
            left = if left.iter().any(|x| speaks(x)) {
                narrowed(left, speaks)
            } else {
                // Who has said nothing may speak it; who has said other languages does not.
                narrowed(left, |x| x.load.languages.is_empty())
            };
        }
        let left = left.iter().map(|x| &x.load);
        let next = match self.assignment {
            Assignment::Manual => None,
            Assignment::RoundRobin => left.min_by_key(|x| (x.last_given_at, x.user)),
            Assignment::LeastBusy => left.min_by_key(|x| (x.open, x.last_given_at, x.user)),
        };
        next.map(|x| x.user)
    }
}

impl Candidate {
    /// Whether they are at the console and have not said that they are away.
    fn is_there(&self) -> bool {
        self.load.is_here && !self.load.is_away()
    }
}

/// Whether a user may answer and is at the console.
pub(super) async fn is_there(c: Conn<'_>, org: OrgId, user: UserId, now: DateTime<Utc>) -> Result<bool> {
    Ok(candidates(c, org, now).await?.iter().any(|x| x.load.user == user && x.is_there()))
}

/// Everybody who may answer, with what they have.
async fn candidates(mut c: Conn<'_>, org: OrgId, now: DateTime<Utc>) -> Result<Vec<Candidate>> {
    let may = staff::users_who_may(c.again(), org, ConversationReply::KEY).await?;
    let teams = staff::teams_of_users(c.again(), org, None).await?;
    let loads = desk::loads(c, org, now - staff::HERE_FOR, now).await?;
    let of = |load: Load| {
        let teams = teams.iter().filter(|(user, _)| *user == load.user).map(|(_, team)| *team).collect();
        Candidate { load, teams }
    };
    Ok(loads.into_iter().filter(|load| may.contains(&load.user)).map(of).collect())
}

/// Counts what `agent` was just given.
fn count(all: &mut [Candidate], agent: UserId, now: DateTime<Utc>) {
    for x in all.iter_mut().filter(|x| x.load.user == agent) {
        x.load.open += 1;
        x.load.last_given_at = Some(now);
    }
}

/// Gives the conversation, which the queue holds by now, to whom the rules name, starts its clocks and calls people.
/// `before` is as it was. On the caller's transaction; returns whom to [`staff::tell`] after the commit.
pub(super) async fn wait(
    mut c: Conn<'_>,
    before: &Conversation,
    rules: &Rules,
    title: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let org = before.org_id;
    let agent_id = match rules.assignment {
        Assignment::Manual => None,
        _ => rules.choose(before, &candidates(c.again(), org, now).await?),
    };
    if agent_id.is_some() {
        let to = Assignee { agent_id, team_id: before.team_id };
        desk::assign(c.again(), org, before.id, None, to, now).await?;
    }
    due::start(c.again(), before, rules, now).await?;
    call(c, before, agent_id, title, now).await
}

/// Gives what waits and is nobody's to whom has room for it, the most urgent and longest waiting first
/// (`Job::GiveOut`). Safe to repeat.
pub async fn give_out(app: &App, org: OrgId) -> Result<()> {
    let mut reader = app.read().await?;
    let rules = rules::load(reader.conn(), org).await?;
    if rules.assignment == Assignment::Manual {
        return Ok(());
    }
    let mut all = candidates(reader.conn(), org, app.now()).await?;
    drop(reader);
    let (mut after, mut is_stale) = (None, false);
    while all.iter().any(|x| rules.is_free(x)) {
        let waiting = desk::list_unassigned(app.read().await?.conn(), org, app.now(), after, AT_ONCE).await?;
        let Some(last) = waiting.last() else { break };
        after = Some(desk::Place::of(last));
        for found in &waiting {
            let Some(agent) = rules.choose(found, &all) else { continue };
            if give_one(app, found, agent, &all).await? {
                count(&mut all, agent, app.now());
            } else {
                is_stale = true;
            }
        }
    }
    if is_stale {
        // Somebody wrote, or took it, since it was read: what still waits is looked at again.
        let mut tx = app.begin().await?;
        Job::GiveOut { org }.push(tx.conn(), org, app.now()).await?;
        tx.commit().await?;
        app.wake(org).await;
    }
    Ok(())
}

/// Gives to `agent` what waits, by a rule. False: it changed since it was read, and nothing was written.
async fn give_one(app: &App, found: &Conversation, agent: UserId, all: &[Candidate]) -> Result<bool> {
    let (org, id) = (found.org_id, found.id);
    let to = Assignee { agent_id: Some(agent), team_id: found.team_id };
    let mut tx = app.begin().await?;
    let Some(told) = give(tx.conn(), &By::system(org), found, to, all, app.now()).await? else {
        return Ok(false);
    };
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(true)
}

/// Has what waits given out again, for every organisation in which something does.
pub(super) async fn look(app: &App) -> Result<()> {
    let waiting = desk::orgs_with_unassigned(app.read().await?.conn()).await?;
    let (mut tx, now) = (app.begin().await?, app.now());
    for org in waiting {
        Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await
}

/// Whom a conversation is for: one person, a team, or with neither nobody in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    pub agent_id: Option<UserId>,
    /// Without `agent_id`, the rules choose among its members, or all of them are told.
    pub team_id: Option<TeamId>,
}

/// What people are told: a word for programs, and what stands behind the customer's name; the console knows both.
type Word = (&'static str, &'static str);
const YOURS: Word = ("conversation_assigned", "is yours now");
const YOUR_TEAMS: Word = ("conversation_assigned", "is for your team now");
const WAITS: Word = ("conversation_waiting", "waits for a person");

impl Assignee {
    /// Who hears of it: whose it is, its team, or everybody who may answer where that would be nobody.
    fn audience(self, all: &[Candidate]) -> (Vec<UserId>, Word) {
        if let Some(agent) = self.agent_id {
            return (vec![agent], YOURS);
        }
        let is_in_team = |x: &&Candidate| self.team_id.is_some_and(|team| x.teams.contains(&team));
        let team: Vec<UserId> = all.iter().filter(is_in_team).map(|x| x.load.user).collect();
        if team.is_empty() { (all.iter().map(|x| x.load.user).collect(), WAITS) } else { (team, YOUR_TEAMS) }
    }
}

/// Gives what waits, as `of` was read, to `to`, notes it and tells them. On the caller's transaction; returns whom to
/// [`staff::tell`] after the commit. `None`: it changed since, and nothing was written.
async fn give(
    mut c: Conn<'_>,
    by: &By,
    of: &Conversation,
    to: Assignee,
    all: &[Candidate],
    now: DateTime<Utc>,
) -> Result<Option<Vec<UserId>>> {
    if !desk::assign(c.again(), by.org, of.id, Some(of.version), to, now).await? {
        return Ok(None);
    }
    let changes = json!({"agent_id": [of.agent_id, to.agent_id], "team_id": [of.team_id, to.team_id]});
    audit(c.again(), now, by, "conversation.assign", ("conversation", of.id.0), changes).await?;
    let (mut told, (kind, what)) = to.audience(all);
    told.retain(|user| by.user != Some(*user));
    let title = format!("{} {what}", of.customer_name);
    let news = News { kind, title: &title, content: None, resource: Some(("conversation", of.id.0)) };
    for user in &told {
        staff::notify(c.again(), by.org, Audience::One(*user), news, now).await?;
    }
    Ok(Some(told))
}

/// Gives an open conversation to somebody or to a team, or lets go of it. With the assistant or the queue it waits for
/// them; an agent who held it no longer does. They are told, and called where they are if nobody takes it.
pub async fn assign(app: &App, by: &By, id: ConversationId, to: Assignee) -> Result<Conversation> {
    hand_to(app, by, id, to, false).await
}

/// The same for what the asker holds, or nobody does.
pub async fn pass(app: &App, by: &By, id: ConversationId, to: Assignee) -> Result<Conversation> {
    by.person()?;
    if to == Assignee::default() {
        return Err(Error::Invalid("agent_id or team_id: to whom?".into()));
    }
    hand_to(app, by, id, to, true).await
}

async fn hand_to(app: &App, by: &By, id: ConversationId, to: Assignee, only_own: bool) -> Result<Conversation> {
    let (now, org) = (app.now(), by.org);
    let mut tx = app.begin().await?;
    let before = super::found(tx.conn(), by, id).await?;
    check_hold(by, &before, only_own)?;
    let all = candidates(tx.conn(), org, now).await?;
    check_assignee(tx.conn(), org, to, &all).await?;
    let rules = rules::load(tx.conn(), org).await?;
    let waiting = let_wait(tx.conn(), &before, &rules, now).await?;
    // Who passes it on, or was relieved of it, does not get it back by a rule.
    let let_go_by = match to {
        Assignee { agent_id: None, team_id: None } => before.agent_id,
        _ => by.user.filter(|_| only_own),
    };
    desk::let_go(tx.conn(), org, id, let_go_by).await?;
    let passed = Conversation { team_id: to.team_id, let_go_by, ..waiting.clone() };
    let chosen = || to.team_id.and_then(|_| rules.choose(&passed, &all));
    let to = Assignee { agent_id: to.agent_id.or_else(chosen), ..to };
    let told = give(tx.conn(), by, &waiting, to, &all, now).await?.ok_or_else(changed)?;
    if before.holder != Holder::Queue {
        announce::conversation(tx.conn(), org, id, "conversation_status_changed", now).await?;
    }
    // Whoever held it has room now.
    Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    let after = store::find(tx.conn(), org, id).await?.ok_or(Error::NotFound("conversation"))?;
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(after)
}

fn changed() -> Error {
    Error::Conflict("the conversation changed meanwhile: look again and retry".into())
}

/// Whether the asker may give it to somebody; `only_own`: what another agent holds only by the permission to assign.
fn check_hold(by: &By, c: &Conversation, only_own: bool) -> Result<()> {
    if matches!(c.status, Status::Resolved | Status::Closed) {
        return Err(Error::Conflict("the conversation has ended".into()));
    }
    let is_others = c.agent_id.is_some_and(|agent| by.user != Some(agent));
    if only_own && is_others && !by.may::<ConversationAssign>() {
        return Err(Error::Conflict("another agent already holds this conversation".into()));
    }
    Ok(())
}

/// Whether there is such a person or team, and the person can take it.
async fn check_assignee(mut c: Conn<'_>, org: OrgId, to: Assignee, all: &[Candidate]) -> Result<()> {
    if let Some(user) = to.agent_id
        && !all.iter().any(|x| x.load.user == user)
    {
        return Err(match staff::is_member(c, org, user).await? {
            true => Error::Invalid("agent_id: this user does not answer customers, or has not signed in yet".into()),
            false => Error::NotFound("user"),
        });
    }
    if let Some(team) = to.team_id
        && !staff::is_team(c.again(), org, team).await?
    {
        return Err(Error::NotFound("team"));
    }
    Ok(())
}

/// Has the queue hold a conversation, unless it does: people have their time from here, and are called if nobody takes
/// it. Returns it as it stands; `agent_id` is still whose it was.
async fn let_wait(mut c: Conn<'_>, before: &Conversation, rules: &Rules, now: DateTime<Utc>) -> Result<Conversation> {
    if before.holder == Holder::Queue {
        return Ok(before.clone());
    }
    let change = HolderChange { fence: Some(before.version), ..HolderChange::to(Status::Pending, Holder::Queue) };
    if !store::set_holder(c.again(), before.id, &change, now).await? {
        return Err(changed());
    }
    due::start(c.again(), before, rules, now).await?;
    call_outside(c, before, now).await?;
    let version = before.version + 1;
    Ok(Conversation { status: Status::Pending, holder: Holder::Queue, version, ..before.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inbox::tests::conversation, platform::language::Language};
    use chrono::TimeZone;
    use sqlx::types::Json;

    fn at(hour: u32) -> Option<DateTime<Utc>> {
        Some(Utc.with_ymd_and_hms(2026, 3, 2, hour, 0, 0).unwrap())
    }

    fn agent(open: i64, last_given_at: Option<DateTime<Utc>>) -> Candidate {
        let settings = Json(json!({}));
        let load = Load { user: UserId::new(), open, last_given_at, languages: Vec::new(), settings, is_here: true };
        Candidate { load, teams: Vec::new() }
    }

    fn waiting() -> Conversation {
        Conversation { language: Some(Language::Zh), ..conversation(Status::Pending, 0).0 }
    }

    #[test]
    fn who_was_given_one_longest_ago_is_next_and_nobody_gets_more_than_they_can_hold() {
        let agents = [agent(5, at(9)), agent(1, at(10)), agent(3, None)];
        let [_, b, c] = agents.each_ref().map(|x| Some(x.load.user));
        let rules = |assignment, capacity| Rules { assignment, capacity, ..Rules::default() };
        assert_eq!(rules(Assignment::Manual, 0).choose(&waiting(), &agents), None);
        assert_eq!(rules(Assignment::RoundRobin, 0).choose(&waiting(), &agents), c);
        assert_eq!(rules(Assignment::RoundRobin, 3).choose(&waiting(), &agents), b);
        assert_eq!(rules(Assignment::LeastBusy, 0).choose(&waiting(), &agents), b);
        assert_eq!(rules(Assignment::LeastBusy, 1).choose(&waiting(), &agents), None);
    }

    #[test]
    fn the_team_of_the_route_comes_first_and_everybody_where_nobody_of_it_is_there() {
        let team = TeamId::new();
        let route = rules::Route { language: Some(Language::Zh), channel: None, team };
        let rules = Rules { assignment: Assignment::LeastBusy, routes: vec![route], ..Rules::default() };
        let mut agents = [agent(0, None), agent(4, None)];
        agents[1].teams = vec![team];
        let [free, member] = agents.each_ref().map(|x| Some(x.load.user));
        assert_eq!(rules.choose(&waiting(), &agents), member);
        let english = Conversation { language: Some(Language::En), ..waiting() };
        assert_eq!(rules.choose(&english, &agents), free);
        agents[1].load.is_here = false;
        assert_eq!(rules.choose(&waiting(), &agents), free);
        let passed = Conversation { team_id: Some(team), ..waiting() };
        assert_eq!(rules.choose(&passed, &agents), None, "a colleague meant this team");
    }

    #[test]
    fn who_speaks_the_language_comes_before_who_has_not_said_and_who_speaks_another() {
        let rules = Rules { assignment: Assignment::LeastBusy, ..Rules::default() };
        let mut agents = [agent(0, None), agent(1, None), agent(2, None)];
        agents[0].load.languages = vec![Language::En];
        agents[2].load.languages = vec![Language::Zh, Language::En];
        let [english, silent, both] = agents.each_ref().map(|x| Some(x.load.user));
        assert_eq!(rules.choose(&waiting(), &agents), both);
        agents[2].load.is_here = false;
        assert_eq!(rules.choose(&waiting(), &agents), silent);
        agents[1].load.settings = Json(json!({"away": true}));
        assert_eq!(rules.choose(&waiting(), &agents), english, "better than nobody");
        let refused = Conversation { let_go_by: english, ..waiting() };
        assert_eq!(rules.choose(&refused, &agents), None);
    }

    #[test]
    fn what_was_just_given_counts_before_the_next_is() {
        let rules = Rules { assignment: Assignment::LeastBusy, capacity: 1, ..Rules::default() };
        let mut all = [agent(0, None), agent(0, None)];
        let given: Vec<_> = std::iter::from_fn(|| {
            let next = rules.choose(&waiting(), &all)?;
            count(&mut all, next, at(9)?);
            Some(next)
        })
        .collect();
        assert_eq!(given, all.each_ref().map(|x| x.load.user), "each one, and then nobody has room");
    }

    #[test]
    fn somebody_hears_of_it_whoever_it_is_for() {
        let (team, user) = (TeamId::new(), UserId::new());
        let mut all = [agent(0, None), agent(0, None)];
        let everybody = all.each_ref().map(|x| x.load.user);
        let to = |agent_id, team_id| Assignee { agent_id, team_id };
        assert_eq!(to(Some(user), Some(team)).audience(&all), (vec![user], YOURS));
        assert_eq!(to(None, Some(team)).audience(&all), (everybody.to_vec(), WAITS), "nobody of it may answer");
        assert_eq!(to(None, None).audience(&all), (everybody.to_vec(), WAITS));
        all[1].teams = vec![team];
        assert_eq!(to(None, Some(team)).audience(&all), (vec![everybody[1]], YOUR_TEAMS));
    }
}
