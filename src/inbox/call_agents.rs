//! Agents are told that a customer waits: in the console, and by mail or a group robot when configured.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{
    Conversation, Holder, Message, MessageStatus, Status,
    away::{self, Away},
    store,
};
use crate::{
    app::{App, ConversationId, Job, MessageId, OrgId, UserId, config::WebhookKind, job::Over},
    platform::{Error, Result, db::Conn},
    staff::{self, Audience, ChannelManage, ConversationReply, News, Permission},
};

/// Notifies `agent`, or else everyone who may answer, on the caller's transaction, and queues mail and robot for the case
/// that nobody takes it for too long. Returns whom; after the commit, pass them to [`staff::tell`].
pub(super) async fn call(
    mut c: Conn<'_>,
    conversation: &Conversation,
    agent: Option<UserId>,
    title: &str,
    now: DateTime<Utc>,
) -> Result<Vec<UserId>> {
    let news = News {
        kind: "conversation_waiting",
        title,
        content: None,
        resource: Some(("conversation", conversation.id.0)),
    };
    let org = conversation.org_id;
    let audience = agent.map_or(Audience::May(ConversationReply::KEY), Audience::One);
    let told = staff::notify(c.again(), org, audience, news, now).await?;
    call_outside(c, conversation, now).await?;
    Ok(told)
}

/// Queues mail and robot for the case that nobody takes what waits from `now` on for too long.
pub(super) async fn call_outside(mut c: Conn<'_>, conversation: &Conversation, now: DateTime<Utc>) -> Result<()> {
    let org = conversation.org_id;
    let after = away::after(c.again(), org).await?;
    for over in [Over::Mail, Over::Robot] {
        let job = Job::CallAgents { conversation: conversation.id, over, is_late: false };
        job.push_at(c.again(), org, now, now + after).await?;
    }
    Ok(())
}

/// Queues mail and robot about a conversation in which something was due and was missed.
pub(super) async fn call_late(mut c: Conn<'_>, conversation: &Conversation, now: DateTime<Utc>) -> Result<()> {
    for over in [Over::Mail, Over::Robot] {
        let job = Job::CallAgents { conversation: conversation.id, over, is_late: true };
        job.push(c.again(), conversation.org_id, now).await?;
    }
    Ok(())
}

/// Queues mail and robot for the case that nobody sees to a message that did not arrive, or may not have.
pub(super) async fn call_about(mut c: Conn<'_>, message: &Message, now: DateTime<Utc>) -> Result<()> {
    let org = message.org_id;
    let after = away::after(c.again(), org).await?;
    for over in [Over::Mail, Over::Robot] {
        let job = Job::CallUndelivered { message: message.id, conversation: message.conversation_id, over };
        job.push_at(c.again(), org, now, now + after).await?;
    }
    Ok(())
}

/// Why people outside the console are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nobody has taken the conversation for too long.
    Waits,
    /// Something was due and was missed.
    Late,
    /// A message did not arrive, or may not have.
    Undelivered,
}

impl Why {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Waits => ("A customer waits for a person", "有客户正在等待人工服务"),
            Self::Late => ("An answer to a customer is overdue", "对客户的答复已超时"),
            Self::Undelivered => ("A message to a customer may not have arrived", "发给客户的消息可能没有送达"),
        }
    }
}

/// Sends one mail, or one message of the group robot, about a conversation that nobody took for too long, or in which
/// something is overdue (`Job::CallAgents`).
pub async fn call_agents(app: &App, id: ConversationId, over: Over, is_late: bool) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(conversation) = store::find_any(reader.conn(), id).await? else {
        return Ok(());
    };
    drop(reader);
    let is_wanted =
        if is_late { conversation.holder != Holder::Assistant } else { conversation.holder == Holder::Queue };
    if !is_open(&conversation) || !is_wanted {
        return Ok(()); // somebody took it meanwhile, or it was given back
    }
    let away = away::load(app, conversation.org_id).await?;
    // It may have been taken and given back since the job was made.
    let since = conversation.handed_off_at.max(conversation.sla_started_at).unwrap_or(conversation.created_at);
    if !is_late && app.now() < since + away.after {
        return Err(Error::Later { at: since + away.after });
    }
    let why = if is_late { Why::Late } else { Why::Waits };
    tell(app, over, &conversation, &away, why, conversation.agent_id).await
}

/// The same about a message that did not arrive, or may not have, unless somebody has written since, or ended or gave
/// back the conversation (`Job::CallUndelivered`).
pub async fn call_undelivered(app: &App, id: MessageId, over: Over) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(message) = store::find_message(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(conversation) = store::find_any(reader.conn(), message.conversation_id).await? else {
        return Ok(());
    };
    let is_followed = store::is_followed(reader.conn(), &message).await?;
    drop(reader);
    let is_lost = matches!(message.status, MessageStatus::Failed | MessageStatus::Uncertain);
    // In the queue it waits, and people are called for that.
    if !is_lost || is_followed || !is_open(&conversation) || conversation.holder == Holder::Queue {
        return Ok(());
    }
    let away = away::load(app, conversation.org_id).await?;
    let whose = message.writer().or(conversation.agent_id);
    tell(app, over, &conversation, &away, Why::Undelivered, whose).await
}

