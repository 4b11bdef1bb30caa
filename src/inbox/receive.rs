//! What a customer writes becomes a message, once, in the right conversation.

use chrono::{DateTime, Duration, Utc};
use sqlx::types::Json;

use super::{
    Conversation, Holder, Joins, Message, MessageStatus, Sender, alarm, announce, assign, change, connect, echo, file,
    greet, health, photo, receipt, rules, satisfaction,
    store::{self, ChannelRow, NewConversation, Settled},
};
use crate::{
    app::{App, AttachmentId, Changed, ChannelEventId, ChannelId, ConversationId, IdentityId, Job, MessageId, OrgId},
    channels::{Address, Channel, Event, Inbound},
    customers::{self, ActivityKind, Identity, NewActivity, Reached},
    platform::{Error, Result, db::Conn, language::Language, upload::Upload},
    staff,
};

/// How long after a message that a person will answer it is read for what is worth remembering.
const LEARNED_AFTER: Duration = Duration::seconds(30);

/// What became of an inbound message.
#[derive(Debug)]
pub struct Received {
    pub conversation: ConversationId,
    pub message: Message,
    /// It had been received before; nothing was written.
    pub repeated: bool,
}

/// Turns one raw event into a message (`Job::Receive`). Safe to repeat.
pub async fn receive_event(app: &App, id: ChannelEventId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(event) = store::find_event(reader.conn(), id).await? else {
        return Ok(());
    };
    let Some(row) = store::find_channel(reader.conn(), event.channel_id).await? else {
        return Ok(());
    };
    drop(reader);
    if event.status != "received" {
        return Ok(());
    }
    if event.payload.is_empty() {
        let why = Some("the customer took it back");
        return settle(app, id, Settled { status: "ignored", error: why, ..Settled::default() }).await;
    }
    let read = connect::open(app, &row).and_then(|channel| Ok((channel.parse(&event.payload)?, channel)));
    let received_at = event.received_at;
    let (event, channel) = match read {
        Ok(read) => read,
        Err(e) if e.is_transient() => return Err(e),
        Err(e) => return settle(app, id, failed(&e.to_string())).await,
    };
    let about = event.about().map(String::from);
    let heard = hear(app, &row, &channel, event, received_at).await;
    let is_early = matches!(heard, Ok(Heard::Early));
    let settled = match &heard {
        Ok(Heard::Done) => Settled { status: "processed", ..Settled::default() },
        Ok(Heard::Gone) => Settled { status: "processed", is_gone: true, ..Settled::default() },
        Ok(Heard::Early) => Settled { status: "waiting", ..Settled::default() },
        Ok(Heard::Nothing(why)) => Settled { status: "ignored", error: Some(why), ..Settled::default() },
        Err(e) if e.is_transient() => return heard.map(|_| ()),
        Err(e) => return settle(app, id, failed(&e.to_string())).await,
    };
    settle(app, id, Settled { about: about.as_deref(), ..settled }).await?;
    if let (true, Some(about)) = (is_early, &about) {
        // Its message may have come in this very moment.
        change::catch_up(app, &row, &channel, about).await?;
    }
    Ok(())
}

fn failed(why: &str) -> Settled<'_> {
    Settled { status: "failed", error: Some(why), ..Settled::default() }
}

async fn settle(app: &App, id: ChannelEventId, of: Settled<'_>) -> Result<()> {
    let mut tx = app.begin().await?;
    store::settle_event(tx.conn(), id, of, app.now()).await?;
    tx.commit().await
}

