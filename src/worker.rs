//! Entry by queue: one match from a job to the feature that does it.
//!
//! Jobs run at least once. A job that fails in a way that may pass is tried again later; one that is given up has a
//! consequence, so that nobody waits for it: a turn becomes a hand-off, a delivery is shown to a person.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;

use crate::{
    app::{App, Change, Changed, Job, job},
    assistants, erasure, inbox, knowledge, memory, merging,
    platform::{Error, Result, bus, queue, queue::Claimed},
    staff, turn,
};

/// How many jobs of a queue one process runs at a time. Turns mostly wait for their model.
const LANES: [(&str, usize); 5] =
    [(job::INBOUND, 8), (job::TURNS, 64), (job::CUSTOMERS, 16), (job::BACKGROUND, 12), (job::OUTWARD, 4)];
/// By how much workers give way to requests, as `nice` counts: half of their share where both want the processor. More, and
/// a customer's answer starves beside whatever else runs on the machine.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 3;
/// How often a worker looks although nobody called it: other processes may have pushed jobs.
const POLL: Duration = Duration::from_secs(1);
/// How often leases are renewed and those of dead processes taken back.
const TEND: Duration = Duration::from_secs(10);
/// How often silent conversations are looked for.
const SWEEP: Duration = Duration::from_secs(600);

/// Starts the workers of this process; they end when `app.stopping` is set, after the jobs they run.
pub async fn start(app: &Arc<App>) -> Result<()> {
    // A data directory has one process at a time: whoever held a job under its name, or was taking a file in, is gone.
    free_lost_jobs(app, Some(&app.node)).await?;
    app.files.clear_incoming().await?;
    let threads = threads()?;
    for (name, lanes) in LANES {
        threads.spawn(app.tasks.track_future(serve_queue(app.clone(), name, lanes)));
    }
    threads.spawn(app.tasks.track_future(tend(app.clone())));
    threads.spawn(app.tasks.track_future(hear_of_jobs(app.clone())));
    // Not by the first customer's turn; nothing waits for it.
    threads.spawn_blocking(memory::prepare);
    Ok(())
}

/// Threads of their own for the work that may wait a moment, which give way to those that answer requests.
fn threads() -> Result<tokio::runtime::Handle> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("worker")
        .on_thread_start(give_way)
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    // They end with the process: what runs on them is awaited through `app.tasks`.
    std::mem::forget(runtime);
    Ok(handle)
}

/// Lowers the priority of the calling thread.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

async fn free_lost_jobs(app: &App, node: Option<&str>) -> Result<()> {
    let mut tx = app.begin().await?;
    let freed = queue::reclaim(tx.conn(), app.now(), node).await?;
    tx.commit().await?;
    if freed > 0 {
        tracing::info!(jobs = freed, "took back the jobs of a process that is gone");
        app.work.send_replace(());
    }
    Ok(())
}

async fn serve_queue(app: Arc<App>, name: &'static str, lanes: usize) {
    let worker = worker_name(&app, name);
    let running = Arc::new(Semaphore::new(lanes));
    let mut work = app.work.subscribe();
    while !app.stopping.is_cancelled() {
        work.borrow_and_update();
        let claimed = match claim(&app, name, &worker, running.available_permits()).await {
            Ok(claimed) => claimed,
            Err(e) => {
                tracing::error!(error = %e.chain(), queue = name, "cannot claim jobs");
                tokio::time::sleep(POLL).await;
                continue;
            }
        };
        if claimed.is_empty() {
            let wait = next_due(&app, name).await;
            tokio::select! {
                () = app.stopping.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                _ = work.changed() => {}
            }
            continue;
        }
        for job in claimed {
            let Ok(permit) = running.clone().acquire_owned().await else { return };
            let (app, worker) = (app.clone(), worker.clone());
            app.clone().spawn(async move {
                run(app.clone(), job, worker).await;
                drop(permit);
                app.work.send_replace(()); // the next of its lane may go
            });
        }
        // All lanes busy: wait for one.
        drop(running.acquire().await);
    }
}

