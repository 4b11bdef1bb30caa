//! Files that come in a form: streamed to disk, measured and hashed on the way, told by their own bytes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use axum::{
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, Request,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{
    crypto::hex,
    error::{Error, Result},
    files::Files,
};

/// How many bytes are enough to tell what a file is.
const HEAD: usize = 4096;
/// The longest value of a field that is not the file, in bytes.
const FIELD: usize = 100_000;

/// A file that was taken in and belongs to nothing yet; its bytes are gone when this is dropped.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    /// Without the directories that some browsers send.
    pub name: String,
    /// What the sender says it is.
    pub said: Option<String>,
    pub size_bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    head: Vec<u8>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Upload {
    /// Where the bytes lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the bytes lie; from here on the caller removes them.
    pub fn into_path(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }

    /// What the bytes are; see [`kind`].
    pub fn kind(&self) -> &'static str {
        kind(&self.head, self.said.as_deref(), Some(&self.name))
    }
}

/// A form with one file in it.
#[derive(Debug)]
pub struct Form {
    pub upload: Upload,
    fields: HashMap<String, String>,
}

impl Form {
    /// Reads a form (multipart/form-data) whose file measures at most `limit_bytes`.
    pub async fn read(mut request: Request, files: &Files, limit_bytes: u64) -> Result<Self> {
        let none = || Error::Invalid("send a form (multipart/form-data) with a file in it".into());
        let wrong = |e: MultipartError| match e.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge { limit_bytes },
            _ => none(),
        };
        // The form around the file is small; the file itself is measured while it is written.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| none())?;
        let (mut upload, mut fields) = (None, HashMap::new());
        while let Some(field) = form.next_field().await.map_err(wrong)? {
            match field.name() {
                Some("file") if upload.is_none() => upload = Some(save(files, field, limit_bytes).await?),
                Some("file") => return Err(Error::Invalid("one file at a time".into())),
                Some(name) if fields.len() < 20 => {
                    let name = name.to_string();
                    fields.insert(name, short(field).await?);
                }
                _ => {}
            }
        }
        let upload = upload.ok_or_else(|| Error::Invalid("the form has no file".into()))?;
        Ok(Self { upload, fields })
    }

    /// A field's value; an empty one is none.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.fields.remove(name).filter(|value| !value.trim().is_empty())
    }
}

async fn short(mut field: Field<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|_| Error::Invalid("the form was cut off".into()))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD {
            return Err(Error::Invalid("a field of the form is too long".into()));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::Invalid("a field of the form is not UTF-8".into()))
}

/// Streams the file to disk, never holding it.
async fn save(files: &Files, mut field: Field<'_>, limit_bytes: u64) -> Result<Upload> {
    let mut incoming = Incoming::begin(files, limit_bytes).await?;
    let name = field.file_name().map(base_name).unwrap_or_default();
    let said = field.content_type().map(String::from);
    while let Some(chunk) = field.chunk().await.map_err(|_| Error::Invalid("the upload was cut off".into()))? {
        incoming.write(&chunk).await?;
    }
    incoming.finish(name, said).await
}

/// A file on its way in: written to disk as it comes, measured and hashed on the way, never held.
#[derive(Debug)]
pub struct Incoming {
    upload: Upload,
    file: tokio::fs::File,
    hash: Sha256,
    limit_bytes: u64,
}

impl Incoming {
    /// Begins one of at most `limit_bytes`; what was written is gone when this is dropped.
    pub async fn begin(files: &Files, limit_bytes: u64) -> Result<Self> {
        let upload = Upload {
            path: files.incoming().await?,
            name: String::new(),
            said: None,
            size_bytes: 0,
            sha256: String::new(),
            head: Vec::new(),
        };
        let file = tokio::fs::File::create(&upload.path).await?;
        Ok(Self { upload, file, hash: Sha256::new(), limit_bytes })
    }

    /// How large it may become.
    pub fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Adds what came next.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        let upload = &mut self.upload;
        upload.size_bytes += chunk.len() as u64;
        if upload.size_bytes > self.limit_bytes {
            return Err(Error::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.hash.update(chunk);
        let room = HEAD - upload.head.len();
        upload.head.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
        Ok(self.file.write_all(chunk).await?)
    }

    /// All of it, when it is so short; `None`: it is longer.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.upload.size_bytes == self.upload.head.len() as u64).then_some(&self.upload.head)
    }

    /// The hash of what has come so far, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// The file as it is now; nothing more comes.
    pub async fn finish(mut self, name: String, said: Option<String>) -> Result<Upload> {
        self.file.flush().await?;
        let sha256 = self.sha256();
        let mut upload = self.upload;
        (upload.name, upload.said, upload.sha256) = (name, said, sha256);
        Ok(upload)
    }
}

/// A file's name without the directories that some browsers send, and without what no name holds.
fn base_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).trim();
    name.chars().filter(|c| !c.is_control()).take(255).collect()
}

/// What nobody can name.
pub const UNKNOWN: &str = "application/octet-stream";

