//! The assistant steps back: the customer is told, the queue holds the conversation, agents are called.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Conversation, Holder, Status, announce,
    call_agents::call,
    due,
    hours::Hours,
    reply::{self, Reply, Trace},
    rules::{self, Assignment, Rules},
    store::{self, HolderChange},
};
use crate::{
    app::{App, Changed, Job, MemoryId, UserId},
    customers::{self, ActivityKind, NewActivity},
    platform::{Result, db::Conn, language::Language},
    staff::{self, ConversationReply, Permission},
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

/// The text, and outside business hours when people are back.
fn told(text: &str, hours: &Hours, language: Language, now: DateTime<Utc>) -> String {
    let Some(back) = hours.opens(now).map(|at| hours.local(at)) else {
        return text.to_owned();
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

/// Who is given the conversation: by the organisation's rule, among those who may answer.
async fn assignee(mut c: Conn<'_>, conversation: &Conversation, rules: &Rules) -> Result<Option<UserId>> {
    if rules.assignment == Assignment::Manual {
        return Ok(None);
    }
    let may = staff::users_who_may(c.again(), conversation.org_id, ConversationReply::KEY).await?;
    let mut loads = store::desk::loads(c, conversation.org_id).await?;
    loads.retain(|(user, ..)| may.contains(user));
    Ok(rules.choose(&loads))
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
    let rules = rules::load(app.read().await?.conn(), org).await?;
    let reply = Reply {
        text: told(hand_off_text(reason, language), &rules.hours, language, now),
        sources: None,
        confidence: None,
        language: Some(language),
        kind: "hand_off",
        meant: None,
    };
    let mut tx = app.begin().await?;
    let agent = assignee(tx.conn(), conversation, &rules).await?;
    let fence = Some(conversation.version);
    if reply::write(tx.conn(), conversation, fence, &reply, Some(trace.id), now).await?.is_none() {
        return Ok(false);
    }
    let change = HolderChange {
        reason: Some(reason.into()),
        brief: Some(serde_json::to_value(brief)?),
        agent,
        ..HolderChange::to(Status::Pending, Holder::Queue)
    };
    store::set_holder(tx.conn(), conversation.id, &change, now).await?;
    announce::conversation(tx.conn(), org, conversation.id, "conversation_status_changed", now).await?;
    due::start(tx.conn(), conversation, &rules, now).await?;
    store::insert_turn(tx.conn(), org, Some((conversation.id, conversation.customer_id)), trace, now).await?;
    let activity = NewActivity::of(ActivityKind::HandedOff, None)
        .with(serde_json::json!({"conversation_id": conversation.id, "reason": reason}));
    customers::activity(tx.conn(), org, conversation.customer_id, activity, now).await?;
    let title = format!("{} waits for a person", conversation.customer_name);
    let told = call(app, tx.conn(), conversation, agent, &title, now).await?;
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
    let rules = rules::load(app.read().await?.conn(), conversation.org_id).await?;
    let is_open = rules.hours.opens(now).is_none();
    let text = match (language, again) {
        (Language::Zh, true) => "好的，这条同事也会看到。".to_owned(),
        (Language::En, true) => "Noted, your colleague will see this too.".to_owned(),
        (Language::Zh, false) if is_open => "您的消息已收到，同事正在赶来，请稍候。".to_owned(),
        (Language::En, false) if is_open => "Thank you, I have added that. A colleague is on the way.".to_owned(),
        (Language::Zh, false) => told("您的消息已收到。", &rules.hours, language, now),
        (Language::En, false) => told("Thank you, I have added that.", &rules.hours, language, now),
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
