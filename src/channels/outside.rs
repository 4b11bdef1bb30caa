//! Calls to platforms: with time-outs, without redirects, and never by accident into the own network.
//!
//! A base address that an admin configured may be private (a gateway beside us, a test); a platform's own never is.
//! Every other address comes from a platform's messages and must be on the channel's list and public.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use url::{Host, Url};

use super::{Failure, FileFacts, Sent};
use crate::platform::{
    Clock, Error, Result,
    net::{self, PublicOnly},
    upload::Incoming,
};

/// What the platforms call themselves: where a channel goes that was not told otherwise.
const PLATFORMS: [&str; 4] = ["graph.facebook.com", "api.telegram.org", "qyapi.weixin.qq.com", "api.weixin.qq.com"];

/// The clients for calls to platforms.
#[derive(Debug, Clone)]
pub struct Outside {
    configured: reqwest::Client,
    public: reqwest::Client,
    clock: Clock,
}

impl Outside {
    /// Both clients, `timeout` per call.
    pub fn new(timeout: Duration, clock: Clock) -> Result<Self> {
        let builder = || {
            reqwest::Client::builder()
                .connect_timeout(Duration::from_secs(5))
                .timeout(timeout)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self {
            configured: builder().build().map_err(Error::internal)?,
            public: builder().dns_resolver(Arc::new(PublicOnly)).build().map_err(Error::internal)?,
            clock,
        })
    }

    /// Lets `time` pass, as whoever types does.
    pub async fn wait(&self, time: Duration) {
        self.clock.wait(time).await;
    }

    /// For an address that an admin configured.
    pub fn configured(&self) -> &reqwest::Client {
        &self.configured
    }

    /// For an address of a channel: what a platform calls itself leads into the public internet, whoever answers for
    /// the name; what an admin set up in its place may be anywhere.
    pub fn client(&self, address: &str) -> &reqwest::Client {
        if is_platform(address) { &self.public } else { &self.configured }
    }

    /// Gets a file from `address`, which came with a message: only from `base` or from `hosts` (a name, or `*.name`),
    /// over at most three redirects, each checked anew. `headers` go with requests to the first host only.
    pub async fn file(
        &self,
        address: &str,
        base: &str,
        hosts: &[&str],
        headers: &[(&str, &str)],
        into: &mut Incoming,
    ) -> Result<()> {
        let wrong = || Error::Invalid("the file's address is not one of the platform's".into());
        let mut url = Url::parse(address).map_err(|_| wrong())?;
        let first = url.host_str().map(String::from);
        for _ in 0..4 {
            let client = if is_below(&url, base) {
                self.client(base)
            } else if url.scheme() == "https" && is_listed(&url, hosts) {
                &self.public
            } else {
                return Err(wrong());
            };
            let mut request = client.get(url.clone());
            if url.host_str() == first.as_deref() {
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
            }
            let answer = request.send().await.map_err(|e| unreachable(&e))?;
            if answer.status().is_redirection() {
                let to = answer.headers().get("location").and_then(|l| l.to_str().ok()).ok_or_else(wrong)?;
                url = url.join(to).map_err(|_| wrong())?;
                continue;
            }
            return body(answer, into).await;
        }
        Err(wrong())
    }
}

/// Writes the body of a successful answer down as it comes.
pub async fn body(mut answer: reqwest::Response, into: &mut Incoming) -> Result<()> {
    succeeded(&answer)?;
    if answer.content_length().is_some_and(|l| l > into.limit_bytes()) {
        return Err(Error::TooLarge { limit_bytes: into.limit_bytes() });
    }
    while let Some(chunk) = next(&mut answer).await? {
        into.write(&chunk).await?;
    }
    Ok(())
}

/// What came next of an answer's body.
pub async fn next(answer: &mut reqwest::Response) -> Result<Option<Bytes>> {
    answer.chunk().await.map_err(|e| unreachable(&e))
}

/// Whether the platform gave what was asked for, or why not.
pub fn succeeded(answer: &reqwest::Response) -> Result<()> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let gone = matches!(status.as_u16(), 404 | 410);
    let why = format!("the platform answered {}", status.as_u16());
    Err(if gone || (status.is_client_error() && status.as_u16() != 429) {
        Error::Invalid(why)
    } else {
        Error::Unavailable { service: "the platform", source: anyhow::anyhow!(why) }
    })
}

/// `address` with values in its query.
pub fn with_query(address: &str, values: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
    format!("{address}?{query}")
}

/// A JSON body with one more field, if there is a value for it.
pub fn with(mut body: Value, name: &str, value: impl Into<Option<Value>>) -> Value {
    if let (Some(fields), Some(value)) = (body.as_object_mut(), value.into()) {
        fields.insert(name.into(), value);
    }
    body
}

/// The most that an answer of a platform may measure.
const ANSWER_LIMIT: u64 = 8 << 20;

/// What became of a call: its status and its JSON (`Null` when it is none).
pub async fn json(request: reqwest::RequestBuilder) -> Result<(u16, Value), Lost> {
    let mut answer = request.send().await.map_err(|e| {
        // Before the connection stands, nothing can have been sent.
        if e.is_connect() || e.is_builder() { Lost::NotSent(explain(&e)) } else { Lost::Unknown(explain(&e)) }
    })?;
    let status = answer.status().as_u16();
    let mut all = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if (all.len() + chunk.len()) as u64 <= ANSWER_LIMIT => all.extend_from_slice(&chunk),
            Ok(None) => break,
            Ok(Some(_)) => return Err(Lost::Unknown("the platform's answer is too long".into())),
            Err(e) => return Err(Lost::Unknown(explain(&e))),
        }
    }
    Ok((status, serde_json::from_slice(&all).unwrap_or(Value::Null)))
}

