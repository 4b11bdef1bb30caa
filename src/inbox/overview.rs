//! What happened in a span of time, counted from the conversations and the assistant's moves.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, FixedOffset, NaiveDate, Timelike, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;
use utoipa::ToSchema;

use super::{
    COPILOT, Status, WITHHELD,
    cost::{self, Cost},
    store::overview as store,
};
use crate::{
    app::{App, ConversationId, TeamId, UserId},
    platform::{Error, Result},
    staff::{self, By},
};

/// The longest span, in days.
const LONGEST_DAYS: i64 = 366;
/// How long a resolution must hold to count as durable.
const DURABLE: Duration = Duration::days(7);

/// A conversation as far as it is counted.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ConversationFact {
    pub id: ConversationId,
    pub channel_type: String,
    pub agent_id: Option<UserId>,
    pub status: Status,
    pub resolution: Option<String>,
    pub hand_off_reason: Option<String>,
    pub epoch: i64,
    pub created_at: DateTime<Utc>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    pub satisfaction_score: Option<i32>,
}

/// A move of the assistant as far as it is counted.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TurnFact {
    pub conversation_id: ConversationId,
    pub decision: String,
    pub reason: Option<String>,
    pub confidence: Option<f64>,
    pub duration_ms: f64,
    pub trace: Json<Value>,
}

/// A name and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tally {
    pub key: String,
    pub count: i64,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Day {
    pub date: NaiveDate,
    pub conversations: i64,
    /// Of those, how many a person was called for.
    pub hand_offs: i64,
    pub resolved: i64,
}

/// How resolutions are told: what a person confirmed, what silence suggests, what held, what did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Resolutions {
    /// A person ended it.
    pub confirmed: i64,
    /// Only the assistant was there and the customer fell silent.
    pub assumed: i64,
    /// Resolved more than seven days ago and not taken up again.
    pub durable: i64,
    /// Taken up again after it was resolved.
    pub reopened: i64,
    pub open: i64,
}

/// Answers of one range of confidence, and how many of their conversations needed a person in the end.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ConfidenceBand {
    /// From this confidence …
    pub from: f64,
    /// … to below this one.
    pub to: f64,
    pub answers: i64,
    pub needed_person: i64,
}

/// Conversations of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AgentTally {
    pub agent_id: UserId,
    pub conversations: i64,
    pub resolved: i64,
    pub satisfaction: Option<f64>,
}

/// Conversations of a team's members; who is in several teams counts for each.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct TeamTally {
    pub team_id: TeamId,
    pub conversations: i64,
    pub resolved: i64,
    pub satisfaction: Option<f64>,
}

/// What happened in a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    pub conversations: i64,
    pub hand_offs: i64,
    pub resolutions: Resolutions,
    /// Half of the conversations were answered (by whom ever) within this many seconds.
    pub median_first_response_s: Option<f64>,
    /// Half of the resolved ones were resolved within this many seconds.
    pub median_resolution_s: Option<f64>,
    /// Nine of ten moves of the assistant took at most this long.
    pub p90_turn_ms: Option<f64>,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    /// What the tokens cost at today's price; absent when nobody has said one.
    pub cost: Option<Cost>,
    /// Mean of the customers' marks, 1 to 5.
    pub satisfaction: Option<f64>,
    pub satisfaction_count: i64,
    pub by_day: Vec<Day>,
    /// Messages' beginnings by hour of the day, 24 numbers.
    pub by_hour: Vec<i64>,
    pub by_channel: Vec<Tally>,
    pub by_reason: Vec<Tally>,
    pub by_decision: Vec<Tally>,
    pub by_agent: Vec<AgentTally>,
    pub by_team: Vec<TeamTally>,
    pub by_confidence: Vec<ConfidenceBand>,
}

/// Counts what began in `[from, to)`; days and hours are those of `zone`.
pub async fn overview(
    app: &App,
    by: &By,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    zone: FixedOffset,
) -> Result<Overview> {
    if from >= to || to - from > Duration::days(LONGEST_DAYS) {
        return Err(Error::Invalid(format!("from, to: a span of at most {LONGEST_DAYS} days")));
    }
    let mut reader = app.read().await?;
    let conversations = store::conversations(reader.conn(), by.org, from, to).await?;
    let turns = store::turns(reader.conn(), by.org, from, to).await?;
    let members = staff::teams_of_users(reader.conn(), by.org, None).await?;
    let priced = cost::load(reader.conn(), by.org).await?;
    drop(reader);
    let counted = count(&conversations, &turns, from, to, zone, app.now());
    let cost = priced.price.map(|price| price.of(counted.prompt_tokens, counted.completion_tokens));
    Ok(Overview { cost, by_team: by_team(&conversations, &members), ..counted })
}

/// How the conversations of each team's members went.
fn by_team(conversations: &[ConversationFact], members: &[(UserId, TeamId)]) -> Vec<TeamTally> {
    let of = |c: &ConversationFact| {
        let agent = c.agent_id;
        members.iter().filter(move |(user, _)| Some(*user) == agent).map(|(_, team)| *team)
    };
    let all = gathered(conversations.iter().flat_map(|c| of(c).map(move |team| (team, c))));
    all.into_iter()
        .map(|(team_id, went)| TeamTally {
            team_id,
            conversations: went.conversations,
            resolved: went.resolved,
            satisfaction: mean(&went.marks),
        })
        .collect()
}