fn worker_name(app: &App, queue: &str) -> String {
    format!("{}:{queue}", app.node)
}

async fn claim(app: &App, name: &str, worker: &str, limit: usize) -> Result<Vec<Claimed>> {
    let now = app.now();
    let mut reader = app.read().await?;
    // A look before the write lock is taken: an idle worker writes nothing.
    if queue::next_due(reader.conn(), name).await?.is_none_or(|due| due > now) {
        return Ok(Vec::new());
    }
    drop(reader);
    let mut tx = app.begin().await?;
    let claimed = queue::claim(tx.conn(), now, name, worker, i64::try_from(limit).unwrap_or(1)).await?;
    if claimed.is_empty() {
        return Ok(claimed);
    }
    tx.commit().await?;
    Ok(claimed)
}

async fn next_due(app: &App, name: &str) -> Duration {
    let due = async { queue::next_due(app.read().await?.conn(), name).await }.await;
    match due {
        // Due already and not claimed: its lane is busy; the end of that job wakes us.
        Ok(Some(due)) => (due - app.now()).to_std().map_or(POLL, |wait| wait.min(POLL)),
        _ => POLL,
    }
}

/// Runs one claimed job to its end: done, put back, or given up with its consequence.
fn run(app: Arc<App>, claimed: Claimed, worker: String) -> BoxFuture<'static, ()> {
    async move { run_one(&app, &claimed, &worker).await }.boxed()
}

async fn run_one(app: &Arc<App>, claimed: &Claimed, worker: &str) {
    let started = std::time::Instant::now();
    let job: Job = match serde_json::from_value(claimed.payload.0.clone()) {
        Ok(job) => job,
        Err(e) => {
            tracing::error!(job.id = %claimed.id, error = %e, "a job that this version does not know");
            settle(app, claimed, worker, Settled::GivenUp("this version does not know the job".into())).await;
            return;
        }
    };
    let outcome = std::panic::AssertUnwindSafe(perform(app, &job).boxed()).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("the job panicked"))));
    let kind = claimed.payload.0.get("job").and_then(|k| k.as_str()).unwrap_or("unknown").to_string();
    metrics::histogram!("frontdesk_job_seconds", "job" => kind.clone()).record(started.elapsed().as_secs_f64());
    let error = match outcome {
        Ok(()) => {
            settle(app, claimed, worker, Settled::Done).await;
            return;
        }
        Err(error) => error,
    };
    if let Error::Later { at } = error {
        settle(app, claimed, worker, Settled::Later(at)).await;
        return;
    }
    let again = error.is_transient().then(|| job.back_off(claimed.attempts)).flatten();
    tracing::warn!(job.id = %claimed.id, job = kind, attempt = claimed.attempts, error = %error.chain(),
        retried = again.is_some(), "job failed");
    match again {
        Some(wait) => settle(app, claimed, worker, Settled::Again(wait, error.chain())).await,
        None => match give_up(app, &job, &error).await {
            Ok(()) => settle(app, claimed, worker, Settled::GivenUp(error.chain())).await,
            Err(e) => {
                // Its consequence must not be lost either: it stays until it could be drawn.
                tracing::error!(job.id = %claimed.id, error = %e.chain(), "giving up failed");
                settle(app, claimed, worker, Settled::Again(chrono::Duration::seconds(30), e.chain())).await;
            }
        },
    }
}

