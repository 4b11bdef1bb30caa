//! The chat page, the widget's script and the first page: plain files, embedded into the binary.
//!
//! The page names its script and style with a version (`?v=…`), so that browsers keep them for good and still get the
//! new ones after an upgrade; everything else is asked for again with its ETag.

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::console;
use crate::{
    app::{App, ChannelId},
    inbox,
    platform::{Error, Result, language::Language},
};

/// The chat may stand in a frame on any website (`widget.js` puts it there); nothing foreign may be loaded into it.
const CHAT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                           media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";
const AGAIN: &str = "no-cache";
const AN_HOUR: &str = "public, max-age=3600, stale-while-revalidate=86400";
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// One script, so that the page needs one request; the parts share a module's scope.
const CHAT_JS: &str = concat!(
    include_str!("assets/chat/words.js"),
    include_str!("assets/chat/text.js"),
    include_str!("assets/chat/shelf.js"),
    include_str!("assets/chat/link.js"),
    include_str!("assets/chat/files.js"),
    include_str!("assets/chat/thread.js"),
    include_str!("assets/chat/main.js"),
);

/// One embedded file, ready to be sent.
struct Asset {
    content_type: &'static str,
    body: String,
    /// The first half of the content's SHA-256.
    version: String,
    etag: HeaderValue,
    caching: &'static str,
    policy: Option<&'static str>,
}

impl Asset {
    fn new(content_type: &'static str, body: impl Into<String>, caching: &'static str) -> Self {
        let body = body.into();
        let version: String = Sha256::digest(&body).iter().take(8).map(|b| format!("{b:02x}")).collect();
        // Weak, because the same content may leave compressed or not.
        let etag = HeaderValue::try_from(format!("W/\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content_type, body, version, etag, caching, policy: None }
    }

    fn page(body: impl Into<String>, policy: &'static str) -> Self {
        Self { policy: Some(policy), ..Self::new("text/html; charset=utf-8", body, AGAIN) }
    }

    /// The file, or 304 when the browser has it already. `version` is what was asked for by `?v=`.
    fn answer(&self, headers: &HeaderMap, version: Option<&str>) -> Response {
        let is_known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).is_some_and(|v| {
            v.split(',').any(|tag| tag.trim().trim_start_matches("W/").trim_matches('"') == self.version)
        });
        let caching = if version == Some(&self.version) { FOR_GOOD } else { self.caching };
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, self.content_type)], self.body.clone()).into_response()
        };
        let set = response.headers_mut();
        set.insert(header::ETAG, self.etag.clone());
        set.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        set.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        set.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        // The widget's script is meant for other sites.
        set.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
        if let Some(policy) = self.policy {
            set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }
}

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset::new("text/javascript; charset=utf-8", CHAT_JS, AGAIN));
static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/css; charset=utf-8", include_str!("assets/chat.css"), AGAIN));
static CHAT: LazyLock<Asset> = LazyLock::new(|| {
    let page = include_str!("assets/chat.html")
        .replace("\"/chat.js\"", &format!("\"/chat.js?v={}\"", SCRIPT.version))
        .replace("\"/chat.css\"", &format!("\"/chat.css?v={}\"", STYLE.version));
    Asset::page(page, CHAT_POLICY)
});
static WIDGET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/javascript; charset=utf-8", include_str!("assets/widget.js"), AN_HOUR));
static BELL: LazyLock<Asset> = LazyLock::new(|| Asset::new("image/svg+xml", include_str!("assets/bell.svg"), AN_HOUR));
static LANDING_STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/css; charset=utf-8", include_str!("assets/landing.css"), AGAIN));
static LANDING_EN: LazyLock<Asset> = LazyLock::new(|| Asset::page(include_str!("assets/landing.en.html"), PAGE_POLICY));
static LANDING_ZH: LazyLock<Asset> = LazyLock::new(|| Asset::page(include_str!("assets/landing.zh.html"), PAGE_POLICY));

/// What a page may be asked for with.
#[derive(Deserialize)]
struct Asked {
    v: Option<String>,
    language: Option<String>,
}

