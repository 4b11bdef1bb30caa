//! Writes a draft from the evidence: the chat model when there is one that answers, else the extractive answerer.

use serde::Deserialize;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

use super::{Citation, Draft, DraftFrom, DraftKind, Question, Said, Sentence, Speaker, extract};
use crate::{
    app::App,
    knowledge::{Evidence, SourceId},
    platform::{
        error::{Error, Result},
        language::is_han,
        model::{ChatRequest, Failed, Message, ModelCall, tokens},
        prompts::{Line, Prompt, Shown},
    },
};

/// A draft, and what the model was asked for it.
#[derive(Debug, Clone)]
pub struct Written {
    pub draft: Draft,
    /// The call's trace, whether it succeeded or not; `None` when the model was not asked.
    pub call: Option<ModelCall>,
}

/// Drafts a reply to `question` from `evidence`, best first. `memories` help to understand the customer and prove
/// nothing. A model that is dead, slow or talks garbage costs its time-out at most: the draft then quotes, and says why.
pub async fn write(app: &App, question: &Question, evidence: &Evidence, memories: &[String]) -> Result<Written> {
    let sources = sources(evidence);
    // Without evidence there is nothing that a model could prove.
    if !question.model(app).can_chat() || sources.is_empty() {
        return Ok(Written { draft: extract::answer(question, evidence), call: None });
    }
    let (because, call) = match ask(app, question, &sources, memories).await {
        Ok((draft, call)) => return Ok(Written { draft, call: Some(call) }),
        Err(error) => match Failed::of(&error) {
            Some(failed) => (failed.failure.word(), Some(failed.call.clone())),
            None => {
                tracing::error!(cause = error.chain(), "no draft by the model");
                ("internal", None)
            }
        },
    };
    let mut draft = extract::answer(question, evidence);
    draft.from = DraftFrom::Extractive { because: Some(because.to_owned()) };
    Ok(Written { draft, call })
}

/// What the model may cite: the FAQs, then the passages, each text once. A citation's number is the place here.
fn sources(evidence: &Evidence) -> Vec<(SourceId, Shown)> {
    let faqs = evidence.faqs.iter().map(|f| (f.source, Shown { title: f.question.clone(), text: f.answer.clone() }));
    let passages = evidence
        .passages
        .iter()
        .filter(|f| !f.is_duplicate)
        .map(|f| (SourceId::Passage(f.passage.id), Shown { title: f.headline(), text: f.passage.content.clone() }));
    let mut all: Vec<(SourceId, Shown)> = Vec::new();
    for (id, shown) in faqs.chain(passages) {
        if all.iter().all(|(known, _)| *known != id) {
            all.push((id, shown));
        }
    }
    all
}

async fn ask(
    app: &App,
    question: &Question,
    sources: &[(SourceId, Shown)],
    memories: &[String],
) -> Result<(Draft, ModelCall)> {
    let shown: Vec<Shown> = sources.iter().map(|(_, shown)| shown.clone()).collect();
    let prompt = prompt(app, question, &shown, memories)?;
    let request = ChatRequest {
        purpose: "answer",
        system: prompt.system,
        messages: vec![Message::user(prompt.user)],
        schema: Some(("reply", schema())),
        max_tokens: question.model(app).answer_tokens(),
    };
    let reply = question.model(app).chat(&request).await?;
    let from = DraftFrom::Model { name: reply.model, prompt_version: prompt.version };
    match reply.json.and_then(|json| read(json, question, sources, from)) {
        Some(draft) => Ok((draft, reply.call)),
        None => Err(Error::from(reply.call.not_usable())),
    }
}

