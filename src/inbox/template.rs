//! Templates that a platform has approved: kept by an admin, sent by agents when the window is closed.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

pub use super::store::templates::Template;
use super::{
    AgentMessage, Message, connect, send,
    store::{self, templates},
};
use crate::{
    app::{App, ChannelId, ConversationId, TemplateId},
    channels::Body,
    platform::{Error, Result},
    staff::{By, audit},
};

/// The most values that a template has.
const VARIABLES: usize = 20;
/// The longest approved text, in characters, as WhatsApp takes it.
const BODY_LIMIT: usize = 1024;

/// A template as it is written down.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTemplate {
    /// Whose platform has approved it; it can't be changed later.
    pub channel_id: ChannelId,
    /// As it is called at the platform: small letters, digits and `_`.
    pub name: String,
    /// As the platform calls it: `en_US`, `zh_CN`.
    pub language: String,
    /// The approved text, word for word; `{{1}}`, `{{2}}` … stand for its values.
    pub body: String,
}

/// A template to be sent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilledTemplate {
    pub template_id: TemplateId,
    /// For `{{1}}`, `{{2}}` … in this order.
    #[serde(default)]
    pub values: Vec<String>,
    /// The conversation's `version` you saw: if it is another by now, nothing is sent and 409 is answered.
    pub version: Option<i64>,
    /// Chosen by you: a repetition returns the first message instead of sending another.
    pub idempotency_key: Option<String>,
}

impl NewTemplate {
    fn checked(&self) -> Result<(String, String, String)> {
        let (name, language, body) = (self.name.trim(), self.language.trim(), self.body.trim());
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 512 || !name.chars().all(is_word) {
            return Err(Error::Invalid("name: small letters, digits and _, as at the platform".into()));
        }
        let is_code = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !(2..=6).contains(&language.len()) || !language.chars().all(is_code) {
            return Err(Error::Invalid("language: as at the platform, like en_US or zh_CN".into()));
        }
        if body.is_empty() || body.chars().count() > BODY_LIMIT {
            return Err(Error::Invalid(format!("body: 1 to {BODY_LIMIT} characters")));
        }
        variables(body)?;
        Ok((name.into(), language.into(), body.into()))
    }
}

/// What stands between braces in `body`, with the text before each; and the text after the last.
fn parts(body: &str) -> (Vec<(&str, &str)>, &str) {
    let (mut found, mut rest) = (Vec::new(), body);
    while let Some((before, after)) = rest.split_once("{{")
        && let Some((name, after)) = after.split_once("}}")
    {
        found.push((before, name.trim()));
        rest = after;
    }
    (found, rest)
}

/// How many values `body` wants.
fn variables(body: &str) -> Result<usize> {
    let wrong = || Error::Invalid(format!("body: its values are called {{{{1}}}}, {{{{2}}}} … up to {VARIABLES}"));
    let numbers: Vec<usize> =
        parts(body).0.into_iter().map(|(_, name)| name.parse().map_err(|_| wrong())).collect::<Result<_>>()?;
    let most = numbers.iter().copied().max().unwrap_or(0);
    let is_whole = most <= VARIABLES && (1..=most).all(|n| numbers.contains(&n)) && !numbers.contains(&0);
    is_whole.then_some(most).ok_or_else(wrong)
}

/// `body` with its values in place.
fn fill(body: &str, values: &[String]) -> String {
    let (parts, rest) = parts(body);
    let mut text = String::with_capacity(body.len());
    for (before, name) in parts {
        text.push_str(before);
        let value = name.parse::<usize>().ok().and_then(|n| values.get(n.checked_sub(1)?));
        text.push_str(value.map_or("", String::as_str));
    }
    text.push_str(rest);
    text
}

/// The templates of the organisation, or of one of its channels.
pub async fn list(app: &App, by: &By, channel: Option<ChannelId>) -> Result<Vec<Template>> {
    templates::list(app.read().await?.conn(), by.org, channel).await
}

