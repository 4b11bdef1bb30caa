//! A file's bytes → its text with structure, as [`Part`]s; or a [`Failure`] that a shop owner understands.
//!
//! Formats that hostile or broken files abuse are read in a child process with bounded memory and time (`sandbox`).

mod encoding;
mod html;
mod office;
mod pdf;
mod sandbox;
mod sniff;
mod table;
mod text;

use serde::{Deserialize, Serialize};

pub use encoding::decode;
pub(super) use sandbox::read_text;
pub use sandbox::{Limits, Sandbox, child_main, read, read_in_children};
pub use sniff::{Kind, sniff};
pub(super) use text::clean;

/// What a document says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Parsed {
    /// The title that the document gives itself.
    pub title: Option<String>,
    pub parts: Vec<Part>,
}

/// How much text one document may hold, in bytes ([`Parsed::weight`]).
pub(super) const MOST: usize = 128 << 20;
/// What a cell or an entry takes beside its text.
const EACH: usize = 32;

impl Parsed {
    /// How much it takes in memory, about, in bytes.
    pub fn weight(&self) -> usize {
        let weight = |part: &Part| match part {
            Part::Markdown(text) | Part::Text(text) => text.len(),
            Part::Entry { heading, text } => EACH + text.len() + heading.as_ref().map_or(0, String::len),
            Part::Table(table) => table.header.iter().chain(table.rows.iter().flatten()).map(|c| EACH + c.len()).sum(),
        };
        self.parts.iter().map(weight).sum()
    }
}

/// A stretch of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// Text whose headings, lists and tables are marked.
    Markdown(String),
    /// Text without marks.
    Text(String),
    /// Rows under a header.
    Table(Table),
    /// A text with its own heading, as a line of JSON gives it.
    Entry { heading: Option<String>, text: String },
}

/// Rows under a header; each row as long as the header.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub name: Option<String>,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Why a document could not be read. The code is stable, the words are for whoever uploaded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    Empty,
    Encrypted,
    NeedsOcr,
    Corrupt,
    TooLarge,
    Bomb,
    TooSlow,
    TooMuchMemory,
    Unsupported,
    OldFormat,
    UnknownEncoding,
    SourceMissing,
    Superseded,
    GaveUp,
}

impl Failure {
    /// A stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Encrypted => "encrypted",
            Self::NeedsOcr => "needs_ocr",
            Self::Corrupt => "corrupt",
            Self::TooLarge => "too_large",
            Self::Bomb => "zip_bomb",
            Self::TooSlow => "too_slow",
            Self::TooMuchMemory => "too_much_memory",
            Self::Unsupported => "unsupported",
            Self::OldFormat => "old_format",
            Self::UnknownEncoding => "unknown_encoding",
            Self::SourceMissing => "source_missing",
            Self::Superseded => "superseded",
            Self::GaveUp => "gave_up",
        }
    }

    /// What happened and what to do about it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "the file has no text in it",
            Self::Encrypted => "the file is protected by a password: remove the protection and upload it again",
            Self::NeedsOcr => {
                "the file holds pictures of pages and no text (a scan): run text recognition (OCR) on it and upload the result"
            }
            Self::Corrupt => {
                "the file is damaged or incomplete: open it in its own program, save it anew and upload that"
            }
            Self::TooLarge => "the document is too large to be read at once: split it into several files",
            Self::Bomb => "the file unpacks to far more data than a document has, so it was not opened",
            Self::TooSlow => "reading the file took too long: split it, or save it in a simpler format",
            Self::TooMuchMemory => "reading the file took too much memory: split it, or save it in a simpler format",
            Self::Unsupported => {
                "this kind of file can't be read: use md, txt, html, csv, json, pdf, docx, xlsx or pptx"
            }
            Self::OldFormat => "the old Office formats can't be read: save it as docx, xlsx or pptx and upload that",
            Self::UnknownEncoding => "the text's encoding can't be recognised: save it as UTF-8 and upload it again",
            Self::SourceMissing => "the uploaded file is no longer in the data directory: upload it again",
            Self::Superseded => "a newer version came before this one was read",
            Self::GaveUp => "reading it failed several times on our side: try again later (the log says why)",
        }
    }
}

/// Reads `bytes` as `kind`, here and now. Only [`sandbox`] and its child call this with what may be hostile.
fn parse(kind: Kind, bytes: &[u8]) -> Result<Parsed, Failure> {
    let parsed = match kind {
        Kind::Markdown => text::markdown(&decode(bytes)?),
        Kind::Text => text::plain(&decode(bytes)?),
        Kind::Csv => table::csv(&decode(bytes)?),
        Kind::Json => table::json(&decode(bytes)?)?,
        Kind::Html => html::page(bytes)?,
        Kind::Pdf => pdf::pages(bytes)?,
        Kind::Docx | Kind::Xlsx | Kind::Pptx => office::document(kind, bytes)?,
    };
    let is_empty = parsed.parts.iter().all(|part| match part {
        Part::Markdown(text) | Part::Text(text) => !has_words(text),
        Part::Table(table) => table.rows.iter().flatten().chain(&table.header).all(|cell| !has_words(cell)),
        Part::Entry { heading, text } => !has_words(text) && !heading.as_deref().is_some_and(has_words),
    });
    if is_empty { Err(Failure::Empty) } else { Ok(parsed) }
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}
