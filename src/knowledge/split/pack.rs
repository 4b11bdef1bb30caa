//! Blocks → passages of the wished size. Each segment's tokens are counted once and then only added.

use serde_json::{Value, json};
use text_splitter::{ChunkConfig, TextSplitter};

use super::{
    Piece,
    blocks::Block,
    tokens::{Estimate, count},
};
use crate::platform::sentences;

/// How much of an endless sentence the splitter sees at once, in bytes per token of a passage: it looks at all that is
/// left for every passage it cuts, so that its time grows with the square of what it is given.
const WINDOW: usize = 16;

/// A text in parts of about `bytes`, each ending at a space or a comma where there is one in its second half.
fn windows(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let most = rest.floor_char_boundary(bytes.max(4));
        let (window, _) = rest.split_at(most);
        let joint = |c: char| c.is_whitespace() || matches!(c, ',' | '，' | '、' | ';' | '；');
        let end = match window.char_indices().rev().find(|(_, c)| joint(*c)) {
            Some((at, c)) if most < rest.len() && at > most / 2 => at + c.len_utf8(),
            _ => most,
        };
        let (window, after) = rest.split_at(end);
        rest = after;
        Some(window)
    })
}

/// Fills passages one after the other.
pub(super) struct Packer {
    size: usize,
    path: Vec<String>,
    content: String,
    tokens: usize,
    kind: &'static str,
    pieces: Vec<Piece>,
    /// Where in `pieces` the current section begins.
    section: usize,
}

impl Packer {
    pub(super) fn new(size: usize) -> Self {
        Self { size, path: Vec::new(), content: String::new(), tokens: 0, kind: "text", pieces: Vec::new(), section: 0 }
    }

    /// Begins a section under these headings.
    pub(super) fn section(&mut self, path: Vec<String>) {
        self.end_section();
        self.path = path;
    }

    /// Adds a block to the section.
    pub(super) fn add(&mut self, block: Block<'_>) {
        match block {
            Block::Heading { text, .. } => self.segment(&text, "\n\n", "text"),
            Block::Paragraph(text) => self.paragraph(text, "\n\n"),
            Block::Item(text) => self.paragraph(text, "\n"),
            Block::Code(text) => self.lines(text),
            Block::Table { head, rows } => self.table(head, &rows),
        }
    }

    /// Adds a row of data; rows follow each other line by line.
    pub(super) fn row(&mut self, row: &str) {
        let tokens = count(row);
        if tokens > self.most() {
            self.cut(row, "\n");
            return;
        }
        self.put(row, tokens, "\n", "table");
    }

    /// Adds a passage that is never joined with another; a very long one is cut.
    pub(super) fn alone(&mut self, content: &str, metadata: Value) {
        self.flush();
        let tokens = count(content);
        if tokens > 4 * self.size {
            self.cut(content, "\n");
            self.flush();
            return;
        }
        self.pieces.push(Piece { heading_path: self.path.clone(), content: content.to_string(), tokens, metadata });
        self.section = self.pieces.len();
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.end_section();
        self.pieces
    }

    /// A little more than wished is better than a cut or a crumb.
    fn most(&self) -> usize {
        self.size + self.size / 4
    }

    fn paragraph(&mut self, text: &str, joint: &str) {
        let text = text.trim_end();
        let tokens = count(text);
        if tokens > self.most() { self.cut(text, joint) } else { self.put(text, tokens, joint, "text") }
    }

    fn segment(&mut self, text: &str, joint: &str, kind: &'static str) {
        let tokens = count(text);
        self.put(text, tokens, joint, kind);
    }

    /// Adds a segment, beginning a new passage when the open one would grow too long.
    fn put(&mut self, text: &str, tokens: usize, joint: &str, kind: &'static str) {
        if !self.content.is_empty() && self.tokens + tokens > self.size {
            self.flush();
        }
        if !self.content.is_empty() {
            self.content.push_str(joint);
        }
        self.content.push_str(text);
        self.tokens += tokens;
        self.kind = if self.content.len() == text.len() || self.kind == kind { kind } else { "text" };
    }

