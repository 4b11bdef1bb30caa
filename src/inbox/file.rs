//! Files that customers send: downloaded at once, looked at, kept with the stored files, deleted by retention.

use std::path::Path;

use bytes::Bytes;

use super::{
    connect,
    store::{self, Stored},
};
use crate::{
    app::{App, AttachmentId, OrgId},
    platform::{Error, Result, crypto::sha256_hex, files},
};

/// The largest file that is kept.
const LIMIT: u64 = 100 << 20;

/// Where a file lies, by itself, so that it can be removed by itself.
fn dir(org: OrgId, id: AttachmentId) -> String {
    format!("{}/{org}/attachments/{id}", files::DIR)
}

/// Downloads one file (`Job::Download`).
pub async fn download(app: &App, id: AttachmentId) -> Result<()> {
    let mut reader = app.read().await?;
    let Some(file) = store::find_attachment(reader.conn(), id).await?.filter(|f| f.status == "waiting") else {
        return Ok(());
    };
    let Some(row) = store::find_channel(reader.conn(), file.channel_id).await? else {
        return Ok(());
    };
    drop(reader);
    let channel = connect::open(app, &row)?;
    let bytes = channel.download(&app.outside, &file.source.0, LIMIT, app.now()).await?;
    let sha256 = sha256_hex(&bytes);
    if file.source.0.sha256.as_ref().is_some_and(|announced| *announced != sha256) {
        return Err(Error::Invalid("the file is not what the platform announced".into()));
    }
    if bytes.is_empty() {
        return Err(Error::Invalid("the file is empty".into()));
    }
    let kind = kind(&bytes, file.source.0.mime_type.as_deref());
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let incoming = app.files.incoming().await?;
    tokio::fs::write(&incoming, &bytes).await?;
    let stored = Stored {
        status: "stored",
        error: None,
        content_type: Some(kind),
        size_bytes: Some(size),
        sha256: Some(&sha256),
    };
    let kept = settle(app, id, &stored, Some(&incoming)).await;
    let _ = tokio::fs::remove_file(&incoming).await;
    kept
}

/// A file could not be had: the message says so.
pub async fn not_downloaded(app: &App, id: AttachmentId, error: &Error) -> Result<()> {
    let why = error.to_string();
    let failed = Stored { status: "failed", error: Some(&why), content_type: None, size_bytes: None, sha256: None };
    settle(app, id, &failed, None).await
}

async fn settle(app: &App, id: AttachmentId, outcome: &Stored<'_>, content: Option<&Path>) -> Result<()> {
    let mut tx = app.begin().await?;
    let found = store::find_attachment(tx.conn(), id).await?.filter(|f| f.status == "waiting");
    let Some(found) = found else {
        return Ok(()); // taken back meanwhile
    };
    if let Some(content) = content {
        app.files.keep(tx.conn(), &format!("{}/content", dir(found.org_id, id)), content).await?;
    }
    store::settle_attachment(tx.conn(), id, outcome, app.now()).await?;
    let message = store::find_message(tx.conn(), found.message_id).await?;
    tx.commit().await?;
    if let Some(message) = message {
        app.changed(found.org_id, crate::app::Changed::Conversation { id: message.conversation_id }).await;
    }
    Ok(())
}

/// The bytes of a stored file.
pub async fn read(app: &App, org: OrgId, id: AttachmentId) -> Result<Bytes> {
    let found = app.files.read(&format!("{}/content", dir(org, id))).await?.ok_or(Error::NotFound("file"))?;
    Ok(tokio::fs::read(found.path()).await?.into())
}

/// Removes the bytes of a file. Safe to repeat.
pub(super) async fn remove(app: &App, org: OrgId, id: AttachmentId) -> Result<()> {
    app.files.remove_below(&dir(org, id)).await
}

/// The same, when what asked for it is done already and must not fail for it.
pub(super) async fn delete(app: &App, org: OrgId, id: AttachmentId) {
    if let Err(e) = remove(app, org, id).await {
        tracing::warn!(attachment.id = %id, error = %e.chain(), "a file could not be removed");
    }
}

/// What the bytes are, by their own signature; what has none is trusted to be what was said only where that is
/// harmless to show.
fn kind(bytes: &[u8], said: Option<&str>) -> &'static str {
    let begins = |signature: &[u8]| bytes.starts_with(signature);
    let at = |from: usize, signature: &[u8]| bytes.get(from..from + signature.len()) == Some(signature);
    match () {
        () if begins(b"\xFF\xD8\xFF") => "image/jpeg",
        () if begins(b"\x89PNG\r\n\x1A\n") => "image/png",
        () if begins(b"GIF8") => "image/gif",
        () if begins(b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if begins(b"%PDF-") => "application/pdf",
        () if begins(b"OggS") => "audio/ogg",
        () if begins(b"#!AMR") => "audio/amr",
        () if begins(b"ID3") || begins(b"\xFF\xFB") => "audio/mpeg",
        () if at(4, b"ftyp") => {
            if said.is_some_and(|s| s.starts_with("audio/")) {
                "audio/mp4"
            } else {
                "video/mp4"
            }
        }
        () if begins(b"PK\x03\x04") => "application/zip",
        () if said.is_some_and(|s| s.starts_with("text/plain")) => "text/plain; charset=utf-8",
        () => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (bytes, said, expected) in [
            (&b"\xFF\xD8\xFFabc"[..], Some("image/png"), "image/jpeg"),
            (b"<html><script>", Some("image/jpeg"), "application/octet-stream"),
            (b"<svg onload=x>", Some("image/svg+xml"), "application/octet-stream"),
            (b"hello", Some("text/plain"), "text/plain; charset=utf-8"),
            (b"OggS...", Some("audio/ogg; codecs=opus"), "audio/ogg"),
            (b"", None, "application/octet-stream"),
        ] {
            assert_eq!(kind(bytes, said), expected);
        }
    }
}
