//! Meta's official interface to WhatsApp (docs/channels/whatsapp_cloud.md).
//! <https://developers.facebook.com/docs/whatsapp/cloud-api>

mod errors;
mod parse;
mod send;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Event, FileKind, RawEvent, Request, base_url, configured,
    files::Takes,
    law::{Law, Outside, Pace, Size},
};
use crate::platform::{
    Error, Result,
    crypto::{hmac_sha256_hex, same},
};

const SIGNATURE: &str = "x-hub-signature-256";

/// What the media interface takes; a picture that is too large is no document either.
/// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types>
pub(super) const TAKES: &[Takes] = &[
    Takes::of(&["image/jpeg", "image/png"], FileKind::Image, 5, 1024),
    Takes::of(&["video/mp4", "video/3gpp"], FileKind::Video, 16, 1024),
    Takes::of(&["audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"], FileKind::Audio, 16, 0),
    Takes::of(
        &[
            "application/pdf",
            "text/plain",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
        FileKind::Document,
        100,
        1024,
    ),
];

/// One phone number at the Cloud API.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsappCloud {
    phone_number_id: String,
    /// Signs what comes in; its characters are the key, they are not decoded.
    app_secret: String,
    /// What Meta shows when the address is entered.
    verify_token: String,
    access_token: String,
    #[serde(default = "graph")]
    base_url: String,
    #[serde(default = "version")]
    graph_version: String,
    /// What is sent when the customer wrote more than 24 hours ago; the text is the one value of its body.
    #[serde(default)]
    template: Option<TemplateName>,
    /// Names by which the assistant is called in groups; without one, groups are stored and left alone.
    #[serde(default)]
    group_names: Vec<String>,
}

/// A template as it is called at Meta.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateName {
    name: String,
    #[serde(default = "english")]
    language: String,
}

fn graph() -> String {
    "https://graph.facebook.com".into()
}

fn version() -> String {
    "v25.0".into()
}

fn english() -> String {
    "en".into()
}

impl std::fmt::Debug for WhatsappCloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WhatsappCloud(…)")
    }
}

impl WhatsappCloud {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut channel: Self = configured("whatsapp_cloud", config)?;
        channel.base_url = base_url("whatsapp_cloud", &channel.base_url)?;
        for (name, value) in [
            ("phone_number_id", &channel.phone_number_id),
            ("app_secret", &channel.app_secret),
            ("verify_token", &channel.verify_token),
            ("access_token", &channel.access_token),
            ("graph_version", &channel.graph_version),
        ] {
            if value.trim().is_empty() {
                return Err(Error::Invalid(format!("whatsapp_cloud channel: {name} is empty")));
            }
        }
        Ok(channel)
    }

    /// 24 hours after the customer's last message or call; a burst to one customer is paid back at one per 6 seconds.
    pub(super) fn law(&self) -> Law {
        Law {
            window: Some(Duration::hours(24)),
            outside: Outside::Template,
            quota: None,
            tap: None,
            // Meta lets 45 through before it punishes; ten leave room for what people send from elsewhere.
            pace: Some(Pace { burst: 10, every: Duration::seconds(6) }),
            size: Size::Chars(4096),
            keeps_order: false,
        }
    }

    pub(super) fn account(&self) -> &str {
        &self.phone_number_id
    }

    /// Meta delivers everything of an app to one address, whatever the number.
    pub(super) fn other_account(&self, payload: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Numbered {
            number: String,
        }
        let number = serde_json::from_str::<Numbered>(payload).ok()?.number;
        (!number.is_empty() && number != self.phone_number_id).then_some(number)
    }

    /// The challenge, exactly as it came, when the verify token is ours.
    pub(super) fn handshake(&self, request: &Request<'_>) -> Result<String> {
        let mode = request.value("hub.mode");
        let token = request.value("hub.verify_token").ok_or(Error::Forbidden)?;
        if mode.as_deref() != Some("subscribe") || !same(&token, &self.verify_token) {
            return Err(Error::Forbidden);
        }
        request.value("hub.challenge").ok_or(Error::Forbidden)
    }

    pub(super) fn verify(&self, request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        let given = request.header(SIGNATURE).ok_or(Error::SignedOut)?;
        let expected = hmac_sha256_hex(self.app_secret.as_bytes(), request.body);
        if !given.strip_prefix("sha256=").is_some_and(|given| same(given, &expected)) {
            return Err(Error::Forbidden);
        }
        let body: Value = request.json()?;
        Ok(parse::take_apart(&body))
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        let event: Value = serde_json::from_str(payload).map_err(|e| Error::Invalid(format!("raw event: {e}")))?;
        Ok(parse::read(&event, &self.phone_number_id, &self.group_names))
    }
}
