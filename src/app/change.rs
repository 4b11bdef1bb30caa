//! What changed, as data: told to every process after a commit, so that pages refetch what they show.

use serde::{Deserialize, Serialize};

use super::ids::{ConversationId, CustomerId, DealId, DocumentId, OrgId, UserId};

/// One thing that changed in one organisation. Carries ids only, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub org: OrgId,
    #[serde(flatten)]
    pub what: Changed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Changed {
    /// Its messages, its holder or its state.
    Conversation {
        id: ConversationId,
    },
    /// The assistant or an agent is writing.
    Typing {
        id: ConversationId,
    },
    /// The customer is writing.
    CustomerTyping {
        id: ConversationId,
    },
    /// A user looks at a conversation, and perhaps writes; said again every few seconds while it lasts.
    Presence {
        id: ConversationId,
        user: UserId,
        typing: bool,
    },
    Customer {
        id: CustomerId,
    },
    Deal {
        id: DealId,
    },
    Document {
        id: DocumentId,
    },
    Notification {
        user: UserId,
    },
    /// New jobs wait: idle workers of every process should look.
    Jobs,
}
