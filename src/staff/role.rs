//! The built-in roles, as one table: seeded at every start, so that a newer program brings its permissions along.

use super::permission::{
    ALL, ApiKeyManage, Ask, AssistantPublish, AssistantRead, BackupRun, CannedManage, ChannelManage,
    ConversationAssign, ConversationRead, ConversationReply, CustomerErase, CustomerRead, CustomerSeePhone,
    CustomerWrite, DealRead, DealWrite, KnowledgeRead, KnowledgeWrite, MemoryRead, MemoryWrite, Permission, Scope,
    Scope::{Org, Own, Team},
    SettingsManage, TagManage, UserManage, UserRead,
};

/// A built-in role: can't be changed, only copied.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    pub key: &'static str,
    pub name: &'static str,
    /// Nobody gives a role that ranks above their own.
    pub rank: i32,
    grants: &'static [(&'static str, Scope)],
    everything_but: Option<&'static [&'static str]>,
}

impl BuiltIn {
    /// What the role may do.
    pub fn grants(&self) -> Vec<(&'static str, Scope)> {
        match self.everything_but {
            None => self.grants.to_vec(),
            Some(but) => ALL.iter().filter(|key| !but.contains(key)).map(|key| (*key, Org)).collect(),
        }
    }
}

/// The role that may do everything.
pub const SUPER_ADMIN: &str = "super_admin";
/// The role of the organisation's administrators.
pub const ADMIN: &str = "admin";

/// The built-in roles, highest first. A new line here reaches every installation when it starts.
pub const ROLES: &[BuiltIn] = &[
    BuiltIn { key: SUPER_ADMIN, name: "Super admin", rank: 100, grants: &[], everything_but: Some(&[]) },
    BuiltIn { key: ADMIN, name: "Admin", rank: 80, grants: &[], everything_but: Some(&[BackupRun::KEY]) },
    BuiltIn {
        key: "manager",
        name: "Manager",
        rank: 60,
        grants: &[],
        everything_but: Some(&[
            BackupRun::KEY,
            UserManage::KEY,
            SettingsManage::KEY,
            ChannelManage::KEY,
            ApiKeyManage::KEY,
            CustomerErase::KEY,
            AssistantPublish::KEY,
        ]),
    },
    BuiltIn {
        key: "team_lead",
        name: "Team lead",
        rank: 40,
        grants: &[
            (KnowledgeRead::KEY, Org),
            (KnowledgeWrite::KEY, Org),
            (ConversationRead::KEY, Org),
            (ConversationReply::KEY, Org),
            (ConversationAssign::KEY, Org),
            (CannedManage::KEY, Org),
            (CustomerRead::KEY, Org),
            (CustomerWrite::KEY, Org),
            (CustomerSeePhone::KEY, Org),
            (TagManage::KEY, Org),
            (DealRead::KEY, Team),
            (DealWrite::KEY, Team),
            (Ask::KEY, Org),
            (AssistantRead::KEY, Org),
            (MemoryRead::KEY, Org),
            (MemoryWrite::KEY, Org),
            (UserRead::KEY, Org),
        ],
        everything_but: None,
    },
    BuiltIn {
        key: "agent",
        name: "Agent",
        rank: 20,
        grants: &[
            (KnowledgeRead::KEY, Org),
            (ConversationRead::KEY, Org),
            (ConversationReply::KEY, Org),
            (CustomerRead::KEY, Org),
            (CustomerWrite::KEY, Org),
            (CustomerSeePhone::KEY, Org),
            (DealRead::KEY, Org),
            (Ask::KEY, Org),
            (MemoryRead::KEY, Org),
            (MemoryWrite::KEY, Org),
            (UserRead::KEY, Org),
        ],
        everything_but: None,
    },
    BuiltIn {
        key: "sales",
        name: "Sales",
        rank: 20,
        grants: &[
            (KnowledgeRead::KEY, Org),
            (ConversationRead::KEY, Org),
            (CustomerRead::KEY, Org),
            (CustomerWrite::KEY, Own),
            (CustomerSeePhone::KEY, Org),
            (DealRead::KEY, Own),
            (DealWrite::KEY, Own),
            (Ask::KEY, Org),
            (MemoryRead::KEY, Org),
            (UserRead::KEY, Org),
        ],
        everything_but: None,
    },
    BuiltIn {
        key: "readonly",
        name: "Read only",
        rank: 10,
        grants: &[
            (KnowledgeRead::KEY, Org),
            (ConversationRead::KEY, Org),
            (CustomerRead::KEY, Org),
            (DealRead::KEY, Org),
            (Ask::KEY, Org),
            (UserRead::KEY, Org),
        ],
        everything_but: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_name_permissions_that_there_are() {
        for role in ROLES {
            assert!(role.grants().iter().all(|(key, _)| ALL.contains(key)), "{}", role.key);
        }
    }

    #[test]
    fn only_the_super_admin_may_do_everything() {
        let everything: Vec<_> = ROLES.iter().filter(|r| r.grants().len() == ALL.len()).map(|r| r.key).collect();
        assert_eq!(everything, [SUPER_ADMIN]);
    }

    #[test]
    fn a_reader_neither_changes_anything_nor_sees_phones() {
        let reader = ROLES.iter().find(|r| r.key == "readonly").unwrap();
        assert!(reader.grants().iter().all(|(key, _)| key.ends_with(":read") || *key == Ask::KEY));
    }
}
