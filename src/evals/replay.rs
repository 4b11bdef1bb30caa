//! `frontdesk eval replay`: the latest turns of real conversations are taken again under another version, threshold or
//! state of knowledge, beside what was really decided and said. Nothing is written, sent or asked of a model.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    explain,
    report::{self, Better, Case, Number, Sheet, Unit},
};
use crate::{
    app::{App, OrgId},
    assistants::{Gate, MOST_REPLAYED, Setup},
    inbox::{self, RecordedTurn},
    platform::{Error, Result},
    turn::{self, Again},
};

/// What a replay found. The same twice, byte by byte, as long as nothing changed in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// The version that the turns were taken again under; `None`: the installation's settings.
    pub version: Option<i64>,
    pub max_error_rate: f64,
    pub summary: Summary,
    /// What was decided and said then.
    pub then: Sheet,
    /// What would be decided and said now.
    pub now: Sheet,
}

/// How many turns came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub turns: usize,
    pub same: usize,
    /// Answered then, and not any more.
    pub lost: usize,
    /// Not answered then, and now.
    pub gained: usize,
    /// Answered both times, in other words.
    pub reworded: usize,
    /// Not answered both times, and otherwise (asked back then, handed over now).
    pub otherwise: usize,
    /// The model would be asked something that it was not asked then: nobody knows.
    pub not_recorded: usize,
    /// Answered then, of those of which it is known what would be said now.
    pub answered_then: usize,
}

/// How a turn comes out beside what it was. The order is that of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Lost,
    Gained,
    Reworded,
    Otherwise,
    NotRecorded,
    Same,
}

impl Came {
    fn of(then: &Move, now: &Move, is_known: bool) -> Self {
        match (then.is_answer(), now.is_answer()) {
            _ if !is_known => Self::NotRecorded,
            (true, true) if then.says(&now.said) => Self::Same,
            (true, true) => Self::Reworded,
            (true, false) => Self::Lost,
            (false, true) => Self::Gained,
            (false, false) if then.verdict == now.verdict => Self::Same,
            (false, false) => Self::Otherwise,
        }
    }
}

/// What was or would be decided and said.
#[derive(Debug, Clone, PartialEq)]
struct Move {
    /// As `hand_off: unsure`.
    verdict: String,
    said: String,
    confidence: Option<f64>,
}

impl Move {
    fn is_answer(&self) -> bool {
        self.verdict == "answer"
    }

    /// Whether it said `text`, perhaps with a question of the memory behind it.
    fn says(&self, text: &str) -> bool {
        self.said.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with("\n\n"))
    }
}

impl Summary {
    fn add(&mut self, came: Came, then: &Move) {
        self.turns += 1;
        self.answered_then += usize::from(came != Came::NotRecorded && then.is_answer());
        let count = match came {
            Came::Lost => &mut self.lost,
            Came::Gained => &mut self.gained,
            Came::Reworded => &mut self.reworded,
            Came::Otherwise => &mut self.otherwise,
            Came::NotRecorded => &mut self.not_recorded,
            Came::Same => &mut self.same,
        };
        *count += 1;
    }

    /// Of the answers that are known on both sides, this share; `None` if there are none.
    fn share(&self, part: usize) -> Option<f64> {
        (self.answered_then > 0).then(|| part as f64 / self.answered_then as f64)
    }

    /// Why `gate` would not let this pass; `None`: it does.
    pub fn held_by(&self, gate: &Gate) -> Option<String> {
        let over = |part: usize, most: f64, what: &str| {
            let share = self.share(part)?;
            (share > most).then(|| {
                format!(
                    "{part} of {} answers would {what} ({:.1} %, at most {:.1} % are allowed)",
                    self.answered_then,
                    share * 100.0,
                    most * 100.0
                )
            })
        };
        over(self.lost, gate.max_lost, "not be given any more")
            .or_else(|| over(self.reworded, gate.max_reworded, "be worded otherwise"))
    }
}

/// Takes the latest `last` turns of an organisation again under `setup`.
pub async fn run(app: &App, org: OrgId, setup: &Arc<Setup>, last: i64) -> Result<Replay> {
    if !(1..=MOST_REPLAYED).contains(&last) {
        return Err(Error::Invalid(format!("last: 1 to {MOST_REPLAYED}")));
    }
    let turns = inbox::list_recorded(app.read().await?.conn(), org, last).await?;
    let mut summary = Summary::default();
    let mut cases: Vec<(Came, Case, Case)> = Vec::with_capacity(turns.len());
    for turn in &turns {
        let Some(again) = turn::again(app, org, setup, turn).await? else { continue };
        let (then, now) = (before(turn), after(&again));
        let came = Came::of(&then, &now, again.missing.is_empty());
        summary.add(came, &then);
        let (then, now) = shown(turn, &again, came, then, now);
        cases.push((came, then, now));
    }
    // What changed first, then the latest first, as they were read.
    cases.sort_by_key(|(came, ..)| *came);
    let (mut then, mut now) = (sheet(setup, &summary), sheet(setup, &summary));
    let (before, after): (Vec<Case>, Vec<Case>) = cases.into_iter().map(|(_, then, now)| (then, now)).unzip();
    then.pictures = vec![report::counts("Decisions", before.iter().map(|c| c.outcome.as_str()))];
    now.pictures = vec![report::counts("Decisions", after.iter().map(|c| c.outcome.as_str()))];
    now.numbers = numbers(&summary);
    then.cases(before);
    now.cases(after);
    let (version, max_error_rate) = (setup.version, setup.max_error_rate);
    Ok(Replay { version, max_error_rate, summary, then, now })
}

