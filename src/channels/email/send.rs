//! Mails to customers: in their thread, under an id that was made before, marked as automatic when the assistant writes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::{
    Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::AsyncSmtpConnection,
        extension::ClientId,
    },
};
use serde_json::Value;

use super::{
    super::{Body, Failure, Outbound, Outside, Sent},
    Email, Security, tls,
};
use crate::platform::{Error, Result};

const TIMEOUT: Duration = Duration::from_secs(60);
/// How soon a refusal that may pass is tried again.
const LATER: chrono::Duration = chrono::Duration::minutes(5);

impl Email {
    /// A connection on which mails can be sent. Nothing was sent when this fails.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let config = &self.config;
        let retry = |why: String| Failure::Retry(why, Some(LATER));
        let hello = ClientId::Domain(self.domain().to_string());
        let parameters = || {
            tls::parameters(&config.smtp_host, config.ca_certificate.as_deref())
                .map_err(|e| Failure::Stop(e.to_string()))
        };
        // Only a person can mend a certificate.
        let broken = |what: &str, e: &lettre::transport::smtp::Error| match tls::refused(e, &config.smtp_host) {
            Some(why) => Failure::Stop(why),
            None => retry(explain(what, e)),
        };
        let at_once = (config.smtp_security == Security::Tls).then(parameters).transpose()?;
        let address = (config.smtp_host.as_str(), config.smtp_port());
        let connected = AsyncSmtpConnection::connect_tokio1(address, Some(TIMEOUT), &hello, at_once, None).await;
        let mut connection = connected.map_err(|e| broken("the mail server can't be reached", &e))?;
        if config.smtp_security == Security::Starttls {
            if !connection.can_starttls() {
                return Err(Failure::Stop("the mail server offers no encryption (STARTTLS)".into()));
            }
            let upgraded = connection.starttls(parameters()?, &hello).await;
            upgraded.map_err(|e| broken("the connection could not be encrypted", &e))?;
        }
        if !config.password.is_empty() {
            let user = config.smtp_user.as_ref().unwrap_or(&config.user);
            let password = config.smtp_password.as_ref().unwrap_or(&config.password);
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|e| match e.is_permanent() {
                true => Failure::Stop(explain("the mail server does not take the user and the password", &e)),
                false => retry(explain("the mail server did not let us in", &e)),
            })?;
        }
        Ok(connection)
    }

    /// Whether mails could be sent.
    pub(super) async fn greet(&self) -> Result<()> {
        let mut connection = self.connect().await.map_err(|f| Error::Invalid(f.why().to_string()))?;
        let _ = connection.quit().await;
        Ok(())
    }

    pub(in super::super) async fn send(&self, _outside: &Outside, m: &Outbound, now: DateTime<Utc>) -> Sent {
        let message = match self.write(m, now).await {
            Ok(message) => message,
            Err(why) => return Sent::Failed(Failure::Never(why)),
        };
        let mut connection = match self.connect().await {
            Ok(connection) => connection,
            Err(failure) => return Sent::Failed(failure),
        };
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        let _ = tokio::time::timeout(Duration::from_secs(5), connection.quit()).await;
        match sent {
            Ok(_) => Sent::Accepted(Some(self.message_id(m))),
            Err(e) if e.is_permanent() => Sent::Failed(Failure::Never(explain("the mail server refused the mail", &e))),
            Err(e) if e.is_transient() => {
                Sent::Failed(Failure::Retry(explain("the mail server wants it later", &e), Some(LATER)))
            }
            // The connection broke with the mail on its way: nobody knows whether it was taken.
            Err(e) => Sent::Unknown(explain("the mail server did not say whether it took the mail", &e), false),
        }
    }

    /// Our id of a mail: the part's, so that it is the same whenever it is made.
    pub(super) fn message_id(&self, m: &Outbound) -> String {
        format!("{}@{}", m.id, self.domain())
    }

    pub(super) async fn write(&self, m: &Outbound, now: DateTime<Utc>) -> Result<Message, String> {
        let own = self.config.address.parse().map_err(|_| "the channel's address is none".to_string())?;
        let to = m.recipient.id.parse().map_err(|_| "the customer's address is none".to_string())?;
        let of = |pointer: &str| m.about.as_ref().and_then(|a| a.pointer(pointer));
        let subject = of("/mail/subject").and_then(Value::as_str).unwrap_or_default();
        let mut message = Message::builder()
            .from(Mailbox::new(self.config.name.clone(), own))
            .to(Mailbox::new(None, to))
            .subject(self.subject(subject))
            .date(now.into())
            .message_id(Some(format!("<{}>", self.message_id(m))));
        let references: Vec<String> = of("/mail/references")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|id| Some(format!("<{}>", id.as_str()?)))
            .filter(|id| !id.contains(['\r', '\n', ' ']))
            .collect();
        if let Some(last) = references.last() {
            message = message.in_reply_to(last.clone()).references(references.join(" "));
        }
        let (text, file) = match &m.body {
            Body::Text { text } => (text, None),
            Body::File { file, text, .. } => (text, Some(file)),
            _ => return Err("this kind of message is not sent by e-mail".into()),
        };
        let plain = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text.clone());
        let built = match file {
            None => message.singlepart(plain),
            Some(file) => {
                let path = m.file.as_deref().ok_or("the file can't be read")?;
                let bytes = tokio::fs::read(path).await.map_err(|_| "the file can't be read".to_string())?;
                let kind = ContentType::parse(&file.mime_type).map_err(|_| "the file's type is none".to_string())?;
                let attached = Attachment::new(file.name.clone()).body(bytes, kind);
                message.multipart(MultiPart::mixed().singlepart(plain).singlepart(attached))
            }
        };
        let mut built = built.map_err(|_| "the mail can't be written".to_string())?;
        let mut header = |name: &'static str, value: &str| {
            let name = HeaderName::new_from_ascii_str(name);
            built.headers_mut().insert_raw(HeaderValue::new(name, value.to_string()));
        };
        // Machines that answer by themselves leave these alone.
        header("X-Auto-Response-Suppress", "All");
        if m.by == "assistant" {
            header("Auto-Submitted", "auto-replied");
        }
        Ok(built)
    }

    /// An answer's subject: the customer's, once marked as answered; or the shop's own.
    fn subject(&self, theirs: &str) -> String {
        let theirs = theirs.trim();
        if theirs.is_empty() {
            return self.config.name.clone().unwrap_or_else(|| self.config.address.clone());
        }
        let lower = theirs.to_lowercase();
        let is_marked = ["re:", "re：", "回复:", "回复：", "答复:", "答复：", "回覆:", "回覆："]
            .iter()
            .any(|p| lower.starts_with(p));
        if is_marked { theirs.to_string() } else { format!("Re: {theirs}") }
    }
}

/// What the server said, without addresses of ours.
fn explain(what: &str, e: &lettre::transport::smtp::Error) -> String {
    match e.status() {
        Some(code) => format!("{what} ({code})"),
        None if e.is_timeout() => format!("{what} (no answer in time)"),
        None => what.to_string(),
    }
}
