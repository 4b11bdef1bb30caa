//! Raw events are durable before the platform hears 200.
//!
//! On SQLite they go to the journal, whose sync is all that a delivery waits for, and from there into the database, many
//! in a transaction. On a database server the deliveries that come together share a transaction.

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::store::{self, NewEvent};
use crate::{
    app::{App, ChannelEventId, ChannelId, Job, OrgId},
    channels::RawEvent,
    platform::{Error, Result},
};

/// How many deliveries one transaction takes at most.
const TOGETHER: usize = 256;
/// What comes within this time goes into the database together: each commit there holds up the journal's syncs.
const GATHER: Duration = Duration::from_millis(20);
/// How long after the database refused events they are offered again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one request brought for one channel.
#[derive(Serialize, Deserialize)]
struct Delivery {
    org: OrgId,
    channel: ChannelId,
    received_at: DateTime<Utc>,
    events: Vec<RawEvent>,
}

/// Takes raw events from many requests at once.
#[derive(Clone)]
pub struct Accepter {
    app: Arc<App>,
    /// To the task that writes what comes together, where there is no journal.
    together: mpsc::Sender<Asked>,
}

type Asked = (Delivery, oneshot::Sender<Result<(), String>>);

impl Accepter {
    /// Starts taking events.
    pub fn start(app: Arc<App>) -> Self {
        let (together, waiting) = mpsc::channel(4 * TOGETHER);
        tokio::spawn(write_together(app.clone(), waiting));
        app.spawn(pass_on(app.clone()));
        Self { app, together }
    }

    /// Keeps raw events; those the channel has sent before are passed over. Durable when it returns.
    pub async fn accept(&self, org: OrgId, channel: ChannelId, events: Vec<RawEvent>) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let delivery = Delivery { org, channel, received_at: self.app.now(), events };
        if let Some(journal) = &self.app.journal {
            return journal.append(serde_json::to_vec(&delivery)?).await;
        }
        let (done, outcome) = oneshot::channel();
        let gone = |_| Error::Internal(anyhow::anyhow!("nobody takes events any more"));
        self.together.send((delivery, done)).await.map_err(|_| gone(()))?;
        let failed = |why| Error::Internal(anyhow::anyhow!("accepting events: {why}"));
        outcome.await.map_err(|_| gone(()))?.map_err(failed)
    }
}

async fn write_together(app: Arc<App>, mut waiting: mpsc::Receiver<Asked>) {
    let mut asked = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut asked, TOGETHER).await > 0 {
        let (batch, answers): (Vec<Delivery>, Vec<_>) = asked.drain(..).unzip();
        let together = write(&app, &batch).await;
        for (delivery, done) in batch.iter().zip(answers) {
            // One that the database refuses must not take the others with it.
            let outcome = match &together {
                Ok(()) => Ok(()),
                Err(_) => write(&app, std::slice::from_ref(delivery)).await.map_err(|e| e.chain()),
            };
            let _ = done.send(outcome);
        }
    }
}

/// Brings what the journal takes into the database until the application stops.
async fn pass_on(app: Arc<App>) {
    let Some(journal) = &app.journal else { return };
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = journal.arrived() => {}
        }
        if let Err(e) = bring_in(&app).await {
            tracing::error!(error = %e.chain(), "events wait in the journal: the database does not take them");
            tokio::time::sleep(PAUSE).await;
        }
        tokio::time::sleep(GATHER).await;
    }
    // What comes later waits for the next start.
    let _ = bring_in(&app).await;
}

/// Brings all that the journal holds into the database.
pub async fn bring_in(app: &App) -> Result<()> {
    let Some(journal) = &app.journal else { return Ok(()) };
    while let Some(batch) = journal.oldest(TOGETHER).await {
        let unknown = |e| Error::Invalid(format!("the journal holds what this version does not know: {e}"));
        let deliveries: Vec<Delivery> = batch
            .records
            .iter()
            .map(|record| serde_json::from_slice(record).map_err(unknown))
            .collect::<Result<_>>()?;
        match write(app, &deliveries).await {
            Err(e) if is_refused(&e) => {
                for delivery in &deliveries {
                    match write(app, std::slice::from_ref(delivery)).await {
                        // Its channel was removed meanwhile.
                        Err(e) if is_refused(&e) => {
                            tracing::error!(channel = %delivery.channel, error = %e.chain(), "events of no channel are dropped");
                        }
                        other => other?,
                    }
                }
            }
            other => other?,
        }
        batch.passed_on();
    }
    Ok(())
}

/// Whether the rows themselves are at fault: no other attempt will do.
fn is_refused(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    let database = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    database.is_some_and(|e| e.is_foreign_key_violation() || e.is_check_violation())
}

async fn write(app: &App, batch: &[Delivery]) -> Result<()> {
    let now = app.now();
    let events = batch.iter().flat_map(|d| d.events.iter().map(move |event| (d, event)));
    let (rows, lanes): (Vec<NewEvent<'_>>, Vec<&str>) = events
        .map(|(d, event)| {
            let id = ChannelEventId::new();
            let (external, payload, received_at) = (&*event.external_id, &*event.payload, d.received_at);
            (NewEvent { id, org: d.org, channel: d.channel, external, payload, received_at }, &*event.lane)
        })
        .unzip();
    let mut tx = app.begin().await?;
    let added: HashSet<ChannelEventId> = store::insert_events(tx.conn(), &rows).await?.into_iter().collect();
    let jobs = rows.iter().zip(lanes).filter(|(row, _)| added.contains(&row.id));
    let jobs =
        jobs.map(|(row, lane)| (row.org, Job::Receive { event: row.id, lane: format!("{}:{lane}", row.channel) }));
    let jobs: Vec<(OrgId, Job)> = jobs.collect();
    Job::push_all(tx.conn(), &jobs, now).await?;
    tx.commit().await?;
    if let Some((org, _)) = jobs.first() {
        app.wake(*org).await;
    }
    Ok(())
}
