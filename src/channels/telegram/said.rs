//! What a Telegram message says, piece by piece.

use serde_json::Value;

use crate::channels::{gateway, text_at};

/// What stands around every message; the rest is what it says.
const AROUND: [&str; 11] = [
    "message_id",
    "message_thread_id",
    "is_topic_message",
    "from",
    "sender_chat",
    "chat",
    "date",
    "via_bot",
    "reply_to_message",
    "external_reply",
    "media_group_id",
];

/// Who wrote it, by their names or how they are addressed.
pub(super) fn name(from: Option<&Value>) -> Option<String> {
    let of = |n: &str| from.and_then(|f| gateway::of(f, &[n]));
    let full: Vec<String> = [of("first_name"), of("last_name")].into_iter().flatten().collect();
    let full = full.join(" ");
    if full.trim().is_empty() { of("username") } else { Some(full) }
}

/// The text or caption of a message, with the addresses that stand behind its words.
pub(super) fn words(m: &Value) -> String {
    let mut words = text_at(m, "/text").or_else(|| text_at(m, "/caption")).unwrap_or_default().into_owned();
    let entities = ["entities", "caption_entities"].iter().filter_map(|name| m.get(*name)?.as_array()).flatten();
    for address in entities.filter_map(|entity| text_at(entity, "/url")) {
        if !words.contains(&*address) {
            words = format!("{words}\n{address}");
        }
    }
    words
}

/// With what somebody opened the chat, perhaps nothing; `None`: they wrote something.
/// <https://core.telegram.org/bots/features#deep-linking>
pub(super) fn started(text: &str) -> Option<&str> {
    let (command, scene) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let is_start = command.split('@').next() == Some("/start");
    let is_scene = scene.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (is_start && is_scene).then_some(scene)
}

/// A place, with what is there.
pub(super) fn named(place: &Value, venue: Option<&Value>) -> Value {
    let mut place = place.clone();
    if let (Some(fields), Some(venue)) = (place.as_object_mut(), venue) {
        for (ours, theirs) in [("name", "title"), ("address", "address")] {
            fields.extend(venue.get(theirs).map(|value| (ours.to_string(), value.clone())));
        }
    }
    place
}

/// What a message says that we have no word for.
pub(super) fn said(m: &Value) -> Value {
    let fields = m.as_object().into_iter().flatten().filter(|(name, _)| !AROUND.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}
