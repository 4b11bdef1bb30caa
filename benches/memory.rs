//! A year of talk: 1,000 customers, 100,000 messages, changing facts. How long a write and a recall take, how often the
//! newest fact wins, what is kept twice, what junk is kept. `FRONTDESK_BENCH_MESSAGES` makes it smaller.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench may panic"
)]

use std::time::Instant;

use chrono::{DateTime, Duration};
use frontdesk::{
    app::{App, Config},
    customers::{self, Reached},
    inbox,
    memory::{self, Kind, New, Query, Writer},
    platform::Clock,
    staff,
};

const TOWNS: [&str; 12] = [
    "Penang", "Ipoh", "Kuching", "Melaka", "Sibu", "Miri", "Taiping", "Kluang", "Seremban", "Kulim", "Muar", "Bintulu",
];
const THINGS: [&str; 12] = [
    "a rice cooker",
    "two linen shirts",
    "a blue backpack",
    "a floor lamp",
    "a standing desk",
    "a tea set",
    "a raincoat",
    "three towels",
    "a water bottle",
    "a wool blanket",
    "a bread knife",
    "a bicycle pump",
];

/// Numbers that look drawn and are the same every time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

fn percentile(all: &mut [f64], share: f64) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

#[tokio::main]
async fn main() {
    let messages: usize =
        std::env::var("FRONTDESK_BENCH_MESSAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let people = (messages / 100).max(1);
    let dir = std::env::temp_dir().join(format!("frontdesk-bench-{}", uuid::Uuid::now_v7()));
    let start = DateTime::from_timestamp(1_772_442_000, 0).unwrap();
    let app = App::open(Config::default(), dir.clone(), None, Clock::fixed(start)).await.unwrap();
    let org = staff::ensure_org(&app, "bench", "Bench").await.unwrap();
    let channel = inbox::ensure_web_channel(&app, org).await.unwrap();
    let mut ids = Vec::new();
    for n in 0..people {
        let name = format!("person {n}");
        let mut tx = app.begin().await.unwrap();
        let reached = Reached { channel: channel.id, kind: "visitor", external_id: &name, display_name: None };
        ids.push(customers::find_or_create(tx.conn(), org, reached, app.now()).await.unwrap().0.id);
        tx.commit().await.unwrap();
    }
    let mut draw = Draw(20_260_302);
    let mut lives = vec![""; people];
    let step = Duration::days(365) / i32::try_from(messages).unwrap();
    let mut writes = Vec::with_capacity(messages);
    for _ in 0..messages {
        app.clock.advance(step);
        let who = draw.below(people);
        let text = match draw.below(10) {
            0 => {
                lives[who] = TOWNS[draw.below(TOWNS.len())];
                format!("I moved to {}.", lives[who])
            }
            1 => "How long is the warranty?".to_owned(),
            2 => "My colleague wears size 44.".to_owned(),
            3 => "I'm allergic to peanuts.".to_owned(),
            _ => format!("I bought {} number {}", THINGS[draw.below(THINGS.len())], draw.below(1000)),
        };
        let started = Instant::now();
        let new: Vec<New> = memory::facts(&text, Writer::Customer)
            .into_iter()
            .map(|f| New { kind: f.kind, about: f.about, replaces: f.replaces, ..New::note(f.value, app.now()) })
            .collect();
        let mut tx = app.begin().await.unwrap();
        memory::keep(tx.conn(), org, ids[who], &new, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        writes.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let indexing = Instant::now();
    for id in &ids {
        memory::bring(&app, org, *id).await.unwrap();
    }
    let indexing = indexing.elapsed().as_secs_f64();
    let mut recalls = Vec::new();
    let (mut right, mut asked, mut twice, mut junk, mut kept) = (0usize, 0usize, 0usize, 0usize, 0usize);
    for (who, id) in ids.iter().enumerate() {
        let started = Instant::now();
        let query = Query::new(org, *id, "where do I live, and what did I buy in spring?");
        memory::recall(&app, &query).await.unwrap();
        recalls.push(started.elapsed().as_secs_f64() * 1e3);
        let all = Query {
            limit: 1000,
            budget: usize::MAX,
            ..Query::new(org, *id, "lives bought allergic number a two three")
        };
        let all = memory::recall(&app, &all).await.unwrap();
        let cities: Vec<_> = all.iter().filter(|r| r.memory.kind == Kind::City).collect();
        if !lives[who].is_empty() {
            asked += 1;
            right += usize::from(cities.first().is_some_and(|r| r.memory.value.as_deref() == Some(lives[who])));
        }
        let mut said: Vec<_> = all.iter().map(|r| (r.memory.kind, r.memory.value.clone())).collect();
        kept += said.len();
        said.sort();
        let before = said.len();
        said.dedup();
        twice += before - said.len() + cities.len().saturating_sub(1);
        junk += all.iter().filter(|r| !matches!(r.memory.kind, Kind::City | Kind::Purchase | Kind::Allergy)).count();
    }
    println!("{messages} messages of {people} customers: {kept} memories looked at, indexed in {indexing:.1} s");
    println!("a write      p50 {:.2} ms   p99 {:.2} ms", percentile(&mut writes, 0.5), percentile(&mut writes, 0.99));
    println!("a recall     p50 {:.2} ms   p99 {:.2} ms", percentile(&mut recalls, 0.5), percentile(&mut recalls, 0.99));
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "newest fact wins {:.1} %   kept twice {:.1} %   junk {:.1} %",
        share(right, asked),
        share(twice, kept),
        share(junk, kept)
    );
    app.close().await;
    let _ = std::fs::remove_dir_all(dir);
}
