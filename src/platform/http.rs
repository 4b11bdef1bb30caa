//! What handlers take apart and put together: bodies, paths and queries whose faults are our one error, and pages.
//!
//! The names are axum's on purpose: `utoipa` reads a route's parameters from them.

use std::net::{IpAddr, Ipv6Addr};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request, rejection::JsonRejection},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::error::{Error, Result};

/// A JSON body, in or out.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        let body = match Bytes::from_request(Request::from_parts(parts.clone(), body), state).await {
            Ok(body) => body,
            Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(Error::TooLarge { limit_bytes: BODY_LIMIT });
            }
            Err(e) => return Err(Error::Invalid(e.body_text())),
        };
        // PostgreSQL can't store it; what one database refuses, both do.
        if holds_null(&body) {
            return Err(Error::Invalid(
                "a text holds the character U+0000, which can't be stored: leave it out".into(),
            ));
        }
        match axum::Json::<T>::from_request(Request::from_parts(parts, Body::from(body)), state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::JsonDataError(e)) => Err(Error::Invalid(plain(&e.body_text()))),
            Err(JsonRejection::JsonSyntaxError(_)) => Err(Error::Invalid("the body is not JSON".into())),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Error::Invalid("send JSON, with Content-Type: application/json".into()))
            }
            Err(e) => Err(Error::Invalid(e.body_text())),
        }
    }
}

/// Whether a JSON text writes out the null character: `\u0000`, the backslash not escaped itself.
fn holds_null(json: &[u8]) -> bool {
    let is_escape = |at: usize| {
        let backslashes = json.get(..at).unwrap_or_default().iter().rev().take_while(|b| **b == b'\\').count();
        backslashes % 2 == 0
    };
    json.windows(6).enumerate().any(|(at, text)| text == b"\\u0000" && is_escape(at))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// What a JSON body may measure (axum's own limit); uploads have theirs.
const BODY_LIMIT: u64 = 2 * 1024 * 1024;

/// axum prefixes what serde says with a sentence about Rust types.
fn plain(text: &str) -> String {
    text.strip_prefix("Failed to deserialize the JSON body into the target type: ").unwrap_or(text).to_string()
}

/// The variable parts of the path. A part that can't be an id is "not found", like an id that isn't there.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(path)) => Ok(Self(path)),
            Err(_) => Err(Error::NotFound("page")),
        }
    }
}

/// What stands after the question mark.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match <axum::extract::Query<T> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(e) => {
                let text = e.body_text();
                Err(Error::Invalid(text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text).into()))
            }
        }
    }
}

/// A network, or one address as the network of itself.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whose connection it is: the peer, or, when the peer is a configured proxy, whom it names.
pub fn client_address(parts: &Parts, trusted_proxies: &[String]) -> Option<String> {
    let peer = parts.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>().map(|c| c.0.ip())?;
    let is_trusted = |ip: &IpAddr| trusted_proxies.iter().filter_map(|p| network(p)).any(|n| n.contains(ip));
    if !is_trusted(&peer) {
        return Some(peer.to_string());
    }
    // The last address that no proxy of ours added; what stands before it, the client may have written.
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let named: Vec<IpAddr> = forwarded.flat_map(|v| v.split(',')).filter_map(|a| a.trim().parse().ok()).collect();
    Some(named.into_iter().rev().find(|ip| !is_trusted(ip)).unwrap_or(peer).to_string())
}

/// The address for which requests of strangers are counted together, an IPv6 one by its network. `None` when it says
/// nothing of who asks: a proxy in our own network that nobody named stands for all its visitors.
pub fn counted_address(parts: &Parts, trusted_proxies: &[String]) -> Option<String> {
    let ip: IpAddr = client_address(parts, trusted_proxies)?.parse().ok()?;
    let ip = ip.to_canonical();
    let is_near = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    if is_near && parts.headers.contains_key("x-forwarded-for") {
        return None;
    }
    Some(match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
    })
}

/// Tells a field that is absent (`None`) from one that is `null` (`Some(None)`): with
/// `#[serde(default, deserialize_with = "given")]`.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// A part of a longer list, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` to get what follows; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From up to `limit + 1` rows: the extra one only says that more follow.
    pub fn of(mut rows: Vec<T>, limit: i64, place: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| place(last).to_string());
        Self { items: rows, next }
    }

    /// The same page with other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}

