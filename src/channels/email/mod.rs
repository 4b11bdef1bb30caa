//! E-mail: a mailbox that is looked through over IMAP and answered over SMTP (docs/channels/email.md).
//!
//! A mail is kept once under its Message-ID; how far the mailbox was read is kept with what was read, as UIDVALIDITY
//! and UID. Answers go into the customer's thread.

mod auto;
mod imap;
mod mend;
mod quote;
mod read;
mod send;
#[cfg(test)]
mod tests;
mod tls;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Checked, Event, FileKind, Media, Outside, RawEvent, Request, configured,
    files::Takes,
    law::{Law, Pace, Size},
};
use crate::platform::{Error, Result, upload::Incoming};

/// Anything that a mail server takes: most stop at 25 MB, and the encoding adds a third.
pub(super) const TAKES: &[Takes] = &[Takes::of(&["*"], FileKind::Document, 18, usize::MAX)];

/// How often the mailbox is looked at.
pub(super) const LOOKS: Duration = Duration::seconds(30);

/// How a connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Security {
    /// From the first byte.
    #[default]
    Tls,
    Starttls,
    /// Not at all: only to this very machine.
    None,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What customers write to.
    address: String,
    /// As whom they see us.
    #[serde(default)]
    name: Option<String>,
    /// The mail server in one word, `imaps://mail.example.com`: what is not said apart is there.
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    imap_host: String,
    #[serde(default)]
    imap_port: Option<u16>,
    #[serde(default)]
    imap_security: Security,
    #[serde(default)]
    smtp_host: String,
    #[serde(default)]
    smtp_port: Option<u16>,
    #[serde(default)]
    smtp_security: Security,
    /// By default the address.
    #[serde(default)]
    user: String,
    password: String,
    /// When sending asks for others.
    #[serde(default)]
    smtp_user: Option<String>,
    #[serde(default)]
    smtp_password: Option<String>,
    #[serde(default = "inbox")]
    mailbox: String,
    /// As PEM: an authority of one's own that has signed the servers' certificates.
    #[serde(default)]
    ca_certificate: Option<String>,
}

fn inbox() -> String {
    "INBOX".into()
}

impl Config {
    /// Reads `base_url`: receiving goes there, and sending to the same host unless another one is named.
    fn take_base_url(&mut self) -> Result<(), &'static str> {
        let Some(base) = self.base_url.take() else { return Ok(()) };
        let wrong = "base_url is the server to receive from, like imaps://mail.example.com or imap://mail.example.com:143 (STARTTLS)";
        let url = url::Url::parse(base.trim()).map_err(|_| wrong)?;
        let is_bare = url.username().is_empty() && url.password().is_none() && matches!(url.path(), "" | "/");
        self.imap_security = match url.scheme() {
            "imaps" if is_bare => Security::Tls,
            // In plain only to this very machine, when that is asked for.
            "imap" if is_bare && self.imap_security == Security::None => Security::None,
            "imap" if is_bare => Security::Starttls,
            _ => return Err(wrong),
        };
        if !self.imap_host.is_empty() || self.imap_port.is_some() {
            return Err("base_url already says where mails are received: leave imap_host and imap_port out");
        }
        self.imap_host = url.host_str().ok_or(wrong)?.to_string();
        self.imap_port = url.port();
        if self.smtp_host.is_empty() {
            self.smtp_host.clone_from(&self.imap_host);
        }
        Ok(())
    }

    fn imap_port(&self) -> u16 {
        self.imap_port.unwrap_or(if self.imap_security == Security::Tls { 993 } else { 143 })
    }

    fn smtp_port(&self) -> u16 {
        self.smtp_port.unwrap_or(if self.smtp_security == Security::Tls { 465 } else { 587 })
    }
}

/// One mailbox.
#[derive(Clone)]
pub struct Email {
    config: Config,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

impl Email {
    pub(super) fn open(config: &Value) -> Result<Self> {
        let mut config: Config = configured("email", config)?;
        let wrong = |what: &str| Err(Error::Invalid(format!("email channel: {what}")));
        config.take_base_url().map_err(|e| Error::Invalid(format!("email channel: {e}")))?;
        config.address = config.address.trim().to_lowercase();
        if config.address.parse::<lettre::Address>().is_err() {
            return wrong("address is not one like support@example.com");
        }
        for (name, host, security) in
            [("imap", &config.imap_host, config.imap_security), ("smtp", &config.smtp_host, config.smtp_security)]
        {
            let is_name = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
            if !is_name {
                return wrong(&format!("{name}_host is a name like {name}.example.com, without a port"));
            }
            if security == Security::None && !["localhost", "127.0.0.1"].contains(&host.as_str()) {
                return wrong(&format!("{name}_security none is for a server on this machine only"));
            }
        }
        if config.password.is_empty() {
            return wrong("password is empty");
        }
        tls::check(config.ca_certificate.as_deref())?;
        if config.mailbox.is_empty() || config.mailbox.chars().any(char::is_control) {
            return wrong("mailbox is the name of one, like INBOX");
        }
        if config.user.is_empty() {
            config.user.clone_from(&config.address);
        }
        Ok(Self { config })
    }

    fn domain(&self) -> &str {
        self.config.address.split_once('@').map_or("localhost", |(_, domain)| domain)
    }

    /// No window and no quota; a pace, so that two machines that answer each other do it slowly until somebody looks.
    pub(super) fn law(&self) -> Law {
        Law { pace: Some(Pace { burst: 8, every: Duration::minutes(10) }), ..Law::free(Size::Chars(200_000)) }
    }

    /// Nothing is delivered to us: the mailbox is looked at.
    pub(super) fn verify(&self, _request: &Request<'_>, _now: DateTime<Utc>) -> Result<Vec<RawEvent>> {
        Err(Error::NotFound("webhook"))
    }

    pub(super) fn parse(&self, payload: &str) -> Result<Event> {
        read::parse(payload)
    }

    /// What is kept of a mail that lies at `uid` of the mailbox as of `validity`; `None`: it is none, or nobody's.
    /// `is_cut`: these are its headers only.
    pub fn read(&self, mail: &[u8], validity: u32, uid: u32, is_cut: bool) -> Option<RawEvent> {
        let place = read::Place { validity, uid };
        read::take_apart(mail, place, &self.config.address, is_cut)?.raw().ok()
    }

    /// The mailbox, by its name.
    pub(super) fn mailbox(&self) -> &str {
        &self.config.mailbox
    }

    pub(super) async fn download(&self, media: &Media, into: &mut Incoming) -> Result<()> {
        let bytes = self.fetch_attachment(media.id.as_deref().ok_or(Error::NotFound("file"))?).await?;
        into.write(&bytes).await
    }

    pub(super) async fn check(&self, _outside: &Outside, _now: DateTime<Utc>) -> Checked {
        let found = match self.look().await {
            Ok(found) => found,
            Err(e) => return Checked::fails(format!("receiving: {}", e.chain())),
        };
        match self.greet().await {
            Ok(()) => Checked::works(format!("{found} mails in {}; sending works", self.config.mailbox)),
            Err(e) => Checked::fails(format!("receiving works; sending: {}", e.chain())),
        }
    }
}