/// Fills the prompt with what fits: the latest words of the conversation, then the best sources, then older words and
/// memories.
fn prompt(app: &App, question: &Question, shown: &[Shown], memories: &[String]) -> Result<Prompt> {
    let history = lines(&question.history);
    let prompts = question.prompts(app);
    let bare = prompts.answer(question.language, &question.text, &[], &[], &[])?;
    let latest: Vec<&str> = history.iter().rev().map(|l| l.text.as_str()).collect();
    let (now, before) = latest.split_at(latest.len().min(2));
    let texts: Vec<String> = shown.iter().map(|s| format!("{}\n{}", s.title, s.text)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let remembered: Vec<&str> = memories.iter().map(String::as_str).collect();
    let budget = question.model(app).context_tokens();
    let fits = tokens::fit(budget, &[&bare.system, &bare.user], &[now, &texts, before, &remembered]);
    let [now, sources, before, memories_kept] = fits.try_into().unwrap_or_default();
    // The best source is shown even where a setting leaves no room for it: without it there is nothing to answer.
    let shown = shown.get(..sources.max(1)).unwrap_or(shown);
    let kept = history.get(history.len().saturating_sub(now + before)..).unwrap_or_default();
    prompts.answer(question.language, &question.text, shown, memories.get(..memories_kept).unwrap_or_default(), kept)
}

/// The conversation as prompts show it.
pub fn lines(history: &[Said]) -> Vec<Line> {
    history
        .iter()
        .map(|said| Line {
            by: match said.by {
                Speaker::Customer => "customer",
                Speaker::Assistant => "assistant",
                Speaker::Agent => "agent",
            },
            text: said.text.clone(),
        })
        .collect()
}

fn schema() -> Value {
    let citation = json!({
        "type": "object",
        "properties": {
            "passage": {"type": "integer", "description": "the number of the passage"},
            "quote": {"type": "string", "description": "words copied from that passage"},
        },
        "required": ["passage", "quote"],
        "additionalProperties": false,
    });
    let sentence = json!({
        "type": "object",
        "properties": {"text": {"type": "string"}, "citations": {"type": "array", "items": citation}},
        "required": ["text", "citations"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["answer", "clarify", "cannot_answer"]},
            "sentences": {"type": "array", "items": sentence},
        },
        "required": ["kind", "sentences"],
        "additionalProperties": false,
    })
}

/// A reply as models write it when no schema holds them.
#[derive(Deserialize)]
struct Reply {
    kind: String,
    #[serde(default)]
    sentences: Value,
}

/// The draft that `json` is; `None` when it is none.
fn read(json: Value, question: &Question, sources: &[(SourceId, Shown)], from: DraftFrom) -> Option<Draft> {
    let reply: Reply = serde_json::from_value(json).ok()?;
    let kind = match reply.kind.trim().to_lowercase().as_str() {
        "answer" => DraftKind::Answer,
        "clarify" => DraftKind::Clarify,
        "cannot_answer" => DraftKind::CannotAnswer,
        _ => return None,
    };
    let listed = match &reply.sentences {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let mut sentences: Vec<Sentence> = listed.iter().filter_map(|value| sentence(value, sources)).collect();
    match kind {
        DraftKind::Answer | DraftKind::Clarify if sentences.is_empty() => return None,
        DraftKind::Answer => {}
        DraftKind::Clarify => sentences.iter_mut().for_each(|s| s.citations.clear()),
        // What it says of not knowing is said in our own words.
        DraftKind::CannotAnswer => sentences.clear(),
    }
    let answerable = match kind {
        DraftKind::Answer => Some(true),
        DraftKind::Clarify => None,
        DraftKind::CannotAnswer => Some(false),
    };
    Some(Draft { sentences, language: question.language, kind, from, answerable })
}

fn sentence(value: &Value, sources: &[(SourceId, Shown)]) -> Option<Sentence> {
    let raw = value.as_str().or_else(|| value.get("text")?.as_str())?;
    let text = without_marks(legible(raw).trim());
    if text.is_empty() {
        return None;
    }
    let starts_line = raw.trim_start_matches([' ', '\t']).starts_with('\n');
    let text = if starts_line { format!("\n{text}") } else { text };
    let listed = value.get("citations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut citations: Vec<Citation> = Vec::new();
    for citation in listed.iter().filter_map(|c| citation(c, sources)) {
        if !citations.contains(&citation) {
            citations.push(citation);
        }
    }
    Some(Sentence { text, citations })
}

/// The citation that `value` is. One of a passage that was never shown is none: nothing stands behind it. A quote under
/// the wrong number is put under the one where it stands, since models miscount more often than they invent.
fn citation(value: &Value, sources: &[(SourceId, Shown)]) -> Option<Citation> {
    let number = match value.get("passage").unwrap_or(value) {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok(),
        _ => None,
    };
    let quote = value.get("quote").and_then(Value::as_str).unwrap_or_default().trim();
    let cited = number.and_then(|n| sources.get(usize::try_from(n).ok()?.checked_sub(1)?));
    let wanted = bare(quote);
    let stands_in = |shown: &Shown| bare(&format!("{}{}", shown.title, shown.text)).contains(&wanted);
    let elsewhere = || {
        // A few characters stand everywhere and say nothing about where they were read.
        let mut places = sources.iter().filter(|(_, shown)| wanted.chars().count() >= 4 && stands_in(shown));
        places.next().filter(|_| places.next().is_none())
    };
    let place = match cited {
        Some(found) if stands_in(&found.1) => found,
        Some(found) => elsewhere().unwrap_or(found),
        None => elsewhere()?,
    };
    let (source, shown) = place;
    let words = as_it_stands(quote, &shown.text).or_else(|| as_it_stands(quote, &shown.title));
    Some(Citation { source: *source, quote: words.unwrap_or(quote).to_owned() })
}

/// The run of `text` that has the same letters and digits as `quote`.
fn as_it_stands<'a>(quote: &str, text: &'a str) -> Option<&'a str> {
    let wanted = bare(quote);
    let mut letters = String::new();
    let mut places = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        for lower in c.to_lowercase() {
            letters.push(lower);
            places.extend(std::iter::repeat_n((at, at + c.len_utf8()), lower.len_utf8()));
        }
    }
    let start = letters.find(&wanted).filter(|_| !wanted.is_empty())?;
    let (first, _) = *places.get(start)?;
    let (_, end) = *places.get(start + wanted.len() - 1)?;
    text.get(first..end)
}

