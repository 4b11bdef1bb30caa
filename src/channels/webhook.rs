//! Our own signed webhook, in and out, for everything that has no channel of its own (docs/channels/webhook.md).
//!
//! Both directions are signed alike: `X-Frontdesk-Signature: t=<unix seconds>,v1=<hex>` with
//! `hex = HMAC-SHA256(secret, "<t>.<raw body>")`. Five minutes of clock difference are allowed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Address, Body as Content, Checked, Event, Failure, Inbound, Outbound, Outside, RawEvent, Request, Sent,
    law::{Law, Size},
    outside,
};
use crate::platform::{
    Error, Result,
    crypto::{hmac_sha256_hex, same},
};

pub const SIGNATURE: &str = "x-frontdesk-signature";
const TOLERANCE_S: i64 = 300;
/// The longest text that is taken, in characters.
const TEXT_LIMIT: usize = 20_000;

/// A signed webhook: `secret` signs both ways, `send_url` is where our messages go.
#[derive(Clone, Deserialize)]
pub struct Webhook {
    secret: String,
    #[serde(alias = "base_url")]
    send_url: Option<String>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook(…)")
    }
}

/// What comes in: one message, or a batch of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Batch { messages: Vec<Message> },
    One(Message),
}

#[derive(Serialize, Deserialize)]
struct Message {
    id: String,
    from: From,
    #[serde(default)]
    text: String,
    #[serde(default)]
    sent_at: Option<DateTime<Utc>>,
    #[serde(default)]
    metadata: Value,
}

#[derive(Serialize, Deserialize)]
struct From {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// The signature header over `body` at `now`.
pub fn sign(secret: &str, body: &[u8], now: DateTime<Utc>) -> String {
    let t = now.timestamp();
    format!("t={t},v1={}", hmac_sha256_hex(secret.as_bytes(), &[t.to_string().as_bytes(), b".", body].concat()))
}

fn is_signed(secret: &str, header: &str, body: &[u8], now: DateTime<Utc>) -> bool {
    let field = |name: &str| header.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (Some(t), Some(given)) = (field("t").and_then(|t| t.parse::<i64>().ok()), field("v1")) else {
        return false;
    };
    let signed = [t.to_string().as_bytes(), b".", body].concat();
    (now.timestamp().saturating_sub(t)).abs() <= TOLERANCE_S
        && same(&hmac_sha256_hex(secret.as_bytes(), &signed), given)
}

impl Webhook {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let channel: Self = serde_json::from_value(config.clone())
            .map_err(|e| Error::Invalid(format!("webhook channel: {e}; it needs secret and may have send_url")))?;
        if channel.secret.len() < 16 {
            return Err(Error::Invalid("webhook channel: the secret must have at least 16 characters".into()));
        }
        Ok(channel)
    }

    /// No rule of a platform: whoever receives has their own.
    pub(super) fn law(&self) -> Law {
        Law::free(Size::Chars(TEXT_LIMIT))
    }

    pub(super) fn verify(&self, request: &Request<'_>, now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        let header = request.header(SIGNATURE).ok_or(Error::SignedOut)?;
        if !is_signed(&self.secret, header, request.body, now) {
            return Err(Error::Forbidden);
        }
        let body: Body = request.json().map_err(|_| {
            Error::Invalid("expected {\"id\", \"from\": {\"id\", \"name\"}, \"text\"} or {\"messages\": […]}".into())
        })?;
        let messages = match body {
            Body::Batch { messages } => messages,
            Body::One(message) => vec![message],
        };
        messages
            .into_iter()
            .map(|m| {
                if m.id.is_empty() || m.id.len() > 200 || m.from.id.is_empty() || m.from.id.len() > 200 {
                    return Err(Error::Invalid("id and from.id must have 1 to 200 bytes".into()));
                }
                if m.text.chars().count() > TEXT_LIMIT {
                    return Err(Error::Invalid(format!("text must have at most {TEXT_LIMIT} characters")));
                }
                Ok(RawEvent { external_id: m.id.clone(), lane: m.from.id.clone(), payload: serde_json::to_string(&m)? })
            })
            .collect()
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let m: Message = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        Ok(Event::Message(Inbound {
            sender_name: m.from.name.filter(|n| !n.trim().is_empty()),
            sent_at: m.sent_at,
            metadata: m.metadata,
            ..Inbound::text(m.id, Address::new("webhook", m.from.id), m.text)
        }))
    }