/// What came of an event.
pub(super) enum Heard {
    Done,
    /// It is about a message that was taken back: nothing of what it said is kept.
    Gone,
    /// It changes a message that has not come yet.
    Early,
    /// Why.
    Nothing(&'static str),
}

/// Does what an event asks for.
async fn hear(
    app: &App,
    row: &ChannelRow,
    channel: &Channel,
    event: Event,
    received_at: DateTime<Utc>,
) -> Result<Heard> {
    match event {
        Event::Message(mut inbound) => {
            let id = inbound.external_message_id.clone();
            change::make_early(app, row, channel, &mut inbound).await?;
            unmask(app, row, channel, &mut inbound).await?;
            let received = receive(app, row.org_id, row.id, &row.platform, inbound).await?;
            if !received.repeated {
                if let Err(e) = channel.acknowledge(&app.outside, &id).await {
                    tracing::debug!(channel.id = %row.id, error = %e.chain(), "a sign was not shown");
                }
                attend(app, row, channel, &received).await?;
            }
            let was_revoked = change::catch_up(app, row, channel, &id).await?;
            if was_revoked || change::is_revoked(&received.message) {
                return Ok(Heard::Gone);
            }
        }
        Event::Reaction { by, target, emoji, at } => {
            if !change::react(app, row, &by, &target, emoji.as_deref(), at).await? {
                return Ok(Heard::Nothing("the message it is about is not known"));
            }
        }
        Event::Edit { .. } | Event::Revoke { .. } => return change::make(app, row, &event).await,
        Event::Receipt(of) => receipt::take(app, row, &of).await?,
        Event::Echo(of) => echo::take(app, row, of).await?,
        Event::Arrived(of) => greet::greet(app, row, &of).await?,
        Event::Held { customer, by_person } => echo::held(app, row, &customer, by_person).await?,
        Event::Photo { customer, media } => {
            return photo::take(app, row, channel, (&customer, &media), received_at).await;
        }
        Event::Blocked { customer, is_blocked } => echo::blocked(app, row, &customer, is_blocked).await?,
        Event::Moved { from, to } => echo::moved(app, row, &from, &to).await?,
        Event::Connection(said) => {
            alarm::connection(app, row.org_id, row.id, &said).await?;
            health::ask(app, row).await?;
        }
        Event::Doorbell { account, token } => {
            let mut tx = app.begin().await?;
            Job::Fetch { channel: row.id, account, token }.push(tx.conn(), row.org_id, app.now()).await?;
            tx.commit().await?;
            app.wake(row.org_id).await;
        }
        Event::Nothing(why) => return Ok(Heard::Nothing(why)),
    }
    Ok(Heard::Done)
}

/// Somebody whom a gateway knows by a hidden id is asked for, until their number is known: they are the same customer.
async fn unmask(app: &App, row: &ChannelRow, channel: &Channel, inbound: &mut Inbound) -> Result<()> {
    if inbound.kind != "lid" || !inbound.aliases.is_empty() {
        return Ok(());
    }
    let hidden = Address::new("lid", inbound.sender.clone());
    let mut reader = app.read().await?;
    if let Some(known) = customers::identity(reader.conn(), row.org_id, echo::reached(row, &hidden)).await?
        && same_person(reader.conn(), &known).await?.len() > 1
    {
        return Ok(());
    }
    drop(reader);
    match channel.unmask(&app.outside, &hidden).await {
        Ok(Some(number)) => {
            (inbound.kind, inbound.sender) = (number.kind, number.id);
            inbound.aliases.push(hidden);
        }
        Ok(None) => {}
        // With their next message it is asked again.
        Err(e) => tracing::debug!(channel.id = %row.id, error = %e.chain(), "a hidden id stays hidden"),
    }
    Ok(())
}

/// The customer sees that their message was read, when the assistant is about to answer it.
async fn attend(app: &App, row: &ChannelRow, channel: &Channel, received: &Received) -> Result<()> {
    let Some(after) = channel.attends_after(rand::random()) else {
        return Ok(());
    };
    let mut tx = app.begin().await?;
    let with_assistant =
        store::find_any(tx.conn(), received.conversation).await?.is_some_and(|c| c.is_with_assistant());
    if with_assistant {
        let now = app.now();
        let sign = Job::Attend { conversation: received.conversation, message: received.message.id };
        sign.push_at(tx.conn(), row.org_id, now, now + after).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The addresses under which a messenger knows one person: a number may come, go and change, and the talk is the same.
pub(super) async fn same_person(c: Conn<'_>, identity: &Identity) -> Result<Vec<IdentityId>> {
    const ONE_ACCOUNT: [&str; 3] = ["phone", "bsuid", "lid"];
    if !ONE_ACCOUNT.contains(&identity.kind.as_str()) {
        return Ok(vec![identity.id]);
    }
    let all = customers::list_identities(c, identity.org_id, identity.customer_id).await?;
    // Two numbers of two customers who were merged are two talks still.
    let same = |i: &&Identity| {
        i.channel_id == identity.channel_id && ONE_ACCOUNT.contains(&i.kind.as_str()) && i.is_beside(identity)
    };
    Ok(all.iter().filter(same).map(|i| i.id).collect())
}

/// Takes in one message: customer and identity, conversation, message and `Job::TakeTurn` in one transaction.
/// Once per external id: a repetition returns what was received the first time.
pub async fn receive(app: &App, org: OrgId, channel: ChannelId, platform: &str, inbound: Inbound) -> Result<Received> {
    receive_file(app, org, channel, platform, inbound, None).await
}

/// The same for a message whose file came with it.
pub async fn receive_file(
    app: &App,
    org: OrgId,
    channel: ChannelId,
    platform: &str,
    mut inbound: Inbound,
    upload: Option<Upload>,
) -> Result<Received> {
    let now = app.now();
    if let Some(upload) = &upload {
        inbound.content_type = file::content_type(upload).into();
    }
    let mut tx = app.begin().await?;
    if let Some(message) = store::find_by_external(tx.conn(), org, channel, &inbound.external_message_id).await? {
        tx.commit().await?;
        return Ok(Received { conversation: message.conversation_id, message, repeated: true });
    }
    let reached = Reached {
        channel,
        kind: &inbound.kind,
        external_id: &inbound.sender,
        display_name: inbound.sender_name.as_deref(),
    };
    // Somebody known by another of their addresses is not somebody new.
    let mut known = None;
    for alias in &inbound.aliases {
        let alias = Reached { kind: &alias.kind, external_id: &alias.id, ..reached };
        known = known.or(customers::identity(tx.conn(), org, alias).await?);
    }
    if let Some(known) = known {
        customers::add_address(tx.conn(), &known, reached, now).await?;
    }
    let (mut customer, identity) = customers::find_or_create(tx.conn(), org, reached, now).await?;
    let owner = customers::lock_identity(tx.conn(), identity.id).await?;
    if let Some(owner) = owner.filter(|owner| *owner != customer.id) {
        // They were merged, or taken apart, while we waited for the lock.
        customer = customers::find(tx.conn(), org, owner).await?.ok_or(Error::NotFound("customer"))?;
    }
    for alias in &inbound.aliases {
        let reached = Reached { kind: &alias.kind, external_id: &alias.id, ..reached };
        customers::add_address(tx.conn(), &identity, reached, now).await?;
    }
    let identities = same_person(tx.conn(), &identity).await?;
    let latest = store::find_latest_of(tx.conn(), org, &identities).await?;
    let mut told = Vec::new();
    let mark = latest.as_ref().and_then(|c| satisfaction::mark(c, &inbound.text, now));
    let id = match latest.as_ref().map(|c| (c, c.joins(now))) {
        Some((c, _)) if mark.is_some() => c.id, // the answer to our question: it stays resolved
        Some((c, Joins::Same)) => c.id,
        Some((c, Joins::Again(holder))) => {
            store::reopen(tx.conn(), c.id, holder, now).await?;
            if holder == Holder::Queue {
                let title = format!("{} waits for a person", c.customer_name);
                let rules = rules::load(tx.conn(), org).await?;
                let waiting = Conversation { team_id: None, let_go_by: None, ..c.clone() };
                told = assign::wait(tx.conn(), &waiting, &rules, &title, now).await?;
            }
            c.id
        }
        Some((_, Joins::New)) | None => {
            let new = NewConversation {
                org,
                customer: customer.id,
                identity: identity.id,
                channel,
                channel_type: platform.into(),
                external_chat_id: inbound.external_chat_id.clone(),
            };
            let id = store::insert(tx.conn(), &new, now).await?;
            let started = NewActivity::of(ActivityKind::ConversationStarted, None)
                .with(serde_json::json!({"conversation_id": id, "channel": platform}));
            customers::activity(tx.conn(), org, customer.id, started, now).await?;
            announce::conversation(tx.conn(), org, id, "conversation_created", now).await?;
            id
        }
    };
    let language = Language::detect(&inbound.text);
    let is_revoked = inbound.metadata.get("revoked").is_some();
    let preview = super::change::preview(&inbound.text, &inbound.content_type, is_revoked);
    let Some((seq, epoch)) = store::advance(tx.conn(), id, Sender::Customer, None, &preview, language, now).await?
    else {
        return Err(Error::NotFound("conversation"));
    };
    let chat = inbound.external_chat_id.as_deref();
    // A platform's clock may be ahead of ours; a window never opens in the future.
    let at = inbound.sent_at.unwrap_or(now).min(now);
    if inbound.is_tap {
        store::set_tapped(tx.conn(), id, identity.id, at).await?;
    } else {
        store::set_reach(tx.conn(), id, identity.id, chat, at).await?;
    }
    let attached = (inbound.media.is_some() || upload.is_some()).then(AttachmentId::new);
    let message = Message {
        id: MessageId::new(),
        org_id: org,
        conversation_id: id,
        customer_id: customer.id,
        channel_id: channel,
        seq,
        epoch,
        sender_type: Sender::Customer,
        sender_id: Some(identity.id.to_string()),
        content_type: inbound.content_type,
        content: inbound.text,
        media_url: attached.map(|id| format!("/api/attachments/{id}")).or(inbound.media_url),
        metadata: Json(inbound.metadata),
        is_private: false,
        turn_id: None,
        ai_generated: false,
        ai_confidence: None,
        ai_sources: None,
        status: MessageStatus::Received,
        status_reason: None,
        external_message_id: Some(inbound.external_message_id.clone()),
        idempotency_key: None,
        sent_at: inbound.sent_at,
        created_at: now,
        files: Vec::new(),
        quoted: None,
    };
    if !store::insert_message(tx.conn(), &message).await? {
        // Another process received it at this very instant: this transaction is undone, its message stands.
        drop(tx);
        let mut reader = app.read().await?;
        let message = store::find_by_external(reader.conn(), org, channel, &inbound.external_message_id)
            .await?
            .ok_or_else(|| Error::internal(anyhow::anyhow!("a message clashed and is not there")))?;
        return Ok(Received { conversation: message.conversation_id, message, repeated: true });
    }
    announce::message(tx.conn(), &message, now).await?;
    if let (Some(id), Some(upload)) = (attached, &upload) {
        file::keep(app, tx.conn(), id, &message, upload, now).await?;
    } else if let Some(first) = attached {
        let ids = std::iter::once(first).chain(std::iter::repeat_with(AttachmentId::new));
        for (id, media) in ids.zip(inbound.media.iter().chain(&inbound.more_media)) {
            store::insert_attachment(tx.conn(), id, &message, media, now).await?;
            Job::Download { attachment: id }.push(tx.conn(), org, now).await?;
        }
    }
    let held_by_agent = latest
        .as_ref()
        .is_some_and(|c: &Conversation| c.id == id && c.holder == Holder::Agent && c.joins(now) == Joins::Same);
    if let (Some(mark), Some(c)) = (mark, &latest) {
        satisfaction::keep(tx.conn(), c, mark, now).await?;
    } else if !held_by_agent {
        let pause = Duration::milliseconds(i64::try_from(app.config.assistant.pause_ms).unwrap_or(i64::MAX));
        Job::TakeTurn { conversation: id }.push_at(tx.conn(), org, now, now + pause).await?;
    }
    // What a reply of ours would have brought about: while people hold it there may never be another one.
    if held_by_agent {
        Job::Learn { conversation: id }.push_at(tx.conn(), org, now, now + LEARNED_AFTER).await?;
    }
    tx.commit().await?;
    staff::tell(app, org, &told).await;
    app.wake(org).await;
    app.changed(org, Changed::Conversation { id }).await;
    Ok(Received { conversation: id, message, repeated: false })
}
