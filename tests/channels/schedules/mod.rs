//! Random schedules: what customers, people, platforms and crashes do, in any order, on every kind of channel. Nothing is
//! lost, nothing is answered twice, nothing is sent outside the law, the order is kept, and the assistant is silent after
//! a take-over.
//!
//! Each schedule is one customer; many run side by side in one company, a step each per round. The seeds are fixed;
//! `FRONTDESK_TEST_SCHEDULES` sets how many there are per kind of channel, `FRONTDESK_TEST_SEED` with which seed they
//! begin.

mod check;
mod gateways;
mod official;
mod others;
mod wire;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use frontdesk::{
    app::{ChannelEventId, ChannelId, ConversationId, Job, MessageId, OrgId},
    both, worker,
};
use serde_json::json;
use uuid::Uuid;

use crate::support::{
    app::{On, databases},
    shop::Shop,
};

/// How many customers are in one company at a time.
const TOGETHER: usize = 100;
const ROUNDS: usize = 9;
/// How many schedules every kind of channel lives through by default: 2,000 in all, and a tenth of them on PostgreSQL.
const EACH: usize = 200;

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
    /// Their address at the platform.
    name: String,
    said: Vec<String>,
    revoked: HashSet<String>,
    /// Where in what they got a person took over, and where that person let go.
    held: Vec<(usize, Option<usize>)>,
    conversation: Option<String>,
}

/// One message that a customer got.
#[derive(Debug, Clone)]
struct Out {
    /// Our own id of it, where the platform is told.
    key: Option<Uuid>,
    /// The platform's id of it, where it has one and says so.
    id: Option<String>,
    text: String,
    at: Option<DateTime<Utc>>,
}

/// A company with one kind of channel, whose platform is a fake: how what customers do goes in, and what came out.
///
/// Where a platform knows no such thing as an edit, doing it does nothing.
trait World: Sized {
    /// Whether customers write Chinese.
    const IS_CHINESE: bool = false;
    /// How many messages one customer may get at once, and how often one more.
    const PACE: Option<(usize, Duration)> = None;

    async fn open(on: On, seed: u64) -> Self;
    fn shop(&self) -> &Shop;
    /// The address of a customer, as the inbox knows it too.
    fn customer(seed: u64, n: usize) -> String {
        format!("60{seed:04}{n:05}")
    }
    /// What the inbox calls the customer's message `id`.
    fn external(who: &str, id: &str) -> String {
        let _ = who;
        id.into()
    }
    /// A message of the customer's, perhaps again. False: the platform did not take it from them.
    async fn say(&self, who: &str, id: &str, text: &str) -> bool;
    /// The customer taps a button of the menu that says this.
    async fn tap(&self, _who: &str, _text: &str) {}
    async fn edit(&self, _who: &str, _id: &str, _text: &str) {}
    /// False: customers can't take messages back.
    async fn revoke(&self, _who: &str, _id: &str) -> bool {
        false
    }
    /// A person answers at the platform, or takes the customer there. False: nobody can.
    async fn echo(&self, _who: &str, _id: &str) -> bool {
        false
    }
    /// Something goes wrong with the next message to this customer.
    fn fault(&self, _who: &str, _kind: u64) {}
    /// Receipts of everything this customer got, in a random order and some twice.
    async fn receipts(&self, _who: &str, _chance: &mut Chance) {}
    /// What the platform does by itself after a round.
    async fn tick(&self) {}
    /// Everything this customer got, in its order.
    async fn reached(&self, who: &str) -> Vec<Out>;
    /// What the platform's law was broken by.
    fn faults(&self) -> Vec<String>;
}

