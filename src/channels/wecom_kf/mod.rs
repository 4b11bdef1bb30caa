//! WeCom customer service, 微信客服 (docs/channels/wecom_kf.md).
//!
//! The callback is a doorbell only: it says that something waits for an account (`open_kfid`); the messages are
//! fetched page by page with a cursor that is kept together with them.
//! <https://developer.work.weixin.qq.com/document/path/94670>

pub(super) mod call;
mod parse;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Body, Choice, Event, FileKind, RawEvent, Request, base_url, configured,
    files::Takes,
    law::{Law, Outside, Quota, Size},
    wechat_crypto::{self, Envelope},
};
use crate::platform::{Error, Result, crypto::sha256_hex};

/// <https://developer.work.weixin.qq.com/document/path/90253>
pub(super) const TAKES: &[Takes] = &[
    Takes::of(&["image/jpeg", "image/png"], FileKind::Image, 10, 0),
    Takes::of(&["audio/amr"], FileKind::Voice, 2, 0),
    Takes::of(&["video/mp4"], FileKind::Video, 10, 0),
    Takes::of(&["*"], FileKind::Document, 20, 0),
];

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    corp_id: String,
    secret: String,
    token: String,
    encoding_aes_key: String,
    #[serde(default = "qyapi")]
    base_url: String,
    /// Where hand-offs go: nowhere (agents answer here), `pool`, or the user id of a servicer.
    #[serde(default)]
    transfer_to: Option<String>,
}

fn qyapi() -> String {
    "https://qyapi.weixin.qq.com".into()
}

/// The customer service of one company; it may have several accounts.
#[derive(Clone)]
pub struct WecomKf {
    config: Config,
    envelope: Envelope,
}

impl std::fmt::Debug for WecomKf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WecomKf(…)")
    }
}

impl WecomKf {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut config: Config = configured("wecom_kf", config)?;
        config.base_url = base_url("wecom_kf", &config.base_url)?;
        if config.secret.trim().is_empty() {
            return Err(Error::Invalid("wecom_kf channel: secret is empty".into()));
        }
        let envelope = Envelope::open(&config.token, &config.encoding_aes_key, &config.corp_id)
            .map_err(|e| Error::Invalid(format!("wecom_kf channel: {e}")))?;
        Ok(Self { config, envelope })
    }

    /// Five messages within 48 hours of each message of the customer; the fifth is kept for the notice of a hand-off.
    pub(super) fn law(&self) -> Law {
        Law {
            window: Some(Duration::hours(48)),
            outside: Outside::Person,
            quota: Some(Quota { messages: 5, reserve: 1 }),
            tap: None,
            pace: None,
            size: Size::Bytes(2048),
            keeps_order: true,
        }
    }

    pub(super) fn handshake(&self, request: &Request<'_>) -> Result<String> {
        self.envelope.unseal_echo(request)
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        let encrypted = wechat_crypto::encrypted(request.body)?.ok_or(Error::SignedOut)?;
        let plain = self.envelope.unseal(request, &encrypted)?;
        let plain = if plain.trim_start().starts_with('{') {
            serde_json::from_str::<std::collections::BTreeMap<String, Value>>(&plain)
                .map_err(|_| Error::Invalid("the event is not JSON".into()))?
                .into_iter()
                .map(|(name, value)| (name, value.as_str().map_or_else(|| value.to_string(), String::from)))
                .collect()
        } else {
            wechat_crypto::fields(&plain)?
        };
        let of = |name: &str| plain.get(name).cloned().unwrap_or_default();
        let account = of("OpenKfId");
        if of("Event") != "kf_msg_or_event" || account.is_empty() {
            let payload = json!({"other": plain}).to_string();
            return Ok(vec![RawEvent {
                external_id: format!("other:{}", sha256_hex(payload.as_bytes())),
                lane: "other".into(),
                payload,
            }]);
        }
        let doorbell = json!({"doorbell": {"account": account, "token": of("Token")}}).to_string();
        // The token is new with each ring; a repeated ring does no harm, since pages are fetched by cursor.
        let id = sha256_hex([doorbell.as_str(), &of("CreateTime")].concat().as_bytes());
        Ok(vec![RawEvent { external_id: format!("ring:{id}"), lane: format!("pull:{account}"), payload: doorbell }])
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let event: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        Ok(parse::read(&event))
    }

    /// Up to ten choices as a menu; a tap comes back as a text with the choice's id.
    pub(super) fn with_choices(&self, text: &str, choices: &[Choice]) -> Option<Body> {
        let fits = text.len() <= 1024 && choices.iter().all(|c| c.id.len() <= 128 && c.title.len() <= 128);
        (fits && (1..=10).contains(&choices.len()))
            .then(|| Body::Choices { text: text.trim().into(), choices: choices.to_vec() })
    }

    pub(super) fn transfers(&self) -> bool {
        self.config.transfer_to.as_deref().is_some_and(|to| !to.is_empty())
    }
}
