//! The web console: the files that npm built, embedded into the program when they were there at compile time.
//!
//! The pages are one document whose script reads the address, so every address that is no file and no route of ours
//! answers with that document. Its style nonce is new each time; scripts come from our own files only.

use std::{borrow::Cow, collections::HashMap, io::Write, path::Path, sync::LazyLock};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

use crate::platform::{Error, crypto};

static EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

const DOCUMENT: &str = "index.html";
/// What the document holds where the nonce belongs.
const NONCE: &str = "__NONCE__";
/// Addresses that are answered by routes or not at all, never by the document.
const NOT_PAGES: [&str; 5] = ["api", "webhooks", "assets", "chat", "setup"];

/// A file and its compressed form.
struct Asset {
    plain: Cow<'static, [u8]>,
    gzip: Vec<u8>,
}

impl Asset {
    fn new(plain: impl Into<Cow<'static, [u8]>>) -> Self {
        let plain = plain.into();
        let gzip = gzip(&plain);
        Self { plain, gzip }
    }
}

static BY_PATH: LazyLock<HashMap<String, Asset>> = LazyLock::new(|| {
    // While the console is worked on, a new build of it needs no new build of the program.
    if cfg!(debug_assertions) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("console/dist/site");
        let mut found = HashMap::new();
        gather(&root, &root, &mut found);
        return found;
    }
    EMBEDDED.iter().map(|(path, plain)| ((*path).to_string(), Asset::new(*plain))).collect()
});

fn gather(root: &Path, dir: &Path, into: &mut HashMap<String, Asset>) {
    for path in std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok).map(|e| e.path()) {
        if path.is_dir() {
            gather(root, &path, into);
        } else if let (Ok(name), Ok(plain)) = (path.strip_prefix(root), std::fs::read(&path)) {
            into.insert(name.to_string_lossy().into_owned(), Asset::new(plain));
        }
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail; if it did, the plain form would be sent.
    if encoder.write_all(plain).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}

/// Whether a console was there when the program was built.
pub fn is_built() -> bool {
    BY_PATH.contains_key(DOCUMENT)
}

/// Whatever no route answers: a file of the console, its document, or "not found".
pub async fn answer(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_read = method == Method::GET || method == Method::HEAD;
    if is_read
        && path != DOCUMENT
        && let Some(file) = BY_PATH.get(path)
    {
        return send(path, file, &headers);
    }
    let first = path.split('/').next().unwrap_or_default();
    if is_read && is_built() && !NOT_PAGES.contains(&first) && wants_page(&headers) {
        return document();
    }
    Error::NotFound("page").into_response()
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// The document, with a nonce for the styles that its script adds.
pub fn document() -> Response {
    let Some(file) = BY_PATH.get(DOCUMENT) else {
        return Error::NotFound("page").into_response();
    };
    let nonce = crypto::token();
    let page = String::from_utf8_lossy(&file.plain).replace(NONCE, &nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob: https:; \
         media-src 'self' blob: https:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response();
    let set = response.headers_mut();
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        set.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    guard(set);
    response
}

fn send(path: &str, file: &Asset, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is_packed = accepts.contains("gzip") && file.gzip.len() < file.plain.len() && !file.gzip.is_empty();
    let body = if is_packed { file.gzip.clone() } else { file.plain.clone().into_owned() };
    let mut response = (StatusCode::OK, body).into_response();
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    if is_packed {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Built files carry a hash of their content in their name.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    guard(set);
    response
}

fn guard(set: &mut HeaderMap) {
    set.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    set.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    set.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    set.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    set.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        "html" => "text/html; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(path: &str, accept: &str) -> StatusCode {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        answer(Method::GET, path.parse().unwrap(), headers).await.status()
    }

    #[tokio::test]
    async fn an_unknown_address_of_the_api_is_never_a_page() {
        for path in ["/api/nothing", "/webhooks/x/y", "/assets/gone.js"] {
            assert_eq!(asked(path, "text/html").await, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(asked("/inbox", "application/json").await, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn every_address_of_the_console_is_its_document_once_it_is_built() {
        let expected = if is_built() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(asked("/inbox/01a201cc", "text/html,*/*").await, expected);
    }

    #[test]
    fn the_document_has_no_inline_script() {
        if let Some(file) = BY_PATH.get(DOCUMENT) {
            let page = String::from_utf8_lossy(&file.plain);
            assert!(!page.contains("<script>") && !page.contains(" onclick=") && !page.contains(" style="));
            assert!(page.contains(NONCE));
        }
    }
}
