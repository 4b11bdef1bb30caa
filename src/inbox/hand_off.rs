//! The assistant steps back: the customer is told, the queue holds the conversation, agents are called.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Status, announce, assign, expect,
    hours::Hours,
    reply::{self, Reply, Trace},
    rules,
    store::{self, HolderChange},
};
use crate::{
    app::{App, Changed, Job, MemoryId},
    customers::{self, ActivityKind, NewActivity},
    platform::{Result, language::Language},
    staff,
};

/// What an agent needs to know when taking over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Brief {
    /// What the customer asked, in their words.
    pub question: String,
    /// What the assistant did, step by step.
    pub tried: Vec<String>,
    /// What it found, best first.
    pub evidence: Vec<BriefEvidence>,
    /// What it would have needed.
    pub missing: String,
    /// How the customer seems: `calm` or `upset`.
    pub mood: String,
    /// What is remembered of the customer and has to do with it. Ids only: what is forgotten is forgotten here too.
    #[serde(default)]
    pub memory_ids: Vec<MemoryId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BriefEvidence {
    pub title: String,
    pub quote: String,
    pub score: f64,
}

/// The kind of what is said to who waits for a person.
pub const WAITING: &str = "waiting";

/// What the customer is told, by the reason for which a person is called.
pub fn hand_off_text(reason: &str, language: Language) -> &'static str {
    match (reason, language) {
        ("asked_for_person", Language::Zh) => "好的，我这就请同事来接待您，请稍候。",
        ("asked_for_person", Language::En) => "Of course. I am calling a colleague, one moment please.",
        ("upset", Language::Zh) => "非常抱歉给您带来不便，我马上请同事来处理。",
        ("upset", Language::En) => "I am sorry about this. I am calling a colleague to help you right away.",
        ("model_unavailable" | "repeated_failure", Language::Zh) => {
            "抱歉，这个问题我处理不了，已请同事来帮您，请稍候。"
        }
        ("model_unavailable" | "repeated_failure", Language::En) => {
            "I am sorry, I could not solve this myself. I have called a colleague, one moment please."
        }
        (_, Language::Zh) => "这个问题我不能确定，已请同事来为您解答，请稍候。",
        (_, Language::En) => "I am not sure about this one, so I have asked a colleague. One moment, please.",
    }
}

/// The text, and how long it may take; outside business hours when people are back.
fn told(text: &str, hours: &Hours, wait: Option<Duration>, language: Language, now: DateTime<Utc>) -> String {
    let Some(back) = hours.opens(now).map(|at| hours.local(at)) else {
        let Some(wait) = wait.and_then(|wait| expect::said(wait, language)) else {
            return text.to_owned();
        };
        return match language {
            Language::Zh => format!("{text}{wait}"),
            Language::En => format!("{text} {wait}"),
        };
    };
    match language {
        Language::Zh => {
            format!("{text}\n现在是非工作时间，同事将于 {} 回来，届时第一时间回复您。", back.format("%-m月%-d日 %H:%M"))
        }
        Language::En => {
            format!(
                "{text}\nWe are closed right now; a colleague will answer from {}.",
                back.format("%A, %-d %B, %H:%M")
            )
        }
    }
}

/// Hands the conversation to the queue, tells the customer and calls the agents, in one transaction and only if the
/// conversation is still as the turn read it. False: it is not, and nothing was written.
pub async fn hand_off(
    app: &App,
    conversation: &Conversation,
    reason: &str,
    brief: &Brief,
    language: Language,
    trace: &Trace,
) -> Result<bool> {
    let now = app.now();
    let org = conversation.org_id;
    let mut reader = app.read().await?;
    let rules = rules::load(reader.conn(), org).await?;
    let wait = expect::wait(reader.conn(), org, &rules.hours, now).await?;
    drop(reader);
    let reply = Reply {
        text: told(hand_off_text(reason, language), &rules.hours, wait, language, now),
        sources: None,
        confidence: None,
        language: Some(language),
        kind: "hand_off",
        meant: None,
    };
    let mut tx = app.begin().await?;
    let fence = Some(conversation.version);
    if reply::write(tx.conn(), conversation, fence, &reply, Some(trace.id), now).await?.is_none() {
        return Ok(false);
    }
    let change = HolderChange {
        reason: Some(reason.into()),
        brief: Some(serde_json::to_value(brief)?),
        ..HolderChange::to(Status::Pending, Holder::Queue)
    };
    store::set_holder(tx.conn(), conversation.id, &change, now).await?;
    announce::conversation(tx.conn(), org, conversation.id, "conversation_status_changed", now).await?;
    store::insert_turn(tx.conn(), org, Some((conversation.id, conversation.customer_id)), trace, now).await?;
    let activity = NewActivity::of(ActivityKind::HandedOff, None)
        .with(serde_json::json!({"conversation_id": conversation.id, "reason": reason}));
    customers::activity(tx.conn(), org, conversation.customer_id, activity, now).await?;
    let title = format!("{} waits for a person", conversation.customer_name);
    let told = assign::wait(tx.conn(), conversation, &rules, &title, now).await?;
    if conversation.channel_type == "wecom_kf" {
        Job::Transfer { conversation: conversation.id }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    metrics::counter!("frontdesk_hand_offs_total", "reason" => reason.to_string()).increment(1);
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id: conversation.id }).await;
    Ok(true)
}

/// Tells a customer who writes while the queue holds the conversation that a person is coming, and when; `again`: in
/// other words, to one who was told already.
pub async fn say_wait(app: &App, conversation: &Conversation, language: Language, again: bool) -> Result<bool> {
    let now = app.now();
    let mut reader = app.read().await?;
    let rules = rules::load(reader.conn(), conversation.org_id).await?;
    let wait = expect::wait(reader.conn(), conversation.org_id, &rules.hours, now).await?;
    drop(reader);
    let is_open = rules.hours.opens(now).is_none();
    let text = match (language, again) {
        (Language::Zh, true) => "好的，这条同事也会看到。".to_owned(),
        (Language::En, true) => "Noted, your colleague will see this too.".to_owned(),
        (Language::Zh, false) if is_open => {
            told("您的消息已收到，同事正在赶来，请稍候。", &rules.hours, wait, language, now)
        }
        (Language::En, false) if is_open => {
            told("Thank you, I have added that. A colleague is on the way.", &rules.hours, wait, language, now)
        }
        (Language::Zh, false) => told("您的消息已收到。", &rules.hours, wait, language, now),
        (Language::En, false) => told("Thank you, I have added that.", &rules.hours, wait, language, now),
    };
    let reply = Reply { text, sources: None, confidence: None, language: None, kind: WAITING, meant: None };
    let mut tx = app.begin().await?;
    if reply::write(tx.conn(), conversation, Some(conversation.version), &reply, None, now).await?.is_none() {
        return Ok(false);
    }
    tx.commit().await?;
    app.wake(conversation.org_id).await;
    app.changed(conversation.org_id, Changed::Conversation { id: conversation.id }).await;
    Ok(true)
}
