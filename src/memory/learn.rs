//! Reads what was said since the last time for facts about the customer (`Job::Learn`), off their path.

use chrono::{DateTime, Utc};

use super::{Fact, New, Writer, extract, index, keep, read, shared, store};
use crate::{
    app::{App, ConversationId, CustomerId, Job, MemoryId, MessageId, OrgId},
    inbox::{self, Message, Sender},
    platform::{Result, db::Conn, language::Language},
};

/// How many active memories a customer has at most; beyond, what tells least is put away.
const BUDGET: i64 = 2000;

/// How many messages are read at once.
const PAGE: i64 = 200;

/// Learns from the messages of a conversation that were not read yet. Safe to repeat: each message is read once, and
/// what is known already is strengthened at most once by it.
pub async fn learn(app: &App, id: ConversationId) -> Result<()> {
    let Some(opened) = inbox::open(app, id).await? else {
        return Ok(());
    };
    let conversation = &opened.conversation;
    let now = app.now();
    let from = store::mark(app.read().await?.conn(), id).await?;
    let unread = inbox::said_after(app, conversation, from, PAGE).await?;
    let is_all = i64::try_from(unread.len()).is_ok_and(|n| n < PAGE);
    // What was written since the conversation was loaded has a job of its own, which sees what came before it.
    let seen = opened.messages.last().map_or(0, |m| m.seq);
    let unread: Vec<&Message> = unread.iter().filter(|m| m.seq <= seen).collect();
    let Some(last) = unread.last().map(|m| m.seq) else {
        return Ok(());
    };
    let noticed = noticed(app, &unread, &opened).await;
    let org = conversation.org_id;
    let mut tx = app.begin().await?;
    if store::mark(tx.conn(), id).await? != from {
        return Ok(()); // read meanwhile
    }
    // The customer may have become one with another since.
    let Some(customer) = inbox::find_any(tx.conn(), id).await?.map(|c| c.customer_id) else { return Ok(()) };
    store::lock(tx.conn(), customer).await?;
    let (mut added, mut has_ended) = (Vec::new(), false);
    for message in unread {
        let (new, ended) = take_in(tx.conn(), (org, customer), message, &opened, now).await?;
        added.extend(new);
        has_ended |= ended;
    }
    added.extend(keep::keep(tx.conn(), org, customer, &noticed, now).await?);
    make_room(tx.conn(), org, customer, now).await?;
    shared::learn(tx.conn(), org, &opened.messages, from, now).await?;
    store::set_mark(tx.conn(), org, id, last, now).await?;
    if !is_all {
        Job::Learn { conversation: id }.push(tx.conn(), org, now).await?;
    }
    if !added.is_empty() || has_ended {
        Job::IndexMemories { org, customer }.push(tx.conn(), org, now).await?;
    }
    tx.commit().await?;
    metrics::counter!("frontdesk_memories_learned_total").increment(added.len() as u64);
    app.wake(org).await;
    Ok(())
}

/// Takes in what a message of the customer or an agent says, by the rules: what is no more first ("I no longer like tea,
/// I like coffee"). Returns what is new, and whether anything ended.
async fn take_in(
    mut c: Conn<'_>,
    (org, customer): (OrgId, CustomerId),
    message: &Message,
    opened: &inbox::Opened,
    now: DateTime<Utc>,
) -> Result<(Vec<MemoryId>, bool)> {
    let mut has_ended = false;
    for words in ended(message) {
        has_ended |= keep::end(c.again(), org, customer, words, message.created_at).await?;
    }
    Ok((keep::keep(c, org, customer, &said(message, opened), now).await?, has_ended))
}

