//! Ids are types: a conversation's can't be passed for a customer's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id; later ones sort after earlier ones.
            #[expect(clippy::new_without_default, reason = "each call makes another")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// An organisation: the tenant everything belongs to.
    OrgId
    /// Someone who signs in.
    UserId
    TeamId
    RoleId
    SessionId
    ApiKeyId
    ChannelId
    ChannelEventId
    /// Someone who writes to us.
    CustomerId
    ContactId
    IdentityId
    TagId
    /// Customers that came from one file.
    ImportId
    /// Two customers that became one.
    MergeId
    ConversationId
    MessageId
    /// One message on the wire; a long message of ours may be several.
    PartId
    /// A file that came with a message.
    AttachmentId
    /// An integrator's server that is told what happens.
    WebhookId
    WebhookDeliveryId
    /// One move of the assistant.
    TurnId
    AssistantId
    AssistantVersionId
    PipelineId
    StageId
    DealId
    KnowledgeBaseId
    DocumentId
    /// A piece of a document (a row of `document_chunks`).
    PassageId
    FaqId
    MemoryId
    NotificationId
    CannedReplyId
    /// A template that a platform has approved.
    TemplateId
    SavedViewId
}
