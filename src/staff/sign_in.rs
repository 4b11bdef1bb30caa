//! Signing in with e-mail and password, and out again.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    SESSION_LIFETIME, Session, audit, password,
    principal::{By, Rights},
    refresh::Tokens,
    second_factor, store,
};
use crate::{
    app::{App, Job, OrgId, SessionId, UserId},
    platform::{Error, Result, crypto, db::Conn, http, throttle::Patience},
};

/// Someone guessing from one address.
pub(super) const FROM_ONE_PLACE: Patience =
    Patience { free: 5, first: Duration::seconds(2), longest: Duration::minutes(15) };
/// Many guessing together: slow enough to be hopeless, short enough that the real one gets in.
const FROM_EVERYWHERE: Patience = Patience { free: 50, first: Duration::seconds(1), longest: Duration::seconds(10) };

/// What someone types to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub email: String,
    #[schema(format = Password)]
    pub password: String,
    /// The organisation's slug; needed only if the address exists in several with the same password.
    pub organization: Option<String>,
    /// Of the second factor, or a recovery code; needed when `second_factor` was answered without it.
    pub code: Option<String>,
}

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

impl FromRequestParts<Arc<App>> for Origin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        Ok(Self::of(parts, app))
    }
}

impl Origin {
    /// Of a request.
    pub(super) fn of(parts: &Parts, app: &App) -> Self {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok());
        Self {
            ip: http::client_address(parts, &app.config.server.trusted_proxies),
            user_agent: agent.map(|v| v.chars().take(300).collect()),
        }
    }
}

/// A session that was just opened; the token is shown here and nowhere else.
#[derive(Debug, Clone)]
pub struct Opened {
    pub token: String,
    pub expires_at: DateTime<Utc>,
    pub by: By,
}

impl Opened {
    /// What a browser is given of the session.
    pub fn tokens(&self, app: &App) -> Result<Tokens> {
        let session = self.by.session.ok_or(Error::SignedOut)?;
        Tokens::of(app, session, FIRST_GENERATION, app.now())
    }
}

/// Whose refresh token was replaced never.
const FIRST_GENERATION: i64 = 1;

/// Opens a session for who knows the password.
pub async fn sign_in(app: &App, credentials: Credentials, from: Origin) -> Result<Opened> {
    let now = app.now();
    let email = super::user::email(&credentials.email)?;
    let place = format!("sign-in|{email}|{}", from.ip.as_deref().unwrap_or("-"));
    let everywhere = format!("sign-in|{email}");
    let keys = [(place.as_str(), FROM_ONE_PLACE), (everywhere.as_str(), FROM_EVERYWHERE)];
    let attempt = app.sign_ins.attempt(&app.db, &keys, now).await?;

    let known = store::password_hashes(app.read().await?.conn(), &email, credentials.organization.as_deref()).await?;
    let mut fitting = Vec::new();
    if known.is_empty() {
        password::fits(&credentials.password, None).await?;
    }
    for (org, user, hash) in known {
        if password::fits(&credentials.password, Some(hash)).await? {
            fitting.push((org, user));
        }
    }
    let (org, user) = match fitting.as_slice() {
        [] => {
            attempt.failed(&app.db).await?;
            return Err(Error::Invalid("the e-mail address or the password is wrong".into()));
        }
        [one] => *one,
        _ => {
            attempt.failed(&app.db).await?;
            return Err(Error::Conflict("this address is known to several organisations: say which".into()));
        }
    };
    attempt.succeeded(&app.db).await?;
    second_factor::pass(app, org, user, credentials.code.as_deref()).await?;

    let mut tx = app.begin().await?;
    let opened = open(tx.conn(), org, user, from, now).await?;
    audit(tx.conn(), now, &opened.by, "session.sign_in", ("user", user.0), json!({})).await?;
    store::note_sign_in(tx.conn(), user, now).await?;
    tx.commit().await?;
    Ok(opened)
}

/// Opens a session for a user, on the caller's transaction.
pub(super) async fn open(c: Conn<'_>, org: OrgId, user: UserId, from: Origin, now: DateTime<Utc>) -> Result<Opened> {
    let mut c = c;
    let token = format!("fs_{}", crypto::token());
    let (id, expires_at) = (SessionId::new(), now + SESSION_LIFETIME);
    let hash = crypto::sha256_hex(token.as_bytes());
    store::insert_session(c.again(), id, (org, user), &hash, &from, now, expires_at).await?;
    // Whoever comes may be given what waits.
    Job::GiveOut { org }.push(c.again(), org, now).await?;
    let session = store::session_by_hash(c.again(), &hash, now).await?.ok_or(Error::SignedOut)?;
    let mut by = signed_in(c, &session).await?;
    (by.ip, by.user_agent) = (from.ip, from.user_agent);
    Ok(Opened { token, expires_at, by })
}

/// Who comes by a session. Who owes a second factor may do nothing but set it up.
pub(super) async fn signed_in(c: Conn<'_>, session: &Session) -> Result<By> {
    let (rights, rank): (Rights, i32) = match session.owes_factor {
        false => store::rights(c, session.org_id, session.user_id).await?,
        true => (Rights::new(), 0),
    };
    let mut by = By::user(session.org_id, session.user_id, rights, rank);
    (by.session, by.owes_factor) = (Some(session.id), session.owes_factor);
    Ok(by)
}

/// Ends the session that was shown; API keys and the command line have none to end.
pub async fn sign_out(app: &App, by: &By) -> Result<()> {
    let Some(session) = by.session else {
        return Ok(());
    };
    let mut tx = app.begin().await?;
    store::delete_session(tx.conn(), session).await?;
    let ended = ("session", session.0);
    audit(tx.conn(), app.now(), by, "session.sign_out", ended, json!({})).await?;
    tx.commit().await
}
