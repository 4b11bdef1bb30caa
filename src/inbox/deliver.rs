//! A stored message goes out over its channel, and what became of it is stored.
//!
//! What stands on the wire are its parts. `sending` is stored before the platform is called: a run that finds it there
//! knows that an earlier one may have sent the part, and repeats it only where the platform recognises our id. The
//! channel's law decides whether and when.

use chrono::{DateTime, Duration, Utc};

use super::{
    Conversation, Holder, Message, MessageStatus, Sender, alarm, connect,
    fail::{self, settle},
    file, quote, reach, receipt,
    store::{self, Attachment, ChannelRow, Part},
};
use crate::{
    app::{App, AttachmentId, Changed, Job, MessageId},
    channels::{
        Address, Body, Channel, Choice, Connection, Failure, Outbound, Sent,
        files::with_link,
        law::{Law, Purpose, Ruling},
    },
    customers,
    platform::{Error, Result, db::Conn, language::Language},
    staff,
};

/// How often one part is tried.
const ATTEMPTS: i64 = 8;
/// How often one that the platform puts off for long.
pub(super) const WAITS: i64 = 4;
/// How long the next part waits for the one before to be delivered, where the platform keeps no order.
const ORDER: Duration = Duration::seconds(10);
/// How long a channel that is paused, or stopped by its platform, is left alone.
pub(super) const STOPPED: Duration = Duration::seconds(60);

/// How long the customer may fetch a file that a link stands for.
const LINK: Duration = Duration::days(30);
/// Why a file does not go out that was deleted while it waited.
const GONE: &str = "the file is no longer there";
/// What an agent is told of an attempt whose outcome nobody knows.
pub(super) const BROKE: &str = "it may have been sent; the connection broke";

/// What a delivery needs to know.
struct Delivery<'a> {
    app: &'a App,
    message: &'a Message,
    conversation: &'a Conversation,
    channel: &'a Channel,
    law: Law,
    recipient: Address,
    chat: Option<String>,
    file: Option<Attachment>,
}

