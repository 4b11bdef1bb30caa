//! SQL of the conversations of a customer who becomes one with another, or is taken apart from them.

use chrono::{DateTime, Utc};
use sqlx::FromRow;

use crate::{
    app::{ConversationId, CustomerId, IdentityId, OrgId},
    both,
    platform::{Result, db::Conn},
};

/// A conversation as far as moving it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Place {
    pub id: ConversationId,
    pub merged_into: Option<ConversationId>,
    pub identity_id: Option<IdentityId>,
    pub with_assistant: bool,
}

/// The conversations of a customer, those that were merged into others too.
pub async fn places(c: Conn<'_>, org: OrgId, customer: CustomerId) -> Result<Vec<Place>> {
    const LIST: &str = "
        SELECT id, merged_into, identity_id,
               (status = 'active' AND holder = 'assistant') AS with_assistant
        FROM conversations WHERE (org_id = $1) IS TRUE AND customer_id = $2 ORDER BY id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).bind(customer).fetch_all(c).await)?)
}

/// Gives conversations with their messages and traces to another customer. Open ones get a new version: whoever writes
/// into them at this moment looks again at who it is.
pub async fn hand_over(
    mut c: Conn<'_>,
    org: OrgId,
    (from, to): (CustomerId, CustomerId),
    ids: &[ConversationId],
    now: DateTime<Utc>,
) -> Result<()> {
    const TALK: &str = "
        UPDATE conversations SET customer_id = $4, updated_at = $5,
               version = version + CASE WHEN status IN ('pending', 'active') THEN 1 ELSE 0 END
        WHERE org_id = $1 AND id = $2 AND customer_id = $3";
    const MESSAGES: &str = "
        UPDATE messages SET customer_id = $3 WHERE org_id = $1 AND conversation_id = $2 AND customer_id <> $3";
    const PARTS: &str = "
        UPDATE message_parts SET customer_id = $3 WHERE org_id = $1 AND customer_id <> $3
           AND message_id IN (SELECT id FROM messages WHERE org_id = $1 AND conversation_id = $2)";
    const TRACES: &str = "
        UPDATE turns SET customer_id = $3 WHERE (org_id = $1) IS TRUE AND conversation_id = $2 AND customer_id <> $3";
    for id in ids {
        both!(c.again(), c => sqlx::query(TALK).bind(org).bind(*id).bind(from).bind(to).bind(now)
            .execute(c).await.map(|_| ()))?;
        for statement in [MESSAGES, PARTS, TRACES] {
            both!(c.again(), c => sqlx::query(statement).bind(org).bind(*id).bind(to).execute(c).await.map(|_| ()))?;
        }
    }
    Ok(())
}

/// Lets the conversations that stay with `customer` be reached by an account that stays, if there is one.
pub async fn reach_anew(
    mut c: Conn<'_>,
    org: OrgId,
    customer: CustomerId,
    ids: &[ConversationId],
    now: DateTime<Utc>,
) -> Result<()> {
    const ANEW: &str = "
        UPDATE conversations SET version = version + 1, updated_at = $4, identity_id =
               (SELECT i.id FROM customer_identities i
                WHERE i.org_id = $1 AND i.customer_id = $3 AND i.channel_id = conversations.channel_id
                ORDER BY i.created_at, i.id LIMIT 1)
        WHERE org_id = $1 AND id = $2 AND customer_id = $3";
    for id in ids {
        both!(c.again(), c => sqlx::query(ANEW).bind(org).bind(*id).bind(customer).bind(now)
            .execute(c).await.map(|_| ()))?;
    }
    Ok(())
}
