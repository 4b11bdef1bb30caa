//! The mailbox: mails are looked at and left as they are, read or unread, so that people may use it too.

use std::time::Duration;

use async_imap::{Client, Session, types::Mailbox};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};

use super::{Email, Security, read, tls};
use crate::{
    channels::{Page, Place, RawEvent},
    platform::{Error, Result},
};

/// How long one step may take.
const STEP: Duration = Duration::from_secs(60);
/// How many mails are fetched before the cursor is kept.
const PAGE: usize = 20;
/// A larger mail is known by its head only.
const LARGEST: u32 = 30 << 20;
/// What was written longer before the channel was connected than this is history.
const NEW: chrono::Duration = chrono::Duration::minutes(10);
/// How far a mailbox is looked through when its numbers begin anew.
const LOOK_BACK: chrono::Duration = chrono::Duration::days(30);

/// What a session runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug> Stream for T {}

type Open = Session<Box<dyn Stream>>;

fn unavailable(what: &'static str, source: impl Into<anyhow::Error>) -> Error {
    Error::Unavailable { service: what, source: source.into() }
}

fn broken(e: async_imap::error::Error) -> Error {
    match e {
        // The server's own words, which name no secret.
        async_imap::error::Error::No(why) | async_imap::error::Error::Bad(why) => {
            Error::Invalid(format!("the mailbox: {}", why.chars().take(200).collect::<String>()))
        }
        other => unavailable("the mail server", other),
    }
}

async fn within<T>(step: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(STEP, step).await.map_err(|e| unavailable("the mail server", e))?
}

impl Email {
    /// Signs in and opens the mailbox to look at it only.
    async fn open_mailbox(&self) -> Result<(Open, Mailbox)> {
        within(async {
            let address = (self.config.imap_host.as_str(), self.config.imap_port());
            let plain = TcpStream::connect(address).await.map_err(|e| unavailable("the mail server", e))?;
            let name = tokio_rustls::rustls::pki_types::ServerName::try_from(self.config.imap_host.clone())
                .map_err(|_| Error::Invalid("email channel: imap_host is no name of a server".into()))?;
            let encrypt = async |stream: TcpStream| {
                let connector = tls::connector(self.config.ca_certificate.as_deref())?;
                let encrypted = connector.connect(name.clone(), stream).await;
                encrypted.map_err(|e| match tls::refused(&e, &self.config.imap_host) {
                    Some(why) => Error::Invalid(why),
                    None => unavailable("the mail server", e),
                })
            };
            let stream: Box<dyn Stream> = match self.config.imap_security {
                Security::Tls => Box::new(encrypt(plain).await?),
                Security::None => Box::new(plain),
                Security::Starttls => {
                    let mut client = Client::new(plain);
                    client.read_response().await?;
                    client.run_command_and_check_ok("STARTTLS", None).await.map_err(broken)?;
                    Box::new(encrypt(client.into_inner()).await?)
                }
            };
            let mut client = Client::new(stream);
            // After STARTTLS the server does not greet again.
            if self.config.imap_security != Security::Starttls && client.read_response().await?.is_none() {
                return Err(unavailable("the mail server", anyhow::anyhow!("it hung up")));
            }
            let signed_in = client.login(&self.config.user, &self.config.password).await;
            let mut session = signed_in.map_err(|(e, _)| broken(e))?;
            let mailbox = session.examine(&self.config.mailbox).await.map_err(broken)?;
            Ok((session, mailbox))
        })
        .await
    }

    /// How many mails the mailbox holds.
    pub(super) async fn look(&self) -> Result<u32> {
        let (mut session, mailbox) = self.open_mailbox().await?;
        let _ = timeout(Duration::from_secs(5), session.logout()).await;
        Ok(mailbox.exists)
    }