/// What a file is by its own first `bytes`; `said` and its name only choose among what looks alike. What has no
/// signature is text when it reads as such and was called so, else [`UNKNOWN`]: nothing that a browser would run is
/// ever named as such.
pub fn kind(bytes: &[u8], said: Option<&str>, name: Option<&str>) -> &'static str {
    let begins = |signature: &[u8]| bytes.starts_with(signature);
    let at = |from: usize, signature: &[u8]| bytes.get(from..from + signature.len()) == Some(signature);
    let said_audio = said.is_some_and(|s| s.starts_with("audio/"));
    let ending = name.and_then(|n| n.rsplit_once('.')).map(|(_, e)| e.to_lowercase()).unwrap_or_default();
    let office = |of: [(&str, &'static str); 3], other: &'static str| {
        of.into_iter().find(|(e, mime)| ending == *e || said == Some(mime)).map_or(other, |(_, mime)| mime)
    };
    match () {
        () if begins(b"\xFF\xD8\xFF") => "image/jpeg",
        () if begins(b"\x89PNG\r\n\x1A\n") => "image/png",
        () if begins(b"GIF8") => "image/gif",
        () if begins(b"RIFF") && at(8, b"WEBP") => "image/webp",
        () if begins(b"RIFF") && at(8, b"WAVE") => "audio/wav",
        () if begins(b"%PDF-") => "application/pdf",
        () if begins(b"OggS") => "audio/ogg",
        () if begins(b"#!AMR") => "audio/amr",
        () if begins(b"ID3") || begins(b"\xFF\xFB") => "audio/mpeg",
        () if begins(b"\xFF\xF1") || begins(b"\xFF\xF9") => "audio/aac",
        () if begins(b"\x1A\x45\xDF\xA3") => {
            if said_audio {
                "audio/webm"
            } else {
                "video/webm"
            }
        }
        () if at(4, b"ftyp") => match bytes.get(8..12) {
            Some(b"heic" | b"heix" | b"mif1" | b"hevc") => "image/heic",
            Some(b"avif") => "image/avif",
            Some(b"M4A ") => "audio/mp4",
            Some(b"qt  ") => "video/quicktime",
            Some(brand) if brand.starts_with(b"3gp") => "video/3gpp",
            _ if said_audio => "audio/mp4",
            _ => "video/mp4",
        },
        // What is installed or run comes in an archive's clothes.
        () if begins(b"PK\x03\x04") && ["apk", "jar", "xpi", "crx", "ipa"].contains(&&*ending) => UNKNOWN,
        () if begins(b"PK\x03\x04") => office(OPEN_OFFICE, "application/zip"),
        () if begins(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") => office(OLD_OFFICE, UNKNOWN),
        () if begins(b"Rar!\x1A\x07") => "application/vnd.rar",
        () if begins(b"7z\xBC\xAF\x27\x1C") => "application/x-7z-compressed",
        () if !reads_as_text(bytes) => UNKNOWN,
        () if ending == "csv" || said.is_some_and(|s| s.starts_with("text/csv")) => "text/csv; charset=utf-8",
        () if ["txt", "log", "md"].contains(&&*ending) || said.is_some_and(|s| s.starts_with("text/plain")) => {
            "text/plain; charset=utf-8"
        }
        () => UNKNOWN,
    }
}

const OPEN_OFFICE: [(&str, &str); 3] = [
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];
const OLD_OFFICE: [(&str, &str); 3] =
    [("doc", "application/msword"), ("xls", "application/vnd.ms-excel"), ("ppt", "application/vnd.ms-powerpoint")];

/// Whether the first bytes of a file are text: UTF-8 (which a cut at the end may break) without control characters.
fn reads_as_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none() && bytes.len() >= HEAD,
    };
    valid && !bytes.is_empty() && bytes.iter().all(|b| *b >= 32 || matches!(b, b'\n' | b'\r' | b'\t' | 0x0C))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        for (bytes, said, name, expected) in [
            (&b"\xFF\xD8\xFFabc"[..], Some("image/png"), "a.png", "image/jpeg"),
            (b"<html><script>", Some("image/jpeg"), "a.jpg", UNKNOWN),
            (b"<html><script>", Some("text/html"), "a.html", UNKNOWN),
            (b"<svg onload=x>", Some("image/svg+xml"), "a.svg", UNKNOWN),
            (b"hello", Some("text/plain"), "", "text/plain; charset=utf-8"),
            ("你好,1".as_bytes(), None, "a.csv", "text/csv; charset=utf-8"),
            (b"MZ\x90\x00", Some("text/plain"), "a.txt", UNKNOWN),
            (b"OggS...", Some("audio/ogg; codecs=opus"), "", "audio/ogg"),
            (b"....ftypheic....", Some("image/heic"), "a.heic", "image/heic"),
            (b"....ftypisom....", Some("audio/mp4"), "a.m4a", "audio/mp4"),
            (b"....ftypisom....", Some("video/mp4"), "a.mp4", "video/mp4"),
            (b"PK\x03\x04...", None, "a.docx", OPEN_OFFICE[0].1),
            (b"PK\x03\x04...", None, "a.zip", "application/zip"),
            (b"PK\x03\x04...", None, "a.apk", UNKNOWN),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", None, "a.xls", "application/vnd.ms-excel"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", None, "a.msi", UNKNOWN),
            (b"", None, "a.txt", UNKNOWN),
        ] {
            assert_eq!(kind(bytes, said, Some(name)), expected, "{name} {said:?}");
        }
    }

    #[test]
    fn a_name_is_a_name_and_no_path() {
        for (given, expected) in [
            ("C:\\Users\\x\\photo.jpg", "photo.jpg"),
            ("../../etc/passwd", "passwd"),
            ("a\u{0}b\n.png", "ab.png"),
            ("发票.pdf", "发票.pdf"),
        ] {
            assert_eq!(base_name(given), expected);
        }
    }
}