    /// Cuts what is too long between its sentences, and an endless sentence where the splitter finds best.
    fn cut(&mut self, text: &str, joint: &str) {
        let mut joint = joint;
        let mut end = 0;
        for range in sentences::split(text).into_iter().map(|s| s.range) {
            let gap = text.get(end..range.start).unwrap_or(" ");
            let Some(sentence) = text.get(range.clone()) else { continue };
            if end > 0 {
                // As it was written: a space, a new line, or nothing at all.
                joint = if gap.contains('\n') {
                    "\n"
                } else if gap.contains(' ') {
                    " "
                } else {
                    ""
                };
            }
            end = range.end;
            let tokens = count(sentence);
            if tokens <= self.most() {
                self.put(sentence, tokens, joint, "text");
                continue;
            }
            let splitter = TextSplitter::new(ChunkConfig::new(self.size).with_sizer(Estimate));
            for window in windows(sentence, WINDOW * self.size) {
                for chunk in splitter.chunks(window) {
                    self.segment(chunk, joint, "text");
                    self.flush();
                }
            }
        }
    }

    /// Code is cut between lines.
    fn lines(&mut self, text: &str) {
        let tokens = count(text);
        if tokens <= self.most() {
            self.put(text, tokens, "\n\n", "text");
            return;
        }
        for line in text.lines() {
            let tokens = count(line);
            if tokens > self.most() { self.cut(line, "\n") } else { self.put(line, tokens, "\n", "text") }
        }
    }

    /// A table that fits stays with the text around it; a longer one repeats its header on every passage.
    fn table(&mut self, head: &str, rows: &[&str]) {
        let head_tokens = count(head);
        let sizes: Vec<usize> = rows.iter().map(|row| count(row)).collect();
        let whole = head_tokens + sizes.iter().sum::<usize>();
        if !self.content.is_empty() && self.tokens + whole > self.size {
            self.flush();
        }
        if whole <= self.most() {
            let text = std::iter::once(head).chain(rows.iter().copied()).collect::<Vec<_>>().join("\n");
            self.put(&text, whole, "\n\n", "table");
            return;
        }
        self.flush();
        for (row, tokens) in rows.iter().zip(sizes) {
            if self.tokens + tokens > self.size && self.tokens > head_tokens {
                self.flush();
            }
            if self.content.is_empty() {
                self.put(head, head_tokens, "", "table");
            }
            // Joined by hand: a row stays with its header however long it is.
            self.content.push('\n');
            self.content.push_str(row);
            self.tokens += tokens;
        }
        self.flush();
    }

    fn flush(&mut self) {
        let content = std::mem::take(&mut self.content);
        let tokens = std::mem::take(&mut self.tokens);
        let kind = std::mem::replace(&mut self.kind, "text");
        if content.trim().is_empty() {
            return;
        }
        self.pieces.push(Piece { heading_path: self.path.clone(), content, tokens, metadata: json!({"kind": kind}) });
    }

    /// Ends the section; a last crumb joins the passage before it.
    fn end_section(&mut self) {
        let is_crumb = self.tokens < self.size / 5 && self.kind == "text";
        if is_crumb
            && self.pieces.len() > self.section
            && let Some(last) = self.pieces.last_mut()
            && last.tokens + self.tokens <= self.size + self.size / 4
            && last.metadata.get("kind").is_some_and(|k| k == "text")
            && !self.content.is_empty()
        {
            let joint = if last.content.ends_with(['.', '。', '！', '？', '!', '?']) && !self.content.contains('\n')
            {
                " "
            } else {
                "\n\n"
            };
            last.content.push_str(joint);
            last.content.push_str(&std::mem::take(&mut self.content));
            last.tokens += std::mem::take(&mut self.tokens);
        }
        self.flush();
        self.section = self.pieces.len();
    }
}
