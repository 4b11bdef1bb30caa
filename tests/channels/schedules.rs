//! Random schedules: what customers, people, platforms and crashes do, in any order. Nothing is lost, nothing is
//! answered twice, nothing is sent outside the law, the order is kept, and the assistant is silent after a take-over.
//!
//! Each schedule is one customer; many run side by side in one company, a step each per round. The seeds are fixed;
//! `FRONTDESK_TEST_SCHEDULES` sets how many there are per platform.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use frontdesk::{
    app::{ConversationId, Job, MessageId, OrgId, PartId},
    both, worker,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    graph, qyapi,
    support::app::{On, databases},
    wecom::Wecom,
    whatsapp::Whatsapp,
};

/// How many customers are in one company at a time.
const TOGETHER: usize = 100;
const ROUNDS: usize = 9;

/// A small generator whose numbers are the same everywhere.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// What one customer lives through.
#[derive(Default)]
struct Life {
    name: String,
    said: Vec<String>,
    revoked: HashSet<String>,
    /// Where in the platform's list a person took over, and where they let go.
    held: Vec<(usize, Option<usize>)>,
    conversation: Option<String>,
}

enum World {
    Whatsapp(Whatsapp),
    Wecom(Wecom),
}

/// One message at the platform.
struct Out {
    to: String,
    key: Uuid,
}

impl World {
    fn desk(&self) -> &crate::desk::Desk {
        match self {
            Self::Whatsapp(w) => &w.desk,
            Self::Wecom(w) => &w.desk,
        }
    }

    async fn say(&self, life: &mut Life, id: &str, text: &str) {
        match self {
            Self::Whatsapp(w) => {
                w.graph.kept().heard.insert(life.name.clone(), w.shop.app.now());
                w.says(&life.name, id, text).await;
            }
            Self::Wecom(w) => {
                w.api.add(w.item_of(&life.name, id, 3, json!({"msgtype": "text", "text": {"content": text}})));
                w.ring().await;
            }
        }
        if !life.said.iter().any(|s| s == id) {
            life.said.push(id.into());
        }
    }

    async fn revoke(&self, life: &mut Life, id: &str) {
        life.revoked.insert(id.into());
        match self {
            Self::Whatsapp(w) => {
                w.graph.kept().heard.insert(life.name.clone(), w.shop.app.now());
                let revoke = json!({"type": "revoke", "revoke": {"original_message_id": id}});
                w.hears(&life.name, &format!("{id}.revoke"), revoke).await;
            }
            Self::Wecom(w) => {
                let event = json!({"event_type": "user_recall_msg", "external_userid": life.name, "recall_msgid": id});
                w.api.add(w.item_of(&life.name, &format!("{id}.r"), 4, json!({"msgtype": "event", "event": event})));
                w.ring().await;
            }
        }
    }

    async fn edit(&self, life: &Life, id: &str, text: &str) {
        // Only WhatsApp has edits.
        if let Self::Whatsapp(w) = self {
            let message = json!({"type": "text", "text": {"body": text}});
            let edit = json!({"type": "edit", "edit": {"original_message_id": id, "message": message}});
            w.graph.kept().heard.insert(life.name.clone(), w.shop.app.now());
            w.hears(&life.name, &format!("{id}.edit"), edit).await;
        }
    }

    async fn echo(&self, life: &Life, id: &str) {
        match self {
            Self::Whatsapp(w) => {
                let echo = json!({"from": "1", "to": life.name, "id": id, "timestamp": "1772442000", "type": "text", "text": {"body": "a person"}});
                w.deliver("smb_message_echoes", json!({"message_echoes": [echo]})).await;
            }
            Self::Wecom(w) => {
                w.api.add(w.item_of(&life.name, id, 5, json!({"msgtype": "text", "text": {"content": "a person"}})));
                w.ring().await;
            }
        }
    }

    /// Something goes wrong with the next message to this customer.
    fn fault(&self, life: &Life, kind: u64) {
        match self {
            Self::Whatsapp(w) => {
                use graph::Does;
                let does = match kind % 5 {
                    0 => Does::Refuses(131_056),
                    1 => Does::Refuses(130_429),
                    2 => Does::TakesAndBreaks,
                    3 => Does::TakesAndGarbles,
                    _ => Does::Refuses(131_026),
                };
                w.graph.kept().scripts.entry(life.name.clone()).or_default().push_back(does);
            }
            Self::Wecom(w) => {
                use qyapi::Does;
                let mut kept = w.api.kept();
                match kind % 5 {
                    0 => kept.valid = String::new(), // the token is gone
                    n => {
                        let does = match n {
                            1 => Does::Refuses(-1),
                            2 | 3 => Does::TakesAndBreaks,
                            _ => Does::Refuses(40_096),
                        };
                        kept.scripts.entry(life.name.clone()).or_insert_with(VecDeque::new).push_back(does);
                    }
                }
            }
        }
    }