/// Letters and digits only: quotes differ in spaces, quotation marks and Markdown.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `text` as a reader sees it: without characters that show nothing, steer the direction of writing or hide a message,
/// and with letters and digits in their plain forms ("𝐟𝐫𝐞𝐞", "⑨", "９"), which is what the proof reads.
fn legible(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        let is_invisible = matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
            | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..);
        match c {
            '\n' | '\t' => plain.push(c),
            c if is_invisible || c.is_control() => {}
            '²' | '³' | '¹' => plain.push(c),
            c if c.is_alphanumeric() && !c.is_ascii() && !is_han(c) => plain.extend(std::iter::once(c).nfkc()),
            c => plain.push(c),
        }
    }
    plain
}

/// `text` without the `[1]`, `[1, 2]` and `【1】` that models add of their own accord.
fn without_marks(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '【']) {
        let (before, from) = rest.split_at(at);
        clean.push_str(before);
        let open = from.chars().next().map_or(0, char::len_utf8);
        let inner = from.get(open..).unwrap_or_default();
        let end = inner.find([']', '】']);
        let mark = end.and_then(|end| inner.get(..end));
        let is_mark = mark.is_some_and(|m| {
            m.chars().any(|c| c.is_ascii_digit()) && m.chars().all(|c| c.is_ascii_digit() || ", ，、".contains(c))
        });
        // "[1](https://…)" is a link.
        let after = end.and_then(|end| inner.get(end..)).map(|a| a.trim_start_matches([']', '】'])).unwrap_or_default();
        if is_mark && !after.starts_with('(') {
            clean.truncate(clean.trim_end_matches(' ').len());
            rest = after;
        } else {
            clean.push_str(from.get(..open).unwrap_or_default());
            rest = inner;
        }
    }
    clean.push_str(rest);
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{OrgId, PassageId};

    fn sources() -> Vec<(SourceId, Shown)> {
        [
            ("Returns", "Goods can be returned **within 30 days** of delivery."),
            ("Shipping", "自签收之日起 30 天内可退货。"),
        ]
        .map(|(title, text)| (SourceId::Passage(PassageId::new()), Shown { title: title.into(), text: text.into() }))
        .to_vec()
    }

    fn draft(json: Value, sources: &[(SourceId, Shown)]) -> Option<Draft> {
        let from = DraftFrom::Model { name: "m".into(), prompt_version: "v".into() };
        read(json, &Question::alone(OrgId::new(), "Can I return it?"), sources, from)
    }

    #[expect(clippy::needless_pass_by_value, reason = "so that cases read well")]
    fn answer(citations: Value) -> Vec<Citation> {
        let sources = sources();
        let json = json!({"kind": "answer", "sentences": [{"text": "Within 30 days.", "citations": citations}]});
        draft(json, &sources).unwrap().sentences.remove(0).citations
    }

    #[test]
    fn the_numbers_of_passages_become_their_ids() {
        let sources = sources();
        let json = json!({"kind": "answer", "sentences": [
            {"text": "Within 30 days.", "citations": [{"passage": 1, "quote": "within 30 days"}]},
            {"text": "\n- Happy to help!", "citations": []},
        ]});
        let draft = draft(json, &sources).unwrap();
        assert_eq!((draft.kind, draft.answerable), (DraftKind::Answer, Some(true)));
        assert_eq!(draft.sentences[0].citations, [Citation { source: sources[0].0, quote: "within 30 days".into() }]);
        assert_eq!(draft.sentences[1], Sentence { text: "\n- Happy to help!".into(), citations: vec![] });
    }

    #[test]
    fn a_citation_of_nothing_is_none_and_a_miscounted_one_is_put_right() {
        assert!(answer(json!([{"passage": 99, "quote": "free for ever"}])).is_empty());
        assert!(answer(json!([{"passage": 0, "quote": ""}, {"passage": -1}, "x", null])).is_empty());
        for citation in [
            json!({"passage": 99, "quote": "within 30 days"}),
            json!({"passage": 2, "quote": "within 30 days"}),
            json!({"passage": "1", "quote": "Within  30 days"}),
            json!({"passage": "[1]", "quote": "returned"}),
            json!({"passage": 1}),
            json!(1),
        ] {
            let sources = sources();
            let json = json!({"kind": "answer", "sentences": [{"text": "Yes.", "citations": [citation]}]});
            let draft = draft(json, &sources).unwrap();
            assert_eq!(draft.sentences[0].citations[0].source, sources[0].0, "{citation}");
        }
        let quote = |quote: &str| answer(json!([{"passage": 1, "quote": quote}])).remove(0).quote;
        assert_eq!(quote("Returned within 30  days"), "returned **within 30 days", "as it stands there");
        assert_eq!(quote("“within 30 days”"), "within 30 days");
        let invented = answer(json!([{"passage": 1, "quote": "free for ever"}]));
        assert_eq!(invented[0].quote, "free for ever", "an invented quote is for the proof to find");
    }

    #[test]
    fn what_is_not_an_answer_is_said_to_be_none() {
        let cannot = draft(json!({"kind": "cannot_answer", "sentences": [{"text": "I don't know."}]}), &[]).unwrap();
        assert_eq!((cannot.kind, cannot.answerable, cannot.sentences.len()), (DraftKind::CannotAnswer, Some(false), 0));
        let clarify =
            draft(json!({"kind": "clarify", "sentences": [{"text": "Which model?", "citations": [1]}]}), &sources());
        assert!(clarify.unwrap().sentences[0].citations.is_empty());
        for garbage in [
            json!({"kind": "answer", "sentences": []}),
            json!({"kind": "answer"}),
            json!({"kind": "answer", "sentences": [{"text": " [1] "}]}),
            json!({"kind": "clarify", "sentences": [{}]}),
            json!({"kind": "haiku", "sentences": [{"text": "Trains."}]}),
            json!({"kind": 3}),
            json!("answer"),
        ] {
            assert_eq!(draft(garbage.clone(), &sources()), None, "{garbage}");
        }
    }

    #[test]
    fn nothing_is_said_that_nobody_sees() {
        for (text, read) in [
            ("re\u{200B}fund\u{E0041}", "refund"),
            ("\u{202E}24\u{202C} months", "24 months"),
            ("𝐟𝐫𝐞𝐞 ⑨ ９", "free 9 9"),
            ("1,5 m² für 退货：免费", "1,5 m² für 退货：免费"),
        ] {
            assert_eq!(legible(text), read);
        }
    }

    #[test]
    fn marks_in_the_text_are_taken_out_and_links_stay() {
        for (text, clean) in [
            ("Within 30 days [1].", "Within 30 days."),
            ("Within 30 days[1, 2]", "Within 30 days"),
            ("30 天内可退【1】。", "30 天内可退。"),
            ("See [1](https://example.com).", "See [1](https://example.com)."),
            ("Press [Enter] [", "Press [Enter] ["),
        ] {
            assert_eq!(without_marks(text), clean);
        }
    }
}
