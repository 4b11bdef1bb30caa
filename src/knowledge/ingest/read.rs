//! A version's source, parsed and split.

use std::{io::Read, path::Path, time::Duration};

use super::{cut, name_of};
use crate::{
    app::App,
    knowledge::{
        Document, DocumentVersion,
        index::Ready,
        parse::{self, Failure, Kind, Limits, Parsed, Part, Sandbox},
        split,
        store::documents,
    },
    platform::{Result, error::blocking, language::Language},
};

/// Parses and splits a version.
pub(super) async fn read(app: &App, document: &Document, version: &DocumentVersion) -> Result<Result<Ready, Failure>> {
    let mut parsed = match parsed(app, document, version).await? {
        Ok(parsed) => parsed,
        Err(failure) => return Ok(Err(failure)),
    };
    let passage_tokens = app.config.ingest.passage_tokens;
    let is_named = version.title != name_of(&document.source);
    let title = version.title.clone();
    let split = blocking(move || {
        let own = parsed.title.clone().or_else(|| first_heading(&parsed));
        let title = if is_named { title } else { own.map_or(title, |t| cut(&t)) };
        parsed.title = Some(title.clone());
        let pieces = split::split(&parsed, passage_tokens);
        let sample: String = pieces.iter().take(8).flat_map(|p| p.content.chars().take(500)).collect();
        Ok(if pieces.is_empty() { Err(Failure::Empty) } else { Ok((title, pieces, Language::detect(&sample))) })
    })
    .await?;
    Ok(split.map(|(title, pieces, language)| Ready {
        org_id: document.org_id,
        kb_id: document.kb_id,
        document_id: document.id,
        version: version.version,
        title,
        category: document.category.clone(),
        about: Some((document.valid_from, document.valid_until)),
        language,
        pieces,
        new: None,
    }))
}

/// What a version says.
pub(in crate::knowledge) async fn parsed(
    app: &App,
    document: &Document,
    version: &DocumentVersion,
) -> Result<Result<Parsed, Failure>> {
    match &version.file_url {
        None => {
            let mut reader = app.read().await?;
            let text = documents::content(reader.conn(), document.org_id, document.id, version.version).await?;
            drop(reader);
            let kind = Kind::from_name(&version.file_type).unwrap_or(Kind::Text);
            Ok(parse::read_text(text.unwrap_or_default(), kind).await)
        }
        Some(url) => read_file(app, url, &version.file_type).await,
    }
}

async fn read_file(app: &App, url: &str, file_type: &str) -> Result<Result<Parsed, Failure>> {
    let Some(file) = app.files.read(url).await? else { return Ok(Err(Failure::SourceMissing)) };
    let path = file.path().to_path_buf();
    let head = blocking(move || Ok(head_of(&path))).await?;
    let kind = match head.and_then(|head| parse::sniff(&format!("x.{file_type}"), &head)) {
        Ok(kind) => kind,
        Err(failure) => return Ok(Err(failure)),
    };
    let settings = &app.config.ingest;
    let limits = Limits { time: Duration::from_secs(settings.timeout_s), memory_mb: settings.memory_mb };
    Ok(parse::read(file.path(), kind, limits, &Sandbox::of_this_program()).await)
}

fn head_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = std::fs::File::open(path).map_err(|_| Failure::SourceMissing)?;
    let mut head = Vec::new();
    file.take(64 << 10).read_to_end(&mut head).map_err(|_| Failure::SourceMissing)?;
    Ok(head)
}

/// The heading with which a text begins, if it is the only one of the first level: else each is a chapter.
fn first_heading(parsed: &Parsed) -> Option<String> {
    let [Part::Markdown(text)] = parsed.parts.as_slice() else { return None };
    let title = text.lines().find(|l| !l.trim().is_empty())?.strip_prefix("# ")?.replace("**", "");
    let is_only = text.lines().filter(|l| l.starts_with("# ")).nth(1).is_none();
    Some(title.trim().to_string()).filter(|t| is_only && !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_with_a_heading_is_called_so() {
        let parsed = |text: &str| Parsed { title: None, parts: vec![Part::Markdown(text.into())] };
        assert_eq!(first_heading(&parsed("\n# Returns **and** refunds\nx")).as_deref(), Some("Returns and refunds"));
        assert_eq!(first_heading(&parsed("Text\n# Later")), None);
        assert_eq!(first_heading(&parsed("# One\nText\n# Two")), None, "chapters");
    }
}