fn before(turn: &RecordedTurn) -> Move {
    let verdict = match &turn.reason {
        Some(reason) => format!("{}: {reason}", turn.decision),
        None => turn.decision.clone(),
    };
    Move { verdict, said: turn.said.clone().unwrap_or_default(), confidence: turn.confidence }
}

fn after(again: &Again) -> Move {
    let outcome = &again.outcome;
    let (verdict, confidence) = (explain::verdict(outcome), Some(outcome.confidence));
    Move { verdict, said: outcome.said().to_owned(), confidence }
}

/// Both sides as cases. Of what nobody knows, nothing is shown that looks like an answer.
fn shown(turn: &RecordedTurn, again: &Again, came: Came, then: Move, now: Move) -> (Case, Case) {
    let case = |side: Move| Case {
        id: turn.id.to_string(),
        text: again.question.clone(),
        outcome: side.verdict,
        said: side.said,
        confidence: side.confidence,
        ..Case::default()
    };
    let now = match came {
        Came::NotRecorded => Case {
            outcome: format!("not recorded: {}", again.missing.join(", ")),
            said: String::new(),
            confidence: None,
            ..case(now)
        },
        // The same answer with a question of the memory behind it is the same.
        Came::Same => Case { said: then.said.clone(), ..case(now) },
        Came::Lost | Came::Gained | Came::Reworded | Came::Otherwise => Case {
            badness: match came {
                Came::Lost => 3.0,
                Came::Reworded => 2.0,
                _ => 1.0,
            },
            expected: format!("then: {}", then.said),
            trace: Some(Box::new(explain::outcome(&again.outcome, &|_| None))),
            ..case(now)
        },
    };
    (case(then), now)
}

fn sheet(setup: &Setup, summary: &Summary) -> Sheet {
    let under = match setup.version {
        Some(version) => format!("version {version}"),
        None => "the installation's settings".to_owned(),
    };
    let about = format!(
        "The latest {} turns of real conversations taken again under {under}, at most {:.1} % wrong; no model was called.",
        summary.turns,
        setup.max_error_rate * 100.0
    );
    Sheet::new("replay", "conversations", about)
}

fn numbers(summary: &Summary) -> Vec<Number> {
    let of = |key: &str, name: &str, value: usize, better: Better| Number {
        key: key.into(),
        name: name.into(),
        group: "Turns".into(),
        value: Some(value as f64),
        unit: Unit::Count,
        better,
    };
    vec![
        of("same", "come out the same", summary.same, Better::Neither),
        of("lost", "answered then, not any more", summary.lost, Better::Less),
        of("gained", "answered now, not then", summary.gained, Better::Neither),
        of("reworded", "answered in other words", summary.reworded, Better::Less),
        of("otherwise", "not answered, otherwise than then", summary.otherwise, Better::Neither),
        of("not_recorded", "not recorded: nobody knows", summary.not_recorded, Better::Less),
    ]
}

impl std::fmt::Display for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.now.about)?;
        for number in &self.now.numbers {
            writeln!(f, "{:<40} {:>6}", number.name, number.worded())?;
        }
        let changed = self.then.cases.iter().zip(&self.now.cases);
        for (then, now) in changed.filter(|(then, now)| then.outcome != now.outcome || then.said != now.said).take(50) {
            write!(f, "\n{}\n  then {}: {}", now.text, then.outcome, line(&then.said))?;
            write!(f, "\n  now  {}: {}", now.outcome, line(&now.said))?;
        }
        Ok(())
    }
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(verdict: &str, said: &str) -> Move {
        Move { verdict: verdict.into(), said: said.into(), confidence: None }
    }

    #[test]
    fn a_turn_is_the_same_only_if_the_customer_would_notice_nothing() {
        let answer = moved("answer", "Five days.");
        let came = |then: &Move, now: &Move| Came::of(then, now, true);
        assert_eq!(came(&answer, &answer), Came::Same);
        assert_eq!(came(&moved("answer", "Five days.\n\nDo you still live in Ipoh?"), &answer), Came::Same);
        assert_eq!(came(&moved("answer", "Five days or six."), &moved("answer", "Five days")), Came::Reworded);
        assert_eq!(came(&answer, &moved("hand_off: unsure", "One moment")), Came::Lost);
        assert_eq!(came(&moved("clarify", "Which?"), &answer), Came::Gained);
        assert_eq!(came(&moved("offer_person: unsure", ""), &moved("hand_off: unsure", "")), Came::Otherwise);
        assert_eq!(Came::of(&answer, &answer, false), Came::NotRecorded, "what is not known is not guessed");
    }

    #[test]
    fn the_gate_counts_only_what_is_known() {
        let gate = Gate { last: 200, max_lost: 0.05, max_reworded: 0.5 };
        let summary = Summary { turns: 50, lost: 2, answered_then: 40, not_recorded: 10, ..Summary::default() };
        assert_eq!(summary.held_by(&gate), None, "2 of 40 are 5 %");
        let held = Summary { lost: 3, ..summary }.held_by(&gate).unwrap();
        assert!(held.contains("3 of 40") && held.contains("7.5 %"), "{held}");
        assert!(Summary { reworded: 21, ..summary }.held_by(&gate).unwrap().contains("worded otherwise"));
        assert_eq!(Summary::default().held_by(&gate), None, "nothing was answered yet");
    }
}