/// Reads a message anew that its writer changed or took back (`Job::Reread`): what was learned from it alone is
/// forgotten, what had made room for that or was ended by it holds again, and what it says now is learned. Safe to
/// repeat.
pub async fn reread(app: &App, id: ConversationId, message: MessageId) -> Result<()> {
    let Some(opened) = inbox::open(app, id).await? else { return Ok(()) };
    let (org, now) = (opened.conversation.org_id, app.now());
    let Some(message) = inbox::find_message_of(app.read().await?.conn(), org, message).await? else { return Ok(()) };
    let noticed = noticed(app, &[&message], &opened).await;
    let mut tx = app.begin().await?;
    let Some(customer) = inbox::find_any(tx.conn(), id).await?.map(|c| c.customer_id) else { return Ok(()) };
    if message.seq > store::mark(tx.conn(), id).await? {
        return Ok(()); // it is read with the rest
    }
    store::lock(tx.conn(), customer).await?;
    let mut gone = store::of_message(tx.conn(), org, customer, message.id).await?;
    // What was said again elsewhere stands without it.
    gone.retain(|m| m.confirmed_at.is_none());
    keep::undo(tx.conn(), org, customer, &gone).await?;
    keep::reopen(tx.conn(), org, customer, message.created_at).await?;
    take_in(tx.conn(), (org, customer), &message, &opened, now).await?;
    keep::keep(tx.conn(), org, customer, &noticed, now).await?;
    Job::IndexMemories { org, customer }.push(tx.conn(), org, now).await?;
    tx.commit().await?;
    app.wake(org).await;
    index::remove(app, org, &gone.iter().map(|m| m.id).collect::<Vec<_>>()).await
}

/// The facts of one message. What the assistant wrote itself teaches nothing.
fn said(message: &Message, opened: &inbox::Opened) -> Vec<New> {
    let writer = match message.sender_type {
        Sender::Customer => Writer::Customer,
        Sender::Agent => Writer::Agent,
        Sender::Assistant | Sender::System => return Vec::new(),
    };
    read::facts(&message.content, writer).into_iter().map(|fact| new(message, opened, fact)).collect()
}

/// What a customer says is no more.
fn ended(message: &Message) -> impl Iterator<Item = &str> {
    let is_theirs = message.sender_type == Sender::Customer;
    let endings = if is_theirs { read::endings(&message.content) } else { Vec::new() };
    endings.into_iter().filter_map(|range| message.content.get(range))
}

fn new(message: &Message, opened: &inbox::Opened, fact: Fact) -> New {
    let text = &message.content;
    let characters = |at: usize| text.get(..at).map_or(0, |s| s.chars().count());
    New {
        sentence: text.get(fact.sentence.clone()).map(ToOwned::to_owned),
        speaker: (message.sender_type == Sender::Agent).then(|| "agent".to_owned()),
        language: Language::detect(text).or(opened.conversation.language).unwrap_or_default(),
        source: Some(message.conversation_id.0),
        message: Some(message.id),
        identity: opened.conversation.identity_id,
        span: Some((characters(fact.range.start), characters(fact.range.end))),
        kind: fact.kind,
        about: fact.about.map(Into::into),
        replaces: fact.replaces,
        ..New::note(fact.value, message.created_at)
    }
}

/// What the model notices beyond the rules: nothing that overlaps what they read.
async fn noticed(app: &App, unread: &[&Message], opened: &inbox::Opened) -> Vec<New> {
    let theirs: Vec<&Message> = unread.iter().copied().filter(|m| m.sender_type == Sender::Customer).collect();
    let texts: Vec<&str> = theirs.iter().map(|m| m.content.as_str()).collect();
    let language = opened.conversation.language.unwrap_or_default();
    let noticed = extract::extract(app, &texts, language).await;
    noticed
        .into_iter()
        .filter_map(|(place, fact)| {
            let message = theirs.get(place)?;
            let is_known = read::facts(&message.content, Writer::Customer)
                .iter()
                .any(|f| f.range.start < fact.range.end && fact.range.start < f.range.end);
            (!is_known).then(|| New { source_type: "ai_analysis", ..new(message, opened, fact) })
        })
        .collect()
}

/// Over the budget the least informative go first: keeping 55 % by information kept 98.8 % of the recall, by age no
/// more than at random.
async fn make_room(mut c: Conn<'_>, org: OrgId, customer: CustomerId, now: DateTime<Utc>) -> Result<()> {
    let over = store::count(c.again(), org, customer).await? - BUDGET;
    if over <= 0 {
        return Ok(());
    }
    let spent = store::least(c.again(), org, customer, over).await?;
    super::fade::archive(c, org, &spent, now).await
}
