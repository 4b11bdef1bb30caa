//! SQL of how customers are reached and of what came through channels: cursors, retention.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::{
    app::{ChannelId, ConversationId, IdentityId, OrgId},
    both,
    inbox::Message,
    platform::{Result, db::Conn},
};

/// Takes over what a message of the customer says about how they are reached now: their address, the account of ours
/// to which they wrote, and by the platform's clock when.
pub async fn set_reach(
    c: Conn<'_>,
    id: ConversationId,
    identity: IdentityId,
    chat: Option<&str>,
    at: DateTime<Utc>,
) -> Result<()> {
    const SET: &str = "
        UPDATE conversations SET identity_id = $2, external_chat_id = COALESCE($3, external_chat_id),
               last_inbound_at = CASE WHEN last_inbound_at IS NULL OR last_inbound_at < $4 THEN $4 ELSE last_inbound_at END
        WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(identity).bind(chat).bind(at).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// The same for a tap that permits less than a message. False: it was noted before.
pub async fn set_tapped(c: Conn<'_>, id: ConversationId, identity: IdentityId, at: DateTime<Utc>) -> Result<bool> {
    const SET: &str = "
        UPDATE conversations SET identity_id = $2, last_tap_at = $3
        WHERE id = $1 AND (last_tap_at IS NULL OR last_tap_at < $3)";
    let n = both!(c, c => sqlx::query(SET).bind(id).bind(identity).bind(at).execute(c).await
        .map(|r| r.rows_affected()))?;
    Ok(n == 1)
}

/// Through which of our accounts a conversation goes.
pub async fn find_chat(c: Conn<'_>, id: ConversationId) -> Result<Option<String>> {
    const FIND: &str = "SELECT external_chat_id FROM conversations WHERE id = $1";
    let found: Option<Option<String>> = both!(c, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await)?;
    Ok(found.flatten())
}

/// Changes what a message says and what is known of it, and raises its conversation's version, so that a turn which
/// read it before is taken again.
pub async fn rewrite_message(c: Conn<'_>, m: &Message, content: &str, metadata: &Value, fresh: bool) -> Result<()> {
    const SET: &str = "UPDATE messages SET content = $2, metadata = $3 WHERE id = $1";
    const RAISE: &str = "UPDATE conversations SET version = version + 1 WHERE id = $1";
    let mut c = c;
    both!(c.again(), c => sqlx::query(SET).bind(m.id).bind(content).bind(Json(metadata)).execute(c).await.map(|_| ()))?;
    if fresh {
        both!(c, c => sqlx::query(RAISE).bind(m.conversation_id).execute(c).await.map(|_| ()))?;
    }
    Ok(())
}

/// What lists show of a conversation's last message, which showed `was` and was changed since.
pub async fn replace_preview(c: Conn<'_>, id: ConversationId, was: &str, now: &str) -> Result<()> {
    const REPLACE: &str =
        "UPDATE conversations SET last_message_preview = $3 WHERE id = $1 AND last_message_preview = $2";
    let [was, now] = [was, now].map(|text| text.chars().take(120).collect::<String>());
    both!(c, c => sqlx::query(REPLACE).bind(id).bind(was).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Writes the brief of a hand-off anew.
pub async fn set_brief(c: Conn<'_>, id: ConversationId, brief: &Value) -> Result<()> {
    const SET: &str = "UPDATE conversations SET hand_off_brief = $2 WHERE id = $1";
    both!(c, c => sqlx::query(SET).bind(id).bind(Json(brief)).execute(c).await.map(|_| ()))?;
    Ok(())
}

// What came through channels --------------------------------------------------------------------------------------------

/// When a customer wrote last over each channel of an organisation.
pub async fn list_last_inbound(c: Conn<'_>, org: OrgId) -> Result<Vec<(ChannelId, Option<DateTime<Utc>>)>> {
    const LIST: &str = "
        SELECT channel_id, MAX(last_customer_message_at) FROM conversations WHERE org_id = $1 GROUP BY channel_id";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(org).fetch_all(c).await)?)
}

// What is fetched ------------------------------------------------------------------------------------------------------

/// How far an account was fetched; empty when it is new.
pub async fn cursor(c: Conn<'_>, org: OrgId, channel: ChannelId, account: &str, now: DateTime<Utc>) -> Result<String> {
    const BEGIN: &str = "
        INSERT INTO channel_cursors (org_id, channel_id, account, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (channel_id, account) DO NOTHING";
    const FIND: &str = "SELECT cursor FROM channel_cursors WHERE channel_id = $1 AND account = $2";
    let mut c = c;
    both!(c.again(), c => sqlx::query(BEGIN).bind(org).bind(channel).bind(account).bind(now).execute(c).await.map(|_| ()))?;
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(channel).bind(account).fetch_one(c).await)?)
}

/// When an account was fetched last.
pub async fn fetched_at(c: Conn<'_>, channel: ChannelId, account: &str) -> Result<Option<DateTime<Utc>>> {
    const FIND: &str = "SELECT updated_at FROM channel_cursors WHERE channel_id = $1 AND account = $2";
    Ok(both!(c, c => sqlx::query_scalar(FIND).bind(channel).bind(account).fetch_optional(c).await)?)
}

/// Moves the cursor of an account.
pub async fn move_cursor(
    c: Conn<'_>,
    channel: ChannelId,
    account: &str,
    cursor: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    const MOVE: &str = "
        UPDATE channel_cursors SET cursor = $3, updated_at = $4 WHERE channel_id = $1 AND account = $2 AND $3 <> ''";
    both!(c, c => sqlx::query(MOVE).bind(channel).bind(account).bind(cursor).bind(now).execute(c).await.map(|_| ()))?;
    Ok(())
}

/// Accounts that have not been fetched since `before`.
pub async fn list_stale_cursors(c: Conn<'_>, before: DateTime<Utc>) -> Result<Vec<(OrgId, ChannelId, String)>> {
    const LIST: &str = "
        SELECT k.org_id, k.channel_id, k.account FROM channel_cursors k JOIN channels c ON c.id = k.channel_id
        WHERE k.updated_at < $1 AND c.status = 'active' ORDER BY k.updated_at LIMIT 200";
    Ok(both!(c, c => sqlx::query_as(LIST).bind(before).fetch_all(c).await)?)
}

/// Deletes raw events and forgotten receipts from before `before`; returns how many. A thousand at a time.
pub async fn delete_old_events(c: Conn<'_>, before: DateTime<Utc>) -> Result<u64> {
    const EVENTS: &str = "
        DELETE FROM channel_events WHERE id IN (
            SELECT id FROM channel_events WHERE received_at < $1 AND status <> 'received' ORDER BY received_at LIMIT 1000)";
    const RECEIPTS: &str = "DELETE FROM channel_receipts WHERE received_at < $1";
    let mut c = c;
    let gone = both!(c.again(), c => sqlx::query(EVENTS).bind(before).execute(c).await.map(|r| r.rows_affected()))?;
    both!(c, c => sqlx::query(RECEIPTS).bind(before).execute(c).await.map(|_| ()))?;
    Ok(gone)
}
