//! Raw events are committed before the platform hears 200; those that come together share a transaction.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use super::store::{self, NewEvent};
use crate::{
    app::{App, ChannelEventId, ChannelId, Job, OrgId},
    channels::RawEvent,
    platform::{Error, Result},
};

/// How many deliveries one transaction takes at most.
const TOGETHER: usize = 256;

struct Delivery {
    org: OrgId,
    channel: ChannelId,
    events: Vec<RawEvent>,
    done: oneshot::Sender<Result<(), String>>,
}

/// Takes raw events from many requests at once.
#[derive(Clone)]
pub struct Accepter(mpsc::Sender<Delivery>);

impl Accepter {
    /// Starts taking events; ends with the last clone of what it returns.
    pub fn start(app: Arc<App>) -> Self {
        let (sender, mut waiting) = mpsc::channel::<Delivery>(4 * TOGETHER);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(TOGETHER);
            while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
                let together = write(&app, &batch).await;
                for delivery in batch.drain(..) {
                    // One that the database refuses must not take the others with it.
                    let outcome = match &together {
                        Ok(()) => Ok(()),
                        Err(_) => write(&app, std::slice::from_ref(&delivery)).await.map_err(|e| e.chain()),
                    };
                    let _ = delivery.done.send(outcome);
                }
            }
        });
        Self(sender)
    }

    /// Commits raw events; those the channel has sent before are passed over. Durable when it returns.
    pub async fn accept(&self, org: OrgId, channel: ChannelId, events: Vec<RawEvent>) -> Result<()> {
        let (done, outcome) = oneshot::channel();
        let gone = |_| Error::Internal(anyhow::anyhow!("nobody takes events any more"));
        self.0.send(Delivery { org, channel, events, done }).await.map_err(|_| gone(()))?;
        outcome.await.map_err(|_| gone(()))?.map_err(|why| Error::Internal(anyhow::anyhow!("accepting events: {why}")))
    }
}

async fn write(app: &App, batch: &[Delivery]) -> Result<()> {
    let now = app.now();
    let rows = batch.iter().flat_map(|d| d.events.iter().map(move |event| (d, event)));
    let events: Vec<(NewEvent<'_>, &str)> = rows
        .map(|(d, event)| {
            let id = ChannelEventId::new();
            let (external, payload) = (&*event.external_id, &*event.payload);
            (NewEvent { id, org: d.org, channel: d.channel, external, payload }, &*event.lane)
        })
        .collect();
    let (rows, lanes): (Vec<NewEvent<'_>>, Vec<&str>) = events.into_iter().unzip();
    let mut tx = app.db.begin_urgent().await?;
    let added: HashSet<ChannelEventId> = store::insert_events(tx.conn(), &rows, now).await?.into_iter().collect();
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
