//! The part of the evidence that a citation may be held to.

use super::letters;
use crate::{knowledge::Evidence, platform::sentences, turn::Citation};

/// The part of the source that a citation may be held to; `None` if there is no such source or its words are not there.
pub(super) fn range(citation: &Citation, evidence: &Evidence) -> Option<String> {
    let (text, _) = evidence.source(citation.source)?;
    let quote = letters(&citation.quote);
    if quote.is_empty() {
        return Some(text);
    }
    if !letters(&text).contains(&quote) {
        return None;
    }
    let parts = sentences::split(&text);
    let words = |at: usize| parts.get(at).and_then(|p| text.get(p.range.clone())).unwrap_or_default();
    // The sentences that the quote touches: it begins in one and may go on over the next.
    let touched: Vec<usize> = (0..parts.len())
        .filter(|at| {
            let own = letters(words(*at));
            !own.is_empty() && (quote.contains(&own) || own.contains(&quote) || overlap(&own, &quote))
        })
        .collect();
    let (Some(first), Some(last)) = (touched.first(), touched.last()) else { return Some(text) };
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
    Some(wanted.into_iter().map(words).collect::<Vec<_>>().join("\n"))
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
