//! Files of messages: what customers send is downloaded at once and looked at, what people here attach is kept with its
//! message; both lie with the stored files until retention or erasure removes them.

use std::path::Path;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use tower_http::services::ServeFile;
use uuid::Uuid;

use super::{
    Message, connect,
    store::{self, Attachment, Stored},
};
use crate::{
    app::{App, AttachmentId, OrgId},
    channels::Media,
    platform::{
        Error, Result,
        db::Conn,
        files::{self, Readable},
        upload::{Incoming, UNKNOWN, Upload},
    },
};

/// The largest file that is kept.
pub const LIMIT: u64 = 100 << 20;

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
    let source = &file.source.0;
    let mut incoming = Incoming::begin(&app.files, LIMIT).await?;
    channel.download(&app.outside, source, &mut incoming, app.now()).await?;
    let found = incoming.finish(source.filename.clone().unwrap_or_default(), source.mime_type.clone()).await?;
    if source.sha256.as_ref().is_some_and(|announced| *announced != found.sha256) {
        return Err(Error::Invalid("the file is not what the platform announced".into()));
    }
    if found.size_bytes == 0 {
        return Err(Error::Invalid("the file is empty".into()));
    }
    let stored = Stored {
        status: "stored",
        error: None,
        content_type: Some(found.kind()),
        size_bytes: i64::try_from(found.size_bytes).ok(),
        sha256: Some(&found.sha256),
    };
    settle(app, id, &stored, Some(found.path())).await
}

/// A file could not be had: the message says so.
pub async fn not_downloaded(app: &App, id: AttachmentId, error: &Error) -> Result<()> {
    let why = error.to_string();
    settle(app, id, &Stored { error: Some(&why), ..Stored::only("failed") }, None).await
}

async fn settle(app: &App, id: AttachmentId, outcome: &Stored<'_>, content: Option<&Path>) -> Result<()> {
    let mut tx = app.begin().await?;
    let found = store::find_attachment(tx.conn(), id).await?.filter(|f| f.status == "waiting");
    let Some(found) = found else {
        return Ok(()); // taken back meanwhile
    };
    if let Some(content) = content {
        app.keep_file(tx.conn(), found.org_id, &format!("{}/content", dir(found.org_id, id)), content).await?;
    }
    store::settle_attachment(tx.conn(), id, outcome, app.now()).await?;
    let message = store::find_message(tx.conn(), found.message_id).await?;
    tx.commit().await?;
    if let Some(message) = message {
        app.changed(found.org_id, crate::app::Changed::Conversation { id: message.conversation_id }).await;
    }
    Ok(())
}

/// Refuses what is not kept: empty files, and those that nobody can tell what they are, programs among them.
pub fn check(upload: &Upload) -> Result<()> {
    if upload.size_bytes == 0 {
        return Err(Error::Invalid("the file is empty".into()));
    }
    if upload.kind() == UNKNOWN {
        return Err(Error::Invalid(
            "this kind of file is not taken: pictures, sound, films, PDF, Office documents, text and archives are"
                .into(),
        ));
    }
    Ok(())
}

/// What a message with this file is called: `image`, `video`, `audio` or `document`.
pub(super) fn content_type(upload: &Upload) -> &'static str {
    let kind = upload.kind();
    ["image", "video", "audio"].into_iter().find(|k| kind.starts_with(k)).unwrap_or("document")
}

/// Keeps an upload as the file of `message`, on the caller's transaction.
pub(super) async fn keep(
    app: &App,
    mut c: Conn<'_>,
    id: AttachmentId,
    message: &Message,
    upload: &Upload,
    now: DateTime<Utc>,
) -> Result<()> {
    let name = if upload.name.is_empty() { content_type(upload) } else { &upload.name };
    let media = Media { filename: Some(name.to_string()), mime_type: upload.said.clone(), ..Media::default() };
    store::insert_attachment(c.again(), id, message, &media, now).await?;
    let stored = Stored {
        content_type: Some(upload.kind()),
        size_bytes: i64::try_from(upload.size_bytes).ok(),
        sha256: Some(&upload.sha256),
        ..Stored::only("stored")
    };
    store::settle_attachment(c.again(), id, &stored, now).await?;
    app.keep_file(c, message.org_id, &format!("{}/content", dir(message.org_id, id)), upload.path()).await
}

/// The bytes of a stored file.
pub(super) async fn read(app: &App, org: OrgId, id: AttachmentId) -> Result<Option<Readable>> {
    app.files.read(&format!("{}/content", dir(org, id))).await
}

/// Removes the bytes of a file. Safe to repeat.
pub(super) async fn remove(app: &App, org: OrgId, id: AttachmentId) -> Result<()> {
    app.remove_files(org, &dir(org, id)).await
}

/// The same, when what asked for it is done already and must not fail for it.
pub(super) async fn delete(app: &App, org: OrgId, id: AttachmentId) {
    if let Err(e) = remove(app, org, id).await {
        tracing::warn!(attachment.id = %id, error = %e.chain(), "a file could not be removed");
    }
}

/// A path by which whoever is given it may fetch a file for a while, and no other.
pub fn link(app: &App, id: AttachmentId, valid: Duration) -> Result<String> {
    let until = (app.now() + valid).timestamp();
    let sealed = app.key.seal("file", &[id.0.as_bytes().as_slice(), &until.to_be_bytes()].concat())?;
    Ok(format!("/api/files/{}", URL_SAFE_NO_PAD.encode(sealed)))
}

/// The file that a link leads to, while it is valid.
pub(super) async fn linked(app: &App, link: &str) -> Result<Attachment> {
    let gone = || Error::NotFound("file");
    let sealed = URL_SAFE_NO_PAD.decode(link).ok().and_then(|b| String::from_utf8(b).ok()).ok_or_else(gone)?;
    let plain = app.key.open("file", &sealed).map_err(|_| gone())?;
    let (id, until) = plain.split_at_checked(16).ok_or_else(gone)?;
    let until = until.try_into().ok().map(i64::from_be_bytes).ok_or_else(gone)?;
    if app.now().timestamp() > until {
        return Err(gone());
    }
    let id = AttachmentId(Uuid::from_slice(id).map_err(|_| gone())?);
    store::find_attachment(app.read().await?.conn(), id).await?.filter(|f| f.status == "stored").ok_or_else(gone)
}

/// Answers a request for a file, or for a range of it. What a browser might run is only ever downloaded.
pub(super) async fn serve(app: &App, found: &Attachment, request: Request) -> Result<Response> {
    let file = read(app, found.org_id, found.id).await?.ok_or(Error::NotFound("file"))?;
    let kind = found.content_type.as_deref().unwrap_or(UNKNOWN);
    // The file is open when this returns: a copy may go.
    let answer = ServeFile::new(file.path()).try_call(request).await?;
    let mut answer = answer.map(Body::new);
    let is_shown = ["image/", "audio/", "video/"].iter().any(|k| kind.starts_with(k)) || kind == "application/pdf";
    let how = if is_shown { "inline" } else { "attachment" };
    let name = found.filename.as_deref().unwrap_or_default();
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._- ".contains(*c)).collect();
    let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let disposition = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, &disposition),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, max-age=3600"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        answer.headers_mut().insert(name, HeaderValue::from_str(value).map_err(Error::internal)?);
    }
    // A browser's own reader of PDF does not open in a sandbox, and nothing of ours runs in it.
    if kind != "application/pdf" {
        let sandbox = HeaderValue::from_static("default-src 'none'; sandbox");
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, sandbox);
    }
    Ok(answer)
}
