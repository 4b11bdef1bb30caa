//! A visitor's conversation as it goes on, as server-sent events.

use std::{collections::HashMap, convert::Infallible, fmt, str::FromStr, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use utoipa::IntoParams;

use super::{Visitor, WidgetConversation, reaction, shown};
use crate::{
    app::{App, Change, Changed, ConversationId, MessageId},
    inbox::{self, Holder},
    platform::{Error, Result, bus, http::Query},
};

/// How often a stream looks although nothing was said to have changed: Redis may be gone.
const LOOK: Duration = Duration::from_secs(5);
/// How many of the last messages are looked at for emojis.
const REACTIONS: i64 = 50;

#[derive(Deserialize, IntoParams)]
pub struct Listen {
    /// The visitor's token: an EventSource can't send headers.
    pub token: String,
    #[serde(default)]
    pub after: i64,
}

/// Follow the conversation as server-sent events: `message`, `conversation`, `reaction`, `typing`.
#[utoipa::path(get, path = "/api/widget/events", tag = "widget", params(Listen), responses((status = 200, content_type = "text/event-stream", body = String)))]
pub async fn events(
    State(app): State<Arc<App>>,
    Query(query): Query<Listen>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let visitor = Visitor::from_token(&app, &query.token)?;
    let resumed = headers.get("last-event-id").and_then(|v| v.to_str().ok()?.parse().ok());
    let heard = resumed.unwrap_or(Heard { conversation: None, seq: query.after });
    let (out, events) = tokio::sync::mpsc::channel(32);
    app.clone().spawn(follow(app, visitor, heard, out));
    let stream = tokio_stream::wrappers::ReceiverStream::new(events);
    Ok(Sse::new(futures::StreamExt::map(stream, Ok)).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

/// How far a visitor has heard: the id of an event, which a browser names when it comes back. Numbers begin anew with
/// each conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Heard {
    /// `None`: the one that is open.
    conversation: Option<ConversationId>,
    seq: i64,
}

impl FromStr for Heard {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (conversation, seq) = text.split_once(':').ok_or(())?;
        let conversation = Some(ConversationId(conversation.parse().map_err(|_| ())?));
        Ok(Self { conversation, seq: seq.parse().map_err(|_| ())? })
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.conversation {
            Some(conversation) => write!(f, "{conversation}:{}", self.seq),
            None => write!(f, "{}", self.seq),
        }
    }
}

async fn follow(app: Arc<App>, visitor: Visitor, mut heard: Heard, out: tokio::sync::mpsc::Sender<Event>) {
    let mut changes = app.bus.subscribe();
    let mut last: Option<WidgetConversation> = None;
    let mut emojis = HashMap::new();
    let (mut look, mut is_changed) = (true, true);
    loop {
        if look && tell_news(&app, &visitor, &mut heard, &mut last, &out).await.is_err() {
            return; // the visitor is gone
        }
        if is_changed && tell_reactions(&app, &visitor, &mut emojis, last.as_ref(), &out).await.is_err() {
            return;
        }
        is_changed = true;
        look = tokio::select! {
            () = app.stopping.cancelled() => return,
            () = out.closed() => return,
            () = tokio::time::sleep(LOOK) => {
                is_changed = false;
                true
            }
            change = changes.recv() => match change {
                Ok(text) if &*text == bus::RESYNC => true,
                Ok(text) => match serde_json::from_str::<Change>(&text) {
                    Ok(Change { org, what: Changed::Conversation { id } }) if org == visitor.org => {
                        last.as_ref().is_none_or(|c| c.id == id)
                    }
                    Ok(Change { org, what: Changed::Typing { id } }) if org == visitor.org => {
                        if let Some(c) = last.as_ref().filter(|c| c.id == id) {
                            let by = if c.holder == Holder::Agent { "agent" } else { "assistant" };
                            if out.send(event("typing", None, &json!({"by": by}))).await.is_err() {
                                return;
                            }
                        }
                        false
                    }
                    _ => false,
                },
                Err(RecvError::Lagged(_)) => true,
                Err(RecvError::Closed) => return,
            },
        };
    }
}

/// Sends what is new. An error means that the visitor is gone; a database that fails is tried again at the next look.
async fn tell_news(
    app: &App,
    visitor: &Visitor,
    heard: &mut Heard,
    last: &mut Option<WidgetConversation>,
    out: &tokio::sync::mpsc::Sender<Event>,
) -> Result<(), ()> {
    let news = async {
        let Some(conversation) = visitor.conversation(app).await? else {
            return Ok(None);
        };
        if heard.conversation.is_some_and(|c| c != conversation.id) {
            heard.seq = 0;
        }
        heard.conversation = Some(conversation.id);
        let rows =
            inbox::list_messages(app.read().await?.conn(), visitor.org, conversation.id, heard.seq, 200, false).await?;
        Ok::<_, Error>(Some((WidgetConversation::from(&conversation), shown(app, visitor.org, rows).await?)))
    };
    let (conversation, messages) = match news.await {
        Ok(Some(news)) => news,
        Ok(None) => return Ok(()),
        Err(e) => {
            tracing::warn!(error = %e.chain(), "cannot follow a conversation");
            return Ok(());
        }
    };
    for message in messages {
        heard.seq = message.seq;
        out.send(event("message", Some(*heard), &message)).await.map_err(|_| ())?;
    }
    if last.as_ref() != Some(&conversation) {
        out.send(event("conversation", None, &conversation)).await.map_err(|_| ())?;
        *last = Some(conversation);
    }
    Ok(())
}

/// Sends the emojis that came or went since the last look: at the first all that are there, since one may have come
/// between the page's question for what was said and this.
async fn tell_reactions(
    app: &App,
    visitor: &Visitor,
    known: &mut HashMap<MessageId, String>,
    of: Option<&WidgetConversation>,
    out: &tokio::sync::mpsc::Sender<Event>,
) -> Result<(), ()> {
    let Some(conversation) = of else { return Ok(()) };
    let look = async {
        let mut reader = app.read().await?;
        inbox::list_last_messages(reader.conn(), visitor.org, conversation.id, REACTIONS).await
    };
    let Ok(messages) = look.await else { return Ok(()) };
    let now: HashMap<MessageId, String> = messages.iter().filter_map(|m| Some((m.id, reaction(m)?))).collect();
    for m in &messages {
        if known.get(&m.id) != now.get(&m.id) {
            let told = json!({"id": m.id, "reaction": now.get(&m.id)});
            out.send(event("reaction", None, &told)).await.map_err(|_| ())?;
        }
    }
    *known = now;
    Ok(())
}

fn event(name: &str, id: Option<Heard>, data: &impl Serialize) -> Event {
    let event = Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default());
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
