//! What must be true of every life when everything is over.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Duration, Utc};
use frontdesk::both;
use uuid::Uuid;

use super::{Chance, Life, Out, World, conversations, waiting};

/// A message: id, conversation, number, who wrote it, state, the platform's id, text.
type Row = (Uuid, Uuid, i64, String, String, Option<String>, String);
/// What stands on the wire for a message: id, message, state, the platform's id, text.
type Part = (Uuid, Uuid, String, Option<String>, Option<String>);

/// Whether more messages went out than `burst` at once and one more `every` so often.
pub fn is_too_fast(times: &[DateTime<Utc>], burst: usize, every: Duration) -> bool {
    times.windows(burst + 1).any(|w| w[burst] - w[0] < every)
}

pub async fn check<W: World>(world: &W, lives: &[(Life, Chance)], seed: u64) {
    const MESSAGES: &str = "
        SELECT m.id, m.conversation_id, m.seq, m.sender_type, m.status, m.external_message_id, m.content
        FROM messages m ORDER BY m.conversation_id, m.seq";
    const PARTS: &str = "
        SELECT p.id, p.message_id, p.status, p.external_message_id, p.body->>'text'
        FROM message_parts p JOIN messages m ON m.id = p.message_id ORDER BY m.conversation_id, m.seq, p.part";
    assert_eq!(world.faults(), Vec::<String>::new(), "seed {seed}: outside the platform's law");
    assert_eq!(waiting(world).await, 0, "seed {seed}: jobs are left over");
    let shop = world.shop();
    let mut reader = shop.app.read().await.unwrap();
    let rows: Vec<Row> = both!(reader.conn(), c => sqlx::query_as(MESSAGES).fetch_all(c).await).unwrap();
    let parts: Vec<Part> = both!(reader.conn(), c => sqlx::query_as(PARTS).fetch_all(c).await).unwrap();
    drop(reader);
    let mut by_conversation: BTreeMap<Uuid, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        by_conversation.entry(row.1).or_default().push(row);
    }
    let by_id: HashMap<Uuid, &Row> = rows.iter().map(|r| (r.0, r)).collect();
    let mut parts_of: HashMap<Uuid, Vec<&Part>> = HashMap::new();
    for part in &parts {
        parts_of.entry(by_id[&part.1].1).or_default().push(part);
    }
    let addresses = conversations(world).await;
    for (life, _) in lives {
        let who = &life.name;
        let id: Uuid = addresses.get(who).unwrap_or_else(|| panic!("seed {seed}: {who} was lost")).parse().unwrap();
        let all = &by_conversation[&id];
        // Nothing is lost, nothing is received twice.
        for said in &life.said {
            let said = W::external(who, said);
            let times = all.iter().filter(|r| r.5.as_deref() == Some(&said)).count();
            assert_eq!(times, 1, "seed {seed}: {said}");
        }
        for said in &life.revoked {
            let said = W::external(who, said);
            let left = all.iter().filter(|r| r.5.as_deref() == Some(&said) && !r.6.is_empty()).count();
            assert_eq!(left, 0, "seed {seed}: {said} was taken back");
        }
        let out = world.reached(who).await;
        let none = Vec::new();
        let of = parts_of.get(&id).unwrap_or(&none);
        let messages: Vec<Uuid> = if of.is_empty() {
            out.iter().map(|o| o.key.expect("what has no parts is known by our own id")).collect()
        } else {
            // What we believe was sent is there, once, in its order, and nothing else is.
            let found = explain(of, &out);
            let found = found.unwrap_or_else(|| panic!("seed {seed}: {who} got {out:#?}\nand we believe {of:#?}"));
            found.into_iter().map(|n| of[n].1).collect()
        };
        let mut last = 0;
        for (place, message) in messages.iter().enumerate() {
            let row = by_id[message];
            assert!(row.2 >= last, "seed {seed}: {who} got {} after {last}", row.2);
            last = row.2;
            let is_held = life.held.iter().any(|(from, until)| place >= *from && until.is_none_or(|u| place < u));
            assert!(
                !(is_held && row.3 == "assistant"),
                "seed {seed}: the assistant spoke over a person to {who}: {out:#?} {life_held:?}",
                life_held = life.held
            );
        }
        let times: Vec<DateTime<Utc>> = out.iter().filter_map(|o| o.at).collect();
        let is_fast = W::PACE.is_some_and(|(burst, every)| is_too_fast(&times, burst, every));
        assert!(!is_fast, "seed {seed}: {who} got messages too fast: {times:?}");
        // No burst has two answers: after each message of the assistant somebody else speaks before its next one,
        // unless that is the notice after a failure.
        for pair in all.windows(2) {
            let both = pair[0].3 == "assistant" && pair[1].3 == "assistant";
            assert!(!both || pair[0].4 == "failed", "seed {seed}: {who} was answered twice: {pair:?}");
        }
        // Nobody is stranded: an answer, or a person who knows.
        let conversation = shop.call("GET", &format!("/api/conversations/{id}"), None).await.body;
        let is_held = life.held.last().is_some_and(|(_, until)| until.is_none());
        assert!(conversation["holder"] != "agent" || is_held, "seed {seed}: nobody holds {who}: {conversation}");
        if conversation["holder"] == "assistant" {
            let open = all.iter().rev().take_while(|r| r.3 == "customer").filter(|r| !r.6.is_empty()).count();
            assert_eq!(open, 0, "seed {seed}: {who} waits: {conversation}");
        }
        let unsettled =
            all.iter().filter(|r| r.3 != "customer" && ["queued", "sending"].contains(&r.4.as_str())).count();
        assert_eq!(unsettled, 0, "seed {seed}: something to {who} is under way for ever");
    }
}

/// Which part each message is that the customer got: every part that we believe was sent is one of them, each at most
/// once and in order; one of which nobody knows may be, one that failed is not. `None`: the two don't fit.
fn explain(parts: &[&Part], out: &[Out]) -> Option<Vec<usize>> {
    let Some((part, rest)) = parts.split_first() else {
        return out.is_empty().then(Vec::new);
    };
    let shift = |found: Vec<usize>| found.into_iter().map(|n| n + 1);
    let is_sent = ["sent", "delivered", "read", "played"].contains(&part.2.as_str());
    if (is_sent || part.2 == "uncertain")
        && let Some((first, others)) = out.split_first()
        && fits(part, first)
        && let Some(found) = explain(rest, others)
    {
        return Some(std::iter::once(0).chain(shift(found)).collect());
    }
    if is_sent { None } else { explain(rest, out).map(|found| shift(found).collect()) }
}

fn fits(part: &Part, out: &Out) -> bool {
    if let Some(key) = out.key {
        return key == part.0;
    }
    let is_same_id = match (&part.3, &out.id) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    is_same_id && part.4.as_deref() == Some(&out.text)
}
