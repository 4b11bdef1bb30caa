//! Files that customers send: downloaded at once, looked at, kept in the data directory, deleted by retention.

use std::path::PathBuf;

use bytes::Bytes;

use super::{
    connect,
    store::{self, Stored},
};
use crate::{
    app::{App, AttachmentId, OrgId},
    platform::{Error, Result, crypto::sha256_hex, error::blocking},
};

/// The largest file that is kept.
const LIMIT: u64 = 100 << 20;

fn place(app: &App, org: OrgId, id: AttachmentId) -> PathBuf {
    app.data_dir.join("media").join(org.to_string()).join(id.to_string())
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
    write(place(app, file.org_id, id), bytes).await?;
    let stored = Stored {
        status: "stored",
        error: None,
        content_type: Some(kind),
        size_bytes: Some(size),
        sha256: Some(&sha256),
    };
    settle(app, id, &stored).await
}

/// A file could not be had: the message says so.
pub async fn not_downloaded(app: &App, id: AttachmentId, error: &Error) -> Result<()> {
    let why = error.to_string();
    let failed = Stored { status: "failed", error: Some(&why), content_type: None, size_bytes: None, sha256: None };
    settle(app, id, &failed).await
}

async fn settle(app: &App, id: AttachmentId, outcome: &Stored<'_>) -> Result<()> {
    let mut tx = app.begin().await?;
    let found = store::find_attachment(tx.conn(), id).await?.filter(|f| f.status == "waiting");
    let Some(found) = found else {
        return Ok(()); // taken back meanwhile
    };
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
    let path = place(app, org, id);
    blocking(move || match std::fs::read(&path) {
        Ok(bytes) => Ok(bytes.into()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::NotFound("file")),
        Err(e) => Err(e.into()),
    })
    .await
}

/// Removes the bytes of a file; one that is not there is as good as removed.
pub(super) async fn delete(app: &App, org: OrgId, id: AttachmentId) {
    let path = place(app, org, id);
    let gone = blocking(move || match std::fs::remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    });
    if let Err(e) = gone.await {
        tracing::warn!(attachment.id = %id, error = %e.chain(), "a file could not be removed");
    }
}

/// Whole or not at all: written beside, synced, then named.
async fn write(path: PathBuf, bytes: Bytes) -> Result<()> {
    use std::io::Write;
    blocking(move || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let partial = path.with_extension("partial");
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)?;
        Ok(())
    })
    .await
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