/// One match from a job to the feature that does it.
async fn perform(app: &Arc<App>, job: &Job) -> Result<()> {
    match job {
        Job::Receive { event, .. } => inbox::receive_event(app, *event).await,
        Job::TakeTurn { conversation } => turn::take(app, *conversation).await,
        Job::Deliver { message, .. } => inbox::deliver(app, *message).await,
        Job::DeliverLater { message, .. } => inbox::deliver_later(app, *message).await,
        Job::Fetch { channel, account, token } => inbox::fetch(app, *channel, account, token).await,
        Job::Attend { conversation, message } => inbox::attend(app, *conversation, *message).await,
        Job::CheckChannel { channel } => inbox::check_channel(app, *channel).await,
        Job::Transfer { conversation } => inbox::transfer(app, *conversation).await,
        Job::React { message } => inbox::send_reaction(app, *message).await,
        Job::Download { attachment } => inbox::download(app, *attachment).await,
        Job::Announce { delivery, .. } => inbox::announce(app, *delivery).await,
        Job::CallAgents { conversation, over, is_late } => {
            inbox::call_agents(app, *conversation, *over, *is_late).await
        }
        Job::CallUndelivered { message, over, .. } => inbox::call_undelivered(app, *message, *over).await,
        Job::ForgetTeam { org, team } => inbox::forget_team(app, *org, *team).await,
        Job::GiveOut { org } => inbox::give_out(app, *org).await,
        Job::WatchDue { conversation, clock, due } => inbox::watch_due(app, *conversation, *clock, *due).await,
        Job::Ingest { document, version } => knowledge::ingest::run(app, *document, *version).await,
        Job::Crawl { document } => knowledge::crawl(app, *document).await,
        Job::Forget { document } => knowledge::ingest::forget(app, *document).await,
        Job::Reindex { org } => {
            // Another process may have chosen another model a moment ago.
            assistants::model::refresh(app).await?;
            knowledge::index::rebuild(app, *org).await
        }
        Job::Reweigh { org } => knowledge::index::reweigh(app, *org).await,
        Job::IndexFaq { org, faq } => knowledge::index::faq(app, *org, *faq).await,
        Job::Refile { document } => knowledge::index::refile(app, *document).await,
        Job::Embed { document } => knowledge::index::embed(app, *document).await,
        Job::DropIndexes { org } => knowledge::index::drop_replaced(app, *org).await,
        Job::Learn { conversation } => memory::learn(app, *conversation).await,
        Job::Reread { conversation, message } => memory::reread(app, *conversation, *message).await,
        Job::IndexMemories { org, customer } => memory::bring(app, *org, *customer).await,
        Job::PutAway { path } => app.files.put_away(path).await,
        Job::Remove { dir } => app.files.remove_below(dir).await,
        Job::Erase { org, customer } => erasure::erase(app, *org, *customer).await,
        Job::SettleMerge { org, merge } => merging::settle(app, *org, *merge).await,
    }
}

/// What follows when a job is not tried again.
async fn give_up(app: &Arc<App>, job: &Job, error: &Error) -> Result<()> {
    match job {
        Job::TakeTurn { conversation } => turn::give_up(app, *conversation, error).await,
        Job::Deliver { message, .. } | Job::DeliverLater { message, .. } => {
            inbox::not_delivered(app, *message, &error.to_string()).await
        }
        Job::Ingest { document, version } => knowledge::ingest::fail(app, *document, *version, error).await,
        Job::React { message } => inbox::not_reacted(app, *message, &error.to_string()).await,
        Job::Download { attachment } => inbox::not_downloaded(app, *attachment, error).await,
        Job::Announce { delivery, .. } => inbox::not_announced(app, *delivery, error).await,
        Job::CallAgents { conversation, over, .. } | Job::CallUndelivered { conversation, over, .. } => {
            inbox::not_called(app, *conversation, *over, error).await
        }
        Job::Reindex { org } => knowledge::index::not_rebuilt(app, *org).await,
        Job::Receive { .. }
        | Job::Fetch { .. }
        | Job::Attend { .. }
        | Job::CheckChannel { .. }
        | Job::Transfer { .. }
        | Job::WatchDue { .. }
        | Job::GiveOut { .. }
        | Job::ForgetTeam { .. }
        | Job::Crawl { .. }
        | Job::Forget { .. }
        | Job::Reweigh { .. }
        | Job::IndexFaq { .. }
        | Job::Refile { .. }
        | Job::Embed { .. }
        | Job::DropIndexes { .. }
        | Job::Learn { .. }
        | Job::Reread { .. }
        | Job::IndexMemories { .. }
        | Job::PutAway { .. }
        | Job::Remove { .. }
        | Job::Erase { .. }
        | Job::SettleMerge { .. } => Ok(()),
    }
}

