//! Who is given what waits for a person: those at the console who have room, by team and by language.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Status, announce,
    call_agents::call,
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

/// How many conversations are given out at a time.
const AT_ONCE: i64 = 200;

/// Somebody who may be given a conversation.
#[derive(Debug, Clone)]
struct Candidate {
    load: Load,
    teams: Vec<TeamId>,
}

/// Those of `all` who satisfy `is_better`, or all of them where nobody does.
fn narrowed(all: Vec<Candidate>, is_better: impl Fn(&Candidate) -> bool) -> Vec<Candidate> {
    let (better, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_better);
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

    /// Who gets the conversation. `None`: nobody who is there has room for it, or everybody takes what they like.
    fn choose(&self, c: &Conversation, all: &[Candidate]) -> Option<UserId> {
        let is_in = |team: TeamId| move |x: &Candidate| x.teams.contains(&team);
        let may = |x: &&Candidate| {
            let has_room = self.capacity == 0 || x.load.open < self.capacity;
            x.load.is_here && !x.load.is_away() && has_room && c.let_go_by != Some(x.load.user)
        };
        let mut left: Vec<Candidate> = all.iter().filter(may).cloned().collect();
        // A colleague who passes it to a team means that team, as long as there is somebody in it.
        if let Some(team) = c.team_id.filter(|team| all.iter().any(is_in(*team))) {
            left.retain(is_in(team));
        } else if let Some(team) = self.team(c) {
            left = narrowed(left, is_in(team));
        }
        if let Some(language) = c.language {
            let speaks = |x: &Candidate| x.load.languages.contains(&language);
            left = if left.iter().any(speaks) {
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
    let agent = match rules.assignment {
        Assignment::Manual => None,
        _ => rules.choose(before, &candidates(c.again(), org, now).await?),
    };
    if agent.is_some() {
        desk::assign(c.again(), org, before.id, agent, before.team_id, now).await?;
    }
    due::start(c.again(), before, rules, now).await?;
    call(c, before, agent, title, now).await
}

/// Gives what waits and is nobody's to whom has room for it, the most urgent and longest waiting first
/// (`Job::GiveOut`). Safe to repeat.
pub async fn give_out(app: &App, org: OrgId) -> Result<()> {
    let rules = rules::load(app.read().await?.conn(), org).await?;
    if rules.assignment == Assignment::Manual {
        return Ok(());
    }
    let waiting = desk::list_unassigned(app.read().await?.conn(), org, app.now(), AT_ONCE).await?;
    for id in waiting {
        let now = app.now();
        let mut tx = app.begin().await?;
        let Some(found) = store::find(tx.conn(), org, id).await? else { continue };
        let all = candidates(tx.conn(), org, now).await?;
        let is_active = |agent: UserId| all.iter().any(|x| x.load.user == agent);
        if found.holder != Holder::Queue || found.status != Status::Pending || found.agent_id.is_some_and(is_active) {
            continue;
        }
        let Some(agent) = rules.choose(&found, &all) else { continue };
        desk::assign(tx.conn(), org, id, Some(agent), found.team_id, now).await?;
        let told = tell(tx.conn(), &found, &[agent], YOURS, now).await?;
        let by = By::system(org);
        let changes = json!({"agent_id": [found.agent_id, agent]});
        audit(tx.conn(), now, &by, "conversation.assign", ("conversation", id.0), changes).await?;
        tx.commit().await?;
        staff::tell(app, org, &told).await;
        app.changed(org, Changed::Conversation { id }).await;
    }
    Ok(())
}

/// Has what waits given out again, for every organisation in which something does.
pub(super) async fn look(app: &App) -> Result<()> {
    let mut tx = app.begin().await?;
    let now = app.now();
    for org in desk::orgs_with_unassigned(tx.conn()).await? {
        Job::GiveOut { org }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await
}

/// What people are told of whom they are given; the console knows these words.
const YOURS: &str = "is yours now";
const YOUR_TEAMS: &str = "is for your team now";

async fn tell(
    mut c: Conn<'_>,
    of: &Conversation,
    users: &[UserId],
    what: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let title = format!("{} {what}", of.customer_name);
    let news =
        News { kind: "conversation_assigned", title: &title, content: None, resource: Some(("conversation", of.id.0)) };
    for user in users {
        staff::notify(c.again(), of.org_id, Audience::One(*user), news, now).await?;
    }
    Ok(users.to_vec())
}

/// Whom a conversation is for: one person, a team, or with neither nobody in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignee {
    pub agent_id: Option<UserId>,
    /// Without `agent_id`, the rules choose among its members, or all of them are told.
    pub team_id: Option<TeamId>,
}

/// Gives an open conversation to somebody or to a team, or lets go of it. With the assistant or the queue it waits for
/// them; an agent who held it no longer does. They are told.
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
    if matches!(before.status, Status::Resolved | Status::Closed) {
        return Err(Error::Conflict("the conversation has ended".into()));
    }
    let is_others = before.agent_id.is_some_and(|agent| by.user != Some(agent));
    if only_own && is_others && !by.may::<ConversationAssign>() {
        return Err(Error::Conflict("another agent already holds this conversation".into()));
    }
    if let Some(user) = to.agent_id
        && !staff::is_member(tx.conn(), org, user).await?
    {
        return Err(Error::NotFound("user"));
    }
    if let Some(team) = to.team_id
        && !staff::is_team(tx.conn(), org, team).await?
    {
        return Err(Error::NotFound("team"));
    }
    let rules = rules::load(tx.conn(), org).await?;
    if before.holder != Holder::Queue {
        let change = HolderChange { fence: Some(before.version), ..HolderChange::to(Status::Pending, Holder::Queue) };
        if !store::set_holder(tx.conn(), id, &change, now).await? {
            return Err(Error::Conflict("the conversation changed meanwhile: look again and retry".into()));
        }
        due::start(tx.conn(), &before, &rules, now).await?;
    }
    // Who passes it on, or was relieved of it, does not get it back by a rule.
    let let_go_by = match to {
        Assignee { agent_id: None, team_id: None } => before.agent_id,
        _ => by.user.filter(|_| only_own),
    };
    desk::let_go(tx.conn(), org, id, let_go_by).await?;
    let all = candidates(tx.conn(), org, now).await?;
    let passed = Conversation { team_id: to.team_id, let_go_by, ..before.clone() };
    let agent = to.agent_id.or_else(|| to.team_id.and_then(|_| rules.choose(&passed, &all)));
    desk::assign(tx.conn(), org, id, agent, to.team_id, now).await?;
    let (told, what): (Vec<UserId>, _) = match (agent, to.team_id) {
        (Some(agent), _) => (vec![agent], YOURS),
        (None, Some(team)) => {
            (all.iter().filter(|x| x.teams.contains(&team)).map(|x| x.load.user).collect(), YOUR_TEAMS)
        }
        (None, None) => (Vec::new(), YOURS),
    };
    let told: Vec<UserId> = told.into_iter().filter(|user| by.user != Some(*user)).collect();
    let told = tell(tx.conn(), &before, &told, what, now).await?;
    let changes = json!({"agent_id": [before.agent_id, agent], "team_id": [before.team_id, to.team_id]});
    audit(tx.conn(), now, by, "conversation.assign", ("conversation", id.0), changes).await?;
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
}
