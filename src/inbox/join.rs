//! The conversations of a customer who becomes one with another, or is taken apart from them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::store::join::{self as moves, Place};
use crate::{
    app::{ConversationId, CustomerId, IdentityId, Job, OrgId},
    platform::{Result, db::Conn},
};

/// Gives the conversations of `from` to `into`; returns them. Safe to repeat: what is there by then comes along.
pub async fn join(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    now: DateTime<Utc>,
) -> Result<Vec<ConversationId>> {
    let all = moves::places(c.again(), org, from).await?;
    let ids: Vec<ConversationId> = all.iter().map(|p| p.id).collect();
    moves::hand_over(c.again(), org, (from, into), &ids, now).await?;
    look_again(c, org, &all, now).await?;
    Ok(ids)
}

/// What became of the conversations when two customers were taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parted {
    pub returned: Vec<ConversationId>,
    /// Those in which the messages of both were put together, which nobody can tell apart: they stay.
    pub mixed: Vec<ConversationId>,
}

/// Gives `conversations` back to `from`, and what was begun on their accounts (`identities`) since. Safe to repeat.
pub async fn part(
    mut c: Conn<'_>,
    org: OrgId,
    from: CustomerId,
    into: CustomerId,
    conversations: &[ConversationId],
    identities: &[IdentityId],
    now: DateTime<Utc>,
) -> Result<Parted> {
    let all = moves::places(c.again(), org, into).await?;
    let parted = sorted(&all, conversations, identities);
    moves::hand_over(c.again(), org, (into, from), &parted.returned, now).await?;
    let is_theirs = |p: &&Place| p.identity_id.is_some_and(|id| identities.contains(&id));
    let stranded: Vec<ConversationId> =
        all.iter().filter(is_theirs).map(|p| p.id).filter(|id| parted.mixed.contains(id)).collect();
    moves::reach_anew(c.again(), org, into, &stranded, now).await?;
    let returned: Vec<Place> = all.into_iter().filter(|p| parted.returned.contains(&p.id)).collect();
    look_again(c, org, &returned, now).await?;
    Ok(parted)
}

/// The assistant answers what is open once more: what it was about to say was for somebody else.
async fn look_again(mut c: Conn<'_>, org: OrgId, moved: &[Place], now: DateTime<Utc>) -> Result<()> {
    for place in moved.iter().filter(|p| p.with_assistant && p.merged_into.is_none()) {
        Job::TakeTurn { conversation: place.id }.push(c.again(), org, now).await?;
    }
    Ok(())
}

/// Which of `all` go back. Conversations that were merged go together or not at all.
fn sorted(all: &[Place], conversations: &[ConversationId], identities: &[IdentityId]) -> Parted {
    let recorded: HashSet<ConversationId> = conversations.iter().copied().collect();
    let goes = |p: &Place| recorded.contains(&p.id) || p.identity_id.is_some_and(|id| identities.contains(&id));
    let mut groups: HashMap<ConversationId, Vec<&Place>> = HashMap::new();
    for place in all {
        groups.entry(place.merged_into.unwrap_or(place.id)).or_default().push(place);
    }
    let mut parted = Parted::default();
    for group in groups.into_values() {
        let going = group.iter().filter(|p| goes(p)).count();
        let ids = group.iter().map(|p| p.id);
        if going == group.len() {
            parted.returned.extend(ids);
        } else if going > 0 {
            parted.mixed.extend(ids);
        }
    }
    parted.returned.sort_unstable();
    parted.mixed.sort_unstable();
    parted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(merged_into: Option<ConversationId>, identity: Option<IdentityId>) -> Place {
        Place { id: ConversationId::new(), merged_into, identity_id: identity, with_assistant: true }
    }

    #[test]
    fn what_came_goes_back_with_what_was_begun_since_and_mixed_talks_stay() {
        let account = IdentityId::new();
        let came = place(None, None);
        let since = place(None, Some(account));
        let stays = place(None, Some(IdentityId::new()));
        let mixed = place(Some(stays.id), Some(account));
        let parted = sorted(&[came, since, stays], &[came.id], &[account]);
        assert_eq!(parted, Parted { returned: vec![came.id, since.id], mixed: vec![] });
        let parted = sorted(&[came, stays, mixed], &[came.id, mixed.id], &[account]);
        assert_eq!(parted, Parted { returned: vec![came.id], mixed: vec![stays.id, mixed.id] });
        // Two of the same customer that were merged go together.
        let shell = place(Some(came.id), None);
        let parted = sorted(&[came, shell], &[came.id, shell.id], &[]);
        assert_eq!(parted.returned, [came.id, shell.id]);
    }
}