/// The pages and files that anybody may see.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(landing))
        .route("/landing.css", file(&LANDING_STYLE))
        .route("/chat", get(chat))
        .route("/chat.js", file(&SCRIPT))
        .route("/chat.css", file(&STYLE))
        .route("/widget.js", file(&WIDGET))
        .route("/favicon.svg", file(&BELL))
        .route("/favicon.ico", file(&BELL))
}

fn file(asset: &'static LazyLock<Asset>) -> MethodRouter<Arc<App>> {
    get(move |Query(asked): Query<Asked>, headers: HeaderMap| async move { asset.answer(&headers, asked.v.as_deref()) })
}

/// The chat page. Where a channel names its websites, only they may show it in a frame.
async fn chat(State(app): State<Arc<App>>, Query(asked): Query<AskedChat>, headers: HeaderMap) -> Result<Response> {
    let mut response = CHAT.answer(&headers, None);
    let Some(id) = asked.channel.as_deref().and_then(|id| id.parse::<ChannelId>().ok()) else {
        return Ok(response);
    };
    if let Some(origins) = inbox::origins(&app, id).await? {
        // What no origin can hold would end the policy early.
        let plain = |o: &&String| o.chars().all(|c| c.is_ascii_alphanumeric() || ":/.-[]*".contains(c));
        let named: Vec<&str> = origins.iter().filter(plain).map(String::as_str).collect();
        let policy = CHAT_POLICY.replace("frame-ancestors *", &format!("frame-ancestors 'self' {}", named.join(" ")));
        let policy = HeaderValue::try_from(policy).map_err(Error::internal)?;
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// What the chat page may be asked for with.
#[derive(Deserialize)]
struct AskedChat {
    channel: Option<String>,
}

/// The console; in a program built without it, what this is and where to go.
async fn landing(Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    if console::is_built() {
        return console::document();
    }
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let page = match preferred(asked.language.as_deref(), accepted) {
        Language::Zh => &LANDING_ZH,
        Language::En => &LANDING_EN,
    };
    let mut response = page.answer(&headers, None);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

/// The language asked for by name, or else the first of the browser's that we speak.
fn preferred(asked: Option<&str>, accepted: Option<&str>) -> Language {
    let known = |tag: &str| match tag.trim().get(..2) {
        Some("zh") => Some(Language::Zh),
        Some("en") => Some(Language::En),
        _ => None,
    };
    asked
        .and_then(known)
        .or_else(|| accepted.into_iter().flat_map(|list| list.split(',')).find_map(known))
        .unwrap_or(Language::En)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_first_language_that_we_speak_is_taken() {
        assert_eq!(preferred(None, Some("fr-FR,zh-CN;q=0.8,en;q=0.7")), Language::Zh);
        assert_eq!(preferred(None, Some("fr")), Language::En);
        assert_eq!(preferred(Some("zh"), Some("en-GB")), Language::Zh);
        assert_eq!(preferred(Some("klingon"), None), Language::En);
    }

    #[test]
    fn the_page_names_the_version_of_its_script_and_style() {
        assert!(CHAT.body.contains(&format!("/chat.js?v={}", SCRIPT.version)));
        assert!(CHAT.body.contains(&format!("/chat.css?v={}", STYLE.version)));
        let caching = |version| SCRIPT.answer(&HeaderMap::new(), version).headers()[header::CACHE_CONTROL].clone();
        assert_eq!(caching(Some(&*SCRIPT.version)), FOR_GOOD);
        assert_eq!(caching(Some("old")), AGAIN);
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, WIDGET.etag.clone());
        assert_eq!(WIDGET.answer(&headers, None).status(), StatusCode::NOT_MODIFIED);
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("W/\"other\""));
        assert_eq!(WIDGET.answer(&headers, None).status(), StatusCode::OK);
    }

    #[test]
    fn no_page_needs_an_inline_script_or_style() {
        for page in [&CHAT.body, &LANDING_EN.body, &LANDING_ZH.body] {
            assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="));
            assert!(!page.contains("<script>") && !page.contains("http-equiv"));
        }
    }
}
