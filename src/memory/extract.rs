//! Asks the model, where there is one, for facts that the rules did not see. What it names counts only if it stands in
//! the message word for word and the same gate lets it through.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Fact, Kind, read};
use crate::{
    app::App,
    platform::{
        language::Language,
        model::{ChatRequest, Message},
        prompts::Line,
    },
};

/// How many messages the model reads at once, the latest.
const MESSAGES: usize = 12;

#[derive(Deserialize)]
struct Noticed {
    message: usize,
    kind: String,
    value: String,
}

/// What a model may name: not promises (the rules read those from our own words) and no notes without a kind.
fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().filter(|k| !matches!(k, Kind::Note | Kind::Promise)).map(|k| k.word()).collect()
}

/// The facts in `texts` that a model notices: with the place of the text each stands in. Only texts that tell something
/// are shown, so that a question costs nothing; a model that fails costs nothing but its call.
pub(super) async fn extract(app: &App, texts: &[&str], language: Language) -> Vec<(usize, Fact)> {
    let shown: Vec<usize> = (0..texts.len()).filter(|i| texts.get(*i).is_some_and(|t| read::may_tell(t))).collect();
    let shown = shown.get(shown.len().saturating_sub(MESSAGES)..).unwrap_or_default();
    if shown.is_empty() || !app.model.can_chat() {
        return Vec::new();
    }
    let lines: Vec<Line> =
        shown.iter().filter_map(|i| Some(Line { by: "customer", text: (*texts.get(*i)?).to_owned() })).collect();
    let Ok(prompt) = app.prompts.remember(language, &lines, &kinds()) else { return Vec::new() };
    let request = ChatRequest {
        purpose: "remember",
        system: prompt.system,
        messages: vec![Message::user(prompt.user)],
        schema: Some(("memory", schema())),
        max_tokens: app.model.answer_tokens().min(400),
    };
    let noticed = match app.model.chat(&request).await {
        Ok(reply) => reply.json.and_then(|json| json.get("facts").cloned()),
        Err(error) => {
            tracing::warn!(error = %error.chain(), "learning by rules alone");
            None
        }
    };
    let listed = noticed.and_then(|facts| serde_json::from_value::<Vec<Value>>(facts).ok()).unwrap_or_default();
    listed
        .into_iter()
        .filter_map(|one| serde_json::from_value::<Noticed>(one).ok())
        .filter_map(|one| {
            let kind = Kind::of(&one.kind).filter(|k| !matches!(k, Kind::Note | Kind::Promise))?;
            let place = *shown.get(one.message.checked_sub(1)?)?;
            Some((place, read::admit(texts.get(place)?, kind, &one.value)?))
        })
        .collect()
}

fn schema() -> Value {
    let fact = json!({
        "type": "object",
        "properties": {
            "message": {"type": "integer", "description": "the number of the message"},
            "kind": {"type": "string", "enum": kinds()},
            "value": {"type": "string", "description": "words copied from that message"},
        },
        "required": ["message", "kind", "value"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {"facts": {"type": "array", "items": fact}},
        "required": ["facts"],
        "additionalProperties": false,
    })
}
