//! What platforms take of files, as data and pure rules: as what a file goes out, or that only a link can stand for it.

use super::{
    Body, FileFacts, FileKind,
    law::Size,
    split::{shorten, split},
};

/// Files of some types, up to a size, go out as one kind.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// Types as they are, or `*` for any.
    pub types: &'static [&'static str],
    pub kind: FileKind,
    pub most_bytes: u64,
    /// How much may be said about the file in the same message; 0: nothing.
    pub caption: usize,
}

impl Takes {
    /// Files of `types` as `kind`, at most `most_mb` megabytes, with a caption of at most `caption` characters.
    pub const fn of(types: &'static [&'static str], kind: FileKind, most_mb: u64, caption: usize) -> Self {
        Self { types, kind, most_bytes: most_mb << 20, caption }
    }
}

/// The first rule that a file fits.
pub fn rule(rules: &[Takes], file: &FileFacts) -> Option<Takes> {
    let mime = file.mime_type.split(';').next().unwrap_or_default().trim();
    let fits = |r: &&Takes| file.size_bytes <= r.most_bytes && r.types.iter().any(|t| *t == "*" || *t == mime);
    rules.iter().find(fits).copied()
}

/// A file with its text as the messages that will stand on the wire; where the platform does not take it, a text with
/// `link`. The error is for an agent.
pub fn plan(
    rules: &[Takes],
    size: Size,
    file: &FileFacts,
    text: &str,
    link: Option<&str>,
) -> Result<Vec<Body>, String> {
    let text = text.trim();
    let texts = |text: &str| split(text, size).into_iter().map(|text| Body::Text { text });
    if let Some(rule) = rule(rules, file) {
        let fits = text.chars().count() <= rule.caption && text.encode_utf16().count() <= rule.caption;
        let caption = if fits { text.to_string() } else { String::new() };
        let after = if fits { "" } else { text };
        let body = Body::File { file: file.clone(), kind: rule.kind, text: caption };
        return Ok(std::iter::once(body).chain(texts(after)).collect());
    }
    let Some(link) = link else { return Err(refusal(rules, file)) };
    Ok(texts(&with_link(file, text, link)).collect())
}

/// What is said when a link stands for a file.
pub fn with_link(file: &FileFacts, text: &str, link: &str) -> String {
    // A long name must not push the address, which can't be cut, out of its message.
    let name = shorten(&file.name, Size::Chars(80));
    let line = if name.is_empty() { link.to_string() } else { format!("{name}\n{link}") };
    if text.is_empty() { line } else { format!("{text}\n\n{line}") }
}

