//! A turn of a real conversation taken again: the same messages and memories, the model's answers from the tape.
//! Nothing is written and nobody is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Signals,
    ask::{self, Outcome},
    take,
};
use crate::{
    app::{App, MemoryId, OrgId},
    assistants::Setup,
    inbox::{self, RecordedTurn},
    memory,
    platform::{
        Result,
        model::{Recorded, Tape},
    },
};

/// What a turn read beside the conversation, and what the model answered. Ids, hashes and what a model wrote: what was
/// said stands in the messages, and is gone with them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The place of the last message that was read, and the epoch it belonged to.
    pub until: i64,
    pub epoch: i64,
    /// The version of the assistant; `None`: the installation's settings.
    pub version: Option<i64>,
    /// How many of the assistant's moves before it were no answer.
    pub failures: usize,
    pub memories: Vec<MemoryId>,
    pub calls: Vec<Recorded>,
}

/// What came of taking a turn again.
#[derive(Debug, Clone)]
pub struct Again {
    /// What was asked.
    pub question: String,
    pub outcome: Outcome,
    /// The purposes of model calls that are not on the tape. If there are any, nobody knows what the model would have
    /// said, and `outcome` is not to be believed.
    pub missing: Vec<String>,
}

/// Takes a recorded turn again under `setup`; `None` if its conversation is gone or nothing was asked.
pub async fn again(app: &App, org: OrgId, setup: &Setup, turn: &RecordedTurn) -> Result<Option<Again>> {
    let recording: Recording = serde_json::from_value(turn.recording.0.clone()).unwrap_or_default();
    let (until, epoch) = (recording.until, recording.epoch);
    let Some(opened) = inbox::open_until(app, org, turn.conversation_id, until, epoch).await? else {
        return Ok(None);
    };
    let mut question = take::question(&opened);
    if question.text.is_empty() {
        return Ok(None);
    }
    let customer = opened.conversation.customer_id;
    question.memories = memory::lines(app, org, customer, &recording.memories, turn.created_at).await?;
    let tape = Tape::playing(recording.calls);
    question.under = Some(Arc::new(setup.on_tape(&tape)));
    let before = Signals { failures: recording.failures, ..Signals::default() };
    let outcome = ask::ask(app, &question, &before, app.config.assistant.passages).await?;
    Ok(Some(Again { question: question.text, outcome, missing: tape.missing() }))
}
