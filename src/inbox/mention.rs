//! Colleagues who are named in a private note are told.

use super::Conversation;
use crate::{
    app::UserId,
    platform::{Result, db::Conn},
    staff::{self, Audience, News},
};

/// Whom `text` names: `@` and a name without its spaces, as the console writes it. The longest name counts, so that
/// `@Ana` is not An; after a Chinese name anything may follow.
fn named<'a>(text: &str, people: &'a [(UserId, String)]) -> Vec<&'a UserId> {
    let compact = |name: &str| name.split_whitespace().collect::<String>().to_lowercase();
    let names: Vec<(&UserId, String)> = people.iter().map(|(id, name)| (id, compact(name))).collect();
    let text = text.to_lowercase();
    let mut found = Vec::new();
    for (at, _) in text.match_indices('@') {
        let rest = text.get(at + 1..).unwrap_or_default();
        let is_whole = |name: &str| {
            let next = rest.get(name.len()..).and_then(|after| after.chars().next());
            let ends_in_letter = name.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
            let goes_on = ends_in_letter && next.is_some_and(|c| c.is_ascii_alphanumeric());
            !name.is_empty() && !goes_on
        };
        let longest = names.iter().filter(|(_, name)| rest.starts_with(name.as_str()) && is_whole(name));
        if let Some((id, _)) = longest.max_by_key(|(_, name)| name.len())
            && !found.contains(id)
        {
            found.push(*id);
        }
    }
    found
}

/// Tells who is named in a note, but its author. Returns whom; to be passed to [`staff::tell`] after the commit.
pub(super) async fn notify(
    mut c: Conn<'_>,
    of: &Conversation,
    author: UserId,
    text: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Vec<UserId>> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let people = staff::active_names(c.again(), of.org_id).await?;
    let mut told = Vec::new();
    let by = people.iter().find(|(id, _)| *id == author).map_or("A colleague", |(_, name)| name.as_str());
    let title = format!("{by} mentioned you: {}", of.customer_name);
    for user in named(text, &people).into_iter().filter(|user| **user != author) {
        let news = News { kind: "mentioned", title: &title, content: None, resource: Some(("conversation", of.id.0)) };
        told.extend(staff::notify(c.again(), of.org_id, Audience::One(*user), news, now).await?);
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_is_meant_and_each_is_told_once() {
        let people: Vec<(UserId, String)> =
            ["An", "Ana Maria", "小李", "李明"].iter().map(|n| (UserId::new(), (*n).to_string())).collect();
        let names = |text: &str| -> Vec<&str> {
            let found = named(text, &people);
            found.iter().map(|id| people.iter().find(|(p, _)| p == *id).unwrap().1.as_str()).collect()
        };
        assert_eq!(names("@anamaria please, and @小李请看 @AnaMaria"), ["Ana Maria", "小李"]);
        assert_eq!(names("@An, look"), ["An"]);
        assert_eq!(names("@Anatol or ana@example.com or @"), [""; 0]);
        assert_eq!(names("@李明@小李"), ["李明", "小李"]);
    }
}
