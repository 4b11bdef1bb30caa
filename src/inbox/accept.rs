//! Raw events are committed before the platform hears 200; those that come together share a transaction.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::store;
use crate::{
    app::{App, ChannelId, Job, OrgId},
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
                let outcome = write(&app, &batch).await.map_err(|e| e.chain());
                for delivery in batch.drain(..) {
                    let _ = delivery.done.send(outcome.clone());
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
    let mut tx = app.begin().await?;
    let mut added = None;
    for delivery in batch {
        for event in &delivery.events {
            let (org, channel) = (delivery.org, delivery.channel);
            let id = store::insert_event(tx.conn(), org, channel, &event.external_id, &event.payload, now).await?;
            if let Some(id) = id {
                let job = Job::Receive { event: id, lane: format!("{channel}:{}", event.lane) };
                job.push(tx.conn(), org, now).await?;
                added = Some(org);
            }
        }
    }
    tx.commit().await?;
    if let Some(org) = added {
        app.wake(org).await;
    }
    Ok(())
}