fn refusal(rules: &[Takes], file: &FileFacts) -> String {
    let mime = file.mime_type.split(';').next().unwrap_or_default();
    let unlimited = FileFacts { size_bytes: 0, ..file.clone() };
    let why = match rule(rules, &unlimited) {
        Some(rule) => format!("it takes this kind of file ({mime}) up to {} MB", rule.most_bytes >> 20),
        None => format!("it does not take this kind of file ({mime})"),
    };
    format!("this channel can't send the file: {why}, and without server.public_url no link can stand for it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::tests::channel;

    fn file(mime_type: &str, size_mb: u64) -> FileFacts {
        let (name, sha256) = ("a file".into(), String::new());
        FileFacts { id: uuid::Uuid::nil(), name, mime_type: mime_type.into(), size_bytes: size_mb << 20, sha256 }
    }

    /// As what a file goes out: its kind, `link`, or `refused` when there is no link either.
    fn goes(kind: &str, mime: &str, size_mb: u64) -> String {
        let channel = channel(kind);
        match (
            channel.plan_file(&file(mime, size_mb), "", None),
            channel.plan_file(&file(mime, size_mb), "", Some("https://x/y")),
        ) {
            (_, Ok(parts)) if matches!(parts.as_slice(), [Body::Text { text }] if text.ends_with("https://x/y")) => {
                "link".into()
            }
            (_, Ok(parts)) => match parts.first() {
                Some(Body::File { kind, .. }) => format!("{kind:?}").to_lowercase(),
                other => panic!("{other:?}"),
            },
            (_, Err(why)) => panic!("{why}"),
        }
    }

    #[test]
    fn each_platform_gets_what_it_takes_and_a_link_to_the_rest() {
        for (kind, mime, size_mb, expected) in [
            ("whatsapp_cloud", "image/jpeg", 5, "image"),
            ("whatsapp_cloud", "image/jpeg", 6, "link"),
            ("whatsapp_cloud", "image/webp", 1, "link"),
            ("whatsapp_cloud", "application/pdf", 100, "document"),
            ("whatsapp_cloud", "application/pdf", 101, "link"),
            ("whatsapp_cloud", "application/zip", 1, "link"),
            ("whatsapp_cloud", "text/plain; charset=utf-8", 1, "document"),
            ("whatsapp_cloud", "video/mp4", 17, "link"),
            ("whatsapp_cloud", "audio/ogg", 1, "audio"),
            ("telegram", "image/png", 10, "image"),
            ("telegram", "image/png", 11, "document"),
            ("telegram", "image/gif", 1, "animation"),
            ("telegram", "audio/ogg", 1, "voice"),
            ("telegram", "application/zip", 50, "document"),
            ("telegram", "application/zip", 51, "link"),
            ("waha", "image/png", 1, "image"),
            ("waha", "application/zip", 1, "document"),
            ("waha", "application/zip", 17, "link"),
            ("evolution", "video/mp4", 3, "video"),
            ("gateway", "application/pdf", 3, "document"),
            ("wecom_kf", "image/png", 2, "image"),
            ("wecom_kf", "image/gif", 1, "document"),
            ("wecom_kf", "audio/amr", 2, "voice"),
            ("wecom_kf", "video/mp4", 11, "document"),
            ("wecom_kf", "application/pdf", 21, "link"),
            ("wechat_oa", "image/gif", 1, "image"),
            ("wechat_oa", "application/pdf", 1, "link"),
            ("webhook", "application/zip", 90, "document"),
            ("web", "application/zip", 90, "document"),
        ] {
            assert_eq!(goes(kind, mime, size_mb), expected, "{kind}: {mime} of {size_mb} MB");
        }
    }

    #[test]
    fn what_can_not_go_out_is_refused_with_the_reason() {
        let refused = |kind: &str, mime: &str, mb| channel(kind).plan_file(&file(mime, mb), "", None).unwrap_err();
        assert!(refused("whatsapp_cloud", "image/jpeg", 6).contains("up to 5 MB"));
        assert!(refused("wechat_oa", "application/pdf", 1).contains("does not take this kind of file"));
        assert!(refused("webhook", "application/pdf", 1).contains("server.public_url"), "it is fetched by its address");
    }

    #[test]
    fn what_is_said_about_a_file_is_its_caption_where_it_fits_and_a_message_where_not() {
        let parts = |kind: &str, mime: &str, text: &str| channel(kind).plan_file(&file(mime, 1), text, None).unwrap();
        let captions = |parts: &[Body]| -> Vec<String> {
            parts
                .iter()
                .map(|p| match p {
                    Body::File { text, .. } => format!("file:{text}"),
                    Body::Text { text } => text.clone(),
                    _ => String::new(),
                })
                .collect()
        };
        assert_eq!(captions(&parts("whatsapp_cloud", "image/png", "Here")), ["file:Here"]);
        assert_eq!(captions(&parts("whatsapp_cloud", "audio/ogg", "Here")), ["file:", "Here"]);
        assert_eq!(captions(&parts("wecom_kf", "image/png", "看图")), ["file:", "看图"]);
        let long = "字".repeat(1025);
        assert_eq!(captions(&parts("telegram", "image/png", &long)), ["file:".to_string(), long]);
    }
}
