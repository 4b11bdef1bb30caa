//! Makes a question of its own out of one that leans on the conversation ("and for the other one?").

use serde_json::{Value, json};

use super::{Question, draft, rewrite};
use crate::{
    app::App,
    platform::{
        error::Result,
        model::{ChatReply, ChatRequest, Failed, Message, ModelCall},
    },
};

/// What to search for.
#[derive(Debug, Clone)]
pub struct Understood {
    /// The question with the topic of the conversation put in; `None` when it stands alone.
    pub rewritten: Option<String>,
    /// The model's trace, when it was asked.
    pub call: Option<ModelCall>,
}

/// How much of the conversation a follow-up may lean on.
const LATEST: usize = 6;
/// A rewritten question is a question, not an essay.
const LONGEST: usize = 400;

/// Understands `question` in its conversation: by our own rule, which the model improves when it answers. It is asked
/// only about questions that lean on what was said, so that the others don't wait for it.
pub async fn question(app: &App, question: &Question) -> Understood {
    let Some(by_rule) = rewrite::follow_up(&question.text, &question.history) else {
        return Understood { rewritten: None, call: None };
    };
    if !app.model.can_chat() {
        return Understood { rewritten: Some(by_rule), call: None };
    }
    match ask(app, question).await {
        Ok(reply) => {
            let text = reply.json.as_ref().and_then(|j| j.get("question")?.as_str()).map(str::trim).unwrap_or_default();
            let is_usable = !text.is_empty() && text.chars().count() <= LONGEST;
            let rewritten = if is_usable { text.to_owned() } else { by_rule };
            Understood { rewritten: Some(rewritten), call: Some(reply.call) }
        }
        Err(error) => {
            Understood { rewritten: Some(by_rule), call: Failed::of(&error).map(|failed| failed.call.clone()) }
        }
    }
}

async fn ask(app: &App, question: &Question) -> Result<ChatReply> {
    let lines = draft::lines(&question.history);
    let latest = lines.get(lines.len().saturating_sub(LATEST)..).unwrap_or(&lines);
    let prompt = app.prompts.follow_up(question.language, &question.text, latest)?;
    let request = ChatRequest {
        purpose: "follow_up",
        system: prompt.system,
        messages: vec![Message::user(prompt.user)],
        schema: Some(("question", schema())),
        max_tokens: app.config.model.answer_tokens.min(300),
    };
    app.model.chat(&request).await
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"question": {"type": "string"}},
        "required": ["question"],
        "additionalProperties": false,
    })
}
