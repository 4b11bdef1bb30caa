//! Work for later, as data. Stored as JSON: variants are added, never renamed.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{
    AttachmentId, ChannelEventId, ChannelId, ConversationId, CustomerId, DocumentId, FaqId, MergeId, MessageId, OrgId,
    TeamId, WebhookDeliveryId, WebhookId,
};
use crate::platform::{
    db::Conn,
    error::Result,
    queue::{self, NewJob},
};

/// Everything the worker can be asked to do. Each is safe to run twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Turn a raw event into a message.
    Receive { event: ChannelEventId, lane: String },
    /// Answer the open question of a conversation.
    TakeTurn { conversation: ConversationId },
    /// Send one message to its channel.
    Deliver { message: MessageId, conversation: ConversationId },
    /// The same for one that the platform takes much later: what is said meanwhile does not wait behind it.
    DeliverLater { message: MessageId, conversation: ConversationId },
    /// Fetch what a channel's doorbell announced for one of its accounts.
    Fetch { channel: ChannelId, account: String, token: String },
    /// Show the customer that their message was read and that somebody writes.
    Attend { conversation: ConversationId, message: MessageId },
    /// Ask the platform how a channel is.
    CheckChannel { channel: ChannelId },
    /// Give the customer to people at the platform, after a hand-off.
    Transfer { conversation: ConversationId },
    /// Tell the platform which emoji of ours a customer's message carries.
    React { message: MessageId },
    /// Download a file that a customer sent.
    Download { attachment: AttachmentId },
    /// Tell an integrator's server what happened.
    Announce { delivery: WebhookDeliveryId, webhook: WebhookId },
    /// Tell people outside the console that a conversation waits for a person.
    CallAgents {
        conversation: ConversationId,
        over: Over,
        /// Something was due and was missed.
        #[serde(default)]
        is_late: bool,
    },
    /// Tell people outside the console that a customer may not have a message, and that nobody sees to it.
    CallUndelivered { message: MessageId, conversation: ConversationId, over: Over },
    /// Warn of what is due soon in a conversation, or say that it was missed.
    WatchDue { conversation: ConversationId, clock: Clock, due: DateTime<Utc> },
    /// Parse, split and index one version of a document.
    Ingest { document: DocumentId, version: i64 },
    /// Fetch a document's address again.
    Crawl { document: DocumentId },
    /// Write the points of a document anew: what a search filters by has changed.
    Refile { document: DocumentId },
    /// Take a deleted document's points out of the index.
    Forget { document: DocumentId },
    /// Build a new generation of an organisation's index and switch to it.
    Reindex { org: OrgId },
    /// The same when entries have become much longer or shorter than their vectors were weighed for.
    Reweigh { org: OrgId },
    /// Bring the index in line with an FAQ that was added, edited or deleted.
    IndexFaq { org: OrgId, faq: FaqId },
    /// Embed the passages of a document that was indexed while the embedding model was down.
    Embed { document: DocumentId },
    /// Drop the generations that a newer one has replaced, once no search can be in the middle of one.
    DropIndexes { org: OrgId },
    /// Read a conversation for what is worth remembering of the customer.
    Learn { conversation: ConversationId },
    /// Read a message anew that its writer changed or took back.
    Reread { conversation: ConversationId, message: MessageId },
    /// Bring the index in line with what is remembered of a customer.
    IndexMemories { org: OrgId, customer: CustomerId },
    /// Give what waits for a person to whom has room for it.
    GiveOut { org: OrgId },
    /// Take along what leads to a team that was removed.
    ForgetTeam { org: OrgId, team: TeamId },
    /// Put an uploaded file away into the store elsewhere.
    PutAway { path: String },
    /// Remove once more what was removed while it may have been on its way to the store elsewhere.
    Remove { dir: String },
    /// Erase a customer everywhere.
    Erase { org: OrgId, customer: CustomerId },
    /// Bring along what was still being written for one of two customers when they were merged, or taken apart.
    SettleMerge { org: OrgId, merge: MergeId },
}

/// How people outside the console are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    Mail,
    Robot,
}

