//! Whether the customer can be written to now, and what is left of what the platform permits.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    connect,
    store::{self, ChannelRow},
};
use crate::{
    app::{App, ChannelId, ConversationId, CustomerId},
    channels::law::{Law, Past, Purpose, Ruling},
    customers,
    platform::{Error, Result},
    staff::By,
};

/// Whether a message of an agent's would go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// It is sent at once.
    Open,
    /// It is sent, a little later: the platform wants a pace.
    Paced,
    /// The channel is paused, or the platform has stopped it: it is sent when that is over.
    Held,
    /// The window is closed: an approved template may be sent.
    Template,
    /// The window is closed until the customer writes again.
    Closed,
    /// The customer's last message permits no more until they write again.
    Spent,
    /// The customer has no address on this channel.
    NoAddress,
}

/// How a customer is reached in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reach {
    pub way: Way,
    /// When the window closes; absent: it is closed, or the platform has none.
    pub closes_at: Option<DateTime<Utc>>,
    /// When the next message goes out at the earliest.
    pub waits_until: Option<DateTime<Utc>>,
    /// How many more messages the customer's last one permits.
    pub left: Option<usize>,
    /// How many it permitted.
    pub quota: Option<usize>,
    /// When the window is closed: whether any text goes out all the same, inside the template of the channel's set-up.
    pub wraps: bool,
    /// The longest text of one message, in the platform's own unit; a longer one is cut into several.
    pub part_limit: Option<usize>,
    /// Whether the customer sees an emoji that is put on their message.
    pub has_reactions: bool,
    /// Whether the customer sees which message an answer is to.
    pub has_quotes: bool,
}

/// What was said and sent between us and a customer, as far as the channel's law asks about it.
pub(super) async fn past(app: &App, law: &Law, channel: ChannelId, customer: CustomerId) -> Result<Past> {
    let memory = app.now() - law.pace.map_or(Duration::zero(), |pace| pace.memory());
    store::past(app.read().await?.conn(), channel, customer, memory).await
}

/// How the customer of a conversation is reached now.
pub async fn reach(app: &App, by: &By, id: ConversationId) -> Result<Reach> {
    let mut reader = app.read().await?;
    let conversation = super::found(reader.conn(), by, id).await?;
    let row = store::find_channel(reader.conn(), conversation.channel_id).await?.ok_or(Error::NotFound("channel"))?;
    let has_address = match conversation.identity_id {
        Some(identity) => customers::find_identity(reader.conn(), by.org, identity).await?.is_some(),
        None => false,
    };
    drop(reader);
    let channel = connect::open(app, &row)?;
    let law = channel.law();
    let past = past(app, &law, conversation.channel_id, conversation.customer_id).await?;
    let reach = stands(&law, &past, app.now());
    let wraps = reach.way == Way::Template && channel.template("text").is_some();
    let (has_reactions, has_quotes) = (channel.has_reactions(), channel.has_quotes());
    let reach = Reach { wraps, has_reactions, has_quotes, ..reach };
    Ok(match reach.way {
        _ if !has_address && row.platform != "web" => Reach { way: Way::NoAddress, ..reach },
        Way::Open | Way::Paced if is_held(&row, app.now()) => Reach { way: Way::Held, ..reach },
        _ => reach,
    })
}

fn is_held(row: &ChannelRow, now: DateTime<Utc>) -> bool {
    row.status != "active" || row.retry_at.is_some_and(|at| at > now)
}

/// The pure part of [`reach`]: the law's word for one message of an agent's.
fn stands(law: &Law, past: &Past, now: DateTime<Utc>) -> Reach {
    let room = law.room(past, now);
    let ruling = law.rule(past, Purpose::Person, 1, now);
    let limit = law.size.limit();
    Reach {
        way: match ruling {
            Ruling::Now => Way::Open,
            Ruling::WaitUntil(_) => Way::Paced,
            Ruling::NeedsTemplate => Way::Template,
            Ruling::NeedsPerson(_) | Ruling::Never(_) if room.left == Some(0) && room.closes_at.is_some() => Way::Spent,
            Ruling::NeedsPerson(_) | Ruling::Never(_) => Way::Closed,
        },
        closes_at: room.closes_at,
        waits_until: if let Ruling::WaitUntil(at) = ruling { Some(at) } else { None },
        left: room.left,
        quota: law.quota.map(|quota| quota.messages),
        wraps: false,
        part_limit: (limit != usize::MAX).then_some(limit),
        has_reactions: false,
        has_quotes: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::law::{Outside, Quota, Size};
    use chrono::TimeZone;

    fn at(hours: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap() + Duration::hours(hours)
    }

    fn law() -> Law {
        Law {
            window: Some(Duration::hours(48)),
            quota: Some(Quota { messages: 5, reserve: 1 }),
            ..Law::free(Size::Bytes(2048))
        }
    }

    fn past(sent_since: usize) -> Past {
        Past { last_inbound: Some(at(0)), sent_since, ..Past::default() }
    }

    #[test]
    fn an_agent_sees_what_is_left_and_until_when() {
        let reach = stands(&law(), &past(3), at(1));
        assert_eq!((reach.way, reach.left, reach.quota), (Way::Open, Some(2), Some(5)));
        assert_eq!(reach.closes_at, Some(at(48) - Duration::minutes(2)));
        assert_eq!(stands(&law(), &past(5), at(1)).way, Way::Spent);
        assert_eq!(stands(&law(), &past(7), at(1)).left, Some(0), "receipts may count what a template took");
        assert_eq!(stands(&law(), &past(0), at(49)).way, Way::Closed);
        let template = Law { outside: Outside::Template, ..law() };
        assert_eq!(stands(&template, &past(0), at(49)).way, Way::Template);
        let free = stands(&Law::free(Size::Chars(usize::MAX)), &past(9), at(900));
        assert_eq!((free.way, free.closes_at, free.left, free.part_limit), (Way::Open, None, None, None));
    }
}