enum Settled {
    Done,
    Later(chrono::DateTime<chrono::Utc>),
    Again(chrono::Duration, String),
    GivenUp(String),
}

async fn settle(app: &App, claimed: &Claimed, worker: &str, outcome: Settled) {
    if let Err(e) = write_settled(app, claimed, worker, &outcome).boxed().await {
        // The lease runs out and the job is run again: each is safe to repeat.
        tracing::error!(job.id = %claimed.id, error = %e.chain(), "cannot settle a job");
    }
}

async fn write_settled(app: &App, claimed: &Claimed, worker: &str, outcome: &Settled) -> Result<()> {
    let mut tx = app.begin().await?;
    match outcome {
        Settled::Done => {
            queue::finish(tx.conn(), claimed, worker).await?;
        }
        Settled::Later(at) => queue::put_off(tx.conn(), claimed, worker, *at).await?,
        Settled::Again(wait, error) => queue::retry(tx.conn(), claimed, worker, app.now() + *wait, error).await?,
        Settled::GivenUp(error) => queue::give_up(tx.conn(), claimed, worker, error).await?,
    }
    tx.commit().await
}

async fn tend(app: Arc<App>) {
    let mut last_sweep: Option<tokio::time::Instant> = None;
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(TEND) => {}
        }
        let renewed = async {
            let mut tx = app.begin().await?;
            for (name, _) in LANES {
                queue::renew(tx.conn(), app.now(), &worker_name(&app, name)).await?;
            }
            tx.commit().await?;
            free_lost_jobs(&app, None).await
        };
        if let Err(e) = renewed.await {
            tracing::error!(error = %e.chain(), "cannot renew leases");
        }
        if let Err(e) = assistants::model::refresh(&app).await {
            tracing::error!(error = %e.chain(), "the model's settings could not be taken into force");
        }
        if let Err(e) = staff::seal_all(&app).await {
            tracing::error!(error = %e.chain(), "cannot seal the audit log");
        }
        if last_sweep.is_none_or(|at| at.elapsed() >= SWEEP) {
            last_sweep = Some(tokio::time::Instant::now());
            if let Err(e) = inbox::sweep(&app).await {
                tracing::error!(error = %e.chain(), "cannot end silent conversations");
            }
            let swept = async {
                let mut tx = app.begin().await?;
                staff::sweep(tx.conn(), app.now()).await?;
                tx.commit().await
            };
            if let Err(e) = swept.await {
                tracing::error!(error = %e.chain(), "cannot remove sessions that ran out");
            }
            if let Err(e) = app.put_files_away().await {
                tracing::error!(error = %e.chain(), "cannot put files away");
            }
            if let Err(e) = knowledge::crawl_due(&app).await {
                tracing::error!(error = %e.chain(), "cannot fetch addresses again");
            }
            if let Err(e) = memory::fade(&app).await {
                tracing::error!(error = %e.chain(), "cannot put spent memories away");
            }
        }
    }
}

/// Another process pushed jobs: look at once.
async fn hear_of_jobs(app: Arc<App>) {
    let mut changes = app.bus.subscribe();
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            heard = changes.recv() => match heard {
                Ok(text) => {
                    let is_of_jobs = |text: &str| serde_json::from_str::<Change>(text).is_ok_and(|c| c.what == Changed::Jobs);
                    if &*text == bus::RESYNC || is_of_jobs(&text) {
                        app.work.send_replace(());
                    }
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {
                    app.work.send_replace(());
                }
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

/// Runs every due job until none is left, and returns how many ran: for tests, which stand still between two steps.
pub async fn run_due(app: &Arc<App>) -> Result<usize> {
    let mut ran = 0;
    loop {
        inbox::bring_in(app).await?;
        let mut found = false;
        for (name, _) in LANES {
            for job in claim(app, name, &worker_name(app, name), 8).await? {
                run(app.clone(), job, worker_name(app, name)).await;
                ran += 1;
                found = true;
            }
        }
        if !found {
            return Ok(ran);
        }
    }
}