    /// One page of mails from the cursor (`validity:uid`) on. Without one, what is newer than the channel.
    pub(in super::super) async fn fetch_page(&self, from: Place<'_>, now: DateTime<Utc>) -> Result<Page> {
        let (mut session, mailbox) = self.open_mailbox().await?;
        let validity = mailbox.uid_validity.unwrap_or_default();
        let known = from.cursor.and_then(cursor).filter(|(of, _)| *of == validity).map(|(_, uid)| uid);
        let query = match known {
            Some(uid) => format!("UID {}:*", uid.saturating_add(1)),
            None => {
                let since = (from.first - chrono::Duration::days(1)).max(now - LOOK_BACK);
                format!("SINCE {}", since.format("%d-%b-%Y"))
            }
        };
        let found = within(async { session.uid_search(&query).await.map_err(broken) }).await?;
        // `n:*` names the last mail even when its number is smaller.
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| known.is_none_or(|k| *uid > k)).collect();
        uids.sort_unstable();
        let has_more = uids.len() > PAGE;
        uids.truncate(PAGE);
        let mut events = Vec::new();
        for uid in &uids {
            events.extend(self.fetch_mail(&mut session, validity, *uid, from.first).await?);
        }
        let _ = timeout(Duration::from_secs(5), session.logout()).await;
        // An empty mailbox has a place too: the next mail is news, whatever the clocks say.
        let start = known.unwrap_or_else(|| mailbox.uid_next.map_or(0, |next| next.saturating_sub(1)));
        let last = uids.last().copied().unwrap_or(start);
        Ok(Page { events, cursor: format!("{validity}:{last}"), has_more })
    }

    async fn fetch_mail(
        &self,
        session: &mut Open,
        validity: u32,
        uid: u32,
        first: DateTime<Utc>,
    ) -> Result<Option<RawEvent>> {
        let Some((size, at)) = facts(session, uid).await? else { return Ok(None) };
        if at.is_some_and(|at| at < first - NEW) {
            return Ok(None);
        }
        let is_cut = size > LARGEST;
        let Some(bytes) = body(session, uid, if is_cut { "BODY.PEEK[HEADER]" } else { "BODY.PEEK[]" }).await? else {
            return Ok(None);
        };
        // A mail that breaks its parser must not keep those behind it from being read; it stays in the mailbox.
        let parsed = std::panic::catch_unwind(|| self.read(&bytes, validity, uid, is_cut));
        if parsed.is_err() {
            tracing::error!(uid, "a mail can't be read and is left in the mailbox");
        }
        Ok(parsed.ok().flatten())
    }

    /// The bytes of an attachment, `validity:uid:part`.
    pub(super) async fn fetch_attachment(&self, id: &str) -> Result<Vec<u8>> {
        let mut numbers = id.split(':').map(str::parse::<u32>);
        let (Some(Ok(validity)), Some(Ok(uid)), Some(Ok(part))) = (numbers.next(), numbers.next(), numbers.next())
        else {
            return Err(Error::NotFound("file"));
        };
        let (mut session, mailbox) = self.open_mailbox().await?;
        if mailbox.uid_validity != Some(validity) {
            return Err(Error::Invalid("the mailbox was built anew: the mail can't be found in it".into()));
        }
        let bytes = body(&mut session, uid, "BODY.PEEK[]").await?;
        let _ = timeout(Duration::from_secs(5), session.logout()).await;
        let bytes = bytes.ok_or_else(|| Error::Invalid("the mail is no longer in the mailbox".into()))?;
        read::attachment(&bytes, part as usize).ok_or(Error::NotFound("file"))
    }
}

/// The size of a mail and when the server took it.
async fn facts(session: &mut Open, uid: u32) -> Result<Option<(u32, Option<DateTime<Utc>>)>> {
    within(async {
        let stream = session.uid_fetch(uid.to_string(), "(UID RFC822.SIZE INTERNALDATE)").await.map_err(broken)?;
        let all: Vec<_> = stream.try_collect().await.map_err(broken)?;
        let found = all.into_iter().find(|f| f.uid == Some(uid));
        Ok(found.map(|f| (f.size.unwrap_or_default(), f.internal_date().map(|d| d.with_timezone(&Utc)))))
    })
    .await
}

async fn body(session: &mut Open, uid: u32, what: &str) -> Result<Option<Vec<u8>>> {
    within(async {
        let stream = session.uid_fetch(uid.to_string(), format!("(UID {what})")).await.map_err(broken)?;
        let all: Vec<_> = stream.try_collect().await.map_err(broken)?;
        let found = all.iter().find(|f| f.uid == Some(uid));
        Ok(found.and_then(|f| f.body().or_else(|| f.header())).map(<[u8]>::to_vec))
    })
    .await
}

fn cursor(text: &str) -> Option<(u32, u32)> {
    let (validity, uid) = text.split_once(':')?;
    Some((validity.parse().ok()?, uid.parse().ok()?))
}