/// What is due in a conversation that a person was called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    FirstResponse,
    Resolution,
}

/// The queue that takes in what customers say: agents see it at once, however many answers are being thought about.
pub const INBOUND: &str = "inbound";
/// The queue of turns: a slow model keeps neither messages nor people's answers waiting.
pub const TURNS: &str = "turns";
/// The queue that reaches customers: kept apart, so that a large ingestion never makes them wait.
pub const CUSTOMERS: &str = "customers";
/// The queue for everything that may take its time.
pub const BACKGROUND: &str = "background";
/// The queue for integrators' servers: a slow one of theirs keeps nobody else waiting.
pub const OUTWARD: &str = "outward";

impl Job {
    pub fn queue(&self) -> &'static str {
        match self {
            Self::Receive { .. } => INBOUND,
            Self::TakeTurn { .. } => TURNS,
            Self::Deliver { .. }
            | Self::DeliverLater { .. }
            | Self::Fetch { .. }
            | Self::Attend { .. }
            | Self::Transfer { .. }
            | Self::React { .. }
            | Self::GiveOut { .. }
            | Self::CallAgents { .. }
            | Self::CallUndelivered { .. } => CUSTOMERS,
            Self::Announce { .. } | Self::CheckChannel { .. } => OUTWARD,
            Self::Download { .. }
            | Self::WatchDue { .. }
            | Self::Ingest { .. }
            | Self::Crawl { .. }
            | Self::Refile { .. }
            | Self::Forget { .. }
            | Self::Reindex { .. }
            | Self::Reweigh { .. }
            | Self::IndexFaq { .. }
            | Self::Embed { .. }
            | Self::DropIndexes { .. }
            | Self::Learn { .. }
            | Self::Reread { .. }
            | Self::IndexMemories { .. }
            | Self::ForgetTeam { .. }
            | Self::PutAway { .. }
            | Self::Remove { .. }
            | Self::Erase { .. }
            | Self::SettleMerge { .. } => BACKGROUND,
        }
    }

    fn lane(&self) -> String {
        match self {
            Self::Receive { lane, .. } => format!("receive:{lane}"),
            Self::TakeTurn { conversation } => format!("turn:{conversation}"),
            Self::Deliver { conversation, .. } => format!("deliver:{conversation}"),
            Self::DeliverLater { message, .. } => format!("later:{message}"),
            Self::Fetch { channel, account, .. } => format!("fetch:{channel}:{account}"),
            Self::Attend { conversation, .. } => format!("attend:{conversation}"),
            Self::CheckChannel { channel } => format!("check:{channel}"),
            Self::Transfer { conversation } => format!("transfer:{conversation}"),
            Self::React { message } => format!("react:{message}"),
            Self::Download { attachment } => format!("download:{attachment}"),
            Self::Announce { webhook, .. } => format!("announce:{webhook}"),
            Self::CallAgents { conversation, over, is_late } => {
                let late = if *is_late { ":late" } else { "" };
                format!("call:{conversation}:{over:?}{late}").to_lowercase()
            }
            Self::CallUndelivered { conversation, over, .. } => {
                format!("undelivered:{conversation}:{over:?}").to_lowercase()
            }
            Self::GiveOut { org } => format!("give:{org}"),
            Self::ForgetTeam { team, .. } => format!("team:{team}"),
            // One that was pushed earlier and is due later keeps nobody waiting.
            Self::WatchDue { conversation, due, .. } => format!("due:{conversation}:{}", due.timestamp_micros()),
            Self::Ingest { document, .. } | Self::Refile { document } | Self::Forget { document } => {
                format!("document:{document}")
            }
            Self::Crawl { document } => format!("crawl:{document}"),
            Self::Reindex { org } | Self::Reweigh { org } => format!("reindex:{org}"),
            Self::IndexFaq { faq, .. } => format!("faq:{faq}"),
            Self::Embed { document } => format!("embed:{document}"),
            Self::DropIndexes { org } => format!("drop:{org}"),
            Self::Learn { conversation } | Self::Reread { conversation, .. } => format!("learn:{conversation}"),
            Self::IndexMemories { customer, .. } => format!("memories:{customer}"),
            Self::PutAway { path } => format!("put:{path}"),
            Self::Remove { dir } => format!("remove:{dir}"),
            Self::Erase { customer, .. } => format!("erase:{customer}"),
            Self::SettleMerge { merge, .. } => format!("merge:{merge}"),
        }
    }

    /// Equal jobs that wait are one.
    fn merge_key(&self) -> Option<String> {
        match self {
            Self::TakeTurn { .. }
            | Self::DeliverLater { .. }
            | Self::Fetch { .. }
            | Self::Attend { .. }
            | Self::CheckChannel { .. }
            | Self::Transfer { .. }
            | Self::React { .. }
            | Self::Download { .. }
            | Self::CallAgents { .. }
            | Self::CallUndelivered { .. }
            | Self::GiveOut { .. }
            | Self::ForgetTeam { .. }
            | Self::Crawl { .. }
            | Self::Reindex { .. }
            | Self::IndexFaq { .. }
            | Self::Embed { .. }
            | Self::DropIndexes { .. }
            | Self::Learn { .. }
            | Self::IndexMemories { .. }
            | Self::PutAway { .. }
            | Self::Remove { .. }
            | Self::Erase { .. }
            | Self::SettleMerge { .. } => Some(self.lane()),
            Self::Ingest { document, version } => Some(format!("ingest:{document}:{version}")),
            Self::Refile { document } => Some(format!("refile:{document}")),
            Self::Forget { document } => Some(format!("forget:{document}")),
            Self::Reweigh { org } => Some(format!("reweigh:{org}")),
            Self::Reread { message, .. } => Some(format!("reread:{message}")),
            Self::Receive { .. } | Self::Deliver { .. } | Self::Announce { .. } | Self::WatchDue { .. } => None,
        }
    }

    /// How long to wait after attempt number `attempts`; `None`: give up.
    pub fn back_off(&self, attempts: i32) -> Option<Duration> {
        let most = match self {
            Self::TakeTurn { .. } => 3,
            Self::Deliver { .. } => 8,
            Self::Ingest { .. } | Self::React { .. } => 5,
            // The next day comes by itself.
            Self::Crawl { .. } => 4,
            // It was promised, and the law asks for it: it ends when it is done.
            Self::Erase { .. } => i32::MAX,
            // A sign that somebody writes is worth nothing later.
            Self::Attend { .. } => 1,
            // Somebody waits: for some two hours, one attempt after the other.
            Self::CallAgents { .. } | Self::CallUndelivered { .. } => 36,
            _ => 12,
        };
        (attempts < most).then(|| Duration::milliseconds(500) * 2i32.pow(attempts.clamp(1, 10) as u32 - 1))
    }

    fn row(&self, org: OrgId, run_at: DateTime<Utc>) -> Result<NewJob> {
        Ok(NewJob {
            org_id: Some(org.0),
            queue: self.queue(),
            lane: self.lane(),
            merge_key: self.merge_key(),
            payload: serde_json::to_value(self)?,
            run_at,
        })
    }

    /// Pushes the job on the caller's transaction, due at `run_at`.
    pub async fn push_at(&self, c: Conn<'_>, org: OrgId, now: DateTime<Utc>, run_at: DateTime<Utc>) -> Result<()> {
        queue::push(c, now, self.row(org, run_at)?).await
    }

    /// Pushes many jobs of kinds that merge with no other, due at once.
    pub async fn push_all(c: Conn<'_>, jobs: &[(OrgId, Self)], now: DateTime<Utc>) -> Result<()> {
        let rows = jobs.iter().map(|(org, job)| job.row(*org, now)).collect::<Result<_>>()?;
        queue::push_all(c, now, rows).await
    }

    /// Pushes the job on the caller's transaction, due at once.
    pub async fn push(&self, c: Conn<'_>, org: OrgId, now: DateTime<Utc>) -> Result<()> {
        self.push_at(c, org, now, now).await
    }
}
