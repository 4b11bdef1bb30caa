//! A web page or a file behind an address, fetched without becoming a way into the own network.
//!
//! The parsed host is checked (an address literal never reaches the resolver), names are filtered where they are
//! resolved (so that no second look-up can answer otherwise), and redirects are followed by hand, each checked anew.

use std::{sync::Arc, time::Duration};

use reqwest::header;
use url::Url;

use super::parse::Kind;
use crate::platform::{
    Error, Result,
    net::{PublicOnly, led_home, names_private},
};

const REDIRECTS: usize = 5;
const TIME: Duration = Duration::from_secs(30);

/// What an address gave.
#[derive(Debug)]
pub struct Fetched {
    /// Where it was in the end.
    pub url: Url,
    pub bytes: Vec<u8>,
    /// The ending that its content type stands for.
    pub extension: Option<String>,
}

/// Whether `source` is an address that could be fetched, and no file's name.
pub fn is_address(source: &str) -> bool {
    parse(source).is_ok()
}

/// Fetches `address`, at most `limit_bytes` long. `allow_private` permits addresses inside the own network.
pub async fn fetch(address: &str, limit_bytes: u64, allow_private: bool) -> Result<Fetched> {
    let mut url = parse(address)?;
    let mut client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .timeout(TIME)
        .no_proxy() // a proxy would resolve names by itself
        .user_agent(concat!("frontdesk/", env!("CARGO_PKG_VERSION")));
    if !allow_private {
        client = client.dns_resolver(Arc::new(PublicOnly));
    }
    let client = client.build().map_err(Error::internal)?;
    let fetch = async {
        for _ in 0..=REDIRECTS {
            check(&url, allow_private)?;
            let response = client.get(url.clone()).header(header::ACCEPT, "text/html,*/*;q=0.8").send().await;
            let response = response.map_err(|e| gone(&e))?;
            if response.status().is_redirection() {
                let to = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok());
                let to = to.ok_or_else(|| Error::Invalid("the address redirects to nowhere".into()))?;
                url = url.join(to).map_err(|_| Error::Invalid("the address redirects to nowhere".into()))?;
                continue;
            }
            if !response.status().is_success() {
                return Err(Error::Invalid(format!("the address answers {}", response.status())));
            }
            return body(response, url.clone(), limit_bytes).await;
        }
        Err(Error::Invalid("the address redirects too often".into()))
    };
    tokio::time::timeout(TIME, fetch).await.unwrap_or_else(|_| Err(Error::Invalid("the address is too slow".into())))
}

async fn body(mut response: reqwest::Response, url: Url, limit_bytes: u64) -> Result<Fetched> {
    if response.content_length().is_some_and(|l| l > limit_bytes) {
        return Err(Error::TooLarge { limit_bytes });
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|t| t.to_str().ok()).map(str::to_ascii_lowercase);
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| gone(&e))? {
        if (bytes.len() + chunk.len()) as u64 > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        bytes.extend_from_slice(&chunk);
    }
    let extension = kind.as_deref().and_then(extension).map(String::from).or_else(|| {
        let ending = url.path().rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase())?;
        Kind::from_name(&ending).map(|k| k.name().to_string())
    });
    Ok(Fetched { url, bytes, extension })
}

/// The ending of a content type; `None` where it says nothing.
fn extension(content_type: &str) -> Option<&'static str> {
    Some(match content_type.split(';').next().unwrap_or_default().trim() {
        "text/html" | "application/xhtml+xml" => "html",
        "application/pdf" => "pdf",
        "text/csv" => "csv",
        "application/json" => "json",
        "text/markdown" => "md",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation" => "pptx",
        _ => return None,
    })
}

fn parse(address: &str) -> Result<Url> {
    let wrong = || Error::Invalid("not a web address: it begins with http:// or https://".into());
    let mut url = Url::parse(address.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    url.set_fragment(None);
    Ok(url)
}

/// Refuses what is no web address, carries a password, or names a private address as such.
fn check(url: &Url, allow_private: bool) -> Result<()> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::Invalid("the address redirects to something that is no web page".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Invalid("addresses with a user name or password are not fetched".into()));
    }
    if !url.has_host() {
        return Err(Error::Invalid("the address has no host".into()));
    }
    if !allow_private && names_private(url) {
        return Err(private());
    }
    Ok(())
}

fn private() -> Error {
    Error::Invalid("the address is inside a private network (ingest.allow_private_urls permits that)".into())
}

fn gone(error: &reqwest::Error) -> Error {
    if led_home(error) {
        return private();
    }
    Error::Invalid(if error.is_timeout() { "the address is too slow" } else { "the address can't be reached" }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_private_address_is_refused() {
        for address in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://10.1.2.3/",
            "http://192.168.0.1:8080/x",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://255.255.255.255/",
        ] {
            let url = parse(address).unwrap();
            assert!(check(&url, false).is_err(), "{address}");
            assert!(check(&url, true).is_ok(), "{address}");
        }
        for address in ["https://example.com/", "http://93.184.216.34/", "http://[2606:2800:220:1::]/"] {
            assert!(check(&parse(address).unwrap(), false).is_ok(), "{address}");
        }
    }

    #[test]
    fn only_web_addresses_without_passwords_are_taken() {
        for address in ["ftp://example.com/", "file:///etc/passwd", "example.com", "http://", "javascript:1"] {
            assert!(parse(address).is_err(), "{address}");
        }
        assert!(check(&parse("http://user:pw@example.com/").unwrap(), true).is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_refused() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let error = fetch("http://localhost:1/", 1000, false).await.unwrap_err().to_string();
        assert!(error.contains("private network"), "{error}");
    }
}
