//! The part of the evidence that a citation may be held to.

use super::{letters, orders::commanded};
use crate::{
    knowledge::Evidence,
    platform::sentences,
    turn::{Citation, SourceId},
};

/// What a citation is held to.
pub(super) struct Range {
    /// The sentences it quotes, their neighbours and headings.
    pub text: String,
    /// The document's own title, which names what it is about. It is whatever the file was called: it proves no claim.
    pub title: String,
}

/// The part of the source that a citation may be held to; `None` if there is no such source, its words are not there, or
/// they command whoever writes the answer.
pub(super) fn range(citation: &Citation, evidence: &Evidence) -> Option<Range> {
    let (text, title) = evidence.source(citation.source)?;
    // An FAQ's question is the company's own sentence.
    let title = if matches!(citation.source, SourceId::Passage(_)) { title } else { "" };
    let body = text.strip_prefix(title).unwrap_or(&text).trim_start_matches([' ', '›']);
    let quote = letters(&citation.quote);
    if !quote.is_empty() && !letters(&text).contains(&quote) {
        return None;
    }
    let parts = sentences::split(body);
    let commanded = commanded(body, &parts);
    let is_command = |at: usize| commanded.get(at) == Some(&true);
    let words = |at: usize| parts.get(at).and_then(|p| body.get(p.range.clone())).unwrap_or_default();
    let joined = |wanted: Vec<usize>| Range {
        text: wanted.into_iter().filter(|at| !is_command(*at)).map(words).collect::<Vec<_>>().join("\n"),
        title: title.to_owned(),
    };
    // The sentences that the quote touches: it begins in one and may go on over the next.
    let touched: Vec<usize> = (0..parts.len())
        .filter(|at| {
            let own = letters(words(*at));
            !own.is_empty() && (quote.contains(&own) || own.contains(&quote) || overlap(&own, &quote))
        })
        .collect();
    if !quote.is_empty() && !touched.is_empty() && touched.iter().all(|at| is_command(*at)) {
        return None;
    }
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else {
        return Some(joined((0..parts.len()).collect()));
    };
    let mut wanted: Vec<usize> = (first.saturating_sub(1)..=last + 1).collect();
    for at in touched {
        let under = parts.get(at).and_then(|p| p.under);
        let above = under.and_then(|u| parts.get(u)).and_then(|p| p.under);
        wanted.extend(under);
        wanted.extend(above);
    }
    wanted.push(0); // the headline
    wanted.sort_unstable();
    wanted.dedup();
    Some(joined(wanted))
}

/// Whether the end of one is the beginning of the other.
fn overlap(own: &str, quote: &str) -> bool {
    const LEAST: usize = 8;
    let ends = |a: &str, b: &str| {
        a.char_indices()
            .any(|(at, _)| at > 0 && a.len() - at >= LEAST && a.get(at..).is_some_and(|tail| b.starts_with(tail)))
    };
    ends(own, quote) || ends(quote, own)
}