/// How long a file may take on its way to a platform.
pub const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// A file as a part of a form, streamed from where it lies.
pub async fn form_part(path: Option<&Path>, file: &FileFacts) -> Result<reqwest::multipart::Part, Lost> {
    let opened = tokio::fs::File::open(path.unwrap_or(Path::new(""))).await.map_err(|_| gone())?;
    let part = reqwest::multipart::Part::stream_with_length(reqwest::Body::from(opened), file.size_bytes)
        .file_name(file.name.replace(['"', '\\', '\r', '\n'], "_"));
    part.mime_str(&file.mime_type).map_err(|_| Lost::NotSent("the file's type is none".into()))
}

/// A file in base64, for platforms that take it so.
pub async fn base64(path: Option<&Path>) -> Result<String, Lost> {
    use base64::Engine as _;
    let bytes = tokio::fs::read(path.unwrap_or(Path::new(""))).await.map_err(|_| gone())?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn gone() -> Lost {
    Lost::NotSent("the file can't be read".into())
}

/// A call without an answer.
#[derive(Debug)]
pub enum Lost {
    /// Nothing can have arrived.
    NotSent(String),
    /// It may have arrived.
    Unknown(String),
}

impl Lost {
    /// What that means before the message itself was sent, when only its file was on its way.
    pub fn of_an_upload(self) -> Sent {
        let (Self::NotSent(why) | Self::Unknown(why)) = self;
        Sent::Failed(Failure::Retry(why, None))
    }

    /// What that means for a message; `repeats`: the platform recognises our id.
    pub fn of_a_message(self, repeats: bool) -> Sent {
        match self {
            Self::NotSent(why) => Sent::Failed(Failure::Retry(why, None)),
            Self::Unknown(why) => Sent::Unknown(why, repeats),
        }
    }
}

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        let (Lost::NotSent(why) | Lost::Unknown(why)) = lost;
        Self::Unavailable { service: "the platform", source: anyhow::anyhow!(why) }
    }
}

/// Without the address, which may hold a token.
fn explain(error: &reqwest::Error) -> String {
    let what = if net::led_home(error) {
        "the platform's name leads into a private network here"
    } else if error.is_connect() {
        "the platform can't be reached"
    } else if error.is_timeout() {
        "the platform did not answer in time"
    } else {
        "the connection to the platform broke"
    };
    what.into()
}

fn unreachable(error: &reqwest::Error) -> Error {
    Error::Unavailable { service: "the platform", source: anyhow::anyhow!(explain(error)) }
}

/// Whether `url` lies at the configured base: same scheme, host and port, and below its path.
fn is_below(url: &Url, base: &str) -> bool {
    let Ok(base) = Url::parse(base) else { return false };
    url.origin() == base.origin() && url.path().starts_with(base.path().trim_end_matches('/'))
}

fn is_platform(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| url.host_str().is_some_and(|host| PLATFORMS.contains(&host)))
}

/// Whether `url` is public and on the list.
pub fn is_listed(url: &Url, hosts: &[&str]) -> bool {
    let is_public = match url.host() {
        Some(Host::Ipv4(ip)) => net::is_public(ip.into()),
        Some(Host::Ipv6(ip)) => net::is_public(ip.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    };
    let Some(host) = url.host_str() else { return false };
    is_public
        && hosts.iter().any(|listed| match listed.strip_prefix("*.") {
            Some(domain) => host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.')),
            None => host == *listed,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_never_at_home() {
        for (address, expected) in [
            ("https://graph.facebook.com/v25.0/1/messages", true),
            ("https://api.telegram.org", true),
            ("https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=1", true),
            ("https://api.weixin.qq.com", true),
            ("http://127.0.0.1:8081", false),
            ("https://graph.facebook.com.example.org", false),
            ("http://waha:3000/api/sendText", false),
        ] {
            assert_eq!(is_platform(address), expected, "{address}");
        }
    }

    #[test]
    fn a_file_is_fetched_only_from_where_the_platform_keeps_them() {
        let hosts = ["lookaside.fbsbx.com", "*.fbcdn.net"];
        for (address, listed) in [
            ("https://lookaside.fbsbx.com/x", true),
            ("https://scontent.fbcdn.net/x", true),
            ("https://fbcdn.net/x", false),
            ("https://evilfbcdn.net/x", false),
            ("https://lookaside.fbsbx.com.evil.example/x", false),
            ("https://127.0.0.1/x", false),
            ("https://[::1]/x", false),
        ] {
            assert_eq!(is_listed(&Url::parse(address).unwrap(), &hosts), listed, "{address}");
        }
        for (address, below) in [
            ("http://127.0.0.1:3000/api/files/1", true),
            ("http://127.0.0.1:3001/api/files/1", false),
            ("http://127.0.0.1:3000/other", false),
            ("https://127.0.0.1:3000/api/x", false),
        ] {
            assert_eq!(is_below(&Url::parse(address).unwrap(), "http://127.0.0.1:3000/api/"), below, "{address}");
        }
    }
}