/// Sends one message (`Job::Deliver`).
pub async fn deliver(app: &App, id: MessageId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(message) = store::find_message(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(row) = store::find_channel(reader.conn(), message.channel_id).await? else {
        return Ok(());
    };
    if !matches!(message.status, MessageStatus::Queued | MessageStatus::Sending) {
        return Ok(());
    }
    let Some(conversation) = store::find_any(reader.conn(), message.conversation_id).await? else {
        return Ok(());
    };
    let identity = match conversation.identity_id {
        Some(id) => customers::find_identity(reader.conn(), message.org_id, id).await?,
        None => None,
    };
    let chat = store::find_chat(reader.conn(), conversation.id).await?;
    let file = store::list_attachments(reader.conn(), message.id).await?.into_iter().next();
    drop(reader);
    may_go_now(app, &row)?;
    let channel = match connect::open(app, &row) {
        Ok(channel) => channel,
        Err(e) => return settle(app, &message, MessageStatus::Failed, Some(&e.to_string())).await,
    };
    if matches!(channel, Channel::Web) {
        return settle(app, &message, MessageStatus::Sent, None).await;
    }
    let Some(identity) = identity else {
        return settle(app, &message, MessageStatus::Failed, Some("the customer has no address on this channel")).await;
    };
    let recipient = Address::new(&identity.kind, identity.external_id);
    let law = channel.law();
    Delivery { app, message: &message, conversation: &conversation, channel: &channel, law, recipient, chat, file }
        .run()
        .await
}

/// Sends a message whose time has come (`Job::DeliverLater`).
pub async fn deliver_later(app: &App, id: MessageId) -> Result<()> {
    let now = app.now();
    let mut tx = app.begin().await?;
    if let Some(message) = store::find_message(tx.conn(), id).await? {
        again(tx.conn(), &message, now, now).await?;
    }
    tx.commit().await
}

/// A channel that is paused or stopped sends later.
fn may_go_now(app: &App, row: &ChannelRow) -> Result<()> {
    let now = app.now();
    match row.retry_at.filter(|at| *at > now) {
        Some(at) => Err(Error::Later { at }),
        None if row.status == "paused" => Err(Error::Later { at: now + STOPPED }),
        None => Ok(()),
    }
}

impl Delivery<'_> {
    async fn run(&self) -> Result<()> {
        let mut reader = self.app.read().await?;
        let mut parts = store::list_parts(reader.conn(), self.message.id).await?;
        drop(reader);
        if parts.is_empty() {
            match self.plan().await? {
                Some(planned) => parts = planned,
                None => return Ok(()),
            }
        }
        let last = parts.len();
        for n in 0..last {
            let (Some(part), before) = (parts.get(n), n.checked_sub(1).and_then(|b| parts.get(b))) else { break };
            let goes_on = match part.status {
                MessageStatus::Queued => {
                    if !self.is_turn_of(part, before, last - n).await? {
                        return Ok(());
                    }
                    self.send(part).await?
                }
                MessageStatus::Sending if self.channel.recognises_repeats() && !self.is_overtaken() => {
                    self.send(part).await?
                }
                MessageStatus::Sending => {
                    self.settle_part(part, MessageStatus::Uncertain, Some(BROKE), None).await?;
                    false
                }
                MessageStatus::Failed | MessageStatus::Uncertain => false,
                _ => true,
            };
            if !goes_on {
                break;
            }
            // What was sent has a state now that the next one waits for.
            parts = store::list_parts(self.app.read().await?.conn(), self.message.id).await?;
        }
        Ok(())
    }

    /// The parts of the message, stored, if the law lets it go out at all; `None`: it does not, and that is settled.
    async fn plan(&self) -> Result<Option<Vec<Part>>> {
        let m = self.message;
        // It waited (a pause, a stopped channel, the pace) and somebody took over meanwhile: the assistant is silent.
        if self.is_overtaken() {
            let why = "a person took over before it was sent";
            let mut tx = self.app.begin().await?;
            store::set_outcome(tx.conn(), m.id, MessageStatus::Failed, Some(why), self.app.now()).await?;
            tx.commit().await?;
            self.app.changed(m.org_id, Changed::Conversation { id: m.conversation_id }).await;
            return Ok(None);
        }
        let mut bodies = match self.bodies() {
            Ok(bodies) => bodies,
            Err(why) => {
                settle(self.app, m, MessageStatus::Failed, Some(&why)).await?;
                return Ok(None);
            }
        };
        // An answer that is longer than the platform permits goes as far as it may, and a person goes on.
        let most = self.most(bodies.len()).await?;
        let is_cut = most < bodies.len();
        if is_cut {
            bodies = self.channel.cut_short(bodies, most, goes_on(&m.content));
        }
        match self.rule(bodies.len()).await? {
            Ruling::Now => {}
            Ruling::WaitUntil(at) => return Err(Error::Later { at }),
            Ruling::NeedsTemplate if matches!(bodies.as_slice(), [Body::Template { .. }]) => {}
            Ruling::NeedsTemplate => match self.template() {
                Some(template) => bodies = vec![template],
                None => {
                    let why =
                        "the customer wrote too long ago: only an approved template may be sent, and none is set up";
                    settle(self.app, m, MessageStatus::Failed, Some(why)).await?;
                    return Ok(None);
                }
            },
            Ruling::NeedsPerson(why) | Ruling::Never(why) => {
                settle(self.app, m, MessageStatus::Failed, Some(why)).await?;
                return Ok(None);
            }
        }
        let mut tx = self.app.begin().await?;
        store::insert_parts(tx.conn(), m, &bodies, self.app.now()).await?;
        let from = [MessageStatus::Queued];
        store::set_message_status(tx.conn(), m.id, &from, MessageStatus::Sending, None, None, self.app.now()).await?;
        let parts = store::list_parts(tx.conn(), m.id).await?;
        let told = if is_cut { fail::hand_over_rest(tx.conn(), m, self.app.now()).await? } else { Vec::new() };
        tx.commit().await?;
        staff::tell(self.app, m.org_id, &told).await;
        Ok(Some(parts))
    }

    /// What will stand on the wire; the error is for an agent.
    fn bodies(&self) -> Result<Vec<Body>, String> {
        let m = self.message;
        if let Some(body) = body(m) {
            return Ok(vec![body]);
        }
        match &self.file {
            None => Ok(self.channel.plan(&m.content, &choices(m))),
            Some(file) if file.status == "stored" => {
                self.channel.plan_file(&file.facts(), &m.content, self.link().as_deref())
            }
            Some(_) => Err(GONE.into()),
        }
    }

    /// Where the customer may fetch the message's file, if we can be reached from outside.
    fn link(&self) -> Option<String> {
        link(self.app, self.file.as_ref()?)
    }

    fn template(&self) -> Option<Body> {
        template(self.app, self.channel, self.message, self.file.as_ref())
    }

    /// Whether the assistant may no longer say this, because a person holds the conversation. Asking for a mark comes
    /// after the person has resolved it, and is meant to be sent.
    fn is_overtaken(&self) -> bool {
        self.message.sender_type == Sender::Assistant
            && self.conversation.holder == Holder::Agent
            && !matches!(self.message.kind(), Some("asks_mark" | "thanks_for_mark"))
    }

    /// Whether a part may be sent now. False: it may never be, and that is settled.
    async fn is_turn_of(&self, part: &Part, before: Option<&Part>, left: usize) -> Result<bool> {
        if self.is_overtaken() {
            self.settle_part(part, MessageStatus::Failed, Some("a person took over before it was sent"), None).await?;
            return Ok(false);
        }
        if let Some(sent_at) = before.filter(|b| b.status == MessageStatus::Sent).and_then(|b| b.sent_at)
            && !self.law.keeps_order
            && self.app.now() < sent_at + ORDER
        {
            return Err(Error::Later { at: sent_at + ORDER });
        }
        match self.rule(left).await? {
            Ruling::Now => Ok(true),
            Ruling::WaitUntil(at) => Err(Error::Later { at }),
            Ruling::NeedsTemplate if matches!(part.body.0, Body::Template { .. }) => Ok(true),
            Ruling::NeedsTemplate => self.outside_window(part, "the customer wrote too long ago").await,
            Ruling::NeedsPerson(why) | Ruling::Never(why) => {
                self.settle_part(part, MessageStatus::Failed, Some(why), None).await?;
                Ok(false)
            }
        }
    }

    async fn rule(&self, parts: usize) -> Result<Ruling> {
        let past = reach::past(self.app, &self.law, self.message.channel_id, self.message.customer_id).await?;
        Ok(self.law.rule(&past, self.purpose(), parts, self.app.now()))
    }

    fn purpose(&self) -> Purpose {
        match self.message.sender_type {
            Sender::Assistant if matches!(self.message.kind(), Some("hand_off" | "waiting")) => Purpose::Notice,
            Sender::Assistant => Purpose::Answer,
            _ => Purpose::Person,
        }
    }

    /// How many of `parts` messages may go out: an answer may be cut, what a person writes is not.
    async fn most(&self, parts: usize) -> Result<usize> {
        if parts < 2 || self.purpose() != Purpose::Answer {
            return Ok(parts);
        }
        let past = reach::past(self.app, &self.law, self.message.channel_id, self.message.customer_id).await?;
        let most = self.law.most(&past, Purpose::Answer, self.app.now());
        // With nothing left there is nothing to cut: the law says why.
        Ok(most.filter(|most| *most > 0).map_or(parts, |most| most.min(parts)))
    }

    /// Sends one part. True: the next may follow.
    async fn send(&self, part: &Part) -> Result<bool> {
        let (app, m) = (self.app, self.message);
        // Before it is on its way: nothing can have been sent when this is interrupted.
        if let Body::Text { text } | Body::File { text, .. } = &part.body.0 {
            self.channel.type_out(&app.outside, &self.recipient, self.chat.as_deref(), text).await;
        }
        let mut tx = app.begin().await?;
        if !store::attempt_part(tx.conn(), part.id, app.now()).await? {
            return Ok(false);
        }
        let (answers, about) = store::last_external(tx.conn(), m.conversation_id).await?.unzip();
        // What is cut into several quotes once.
        let is_first = part.id.0 == m.id.0;
        let quotes = if is_first { quote::on_the_wire(tx.conn(), m).await? } else { None };
        tx.commit().await?;
        let bytes = match &part.body.0 {
            Body::File { file, .. } => match file::read(app, m.org_id, AttachmentId(file.id)).await? {
                Some(bytes) => Some(bytes),
                None => {
                    self.settle_part(part, MessageStatus::Failed, Some(GONE), None).await?;
                    return Ok(false);
                }
            },
            _ => None,
        };
        let outbound = Outbound {
            id: part.id.to_string(),
            conversation: m.conversation_id.to_string(),
            recipient: self.recipient.clone(),
            chat: self.chat.clone(),
            by: if m.sender_type == Sender::Agent { "agent" } else { "assistant" },
            body: part.body.0.clone(),
            file: bytes.as_ref().map(|b| b.path().to_path_buf()),
            link: self.link(),
            sources: m.ai_sources.as_ref().map(|s| s.0.clone()),
            answers,
            about: about.map(|about| about.0),
            quotes,
        };
        match self.channel.send(&app.outside, &outbound, app.now()).await {
            Sent::Accepted(external) => {
                self.settle_part(part, MessageStatus::Sent, None, external.as_deref()).await?;
                alarm::all_clear(app, m.org_id, m.channel_id, Some(Connection::SENDING)).await?;
                Ok(true)
            }
            Sent::Failed(failure) => self.failed(part, failure).await,
            Sent::Unknown(why, true) => {
                Err(Error::Unavailable { service: "the channel", source: anyhow::anyhow!(why) })
            }
            Sent::Unknown(why, false) => {
                self.settle_part(part, MessageStatus::Uncertain, Some(&why), None).await?;
                Ok(false)
            }
        }
    }

    /// The platform certainly did not take it this time.
    async fn failed(&self, part: &Part, failure: Failure) -> Result<bool> {
        let app = self.app;
        // An earlier attempt may have arrived all the same: then nothing else is sent in its place, and nobody is told
        // that it failed.
        let may_have_arrived = part.status == MessageStatus::Sending;
        match failure {
            Failure::Retry(why, after) => {
                if !may_have_arrived {
                    requeue(app, part, None, &why).await?;
                }
                match after.filter(|_| part.attempts + 1 < ATTEMPTS) {
                    Some(after) => Err(Error::Later { at: app.now() + grown(after, part.attempts) }),
                    None => Err(Error::Unavailable { service: "the channel", source: anyhow::anyhow!(why) }),
                }
            }
            Failure::Wait(why, time) if part.attempts + 1 < WAITS && !may_have_arrived => {
                let now = app.now();
                let mut tx = app.begin().await?;
                put_off(tx.conn(), self.message, part, &why, now + time, now).await?;
                tx.commit().await?;
                app.changed(self.message.org_id, Changed::Conversation { id: self.message.conversation_id }).await;
                Ok(false)
            }
            Failure::OutsideWindow(why) if !may_have_arrived => {
                if self.outside_window(part, &why).await? {
                    return Err(Error::Later { at: app.now() });
                }
                Ok(false)
            }
            Failure::Wait(why, _) | Failure::OutsideWindow(why) | Failure::Never(why) => {
                let status = if may_have_arrived { MessageStatus::Uncertain } else { MessageStatus::Failed };
                self.settle_part(part, status, Some(&why), None).await?;
                Ok(false)
            }
            Failure::Stop(why) => {
                if !may_have_arrived {
                    requeue(app, part, None, &why).await?;
                }
                alarm::stop(app, self.message.org_id, self.message.channel_id, &why).await?;
                Err(Error::Later { at: app.now() + STOPPED })
            }
        }
    }

    /// The window is closed: the template instead, if there is one. False: there is none, and that is settled.
    async fn outside_window(&self, part: &Part, why: &str) -> Result<bool> {
        let is_template = matches!(part.body.0, Body::Template { .. });
        match self.template().filter(|_| !is_template) {
            Some(template) => {
                requeue(self.app, part, Some(&template), why).await?;
                Err(Error::Later { at: self.app.now() })
            }
            None => {
                self.settle_part(part, MessageStatus::Failed, Some(why), None).await?;
                Ok(false)
            }
        }
    }

    async fn settle_part(
        &self,
        part: &Part,
        status: MessageStatus,
        reason: Option<&str>,
        external: Option<&str>,
    ) -> Result<()> {
        let app = self.app;
        let mut tx = app.begin().await?;
        let from = [MessageStatus::Queued, MessageStatus::Sending, MessageStatus::Uncertain];
        store::set_part_status(tx.conn(), part.id, &from, status, reason, external, app.now()).await?;
        let mut early = Vec::new();
        if let Some(external) = external {
            early = store::take_receipts(tx.conn(), part.org_id, part.channel_id, external).await?;
        }
        for (state, why) in &early {
            receipt::advance(tx.conn(), part.id, state, why.as_deref(), app.now()).await?;
        }
        let told = receipt::fold(app, tx.conn(), self.message.id, Some(self.conversation)).await?;
        tx.commit().await?;
        staff::tell(app, part.org_id, &told).await;
        app.wake(part.org_id).await;
        app.changed(part.org_id, Changed::Conversation { id: self.message.conversation_id }).await;
        Ok(())
    }
}

