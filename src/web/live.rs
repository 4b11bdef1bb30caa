//! What changed, as server-sent events, for pages of people who sign in: ids only, the page refetches what it shows.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use tokio::sync::broadcast::error::RecvError;

use crate::{
    app::{App, Change, Changed},
    platform::{Result, bus},
    staff::{self, Can, SignedIn},
};

/// How often a page looks for itself while other processes can't be heard.
const POLL: Duration = Duration::from_secs(5);

/// Follow what changes in the organisation: each event is `{"org", "kind", "id"}`; `resync` means that some were missed.
#[utoipa::path(get, path = "/api/events", tag = "live", responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(
    State(app): State<Arc<App>>,
    by: Can<SignedIn>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let (org, user, session) = (by.org, by.user, by.session);
    let mut changes = app.bus.subscribe();
    let (out, events) = tokio::sync::mpsc::channel(64);
    let watched = app.clone();
    app.spawn(async move {
        let every = staff::NOTED_EVERY.to_std().unwrap_or(POLL);
        let mut life = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        loop {
            let heard = tokio::select! {
                () = watched.stopping.cancelled() => return,
                () = out.closed() => return,
                heard = changes.recv() => heard,
                _ = life.tick() => match session {
                    Some(session) => match staff::still_here(&watched, session).await {
                        Ok(true) => continue,
                        Ok(false) => return,
                        Err(e) => {
                            tracing::error!(error = %e.chain(), "a sign of life was not noted");
                            continue;
                        }
                    },
                    None => continue,
                },
                // What other processes change is not heard now: the page looks by itself.
                () = tokio::time::sleep(POLL), if !watched.bus.is_healthy() => Ok(bus::RESYNC.into()),
            };
            let event = match heard {
                Ok(text) if &*text == bus::RESYNC => Event::default().event("resync").data("{}"),
                Ok(text) => match serde_json::from_str::<Change>(&text) {
                    Ok(change) if change.org == org && concerns(&change.what, user) => {
                        Event::default().event("changed").data(&*text)
                    }
                    _ => continue,
                },
                Err(RecvError::Lagged(_)) => Event::default().event("resync").data("{}"),
                Err(RecvError::Closed) => return,
            };
            if out.send(event).await.is_err() {
                return;
            }
        }
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(events);
    Ok(Sse::new(futures::StreamExt::map(stream, Ok)).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

fn concerns(what: &Changed, user: Option<crate::app::UserId>) -> bool {
    match what {
        Changed::Notification { user: told } => user == Some(*told),
        Changed::Jobs => false,
        _ => true,
    }
}
