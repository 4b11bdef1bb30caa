//! What may be done (`resource:action`), how far it reaches.

use serde::{Deserialize, Serialize};

/// One thing that may be allowed, as a type: `Can<P>` in a handler's signature asks for it.
pub trait Permission: Send + Sync + 'static {
    /// `resource:action`; empty: every signed-in principal has it.
    const KEY: &'static str;
}

macro_rules! permissions {
    ($($(#[$doc:meta])+ $name:ident = $key:literal)*) => {
        $(
            $(#[$doc])+
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}

            impl Permission for $name {
                const KEY: &'static str = $key;
            }
        )*

        /// Every permission there is.
        pub const ALL: &[&str] = &[$($key),*];
    };
}

permissions! {
    /// See documents, FAQs and knowledge bases, and search them.
    KnowledgeRead = "knowledge:read"
    /// Add, change and delete documents, FAQs and knowledge bases.
    KnowledgeWrite = "knowledge:write"
    /// See conversations and their messages.
    ConversationRead = "conversation:read"
    /// Take over, reply, give back and resolve.
    ConversationReply = "conversation:reply"
    /// Give a conversation to somebody else.
    ConversationAssign = "conversation:assign"
    /// Add, change and remove canned replies.
    CannedManage = "canned_reply:manage"
    /// See customers, their contacts and their timeline.
    CustomerRead = "customer:read"
    /// Add and change customers, contacts, notes and the tags they carry.
    CustomerWrite = "customer:write"
    /// Merge two customers that are one person, and take them apart again.
    CustomerMerge = "customer:merge"
    /// Take customers out as a file.
    CustomerExport = "customer:export"
    /// Erase customers with everything about them.
    CustomerErase = "customer:erase"
    /// See phone numbers in full.
    CustomerSeePhone = "customer:see_phone"
    /// Make, rename and delete tags.
    TagManage = "tag:manage"
    /// See deals and pipelines.
    DealRead = "deal:read"
    /// Add, change, move, win and lose deals.
    DealWrite = "deal:write"
    /// Ask the assistant without a conversation.
    Ask = "assistant:ask"
    /// See the assistant's versions.
    AssistantRead = "assistant:read"
    /// Draft versions of the assistant.
    AssistantWrite = "assistant:write"
    /// Publish a version of the assistant, roll back, and say what must hold before.
    AssistantPublish = "assistant:publish"
    /// See what the assistant remembers of a customer.
    MemoryRead = "memory:read"
    /// Correct and delete memories.
    MemoryWrite = "memory:write"
    /// Run and see evaluations.
    EvalRun = "eval:run"
    /// See who works here.
    UserRead = "user:read"
    /// Invite, change and suspend users; change teams.
    UserManage = "user:manage"
    /// Change settings of the organisation.
    SettingsManage = "settings:manage"
    /// Connect and change channels.
    ChannelManage = "channel:manage"
    /// Make and revoke API keys.
    ApiKeyManage = "api_key:manage"
    /// See who changed what.
    AuditRead = "audit:read"
    /// Take and restore backups.
    BackupRun = "backup:run"
}

/// The permissions over what somebody owns: only these may reach less far than the organisation. What has no owner
/// (documents, tags, settings) is seen whole or not at all.
pub const OWNED: &[&str] = &[
    ConversationRead::KEY,
    ConversationReply::KEY,
    ConversationAssign::KEY,
    CustomerRead::KEY,
    CustomerWrite::KEY,
    CustomerMerge::KEY,
    CustomerExport::KEY,
    DealRead::KEY,
    DealWrite::KEY,
    MemoryRead::KEY,
    MemoryWrite::KEY,
    UserRead::KEY,
];

/// Whether a permission may be given with this reach.
pub fn has_meaning(key: &str, scope: Scope) -> bool {
    scope == Scope::Org || OWNED.contains(&key)
}

/// Whoever is signed in, whatever their role: for what concerns only themselves.
#[derive(Debug, Clone, Copy)]
pub enum SignedIn {}

impl Permission for SignedIn {
    const KEY: &'static str = "";
}

/// How far a permission reaches; the wider is the greater.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = PermissionScope)]
pub enum Scope {
    /// What the user owns.
    Own,
    /// What the members of the user's teams own.
    Team,
    /// Everything of the organisation.
    Org,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Team => "team",
            Self::Org => "org",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_a_resource_and_an_action_and_stands_once() {
        for key in ALL {
            assert!(key.split_once(':').is_some_and(|(r, a)| !r.is_empty() && !a.is_empty()), "{key}");
            assert_eq!(ALL.iter().filter(|k| *k == key).count(), 1, "{key}");
        }
    }
}
