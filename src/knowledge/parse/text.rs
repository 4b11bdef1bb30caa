//! Plain text and Markdown, cleaned.

use super::{Parsed, Part};

/// Plain text.
pub(super) fn plain(text: &str) -> Parsed {
    Parsed { title: None, parts: vec![Part::Text(clean(text))] }
}

/// Markdown; a title in its front matter is taken out.
pub(super) fn markdown(text: &str) -> Parsed {
    let text = clean(text);
    let (title, body) = front_matter(&text);
    Parsed { title, parts: vec![Part::Markdown(clean(&without_comments(body)))] }
}

/// Markdown without its comments, which no reader of the document sees: `<!-- … -->` and `[//]: # (…)`.
fn without_comments(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        shown.push_str(before);
        // One that is never closed hides nothing.
        let Some((_, after)) = comment.split_once("-->") else {
            shown.push_str("<!--");
            rest = comment;
            break;
        };
        rest = after;
    }
    shown.push_str(rest);
    let is_comment = |line: &str| line.starts_with("[//]:") || line.starts_with("[comment]:");
    let lines: Vec<&str> = shown.split('\n').filter(|line| !is_comment(line)).collect();
    lines.join("\n")
}

/// The title that front matter gives, and the text after it.
fn front_matter(text: &str) -> (Option<String>, &str) {
    let Some((matter, body)) = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) else {
        return (None, text);
    };
    // Front matter is keys with values; otherwise the lines are two rules with text between.
    if !matter.lines().all(|l| l.trim().is_empty() || l.contains(':') || l.starts_with([' ', '-', '#'])) {
        return (None, text);
    }
    let title = matter.lines().find_map(|l| l.strip_prefix("title:")).map(|t| t.trim().trim_matches(['"', '\'']));
    (title.filter(|t| !t.is_empty()).map(String::from), body)
}

/// One kind of line end, no invisible characters, no trailing spaces, at most one empty line in a row.
pub(in crate::knowledge) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 1;
    for line in text.split('\n').flat_map(|l| l.split(['\r', '\u{2028}', '\u{2029}', '\u{0C}'])) {
        let start = out.len();
        for c in line.trim_end().chars() {
            match c {
                '\t' => out.push('\t'),
                '\u{A0}' | '\u{2007}' | '\u{202F}' => out.push(' '),
                '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' => {
                }
                c if c.is_control() => {}
                c => out.push(c),
            }
        }
        if out.len() == start {
            empty += 1;
            if empty > 1 {
                continue;
            }
        } else {
            empty = 0;
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_removes_what_nobody_sees() {
        assert_eq!(clean("\u{FEFF}a\u{A0}b\u{200B}c \r\n\r\n\r\n\r\nd\u{0}e\u{0C}f\n\n"), "a bc\n\nde\nf");
    }

    #[test]
    fn comments_are_not_read() {
        let parsed = markdown("a <!-- hidden\nand on --> b\n[//]: # (hidden)\nc <!-- open");
        assert_eq!(parsed.parts, vec![Part::Markdown("a  b\nc <!-- open".into())]);
    }

    #[test]
    fn front_matter_gives_the_title() {
        let parsed = markdown("---\ntitle: \"Returns\"\ntags: [a]\n---\n\n# One\n");
        assert_eq!(parsed.title.as_deref(), Some("Returns"));
        assert_eq!(parsed.parts, vec![Part::Markdown("# One".into())]);
        assert_eq!(markdown("---\nA sentence\n---\nB").title, None);
    }
}
