//! The blocks of a text, in order, borrowed from it.

use std::{iter::Peekable, str::Lines};

/// One block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block<'a> {
    Heading {
        level: usize,
        text: String,
    },
    /// Prose, a quotation, a list item with what is indented under it.
    Paragraph(&'a str),
    /// Another item of the list that the block before belongs to.
    Item(&'a str),
    /// Text in fences, the fences included.
    Code(&'a str),
    /// The header with its rule, and the rows.
    Table {
        head: &'a str,
        rows: Vec<&'a str>,
    },
}

/// Walks a text line by line; never recursive, so that depth can't hurt.
pub(super) struct Blocks<'a> {
    text: &'a str,
    lines: Peekable<Lines<'a>>,
    is_markdown: bool,
    in_list: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn of_markdown(text: &'a str) -> Self {
        Self { text, lines: text.lines().peekable(), is_markdown: true, in_list: false }
    }

    pub(super) fn of_text(text: &'a str) -> Self {
        Self { text, lines: text.lines().peekable(), is_markdown: false, in_list: false }
    }

    /// The stretch of the text from the start of `first` to the end of `last`, both being lines of it.
    fn stretch(&self, first: &'a str, last: &'a str) -> &'a str {
        let base = self.text.as_ptr() as usize;
        let from = (first.as_ptr() as usize).saturating_sub(base);
        let to = (last.as_ptr() as usize + last.len()).saturating_sub(base);
        self.text.get(from..to).unwrap_or(first)
    }

    fn code(&mut self, first: &'a str, fence: &'static str) -> Block<'a> {
        let mut last = first;
        for line in self.lines.by_ref() {
            last = line;
            if line.trim_start().starts_with(fence) {
                break;
            }
        }
        Block::Code(self.stretch(first, last))
    }

    fn table(&mut self, header: &'a str) -> Block<'a> {
        let rule = self.lines.next().unwrap_or(header);
        let mut rows = Vec::new();
        while let Some(row) = self.lines.next_if(|l| l.trim_start().starts_with('|')) {
            rows.push(row.trim());
        }
        Block::Table { head: self.stretch(header, rule), rows }
    }

    fn paragraph(&mut self, first: &'a str) -> Block<'a> {
        let is_item = is_item(first);
        let is_markdown = self.is_markdown;
        let mut last = first;
        while let Some(line) = self.lines.next_if(|l| {
            let l = *l;
            !l.trim().is_empty()
                && !(is_markdown && (heading(l).is_some() || fence(l).is_some() || l.starts_with('|')))
                && !is_item_at_margin(l)
        }) {
            if is_markdown && !is_item && last == first && is_underline(line) {
                let level = if line.starts_with('=') { 1 } else { 2 };
                return Block::Heading { level, text: plain(first) };
            }
            last = line;
        }
        let block = self.stretch(first, last);
        if is_item && self.in_list {
            Block::Item(block)
        } else {
            self.in_list = is_item;
            Block::Paragraph(block)
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        loop {
            let line = self.lines.next()?;
            if line.trim().is_empty() || (self.is_markdown && is_rule(line)) || line.starts_with("<!--") {
                continue;
            }
            if !self.is_markdown {
                return Some(self.paragraph(line));
            }
            let was_in_list = self.in_list;
            self.in_list = false;
            if let Some((level, text)) = heading(line) {
                return Some(Block::Heading { level, text });
            }
            if let Some(fence) = fence(line) {
                return Some(self.code(line, fence));
            }
            if line.trim_start().starts_with('|') && self.lines.peek().is_some_and(|l| is_table_rule(l)) {
                return Some(self.table(line));
            }
            self.in_list = was_in_list;
            return Some(self.paragraph(line));
        }
    }
}

/// `## Text` with its level. A `#` without a space is a tag or a number.
fn heading(line: &str) -> Option<(usize, String)> {
    let level = line.len() - line.trim_start_matches('#').len();
    let text = line.get(level..)?;
    if !(1..=6).contains(&level) || !text.starts_with([' ', '\t']) {
        return None;
    }
    let text = plain(text.trim().trim_end_matches('#'));
    (!text.is_empty()).then_some((level, text))
}

/// A heading's text without emphasis and anchors.
fn plain(text: &str) -> String {
    let text = text.split(" {#").next().unwrap_or(text);
    text.replace("**", "").replace("__", "").replace('`', "").trim().to_string()
}

fn fence(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    ["```", "~~~"].into_iter().find(|f| line.starts_with(f))
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && ["-", "*", "_"].iter().any(|c| line.chars().all(|l| l == ' ' || c.starts_with(l)))
}

fn is_underline(line: &str) -> bool {
    line.len() >= 3 && (line.bytes().all(|b| b == b'=') || line.bytes().all(|b| b == b'-'))
}

fn is_table_rule(line: &str) -> bool {
    line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start();
    if ["- ", "* ", "+ ", "• "].iter().any(|mark| line.starts_with(mark)) {
        return true;
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (1..=3).contains(&digits) && line.get(digits..).is_some_and(|rest| rest.starts_with(". ") || rest.starts_with(") "))
}

fn is_item_at_margin(line: &str) -> bool {
    !line.starts_with([' ', '\t']) && is_item(line)
}