/// How some conversations went.
#[derive(Default)]
struct Went {
    conversations: i64,
    resolved: i64,
    marks: Vec<i32>,
}

fn gathered<'a, K: Ord>(all: impl Iterator<Item = (K, &'a ConversationFact)>) -> BTreeMap<K, Went> {
    let mut by_key: BTreeMap<K, Went> = BTreeMap::new();
    for (key, c) in all {
        let went = by_key.entry(key).or_default();
        went.conversations += 1;
        went.resolved += i64::from(matches!(c.status, Status::Resolved | Status::Closed));
        went.marks.extend(c.satisfaction_score);
    }
    by_key
}

/// The pure part of [`overview`].
fn count(
    conversations: &[ConversationFact],
    turns: &[TurnFact],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    zone: FixedOffset,
    now: DateTime<Utc>,
) -> Overview {
    let mut resolutions = Resolutions::default();
    let mut days: BTreeMap<NaiveDate, Day> = BTreeMap::new();
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    let mut date = day(from);
    while date <= day(to - Duration::microseconds(1)) {
        days.insert(date, Day { date, conversations: 0, hand_offs: 0, resolved: 0 });
        let Some(next) = date.succ_opt() else { break };
        date = next;
    }
    let mut by_hour = vec![0i64; 24];
    let mut channels = BTreeMap::new();
    let agents = gathered(conversations.iter().filter_map(|c| Some((c.agent_id?, c))));
    let handed: HashMap<ConversationId, &str> = turns
        .iter()
        .filter(|t| t.decision == "hand_off")
        .map(|t| (t.conversation_id, t.reason.as_deref().unwrap_or("unknown")))
        .collect();
    let (mut responses, mut solutions, mut marks) = (Vec::new(), Vec::new(), Vec::new());
    for c in conversations {
        let is_resolved = matches!(c.status, Status::Resolved | Status::Closed);
        match (is_resolved, c.resolution.as_deref()) {
            (true, Some("assumed")) => resolutions.assumed += 1,
            (true, _) => resolutions.confirmed += 1,
            (false, _) => resolutions.open += 1,
        }
        resolutions.durable += i64::from(is_resolved && c.resolved_at.is_some_and(|at| now - at > DURABLE));
        resolutions.reopened += i64::from(c.epoch > 1);
        if let Some(day) = days.get_mut(&day(c.created_at)) {
            day.conversations += 1;
            day.resolved += i64::from(is_resolved);
            day.hand_offs += i64::from(handed.contains_key(&c.id) || c.hand_off_reason.is_some());
        }
        if let Some(hour) = by_hour.get_mut(c.created_at.with_timezone(&zone).hour() as usize) {
            *hour += 1;
        }
        *channels.entry(c.channel_type.clone()).or_insert(0) += 1;
        marks.extend(c.satisfaction_score);
        responses.extend(c.first_response_at.map(|at| seconds(at - c.created_at)));
        solutions.extend(c.resolved_at.filter(|_| is_resolved).map(|at| seconds(at - c.created_at)));
    }
    let (mut reasons, mut decisions) = (BTreeMap::new(), BTreeMap::new());
    let (mut prompt_tokens, mut completion_tokens) = (0, 0);
    // What the model did for agents costs as well, and is no move of the assistant's.
    let moves: Vec<&TurnFact> = turns.iter().filter(|t| t.decision != COPILOT && t.decision != WITHHELD).collect();
    for t in &moves {
        *decisions.entry(t.decision.clone()).or_insert(0) += 1;
        if t.decision == "hand_off" {
            *reasons.entry(t.reason.clone().unwrap_or_else(|| "unknown".into())).or_insert(0) += 1;
        }
    }
    for t in turns {
        for call in t.trace.0.get("model_calls").and_then(Value::as_array).into_iter().flatten() {
            let of = |key: &str| call.get(key).and_then(Value::as_i64).unwrap_or(0);
            prompt_tokens += of("prompt_tokens");
            completion_tokens += of("completion_tokens");
        }
    }
    Overview {
        conversations: conversations.len() as i64,
        hand_offs: days.values().map(|d| d.hand_offs).sum(),
        resolutions,
        median_first_response_s: quantile(responses, 0.5),
        median_resolution_s: quantile(solutions, 0.5),
        p90_turn_ms: quantile(moves.iter().map(|t| t.duration_ms).collect(), 0.9),
        prompt_tokens,
        completion_tokens,
        cost: None,
        satisfaction: mean(&marks),
        satisfaction_count: marks.len() as i64,
        by_day: days.into_values().collect(),
        by_hour,
        by_channel: tallies(channels),
        by_reason: tallies(reasons),
        by_decision: tallies(decisions),
        by_agent: agents
            .into_iter()
            .map(|(agent_id, went)| AgentTally {
                agent_id,
                conversations: went.conversations,
                resolved: went.resolved,
                satisfaction: mean(&went.marks),
            })
            .collect(),
        by_team: Vec::new(),
        by_confidence: bands(turns, &handed),
    }
}