    /// Posts the message, signed. `id` stays the same when a send is repeated: the receiver keeps one of each.
    pub(super) async fn send(&self, outside: &Outside, m: &Outbound, now: DateTime<Utc>) -> Sent {
        let Some(url) = &self.send_url else {
            return Sent::Failed(Failure::Never("this channel has no send_url: messages can only come in".into()));
        };
        let (text, file) = match &m.body {
            Content::Text { text } => (text, None),
            Content::File { file, text, .. } => (
                text,
                Some(json!({"url": m.link, "name": file.name, "mime_type": file.mime_type,
                    "size_bytes": file.size_bytes, "sha256": file.sha256})),
            ),
            _ => return Sent::Failed(Failure::Never("this channel sends texts and files only".into())),
        };
        let body = json!({
            "id": m.id, "conversation_id": m.conversation, "to": {"id": m.recipient.id}, "by": m.by, "text": text,
            "sources": m.sources,
        });
        let body = outside::with(body, "file", file).to_string();
        let request = outside
            .configured()
            .post(url)
            .header("content-type", "application/json")
            .header("idempotency-key", &m.id)
            .header(SIGNATURE, sign(&self.secret, body.as_bytes(), now))
            .body(body);
        let retry = |why: String| Sent::Failed(Failure::Retry(why, None));
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Sent::Accepted(None),
            Ok(answer) => match answer.status().as_u16() {
                status @ (408 | 425 | 429) => retry(format!("the receiver answered {status}")),
                status @ 500.. => Sent::Unknown(format!("the receiver answered {status}"), true),
                status => Sent::Failed(Failure::Never(format!("the receiver refused it ({status})"))),
            },
            Err(e) if e.is_connect() => retry("the receiver can't be reached".into()),
            Err(e) => Sent::Unknown(format!("the receiver did not answer: {}", e.without_url()), true),
        }
    }

    /// Nothing is sent to see whether it arrives: the receiver would take it for a message.
    pub(super) async fn check(&self, _outside: &Outside, _now: DateTime<Utc>) -> Checked {
        let both_ways = self.send_url.is_some();
        Checked::works(if both_ways { "ready" } else { "messages only come in: there is no send_url" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderMap;
    use bytes::Bytes;
    use chrono::{Duration, TimeZone};

    #[test]
    fn only_what_was_signed_with_the_secret_and_lately_is_taken() {
        let now = Utc.with_ymd_and_hms(2026, 3, 2, 9, 0, 0).unwrap();
        let body = Bytes::from_static(br#"{"id":"1","from":{"id":"ana"},"text":"hi"}"#);
        let channel = Webhook::open(&json!({"secret": "a secret of ours!"})).unwrap();
        let verify = |header: &str, at| {
            let mut headers = HeaderMap::new();
            headers.insert(SIGNATURE, header.parse().unwrap());
            channel.verify(&Request { path: "", query: "", headers: &headers, body: &body }, at)
        };
        let good = sign("a secret of ours!", &body, now);
        assert_eq!(verify(&good, now).unwrap()[0].external_id, "1");
        assert!(matches!(verify(&good, now + Duration::seconds(301)), Err(Error::Forbidden)));
        assert!(matches!(verify(&sign("another secret !!", &body, now), now), Err(Error::Forbidden)));
        assert!(matches!(
            channel.verify(&Request { path: "", query: "", headers: &HeaderMap::new(), body: &body }, now),
            Err(Error::SignedOut)
        ));
    }
}