/// How an answer ends that was cut, in its own language.
fn goes_on(answer: &str) -> &'static str {
    match Language::detect(answer) {
        Some(Language::Zh) => "内容较长，无法在此全部发送，同事会继续为您解答。",
        _ => "This is longer than I can send here. A colleague will go on.",
    }
}

/// A wait that doubles with each attempt, ten minutes at most.
pub(super) fn grown(after: Duration, attempts: i64) -> Duration {
    let times = 1i32 << i32::try_from(attempts.clamp(0, 10)).unwrap_or(10);
    (after * times).min(Duration::minutes(10))
}

async fn requeue(app: &App, part: &Part, body: Option<&Body>, why: &str) -> Result<()> {
    let mut tx = app.begin().await?;
    store::requeue_part(tx.conn(), part.id, body, Some(why)).await?;
    tx.commit().await
}

/// Puts a part back until `at`; agents see why it is still under way.
pub(super) async fn put_off(
    mut c: Conn<'_>,
    message: &Message,
    part: &Part,
    why: &str,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    store::requeue_part(c.again(), part.id, None, Some(why)).await?;
    store::set_outcome(c.again(), message.id, MessageStatus::Sending, Some(why), now).await?;
    let later = Job::DeliverLater { message: message.id, conversation: message.conversation_id };
    later.push_at(c, message.org_id, now, at).await
}