/// Where a page ended: the time and id of its last row. Opaque to the asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

impl Cursor {
    /// From the asker's `cursor`, or the beginning. `after` in SQL: `(created_at, id) < ($n, $m)`.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        let Some(text) = text.filter(|t| !t.is_empty()) else {
            return Ok(Self::start());
        };
        let wrong = || Error::Invalid("cursor: not one of ours".into());
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(text).ok().and_then(|b| b.try_into().ok()).ok_or_else(wrong)?;
        let (at, id) = bytes.split_at(8);
        let at = at.try_into().ok().map(i64::from_be_bytes).and_then(DateTime::from_timestamp_micros);
        let id = Uuid::from_slice(id).ok();
        at.zip(id).map(|(at, id)| Self { at, id }).ok_or_else(wrong)
    }

    /// A time that both databases can hold and that no row reaches.
    pub fn start() -> Self {
        Self { at: DateTime::from_timestamp(253_000_000_000, 0).unwrap_or(DateTime::<Utc>::MAX_UTC), id: Uuid::max() }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = self.at.timestamp_micros().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// How many rows a page has: what was asked for, within 1 to 200; 50 when nothing was.
pub fn limit(asked: Option<u32>) -> i64 {
    i64::from(asked.unwrap_or(50).clamp(1, 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_character_is_seen_and_a_backslash_before_a_u_is_none() {
        assert!(holds_null(br#"{"name": "a\u0000b"}"#) && holds_null(br#"["\\\u0000"]"#));
        assert!(!holds_null(br#"{"name": "a\\u0000b"}"#) && !holds_null(br#"{"name": "\u0001"}"#));
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let at = DateTime::from_timestamp_micros(1_772_442_000_123_456).unwrap();
        let cursor = Cursor { at, id: Uuid::now_v7() };
        assert_eq!(Cursor::parse(Some(&cursor.to_string())).unwrap(), cursor);
        assert!(Cursor::parse(Some("rubbish")).is_err());
    }

    #[test]
    fn only_a_configured_proxy_may_name_the_client() {
        let asked = |peer: &str, forwarded: &str| {
            let mut request = axum::http::Request::builder().header("x-forwarded-for", forwarded).body(()).unwrap();
            let peer: std::net::SocketAddr = format!("{peer}:1").parse().unwrap();
            request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
            client_address(&request.into_parts().0, &["10.0.0.1".into()]).unwrap()
        };
        assert_eq!(asked("192.0.2.7", "203.0.113.9"), "192.0.2.7");
        assert_eq!(asked("10.0.0.1", "198.51.100.1, 203.0.113.9, 10.0.0.1"), "203.0.113.9");
        assert_eq!(asked("10.0.0.1", "nonsense"), "10.0.0.1");
    }

    #[test]
    fn strangers_are_counted_by_address_unless_a_proxy_hides_it() {
        let counted = |peer: &str, forwarded: Option<&str>| {
            let mut request = axum::http::Request::builder();
            if let Some(forwarded) = forwarded {
                request = request.header("x-forwarded-for", forwarded);
            }
            let mut request = request.body(()).unwrap();
            request
                .extensions_mut()
                .insert(axum::extract::ConnectInfo(std::net::SocketAddr::new(peer.parse().unwrap(), 1)));
            counted_address(&request.into_parts().0, &["10.0.0.1".into()])
        };
        assert_eq!(counted("192.0.2.7", None).unwrap(), "192.0.2.7");
        assert_eq!(
            counted("192.0.2.7", Some("1.2.3.4")).unwrap(),
            "192.0.2.7",
            "what a stranger says counts for nothing"
        );
        assert_eq!(counted("10.0.0.1", Some("203.0.113.9")).unwrap(), "203.0.113.9");
        assert_eq!(counted("127.0.0.1", None).unwrap(), "127.0.0.1");
        assert_eq!(counted("172.17.0.1", Some("203.0.113.9")), None, "a proxy that nobody named");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6", None).unwrap(), "2001:db8:1:2::");
        assert_eq!(counted("::ffff:192.0.2.7", None).unwrap(), "192.0.2.7");
    }
}
