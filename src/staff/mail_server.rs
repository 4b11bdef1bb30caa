//! The server that sends our mails: chosen in the console, unless the configuration says so already.
//!
//! One for all organisations, kept with the default one: who forgot their password has not said yet where they work.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use utoipa::ToSchema;

use super::{
    DEFAULT_ORG, audit, difference,
    organisation::{find_org, is_default_org},
    principal::By,
    store,
};
use crate::{
    app::{App, config::Secret},
    platform::{
        Error, Result,
        mail::{self, Mail},
    },
};

const KEY: &str = "mail_server";
/// What the password is sealed for.
const SEALED_FOR: &str = "mail_server.password";
/// Who writes where nobody was named.
const NOBODY: &str = "frontdesk@localhost";

/// How the way to the mail server is kept secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// From the first byte.
    #[default]
    Tls,
    /// Asked for before anything is said.
    Starttls,
    /// Not at all: for a server in the same house.
    None,
}

/// As it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    host: String,
    port: u16,
    security: MailSecurity,
    user: String,
    /// Sealed.
    password: Option<String>,
    from: String,
}

/// Who says which server sends the mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSource {
    Nobody,
    Console,
    /// The configuration file or the environment, which go before.
    Configuration,
}

/// The server that sends our mails. Its password is never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MailSettings {
    pub source: MailSource,
    /// Whether the asker may change it here.
    pub is_editable: bool,
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    pub user: String,
    pub has_password: bool,
    /// The address that stands as the sender.
    pub from: String,
}

/// Which server is to send our mails.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailChange {
    /// Empty: none.
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    #[serde(default)]
    pub user: String,
    /// Absent: the kept one stays, as long as host and user do. Empty: none.
    #[schema(format = Password)]
    pub password: Option<String>,
    #[serde(default)]
    pub from: String,
}

/// What a mail is sent over, and from whom.
pub struct MailServer {
    url: Secret,
    from: String,
}

impl MailServer {
    /// Sends a mail in plain text.
    pub async fn send(&self, to: &[String], subject: &str, text: String) -> Result<()> {
        mail::send(self.url.expose(), Mail { from: &self.from, to, subject, text }).await
    }
}

impl Kept {
    /// As one address, like the configuration's.
    fn url(&self, app: &App) -> Result<Secret> {
        let wrong = || Error::Invalid("host: this is no name of a server".into());
        let (scheme, query) = match self.security {
            MailSecurity::Tls => ("smtps", None),
            MailSecurity::Starttls => ("smtp", Some("tls=required")),
            MailSecurity::None => ("smtp", None),
        };
        let mut url = Url::parse(&format!("{scheme}://{}:{}", self.host, self.port)).map_err(|_| wrong())?;
        if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") || !url.username().is_empty() {
            return Err(wrong());
        }
        url.set_query(query);
        if !self.user.is_empty() {
            url.set_username(&self.user).map_err(|()| wrong())?;
            if let Some(sealed) = &self.password {
                let password = String::from_utf8(app.key.open(SEALED_FOR, sealed)?).map_err(Error::internal)?;
                url.set_password(Some(&password)).map_err(|()| wrong())?;
            }
        }
        Ok(Secret::new(url.to_string()))
    }

    /// For the audit log: that the password changed, not to what.
    fn shown(&self) -> Value {
        json!({"host": self.host, "port": self.port, "security": self.security, "user": self.user, "from": self.from,
               "password": self.password})
    }
}

async fn load(app: &App) -> Result<Option<Kept>> {
    let Some(org) = find_org(app, DEFAULT_ORG).await? else { return Ok(None) };
    let found = store::find_config(app.read().await?.conn(), org.id, KEY).await?;
    let kept: Option<Kept> = found.map(|v| serde_json::from_value(v.0)).transpose()?;
    Ok(kept.filter(|k| !k.host.is_empty()))
}

/// The server that sends our mails, if there is one.
pub async fn mail_server(app: &App) -> Result<Option<MailServer>> {
    let file = &app.config.notify;
    if let Some(url) = &file.smtp_url {
        let from = file.email_from.clone().unwrap_or_else(|| NOBODY.into());
        return Ok(Some(MailServer { url: url.clone(), from }));
    }
    let Some(kept) = load(app).await? else { return Ok(None) };
    let from = if kept.from.is_empty() { NOBODY.to_owned() } else { kept.from.clone() };
    Ok(Some(MailServer { url: kept.url(app)?, from }))
}

