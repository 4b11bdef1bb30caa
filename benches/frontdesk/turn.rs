//! A turn, from `take` to verdict, over 50,000 passages: without a model, and with one that takes no time.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use frontdesk::{
    app::{App, Config, ConversationId, OrgId, config::Model},
    channels::{Address, Inbound},
    inbox,
    knowledge::{self, index},
    platform::Clock,
    staff,
    turn::{self, Question, Said, Signals, Speaker},
};

use crate::{
    machine,
    model::FakeModel,
    server::Scratch,
    table::{Mark, Percentiles, Row, short},
    texts::{Text, Texts},
};

const WARM_UP: usize = 100;
const QUESTIONS: usize = 1000;

/// Opens a throw-away application with the system's clock.
pub async fn open(dir: &Path, model: Option<Model>) -> anyhow::Result<(Arc<App>, OrgId)> {
    let mut config = Config::default();
    config.assistant.pause_ms = 0;
    if let Some(model) = model {
        config.model = model;
    }
    let app = App::open(config, dir.to_path_buf(), None, Clock::System).await?;
    let org = staff::ensure_org(&app, staff::DEFAULT_ORG, "Bench").await?;
    inbox::ensure_web_channel(&app, org).await?;
    Ok((app, org))
}

/// Puts texts in by the bulk path; each becomes a document.
pub async fn load(app: &App, org: OrgId, texts: Vec<Text>) -> anyhow::Result<Duration> {
    let kb = knowledge::ingest::base(app, org, None).await?.id;
    let count = texts.len();
    let started = Instant::now();
    let texts = texts.into_iter().enumerate();
    let texts = texts.map(|(n, t)| index::Text { source: format!("text-{n}"), title: t.title, text: t.text });
    let added = index::add_texts(app, org, kb, texts).await?;
    let took = started.elapsed();
    ensure!(added.new == count, "{} of {count} texts were taken", added.new);
    Ok(took)
}

/// Passages, questions on some of them spread over all, and the passages that these ask about.
fn shelf(passages: usize) -> (Vec<Text>, Vec<String>, Vec<String>) {
    let mut texts = Texts::seeded(1);
    let shelf: Vec<Text> = (0..passages).map(|_| texts.passage()).collect();
    let asked: Vec<&Text> = (0..QUESTIONS).map(|n| &shelf[n * passages / QUESTIONS]).collect();
    let questions = asked.iter().map(|passage| texts.question(passage)).collect();
    let sources = asked.iter().map(|passage| passage.text.clone()).collect();
    (shelf, questions, sources)
}

pub async fn run(below: &Path, passages: usize) -> anyhow::Result<Vec<Row>> {
    let dir = Scratch::new(below)?;
    let (shelf, questions, sources) = shelf(passages);
    let (app, org) = open(&dir.0, None).await?;
    let bytes: usize = shelf.iter().map(|p| p.text.len()).sum();
    let loading = load(&app, org, shelf).await?.as_secs_f64();
    machine::settle();

    let mut asks = Vec::new();
    let (mut found, mut answered) = (0, 0);
    for (n, text) in questions[..WARM_UP].iter().chain(&questions).enumerate() {
        let question = Question::alone(org, text.clone());
        let started = Instant::now();
        let outcome = turn::ask(&app, &question, &Signals::default(), app.config.assistant.passages).await?;
        let took = started.elapsed();
        let Some(n) = n.checked_sub(WARM_UP) else { continue };
        asks.push(took);
        answered += usize::from(outcome.verdict.decision() == "answer");
        let first = outcome.found.passages.first().map(|f| f.passage.content.clone()).unwrap_or_default();
        found +=
            usize::from(first.starts_with(sources[n].get(..sources[n].floor_char_boundary(40)).unwrap_or_default()));
    }
    let asks = Percentiles::of(asks);
    let takes = takes(&app, org, &questions).await?;
    let follow_ups = follow_ups(&app, org, &questions).await?;
    let searches = searches(&app, org, &questions).await?;
    let resident = machine::memory(std::process::id(), "VmRSS:");
    let rate = passages as f64 / loading;
    let share = |n: usize| format!("{:.0} %", 100.0 * n as f64 / QUESTIONS as f64);
    Ok(vec![
        Row::new(
            format!("a turn, no model, {passages} passages: question to verdict"),
            asks.to_string(),
            "ms",
            vec![Mark::at_most(asks.p50(), 6.0, 2.0), Mark::at_most(asks.p99(), 20.0, 8.0)],
        ),
        Row::new(
            "  the whole take: conversation read, verdict, reply and trace synced",
            takes.to_string(),
            "ms",
            vec![],
        ),
        Row::new("  a follow-up (\"and how much?\"), read in several ways", follow_ups.to_string(), "", vec![]),
        Row::new("  its search alone", searches.to_string(), "", vec![]),
        Row::new(
            "  the passage asked about is found first; answered",
            format!("{}; {}; memory {} MB", share(found), share(answered), short(resident)),
            "",
            vec![],
        ),
        Row::new(
            "short passages, bulk path, durable and searchable",
            format!("{}/s, {} MB/s", short(rate), short(bytes as f64 / 1e6 / loading)),
            "/s",
            vec![Mark::at_least(rate, 2500.0, 6000.0)],
        ),
    ])
}