/// The process dies in the middle of something: what was done was not written down, and is asked for again.
async fn crash(world: &impl World, life: &Life, kind: u64) {
    const FORGET: &str = "
        UPDATE message_parts SET status = 'sending', external_message_id = NULL
        WHERE id = (SELECT p.id FROM message_parts p JOIN messages m ON m.id = p.message_id
                    WHERE m.conversation_id = $1 AND p.status IN ('sent', 'delivered') ORDER BY p.created_at DESC LIMIT 1)
        RETURNING message_id, org_id";
    const MESSAGE: &str = "UPDATE messages SET status = 'sending' WHERE id = $1";
    const UNHEARD: &str = "
        UPDATE channel_events SET status = 'received', processed_at = NULL
        WHERE id = (SELECT id FROM channel_events WHERE status = 'processed' AND received_at = $1 ORDER BY id DESC LIMIT 1)
        RETURNING id, org_id, channel_id";
    let Some(conversation) = &life.conversation else { return };
    let conversation = ConversationId(conversation.parse().unwrap());
    let app = &world.shop().app;
    let mut tx = app.begin().await.unwrap();
    match kind {
        // The platform took a message, and we don't know.
        0 => {
            let found: Option<(MessageId, OrgId)> =
                both!(tx.conn(), c => sqlx::query_as(FORGET).bind(conversation).fetch_optional(c).await).unwrap();
            if let Some((message, org)) = found {
                both!(tx.conn(), c => sqlx::query(MESSAGE).bind(message).execute(c).await.map(|_| ())).unwrap();
                Job::Deliver { message, conversation }.push(tx.conn(), org, app.now()).await.unwrap();
            }
        }
        // A turn was taken, and is taken again.
        1 => Job::TakeTurn { conversation }.push(tx.conn(), world.shop().org, app.now()).await.unwrap(),
        // An event of this moment was understood, and is read again.
        _ => {
            let found: Option<(ChannelEventId, OrgId, ChannelId)> =
                both!(tx.conn(), c => sqlx::query_as(UNHEARD).bind(app.now()).fetch_optional(c).await).unwrap();
            if let Some((event, org, channel)) = found {
                let again = Job::Receive { event, lane: format!("{channel}:again") };
                again.push(tx.conn(), org, app.now()).await.unwrap();
            }
        }
    }
    tx.commit().await.unwrap();
}

const QUESTIONS: [(&str, &str); 3] = [
    ("How long is the warranty of a grinder?", "研磨机保修多久？"),
    ("What does shipping to Penang cost?", "寄到上海的运费是多少？"),
    ("I want to talk to a human", "转人工"),
];

fn question<W: World>(n: usize) -> &'static str {
    let (english, chinese) = QUESTIONS[n];
    if W::IS_CHINESE { chinese } else { english }
}

async fn step<W: World>(world: &W, life: &mut Life, agent: &str, round: usize, chance: &mut Chance) {
    let kind = if life.said.is_empty() { 0 } else { chance.below(20) };
    let last = life.said.last().cloned().unwrap_or_default();
    match kind {
        0..=6 => {
            let n = chance.below(8) as usize % if chance.below(6) == 0 { 3 } else { 2 };
            let id = format!("{}-{round}", life.name);
            if world.say(&life.name, &id, question::<W>(n)).await {
                life.said.push(id);
            }
        }
        7 | 8 => {
            for _ in 0..=chance.below(3) {
                world.say(&life.name, &last, question::<W>(0)).await; // again, under the same id
            }
        }
        9 if chance.below(2) == 0 => {
            if world.revoke(&life.name, &last).await {
                life.revoked.insert(last);
            }
        }
        9 => world.edit(&life.name, &last, question::<W>(1)).await,
        // Platforms keep no order: what is taken back or changed may come first.
        10 if chance.below(2) == 0 => {
            let id = format!("{}-{round}", life.name);
            let is_revoked = chance.below(2) == 0 && world.revoke(&life.name, &id).await;
            if !is_revoked {
                world.edit(&life.name, &id, question::<W>(1)).await;
            }
            if world.say(&life.name, &id, question::<W>(0)).await {
                if is_revoked {
                    life.revoked.insert(id.clone());
                }
                life.said.push(id);
            }
        }
        10 => world.tap(&life.name, question::<W>(chance.below(2) as usize)).await,
        11..=13 => world.fault(&life.name, chance.below(100)),
        14 => world.receipts(&life.name, chance).await,
        15 => crash(world, life, chance.below(3)).await,
        _ => people(world, life, agent, round, chance).await,
    }
}

/// People do something in the conversation, once it is there.
async fn people<W: World>(world: &W, life: &mut Life, agent: &str, round: usize, chance: &mut Chance) {
    let shop = world.shop();
    worker::run_due(&shop.app.app).await.unwrap();
    let Some(id) = life.conversation.clone() else { return };
    let is_held = life.held.last().is_some_and(|(_, until)| until.is_none());
    let path = |what: &str| format!("/api/conversations/{id}/{what}");
    match chance.below(4) {
        0 if !is_held => {
            if !world.echo(&life.name, &format!("{}-e{round}", life.name)).await {
                return;
            }
            worker::run_due(&shop.app.app).await.unwrap();
            let now = shop.call("GET", &format!("/api/conversations/{id}"), None).await;
            assert_eq!(now.body["holder"], "agent", "{now:?}");
            life.held.push((world.reached(&life.name).await.len(), None));
        }
        1 if is_held => {
            // What goes out from here on may be the assistant's again.
            let until = world.reached(&life.name).await.len();
            let answer = shop.call_as(agent, "POST", &path("give-back"), Some(json!({"scope": "now"}))).await;
            if answer.status.is_success() {
                life.held.last_mut().unwrap().1 = Some(until);
            }
        }
        what => {
            let asked = if what == 2 { Some(json!({"text": format!("agent {round}")})) } else { None };
            let path = path(if what == 2 { "messages" } else { "take-over" });
            let answer = shop.call_as(agent, "POST", &path, asked).await;
            if answer.status.is_success() && !is_held {
                let from = world.reached(&life.name).await;
                // On a website what an agent writes is there at once.
                let own = from.iter().rev().take_while(|o| o.text == format!("agent {round}")).count();
                life.held.push((from.len() - own, None));
            }
        }
    }
}

