//! How far a message of ours has come, as the platform tells: only ever forward, whatever the order in which it says so.

use chrono::{DateTime, Utc};

use super::{
    Conversation, Message, MessageStatus, alarm, connect,
    deliver::{WAITS, again, grown, put_off, template},
    fail::report_failure,
    store::{self, ChannelRow, Part},
};
use crate::{
    app::{App, Changed, MessageId, PartId, UserId},
    channels::{Body, Failure, Progress, Receipt},
    platform::{Result, db::Conn},
    staff,
};

/// How often a part that the platform took and then failed to deliver is sent again.
const ATTEMPTS: i64 = 4;

/// Takes in what the platform says of a message of ours.
pub(super) async fn take(app: &App, row: &ChannelRow, receipt: &Receipt) -> Result<()> {
    let now = app.now();
    let key = receipt.key.as_deref().and_then(|k| k.parse().ok()).map(PartId);
    let state = word(receipt.state);
    let why = receipt.failure.as_ref().map(|f| f.why().to_string());
    let mut tx = app.begin().await?;
    let Some(part) = store::find_part(tx.conn(), row.id, key, &receipt.external_id).await? else {
        // It came before the answer to our call: kept until we know whose it is.
        store::insert_receipt(tx.conn(), row.org_id, row.id, &receipt.external_id, state, why.as_deref(), now).await?;
        return tx.commit().await;
    };
    let Some(message) = store::find_message(tx.conn(), part.message_id).await? else {
        return Ok(());
    };
    let goes_again = match &receipt.failure {
        Some(failure) if is_open(&part) => send_again(app, tx.conn(), row, &message, &part, failure, now).await?,
        _ => false,
    };
    let mut told = Vec::new();
    if !goes_again {
        let from = before(receipt.state);
        let external = Some(receipt.external_id.as_str());
        store::set_part_status(tx.conn(), part.id, &from, status(receipt.state), why.as_deref(), external, now).await?;
        told = fold(app, tx.conn(), message.id, None).await?;
    }
    tx.commit().await?;
    if let Some(Failure::Stop(why)) = &receipt.failure {
        alarm::stop(app, row.org_id, row.id, why).await?;
    }
    staff::tell(app, row.org_id, &told).await;
    app.wake(row.org_id).await;
    app.changed(row.org_id, Changed::Conversation { id: message.conversation_id }).await;
    Ok(())
}

fn is_open(part: &Part) -> bool {
    before(Progress::Failed).contains(&part.status)
}