    /// Receipts of everything this customer got, in a random order and some twice.
    async fn receipts(&self, life: &Life, chance: &mut Chance) {
        let Self::Whatsapp(w) = self else { return };
        let taken: Vec<(String, Value)> = w
            .graph
            .kept()
            .taken
            .iter()
            .filter(|t| t.to() == life.name)
            .map(|t| (t.id.clone(), t.body["biz_opaque_callback_data"].clone()))
            .collect();
        for (id, key) in taken {
            for _ in 0..chance.below(3) {
                let status = ["sent", "delivered", "read"][chance.below(3) as usize];
                let of = json!({"id": id, "status": status, "timestamp": "1", "biz_opaque_callback_data": key});
                w.deliver("messages", json!({"statuses": [of]})).await;
            }
        }
    }

    /// What the platform took, in its order.
    fn out(&self) -> Vec<Out> {
        match self {
            Self::Whatsapp(w) => w
                .graph
                .kept()
                .taken
                .iter()
                .map(|t| Out {
                    to: t.to().into(),
                    key: t.body["biz_opaque_callback_data"].as_str().unwrap().parse().unwrap(),
                })
                .collect(),
            Self::Wecom(w) => w
                .api
                .kept()
                .sent
                .iter()
                .map(|m| Out {
                    to: m["touser"].as_str().unwrap().into(),
                    key: m["msgid"].as_str().unwrap().parse().unwrap(),
                })
                .collect(),
        }
    }

    fn faults(&self) -> Vec<String> {
        match self {
            Self::Whatsapp(w) => w.graph.kept().faults.clone(),
            Self::Wecom(w) => w.api.kept().faults.clone(),
        }
    }
}