/// The server that sends our mails, as its settings page shows it; to other organisations than the default one, only
/// that there is one.
pub async fn find(app: &App, by: &By) -> Result<MailSettings> {
    let settings = described(app).await?;
    if !is_default_org(app, by.org).await? {
        let source = settings.source;
        return Ok(MailSettings { source, is_editable: false, ..described_as(Kept::default()) });
    }
    Ok(settings)
}

fn described_as(kept: Kept) -> MailSettings {
    MailSettings {
        source: MailSource::Console,
        is_editable: true,
        has_password: kept.password.is_some(),
        host: kept.host,
        port: kept.port,
        security: kept.security,
        user: kept.user,
        from: kept.from,
    }
}

async fn described(app: &App) -> Result<MailSettings> {
    let file = &app.config.notify;
    if let Some(url) = &file.smtp_url {
        let url = Url::parse(url.expose()).ok();
        let text = |of: Option<&str>| of.unwrap_or_default().to_owned();
        let is_tls = url.as_ref().is_some_and(|u| u.scheme() == "smtps");
        let has_query = url.as_ref().is_some_and(|u| u.query().is_some());
        return Ok(MailSettings {
            source: MailSource::Configuration,
            is_editable: false,
            host: text(url.as_ref().and_then(Url::host_str)),
            port: url.as_ref().and_then(Url::port).unwrap_or(if is_tls { 465 } else { 25 }),
            security: match (is_tls, has_query) {
                (true, _) => MailSecurity::Tls,
                (false, true) => MailSecurity::Starttls,
                (false, false) => MailSecurity::None,
            },
            user: text(url.as_ref().map(Url::username)),
            has_password: url.as_ref().is_some_and(|u| u.password().is_some()),
            from: text(file.email_from.as_deref()),
        });
    }
    Ok(match load(app).await? {
        Some(kept) => described_as(kept),
        None => MailSettings { source: MailSource::Nobody, ..described_as(Kept { port: 465, ..Kept::default() }) },
    })
}

/// Says which server sends our mails, from now on.
pub async fn save(app: &App, by: &By, change: MailChange) -> Result<MailSettings> {
    if app.config.notify.smtp_url.is_some() {
        return Err(Error::Conflict(
            "the mail server stands in the configuration file or the environment, which go before: change it there"
                .into(),
        ));
    }
    if !is_default_org(app, by.org).await? {
        return Err(Error::Conflict(
            "the mail server serves every organisation of this installation: it is set in the default one".into(),
        ));
    }
    let before = load(app).await?.unwrap_or_default();
    let (host, user) = (change.host.trim().to_owned(), change.user.trim().to_owned());
    let password = match change.password {
        Some(text) if text.is_empty() => None,
        Some(text) => Some(app.key.seal(SEALED_FOR, text.as_bytes())?),
        // To another server nobody's password goes by itself.
        None => before.password.clone().filter(|_| host == before.host && user == before.user),
    };
    let from = change.from.trim().to_owned();
    let after = Kept { host, port: change.port, security: change.security, user, password, from };
    if !after.host.is_empty() {
        mail::check_url(after.url(app)?.expose())
            .map_err(|_| Error::Invalid("host, port: not a mail server".into()))?;
    }
    if !after.from.is_empty() {
        mail::check_address(&after.from).map_err(|e| Error::Invalid(format!("from: {e}")))?;
    }
    let now = app.now();
    let mut tx = app.begin().await?;
    store::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&after)?, by.user, now).await?;
    let told = difference(Some(&before.shown()), Some(&after.shown()));
    audit(tx.conn(), now, by, "settings.mail_server", ("organization", by.org.0), told).await?;
    tx.commit().await?;
    find(app, by).await
}

/// Sends the asker a mail, to see whether the mail server works.
pub async fn test(app: &App, by: &By) -> Result<()> {
    let server = mail_server(app).await?.ok_or_else(|| Error::Conflict("no mail server is set up".into()))?;
    let user = super::user::find(app, by, by.person()?).await?;
    let text = "This is a test of Frontdesk's mail settings.\n这是一封测试邮件。\n";
    server.send(&[user.email], "Frontdesk: mail works · 邮件已可用", text.into()).await
}