fn bands(turns: &[TurnFact], handed: &HashMap<ConversationId, &str>) -> Vec<ConfidenceBand> {
    (0..10)
        .map(|i| {
            let (from, to) = (f64::from(i) / 10.0, f64::from(i + 1) / 10.0);
            let is_in = |c: f64| c >= from && (c < to || i == 9);
            let answers: Vec<_> =
                turns.iter().filter(|t| t.decision == "answer" && t.confidence.is_some_and(is_in)).collect();
            let needed = answers.iter().filter(|t| handed.contains_key(&t.conversation_id)).count();
            ConfidenceBand { from, to, answers: answers.len() as i64, needed_person: needed as i64 }
        })
        .collect()
}

fn seconds(span: Duration) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

fn mean(marks: &[i32]) -> Option<f64> {
    (!marks.is_empty()).then(|| marks.iter().map(|m| f64::from(*m)).sum::<f64>() / marks.len() as f64)
}

/// The value below which `part` of the values lie (nearest rank); `None` of none.
fn quantile(mut values: Vec<f64>, part: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (part * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

fn tallies(counts: BTreeMap<String, i64>) -> Vec<Tally> {
    let mut all: Vec<Tally> = counts.into_iter().map(|(key, count)| Tally { key, count }).collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use serde_json::json;

    fn at(day: u32, hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap()
    }

    fn conversation(day: u32, status: Status, resolution: Option<&str>) -> ConversationFact {
        ConversationFact {
            id: ConversationId::new(),
            channel_type: "web".into(),
            agent_id: None,
            status,
            resolution: resolution.map(Into::into),
            hand_off_reason: None,
            epoch: 1,
            created_at: at(day, 9),
            first_response_at: Some(at(day, 9) + Duration::seconds(4)),
            resolved_at: resolution.map(|_| at(day, 11)),
            satisfaction_score: None,
        }
    }

    #[test]
    fn resolutions_are_told_apart_and_hold_only_after_a_week() {
        let all = [
            conversation(1, Status::Resolved, Some("confirmed")),
            conversation(9, Status::Resolved, Some("assumed")),
            ConversationFact { epoch: 2, ..conversation(9, Status::Active, None) },
        ];
        let zone = FixedOffset::east_opt(0).unwrap();
        let found = count(&all, &[], at(1, 0), at(11, 0), zone, at(10, 0));
        let expected = Resolutions { confirmed: 1, assumed: 1, durable: 1, reopened: 1, open: 1 };
        assert_eq!(found.resolutions, expected);
        assert_eq!(found.by_day.len(), 11 - 1);
        assert_eq!(found.median_first_response_s, Some(4.0));
        assert_eq!(found.median_resolution_s, Some(7200.0));
        assert_eq!(found.by_hour[9], 3);
    }

    #[test]
    fn who_is_in_two_teams_counts_for_both() {
        let (ana, bo, north, south) = (UserId::new(), UserId::new(), TeamId::new(), TeamId::new());
        let held = |by: Option<UserId>, mark| ConversationFact {
            agent_id: by,
            satisfaction_score: mark,
            ..conversation(1, Status::Resolved, Some("confirmed"))
        };
        let all = [held(Some(ana), Some(5)), held(Some(bo), Some(2)), held(None, None)];
        let found = by_team(&all, &[(ana, north), (bo, north), (bo, south)]);
        let told: Vec<_> = found.iter().map(|t| (t.team_id, t.conversations, t.satisfaction)).collect();
        assert_eq!(told, [(north, 2, Some(3.5)), (south, 1, Some(2.0))]);
    }

    #[test]
    fn confident_answers_that_needed_a_person_are_shown_as_such() {
        let id = ConversationId::new();
        let turn = |decision: &str, confidence: f64| TurnFact {
            conversation_id: id,
            decision: decision.into(),
            reason: (decision == "hand_off").then(|| "unsure".into()),
            confidence: Some(confidence),
            duration_ms: 20.0,
            trace: Json(json!({"model_calls": [{"prompt_tokens": 7, "completion_tokens": 2}]})),
        };
        let turns = [turn("answer", 1.0), turn("hand_off", 0.2), turn(COPILOT, 0.0), turn(WITHHELD, 0.9)];
        let zone = FixedOffset::east_opt(8 * 3600).unwrap();
        let found = count(&[], &turns, at(1, 0), at(2, 0), zone, at(2, 0));
        assert_eq!(found.by_confidence[9].answers, 1);
        assert_eq!(found.by_confidence[9].needed_person, 1);
        assert_eq!(found.by_reason, [Tally { key: "unsure".into(), count: 1 }]);
        assert_eq!((found.prompt_tokens, found.completion_tokens), (28, 8), "help for agents costs as well");
        assert!(
            found.by_decision.iter().all(|d| d.key != COPILOT && d.key != WITHHELD),
            "and is no move of the assistant's"
        );
    }
}
