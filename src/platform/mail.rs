//! Sending a mail over SMTP.

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};

use super::error::{Error, Result};

/// A mail in plain text.
#[derive(Debug, Clone)]
pub struct Mail<'a> {
    pub from: &'a str,
    pub to: &'a [String],
    pub subject: &'a str,
    pub text: String,
}

/// Whether `url` is an address that [`send`] takes.
pub fn check_url(url: &str) -> Result<()> {
    transport(url).map(|_| ())
}

/// Whether mail can be addressed to, or come from, `address`.
pub fn check_address(address: &str) -> Result<()> {
    mailbox(address).map(|_| ())
}

fn mailbox(text: &str) -> Result<Mailbox> {
    text.parse().map_err(|_| Error::Invalid(format!("{text} is not a mail address")))
}

fn transport(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| Error::Invalid("notify.smtp_url is not an address like smtps://user:password@host:465".into()))?;
    Ok(builder.build())
}

/// Sends a mail over the server at `url`, like `smtps://user:password@host:465`.
pub async fn send(url: &str, mail: Mail<'_>) -> Result<()> {
    let mut message =
        Message::builder().from(mailbox(mail.from)?).subject(mail.subject).header(ContentType::TEXT_PLAIN);
    for to in mail.to {
        message = message.to(mailbox(to)?);
    }
    let message = message.body(mail.text).map_err(Error::internal)?;
    match transport(url)?.send(message).await {
        Ok(_) => Ok(()),
        Err(e) => Err(Error::Unavailable { service: "the mail server", source: e.into() }),
    }
}
