//! Adding documents that are ready at the same time: together, since what a round costs it costs once.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, oneshot};

use super::batch::{Ready, add};
use crate::{
    app::{App, DocumentId},
    platform::{Error, Result},
};

/// Documents that are ready to be indexed: those that come while others are written go together into the next round,
/// since what a round costs (the engine's flush, the disk's sync) it costs once.
struct Rounds {
    waiting: Mutex<Vec<Waiting>>,
    /// Documents of a round that failed: each goes alone the next time, so that one that can't be
    /// written spoils no other twice.
    suspect: Mutex<HashSet<DocumentId>>,
    /// Two at a time: one puts its points while the other commits its rows.
    round: Semaphore,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { waiting: Mutex::default(), suspect: Mutex::default(), round: Semaphore::new(2) }
    }
}

struct Waiting {
    ready: Ready,
    done: oneshot::Sender<Result<()>>,
}

/// Indexes one document, with others of its organisation that are ready at the same time.
pub(in crate::knowledge) async fn add_with_others(app: &App, ready: Ready) -> Result<()> {
    let rounds = app.kept.of::<Rounds>();
    let (org, document) = (ready.org_id, ready.document_id);
    if held(&rounds.suspect).remove(&document) {
        let _round = rounds.round.acquire().await;
        return add(app, org, vec![ready]).await;
    }
    let (done, outcome) = oneshot::channel();
    held(&rounds.waiting).push(Waiting { ready, done });
    let round = rounds.round.acquire().await;
    let ours: Vec<Waiting> = {
        let mut waiting = held(&rounds.waiting);
        // Another round may have taken it meanwhile; then that one tells.
        let is_left = waiting.iter().any(|w| w.ready.document_id == document);
        if is_left { waiting.extract_if(.., |w| w.ready.org_id == org).collect() } else { Vec::new() }
    };
    if !ours.is_empty() {
        let (documents, told): (Vec<Ready>, Vec<_>) = ours.into_iter().map(|w| (w.ready, w.done)).unzip();
        let ids: Vec<DocumentId> = documents.iter().map(|d| d.document_id).collect();
        let why = add(app, org, documents).await.err().map(|e| e.chain());
        if why.is_some() && ids.len() > 1 {
            held(&rounds.suspect).extend(ids);
        }
        for done in told {
            let _ = done.send(why.as_ref().map_or(Ok(()), |why| Err(lost(why))));
        }
    }
    drop(round);
    outcome.await.unwrap_or_else(|_| Err(lost("the round was cut off")))
}

fn lost(why: &str) -> Error {
    Error::Internal(anyhow::anyhow!("indexing: {why}"))
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