/// The conversations, by the customer's address.
async fn conversations(world: &impl World) -> HashMap<String, String> {
    const ALL: &str = "
        SELECT i.external_id, c.id FROM conversations c JOIN customer_identities i ON i.id = c.identity_id";
    let mut reader = world.shop().app.read().await.unwrap();
    let rows: Vec<(String, Uuid)> = both!(reader.conn(), c => sqlx::query_as(ALL).fetch_all(c).await).unwrap();
    rows.into_iter().map(|(address, id)| (address, id.to_string())).collect()
}

/// How many jobs wait that come to an end; a mailbox is looked at for ever.
async fn waiting(world: &impl World) -> i64 {
    const WAITING: &str =
        "SELECT COUNT(*) FROM jobs WHERE state IN ('ready', 'running') AND payload NOT LIKE '%\"fetch\"%'";
    const WAITING_PG: &str =
        "SELECT COUNT(*) FROM jobs WHERE state IN ('ready', 'running') AND payload::text NOT LIKE '%\"fetch\"%'";
    let shop = world.shop();
    let text = if shop.app.on == On::Sqlite { WAITING } else { WAITING_PG };
    let mut reader = shop.app.read().await.unwrap();
    both!(reader.conn(), c => sqlx::query_scalar(text).fetch_one(c).await).unwrap()
}

async fn company<W: World>(on: On, seed: u64, count: usize) {
    let world = W::open(on, seed).await;
    let agent = world.shop().user("mei", "agent").await;
    let app = world.shop().app.app.clone();
    let mut lives: Vec<(Life, Chance)> = (0..count)
        .map(|n| {
            let mut chance =
                Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (n as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03));
            chance.below(2);
            (Life { name: W::customer(seed, n), ..Life::default() }, chance)
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
        world.tick().await;
        app.clock.advance(Duration::seconds([0, 1, 5, 40, 900][clock.below(5) as usize]));
        let all = conversations(&world).await;
        for (life, _) in &mut lives {
            life.conversation = all.get(&life.name).cloned();
        }
    }
    for round in 0..60 {
        worker::run_due(&app).await.unwrap();
        world.tick().await;
        if round >= 12 && waiting(&world).await == 0 {
            break;
        }
        app.clock.advance(Duration::seconds(120));
    }
    check::check(&world, &lives, seed).await;
}

/// A number from a variable.
fn variable(name: &str) -> Option<usize> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

async fn run<W: World>() {
    let each = variable("FRONTDESK_TEST_SCHEDULES").unwrap_or(EACH);
    let first = variable("FRONTDESK_TEST_SEED").unwrap_or(1) as u64;
    for on in databases() {
        let (count, first) = if on == On::Sqlite { (each, first) } else { (each / 10, first + 5000) };
        for (n, seed) in (0..count.div_ceil(TOGETHER)).zip(first..) {
            company::<W>(on, seed, TOGETHER.min(count - n * TOGETHER)).await;
        }
    }
}

macro_rules! schedules {
    ($($name:ident: $world:ty,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            run::<$world>().await;
        }
    )*};
}

schedules! {
    random_schedules_over_whatsapp_cloud_lose_nothing_and_answer_once: official::Cloud,
    random_schedules_over_wecom_kf_lose_nothing_and_answer_once: official::Kf,
    random_schedules_over_wechat_oa_lose_nothing_and_answer_once: official::Oa,
    random_schedules_over_waha_lose_nothing_and_answer_once: gateways::WahaServer,
    random_schedules_over_evolution_lose_nothing_and_answer_once: gateways::EvolutionServer,
    random_schedules_over_gateway_lose_nothing_and_answer_once: gateways::SimpleGateway,
    random_schedules_over_telegram_lose_nothing_and_answer_once: others::Bot,
    random_schedules_over_email_lose_nothing_and_answer_once: others::Mailbox,
    random_schedules_over_web_lose_nothing_and_answer_once: others::Website,
    random_schedules_over_webhook_lose_nothing_and_answer_once: others::Signed,
}