/// The same with a model that answers at once, over loopback.
pub async fn run_with_model(below: &Path, passages: usize) -> anyhow::Result<Vec<Row>> {
    let dir = Scratch::new(below)?;
    let fake = FakeModel::start().await;
    let (shelf, questions, _) = shelf(passages);
    let (app, org) = open(&dir.0, Some(fake.chat_config())).await?;
    load(&app, org, shelf).await?;
    machine::settle();
    let mut asks = Vec::new();
    for text in questions[..WARM_UP].iter().chain(&questions) {
        let question = Question::alone(org, text.clone());
        let started = Instant::now();
        turn::ask(&app, &question, &Signals::default(), app.config.assistant.passages).await?;
        asks.push(started.elapsed());
    }
    let asks = Percentiles::of(asks.split_off(WARM_UP));
    let called = fake.asked().len() as f64 / (WARM_UP + QUESTIONS) as f64;
    ensure!(called > 0.5, "the model was hardly called ({called:.2} a turn)");
    let takes = takes(&app, org, &questions).await?;
    Ok(vec![
        Row::new(
            format!("the same with a stub model on loopback ({called:.2} calls a turn)"),
            asks.to_string(),
            "ms",
            vec![Mark::at_most(asks.p50(), 8.0, 4.0)],
        ),
        Row::new("  the whole take", takes.to_string(), "", vec![]),
    ])
}

/// Questions that lean on the one before, from question to verdict.
async fn follow_ups(app: &Arc<App>, org: OrgId, questions: &[String]) -> anyhow::Result<Percentiles> {
    let mut took = Vec::new();
    for text in questions {
        let history = vec![Said::new(Speaker::Customer, text.clone())];
        let question = Question { history, ..Question::alone(org, "and how much?") };
        let started = Instant::now();
        let outcome = turn::ask(app, &question, &Signals::default(), app.config.assistant.passages).await?;
        took.push(started.elapsed());
        ensure!(outcome.trace.considered.len() > 1, "not read as a follow-up");
    }
    Ok(Percentiles::of(took))
}

/// Whole turns of conversations in the database, each of another customer.
async fn takes(app: &Arc<App>, org: OrgId, questions: &[String]) -> anyhow::Result<Percentiles> {
    let channel = inbox::ensure_web_channel(app, org).await?;
    let mut took = Vec::new();
    for (n, text) in questions.iter().enumerate() {
        let id = receive(app, org, channel.id, n, text).await?;
        let started = Instant::now();
        turn::take(app, id).await?;
        if n >= WARM_UP {
            took.push(started.elapsed());
        }
    }
    Ok(Percentiles::of(took))
}

async fn receive(
    app: &App,
    org: OrgId,
    channel: frontdesk::app::ChannelId,
    n: usize,
    text: &str,
) -> anyhow::Result<ConversationId> {
    // A new one in each run: several runs may share a database.
    let id = uuid::Uuid::now_v7();
    let sender = Address { kind: "web".into(), id: format!("customer-{n}-{id}") };
    let inbound = Inbound::text(format!("message-{n}-{id}"), sender, text);
    Ok(inbox::receive(app, org, channel, "web", inbound).await?.conversation)
}

async fn searches(app: &App, org: OrgId, questions: &[String]) -> anyhow::Result<Percentiles> {
    let mut took = Vec::new();
    for text in questions {
        let query = knowledge::Query::new(text.clone(), app.config.assistant.passages);
        let started = Instant::now();
        knowledge::search(app, org, &query).await.context("search")?;
        took.push(started.elapsed());
    }
    Ok(Percentiles::of(took))
}