/// Writes a template down, or changes the one with `id`.
pub async fn save(app: &App, by: &By, id: Option<TemplateId>, new: &NewTemplate) -> Result<Template> {
    let (name, language, body) = new.checked()?;
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = match id {
        Some(id) => Some(templates::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("template"))?),
        None => None,
    };
    let channel_id = before.as_ref().map_or(new.channel_id, |b| b.channel_id);
    let channel = store::find_channel(tx.conn(), channel_id).await?.filter(|row| row.org_id == by.org);
    let channel = channel.ok_or(Error::NotFound("channel"))?;
    if !connect::open(app, &channel)?.law().takes_templates() {
        return Err(Error::Invalid("channel_id: this platform knows no templates".into()));
    }
    let template = Template {
        id: id.unwrap_or_else(TemplateId::new),
        org_id: by.org,
        channel_id,
        name,
        language,
        body,
        created_by: before.as_ref().map_or(by.user, |b| b.created_by),
        created_at: before.as_ref().map_or(now, |b| b.created_at),
        updated_at: now,
    };
    if !templates::save(tx.conn(), &template).await? {
        return Err(Error::Conflict("the channel has a template of this name in this language already".into()));
    }
    let action = if before.is_some() { "template.edit" } else { "template.add" };
    let changes = crate::staff::difference(before.as_ref(), Some(&template));
    audit(tx.conn(), now, by, action, ("message_template", template.id.0), changes).await?;
    tx.commit().await?;
    Ok(template)
}

/// Removes a template. What was sent with it stays.
pub async fn remove(app: &App, by: &By, id: TemplateId) -> Result<()> {
    let mut tx = app.begin().await?;
    let found = templates::find(tx.conn(), by.org, id).await?.ok_or(Error::NotFound("template"))?;
    templates::delete(tx.conn(), by.org, id).await?;
    let changes = json!({"name": [found.name, null]});
    audit(tx.conn(), app.now(), by, "template.remove", ("message_template", id.0), changes).await?;
    tx.commit().await
}

/// Sends a template to the customer, as a message of the agent's.
pub async fn send_template(app: &App, by: &By, id: ConversationId, new: FilledTemplate) -> Result<Message> {
    by.person()?;
    let mut reader = app.read().await?;
    let conversation = super::found(reader.conn(), by, id).await?;
    let template = templates::find(reader.conn(), by.org, new.template_id).await?;
    let template = template.filter(|t| t.channel_id == conversation.channel_id).ok_or(Error::NotFound("template"))?;
    drop(reader);
    // As platforms want values: one line each.
    let values: Vec<String> = new.values.iter().map(|v| v.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let wanted = variables(&template.body)?;
    if values.len() != wanted || values.iter().any(String::is_empty) {
        return Err(Error::Invalid(format!("values: {wanted}, none of them empty")));
    }
    let text = fill(&template.body, &values);
    if text.chars().count() > BODY_LIMIT {
        return Err(Error::Invalid(format!("values: the whole text has at most {BODY_LIMIT} characters")));
    }
    let message = AgentMessage {
        text,
        version: new.version,
        choices: Vec::new(),
        file: None,
        reply_to: None,
        body: Some(Body::Template { name: template.name, language: template.language, values }),
        idempotency_key: new.idempotency_key,
    };
    send::send(app, by, id, message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_without_gaps() {
        for (body, expected) in [
            ("Hello", Some(0)),
            ("Hello {{1}}", Some(1)),
            ("{{2}}, {{ 1 }} and {{2}}", Some(2)),
            ("Hello {{2}}", None),
            ("Hello {{name}}", None),
            ("Hello {{0}}", None),
            ("您好 {{1}}，订单 {{2}} 已发货。", Some(2)),
            ("a {{ b", Some(0)),
        ] {
            assert_eq!(variables(body).ok(), expected, "{body}");
        }
    }

    #[test]
    fn a_value_stands_where_its_number_stood() {
        let values = ["Ana".to_string(), "{{1}}".to_string()];
        assert_eq!(fill("Hello {{1}}: {{2}}, {{ 1 }}!", &values), "Hello Ana: {{1}}, Ana!");
        assert_eq!(fill("{{1", &values), "{{1");
    }

    #[test]
    fn a_template_is_called_as_at_the_platform() {
        let new = |name: &str, language: &str, body: &str| {
            let channel_id = ChannelId::new();
            NewTemplate { channel_id, name: name.into(), language: language.into(), body: body.into() }.checked()
        };
        assert!(new("order_update", "en_US", "Your order {{1}} is on its way.").is_ok());
        assert!(new("Order Update", "en_US", "x").is_err());
        assert!(new("order", "english!", "x").is_err());
        assert!(new("order", "en", "   ").is_err());
    }
}