fn is_open(c: &Conversation) -> bool {
    matches!(c.status, Status::Pending | Status::Active)
}

/// Nobody could be told over this way (`Job::CallAgents`, given up): whoever looks after the channels sees it in the
/// console.
pub async fn not_called(app: &App, id: ConversationId, over: Over, error: &Error) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(conversation) = store::find_any(reader.conn(), id).await? else {
        return Ok(());
    };
    drop(reader);
    let title = match over {
        Over::Mail => "The mail about a waiting customer could not be sent",
        Over::Robot => "The message about a waiting customer could not be sent",
    };
    let why = error.to_string();
    let news =
        News { kind: "not_called", title, content: Some(&why), resource: Some(("conversation", conversation.id.0)) };
    let mut tx = app.begin().await?;
    let told =
        staff::notify(tx.conn(), conversation.org_id, Audience::May(ChannelManage::KEY), news, app.now()).await?;
    tx.commit().await?;
    staff::tell(app, conversation.org_id, &told).await;
    Ok(())
}

fn link(app: &App, id: ConversationId) -> String {
    let base = app.config.server.public_url.clone().unwrap_or_else(|| format!("http://{}", app.config.server.listen));
    format!("{}/conversations/{id}", base.trim_end_matches('/'))
}

/// Says who waits and why, without what was written: mail and robots leave the house.
fn text(app: &App, c: &Conversation, why: Why) -> String {
    let (en, zh) = why.words();
    let reason = match &c.hand_off_reason {
        Some(reason) if why != Why::Undelivered => format!(" Reason: {}.", reason.replace('_', " ")),
        _ => String::new(),
    };
    format!("{en} ({}).{reason}\n{zh}。\n{}", c.channel_type, link(app, c.id))
}

async fn tell(app: &App, over: Over, c: &Conversation, away: &Away, why: Why, whose: Option<UserId>) -> Result<()> {
    let text = text(app, c, why);
    match over {
        Over::Mail => mail(app, c.org_id, away, why, text, whose).await,
        Over::Robot => robot(app, away, text).await,
    }
}

/// The mailboxes that were named, and those of the users who want it: of all, or of what is theirs.
async fn mail(app: &App, org: OrgId, away: &Away, why: Why, text: String, whose: Option<UserId>) -> Result<()> {
    let mut to = away.mail_to.clone();
    for (user, address, wish) in staff::mail_wishes(app.read().await?.conn(), org).await? {
        let wants = wish == "all" || wish == "mine" && whose == Some(user);
        if wants && !to.contains(&address) {
            to.push(address);
        }
    }
    let Some(server) = staff::mail_server(app).await?.filter(|_| !to.is_empty()) else {
        return Ok(());
    };
    let (en, zh) = why.words();
    server.send(&to, &format!("{en} · {zh}"), text).await
}

async fn robot(app: &App, away: &Away, text: String) -> Result<()> {
    let Some((url, kind)) = away.robot(app)? else {
        return Ok(());
    };
    let body = match kind {
        WebhookKind::Slack => json!({"text": text}),
        WebhookKind::Wecom => json!({"msgtype": "text", "text": {"content": text}}),
    };
    let sent = app.http.post(url.expose()).json(&body).send().await;
    // The address is a secret: no error may name it.
    let gone = |source: anyhow::Error| Error::Unavailable { service: "the notification webhook", source };
    let answer = match sent.and_then(reqwest::Response::error_for_status) {
        Ok(answer) => answer.bytes().await,
        Err(e) => Err(e),
    };
    match answer {
        Ok(answer) => refusal(&answer).map_or(Ok(()), |why| Err(gone(anyhow::anyhow!(why)))),
        Err(e) => Err(gone(e.without_url().into())),
    }
}

/// Why a robot that answered 200 did not take the message all the same, as those of WeCom, Feishu and DingTalk do.
fn refusal(answer: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let code =
        ["errcode", "code", "StatusCode"].iter().find_map(|key| answer.get(key)?.as_i64()).filter(|c| *c != 0)?;
    let words = ["errmsg", "msg", "StatusMessage"].iter().find_map(|key| answer.get(key)?.as_str()).unwrap_or_default();
    // Its words may repeat the key that stands in the address.
    let words: String = words.chars().take_while(|c| *c != ',').take(80).collect();
    Some(format!("it answered with code {code}: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_that_answers_politely_may_still_refuse() {
        assert!(refusal(br#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1], more info"}"#).is_some());
        assert!(refusal(br#"{"code":19001,"msg":"param invalid"}"#).is_some());
        for taken in [&br#"{"errcode":0,"errmsg":"ok"}"#[..], b"ok", b"", br#"{"StatusCode":0,"code":0}"#] {
            assert_eq!(refusal(taken), None, "{}", String::from_utf8_lossy(taken));
        }
    }
}