/// A part that certainly did not arrive goes out again, where that may help: later, or as the template.
async fn send_again(
    app: &App,
    mut c: Conn<'_>,
    row: &ChannelRow,
    message: &Message,
    part: &Part,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool> {
    let (body, at) = match failure {
        Failure::Retry(_, after) if part.attempts < ATTEMPTS => {
            (None, now + grown(after.unwrap_or(chrono::Duration::seconds(5)), part.attempts))
        }
        Failure::Wait(why, time) if part.attempts < WAITS => {
            put_off(c, message, part, why, now + *time, now).await?;
            return Ok(true);
        }
        Failure::OutsideWindow(_) if !matches!(part.body.0, Body::Template { .. }) => {
            let file = store::list_attachments(c.again(), message.id).await?.into_iter().next();
            match template(app, &connect::open(app, row)?, message, file.as_ref()) {
                Some(template) => (Some(template), now),
                None => return Ok(false),
            }
        }
        _ => return Ok(false),
    };
    store::requeue_part(c.again(), part.id, body.as_ref(), Some(failure.why())).await?;
    store::set_outcome(c.again(), message.id, MessageStatus::Sending, None, now).await?;
    again(c, message, at, now).await?;
    Ok(true)
}

/// Moves a part to what a receipt says that came early.
pub(super) async fn advance(
    c: Conn<'_>,
    part: PartId,
    state: &str,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let all = [Progress::Sent, Progress::Delivered, Progress::Read, Progress::Played, Progress::Failed];
    if let Some(progress) = all.into_iter().find(|p| word(*p) == state) {
        store::set_part_status(c, part, &before(progress), status(progress), reason, None, now).await?;
    }
    Ok(())
}

/// Makes of the parts' states the message's; a message that failed, or of which nobody knows, is reported to people.
/// Returns whom to tell.
pub(super) async fn fold(
    app: &App,
    mut c: Conn<'_>,
    id: MessageId,
    _conversation: Option<&Conversation>,
) -> Result<Vec<UserId>> {
    let parts = store::list_parts(c.again(), id).await?;
    let Some(message) = store::find_message(c.again(), id).await? else {
        return Ok(Vec::new());
    };
    let Some(status) = outcome(&parts.iter().map(|p| p.status).collect::<Vec<_>>()) else {
        return Ok(Vec::new());
    };
    if status == message.status {
        return Ok(Vec::new());
    }
    let reason = parts.iter().find(|p| p.status == status).and_then(|p| p.status_reason.clone());
    let now = app.now();
    store::set_outcome(c.again(), id, status, reason.as_deref(), now).await?;
    if matches!(status, MessageStatus::Failed | MessageStatus::Uncertain) {
        return report_failure(c, &message, reason.as_deref().unwrap_or_default(), now).await;
    }
    Ok(Vec::new())
}

/// The state of a message from those of its parts: the worst that happened, or the least that all have reached.
fn outcome(parts: &[MessageStatus]) -> Option<MessageStatus> {
    use MessageStatus as S;
    if let Some(bad) = [S::Failed, S::Uncertain].into_iter().find(|bad| parts.contains(bad)) {
        return Some(bad);
    }
    [S::Queued, S::Sending, S::Sent, S::Delivered, S::Read, S::Played]
        .into_iter()
        .find(|least| parts.contains(least))
        .map(|least| if least == S::Queued { S::Sending } else { least })
}

fn word(state: Progress) -> &'static str {
    match state {
        Progress::Sent => "sent",
        Progress::Delivered => "delivered",
        Progress::Read => "read",
        Progress::Played => "played",
        Progress::Failed => "failed",
    }
}

fn status(state: Progress) -> MessageStatus {
    match state {
        Progress::Sent => MessageStatus::Sent,
        Progress::Delivered => MessageStatus::Delivered,
        Progress::Read => MessageStatus::Read,
        Progress::Played => MessageStatus::Played,
        Progress::Failed => MessageStatus::Failed,
    }
}

/// From which states a receipt may move a part: what was delivered has not failed, and nothing goes back.
fn before(state: Progress) -> Vec<MessageStatus> {
    use MessageStatus as S;
    let unsettled = [S::Queued, S::Sending, S::Uncertain];
    let more: &[S] = match state {
        Progress::Sent => &[],
        Progress::Delivered | Progress::Failed => &[S::Sent],
        Progress::Read => &[S::Sent, S::Delivered],
        Progress::Played => &[S::Sent, S::Delivered, S::Read],
    };
    unsettled.into_iter().chain(more.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use MessageStatus as S;

    #[test]
    fn a_message_is_as_far_as_its_slowest_part_and_as_bad_as_its_worst() {
        let cases: [(&[S], Option<S>); 7] = [
            (&[], None),
            (&[S::Sent], Some(S::Sent)),
            (&[S::Sent, S::Queued], Some(S::Sending)),
            (&[S::Read, S::Delivered], Some(S::Delivered)),
            (&[S::Read, S::Failed], Some(S::Failed)),
            (&[S::Uncertain, S::Queued], Some(S::Uncertain)),
            (&[S::Read, S::Played], Some(S::Read)),
        ];
        for (parts, expected) in cases {
            assert_eq!(outcome(parts), expected, "{parts:?}");
        }
    }

    #[test]
    fn receipts_move_forward_only() {
        for (state, from, moves) in [
            (Progress::Delivered, S::Read, false),
            (Progress::Sent, S::Delivered, false),
            (Progress::Read, S::Sent, true),
            (Progress::Read, S::Uncertain, true),
            (Progress::Failed, S::Sent, true),
            (Progress::Failed, S::Delivered, false),
            (Progress::Delivered, S::Failed, false),
        ] {
            assert_eq!(before(state).contains(&from), moves, "{state:?} from {from:?}");
        }
    }
}
