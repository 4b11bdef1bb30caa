//! Whom we call outside the console when a customer waits too long: mailboxes and a group robot.

use std::collections::HashSet;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::types::Json;
use utoipa::ToSchema;

use crate::{
    app::{
        App, OrgId,
        config::{Secret, WebhookKind},
    },
    platform::{Error, Result, db::Conn, mail, net},
    staff::{self, By, audit, difference},
};

/// Under which key they stand.
const KEY: &str = "away";
/// What the robot's address is sealed for.
const SEALED_FOR: &str = "away.robot_url";
/// How long a customer waits before anybody is called, unless somebody says otherwise.
const AFTER_MINUTES: i64 = 3;
/// The most mailboxes, and the longest wait: a day.
const MOST_MAILBOXES: usize = 50;
const LONGEST_MINUTES: i64 = 24 * 60;

/// As they are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    after_minutes: i64,
    mail_to: Vec<String>,
    /// Sealed.
    robot_url: Option<String>,
    robot_kind: WebhookKind,
}

impl Default for Kept {
    fn default() -> Self {
        Self { after_minutes: AFTER_MINUTES, mail_to: Vec::new(), robot_url: None, robot_kind: WebhookKind::default() }
    }
}

/// Whom we call outside the console. The robot's address is never shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AwayChannels {
    /// How long nobody has taken a waiting conversation when they are called; 0 = at once.
    pub after_minutes: i64,
    pub mail_to: Vec<String>,
    pub has_robot: bool,
    pub robot_kind: WebhookKind,
    /// The mailboxes stand in the configuration, which goes before.
    pub is_mail_configured: bool,
    /// So does the robot.
    pub is_robot_configured: bool,
}

/// Whom we are to call outside the console.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AwayChange {
    pub after_minutes: i64,
    #[serde(default)]
    pub mail_to: Vec<String>,
    /// Absent: the kept one stays. Empty: none.
    #[schema(format = Password)]
    pub robot_url: Option<String>,
    #[serde(default)]
    pub robot_kind: WebhookKind,
}

/// Whom we call, what the configuration says going before.
pub(super) struct Away {
    pub after: Duration,
    pub mail_to: Vec<String>,
    robot: Option<(Address, WebhookKind)>,
}

/// Where a robot is.
enum Address {
    Plain(Secret),
    /// It is opened only to be called: one that does not open stops nothing else.
    Sealed(String),
}

impl Away {
    /// The group robot, if there is one.
    pub fn robot(&self, app: &App) -> Result<Option<(Secret, WebhookKind)>> {
        let Some((address, kind)) = &self.robot else { return Ok(None) };
        let url = match address {
            Address::Plain(url) => url.clone(),
            Address::Sealed(text) => {
                // Trying again would not help: whoever reads this enters it anew.
                let lost = |_| Error::Conflict("the robot's address can't be read: enter it again".into());
                let bytes = app.key.open(SEALED_FOR, text).map_err(lost)?;
                Secret::new(String::from_utf8(bytes).map_err(Error::internal)?)
            }
        };
        Ok(Some((url, *kind)))
    }
}

fn kept(found: Option<Json<Value>>) -> Kept {
    // What another program wrote and makes no sense here must not stop the inbox.
    found.and_then(|v| serde_json::from_value(v.0).ok()).unwrap_or_default()
}

async fn load_kept(c: Conn<'_>, org: OrgId) -> Result<Kept> {
    Ok(kept(staff::find_config(c, org, KEY).await?))
}

/// How long nobody may have taken what waits before anybody is called.
pub(super) async fn after(c: Conn<'_>, org: OrgId) -> Result<Duration> {
    Ok(Duration::minutes(load_kept(c, org).await?.after_minutes))
}

/// Whom we call in an organisation.
pub(super) async fn load(app: &App, org: OrgId) -> Result<Away> {
    let kept = load_kept(app.read().await?.conn(), org).await?;
    let file = &app.config.notify;
    let robot = match (&file.webhook_url, &kept.robot_url) {
        (Some(url), _) => Some((Address::Plain(url.clone()), file.webhook_kind)),
        (None, Some(sealed)) => Some((Address::Sealed(sealed.clone()), kept.robot_kind)),
        (None, None) => None,
    };
    let mail_to = if file.email_to.is_empty() { kept.mail_to } else { file.email_to.clone() };
    Ok(Away { after: Duration::minutes(kept.after_minutes), mail_to, robot })
}

/// Whom we call, as its settings page shows it.
pub async fn find(app: &App, by: &By) -> Result<AwayChannels> {
    let kept = load_kept(app.read().await?.conn(), by.org).await?;
    let away = load(app, by.org).await?;
    let file = &app.config.notify;
    Ok(AwayChannels {
        after_minutes: kept.after_minutes,
        mail_to: away.mail_to,
        has_robot: away.robot.is_some(),
        robot_kind: away.robot.map_or(kept.robot_kind, |(_, kind)| kind),
        is_mail_configured: !file.email_to.is_empty(),
        is_robot_configured: file.webhook_url.is_some(),
    })
}

/// Says whom we call.
pub async fn save(app: &App, by: &By, change: AwayChange) -> Result<AwayChannels> {
    if !(0..=LONGEST_MINUTES).contains(&change.after_minutes) {
        return Err(Error::Invalid(format!("after_minutes: 0 to {LONGEST_MINUTES}")));
    }
    let mut mail_to: Vec<String> = change.mail_to.iter().map(|a| a.trim().to_lowercase()).collect();
    let mut seen = HashSet::new();
    mail_to.retain(|a| !a.is_empty() && seen.insert(a.clone()));
    if mail_to.len() > MOST_MAILBOXES {
        return Err(Error::Invalid(format!("mail_to: at most {MOST_MAILBOXES}")));
    }
    for address in &mail_to {
        mail::check_address(address).map_err(|e| Error::Invalid(format!("mail_to: {e}")))?;
    }
    let now = app.now();
    let mut tx = app.begin().await?;
    let before = kept(staff::lock_config(tx.conn(), by.org, KEY).await?);
    let robot_url = match change.robot_url.as_deref().map(str::trim) {
        None => before.robot_url.clone(),
        Some("") => None,
        Some(text) => {
            // The address is a secret: it is not repeated.
            if !net::is_web_address(text) {
                return Err(Error::Invalid("robot_url: not an address like https://example.com/hook".into()));
            }
            Some(app.key.seal(SEALED_FOR, text.as_bytes())?)
        }
    };
    let after = Kept { after_minutes: change.after_minutes, mail_to, robot_url, robot_kind: change.robot_kind };
    staff::save_config(tx.conn(), by.org, KEY, &serde_json::to_value(&after)?, by.user, now).await?;
    let told = difference(Some(&shown(&before)), Some(&shown(&after)));
    audit(tx.conn(), now, by, "settings.away_channels", ("organization", by.org.0), told).await?;
    tx.commit().await?;
    find(app, by).await
}

/// For the audit log: that the robot's address changed, not to what.
fn shown(kept: &Kept) -> Value {
    json!({"after_minutes": kept.after_minutes, "mail_to": kept.mail_to, "robot_kind": kept.robot_kind,
           "robot_url_hash": kept.robot_url})
}
