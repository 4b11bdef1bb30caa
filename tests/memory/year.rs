//! A year of talk, in small: the newest fact wins, nothing is kept twice, junk stays out, the store stays bounded.

use chrono::Duration;
use frontdesk::{
    memory::{self, Kind, New, Query, Writer},
    staff,
};

use crate::support::app::{TestApp, databases};

const CITIES: [&str; 8] = ["Penang", "Ipoh", "Kuching", "Melaka", "Johor Bahru", "Sibu", "Miri", "Taiping"];
const CITIES_ZH: [&str; 8] = ["杭州", "成都", "苏州", "武汉", "青岛", "佛山", "大理", "厦门"];
const JUNK: [&str; 8] = [
    "How long is the warranty?",
    "thanks a lot",
    "Do you ship to Penang?",
    "My colleague wears size 44.",
    "今天天气真好",
    "保修多久？",
    "如果我搬到北京，还能送吗？",
    "我朋友对花生过敏。",
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_year_the_newest_fact_wins() {
    let app = TestApp::open(databases()[0]).await;
    let org = staff::ensure_org(&app, "shop", "Shop").await.unwrap();
    let channel = frontdesk::inbox::ensure_web_channel(&app, org).await.unwrap();
    let mut draw = Draw(20_260_302);
    let people = 10usize;
    let mut ids = Vec::new();
    for n in 0..people {
        let name = format!("person {n}");
        let mut tx = app.begin().await.unwrap();
        let reached = frontdesk::customers::Reached {
            channel: channel.id,
            kind: "visitor",
            external_id: &name,
            display_name: Some(&name),
        };
        let (customer, _) = frontdesk::customers::find_or_create(tx.conn(), org, reached, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        ids.push(customer.id);
    }
    let mut lives = vec![String::new(); people];
    let mut wears = vec![String::new(); people];
    for _ in 0..100 {
        for (who, id) in ids.iter().enumerate() {
            app.clock.advance(Duration::minutes(526));
            let is_zh = who % 2 == 1;
            let text = match draw.below(10) {
                0 | 1 => {
                    let at = draw.below(8);
                    lives[who] = if is_zh { CITIES_ZH[at] } else { CITIES[at] }.to_owned();
                    if is_zh { format!("我搬到{}了", lives[who]) } else { format!("I moved to {}.", lives[who]) }
                }
                2 => {
                    wears[who] = (36 + draw.below(10)).to_string();
                    if is_zh {
                        format!("我的鞋码是{}码", wears[who])
                    } else {
                        format!("My shoe size is {}.", wears[who])
                    }
                }
                3 => if is_zh { "我对花生过敏。" } else { "I'm allergic to peanuts." }.to_owned(),
                _ => JUNK[draw.below(JUNK.len())].to_owned(),
            };
            let new: Vec<New> = memory::facts(&text, Writer::Customer)
                .into_iter()
                .map(|f| New {
                    kind: f.kind,
                    about: f.about.map(Into::into),
                    replaces: f.replaces,
                    ..New::note(f.value, app.now())
                })
                .collect();
            let mut tx = app.begin().await.unwrap();
            memory::keep(tx.conn(), org, *id, &new, app.now()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    memory::fade(&app).await.unwrap();
    let (mut right, mut asked, mut junk, mut all, mut twice) = (0, 0, 0, 0, 0);
    for (who, id) in ids.iter().enumerate() {
        memory::bring(&app, org, *id).await.unwrap();
        let query =
            Query { limit: 50, budget: usize::MAX, ..Query::new(org, *id, "lives city size shoe 尺码 城市") };
        let recalled = memory::recall(&app, &query).await.unwrap();
        let of = |kind| recalled.iter().filter(|r| r.memory.kind == kind).collect::<Vec<_>>();
        for (kind, expected) in [(Kind::City, &lives[who]), (Kind::Size, &wears[who])] {
            if expected.is_empty() {
                continue;
            }
            asked += 1;
            let found = of(kind);
            twice += found.len().saturating_sub(1);
            right += usize::from(
                found.first().is_some_and(|r| r.memory.value.as_deref().unwrap().starts_with(expected.as_str())),
            );
        }
        all += recalled.len();
        junk += recalled.iter().filter(|r| !matches!(r.memory.kind, Kind::City | Kind::Size | Kind::Allergy)).count();
        assert!(recalled.len() <= 4, "bounded: {recalled:?}");
    }
    assert!(right * 100 >= asked * 98, "the newest fact won {right} of {asked} times");
    assert_eq!((twice, junk), (0, 0), "of {all}");
}
