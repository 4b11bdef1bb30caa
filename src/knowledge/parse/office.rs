//! Word, Excel and PowerPoint: a zip of XML, measured before it is opened.

use std::io::{Cursor, Read};

use undoc::{
    ErrorKind,
    model::{Block, Document},
    render::{CleanupPreset, RenderOptions, SectionMarkerStyle, TableFallback},
};

use super::{Failure, Kind, Parsed, Part, pdf::without_images, table::from_rows, text::clean};

/// What the XML of a document may unpack to. Pictures are never unpacked.
const XML_BYTES: u64 = 256 << 20;
/// A single file inside may not grow by more than this (text compresses to a tenth, a bomb to a thousandth) …
const GROWTH: u64 = 200;
/// … unless it is small anyway.
const SMALL: u64 = 4 << 20;
const FILES: usize = 20_000;

/// Reads a document.
pub(super) fn document(kind: Kind, bytes: &[u8]) -> Result<Parsed, Failure> {
    measure(bytes)?;
    let document = undoc::parse_bytes(bytes).map_err(|e| failure(&e))?;
    let title = document.metadata.title.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(String::from);
    let parts = match kind {
        Kind::Xlsx => sheets(&document),
        _ => {
            let mut options = RenderOptions::new()
                .with_images(false)
                .with_table_fallback(TableFallback::Markdown)
                .with_section_markers(SectionMarkerStyle::None)
                .with_cleanup_preset(CleanupPreset::Default);
            options.escape_special_chars = false;
            let text = undoc::render::to_markdown(&document, &options).map_err(|e| failure(&e))?;
            vec![Part::Markdown(clean(&without_images(&text)))]
        }
    };
    Ok(Parsed { title, parts })
}

/// Each sheet is a table; text above it in single cells is its name.
fn sheets(document: &Document) -> Vec<Part> {
    let mut parts = Vec::new();
    for section in &document.sections {
        for block in &section.content {
            match block {
                Block::Table(table) => {
                    let rows = table
                        .rows
                        .iter()
                        .map(|row| row.cells.iter().map(|cell| clean(&cell.plain_text())).collect())
                        .collect();
                    parts.extend(from_rows(section.name.clone(), rows).map(Part::Table));
                }
                Block::Paragraph(paragraph) => {
                    let text = clean(&paragraph.plain_text());
                    // The sheet's name comes as a paragraph too.
                    if !text.is_empty() && section.name.as_deref() != Some(&text) {
                        parts.push(Part::Text(text));
                    }
                }
                _ => {}
            }
        }
    }
    parts
}

/// Refuses an archive that unpacks to too much: by what it declares first, then by what really comes out, since a
/// declaration can lie.
fn measure(bytes: &[u8]) -> Result<(), Failure> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| Failure::Corrupt)?;
    if archive.len() > FILES {
        return Err(Failure::Bomb);
    }
    let mut names = std::collections::HashSet::new();
    let mut total = 0u64;
    for at in 0..archive.len() {
        let file = match archive.by_index(at) {
            Ok(file) => file,
            Err(zip::result::ZipError::UnsupportedArchive(_)) => return Err(Failure::Encrypted),
            Err(_) => return Err(Failure::Corrupt),
        };
        if file.encrypted() {
            return Err(Failure::Encrypted);
        }
        let name = file.name().map_err(|_| Failure::Corrupt)?.to_ascii_lowercase();
        if !names.insert(name.clone()) {
            return Err(Failure::Corrupt); // two files of one name: each reader would see another
        }
        if !(name.ends_with(".xml") || name.ends_with(".rels")) {
            continue;
        }
        let packed = file.compressed_size();
        if file.size() > XML_BYTES {
            return Err(Failure::Bomb);
        }
        let most = (packed.saturating_mul(GROWTH)).max(SMALL).min(XML_BYTES - total.min(XML_BYTES));
        let unpacked = std::io::copy(&mut file.take(most + 1), &mut std::io::sink()).map_err(|_| Failure::Corrupt)?;
        total += unpacked;
        if unpacked > most || total > XML_BYTES {
            return Err(Failure::Bomb);
        }
    }
    Ok(())
}

fn failure(error: &undoc::Error) -> Failure {
    match error.kind() {
        ErrorKind::Encrypted => Failure::Encrypted,
        ErrorKind::UnsupportedFormat | ErrorKind::UnknownFormat => Failure::Unsupported,
        _ => Failure::Corrupt,
    }
}