/// The process dies after the platform took a message and before that was written down: the job comes again.
async fn crash(world: &World, life: &Life) {
    const FORGET: &str = "
        UPDATE message_parts SET status = 'sending', external_message_id = NULL
        WHERE id = (SELECT p.id FROM message_parts p JOIN messages m ON m.id = p.message_id
                    WHERE m.conversation_id = $1 AND p.status IN ('sent', 'delivered') ORDER BY p.created_at DESC LIMIT 1)
        RETURNING message_id, org_id";
    const MESSAGE: &str = "UPDATE messages SET status = 'sending' WHERE id = $1";
    let Some(conversation) = &life.conversation else { return };
    let conversation = ConversationId(conversation.parse().unwrap());
    let app = &world.desk().shop.app;
    let mut tx = app.begin().await.unwrap();
    let found: Option<(MessageId, OrgId)> =
        both!(tx.conn(), c => sqlx::query_as(FORGET).bind(conversation).fetch_optional(c).await).unwrap();
    if let Some((message, org)) = found {
        both!(tx.conn(), c => sqlx::query(MESSAGE).bind(message).execute(c).await.map(|_| ())).unwrap();
        Job::Deliver { message, conversation }.push(tx.conn(), org, app.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
}

const QUESTIONS: [(&str, &str); 3] = [
    ("How long is the warranty of a grinder?", "研磨机保修多久？"),
    ("What does shipping to Penang cost?", "寄到上海的运费是多少？"),
    ("I want to talk to a human", "转人工"),
];

async fn step(world: &World, life: &mut Life, agent: &str, round: usize, chance: &mut Chance) {
    let shop = &world.desk().shop;
    let kind = if life.said.is_empty() { 0 } else { chance.below(20) };
    let last = life.said.last().cloned().unwrap_or_default();
    match kind {
        0..=6 => {
            let question = QUESTIONS[chance.below(8) as usize % if chance.below(6) == 0 { 3 } else { 2 }];
            let text = if matches!(world, World::Wecom(_)) { question.1 } else { question.0 };
            let id = format!("{}-{round}", life.name);
            world.say(life, &id, text).await;
        }
        7 | 8 => {
            let text = if matches!(world, World::Wecom(_)) { QUESTIONS[0].1 } else { QUESTIONS[0].0 };
            for _ in 0..=chance.below(3) {
                world.say(life, &last, text).await; // again, under the same id
            }
        }
        9 if chance.below(2) == 0 => world.revoke(life, &last).await,
        9 | 10 => world.edit(life, &last, QUESTIONS[1].0).await,
        11..=13 => world.fault(life, chance.below(100)),
        14 => world.receipts(life, chance).await,
        15 => crash(world, life).await,
        _ => {
            // People do something in the conversation, once it is there.
            worker::run_due(&shop.app.app).await.unwrap();
            let Some(id) = life.conversation.clone() else { return };
            let is_held = life.held.last().is_some_and(|(_, until)| until.is_none());
            let path = |what: &str| format!("/api/conversations/{id}/{what}");
            match chance.below(4) {
                0 if !is_held => {
                    world.echo(life, &format!("{}-e{round}", life.name)).await;
                    worker::run_due(&shop.app.app).await.unwrap();
                    let now = shop.call("GET", &format!("/api/conversations/{id}"), None).await;
                    assert_eq!(now.body["holder"], "agent", "{now:?}");
                    life.held.push((world.out().len(), None));
                }
                1 if is_held => {
                    // What goes out from here on may be the assistant's again.
                    let until = world.out().len();
                    let answer = shop.call_as(agent, "POST", &path("give-back"), Some(json!({"scope": "now"}))).await;
                    if answer.status.is_success() {
                        life.held.last_mut().unwrap().1 = Some(until);
                    }
                }
                2 => {
                    let answer = shop
                        .call_as(agent, "POST", &path("messages"), Some(json!({"text": format!("agent {round}")})))
                        .await;
                    if answer.status.is_success() && !is_held {
                        life.held.push((world.out().len(), None));
                    }
                }
                _ => {
                    let answer = shop.call_as(agent, "POST", &path("take-over"), None).await;
                    if answer.status.is_success() && !is_held {
                        life.held.push((world.out().len(), None));
                    }
                }
            }
        }
    }
}

/// The conversations, by the customer's address.
async fn conversations(world: &World) -> HashMap<String, String> {
    const ALL: &str = "
        SELECT i.external_id, c.id FROM conversations c JOIN customer_identities i ON i.id = c.identity_id";
    let app = &world.desk().shop.app;
    let mut reader = app.read().await.unwrap();
    let rows: Vec<(String, Uuid)> = both!(reader.conn(), c => sqlx::query_as(ALL).fetch_all(c).await).unwrap();
    rows.into_iter().map(|(address, id)| (address, id.to_string())).collect()
}

async fn company(world: World, seed: u64, count: usize) {
    let agent = world.desk().shop.user("mei", "agent").await;
    if let World::Whatsapp(w) = &world {
        w.graph.kept().clock = Some(w.shop.app.clock.clone());
    }
    if let World::Wecom(w) = &world {
        w.api.kept().page = 40;
    }
    let app = world.desk().shop.app.app.clone();
    let prefix = if matches!(world, World::Wecom(_)) { "wm" } else { "60" };
    let mut lives: Vec<(Life, Chance)> = (0..count)
        .map(|n| {
            let name = format!("{prefix}{seed:03}{n:05}");
            let mut chance =
                Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (n as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
            chance.below(2);
            (Life { name, ..Life::default() }, chance)
        })
        .collect();
    let mut clock = Chance(seed + 77);
    for round in 0..ROUNDS {
        for (life, chance) in &mut lives {
            step(&world, life, &agent, round, chance).await;
        }
        // Not every round runs what is due before the next one comes.
        if clock.below(3) > 0 {
            worker::run_due(&app).await.unwrap();
        }
        app.clock.advance(chrono::Duration::seconds([0, 1, 5, 40, 900][clock.below(5) as usize]));
        let all = conversations(&world).await;
        for (life, _) in &mut lives {
            life.conversation = all.get(&life.name).cloned();
        }
    }
    for _ in 0..12 {
        worker::run_due(&app).await.unwrap();
        app.clock.advance(chrono::Duration::seconds(120));
    }
    check(&world, &lives, seed).await;
}

async fn check(world: &World, lives: &[(Life, Chance)], seed: u64) {
    const MESSAGES: &str = "
        SELECT m.id, m.conversation_id, m.seq, m.sender_type, m.status, m.external_message_id, m.content
        FROM messages m ORDER BY m.conversation_id, m.seq";
    const PARTS: &str = "SELECT id, message_id FROM message_parts";
    type Row = (Uuid, Uuid, i64, String, String, Option<String>, String);
    assert_eq!(world.faults(), Vec::<String>::new(), "seed {seed}: outside the platform's law");
    let shop = &world.desk().shop;
    let (ready, running, failed) = shop.depth().await;
    assert_eq!((ready, running), (0, 0), "seed {seed}: jobs are left over ({failed} failed)");
    let mut reader = shop.app.read().await.unwrap();
    let rows: Vec<Row> = both!(reader.conn(), c => sqlx::query_as(MESSAGES).fetch_all(c).await).unwrap();
    let parts: Vec<(PartId, Uuid)> = both!(reader.conn(), c => sqlx::query_as(PARTS).fetch_all(c).await).unwrap();
    drop(reader);
    let message_of: HashMap<Uuid, Uuid> = parts.into_iter().map(|(part, message)| (part.0, message)).collect();
    let by_id: HashMap<Uuid, &Row> = rows.iter().map(|r| (r.0, r)).collect();
    let mut by_conversation: BTreeMap<Uuid, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        by_conversation.entry(row.1).or_default().push(row);
    }
    let addresses = conversations(world).await;
    let out = world.out();
    // Nothing stands on the wire twice.
    let mut keys = HashSet::new();
    for o in &out {
        assert!(keys.insert(o.key), "seed {seed}: {} got a message twice", o.to);
    }
    for (life, _) in lives {
        let who = &life.name;
        let id: Uuid = addresses.get(who).unwrap_or_else(|| panic!("seed {seed}: {who} was lost")).parse().unwrap();
        let all = &by_conversation[&id];
        // Nothing is lost, nothing is received twice.
        for said in &life.said {
            let times = all.iter().filter(|r| r.5.as_deref() == Some(said)).count();
            assert_eq!(times, 1, "seed {seed}: {said}");
        }
        // The order is kept, and the assistant is silent while a person holds the conversation.
        let mut last = 0;
        for (place, o) in out.iter().enumerate().filter(|(_, o)| o.to == *who) {
            let row = by_id[message_of.get(&o.key).unwrap_or(&o.key)];
            assert!(row.2 > last, "seed {seed}: {who} got {} after {last}", row.2);
            last = row.2;
            let is_held = life.held.iter().any(|(from, until)| place >= *from && until.is_none_or(|u| place < u));
            assert!(!(is_held && row.3 == "assistant"), "seed {seed}: the assistant spoke over a person to {who}");
        }
        // No burst has two answers: after each message of the assistant somebody else speaks before its next one,
        // unless that is the notice after a failure.
        for pair in all.windows(2) {
            let both = pair[0].3 == "assistant" && pair[1].3 == "assistant";
            assert!(!both || pair[0].4 == "failed", "seed {seed}: {who} was answered twice: {pair:?}");
        }
        // Nobody is stranded: an answer, or a person who knows.
        let conversation = shop.call("GET", &format!("/api/conversations/{id}"), None).await.body;
        if conversation["holder"] == "assistant" {
            let open = all.iter().rev().take_while(|r| r.3 == "customer").filter(|r| !r.6.is_empty()).count();
            assert_eq!(open, 0, "seed {seed}: {who} waits: {conversation}");
            let unsettled =
                all.iter().filter(|r| r.3 != "customer" && ["queued", "sending"].contains(&r.4.as_str())).count();
            assert_eq!(unsettled, 0, "seed {seed}: something to {who} is under way for ever");
        }
    }
}

fn how_many() -> usize {
    std::env::var("FRONTDESK_TEST_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

async fn run(on: On, is_wecom: bool, count: usize, first_seed: u64) {
    for (n, seed) in (0..count.div_ceil(TOGETHER)).zip(first_seed..) {
        let count = TOGETHER.min(count - n * TOGETHER);
        let world = if is_wecom {
            World::Wecom(Wecom::open(on, json!({})).await)
        } else {
            World::Whatsapp(Whatsapp::open(on).await)
        };
        company(world, seed, count).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_schedules_over_whatsapp_lose_nothing_and_answer_once() {
    run(On::Sqlite, false, how_many(), 1).await;
    if databases().contains(&On::Postgres) {
        run(On::Postgres, false, how_many() / 10, 501).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_schedules_over_wecom_lose_nothing_and_answer_once() {
    run(On::Sqlite, true, how_many(), 1).await;
    if databases().contains(&On::Postgres) {
        run(On::Postgres, true, how_many() / 10, 501).await;
    }
}
