//! Where one sentence ends and the next begins, in Chinese and English, in prose, lists and tables.

use std::ops::Range;

use super::language::is_han;

/// What a sentence is within its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Prose,
    /// Names what follows; answers nothing by itself.
    Heading,
    /// Ends with a colon: what follows belongs to it.
    LeadIn,
    Item,
    /// The first row of a table, naming its columns.
    HeaderRow,
    Row,
}

/// One sentence of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Its place, in bytes.
    pub range: Range<usize>,
    pub shape: Shape,
    /// The sentence that gives it its sense: a row's header row, an item's lead-in, the heading above.
    pub under: Option<usize>,
}

/// The sentences of a text in order, trimmed; empty lines and table rulers are left out.
pub fn split(text: &str) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = Vec::new();
    let (mut heading, mut lead_in, mut header_row) = (None, None, None);
    for line in lines(text) {
        let content = text.get(line.clone()).unwrap_or_default().trim();
        let from = sentences.len();
        let mut ranges = Vec::new();
        split_line(text, line, &mut ranges);
        let is_row = content.starts_with('|');
        let is_item = !is_row && !content.starts_with(['#', '>']) && is_block(content) && !is_bold_line(content);
        if !is_row && !content.is_empty() {
            header_row = None;
        }
        if !is_item && !content.is_empty() {
            lead_in = None;
        }
        let last = ranges.len().saturating_sub(1);
        for (i, range) in ranges.into_iter().enumerate() {
            let at = from + i;
            let written = text.get(range.clone()).unwrap_or_default();
            let (shape, under) = if is_row {
                match header_row {
                    Some(row) => (Shape::Row, Some(row)),
                    None => {
                        header_row = Some(at);
                        (Shape::HeaderRow, heading)
                    }
                }
            } else if content.starts_with('#') || is_bold_line(content) {
                heading = Some(at);
                (Shape::Heading, None)
            } else if is_item {
                (Shape::Item, lead_in.or(heading))
            } else if i == last && written.ends_with([':', '：']) {
                lead_in = Some(at);
                (Shape::LeadIn, heading)
            } else {
                (Shape::Prose, heading)
            };
            sentences.push(Sentence { range, shape, under });
        }
    }
    sentences
}

/// Whether a line is bold from end to end: a heading in all but name.
fn is_bold_line(line: &str) -> bool {
    line.strip_prefix("**")
        .and_then(|rest| rest.strip_suffix("**"))
        .is_some_and(|inner| !inner.contains("**") && !inner.ends_with(['.', '。', '!', '！']))
}

/// Paragraph lines: a line broken in the middle of a sentence is joined with the next.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let previous = joined.last().and_then(|r| text.get(r.clone())).unwrap_or_default();
        match joined.last_mut() {
            Some(last) if continues(previous, line) => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// Whether `line` goes on with the sentence that `previous` left open.
fn continues(previous: &str, line: &str) -> bool {
    let previous = previous.rsplit('\n').find(|l| !l.is_empty()).unwrap_or(previous).trim();
    if previous.is_empty() || line.trim().is_empty() || is_block(previous) || is_block(line) {
        return false;
    }
    match (previous.chars().next_back(), line.chars().next()) {
        (Some(last), Some(first)) if first.is_lowercase() => last.is_alphanumeric() || matches!(last, ',' | ';' | '-'),
        // A short Chinese line without a full stop is a heading, a long one was wrapped.
        (Some(last), Some(first)) if is_han(first) => {
            (is_han(last) || matches!(last, '，' | '、')) && previous.chars().count() >= 24
        }
        _ => false,
    }
}

/// Whether a line stands for itself: a heading, a list entry, a row of a table.
pub fn is_block(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['#', '|', '>', '•', '·', '●', '▪', '○', '*', '-', '+', '–']) || is_numbered(line)
}

/// Whether a line begins like "1.", "2)", "（三）", "一、".
fn is_numbered(line: &str) -> bool {
    let bare = line.trim_start_matches(['(', '（']);
    let digits = bare.len() - bare.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = match digits {
        1..=2 => bare.get(digits..).unwrap_or_default(),
        _ => {
            let numerals = bare.trim_start_matches(['一', '二', '三', '四', '五', '六', '七', '八', '九', '十']);
            if numerals.len() == bare.len() {
                return false;
            }
            numerals
        }
    };
    let mut following = rest.chars();
    matches!((following.next(), following.next()), (Some('、' | '）' | ')' | '．'), _) | (Some('.'), Some(' ') | None))
}

fn split_line(text: &str, line: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let content = text.get(line.clone()).unwrap_or_default();
    if content.trim_start().starts_with('|') {
        if content.contains(|c: char| c.is_alphanumeric()) {
            push(text, line, sentences);
        }
        return;
    }
    let mut start = line.start;
    let mut at = line.start;
    while let Some(c) = text.get(at..line.end).and_then(|rest| rest.chars().next()) {
        let mut next = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' | '!' | '?' | '…' => {
                c != '!' && c != '?'
                    || text.get(next..line.end).is_none_or(|rest| !rest.starts_with(char::is_alphanumeric))
            }
            '.' => is_full_stop(text, start, at, line.end),
            _ => false,
        };
        if ends {
            // Closing quotes and brackets belong to the sentence, as do repeated marks.
            while let Some(more) = text.get(next..line.end).and_then(|rest| rest.chars().next()).filter(|c| {
                matches!(
                    c,
                    '”' | '’'
                        | '」'
                        | '』'
                        | '）'
                        | ')'
                        | ']'
                        | '】'
                        | '"'
                        | '\''
                        | '。'
                        | '！'
                        | '？'
                        | '!'
                        | '?'
                        | '.'
                        | '…'
                )
            }) {
                next += more.len_utf8();
            }
            push(text, start..next, sentences);
            start = next;
        }
        at = next;
    }
    push(text, start..line.end, sentences);
}

fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let Some(content) = text.get(range.clone()) else { return };
    let start = range.start + (content.len() - content.trim_start().len());
    let end = range.start + content.trim_end().len();
    if start < end && content.contains(char::is_alphanumeric) {
        sentences.push(start..end);
    } else if start < end
        && let Some(last) = sentences.last_mut().filter(|last| last.end == start)
    {
        last.end = end;
    }
}

/// Words before whose full stop a sentence rarely ends.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "st", "no", "vs", "e.g", "i.e", "eg", "ie", "cf", "al", "fig", "approx", "dept",
    "est", "gen", "gov", "sen", "rep", "col", "lt", "sgt", "capt", "rev", "hon", "jr", "sr", "jan", "feb", "mar",
    "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "inc", "ltd", "co", "corp", "vol", "pp", "art",
    "sec", "ext", "tel", "min", "max", "c", "ca",
];

fn is_full_stop(text: &str, start: usize, at: usize, end: usize) -> bool {
    let mut after = text.get(at + 1..end).unwrap_or_default().chars();
    let next = after.next();
    match next {
        None => return true,
        Some(c) if is_han(c) => return true,
        Some('"' | '”' | '’' | ')' | ']' | '\'') => {}
        Some(c) if c.is_whitespace() => {}
        // "lasts.[12] Then": a reference glued to the full stop.
        Some('[') => {
            return text
                .get(at + 1..end)
                .and_then(|r| r.split_once(']'))
                .is_some_and(|(_, rest)| rest.starts_with(' '));
        }
        _ => return false,
    }
    let follows = text.get(at + 1..end).unwrap_or_default().trim_start_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '”' | '’' | ')' | ']' | '\'' | '(' | '“' | '‘')
    });
    if follows.chars().next().is_some_and(char::is_lowercase) {
        return false;
    }
    let before = text.get(start..at).unwrap_or_default();
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '“')).next().unwrap_or_default();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let is_acronym = word.contains('.') && word.split('.').all(|p| p.chars().count() == 1);
    let numbers_a_list = before.trim().len() <= 2 && before.trim().bytes().all(|b| b.is_ascii_digit());
    !(is_initial
        || (is_acronym && !follows.is_empty())
        || numbers_a_list
        || ABBREVIATIONS.contains(&word.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|s| &text[s.range]).collect()
    }

    #[test]
    fn prose_is_split_at_full_stops_only() {
        assert_eq!(
            parts("Dr. Wu pays $3.50 to J. Smith, e.g. by card. It takes 5 days! Really?"),
            ["Dr. Wu pays $3.50 to J. Smith, e.g. by card.", "It takes 5 days!", "Really?"]
        );
        assert_eq!(
            parts("退款三个工作日到账。“好的。”他说！如有问题，请拨400-800-1234。"),
            ["退款三个工作日到账。", "“好的。”", "他说！", "如有问题，请拨400-800-1234。"]
        );
        assert_eq!(parts("See example.com/a.html. Next"), ["See example.com/a.html.", "Next"]);
        assert_eq!(parts("He said \"Stop.\" Then left."), ["He said \"Stop.\"", "Then left."]);
    }

    #[test]
    fn lists_tables_and_headings_stand_for_themselves() {
        assert_eq!(
            parts("# Refunds\n- Cards: 5 days\n- Cash: 1. day\n\n| A | B |\n|---|---|\n| 1 | 2 |\n"),
            ["# Refunds", "- Cards: 5 days", "- Cash: 1. day", "| A | B |", "| 1 | 2 |"]
        );
        assert_eq!(parts("1. Open the app\n2. Tap Pay"), ["1. Open the app", "2. Tap Pay"]);
        assert_eq!(parts("退款政策\n七天内可以退款"), ["退款政策", "七天内可以退款"]);
    }

    #[test]
    fn sentences_know_what_they_stand_under() {
        let text = "## Fees\nWe charge:\n- Thailand: 90\n\n| Zone | Fee |\n|---|---|\n| A | 5 |\n\nThat is all.";
        let found: Vec<_> = split(text).into_iter().map(|s| (s.shape, s.under)).collect();
        assert_eq!(
            found,
            [
                (Shape::Heading, None),
                (Shape::LeadIn, Some(0)),
                (Shape::Item, Some(1)),
                (Shape::HeaderRow, Some(0)),
                (Shape::Row, Some(3)),
                (Shape::Prose, Some(0)),
            ]
        );
    }

    #[test]
    fn a_line_wrapped_within_a_sentence_goes_on() {
        assert_eq!(parts("The refund takes\nfive days. Done."), ["The refund takes\nfive days.", "Done."]);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_in_order_and_within(text in "(\\PC|[.。\\n |#-]){0,60}") {
            let mut end = 0;
            for Sentence { range, .. } in split(&text) {
                proptest::prop_assert!(range.start >= end && text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
