//! A message of an agent in other words, or in another language.

use serde::Deserialize;
use utoipa::ToSchema;

use super::{LANGUAGES, Reworded, ask, unproven};
use crate::{
    app::{App, ConversationId},
    inbox,
    platform::{Error, Result, language::Language},
    staff::By,
};

/// How a message should sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Shorter,
    Friendlier,
    Formal,
}

impl Tone {
    fn word(self) -> &'static str {
        match self {
            Self::Shorter => "shorter",
            Self::Friendlier => "friendlier",
            Self::Formal => "formal",
        }
    }
}

/// The longest text, in characters: what a model's answer holds.
const TEXT_LIMIT: usize = 4000;

fn checked(text: &str) -> Result<&str> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err(Error::Invalid("the text is empty".into())),
        1..=TEXT_LIMIT => Ok(text),
        _ => Err(Error::Invalid(format!("the text is too long: at most {TEXT_LIMIT} characters"))),
    }
}

fn has_model(app: &App) -> Result<()> {
    if app.model.can_chat() {
        return Ok(());
    }
    Err(Error::Conflict("rewriting and translating need a language model, and none is set up".into()))
}

/// What went missing and what came in between `from` and `to`.
fn compared(from: &str, to: String) -> Reworded {
    let mut differs = unproven(from, &to);
    for words in unproven(&to, from) {
        if !differs.contains(&words) {
            differs.push(words);
        }
    }
    Reworded { text: to, differs }
}

/// Words an agent's text differently, in its own language.
pub async fn reword(app: &App, by: &By, id: ConversationId, text: &str, tone: Tone) -> Result<Reworded> {
    let text = checked(text)?;
    let conversation = inbox::open_for(app, by, id).await?.conversation;
    has_model(app)?;
    let language = Language::detect(text).unwrap_or_default();
    let prompt = app.prompts.reword(language, tone.word(), text)?;
    Ok(compared(text, ask(app, &conversation, "reword", prompt).await?))
}

/// Translates a text into the language of this code.
pub async fn translate(app: &App, by: &By, id: ConversationId, text: &str, to: &str) -> Result<Reworded> {
    let text = checked(text)?;
    let conversation = inbox::open_for(app, by, id).await?.conversation;
    let known = LANGUAGES.iter().find(|(code, ..)| code.eq_ignore_ascii_case(to));
    let (code, english, chinese) = known.ok_or_else(|| {
        let codes: Vec<&str> = LANGUAGES.iter().map(|(code, ..)| *code).collect();
        Error::Invalid(format!("to: one of {}", codes.join(", ")))
    })?;
    has_model(app)?;
    let prompt = match code.starts_with("zh") {
        true => app.prompts.translate(Language::Zh, chinese, text)?,
        false => app.prompts.translate(Language::En, english, text)?,
    };
    Ok(compared(text, ask(app, &conversation, "translate", prompt).await?))
}
