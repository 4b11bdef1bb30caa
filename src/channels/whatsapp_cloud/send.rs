//! Messages to customers, read receipts, files.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    super::{
        Address, Body, Checked, Choice, Failure, FileFacts, FileKind, Media, Outbound, Reacted, Sent,
        law::Size,
        outside::{self, Lost, Outside},
        split::shorten,
    },
    WhatsappCloud, errors,
};
use crate::platform::{Error, Result, upload::Incoming};

/// Where Meta keeps files.
const FILE_HOSTS: [&str; 3] = ["lookaside.fbsbx.com", "*.fbcdn.net", "*.fbsbx.com"];
/// The longest text that may stand above buttons, in characters.
const CHOICES_TEXT: usize = 1024;

impl WhatsappCloud {
    fn address(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.base_url, self.graph_version)
    }

    fn post(&self, outside: &Outside, body: &Value) -> reqwest::RequestBuilder {
        outside
            .client(&self.base_url)
            .post(self.address(&format!("{}/messages", self.phone_number_id)))
            .bearer_auth(&self.access_token)
            .json(body)
    }

    /// Up to three choices as buttons, up to ten as a list; `None`: as text.
    pub(in super::super) fn with_choices(&self, text: &str, choices: &[Choice]) -> Option<Body> {
        let fits = Size::Chars(CHOICES_TEXT).of(text) <= CHOICES_TEXT && !text.trim().is_empty();
        (fits && (1..=10).contains(&choices.len()) && are_unique(choices))
            .then(|| Body::Choices { text: text.trim().into(), choices: choices.to_vec() })
    }

    /// The configured template with `text` as its value: no line breaks, at most 1024 characters, as Meta wants.
    pub(in super::super) fn template(&self, text: &str) -> Option<Body> {
        let template = self.template.as_ref()?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Body::Template {
            name: template.name.clone(),
            language: template.language.clone(),
            values: vec![shorten(&line, Size::Chars(1024))],
        })
    }

    /// The request's body for one message; `uploaded`: the platform's id of its file.
    pub(super) fn wire(&self, m: &Outbound, uploaded: Option<&str>) -> Value {
        let content = match &m.body {
            Body::Text { text } => json!({"type": "text", "text": {"preview_url": false, "body": text}}),
            Body::Choices { text, choices } if choices.len() <= 3 => {
                let buttons: Vec<Value> = choices
                    .iter()
                    .map(|c| json!({"type": "reply", "reply": {"id": cut(&c.id, 256), "title": shorten(&c.title, Size::Chars(20))}}))
                    .collect();
                json!({"type": "interactive", "interactive":
                    {"type": "button", "body": {"text": text}, "action": {"buttons": buttons}}})
            }
            Body::Choices { text, choices } => {
                let rows: Vec<Value> = choices
                    .iter()
                    .map(|c| json!({"id": cut(&c.id, 200), "title": shorten(&c.title, Size::Chars(24))}))
                    .collect();
                let button = if text.chars().any(crate::platform::language::is_han) { "选择" } else { "Choose" };
                json!({"type": "interactive", "interactive": {"type": "list", "body": {"text": text},
                    "action": {"button": button, "sections": [{"title": button, "rows": rows}]}}})
            }
            Body::Template { name, language, values } => {
                let values: Vec<Value> = values.iter().map(|v| json!({"type": "text", "text": v})).collect();
                // Meta refuses a body's component for a template that has no values.
                let components =
                    if values.is_empty() { json!([]) } else { json!([{"type": "body", "parameters": values}]) };
                json!({"type": "template", "template": {"name": name, "language": {"code": language},
                    "components": components}})
            }
            Body::File { file, kind, text } => {
                let media = outside::with(json!({"id": uploaded}), "caption", (!text.is_empty()).then(|| json!(text)));
                let named = (*kind == FileKind::Document).then(|| json!(file.name));
                let media = outside::with(media, "filename", named);
                let kind = match kind {
                    FileKind::Image | FileKind::Animation => "image",
                    FileKind::Video => "video",
                    FileKind::Audio | FileKind::Voice => "audio",
                    FileKind::Document => "document",
                };
                json!({"type": kind, kind: media})
            }
        };
        let quoted = m.quotes.as_ref().map(|quote| json!({"message_id": quote.id}));
        outside::with(addressed(&m.recipient, &content, &m.id), "context", quoted)
    }

    pub(in super::super) async fn send(&self, outside: &Outside, m: &Outbound, _now: DateTime<Utc>) -> Sent {
        let uploaded = match &m.body {
            Body::File { file, .. } => match self.upload(outside, m.file.as_deref(), file).await {
                Ok(id) => Some(id),
                Err(not_sent) => return not_sent,
            },
            _ => None,
        };
        self.post_message(outside, &self.wire(m, uploaded.as_deref())).await
    }

    async fn post_message(&self, outside: &Outside, body: &Value) -> Sent {
        match outside::json(self.post(outside, body)).await {
            Ok((status, answer)) => read_answer(status, &answer),
            Err(lost) => lost.of_a_message(false),
        }
    }

    /// Brings a file to the platform, which keeps it for 30 days; its id there.
    async fn upload(&self, outside: &Outside, path: Option<&Path>, file: &FileFacts) -> Result<String, Sent> {
        let part = outside::form_part(path, file).await.map_err(Lost::of_an_upload)?;
        let form = reqwest::multipart::Form::new()
            .percent_encode_noop()
            .text("messaging_product", "whatsapp")
            .text("type", file.mime_type.clone())
            .part("file", part);
        let request = outside
            .client(&self.base_url)
            .post(self.address(&format!("{}/media", self.phone_number_id)))
            .bearer_auth(&self.access_token)
            .timeout(outside::UPLOAD_TIMEOUT)
            .multipart(form);
        let (status, answer) = outside::json(request).await.map_err(Lost::of_an_upload)?;
        match answer.get("id").and_then(Value::as_str) {
            Some(id) if status == 200 => Ok(id.into()),
            // Only the file may have arrived: to try again does no harm.
            _ => Err(match read_answer(status, &answer) {
                Sent::Failed(failure) => Sent::Failed(failure),
                _ => Sent::Failed(Failure::Retry(format!("the platform answered {status} to the file"), None)),
            }),
        }
    }

    pub(in super::super) async fn react(&self, outside: &Outside, to: &Reacted<'_>, emoji: Option<&str>) -> Sent {
        let content = json!({"type": "reaction",
            "reaction": {"message_id": to.message, "emoji": emoji.unwrap_or_default()}});
        self.post_message(outside, &addressed(to.customer, &content, "reaction")).await
    }

    pub(in super::super) async fn attend(&self, outside: &Outside, message: &str) -> Result<()> {
        let body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": message,
            "typing_indicator": {"type": "text"}});
        outside::json(self.post(outside, &body)).await?;
        Ok(())
    }

    pub(in super::super) async fn download(&self, outside: &Outside, media: &Media, into: &mut Incoming) -> Result<()> {
        let id = media.id.as_deref().ok_or(Error::NotFound("file"))?;
        if !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(Error::Invalid("the file's id is none".into()));
        }
        let (status, found) = self.get(outside, id, &[("phone_number_id", &self.phone_number_id)]).await?;
        let address = found.get("url").and_then(Value::as_str);
        let Some(address) = address.filter(|_| status == 200) else {
            let failure = errors::failure(found.get("error").unwrap_or(&Value::Null));
            return Err(match failure {
                Failure::Never(why) => Error::Invalid(why),
                other => Error::Unavailable { service: "WhatsApp", source: anyhow::anyhow!("{}", other.why()) },
            });
        };
        let bearer = format!("Bearer {}", self.access_token);
        outside.file(address, &self.base_url, &FILE_HOSTS, &[("authorization", &bearer)], into).await?;
        let expected = found.get("sha256").and_then(Value::as_str).map(str::to_lowercase);
        if expected.is_some_and(|e| e.len() == 64 && e != into.sha256()) {
            return Err(Error::Invalid("the file is not what the platform announced".into()));
        }
        Ok(())
    }

    /// What Meta says of the number and of our token; the error: it could not be asked.
    pub(in super::super) async fn health(&self, outside: &Outside) -> Result<Checked> {
        let fields = "display_phone_number,verified_name,quality_rating";
        let (status, found) = self.get(outside, &self.phone_number_id, &[("fields", fields)]).await?;
        if status != 200 {
            let failure = found
                .get("error")
                .map_or_else(|| Failure::Retry(format!("the platform answered {status}"), None), errors::failure);
            return match failure {
                Failure::Retry(why, _) => Err(Lost::NotSent(why).into()),
                refused => Ok(Checked::fails(refused.why())),
            };
        }
        // A token may ask about itself. <https://developers.facebook.com/docs/graph-api/reference/debug_token>
        let (_, token) = self.get(outside, "debug_token", &[("input_token", &self.access_token)]).await?;
        // 0 is one that never ends.
        let ends = token.pointer("/data/expires_at").and_then(Value::as_i64).filter(|at| *at > 0);
        let token_expires_at = ends.and_then(|at| DateTime::from_timestamp(at, 0));
        let of = |name: &str| found.get(name).and_then(Value::as_str).map(String::from);
        let quality = of("quality_rating");
        let mut detail = of("verified_name").unwrap_or_else(|| "the number works".into());
        if let Some(quality) = &quality {
            detail.push_str(&format!(", quality {quality}"));
        }
        if let Some(at) = token_expires_at {
            detail.push_str(&format!(", the token ends on {}", at.date_naive()));
        }
        Ok(Checked { quality, token_expires_at, ..Checked::works(detail) })
    }

    pub(in super::super) async fn check(&self, outside: &Outside, _now: DateTime<Utc>) -> Checked {
        self.health(outside).await.unwrap_or_else(|e| Checked::fails(e.chain()))
    }

    async fn get(&self, outside: &Outside, path: &str, query: &[(&str, &str)]) -> Result<(u16, Value), Lost> {
        let address = outside::with_query(&self.address(path), query);
        outside::json(outside.client(&address).get(address).bearer_auth(&self.access_token)).await
    }
}