/// Where a customer may fetch a file of ours, if we can be reached from outside.
fn link(app: &App, file: &Attachment) -> Option<String> {
    let base = app.config.server.public_url.as_deref()?;
    let path = file::link(app, file.id, LINK).ok()?;
    Some(format!("{}{path}", base.trim_end_matches('/')))
}

/// The template with what a message says; a file can only be linked in one.
pub(super) fn template(app: &App, channel: &Channel, message: &Message, file: Option<&Attachment>) -> Option<Body> {
    match file {
        None => channel.template(&message.content),
        Some(file) => channel.template(&with_link(&file.facts(), &message.content, &link(app, file)?)),
    }
}

/// What stands on the wire for a message that is not made of text.
fn body(m: &Message) -> Option<Body> {
    m.metadata.0.get("body").and_then(|b| serde_json::from_value(b.clone()).ok())
}

/// What a message offers to tap.
fn choices(m: &Message) -> Vec<Choice> {
    m.metadata.0.get("choices").and_then(|c| serde_json::from_value(c.clone()).ok()).unwrap_or_default()
}

/// Sends what waits again: after a receipt said that it did not arrive.
pub(super) async fn again(c: Conn<'_>, message: &Message, at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    Job::Deliver { message: message.id, conversation: message.conversation_id }
        .push_at(c, message.org_id, now, at)
        .await
}
