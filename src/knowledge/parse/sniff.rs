//! What kind of file it is: by its first bytes, then by its name.

use super::Failure;

/// The kinds of files that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Markdown,
    Text,
    Html,
    Csv,
    Json,
    Pdf,
    Docx,
    Xlsx,
    Pptx,
}

impl Kind {
    /// The word stored as a document's `file_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Text => "txt",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Pptx => "pptx",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "md" | "markdown" | "mdown" | "mkd" => Self::Markdown,
            "txt" | "text" | "log" => Self::Text,
            "html" | "htm" | "xhtml" => Self::Html,
            "csv" | "tsv" => Self::Csv,
            "json" | "jsonl" | "ndjson" => Self::Json,
            "pdf" => Self::Pdf,
            "docx" | "docm" => Self::Docx,
            "xlsx" | "xlsm" => Self::Xlsx,
            "pptx" | "pptm" => Self::Pptx,
            _ => return None,
        })
    }

    /// Whether its reader is only trusted in a child process.
    pub fn is_risky(self) -> bool {
        matches!(self, Self::Html | Self::Pdf | Self::Docx | Self::Xlsx | Self::Pptx)
    }
}

/// The first bytes of a compound file: an old Office document, or a new one behind a password.
const COMPOUND: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// The kind of a file of this `name` whose content begins with `head`.
pub fn sniff(name: &str, head: &[u8]) -> Result<Kind, Failure> {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    let named = Kind::from_name(&extension);
    if head.is_empty() {
        return Err(Failure::Empty);
    }
    // Some writers put a few bytes before "%PDF"; readers accept that within the first kilobyte.
    if head.get(..1024.min(head.len())).is_some_and(|h| h.windows(5).any(|w| w == b"%PDF-")) {
        return Ok(Kind::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return match named {
            Some(kind @ (Kind::Docx | Kind::Xlsx | Kind::Pptx)) => Ok(kind),
            _ => office_kind(head).ok_or(Failure::Unsupported),
        };
    }
    if head.starts_with(&COMPOUND) {
        return Err(match extension.as_str() {
            "doc" | "xls" | "ppt" => Failure::OldFormat,
            _ if named.is_some_and(|k| matches!(k, Kind::Docx | Kind::Xlsx | Kind::Pptx)) => Failure::Encrypted,
            _ => Failure::OldFormat,
        });
    }
    match named {
        // By name an Office file or a PDF, by content neither.
        Some(Kind::Pdf | Kind::Docx | Kind::Xlsx | Kind::Pptx) => Err(Failure::Corrupt),
        Some(kind) => Ok(kind),
        None if is_binary(head) => Err(Failure::Unsupported),
        None => Ok(if looks_like_html(head) { Kind::Html } else { Kind::Text }),
    }
}

fn office_kind(head: &[u8]) -> Option<Kind> {
    let holds = |name: &[u8]| head.windows(name.len()).any(|w| w == name);
    if holds(b"word/") {
        Some(Kind::Docx)
    } else if holds(b"xl/") {
        Some(Kind::Xlsx)
    } else if holds(b"ppt/") {
        Some(Kind::Pptx)
    } else {
        None
    }
}

fn looks_like_html(head: &[u8]) -> bool {
    let start = String::from_utf8_lossy(head.get(..512.min(head.len())).unwrap_or_default()).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    start.starts_with("<!doctype html") || start.starts_with("<html")
}

/// Whether these bytes can't be text in any encoding we read.
pub(super) fn is_binary(head: &[u8]) -> bool {
    let has_bom = head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]);
    !has_bom && head.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_before_the_name() {
        assert_eq!(sniff("price.txt", b"\n%PDF-1.7 ..."), Ok(Kind::Pdf));
        assert_eq!(sniff("page", b"<!DOCTYPE html><p>"), Ok(Kind::Html));
        assert_eq!(sniff("list.CSV", b"a,b"), Ok(Kind::Csv));
        assert_eq!(sniff("notes", b"plain"), Ok(Kind::Text));
        assert_eq!(sniff("x.pdf", b"<html>"), Err(Failure::Corrupt));
        assert_eq!(sniff("x.docx", &COMPOUND), Err(Failure::Encrypted));
        assert_eq!(sniff("x.doc", &COMPOUND), Err(Failure::OldFormat));
        assert_eq!(sniff("x.bin", b"\x7fELF\0\0"), Err(Failure::Unsupported));
        assert_eq!(sniff("x.md", b""), Err(Failure::Empty));
        assert_eq!(sniff("x.zip", b"PK\x03\x04....photos/"), Err(Failure::Unsupported));
    }
}