/// `content` to `recipient`; the platform gives `key` back with what becomes of it.
fn addressed(recipient: &Address, content: &Value, key: &str) -> Value {
    let mut all = json!({"messaging_product": "whatsapp", "recipient_type": "individual"});
    let to = match recipient.kind.as_str() {
        "bsuid" => json!({"recipient": recipient.id}),
        "group" => json!({"recipient_type": "group", "to": recipient.id}),
        _ => json!({"to": recipient.id}),
    };
    if let Some(fields) = all.as_object_mut() {
        for part in [&to, content, &json!({"biz_opaque_callback_data": key})] {
            fields.extend(part.as_object().cloned().unwrap_or_default());
        }
    }
    all
}

/// What an answer to a send means. Only a code tells that Meta refused it: a proxy's 5xx says nothing.
pub(super) fn read_answer(status: u16, answer: &Value) -> Sent {
    if let Some(error) = answer.get("error").filter(|e| e.get("code").is_some_and(Value::is_i64)) {
        return Sent::Failed(errors::failure(error));
    }
    match (status, answer.pointer("/messages/0/id").and_then(Value::as_str)) {
        (200..=299, Some(id)) => Sent::Accepted(Some(id.into())),
        (429, _) => Sent::Failed(Failure::Retry("too many calls".into(), None)),
        (401, _) => Sent::Failed(Failure::Stop("the access token is no longer valid".into())),
        (400..=499, _) => Sent::Failed(Failure::Never(format!("the platform answered {status}"))),
        _ => Sent::Unknown(format!("the platform answered {status} without saying whether it was sent"), false),
    }
}

fn are_unique(choices: &[Choice]) -> bool {
    let mut ids: Vec<&str> = choices.iter().map(|c| c.id.as_str()).collect();
    let mut titles: Vec<String> = choices.iter().map(|c| shorten(&c.title, Size::Chars(20))).collect();
    ids.sort_unstable();
    ids.dedup();
    titles.sort_unstable();
    titles.dedup();
    ids.len() == choices.len()
        && titles.len() == choices.len()
        && choices.iter().all(|c| !c.id.is_empty() && !c.title.trim().is_empty())
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}
