//! A year of talk: 1,000 customers, 100,000 messages, changing facts. How long a write and a recall take, how often the
//! newest fact wins, what is kept twice, what junk is kept. `FRONTDESK_BENCH_MESSAGES` makes it smaller.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
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
    platform::{Clock, db::Db},
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

const TOWNS_ZH: [&str; 8] = ["杭州", "成都", "苏州", "厦门", "青岛", "长沙", "昆明", "大连"];
const THINGS_ZH: [&str; 8] = ["电饭煲", "台灯", "双肩包", "茶具", "雨衣", "毛毯", "水壶", "书桌"];

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

async fn count(app: &App) -> usize {
    let Db::Sqlite { readers, .. } = &app.db else { panic!("the bench is of SQLite") };
    let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM memories").fetch_one(readers).await.unwrap();
    usize::try_from(rows).unwrap()
}

/// Bytes below a directory.
fn size(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten();
    entries.map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}

/// The p50 and p99 of 4 KiB appended and synced, in ms.
fn sync_ms(dir: &std::path::Path) -> (f64, f64) {
    use std::io::Write;
    let mut file = std::fs::File::create(dir.join("sync.tmp")).unwrap();
    let mut took: Vec<f64> = (0..300)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[b'x'; 4096]).unwrap();
            file.sync_data().unwrap();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    (percentile(&mut took, 0.5), percentile(&mut took, 0.99))
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
    let (mut reads, mut writes) = (Vec::with_capacity(messages), Vec::with_capacity(messages));
    for _ in 0..messages {
        app.clock.advance(step);
        let who = draw.below(people);
        let is_chinese = who % 2 == 1;
        let text = match (draw.below(10), is_chinese) {
            (0, _) => {
                let towns: &[&str] = if is_chinese { &TOWNS_ZH } else { &TOWNS };
                lives[who] = towns[draw.below(towns.len())];
                if is_chinese {
                    format!("我搬到{}了。", lives[who])
                } else {
                    format!("I moved to {}.", lives[who])
                }
            }
            (1, false) => "How long is the warranty?".to_owned(),
            (1, true) => "保修多久？".to_owned(),
            (2, false) => "My colleague wears size 44.".to_owned(),
            (2, true) => "我同事穿44码。".to_owned(),
            (3, false) => "I'm allergic to peanuts.".to_owned(),
            (3, true) => "我对花生过敏。".to_owned(),
            (_, false) => format!("I bought {} number {}", THINGS[draw.below(THINGS.len())], draw.below(1000)),
            (_, true) => format!("我买了{}{}号", THINGS_ZH[draw.below(THINGS_ZH.len())], draw.below(1000)),
        };
        let started = Instant::now();
        let new: Vec<New> = memory::facts(&text, Writer::Customer)
            .into_iter()
            .map(|f| New {
                kind: f.kind,
                about: f.about.map(Into::into),
                replaces: f.replaces,
                ..New::note(f.value, app.now())
            })
            .collect();
        reads.push(started.elapsed().as_secs_f64() * 1e3);
        let mut tx = app.begin().await.unwrap();
        memory::keep(tx.conn(), org, ids[who], &new, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        writes.push(started.elapsed().as_secs_f64() * 1e3);
    }
    // As many memories as messages: a recall looks among all of them.
    let learned = count(&app).await;
    let notes = messages.saturating_sub(learned).div_ceil(people);
    for (n, id) in ids.iter().enumerate() {
        let new: Vec<New> = (0..notes)
            .map(|k| {
                New::note(format!("talked about {} for room {k} of house {n}", THINGS[k % THINGS.len()]), app.now())
            })
            .collect();
        let mut tx = app.begin().await.unwrap();
        memory::keep(tx.conn(), org, *id, &new, app.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
    let stored = count(&app).await;
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
        junk += all
            .iter()
            .filter(|r| !matches!(r.memory.kind, Kind::City | Kind::Purchase | Kind::Allergy | Kind::Note))
            .count();
    }
    let sync = sync_ms(&dir);
    let size = size(&dir);
    println!(
        "{messages} messages of {people} customers: {learned} memories learned, {stored} stored, {kept} looked at, indexed \
         in {indexing:.1} s; {:.0} MB on the disk, {:.0} bytes a memory",
        size as f64 / 1e6,
        size as f64 / stored.max(1) as f64
    );
    println!(
        "a write      p50 {:.2} ms   p99 {:.2} ms (must: 2 ms and its sync; a sync of this disk: p50 {:.2}, p99 {:.2} ms)",
        percentile(&mut writes, 0.5),
        percentile(&mut writes, 0.99),
        sync.0,
        sync.1
    );
    println!(
        "  of it reading what was said: p50 {:.2} ms   p99 {:.2} ms",
        percentile(&mut reads, 0.5),
        percentile(&mut reads, 0.99)
    );
    println!(
        "a recall     p50 {:.2} ms   p99 {:.2} ms (must: 10 ms)",
        percentile(&mut recalls, 0.5),
        percentile(&mut recalls, 0.99)
    );
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    println!(
        "newest fact wins {:.1} % (must: 98)   kept twice {:.1} % (1)   junk {:.1} % (5)",
        share(right, asked),
        share(twice, kept),
        share(junk, kept)
    );
    app.close().await;
    // The vector engine writes once more when it goes.
    drop(app);
    let _ = std::fs::remove_dir_all(dir);
}
