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

/// Sends a mail over the server at `url`, like `smtps://user:password@host:465`.
pub async fn send(url: &str, mail: Mail<'_>) -> Result<()> {
    let address =
        |text: &str| text.parse::<Mailbox>().map_err(|_| Error::Invalid(format!("{text} is not a mail address")));
    let mut message =
        Message::builder().from(address(mail.from)?).subject(mail.subject).header(ContentType::TEXT_PLAIN);
    for to in mail.to {
        message = message.to(address(to)?);
    }
    let message = message.body(mail.text).map_err(Error::internal)?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| Error::Invalid("notify.smtp_url is not an address like smtps://user:password@host:465".into()))?
        .build();
    match transport.send(message).await {
        Ok(_) => Ok(()),
        Err(e) => Err(Error::Unavailable { service: "the mail server", source: e.into() }),
    }
}
