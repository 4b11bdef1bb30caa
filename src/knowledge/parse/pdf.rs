//! PDF → Markdown.

use unpdf::{ErrorKind, RenderOptions, TableFallback};

use super::{Failure, Parsed, Part, text::clean};

/// Fewer letters than this a page, on average, with pictures on them: a scan.
const LETTERS_PER_PAGE: usize = 12;

/// Reads all pages.
pub(super) fn pages(bytes: &[u8]) -> Result<Parsed, Failure> {
    if is_cut(bytes) {
        return Err(Failure::Corrupt); // half a document would answer as if it were whole
    }
    let document = unpdf::parse_bytes(bytes).map_err(|e| failure(&e))?;
    let mut options = RenderOptions::new().with_standard_cleanup().with_table_fallback(TableFallback::Markdown);
    options.escape_special_chars = false;
    let text = clean(&without_images(&unpdf::render::to_markdown(&document, &options).map_err(|e| failure(&e))?));
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < LETTERS_PER_PAGE * document.pages.len().max(1) {
        let quality = &document.extraction_quality;
        let has_pictures = quality.is_scan_pdf
            || quality.suppressed_ocr_pages > 0
            || ["/Subtype /Image", "/Subtype/Image"].iter().any(|name| holds(bytes, name.as_bytes()));
        if has_pictures {
            return Err(Failure::NeedsOcr);
        }
        if letters == 0 && quality.undecodable_content_streams > 0 {
            return Err(Failure::Corrupt);
        }
    }
    // What programs put there by themselves is no title.
    let title = document.metadata.title.filter(|t| {
        let t = t.trim();
        !t.is_empty()
            && !t.starts_with("Microsoft Word")
            && !t.contains(['/', '\\'])
            && !t.eq_ignore_ascii_case("untitled")
            && !t.eq_ignore_ascii_case("(anonymous)")
    });
    Ok(Parsed { title: title.map(|t| t.trim().to_string()), parts: vec![Part::Markdown(text)] })
}

fn failure(error: &unpdf::Error) -> Failure {
    match error.kind() {
        ErrorKind::Encrypted | ErrorKind::InvalidPassword => Failure::Encrypted,
        _ => Failure::Corrupt,
    }
}

/// Whether the end is missing: every PDF ends with where its cross-references start (ISO 32000-1, 7.5.5); one that is
/// laid out for the web says it at its beginning as well, and there how long it is (annex F).
fn is_cut(bytes: &[u8]) -> bool {
    if !holds(bytes, b"startxref") {
        return true;
    }
    let head = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes));
    let length = head.split_once("/Linearized").and_then(|(_, told)| {
        let digits = told.split_once("/L ")?.1.trim_start();
        digits.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    length.is_some_and(|length| length > bytes.len())
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

/// Takes `![…](…)` out: nobody can read a picture here.
pub(super) fn without_images(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("![") {
        let (before, image) = rest.split_at(at);
        out.push_str(before);
        let end = image.find("](").and_then(|open| image.get(open..)?.find(')').map(|close| open + close + 1));
        match end {
            Some(end) if end < 2000 => rest = image.get(end..).unwrap_or_default(),
            _ => {
                out.push_str("![");
                rest = image.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_its_end_is_cut() {
        assert!(is_cut(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"));
        assert!(!is_cut(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"));
        let web = |length: usize| {
            let text =
                format!("%PDF-1.7\n1 0 obj\n<</Linearized 1/L {length}/H [1 2]>>\nendobj\nstartxref\n0\n%%EOF\n");
            is_cut(text.as_bytes())
        };
        assert!(web(5000) && !web(60), "one for the web says its length");
    }
}
